"""Functions of one variable, entry by entry: ``exp``, ``sigmoid``, ``relu`` and their kin.

Each ``f`` is written so that no argument overflows it (Section 4.1), and each derivative so that
it is right wherever the function is.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.special
from array_api_compat import array_namespace, is_torch_array

from dlbook.checks import real_number
from dlbook.graph import Variable
from dlbook.operations.base import as_variables, call, dtype_code, helper, shape_code
from dlbook.operations.comparisons import clip, heaviside, maximum, minimum, where
from dlbook.operations.elementwise import Elementwise, numerator, square
from dlbook.operators import Operand


class Unary(Elementwise):
    """A function of one variable that holds floats."""

    kinds = "f"


class Exp(Unary):
    """The exponential function of each entry."""

    may_be_infinite = True
    name, ufunc = "exp", "exp"

    def f(self, a):
        return array_namespace(a).exp(a)

    def times_slope(self, inputs, X, G):
        return G * exp(X)


class Log(Unary):
    """The natural logarithm of each entry."""

    may_be_infinite = True
    name, ufunc = "log", "log"

    def f(self, a):
        return array_namespace(a).log(a)

    def times_slope(self, inputs, X, G):
        return G / X


class Expm1(Unary):
    """exp(a) - 1 of each entry, precise also where a is close to 0."""

    may_be_infinite = True
    name, ufunc = "expm1", "expm1"

    def f(self, a):
        return array_namespace(a).expm1(a)

    def times_slope(self, inputs, X, G):
        return G * exp(X)


class Erf(Unary):
    """The error function of each entry: 2 / sqrt(pi) times the integral of exp(-t^2) up to it."""

    tame = True
    name = "erf"

    def f(self, a):
        if is_torch_array(a):
            return a.erf()
        return scipy.special.erf(a)

    def times_slope(self, inputs, X, G):
        # Beyond 30 the slope is 0 in every float, and further out the square would overflow.
        return G * (exp(-square(clip(X, -30, 30))) * (2 / math.sqrt(math.pi)))


class Erfc(Unary):
    """1 - erf(a) of each entry, precise also where that is close to 0."""

    tame = True
    name = "erfc"

    def f(self, a):
        if is_torch_array(a):
            return a.erfc()
        return scipy.special.erfc(a)

    def times_slope(self, inputs, X, G):
        return -erf.times_slope(inputs, X, G)


class Log1p(Unary):
    """log(1 + a) of each entry, precise also where a is close to 0."""

    may_be_infinite = True
    name, ufunc = "log1p", "log1p"

    def f(self, a):
        return array_namespace(a).log1p(a)

    def times_slope(self, inputs, X, G):
        return G / (1 + X)


class Sin(Unary):
    """The sine of each entry."""

    name, ufunc = "sin", "sin"

    def f(self, a):
        return array_namespace(a).sin(a)

    def times_slope(self, inputs, X, G):
        return G * cos(X)


class Cos(Unary):
    """The cosine of each entry."""

    name, ufunc = "cos", "cos"

    def f(self, a):
        return array_namespace(a).cos(a)

    def times_slope(self, inputs, X, G):
        return -G * sin(X)


class Tanh(Unary):
    """The hyperbolic tangent of each entry (Equation 6.39)."""

    tame = True
    name, ufunc = "tanh", "tanh"

    def f(self, a):
        return array_namespace(a).tanh(a)

    def times_slope(self, inputs, X, G):
        return G * TanhSlope()(X)


class TanhSlope(Unary):
    """1 - tanh(a)^2 of each entry, which is 4 sigmoid(2 a) sigmoid(-2 a): precise in the tails."""

    tame = True
    name = "tanh_slope"

    def f(self, a):
        xp = array_namespace(a)
        e = xp.exp(-2 * xp.abs(a))
        return 4 * e / (1 + e) ** 2

    def times_slope(self, inputs, X, G):
        return G * (-2 * tanh(X) * TanhSlope()(X))

    def code(self, V, arguments, out, setup):
        if not out:
            return f"tanh_slope({arguments[0]})"
        e = setup("e", f"empty({shape_code(V.shape)}, {dtype_code(V.dtype)})")
        return call("tanh_slope_into", *arguments, e, out)

    def may_overwrite(self, place):
        return True


@helper
def tanh_slope(a):
    """Compute the slope of tanh for a number, or into new memory."""
    e = np.exp(-2 * np.abs(a))
    return 4 * e / (1 + e) ** 2


@helper
def tanh_slope_into(a: np.ndarray, e: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Compute the slopes of tanh into a buffer, with the help of another."""
    np.absolute(a, e)
    np.multiply(e, -2, e)
    np.exp(e, e)
    np.add(e, 1, out)
    np.square(out, out)
    np.divide(e, out, out)
    return np.multiply(out, 4, out)


