"""Sums and inner products are as precise as NumPy's pairwise sum, along every axis.

The error is held to a bound in units of the last rounding, whatever the processor: these tests
also run with other kernels of NumPy and its BLAS (``make kernels``). What is right is computed with
``math.fsum``, which rounds once.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import NumpyVersion
from numpy.testing import assert_allclose, assert_array_equal
from strategies import fewer, rngs

import dlbook as dl
from dlbook.operations import pairwise
from dlbook.operations.pairwise import pairwise_sum, total
from dlbook.programs import lowered

DTYPES = ["float32", "float64"]
HOW = {"simplified": {}, "as it stands": {"simplify": False}, "PyTorch": {"backend": "torch"}}
MANY = 2_000_000
SOME = np.linspace(0.1, 0.9, 33)  # to make many equal numbers of


@pytest.fixture(params=["as it is", "without lanes"])
def blas(request, monkeypatch):
    """Compute with this machine's BLAS, and as if it added up one number after the other."""
    if request.param == "without lanes":
        for module in (pairwise, lowered):
            monkeypatch.setattr(module, "IN_LANES", False)


def bound(n, dtype):
    """The relative error that pairwise summation of n numbers as NumPy does it cannot exceed.

    It adds up 16 numbers one after the other in each of 8 lanes, then the lanes, then the halves;
    NumPy 2.0 adds up pieces of them so, and its own sum goes beyond the bound.
    """
    pieces = 2 if NumpyVersion(np.__version__) < "2.1.0" else 1
    return pieces * (15 + 3 + math.log2(max(n / 128, 1))) * np.finfo(dtype).eps / 2


def exact_sum(A):
    return math.fsum(A.ravel().tolist())


def exact_product(a, b):
    """The sum of a * b, where float64 holds each product exactly, or in two parts."""
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    split = 2.0**27 + 1  # Dekker's way to halve the digits
    (a1, b1), products = ((x * split - (x * split - x)) for x in (a, b)), a * b
    a2, b2 = a - a1, b - b1
    return math.fsum([*products, *(((a1 * b1 - products) + a1 * b2 + a2 * b1) + a2 * b2)])


def run(V, values, how):
    """Compute a variable; PyTorch's result becomes an array, too."""
    return np.asarray(dl.compile([V], values, **HOW[how])(*values.values())[0])


def assert_precise(found, exact, size, n):
    """Hold the error to the bound, relative to the sum of all sizes."""
    assert abs(float(found) - exact) <= bound(n, found.dtype) * float(size)


def numbers(kind, shape, dtype, rng):
    """Draw what a sum is tried on: equal numbers, whose errors add up, or random ones."""
    if kind == "equal":
        return np.full(shape, rng.uniform(0.1, 1), dtype)
    return (rng.random(shape) if kind == "positive" else rng.normal(size=shape)).astype(dtype)


KINDS = ["equal", "positive", "of both signs"]


# --- All entries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sum_a_mean_and_a_sum_of_squares_of_two_million_are_precise(kind, dtype):
    values = numbers(kind, MANY, dtype, np.random.default_rng(6))
    v = dl.variable("v", (None,), dtype)
    size, exact, squares = (
        exact_sum(np.abs(values)),
        exact_sum(values),
        exact_product(values, values),
    )
    for how in HOW:
        assert_precise(run(dl.sum(v), {v: values}, how), exact, size, MANY)
        assert_precise(run(dl.mean(v), {v: values}, how), exact / MANY, size / MANY, MANY)
        assert_precise(run(dl.sum(v**2), {v: values}, how), squares, squares, MANY)


