"""Operations that shorten a tensor: sums and means over some or all of its axes."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from dlbook.graph import Variable, operators
from dlbook.operations.base import Operation, as_variables
from dlbook.operations.shapes import ExpandDims, broadcast_like, normalize_axes


class Reduction(Operation):
    """What sums and means have in common: the axes, and the rule for shapes."""

    fresh = True

    def __init__(self, axes: tuple[int, ...], keepdims: bool = False):
        self.axes, self.keepdims = axes, keepdims

    def infer_shape(self, A):
        if self.keepdims:
            return tuple(1 if a in self.axes else size for a, size in enumerate(A.shape))
        return tuple(size for a, size in enumerate(A.shape) if a not in self.axes)

    def repeat(self, G: Variable, X: Variable) -> Variable:
        """Give every entry of ``X`` the gradient of the sum it went into."""
        if self.axes and not self.keepdims:
            G = ExpandDims(self.axes)(G)
        return broadcast_like(G, X)


class Sum(Reduction):
    """The sum over some axes."""

    name, symbol = "sum", "Σ"

    def infer_dtype(self, A):
        return np.add.reduce(np.empty(0, A.dtype)).dtype  # small integers and bools are widened

    def f(self, A):
        return array_namespace(A).sum(A, axis=self.axes, keepdims=self.keepdims)

    def bprop(self, inputs, X, G):
        return self.repeat(G, X)


class Mean(Reduction):
    """The mean over some axes."""

    name, needs_floats = "mean", True

    def f(self, A):
        return array_namespace(A).mean(A, axis=self.axes, keepdims=self.keepdims)

    def bprop(self, inputs, X, G):
        return self.repeat(G / Count(self.axes)(X), X)


class Count(Operation):
    """How many entries a sum over these axes adds up: known when the graph runs."""

    name = "count"

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def infer_shape(self, A):
        return ()

    def f(self, A):
        count = 1
        for axis in self.axes:
            count *= A.shape[axis]
        return array_namespace(A).asarray(count, dtype=A.dtype)

    def bprop(self, inputs, X, G):
        return None  # counting entries does not depend on their values


def sum(A: Variable, axis=None, keepdims: bool = False) -> Variable:  # NumPy's name
    """Add up the entries over ``axis`` (int, tuple or None for all).

    Raises ValueError if there is no such axis.
    """
    (A,) = as_variables("sum", A)
    return Sum(normalize_axes("sum", A, axis), keepdims)(A)


def mean(A: Variable, axis=None, keepdims: bool = False) -> Variable:
    """Average the entries, which must be floats, over ``axis`` (int, tuple or None for all).

    Raises ValueError if there is no such axis, TypeError if the entries are no floats.
    """
    (A,) = as_variables("mean", A)
    return Mean(normalize_axes("mean", A, axis), keepdims)(A)


operators.update(sum=sum, mean=mean)
__all__ = ["mean", "sum"]