class Sigmoid(Unary):
    """The logistic sigmoid, 1 / (1 + exp(-z)) (Equation 6.38)."""

    tame = True
    name, symbol = "sigmoid", "σ"

    def f(self, z):
        # Both exponents are at most 0.
        xp = array_namespace(z)
        return xp.exp(xp.minimum(z, xp.zeros_like(z))) / (1 + xp.exp(-xp.abs(z)))

    def times_slope(self, inputs, X, G):
        over = numerator(G, self, X)  # G = over / sigmoid(X), as in the gradient of its logarithm
        return G * (sigmoid(X) * sigmoid(-X)) if over is None else over * sigmoid(-X)

    def expand(self, z):
        return exp(minimum(z, 0)) / (1 + exp(-abs(z)))


class Softplus(Unary):
    """log(1 + exp(z)), the smooth rectifier (Section 3.10)."""

    tame = True
    name, symbol = "softplus", "ζ"

    def f(self, z):
        xp = array_namespace(z)
        return xp.log1p(xp.exp(-xp.abs(z))) + xp.maximum(z, xp.zeros_like(z))

    def times_slope(self, inputs, X, G):
        return G * sigmoid(X)

    def expand(self, z):
        return log1p(exp(-abs(z))) + maximum(z, 0)


class Relu(Unary):
    """The rectified linear unit, max{0, z} (Section 6.1, Figure 6.3)."""

    tame = True
    name = "relu"

    def f(self, z):
        xp = array_namespace(z)
        return xp.maximum(z, xp.zeros_like(z))

    def times_slope(self, inputs, X, G):
        return G * heaviside(X)

    def code(self, V, arguments, out, setup):
        zero = setup("zero", f"np.zeros((), {dtype_code(V.dtype)})")
        return call("np.maximum", *arguments, zero, out=out)

    def may_overwrite(self, place):
        return True


class LeakyRelu(Unary):
    """max{0, z} + slope * min{0, z} with a fixed small slope (Section 6.3.1)."""

    tame = True
    name = "leaky_relu"

    def __init__(self, slope: float):
        self.slope = slope

    def f(self, z):
        xp = array_namespace(z)
        zero = xp.zeros_like(z)
        return xp.maximum(z, zero) + self.slope * xp.minimum(z, zero)

    def times_slope(self, inputs, X, G):
        return G * (self.slope + (1 - self.slope) * heaviside(X))

    def expand(self, z):
        return maximum(z, 0) + self.slope * minimum(z, 0)


exp, expm1, log, log1p = Exp(), Expm1(), Log(), Log1p()
erf, erfc, sin, cos, tanh = Erf(), Erfc(), Sin(), Cos(), Tanh()
sigmoid, softplus, relu = Sigmoid(), Softplus(), Relu()


def log_sigmoid(z: Operand) -> Variable:
    """Compute log(sigmoid(z)) = -softplus(-z), entry by entry, without overflow (Section 3.10)."""
    (z,) = as_variables("log_sigmoid", z)
    return -softplus(-z)


def leaky_relu(z: Operand, slope: float = 0.01) -> Variable:
    """Compute max{0, z} + slope * min{0, z}, entry by entry (Section 6.3.1).

    Raises TypeError unless the slope is a number.
    """
    if not real_number(slope):
        raise TypeError(f"leaky_relu: the slope must be a number, got {slope!r}")
    return LeakyRelu(float(slope))(z)


def parametric_relu(z: Operand, alpha: Operand) -> Variable:
    """Compute max{0, z} + alpha * min{0, z}, where alpha is learned, too (Section 6.3.1).

    ``alpha`` has the shape ``()``, or one slope for each unit.
    """
    z, alpha = as_variables("parametric_relu", z, alpha)
    return where(z > 0, z, alpha * z)  # the slope at 0 is that from the left, as for relu


def hard_tanh(z: Operand) -> Variable:
    """Compute max{-1, min{1, z}}, entry by entry (Section 6.3.3)."""
    return clip(z, -1, 1)


__all__ = [
    "cos",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "hard_tanh",
    "leaky_relu",
    "log",
    "log1p",
    "log_sigmoid",
    "parametric_relu",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "tanh",
]
