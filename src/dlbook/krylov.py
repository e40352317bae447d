"""Section 6.5.10: Krylov methods, which know a matrix only by its products with vectors.

Read :func:`conjugate_gradients` first: it solves a system of equations, such as that of a Newton
step, and asks for one product per iteration. :func:`lanczos` finds extreme eigenvalues the same
way. A matrix is whatever SciPy takes for one: an array, a sparse array, or a ``LinearOperator``
that computes the product of a Hessian and a vector. SciPy's own ``cg`` and ``eigsh`` take the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # which loads a submodule where it is first used

from dlbook.checks import check_rng, real_number, whole_number

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

EPSILON = np.finfo(np.float64).eps
# How far from symmetric, relative to the matrix, products may be: products of float32 pass.
SYMMETRY_TOLERANCE = 1e-4
# A next direction as short as this, relative to the matrix, is mostly rounding error.
BREAKDOWN_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class CGResult:
    """What :func:`conjugate_gradients` found.

    Attributes
    ----------
    x : array, float64, shape (n,)
        The solution, or the best approximation so far if ``converged`` is False.
    iterations : int
        How many iterations ran; each took one product.
    residual_norms : array, float64, shape (iterations + 1,)
        The norm of b - A x before the first iteration and after each, updated by recursion: where
        rounding dominates, they may be smaller than the norms recomputed from ``x``.
    converged : bool
        Whether the last norm is within the tolerance.
    """

    x: np.ndarray
    iterations: int
    residual_norms: np.ndarray
    converged: bool


@dataclass(frozen=True, eq=False)
class LanczosResult:
    """What :func:`lanczos` found in m steps.

    Attributes
    ----------
    ritz_values : array, float64, shape (m,)
        Approximate eigenvalues of A in ascending order; the two ends come close first.
    error_bounds : array, float64, shape (m,)
        For each Ritz value, a distance (up to rounding) within which A has an eigenvalue.
    basis : array, float64, shape (n, m)
        Orthonormal columns that span the Krylov space.
    coordinates : array, float64, shape (m, m)
        The Ritz vectors in this basis, one per column.
    """

    ritz_values: np.ndarray
    error_bounds: np.ndarray
    basis: np.ndarray
    coordinates: np.ndarray

    @property
    def ritz_vectors(self) -> np.ndarray:
        """Approximate eigenvectors, the orthonormal columns of a new array of shape (n, m)."""
        return self.basis @ self.coordinates


def conjugate_gradients(
    A: Any, b: Any, tolerance: float = 1e-6, max_iterations: int | None = None
) -> CGResult:
    """Solve A x = b for a symmetric positive definite A, from products with A alone.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Real. Only products with float64 vectors are asked for.
    b : array of float, shape (n,)
    tolerance : float
        Stop when the norm of b - A x is at most this fraction of the norm of b.
    max_iterations : int, optional
        Stop after so many iterations in any case; 10 n if left out. In exact arithmetic n suffice.
        Running into this limit is no error (see ``converged``), as a few are often enough.

    Returns
    -------
    CGResult
        If b is zero, x is zero and no product is taken.

    Raises
    ------
    ValueError
        If A is not square, or b or a product with A has another length or is not finite; if the
        products show that A is not symmetric; if the tolerance is not between 2.2e-16 and 1, or
        the limit is not positive.
    TypeError
        If A is no matrix or operator; if b or a product is not real.
    numpy.linalg.LinAlgError
        If a direction p has p^T A p <= 0, so that A is not positive definite. The Hessian of a
        network may well be such; adding lambda to its diagonal repairs it.

    Notes
    -----
    Section 6.5.10.
    """
    where, norm = "conjugate gradients", scipy.linalg.norm
    A = square_operator(where, A)
    n = A.shape[0]
    b = real_vector(where, "b", b, n)
    if not (real_number(tolerance) and EPSILON <= tolerance < 1):
        raise ValueError(f"{where}: the tolerance must be from 2.2e-16 to 1, got {tolerance!r}")
    limit = 10 * n if max_iterations is None else max_iterations
    check_count(where, "max_iterations", limit)
    x, b_norm = np.zeros(n), norm(b)
    if b_norm == 0:
        return CGResult(x, 0, np.zeros(1), True)

    r = b / b_norm  # solve for a b of length 1, so that no square of a tiny gradient underflows
    p, norms, size = r, [1.0], 0.0
    last_p = last_Ap = np.zeros(n)
    while norms[-1] > tolerance and len(norms) <= limit:
        Ap = product(where, A, p)
        size = max(size, norm(Ap) / norm(p))
        check_symmetry(where, A, last_p @ Ap - last_Ap @ p, size * norm(last_p) * norm(p))
        curvature = p @ Ap
        if curvature <= 0:
            raise np.linalg.LinAlgError(
                f"{where}: A of shape {A.shape} is not positive definite: p^T A p / p^T p is "
                f"{curvature / (p @ p):.3g} for the direction p of iteration {len(norms)}; solve "
                f"with A + lambda I, lambda larger than minus the smallest eigenvalue of A"
            )
        alpha = (r @ r) / curvature  # the step that minimises x^T A x / 2 - b^T x along p
        x += alpha * p
        r = r - alpha * Ap
        norms.append(norm(r))
        last_p, last_Ap = p, Ap
        p = r + (norms[-1] / norms[-2]) ** 2 * p  # conjugate: p^T A p' = 0 for all earlier p'
    converged = bool(norms[-1] <= tolerance)
    return CGResult(b_norm * x, len(norms) - 1, b_norm * np.array(norms), converged)


def lanczos(A: Any, steps: int, rng: np.random.Generator) -> LanczosResult:
    """Approximate the extreme eigenvalues of a symmetric A, from products with A alone.

    Each step adds one direction to an orthonormal basis Q, in which A is tridiagonal: Q^T A Q has
    the alphas on its diagonal and the betas beside it, and its eigenvalues are the Ritz values.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Real. Only products with float64 vectors are asked for.
    steps : int
        From 1 to n; each takes one product and keeps one vector of length n.
    rng : numpy.random.Generator
        Draws the first direction.

    Returns
    -------
    LanczosResult
        Of m = ``steps`` Ritz values, or fewer when the basis cannot grow because A maps its span
        into itself, so that all of them are eigenvalues already (their error bounds say how
        closely). One that A has several times, such as the zeros of a Hessian of low rank, may be
        found only once.

    Raises
    ------
    ValueError
        If A is not square, or a product with A has another length or is not finite; if the
        products show that A is not symmetric (two steps are needed to tell); if ``steps`` is not
        a whole number from 1 to n.
    TypeError
        If A is no matrix or operator; if a product is not real; if ``rng`` is no Generator.

    Notes
    -----
    Section 6.5.10.
    """
    where, norm = "lanczos", scipy.linalg.norm
    A = square_operator(where, A)
    n = A.shape[0]
    check_count(where, "steps", steps, n)
    check_rng(where, rng)
    basis, size = np.empty((steps, n)), 0.0
    alphas: list[float] = []
    betas: list[float] = []
    q = rng.standard_normal(n)
    q /= norm(q)
    for step in range(steps):
        basis[step] = q
        Q = basis[: step + 1]
        Aq = product(where, A, q)
        size = max(size, norm(Aq))
        row = Q @ Aq  # the last row of Q A Q^T: in exact arithmetic 0, ..., 0, beta, alpha
        expected = [0.0] * (step - 1) + betas[-1:]
        check_symmetry(where, A, np.abs(row[:-1] - expected).max(initial=0.0), size)
        q = Aq - row @ Q
        q -= (Q @ q) @ Q  # once more: rounding lets the first pass miss a little
        alphas.append(row[-1])
        betas.append(norm(q))
        if betas[-1] <= BREAKDOWN_TOLERANCE * size:
            break
        q /= betas[-1]
    ritz_values, coordinates = scipy.linalg.eigh_tridiagonal(alphas, betas[:-1])
    # |beta s| is the norm of A y - theta y for the Ritz pair (theta, y), s its last coordinate.
    error_bounds = np.abs(betas[-1] * coordinates[-1])
    return LanczosResult(ritz_values, error_bounds, basis[: len(alphas)].T, coordinates)


def square_operator(where: str, A: Any) -> LinearOperator:
    """Return A as SciPy's LinearOperator; raise TypeError or ValueError if it is no square one."""
    from scipy.sparse.linalg import aslinearoperator  # takes its time to load

    try:
        if np.ndim(A) > 2:  # which SciPy takes for many matrices from 1.18 on
            raise ValueError("array must have ndim <= 2")
        A = aslinearoperator(A)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{where}: A must be a matrix: an array, a sparse array or a LinearOperator, got "
            f"{type(A).__name__} ({error})"
        ) from None
    if len(A.shape) != 2 or A.shape[0] != A.shape[1] or A.shape[0] == 0:
        raise ValueError(f"{where}: A must have the shape (n, n), n at least 1, got {A.shape}")
    return A


