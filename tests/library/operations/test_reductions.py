"""Reductions by their public names."""

import numpy as np
import pytest
from examples import Example
from examples_products import softmax_of
from numpy.testing import assert_allclose, assert_array_equal
from values import CUBE, assert_shape_fits, bprop_values, gradient_at, torch_gradients, value_of

import dlbook as dl


def logsumexp_of(A, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(A), axis=axis, keepdims=keepdims))


AXES = [None, 0, 1, -1, np.int64(2), (0, 2), [0, -1], (), (0, 1, 2)]


def as_axes(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def assert_like_pytorch(node, A, value):
    """The gradient of a node is that of its f, by PyTorch, also where the size is hidden."""
    example = Example(node.operation, [value], np.array, [A.shape])
    G = np.arange(1.0, example.f(value).size + 1).reshape(example.f(value).shape)
    for ours, theirs in zip(bprop_values(example, G), torch_gradients(example, G), strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("ours", "numpy"),
    [
        (dl.sum, np.sum),
        (dl.mean, np.mean),
        (dl.max, np.max),
        (dl.min, np.min),
        (dl.logsumexp, logsumexp_of),
    ],
)
@pytest.mark.parametrize("axis", AXES, ids=repr)
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes_and_keepdims_mean_what_they_mean_in_numpy(ours, numpy, axis, keepdims):
    A = dl.variable("A", (None, 3, 4))
    node, expected = ours(A, axis, keepdims), numpy(CUBE, axis=as_axes(axis), keepdims=keepdims)
    assert_shape_fits(expected.shape, node.shape)
    assert_allclose(value_of(node, {A: CUBE}), expected, rtol=1e-14)
    assert_like_pytorch(node, A, CUBE)


@pytest.mark.parametrize("axis", AXES, ids=repr)
def test_softmax_sums_to_1_along_its_axes(axis):
    A, axes = dl.variable("A", (None, 3, 4)), as_axes(axis)
    q, log_q = dl.softmax(A, axis), dl.log_softmax(A, axis)
    assert q.shape == log_q.shape == A.shape
    value = value_of(q, {A: CUBE})
    assert_allclose(value, softmax_of(CUBE, axes), rtol=1e-14)
    assert_allclose(np.sum(value, axis=axes), np.ones(np.sum(value, axis=axes).shape), rtol=1e-14)
    assert_allclose(value_of(log_q, {A: CUBE}), np.log(value), rtol=1e-12)
    for node in (q, log_q):
        assert_like_pytorch(node, A, CUBE)


def test_softmax_acts_along_the_last_axis_and_logsumexp_over_all():
    A = dl.variable("A", (2, 3, 4))
    assert dl.softmax(A).operation.axes == dl.log_softmax(A).operation.axes == (2,)
    assert dl.logsumexp(A).shape == dl.max(A).shape == dl.min(A).shape == ()


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_argmax_finds_the_first_of_the_largest(axis):
    A, value = dl.variable("A", (None, 3)), np.array([[1.0, 5.0, 5.0], [1.0, 2.0, 5.0]])
    node = dl.argmax(A, axis)
    assert node.dtype == np.int64
    assert_array_equal(value_of(node, {A: value}), np.argmax(value, axis))
    assert_array_equal(value_of(A.argmax(axis), {A: value}), np.argmax(value, axis))


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_max_and_index_gives_both_and_the_first_has_all_of_the_gradient(axis):
    A, value = dl.variable("A", (None, 3)), np.array([[1.0, 5.0, 5.0], [1.0, 2.0, 5.0]])
    largest, index = dl.max_and_index(A, axis)
    program = dl.compile([largest, index, dl.backprop([A], dl.sum(largest))[A]], [A])
    results = program(value)
    assert_array_equal(results[0], np.max(value, axis))
    assert_array_equal(results[1], np.argmax(value, axis))
    expected = np.zeros((2, 3))
    np.put_along_axis(expected, np.expand_dims(results[1], axis), 1.0, axis)
    assert_array_equal(results[2], expected)
    assert (index.dtype, index.shape) == (np.int64, largest.shape)


def test_equal_entries_share_the_gradient_of_their_maximum_evenly():
    value = np.array([2.0, 3.0, 3.0, 1.0])
    assert_array_equal(gradient_at(dl.max, value), [0.0, 0.5, 0.5, 0.0])
    assert_array_equal(gradient_at(dl.min, -value), [0.0, 0.5, 0.5, 0.0])
    rows = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]])
    shares = [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]]
    assert_allclose(gradient_at(lambda A: dl.max(A, axis=1), rows), shares)
    assert_allclose(gradient_at(lambda A: dl.min(A, 1, keepdims=True), -rows), shares)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float32"])
def test_the_smallest_of_all_numbers_is_found(dtype):
    limits = np.finfo(dtype) if dtype == "float32" else np.iinfo(dtype)
    A, value = dl.variable("A", (3,), dtype), np.array([1, limits.min, limits.max], dtype)
    results = dl.compile([dl.min(A), dl.max(A)], [A])(value)
    assert_array_equal(results, [limits.min, limits.max])
    assert {result.dtype for result in results} == {np.dtype(dtype)}


def test_variables_have_the_methods_of_arrays():
    A, value = dl.variable("A", (2, 3)), np.arange(6.0).reshape(2, 3)
    for method in (
        lambda A: A.T,
        lambda A: A.sum(0),
        lambda A: A.mean(axis=1, keepdims=True),
        lambda A: A.max(axis=-1),
        lambda A: A.min((0, 1), keepdims=True),
        lambda A: A.argmax(1),
        lambda A: A.argmax(),
        lambda A: A.reshape(3, 2),
        lambda A: A.reshape((6,)),
        lambda A: A.transpose(1, 0),
        lambda A: A.transpose([1, 0]),
        lambda A: A.transpose(),
        lambda A: A.astype(np.int32),
        lambda A: A.dot(A.T),
        lambda A: A[1, ::2],
        lambda A: -A,
        lambda A: abs(-A),
        lambda A: A**2,
        lambda A: 2.0**A,
    ):
        assert_array_equal(value_of(method(A), {A: value}), method(value))
        assert value_of(method(A), {A: value}).dtype == method(value).dtype


def test_the_mean_counts_the_examples_when_it_runs():
    X = dl.variable("X", (None, 2))
    gradient = dl.compile([dl.backprop([X], dl.mean(X))[X]], [X])
    for m in (1, 3, 10):
        assert_allclose(gradient(np.ones((m, 2)))[0], np.full((m, 2), 1 / (2 * m)))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "int64", "float32"])
def test_a_sum_has_the_dtype_that_the_graph_says(dtype):
    A = dl.variable("A", (3,), dtype)
    assert value_of(dl.sum(A), {A: np.ones(3, dtype)}).dtype == dl.sum(A).dtype
