"""Operations that act on each entry by itself, with broadcasting as in NumPy.

Look at :class:`Multiply` first: it tells its two inputs apart, which is what makes the derivative
of ``x * x`` come out as ``2 x`` (Section 6.5.6). The functions of one variable, ``exp``, ``relu``
and so on, are in ``functions.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import DTypeLike

from dlbook.checks import Shape, check_dtype, real_number
from dlbook.graph import Variable
from dlbook.operations.base import Operation, any_inputs, call, constant, variable_of
from dlbook.operations.shapes import broadcast_like, broadcast_shape, store, unbroadcast
from dlbook.operators import Operand, by_name


class Elementwise(Operation):
    """What all of these have in common: the rule for shapes, and the chain rule entry by entry.

    The Jacobian is diagonal, so that one rule serves both directions: ``times_slope``.
    """

    kinds, mixes, fresh = "fiu", True, True

    @any_inputs
    def infer_shape(self, *inputs: Variable) -> Shape:
        return broadcast_shape(self, *inputs)

    def times_slope(self, inputs: list[Variable], X: Variable, G: Variable) -> Variable | None:
        """Return ``G`` times the derivative with respect to the input ``X``, entry by entry.

        ``None`` stands for zero.
        """
        return super().bprop(inputs, X, G)

    def bprop(self, inputs, X, G):
        gradient = self.times_slope(inputs, X, G)
        return None if gradient is None else unbroadcast(gradient, X)

    def jvp(self, inputs, tangents):
        moved = [(X, T) for X, T in zip(inputs, tangents, strict=True) if T is not None]
        return add_up(self.times_slope(inputs, X, T) for X, T in moved)


def add_up(terms: Iterable[Variable | None]) -> Variable | None:
    """Add variables; ``None`` stands for zero."""
    total = None
    for term in terms:
        total = term if total is None else total if term is None else total + term
    return total


class Add(Elementwise):
    """a + b, entry by entry."""

    name, symbol, ufunc, operator = "add", "+", "add", "+"

    def f(self, a, b):
        return a + b

    def times_slope(self, inputs, X, G):
        return G


class Subtract(Elementwise):
    """a - b, entry by entry."""

    name, symbol, ufunc, operator = "subtract", "−", "subtract", "-"

    def f(self, a, b):
        return a - b

    def times_slope(self, inputs, X, G):
        return G if X is inputs[0] else -G


class Multiply(Elementwise):
    """a * b, entry by entry."""

    name, symbol, ufunc, operator = "multiply", "×", "multiply", "*"

    def f(self, a, b):
        return a * b

    def times_slope(self, inputs, X, G):
        a, b = inputs
        return G * (b if X is a else a)


class Divide(Elementwise):
    """a / b, entry by entry."""

    name, symbol, ufunc, operator, kinds = "divide", "÷", "divide", "/", "f"

    def f(self, a, b):
        return a / b

    def times_slope(self, inputs, X, G):
        a, b = inputs
        # In this order nothing overflows that need not: b squared might.
        return G / b if X is a else -(G * (a / b)) / b


class Negate(Elementwise):
    """-a, entry by entry."""

    name, symbol, ufunc, operator = "negate", "−", "negative", "-"

    def f(self, a):
        return -a

    def times_slope(self, inputs, X, G):
        return -G


class Square(Elementwise):
    """The square of each entry."""

    name, symbol, ufunc = "square", "·²", "square"

    def f(self, a):
        return a * a

    def times_slope(self, inputs, X, G):
        return G * (2 * X)


class Power(Elementwise):
    """Each entry to the power of one fixed number."""

    name, symbol, kinds = "power", "^", "f"

    def __init__(self, exponent: float):
        self.exponent = exponent

    def f(self, a):
        return a**self.exponent

    def times_slope(self, inputs, X, G):
        return G * (self.exponent * power(X, self.exponent - 1))

    def code(self, V, arguments, out, setup):
        return call("np.power", *arguments, repr(self.exponent), out=out)

    def may_overwrite(self, place):
        return True


class Sqrt(Elementwise):
    """The square root of each entry."""

    name, symbol, kinds, ufunc = "sqrt", "√", "f", "sqrt"

    def f(self, a):
        return array_namespace(a).sqrt(a)

    def times_slope(self, inputs, X, G):
        return G * (0.5 / sqrt(X))


class Abs(Elementwise):
    """The absolute value of each entry; its derivative at 0 is taken to be 0."""

    name, symbol, ufunc = "abs", "|·|", "absolute"

    def f(self, a):
        return array_namespace(a).abs(a)

    def times_slope(self, inputs, X, G):
        return G * sign(X)


class Sign(Elementwise):
    """-1, 0 or 1, as each entry is negative, zero or positive."""

    name, ufunc, flat = "sign", "sign", True

    def f(self, a):
        return array_namespace(a).sign(a)


class AsType(Elementwise):
    """The same values in another dtype."""

    name, kinds = "astype", "fiub"

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype

    def infer_dtype(self, a):
        return self.dtype

    def f(self, a):
        xp = array_namespace(a)
        return xp.astype(a, getattr(xp, self.dtype.name))

    def times_slope(self, inputs, X, G):
        return astype(G, X.dtype)

    def jvp(self, inputs, tangents):
        return astype(tangents[0], self.dtype)

    def code(self, V, arguments, out, setup):
        return store(V, arguments[0], out)

    def may_overwrite(self, place):
        return False


add, subtract, multiply, divide = Add(), Subtract(), Multiply(), Divide()
negate, square, sqrt, abs, sign = Negate(), Square(), Sqrt(), Abs(), Sign()  # NumPy's names


def power(a: Operand, b: Operand) -> Variable:
    """Raise each entry of ``a`` to the power ``b``, a finite number or a variable.

    Raises TypeError if ``b`` is neither.
    """
    if isinstance(b, Variable | np.ndarray) or not isinstance(a, Variable):
        return VariablePower()(a, b)
    if not (real_number(b) and math.isfinite(b)):
        raise TypeError(f"power: the exponent must be a finite number or a variable, got {b!r}")
    if b == 0:
        return broadcast_like(constant(1, dtype=a.dtype), a)
    a = variable_of(a)
    return a if b == 1 else square(a) if b == 2 else Power(float(b))(a)


class VariablePower(Elementwise):
    """a to the power b, entry by entry, where the exponent is a variable, too."""

    name, symbol, kinds, ufunc = "power", "^", "f", "power"

    def f(self, a, b):
        return a**b

    def times_slope(self, inputs, X, G):
        a, b = inputs
        where, equal, log = by_name["where"], by_name["equal"], by_name["log"]
        if X is b:  # 0 to the power of any b > 0 stays 0
            return G * (a**b * log(where(equal(a, 0), 1.0, a)))
        return G * (b * a ** where(equal(b, 0), 1.0, b - 1))


def astype(a: Operand, dtype: DTypeLike) -> Variable:
    """Convert ``a`` to another dtype, such as ``numpy.float32``.

    Raises TypeError if ``dtype`` is not the name of a numeric type.
    """
    return AsType(check_dtype("astype", dtype))(a)


__all__ = [
    "abs",
    "add",
    "astype",
    "divide",
    "multiply",
    "negate",
    "power",
    "sign",
    "sqrt",
    "square",
    "subtract",
]
