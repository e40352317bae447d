"""Operations that shorten a tensor: sums, means and maxima over some or all of its axes."""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from dlbook.checks import in_the_name_of, known, shape_text, whole_number
from dlbook.graph import Variable
from dlbook.operations import branches
from dlbook.operations.base import (
    Operation,
    as_variables,
    call,
    check_is_float,
    dtype_code,
    helper,
    shape_code,
    size_code,
)
from dlbook.operations.comparisons import equal
from dlbook.operations.elementwise import sqrt, square
from dlbook.operations.flow import stop_gradient
from dlbook.operations.pairwise import FEW, total
from dlbook.operations.shapes import ExpandDims, Squeeze, broadcast_like, normalize_axes
from dlbook.operators import Axes, Operand

ONE_BY_ONE = (2, 3, 4)  # so many entries are taken one by one


class Reduction(Operation):
    """What these have in common: the axes, and the rule for shapes."""

    fresh = True

    def __init__(self, axes: tuple[int, ...], keepdims: bool = False):
        if type(keepdims) is not bool:
            raise TypeError(
                f"{self.name}: keepdims must be True or False, got {keepdims!r}; for two axes give "
                f"a tuple, axis=(0, 1)"
            )
        self.axes, self.keepdims = axes, keepdims

    def infer_shape(self, A):
        if self.keepdims:
            return tuple(1 if a in self.axes else size for a, size in enumerate(A.shape))
        return tuple(size for a, size in enumerate(A.shape) if a not in self.axes)

    def keep(self, V: Variable) -> Variable:
        """Put back the axes that were summed over, with size 1."""
        return ExpandDims(self.axes)(V) if self.axes and not self.keepdims else V

    def drop(self, V: Variable) -> Variable:
        """Take out the axes that were summed over, if this operation does."""
        return Squeeze(self.axes)(V) if self.axes and not self.keepdims else V

    def repeat(self, G: Variable, X: Variable) -> Variable:
        """Give every entry of ``X`` the gradient of the sum it went into."""
        return broadcast_like(self.keep(G), X)

    def code(self, V, arguments, out, setup):
        if not self.ufunc:
            return None
        A = V.inputs[0]
        few = A.ndim > 2 and self.axes == (A.ndim - 1,) and A.shape[-1] in ONE_BY_ONE
        if few and out and A.dtype == V.dtype:
            return call("over_few", f"np.{self.ufunc}", *arguments, out)
        axes: Axes = None if len(self.axes) == A.ndim else self.axes
        if axes and len(self.axes) == 1:
            axes = self.axes[0]
        reduce = f"np.{self.ufunc}.reduce"
        return call(reduce, *arguments, axis=axes, out=out, keepdims=self.keepdims)

    def may_overwrite(self, place):
        return False


class Sum(Reduction):
    """The sum over some axes."""

    name, symbol, kinds, ufunc = "sum", "Σ", "fiub", "add"

    def infer_dtype(self, A):
        return np.add.reduce(np.empty(0, A.dtype)).dtype  # small integers and bools are widened

    def f(self, A):
        xp = array_namespace(A)
        A = xp.astype(A, xp.int64) if A.dtype == xp.bool else A  # over no axes, too
        if is_torch_array(A) and not (A.is_floating_point() or A.is_signed()):
            # PyTorch has no unsigned sums. In 64 bits those of signed numbers are the same bits.
            return total(A.long(), self.axes, self.keepdims).to(xp.uint64)
        return total(A, self.axes, self.keepdims)

    def bprop(self, inputs, X, G):
        return self.repeat(G, X)

    def jvp(self, inputs, tangents):
        return self(tangents[0])

    def code(self, V, arguments, out, setup):
        (A,) = V.inputs
        if A.dtype.kind != "f" or A.ndim == 0:
            return super().code(V, arguments, out, setup)
        sizes = [A.shape[axis] for axis in self.axes]
        few = None not in sizes and math.prod(sizes) <= FEW
        if few and self.axes == (A.ndim - 1,) and (A.ndim == 2 or V.ndim == 0):
            # The same as a product with ones, which takes a fraction of the time.
            shape = (A.shape[-1], 1) if self.keepdims else A.shape[-1:]
            ones = setup("ones", f"np.ones({shape_code(shape)}, {dtype_code(V.dtype)})")
            return call(f"{arguments[0]}.dot", ones, out=out)
        if few or A.ndim == 1:
            return super().code(V, arguments, out, setup)  # NumPy's own is as precise
        function = "pairwise_sum"
        if None in sizes:
            count = " * ".join(map(size_code, sizes))
            function = setup("add_up", f"np.add.reduce if {count} <= {FEW} else pairwise_sum")
        axis = shape_code(self.axes)
        return call(function, *arguments, axis=axis, out=out, keepdims=self.keepdims)


