"""Labels and costs (Section 6.2.2), and factors of matrices (Section 6.2.2.4)."""

import numpy as np
import pytest
from examples_indices import cross_entropy_of
from examples_products import softmax_of
from numpy.testing import assert_allclose, assert_array_equal
from values import value_of

import dlbook as dl

# --- Labels and costs (Section 6.2.2) ------------------------------------------------------------

LABEL_DTYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
LOGITS = np.random.default_rng(0).normal(size=(5, 3))
LABELS = np.array([0, 2, 1, 1, 2])


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
@pytest.mark.parametrize("simplify", [True, False])
def test_labels_may_have_any_integer_dtype(dtype, simplify):
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (None,), dtype)
    cost = dl.cross_entropy(z, y)
    gradient = dl.backprop([z], dl.sum(cost))[z]
    program = dl.compile([cost, gradient, dl.one_hot(y, 3)], [z, y], simplify)
    costs, slopes, p = program(LOGITS, LABELS.astype(dtype))
    assert_allclose(costs, cross_entropy_of(LOGITS, LABELS), rtol=1e-13)
    assert_array_equal(p, np.eye(3)[LABELS])
    assert_allclose(slopes, softmax_of(LOGITS, -1) - p, rtol=1e-12, atol=1e-15)  # Equation 6.57


def test_bools_are_labels_of_two_classes():
    z, y = dl.variable("z", (None, 2)), dl.variable("y", (None,), bool)
    labels = LABELS > 0
    assert_allclose(
        value_of(dl.cross_entropy(z, y), {z: LOGITS[:, :2], y: labels}),
        cross_entropy_of(LOGITS[:, :2], labels),
        rtol=1e-13,
    )


@pytest.mark.parametrize("lead", [(), (5,), (2, 3), (None,), (2, None)])
def test_cross_entropy_has_one_number_for_each_label(lead):
    rng, shape = np.random.default_rng(1), tuple(5 if size is None else size for size in lead)
    z, y = dl.variable("z", (*lead, 3)), dl.variable("y", lead, np.int64)
    p = dl.variable("p", (*lead, 3))
    logits, labels = rng.normal(size=(*shape, 3)), rng.integers(3, size=shape)
    cost = dl.cross_entropy(z, y)
    assert cost.shape == lead
    gradients = {cost: dl.backprop([z], dl.sum(cost))[z]}
    by_probabilities = dl.cross_entropy(z, p)
    gradients[by_probabilities] = dl.backprop([z], dl.sum(by_probabilities))[z]
    for node, label, value in ((cost, y, labels), (by_probabilities, p, np.eye(3)[labels])):
        for simplify in (True, False):
            results = dl.compile([node, gradients[node]], [z, label], simplify)(logits, value)
            assert_allclose(results[0], cross_entropy_of(logits, labels), rtol=1e-12)
            expected = softmax_of(logits, -1) - np.eye(3)[labels]
            assert_allclose(results[1], expected, rtol=1e-11, atol=1e-14)


def test_cross_entropy_takes_probabilities_and_differentiates_them_too():
    z, p = dl.variable("z", (None, 3)), dl.variable("p", (None, 3))
    values = {z: LOGITS, p: softmax_of(LOGITS[::-1], -1)}
    cost = dl.cross_entropy(z, p)
    assert_allclose(value_of(cost, values), -np.sum(values[p] * np.log(softmax_of(LOGITS, -1)), -1))
    gradients = dl.backprop([z, p], dl.sum(cost))
    assert_allclose(value_of(gradients[z], values), softmax_of(LOGITS, -1) - values[p], atol=1e-15)
    assert_allclose(value_of(gradients[p], values), -np.log(softmax_of(LOGITS, -1)))


