"""Sections 6.0, 6.3 and 6.4: a feedforward network as a chain of layers.

Look at :meth:`Layer.__call__` first: Equation 6.36 in one line. A :class:`Network` applies its
layers one after the other; the graph it returns is like any other. :func:`MLP` makes one from a
short description.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from dlbook import hidden_units
from dlbook.checks import check_rng, known, real_number, shape_text, whole_number
from dlbook.graph import Variable, variable
from dlbook.hidden_units import HiddenUnit
from dlbook.operations import transpose
from dlbook.showing import as_typed, lines_of

Values = dict[Variable, np.ndarray]
Unit = str | HiddenUnit | Callable[[Variable], Variable] | None
Scheme = Literal["lecun", "glorot", "he"]


class Layer:
    """An affine transformation and hidden units, h = g(W^T x + b) (Equation 6.36).

    Parameters
    ----------
    in_size : int
        Length of the vector that comes in.
    out_size : int or "scalar"
        The number of units; ``"scalar"`` for a single number, whose weights are then a vector.
    activation : name, HiddenUnit or function of Variable, optional
        The units, g; without it the layer is linear.
    names : tuple of str
        What the weights, the biases and the output are called: the book's names, if it has any.
    dtype : NumPy dtype
        Of weights and biases: float64 or float32.
    copies : int, optional
        To train so many networks at once that share nothing: a leading axis of all parameters
        and outputs.

    Attributes
    ----------
    unit : HiddenUnit
    weights : Variable
        Shape ``(in_size, out_size * pieces)``, or ``(in_size,)``.
    biases : Variable or None
        Shape ``(out_size * pieces,)``, or ``()``; units with templates have none.
    learned : list of Variable
        What the units learn besides, each of shape ``(out_size,)``.

    Raises
    ------
    ValueError
        If a size is no positive whole number, there are not three names, or no such unit, or the
        units need more than a single number.
    TypeError
        If the activation is no function, or the dtype no float.
    """

    def __init__(
        self,
        in_size: int,
        out_size: int | Literal["scalar"],
        activation: Unit = None,
        names: tuple[str, str, str] = ("W", "b", "h"),
        dtype: DTypeLike = np.float64,
        copies: int | None = None,
    ):
        _check_layer(in_size, out_size, activation, names, dtype, copies)
        self.in_size, self.out_size, self.activation = in_size, out_size, activation
        self.unit, self.names, self.copies = hidden_units.get(activation), names, copies
        if out_size == "scalar" and self.unit.takes_rows:
            raise ValueError(f"layer: {self.unit.name} units take rows; use an out_size of 1")
        entries = () if out_size == "scalar" else (out_size * self.unit.pieces,)
        self.weights = self._variable(names[0], (in_size, *entries), dtype)
        self.biases = None
        if not self.unit.templates:
            self.biases = self._variable(names[1], entries, dtype)
        units = () if out_size == "scalar" else (out_size,)
        self.learned = [self._variable(name, units, dtype) for name in self.unit.learned]

    def _variable(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Variable:
        if self.copies is not None:  # one axis for the copies, and one for their examples
            shape = (self.copies, *((1,) if len(shape) < 2 else ()), *shape)
        return variable(name, shape, dtype)

    def __call__(self, H: Variable) -> Variable:
        """Apply the layer to a design matrix of shape ``(m, in_size)``."""
        return self.unit(self.pre_activations(H), *self.learned).named(self.names[2])

    def pre_activations(self, H: Variable) -> Variable:
        """Return z, what the units are given, shape ``(m, out_size * pieces)``."""
        if self.unit.templates:
            return hidden_units.squared_distances(H, self.weights)
        return self._plus_biases(H @ self.weights)

    def _plus_biases(self, Z: Variable) -> Variable:
        return Z if self.biases is None else Z + self.biases

    def __repr__(self) -> str:
        return as_typed(self, unnamed=["activation"])

    @property
    def dtype(self) -> np.dtype:
        """That of weights and biases."""
        return self.weights.dtype

    @property
    def width(self) -> int:
        """The number of units."""
        return 1 if isinstance(self.out_size, str) else self.out_size

    @property
    def parameters(self) -> list[Variable]:
        """All that is learned: weights, biases, and what the units learn besides."""
        return [V for V in (self.weights, self.biases, *self.learned) if V is not None]

    @property
    def multiply_adds(self) -> int:
        """How many products and sums one example costs (Section 6.5.7)."""
        return self.in_size * self.width * self.unit.pieces

    def initial_values(
        self, rng: np.random.Generator, scheme: Scheme | float = "lecun", bias: float = 0.0
    ) -> Values:
        """Draw the weights; see :meth:`Network.initial_values`."""
        deviation = _deviation(scheme, *self._ends, self.unit.gain)
        if self.unit.templates:
            deviation = 1.0  # somewhere among the inputs
        values = {self.weights: _normal(rng, deviation, self.weights)}
        if self.biases is not None:
            hidden = self.unit.name != "identity"
            values[self.biases] = np.full(
                known(self.biases.shape), bias if hidden else 0.0, self.biases.dtype
            )
        starts = list(self.unit.learned.values())
        if self.unit.templates:  # as wide as two random points are apart
            starts = [math.sqrt(2 * self.in_size)]
        for V, start in zip(self.learned, starts, strict=True):
            values[V] = np.full(known(V.shape), start, V.dtype)
        return values

    @property
    def _ends(self) -> tuple[int, int]:
        """How many numbers the weights of a unit are given, and how many units share them."""
        return self.in_size, self.width


class LowRank(Layer):
    """A layer whose matrix is a product U V: (n + p) q weights in place of n p (Section 6.3.3).

    Parameters
    ----------
    in_size, out_size : int
        n and p.
    rank : int
        q, the number of linear units between.
    activation, dtype
        As for :class:`Layer`.

    Attributes
    ----------
    first, weights : Variable
        U, shape ``(n, q)``, and V, shape ``(q, p * pieces)``.
    """

    def __init__(
        self,
        in_size: int,
        out_size: int,
        rank: int,
        activation: Unit = None,
        names: tuple[str, str, str] = ("V", "b", "h"),
        dtype: DTypeLike = np.float64,
    ):
        for what, size in (("number of inputs", in_size), ("rank", rank)):
            _check_whole(f"low-rank layer: the {what}", size)
        super().__init__(rank, out_size, activation, names, dtype)
        if self.unit.templates:
            raise ValueError("low-rank layer: units with templates have no product to factor")
        self.in_size, self.rank = in_size, rank
        self.first = variable("U", (in_size, rank), dtype)

    def pre_activations(self, H: Variable) -> Variable:
        return self._plus_biases((H @ self.first) @ self.weights)

    @property
    def parameters(self) -> list[Variable]:
        return [self.first, *super().parameters]

    @property
    def multiply_adds(self) -> int:
        return self.rank * (self.in_size + self.width * self.unit.pieces)

    @property
    def _ends(self) -> tuple[int, int]:
        return self.rank, self.width

    def initial_values(
        self, rng: np.random.Generator, scheme: Scheme | float = "lecun", bias: float = 0.0
    ) -> Values:
        deviation = _deviation(scheme, self.in_size, self.rank, gain=1.0)
        first = {self.first: _normal(rng, deviation, self.first)}
        return first | super().initial_values(rng, scheme, bias)


class LocallyConnected(Layer):
    """Units that see a small square of an image each, with weights of their own (Section 6.4.2).

    Parameters
    ----------
    image : tuple of int
        Height and width; a row of the design matrix holds its rows one after the other.
    field : int
        The side of the square that a unit sees.
    channels : int
        The number of units that see the same square.
    stride : int
        How far the squares are apart.
    activation, names, dtype
        As for :class:`Layer`; a unit has one piece.

    Attributes
    ----------
    places : array of int, shape (squares, field * field)
        Which inputs each square holds.
    weights : Variable, shape (squares, field * field, channels)
    """

    def __init__(
        self,
        image: tuple[int, int],
        field: int,
        channels: int = 1,
        stride: int = 1,
        activation: Unit = None,
        names: tuple[str, str, str] = ("W", "b", "h"),
        dtype: DTypeLike = np.float64,
    ):
        for what, size in (("field", field), ("number of channels", channels), ("stride", stride)):
            _check_whole(f"locally connected layer: the {what}", size)
        if np.shape(image) != (2,) or not all(map(_is_whole, image)) or min(image) < field:
            raise ValueError(
                f"locally connected layer: a field of {field} does not fit into an image of {image}"
            )
        self.image, self.field, self.channels, self.stride = image, field, channels, stride
        everywhere = np.arange(math.prod(image)).reshape(image)
        windows = np.lib.stride_tricks.sliding_window_view(everywhere, (field, field))
        self.places = windows[::stride, ::stride].reshape(-1, field * field)
        squares = len(self.places)
        super().__init__(math.prod(image), squares * channels, activation, names, dtype)
        if self.unit.templates or self.unit.pieces > 1:
            raise ValueError(f"locally connected layer: not with {self.unit.name} units")
        self.weights = variable(names[0], (squares, field * field, channels), dtype)

    def pre_activations(self, H: Variable) -> Variable:
        if H.ndim != 2 or H.shape[1] != self.in_size:
            raise ValueError(
                f"locally connected layer: takes ({self.in_size} numbers an example), got "
                f"{shape_text(H.shape)}"
            )
        squares = transpose(H[:, self.places], 1, 0, 2) @ self.weights  # (squares, m, channels)
        return self._plus_biases(transpose(squares, 1, 0, 2).reshape(H.shape[0], self.width))

    @property
    def multiply_adds(self) -> int:
        return math.prod(known(self.weights.shape))

    @property
    def _ends(self) -> tuple[int, int]:
        field, channels = known(self.weights.shape[1:])
        return field, channels


class Network:
    """A chain of layers, f(x) = f3(f2(f1(x))) (Section 6.0).

    Parameters
    ----------
    *layers : Layer
        From the first hidden layer to the output layer.
    skips : list of (int, int), optional
        Skip connections: (i, j) adds the output of layer i to that of layer j, counted from 1
        (Section 6.4.2). Both must have the same width, and j is at least i + 2.

    Raises
    ------
    ValueError
        If there is no layer, one does not take what the one before it gives, or a skip
        connection does not fit.
    """

    def __init__(self, *layers: Layer, skips: Iterable[tuple[int, int]] = ()):
        if not layers:
            raise ValueError("network: at least one layer is needed")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"network: takes layers one by one, Network(first, second), and an activation "
                    f"belongs to its layer; got {layer!r}"
                )
        for number, (first, second) in enumerate(pairwise(layers), start=1):
            if first.width != second.in_size or first.out_size == "scalar":
                raise ValueError(
                    f"network: layer {number} gives {first.out_size}, but layer {number + 1} "
                    f"takes {second.in_size}"
                )
        self.layers, self.skips = layers, sorted(skips)
        for i, j in self.skips:
            if not 1 <= i <= j - 2 < j <= len(layers):
                raise ValueError(
                    f"network: a skip connection goes from layer i to layer i + 2 or higher, of "
                    f"{len(layers)}; got {i} to {j}"
                )
            if layers[i - 1].out_size != layers[j - 1].out_size:
                raise ValueError(
                    f"network: the skip connection from layer {i} to layer {j} adds an output of "
                    f"size {layers[i - 1].out_size} to one of size {layers[j - 1].out_size}"
                )

    def __repr__(self) -> str:
        skips = [f"skips={self.skips}"] if self.skips else []
        parts = "".join(f"    {part},\n" for part in [*lines_of(self.layers), *skips])
        return f"{type(self).__name__}(\n{parts})  {self._size}"

    @property
    def width(self) -> int:
        """The number of outputs."""
        return self.layers[-1].width

    @property
    def _size(self) -> str:
        return f"# {self.parameter_count:,} parameters"

    def __call__(self, X: Variable) -> Variable:
        """Apply the network to a design matrix of shape ``(m, in_size)``."""
        return self.outputs(X)[-1]

    def outputs(self, X: Variable) -> list[Variable]:
        """Return the output of every layer, from the first to the last."""
        H = X
        found: list[Variable] = []
        for number, layer in enumerate(self.layers, start=1):
            H = layer(H)
            for i, j in self.skips:
                if j == number:
                    H = (H + found[i - 1]).named(layer.names[2])
            found.append(H)
        return found

    @property
    def parameters(self) -> list[Variable]:
        """What all layers learn, from the first to the last."""
        # A layer that occurs twice has its parameters once.
        return list(dict.fromkeys(V for layer in self.layers for V in layer.parameters))

    @property
    def parameter_count(self) -> int:
        """How many numbers are learned."""
        return sum(math.prod(known(V.shape)) for V in self.parameters)

    @property
    def depth(self) -> int:
        """The length of the chain: the number of layers (Section 6.0)."""
        return len(self.layers)

    def initial_values(
        self, rng: np.random.Generator, scheme: Scheme | float = "lecun", bias: float = 0.0
    ) -> Values:
        """Draw small random weights, and set the biases (Section 6.2).

        Parameters
        ----------
        rng : numpy.random.Generator
        scheme : "lecun", "glorot", "he" or float
            The standard deviation of the weights, or a rule for it with n inputs and p outputs:
            1 / sqrt(n), so that a pre-activation is as large as an input; sqrt(2 / (n + p)), a
            compromise with the way back; the first times the gain of the unit. Templates are
            drawn with 1.
        bias : float
            Where the biases of hidden units begin, for example 0.1 for rectified ones (Section
            6.3.1); those of linear layers begin at 0.

        Raises ValueError if there is no such scheme, or the number is negative or not finite.
        """
        values: Values = {}
        for layer in self.layers:
            if layer.weights not in values:
                values |= layer.initial_values(rng, scheme, bias)
        return values


class MLP(Network):
    """A multilayer perceptron: hidden layers of one kind of unit, and a linear output layer.

    Parameters
    ----------
    sizes : list of int
        The number of inputs, the width of each hidden layer, and the number of outputs:
        ``MLP([784, 256, 10])``.
    hidden : name, HiddenUnit or function of Variable
        The hidden units.
    skip : int, optional
        To add the output of each hidden layer to that of the one ``skip`` layers later.
    dtype, copies
        As for :class:`Layer`.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, or one is no positive whole number, or ``skip`` is none
        from 2 on, or layers with a skip connection have different widths.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        hidden: Unit = "relu",
        skip: int | None = None,
        dtype: DTypeLike = np.float64,
        copies: int | None = None,
    ):
        if not isinstance(sizes, Iterable) or isinstance(sizes, str):
            raise TypeError(f"MLP: the sizes must be a list such as [2, 3, 1], got {sizes!r}")
        sizes = list(sizes)
        if len(sizes) < 2:
            raise ValueError(f"MLP: needs the numbers of inputs and outputs, at least, got {sizes}")
        if skip is not None and not (_is_whole(skip) and skip > 1):
            raise ValueError(f"MLP: skip must be 2 or a whole number above, got {skip!r}")
        last = len(sizes) - 1
        layers = [
            Layer(
                n,
                p,
                None if i == last else hidden,
                (f"W{i}", f"b{i}", "z" if i == last else f"h{i}"),
                dtype,
                copies,
            )
            for i, (n, p) in enumerate(pairwise(sizes), start=1)
        ]
        skips = [] if skip is None else [(i, i + skip) for i in range(1, last - skip)]
        super().__init__(*layers, skips=skips)
        self.sizes, self.hidden, self.skip = sizes, hidden, skip
        self.dtype, self.copies = np.dtype(dtype), copies

    def __repr__(self) -> str:
        return f"{as_typed(self, always=['hidden'])}  {self._size}"