def real_vector(where: str, name: str, value: Any, n: int) -> np.ndarray:
    """Return a new float64 vector; raise unless it has n entries, all of them real and finite."""
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise TypeError(f"{where}: {name} must be of real numbers, got {value.dtype}")
    if value.shape != (n,):
        raise ValueError(f"{where}: {name} must have the shape ({n},) to fit A, got {value.shape}")
    if not np.isfinite(value).all():
        first = int(np.argmin(np.isfinite(value)))
        raise ValueError(f"{where}: {name} is not finite: entry {first} is {value[first]}")
    return np.array(value, dtype=np.float64)


def product(where: str, A: LinearOperator, v: np.ndarray) -> np.ndarray:
    """Return A v, checked, in an array that the operator does not hold on to."""
    try:
        Av = A.matvec(v)
    except ValueError as error:
        raise ValueError(f"{where}: A of shape {A.shape} gave no product: {error}") from error
    return real_vector(where, f"the product of A {A.shape} and a vector", Av, A.shape[0])


def check_symmetry(where: str, A: LinearOperator, difference: float, size: float) -> None:
    """Raise a ValueError if u^T A v and v^T A u differ by more than rounding explains."""
    if abs(difference) > SYMMETRY_TOLERANCE * size:
        raise ValueError(
            f"{where}: A of shape {A.shape} must be symmetric, but u^T A v and v^T A u differ by "
            f"{abs(difference):.3g} for two of its directions"
        )


def check_count(where: str, name: str, count: Any, most: float = np.inf) -> None:
    """Raise a ValueError unless ``count`` is a whole number from 1 to ``most``."""
    if not (whole_number(count) and 1 <= count <= most):
        upto = "" if most == np.inf else f" to {most}, the size of A"
        raise ValueError(f"{where}: {name} must be a whole number from 1{upto}, got {count!r}")
