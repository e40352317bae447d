"""Section 6.5.1: variables, graphs, and the three questions that back-propagation asks of them."""

import math
import pickle

import numpy as np
import pytest

import dlbook as dl


def figure_6_8():
    """A small graph: u = x y, v = x + 1, z = sum(u v)."""
    x, y = dl.variable("x", (2,)), dl.variable("y", (2,))
    u = (x * y).named("u")
    v = (x + 1).named("v")
    z = dl.sum(u * v).named("z")
    return x, y, u, v, z


# --- Variables ---------------------------------------------------------------------------------


def test_an_input_has_a_name_a_shape_a_dtype_and_no_operation():
    X = dl.variable("X", [None, 2])
    assert (X.name, X.shape, X.dtype, X.ndim) == ("X", (None, 2), np.float64, 2)
    assert dl.get_operation(X) is None
    assert X.inputs == ()


def test_the_dtype_of_a_variable_is_given_as_in_numpy():
    assert dl.variable("y", (None,), "int64").dtype == np.dtype(np.int64)
    assert dl.variable("x", (), np.float32).dtype == np.float32


def test_a_computed_variable_knows_its_operation_and_its_inputs():
    x, y, u, _, _ = figure_6_8()
    assert dl.get_operation(u) is dl.multiply
    assert u.inputs == (x, y)


def test_naming_a_variable_returns_it():
    x = dl.variable("x", ())
    y = x * x
    assert y.named("y") is y
    assert y.name == "y"


def layer():
    X, W, c = dl.variable("X", (None, 2)), dl.variable("W", (2, 3)), dl.variable("c", (3,))
    return X, W, c, dl.relu(X @ W + c)


def test_an_input_shows_its_name_its_shape_and_its_dtype():
    assert repr(dl.variable("X", (None, 2))) == "<X, shape (None, 2), float64>"
    assert repr(dl.variable("v", (2,), np.float32)) == "<v, shape (2,), float32>"
    assert repr(dl.variable("s", (), int)) == "<s, shape (), int64>"
    assert str(dl.variable("s", ())) == "s"


def test_a_computed_variable_shows_its_formula():
    *_, h = layer()
    assert repr(h) == "<relu(add(matmul(X, W), c)), shape (None, 3), float64>"
    assert repr(h.named("h")) == "<h = relu(add(matmul(X, W), c)), shape (None, 3), float64>"
    assert str(h) == "relu(add(matmul(X, W), c))"


def test_a_formula_goes_down_to_what_has_a_name_of_its_own():
    X, _, _, h = layer()
    assert str(dl.sum(h.named("h"), axis=0)) == "sum(h, axes=(0,))"
    assert str(X + dl.constant([1.0, 2.0], name="shift")) == "add(X, shift)"
    assert str(X + dl.constant([1.0, 2.0])) == "add(X, constant)"


def test_a_constant_that_is_one_number_shows_it():
    x = dl.variable("x", (3,))
    assert str(x * 2 + 0.5) == "add(multiply(x, 2), 0.5)"
    assert str(x + np.array([[-1.5]])) == "add(x, -1.5)"
    assert repr(dl.constant(2.0)) == "<2, shape (), float64>"
    assert repr(dl.constant(2.0, name="lambda")) == "<lambda = 2, shape (), float64>"


def test_the_settings_of_an_operation_stand_in_a_formula_as_one_types_them():
    A, rows = dl.variable("A", (2, 3)), dl.variable("rows", (4,), int)
    assert str(dl.sum(A, 0, keepdims=True)) == "sum(A, axes=(0,), keepdims=True)"
    assert str(dl.mean(A, 1)) == "mean(A, axes=(1,))"
    assert str(A[0]) == "A[0]" and str(A[..., 1:3:2]) == "A[..., 1:3:2]"
    assert str(A[rows, 1]) == "A[rows, 1]"
    assert str(A**3) == "power(A, exponent=3.0)"
    assert str(A.argmax()) == "argmax(A)"
    assert str(dl.max_and_index(A)[0]) == "max_and_index(A, axis=1)[0]"
    assert str(A.astype(np.float32)) == "astype(A, dtype='float32')"
    gradient = dl.backprop([A], dl.sum(A[0, :2]))[A]
    assert str(gradient).endswith(", A, [0, :2])")


def test_an_operation_of_ones_own_shows_its_settings_and_keeps_its_secrets():
    class Scale(dl.Operation):
        name = "scale"

        def __init__(self, by, table):
            self.by, self.inverse, self._seen = by, False, {}
            self.table = table

        def infer_shape(self, z):
            return z.shape

        def f(self, z):
            return z * self.by

    x = dl.variable("x", ())
    assert str(Scale(2, math.sin)(x)) == "scale(x, by=2, table=sin)"
    assert str(Scale(2, "a" * 1000)(x)) == f"scale(x, by=2, table='{'a' * 56}...)"
    assert " at 0x" not in str(Scale(2, object())(x)) + str(Scale(2, lambda z: z)(x))


