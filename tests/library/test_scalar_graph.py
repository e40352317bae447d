"""Section 6.5.3: Algorithms 6.1 and 6.2 on scalars, held against PyTorch and the library."""

import inspect
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from optional import torch
from strategies import few, fewer

import dlbook as dl
from dlbook import scalar_graph as sg
from dlbook.scalar_graph import Counts, Function, ScalarGraph

UNARY = [sg.negate, sg.square, sg.exp, sg.log, sg.sin, sg.cos, sg.tanh, sg.sigmoid, sg.relu]
BINARY = [sg.add, sg.subtract, sg.multiply, sg.divide]
# Functions that keep numbers small, so that a graph of a dozen of them is well conditioned.
TAME = [sg.negate, sg.sin, sg.cos, sg.tanh, sg.sigmoid, sg.relu, sg.multiply, sg.subtract]


@st.composite
def graphs(draw, functions=TAME, max_nodes=8):
    """Draw a graph and its inputs; not every node needs to lead to the output."""
    n_i = draw(st.integers(2, 3))
    nodes = []
    for i in range(n_i + 1, n_i + 1 + draw(st.integers(1, max_nodes))):
        function = draw(st.sampled_from(functions))
        count = len(function.partials)
        parents = st.lists(st.integers(1, i - 1), min_size=count, max_size=count, unique=True)
        nodes.append((function, *draw(parents)))
    size = st.floats(0.25, 1.0)
    x = [draw(size) * draw(st.sampled_from([-1, 1])) for _ in range(n_i)]
    return ScalarGraph(n_i, nodes), x


def back_propagated(G, x):
    """Return the derivative of u(n) by each input."""
    grad_table = G.backward(G.forward(x))
    return [grad_table[i] for i in range(1, G.n_i + 1)]


def fibonacci(n):
    """Each node is the sum of the two before it: 2 edges a node, and paths like rabbits."""
    return ScalarGraph(2, [(sg.add, i - 1, i - 2) for i in range(3, n + 1)])


def diamond():
    """The output depends on u(1) by two paths, u(1) u(2) u(4) and u(1) u(3) u(4)."""
    return ScalarGraph(1, [(sg.sin, 1), (sg.exp, 1), (sg.multiply, 2, 3)])


# --- Algorithm 6.1 -----------------------------------------------------------------------------


def test_forward_sets_the_inputs_and_computes_each_node_from_its_parents():
    G = ScalarGraph(2, [(sg.multiply, 1, 2), (sg.subtract, 3, 1)])
    assert G.forward([3.0, 5.0]) == {1: 3.0, 2: 5.0, 3: 15.0, 4: 12.0}
    assert (G.n_i, G.n) == (2, 4)


def test_parents_are_taken_in_their_order():
    G = ScalarGraph(2, [(sg.divide, 2, 1)])
    assert G.forward([4.0, 1.0])[3] == 0.25
    assert back_propagated(G, [4.0, 1.0]) == [-1 / 16, 1 / 4]


def test_each_function_is_evaluated_once():
    counts = Counts()
    G = fibonacci(20)
    G.forward([1, 1], counts)
    assert counts == Counts(function_evaluations=18)


def test_inputs_may_be_any_real_numbers_and_values_are_python_floats():
    for x in ([1, 2], (1.0, 2.0), np.array([1.0, 2.0], np.float32), np.array([1, 2])):
        u = ScalarGraph(2, [(sg.add, 1, 2)]).forward(x)
        assert u == {1: 1.0, 2: 2.0, 3: 3.0}
        assert {type(value) for value in u.values()} == {float}


# --- Algorithm 6.2 -----------------------------------------------------------------------------


def test_the_output_has_the_derivative_one_by_itself():
    G = diamond()
    assert G.backward(G.forward([0.5]))[G.n] == 1.0


def test_backward_gives_the_derivative_by_every_node():
    G = diamond()
    u = G.forward([0.5])
    grad_table = G.backward(u)
    assert set(grad_table) == set(u)
    assert (grad_table[2], grad_table[3]) == (u[3], u[2])
    assert_allclose(grad_table[1], math.exp(0.5) * (math.cos(0.5) + math.sin(0.5)), rtol=1e-15)


