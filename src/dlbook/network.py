"""Sections 6.0 and 6.4: a feedforward network as a chain of layers.

Look at :meth:`Layer.__call__` first: one line, Equation 6.36. A :class:`Network` applies its
layers one after the other; the graph it returns is like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from dlbook.graph import Variable, variable


class Layer:
    """An affine transformation and an activation, h = g(W^T x + b) (Equation 6.36).

    Parameters
    ----------
    in_size : int
        Length of the vector that comes in.
    out_size : int or "scalar"
        Length of the vector that goes out; ``"scalar"`` for a single number, whose weights are
        then a vector.
    activation : function of Variable, optional
        The function g; without it the layer is linear.
    names : tuple of str
        What the weights, the biases and the output are called: the book's names, if it has any.
    dtype : NumPy dtype
        Of weights and biases: float64 or float32.

    Attributes
    ----------
    weights : Variable
        Shape ``(in_size, out_size)``, or ``(in_size,)``.
    biases : Variable
        Shape ``(out_size,)``, or ``()``.

    Raises
    ------
    ValueError
        If a size is no positive whole number, or there are not three names.
    TypeError
        If the activation is no function.
    """

    def __init__(
        self,
        in_size: int,
        out_size: int | Literal["scalar"],
        activation: Callable[[Variable], Variable] | None = None,
        names: tuple[str, str, str] = ("W", "b", "h"),
        dtype: Any = np.float64,
    ):
        if activation is not None and not callable(activation):
            raise TypeError(f"layer: the activation must be a function, got {activation!r}")
        if len(names) != 3:
            raise ValueError(f"layer: weights, biases and output need three names, got {names!r}")
        for size in (in_size, out_size):
            whole = isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0
            if not whole and (size is in_size or size != "scalar"):
                raise ValueError(
                    f"layer: sizes must be positive whole numbers, the second may be 'scalar'; got "
                    f"{in_size!r} and {out_size!r}"
                )
        self.in_size, self.out_size, self.activation = in_size, out_size, activation
        self.names = names
        outputs = () if out_size == "scalar" else (out_size,)
        self.weights = variable(names[0], (in_size, *outputs), dtype)
        self.biases = variable(names[1], outputs, dtype)

    def __call__(self, H: Variable) -> Variable:
        """Apply the layer to a design matrix of shape ``(m, in_size)``."""
        Z = H @ self.weights + self.biases
        return (Z if self.activation is None else self.activation(Z)).named(self.names[2])

    @property
    def width(self) -> int:
        """The number of units."""
        return 1 if self.out_size == "scalar" else self.out_size


class Network:
    """A chain of layers, f(x) = f3(f2(f1(x))) (Section 6.0).

    Parameters
    ----------
    *layers : Layer
        From the first hidden layer to the output layer.

    Raises
    ------
    ValueError
        If there is no layer, or one does not take what the one before it gives.
    """

    def __init__(self, *layers: Layer):
        if not layers:
            raise ValueError("network: at least one layer is needed")
        for number, (first, second) in enumerate(pairwise(layers), start=1):
            if first.width != second.in_size or first.out_size == "scalar":
                raise ValueError(
                    f"network: layer {number} gives {first.out_size}, but layer {number + 1} "
                    f"takes {second.in_size}"
                )
        self.layers = layers

    def __call__(self, X: Variable) -> Variable:
        """Apply the network to a design matrix of shape ``(m, in_size)``."""
        for layer in self.layers:
            X = layer(X)
        return X

    @property
    def parameters(self) -> list[Variable]:
        """Weights and biases of all layers, from the first to the last."""
        # A layer that occurs twice has its parameters once.
        return list(dict.fromkeys(V for la in self.layers for V in (la.weights, la.biases)))

    @property
    def depth(self) -> int:
        """The length of the chain: the number of layers (Section 6.0)."""
        return len(self.layers)

    def initial_values(self, rng: np.random.Generator) -> dict[Variable, np.ndarray]:
        """Draw small random weights and set the biases to zero (Section 6.2).

        The weights are normal with standard deviation 1 / sqrt(in_size), so that a unit's
        pre-activation neither grows nor shrinks with the number of its inputs.
        """
        values = {}
        for layer in self.layers:
            draw = rng.normal(0.0, layer.in_size**-0.5, layer.weights.shape)
            values[layer.weights] = draw.astype(layer.weights.dtype)
            values[layer.biases] = np.zeros(layer.biases.shape, layer.biases.dtype)
        return values