def test_a_formula_that_is_too_long_is_cut_off():
    x = dl.variable("x", ())
    V = x
    for _ in range(100_000):
        V = -V
    assert str(V).startswith("negate(negate(") and str(V).endswith("negate(...)" + ")" * 11)
    many = dl.stack([x + i for i in range(30)])
    assert str(many) == "stack(add(x, 0), add(x, 1), add(x, 2), ..., add(x, 29), axis=0)"
    for _ in range(1000):
        x = x * x + x
    assert len(str(x)) <= 100 and str(x).startswith("add(multiply(add(...), add(...)), add(")
    assert repr(dl.variable("a\nb " * 1000, ())).startswith("<a b a b") and len(repr(x)) < 150
    assert len(repr(dl.variable("ab" * 1000, ()))) < 100


def test_a_graph_shows_a_line_for_each_variable():
    X, _, _, h = layer()
    assert repr(dl.Graph(h.named("h"))) == (
        "Graph of 6 variables\n"
        "    X, shape (None, 2), float64\n"
        "    W, shape (2, 3), float64\n"
        "    c, shape (3,), float64\n"
        "    matmul(X, W), shape (None, 3), float64\n"
        "    add(matmul(X, W), c), shape (None, 3), float64\n"
        "    h = relu(add(matmul(X, W), c)), shape (None, 3), float64"
    )
    assert repr(dl.Graph(X)) == "Graph of 1 variable\n    X, shape (None, 2), float64"
    assert repr(dl.Graph()) == "Graph of 0 variables"


def test_a_large_graph_shows_its_beginning_and_its_end():
    V = dl.variable("x", ())
    for _ in range(5000):
        V = dl.sin(V)
    title, *lines = repr(dl.Graph(V.named("z"))).splitlines()
    assert title == "Graph of 5,001 variables" and len(lines) == 21
    assert lines[0] == "    x, shape (), float64" and lines[10] == "    ... 4,981 more ..."
    assert lines[-1].startswith("    z = sin(sin(")


def test_variables_are_equal_only_to_themselves():
    a, b = dl.variable("a", ()), dl.variable("a", ())
    assert a != b
    assert len({a, b, a}) == 2


@pytest.mark.parametrize(
    ("name", "shape", "error", "message"),
    [
        ("", (2,), TypeError, "variable: the name must be a text, got ''"),
        (3, (2,), TypeError, "variable: the name must be a text, got 3"),
        ("X", 2, TypeError, r"variable 'X': the shape must be a tuple such as \(None, 2\), got 2"),
        ("X", None, TypeError, "variable 'X': the shape must be a tuple .* got None"),
        ("X", (0, 2), ValueError, r"variable 'X': each size must be .* got 0 in \(0, 2\)"),
        ("X", (-1, 2), ValueError, r"variable 'X': .* got -1 in \(-1, 2\)"),
        ("X", (2.0,), ValueError, r"variable 'X': .* got 2.0"),
        ("X", (True,), ValueError, r"variable 'X': .* got True"),
        ("X", "ab", ValueError, r"variable 'X': .* got 'a'"),
    ],
)
def test_a_wrong_name_or_shape_is_reported(name, shape, error, message):
    with pytest.raises(error, match=message):
        dl.variable(name, shape)


def test_sizes_may_be_integers_of_numpy():
    V = dl.variable("V", (np.int64(2), None))
    assert V.shape == (2, None)
    assert type(V.shape[0]) is int


def test_a_variable_has_no_truth_value():
    x = dl.variable("x", ())
    with pytest.raises(TypeError, match=r"'x' has no value before the graph runs; .*evaluate"):
        bool(x)
    with pytest.raises(TypeError, match="not iterable"):
        list(x)


# --- Graphs ------------------------------------------------------------------------------------


def test_a_graph_holds_what_its_outputs_depend_on_and_nothing_else():
    x, y, u, v, z = figure_6_8()
    unrelated = x * 3
    G = dl.Graph(z)
    for V in (x, y, u, v, z):
        assert V in G
    assert unrelated not in G
    assert "x" not in G
    assert len(G) == 7  # the five, the constant 1, and u v
    assert len(dl.Graph([u, v])) == 5
    assert len(dl.Graph()) == 0


def test_iterating_a_graph_gives_inputs_before_what_is_computed_from_them():
    x, y, u, v, z = figure_6_8()
    for G in (dl.Graph([z]), dl.Graph([v, u, z, x, y])):
        order = list(G)
        assert len(order) == len(set(order)) == len(G)
        for V in order:
            assert all(order.index(U) < order.index(V) for U in V.inputs)
        assert list(reversed(G)) == order[::-1]


def test_the_order_holds_when_variables_are_inserted_one_after_another():
    _, _, u, v, z = figure_6_8()
    late, early = dl.Graph([z]), dl.Graph()
    for V in (v, u, z):
        early.insert(V)
    early.insert(z)
    assert list(late) == list(early)


