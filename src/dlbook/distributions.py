"""Section 6.2.2: the distributions p(y; omega) whose parameters an output layer computes.

Look at :class:`Distribution` first: its negative log-likelihood is the cost of training. Each one
is given numbers ``z`` without any constraint and computes everything from them: where ``z`` is
large, the probability itself would be 0 or 1 in floating point, and its logarithm lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from dlbook.checks import (
    Shape,
    check_rng,
    check_values,
    known,
    real_number,
    shape_text,
    whole_number,
)
from dlbook.graph import Variable, called
from dlbook.operations import (
    astype,
    binary_cross_entropy,
    cholesky,
    clip,
    cross_entropy,
    log,
    log_softmax,
    logsumexp,
    reshape,
    sigmoid,
    softmax,
    softplus,
    solve_triangular,
    square,
    sum,
    transpose,
    where,
)
from dlbook.operations.base import as_variables
from dlbook.operations.cross_entropy import check_logits
from dlbook.operations.labels import probability
from dlbook.operators import Operand
from dlbook.programs.compiling import compile
from dlbook.programs.values import check_input
from dlbook.showing import Typed, as_typed

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
Spread = Literal["sigma", "variance", "precision"]


class Distribution:
    """p(y; omega) for one target y an example, its parameters given by a graph.

    Attributes
    ----------
    omega : dict of str to Variable
        The parameters, one row for each example.
    target_shape : tuple of int
        The shape of one y: ``()`` for a number, ``(d,)`` for a vector.
    mean : Variable
        The expected y of each example.
    """

    name: str = "distribution"
    discrete = False  # whether y is a label

    def __init__(self, target_shape: Shape, **omega: Variable):
        self.target_shape, self.omega = target_shape, omega

    def __repr__(self) -> str:
        values = {**self.omega, **vars(self)}
        names = {
            k: Typed(called(V) or str(V)) for k, V in values.items() if isinstance(V, Variable)
        }
        return as_typed(self, "distributions.", names)

    @property
    def mean(self) -> Variable:
        raise NotImplementedError(f"{self.name}: the mean is missing")

    def negative_log_likelihood(self, y: Operand) -> Variable:
        """Return -log p(y), one number for each example (Section 6.2.1.1).

        Parameters
        ----------
        y : Variable, shape (m, ...)
            The targets, one for each row of omega; an array, if m is a known number.

        Raises
        ------
        ValueError
            If the shape does not fit; when it runs, if a label or a probability is none.
        TypeError
            If integers are expected and floats given, or the other way round.
        """
        (targets,) = as_variables(self.name, y)
        return self._cost(self._checked(targets))

    def log_prob(self, y: Operand) -> Variable:
        """Return log p(y), one number for each example; as :meth:`negative_log_likelihood`."""
        return -self.negative_log_likelihood(y)

    def sample(
        self, rng: np.random.Generator, values: Mapping[Variable, ArrayLike], size: int = 1
    ) -> np.ndarray:
        """Draw targets for each example.

        Parameters
        ----------
        rng : numpy.random.Generator
        values : dict of Variable to array
            Values for the inputs that omega depends on: the data x, the parameters.
        size : int
            How many targets for each example.

        Returns
        -------
        array, shape (size, m, ...)
            Integers if y is 0 or 1 or a label, else of the dtype of the mean.

        Raises
        ------
        ValueError
            If the size is no positive whole number; if a value is missing, has a wrong shape, is
            empty or contains NaN.
        TypeError
            If a value has a wrong dtype.
        """
        check_rng(f"{self.name}: sample", rng)
        if not (whole_number(size) and size > 0):
            raise ValueError(
                f"{self.name}: the number of samples must be a positive whole number, got {size!r}"
            )
        program = compile(list(self.omega.values()), list(values))
        arrays = {V: check_input(V, value) for V, value in values.items()}
        for V, array in arrays.items():
            check_values(f"{self.name}: sample", f"'{V.name}'", array)
        omega = dict(zip(self.omega, program(*arrays.values()), strict=True))
        return self._draw(rng, size, omega)

    def _cost(self, y: Variable) -> Variable:
        raise NotImplementedError(f"{self.name}: the likelihood is missing")

    def _draw(
        self, rng: np.random.Generator, size: int, omega: dict[str, np.ndarray]
    ) -> np.ndarray:
        raise NotImplementedError(f"{self.name}: it cannot be sampled")

    def _checked(self, y: Variable) -> Variable:
        """Return the targets, or raise an error if they cannot be targets of this distribution."""
        first = next(iter(self.omega.values()))
        expected = (first.shape[0], *self.target_shape)
        if y.shape != expected:
            hint = ""
            if self.discrete and y.shape[:-1] == expected:
                hint = "; if they are one-hot, take y.argmax(axis=-1)"
            elif not self.target_shape and y.shape == (*expected, 1):
                hint = "; take y[:, 0]"
            elif expected[0] is None and y.ndim and y.shape[0] is not None:
                hint = "; for any number of examples give them as a variable of that shape"
            raise ValueError(
                f"{self.name}: the targets '{y.name}' must have the shape {shape_text(expected)}, "
                f"got {shape_text(y.shape)}{hint}"
            )
        if self.discrete and y.dtype.kind not in "iu":
            raise TypeError(
                f"{self.name}: the labels '{y.name}' must be integers, got {y.dtype}; convert "
                f"them, for example by .astype(int)"
            )
        if not self.discrete and y.dtype.kind != "f":
            y = astype(y, first.dtype)
        return y


# --- Binary targets (Section 6.2.2.2) -----------------------------------------------------------


class Bernoulli(Distribution):
    """P(y = 1) = sigmoid(z), for each entry of y by itself (Equations 6.19 to 6.26).

    Parameters
    ----------
    z : Variable, shape (m,) or (m, d)
        The logits. The targets are 0 or 1, in any dtype, or probabilities between.
    """

    name = "Bernoulli"

    def __init__(self, z: Variable):
        rows = _rows(self.name, z)
        check_logits(self.name, z)
        super().__init__(rows, z=z)

    @property
    def mean(self) -> Variable:
        return sigmoid(self.omega["z"])

    def _cost(self, y: Variable) -> Variable:
        z = self.omega["z"]
        return _over_entries(binary_cross_entropy(z, y), z)

    def _draw(
        self, rng: np.random.Generator, size: int, omega: dict[str, np.ndarray]
    ) -> np.ndarray:
        z = omega["z"]
        # y = 1 if z exceeds logistic noise: nothing is lost where the probability is tiny.
        return (rng.logistic(size=(size, *z.shape)) < z).astype(np.int64)


class Clipped(Distribution):
    """P(y = 1) = max{0, min{1, z}}: a probability, but one that does not learn (Equation 6.18).

    Where it is 0 for the target that was observed, the cost is infinite and its gradient 0.

    Parameters
    ----------
    z : Variable, shape (m,) or (m, d)
        The targets are 0 or 1, in any dtype, or probabilities between.
    """

    name = "clipped Bernoulli"

    def __init__(self, z: Variable):
        super().__init__(_rows(self.name, z), z=z)

    @property
    def mean(self) -> Variable:
        return clip(self.omega["z"], 0, 1)

    def _cost(self, y: Variable) -> Variable:
        y, p = probability(y, self.name), self.mean
        return _over_entries(_surprise(y, p) + _surprise(1 - y, 1 - p), p)

    def _draw(
        self, rng: np.random.Generator, size: int, omega: dict[str, np.ndarray]
    ) -> np.ndarray:
        z = omega["z"]
        return (rng.random((size, *z.shape)) < np.clip(z, 0, 1)).astype(np.int64)


def _surprise(share: Variable, p: Variable) -> Variable:
    """Return share * -log p; infinite where p is 0, but no share of that is 0."""
    possible = p > 0
    cost = -share * log(where(possible, p, 1.0))
    return where(possible, cost, where(share > 0, np.inf, cost))


# --- One of n classes (Section 6.2.2.3) ---------------------------------------------------------


class Multinoulli(Distribution):
    """P(y = i) = softmax(z)_i (Equations 6.29 and 6.30).

    Parameters
    ----------
    z : Variable, shape (m, n)
        The logits of n classes. The targets are integers from 0 to n - 1, shape (m,).
    """

    name, discrete = "multinoulli", True

    def __init__(self, z: Variable):
        rows = _rows(self.name, z)
        if len(rows) != 1:
            raise ValueError(
                f"multinoulli: the logits '{z.name}' must have one row of classes for each "
                f"example, got the shape {shape_text(z.shape)}"
            )
        check_logits(self.name, z)
        super().__init__((), z=z)

    @property
    def probabilities(self) -> Variable:
        """P(y = i), shape (m, n)."""
        return softmax(self.omega["z"])

    @property
    def mean(self) -> Variable:
        """The expected one-hot vector, which is the probabilities."""
        return self.probabilities

    def _cost(self, y: Variable) -> Variable:
        return cross_entropy(self.omega["z"], y)

    def _draw(
        self, rng: np.random.Generator, size: int, omega: dict[str, np.ndarray]
    ) -> np.ndarray:
        z = omega["z"]
        # The largest of the logits with Gumbel noise is distributed as their softmax.
        return (z + rng.gumbel(size=(size, *z.shape))).argmax(axis=-1)


# --- Continuous targets (Sections 6.2.2.1 and 6.2.2.4) ------------------------------------------


class Gaussian(Distribution):
    """N(y; mean, diag(variance)) in one of three parametrisations (Equations 6.17 and 6.34).

    Parameters
    ----------
    mean : Variable, shape (m,) or (m, d)
    raw : Variable, optional
        Of the shape of the mean, or one that repeats to it: any numbers, made positive by
        softplus. Without it the variance is 1.
    spread : "sigma", "variance" or "precision"
        What softplus(raw) is: the standard deviation, the variance, or the precision beta = 1 /
        variance.
    floor : float
        The least standard deviation or variance; a precision needs none.
    """

    name = "Gaussian"

    def __init__(
        self,
        mean: Variable,
        raw: Variable | None = None,
        spread: Spread = "precision",
        floor: float = 1e-6,
    ):
        check_spread(self.name, spread, floor)
        shape = _rows(self.name, mean)
        omega = {"mean": mean}
        self._spread = None
        if raw is not None:
            _check_floats(self.name, raw)
            if raw.shape not in (mean.shape, shape, ()):
                raise ValueError(
                    f"Gaussian: the {spread} '{raw.name}' {shape_text(raw.shape)} must have the "
                    f"shape of the mean '{mean.name}' {shape_text(mean.shape)}"
                )
            self._spread = _Spread(raw, spread, floor)
            omega[spread] = self._spread.value
        self.raw, self.spread, self.floor = raw, spread, floor
        super().__init__(shape, **omega)

    @property
    def mean(self) -> Variable:
        return self.omega["mean"]

    @property
    def variance(self) -> Variable | float:
        """The variance of each entry of y; the number 1 if it is fixed."""
        return 1.0 if self._spread is None else self._spread.variance

    def _cost(self, y: Variable) -> Variable:
        r = y - self.omega["mean"]
        costs = square(r) / 2 if self._spread is None else self._spread.cost(r)
        return _over_entries(costs + HALF_LOG_TWO_PI, self.omega["mean"])

    def _draw(
        self, rng: np.random.Generator, size: int, omega: dict[str, np.ndarray]
    ) -> np.ndarray:
        mean = omega["mean"]
        noise = rng.normal(size=(size, *mean.shape))
        return (mean + noise * _sigma(omega)).astype(mean.dtype)


class FullGaussian(Distribution):
    """N(y; mean, B B^T): a covariance for each example, positive definite whatever B is.

    Rounding, or a B that is singular, could still leave a matrix that is not: so ``floor``, and a
    share ``floor`` of the mean variance, is added to the diagonal. The share is d^2 times the
    precision of the dtype, if that is more.

    Parameters
    ----------
    mean : Variable, shape (m, d)
    B : Variable, shape (m, d, d)
        Any numbers (Section 6.2.2.4).
    floor : float
    """

    name = "full Gaussian"

    def __init__(self, mean: Variable, B: Variable, floor: float = 1e-6):
        shape = _rows(self.name, mean)
        _check_floats(self.name, B)
        if len(shape) != 1 or B.shape != (*mean.shape, *shape):
            raise ValueError(
                f"full Gaussian: a mean '{mean.name}' of shape {shape_text(mean.shape)} needs one "
                f"square matrix for each example, but '{B.name}' has {shape_text(B.shape)}"
            )
        check_floor(self.name, floor)
        (d,) = known(shape)
        share = max(float(floor), d**2 * float(np.finfo(B.dtype).eps))
        least = floor + share * sum(square(B), axis=(-2, -1), keepdims=True) / d
        covariance = B @ transpose(B, (0, 2, 1)) + least * np.eye(d, dtype=B.dtype)
        super().__init__(shape, mean=mean, covariance=covariance.named("Sigma"))
        self.B, self.floor = B, floor

    @property
    def mean(self) -> Variable:
        return self.omega["mean"]

    def _cost(self, y: Variable) -> Variable:
        mean, covariance = self.omega.values()
        (d,) = known(self.target_shape)
        L = cholesky(covariance)
        u = solve_triangular(L, reshape(y - mean, (mean.shape[0], d, 1)))
        places = np.arange(d)
        log_det = sum(log(L[:, places, places]), axis=-1)  # half of it
        return sum(square(u), axis=(-2, -1)) / 2 + log_det + d * HALF_LOG_TWO_PI

    def _draw(
        self, rng: np.random.Generator, size: int, omega: dict[str, np.ndarray]
    ) -> np.ndarray:
        mean, L = omega["mean"], np.linalg.cholesky(omega["covariance"])
        noise = rng.normal(size=(size, *mean.shape))
        return (mean + (L @ noise[..., None])[..., 0]).astype(mean.dtype)


class Mixture(Distribution):
    """sum_i p(c = i) N(y; mu_i, diag(Sigma_i)), a mixture density (Equation 6.35).

    Parameters
    ----------
    z : Variable, shape (m, n)
        The logits of the n components.
    means : Variable, shape (m, n, d)
    raw : Variable, shape (m, n, d)
        Any numbers, made positive by softplus.
    spread, floor
        As for :class:`Gaussian`.
    scalar : bool
        Whether the targets are numbers, shape (m,), rather than vectors; d is then 1.
    """

    name = "mixture"

    def __init__(
        self,
        z: Variable,
        means: Variable,
        raw: Variable,
        spread: Spread = "sigma",
        floor: float = 1e-3,
        scalar: bool = False,
    ):
        check_spread(self.name, spread, floor)
        _check_floats(self.name, z, means, raw)
        check_logits(self.name, z)
        d = means.shape[-1] if means.ndim == 3 else None
        if z.ndim != 2 or means.shape != (*z.shape, d) or raw.shape != means.shape:
            raise ValueError(
                "mixture: needs n logits (m, n), and n means and spreads (m, n, d), but "
                + ", ".join(f"'{V.name}' has {shape_text(V.shape)}" for V in (z, means, raw))
            )
        _rows(self.name, means)
        if scalar and d != 1:
            raise ValueError(f"mixture: the means of numbers must have d = 1, got d = {d}")
        self._spread, self.raw, self.spread = _Spread(raw, spread, floor), raw, spread
        self.floor, self.scalar = floor, scalar
        super().__init__(() if scalar else (d,), z=z, means=means, **{spread: self._spread.value})

    @property
    def probabilities(self) -> Variable:
        """p(c = i), shape (m, n)."""
        return softmax(self.omega["z"])

    @property
    def mean(self) -> Variable:
        weighted = self.probabilities[:, :, None] * self.omega["means"]
        return self._as_target(sum(weighted, axis=1))

    def component_log_probs(self, y: Operand) -> Variable:
        """Return log p(c = i, y), shape (m, n); raises as :meth:`negative_log_likelihood`."""
        (targets,) = as_variables(self.name, y)
        m, _, d = self.omega["means"].shape
        r = reshape(self._checked(targets), (m, 1, d)) - self.omega["means"]
        costs = self._spread.cost(r) + HALF_LOG_TWO_PI
        return log_softmax(self.omega["z"]) - sum(costs, axis=-1)

    def responsibilities(self, y: Operand) -> Variable:
        """Return p(c = i | y), how probable it is that component i made y; shape (m, n).

        Raises as :meth:`negative_log_likelihood`.
        """
        return softmax(self.component_log_probs(y))

    def _cost(self, y: Variable) -> Variable:
        return -logsumexp(self.component_log_probs(y), axis=-1)

    def _draw(
        self, rng: np.random.Generator, size: int, omega: dict[str, np.ndarray]
    ) -> np.ndarray:
        z, means = omega["z"], omega["means"]
        c = (z + rng.gumbel(size=(size, *z.shape))).argmax(axis=-1)  # the component, (size, m)
        rows = np.arange(len(z))
        mu, sigma = means[rows, c], _sigma(omega)[rows, c]
        y = mu + sigma * rng.normal(size=mu.shape)
        return y.reshape(size, len(z), *self.target_shape).astype(means.dtype)

    def _as_target(self, A: Variable) -> Variable:
        return A if self.target_shape else A[:, 0]


# --- What the continuous ones share -------------------------------------------------------------


class _Spread:
    """How widely each entry of y spreads: softplus of any numbers, in one of three readings."""

    def __init__(self, raw: Variable, kind: Spread, floor: float):
        self.raw, self.kind = raw, kind
        self.value = softplus(raw) if kind == "precision" else softplus(raw) + floor

    @property
    def variance(self) -> Variable:
        if self.kind == "sigma":
            return square(self.value)
        return self.value if self.kind == "variance" else 1 / self.value

    def cost(self, r: Variable) -> Variable:
        """Return -log N(r; 0, variance), without the constant, for each entry."""
        if self.kind == "sigma":
            return square(r / self.value) / 2 + log(self.value)
        if self.kind == "variance":
            return square(r) / self.value / 2 + log(self.value) / 2
        return (self.value * square(r) - log_softplus(self.raw)) / 2  # products and logs only


def log_softplus(a: Variable) -> Variable:
    """log(softplus(a)); for very negative numbers softplus is exp, and its logarithm ``a``."""
    small = a < -40
    return where(small, a, log(softplus(where(small, -40.0, a))))


def _sigma(omega: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the standard deviation, whichever of the three is given; 1 if none is."""
    if "sigma" in omega:
        return omega["sigma"]
    if "variance" in omega:
        return np.sqrt(omega["variance"])
    return 1 / np.sqrt(omega["precision"]) if "precision" in omega else np.ones(())