def test_labels_that_are_constants_are_taken_as_they_are():
    z = dl.variable("z", (5, 3))
    cost = dl.cross_entropy(z, LABELS)
    assert_allclose(value_of(cost, {z: LOGITS}), cross_entropy_of(LOGITS, LABELS))
    assert_array_equal(value_of(dl.one_hot(LABELS, 3), {}), np.eye(3)[LABELS])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_one_hot_vectors_have_any_dtype(dtype):
    y = dl.variable("y", (None, 2), np.uint8)
    p = dl.one_hot(y, 4, dtype)
    assert (p.shape, p.dtype) == ((None, 2, 4), np.dtype(dtype))
    value = np.array([[0, 3], [1, 1]], np.uint8)
    assert_array_equal(value_of(p, {y: value}), np.eye(4, dtype=dtype)[value])
    assert dl.one_hot(y, np.int64(4)).dtype == np.float64


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float64", "float32"])
def test_binary_labels_may_have_any_dtype(dtype):
    z, y = dl.variable("z", (None,)), dl.variable("y", (None,), dtype)
    labels = np.array([0, 1, 1, 0, 1])
    values = {z: LOGITS[:, 0], y: labels.astype(dtype)}
    cost = dl.binary_cross_entropy(z, y)
    expected = np.log1p(np.exp((1 - 2 * labels) * LOGITS[:, 0]))  # softplus((1 - 2 y) z)
    assert cost.dtype == np.float64
    assert_allclose(value_of(cost, values), expected, rtol=1e-13)
    gradient = value_of(dl.backprop([z], dl.sum(cost))[z], values)
    assert_allclose(gradient, 1 / (1 + np.exp(-LOGITS[:, 0])) - labels, rtol=1e-12)


def test_binary_labels_may_be_probabilities():
    z, y = dl.variable("z", (None, 3)), dl.variable("y", (None, 3))
    values = {z: LOGITS, y: np.broadcast_to([0.0, 0.25, 1.0], LOGITS.shape).copy()}
    cost = dl.binary_cross_entropy(z, y)
    assert cost.shape == (None, 3)
    q = 1 / (1 + np.exp(-LOGITS))
    expected = -values[y] * np.log(q) - (1 - values[y]) * np.log(1 - q)
    assert_allclose(value_of(cost, values), expected, rtol=1e-12)
    gradients = dl.backprop([z, y], dl.sum(cost))
    assert_allclose(value_of(gradients[z], values), q - values[y], rtol=1e-12)
    assert_allclose(value_of(gradients[y], values), -LOGITS, rtol=1e-12)
    assert dl.binary_cross_entropy(dl.variable("u", (), np.float32), 1).dtype == np.float32
    for label in (1, 0.25):
        cost = dl.binary_cross_entropy(z, label)
        assert_allclose(
            value_of(cost, {z: LOGITS}), -label * np.log(q) - (1 - label) * np.log(1 - q)
        )


SHAPES = [((4, 1), (4,)), ((4,), (4, 1)), ((None, 1), (None,)), ((4, 4), (4,)), ((2, 3), (1, 3))]


@pytest.mark.parametrize(("logits", "labels"), SHAPES)
def test_labels_of_another_shape_are_refused(logits, labels):
    z, y = dl.variable("z", logits), dl.variable("y", labels)
    with pytest.raises(ValueError, match=r"^binary_cross_entropy: the labels 'y' .* must have the"):
        dl.binary_cross_entropy(z, y)
    if len(labels) == len(logits):
        with pytest.raises(ValueError, match=r"^cross_entropy: the probabilities 'y' .* must have"):
            dl.cross_entropy(z, y)


z3 = dl.variable("z", (None, 3))
e3, e1 = dl.exp(z3), dl.exp(-z3)
PROBABILITIES = {
    "softmax": [
        dl.softmax(z3),
        dl.softmax(z3, axis=0),
        dl.softmax(z3)[:, :2],
        dl.softmax(z3.T).T,
        dl.stop_gradient(dl.softmax(z3)),
        dl.exp(dl.log_softmax(z3)),
        e3 / dl.sum(e3, axis=1, keepdims=True),
        1 - dl.softmax(z3),
    ],
    "sigmoid": [
        dl.sigmoid(z3),
        dl.sigmoid(z3).astype(np.float32),
        1 - dl.sigmoid(z3),
        1 / (1 + e1),
        e3 / (e3 + 1),
        dl.concatenate([dl.sigmoid(z3), dl.sigmoid(z3)], axis=1),
    ],
    "clip": [dl.clip(z3, 0, 1), dl.clip(z3, 1e-7, 1 - 1e-7)],
}
TAKES_LOGITS = {
    "cross_entropy": lambda p: dl.cross_entropy(p, dl.variable("y", (None,), int)),
    "binary_cross_entropy": lambda p: dl.binary_cross_entropy(p, 1.0),
    "Bernoulli": dl.distributions.Bernoulli,
    "multinoulli": dl.distributions.Multinoulli,
}


