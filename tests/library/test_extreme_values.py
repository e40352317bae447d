"""Sections 4.1, 6.2.2 and 6.5.9: extreme logits give right and finite costs and gradients.

What is right is computed with Python's decimal numbers: 60 digits, and exponents that no logit
here can exceed. A warning would be an error, as in all tests.
"""

from decimal import Decimal, localcontext
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch

import dlbook as dl

LOGITS = [
    [1e4, -1e4, 0], [-1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [1e4, 9999, 9998], [1e3, -1e3, 1e4],
    [-1e3, -1e3, 50], [1e3, 50, -50], [50, -50, 0], [-50, -49, -1e3], [0, -0.0, 0], [1e4, 1e4, 50],
]  # fmt: skip
LABELS = np.array([1, 0, 2, 1, 0, 1, 2, 0, 0, 1, 2])
PROBABILITIES = [0.25, 0.5, 0.25]  # the same in binary and in decimal numbers
DTYPES = [np.float32, np.float64]
PROGRAMS = {
    "NumPy": {},
    "NumPy, not simplified": {"simplify": False},
    "PyTorch": {"backend": "torch"},
    "PyTorch, not simplified": {"backend": "torch", "simplify": False},
    "JavaScript": {"backend": "javascript"},
    "JavaScript, not simplified": {"backend": "javascript", "simplify": False},
}
SIMPLIFYING = [name for name in PROGRAMS if "not" not in name]


# --- What is right -----------------------------------------------------------------------------


def softmax(z):
    exps = [(x - max(z)).exp() for x in z]
    return [e / sum(exps) for e in exps]


def logsumexp(z):
    return max(z) + sum((x - max(z)).exp() for x in z).ln()


def diagonal(slopes):
    return [[slopes[i] if i == j else Decimal(0) for j in range(3)] for i in range(3)]


def each(f, slope):
    """Of a function of each entry: the values, and the matrix of their derivatives."""
    return lambda z, _: (list(map(f, z)), diagonal(list(map(slope, z))))


def sigmoid(x):
    return 1 / (1 + (-x).exp())


def softplus(x):
    return (1 + x.exp()).ln()


def tanh(x):
    return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())


def of_softmax(z, _):
    q = softmax(z)
    slopes = [[q[i] * ((i == j) - q[j]) for j in range(3)] for i in range(3)]
    return q, slopes


def of_log_softmax(z, _):
    q = softmax(z)
    return [x - logsumexp(z) for x in z], [[(i == j) - q[j] for j in range(3)] for i in range(3)]


def of_cross_entropy(p):
    def right(z, label):
        probabilities = [Decimal(int(i == label)) for i in range(3)] if p is None else p
        cost = sum(p * (logsumexp(z) - x) for p, x in zip(probabilities, z, strict=True))
        return [cost], [[q - p for q, p in zip(softmax(z), probabilities, strict=True)]]

    return right


def of_binary_cross_entropy(y):
    return each(
        lambda z: y * softplus(-z) + (1 - y) * softplus(z),
        lambda z: (1 - y) * sigmoid(z) - y * sigmoid(-z),
    )


RIGHT = {
    "sigmoid": each(sigmoid, lambda z: sigmoid(z) * sigmoid(-z)),
    "softplus": each(softplus, sigmoid),
    "minus log sigmoid": each(lambda z: softplus(-z), lambda z: -sigmoid(-z)),
    "tanh": each(tanh, lambda z: 4 * sigmoid(2 * z) * sigmoid(-2 * z)),
    "softmax": of_softmax,
    "log_softmax": of_log_softmax,
    "logsumexp": lambda z, _: ([logsumexp(z)], [softmax(z)]),
    "cross_entropy": of_cross_entropy(None),
    "cross_entropy with probabilities": of_cross_entropy(list(map(Decimal, PROBABILITIES))),
    "binary_cross_entropy, y = 0": of_binary_cross_entropy(Decimal(0)),
    "binary_cross_entropy, y = 1": of_binary_cross_entropy(Decimal(1)),
    "binary_cross_entropy, y = 1/4": of_binary_cross_entropy(Decimal("0.25")),
}


