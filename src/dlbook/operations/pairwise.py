"""Sums and inner products that are as precise along every axis, and on every processor.

Look at :func:`pairwise_sum` first. Who adds up n numbers one after the other rounds n times, and
always to numbers of the size of the whole sum: with two million equal float32 the sum is almost a
per cent off. Pairwise summation adds up parts by themselves, then what they give, so that no number
is rounded more than some log n times. NumPy does so where the numbers lie side by side in memory;
of the rows of a matrix it adds one after the other, and so does a BLAS in an inner product, in as
many lanes as its processor has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from dlbook.operations.base import helper

FEW = 32  # so many numbers may be added one after the other: measured, that is as precise
PARTS = 8  # more than these are cut into so many parts, which are added up, until few are left
CACHE = 2**12  # entries that stay in the fastest cache while others are added to them
# How many bytes a BLAS adds up in one go. The error is then NumPy's with OpenBLAS's kernels for AVX
# of any kind, twice that with its plainest, which has four numbers at a time (measured with equal
# numbers, where errors add up). Twice as many bytes double it.
RUN = 2**11


def _adds_in_lanes() -> bool:
    """Try whether this BLAS does: the plain one of a system adds up one number after the other."""
    numbers = np.linspace(0.1, 0.9, 9, dtype=np.float32)
    few = np.vecdot(np.repeat(numbers[:, None], RUN // 4, axis=1), np.ones(RUN // 4, np.float32))
    errors = few / (RUN // 4) / numbers - 1  # RUN // 4 is a power of two
    return bool(np.abs(errors).max() < 8 * np.finfo(np.float32).eps)


IN_LANES = _adds_in_lanes()


def total(A: Any, axes: tuple[int, ...], keepdims: bool = False) -> Any:
    """Add up the entries of an array of any library over some axes; of NumPy's floats pairwise."""
    if isinstance(A, np.ndarray) and A.dtype.kind == "f":
        return pairwise_sum(A, axes, keepdims=keepdims)
    return array_namespace(A).sum(A, axis=axes, keepdims=keepdims)


@helper
def pairwise_sum(
    A: np.ndarray, axis: tuple[int, ...], out: np.ndarray | None = None, keepdims: bool = False
) -> np.ndarray:
    """Add up floats as ``np.add.reduce`` does, but as precisely over the first axis as the last.

    Parameters
    ----------
    A : array
        Of any strides.
    axis : tuple of int
        Counted from 0, in order.
    out : array, optional
        Takes the result.
    keepdims : bool
    """
    if axis and not _side_by_side(A, axis):
        *others, last = axis
        for place in others:
            A = np.add.reduce(_shortened(A, place), axis=place, keepdims=True)
        A = _shortened(A, last)
    elif IN_LANES and axis == (A.ndim - 1,) and FEW < A.shape[-1] <= RUN // A.itemsize:
        rows = A[..., None, :] if keepdims else A
        return np.vecdot(rows, np.ones(A.shape[-1], A.dtype), out=out)  # quicker
    # By place, which is quicker, though NumPy declares ``out`` as one to be named.
    return np.add.reduce(A, axis, None, out, keepdims)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]


def _side_by_side(A: np.ndarray, axis: tuple[int, ...]) -> bool:
    """Return whether each sum is over one piece of memory: the last axes, or in Fortran's order."""
    last, first = axis[0] == A.ndim - len(axis), axis[-1] == len(axis) - 1
    return (last and A.flags.c_contiguous) or (first and A.flags.f_contiguous)


def _shortened(A: np.ndarray, axis: int) -> np.ndarray:
    """Add up the rows of ``A``, which follow one another along an axis, until few are left."""
    before, after, along = A.shape[:axis], A.shape[axis + 1 :], (slice(None),) * axis
    while (count := A.shape[axis]) > FEW:
        blocks = max(1, min(count, A.size // CACHE) // PARTS)
        rows = count // (blocks * PARTS)
        used, sums = blocks * PARTS * rows, blocks * rows
        shorter = np.empty((*before, sums + count - used, *after), A.dtype)
        parts = A[*along, :used].reshape(*before, blocks, PARTS, rows, *after)
        out = shorter[*along, :sums].reshape(*before, blocks, rows, *after)  # a view
        np.add.reduce(parts, axis=axis + 1, out=out)
        shorter[*along, sums:] = A[*along, used:]  # too few for one row more in each part
        A = shorter
    return A


@helper
def inner_product(
    a: np.ndarray,
    b: np.ndarray,
    runs: tuple[int, int] | None = None,
    ones: np.ndarray | None = None,
) -> np.floating:
    """Add up the products of all entries, as precisely as NumPy's sum of them.

    Where there are not many, it takes half the time if it is told how many ``runs`` of which length
    they can be cut into, and given as many ``ones``.
    """
    x = a.ravel()  # side by side: what lies apart, a BLAS adds up one after the other
    y = x if a is b else b.ravel()
    if not IN_LANES:
        return np.add.reduce(x * y)
    if runs:
        return np.vecdot(x.reshape(runs), y.reshape(runs)).dot(ones)
    run = RUN // x.itemsize
    end = len(x) // run * run
    products = np.vecdot(x[:end].reshape(-1, run), y[:end].reshape(-1, run))
    return np.add.reduce(products) + x[end:].dot(y[end:])
