"""Section 6.2.2: softmax, its logarithm, and the soft maximum.

Each is computed from ``z - max(z)``, which changes nothing (Equation 6.33) and cannot overflow;
look at :func:`shifted`.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from dlbook.checks import Shape
from dlbook.graph import Variable
from dlbook.operations import pairwise
from dlbook.operations.base import Operation, any_inputs, as_variables
from dlbook.operations.comparisons import clip, equal, where
from dlbook.operations.elementwise import add_up, numerator
from dlbook.operations.functions import exp, log
from dlbook.operations.indexing import Index, PutAlong, Scatter, TakeAlong
from dlbook.operations.reductions import Max, Reduction, Sum
from dlbook.operations.shapes import normalize_axes
from dlbook.operators import Axes, Operand


def shifted(z: Variable, axes: tuple[int, ...]) -> Variable:
    """z - max(z): the same softmax, and no exponent above 0 (Equation 6.33)."""
    return z - Max(axes, keepdims=True)(z)


def total(z: Variable, axes: tuple[int, ...]) -> Variable:
    """The sum of exp(z - max(z)): at least 1."""
    return Sum(axes, keepdims=True)(exp(shifted(z, axes)))


class LogSumExp(Reduction):
    """log(sum(exp(a))) along some axes: a soft maximum (Section 6.2.2.3)."""

    name, kinds = "logsumexp", "f"

    def f(self, A):
        xp = array_namespace(A)
        largest = xp.max(A, axis=self.axes, keepdims=True)
        # Where all entries are -inf, or one is inf, so is the result: nothing may cancel there.
        largest = xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))
        result = largest + xp.log(pairwise.total(xp.exp(A - largest), self.axes, keepdims=True))
        return xp.reshape(result, self.infer_shape(A))

    def _shares(self, X: Variable) -> Variable:
        """Return how much each entry has of the gradient; none if all are -inf."""
        largest = np.finfo(X.dtype).max
        shares = Softmax(self.axes)(clip(X, -largest, largest))
        return where(equal(Max(self.axes, keepdims=True)(X), -np.inf), 0, shares)

    def bprop(self, inputs, X, G):
        return self.keep(G) * self._shares(X)

    def jvp(self, inputs, tangents):
        return Sum(self.axes, self.keepdims)(tangents[0] * self._shares(inputs[0]))


class AlongAxes(Operation):
    """What softmax and its logarithm have in common."""

    kinds, fresh = "f", True

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    @any_inputs
    def infer_shape(self, *inputs: Variable) -> Shape:
        return inputs[0].shape

    def sum(self, V: Variable) -> Variable:
        return Sum(self.axes, keepdims=True)(V)


class Softmax(AlongAxes):
    """exp(z_i) / sum_j exp(z_j) along some axes (Equations 6.29 and 6.33)."""

    name = "softmax"

    def f(self, z):
        xp = array_namespace(z)
        e = xp.exp(z - xp.max(z, axis=self.axes, keepdims=True))
        return e / pairwise.total(e, self.axes, keepdims=True)

    def bprop(self, inputs, X, G):
        over = self._over(X, G)
        return SoftmaxSlope(self.axes)(X, G) if over is None else over - self(X) * self.sum(over)

    def _over(self, X: Variable, G: Variable) -> Variable | None:
        """Return a, if G = a / softmax(X): the gradient of its logarithm is, or of parts of it."""
        if not isinstance(G.operation, Scatter | PutAlong):
            return numerator(G, self, X)
        part, q, *indices = G.inputs
        if q.operation != self or q.inputs[0] is not X:
            return None
        if isinstance(G.operation, Scatter):
            over = numerator(part, Index(G.operation.key), q, *indices)
        else:
            over = numerator(part, TakeAlong(G.operation.axis), q, *indices)
        return None if over is None else G.operation(over, q, *indices)

    def jvp(self, inputs, tangents):
        return SoftmaxSlope(self.axes)(inputs[0], tangents[0])  # the Jacobian is symmetric

    def expand(self, z):
        return exp(shifted(z, self.axes)) / total(z, self.axes)


class SoftmaxSlope(AlongAxes):
    """q * (G - sum(G * q)) for q = softmax(z): the softmax's Jacobian times G.

    Where one q is almost 1, what is left of its G is almost nothing, and would be lost to rounding.
    So the G of the largest is first taken away from all, which changes nothing else.
    """

    name, mixes = "softmax_slope", True

    def f(self, z, G):
        xp = array_namespace(z, G)
        q = Softmax(self.axes).f(z)
        is_largest = xp.astype(z == xp.max(z, axis=self.axes, keepdims=True), z.dtype)
        counted = pairwise.total(is_largest, self.axes, keepdims=True)
        G = G - pairwise.total(xp.where(is_largest > 0, G, 0 * q), self.axes, True) / counted
        return q * (G - pairwise.total(q * G, self.axes, keepdims=True))

    def _by_z(self, z: Variable, G: Variable, D: Variable) -> Variable:
        q = Softmax(self.axes)(z)
        return self(z, D * (G - self.sum(G * q)) - self.sum(D * q) * G)

    def bprop(self, inputs, X, G):
        z, times = inputs
        return self._by_z(z, times, G) if X is z else self(z, G)

    def jvp(self, inputs, tangents):
        (z, G), (Tz, TG) = inputs, tangents
        terms = (None if Tz is None else self._by_z(z, G, Tz), None if TG is None else self(z, TG))
        return add_up(terms)

    def expand(self, z, G):
        q = Softmax(self.axes)(z)
        G = G - self.sum(G * Max(self.axes).share(z))
        return q * (G - self.sum(q * G))


class LogSoftmax(AlongAxes):
    """z_i - log(sum_j exp(z_j)) along some axes (Equation 6.30)."""

    name = "log_softmax"

    def f(self, z):
        xp = array_namespace(z)
        s = z - xp.max(z, axis=self.axes, keepdims=True)
        return s - xp.log(pairwise.total(xp.exp(s), self.axes, keepdims=True))

    def bprop(self, inputs, X, G):
        return G - Softmax(self.axes)(X) * self.sum(G)

    def jvp(self, inputs, tangents):
        T = tangents[0]
        return T - self.sum(Softmax(self.axes)(inputs[0]) * T)

    def expand(self, z):
        return shifted(z, self.axes) - log(total(z, self.axes))


def _along(name: str, kind: type[AlongAxes], z: Operand, axis: Axes) -> Variable:
    (z,) = as_variables(name, z)
    return kind(normalize_axes(name, z, axis))(z)


def softmax(z: Operand, axis: int | tuple[int, ...] = -1) -> Variable:
    """Compute exp(z_i) / sum_j exp(z_j) along ``axis`` (Equation 6.29).

    Raises ValueError if there is no such axis, TypeError if ``z`` holds no floats.
    """
    return _along("softmax", Softmax, z, axis)


def log_softmax(z: Operand, axis: int | tuple[int, ...] = -1) -> Variable:
    """Compute z_i - log(sum_j exp(z_j)) along ``axis`` (Equation 6.30).

    Raises ValueError if there is no such axis, TypeError if ``z`` holds no floats.
    """
    return _along("log_softmax", LogSoftmax, z, axis)


def logsumexp(z: Operand, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Compute log(sum(exp(z))) over ``axis`` (int, tuple or None for all).

    Raises ValueError if there is no such axis, TypeError if ``z`` holds no floats.
    """
    (z,) = as_variables("logsumexp", z)
    return LogSumExp(normalize_axes("logsumexp", z, axis), keepdims)(z)


__all__ = ["log_softmax", "logsumexp", "softmax"]