class Mean(Reduction):
    """The mean over some axes."""

    name, kinds = "mean", "f"

    def f(self, A):
        return total(A, self.axes, self.keepdims) / math.prod(A.shape[a] for a in self.axes)

    def bprop(self, inputs, X, G):
        count = Count(self.axes)(X)
        share = branches.through(lambda G: G / count, G, tame=True)
        return None if share is None else self.repeat(share, X)

    def jvp(self, inputs, tangents):
        return self(tangents[0])

    def expand(self, A):
        return Sum(self.axes, self.keepdims)(A) / Count(self.axes)(A)


class Count(Operation):
    """How many entries a sum over these axes adds up: known when the graph runs."""

    name, shape_only, flat = "count", (0,), True

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def infer_shape(self, A):
        return ()

    def f(self, A):
        count = math.prod(A.shape[axis] for axis in self.axes)
        return array_namespace(A).asarray(count, dtype=A.dtype)

    def code(self, V, arguments, out, setup):
        sizes = [size_code(V.inputs[0].shape[axis]) for axis in self.axes]
        return setup("count", f"{dtype_code(V.dtype)}({' * '.join(sizes) or '1'})")


class Max(Reduction):
    """The largest entry along some axes; equal ones share the gradient."""

    name, symbol, kinds, ufunc = "max", "max", "fiu", "maximum"

    def f(self, A):
        return array_namespace(A).max(A, axis=self.axes, keepdims=self.keepdims)

    def share(self, A: Variable) -> Variable:
        """Return how much each entry has of the maximum: 1 for the largest, 0 for the others."""
        largest = equal(A, type(self)(self.axes, keepdims=True)(A)).astype(A.dtype)
        # Flat wherever it has a derivative.
        return stop_gradient(largest / Sum(self.axes, keepdims=True)(largest))

    def bprop(self, inputs, X, G):
        return self.keep(G) * self.share(X)

    def jvp(self, inputs, tangents):
        moves = branches.gated(lambda T: T * self.share(inputs[0]))(tangents[0])
        return None if moves is None else Sum(self.axes, self.keepdims)(moves)

    def code(self, V, arguments, out, setup):
        (A,) = V.inputs
        rows = type(self) is Max and A.ndim == 2 and self.axes == (1,)
        if not (rows and out and A.shape[1] and A.shape[1] <= 64):
            return super().code(V, arguments, out, setup)
        shape = shape_code(A.shape[::-1])
        columns = setup("columns", f"np.empty({shape}, {dtype_code(V.dtype)})")
        return call("largest_in_rows", *arguments, columns, out)


class Min(Max):
    """The smallest entry along some axes; equal ones share the gradient."""

    name, symbol, ufunc = "min", "min", "minimum"

    def f(self, A):
        return array_namespace(A).min(A, axis=self.axes, keepdims=self.keepdims)