def test_get_consumers_gives_the_children_in_the_graph_each_once():
    x, y, u, v, z = figure_6_8()
    twice = u * u
    G = dl.Graph([z, twice])
    assert dl.get_consumers(x, G) == [u, v]
    assert dl.get_consumers(y, G) == [u]
    assert twice in dl.get_consumers(u, G)
    assert dl.get_consumers(u, G).count(twice) == 1
    assert dl.get_consumers(z, G) == []


def test_get_consumers_ignores_what_is_outside_of_the_graph():
    _, _, u, _, z = figure_6_8()
    outside = u * 5
    assert outside not in dl.get_consumers(u, dl.Graph([z]))


def test_get_inputs_gives_the_parents_in_order_and_equal_ones_twice():
    x, y, u, _, _ = figure_6_8()
    twice = x * x
    G = dl.Graph([u, twice])
    assert dl.get_inputs(u, G) == [x, y]
    assert dl.get_inputs(twice, G) == [x, x]
    assert dl.get_inputs(x, G) == []


def test_the_lists_that_a_graph_answers_with_may_be_changed():
    x, _, u, v, z = figure_6_8()
    G = dl.Graph([z])
    dl.get_consumers(x, G).clear()
    dl.get_inputs(u, G).clear()
    assert dl.get_consumers(x, G) == [u, v]
    assert len(dl.get_inputs(u, G)) == 2


@pytest.mark.parametrize("question", [dl.get_consumers, dl.get_inputs])
def test_asking_a_graph_about_a_variable_that_it_lacks_is_an_error(question):
    x, _, _, _, z = figure_6_8()
    with pytest.raises(ValueError, match=rf"{question.__name__}: <stranger.* graph of 7"):
        question(dl.variable("stranger", ()), dl.Graph([z]))
    with pytest.raises(ValueError, match="graph of 0 variables"):
        question(x, dl.Graph())


def test_inserting_a_variable_inserts_the_operations_that_create_it():
    x, y, u, _, _ = figure_6_8()
    G = dl.Graph([x])
    G.insert(u)
    assert list(G) == [x, y, u]
    assert dl.get_consumers(x, G) == [u]


def test_pruning_leaves_the_ancestors_of_z_that_descend_from_a_target():
    x, y, u, v, z = figure_6_8()
    product = z.inputs[0]
    after = z * 2
    G = dl.Graph([after])
    assert list(G.pruned([y], z)) == [y, u, product, z]
    assert list(G.pruned([v], z)) == [v, product, z]
    assert list(G.pruned([x], z)) == [x, u, v, product, z]
    assert list(G.pruned([], z)) == []
    assert after not in G.pruned([x, y], z)


def test_a_pruned_graph_still_knows_all_inputs_of_an_operation():
    x, y, u, _, z = figure_6_8()
    G_prime = dl.Graph([z]).pruned([y], z)
    assert x not in G_prime
    assert dl.get_inputs(u, G_prime) == [x, y]
    assert dl.get_consumers(y, G_prime) == [u]


def test_pruning_leaves_the_graph_itself_as_it_was():
    x, y, _, _, z = figure_6_8()
    G = dl.Graph([z])
    before = list(G)
    G.pruned([y], z)
    assert list(G) == before
    assert len(dl.get_consumers(x, G)) == 2


def test_a_long_chain_becomes_a_graph_without_recursion():
    x = dl.variable("x", ())
    V = x
    for _ in range(20_000):
        V = -V
    G = dl.Graph(V)
    assert len(G) == 20_001
    assert next(iter(G)) is x
    assert len(G.pruned([x], V)) == 20_001


def test_a_graph_survives_a_journey_to_another_process():
    x = dl.variable("x", (2,))
    z = dl.sum(dl.relu(x) * x)
    z, x = pickle.loads(pickle.dumps((z, x)))
    gradient = dl.backprop([x], z)[x]
    assert dl.evaluate(gradient, {x: np.array([3.0, -1.0])}).tolist() == [6, 0]


def test_comparing_variables_with_equals_signs_does_not_end_up_in_a_graph():
    x = dl.variable("x", (2,))
    with pytest.raises(TypeError, match=r"multiply: an input must be .* got bool"):
        x * (x == 0)


def test_operations_with_equal_settings_are_equal():
    x = dl.variable("x", (2, 3))
    first, second, other = dl.sum(x, axis=0), dl.sum(x, axis=-2), dl.sum(x, axis=1)
    assert dl.get_operation(first) == dl.get_operation(second)
    assert hash(dl.get_operation(first)) == hash(dl.get_operation(second))
    assert dl.get_operation(first) != dl.get_operation(other)
    assert dl.get_operation(dl.constant(1.0)) == dl.get_operation(dl.constant(1.0))
    assert dl.get_operation(dl.constant(1.0)) != dl.get_operation(dl.constant(1))
    assert dl.get_operation(dl.constant(0.0)) != dl.get_operation(dl.constant(-0.0))


@pytest.mark.parametrize("dtype", [np.float16, complex, object])
def test_a_variable_has_a_usual_dtype(dtype):
    with pytest.raises(TypeError, match="variable 'x': needs float32, float64, integers or bools"):
        dl.variable("x", (2,), dtype)