def test_a_node_that_does_not_lead_to_the_output_has_derivative_zero():
    G = ScalarGraph(2, [(sg.exp, 1), (sg.sin, 2)])
    grad_table = G.backward(G.forward([0.5, 0.0]))
    assert (grad_table[1], grad_table[3]) == (0.0, 0.0)
    assert grad_table[2] == 1.0


@few
@given(graphs())
def test_each_edge_is_visited_once(drawn):
    G, x = drawn
    counts = Counts()
    G.backward(G.forward(x), counts)
    edges = len(G.edges)
    assert edges == len(set(G.edges)) == sum(len(parents) for parents in G.Pa.values())
    assert counts == Counts(partial_derivatives=edges, multiplications=edges, additions=edges)


def test_counts_go_on_from_where_they_stand():
    G, counts = diamond(), Counts()
    u = G.forward([0.5], counts)
    G.backward(u, counts)
    G.backward(u, counts)
    assert counts == Counts(3, 8, 8, 8)


@few
@given(graphs())
def test_back_propagation_agrees_with_finite_differences(drawn):
    G, x = drawn
    step = 1e-5
    for i, derivative in enumerate(back_propagated(G, x)):
        more, less = list(x), list(x)
        more[i] += step
        less[i] -= step
        difference = (G.forward(more)[G.n] - G.forward(less)[G.n]) / (2 * step)
        assert_allclose(derivative, difference, rtol=1e-6, atol=1e-6)


@few
@given(graphs())
def test_back_propagation_agrees_with_pytorch(drawn):
    G, x = drawn
    u = {i: torch.tensor(x_i, dtype=torch.float64) for i, x_i in enumerate(x, start=1)}
    for V in u.values():
        V.requires_grad_()
    for i, function in G.f.items():
        rule = {"negate": torch.neg}.get(function.name) or getattr(torch, function.name)
        u[i] = rule(*(u[j] for j in G.Pa[i]))
    assert_allclose(G.forward(x)[G.n], u[G.n].item(), rtol=1e-12, atol=1e-15)
    inputs = [u[i] for i in range(1, G.n_i + 1)]
    gradients = torch.autograd.grad(u[G.n], inputs, allow_unused=True)
    expected = [0.0 if gradient is None else gradient.item() for gradient in gradients]
    assert_allclose(back_propagated(G, x), expected, rtol=1e-12, atol=1e-12)


