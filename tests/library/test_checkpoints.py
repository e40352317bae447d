"""Section 6.5.3: computing again instead of keeping gives the same gradients in less memory."""

import gc
import tracemalloc
from collections import Counter
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from random_graphs import grow, recipes
from strategies import few, rngs

import dlbook as dl

PROGRAMS = [{}, {"simplify": False}, {"backend": "torch"}]


def chain(n, shape=(), f=dl.tanh):
    """f(f(... f(x))), and every sqrt(n)-th node."""
    x = dl.variable("x", shape)
    nodes = [x]
    for i in range(1, n + 1):
        nodes.append(f(nodes[-1]).named(f"h{i}"))
    every = isqrt(n)
    return x, nodes[1:], nodes[every::every]


def assert_close(ours, theirs):
    for value, expected in zip(ours, theirs, strict=True):
        expected = np.asarray(expected)
        scale = max(np.abs(expected).max(), 0.01)
        assert_allclose(value, expected, rtol=1e-12, atol=1e-12 * scale)


# --- The same gradients ------------------------------------------------------------------------


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
@pytest.mark.parametrize("n", [1, 2, 9, 50])
def test_a_chain_has_the_same_gradient_with_checkpoints(n, how):
    x, nodes, checkpoints = chain(n, (7,))
    z = dl.sum(nodes[-1])
    gradients = [
        dl.backprop([x], z, checkpoints=kept)[x]
        for kept in (None, checkpoints, [], nodes, [x], [z], [*nodes, x, z], nodes[:1] * 2)
    ]
    plain, *others = dl.compile(gradients, [x], **how)(np.linspace(-1, 1, 7))
    for other in others:
        assert_array_equal(np.asarray(other), np.asarray(plain))


def test_a_network_has_the_same_gradients_with_its_layers_as_checkpoints():
    rng = np.random.default_rng(0)
    X, y = dl.variable("X", (None, 4)), dl.variable("y", (None,), np.int64)
    parameters, layers, h = [], [], X
    for i in range(6):
        W, b = dl.variable(f"W{i}", (4, 4)), dl.variable(f"b{i}", (4,))
        h = dl.relu(h @ W + b).named(f"h{i}")
        parameters += [W, b]
        layers.append(h)
    J = dl.mean(dl.cross_entropy(h, y))
    values = [rng.normal(size=(5, 4)), np.arange(5) % 4]
    values += [rng.normal(size=V.shape) for V in parameters]
    plain = dl.backprop(parameters, J)
    with_checkpoints = dl.backprop(parameters, J, checkpoints=layers[::2])
    for how in PROGRAMS:
        expected = dl.compile(plain.values(), [X, y, *parameters], **how)(*values)
        results = dl.compile(with_checkpoints.values(), [X, y, *parameters], **how)(*values)
        assert_close(results, expected)


@pytest.mark.slow
@given(recipe=recipes(), rng=rngs, hidden=st.booleans(), share=st.sampled_from([0, 0.2, 0.5, 1]))
@settings(few, max_examples=20)
def test_random_graphs_have_the_same_gradients_with_checkpoints(recipe, rng, hidden, share):
    twins = grow(recipe, rng, hidden)
    z, _ = twins.scalar()
    checkpoints = [V for V in dl.Graph([z]) if rng.random() < share]
    outputs = [[z, *dl.backprop(twins.ours, z, kept).values()] for kept in (None, checkpoints)]
    for how in PROGRAMS:
        expected, results = (dl.compile(V, twins.inputs, **how)(*twins.values) for V in outputs)
        assert_close(results, expected)
    together = dl.compile([*outputs[0], *outputs[1]], twins.inputs)(*twins.values)
    assert_close(together, [*expected, *expected])


