"""Factors of covariance matrices: the Cholesky factor and triangular systems (Section 6.2.2.4)."""

from __future__ import annotations

import numpy as np
import scipy  # which loads a submodule where it is first used
from array_api_compat import array_namespace, is_torch_array

from dlbook.checks import shape_text
from dlbook.graph import Variable
from dlbook.operations.base import Operation
from dlbook.operations.elementwise import add_up
from dlbook.operations.linear import matmul, swap_last
from dlbook.operations.shapes import broadcast_shape, unbroadcast
from dlbook.operators import Operand


def check_square(operation: Operation, A: Variable) -> None:
    """Raise a ValueError unless ``A`` is a square matrix, or a stack of them."""
    if A.ndim < 2 or A.shape[-1] != A.shape[-2] or A.shape[-1] is None:
        raise ValueError(
            f"{operation.name}: needs square matrices, but '{A.name}' has the shape "
            f"{shape_text(A.shape)}"
        )


class LowerTriangle(Operation):
    """The entries on and below the diagonal, with 0 above; ``half`` of those on the diagonal."""

    name, kinds, fresh = "lower_triangle", "f", True

    def __init__(self, half: bool = False):
        self.half = half

    def infer_shape(self, A):
        return A.shape

    def f(self, A):
        xp = array_namespace(A)
        lower = xp.tril(A)
        return (lower + xp.tril(A, k=-1)) / 2 if self.half else lower

    def bprop(self, inputs, X, G):
        return self(G)

    def jvp(self, inputs, tangents):
        return self(tangents[0])


class Cholesky(Operation):
    """The lower triangular L with L L^T = A, for symmetric positive definite A.

    Should ``A`` not be symmetric, its symmetric part is taken, (A + A^T) / 2.
    """

    name, kinds, fresh = "cholesky", "f", True

    def infer_shape(self, A):
        check_square(self, A)
        return A.shape

    def f(self, A):
        xp = array_namespace(A)
        try:
            return xp.linalg.cholesky((A + xp.matrix_transpose(A)) / 2)
        except (np.linalg.LinAlgError, RuntimeError) as error:
            raise ValueError(
                f"cholesky: the matrix of shape {tuple(A.shape)} is not positive definite"
            ) from error

    def bprop(self, inputs, X, G):
        L = self(X)
        inner = LowerTriangle(half=True)(matmul(swap_last(L), G))
        # S = L^-T inner L^-1, by two triangular systems
        S = solve_triangular(L, inner, transposed=True)
        S = swap_last(solve_triangular(L, swap_last(S), transposed=True))
        return (S + swap_last(S)) * 0.5

    def jvp(self, inputs, tangents):
        L, T = self(inputs[0]), tangents[0]
        T = (T + swap_last(T)) * 0.5
        inner = solve_triangular(L, swap_last(solve_triangular(L, T)))
        return matmul(L, LowerTriangle(half=True)(swap_last(inner)))


class SolveTriangular(Operation):
    """The solution X of L X = B, or of L^T X = B, for a lower triangular L."""

    name, kinds, mixes, fresh = "solve_triangular", "f", True, True

    def __init__(self, transposed: bool = False):
        self.transposed = transposed

    def infer_shape(self, L, B):
        check_square(self, L)
        if B.ndim < 2 or B.shape[-2] != L.shape[-1]:
            raise ValueError(
                f"solve_triangular: '{B.name}' {shape_text(B.shape)} must have matrices with as "
                f"many rows as '{L.name}' {shape_text(L.shape)}; for a vector b use b[:, None]"
            )
        return broadcast_shape(self, L, B, but_last=2) + B.shape[-2:]

    def f(self, L, B):
        diagonal = array_namespace(L).linalg.diagonal(L)
        if (diagonal == 0).any():
            raise ValueError(
                f"solve_triangular: the matrix of shape {tuple(L.shape)} has a 0 on its diagonal"
            )
        if is_torch_array(L):
            import torch  # only there if its tensors are

            L = L.tril()
            if self.transposed:
                return torch.linalg.solve_triangular(L.mT, B, upper=True)
            return torch.linalg.solve_triangular(L, B, upper=False)
        if L.ndim > 2 or B.ndim > 2:
            return substitute(np.swapaxes(L, -1, -2) if self.transposed else L, B, self.transposed)
        trans = "T" if self.transposed else "N"
        return scipy.linalg.solve_triangular(L, B, trans, lower=True, check_finite=False)

    def bprop(self, inputs, X, G):
        L, B = inputs
        back = SolveTriangular(not self.transposed)(L, G)  # the gradient on B
        if X is B:
            return unbroadcast(back, B)
        left, right = (self(L, B), back) if self.transposed else (back, self(L, B))
        return LowerTriangle()(unbroadcast(-matmul(left, swap_last(right)), L))

    def jvp(self, inputs, tangents):
        (L, B), (dL, dB) = inputs, tangents
        if dL is not None:
            dL = LowerTriangle()(dL)
            dL = -matmul(swap_last(dL) if self.transposed else dL, self(L, B))
        moved = add_up([dL, dB])
        return None if moved is None else self(L, moved)


def substitute(T: np.ndarray, B: np.ndarray, upper: bool) -> np.ndarray:
    """Solve T X = B row by row, for a whole stack at once, which SciPy before 1.16 cannot."""
    shape = np.broadcast_shapes(T.shape[:-2], B.shape[:-2]) + B.shape[-2:]
    X = np.array(np.broadcast_to(B, shape))
    d = T.shape[-1]
    for row in reversed(range(d)) if upper else range(d):
        known = slice(row + 1, d) if upper else slice(0, row)
        X[..., row, :] -= (T[..., row, None, known] @ X[..., known, :])[..., 0, :]
        X[..., row, :] /= T[..., row, row, None]
    return X


cholesky = Cholesky()


def solve_triangular(L: Operand, B: Operand, transposed: bool = False) -> Variable:
    """Solve L X = B, or L^T X = B if ``transposed``, for X.

    Parameters
    ----------
    L : Variable, shape (..., d, d)
        Lower triangular; what stands above the diagonal is not looked at.
    B : Variable, shape (..., d, k)
    transposed : bool

    Raises
    ------
    ValueError
        If the shapes do not fit; when it runs, if ``L`` has a 0 on its diagonal.
    """
    return SolveTriangular(bool(transposed))(L, B)


__all__ = ["cholesky", "solve_triangular"]