def right_values(name, G, T):
    """Return the values, the gradients of sum(values * G), and how the values move along T."""
    values, gradients, movements = [], [], []
    with localcontext(prec=60):
        for z, label, g, t in zip(LOGITS, LABELS, G, T, strict=True):
            value, slopes = RIGHT[name](list(map(Decimal, z)), label)
            g, t = [list(map(Decimal, np.atleast_1d(v).tolist())) for v in (g, t)]
            values.append(value)
            columns = zip(*slopes, strict=True)
            gradients.append([sum(a * b for a, b in zip(g, c, strict=True)) for c in columns])
            movements.append([sum(a * b for a, b in zip(t, r, strict=True)) for r in slopes])
        results = [np.array([[float(x) for x in row] for row in r]) for r in
                   (values, gradients, movements)]  # fmt: skip
    return [result[:, 0] if result.shape[1] == 1 else result for result in results]


# --- What dlbook computes ----------------------------------------------------------------------


# Each takes the logits z, the labels y and the probabilities p.
STABLE = {
    "sigmoid": lambda z, y, p: dl.sigmoid(z),
    "softplus": lambda z, y, p: dl.softplus(z),
    "minus log sigmoid": lambda z, y, p: dl.softplus(-z),
    "tanh": lambda z, y, p: dl.tanh(z),
    "softmax": lambda z, y, p: dl.softmax(z),
    "log_softmax": lambda z, y, p: dl.log_softmax(z),
    "logsumexp": lambda z, y, p: dl.logsumexp(z, axis=-1),
    "cross_entropy": lambda z, y, p: dl.cross_entropy(z, y),
    "cross_entropy with probabilities": lambda z, y, p: dl.cross_entropy(z, p),
    "binary_cross_entropy, y = 0": lambda z, y, p: dl.binary_cross_entropy(z, 0.0),
    "binary_cross_entropy, y = 1": lambda z, y, p: dl.binary_cross_entropy(z, 1.0),
    "binary_cross_entropy, y = 1/4": lambda z, y, p: dl.binary_cross_entropy(z, 0 * z + p[0, 0]),
}


def softmax_by_hand(z, keepdims=True):
    total = dl.sum(dl.exp(z), axis=-1, keepdims=keepdims)
    return dl.exp(z) / (total if keepdims else total[:, None])


def rows(terms):
    return -dl.sum(terms, axis=-1)


def one_hot(y, z):
    return dl.one_hot(y, 3, z.dtype)


# As one would write them from the book; only after simplification do they survive.
BY_HAND = {
    "exp(z) / sum(exp(z))": ("softmax", lambda z, y, p: softmax_by_hand(z)),
    "the same with [:, None]": ("softmax", lambda z, y, p: softmax_by_hand(z, keepdims=False)),
    "e / sum(e)": ("softmax", lambda z, y, p: (lambda e: e / dl.sum(e, -1, True))(dl.exp(z))),
    "log(softmax(z))": ("log_softmax", lambda z, y, p: dl.log(dl.softmax(z))),
    "log(exp(z) / sum(exp(z)))": ("log_softmax", lambda z, y, p: dl.log(softmax_by_hand(z))),
    "log(sum(exp(z)))": ("logsumexp", lambda z, y, p: dl.log(dl.sum(dl.exp(z), axis=-1))),
    "log(1 + exp(z))": ("softplus", lambda z, y, p: dl.log(1 + dl.exp(z))),
    "log(exp(z) + 1)": ("softplus", lambda z, y, p: dl.log(dl.exp(z) + 1)),
    "log1p(exp(z))": ("softplus", lambda z, y, p: dl.log1p(dl.exp(z))),
    "1 / (1 + exp(-z))": ("sigmoid", lambda z, y, p: 1 / (1 + dl.exp(-z))),
    "1 / (exp(-z) + 1)": ("sigmoid", lambda z, y, p: 1 / (dl.exp(-z) + 1)),
    "-log(sigmoid(z))": ("minus log sigmoid", lambda z, y, p: -dl.log(dl.sigmoid(z))),
    "-log(1 / (1 + exp(-z)))": (
        "minus log sigmoid",
        lambda z, y, p: -dl.log(1 / (1 + dl.exp(-z))),
    ),
    "-sum(p log(softmax(z)))": (
        "cross_entropy with probabilities",
        lambda z, y, p: rows(p * dl.log(dl.softmax(z))),
    ),
    "-sum(p log q)": (
        "cross_entropy with probabilities",
        lambda z, y, p: rows(p * dl.log(softmax_by_hand(z))),
    ),
    "-sum(log q one_hot(y))": (
        "cross_entropy",
        lambda z, y, p: rows(dl.log(softmax_by_hand(z)) * one_hot(y, z)),
    ),
    "-sum(one_hot(y) log q), q with [:, None]": (
        "cross_entropy",
        lambda z, y, p: rows(one_hot(y, z) * dl.log(softmax_by_hand(z, keepdims=False))),
    ),
    "-sum(one_hot(y) log(softmax(z)))": (
        "cross_entropy",
        lambda z, y, p: rows(one_hot(y, z) * dl.log(dl.softmax(z))),
    ),
}


