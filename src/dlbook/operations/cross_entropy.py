"""Section 6.2.2: the costs of a sigmoid and of a softmax output.

Both take the logits, not the probabilities: a logarithm after a softmax would be of 0 where the
model is sure and wrong. :func:`check_logits` refuses what the graph shows to be probabilities.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from dlbook.checks import shape_text
from dlbook.graph import Variable
from dlbook.operations import pairwise
from dlbook.operations.base import Constant, Operation, as_variables
from dlbook.operations.comparisons import Clip, equal, heaviside, where
from dlbook.operations.elementwise import Add, AsType, Divide, Elementwise, Subtract, abs, astype
from dlbook.operations.flow import Identity
from dlbook.operations.functions import Exp, Sigmoid, exp, log1p, sigmoid
from dlbook.operations.indexing import Index, TakeAlong
from dlbook.operations.joining import Concatenate, Stack
from dlbook.operations.labels import check_labels, one_hot, probability
from dlbook.operations.reductions import Sum
from dlbook.operations.shapes import BroadcastLike, BroadcastTo, ExpandDims, Rearrangement
from dlbook.operations.softmax import LogSoftmax, Softmax, log_softmax
from dlbook.operators import Operand


class CrossEntropy(Operation):
    """-log softmax(z)_y for one label each: the cost of Section 6.2.2.3, Equation 6.30."""

    name, kinds, fresh = "cross_entropy", "fiu", True

    def infer_shape(self, z, y):
        if z.ndim == 0 or z.shape[:-1] != y.shape or z.shape[-1] is None:
            hint = "; if they are one-hot, take argmax(axis=-1)" if y.shape == z.shape else ""
            hint = "; take y[..., 0]" if y.shape == (*z.shape[:-1], 1) else hint
            raise ValueError(
                f"cross_entropy: the logits '{z.name}' {shape_text(z.shape)} must have one row of "
                f"classes for each of the labels '{y.name}' {shape_text(y.shape)}{hint}"
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
    """-log P(y) for y between 0 and 1 with P(1) = sigmoid(z), entry by entry (Equation 6.26).

    log(1 + exp(-|z|)) and |z| times the share of y that lies on the other side of 0 than z. None
    lies there where the answer is right, however large z is.
    """

    name, kinds = "binary_cross_entropy", "f"

    def f(self, z, y):
        xp = array_namespace(z, y)
        size = xp.abs(z)
        wrong = xp.abs(xp.astype(z > 0, z.dtype) - y)
        return xp.log1p(xp.exp(-size)) + xp.where(wrong > 0, size, xp.zeros_like(z)) * wrong

    def times_slope(self, inputs, X, G):
        z, y = inputs
        if X is y:
            return -(G * z)
        return G * ((1 - y) * sigmoid(z) - y * sigmoid(-z))

    def expand(self, z, y):
        size, wrong = abs(z), abs(heaviside(z) - y)
        return log1p(exp(-size)) + where(wrong > 0, size, 0) * wrong


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
        If the shapes do not fit, or the logits come from a softmax or a sigmoid; when it runs, if a
        label is no class, or the probabilities of an example are not from 0 to 1 with the sum 1.
    TypeError
        If the logits are no floats.
    """
    z, y = as_variables("cross_entropy", logits, labels)
    check_logits("cross_entropy", z)
    if y.dtype.kind != "f":
        return CrossEntropy()(z, y if y.dtype == np.int64 else astype(y, np.int64))
    if z.ndim == 0 or z.shape != y.shape:
        raise ValueError(
            f"cross_entropy: the probabilities '{y.name}' {shape_text(y.shape)} must have the "
            f"shape of the logits '{z.name}' {shape_text(z.shape)}; labels must be integers"
        )
    if z.shape[-1] is None:
        raise ValueError(
            f"cross_entropy: the last axis of the logits '{z.name}' {shape_text(z.shape)} must be "
            f"that of the classes, not of the examples; for two classes with one logit use "
            f"binary_cross_entropy"
        )
    y = probability(y, "cross_entropy", rows=True)
    log_q = log_softmax(z)
    # A class that has no share costs nothing, also where its logit is -inf.
    log_q = where(equal(log_q, -np.inf), where(y > 0, log_q, 0), log_q)
    return -Sum((z.ndim - 1,))(y * log_q)


