"""Section 6.5.9: forward mode gives what back-propagation gives, from the other end."""

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from random_graphs import FUNCTIONS, OPERATORS
from strategies import few, rngs, smooth_values

import dlbook as dl

F = torch.nn.functional

# PyTorch's own forward mode sets itself up by something that it will not have for long.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")

PROGRAMS = [{}, {"simplify": False}, {"backend": "torch"}]

# Of a and b, with shapes (None, 3) and (3, 3): dlbook's function and PyTorch's.
TWINS = {
    **{name: (f, f) for name, f in OPERATORS.items()},
    **{
        name: (lambda a, b, f=ours: f(a), lambda a, b, f=theirs: f(a))
        for name, (ours, theirs, _) in FUNCTIONS.items()
    },
    "matmul": (lambda a, b: a @ b, lambda a, b: a @ b),
    "matmul with itself": (lambda a, b: b @ b, lambda a, b: b @ b),
    "row times matrix": (lambda a, b: a[0] @ b, lambda a, b: a[0] @ b),
    "matrix times column": (lambda a, b: a @ b[:, 0], lambda a, b: a @ b[:, 0]),
    "dot": (lambda a, b: dl.dot(b[0], b[1]), lambda a, b: b[0] @ b[1]),
    "sum": (lambda a, b: dl.sum(a * a, 0), lambda a, b: (a * a).sum(0)),
    "mean": (lambda a, b: dl.mean(a * a), lambda a, b: (a * a).mean()),
    "max": (lambda a, b: dl.max(a, 1), lambda a, b: a.amax(1)),
    "min": (lambda a, b: dl.min(a, 0, True), lambda a, b: a.amin(0, True)),
    "logsumexp": (lambda a, b: dl.logsumexp(a, 1), lambda a, b: a.logsumexp(1)),
    "softmax": (lambda a, b: dl.softmax(a), lambda a, b: a.softmax(1)),
    "log_softmax": (lambda a, b: dl.log_softmax(a, 0), lambda a, b: a.log_softmax(0)),
    "cross_entropy": (
        lambda a, b: dl.cross_entropy(b, np.array([0, 2, 1])),
        lambda a, b: F.cross_entropy(b, torch.tensor([0, 2, 1]), reduction="none"),
    ),
    "cross_entropy with probabilities": (
        lambda a, b: dl.cross_entropy(a, dl.softmax(a * a)),
        lambda a, b: -((a * a).softmax(1) * a.log_softmax(1)).sum(1),
    ),
    "binary_cross_entropy": (
        lambda a, b: dl.binary_cross_entropy(b, dl.sigmoid(b.T)),
        lambda a, b: F.softplus(b) - b * torch.sigmoid(b.T),
    ),
    "maximum": (lambda a, b: dl.maximum(a, b[0]), lambda a, b: torch.maximum(a, b[0])),
    "minimum": (lambda a, b: dl.minimum(a, 0.5), lambda a, b: torch.clip(a, max=0.5)),
    "where": (
        lambda a, b: dl.where(a > b[0], a, b[0] * a),
        lambda a, b: torch.where(a > b[0], a, b[0] * a),
    ),
    "parametric relu": (
        lambda a, b: dl.parametric_relu(a, b[0]),
        lambda a, b: torch.where(a > 0, a, b[0] * a),
    ),
    "maxout": (
        lambda a, b: dl.maxout(dl.concatenate([a, a * a], 1), 3),
        lambda a, b: torch.cat([a, a * a], 1).reshape(-1, 2, 3).amax(2),
    ),
    "max and index": (lambda a, b: dl.max_and_index(a)[0], lambda a, b: a.max(1).values),
    "concatenate": (
        lambda a, b: dl.concatenate([a, a * a], 1),
        lambda a, b: torch.cat([a, a * a], 1),
    ),
    "stack": (lambda a, b: dl.stack([b, b.T], 1), lambda a, b: torch.stack([b, b.T], 1)),
    "transpose": (lambda a, b: a.T, lambda a, b: a.T),
    "reshape": (lambda a, b: b.reshape(9), lambda a, b: b.reshape(9)),
    "broadcast_to": (lambda a, b: dl.broadcast_to(b, (2, 3, 3)), lambda a, b: b.expand(2, 3, 3)),
    "broadcast_like": (lambda a, b: dl.broadcast_like(b[0], a), lambda a, b: b[0].expand(a.shape)),
    "index": (lambda a, b: a[:, 1:] * b[0, ::2], lambda a, b: a[:, 1:] * b[0, ::2]),
    "take": (lambda a, b: dl.take(b, np.array([2, 0, 2]), 1), lambda a, b: b[:, [2, 0, 2]]),
    "take_along_axis": (
        lambda a, b: dl.take_along_axis(b, np.array([[2, 0, 0]]), 0),
        lambda a, b: b.take_along_dim(torch.tensor([[2, 0, 0]]), 0),
    ),
    "cholesky": (
        lambda a, b: dl.cholesky(b @ b.T + np.eye(3)),
        lambda a, b: torch.linalg.cholesky(b @ b.T + torch.eye(3)),
    ),
    "solve_triangular": (
        lambda a, b: dl.solve_triangular(dl.cholesky(b @ b.T + np.eye(3)), b),
        lambda a, b: torch.linalg.solve_triangular(
            torch.linalg.cholesky(b @ b.T + torch.eye(3)), b, upper=False
        ),
    ),
    "stop_gradient": (lambda a, b: a * dl.stop_gradient(a), lambda a, b: a * a.detach()),
    "mixed": (
        lambda a, b: dl.softmax(dl.tanh(a @ b) @ b + b[0], -1) * dl.sum(a, 1, True),
        lambda a, b: (torch.tanh(a @ b) @ b + b[0]).softmax(-1) * a.sum(1, True),
    ),
}  # fmt: skip