def check_spread(name: str, spread: str, floor: float) -> None:
    if spread not in ("sigma", "variance", "precision"):
        raise ValueError(
            f"{name}: the spread must be 'sigma', 'variance' or 'precision', got {spread!r}"
        )
    check_floor(name, floor)


def check_floor(name: str, floor: float) -> None:
    if not (real_number(floor) and 0 < floor < math.inf):
        raise ValueError(
            f"{name}: the floor must be positive, or a variance may be 0; got {floor!r}"
        )


def _check_floats(name: str, *parameters: Variable) -> None:
    """Raise a TypeError unless these are variables that hold floats."""
    for V in parameters:
        if not isinstance(V, Variable):
            raise TypeError(f"{name}: takes variables, got {type(V).__name__}")
        if V.dtype.kind != "f":
            raise TypeError(f"{name}: needs floats, but '{V.name}' is {V.dtype}")


def _rows(name: str, V: Variable) -> Shape:
    """Return the shape of what belongs to one example; an error if there are no examples."""
    _check_floats(name, V)
    if V.ndim == 0 or None in V.shape[1:]:
        raise ValueError(
            f"{name}: '{V.name}' must have one row for each example, got {shape_text(V.shape)}"
        )
    return V.shape[1:]


def _over_entries(costs: Variable, like: Variable) -> Variable:
    """Add up the entries of each example: they are independent."""
    return sum(costs, axis=tuple(range(1, like.ndim))) if like.ndim > 1 else costs