@helper
def over_few(ufunc: np.ufunc, A: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Reduce a last axis of a few entries: NumPy is slow along an axis so short."""
    total = out.reshape(A.shape[:-1])
    ufunc(A[..., 0], A[..., 1], out=total)
    for i in range(2, A.shape[-1]):
        ufunc(total, A[..., i], out=total)
    return out


@helper
def largest_in_rows(A: np.ndarray, columns: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Find the largest entry of each row. NumPy is quick along the longer axis: so transpose."""
    columns[...] = A.T
    np.maximum.reduce(columns, 0, out=out.reshape(-1))
    return out


def sum(A: Operand, axis: Axes = None, keepdims: bool = False) -> Variable:  # NumPy's name
    """Add up the entries over ``axis`` (int, tuple or None for all).

    Raises ValueError if there is no such axis.
    """
    (A,) = as_variables("sum", A)
    return Sum(normalize_axes("sum", A, axis), keepdims)(A)


def mean(A: Operand, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Average the entries, which must be floats, over ``axis`` (int, tuple or None for all).

    Raises ValueError if there is no such axis, TypeError if the entries are no floats.
    """
    (A,) = as_variables("mean", A)
    return Mean(normalize_axes("mean", A, axis), keepdims)(A)


def max(A: Operand, axis: Axes = None, keepdims: bool = False) -> Variable:  # NumPy's name
    """Take the largest entry over ``axis`` (int, tuple or None for all).

    Equal entries share the gradient evenly. Raises ValueError if there is no such axis.
    """
    (A,) = as_variables("max", A)
    return Max(normalize_axes("max", A, axis), keepdims)(A)


def min(A: Operand, axis: Axes = None, keepdims: bool = False) -> Variable:  # NumPy's name
    """Take the smallest entry over ``axis``, as :func:`max` does the largest."""
    (A,) = as_variables("min", A)
    return Min(normalize_axes("min", A, axis), keepdims)(A)


def var(A: Operand, axis: Axes = None, keepdims: bool = False, ddof: int = 0) -> Variable:
    """Compute the variance over ``axis`` (int, tuple or None for all): mean((A - mean(A))^2).

    With ``ddof``, the sum of squares is divided by the number of entries less ``ddof``, as in
    NumPy. Raises ValueError if there is no such axis, TypeError if the entries are no floats or
    ``ddof`` is no whole number.
    """
    (A,) = as_variables("var", A)
    axes = normalize_axes("var", A, axis)
    if not whole_number(ddof):
        raise TypeError(f"var: ddof must be a whole number, got {ddof!r}")
    squares = square(A - Mean(axes, keepdims=True)(A))
    entries = [A.shape[a] for a in axes]
    if ddof < 0 or (None not in entries and ddof >= math.prod(known(tuple(entries)))):
        raise ValueError(
            f"var: ddof must be from 0 to below the number of entries, got {ddof} for '{A.name}' "
            f"{shape_text(A.shape)}"
        )
    if not ddof:
        return Mean(axes, keepdims)(squares)
    return Sum(axes, keepdims)(squares) / (Count(axes)(A) - ddof)


def std(A: Operand, axis: Axes = None, keepdims: bool = False, ddof: int = 0) -> Variable:
    """Compute the standard deviation, the root of :func:`var`; where it is 0, so is its slope."""
    (A,) = as_variables("std", A)
    with in_the_name_of("std", "var", "mean"):
        return sqrt(var(A, axis, keepdims, ddof))


def norm(A: Operand, axis: Axes = None, keepdims: bool = False) -> Variable:
    """Compute the length over ``axis`` (int, tuple or None for all): sqrt(sum(A^2)).

    At 0, where it has no derivative, the gradient is 0. Raises ValueError if there is no such axis,
    TypeError if the entries are no floats.
    """
    (A,) = as_variables("norm", A)
    check_is_float("norm", A)
    return sqrt(Sum(normalize_axes("norm", A, axis), keepdims)(square(A)))


def maxout(z: Operand, pieces: int) -> Variable:
    """Take the maximum over groups of ``pieces`` neighbours (Equation 6.37).

    Parameters
    ----------
    z : Variable, shape (..., units * pieces)
        Group i holds the entries from i * pieces on.
    pieces : int
        k, the number of linear pieces of a unit.

    Returns
    -------
    Variable, shape (..., units)

    Raises
    ------
    ValueError
        If the last axis cannot be divided into such groups.
    """
    (z,) = as_variables("maxout", z)
    whole = whole_number(pieces) and pieces > 0
    if not whole or z.ndim == 0 or z.shape[-1] is None or z.shape[-1] % pieces:
        raise ValueError(
            f"maxout: the last axis of '{z.name}' {shape_text(z.shape)} must be a multiple of the "
            f"number of pieces, a positive whole number, got {pieces!r}"
        )
    groups = z.reshape(*z.shape[:-1], z.shape[-1] // pieces, pieces)
    return max(groups, axis=-1)


__all__ = ["max", "maxout", "mean", "min", "norm", "std", "sum", "var"]
