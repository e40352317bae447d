"""Functions of each entry: maxout and its kin, powers, comparisons and what chooses by them."""

import operator

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from values import CUBE, gradient_at, torch_grad, value_of

import dlbook as dl

# --- Maxout and its kin (Sections 6.3.1 and 6.3.3) ----------------------------------------------


def test_maxout_takes_the_largest_of_each_group_of_neighbours():
    z, value = dl.variable("z", (None, 6)), np.array([[1.0, 3, 2, 5, 4, 6], [6, 5, 4, 1, 2, 3]])
    for pieces in (1, 2, 3, 6, np.int64(2)):
        node = dl.maxout(z, pieces)
        assert node.shape == (None, 6 // pieces)
        expected = value.reshape(2, 6 // pieces, pieces).max(-1)
        assert_array_equal(value_of(node, {z: value}), expected)
    gradient = value_of(dl.backprop([z], dl.sum(dl.maxout(z, 3)))[z], {z: value})
    assert_array_equal(gradient, [[0.0, 1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 1]])


def test_maxout_has_rectifiers_and_absolute_values_as_special_cases():
    z, value = dl.variable("z", (3,)), np.array([-1.5, 0.0, 2.0])
    pairs = {
        dl.relu: lambda z: dl.stack([z, 0 * z], axis=-1),
        dl.abs: lambda z: dl.stack([z, -z], axis=-1),
        lambda z: dl.leaky_relu(z, 0.1): lambda z: dl.stack([z, 0.1 * z], axis=-1),
    }
    for unit, pieces in pairs.items():
        ours = dl.maxout(pieces(z).reshape(6), 2)
        assert_array_equal(value_of(ours, {z: value}), value_of(unit(z), {z: value}))


def test_a_vector_of_several_axes_may_go_through_maxout():
    z = dl.variable("z", (2, 3, 4))
    assert_array_equal(value_of(dl.maxout(z, 2), {z: CUBE}), CUBE.reshape(2, 3, 2, 2).max(axis=-1))


Z_VALUE = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("unit", "numpy", "slope"),
    [
        (dl.relu, lambda z: np.maximum(z, 0), lambda z: z > 0),
        (dl.hard_tanh, lambda z: np.clip(z, -1, 1), lambda z: np.abs(z) <= 1),
        (dl.leaky_relu, lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
        (
            lambda z: dl.leaky_relu(z, -1),
            np.abs,  # with the slope -1 it is the absolute value
            lambda z: np.where(z > 0, 1, -1),
        ),
        (
            lambda z: dl.parametric_relu(z, 0.25),
            lambda z: np.where(z > 0, z, 0.25 * z),
            lambda z: np.where(z > 0, 1, 0.25),
        ),
        (lambda z: dl.clip(z, -np.inf, 0.5), lambda z: np.minimum(z, 0.5), lambda z: z <= 0.5),
        (dl.heaviside, lambda z: np.heaviside(z, 0), np.zeros_like),
        (dl.sign, np.sign, np.zeros_like),
        (dl.abs, np.abs, np.sign),
        (dl.softplus, lambda z: np.log1p(np.exp(z)), lambda z: 1 / (1 + np.exp(-z))),
        (dl.sigmoid, lambda z: 1 / (1 + np.exp(-z)), lambda z: 1 / (2 + 2 * np.cosh(z))),
        (dl.tanh, np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    ],
)
def test_units_have_their_values_and_slopes_also_at_the_kinks(unit, numpy, slope):
    z = dl.variable("z", Z_VALUE.shape)
    assert_allclose(value_of(unit(z), {z: Z_VALUE}), numpy(Z_VALUE), rtol=1e-14, atol=1e-15)
    assert_allclose(gradient_at(unit, Z_VALUE), slope(Z_VALUE), rtol=1e-13, atol=1e-15)


def test_the_slopes_of_a_parametric_rectifier_are_learned():
    z, alpha = dl.variable("z", (None, 2)), dl.variable("alpha", (2,))
    values = {z: np.array([[-1.0, 2.0], [-3.0, -4.0]]), alpha: np.array([0.1, 0.5])}
    y = dl.parametric_relu(z, alpha)
    assert_allclose(value_of(y, values), [[-0.1, 2.0], [-0.3, -2.0]])
    gradients = dl.backprop([z, alpha], dl.sum(y))
    assert_allclose(value_of(gradients[z], values), [[0.1, 1.0], [0.1, 0.5]])
    assert_allclose(value_of(gradients[alpha], values), [-4.0, -4.0])


# --- Powers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [0, 1, 2, 2.0, 3, -1, 0.5, np.float64(1.5), np.int64(3)])
def test_powers_and_their_gradients(exponent):
    x, value = dl.variable("x", (3,)), np.array([0.5, 1.0, 2.0])
    assert_allclose(value_of(x**exponent, {x: value}), value**exponent)
    assert_allclose(gradient_at(lambda x: x**exponent, value), exponent * value ** (exponent - 1.0))


@pytest.mark.parametrize(
    ("base", "exponent"),
    [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (0.0, 2.5), (2.0, 0.0), (3.0, -1.0), (0.5, 0.5), (1, 7)],
)
def test_a_variable_exponent_has_the_gradients_of_pytorch(base, exponent):
    a, b = dl.variable("a", (1,)), dl.variable("b", (1,))
    values = {a: np.array([base], float), b: np.array([exponent], float)}
    tensors = [torch.tensor(value, requires_grad=True) for value in values.values()]
    expected = torch.pow(*tensors).sum()
    gradients = dl.backprop([a, b], dl.sum(a**b))
    for V, tensor in zip((a, b), torch_grad(expected, tensors), strict=True):
        assert_allclose(value_of(gradients[V], values), tensor.numpy(), rtol=1e-14)
    assert_allclose(value_of(a**b, values), [expected.item()])


def test_numbers_and_arrays_may_be_raised_to_a_variable():
    x, value = dl.variable("x", (2,)), np.array([0.5, -2.0])
    assert_allclose(value_of(2**x, {x: value}), 2**value)
    assert_allclose(value_of(np.array([2.0, 3.0]) ** x, {x: value}), [2**0.5, 3**-2.0])
    assert_allclose(value_of(dl.power(np.array([2.0, 3.0]), x), {x: value}), [2**0.5, 3**-2.0])
    assert_allclose(value_of(abs(x) ** np.array([2.0, 3.0]), {x: value}), [0.25, 8.0])
    assert_allclose(gradient_at(lambda x: 2**x, value), 2**value * np.log(2))


@pytest.mark.parametrize("exponent", [3, 2.5, np.float64(3.0), np.float64(0.5)])
def test_a_power_of_float32_is_float32_for_any_kind_of_number(exponent):
    A = dl.variable("A", (3,), np.float32)
    assert value_of(A**exponent, {A: np.ones(3, np.float32)}).dtype == np.float32


# --- Comparisons and what chooses by them ------------------------------------------------------

COMPARISONS = [operator.gt, operator.ge, operator.lt, operator.le]


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda compare: compare.__name__)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
def test_variables_are_compared_by_operators(compare, dtype):
    x, value = dl.variable("x", (3,), dtype), np.array([1, 2, 3], dtype)
    for other in (np.array([3, 2, 1], dtype), 2, 1.5):
        for ours, expected in (
            (compare(x, other), compare(value, other)),
            (compare(other, x), compare(other, value)),
        ):
            assert (ours.dtype, ours.shape) == (bool, (3,))
            assert_array_equal(value_of(ours, {x: value}), expected)


def test_equality_is_asked_for_by_name():
    x, value = dl.variable("x", (3,)), np.array([1.0, 2.0, 2.0])
    assert_array_equal(value_of(dl.equal(x, 2), {x: value}), [False, True, True])
    assert_array_equal(value_of(dl.not_equal(2, x), {x: value}), [True, False, False])
    assert (x == x) is True and (x == 2) is False


def test_where_takes_numbers_arrays_and_variables_and_repeats_them():
    x, value = dl.variable("x", (2, 3), np.float32), np.float32([[1, -2, 3], [-4, 5, -6]])
    for make, dtype in (
        (lambda x, where: where(x > 0, x, 0), np.float32),
        (lambda x, where: where(x > 0, 0.5, x), np.float32),
        (lambda x, where: where(x > 0, x, np.ones((2, 1))), np.float64),
        (lambda x, where: where(np.array([True, False, True]), x, -x), np.float32),
        (lambda x, where: where(x > 0, 1.0, 2.0), np.float64),
        (lambda x, where: where(x > 0, 1, 2), np.int64),
        (lambda x, where: where(x > 0, x > 2, x < -3), np.bool_),
    ):
        node = make(x, dl.where)
        assert node.dtype == dtype and node.shape == (2, 3)
        assert_array_equal(value_of(node, {x: value}), make(value, np.where))


@pytest.mark.parametrize("choose", [dl.maximum, dl.minimum])
def test_two_equal_entries_have_half_of_the_gradient_each(choose):
    a, b = dl.variable("a", (3,)), dl.variable("b", (3,))
    values = {a: np.array([1.0, 2.0, 3.0]), b: np.array([3.0, 2.0, 1.0])}
    gradients = dl.backprop([a, b], dl.sum(choose(a, b)))
    of_a, of_b = (value_of(gradients[V], values) for V in (a, b))
    first = [0.0, 0.5, 1.0] if choose is dl.maximum else [1.0, 0.5, 0.0]
    assert_array_equal(of_a, first)
    assert_array_equal(of_a + of_b, np.ones(3))


def test_the_slope_of_clip_is_1_on_its_bounds_and_0_outside():
    assert_array_equal(gradient_at(lambda z: dl.clip(z, -1, 1), Z_VALUE), [0, 1, 1, 1, 1, 1, 0])
    z = dl.variable("z", (2,))
    assert_array_equal(value_of(dl.clip(z, 1, 1), {z: np.array([0.0, 2.0])}), [1.0, 1.0])
    assert_array_equal(
        value_of(dl.clip(z, -np.inf, np.inf), {z: np.array([-np.inf, 2.0])}), [-np.inf, 2.0]
    )
