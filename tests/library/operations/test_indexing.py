"""Parts of tensors, and tensors put together."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from strategies import smooth_values
from values import CUBE, MATRIX, gradient_at, torch_grad, value_of

import dlbook as dl

KEYS = [
    1,
    -1,
    np.int64(1),
    (0, -2),
    (1, 2, 3),
    (..., -1),
    (slice(None), 1),
    None,
    (None, 0, None),
    (slice(1, None), ..., slice(None, None, 2)),
    (slice(-2, None), slice(0, -1), slice(-3, 3, 2)),
    (slice(np.int64(1), np.int64(2)), ..., np.uint8(3)),
    (),
    ...,
    [0, -1, 0],
    np.array([1, 1, -2]),
    np.array([[0, 1], [1, 1]], np.uint8),
    ([0, 1, 1], [1, 2, 2]),
    ([[0], [1]], [0, 2, 0]),
    (slice(None), [2, 0, 2]),
    (slice(None), [[0, 1], [2, 2]], slice(1, 3)),
    ([1, 0], slice(None), [3, -1]),
    (0, slice(None), [1, 2]),
    (slice(None), 0, [1, 2, 2]),
    (..., [1, 1], None, -1),
    (slice(None), [0, 1], ..., 2),
    (1, np.array(2)),
    (np.array(1), slice(None), np.array(0)),
    ([0, 1], None, [1, 1], slice(None)),
    (np.array(1), slice(None), [0, 2]),
    (slice(None), np.array(-1), None, [0, 3, 3]),
    ([1], [1], [1]),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
@pytest.mark.parametrize("simplify", [True, False])
def test_brackets_take_what_they_take_in_numpy_and_give_the_gradient_back(key, simplify):
    A, expected = dl.variable("A", (2, 3, 4)), CUBE[key]
    node, G = A[key], smooth_values(np.random.default_rng(0), expected.shape)
    assert node.shape == expected.shape
    gradient = dl.backprop([A], dl.sum(node * G))[A]
    program = dl.compile([node, gradient], [A], simplify)
    ours, gradient_value = program(CUBE)
    assert_array_equal(ours, expected)
    assert not np.shares_memory(ours, CUBE)

    tensor = torch.tensor(CUBE, requires_grad=True)
    places = torch.tensor(np.arange(24).reshape(2, 3, 4)[key])
    (theirs,) = torch_grad((tensor.reshape(-1)[places] * torch.tensor(G)).sum(), [tensor])
    assert_allclose(gradient_value, theirs.numpy(), rtol=1e-14)
    for result, other in zip(
        dl.compile([node, gradient], [A], simplify, backend="torch")(tensor),
        (expected, gradient_value),
        strict=True,
    ):
        assert_allclose(result.numpy(), other, rtol=1e-14)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ((slice(None), 0), (None,)),
        (0, (3,)),
        (-1, (3,)),
        (7, (3,)),
        (..., (None, 3)),
        (None, (1, None, 3)),
        (slice(None, 1), (1, 3)),
        (slice(-1, None), (1, 3)),
        (slice(0, None, 1), (None, 3)),
        ((slice(None), slice(1, 3)), (None, 2)),
        ((slice(None), [0, 2, 2, 0]), (None, 4)),
        ([0, -1], (2, 3)),
        (([0, 1], [2, 2]), (2,)),
        (([0, 1], slice(1)), (2, 1)),
    ],
)
def test_brackets_may_take_from_any_number_of_examples(key, shape):
    X = dl.variable("X", (None, 3))
    node = X[key]
    assert node.shape == shape
    for m in (8, 9):
        value = np.arange(3.0 * m).reshape(m, 3)
        assert_array_equal(value_of(node, {X: value}), value[key])
        gradient = value_of(dl.backprop([X], dl.sum(node))[X], {X: value})
        expected = np.zeros((m, 3))
        np.add.at(expected, key, 1.0)
        assert_array_equal(gradient, expected)


def test_an_index_may_be_computed():
    A, i, j = dl.variable("A", (3, 4)), dl.variable("i", (None,), "int32"), dl.variable("j", ())
    rows = A[i]
    assert rows.shape == (None, 4)
    value, at = np.arange(12.0).reshape(3, 4), np.array([2, 0, 2, -1], "int32")
    assert_array_equal(value_of(rows, {A: value, i: at}), value[at])
    assert_array_equal(value_of(A[i, i], {A: value, i: at}), value[at, at])
    assert_array_equal(value_of(A[:, i + 1], {A: value, i: at}), value[:, at + 1])
    assert_array_equal(value_of(A[dl.argmax(A[:, 0])], {A: value}), value[2])
    with pytest.raises(TypeError, match="got float64"):
        A[j]


def test_a_row_chosen_by_a_computed_number_stays_when_its_source_is_overwritten():
    A, value = dl.variable("A", (2, 3)), np.arange(6.0).reshape(2, 3)
    B = dl.exp(A)
    row, rest = B[dl.argmax(A[:, 0])], dl.exp(dl.sin(dl.cos(B)))
    program = dl.compile([row, dl.sum(rest)], [A])
    assert_allclose(program(value)[0], np.exp(value)[1])
    k = dl.variable("k", (), np.int64)
    chosen = dl.compile([A[k]], [A, k])
    for number in (1, np.int64(1), np.array(1)):
        assert not np.shares_memory(chosen(value, number)[0], value)


def test_take_takes_slices_along_an_axis():
    A, indices = dl.variable("A", (2, 3, 4)), np.array([[1, 0], [-1, 1]])
    for axis in (0, 1, 2, -1, -3):
        assert_array_equal(
            value_of(dl.take(A, indices, axis), {A: CUBE}), np.take(CUBE, indices, axis)
        )
    assert_array_equal(value_of(dl.take(A, 1), {A: CUBE}), CUBE[1])
    assert_array_equal(value_of(dl.take(A, [0, 0], axis=1), {A: CUBE}), CUBE[:, [0, 0]])
    gradient = gradient_at(lambda A: dl.take(A, [1, 1, 0], axis=0), CUBE)
    assert_array_equal(gradient, np.stack([np.ones((3, 4)), np.full((3, 4), 2.0)]))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_take_along_axis_takes_one_entry_for_each_index(dtype):
    A, i = dl.variable("A", (None, 3)), dl.variable("i", (None, 2), dtype)
    low = 0 if dtype == "uint8" else -3
    at = np.random.default_rng(0).integers(low, 3, size=(5, 2)).astype(dtype)
    value = np.arange(15.0).reshape(5, 3)
    node = dl.take_along_axis(A, i, -1)
    assert node.shape == (None, 2)
    gradient = dl.backprop([A], dl.sum(node))[A]
    for backend in ("numpy", "torch"):
        taken, slopes = dl.compile([node, gradient], [A, i], backend=backend)(value, at)
        assert_array_equal(taken, np.take_along_axis(value, at.astype(int), -1))
        expected = np.zeros((5, 3))
        np.add.at(expected, (np.arange(5)[:, None], at), 1.0)
        assert_array_equal(slopes, expected)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_an_index_array_may_have_any_integer_dtype_on_both_backends(dtype):
    A, i = dl.variable("A", (3, 2)), dl.variable("i", (4,), dtype)
    value, at = np.arange(6.0).reshape(3, 2), np.array([1, 0, 1, 1], dtype)
    outputs = [A[i], A[i, 1], A[1, i], dl.backprop([A], dl.sum(A[i]))[A]]
    for backend in ("numpy", "torch"):
        results = dl.compile(outputs, [A, i], backend=backend)(value, at)
        for result, expected in zip(
            results, (value[at], value[at, 1], value[1, at], [[1, 1], [3, 3], [0, 0]]), strict=True
        ):
            assert_array_equal(result, expected)


def test_tensors_are_put_together_along_an_axis():
    A, B, X = dl.variable("A", (2, 3)), dl.variable("B", (2, 1)), dl.variable("X", (None, 3))
    values = {A: np.ones((2, 3)), B: np.zeros((2, 1)), X: np.full((2, 3), 7.0)}
    for axis in (1, -1):
        node = dl.concatenate([A, B, A], axis)
        assert node.shape == (2, 7)
        expected = np.concatenate([values[A], values[B], values[A]], axis)
        assert_array_equal(value_of(node, {A: values[A], B: values[B]}), expected)
    assert dl.concatenate((A, A)).shape == (4, 3)
    assert dl.concatenate([X, X * 2], axis=1).shape == (None, 6)
    assert dl.concatenate([X]).shape == (None, 3)
    assert_array_equal(value_of(dl.concatenate([X]), {X: values[X]}), values[X])
    assert dl.concatenate([A, np.zeros((2, 2), np.float32)], axis=1).dtype == np.float64
    for axis in (0, 1, 2, -1, -2, -3, np.int64(1)):
        node = dl.stack([A, 2 * A], axis)
        expected = np.stack([values[A], 2 * values[A]], axis)
        assert node.shape == expected.shape
        assert_array_equal(value_of(node, {A: values[A]}), expected)
    assert_array_equal(value_of(dl.stack([A[0, 0], 5.0]), {A: values[A]}), [1.0, 5.0])


def test_dot_multiplies_vectors_matrices_and_scalars():
    v, A, s = np.array([1.0, 2.0]), MATRIX, np.array(3.0)
    for a, b in ((v, v), (A, v), (v, A), (A, A), (s, A), (v, s), (s, s)):
        V, U = dl.variable("V", a.shape), dl.variable("U", b.shape)
        for node in (dl.dot(V, U), V.dot(U), dl.dot(V, b) if V.ndim else dl.dot(V, U)):
            inputs = {V: a, U: b} if U in node.inputs else {V: a}
            assert_array_equal(value_of(node, inputs), np.dot(a, b))
            assert node.shape == np.dot(a, b).shape
    assert_array_equal(gradient_at(lambda x: dl.dot(x, MATRIX), v), MATRIX.sum(1))


def test_a_tensor_is_repeated_to_a_shape():
    A, X = dl.variable("A", (3, 1)), dl.variable("X", (None, 1))
    value = np.array([[1.0], [2.0], [3.0]])
    for shape in ((3, 1), (3, 4), (2, 3, 4), [5, 3, 1]):
        node = dl.broadcast_to(A, shape)
        assert node.shape == tuple(shape)
        assert_array_equal(value_of(node, {A: value}), np.broadcast_to(value, shape))
    assert_array_equal(
        value_of(dl.broadcast_to(X, (2, None, 4)), {X: value}), np.broadcast_to(value, (2, 3, 4))
    )
    assert_array_equal(value_of(dl.broadcast_to(2.5, (2,)), {}), [2.5, 2.5])
    assert_array_equal(
        gradient_at(lambda A: dl.broadcast_to(A, (2, 3, 4)), value), np.full((3, 1), 8)
    )


def test_a_reshape_to_as_many_rows_as_examples_can_be_differentiated():
    X, value = dl.variable("X", (None, 3)), np.arange(12.0).reshape(4, 3)
    flipped = dl.reshape(X.T, None, 3)
    assert_array_equal(value_of(flipped, {X: value}), value.T.reshape(4, 3))
    gradient = dl.backprop([X], dl.sum(flipped))[X]
    assert_array_equal(value_of(gradient, {X: value}), np.ones((4, 3)))
