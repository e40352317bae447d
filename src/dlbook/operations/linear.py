"""Products of matrices: where a network spends its time (Section 6.5.7)."""

from __future__ import annotations

from array_api_compat import array_namespace

from dlbook.checks import shape_text
from dlbook.graph import Variable, operators
from dlbook.operations.base import Operation
from dlbook.operations.shapes import ExpandDims, Squeeze, Transpose, broadcast_shape, unbroadcast


class MatMul(Operation):
    """The product A B of matrices, of vectors with matrices, or of stacks of matrices."""

    name, symbol, needs_floats, fresh = "matmul", "matmul", True, True

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


matmul = MatMul()


def swap_last(A: Variable) -> Variable:
    """Transpose each matrix of a stack: swap the last two axes."""
    *stack, rows, columns = range(A.ndim)
    return Transpose((*stack, columns, rows))(A)


operators.update(matmul=matmul)
__all__ = ["matmul"]