@pytest.mark.slow
@given(recipe=recipes(5, 25), rng=rngs, hidden=st.booleans(), share=st.sampled_from([0, 0.3, 1]))
@settings(few, max_examples=15)
def test_random_graphs_have_the_same_second_derivatives_with_checkpoints(
    recipe, rng, hidden, share
):
    twins = grow(recipe, rng, hidden)
    z, _ = twins.scalar()
    leaves = twins.inputs[:-1]
    first = dl.backprop(leaves, z, [V for V in dl.Graph([z]) if rng.random() < share])
    slope = sum(dl.sum(g * g) for g in first.values())
    second = dl.backprop(leaves, slope, [V for V in dl.Graph([slope]) if rng.random() < share])
    plain = dl.backprop(leaves, z)
    plain_second = dl.backprop(leaves, sum(dl.sum(g * g) for g in plain.values()))
    moved = dl.jvp(first.values(), {V: V * 0.1 for V in leaves})
    plain_moved = dl.jvp(plain.values(), {V: V * 0.1 for V in leaves})
    for how in PROGRAMS:
        expected, results = (
            dl.compile(V, twins.inputs, **how)(*twins.values)
            for V in ([*plain_second.values(), *plain_moved], [*second.values(), *moved])
        )
        assert_close(results, expected)


# --- What is computed again --------------------------------------------------------------------


counts = Counter()


class Counted(dl.Operation):
    """The square of each entry; counts how often it is computed."""

    name, kinds = "counted", "f"

    def __init__(self, number):
        self.number = number

    def infer_shape(self, a):
        return a.shape

    def f(self, a):
        counts[self.number] += 1
        return a * a

    def bprop(self, inputs, X, G):
        return G * (2 * X)


def counted_chain(n):
    x = V = dl.variable("x", (3,))
    nodes = []
    for i in range(n):
        V = Counted(i)(V).named(f"h{i}")
        nodes.append(V)
    return x, nodes


def runs_of(outputs, x, **how):
    counts.clear()
    dl.compile(outputs, [x], **how)(np.array([1.0, 1.0, -1.0]))
    return dict(counts)


@pytest.mark.parametrize("simplify", [True, False])
def test_each_node_is_computed_again_at_most_once(simplify):
    x, nodes = counted_chain(30)
    z = dl.sum(nodes[-1])
    for checkpoints in (nodes[4::5], nodes, [], [x], nodes[:3], nodes[20:]):
        gradient = dl.backprop([x], z, checkpoints)[x]
        runs = runs_of([z, gradient], x, simplify=simplify)
        assert set(runs) == set(range(30))
        assert set(runs.values()) <= {1, 2}
    assert set(runs_of([z, dl.backprop([x], z)[x]], x, simplify=simplify).values()) == {1}


@pytest.mark.parametrize("simplify", [True, False])
def test_what_is_kept_is_not_computed_again_and_all_else_is(simplify):
    x, nodes = counted_chain(20)
    z = dl.sum(nodes[-1])
    gradient = dl.backprop([x], z, [nodes[4], nodes[9], nodes[14]])[x]
    runs = runs_of([z, gradient], x, simplify=simplify)
    # The last one's value is needed by the sum alone, whose gradient asks for its shape only.
    assert {i for i, times in runs.items() if times == 1} == {4, 9, 14, 19}
    every_one_kept = dl.backprop([x], z, nodes)[x]
    assert set(runs_of([z, every_one_kept], x, simplify=simplify).values()) == {1}


@pytest.mark.parametrize("simplify", [True, False])
def test_two_paths_share_what_is_computed_again(simplify):
    x, nodes = counted_chain(12)
    z = dl.sum(nodes[-1] * nodes[5] + nodes[2] * nodes[8])
    gradient = dl.backprop([x], z, [nodes[5]])[x]
    assert set(runs_of([z, gradient], x, simplify=simplify).values()) <= {1, 2}


def test_simplification_does_not_undo_checkpoints():
    x, nodes, checkpoints = chain(100)
    gradient = dl.backprop([x], nodes[-1], checkpoints)[x]
    outputs = dl.simplify(dl.simplify([nodes[-1], gradient]))
    tanhs = [V for V in dl.Graph(outputs) if V.operation is dl.tanh]
    assert 180 <= len(tanhs) <= 200
    plain = dl.simplify([nodes[-1], dl.backprop([x], nodes[-1])[x]])
    assert len([V for V in dl.Graph(plain) if V.operation is dl.tanh]) == 100