@few
@given(graphs([*TAME, sg.add, sg.square]))
def test_back_propagation_agrees_with_the_general_algorithm(drawn):
    G, x = drawn
    u_value = G.forward(x)
    expected = G.backward(u_value)
    u = {i: dl.variable(f"x_{i}", ()) for i in range(1, G.n_i + 1)}
    for i, function in G.f.items():
        u[i] = getattr(dl, function.name)(*(u[j] for j in G.Pa[i]))
    values = {u[i]: x_i for i, x_i in enumerate(x, start=1)}
    inside = [i for i in range(1, G.n + 1) if u[i] in dl.Graph([u[G.n]])]
    gradients = dl.backprop([u[i] for i in inside], u[G.n])
    for i in inside:
        assert_allclose(dl.evaluate(u[i], values), u_value[i], rtol=1e-12)
        assert_allclose(dl.evaluate(gradients[u[i]], values), expected[i], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("function", UNARY + BINARY, ids=lambda function: function.name)
@pytest.mark.parametrize("A", [(0.3, 1.7), (2.5, 0.6)])
def test_each_partial_derivative_is_that_of_its_function(function, A):
    A = list(A[: len(function.partials)])
    for k, partial in enumerate(function.partials):
        more, less = list(A), list(A)
        more[k] += 1e-6
        less[k] -= 1e-6
        difference = (function.f(*more) - function.f(*less)) / 2e-6
        assert_allclose(partial(*A), difference, rtol=1e-6)


def test_the_rectifier_has_the_left_derivative_at_zero():
    assert back_propagated(ScalarGraph(1, [(sg.relu, 1)]), [0.0]) == [0.0]


def test_sigmoids_and_hyperbolic_tangents_of_large_numbers_are_finite():
    for function in (sg.sigmoid, sg.tanh):
        G = ScalarGraph(1, [(function, 1)])
        for a in (-1000.0, 1000.0):
            assert back_propagated(G, [a]) == [0.0]


def test_a_graph_of_100_000_nodes_is_not_too_deep():
    n = 100_000
    G = ScalarGraph(1, [(sg.sin if i % 2 else sg.negate, i - 1) for i in range(2, n + 1)])
    counts = Counts()
    u = G.forward([0.5], counts)
    grad_table = G.backward(u, counts)
    assert counts == Counts(n - 1, n - 1, n - 1, n - 1)
    expected = math.prod(G.f[i].partials[0](u[i - 1]) for i in range(2, n + 1))
    assert_allclose(grad_table[1], expected, rtol=1e-9)
    assert 0 < abs(expected) < 1


# --- Equation 6.55 -----------------------------------------------------------------------------


def test_paths_are_those_from_a_node_to_the_output():
    G = diamond()
    assert list(G.paths(1)) == [(1, 2, 4), (1, 3, 4)]
    assert list(G.paths(2)) == [(2, 4)]
    assert list(G.paths(4)) == [(4,)]


def test_a_node_that_does_not_lead_to_the_output_has_no_path():
    G = ScalarGraph(2, [(sg.exp, 1), (sg.sin, 2)])
    assert list(G.paths(1)) == []
    assert G.sum_over_paths(1, G.forward([0.5, 0.5])) == 0.0


@few
@given(graphs())
def test_the_sum_over_all_paths_equals_back_propagation(drawn):
    G, x = drawn
    u = G.forward(x)
    grad_table = G.backward(u)
    for j in range(1, G.n + 1):
        assert_allclose(G.sum_over_paths(j, u), grad_table[j], rtol=1e-12, atol=1e-12)


def test_paths_grow_exponentially_and_edges_linearly():
    edges, paths = [], []
    for n in range(3, 19):
        G, of_edges, of_paths = fibonacci(n), Counts(), Counts()
        u = G.forward([1, 1])
        G.backward(u, of_edges)
        G.sum_over_paths(1, u, of_paths)
        edges.append(of_edges.multiplications)
        paths.append(of_paths.additions)
        assert of_paths.additions == len(list(G.paths(1)))
        assert of_paths.partial_derivatives == of_paths.multiplications
        assert of_paths.multiplications == sum(len(path) - 1 for path in G.paths(1))
    assert edges == [2 * (n - 2) for n in range(3, 19)]
    assert paths[2:] == [a + b for a, b in pairwise(paths[:-1])]
    assert paths[-1] == 987


def test_where_all_partial_derivatives_are_one_back_propagation_counts_the_paths():
    G = fibonacci(72)  # far too many to walk
    assert G.backward(G.forward([0, 0]))[1] == 190_392_490_709_135


# --- Equations 6.50 to 6.53 --------------------------------------------------------------------


def chain_graph(function, steps):
    return ScalarGraph(1, [(function, i) for i in range(1, steps + 1)])


@fewer
@given(st.sampled_from(UNARY), st.floats(1.2, 1.4), st.integers(1, 3))
def test_the_four_forms_of_the_chain_rule_give_one_number(function, w, steps):
    if function is sg.log and steps == 3:
        steps = 2  # the logarithm of log(1.2), a negative number, does not exist
    G = chain_graph(function, steps)
    derivative = back_propagated(G, [w])[0]
    assert_allclose(G.sum_over_paths(1, G.forward([w])), derivative, rtol=1e-12)
    assert_allclose(sg.chain_derivative_stored(function, w, steps), derivative, rtol=1e-12)
    assert_allclose(sg.chain_derivative_recomputed(function, w, steps), derivative, rtol=1e-12)


def test_the_chain_of_figure_6_9_is_differentiated():
    w = 0.5
    x = math.sin(w)
    y = math.sin(x)
    expected = math.cos(y) * math.cos(x) * math.cos(w)
    assert sg.chain_derivative_stored(sg.sin, w) == expected
    assert sg.chain_derivative_recomputed(sg.sin, w) == expected


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 50])
def test_recomputing_evaluates_more_and_holds_less_than_storing(steps):
    stored, recomputed = Counts(), Counts()
    sg.chain_derivative_stored(sg.sin, 0.5, steps, stored)
    sg.chain_derivative_recomputed(sg.sin, 0.5, steps, recomputed)
    assert stored == Counts(steps - 1, steps, steps, values_held=steps)
    assert recomputed == Counts(
        steps * (steps - 1) // 2, steps, steps, values_held=1 if steps == 1 else 2
    )


