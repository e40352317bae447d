"""Gradients that are zero, or not defined; equal inputs are distinct to bprop (Section 6.5.6)."""

import numpy as np
import pytest
from found import OPERATIONS, draw_example, each
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import fewer
from values import MATRIX, X_VALUE, gradient_at, value_of

import dlbook as dl
from dlbook.operations.comparisons import Comparison, Greater
from dlbook.operations.indexing import ArgMax, MaxAndIndex
from dlbook.operations.reductions import Count
from dlbook.programs.lowered import Gate, Pick

# --- Gradients that are zero, and gradients that are not defined -------------------------------


def jumps(kind):
    """Whether an operation takes floats and gives something that changes by jumps alone."""
    return kind in (ArgMax, MaxAndIndex) or kind in Comparison.__subclasses__()


@each([kind for kind in OPERATIONS if jumps(kind)])
@given(data=st.data())
@fewer
def test_a_derivative_that_leads_only_through_jumps_is_zero(kind, data):
    example = draw_example(data, kind, "float64")
    variables = example.variables()
    node = example.operation(*variables)
    assume(node.dtype.kind != "f")
    chosen = dl.where(node, 1.0, 2.0) if node.dtype == bool else dl.constant(np.arange(64.0))[node]
    z = dl.sum(chosen * 3)
    values = dict(zip(variables, example.arrays, strict=True))
    for V in (V for V in variables if V.dtype.kind == "f"):
        zeros = np.zeros(values[V].shape)
        assert_array_equal(value_of(dl.backprop([V], z)[V], values), zeros)
        assert value_of(dl.jvp(z, {V: V}), values) == 0

        # Another path counts as if this one were not there.
        both = z + dl.sum(V * 5)
        gradient, forward = dl.backprop([V], both)[V], dl.jvp(both, {V: V})
        assert_array_equal(value_of(gradient, values), np.full(values[V].shape, 5.0))
        assert_allclose(value_of(forward, values), 5 * np.sum(values[V]))


def test_a_condition_has_the_gradient_zero_and_what_it_chooses_its_own():
    x, value = dl.variable("x", (3,)), X_VALUE
    z = dl.sum(dl.where(x > 0, x * x, 3 * x))
    expected = np.where(value > 0, 2 * value, 3.0)
    assert_array_equal(value_of(dl.backprop([x], z)[x], {x: value}), expected)
    flat = dl.where(x > 0, 1.0, 2.0)
    assert_array_equal(value_of(dl.backprop([x], dl.sum(flat))[x], {x: value}), np.zeros(3))
    assert_array_equal(value_of(dl.jvp(flat, {x: value}), {x: value}), np.zeros(3))


def test_the_same_step_function_has_the_same_derivative_however_it_is_written():
    x, value = dl.variable("x", (3,)), X_VALUE
    for step in (
        dl.heaviside(x),
        dl.where(x > 0, 1.0, 0.0),
        (x > 0).astype(float),
        (dl.sign(x) + 1) / 2,
        dl.maximum(dl.sign(x), 0.0),
    ):
        assert_array_equal(value_of(dl.backprop([x], dl.sum(step))[x], {x: value}), np.zeros(3))
        assert_array_equal(value_of(dl.jvp(step, {x: value}), {x: value}), np.zeros(3))


def test_a_factor_that_a_condition_chooses_counts_as_constant():
    x, value = dl.variable("x", (3,)), X_VALUE
    y = x * dl.where(x > 0, 1.0, 0.5)
    slope = np.where(value > 0, 1.0, 0.5)
    assert_array_equal(value_of(dl.backprop([x], dl.sum(y))[x], {x: value}), slope)
    assert_array_equal(value_of(dl.jvp(y, {x: value}), {x: value}), slope * value)