def binary_cross_entropy(logits: Operand, labels: Operand) -> Variable:
    """Compute softplus((1 - 2 y) z), the cost of a sigmoid output, entry by entry (Equation 6.26).

    Parameters
    ----------
    logits : Variable
        z, of any shape; P(y = 1) is sigmoid(z).
    labels : Variable
        y, of the same shape, or one number: 0 or 1 in any dtype, or probabilities between.

    Raises
    ------
    ValueError
        If the shapes differ, or the logits come from a softmax or a sigmoid; when it runs, if a
        label is not from 0 to 1.
    TypeError
        If the logits are no floats.
    """
    z, y = as_variables("binary_cross_entropy", logits, labels)
    check_logits("binary_cross_entropy", z)
    if z.shape != y.shape and z.ndim and y.ndim:
        # (m, 1) and (m,) would repeat each other to (m, m), and train on nonsense.
        raise ValueError(
            f"binary_cross_entropy: the labels '{y.name}' {shape_text(y.shape)} must have the "
            f"shape of the logits '{z.name}' {shape_text(z.shape)}, or be one number"
        )
    y = y if y.dtype.kind == "f" else astype(y, z.dtype)
    return BinaryCrossEntropy()(z, probability(y, "binary_cross_entropy"))


def check_logits(where: str, z: Variable) -> None:
    """Raise an error unless ``z`` can be logits: floats, and no probabilities.

    Raises TypeError for another dtype; ValueError where the graph shows that they come from a
    softmax or a sigmoid, or between 0 and 1 otherwise: what takes logits applies it by itself.
    """
    if z.dtype.kind != "f":
        raise TypeError(
            f"{where}: the logits must be floats, but '{z.name}' of shape {shape_text(z.shape)} "
            f"is {z.dtype}"
        )
    if source := _source_of_probabilities(z):
        raise ValueError(
            f"{where}: the logits '{z.name}' {shape_text(z.shape)} are probabilities already, "
            f"from a {source}; give what goes into the {source}, since {where} makes them itself"
        )


def _source_of_probabilities(V: Variable) -> str:
    """Return what has made probabilities of ``V``, as far as the graph shows; else ''."""
    while isinstance(V.operation, SAME_NUMBERS):
        V = V.inputs[0]
    op, inputs = V.operation, V.inputs
    if isinstance(op, Softmax | Sigmoid):
        return op.name
    if isinstance(op, Clip) and op.low >= 0 and op.high <= 1:
        return op.name
    if isinstance(op, Concatenate | Stack):
        return next(filter(None, map(_source_of_probabilities, inputs)), "")
    if isinstance(op, Subtract) and _is_one(inputs[0]):
        return _source_of_probabilities(inputs[1])
    if isinstance(op, Exp) and isinstance(inputs[0].operation, LogSoftmax):
        return "softmax"
    if isinstance(op, Divide):
        return _quotient_by_hand(*inputs)
    return ""


# What changes neither the numbers nor what they mean.
SAME_NUMBERS = (
    AsType, BroadcastLike, BroadcastTo, Identity, Index, Rearrangement, TakeAlong
)  # fmt: skip


def _quotient_by_hand(a: Variable, b: Variable) -> str:
    """Return what a / b is written for: exp(z) / sum(exp(z)) or 1 / (1 + exp(-z))."""
    while isinstance(b.operation, SAME_NUMBERS):
        b = b.inputs[0]
    if isinstance(a.operation, Exp) and isinstance(b.operation, Sum) and b.inputs[0] is a:
        return "softmax"
    terms = b.inputs if isinstance(b.operation, Add) else ()
    if any(map(_is_one, terms)) and any(isinstance(V.operation, Exp) for V in terms):
        return "sigmoid" if _is_one(a) or a in terms else ""
    return ""


def _is_one(V: Variable) -> bool:
    return isinstance(V.operation, Constant) and bool((V.operation.value == 1).all())


__all__ = ["binary_cross_entropy", "cross_entropy"]
