"""Operations that no one writes, but that a compiled program runs in place of slower ones."""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace

from dlbook.operations.base import Operation, call, dtype_code, helper
from dlbook.operations.elementwise import Elementwise
from dlbook.operations.pairwise import FEW, RUN, total

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
        if None in shape:
            return call("inner_product", *arguments)
        size = math.prod(shape)
        if size <= FEW:
            return call("np.vdot", *arguments)
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
        rows = max(1, BLOCK // math.prod(V.shape[1:]))
        shape = (rows, *V.shape[1:])
        block = setup("block", f"empty({shape}, {dtype_code(V.dtype)})")
        return call("add_scaled", A, c, B, block, out=out)

    def may_overwrite(self, place):
        return place == 0


@helper
def add_scaled(A, c, B, block, out=None) -> np.ndarray:
    """Compute A + c B row by row, as many at once as ``block`` has."""
    out = np.empty_like(A) if out is None else out
    for start in range(0, len(A), len(block)):
        rows = slice(start, start + len(block))
        scaled = np.multiply(B[rows], c, out=block[: len(B) - start])
        np.add(A[rows], scaled, out=out[rows])
    return out
