"""Products of matrices: where a network spends its time (Section 6.5.7)."""

from __future__ import annotations

from array_api_compat import array_namespace

from dlbook.checks import shape_text
from dlbook.graph import Variable
from dlbook.operations.base import Operation, as_variables, call
from dlbook.operations.elementwise import add_up, multiply
from dlbook.operations.pairwise import total
from dlbook.operations.shapes import ExpandDims, Squeeze, Transpose, broadcast_shape, unbroadcast
from dlbook.operators import Operand


class MatMul(Operation):
    """The product A B of matrices, of vectors with matrices, or of stacks of matrices.

    That of two vectors is as precise as a sum. Those in a product of matrices are BLAS's, and only
    as precise as its kernel for the processor makes them.
    """

    name, symbol, kinds, mixes, fresh = "matmul", "matmul", "f", True, True

    def infer_shape(self, A, B):
        if A.ndim == 0 or B.ndim == 0 or A.shape[-1] != B.shape[max(B.ndim - 2, 0)]:
            place = "last but one" if B.ndim > 1 else "only"
            raise ValueError(
                f"matmul: the shapes of '{A.name}' {shape_text(A.shape)} and '{B.name}' "
                f"{shape_text(B.shape)} do not fit: the last size of the first must equal the "
                f"{place} size of the second"
            )
        rows = A.shape[-2:-1]
        columns = B.shape[-1:] if B.ndim > 1 else ()
        return broadcast_shape(self, A, B, but_last=2) + rows + columns

    def f(self, A, B):
        if A.ndim == B.ndim == 1:
            return total(A * B, (0,))
        return array_namespace(A, B).matmul(A, B)

    def bprop(self, inputs, X, G):
        # As a matrix, a vector is one row on the left and one column on the right.
        A, B = inputs
        row, column = A.ndim == 1, B.ndim == 1
        if row:
            A = ExpandDims((0,))(A)
        if column:
            B = ExpandDims((1,))(B)
        if column:
            G = ExpandDims((G.ndim,))(G)
        if row:
            G = ExpandDims((G.ndim - 1,))(G)
        if X is inputs[0]:
            gradient = unbroadcast(matmul(G, swap_last(B)), A)  # G B^T
            return Squeeze((0,))(gradient) if row else gradient
        gradient = unbroadcast(matmul(swap_last(A), G), B)  # A^T G
        return Squeeze((1,))(gradient) if column else gradient

    def jvp(self, inputs, tangents):
        (A, B), (dA, dB) = inputs, tangents
        left = None if dA is None else matmul(dA, B)
        return add_up([left, None if dB is None else matmul(A, dB)])

    def code(self, V, arguments, out, setup):
        A, B = V.inputs
        if A.ndim == B.ndim == 1:
            return call("inner_product", *arguments)
        if max(A.ndim, B.ndim) <= 2:  # the same product, with less to look up
            return call(f"{arguments[0]}.dot", arguments[1], out=out)
        return call("np.matmul", *arguments, out=out)


matmul = MatMul()


def dot(a: Operand, b: Operand) -> Variable:
    """Multiply two vectors to a scalar, or two matrices, or by a scalar: NumPy's ``dot``.

    Raises ValueError if the shapes do not fit, or one has more than two axes.
    """
    a, b = as_variables("dot", a, b)
    if max(a.ndim, b.ndim) > 2:
        raise ValueError(
            f"dot: takes scalars, vectors and matrices, got '{a.name}' {shape_text(a.shape)} and "
            f"'{b.name}' {shape_text(b.shape)}; stacks of matrices need matmul"
        )
    return multiply(a, b) if 0 in (a.ndim, b.ndim) else matmul(a, b)


def swap_last(A: Variable) -> Variable:
    """Transpose each matrix of a stack: swap the last two axes."""
    *stack, rows, columns = range(A.ndim)
    return Transpose((*stack, columns, rows))(A)


__all__ = ["dot", "matmul"]
