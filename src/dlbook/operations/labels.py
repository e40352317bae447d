"""Class labels: one-hot vectors, and targets that are probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array
from numpy.typing import DTypeLike

from dlbook.checks import check_dtype, shape_text, whole_number
from dlbook.graph import Variable
from dlbook.operations.base import Constant, Operation, as_variables
from dlbook.operators import Operand


def check_labels(name: str, labels: Any, classes: int) -> None:
    """Raise a ValueError unless all labels, an array of integers, are from 0 to classes - 1."""
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"{name}: the labels must be from 0 to {classes - 1}, for {classes} classes, but they "
            f"go from {low} to {high}"
        )


class OneHot(Operation):
    """For each label a vector with 1 at its place and 0 elsewhere."""

    name, kinds, fresh = "one_hot", "iu", True

    def __init__(self, classes: int, dtype: np.dtype):
        self.classes, self.dtype = classes, dtype

    def infer_shape(self, y):
        return (*y.shape, self.classes)

    def infer_dtype(self, y):
        return self.dtype

    def f(self, y):
        y = y.long() if is_torch_array(y) else y  # PyTorch compares few unsigned integers
        check_labels(self.name, y, self.classes)
        xp = array_namespace(y)
        every = xp.arange(self.classes, device=device(y))
        return xp.astype(y[..., None] == every, getattr(xp, self.dtype.name))


class Probability(Operation):
    """The same numbers; an error if one is no probability."""

    kinds = "f"

    def __init__(self, name: str = "probability"):
        self.name = name  # of whom the targets are given to

    def infer_shape(self, y):
        return y.shape

    def f(self, y):
        if not ((y >= 0) & (y <= 1)).all():  # so that NaN is found, too
            raise ValueError(
                f"{self.name}: targets must be 0, 1, or between, but they go from "
                f"{float(y.min()):g} to {float(y.max()):g}"
            )
        return y

    def bprop(self, inputs, X, G):
        return G

    def jvp(self, inputs, tangents):
        return tangents[0]


class Shares(Probability):
    """The same numbers; an error unless each row of them adds up to 1."""

    def f(self, y):
        y = super().f(y)
        off = abs(y.sum(-1) - 1)
        if (off > ROUGH).any():
            raise ValueError(
                f"{self.name}: the probabilities of an example must add up to 1, but one sum is "
                f"off by {float(off.max()):g}"
            )
        return y


ROUGH = 1e-3  # so far a sum may be off: by rounding, or by the step of a difference quotient


def probability(y: Operand, name: str = "probability", rows: bool = False) -> Variable:
    """Return the numbers as they are, once it is checked that they are from 0 to 1.

    The result has the name of ``y``, and errors that of the function called. With ``rows``, those
    of the last axis must add up to 1, too.

    Raises TypeError if they are no floats; ValueError when it runs, or at once if they are
    constant, if one is no probability.
    """
    (y,) = as_variables(name, y)
    operation = Shares(name) if rows else Probability(name)
    if isinstance(y.operation, Constant):
        operation.f(y.operation.value)
    return operation(y).named(y.name)


def one_hot(labels: Operand, classes: int, dtype: DTypeLike = np.float64) -> Variable:
    """Turn each label into a vector with 1 at its place and 0 elsewhere.

    Parameters
    ----------
    labels : Variable
        Integers from 0 to ``classes`` - 1, of any shape.
    classes : int
    dtype : NumPy dtype

    Returns
    -------
    Variable, shape (..., classes)

    Raises
    ------
    TypeError
        If the labels are no integers, or the number of classes is none.
    ValueError
        When it runs: if a label is no class.
    """
    (labels,) = as_variables("one_hot", labels)
    if not (whole_number(classes) and classes > 0):
        raise TypeError(
            f"one_hot: the number of classes must be a positive whole number, got {classes!r} for "
            f"the labels '{labels.name}' {shape_text(labels.shape)}"
        )
    return OneHot(int(classes), check_dtype("one_hot", dtype))(labels)


__all__ = ["one_hot"]
