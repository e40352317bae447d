"""What users of such engines ask for: statistics, products, running sums, shapes, rounding."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import dlbook as dl

A_VALUE = np.random.default_rng(0).normal(size=(3, 4))
A = dl.variable("A", (None, 4))
HOW = {"numpy": {}, "not simplified": {"simplify": False}, "torch": {"backend": "torch"}}


def both(z, value=A_VALUE, how="numpy", A=A):
    """The value of z, and the gradient of its sum."""
    outputs = [z, dl.backprop([A], dl.sum(z))[A]]
    return [np.asarray(array) for array in dl.compile(outputs, [A], **HOW[how])(value)]


def slope_of(f, value, step=1e-6):
    """The gradient of sum(f(value)) by central differences."""
    slopes = np.empty_like(value)
    for place in np.ndindex(value.shape):
        for sign in (1, -1):
            moved = value.copy()
            moved[place] += sign * step
            slopes[place] = np.sum(f(moved)) if sign > 0 else slopes[place] - np.sum(f(moved))
    return slopes / (2 * step)


AXES = [None, 0, 1, -1, (0, 1), ()]
LIKE_NUMPY = {
    "var": (dl.var, np.var),
    "std": (dl.std, np.std),
    "prod": (dl.prod, np.prod),
    "norm": (dl.norm, lambda A, axis, keepdims: np.sqrt(np.sum(A**2, axis, keepdims=keepdims))),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_it_is_what_numpy_gives_with_its_derivative(name, axis, keepdims, how):
    ours, theirs = LIKE_NUMPY[name]
    value, slope = both(ours(A, axis, keepdims), how=how)
    expected = theirs(A_VALUE, axis=axis, keepdims=keepdims)
    assert_allclose(value, expected, rtol=1e-13, atol=1e-15)
    if name != "std" or axis != ():  # of one number each, where it is 0
        numeric = slope_of(lambda A: theirs(A, axis=axis, keepdims=keepdims), A_VALUE)
        assert_allclose(slope, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["var", "std"])
def test_ddof_is_that_of_numpy(name):
    value, _ = both(getattr(dl, name)(A, 0, ddof=1))
    assert_allclose(value, getattr(np, name)(A_VALUE, 0, ddof=1))
    with pytest.raises(TypeError, match=f"^{name}: ddof must be a whole number, got 0.5"):
        getattr(dl, name)(A, 0, ddof=0.5)


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("how", HOW)
def test_where_there_is_no_spread_and_no_length_there_is_no_slope(how):
    for z in (dl.norm(A), dl.norm(A, 1), dl.std(A), dl.std(A, 0), dl.norm(A - 1, 0, True)):
        for value in (np.zeros((3, 4)), np.ones((3, 4))):
            _, slope = both(z, value, how)
            assert np.isfinite(slope).all()
    assert_array_equal(both(dl.norm(A), np.zeros((3, 4)), how)[1], np.zeros((3, 4)))
    assert_array_equal(both(dl.std(A, 1), np.ones((3, 4)), how)[1], np.zeros((3, 4)))


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_the_gradient_of_a_product_is_the_product_of_the_others(zeros, how):
    x = dl.variable("x", (4,))
    value = np.array([2.0, 3.0, 5.0, 7.0])
    value[:zeros] = 0
    product, slope = both(dl.prod(x), value, how, x)
    others = [np.prod(np.delete(value, i)) for i in range(4)]
    assert product == np.prod(value)
    assert_array_equal(slope, others)
    H = dl.evaluate(dl.hessian(dl.prod(x), x), {x: value})
    pairs = [
        [0 if i == j else np.prod(np.delete(value, [i, j])) for j in range(4)] for i in range(4)
    ]
    assert_array_equal(H, pairs)
    third = dl.grad(lambda x: dl.sum(dl.hessian(dl.prod(x), x)))(value)
    assert_allclose(third, [2 * sum(np.delete(value, i)) * 1.0 for i in range(4)])


@pytest.mark.parametrize("how", HOW)
def test_running_sums_and_their_derivatives(how):
    for axis in (0, 1, -1):
        value, slope = both(dl.cumsum(A, axis), how=how)
        assert_allclose(value, np.cumsum(A_VALUE, axis))
        counts = np.cumsum(np.ones((3, 4)), axis)
        assert_array_equal(slope, np.flip(counts, axis))
    fixed = dl.variable("A", (3, 4))
    value, _ = both(dl.cumsum(fixed), how=how, A=fixed)
    assert_allclose(value, np.cumsum(A_VALUE))
    n = dl.variable("n", (3,), np.int8)
    (sums,) = dl.compile([dl.cumsum(n)], [n], **HOW[how])(np.array([100, 100, 100], np.int8))
    assert_array_equal(np.asarray(sums), [100, 200, 300])


def test_small_integers_are_multiplied_as_numpy_does():
    for dtype in ("int8", "uint8", "bool", "int32"):
        n = dl.variable("n", (3,), dtype)
        value = np.array([1, 1, 1]).astype(dtype) * np.array(1, dtype)
        (found,) = dl.compile([dl.prod(n)], [n])(value)
        assert found.dtype == np.prod(value).dtype == dl.prod(n).dtype


# --- Conditions --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", HOW)
def test_conditions_are_combined(how):
    a, b = A > 0, A < 1
    for V, expected in [
        (a & b, (A_VALUE > 0) & (A_VALUE < 1)),
        (a | (A < -1), (A_VALUE > 0) | (A_VALUE < -1)),
        (~a, A_VALUE <= 0),
        (dl.logical_and(a, dl.logical_not(b)), A_VALUE >= 1),
        (np.array([True, False, True, False]) & a, np.array([1, 0, 1, 0], bool) & (A_VALUE > 0)),
        (np.array([True, False, True, False]) | a, np.array([1, 0, 1, 0], bool) | (A_VALUE > 0)),
        (dl.isnan(dl.log(A)), A_VALUE < 0),
    ]:
        with np.errstate(invalid="ignore"):
            (found,) = dl.compile([V], [A], **HOW[how])(A_VALUE)
        assert_array_equal(np.asarray(found), expected)
    z = dl.sum(dl.where(a & b, A, 0.0))
    assert_array_equal(both(z, how=how)[1], ((A_VALUE > 0) & (A_VALUE < 1)).astype(float))
    with pytest.raises(TypeError, match=r"^logical_and: needs bools, but 'A' of shape"):
        A & b


def test_the_smallest_entry_is_found():
    for axis in (None, 0, 1):
        assert_array_equal(dl.evaluate(dl.argmin(A, axis), {A: A_VALUE}), np.argmin(A_VALUE, axis))
    assert_array_equal(both(A[0, dl.argmin(A[0])])[1].sum(), 1)


# --- Shapes ------------------------------------------------------------------------------------

B = dl.variable("B", (3, 1, 2, 1))
B_VALUE = np.arange(6.0).reshape(3, 1, 2, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda m, B: m.squeeze(B), lambda m, B: m.squeeze(B, 1), lambda m, B: m.squeeze(B, (1, -1)),
        lambda m, B: m.squeeze(B, ()), lambda m, B: m.squeeze(m.squeeze(B)),
        lambda m, B: m.expand_dims(B, 0), lambda m, B: m.expand_dims(B, (0, -1)),
        lambda m, B: m.expand_dims(B, (1, 3)), lambda m, B: B.reshape(-1),
        lambda m, B: B.reshape(2, -1), lambda m, B: B.reshape((-1, 3)),
        lambda m, B: m.reshape(B, (1, -1, 1)),
    ],
)  # fmt: skip
def test_axes_of_size_1_come_and_go_as_in_numpy(call):
    V, expected = call(dl, B), call(np, B_VALUE)
    assert V.shape == expected.shape
    assert_array_equal(dl.evaluate(V, {B: B_VALUE}), expected)


def test_minus_one_may_stand_for_the_examples():
    X, y = dl.variable("X", (None, 6)), dl.variable("y", (None, 1))
    assert X.reshape(-1, 6).shape == (None, 6) and X.reshape(-1, 2, 3).shape == (None, 2, 3)
    assert X.reshape(None, -1).shape == (None, 6) and X.reshape(None, 2, -1).shape == (None, 2, 3)
    assert y.reshape(-1).shape == (None,) and y.reshape(-1, 1).shape == (None, 1)
    assert_array_equal(dl.evaluate(y.reshape(-1), {y: np.ones((5, 1))}), np.ones(5))
    for wrong, shape in [
        (lambda: X.reshape(-1), r"\(-1,\)"),
        (lambda: X.reshape(-1, 3), r"\(-1, 3\)"),
        (lambda: X.reshape(None, 4, -1), r"\(None, 4, -1\)"),
        (lambda: A_FIXED.reshape(5, -1), r"\(5, -1\)"),
    ]:
        with pytest.raises(ValueError, match=rf"^reshape: '.*' .* cannot take the shape {shape}"):
            wrong()
    with pytest.raises(ValueError, match=r"^reshape: each size must be a positive whole number"):
        A_FIXED.reshape(-1, -1)


A_FIXED = dl.variable("A", (3, 4))


def test_places_that_are_none_are_reported():
    for wrong, error, message in [
        (lambda: dl.squeeze(B, 0), ValueError, r"^squeeze: the axes \(0,\) of 'B' .* size 1"),
        (lambda: dl.squeeze(B, 7), ValueError, "^squeeze: 'B' of shape .* has no axis 7"),
        (
            lambda: dl.expand_dims(B, 9),
            ValueError,
            "^expand_dims: there is no place 9 among 5",
        ),
        (lambda: dl.expand_dims(B, (0, 0)), ValueError, "^expand_dims: a place is given twice"),
        (lambda: dl.expand_dims(B, 0.5), TypeError, "^expand_dims: a place must be a whole number"),
        (lambda: dl.sum(B, True), TypeError, "^sum: an axis must be a whole number, got True; for"),
        (lambda: dl.prod(B, 9), ValueError, "^prod: 'B' of shape .* has no axis 9"),
        (lambda: dl.cumsum(A), ValueError, "^reshape: 'A' .* no size for -1"),
        (lambda: dl.norm(dl.variable("n", (2,), int)), TypeError, "^norm: needs floats, but 'n'"),
    ]:
        with pytest.raises(error, match=message):
            wrong()


STEPS = [
    np.s_[::-1], np.s_[::-2], np.s_[2:0:-1], np.s_[:, ::-1], np.s_[::-1, ::-2], np.s_[..., ::-1],
    np.s_[None, ::-1], np.s_[::-1, 1], np.s_[::-1, np.array([0, 0, 3])], np.s_[-1:-3:-1, 1:],
]  # fmt: skip


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("key", STEPS, ids=str)
def test_slices_may_go_backwards(key, how):
    V = A_FIXED[key]
    weights = np.random.default_rng(1).normal(size=V.shape)
    value, slope = both(V * weights, how=how, A=A_FIXED)
    assert_array_equal(value, A_VALUE[key] * weights)
    expected = np.zeros((3, 4))
    np.add.at(expected, key, weights)
    assert_allclose(slope, expected)
    if how == "numpy":
        assert_array_equal(dl.evaluate(A[::-1], {A: A_VALUE}), A_VALUE[::-1])


# --- Numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", HOW)
def test_rounding_to_fewer_digits(how):
    values = np.array([0.1, 1e5, 1e-9, -1 / 3])
    for dtype in ("float32", "float64"):
        x = dl.variable("x", (4,), dtype)
        for short in ("float16", np.float16, np.dtype("float16"), np.float32):
            with np.errstate(over="ignore"):
                (found,) = dl.compile([dl.round_to(x, short)], [x], **HOW[how])(
                    values.astype(dtype)
                )
                expected = values.astype(dtype).astype(short).astype(dtype)
            assert_array_equal(np.asarray(found), expected)
            assert np.asarray(found).dtype == dtype
    x = dl.variable("x", (4,))
    through = x + dl.stop_gradient(dl.round_to(x, "float16") - x)
    assert_array_equal(both(dl.round_to(x, "float16"), values / 1e5, how, x)[1], np.zeros(4))
    assert_array_equal(both(through, values / 1e5, how, x)[1], np.ones(4))
    with pytest.raises(TypeError, match=r"^round_to: the dtype must be float16 .*, got 'int8'"):
        dl.round_to(x, "int8")


def test_plain_whole_numbers_stand_for_floats():
    for V, expected in [
        (dl.exp(2), np.exp(2.0)),
        (dl.sqrt(4), 2.0),
        (dl.sigmoid(0), 0.5),
        (dl.divide(1, 4), 0.25),
        (dl.power(2, 3), 8.0),
        (dl.log(1), 0.0),
        (dl.relu(-3), 0.0),
        (dl.log_sigmoid(0.0), -np.log(2)),
    ]:
        assert V.dtype == np.float64
        assert_allclose(dl.evaluate(V, {}), expected)
    with pytest.raises(TypeError, match=r"^exp: needs floats, but 'n' of shape"):
        dl.exp(dl.variable("n", (2,), int))