def problem(f, dtype, examples=None):
    """Return the variables, and the values for them; ``gradient`` is that of sum(value * G)."""
    rng = np.random.default_rng(6)
    z, T, p = (dl.variable(name, (examples, 3), dtype) for name in "zTp")
    y = dl.variable("y", (examples,), np.int64)
    value = f(z, y, p)
    G = dl.variable("G", value.shape, dtype)
    probabilities = np.array([PROBABILITIES] * len(LOGITS), dtype)
    values = {z: np.array(LOGITS, dtype), y: LABELS, p: probabilities}
    for V in (G, T):  # a few digits only, so that float32 holds the same numbers
        shape = values[z].shape[: V.ndim]
        values[V] = rng.integers(-64, 64, shape).astype(dtype) / 32
    gradient = dl.backprop([z], dl.sum(value * G))[z]
    return SimpleNamespace(values=values, value=value, gradient=gradient, z=z, y=y, p=p, T=T, G=G)


def run(outputs, values, **how):
    results = dl.compile(outputs, values, **how)(*values.values())
    return [np.asarray(result) for result in results]


def assert_right(result, expected, relative):
    """Compare as finely as the dtype allows; rounding differences of numbers of size 1 may stay."""
    assert np.isfinite(result).all()
    eps, tiny = np.finfo(result.dtype).eps, np.finfo(result.dtype).tiny
    assert_allclose(result, expected, rtol=16 * eps, atol=tiny if relative else 16 * eps)


# Where nothing cancels, the smallest results are as precise as the largest.
PRECISE = ["sigmoid", "softplus", "minus log sigmoid", "tanh", "softmax", "logsumexp",
           "binary_cross_entropy, y = 0", "binary_cross_entropy, y = 1"]  # fmt: skip
PRECISE_SLOPE = ["sigmoid", "softplus", "minus log sigmoid",
                 "binary_cross_entropy, y = 0", "binary_cross_entropy, y = 1"]  # fmt: skip