def test_the_module_needs_nothing_of_the_library():
    assert "dlbook" not in re.findall(r"^(?:from|import) (\w+)", inspect.getsource(sg), re.M)


# --- What is reported --------------------------------------------------------------------------


def reported(error, message):
    return pytest.raises(error, match="^" + re.escape(message))


@pytest.mark.parametrize("j", [4, 5, 0, -1, 1.0, "x", None, True])
def test_a_parent_must_come_before_its_node(j):
    message = f"scalar graph: u(4) = sin: expected parents from 1 to 3, got {j!r}"
    with reported(ValueError, message):
        ScalarGraph(2, [(sg.add, 1, 2), (sg.sin, j)])


@pytest.mark.parametrize(
    ("node", "count"), [((sg.add, 1), 2), ((sg.sin, 1, 2), 1), ((sg.sin,), 1), ((sg.multiply,), 2)]
)
def test_a_node_needs_one_parent_for_each_partial_derivative(node, count):
    message = (
        f"scalar graph: u(3) = {node[0].name}: expected one parent for each partial derivative, "
        f"got the parents {node[1:]} for {count} partial derivatives"
    )
    with reported(ValueError, message):
        ScalarGraph(2, [node])


def test_a_function_without_partial_derivatives_is_reported():
    with reported(ValueError, "scalar graph: u(2) = one: expected one parent for each partial"):
        ScalarGraph(1, [(Function("one", lambda: 1.0, ()),)])


def test_a_parent_is_named_once():
    with reported(ValueError, "scalar graph: u(2) = add: expected each parent once, got (1, 1)"):
        ScalarGraph(1, [(sg.add, 1, 1)])


@pytest.mark.parametrize("node", [sg.sin, (), (math.sin, 1), ["sin", 1], 1])
def test_a_node_is_a_tuple_of_a_function_and_its_parents(node):
    with reported(TypeError, "scalar graph: u(2): expected a tuple (function, parent, ...), got"):
        ScalarGraph(1, [node])


@pytest.mark.parametrize("n_i", [0, -1, 1.0, None, True])
def test_the_number_of_inputs_is_positive(n_i):
    message = f"scalar graph: n_i must be a positive whole number, got {n_i!r}"
    with reported(ValueError, message):
        ScalarGraph(n_i, [(sg.sin, 1)])


def test_a_graph_computes_something():
    with reported(ValueError, "scalar graph: expected at least one computed node"):
        ScalarGraph(1, [])


@pytest.mark.parametrize("x", [[], [1.0], [1.0] * 3, 1.0, {1: 1.0, 2: 2.0}, {1.0, 2.0}])
def test_a_wrong_number_of_inputs_is_reported(x):
    message = f"forward: expected a list of n_i = 2 numbers, got {x!r}"
    with reported(ValueError, message):
        ScalarGraph(2, [(sg.add, 1, 2)]).forward(x)


@pytest.mark.parametrize("x_2", [np.ones(2), [1.0], "1", None, 1j])
def test_an_input_is_one_real_number(x_2):
    with reported(TypeError, f"forward: x_2: expected one real number, got {x_2!r}"):
        ScalarGraph(2, [(sg.add, 1, 2)]).forward([1.0, x_2])


