"""Section 6.5.10: Krylov methods, against methods that see the whole matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import hilbert
from scipy.sparse import diags_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator, cg, eigsh
from strategies import few, fewer, rngs

from dlbook.krylov import conjugate_gradients, lanczos

orders = st.integers(1, 12)


def symmetric(rng, eigenvalues):
    """Draw a symmetric matrix with these eigenvalues."""
    Q, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    A = (Q * eigenvalues) @ Q.T
    return (A + A.T) / 2


def counted(A, dtype=np.float64):
    """Hide a matrix in an operator; the list gets one entry per product."""
    products = []

    def matvec(v):
        products.append(v)
        return (A @ v).astype(dtype)

    return LinearOperator(A.shape, matvec=matvec, dtype=dtype), products


def answering(answer, n=2):
    """Make an operator whose product is always the given answer."""
    return LinearOperator((n, n), matvec=lambda v: answer, dtype=np.float64)


# --- Conjugate gradients -----------------------------------------------------------------------


@few
@given(rng=rngs, n=orders)
def test_conjugate_gradients_solve_a_system_within_the_tolerance(rng, n):
    A, b = symmetric(rng, rng.uniform(0.1, 10, n)), rng.normal(size=n)
    result = conjugate_gradients(A, b, tolerance=1e-10)
    assert result.converged
    assert np.linalg.norm(b - A @ result.x) <= 2e-10 * np.linalg.norm(b)
    assert_allclose(result.x, np.linalg.solve(A, b), rtol=0, atol=1e-8 * np.linalg.norm(b))


@few
@given(rng=rngs, n=orders)
def test_conjugate_gradients_need_at_most_n_iterations(rng, n):
    A, b = symmetric(rng, rng.uniform(1, 4, n)), rng.normal(size=n)
    assert conjugate_gradients(A, b, tolerance=1e-8).iterations <= n


@fewer
@given(rng=rngs, different=st.integers(1, 4))
def test_conjugate_gradients_need_one_iteration_per_different_eigenvalue(rng, different):
    A = symmetric(rng, np.repeat(np.arange(1.0, different + 1), 5))
    result = conjugate_gradients(A, rng.normal(size=5 * different), tolerance=1e-10)
    assert result.iterations == different


@few
@given(rng=rngs, n=orders)
def test_the_residual_norms_are_those_of_the_iterates(rng, n):
    A, b = symmetric(rng, rng.uniform(0.1, 10, n)), rng.normal(size=n)
    result = conjugate_gradients(A, b)
    norms = result.residual_norms
    assert norms.shape == (result.iterations + 1,)
    for k in range(1, result.iterations + 1):
        x = conjugate_gradients(A, b, max_iterations=k).x
        assert_allclose(np.linalg.norm(b - A @ x), norms[k], rtol=1e-6, atol=1e-12)
    assert_allclose(norms[0], np.linalg.norm(b))
    assert norms[-1] <= 1e-6 * norms[0]
    assert (norms[:-1] > 1e-6 * norms[0]).all()


@few
@given(rng=rngs, n=orders)
def test_each_iteration_takes_one_product(rng, n):
    A, products = counted(symmetric(rng, rng.uniform(0.1, 10, n)))
    result = conjugate_gradients(A, rng.normal(size=n))
    assert len(products) == result.iterations


@few
@given(rng=rngs, n=orders)
def test_conjugate_gradients_agree_with_scipy_on_the_same_operator(rng, n):
    A, _ = counted(symmetric(rng, rng.uniform(0.5, 5, n)))
    b, iterates = rng.normal(size=n), []
    x, info = cg(A, b, rtol=1e-8, callback=lambda x: iterates.append(x.copy()))
    assert info == 0
    result = conjugate_gradients(A, b, tolerance=1e-8)
    assert_allclose(result.x, x, rtol=0, atol=1e-7 * np.linalg.norm(b))
    for k in range(1, min(result.iterations, len(iterates)) + 1):
        mine = conjugate_gradients(A, b, tolerance=1e-8, max_iterations=k)
        assert_allclose(mine.x, iterates[k - 1], rtol=0, atol=1e-7 * np.linalg.norm(b))


def test_a_limit_on_the_iterations_returns_the_approximation_so_far():
    A, b = np.diag([1.0, 2.0, 3.0]), np.ones(3)
    result = conjugate_gradients(A, b, max_iterations=2)
    assert (result.iterations, result.converged) == (2, False)
    error = np.linalg.norm(b - A @ result.x)
    assert_allclose(error, result.residual_norms[-1])
    assert 1e-6 * np.sqrt(3) < error < np.sqrt(3)


def test_a_zero_right_hand_side_has_the_solution_zero_and_takes_no_product():
    A, products = counted(np.eye(3))
    result = conjugate_gradients(A, [0, 0, 0])
    assert_array_equal(result.x, np.zeros(3))
    assert_array_equal(result.residual_norms, [0.0])
    assert (result.iterations, result.converged, products) == (0, True, [])


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_conjugate_gradients_do_not_depend_on_the_scale_of_b(scale):
    A, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -1.0])
    result = conjugate_gradients(A, scale * b)
    assert result.converged
    assert_allclose(result.x, scale * np.linalg.solve(A, b))


def test_conjugate_gradients_leave_b_and_the_operators_own_arrays_alone():
    b, buffer = np.array([1.0, 2.0, 3.0]), np.empty(3)
    A = np.diag([1.0, 2.0, 4.0])
    reused = LinearOperator(A.shape, lambda v: np.dot(A, v, out=buffer), dtype=float)
    assert_allclose(conjugate_gradients(reused, b).x, [1, 1, 0.75])
    handed_through = LinearOperator(A.shape, lambda v: v, dtype=float)
    assert_array_equal(conjugate_gradients(handed_through, b).x, b)
    assert_array_equal(b, [1, 2, 3])


@pytest.mark.parametrize("n", [3, 6, 10])
def test_a_matrix_that_is_nearly_singular_is_still_taken_for_symmetric(n):
    result = conjugate_gradients(hilbert(n), np.ones(n))
    residual = np.ones(n) - hilbert(n) @ result.x
    assert result.converged
    assert np.linalg.norm(residual) < 1e-4


def test_a_singular_system_that_has_a_solution_is_solved():
    A = np.diag([0.0, 1.0, 2.0])
    assert_allclose(conjugate_gradients(A, [0.0, 1.0, 1.0]).x, [0, 1, 0.5])


def test_a_singular_system_without_a_solution_does_not_converge():
    result = conjugate_gradients(np.diag([0.0, 1.0, 2.0]), np.ones(3), max_iterations=6)
    assert not result.converged
    assert result.residual_norms.min() >= 1 - 1e-9


@few
@given(rng=rngs, n=orders)
def test_negative_curvature_is_reported_and_damping_repairs_it(rng, n):
    A = symmetric(rng, np.append(rng.uniform(0.5, 5, n), -1.0))
    b = rng.normal(size=n + 1)
    message = r"conjugate gradients: A of shape .* is not positive definite: .* A \+ lambda I"
    with pytest.raises(np.linalg.LinAlgError, match=message):
        conjugate_gradients(A, b, tolerance=1e-12)
    damped = aslinearoperator(A) + 2 * aslinearoperator(np.eye(n + 1))
    x = conjugate_gradients(damped, b, tolerance=1e-10).x
    assert_allclose(x, np.linalg.solve(A + 2 * np.eye(n + 1), b), atol=1e-7)


def test_the_error_gives_the_curvature_and_the_iteration():
    message = r"p\^T A p / p\^T p is -3 for the direction p of iteration 1;"
    with pytest.raises(np.linalg.LinAlgError, match=message):
        conjugate_gradients(np.diag([2.0, -3.0]), [0.0, 5.0])
    with pytest.raises(np.linalg.LinAlgError, match="is 0 for the direction p of iteration 1;"):
        conjugate_gradients(np.zeros((2, 2)), [1.0, 1.0])


# --- Lanczos -----------------------------------------------------------------------------------


@few
@given(rng=rngs, n=orders)
def test_n_steps_find_every_eigenvalue_and_eigenvector(rng, n):
    A = symmetric(rng, rng.permutation(np.arange(n) - n / 3))
    result = lanczos(A, n, rng)
    values, vectors = np.linalg.eigh(A)
    assert_allclose(result.ritz_values, values, atol=1e-10)
    assert_allclose(np.abs(vectors.T @ result.ritz_vectors), np.eye(n), atol=1e-7)
    assert result.error_bounds.max() < 1e-8


@fewer
@given(rng=rngs)
def test_a_few_steps_find_the_extreme_eigenvalues(rng):
    spread = np.concatenate([[-40.0, -20.0], rng.uniform(-1, 1, 56), [30.0, 60.0]])
    result = lanczos(symmetric(rng, spread), 15, rng)
    assert_allclose(result.ritz_values[[0, 1, -2, -1]], [-40, -20, 30, 60], rtol=1e-8)
    assert len(result.ritz_values) == 15


@few
@given(rng=rngs, n=orders, data=st.data())
def test_an_eigenvalue_lies_within_each_error_bound(rng, n, data):
    A = symmetric(rng, rng.normal(size=n))
    result = lanczos(A, data.draw(st.integers(1, n)), rng)
    distances = np.abs(result.ritz_values[:, None] - np.linalg.eigvalsh(A)).min(axis=1)
    assert (distances <= result.error_bounds + 1e-12).all()
    residuals = A @ result.ritz_vectors - result.ritz_vectors * result.ritz_values
    assert_allclose(np.linalg.norm(residuals, axis=0), result.error_bounds, atol=1e-12)


@few
@given(rng=rngs, n=orders, data=st.data())
def test_the_basis_is_orthonormal_and_makes_the_matrix_tridiagonal(rng, n, data):
    A = symmetric(rng, 5.0 ** -np.arange(n))  # loses orthogonality without the second pass
    steps = data.draw(st.integers(1, n))
    result = lanczos(A, steps, rng)
    m = len(result.ritz_values)
    assert result.basis.shape == result.ritz_vectors.shape == (n, m)
    assert_allclose(result.basis.T @ result.basis, np.eye(m), atol=1e-13)
    assert_allclose(result.ritz_vectors.T @ result.ritz_vectors, np.eye(m), atol=1e-12)
    T = result.basis.T @ A @ result.basis
    assert_allclose(T, np.triu(np.tril(T, 1), -1), atol=1e-13)
    assert_allclose(np.linalg.eigvalsh(T), result.ritz_values, atol=1e-13)


def test_the_basis_stays_orthonormal_over_many_steps():
    rng = np.random.default_rng(0)
    A = diags_array(np.append(np.linspace(0, 1, 299), 50.0))
    basis = lanczos(A, 200, rng).basis
    assert_allclose(basis.T @ basis, np.eye(200), atol=1e-12)


@few
@given(rng=rngs, n=orders)
def test_each_step_takes_one_product(rng, n):
    A, products = counted(symmetric(rng, np.arange(1.0, n + 1)))
    result = lanczos(A, n, rng)
    assert len(products) == len(result.ritz_values) == n


@fewer
@given(rng=rngs)
def test_lanczos_agrees_with_scipy_on_the_same_operator(rng):
    A, _ = counted(symmetric(rng, rng.normal(size=30)))
    result = lanczos(A, 30, rng)
    start = rng.normal(size=30)
    assert_allclose(result.ritz_values[-1:], eigsh(A, k=1, which="LA", v0=start)[0])
    assert_allclose(result.ritz_values[:1], eigsh(A, k=1, which="SA", v0=start)[0])


@fewer
@given(rng=rngs, rank=st.integers(0, 5))
def test_lanczos_stops_early_at_a_matrix_of_low_rank(rng, rank):
    eigenvalues = np.append(np.arange(1.0, rank + 1), np.zeros(20 - rank))
    A, products = counted(symmetric(rng, eigenvalues) if rank else np.zeros((20, 20)))
    result = lanczos(A, 20, rng)
    assert len(products) == len(result.ritz_values) == rank + 1
    assert_allclose(result.ritz_values, np.arange(rank + 1.0), atol=1e-9)
    assert result.error_bounds.max() < 1e-9


def test_the_same_generator_draws_the_same_basis():
    A = np.diag([1.0, 2.0, 3.0])
    first, second = (lanczos(A, 2, np.random.default_rng(4)).basis for _ in range(2))
    assert_array_equal(first, second)


# --- Both --------------------------------------------------------------------------------------


def methods(A, rng=None):
    """Apply both methods to one matrix, each as a function without arguments."""
    rng = np.random.default_rng(0) if rng is None else rng
    n = A.shape[-1] if hasattr(A, "shape") else 2
    b = np.arange(1.0, n + 1)
    return {
        "conjugate gradients": lambda: conjugate_gradients(A, b),
        "lanczos": lambda: lanczos(A, min(n, 2), rng),
    }


@pytest.mark.parametrize(
    "matrix",
    [diags_array([1.0, 2.0, 3.0]), np.diag([1, 2, 3]), aslinearoperator(np.diag([1.0, 2.0, 3.0]))],
    ids=["sparse", "integers", "operator"],
)
def test_every_kind_of_matrix_that_scipy_takes_is_taken(matrix):
    assert_allclose(conjugate_gradients(matrix, np.ones(3)).x, [1, 1 / 2, 1 / 3])
    values = lanczos(matrix, 3, np.random.default_rng(0)).ritz_values
    assert_allclose(values, [1, 2, 3])
    assert values.dtype == np.float64


@fewer
@given(rng=rngs)
def test_products_in_float32_are_good_enough(rng):
    matrix = symmetric(rng, np.linspace(1.0, 100.0, 40))
    A, _ = counted(matrix, dtype=np.float32)
    result = conjugate_gradients(A, matrix @ np.ones(40))
    assert result.converged
    assert_allclose(result.x, np.ones(40), atol=1e-4)
    values = lanczos(A, 40, rng).ritz_values
    assert_allclose(values[[0, -1]], [1, 100], atol=1e-3)


@pytest.mark.parametrize("method", ["conjugate gradients", "lanczos"])
@pytest.mark.parametrize(
    ("A", "error", "message"),
    [
        ([[1.0]], TypeError, "A must be a matrix: an array, .* got list"),
        (np.ones((2, 2, 2)), TypeError, "A must be a matrix: .* got ndarray .array must have ndim"),
        (np.ones((2, 3)), ValueError, r"A must have the shape \(n, n\), .* got \(2, 3\)"),
        (np.ones(2), ValueError, r"A must have the shape \(n, n\), .* got \(1, 2\)"),
        (np.ones((0, 0)), ValueError, r"A must have the shape .* got \(0, 0\)"),
        (np.array([[1, 5], [0, 1]]), ValueError, r"A of shape \(2, 2\) must be symmetric, .* u\^T"),
        (np.eye(2) * 1j, TypeError, r"the product of A \(2, 2\) .* real numbers, got complex128"),
        (np.eye(2) * np.nan, ValueError, r"the product of A \(2, 2\) .* entry 0 is nan"),
        (answering(np.array([1, np.inf])), ValueError, "is not finite: entry 1 is inf"),
        (answering(np.ones(3)), ValueError, r"A of shape \(2, 2\) gave no product: cannot reshape"),
    ],
)
def test_a_matrix_that_does_not_fit_is_reported(method, A, error, message):
    with pytest.raises(error, match=f"{method}: .*{message}"):
        methods(A)[method]()


@fewer
@given(rng=rngs, n=st.integers(3, 12))
def test_a_matrix_that_is_not_symmetric_is_reported(rng, n):
    A = 5 * np.eye(n) + rng.uniform(-1, 1, size=(n, n))
    for name, method in methods(A, rng).items():
        with pytest.raises(ValueError, match=f"{name}: .* must be symmetric"):
            method()


@pytest.mark.parametrize(
    ("b", "error", "message"),
    [
        (np.ones(3), ValueError, r"b must have the shape \(2,\) to fit A, got \(3,\)"),
        (np.ones((2, 1)), ValueError, r"b must have the shape \(2,\) to fit A, got \(2, 1\)"),
        ([1.0, np.nan], ValueError, "b is not finite: entry 1 is nan"),
        ([-np.inf, 1.0], ValueError, "b is not finite: entry 0 is -inf"),
        ([1j, 0], TypeError, "b must be of real numbers, got complex128"),
    ],
)
def test_a_right_hand_side_that_does_not_fit_is_reported(b, error, message):
    with pytest.raises(error, match=f"conjugate gradients: {message}"):
        conjugate_gradients(np.eye(2), b)


@pytest.mark.parametrize("tolerance", [0, 1e-17, 1.0, -1.0, np.nan, "small"])
def test_a_tolerance_that_cannot_be_met_is_reported(tolerance):
    with pytest.raises(ValueError, match="conjugate gradients: the tolerance must be"):
        conjugate_gradients(np.eye(2), np.ones(2), tolerance=tolerance)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_a_limit_that_is_no_positive_number_is_reported(limit):
    message = f"conjugate gradients: max_iterations must be a whole number from 1, got {limit}"
    with pytest.raises(ValueError, match=message):
        conjugate_gradients(np.eye(2), np.ones(2), max_iterations=limit)


@pytest.mark.parametrize("steps", [0, 4, 1.0, None])
def test_steps_out_of_range_are_reported(steps):
    message = f"lanczos: steps must be a whole number from 1 to 3, the size of A, got {steps}"
    with pytest.raises(ValueError, match=message):
        lanczos(np.eye(3), steps, np.random.default_rng(0))


def test_a_seed_in_place_of_a_generator_is_reported():
    with pytest.raises(TypeError, match=r"lanczos: rng must be a .*Generator, .*, got 0"):
        lanczos(np.eye(3), 2, 0)
