"""Operations that act on each entry by itself, with broadcasting as in NumPy.

Look at :class:`Multiply` first: its ``bprop`` tells its two inputs apart, which is what makes the
derivative of ``x * x`` come out as ``2 x`` (Section 6.5.6).
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from dlbook.checks import check_dtype
from dlbook.graph import Variable, operators
from dlbook.operations.base import Operation, as_variables, constant
from dlbook.operations.shapes import broadcast_like, broadcast_shape, unbroadcast


class Elementwise(Operation):
    """What all of these have in common: the rule for shapes."""

    fresh = True

    def infer_shape(self, *inputs):
        return broadcast_shape(self, *inputs)


class Add(Elementwise):
    """a + b, entry by entry."""

    name, symbol = "add", "+"

    def f(self, a, b):
        return a + b

    def bprop(self, inputs, X, G):
        return unbroadcast(G, X)


class Subtract(Elementwise):
    """a - b, entry by entry."""

    name, symbol = "subtract", "−"

    def f(self, a, b):
        return a - b

    def bprop(self, inputs, X, G):
        return unbroadcast(G if X is inputs[0] else -G, X)


class Multiply(Elementwise):
    """a * b, entry by entry."""

    name, symbol = "multiply", "×"

    def f(self, a, b):
        return a * b

    def bprop(self, inputs, X, G):
        a, b = inputs
        return unbroadcast(G * (b if X is a else a), X)


class Divide(Elementwise):
    """a / b, entry by entry."""

    name, symbol, needs_floats = "divide", "÷", True

    def f(self, a, b):
        return a / b

    def bprop(self, inputs, X, G):
        a, b = inputs
        # In this order nothing overflows that need not: b squared might.
        return unbroadcast(G / b if X is a else -(G * (a / b)) / b, X)


class Negate(Elementwise):
    """-a, entry by entry."""

    name, symbol = "negate", "−"

    def f(self, a):
        return -a

    def bprop(self, inputs, X, G):
        return -G


class Square(Elementwise):
    """The square of each entry."""

    name, symbol = "square", "·²"

    def f(self, a):
        return a * a

    def bprop(self, inputs, X, G):
        return G * (2 * X)


class AsType(Elementwise):
    """The same values in another dtype."""

    name = "astype"

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype

    def infer_dtype(self, a):
        return self.dtype

    def f(self, a):
        xp = array_namespace(a)
        return xp.astype(a, getattr(xp, self.dtype.name))

    def bprop(self, inputs, X, G):
        return astype(G, X.dtype)


class Power(Elementwise):
    """Each entry to the power of one fixed number."""

    name, needs_floats = "power", True

    def __init__(self, exponent: float):
        self.exponent = exponent

    def f(self, a):
        return a**self.exponent

    def bprop(self, inputs, X, G):
        return G * (self.exponent * power(X, self.exponent - 1))


class Relu(Elementwise):
    """The rectified linear unit, max{0, z} (Section 6.1, Figure 6.3)."""

    name, needs_floats = "relu", True

    def f(self, z):
        xp = array_namespace(z)
        return xp.maximum(z, xp.zeros_like(z))

    def bprop(self, inputs, X, G):
        return G * step(X)


class Step(Elementwise):
    """1 where z > 0, else 0: the derivative of the rectifier, the left one at 0 (Section 6.3)."""

    name, needs_floats = "step", True

    def f(self, z):
        return array_namespace(z).astype(z > 0, z.dtype)

    def bprop(self, inputs, X, G):
        return None  # flat wherever it has a derivative


add, subtract, multiply, divide = Add(), Subtract(), Multiply(), Divide()
negate, square, relu, step = Negate(), Square(), Relu(), Step()


def power(a: Variable, exponent: float) -> Variable:
    """Raise each entry of ``a`` to the power ``exponent``, a plain finite number.

    Raises TypeError if the exponent is no such number.
    """
    (a,) = as_variables("power", a)
    if isinstance(exponent, bool) or not (isinstance(exponent, Real) and math.isfinite(exponent)):
        raise TypeError(f"power: the exponent must be a finite number, got {exponent!r}")
    if exponent == 0:
        return broadcast_like(constant(1, dtype=a.dtype), a)
    return square(a) if exponent == 2 else Power(float(exponent))(a)


def astype(a: Variable, dtype: Any) -> Variable:
    """Convert ``a`` to another dtype, such as ``numpy.float32``.

    Raises TypeError if ``dtype`` is not the name of a numeric type.
    """
    return AsType(check_dtype("astype", dtype))(a)


operators.update(
    add=add,
    astype=astype,
    divide=divide,
    multiply=multiply,
    negate=negate,
    power=power,
    subtract=subtract,
)
__all__ = [
    "add",
    "astype",
    "divide",
    "multiply",
    "negate",
    "power",
    "relu",
    "square",
    "step",
    "subtract",
]