@pytest.mark.parametrize("how", PROGRAMS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", STABLE)
def test_extreme_logits_have_right_values_gradients_and_directional_derivatives(name, dtype, how):
    p = problem(STABLE[name], dtype)
    movement = dl.jvp(p.value, {p.z: p.T})
    results = run([p.value, p.gradient, movement], p.values, **PROGRAMS[how])
    expected = right_values(name, p.values[p.G], p.values[p.T])
    assert_right(results[0], expected[0], relative=name in PRECISE)
    for result, right in zip(results[1:], expected[1:], strict=True):
        assert_right(result, right, relative=name in PRECISE_SLOPE)


@pytest.mark.parametrize("how", PROGRAMS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", STABLE)
def test_extreme_logits_have_finite_second_derivatives(name, dtype, how):
    p = problem(STABLE[name], dtype)
    product = dl.hvp(dl.sum(p.value * p.G), p.z, p.T)
    (result,) = run([product], p.values, **PROGRAMS[how])
    assert np.isfinite(result).all()
    assert np.abs(result).max() < 10


@pytest.mark.parametrize("examples", [None, len(LOGITS)])
@pytest.mark.parametrize("how", SIMPLIFYING)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("formula", BY_HAND)
def test_a_formula_written_by_hand_is_simplified_to_one_that_survives(
    formula, dtype, how, examples
):
    name, f = BY_HAND[formula]
    p = problem(f, dtype, examples)
    (value,) = run([p.value], p.values, **PROGRAMS[how])
    expected = right_values(name, p.values[p.G], p.values[p.T])
    assert_right(value, expected[0], relative=name in PRECISE)
    (same,) = run([STABLE[name](p.z, p.y, p.p)], p.values, **PROGRAMS[how])
    assert_allclose(value, same, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("examples", [None, len(LOGITS)])
@pytest.mark.parametrize("how", SIMPLIFYING)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("formula", BY_HAND)
def test_the_gradient_of_a_formula_written_by_hand_survives_too(formula, dtype, how, examples):
    name, f = BY_HAND[formula]
    p = problem(f, dtype, examples)
    _, gradient = run([p.value, p.gradient], p.values, **PROGRAMS[how])  # beside the value
    (alone,) = run([p.gradient], p.values, **PROGRAMS[how])
    expected = right_values(name, p.values[p.G], p.values[p.T])[1]
    assert_right(gradient, expected, relative=name in PRECISE_SLOPE)
    assert_right(alone, expected, relative=name in PRECISE_SLOPE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("formula", BY_HAND)
def test_without_simplification_a_formula_written_by_hand_overflows(formula, dtype):
    _, f = BY_HAND[formula]
    p = problem(f, dtype)
    with pytest.warns(RuntimeWarning, match="overflow|divide by zero|invalid value"):
        both = run([p.value, p.gradient], p.values, simplify=False)
    assert not all(np.isfinite(array).all() for array in both)
    both = run([p.value, p.gradient], p.values, simplify=False, backend="torch")
    assert not all(np.isfinite(array).all() for array in both)


# --- Equation 6.57 -----------------------------------------------------------------------------


def cost_of_eq_6_57():
    """J = -sum(p log q), q = exp(z) / sum(exp(z)), for one example."""
    z, p = dl.variable("z", (3,)), dl.variable("p", (3,))
    q = dl.exp(z) / dl.sum(dl.exp(z))
    return z, p, -dl.sum(p * dl.log(q))


def test_the_gradient_of_eq_6_57_is_simplified_to_softmax_minus_p():
    z, y = dl.variable("z", (3,)), dl.variable("y", (), np.int64)
    q = dl.exp(z) / dl.sum(dl.exp(z))
    J = -dl.sum(dl.one_hot(y, 3) * dl.log(q))
    (gradient,) = dl.simplify([dl.backprop([z], J)[z]])
    assert gradient.operation is dl.subtract
    q, p = gradient.inputs
    assert (q.operation.name, q.inputs) == ("softmax", (z,))
    assert (p.operation.name, p.inputs) == ("one_hot", (y,))


def test_both_gradients_of_eq_6_57_agree_until_one_overflows():
    z, p, J = cost_of_eq_6_57()
    gradient = dl.backprop([z], J)[z]
    p_value = np.array([0.25, 0.5, 0.25])
    small = {z: np.array([1.0, -2.0, 0.5]), p: p_value}
    values = [dl.evaluate(gradient, small, simplify=s) for s in (True, False)]
    assert_allclose(*values, rtol=1e-14)
    large = {z: np.array([1000.0, -1000.0, 0.0]), p: p_value}
    assert_array_equal(dl.evaluate(gradient, large), [0.75, -0.5, -0.25])
    assert dl.evaluate(J, large) == 0.5 * 2000 + 0.25 * 1000
    with pytest.warns(RuntimeWarning, match="overflow|invalid value|divide by zero"):
        plain = dl.evaluate(gradient, large, simplify=False)
    assert np.isnan(plain).any()


def test_the_mean_cost_of_a_batch_survives_like_the_cost_of_one_example():
    X, W = dl.variable("X", (None, 2)), dl.variable("W", (2, 3))
    y = dl.variable("y", (None,), np.int64)
    e = dl.exp(X @ W)
    by_hand = -dl.mean(dl.sum(dl.one_hot(y, 3) * dl.log(e / dl.sum(e, -1, True)), -1))
    stable = dl.mean(dl.cross_entropy(X @ W, y))
    outputs = [V for J in (by_hand, stable) for V in (J, dl.backprop([W], J)[W])]
    values = [
        np.array([[1e3, -1.0], [1.0, 1e3], [-1e3, 0.5]]),
        np.eye(2, 3) * 5,
        np.array([0, 2, 1]),
    ]
    for how in SIMPLIFYING:
        J, g, stable_J, stable_g = dl.compile(outputs, [X, W, y], **PROGRAMS[how])(*values)
        assert np.isfinite(np.asarray(g)).all()
        assert_allclose(J, stable_J, rtol=1e-15)
        assert_allclose(g, stable_g, rtol=1e-14)


# --- Limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("simplify", [True, False])
def test_a_sure_and_right_prediction_costs_nothing_and_a_wrong_one_its_margin(simplify):
    z, y = dl.variable("z", (2,)), dl.variable("y", (), np.int64)
    J = dl.cross_entropy(z, y)
    gradient = dl.backprop([z], J)[z]
    sure = np.array([1e4, -1e4])
    program = dl.compile([J, gradient], [z, y], simplify=simplify)
    cost, slope = program(sure, 0)
    assert cost == 0
    assert_array_equal(slope, [0, 0])
    cost, slope = program(sure, 1)
    assert cost == 2e4
    assert_array_equal(slope, [1, -1])


@pytest.mark.parametrize("simplify", [True, False])
def test_the_cost_of_a_sigmoid_unit_saturates_only_where_it_is_right(simplify):
    z, y = dl.variable("z", (2,)), dl.variable("y", (2,))
    J = dl.binary_cross_entropy(z, y)
    slope = dl.backprop([z], dl.sum(J))[z]
    program = dl.compile([J, slope], [z, y], simplify=simplify)
    for signs, costs, slopes in [([1, 0], [0, 0], [0, 0]), ([0, 1], [1e4, 1e4], [1, -1])]:
        results = program(np.array([1e4, -1e4]), np.array(signs, float))
        assert_array_equal(results[0], costs)
        assert_array_equal(results[1], slopes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("simplify", [True, False])
def test_exact_limits_of_saturating_functions(simplify, dtype):
    z = dl.variable("z", (2,), dtype)
    functions = [dl.sigmoid(z), dl.tanh(z), dl.softplus(z), dl.softmax(z), dl.log_softmax(z)]
    functions += [dl.logsumexp(z), dl.hard_tanh(z), dl.relu(z)]
    program = dl.compile(functions, [z], simplify=simplify)
    results = program(np.array([1e4, -1e4], dtype))
    limits = [[1, 0], [1, -1], [1e4, 0], [1, 0], [0, -2e4], 1e4, [1, -1], [1e4, 0]]
    for result, limit in zip(results, limits, strict=True):
        assert_array_equal(result, limit)
        assert result.dtype == dtype


@pytest.mark.parametrize("simplify", [True, False])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_logsumexp_of_infinities_is_their_largest(simplify):
    z = dl.variable("z", (3, 2))
    program = dl.compile([dl.logsumexp(z, axis=1)], [z], simplify=simplify)
    inf = np.inf
    assert_array_equal(program(np.array([[-inf, -inf], [inf, 0], [-inf, 3]]))[0], [-inf, inf, 3])


def test_torch_computes_the_same_at_the_extremes():
    z = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    cost = torch.nn.functional.cross_entropy(z, torch.from_numpy(LABELS), reduction="none")
    (slope,) = torch.autograd.grad(cost.sum(), z)
    ones = np.ones(len(LOGITS))
    value, gradient, _ = right_values("cross_entropy", ones, np.zeros((len(LOGITS), 3)))
    assert_allclose(cost.detach().numpy(), value, atol=1e-15)
    assert_allclose(slope.numpy(), gradient, atol=1e-15)
