"""Examples of stacks of matrices."""

import numpy as np
from examples import Example, example_of
from hypothesis import strategies as st
from strategies import EXAMPLES, broadcastable, rngs, shapes, sizes, smooth_values, some_values

from dlbook.operations.matrices import Cholesky, LowerTriangle, SolveTriangular

widths = st.integers(1, EXAMPLES - 1)  # of square matrices: must be known, and is never hidden


@example_of(LowerTriangle)
def draw_lower_triangle(draw, dtype):
    half, shape = draw(st.booleans()), (*draw(shapes), draw(sizes), draw(sizes))
    factor = 1 - half * np.eye(*shape[-2:]) / 2
    array = some_values(draw(rngs), shape, dtype)
    return Example(LowerTriangle(half), [array], lambda A: np.tril(A) * factor)


@example_of(Cholesky)
def draw_cholesky(draw, dtype):
    d, stack = draw(widths), draw(st.lists(sizes, max_size=2))
    rng = draw(rngs)
    B = smooth_values(rng, (*stack, d, d))
    A = B @ np.swapaxes(B, -1, -2) + 2 * np.eye(d)
    A += rng.uniform(-0.1, 0.1, A.shape)  # only the symmetric part counts
    numpy = lambda A: np.linalg.cholesky((A + np.swapaxes(A, -1, -2)) / 2)  # noqa: E731
    return Example(Cholesky(), [A.astype(dtype)], numpy)


@example_of(SolveTriangular)
def draw_solve_triangular(draw, dtype):
    d, transposed, rng = draw(widths), draw(st.booleans()), draw(rngs)
    stack_l, stack_b = draw(broadcastable(2, max_dims=2))
    L = some_values(rng, (*stack_l, d, d), dtype)  # above the diagonal may stand anything
    B = some_values(rng, (*stack_b, d, draw(sizes)), dtype)

    def numpy(L, B):
        lower = np.tril(L)
        return np.linalg.solve(np.swapaxes(lower, -1, -2) if transposed else lower, B)

    return Example(SolveTriangular(transposed), [L, B], numpy)