def test_two_gradients_compute_again_each_for_itself():
    x, nodes, checkpoints = chain(9)
    first, second = (dl.backprop([x], nodes[-1], checkpoints)[x] for _ in range(2))
    assert first is not second
    results = dl.compile([first, second], [x])(0.3)
    assert results[0] == results[1]


def test_the_graph_of_z_stays_as_it_was():
    x, nodes, checkpoints = chain(9)
    before = list(dl.Graph([nodes[-1]]))
    dl.backprop([x], nodes[-1], checkpoints)
    assert list(dl.Graph([nodes[-1]])) == before


# --- Memory ------------------------------------------------------------------------------------


def peak_of(function):
    """Return what the function returns, and how many bytes it took at its peak."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = function()
        return result, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("simplify", [True, False])
def test_a_run_with_sqrt_n_checkpoints_takes_memory_of_about_2_sqrt_n_arrays(simplify):
    n, size = 400, 10_000
    x, nodes, checkpoints = chain(n, (size,))
    z, value = dl.sum(nodes[-1]), np.linspace(-1, 1, size)
    peaks = []
    for kept in (None, checkpoints):
        program = dl.compile([z, dl.backprop([x], z, kept)[x]], [x], simplify=simplify)
        _, peak = peak_of(lambda program=program: program(value))
        peaks.append(peak / value.nbytes)
    assert n < peaks[0] < 1.1 * n
    assert peaks[1] < 2.5 * isqrt(n)


@pytest.mark.parametrize("simplify", [True, False])
def test_making_a_program_and_running_it_takes_less_than_4_sqrt_n_arrays(simplify):
    # Of this size, so that it is the arrays that count, not the text of the program.
    n, size = 400, 100_000
    x, nodes, checkpoints = chain(n, (size,))
    z, value = dl.sum(nodes[-1]), np.linspace(-1, 1, size)
    gradient = dl.backprop([x], z, checkpoints)[x]

    def make_and_run():
        return dl.compile([z, gradient], [x], simplify=simplify)(value)

    _, peak = peak_of(make_and_run)
    assert peak / value.nbytes < 4 * isqrt(n)


@pytest.mark.slow
def test_memory_grows_with_the_root_of_the_depth():
    size, runs = 2_000, []
    value = np.linspace(-1, 1, size)
    for n in (100, 400, 1600):
        x, nodes, checkpoints = chain(n, (size,))
        z = dl.sum(nodes[-1])
        program = dl.compile([z, dl.backprop([x], z, checkpoints)[x]], [x])
        runs.append(peak_of(lambda program=program: program(value))[1] / value.nbytes)
    assert runs[1] < 2.4 * runs[0]  # twice as much for four times the depth
    assert runs[2] < 2.4 * runs[1]


# --- Depth -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True])
def test_a_chain_of_10_000_nodes_is_computed_again_without_recursion(keep):
    x, nodes, checkpoints = chain(10_000, f=lambda h: h * 1.0001)
    gradient = dl.backprop([x], nodes[-1], checkpoints if keep else [])[x]
    assert_allclose(dl.evaluate(gradient, {x: 1.0}), 1.0001**10_000)


# --- Errors ------------------------------------------------------------------------------------


def test_a_checkpoint_must_be_a_variable():
    x, nodes, _ = chain(3)
    for wrong in (3.0, "h1", np.ones(3), None):
        with pytest.raises(TypeError, match=r"backprop: .*checkpoint.* variables?, got"):
            dl.backprop([x], nodes[-1], checkpoints=[wrong])


def test_a_checkpoint_must_be_an_ancestor_of_z():
    x, nodes, _ = chain(3)
    message = "backprop: the checkpoint 'beside' is not an ancestor of 'h3'"
    with pytest.raises(ValueError, match=message):
        dl.backprop([x], nodes[-1], checkpoints=[nodes[0], (nodes[0] * 2).named("beside")])
    with pytest.raises(ValueError, match="the checkpoint 'later' is not an ancestor of 'h3'"):
        dl.backprop([x], nodes[-1], checkpoints=[(nodes[-1] * 2).named("later")])
    with pytest.raises(ValueError, match="the checkpoint 'stranger' is not an ancestor"):
        dl.backprop([x], nodes[-1], checkpoints=[dl.variable("stranger", ())])