@given(rngs, st.sampled_from(DTYPES), st.sampled_from(KINDS), st.booleans())
@fewer
def test_an_inner_product_is_precise_at_every_length(rng, dtype, kind, known):
    n = int(2 ** rng.uniform(0, 18))
    a, b = (numbers(kind, n, dtype, rng) for _ in range(2))
    A, B = (dl.variable(name, (n if known else None,), dtype) for name in "AB")
    exact, size = exact_product(a, b), exact_product(np.abs(a), np.abs(b))
    for product in (dl.sum(A * B), A @ B):
        assert_precise(run(product, {A: a, B: b}, "simplified"), exact, size, n)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_product_of_two_vectors_of_two_million_is_precise(dtype, how):
    a, b = (np.full(MANY, number, dtype) for number in (0.1, 0.7))
    A, B = (dl.variable(name, (None,), dtype) for name in "AB")
    exact = MANY * exact_product(a[:1], b[:1])
    assert_precise(run(A @ B, {A: a, B: b}, how), exact, exact, MANY)


@pytest.mark.parametrize(
    "shape", [(256,), (512,), (1000,), (1025,), (64, 32), (32, 10), (784, 256), (7, 331, 3)]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sum_of_equal_squared_weights_is_precise(dtype, shape, blas):
    V, W = (dl.variable("W", s, dtype) for s in (shape, (None, *shape[1:])))
    programs = [dl.compile([dl.sum(weights**2)], [weights]) for weights in (V, W)]
    n = math.prod(shape)
    for number in SOME:
        values = np.full(shape, number, dtype)
        exact = n * exact_product(values.ravel()[:1], values.ravel()[:1])
        for program in programs:
            for layout in (values, LAYOUTS["every second"](values), values.T.copy().T):
                assert_precise(program(layout)[0], exact, exact, n)


# --- Along axes ----------------------------------------------------------------------------------

# Shapes with the axes to sum over; each sum has many terms.
ALONG = {
    "rows": ((10_001, 3), (0,)),
    "wide rows": ((300, 200), (0,)),
    "one column": ((10_001, 1), (0,)),
    "columns": ((3, 10_001), (1,)),
    "the middle": ((2, 5003, 3), (1,)),
    "both ends": ((2003, 2, 7), (0, 2)),
    "the first two": ((103, 97, 2), (0, 1)),
    "the last two": ((2, 103, 97), (1, 2)),
    "all": ((103, 97, 5), (0, 1, 2)),
}
LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "every second": lambda A: np.repeat(A, 2, axis=-1)[..., ::2],
    "every second row": lambda A: np.repeat(A, 2, axis=0)[::2],
    "backwards": lambda A: np.ascontiguousarray(A[::-1])[::-1],
    "axes the other way round": lambda A: np.moveaxis(np.moveaxis(A, 0, -1).copy(), -1, 0),
    "not aligned": lambda A: _not_aligned(A),
    "repeated": lambda A: np.broadcast_to(A[:1], A.shape),
}


def _not_aligned(A):
    memory = np.zeros(A.nbytes + 1, np.uint8)
    copy = memory[1:].view(A.dtype).reshape(A.shape)
    copy[...] = A
    return copy


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("where", ALONG)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_over_any_axes_of_any_layout_are_precise(dtype, where, layout):
    shape, axes = ALONG[where]
    rng = np.random.default_rng(6)
    for kind in ("equal", "of both signs"):
        A = LAYOUTS[layout](numbers(kind, shape, dtype, rng))
        assert A.shape == shape
        _check_sums(A, axes)


def _check_sums(A, axes):
    found = pairwise_sum(A, axes)
    kept = tuple(axis for axis in range(A.ndim) if axis not in axes)
    n = math.prod(A.shape[axis] for axis in axes)
    terms = A.transpose(*kept, *axes).reshape(-1, n)
    for row, result in zip(terms, found.ravel(), strict=True):
        assert_precise(result, exact_sum(row), exact_sum(np.abs(row)), n)
    out = np.full(found.shape, np.nan, A.dtype)
    assert pairwise_sum(A, axes, out=out) is out
    assert_array_equal(out, found)
    sizes = tuple(1 if axis in axes else size for axis, size in enumerate(A.shape))
    assert_array_equal(pairwise_sum(A, axes, keepdims=True), found.reshape(sizes))


