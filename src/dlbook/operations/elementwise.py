"""Operations that act on each entry by itself, with broadcasting as in NumPy.

Look at :class:`Multiply` first: it tells its two inputs apart, which is what makes the derivative
of ``x * x`` come out as ``2 x`` (Section 6.5.6). The functions of one variable, ``exp``, ``relu``
and so on, are in ``functions.py``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from functools import partial

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import DTypeLike

from dlbook.checks import Shape, check_dtype, real_number
from dlbook.graph import Variable
from dlbook.operations import branches
from dlbook.operations.base import (
    Constant,
    Operation,
    any_inputs,
    call,
    constant,
    value_of,
    variable_of,
)
from dlbook.operations.shapes import broadcast_like, broadcast_shape, store, unbroadcast
from dlbook.operators import Operand, by_name


class Elementwise(Operation):
    """What all of these have in common: the rule for shapes, and the chain rule entry by entry.

    The Jacobian is diagonal, so that one rule serves both directions: ``times_slope``.
    """

    kinds, mixes, fresh = "fiu", True, True
    tame = False  # whether its slopes are finite wherever it is, so that 0 times a slope is 0

    def is_tame(self, inputs: list[Variable], X: Variable) -> bool:
        """Return whether the slopes with respect to the input ``X`` are finite."""
        return self.tame

    @any_inputs
    def infer_shape(self, *inputs: Variable) -> Shape:
        return broadcast_shape(self, *inputs)

    def times_slope(self, inputs: list[Variable], X: Variable, G: Variable) -> Variable | None:
        """Return ``G`` times the derivative with respect to the input ``X``, entry by entry.

        ``None`` stands for zero.
        """
        return super().bprop(inputs, X, G)

    def bprop(self, inputs, X, G):
        slope, tame = partial(self.times_slope, inputs, X), self.is_tame(inputs, X)
        gradient = branches.through(slope, G, tame)
        return None if gradient is None else unbroadcast(gradient, X)

    def jvp(self, inputs, tangents):
        moved = [(X, T) for X, T in zip(inputs, tangents, strict=True) if T is not None]
        return add_up(self._tangent(inputs, X, T) for X, T in moved)

    def _tangent(self, inputs: list[Variable], X: Variable, T: Variable) -> Variable | None:
        slope = branches.gated(partial(self.times_slope, inputs, X))
        return branches.through(slope, T, self.is_tame(inputs, X))


def add_up(terms: Iterable[Variable | None]) -> Variable | None:
    """Add variables; ``None`` stands for zero."""
    total = None
    for term in terms:
        total = term if total is None else total if term is None else total + term
    return total


class Add(Elementwise):
    """a + b, entry by entry."""

    tame = True
    name, symbol, ufunc, operator = "add", "+", "add", "+"

    def f(self, a, b):
        return a + b

    def times_slope(self, inputs, X, G):
        return G


class Subtract(Elementwise):
    """a - b, entry by entry."""

    tame = True
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

    def is_tame(self, inputs, X):
        a, b = inputs
        other = b if X is a else a
        return not branches.may_be_infinite(other)

    def times_slope(self, inputs, X, G):
        a, b = inputs
        return G * (b if X is a else a)


class Divide(Elementwise):
    """a / b, entry by entry."""

    may_be_infinite = True
    name, symbol, ufunc, operator, kinds = "divide", "÷", "divide", "/", "f"

    def f(self, a, b):
        return a / b

    def times_slope(self, inputs, X, G):
        a, b = inputs
        # In this order nothing overflows that need not: b squared might.
        return G / b if X is a else -(G * (a / b)) / b


class Negate(Elementwise):
    """-a, entry by entry."""

    tame = True
    name, symbol, ufunc, operator = "negate", "−", "negative", "-"

    def f(self, a):
        return -a

    def times_slope(self, inputs, X, G):
        return -G


class Square(Elementwise):
    """The square of each entry."""

    name, symbol, ufunc = "square", "·²", "square"

    def is_tame(self, inputs, X):
        return not branches.may_be_infinite(X)

    def f(self, a):
        return a * a

    def times_slope(self, inputs, X, G):
        return G * (2 * X)


class Power(Elementwise):
    """Each entry to the power of one fixed number."""

    may_be_infinite = True
    name, symbol, kinds = "power", "^", "f"

    def __init__(self, exponent: float):
        self.exponent = exponent

    def f(self, a):
        return a**self.exponent

    def times_slope(self, inputs, X, G):
        if self.exponent < 1 and least_at_0(X):
            is_off, X = by_name["equal"](X, 0), unless_0(X)
            return by_name["where"](is_off, 0, self.times_slope([X], X, G))
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
        root = sqrt(X)
        if not least_at_0(X):
            return G * (0.5 / root)
        # The root of a sum of squares, such as a norm, has a lowest point at 0, and counts as flat
        # there, as |x| does.
        return by_name["where"](root > 0, G * (0.5 / unless_0(root)), 0)


def numerator(G: Variable, operation: Operation, *inputs: Variable) -> Variable | None:
    """Return a, if ``G`` is a / b, where ``operation`` has computed b from the inputs.

    Where b is 0 in floating point, a / b is infinite, and what multiplies it by b again is NaN.
    """

    def find(G: Variable) -> Variable | None:
        if not isinstance(G.operation, Divide):
            return None
        a, b = G.inputs
        same = b.operation == operation and all(map(operator.is_, b.inputs, inputs))
        return a if same and a.shape == G.shape else None

    return branches.through(find, G, tame=True)


def least_at_0(X: Variable) -> bool:
    """Return whether ``X`` is a sum of squares, as far as the graph shows: 0 at its least."""
    open_ends, seen = [X], 0
    while open_ends:
        V, seen = open_ends.pop(), seen + 1
        op, inputs = V.operation, V.inputs
        if op is None or seen > 20:
            return False
        if isinstance(op, Square) or (isinstance(op, Power) and op.exponent % 2 == 0 < op.exponent):
            continue
        if op.name in ("multiply", "matmul") and inputs[0] is inputs[1]:
            continue
        if isinstance(op, Multiply | Divide) and _is_positive(inputs[1]):
            open_ends.append(inputs[0])
        elif isinstance(op, Multiply) and _is_positive(inputs[0]):
            open_ends.append(inputs[1])
        elif isinstance(op, Add):
            open_ends += inputs
        elif op.repeats or op.name in ("sum", "mean", "index", "max", "min"):
            open_ends.append(inputs[0])
        else:
            return False
    return True


def _is_positive(V: Variable) -> bool:
    """Return whether ``V`` is a constant above 0, or a number of entries."""
    while V.operation and V.operation.repeats:
        V = V.inputs[0]
    if isinstance(V.operation, Constant):
        return bool((value_of(V) > 0).all())
    return V.operation is not None and V.operation.name == "count"


def unless_0(X: Variable) -> Variable:
    """Return ``X`` with 1 in place of 0, so that its inverse is finite."""
    return by_name["where"](by_name["equal"](X, 0), 1, X)


class Abs(Elementwise):
    """The absolute value of each entry; its derivative at 0 is taken to be 0."""

    tame = True
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

    tame = True
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

    may_be_infinite = True
    name, symbol, kinds, ufunc = "power", "^", "f", "power"

    def f(self, a, b):
        return a**b

    def times_slope(self, inputs, X, G):
        a, b = inputs
        where, equal, log = by_name["where"], by_name["equal"], by_name["log"]
        if X is b:  # 0 to the power of any b > 0 stays 0
            return G * (a**b * log(where(equal(a, 0), 1.0, a)))
        return G * (b * a ** where(equal(b, 0), 1.0, b - 1))


class RoundTo(Elementwise):
    """The nearest numbers that a shorter float can hold, in the dtype that they had."""

    tame = True
    name, kinds, flat = "round_to", "f", True
    bprop, jvp = Operation.bprop, Operation.jvp

    def __init__(self, short: str):
        self.short = short

    def f(self, a):
        xp = array_namespace(a)
        return xp.astype(xp.astype(a, getattr(xp, self.short)), a.dtype)


def round_to(a: Operand, dtype: DTypeLike) -> Variable:
    """Round to what float16 or float32 can hold, and keep the dtype: to see what fewer digits do.

    What is too large becomes infinite. It changes by jumps alone, so its gradient is 0; to pass the
    gradient on as if nothing were rounded, add ``stop_gradient(round_to(a, dtype) - a)`` to ``a``.

    Raises TypeError for another dtype.
    """
    name = next(
        (k for k in ("float16", "float32") if dtype in (k, np.dtype(k), getattr(np, k))), ""
    )
    if not name:
        raise TypeError(f"round_to: the dtype must be float16 or float32, got {dtype!r}")
    return RoundTo(name)(a)


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
    "round_to",
    "sign",
    "sqrt",
    "square",
    "subtract",
]
