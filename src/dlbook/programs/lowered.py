"""Operations that no one writes, but that a compiled program runs in place of slower ones."""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace, device

from dlbook.checks import known
from dlbook.operations.base import Operation, call, dtype_code, helper, shape_code, size_code
from dlbook.operations.elementwise import Elementwise
from dlbook.operations.labels import check_labels
from dlbook.operations.pairwise import FEW, IN_LANES, RUN, total

BLOCK = 2**15  # entries that stay in the cache between two passes over them


class Gate(Elementwise):
    """a where the mask, a bool, is true, else 0 (and NaN for an infinite a): their product."""

    name, kinds, mixes, ufunc = "gate", "fb", False, "multiply"
    bprop, jvp = Operation.bprop, Operation.jvp

    def infer_dtype(self, a, mask):
        return a.dtype

    def f(self, a, mask):
        return a * array_namespace(a).astype(mask, a.dtype)


class InnerProduct(Operation):
    """The sum of a * b over all entries of two tensors of one shape."""

    name, kinds, fresh = "inner_product", "f", True

    def infer_shape(self, a, b):
        return ()

    def f(self, a, b):
        return total(a * b, tuple(range(a.ndim)))

    def code(self, V, arguments, out, setup):
        shape, longest = V.inputs[0].shape, RUN // V.dtype.itemsize
        size = None if None in shape else math.prod(known(shape))
        if size is not None and size <= FEW:
            return call("np.vdot", *arguments)
        if size is None or not IN_LANES:
            return call("inner_product", *arguments)
        if size <= longest:
            a, b = arguments
            return f"{a}.ravel().dot({b}.ravel())"
        run = max(n for n in range(1, longest + 1) if size % n == 0)
        if size // run > longest:
            return call("inner_product", *arguments)
        ones = setup("ones", f"np.ones({size // run}, {dtype_code(V.dtype)})")
        return call("inner_product", *arguments, f"({size // run}, {run})", ones)


class AddScaled(Operation):
    """A + c B for a number c: the step of weight decay, with no memory for all of c B."""

    name, kinds, fresh = "add_scaled", "f", True

    def infer_shape(self, A, c, B):
        return A.shape

    def f(self, A, c, B):
        return A + c * B

    def code(self, V, arguments, out, setup):
        A, c, B = arguments
        sizes = known(V.shape[1:])
        shape = (max(1, BLOCK // math.prod(sizes)), *sizes)
        block = setup("block", f"empty({shape}, {dtype_code(V.dtype)})")
        return call("add_scaled", A, c, B, block, out=out)

    def may_overwrite(self, place):
        return place == 0


@helper
def add_scaled(
    A: np.ndarray,
    c: np.ndarray,
    B: np.ndarray,
    block: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Compute A + c B row by row, as many at once as ``block`` has."""
    out = np.empty_like(A) if out is None else out
    for start in range(0, len(A), len(block)):
        rows = slice(start, start + len(block))
        scaled = np.multiply(B[rows], c, out=block[: len(B) - start])
        np.add(A[rows], scaled, out=out[rows])
    return out


# --- Around one-hot vectors --------------------------------------------------------------------
# What a multiplication by a one-hot vector does, at the cost of one entry an example.


class LabelPlaces(Operation):
    """Where the entry of each label lies when the rows of all classes stand one behind the other.

    The labels are checked here, once for all that use them.
    """

    name, kinds, fresh, buffered = "label_places", "i", True, False

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
        rows = " * ".join(map(size_code, V.shape)) or "1"
        which = setup("rows", f"np.arange({rows}).reshape({shape_code(V.shape)})")
        return call("places_of", which, *arguments, setup("table", f"({rows}, {self.classes})"))


@helper
def places_of(rows: np.ndarray, labels: np.ndarray, table: tuple[int, int]) -> np.ndarray:
    """Return where the label's entry of each row lies in the table, counted row by row."""
    try:
        return np.ravel_multi_index((rows, labels), table)  # refuses what lies outside
    except ValueError:
        check_labels("cross_entropy", labels, table[1])
        raise


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
def minus_one_at(
    A: np.ndarray, places: np.ndarray, one: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """Copy ``A``, unless it is the buffer itself, and subtract one at the places."""
    if out is None:
        out = np.array(A, order="C")
    elif out is not A:
        np.copyto(out, A)
    flat = out.reshape(-1) if out.flags.c_contiguous else out.flat
    flat[places] -= one
    return out