def test_bools_and_integers_are_nothing_to_differentiate():
    x = dl.variable("x", (3,))
    for node in (x > 0, dl.argmax(x)):
        with pytest.raises(dl.NotDifferentiable, match=f"jvp: '{node.name}' is {node.dtype}; a"):
            dl.jvp(node, {x: X_VALUE})
    for kind in (Greater, ArgMax, Gate, Pick):
        with pytest.raises(dl.NotDifferentiable, match=f"{kind.name}: its gradient is not defined"):
            kind.bprop(kind.__new__(kind), [x], x, x)


@pytest.mark.parametrize(
    "make",
    [
        dl.stop_gradient,
        lambda x: dl.stop_gradient(x) * 2,
        lambda x: dl.where(dl.stop_gradient(x) > 0, 1.0, 2.0),
        lambda x: dl.stop_gradient(x > 0).astype(float),
        lambda x: dl.stop_gradient(dl.where(x > 0, 1.0, 2.0)),
        lambda x: dl.constant(np.arange(3.0))[dl.stop_gradient(dl.argmax(x))],
        lambda x: dl.broadcast_like(2.0, x),
        lambda x: dl.where(dl.broadcast_like(2.0, x) > 0, 1.0, 2.0),
        lambda x: x**0,
        dl.sign,
        dl.heaviside,
        lambda x: dl.mean(x) - dl.sum(x) / Count((0,))(x) + Count((0,))(x),
    ],
)
def test_what_counts_as_constant_has_the_gradient_0_both_ways(make):
    x = dl.variable("x", (3,))
    y = make(x)
    gradient = value_of(dl.backprop([x], dl.sum(y))[x], {x: X_VALUE})
    assert_array_equal(gradient, np.zeros(3))
    tangent = value_of(dl.jvp(y, {x: X_VALUE}), {x: X_VALUE})
    assert tangent.shape == y.shape
    assert_allclose(tangent, np.zeros(y.shape), atol=1e-15)


# --- Equal inputs are distinct to bprop (Section 6.5.6) ---------------------------------------


def test_the_bprop_of_multiply_gives_x_for_one_of_two_equal_inputs():
    x, G = dl.variable("x", (3,)), dl.variable("G", (3,))
    gradient = dl.multiply.bprop([x, x], x, G)
    at = {x: np.array([1.0, 2.0, 3.0]), G: np.ones(3)}
    assert_array_equal(value_of(gradient, at), [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("make", "value", "expected"),
    [
        (lambda x: x * x, X_VALUE, 2 * X_VALUE),
        (lambda x: x - x, X_VALUE, np.zeros(3)),
        (lambda x: x + x, X_VALUE, np.full(3, 2.0)),
        (lambda x: x / x, X_VALUE, np.zeros(3)),
        (lambda x: x**x, np.array([1.0, 2.0]), [1.0, 4 * (np.log(2) + 1)]),
        (lambda x: x @ x, X_VALUE, 2 * X_VALUE),
        (lambda x: dl.dot(x, x), X_VALUE, 2 * X_VALUE),
        (lambda x: x @ x, MATRIX, np.ones((2, 2)) @ MATRIX.T + MATRIX.T @ np.ones((2, 2))),
        (lambda x: dl.broadcast_like(x, x), X_VALUE, np.ones(3)),
        (lambda x: dl.maximum(x, x), X_VALUE, np.ones(3)),
        (lambda x: dl.minimum(x, x), X_VALUE, np.ones(3)),
        (lambda x: dl.where(x > 0, x, x), X_VALUE, np.ones(3)),
        (lambda x: dl.concatenate([x, x * 2, x]), X_VALUE, np.full(3, 4.0)),
        (lambda x: dl.stack([x, x]), X_VALUE, np.full(3, 2.0)),
        (lambda x: dl.binary_cross_entropy(x, x), np.zeros(1), [0.5]),
        (lambda x: dl.cross_entropy(x, x), np.array([0.5, 0.5]), [np.log(2)] * 2),
        (lambda x: dl.parametric_relu(x, x), X_VALUE, [1.0, -4.0, 1.0]),
    ],
)
def test_every_place_of_a_variable_counts(make, value, expected):
    assert_allclose(gradient_at(make, value), expected, atol=1e-15)
