"""Section 6.5.6: back-propagation as Algorithms 6.5 and 6.6, and on deep and wide graphs.

Its gradients are held against PyTorch in ``test_random_graphs.py``; where a gradient is not
defined is tested for both modes in ``test_forward_mode.py``.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import dlbook as dl


def gradient_values(targets, z, values):
    gradients = dl.backprop(targets, z)
    return dl.compile(gradients.values(), values)(*values.values())


# --- Algorithms 6.5 and 6.6 --------------------------------------------------------------------


def small_graph():
    """A variable that reaches z over two paths, and one that is used twice by one operation."""
    x, y = dl.variable("x", ()), dl.variable("y", ())
    u = (x * y).named("u")
    z = (u * u + x).named("z")
    return x, y, u, z


def test_build_grad_by_hand_equals_backprop():
    x, y, _, z = small_graph()
    G = dl.Graph([z])
    G_prime = G.pruned([x, y], z)
    grad_table = {z: dl.constant(1.0)}
    for V in (x, y):
        dl.build_grad(V, G, G_prime, grad_table)
    values = {x: 3.0, y: 5.0}
    by_hand = [dl.evaluate(grad_table[V], values) for V in (x, y)]
    assert by_hand == [2 * 3 * 25 + 1, 2 * 9 * 5]
    assert by_hand == gradient_values([x, y], z, values)


def test_build_grad_fills_the_table_for_all_between_target_and_z():
    x, y, u, z = small_graph()
    G = dl.Graph([z])
    square = next(V for V in G if V.inputs == (u, u))
    grad_table = {z: dl.constant(1.0)}
    gradient = dl.build_grad(y, G, G.pruned([y], z), grad_table)
    assert grad_table[y] is gradient
    assert set(grad_table) == {y, u, square, z}
    assert x not in grad_table


def test_build_grad_returns_what_is_in_the_table_already():
    x, y, u, z = small_graph()
    G = dl.Graph([z])
    seven = dl.constant(7.0)
    grad_table = {z: dl.constant(1.0), u: seven}
    G_prime = G.pruned([x, y], z)
    assert dl.build_grad(u, G, G_prime, grad_table) is seven
    gradient = dl.build_grad(y, G, G_prime, grad_table)
    assert dl.evaluate(gradient, {x: 3.0, y: 5.0}) == 7 * 3
    assert set(grad_table) == {z, u, y}


def test_build_grad_inserts_the_gradient_and_what_creates_it_in_the_graph():
    _, y, _, z = small_graph()
    G = dl.Graph([z])
    before = len(G)
    gradient = dl.build_grad(y, G, G.pruned([y], z), {z: dl.constant(1.0)})
    assert gradient in G
    assert len(G) > before
    assert all(U in G for U in gradient.inputs)
    assert gradient.inputs[0] in G
    assert any(C is gradient for U in gradient.inputs for C in dl.get_consumers(U, G))


def test_build_grad_is_an_error_for_a_node_that_does_not_take_part():
    x, y, _, z = small_graph()
    G = dl.Graph([z])
    with pytest.raises(ValueError, match=r"get_consumers: <x, .* is not in this graph of 4"):
        dl.build_grad(x, G, G.pruned([y], z), {z: dl.constant(1.0)})


# --- Names of gradients ------------------------------------------------------------------------


def test_the_gradient_on_W_is_called_grad_W_in_the_graph_and_in_the_program():
    X, W, c = dl.variable("X", (4, 2)), dl.variable("W", (2,)), dl.variable("c", ())
    y = dl.variable("y", (4,))
    J = dl.mean((X @ W + c - y) ** 2).named("J")
    gradients = dl.backprop([W, c], J)
    assert [G.name for G in gradients.values()] == ["grad_W", "grad_c"]
    source = dl.compile([J, *gradients.values()], [X, W, c, y]).source
    assert "\ngrad_W = " in source and "    grad_c = " in source  # a view, and a line
    assert source.endswith("return [J, grad_W.copy(), grad_c]\n")


def test_a_gradient_that_passes_through_what_has_no_name_is_called_after_the_target():
    x = dl.variable("x", (3,))
    total = dl.sum((x + 1.0) ** 2)  # the gradient on x + 1 is that on x
    gradient = dl.backprop([x], total)[x]
    assert gradient.name == "grad_x" and str(gradient).startswith("multiply(")
    product = dl.variable("y", ()) * x
    unnamed = dl.backprop([product], dl.sum(dl.sin(product)))[product]
    assert unnamed.name == "multiply"  # there is no name to call it after


def test_a_gradient_of_zero_has_a_name_too():
    x = dl.variable("x", (3,))
    gradient = dl.backprop([x], dl.sum(dl.sign(x)))[x]
    assert gradient.name == "grad_x" and str(gradient) == "broadcast_like(0, x)"


def test_a_gradient_that_has_a_name_keeps_it():
    x, y = dl.variable("x", ()), dl.variable("y", ())
    both = dl.backprop([x, y], (x + y) ** 2)
    assert (
        both[x] is both[y] and both[x].name == "grad_y"
    )  # the one that came first on the way back
    assert dl.backprop([x], x + y)[x].name == "1"


def test_gradients_of_gradients_say_so():
    x = dl.variable("x", ())
    slope = dl.backprop([x], dl.sin(x) * x)[x]
    assert dl.backprop([x], slope)[x].name == "grad_x"
    assert dl.backprop([slope], slope * slope)[slope].name == "grad_grad_x"


def test_no_variable_of_the_graph_is_renamed_even_by_a_wrong_rule():
    class Wrong(dl.Operation):
        name = "wrong"

        def infer_shape(self, *inputs):
            return ()

        def f(self, a, b):
            return a

        def bprop(self, inputs, X, G):
            return inputs[1]

    x, y = dl.variable("x", ()), dl.variable("y", ())
    middle, factor = dl.sin(x), dl.sin(y)
    inner = (x + middle).named("inner")
    for z in (Wrong()(inner, factor), Wrong()(inner, x * x), Wrong()(middle, middle)):
        names = {V: V.name for V in dl.Graph([z, factor])}
        dl.backprop([x], z)
        assert {V: V.name for V in names} == names


def test_what_starts_the_table_keeps_its_name():
    x, y = dl.variable("x", ()), dl.variable("y", ())
    z = (x + y).named("z")
    G, G_prime = dl.Graph([z]), dl.Graph([z]).pruned([x], z)
    start = dl.exp(y)
    assert dl.build_grad(x, G, G_prime, {z: start}) is start and start.name == "exp"


def test_what_is_computed_again_keeps_its_names_and_the_gradient_gets_one():
    x = dl.variable("x", (3,))
    h = dl.sin(x).named("h")
    z = dl.sum(dl.exp(h) * h)
    gradient = dl.backprop([x], z, checkpoints=[])[x]
    names = {V.name for V in dl.Graph(gradient)}
    assert gradient.name == "grad_x" and {"grad_h", "h", "x"} <= names


def test_backprop_leaves_the_graph_of_z_as_it_was():
    x, y, _, z = small_graph()
    before = list(dl.Graph([z]))
    dl.backprop([x, y], z)
    assert list(dl.Graph([z])) == before


def test_backprop_gives_the_gradients_in_the_order_of_the_targets():
    x, y, u, z = small_graph()
    assert list(dl.backprop([y, u, x], z)) == [y, u, x]
    assert list(dl.backprop((V for V in (x, y)), z)) == [x, y]
    assert list(dl.backprop(x, z)) == [x]
    assert dl.backprop([], z) == {}


def test_the_gradient_of_z_with_respect_to_itself_is_1():
    x, _, _, z = small_graph()
    gradients = dl.backprop([z, x], z)
    assert dl.evaluate(gradients[z], {}) == 1


def test_no_gradient_is_built_for_what_was_not_asked_for():
    x, W = dl.variable("x", (3,)), dl.variable("W", (3, 3))
    z = dl.sum(dl.relu(x @ W))
    matmuls = [V for V in dl.Graph([dl.backprop([W], z)[W]]) if V.operation is dl.matmul]
    assert len(matmuls) == 2  # x W, which the rectifier needs, and x^T G; no G W^T


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_have_the_shapes_and_the_dtype_of_their_targets(dtype):
    X, W, c = (
        dl.variable("X", (None, 3), dtype),
        dl.variable("W", (3, 2), dtype),
        dl.variable("c", (2,), dtype),
    )
    J = dl.mean(dl.relu(X @ W + c) ** 2 / 2)
    gradients = dl.backprop([X, W, c], J)
    for V, gradient in gradients.items():
        assert (gradient.shape, gradient.dtype) == (V.shape, V.dtype)
    values = [np.ones((5, 3), dtype), np.ones((3, 2), dtype), np.ones(2, dtype)]
    for gradient, value in zip(
        dl.compile(gradients.values(), [X, W, c])(*values), values, strict=True
    ):
        assert (gradient.shape, gradient.dtype) == (value.shape, value.dtype)


def test_a_gradient_has_the_dtype_of_its_target_also_where_dtypes_mix():
    w, x = dl.variable("w", (3,), np.float32), dl.variable("x", (3,))
    assert dl.backprop([w], dl.sum(w * x))[w].dtype == np.float32


def test_a_gradient_with_respect_to_any_number_of_examples():
    X = dl.variable("X", (None, 2))
    gradient = dl.backprop([X], dl.sum(X * X))[X]
    assert gradient.shape == (None, 2)
    program = dl.compile([gradient], [X])
    for m in (1, 2, 7):
        X_value = np.arange(2.0 * m).reshape(m, 2)
        assert_array_equal(program(X_value)[0], 2 * X_value)


def test_a_target_may_lie_in_the_middle_of_the_graph():
    x, y, u, z = small_graph()
    values = {x: 3.0, y: 5.0}
    assert dl.evaluate(dl.backprop([u], z)[u], values) == 2 * 15
    both = dl.backprop([u, x], z)
    assert dl.evaluate(both[u], values) == 2 * 15
    assert dl.evaluate(both[x], values) == 2 * 15 * 5 + 1


def test_a_constant_may_be_a_target():
    x = dl.variable("x", (2,))
    c = dl.constant([3.0, 4.0])
    assert_array_equal(gradient_values([c], dl.sum(x * c * c), {x: np.ones(2)})[0], [6.0, 8.0])


def test_what_only_passes_where_nothing_depends_on_it_has_the_gradient_0():
    x = dl.variable("x", (2,))
    for z in (dl.sum(dl.heaviside(x)), dl.sum(dl.broadcast_like(1.0, x)), dl.sum(x - x)):
        assert_array_equal(gradient_values([x], z, {x: np.array([1.0, -1.0])})[0], [0.0, 0.0])


def test_an_integer_may_stand_beside_the_path_of_the_gradient():
    x, n = dl.variable("x", (2,)), dl.variable("n", (2,), np.int64)
    z = dl.sum(x * n)
    assert_array_equal(gradient_values([x], z, {x: np.ones(2), n: np.array([2, 3])})[0], [2.0, 3.0])


def test_a_gradient_is_a_graph_that_can_be_differentiated_again():
    x = dl.variable("x", ())
    first = dl.backprop([x], x**4)[x]
    second = dl.backprop([x], first)[x]
    third = dl.backprop([x], second)[x]
    assert [dl.evaluate(V, {x: 2.0}) for V in (first, second, third)] == [32.0, 48.0, 48.0]


def test_a_gradient_known_to_be_zero_is_not_computed():
    s = dl.variable("s", ())
    z = dl.heaviside(s**0.5) + s  # 0 times the infinite slope of the root would be nan
    gradient = dl.backprop([s], z)[s]
    assert dl.evaluate(gradient, {s: 0.0}) == 1
    only_step = dl.backprop([s], dl.heaviside(s))[s]
    assert dl.evaluate(only_step, {s: 0.0}) == 0


@pytest.mark.parametrize("size", [1e-25, 1e25])
def test_the_gradient_of_a_quotient_is_finite_where_it_can_be(size):
    a, b = dl.variable("a", (), np.float32), dl.variable("b", (), np.float32)
    gradient = dl.backprop([b], a / b)[b]
    value = dl.evaluate(gradient, {a: size, b: size})
    assert value == pytest.approx(-1 / size, rel=1e-5)


def test_equal_inputs_count_as_distinct():
    x = dl.variable("x", (2,))
    value = np.array([0.25, 0.75])
    for z, slope in [
        (dl.sum(x * x), 2 * value),
        (dl.sum(x / x), [0, 0]),
        (dl.sum(x - x), [0, 0]),
        (dl.sum(dl.maximum(x, x)), [1, 1]),
        (dl.sum(dl.where(x > 0.5, x, x)), [1, 1]),
        (dl.sum(dl.concatenate([x, x, x])), [3, 3]),
        (dl.sum(dl.stack([x, x]) ** 2), 4 * value),
        (dl.dot(x, x), 2 * value),
        (dl.sum((x * x) * (x * x)), 4 * value**3),
        (dl.cross_entropy(x, x), -dl.evaluate(dl.log_softmax(x), {x: value}) + np.exp(value)
         / np.exp(value).sum() - value),
    ]:  # fmt: skip
        assert_allclose(gradient_values([x], z, {x: value})[0], slope, rtol=1e-14, atol=1e-14)


def test_the_gradient_of_a_sum_over_several_paths_is_the_sum_over_the_paths():
    x = dl.variable("x", ())
    a = dl.sin(x)
    b, c = a * 3, a**2
    z = b * c + a
    slope = np.cos(0.5) * (9 * np.sin(0.5) ** 2 + 1)
    assert_allclose(gradient_values([x], z, {x: 0.5})[0], slope, rtol=1e-15)


def test_gradients_of_two_costs_do_not_disturb_each_other():
    x = dl.variable("x", ())
    h = x * x
    one, other = h * 3, dl.exp(h)
    first = dl.backprop([x], one)[x]
    second = dl.backprop([x], other)[x]
    again = dl.backprop([x], one)[x]
    values = dl.compile([first, second, again], [x])(2.0)
    assert values == [12, 4 * np.exp(4.0), 12]


# --- Errors ------------------------------------------------------------------------------------


def test_only_a_scalar_can_be_differentiated():
    x = dl.variable("x", (2, 3))
    message = r"backprop: .* scalar, but 'h' has the shape \(2, 3\); reduce it with a sum"
    with pytest.raises(ValueError, match=message):
        dl.backprop([x], dl.relu(x).named("h"))
    X = dl.variable("X", (None,))
    with pytest.raises(ValueError, match=r"'X' has the shape \(None,\)"):
        dl.backprop([X], X)
    with pytest.raises(ValueError, match=r"has the shape \(1, 1\)"):
        dl.backprop([x], dl.sum(x, keepdims=True))


def test_only_an_ancestor_of_z_can_be_a_target():
    x, stranger = dl.variable("x", ()), dl.variable("stranger", ())
    z = (x * x).named("z")
    with pytest.raises(ValueError, match="backprop: 'stranger' is not an ancestor of 'z'"):
        dl.backprop([x, stranger], z)
    with pytest.raises(ValueError, match="backprop: 'later' is not an ancestor of 'z'"):
        dl.backprop([(z * 2).named("later")], z)


def test_an_integer_has_no_gradient():
    n, x = dl.variable("n", (2,), np.int64), dl.variable("x", (2,))
    with pytest.raises(dl.NotDifferentiable, match="backprop: 'n' is int64; a gradient needs"):
        dl.backprop([x, n], dl.sum(x * n))
    with pytest.raises(dl.NotDifferentiable, match="backprop: 'z' is int64"):
        dl.backprop([n], dl.sum(n).named("z"))


def test_an_operation_without_a_gradient_stops_back_propagation():
    class Round(dl.Operation):
        name = "round"

        def infer_shape(self, A):
            return A.shape

    x = dl.variable("x", (2,))
    with pytest.raises(dl.NotDifferentiable, match="round: its gradient is not defined"):
        dl.backprop([x], dl.sum(Round()(x)))


def test_the_gradient_that_reaches_an_integer_or_a_bool_is_zero():
    x, value = dl.variable("x", (3,)), np.array([0.5, -1.5, 2.5])
    for z, slope in [
        (dl.sum(x * dl.astype(x, bool)), [1, 1, 1]),
        (dl.sum(dl.astype(dl.astype(x, int), float)), [0, 0, 0]),
        (dl.sum(x * dl.astype(x, int)), [0, -1, 2]),
    ]:
        assert_array_equal(dl.evaluate(dl.backprop([x], z)[x], {x: value}), slope)


def test_a_path_through_jumps_is_not_walked():
    class Ruleless(dl.Operation):
        name = "ruleless"

        def infer_shape(self, A):
            return A.shape

    x = dl.variable("x", (2,))
    behind_a_jump = Ruleless()((x > 0).astype(float))
    before_a_jump = Ruleless()(x) > 0
    for z in (dl.sum(x * behind_a_jump), dl.sum(dl.where(before_a_jump, x, 2 * x))):
        dl.backprop([x], z)
        dl.jvp(z, {x: np.ones(2)})


def test_a_bprop_of_the_wrong_shape_is_an_error():
    class Careless(dl.Operation):
        name = "careless"

        def infer_shape(self, a):
            return a.shape

        def f(self, a):
            return a

        def bprop(self, inputs, X, G):
            return dl.sum(G)

    x = dl.variable("x", (3,))
    with pytest.raises(ValueError, match=r"bprop of careless gave .* \(\) for 'x' of shape \(3,\)"):
        dl.backprop([x], dl.sum(Careless()(x)))


def test_z_and_the_targets_must_be_variables():
    x = dl.variable("x", ())
    with pytest.raises(TypeError, match=r"^backprop: .*variables, got 3\.0"):
        dl.backprop([x], 3.0)
    with pytest.raises(TypeError, match=r"^backprop: .*variables, got 'x'"):
        dl.backprop(["x"], x * x)
    with pytest.raises(TypeError, match=r"^backprop: .*variables, got \[<x, "):
        dl.backprop([[x]], x * x)


def test_an_error_in_the_middle_of_the_way_back_names_the_operation():
    class Stubborn(dl.Operation):
        name = "stubborn"

        def infer_shape(self, a):
            return a.shape

        def bprop(self, inputs, X, G):
            raise dl.NotDifferentiable(f"{self.name}: not for '{X.name}'")

    x, y = dl.variable("x", (2,)), dl.variable("y", (2,))
    z = dl.sum(dl.tanh(Stubborn()(dl.relu(x).named("h"))) * y)
    with pytest.raises(dl.NotDifferentiable, match=r"^stubborn: not for 'h'"):
        dl.backprop([x], z)
    dl.backprop([y], z)  # there its bprop is not asked for


def test_what_is_not_differentiable_is_a_type_error():
    assert issubclass(dl.NotDifferentiable, TypeError)


# --- Deep and wide graphs ----------------------------------------------------------------------


def chain(n, f, shape=()):
    """f(f(... f(x))), n times."""
    x = V = dl.variable("x", shape)
    for _ in range(n):
        V = f(V)
    return x, V


@pytest.mark.slow
def test_a_chain_of_100_000_nodes_has_a_gradient():
    x, z = chain(100_000, lambda V: -V)
    gradient = dl.backprop([x], z)[x]
    assert len(dl.Graph([gradient])) == 100_001  # the constant 1, turned around as often
    (simple,) = dl.simplify([gradient])
    assert len(dl.Graph([simple])) == 1
    assert dl.evaluate(gradient, {}) == 1


@pytest.mark.exhaustive
def test_a_chain_of_100_000_nonlinear_nodes_is_built_and_differentiated_and_runs():
    x, z = chain(100_000, dl.sin)
    gradient = dl.backprop([x], z)[x]
    assert len(dl.Graph([gradient])) > 200_000
    # The sine takes x^3 / 6 off: from step to step 1 / x^2 grows by about 1 / 3.
    assert_allclose(dl.evaluate(z, {x: 1.0}), (1 / 3 * 100_000) ** -0.5, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "how"),
    [(100_000, {}), (30_000, {"simplify": False}), (20_000, {"backend": "torch"})],
    ids=str,
)
def test_a_chain_of_100_000_nodes_runs_with_its_gradient(n, how):
    w = dl.variable("w", ())
    x, z = chain(n, lambda V: V * w)
    gradient = dl.backprop([x], z)[x]
    value, slope = dl.compile([z, gradient], [x, w], **how)(2.0, 0.99999)
    assert_allclose(value, 2 * 0.99999**n, rtol=1e-9)
    assert_allclose(slope, 0.99999**n, rtol=1e-9)


@pytest.mark.slow
def test_a_weight_that_is_used_10_000_times_has_the_sum_of_all_gradients():
    w = dl.variable("w", (3,))
    x, h = chain(10_000, lambda V: V * w, shape=(3,))
    z = dl.sum(h)
    gradients = dl.backprop([x, w], z)
    assert len(dl.simplify(gradients.values())) == 2
    program = dl.compile([z, *gradients.values()], [x, w])
    rates = np.array([0.9999, 1.0, 1.0001])
    value, for_x, for_w = program(np.full(3, 2.0), rates)
    assert_allclose(value, 2 * (rates**10_000).sum(), rtol=1e-9)
    assert_allclose(for_x, rates**10_000, rtol=1e-9)
    assert_allclose(for_w, 2 * 10_000 * rates**9_999, rtol=1e-9)


@pytest.mark.slow
def test_forward_mode_goes_through_100_000_nodes():
    w = dl.variable("w", ())
    x, z = chain(100_000, lambda V: V * w)
    derivative = dl.jvp(z, {x: 1.0})
    value = dl.evaluate(derivative, {w: 0.99999}, simplify=False)
    assert_allclose(value, 0.99999**100_000, rtol=1e-9)


@pytest.mark.slow
def test_a_chain_of_10_000_nodes_has_a_second_derivative():
    x, z = chain(10_000, dl.sin)
    first = dl.backprop([x], z)[x]
    second = dl.backprop([x], first)[x]
    assert len(dl.Graph([dl.jvp(first, {x: 1.0})])) > 50_000
    program, step = dl.compile([second, first], [x], simplify=False), 1e-4
    difference = (program(0.5 + step)[1] - program(0.5 - step)[1]) / (2 * step)
    assert_allclose(program(0.5)[0], difference, rtol=1e-5)


def test_the_gradients_of_5_000_consumers_are_summed():
    x = dl.variable("x", ())
    z = x * 0
    for k in range(5_000):
        z = z + k * x
    assert gradient_values([x], z, {x: 1.0})[0] == sum(range(5_000))


@pytest.mark.slow
def test_5_000_consumers_have_a_second_derivative():
    x = dl.variable("x", ())
    rates = np.arange(5_000) / 5_000
    z = sum(dl.sin(x * float(rate)) for rate in rates)
    first = dl.backprop([x], z)[x]
    second = dl.backprop([x], first)[x]
    values = dl.compile([first, second, dl.jvp(first, {x: 1.0})], [x])(0.5)
    assert_allclose(values[0], (rates * np.cos(rates / 2)).sum(), rtol=1e-12)
    assert_allclose(values[1:], -(rates**2 * np.sin(rates / 2)).sum(), rtol=1e-12)


@pytest.mark.slow
def test_one_operation_may_have_2_000_inputs():
    leaves = [dl.variable(f"x{i}", ()) for i in range(2_000)]
    z = dl.sum(dl.stack(leaves) ** 2) / 2
    gradients = dl.backprop(leaves, z)
    values = np.arange(2_000.0)
    results = dl.compile(gradients.values(), leaves, simplify=False)(*values)
    assert_array_equal(results, values)
    x = leaves[0]
    same = dl.sum(dl.stack([x] * 2_000) * values)
    assert gradient_values([x], same, {x: 1.0})[0] == values.sum()


@pytest.mark.slow
def test_a_deep_graph_is_forgotten_without_recursion():
    x, z = chain(100_000, lambda V: V + V)
    gradient = dl.backprop([x], z)[x]
    del z, gradient  # Python takes the graph apart from its end
    assert dl.evaluate(x * 1, {x: 2.0}) == 2
