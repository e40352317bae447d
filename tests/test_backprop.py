"""Section 6.5.6: back-propagation as Algorithms 6.5 and 6.6, held against PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import few, rngs, smooth_values

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
    for z in (dl.sum(dl.step(x)), dl.sum(dl.broadcast_like(1.0, x)), dl.sum(x - x)):
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


# --- Deep and wide graphs ----------------------------------------------------------------------


def test_a_chain_of_100_000_nodes_has_a_gradient():
    x = dl.variable("x", ())
    V = x
    for _ in range(100_000):
        V = -V
    gradient = dl.backprop([x], V)[x]
    assert len(dl.Graph([gradient])) == 100_001  # the constant 1, turned around as often


def test_a_chain_of_10_000_nodes_runs_with_its_gradient():
    x = dl.variable("x", ())
    V = x
    for _ in range(10_000):
        V = V * 0.9999
    value, gradient = dl.compile([V, dl.backprop([x], V)[x]], [x])(2.0)
    assert_allclose(value, 2 * 0.9999**10_000)
    assert_allclose(gradient, 0.9999**10_000)


def test_the_gradients_of_5_000_consumers_are_summed():
    x = dl.variable("x", ())
    z = x * 0
    for k in range(5_000):
        z = z + k * x
    assert gradient_values([x], z, {x: 1.0})[0] == sum(range(5_000))


# --- Random graphs against PyTorch -------------------------------------------------------------

# One step builds one more node. Variables and tensors have the same operators, so that each is
# written once; everything has sizes 1 and 3 and can be combined with everything.
STEPS = {
    "add": lambda a, b, lib: a + b,
    "subtract": lambda a, b, lib: a - b,
    "multiply": lambda a, b, lib: a * b,
    "divide": lambda a, b, lib: a / (b * b + 1),
    "same twice": lambda a, b, lib: a * a - 0.5 * a,
    "matmul": lambda a, b, lib: a @ b,
    "negate": lambda a, b, lib: -a,
    "square": lambda a, b, lib: lib.square(a),
    "cube": lambda a, b, lib: a**3,
    "relu": lambda a, b, lib: lib.relu(a),
    "sum": lambda a, b, lib: lib.sum(a, 0, True) if len(a.shape) else a - 1,
    "mean": lambda a, b, lib: lib.mean(a, -1) if len(a.shape) else a - 2,
    "transpose": lambda a, b, lib: a.T if len(a.shape) == 2 else 2 - a,
    "reshape": lambda a, b, lib: a.reshape(1, 3) if tuple(a.shape) in ((3,), (3, 1)) else a + 1,
}
LEAVES = {"A": (3, 3), "B": (3, 3), "c": (3,), "d": (3, 1), "s": ()}
recipes = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 99), st.integers(0, 99)),
    min_size=5,
    max_size=30,
)


def grow(recipe, variables, tensors):
    """Build the same random graph twice; return the nodes of both."""
    variables, tensors = list(variables), list(tensors)
    for name, i, j in recipe:
        i, j = i % len(tensors), j % len(tensors)
        a, b = tensors[i], tensors[j]
        if name == "matmul" and not (
            a.ndim and b.ndim and a.shape[-1] == b.shape[max(b.ndim - 2, 0)]
        ):
            name = "add"
        if name == "relu" and a.abs().min() < 1e-6:
            name = "square"  # so near to the kink, rounding decides
        if max(a.abs().max(), b.abs().max()) > 5:
            name = "divide"  # back to a reasonable size
            j = i
        step = STEPS[name]
        variables.append(step(variables[i], variables[j], dl))
        tensors.append(step(tensors[i], tensors[j], torch))
    return variables, tensors


def scalar(variables, lib):
    """One number that depends on all of them."""
    z = 0
    for V in variables:
        z = z + lib.mean(V * 0.5 + V * V)
    return z


def assert_all_close(ours, theirs):
    for value, tensor in zip(ours, theirs, strict=True):
        expected = tensor.detach().numpy()
        scale = max(1.0, np.abs(expected).max())
        assert value.shape == expected.shape
        assert_allclose(value, expected, rtol=1e-9, atol=1e-11 * scale)


@given(recipe=recipes, rng=rngs)
@few
def test_random_graphs_have_the_gradients_of_pytorch(recipe, rng):
    values = {name: smooth_values(rng, shape) for name, shape in LEAVES.items()}
    leaves = [dl.variable(name, shape) for name, shape in LEAVES.items()]
    tensors = [torch.from_numpy(value).requires_grad_() for value in values.values()]
    nodes, torch_nodes = grow(recipe, leaves, tensors)
    for node, tensor in zip(nodes, torch_nodes, strict=True):
        assert node.shape == tuple(tensor.shape)

    # Leaves and whatever lies in the middle; the last ones always reach z.
    z, torch_z = scalar(nodes, dl), scalar(torch_nodes, torch)
    first = dl.backprop(nodes, z)
    torch_first = torch.autograd.grad(torch_z, torch_nodes, create_graph=True)
    assert_all_close(
        dl.compile([z, *first.values()], leaves)(*values.values()), [torch_z, *torch_first]
    )

    # The gradient of the gradient.
    z = scalar([*leaves, *(first[V] * 0.1 for V in leaves)], dl)
    torch_z = scalar([*tensors, *(g * 0.1 for g in torch_first[: len(tensors)])], torch)
    second = dl.backprop(leaves, z)
    torch_second = torch.autograd.grad(torch_z, tensors)
    assert_all_close(dl.compile(second.values(), leaves)(*values.values()), torch_second)


def test_no_gradient_passes_through_an_integer_or_a_bool():
    x = dl.variable("x", (3,))
    for path in (dl.sum(x * dl.astype(x, bool)), dl.sum(dl.astype(dl.astype(x, int), float))):
        with pytest.raises(dl.NotDifferentiable, match=r"passes through 'astype' \(3,\).* because"):
            dl.backprop([x], path)


def test_a_gradient_known_to_be_zero_is_not_computed():
    s = dl.variable("s", ())
    z = dl.step(s**0.5) + s  # 0 times the infinite slope of the root would be nan
    gradient = dl.backprop([s], z)[s]
    assert dl.evaluate(gradient, {s: 0.0}) == 1
    only_step = dl.backprop([s], dl.step(s))[s]
    assert dl.evaluate(only_step, {s: 0.0}) == 0


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


@pytest.mark.parametrize("size", [1e-25, 1e25])
def test_the_gradient_of_a_quotient_is_finite_where_it_can_be(size):
    a, b = dl.variable("a", (), np.float32), dl.variable("b", (), np.float32)
    gradient = dl.backprop([b], a / b)[b]
    value = dl.evaluate(gradient, {a: size, b: size})
    assert value == pytest.approx(-1 / size, rel=1e-5)