@given(rngs, st.sampled_from(DTYPES))
@fewer
def test_a_sum_over_any_axes_is_numpys_to_rounding(rng, dtype):
    A = rng.normal(size=rng.integers(0, 90, size=rng.integers(1, 4))).astype(dtype)
    for axes in [(0,), (A.ndim - 1,), tuple(range(A.ndim)), ()]:
        for keepdims in (False, True):
            found, expected = (f(A, axes, keepdims=keepdims) for f in (total, np.sum))
            assert (found.shape, found.dtype) == (expected.shape, dtype)
            size = np.sum(np.abs(A), axes, keepdims=keepdims)
            n = A.size // max(1, expected.size)
            assert (np.abs(found - expected) <= 2 * bound(n, dtype) * size).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_on_a_bias_of_two_million_examples_is_precise(kind, dtype):
    G = numbers(kind, (MANY, 2), dtype, np.random.default_rng(6))
    X, c = dl.variable("X", (None, 2), dtype), dl.variable("c", (2,), dtype)
    scales = dl.variable("G", (None, 2), dtype)
    slope = dl.backprop([c], dl.sum(scales * (X + c)))[c]
    values = {X: np.zeros_like(G), c: np.zeros(2, dtype), scales: G}
    exact = [(exact_sum(column), exact_sum(np.abs(column))) for column in G.T]
    for how in HOW:
        for found, (sum_, size) in zip(run(slope, values, how), exact, strict=True):
            assert_precise(found, sum_, size, MANY)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("dtype", DTYPES)
def test_means_and_softmaxes_along_the_examples_are_precise(dtype, how):
    n = 100_001
    z = np.full((n, 2), 0.3, dtype)
    V = dl.variable("z", (None, 2), dtype)
    of_equals = {
        dl.mean(V, axis=0): z[0, 0],
        dl.mean(V, axis=0, keepdims=True): z[0, 0],
        dl.softmax(V, axis=0)[0]: 1 / n,
        dl.logsumexp(V, axis=0) - 0.3: np.log(n),
        -dl.log_softmax(V, axis=0)[0]: np.log(n),
    }
    for W, right in of_equals.items():
        assert_allclose(run(W, {V: z}, how), right, rtol=bound(n, dtype))


def test_a_sum_over_the_examples_of_a_constant_is_precise():
    values = np.full((MANY, 2), 0.1, np.float32)
    (found,) = dl.compile([dl.sum(dl.constant(values), axis=0)], [])()
    for result in found:
        assert_precise(result, exact_sum(values[:, 0]), exact_sum(values[:, 0]), MANY)


# --- Short rows, which a BLAS adds up ------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("count", [1, 2, 10, 32, 33, 100, 128, 129, 256, 257, 512, 513, 1023, 1025])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_of_rows_of_every_length_are_precise(dtype, count, keepdims, order, blas):
    equal = np.repeat(SOME[:, None], count, axis=1)
    A = np.concatenate([equal, np.random.default_rng(6).normal(size=(33, count))])
    A = np.asarray(A, dtype, order=order)
    V = dl.variable("A", (None, count), dtype)
    found = run(dl.sum(V, axis=1, keepdims=keepdims), {V: A}, "simplified")
    assert found.shape == ((66, 1) if keepdims else (66,))
    for row, result in zip(A, found.ravel(), strict=True):
        assert_precise(result, exact_sum(row), exact_sum(np.abs(row)), count)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("count", [1, 2, 10, 100, 256, 257, 512, 513, 1023])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_of_vectors_of_every_length_are_precise(dtype, count, known, blas):
    v = dl.variable("v", (count if known else None,), dtype)
    program = dl.compile([dl.sum(v), dl.sum(v, keepdims=True)], [v])
    for number in SOME:
        values = np.full(count, number, dtype)
        found, kept = program(values)
        assert kept.shape == (1,)
        for result in (found, kept[0]):
            assert_precise(result, count * float(values[0]), count * float(values[0]), count)


