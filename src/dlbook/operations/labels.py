"""Class labels: one-hot vectors, and the shortcuts that a program takes around them.

The last three operations appear in compiled programs only. They do what a multiplication by a
one-hot vector does, at the cost of one entry an example.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from dlbook.checks import check_dtype, shape_text
from dlbook.graph import Variable
from dlbook.operations.base import Operation, as_variables, call, dtype_code, helper, shape_code


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

    name, kinds, choosers, fresh = "one_hot", "iu", (0,), True

    def __init__(self, classes: int, dtype: np.dtype):
        self.classes, self.dtype = classes, dtype

    def infer_shape(self, y):
        return (*y.shape, self.classes)

    def infer_dtype(self, y):
        return self.dtype

    def f(self, y):
        check_labels(self.name, y, self.classes)
        xp = array_namespace(y)
        every = xp.arange(self.classes, device=device(y))
        return xp.astype(y[..., None] == every, getattr(xp, self.dtype.name))


class LabelPlaces(Operation):
    """Where the entry of each label lies when the rows of all classes stand one behind the other.

    The labels are checked here, once for all that use them.
    """

    name, kinds, fresh = "label_places", "i", True

    def __init__(self, classes: int):
        self.classes = classes

    def infer_shape(self, y):
        return y.shape

    def f(self, y):
        check_labels("cross_entropy", y, self.classes)
        xp = array_namespace(y)
        starts = xp.arange(math.prod(y.shape), device=device(y)) * self.classes
        return y + xp.reshape(starts, y.shape)

    def code(self, V, arguments, out, setup):
        end = " * ".join(["m" if size is None else str(size) for size in (*V.shape, self.classes)])
        starts = f"np.arange(0, {end}, {self.classes}).reshape({shape_code(V.shape)})"
        return call("places_of", *arguments, setup("starts", starts), str(self.classes), out=out)


@helper
def places_of(labels: np.ndarray, starts: np.ndarray, classes: int, out=None) -> np.ndarray:
    """Add the labels to the places where their rows start."""
    # As unsigned numbers the negative ones are the largest: one look finds all that are wrong.
    if np.maximum.reduce(labels.view(np.uint64), None) >= classes:
        check_labels("cross_entropy", labels, classes)
    return np.add(starts, labels, out)


class Pick(Operation):
    """The entry of each label from its row."""

    name, fresh = "pick", True

    def infer_shape(self, A, places):
        return places.shape

    def infer_dtype(self, A, places):
        return A.dtype

    def f(self, A, places):
        xp = array_namespace(A)
        chosen = xp.take(xp.reshape(A, (-1,)), xp.reshape(places, (-1,)))
        return xp.reshape(chosen, places.shape)

    def code(self, V, arguments, out, setup):
        A, places = arguments
        # The places are checked already, and clipping is the quickest.
        return call(f"{A}.reshape(-1).take", places, out=out, mode="'clip'")


class MinusOneAt(Operation):
    """``A`` less 1 at the entry of each label: less a one-hot vector."""

    name, fresh = "minus_one_at", True

    def infer_shape(self, A, places):
        return A.shape

    def infer_dtype(self, A, places):
        return A.dtype

    def f(self, A, places):
        xp = array_namespace(A)
        every = xp.reshape(xp.arange(math.prod(A.shape), device=device(A)), A.shape)
        return A - xp.astype(every == places[..., None], A.dtype)

    def code(self, V, arguments, out, setup):
        one = setup("one", f"np.array(1, {dtype_code(V.dtype)})")  # a plain 1 would be converted
        return call("minus_one_at", *arguments, one, out=out)

    def may_overwrite(self, place):
        return place == 0


@helper
def minus_one_at(A: np.ndarray, places: np.ndarray, one: np.ndarray, out=None) -> np.ndarray:
    """Copy ``A``, unless it is the buffer itself, and subtract one at the places."""
    if out is None:
        out = np.empty_like(A, order="C")
    if out is not A:
        np.copyto(out, A)
    flat = out.reshape(-1) if out.flags.c_contiguous else out.flat
    flat[places] -= one
    return out


class Probability(Operation):
    """The same numbers; an error if one is no probability."""

    name, kinds = "probability", "f"

    def infer_shape(self, y):
        return y.shape

    def f(self, y):
        if not ((y >= 0) & (y <= 1)).all():  # so that NaN is found, too
            raise ValueError(
                f"probability: targets must be 0, 1, or between, but they go from "
                f"{float(y.min()):g} to {float(y.max()):g}"
            )
        return y

    def bprop(self, inputs, X, G):
        return G

    def jvp(self, inputs, tangents):
        return tangents[0]


def probability(y: Variable) -> Variable:
    """Return the numbers as they are, once it is checked that they are from 0 to 1.

    The result has the name of ``y``, for the messages of what uses it.

    Raises TypeError if they are no floats; ValueError when it runs, if one is no probability.
    """
    return Probability()(y).named(y.name)


def one_hot(labels: Variable, classes: int, dtype: Any = np.float64) -> Variable:
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
    if not isinstance(classes, int | np.integer) or isinstance(classes, bool) or classes < 1:
        raise TypeError(
            f"one_hot: the number of classes must be a positive whole number, got {classes!r} for "
            f"the labels '{labels.name}' {shape_text(labels.shape)}"
        )
    return OneHot(int(classes), check_dtype("one_hot", dtype))(labels)


__all__ = ["one_hot"]
