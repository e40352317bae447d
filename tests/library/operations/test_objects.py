"""Operations as objects, constants, and operations of one's own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from values import A23, X_VALUE, interpret, value_of

import dlbook as dl
from dlbook.operations.base import Constant
from dlbook.operations.elementwise import Elementwise
from dlbook.operations.flow import Recompute, StopGradient
from dlbook.operations.joining import Joining

# --- Operations as objects ---------------------------------------------------------------------


def test_an_operation_shows_its_settings():
    A = dl.variable("A", (2, 3))
    assert repr(dl.sum(A, 1).operation) == "sum(axes=(1,))"  # a flag that is not set says nothing
    assert repr(dl.sum(A, 1, keepdims=True).operation) == "sum(axes=(1,), keepdims=True)"
    assert repr(dl.astype(A, np.float32).operation) == "astype(dtype='float32')"
    assert repr(A[0, :2, None].operation) == "index[0, :2, None]"
    assert repr(dl.max_and_index(A)[1].operation) == "max_and_index(axis=1)[1]"
    assert repr(dl.clip(A, -1, 2).operation) == "clip(low=-1.0, high=2.0)"
    assert repr(dl.relu) == "relu"
    assert "relu" in repr(dl.relu(A)) and "(2, 3)" in repr(dl.relu(A))
    assert repr(dl.constant([1.0, 2.0]).operation) == "constant"


def test_the_rules_of_stop_gradient_say_zero():
    x = dl.variable("x", (3,))
    assert StopGradient().bprop([x], x, x) is None
    assert StopGradient().jvp([x], [x]) is None


def test_what_is_computed_anew_is_equal_to_nothing_else():
    one, other = Recompute(), Recompute()
    assert one == one and one != other and len({one, other}) == 2
    assert StopGradient() == StopGradient() and len({StopGradient(), StopGradient()}) == 1


def test_large_tensors_are_added_block_by_block():
    W, g, c = dl.variable("W", (700, 150)), dl.variable("g", (700, 150)), dl.variable("c", ())
    rng = np.random.default_rng(0)
    values = [rng.normal(size=W.shape), rng.normal(size=W.shape), np.float64(0.1)]
    outputs = [W + c * g, (W * 2 + g * c) * g, dl.sum(dl.exp(W) + 3 * dl.exp(W))]
    program = dl.compile(outputs, [W, g, c])
    assert "add_scaled" in program.source
    expected = interpret(outputs, dict(zip([W, g, c], values, strict=True)))
    for result, other in zip(program(*values), expected, strict=True):
        assert_allclose(result, other, rtol=1e-12, atol=1e-12)


# --- Constants ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda x: 2 * x,
        lambda x: x * 2.5,
        lambda x: 1 - x,
        lambda x: 1.5 / x,
        lambda x: x**3,
        lambda x: x**2,
        lambda x: x**0,
        lambda x: x**0.5,
        lambda x: 2**x,
        lambda x: dl.mean(x * 0.1),
        lambda x: dl.maximum(x, 1.5),
        lambda x: dl.where(x > 1.5, x, 0.5),
        lambda x: dl.clip(x, 1.5, 3),
        lambda x: dl.parametric_relu(x, 0.1),
        lambda x: dl.binary_cross_entropy(x, 1),
        lambda x: dl.concatenate([x, x * 2]),
        lambda x: dl.stack([x[0], 1.5]),
        lambda x: dl.softmax(x) + dl.log_softmax(x) - dl.logsumexp(x),
    ],
)
def test_a_plain_number_takes_the_dtype_of_what_it_meets(make):
    x = dl.variable("x", (3,), np.float32)
    z = dl.sum(make(x))
    gradient, forward = dl.backprop([x], z)[x], dl.jvp(make(x), {x: 1.5 * x})
    for simplify in (True, False):
        program = dl.compile([make(x), z, gradient, forward], [x], simplify)
        assert {V.dtype for V in program.outputs} == {np.dtype(np.float32)}
        results = program(np.array([1.0, 2.0, 4.0], np.float32))
        assert {result.dtype for result in results} == {np.dtype(np.float32)}


def test_a_fraction_that_meets_integers_becomes_a_float():
    n = dl.variable("n", (2,), np.int64)
    assert (n + 1).dtype == np.int64
    assert (n + 0.5).dtype == np.float64
    assert_array_equal(value_of(n + 0.5, {n: np.array([1, 2])}), [1.5, 2.5])


def test_a_bool_that_meets_a_number_counts_as_one():
    b, x = dl.variable("b", (2,), bool), dl.variable("x", (2,), np.float32)
    values = {b: np.array([True, False]), x: np.float32([2, 3])}
    assert (b * x).dtype == np.float32 and (b + 1).dtype == np.int64
    assert_array_equal(value_of(b * x, values), [2.0, 0.0])
    assert_array_equal(value_of(b + 1, {b: values[b]}), [2, 1])


def test_an_array_on_the_left_of_an_operator_becomes_a_constant():
    x, a, A = dl.variable("x", (2,)), np.array([3.0, 5.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    value = np.array([7.0, 11.0])
    for make in (
        lambda x: a + x,
        lambda x: a - x,
        lambda x: a * x,
        lambda x: a / x,
        lambda x: a**x,
        lambda x: a > x,
        lambda x: A @ x,
        lambda x: a @ x,
        lambda x: np.float64(2) * x,
    ):
        assert isinstance(make(x), dl.Variable)
        assert_allclose(value_of(make(x), {x: value}), make(value))


def test_an_array_may_change_after_it_became_a_constant():
    x, a = dl.variable("x", (2,)), np.array([3.0, 5.0])
    outputs = [x + a, dl.constant(a)]
    a[:] = 0
    for result, expected in zip(
        dl.compile(outputs, [x])(np.ones(2)), ([4.0, 6.0], [3.0, 5.0]), strict=True
    ):
        assert_array_equal(result, expected)


def test_a_constant_is_called_by_its_value_or_by_its_name():
    assert dl.constant(2.0).name == "2"
    assert dl.constant([1.0, 2.0]).name == "constant"
    assert dl.constant([1.0, 2.0], name="c").name == "c"
    assert dl.constant(1, dtype=np.float32).dtype == np.float32


def test_constants_are_equal_if_their_values_are_down_to_the_sign_of_0():
    one, same = Constant(np.array([1.0, 0.0])), Constant(np.array([1.0, 0.0]))
    assert one == same and hash(one) == hash(same)
    others = [[1.0, -0.0], [1.0, 1.0], [[1.0, 0.0]], np.float32([1.0, 0.0])]
    for other in map(np.asarray, others):
        assert one != Constant(other)
    long = np.zeros(2000)
    assert Constant(long) == Constant(long) and Constant(long) != Constant(long.copy())


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([], ValueError, r"constant: the value is empty \(shape \(0,\)\)"),
        (float("nan"), ValueError, r"constant: the value of shape \(\) contains NaN in 1 of 1"),
        ([[1.0, np.nan]], ValueError, r"shape \(1, 2\) contains NaN .* first at \(0, 1\)"),
        ("text", TypeError, "constant: needs float32, float64, integers or bools, got <U4"),
        (None, TypeError, "constant: needs float32, float64, integers or bools, got object"),
        (1j, TypeError, "constant: needs float32, float64, integers or bools, got complex128"),
    ],
)
def test_what_is_no_number_cannot_be_a_constant(value, error, message):
    with pytest.raises(error, match=message):
        dl.constant(value)


# --- Operations of one's own --------------------------------------------------------------------


def test_an_operation_without_a_rule_says_which_part_is_missing():
    class Unfinished(dl.Operation):
        name = "unfinished"

    operation = Unfinished()
    with pytest.raises(NotImplementedError, match="unfinished: the shape rule is missing"):
        operation(A23)
    with pytest.raises(NotImplementedError, match="unfinished: f is missing"):
        operation.f(1.0)
    with pytest.raises(dl.NotDifferentiable, match="unfinished: its gradient is not defined"):
        operation.bprop([A23], A23, A23)
    with pytest.raises(dl.NotDifferentiable, match="unfinished: its derivative is not defined"):
        operation.jvp([A23], [A23])
    with pytest.raises(NotImplementedError):
        Joining(0).place([A23], A23)

    class Rounded(Elementwise):
        name, ufunc = "rounded", "rint"

    with pytest.raises(dl.NotDifferentiable, match="rounded: its gradient is not defined"):
        dl.backprop([A23], dl.sum(Rounded()(A23)))


def test_an_operation_of_ones_own_joins_the_graph():
    class Cube(dl.Operation):
        name = "cube"

        def infer_shape(self, A):
            return A.shape

        def f(self, A):
            return A**3

        def bprop(self, inputs, X, G):
            return G * 3 * dl.square(X)

        def jvp(self, inputs, tangents):
            return self.bprop(inputs, inputs[0], tangents[0])

    x = dl.variable("x", (3,))
    z = dl.sum(Cube()(x * 1) * 1.5)
    assert_allclose(value_of(dl.backprop([x], z)[x], {x: X_VALUE}), 4.5 * X_VALUE**2)
    assert_allclose(value_of(dl.jvp(z, {x: X_VALUE}), {x: X_VALUE}), 4.5 * np.sum(X_VALUE**3))