@pytest.mark.parametrize("x_1", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_nan_and_infinity_are_reported(x_1):
    with reported(ValueError, f"forward: x_1: expected a finite number, got {x_1}"):
        ScalarGraph(1, [(sg.sin, 1)]).forward([x_1])


@pytest.mark.parametrize(
    ("function", "A"),
    [
        (sg.log, [0.0]),
        (sg.log, [-1.0]),
        (sg.exp, [1000.0]),
        (sg.divide, [1.0, 0.0]),
        (sg.square, [1e200]),
        (sg.add, [1e308, 1e308]),
    ],
)
def test_a_node_without_a_finite_value_is_named(function, A):
    n = len(A) + 1
    message = f"u({n}) = {function.name} at {A}: expected a finite number, got "
    with reported(ValueError, message):
        ScalarGraph(len(A), [(function, *range(1, n))]).forward(A)


def test_a_partial_derivative_that_is_not_finite_is_named():
    root = Function("root", math.sqrt, (lambda a: 0.5 / math.sqrt(a),))
    for function, A, k in [(root, [0.0], 1), (sg.divide, [1.0, 1e-200], 2)]:
        n = len(A) + 1
        G = ScalarGraph(len(A), [(function, *range(1, n))])
        u = G.forward(A)
        message = f"the derivative of u({n}) = {function.name} by argument {k} at {A}: expected a f"
        with reported(ValueError, message):
            G.backward(u)
        with reported(ValueError, message):
            G.sum_over_paths(k, u)


def test_a_function_must_return_one_number():
    pair = Function("pair", lambda a: (a, a), (lambda a: 1.0,))
    with reported(TypeError, "u(2) = pair at [1.0]: expected one real number, got (1.0, 1.0)"):
        ScalarGraph(1, [(pair, 1)]).forward([1.0])
    flat = Function("flat", lambda a: 0.0, (lambda a: None,))
    G = ScalarGraph(1, [(flat, 1)])
    with reported(TypeError, "the derivative of u(2) = flat by argument 1 at [1.0]: expected one"):
        G.backward(G.forward([1.0]))


def test_a_derivative_that_grows_too_large_is_reported():
    steep = Function("steep", lambda a: a, (lambda a: 1e200,))
    G = chain_graph(steep, 2)
    u = G.forward([1.0])
    with reported(ValueError, "backward: the derivative of u(3) by u(1): expected a finite"):
        G.backward(u)
    with reported(ValueError, "sum over paths: the derivative of u(3) by u(1): expected a finite"):
        G.sum_over_paths(1, u)
    for derivative in (sg.chain_derivative_stored, sg.chain_derivative_recomputed):
        with reported(ValueError, "chain: the derivative: expected a finite number, got inf"):
            derivative(steep, 1.0)


@pytest.mark.parametrize("u", [[0.5], {1: 0.5}, {}, None, {0: 0.5, 1: 1.0, 2: 1.0, 3: 1.0}])
def test_back_propagation_needs_the_values_of_all_nodes(u):
    G = diamond()
    expected = "expected the values of nodes 1 to 4, as forward returns"
    with reported(ValueError, f"backward: {expected}"):
        G.backward(u)
    with reported(ValueError, f"sum over paths: {expected}"):
        G.sum_over_paths(1, u)


def test_values_that_are_no_numbers_are_reported():
    G = diamond()
    u = G.forward([0.5])
    with reported(ValueError, "backward: u(3): expected a finite number, got nan"):
        G.backward(u | {3: math.nan})
    with reported(TypeError, "backward: u(3): expected one real number, got None"):
        G.backward(u | {3: None})


@pytest.mark.parametrize("j", [0, 5, None])
def test_a_path_starts_at_a_node_of_the_graph(j):
    G = diamond()
    with reported(ValueError, f"paths: expected a node from 1 to 4, got {j!r}"):
        list(G.paths(j))
    with reported(ValueError, f"paths: expected a node from 1 to 4, got {j!r}"):
        G.sum_over_paths(j, G.forward([0.5]))


@pytest.mark.parametrize("derivative", [sg.chain_derivative_stored, sg.chain_derivative_recomputed])
def test_a_chain_needs_a_function_of_one_number(derivative):
    for function in (sg.add, math.sin):
        with reported(TypeError, "chain: expected a Function of one argument, got "):
            derivative(function, 0.5)
    for steps in (0, 2.5):
        with reported(ValueError, f"chain: steps must be a positive whole number, got {steps}"):
            derivative(sg.sin, 0.5, steps)
    with reported(ValueError, "chain: w: expected a finite number, got nan"):
        derivative(sg.sin, math.nan)
    with reported(TypeError, "chain: w: expected one real number, got [0.5]"):
        derivative(sg.sin, [0.5])
    with reported(ValueError, "chain = log at [0.0]: expected a finite number"):
        derivative(sg.log, 1.0)