def test_a_blas_that_adds_up_one_number_after_the_other_is_found_out(monkeypatch):
    def vecdot(a, b):
        return np.add.accumulate(a * b, axis=-1)[..., -1]

    monkeypatch.setattr(np, "vecdot", vecdot)
    assert not pairwise._adds_in_lanes()
    monkeypatch.setattr(np, "vecdot", lambda a, b: np.add.reduce(a * b, -1))
    assert pairwise._adds_in_lanes()


# --- What is not finite --------------------------------------------------------------------------

inf, nan = np.inf, np.nan
LARGE = {"float32": 3e38, "float64": 1e308}
SPECIAL = {
    "inf": ([inf], inf),
    "-inf": ([-inf], -inf),
    "inf and -inf": ([inf, -inf], nan),
    "nan": ([nan], nan),
    "nan and inf": ([nan, inf], nan),
}


def sums_of(V, ones):
    """The sums that a program writes each in its own way, over the first column or over all."""
    return {
        "sum": dl.sum(V),
        "sum over rows": dl.sum(V, axis=0)[0],
        "sum over columns": dl.sum(dl.sum(V, axis=1)),
        "mean": dl.mean(V),
        "mean over rows": dl.mean(V, axis=0, keepdims=True)[0, 0],
        "inner product": dl.sum(V * ones),
    }


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("n", [3, 40, 600, 70_000])
@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_finite_gives_what_numpy_gives(dtype, special, n, how):
    some, expected = SPECIAL[special]
    values = np.ones((n, 2), dtype)
    values[n // 2 : n // 2 + len(some), 0] = some
    V, ones = (dl.variable(name, (None, 2), dtype) for name in ("V", "ones"))
    for name, W in sums_of(V, ones).items():
        inputs = {V: values, ones: np.ones_like(values)}
        if np.isnan(values).any() and how != "PyTorch":
            with pytest.raises(ValueError, match=r"'V' of shape .* contains NaN"):
                run(W, inputs, how)
        else:
            assert_array_equal(run(W, inputs, how), expected, err_msg=name)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("n", [3, 40, 600, 70_000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sum_that_overflows_is_infinite(dtype, n, how):
    V = dl.variable("v", (None, 2), dtype)
    for sign in (1, -1):
        values = np.full((n, 2), sign * LARGE[dtype], dtype)
        for W in (dl.sum(V), dl.sum(V, axis=0)[0], dl.sum(V * dl.abs(V)), dl.mean(V, axis=0)[1]):
            assert_array_equal(run(W, {V: values}, how), sign * inf)
        assert run(dl.sum(V**2), {V: values}, how) == inf


@pytest.mark.parametrize("n", [3, 600, 70_000])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cost", ["squares", "products", "rows"])
def test_training_that_leaves_the_finite_numbers_says_so(cost, dtype, n):
    w, X = dl.variable("w", (2,), dtype), dl.variable("X", (None, 2), dtype)
    J = {
        "squares": lambda: dl.sum((X * w) ** 2),
        "products": lambda: dl.sum((X * w) * (X + w)),
        "rows": lambda: dl.sum(dl.sum(X * w, axis=0) ** 2),
    }[cost]()
    start = {w: np.ones(2, dtype)}
    for number in (LARGE[dtype], inf):
        data = {X: np.full((n, 2), number, dtype)}
        with pytest.raises(dl.TrainingDiverged, match="the cost is inf after 0 steps"):
            dl.train(J, start, data, dl.GradientDescent(0.1), 3)
    data = {X: np.ones((n, 2), dtype)}
    with pytest.raises(dl.TrainingDiverged, match=r"is not finite|the cost is"):
        dl.train(J, start, data, dl.GradientDescent(1e20), 20)
    opposite = np.ones((n, 2), dtype)
    opposite[:2] = [[inf, inf], [-inf, -inf]]
    with pytest.raises(dl.TrainingDiverged, match=r"is not finite|the cost is"):
        dl.train(J, start, {X: opposite}, dl.GradientDescent(0.1), 3)
