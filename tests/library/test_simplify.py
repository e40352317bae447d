"""Section 6.5.9: the simplifier changes what is computed, and never what comes out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import few, rngs

import dlbook as dl
from dlbook.graph import Graph
from dlbook.programs.lowering import LOWERING, lower
from dlbook.programs.simplify import RULES


def names(*outputs):
    """The operations of a graph, constants left out, in order of computation."""
    return [V.operation.name for V in Graph(outputs) if V.operation is not None and V.inputs]


def simplest(V):
    return dl.simplify([V])[0]


x, y = dl.variable("x", (3,)), dl.variable("y", (3,))
A, s = dl.variable("A", (None, 3)), dl.variable("s", ())
labels = dl.variable("labels", (None,), np.int64)
exp_A = dl.exp(A)
total_A = dl.sum(exp_A, axis=1, keepdims=True)
q = dl.softmax(A)

VALUES = {
    x: np.array([0.5, -1.5, 2.0]),
    y: np.array([1.5, 0.25, -0.75]),
    A: np.linspace(-2, 2, 12).reshape(4, 3),
    s: 0.7,
    labels: np.array([0, 2, 1, 1]),
}

# Each rule by its pattern: what is written, and the operations that are left.
PATTERNS = [
    ("x * 1", x * 1, []),
    ("1 * x", 1.0 * x, []),
    ("x * -1", x * -1, ["negate"]),
    ("x + 0", x + 0, []),
    ("0 + x", 0 + x, []),
    ("x / 1", x / 1, []),
    ("x - 0", x - 0, []),
    ("0 - x", 0 - x, ["negate"]),
    ("ones times x", dl.broadcast_to(dl.constant(1.0), (3,)) * x, []),
    ("constants", dl.constant(2.0) * 3 + 1, []),
    ("numbers together", 2 * (3 * x), ["multiply"]),
    ("-(-x)", dl.negate(-x), []),
    ("x + -y", x + -y, ["subtract"]),
    ("-x + y", -x + y, ["subtract"]),
    ("x - -y", x - -y, ["add"]),
    ("|-x|", dl.abs(-x), ["abs"]),
    ("(-x)^2", (-x) ** 2, ["square"]),
    ("sum(-x)", dl.sum(-x), ["sum", "negate"]),
    ("x * x", x * x, ["square"]),
    ("(x / y) * y", (x / y) * y, []),
    ("A^T^T", A.T.T, []),
    ("transposed by its own order", dl.transpose(A, 0, 1), []),
    ("three transposes", A.T.T.T, ["transpose"]),
    ("reshaped there and back", A.reshape(None, 1, 3).reshape(None, 3), []),
    ("reshaped twice", x.reshape(3, 1).reshape(1, 3), ["reshape"]),
    ("its own dtype", x.astype(np.float64), []),
    ("repeated to its own shape", dl.broadcast_like(x, y), []),
    ("repeated where that happens anyway", A + dl.broadcast_like(x, A), ["add"]),
    ("function of something repeated", dl.exp(dl.broadcast_like(s, x)), ["exp", "broadcast_like"]),
    ("mean of equals", dl.mean(dl.broadcast_like(s, A)), []),
    ("sum of equals", dl.sum(dl.broadcast_like(s, x)), ["broadcast_like", "count", "multiply"]),
    ("log softmax", dl.log(q), ["log_softmax"]),
    ("log sigmoid", dl.log(dl.sigmoid(x)), ["negate", "softplus", "negate"]),
    ("log exp", dl.log(dl.exp(x)), []),
    ("log sum exp", dl.log(dl.sum(exp_A, axis=1)), ["logsumexp"]),
    ("log(1 + x)", dl.log(1 + x**2), ["square", "log1p"]),
    ("softplus by hand", dl.log(1 + dl.exp(x)), ["softplus"]),
    ("softmax by hand", exp_A / total_A, ["softmax"]),
    ("softmax with exp twice", dl.exp(A) / dl.sum(dl.exp(A), axis=1, keepdims=True), ["softmax"]),
    ("softmax with a reshape", exp_A / dl.sum(exp_A, axis=1).reshape(None, 1), ["softmax"]),
    ("softmax of a vector", dl.exp(x) / dl.sum(dl.exp(x)), ["softmax"]),
    ("sigmoid by hand", 1 / (1 + dl.exp(-x)), ["sigmoid"]),
    ("sigmoid of -z by hand", 1 / (1 + dl.exp(x)), ["negate", "sigmoid"]),
    ("(x / y) * (y * s)", (x / y) * (y * s), ["multiply"]),
    ("equal parts", dl.sin(x) * dl.exp(dl.sin(x)), ["sin", "exp", "multiply"]),
]


@pytest.mark.parametrize(("V", "left"), [p[1:] for p in PATTERNS], ids=[p[0] for p in PATTERNS])
def test_a_pattern_becomes_simpler_and_keeps_its_value(V, left):
    simple = simplest(V)
    assert names(simple) == left
    assert (simple.shape, simple.dtype) == (V.shape, V.dtype)
    inputs = [U for U in VALUES if U in Graph([V])]
    values = [VALUES[U] for U in inputs]
    expected, found, compiled = (
        dl.compile([output], inputs, simplify=on)(*values)[0]
        for output, on in ((V, False), (simple, False), (V, True))
    )
    assert_allclose(found, expected, rtol=1e-14, atol=1e-15)
    assert_allclose(compiled, expected, rtol=1e-14, atol=1e-15)


# What looks like a pattern, but is none: it must be left alone.
LOOKALIKES = [
    ("x * 1 that repeats", s * dl.constant(np.ones(3))),
    ("x + 0 that repeats", s + dl.constant(np.zeros(3))),
    ("x - 0 that repeats", s - dl.constant(np.zeros(3))),
    ("x / 1 that repeats", s / dl.constant(np.ones(3))),
    ("repeated for its shape", dl.broadcast_like(x, A) * 2),
    ("sum over the wrong axis", exp_A / dl.sum(exp_A, axis=0, keepdims=True)),
    ("sum of another exponential", exp_A / dl.sum(dl.exp(A * 2), axis=1, keepdims=True)),
    ("log of a sum over one axis", dl.log(dl.softmax(A, axis=0))),
    ("1 + exp(x), not exp(-x)", 1 / (1 + dl.exp(x))),
    ("2 + exp(-x)", 1 / (2 + dl.exp(-x))),
    ("divided and multiplied by something else", (x / y) * x),
    ("divided by something that repeats", (s / y) * y),
    ("sum of one-hot over the examples", dl.sum(dl.one_hot(labels, 3), axis=0)),
    ("transposed by a cycle", dl.transpose(dl.stack([A, 2 * A]), 1, 2, 0)),
    ("cube of a transpose", dl.transpose(dl.transpose(dl.stack([A, 2 * A]), 1, 2, 0), 1, 2, 0)),
    ("x - one_hot the wrong way", dl.one_hot(labels, 3) - A),
    ("heaviside times x", dl.heaviside(A) * A),
    ("sum of products over one axis", dl.sum(A * A, axis=0)),
    ("sum of products that repeat", dl.sum(A * x)),
]


@pytest.mark.parametrize("V", [p[1] for p in LOOKALIKES], ids=[p[0] for p in LOOKALIKES])
def test_what_only_looks_like_a_pattern_keeps_its_value(V):
    inputs = [U for U in VALUES if U in Graph([V])]
    values = [VALUES[U] for U in inputs]
    expected = dl.compile([V], inputs, simplify=False)(*values)[0]
    found = dl.compile([V], inputs)(*values)[0]
    assert found.shape == expected.shape
    assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


def test_every_rule_says_its_pattern():
    rules = {function for table in (RULES, LOWERING) for row in table.values() for function in row}
    assert len(rules) > 25
    for function in rules:
        assert function.__doc__, function.__name__


# --- Equation 6.57 -----------------------------------------------------------------------------


def cross_entropy_by_hand(z, p):
    """J = - sum_i p_i log q_i with q = exp(z) / sum(exp(z)), written as it stands."""
    e = dl.exp(z)
    return -dl.sum(p * dl.log(e / dl.sum(e, axis=z.ndim - 1, keepdims=True)))


def test_plain_back_propagation_keeps_the_exp_and_log_nodes():
    z, p = dl.variable("z", (4,)), dl.variable("p", (4,))
    J = cross_entropy_by_hand(z, p)
    gradient = dl.backprop([z], J)[z]
    kept = names(J, gradient)
    assert kept.count("exp") == 2 and "log" in kept and kept.count("divide") >= 4


@pytest.mark.parametrize("shape", [(4,), (None, 4), (2, None, 4)])
def test_the_gradient_becomes_q_minus_p(shape):
    z, p = dl.variable("z", shape), dl.variable("p", shape)
    gradient = dl.backprop([z], cross_entropy_by_hand(z, p))[z]
    assert sorted(names(simplest(gradient))) == ["multiply", "softmax", "subtract", "sum"]
    z_value = np.random.default_rng(0).normal(size=[size or 3 for size in shape])
    q_value = np.exp(z_value) / np.exp(z_value).sum(axis=-1, keepdims=True)
    p_value = np.full_like(z_value, 0.25)
    found = dl.evaluate(gradient, {z: z_value, p: p_value})
    assert_allclose(found, q_value - p_value, atol=1e-15)
    plain = dl.evaluate(gradient, {z: z_value, p: p_value}, simplify=False)
    assert_allclose(plain, q_value - p_value, atol=1e-15)


def test_with_labels_nothing_but_q_minus_their_one_hot_vectors_is_left():
    z, y = dl.variable("z", (None, 4)), dl.variable("y", (None,), np.int64)
    gradient = simplest(dl.backprop([z], dl.sum(dl.cross_entropy(z, y)))[z])
    assert sorted(names(gradient)) == ["one_hot", "softmax", "subtract"]


def test_labels_are_checked_even_where_their_values_do_not_matter():
    y = dl.variable("y", (None,), np.int64)
    with pytest.raises(ValueError, match="one_hot: the labels must be from 0 to 2"):
        dl.evaluate(dl.sum(dl.one_hot(y, 3), axis=1), {y: np.array([0, 7])})


# What a review found: each looked like a pattern, and came out wrong or not at all.


def same_with_and_without(outputs, values):
    plain = dl.compile(outputs, values, simplify=False)(*values.values())
    for found, expected in zip(dl.compile(outputs, values)(*values.values()), plain, strict=True):
        assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_two_sums_of_exponentials_over_different_axes_stay_apart():
    S = dl.variable("S", (3, 3))
    e = dl.exp(S)
    J = dl.sum(dl.log(dl.sum(e, 0)) + dl.log(dl.sum(e, 1)))
    value = np.random.default_rng(0).normal(size=(3, 3))
    same_with_and_without([J, dl.backprop([S], J)[S]], {S: value})


@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 4, 3), (2, None, 3)])
def test_a_sum_of_exponentials_may_be_divided_by_after_another_sum(shape):
    z = dl.variable("z", shape)
    J = dl.sum(dl.sum(dl.log(dl.sum(dl.exp(z), -1)), 0) ** 2)
    value = np.random.default_rng(0).normal(size=[size or 4 for size in shape])
    same_with_and_without([J, dl.backprop([z], J)[z]], {z: value})


def test_the_logarithm_of_a_softmax_may_be_averaged_and_summed():
    z = dl.variable("z", (None, 4))
    q = dl.softmax(z)
    J = -dl.mean(dl.log(q)) - 0.1 * dl.sum(dl.log(q))
    value = np.random.default_rng(0).normal(size=(3, 4))
    same_with_and_without([J, dl.backprop([z], J)[z]], {z: value})


@pytest.mark.parametrize("keepdims", [False, True])
def test_a_repeated_sum_of_exponentials_may_divide(keepdims):
    z, w = dl.variable("z", (3, 4)), dl.variable("w", (3, 4))
    total = dl.broadcast_to(dl.sum(dl.exp(z), 1, keepdims=True), (3, 4))
    rng = np.random.default_rng(0)
    values = {z: rng.normal(size=(3, 4)), w: rng.normal(size=(3, 4))}
    same_with_and_without([dl.sum(w / total, 1, keepdims=keepdims)], values)


def test_signs_of_integers_are_left_alone():
    for dtype in (np.uint8, np.int8):
        n = dl.variable("n", (2,), dtype)
        same_with_and_without([dl.abs(-n), dl.sum(-n)], {n: np.array([1, 2], dtype)})


def test_sums_of_many_equal_float32_are_precise():
    v = dl.variable("v", (None,), np.float32)
    value = np.full(10**6, 0.1, np.float32)
    mean, squares = dl.compile([dl.mean(v), dl.sum(v**2)], [v])(value)
    assert_allclose(mean, 0.1, rtol=1e-6)
    assert_allclose(squares, 1e4, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_only_the_simplified_gradient_survives_a_logit_of_1000(dtype):
    z, p = dl.variable("z", (3,), dtype), dl.variable("p", (3,), dtype)
    J = cross_entropy_by_hand(z, p)
    outputs = [J, dl.backprop([z], J)[z]]
    values = [np.array([1000, 0, -1000], dtype), np.array([0, 1, 0], dtype)]
    cost, gradient = dl.compile(outputs, [z, p])(*values)
    assert cost == 1000
    assert_array_equal(gradient, [1, -1, 0])
    with np.errstate(all="ignore"):
        cost, gradient = dl.compile(outputs, [z, p], simplify=False)(*values)
    assert np.isnan(cost) and np.isnan(gradient).any()


@given(rng=rngs, scale=st.sampled_from([0.1, 1.0, 10.0, 100.0]))
@few
def test_simplified_and_plain_gradients_agree_where_both_are_finite(rng, scale):
    z, p = dl.variable("z", (2, 5)), dl.variable("p", (2, 5))
    J = cross_entropy_by_hand(z, p)
    outputs = [J, dl.backprop([z], J)[z]]
    values = [rng.normal(size=(2, 5)) * scale, rng.dirichlet(np.ones(5), size=2)]
    with np.errstate(all="ignore"):
        plain = dl.compile(outputs, [z, p], simplify=False)(*values)
    simple = dl.compile(outputs, [z, p])(*values)
    for found, expected in zip(simple, plain, strict=True):
        finite = np.isfinite(expected)
        assert_allclose(found[finite], expected[finite], rtol=1e-10, atol=1e-13)


# --- What must stay ----------------------------------------------------------------------------


def test_nan_and_infinity_are_not_simplified_away():
    with np.errstate(invalid="ignore"):
        assert np.isnan(dl.evaluate(s * 0, {s: np.inf}))
        assert np.isnan(dl.evaluate(s - s, {s: np.inf}))
    with np.errstate(divide="ignore"):
        assert dl.evaluate(dl.log(dl.constant(0.0)) + s, {s: 1.0}) == -np.inf


def test_numbers_are_not_put_together_where_they_would_overflow():
    tiny = dl.variable("tiny", ())
    assert_allclose(dl.evaluate(1e300 * (1e300 * tiny), {tiny: 1e-310}), 1e290, rtol=1e-3)
    assert_allclose(dl.evaluate(1e-200 * (1e-200 * tiny), {tiny: 1e300}), 1e-100)


def test_a_large_constant_is_not_computed_beforehand():
    assert "sin" in names(simplest(dl.sin(dl.constant(np.eye(100)))))


def test_an_error_among_constants_comes_when_the_program_runs():
    bad = dl.one_hot(dl.constant([7]), 3)
    program = dl.compile([bad], [])
    with pytest.raises(ValueError, match="one_hot: the labels must be from 0 to 2"):
        program()


def test_simplifying_leaves_the_given_graph_as_it_was():
    V = dl.log(dl.softmax(A * 1)) + 0
    before = names(V)
    simplest(V)
    assert names(V) == before


def test_outputs_share_what_is_equal_among_them():
    first, second = dl.simplify([dl.sin(x) + 1, dl.sin(x) * 2])
    assert names(first, second).count("sin") == 1


def test_a_variable_given_in_the_middle_stays_what_it_is():
    h = (x * 1).named("h")
    z = dl.sum(h * 2)
    (simple,) = dl.simplify([z], inputs=[h])
    assert h in Graph([simple])
    assert dl.evaluate(z, {h: np.ones(3)}) == 6
    assert dl.simplify([h], inputs=[h]) == [h]


def test_names_are_kept():
    h = dl.sin(x * 1).named("h")
    J = dl.sum(h).named("J")
    (simple,) = dl.simplify([J])
    assert simple.name == "J"
    assert "h" in {V.name for V in Graph([simple])}


def test_the_simplified_graph_can_be_differentiated():
    z, p = dl.variable("z", (4,)), dl.variable("p", (4,))
    (J,) = dl.simplify([cross_entropy_by_hand(z, p)])
    gradient = dl.backprop([z], J)[z]
    values = {z: np.array([1e4, 0.0, 1.0, -1e4]), p: np.array([0.0, 1.0, 0.0, 0.0])}
    assert_array_equal(dl.evaluate(gradient, values), [1, -1, 0, 0])


def test_stop_gradient_still_stops_after_simplifying():
    (z,) = dl.simplify([dl.sum(dl.stop_gradient(x) * x)])
    assert_array_equal(dl.evaluate(dl.backprop([x], z)[x], VALUES_OF_X), VALUES_OF_X[x])


VALUES_OF_X = {x: VALUES[x]}


def test_a_program_multiplies_by_a_condition_and_reuses_the_rectifier():
    z = dl.sum(dl.relu(A) ** 2)
    gradient = dl.backprop([A], z)[A]
    (lowered,) = lower(dl.simplify([gradient]))
    assert "gate" in names(lowered) and "heaviside" not in names(lowered)
    value = VALUES[A]
    assert_allclose(dl.evaluate(gradient, {A: value}), 2 * np.maximum(value, 0))


@pytest.mark.parametrize("wrong", ["x", None, 3])
def test_only_variables_can_be_simplified(wrong):
    with pytest.raises(TypeError, match="simplify: the outputs must be variables, got"):
        dl.simplify([wrong])


def test_a_long_chain_is_simplified_without_recursion():
    h = x
    for _ in range(20_000):
        h = dl.sin(h * 1)
    assert len(names(simplest(h))) == 20_000


def test_the_logarithm_of_one_minus_a_sigmoid_survives():
    z = dl.variable("z", (3,), np.float32)
    cost = -dl.log(1 - dl.sigmoid(z))
    assert_array_equal(dl.evaluate(cost, {z: np.array([1e4, 20, -1e4], np.float32)}), [1e4, 20, 0])