def arrays(rng):
    """Draw values for a and b, and directions for both."""
    shapes = [(4, 3), (3, 3)]
    return [smooth_values(rng, s) for s in shapes], [rng.normal(size=s) for s in shapes]


@pytest.mark.parametrize("name", TWINS)
def test_the_directional_derivative_is_that_of_pytorch(name):
    ours, theirs = TWINS[name]
    values, directions = arrays(np.random.default_rng(7))
    a, b = dl.variable("a", (None, 3)), dl.variable("b", (3, 3))
    da, db = dl.variable("da", (None, 3)), dl.variable("db", (3, 3))
    row = b[0] if name in OPERATORS else b  # entries of a and b must fit each other
    f = (lambda a, b: theirs(a, b[0])) if name in OPERATORS else theirs
    y = ours(a, row)
    derivative = dl.jvp(y, {a: da, b: db})
    assert (derivative.shape, derivative.dtype) == (y.shape, y.dtype)
    tensors, tangents = (tuple(map(torch.from_numpy, v)) for v in (values, directions))
    expected_value, expected = torch.func.jvp(f, tensors, tangents)
    for how in PROGRAMS:
        results = dl.compile([y, derivative], [a, b, da, db], **how)(*values, *directions)
        for result, tensor in zip(results, (expected_value, expected), strict=True):
            assert_allclose(result, tensor.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", TWINS)
@given(rng=rngs)
@few
def test_both_modes_multiply_by_the_same_jacobian(name, rng):
    """u^T (J v) = (J^T u)^T v, whichever product is taken first."""
    ours, _ = TWINS[name]
    values, directions = arrays(rng)
    a, b = dl.variable("a", (4, 3)), dl.variable("b", (3, 3))
    y = ours(a, b[0] if name in OPERATORS else b)
    u = rng.normal(size=y.shape)
    forward = dl.sum(dl.jvp(y, {a: directions[0], b: directions[1]}) * u)
    G = dl.Graph([y])
    moving = {V: v for V, v in zip((a, b), directions, strict=True) if V in G}
    gradients = dl.backprop(moving, dl.sum(y * u))
    backward = sum(dl.sum(gradients[V] * v) for V, v in moving.items())
    one, other = dl.compile([forward, backward], [a, b])(*values)
    scale = np.abs(u).sum() + sum(np.abs(v).sum() for v in directions)
    assert_allclose(one, other, rtol=1e-10, atol=1e-12 * scale)


def test_three_ways_to_a_second_derivative_agree():
    x, v = dl.variable("x", (4,)), dl.variable("v", (4,))
    z = dl.sum(dl.tanh(x) * dl.softmax(x * x)) + dl.logsumexp(x)
    gradient = dl.backprop([x], z)[x]
    forward_over_reverse = dl.sum(dl.jvp(gradient, {x: v}) * v)
    forward_over_forward = dl.jvp(dl.jvp(z, {x: v}), {x: v})
    slope = dl.jvp(z, {x: v})
    reverse_over_forward = dl.sum(dl.backprop([x], slope)[x] * v)
    outputs = [forward_over_reverse, forward_over_forward, reverse_over_forward]
    values = [np.array([0.5, -1.0, 2.0, 0.1]), np.array([1.0, 2.0, -1.0, 0.5])]
    for how in PROGRAMS:
        results = dl.compile(outputs, [x, v], **how)(*values)
        assert_allclose(results, [results[0]] * 3, rtol=1e-13)


# --- Outputs and directions --------------------------------------------------------------------


def test_one_output_gives_one_variable_and_several_give_a_list_in_order():
    x = dl.variable("x", (2,))
    single = dl.jvp(x * x, {x: np.ones(2)})
    assert isinstance(single, dl.Variable)
    several = dl.jvp((V for V in (x**3, x * x)), {x: np.ones(2)})
    assert isinstance(several, list)
    values = dl.compile([single, *several], [x])(np.array([1.0, 2.0]))
    assert_array_equal(values, [[2, 4], [3, 12], [2, 4]])
    assert dl.jvp([], {x: np.ones(2)}) == []


def test_directions_may_be_numbers_arrays_and_variables():
    x, s = dl.variable("x", (2,)), dl.variable("s", ())
    v = dl.variable("v", (2,))
    values = {x: np.array([1.0, 2.0]), s: 3.0, v: np.array([5.0, 7.0])}
    for tangents, expected in [
        ({s: 2}, [2, 4]),
        ({s: 0.5}, [0.5, 1]),
        ({s: np.float32(2)}, [2, 4]),
        ({x: np.array([1, 2])}, [3, 6]),
        ({x: v}, [15, 21]),
        ({x: v, s: 1}, [16, 23]),
    ]:
        program = dl.compile([dl.jvp(x * s, tangents)], values)
        assert_array_equal(program(*values.values())[0], expected)


def test_a_direction_may_depend_on_the_graph():
    x = dl.variable("x", (2,))
    along_itself = dl.jvp(x**3, {x: x})  # Euler: x f'(x) = 3 f(x)
    assert_array_equal(dl.evaluate(along_itself, {x: np.array([1.0, 2.0])}), [3, 24])
    gradient = dl.backprop([x], dl.sum(x * x))[x]
    assert dl.evaluate(dl.jvp(dl.sum(x * x), {x: gradient}), {x: np.array([1.0, 2.0])}) == 20


def test_what_moves_may_lie_in_the_middle_of_the_graph():
    x = dl.variable("x", ())
    u = x * x
    z = u * x
    assert dl.evaluate(dl.jvp(z, {u: 1.0}), {x: 3.0}) == 3
    assert dl.evaluate(dl.jvp(z, {x: 1.0}), {x: 3.0}) == 27
    assert dl.evaluate(dl.jvp(z, {u: 1.0, x: 1.0}), {x: 3.0}) == 3 + 9  # u as it is given
    assert dl.evaluate(dl.jvp(u, {u: 5.0}), {x: 3.0}) == 5


def test_what_does_not_depend_on_what_moves_does_not_move():
    x, y, c = dl.variable("x", (2,)), dl.variable("y", (3,)), dl.constant([1.0, 2.0])
    for V in (x * 2, c, x):
        derivative = dl.jvp(V, {y: np.ones(3)})
        assert derivative.shape == (2,)
        assert_array_equal(dl.evaluate(derivative, {x: np.ones(2)}), [0, 0])
    assert_array_equal(dl.evaluate(dl.jvp(x * 2, {}), {x: np.ones(2)}), [0, 0])
    assert_array_equal(
        dl.evaluate(dl.jvp(dl.heaviside(x), {x: np.ones(2)}), {x: np.ones(2)}), [0, 0]
    )


def test_a_constant_may_move():
    x, c = dl.variable("x", (2,)), dl.constant([3.0, 4.0])
    assert_array_equal(dl.evaluate(dl.jvp(x * c, {c: np.ones(2)}), {x: np.array([5.0, 6])}), [5, 6])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_derivatives_have_the_shapes_and_dtypes_of_the_outputs(dtype):
    X, W = dl.variable("X", (None, 3), dtype), dl.variable("W", (3, 2), dtype)
    outputs = [dl.relu(X @ W), dl.mean(X), dl.softmax(X @ W), dl.sum(W), dl.max(X, 1)]
    outputs += [dl.broadcast_like(W[0, 0], X), dl.where(X > 0, X, 0.5), dl.stack([W, W * 2])]
    derivatives = dl.jvp(outputs, {X: X, W: np.ones((3, 2))})  # the ones are float64
    for V, derivative in zip(outputs, derivatives, strict=True):
        assert (derivative.shape, derivative.dtype) == (V.shape, V.dtype)


def test_where_dtypes_mix_a_derivative_has_the_dtype_of_its_output():
    x, c = dl.variable("x", (3,), np.float32), dl.constant([1.0, 2.0, 3.0])
    for V in (dl.where(x > 0, x, c), x * c, dl.concatenate([x, c]), dl.maximum(c, x)):
        derivative = dl.jvp(V, {x: np.ones(3, np.float32)})
        assert derivative.dtype == V.dtype == np.float64
        assert dl.jvp(V.astype(np.float32), {x: np.ones(3)}).dtype == np.float32


def test_equal_inputs_move_together():
    x = dl.variable("x", (3,))
    v = np.array([1.0, 2.0, 3.0])
    for V, slope in [
        (x * x, 2 * v),
        (dl.maximum(x, x), 1),
        (x - x, 0),
        (x / x, 0),
        (dl.concatenate([x, x])[3:], 1),
        (dl.stack([x, x])[0], 1),
    ]:
        assert_allclose(dl.evaluate(dl.jvp(V, {x: v}), {x: v}), slope * v, atol=1e-15)


# --- What is constant between its jumps --------------------------------------------------------

c = np.array([5.0, 7.0, 11.0, 13.0])
# Functions of x with paths that change by jumps alone, and the derivative of their sum at AT.
AT = np.array([1.25, -2.5, 3.75])
JUMPS = {
    "a comparison": (lambda x: dl.where(x > 0, 1.0, 2.0), [0, 0, 0]),
    "argmax": (lambda x: dl.take(dl.constant(c), dl.argmax(x)), [0, 0, 0]),
    "the index of a maximum": (
        lambda x: dl.take(dl.constant(c), dl.max_and_index(x)[1]),
        [0, 0, 0],
    ),
    "an index": (lambda x: dl.take(dl.constant(c), dl.abs(x).astype(int)), [0, 0, 0]),
    "a label": (
        lambda x: dl.cross_entropy(dl.constant(np.ones((3, 4))), dl.abs(x).astype(int)),
        [0, 0, 0],
    ),
    "a one-hot vector": (lambda x: dl.one_hot(dl.abs(x).astype(int), 4), [0, 0, 0]),
    "further on": (
        lambda x: dl.tanh(dl.take(dl.constant(c), dl.argmax(x)) * 2) + 1,
        [0, 0, 0],
    ),
    "an integer": (lambda x: x.astype(int).astype(float), [0, 0, 0]),
    "a bool": (lambda x: (x > 0).astype(float), [0, 0, 0]),
    "a bool as a factor": (lambda x: x * (x > 0), [1, 0, 1]),
    "a sum of integers": (lambda x: x * dl.sum(x.astype(int)), [2, 2, 2]),
    "an integer among what is chosen": (lambda x: dl.where(x > 0, x.astype(int), x), [0, 1, 0]),
    "a sign": (lambda x: x * dl.sign(x), [1, -1, 1]),
}


@pytest.mark.parametrize("name", JUMPS)
def test_what_changes_by_jumps_alone_has_the_derivative_0_both_ways(name):
    f, slope = JUMPS[name]
    x = dl.variable("x", (3,))
    z = dl.sum(f(x)).named("z")
    assert_array_equal(dl.evaluate(dl.backprop([x], z)[x], {x: AT}), slope)
    assert dl.evaluate(dl.jvp(z, {x: np.ones(3)}), {x: AT}) == np.sum(slope)
    for mode in ("forward", "reverse"):
        assert_array_equal(dl.evaluate(dl.jacobian(z, x, mode), {x: AT}), slope)


@pytest.mark.parametrize("name", JUMPS)
def test_between_its_jumps_the_function_does_what_its_derivative_says(name):
    f, slope = JUMPS[name]
    x, small = dl.variable("x", (3,)), 2.0**-20
    z = dl.compile([dl.sum(f(x))], [x])
    moved = [(z(AT + d)[0] - z(AT - d)[0]) / (2 * small) for d in small * np.eye(3)]
    assert_allclose(moved, slope, atol=1e-6)


def largest_with_its_index(x):
    largest, index = dl.max_and_index(x)
    return largest * largest + dl.take(dl.constant(c), index)


# Functions of x with one path that changes by jumps alone, and the derivative of their sum.
BESIDE = {
    "absolute value": (lambda x: dl.where(x > 0, x, -x), np.sign),
    "rectifier": (lambda x: dl.where(x <= 0, 0.0, x), lambda x: x > 0),
    "rectifier by equality": (
        lambda x: dl.where(dl.equal(dl.maximum(x, 0), x), x, 0.0),
        lambda x: x > 0,
    ),
    "two slopes": (lambda x: dl.where(x > 0, 1.0, 2.0) * x, lambda x: np.where(x > 0, 1, 2)),
    "where within where": (
        lambda x: dl.where(dl.where(x > 0, x, 2.0) > 1.5, x * x, 3 * x),
        lambda x: np.where(np.where(x > 0, x, 2) > 1.5, 2 * x, 3),
    ),
    "entry at argmax": (lambda x: dl.take(x, dl.argmax(x)), lambda x: np.eye(3)[x.argmax()]),
    "argmax beside": (
        lambda x: dl.take(dl.constant(c), dl.argmax(x)) + x * x,
        lambda x: 2 * x,
    ),
    "argmax as a factor": (
        lambda x: dl.take(dl.constant(c), dl.argmax(x)) * x,
        lambda x: c[[x.argmax()] * 3],
    ),
    "maximum with its index": (
        largest_with_its_index,
        lambda x: 2 * x.max() * np.eye(3)[x.argmax()],
    ),
    "along an axis": (
        lambda x: dl.take_along_axis(x, dl.argmax(x)[None], 0),
        lambda x: np.eye(3)[x.argmax()],
    ),
    "a comparison that counts as constant": (
        lambda x: x * dl.stop_gradient((x > 0).astype(float)),
        lambda x: x > 0,
    ),
    "an integer that counts as constant": (
        lambda x: x * dl.stop_gradient(x.astype(int)),
        lambda x: np.trunc(x),
    ),
    "an index that counts as constant": (
        lambda x: dl.take(dl.constant(c), dl.stop_gradient(dl.argmax(x))) + 0 * x,
        np.zeros_like,
    ),
    "itself as a constant": (lambda x: x * dl.stop_gradient(x), lambda x: x),
    "sign": (lambda x: dl.sign(x) * x, np.sign),
    "step": (lambda x: dl.heaviside(x) + x, np.ones_like),
    "sign of what is chosen": (
        lambda x: dl.sign(dl.take(dl.constant(c), dl.argmax(x))) + x,
        np.ones_like,
    ),
    "an index of a shape": (
        lambda x: dl.take(dl.constant(c), dl.broadcast_like(dl.constant(1), x)) * x,
        lambda x: c[[1, 1, 1]],
    ),
    "a comparison of a shape": (
        lambda x: dl.where(dl.broadcast_like(2.0, x) > 1, 3.0, 4.0) + 0 * x,
        np.zeros_like,
    ),
    "the shape of a comparison": (lambda x: dl.broadcast_like(1.0, x > 0) + x, np.ones_like),
    "the shape of an integer": (
        lambda x: dl.broadcast_like(x[0], x.astype(int)),
        lambda x: [3, 0, 0],
    ),
    "a label from its logits": (
        lambda x: dl.cross_entropy(x, dl.argmax(x)),
        lambda x: np.exp(x) / np.exp(x).sum() - np.eye(3)[x.argmax()],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_a_path_beside_one_without_a_derivative_has_its_derivative(name):
    f, slope = BESIDE[name]
    x = dl.variable("x", (3,))
    z = dl.sum(f(x))
    for value in (np.array([1.3, -2.4, 3.1]), np.array([-0.4, 2.2, 0.3])):
        expected = np.asarray(slope(value), float)
        outputs = [dl.backprop([x], z)[x], dl.jvp(z, {x: np.array([1.0, 10.0, 100.0])})]
        outputs += [dl.jacobian(z, x, mode) for mode in ("forward", "reverse")]
        for how in PROGRAMS:
            backward, forward, *jacobians = dl.compile(outputs, [x], **how)(value)
            assert_allclose(backward, expected, atol=1e-15)
            assert_allclose(forward, expected @ [1, 10, 100], atol=1e-13)
            for J in jacobians:
                assert_allclose(J, expected, atol=1e-15)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: dl.where(dl.broadcast_like(2.0, x) > 0, 1.0, 2.0),
        lambda x: dl.take(dl.constant(c), dl.broadcast_like(dl.constant(1), x)),
        lambda x: dl.take(dl.constant(c), dl.stop_gradient(dl.argmax(x))),
        lambda x: dl.sign(dl.take(dl.constant(c), dl.argmax(x))),
        lambda x: dl.stop_gradient(x > 0).astype(float),
    ],
)
def test_what_depends_on_a_shape_or_on_a_constant_alone_has_the_derivative_0(f):
    x = dl.variable("x", (3,))
    z, value = dl.sum(f(x)), np.array([1.3, -2.4, 3.1])
    assert_array_equal(dl.evaluate(dl.backprop([x], z)[x], {x: value}), [0, 0, 0])
    assert dl.evaluate(dl.jvp(z, {x: np.ones(3)}), {x: value}) == 0


# --- Cost --------------------------------------------------------------------------------------


def test_forward_mode_goes_through_the_graph_once():
    x = V = dl.variable("x", ())
    for _ in range(50):
        V = dl.sin(V) * V
    derivative = dl.jvp(V, {x: 1.0})
    assert len(dl.Graph([derivative])) < 8 * len(dl.Graph([V]))


# --- Errors ------------------------------------------------------------------------------------


def test_outputs_and_what_moves_must_be_variables():
    x = dl.variable("x", (2,))
    with pytest.raises(TypeError, match=r"^jvp: .*variables, got 3\.0"):
        dl.jvp([x, 3.0], {x: np.ones(2)})
    with pytest.raises(TypeError, match=r"^jvp: .*variables, got 'x'"):
        dl.jvp(x * 2, {"x": np.ones(2)})


def test_outputs_and_what_moves_must_hold_floats():
    x, n = dl.variable("x", (2,)), dl.variable("n", (2,), np.int64)
    with pytest.raises(dl.NotDifferentiable, match=r"^jvp: 'n' .*is int64; .* needs floats"):
        dl.jvp(x * n, {n: np.ones(2)})
    with pytest.raises(dl.NotDifferentiable, match=r"^jvp: 'twice' .*is int64; .* needs floats"):
        dl.jvp((n + n).named("twice"), {x: np.ones(2)})
    with pytest.raises(dl.NotDifferentiable, match=r"^jvp: 'greater' .*is bool; .* needs floats"):
        dl.jvp(x > 0, {x: np.ones(2)})


def test_a_direction_must_have_the_shape_of_its_variable():
    x, X = dl.variable("x", (2,)), dl.variable("X", (None, 2))
    message = r"^jvp: the direction for 'x' must have its shape \(2,\), got "
    for direction, shape in [
        (1.0, r"\(\)"),
        (np.ones(3), r"\(3,\)"),
        (np.ones((1, 2)), r"\(1, 2\)"),
    ]:
        with pytest.raises(ValueError, match=message + shape):
            dl.jvp(x * 2, {x: direction})
    with pytest.raises(ValueError, match=r"'X' must have its shape \(None, 2\), got \(4, 2\)"):
        dl.jvp(X * 2, {X: np.ones((4, 2))})


def test_a_direction_must_be_a_variable_an_array_or_a_number():
    x = dl.variable("x", (2,))
    for direction, kind in [([1.0, 2.0], "list"), (None, "NoneType"), ("1", "str")]:
        with pytest.raises(TypeError, match=f"^jvp: .*variable.*array.*number.*got {kind}"):
            dl.jvp(x * 2, {x: direction})
    with pytest.raises(ValueError, match="contains NaN in 1 of 2"):
        dl.jvp(x * 2, {x: np.array([1.0, np.nan])})


def test_an_operation_without_a_rule_for_forward_mode_stops_it():
    class Round(dl.Operation):
        name = "round"

        def infer_shape(self, A):
            return A.shape

    x, y = dl.variable("x", (2,)), dl.variable("y", (2,))
    with pytest.raises(dl.NotDifferentiable, match=r"^round: its derivative is not defined"):
        dl.jvp(Round()(x), {x: np.ones(2)})
    dl.jvp(Round()(x) + y, {y: np.ones(2)})  # there it is not asked for