@pytest.mark.parametrize("taker", TAKES_LOGITS)
@pytest.mark.parametrize("source", PROBABILITIES)
def test_what_takes_logits_refuses_probabilities(source, taker):
    for p in PROBABILITIES[source]:
        with pytest.raises(ValueError, match=f"^{taker}: .* already, from a {source}; give what"):
            TAKES_LOGITS[taker](p)


@pytest.mark.parametrize("taker", TAKES_LOGITS)
def test_what_takes_logits_takes_what_only_looks_like_probabilities(taker):
    W = dl.variable("W", (3, 3))
    for z in (
        dl.sigmoid(z3) @ W,
        2 * dl.sigmoid(z3) - 1,
        dl.softmax(z3) * W[0],
        dl.clip(z3, -10, 10),
        dl.log_softmax(z3),
        2 - dl.sigmoid(z3),
        e3 / (2 + e1),
        dl.tanh(z3),
    ):
        TAKES_LOGITS[taker](z)


def test_probabilities_of_classes_must_be_some():
    z, p = dl.variable("z", (None, 3)), dl.variable("p", (None, 3))
    logits = np.zeros((2, 3))
    cost = dl.cross_entropy(z, p)
    for row, word in [
        ([2, 2, -3], "from -3 to 2"),
        ([0.5, 0.5, 0.5], "off by 0.5"),
        ([0, 0, 0], "1"),
    ]:
        with pytest.raises(ValueError, match=rf"^cross_entropy: .*{word}"):
            dl.evaluate(cost, {z: logits, p: np.array([[0, 1, 0], row], float)})
        with pytest.raises(ValueError, match=rf"^cross_entropy: .*{word}"):
            dl.cross_entropy(dl.variable("z", (2, 3)), np.array([[0, 1, 0], row], float))
    with pytest.raises(ValueError, match=r"^binary_cross_entropy: .* from 0 to 2"):
        dl.binary_cross_entropy(dl.variable("z", (2,)), np.array([0, 2.0]))


def test_a_class_without_a_share_costs_nothing_whatever_its_logit():
    z, p = dl.variable("z", (1, 3)), dl.variable("p", (1, 3))
    cost = dl.cross_entropy(z, p)
    outputs = [cost, dl.backprop([z], dl.sum(cost))[z]]
    values = np.array([[-np.inf, 0.0, 0.0]]), np.array([[0.0, 0.25, 0.75]])
    for how in ({"simplify": True}, {"simplify": False}, {"backend": "torch"}):
        cost, slope = map(np.asarray, dl.compile(outputs, [z, p], **how)(*values))
        assert_allclose(cost, [np.log(2)])
        assert_allclose(slope, [[0, 0.25, -0.25]], atol=1e-15)


def test_an_infinite_logit_costs_nothing_where_it_is_right():
    z, y = dl.variable("z", (4,)), dl.variable("y", (4,))
    cost = dl.binary_cross_entropy(z, y)
    outputs = [cost, dl.backprop([z], dl.sum(cost))[z]]
    values = np.array([np.inf, -np.inf, np.inf, -np.inf]), np.array([1.0, 0.0, 0.0, 1.0])
    for how in ({"simplify": True}, {"simplify": False}, {"backend": "torch"}):
        cost, slope = map(np.asarray, dl.compile(outputs, [z, y], **how)(*values))
        assert_array_equal(cost, [0, 0, np.inf, np.inf])
        assert_array_equal(slope, [0, 0, 1, -1])


# --- Factors of matrices (Section 6.2.2.4) -------------------------------------------------------


def test_the_cholesky_factor_and_triangular_systems_solve_a_linear_system():
    A, b = dl.variable("A", (3, 3)), dl.variable("b", (3,))
    B = np.random.default_rng(0).normal(size=(3, 3))
    values = {A: B @ B.T + np.eye(3), b: np.array([1.0, 2.0, 3.0])}
    L = dl.cholesky(A)
    half = dl.solve_triangular(L, b[:, None])
    x = dl.solve_triangular(L, half, transposed=True)[:, 0]
    assert_allclose(value_of(x, values), np.linalg.solve(values[A], values[b]), rtol=1e-12)
    log_determinant = 2 * dl.sum(dl.log(L[np.arange(3), np.arange(3)]))
    gradient = value_of(dl.backprop([A], log_determinant)[A], {A: values[A]})
    assert_allclose(gradient, np.linalg.inv(values[A]), rtol=1e-10)