def _deviation(scheme: Scheme | float, n: int, p: int, gain: float) -> float:
    """Return the standard deviation of the weights of a map from ``n`` numbers to ``p``."""
    deviations = {"lecun": n**-0.5, "glorot": (2 / (n + p)) ** 0.5, "he": gain * n**-0.5}
    if isinstance(scheme, str) and scheme in deviations:
        return deviations[scheme]
    if isinstance(scheme, str) or not (real_number(scheme) and 0 <= scheme < math.inf):
        raise ValueError(
            f"initial values: the scheme must be a standard deviation or one of "
            f"{', '.join(deviations)}, got {scheme!r}"
        )
    return float(scheme)


def _normal(rng: np.random.Generator, deviation: float, V: Variable) -> np.ndarray:
    check_rng("initial_values", rng)
    return rng.normal(0.0, deviation, known(V.shape)).astype(V.dtype)


def _check_layer(
    in_size: Any, out_size: Any, activation: Any, names: Any, dtype: Any, copies: Any
) -> None:
    named = activation is None or isinstance(activation, str | HiddenUnit)
    if not (named or callable(activation)):
        raise TypeError(f"layer: the activation must be a function, got {activation!r}")
    if len(names) != 3:
        raise ValueError(f"layer: weights, biases and output need three names, got {names!r}")
    for size in (in_size, out_size):
        if not _is_whole(size) and (size is in_size or size != "scalar"):
            raise ValueError(
                f"layer: sizes must be positive whole numbers, the second may be 'scalar'; got "
                f"{in_size!r} and {out_size!r}"
            )
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"layer: needs float32 or float64, got {np.dtype(dtype)}")
    if copies is not None:
        _check_whole("layer: the number of copies", copies)
        if out_size == "scalar":
            raise ValueError("layer: copies give a row for each example; take an out_size of 1")


def _is_whole(size: Any) -> bool:
    return whole_number(size) and size > 0


def _check_whole(what: str, size: Any) -> None:
    if not _is_whole(size):
        raise ValueError(f"{what} must be a positive whole number, got {size!r}")
