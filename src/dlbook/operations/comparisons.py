"""Comparisons, and what chooses by them: ``where``, ``maximum``, ``minimum``, ``clip``.

A comparison is constant between its jumps. What chooses by one has a derivative with respect to
what is chosen (Section 6.5.8 on undefined gradients).
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from dlbook.checks import real_number
from dlbook.graph import Variable
from dlbook.operations.base import Operation, as_variables, to_common_dtype
from dlbook.operations.elementwise import Elementwise
from dlbook.operations.flow import stop_gradient
from dlbook.operations.shapes import broadcast_shape
from dlbook.operators import Operand


class Comparison(Elementwise):
    """What comparisons have in common: they give bools, which change by jumps alone."""

    kinds = "fiub"
    bprop, jvp = Operation.bprop, Operation.jvp

    def infer_dtype(self, a, b):
        return np.dtype(bool)


class Greater(Comparison):
    """Whether a > b, entry by entry."""

    name, symbol, ufunc = "greater", ">", "greater"

    def f(self, a, b):
        return a > b


class GreaterEqual(Comparison):
    """Whether a >= b, entry by entry."""

    name, symbol, ufunc = "greater_equal", "≥", "greater_equal"

    def f(self, a, b):
        return a >= b


class Less(Comparison):
    """Whether a < b, entry by entry."""

    name, symbol, ufunc = "less", "<", "less"

    def f(self, a, b):
        return a < b


class LessEqual(Comparison):
    """Whether a <= b, entry by entry."""

    name, symbol, ufunc = "less_equal", "≤", "less_equal"

    def f(self, a, b):
        return a <= b


class Equal(Comparison):
    """Whether a = b, entry by entry."""

    name, symbol, ufunc = "equal", "=", "equal"

    def f(self, a, b):
        return a == b


class NotEqual(Comparison):
    """Whether a and b differ, entry by entry."""

    name, symbol, ufunc = "not_equal", "≠", "not_equal"

    def f(self, a, b):
        return a != b


class Logical(Elementwise):
    """What bools are combined by."""

    kinds = "b"
    bprop, jvp = Operation.bprop, Operation.jvp


class LogicalAnd(Logical):
    """Whether both a and b hold, entry by entry."""

    name, symbol, ufunc = "logical_and", "∧", "logical_and"

    def f(self, a, b):
        return array_namespace(a, b).logical_and(a, b)


class LogicalOr(Logical):
    """Whether a or b holds, or both, entry by entry."""

    name, symbol, ufunc = "logical_or", "∨", "logical_or"

    def f(self, a, b):
        return array_namespace(a, b).logical_or(a, b)


class LogicalNot(Logical):
    """Whether a does not hold, entry by entry."""

    name, symbol, ufunc = "logical_not", "¬", "logical_not"

    def f(self, a):
        return array_namespace(a).logical_not(a)


class IsNaN(Elementwise):
    """Whether an entry is no number, as 0 / 0 is none."""

    name, kinds, ufunc = "isnan", "f", "isnan"
    bprop, jvp = Operation.bprop, Operation.jvp

    def infer_dtype(self, a):
        return np.dtype(bool)

    def f(self, a):
        return array_namespace(a).isnan(a)


class Where(Elementwise):
    """a where the condition holds, else b. The condition only chooses: its gradient is zero."""

    tame = True
    name, kinds, mixes, chooses = "where", "fiub", False, True

    def infer_shape(self, condition, a, b):
        if condition.dtype.kind != "b":
            raise TypeError(
                f"where: the condition must be a bool, such as x > 0, but '{condition.name}' is "
                f"{condition.dtype}"
            )
        return broadcast_shape(self, condition, a, b)

    def infer_dtype(self, condition, a, b):
        return np.result_type(a.dtype, b.dtype)

    def f(self, condition, a, b):
        return array_namespace(condition, a, b).where(condition, a, b)

    def times_slope(self, inputs, X, G):
        condition, a, _ = inputs
        if X is condition:
            return None
        return where(condition, G, 0) if X is a else where(condition, 0, G)


class Maximum(Elementwise):
    """The larger of a and b, entry by entry; where they are equal, each has half the gradient."""

    tame = True
    name, symbol, ufunc = "maximum", "max", "maximum"

    def f(self, a, b):
        return array_namespace(a, b).maximum(a, b)

    def times_slope(self, inputs, X, G):
        a, b = inputs
        return G * (is_larger(a, b) if X is a else is_larger(b, a))


class Minimum(Elementwise):
    """The smaller of a and b, entry by entry; where they are equal, each has half the gradient."""

    tame = True
    name, symbol, ufunc = "minimum", "min", "minimum"

    def f(self, a, b):
        return array_namespace(a, b).minimum(a, b)

    def times_slope(self, inputs, X, G):
        a, b = inputs
        return G * (is_larger(b, a) if X is a else is_larger(a, b))


class IsLarger(Elementwise):
    """1 where a > b, 1/2 where a = b, else 0: the share of ``a`` in the maximum of both."""

    name, kinds, flat = "is_larger", "f", True

    def f(self, a, b):
        xp = array_namespace(a, b)
        dtype = xp.result_type(a, b)
        return (xp.astype(a > b, dtype) + xp.astype(a >= b, dtype)) / 2

    def expand(self, a, b):
        return ((a > b).astype(a.dtype) + (a >= b).astype(a.dtype)) * 0.5


class Clip(Elementwise):
    """Each entry, moved to the nearer of two fixed bounds if it lies outside of them."""

    tame = True
    name, kinds = "clip", "f"

    def __init__(self, low: float, high: float):
        self.low, self.high = low, high

    def f(self, a):
        return array_namespace(a).clip(a, self.low, self.high)

    def times_slope(self, inputs, X, G):
        X = stop_gradient(X)  # flat wherever it has a derivative
        return where(self.low <= X, where(self.high >= X, G, 0), 0)

    def expand(self, a):
        return minimum(maximum(a, self.low), self.high)


class Heaviside(Elementwise):
    """1 where z > 0, else 0: the derivative of the rectifier, the left one at 0 (Section 6.3)."""

    name, kinds, flat = "heaviside", "f", True

    def f(self, z):
        return array_namespace(z).astype(z > 0, z.dtype)

    def expand(self, z):
        return (z > 0).astype(z.dtype)


greater, greater_equal, less, less_equal = Greater(), GreaterEqual(), Less(), LessEqual()
equal, not_equal, is_larger, heaviside = Equal(), NotEqual(), IsLarger(), Heaviside()
maximum, minimum = Maximum(), Minimum()
logical_and, logical_or, logical_not, isnan = LogicalAnd(), LogicalOr(), LogicalNot(), IsNaN()


def where(condition: Operand, a: Operand, b: Operand) -> Variable:
    """Take the entry of ``a`` where ``condition``, a bool, holds, else that of ``b``.

    Raises TypeError if the condition is no bool, ValueError if the shapes do not fit.
    """
    (condition,) = as_variables("where", condition)
    return Where()(condition, *to_common_dtype(as_variables("where", a, b)))


def clip(a: Operand, low: float, high: float) -> Variable:
    """Limit the entries of ``a`` to the numbers from ``low`` to ``high``.

    Raises TypeError unless both are numbers, ValueError if there are none between them.
    """
    for bound in (low, high):
        if not real_number(bound):
            raise TypeError(f"clip: a bound must be a number, got {bound!r}")
    if not low <= high:
        raise ValueError(f"clip: the lower bound must not be above the upper, got {low} and {high}")
    return Clip(float(low), float(high))(a)


__all__ = [
    "clip",
    "equal",
    "greater",
    "greater_equal",
    "heaviside",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "maximum",
    "minimum",
    "not_equal",
    "where",
]
