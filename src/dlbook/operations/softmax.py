"""Section 6.2.2: softmax, its logarithm, and the costs made of them.

Each is computed from ``z - max(z)``, which changes nothing (Equation 6.33) and cannot overflow;
look at :func:`shifted`. The costs take the logits, not the probabilities: a logarithm after a
softmax would be of 0 where the model is sure and wrong.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from dlbook.checks import shape_text
from dlbook.graph import Variable
from dlbook.operations import pairwise
from dlbook.operations.base import Operation, as_variables
from dlbook.operations.comparisons import maximum
from dlbook.operations.elementwise import Elementwise, astype
from dlbook.operations.functions import exp, log, log1p, sigmoid
from dlbook.operations.labels import check_labels, one_hot, probability
from dlbook.operations.reductions import Max, Reduction, Sum
from dlbook.operations.shapes import ExpandDims, normalize_axes
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

    def bprop(self, inputs, X, G):
        return self.keep(G) * Softmax(self.axes)(X)

    def jvp(self, inputs, tangents):
        return Sum(self.axes, self.keepdims)(tangents[0] * Softmax(self.axes)(inputs[0]))


class AlongAxes(Operation):
    """What softmax and its logarithm have in common."""

    kinds, fresh = "f", True

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def infer_shape(self, z):
        return z.shape

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
        q = self(X)
        return q * (G - self.sum(G * q))

    def jvp(self, inputs, tangents):
        return self.bprop(inputs, inputs[0], tangents[0])  # the Jacobian is symmetric

    def expand(self, z):
        return exp(shifted(z, self.axes)) / total(z, self.axes)


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


class CrossEntropy(Operation):
    """-log softmax(z)_y for one label each: the cost of Section 6.2.2.3, Equation 6.30."""

    name, kinds, fresh = "cross_entropy", "fiu", True

    def infer_shape(self, z, y):
        if z.ndim == 0 or z.shape[:-1] != y.shape or z.shape[-1] is None:
            raise ValueError(
                f"cross_entropy: the logits '{z.name}' {shape_text(z.shape)} must have one row of "
                f"classes for each of the labels '{y.name}' {shape_text(y.shape)}"
            )
        return y.shape

    def infer_dtype(self, z, y):
        return z.dtype

    def f(self, z, y):
        xp = array_namespace(z)
        check_labels("cross_entropy", y, z.shape[-1])
        s = z - xp.max(z, axis=-1, keepdims=True)
        chosen = xp.take_along_axis(s, y[..., None], axis=-1)[..., 0]
        return xp.log(pairwise.total(xp.exp(s), (s.ndim - 1,))) - chosen

    def _slopes(self, z, y):
        q = Softmax((z.ndim - 1,))(z)
        return q - one_hot(y, z.shape[-1], z.dtype)  # q - p, Equation 6.57

    def bprop(self, inputs, X, G):
        return ExpandDims((X.ndim - 1,))(G) * self._slopes(*inputs)

    def jvp(self, inputs, tangents):
        return Sum((inputs[0].ndim - 1,))(tangents[0] * self._slopes(*inputs))


class BinaryCrossEntropy(Elementwise):
    """-log P(y) for y between 0 and 1 with P(1) = sigmoid(z), entry by entry (Equation 6.26)."""

    name, kinds = "binary_cross_entropy", "f"

    def f(self, z, y):
        xp = array_namespace(z, y)
        # For y = 1 the last term is exactly 0 where z is large, so that nothing cancels.
        return xp.log1p(xp.exp(-xp.abs(z))) + (xp.maximum(z, xp.zeros_like(z)) - y * z)

    def times_slope(self, inputs, X, G):
        z, y = inputs
        if X is y:
            return -(G * z)
        return G * ((1 - y) * sigmoid(z) - y * sigmoid(-z))

    def expand(self, z, y):
        return log1p(exp(-abs(z))) + (maximum(z, 0) - y * z)


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


def cross_entropy(logits: Operand, labels: Operand) -> Variable:
    """Compute -log softmax(logits) of the labels, one number an example (Section 6.2.2.3).

    Parameters
    ----------
    logits : Variable, shape (..., n)
        z, one for each of n classes.
    labels : Variable
        Integers from 0 to n - 1, shape ``(...)``; or the probabilities p of the classes, floats
        of the shape of the logits.

    Returns
    -------
    Variable, shape (...)

    Raises
    ------
    ValueError
        If the shapes do not fit; when it runs, if a label is no class.
    TypeError
        If the logits are no floats.
    """
    z, y = as_variables("cross_entropy", logits, labels)
    if z.dtype.kind != "f":
        raise TypeError(f"cross_entropy: the logits must be floats, but '{z.name}' is {z.dtype}")
    if y.dtype.kind != "f":
        return CrossEntropy()(z, y if y.dtype == np.int64 else astype(y, np.int64))
    if z.ndim == 0 or z.shape != y.shape:
        raise ValueError(
            f"cross_entropy: the probabilities '{y.name}' {shape_text(y.shape)} must have the "
            f"shape of the logits '{z.name}' {shape_text(z.shape)}"
        )
    return -Sum((z.ndim - 1,))(y * log_softmax(z))


def binary_cross_entropy(logits: Operand, labels: Operand) -> Variable:
    """Compute softplus((1 - 2 y) z), the cost of a sigmoid output, entry by entry (Equation 6.26).

    Parameters
    ----------
    logits : Variable
        z, of any shape; P(y = 1) is sigmoid(z).
    labels : Variable
        y: 0 or 1 in any dtype, or probabilities between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes do not fit; when it runs, if a label is not from 0 to 1.
    TypeError
        If the logits are no floats.
    """
    z, y = as_variables("binary_cross_entropy", logits, labels)
    if z.dtype.kind != "f":
        raise TypeError(
            f"binary_cross_entropy: needs floats, but '{z.name}' of shape {shape_text(z.shape)} is "
            f"{z.dtype}"
        )
    y = y if y.dtype.kind == "f" else astype(y, z.dtype)
    return BinaryCrossEntropy()(z, probability(y))


__all__ = [
    "binary_cross_entropy",
    "cross_entropy",
    "log_softmax",
    "logsumexp",
    "softmax",
]
