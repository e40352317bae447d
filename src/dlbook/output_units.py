"""Section 6.2.2: output units, which turn the features of a network into a distribution.

Look at :class:`OutputUnit` first. Each is an affine map from the features ``h`` to numbers without
any constraint, and hands them to a distribution of ``dlbook.distributions``: so ``unit(h)`` is
p(y | x), and knows what to minimise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from dlbook import distributions
from dlbook.checks import check_rng, known, shape_text, whole_number
from dlbook.distributions import Distribution, Spread, check_floor, check_spread
from dlbook.graph import Variable, variable
from dlbook.operations import concatenate, reshape
from dlbook.operations.shapes import zeros_like
from dlbook.showing import as_typed

Values = dict[Variable, np.ndarray]


class Affine:
    """W^T h + b, for each example an array of the shape that is asked for.

    Parameters
    ----------
    in_size : int
        The number of features.
    shape : tuple of int
        Of the result for one example; ``()`` for a number.
    names : tuple of str
        What weights and biases are called.
    dtype : NumPy dtype

    Raises ValueError if ``in_size`` is no positive whole number, or features have another width.

    Attributes
    ----------
    weights : Variable, shape (in_size, number of entries), or (in_size,) for a number
    biases : Variable, shape (number of entries,), or ()
    """

    def __init__(
        self,
        in_size: int,
        shape: tuple[int, ...] = (),
        names: tuple[str, str] = ("W", "b"),
        dtype: DTypeLike = np.float64,
    ):
        self.in_size, self.shape, self.names = _whole("in_size", in_size), shape, names
        entries = (int(np.prod(shape)),) if shape else ()
        self.weights = variable(names[0], (in_size, *entries), dtype)
        self.biases = variable(names[1], entries, dtype)

    def __call__(self, H: Variable) -> Variable:
        if not isinstance(H, Variable) or H.ndim != 2 or H.shape[1] != self.in_size:
            found = shape_text(H.shape) if isinstance(H, Variable) else type(H).__name__
            raise ValueError(
                f"output unit: takes features of shape (m, {self.in_size}), got {found}"
            )
        Z = H @ self.weights + self.biases
        return reshape(Z, (H.shape[0], *self.shape)) if len(self.shape) > 1 else Z

    def __repr__(self) -> str:
        return as_typed(self, "output_units.", {"dtype": self.weights.dtype})


class OutputUnit:
    """From features to p(y | x): ``unit(H)`` is a distribution for each row of ``H``.

    Each unit raises a ValueError when it is made with a size that is no positive whole number, an
    unknown spread, or a floor that is not positive.

    Attributes
    ----------
    maps : list of Affine
    parameters : list of Variable
        All that is learned: the weights and biases of the maps, and what else there is.
    """

    def __init__(self, *maps: Affine, further: tuple[Variable, ...] = ()):
        self.maps, self.further = maps, further

    def __repr__(self) -> str:
        return as_typed(self, "output_units.")

    @property
    def in_size(self) -> int:
        """The number of features."""
        return self.maps[0].in_size

    @property
    def dtype(self) -> np.dtype:
        """That of weights and biases."""
        return self.maps[0].weights.dtype

    @property
    def parameters(self) -> list[Variable]:
        return [*(V for map in self.maps for V in (map.weights, map.biases)), *self.further]

    def __call__(self, H: Variable) -> Distribution:
        """Return p(y | x), given the features ``H`` of shape ``(m, in_size)``.

        Raises ValueError if ``H`` is no variable of this shape, TypeError if it holds no floats.
        """
        raise NotImplementedError(f"{type(self).__name__}: it gives no distribution")

    def initial_values(self, rng: np.random.Generator) -> Values:
        """Draw small random weights; biases and the rest are zero (Section 6.2)."""
        check_rng("initial_values", rng)
        values: Values = {}
        for map in self.maps:
            draw = rng.normal(0.0, map.in_size**-0.5, known(map.weights.shape))
            values[map.weights] = draw.astype(map.weights.dtype)
            values[map.biases] = np.zeros(known(map.biases.shape), map.biases.dtype)
        return values | {V: np.zeros(known(V.shape), V.dtype) for V in self.further}


class _Logits(OutputUnit):
    """One map to z, and a distribution of it."""

    distribution: Callable[[Variable], Distribution]

    def __init__(self, in_size: int, out_size: int | None = None, dtype: DTypeLike = np.float64):
        super().__init__(Affine(in_size, _target(out_size), dtype=dtype))
        self.out_size = out_size

    def __call__(self, H: Variable) -> Distribution:
        return self.distribution(self.maps[0](H).named("z"))


class Bernoulli(_Logits):
    """The sigmoid unit: P(y = 1 | x) = sigmoid(w^T h + b) (Equation 6.19).

    Parameters
    ----------
    in_size : int
    out_size : int, optional
        For so many binary targets at once, independent of each other; without it y is a number.
    dtype : NumPy dtype
    """

    distribution = distributions.Bernoulli


class Clipped(_Logits):
    """P(y = 1 | x) = max{0, min{1, w^T h + b}}, to show why not (Equation 6.18).

    Parameters as for :class:`Bernoulli`.
    """

    distribution = distributions.Clipped


class Multinoulli(OutputUnit):
    """The softmax unit: P(y = i | x) = softmax(W^T h + b)_i (Equations 6.28 and 6.29).

    Parameters
    ----------
    in_size, classes : int
    restricted : bool
        Whether only n - 1 logits are learned, and the last one is 0.
    dtype : NumPy dtype
    """

    def __init__(
        self, in_size: int, classes: int, restricted: bool = False, dtype: DTypeLike = np.float64
    ):
        if _whole("classes", classes) < 2:
            raise ValueError(f"multinoulli: needs at least 2 classes, got {classes}")
        self.classes, self.restricted = classes, bool(restricted)
        super().__init__(Affine(in_size, (classes - self.restricted,), dtype=dtype))

    def __call__(self, H: Variable) -> distributions.Multinoulli:
        z = self.maps[0](H)
        if self.restricted:
            z = concatenate([z, zeros_like(z[:, :1])], axis=1)
        return distributions.Multinoulli(z.named("z"))


class Gaussian(OutputUnit):
    """The linear unit: N(y; W^T h + b, variance) (Equations 6.17 and 6.34).

    Parameters
    ----------
    in_size : int
    out_size : int, optional
        The length of y; without it y is a number.
    spread : "sigma", "variance" or "precision", optional
        What is learned, as softplus of a number; without it the variance is 1.
    constant : bool
        Whether the variance is one number, the same for every x and every entry of y; otherwise
        it depends on x, one for each entry.
    floor : float
        The least standard deviation or variance.
    dtype : NumPy dtype
    """

    def __init__(
        self,
        in_size: int,
        out_size: int | None = None,
        spread: Spread | None = None,
        constant: bool = False,
        floor: float = 1e-6,
        dtype: DTypeLike = np.float64,
    ):
        target = _target(out_size)
        check_spread("Gaussian", "precision" if spread is None else spread, floor)
        mean = Affine(in_size, target, dtype=dtype)
        self.out_size, self.constant, self.floor = out_size, constant, floor
        self.spread: Spread | None = spread
        if constant and spread is None:
            raise ValueError("Gaussian: a constant variance that is learned needs a spread")
        if spread is None:
            super().__init__(mean)
        elif constant:
            super().__init__(mean, further=(variable("a", (), dtype),))
        else:
            super().__init__(mean, Affine(in_size, target, ("W_a", "b_a"), dtype))

    def __call__(self, H: Variable) -> distributions.Gaussian:
        mean = self.maps[0](H).named("y_hat")
        if self.spread is None:
            return distributions.Gaussian(mean)
        raw = self.further[0] if self.constant else self.maps[1](H).named("a")
        return distributions.Gaussian(mean, raw, self.spread, self.floor)


class FullGaussian(OutputUnit):
    """N(y; W^T h + b, B B^T) with a matrix B for each x (Section 6.2.2.4).

    Parameters
    ----------
    in_size, out_size : int
        Here y is always a vector, of length ``out_size``.
    floor : float
        The share of the mean variance that is added to the diagonal.
    dtype : NumPy dtype
    """

    def __init__(
        self, in_size: int, out_size: int, floor: float = 1e-6, dtype: DTypeLike = np.float64
    ):
        d = _whole("out_size", out_size)
        check_floor("full Gaussian", floor)
        self.out_size, self.floor = out_size, floor
        super().__init__(
            Affine(in_size, (d,), dtype=dtype), Affine(in_size, (d, d), ("W_B", "b_B"), dtype)
        )

    def __call__(self, H: Variable) -> distributions.FullGaussian:
        mean, B = (map(H) for map in self.maps)
        return distributions.FullGaussian(mean.named("y_hat"), B.named("B"), self.floor)

    def initial_values(self, rng: np.random.Generator) -> Values:
        """As for every unit, but B begins near the identity: far from any singular matrix."""
        values = super().initial_values(rng)
        weights, biases = self.maps[1].weights, self.maps[1].biases
        values[weights] *= np.asarray(0.1, weights.dtype)
        values[biases] = np.eye(*self.maps[1].shape, dtype=biases.dtype).reshape(-1)
        return values


class MixtureDensity(OutputUnit):
    """A mixture of Gaussians with diagonal covariances (Equation 6.35).

    Parameters
    ----------
    in_size, components : int
    out_size : int, optional
        The length of y; without it y is a number.
    spread : "sigma", "variance" or "precision"
    floor : float
        The least standard deviation or variance.
    dtype : NumPy dtype
    """

    def __init__(
        self,
        in_size: int,
        components: int,
        out_size: int | None = None,
        spread: Spread = "sigma",
        floor: float = 1e-3,
        dtype: DTypeLike = np.float64,
    ):
        n, d = _whole("components", components), _target(out_size) or (1,)
        check_spread("mixture", spread, floor)
        self.components, self.out_size = components, out_size
        self.scalar, self.floor = out_size is None, floor
        self.spread: Spread = spread
        super().__init__(
            Affine(in_size, (n,), dtype=dtype),
            Affine(in_size, (n, *d), ("W_mu", "b_mu"), dtype),
            Affine(in_size, (n, *d), ("W_a", "b_a"), dtype),
        )

    def __call__(self, H: Variable) -> distributions.Mixture:
        z, means, raw = (map(H) for map in self.maps)
        return distributions.Mixture(
            z.named("z"), means.named("mu"), raw.named("a"), self.spread, self.floor, self.scalar
        )

    def initial_values(self, rng: np.random.Generator) -> Values:
        """As for every unit, but the means begin apart, so that each can find data of its own."""
        values = super().initial_values(rng)
        biases = self.maps[1].biases
        values[biases] = rng.normal(size=known(biases.shape)).astype(biases.dtype)
        return values


def _whole(name: str, size: Any) -> int:
    if not (whole_number(size) and size > 0):
        raise ValueError(f"output unit: {name} must be a positive whole number, got {size!r}")
    return int(size)


def _target(out_size: int | None) -> tuple[int, ...]:
    return () if out_size is None else (_whole("out_size", out_size),)
