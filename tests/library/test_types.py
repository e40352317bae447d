# ruff: noqa: SIM300
"""Correct code as people write it, with the types that it has: for type checkers, and it runs, too.

``make lint`` holds mypy and pyright to every ``assert_type``. What they must refuse is in
``wrong_types.py``.
"""

from collections.abc import Mapping
from typing import Any, assert_type

import numpy as np
from scipy.sparse.linalg import LinearOperator

import dlbook as dl
from dlbook import Variable
from dlbook.operations.elementwise import Elementwise
from dlbook.operations.functions import Relu
from dlbook.regions import Region, layers_of, linear_regions

X = dl.variable("X", (None, 3))
W = dl.variable("W", [3, 2])
b = dl.variable("b", (2,))
y = dl.variable("y", (None,), "int64")
J = dl.mean(dl.cross_entropy(X @ W + b, y))

rng = np.random.default_rng(0)
points = rng.normal(size=(5, 3))
labels = np.array([0, 1, 1, 0, 1])
theta: dict[Variable, np.ndarray] = {W: rng.normal(size=(3, 2)), b: np.zeros(2)}


def test_operators_give_variables():
    array = np.ones((3, 2))
    assert_type(X @ W, Variable)
    assert_type(points @ W, Variable)
    assert_type(W + 1, Variable)
    assert_type(1 - W, Variable)
    assert_type(W * 0.5 / 2, Variable)
    assert_type(W * array, Variable)
    assert_type(array * W, Variable)
    assert_type(array - W, Variable)
    assert_type(np.float64(2) * W, Variable)
    assert_type(np.float32(2) / W, Variable)
    assert_type(W**2, Variable)
    assert_type(2.0**W, Variable)
    assert_type(-W, Variable)
    assert_type(abs(W), Variable)


def test_comparisons_give_variables_but_equality_asks_whether_two_are_the_same():
    assert_type(W > 0, Variable)
    assert_type(W >= np.zeros((3, 2)), Variable)
    assert_type(W < W, Variable)
    assert_type(0 <= W, Variable)
    assert_type(dl.equal(W, 0), Variable)
    assert_type(W == b, bool)
    assert_type(W != b, bool)
    assert W in {W, b}


def test_methods_give_variables():
    assert_type(W.T, Variable)
    assert_type(W.shape, tuple[int | None, ...])
    assert_type(W.ndim, int)
    assert_type(W.name, str)
    assert_type(W.dtype, np.dtype)
    assert_type(W.inputs, tuple[Variable, ...])
    assert_type(W.operation, dl.Operation | None)
    assert_type(W.sum(), Variable)
    assert_type(W.sum(axis=0, keepdims=True), Variable)
    assert_type(W.mean(axis=(0, 1)), Variable)
    assert_type(W.max(0), Variable)
    assert_type(W.min(-1), Variable)
    assert_type(W.argmax(axis=1), Variable)
    assert_type(W.dot(b), Variable)
    assert_type(W.reshape(2, 3), Variable)
    assert_type(W.reshape((2, 3)), Variable)
    assert_type(X.reshape(None, 3, 1), Variable)
    assert_type(W.transpose(), Variable)
    assert_type(W.transpose(1, 0), Variable)
    assert_type(W.astype(np.float32), Variable)
    assert_type(W.named("V"), Variable).named("W")


def test_what_stands_between_brackets():
    assert_type(X[0], Variable)
    assert_type(X[:, 1], Variable)
    assert_type(X[..., None], Variable)
    assert_type(W[np.array([0, 2])], Variable)
    assert_type(W[[0, 2]], Variable)
    assert_type(X[:, labels % 3], Variable)
    assert_type(W[b.argmax()], Variable)


def test_operations_take_variables_arrays_and_numbers():
    assert_type(dl.relu(X), Variable)
    assert_type(dl.relu(points), Variable)
    assert_type(dl.sigmoid(0.0), Variable)
    assert_type(dl.leaky_relu(X, 0.1), Variable)
    assert_type(dl.parametric_relu(X, np.full(3, 0.25)), Variable)
    assert_type(dl.maximum(W, 0), Variable)
    assert_type(dl.where(W > 0, W, 0.0), Variable)
    assert_type(dl.clip(W, -1, 1), Variable)
    assert_type(dl.power(W, 3), Variable)
    assert_type(dl.astype(W, "float32"), Variable)
    assert_type(dl.reshape(W, (2, 3)), Variable)
    assert_type(dl.reshape(W, 2, 3), Variable)
    assert_type(dl.reshape(W, [2, 3]), Variable)
    assert_type(dl.transpose(W, (1, 0)), Variable)
    assert_type(dl.transpose(W), Variable)
    assert_type(dl.broadcast_to(b, (3, 2)), Variable)
    assert_type(dl.concatenate([W, np.ones((3, 2))]), Variable)
    assert_type(dl.stack([W, W], axis=1), Variable)
    assert_type(dl.take(W, np.array([0, 1])), Variable)
    assert_type(dl.take_along_axis(W, np.array([[0], [1], [0]]), axis=1), Variable)
    assert_type(dl.max_and_index(W), tuple[Variable, Variable])
    assert_type(dl.sum(W, axis=(0, 1)), Variable)
    assert_type(dl.maxout(W, 2), Variable)
    assert_type(dl.softmax(X), Variable)
    assert_type(dl.logsumexp(X, axis=-1, keepdims=True), Variable)
    assert_type(dl.cross_entropy(dl.constant(points), labels), Variable)
    assert_type(dl.binary_cross_entropy(X[:, 0], y), Variable)
    assert_type(dl.one_hot(y, 3), Variable)
    assert_type(dl.dot(b, b), Variable)
    assert_type(dl.solve_triangular(dl.cholesky(np.eye(2)), W.T), Variable)
    assert_type(dl.stop_gradient(W), Variable)
    assert_type(dl.constant([1.0, 2.0], name="c"), Variable)
    assert_type(dl.relu, Relu)
    assert_type(dl.relu.name, str)


def test_numpy_has_no_type_for_its_functions_of_variables():
    assert_type(np.exp(W), Any)  # NumPy says so; write dl.exp(W) for a Variable
    V: Variable = np.tanh(W)
    assert_type(dl.exp(W) + V, Variable)


def test_the_graph_answers_its_three_questions():
    G = dl.Graph(J)
    assert_type(G, dl.Graph)
    for V in G:
        assert_type(V, Variable)
    assert_type(len(dl.Graph([J, W])), int)
    assert_type(dl.get_operation(J), dl.Operation | None)
    assert_type(dl.get_consumers(W, G), list[Variable])
    assert_type(dl.get_inputs(J, G), list[Variable])
    if (op := dl.get_operation(J)) is not None:
        assert_type(op.name, str)
        assert_type(op.bprop(dl.get_inputs(J, G), J.inputs[0], dl.constant(1.0)), Variable | None)


def test_gradients():
    gradients = dl.backprop([W, b], J)
    assert_type(gradients, dict[Variable, Variable])
    assert_type(gradients[W], Variable)
    assert_type(dl.backprop(W, J)[W], Variable)
    assert_type(dl.backprop(theta, J, checkpoints=[]), dict[Variable, Variable])
    G = dl.Graph(J)
    table: dict[Variable, Variable | None] = {J: dl.constant(1.0)}
    assert_type(dl.build_grad(W, G, G, table), Variable | None)


def test_other_derivatives():
    assert_type(dl.jvp(J, {W: np.ones((3, 2))}), Variable)
    assert_type(dl.jvp(J, {W: W}).shape, tuple[int | None, ...])
    assert_type(dl.jvp([J, X @ W], {W: np.ones((3, 2)), b: np.ones(2)}), list[Variable])
    assert_type(dl.hvp(J, W, np.ones((3, 2))), Variable)
    assert_type(dl.hvp(J, W, W).shape, tuple[int | None, ...])
    assert_type(dl.hvp(J, [W, b], [W, np.ones(2)]), list[Variable])
    c = dl.variable("c", (2,))
    assert_type(dl.jacobian(c**2, c, mode="forward"), Variable)
    assert_type(dl.hessian(dl.sum(c**2), c), Variable)
    slope = dl.grad(lambda x: dl.sum(x * x))
    assert_type(slope(np.array([1.0, 2.0])), np.ndarray)
    assert_type(slope(3.0), np.ndarray)
    assert_type(slope(c), Variable)
    assert_type(dl.grad(dl.grad(lambda x: x**3))(2.0), np.ndarray)


def test_programs():
    program = dl.compile([J, *dl.backprop([W, b], J).values()], [X, W, b, y])
    cost, grad_W, _ = program(points, theta[W], theta[b], labels)
    assert_type(cost, np.ndarray)
    assert_type(grad_W, np.ndarray)
    assert_type(program.source, str)
    assert isinstance(program, dl.Program)
    alone = dl.compile(dl.sum(W), W, simplify=False)
    assert_type(alone(theta[W]), list[np.ndarray])
    assert_type(dl.evaluate(J, {X: points, y: labels, **theta}), np.ndarray)
    assert_type(dl.evaluate(b + 1, {b: [1.0, 2.0]}), np.ndarray)
    assert_type(dl.simplify(J), list[Variable])
    assert_type(dl.simplify([J], [W]), list[Variable])


class Cube(dl.Operation):
    """As the chapter says an operation is written, without any type."""

    name, kinds = "cube", "f"

    def __init__(self, factor=1.0):
        self.factor = factor

    def f(self, a):
        return self.factor * a**3

    def infer_shape(self, a):
        return a.shape

    def bprop(self, inputs, X, G):
        return G * (3 * self.factor) * X**2

    def jvp(self, inputs, tangents):
        return tangents[0] * (3 * self.factor) * inputs[0] ** 2


class Scaled(dl.Operation):
    """One of two inputs, with types."""

    name = "scaled"

    def f(self, a: np.ndarray, s: np.ndarray) -> np.ndarray:
        return a * s

    def infer_shape(self, a: Variable, s: Variable) -> tuple[int | None, ...]:
        return a.shape

    def infer_dtype(self, a: Variable, s: Variable) -> np.dtype:
        return a.dtype

    def bprop(self, inputs: list[Variable], X: Variable, G: Variable) -> Variable | None:
        a, s = inputs
        return G * s if X is a else dl.sum(G * a)

    def jvp(self, inputs: list[Variable], tangents: list[Variable | Any]) -> Variable | None:
        (a, s), (da, ds) = inputs, tangents
        if da is None:
            return a * ds
        return da * s if ds is None else da * s + a * ds

    def expand(self, a: Variable, s: Variable) -> Variable:
        return a * s


class Softsign(Elementwise):
    """What has a slope for each entry."""

    name, kinds = "softsign", "f"

    def f(self, a):
        return a / (1 + abs(a))

    def times_slope(self, inputs, X, G):
        return G / dl.square(1 + dl.abs(X))


def test_operations_of_one_s_own():
    c = dl.variable("c", (2,))
    s = dl.variable("s", ())
    V = Softsign()(Scaled()(Cube(2.0)(c), s))
    assert_type(V, Variable)
    assert_type(Cube()(np.ones(2)), Variable)
    slopes = dl.backprop([c, s], dl.sum(V))
    assert_type(dl.jvp(V, {c: np.ones(2)}), Variable)
    assert_type(dl.evaluate(slopes[c], {c: [1.0, 2.0], s: 1.0}), np.ndarray)


class Signs(dl.GradientDescent):
    """An optimizer that goes by the signs alone."""

    def directions(self, gradients, memory):
        return {V: np.sign(G) for V, G in gradients.items()}, {}


class ByHand:
    """An optimizer that is no class of the library."""

    def step(
        self,
        parameters: Mapping[Variable, np.ndarray],
        gradients: list[np.ndarray],
        memory: Any = None,
    ) -> tuple[dict[Variable, np.ndarray], int]:
        pairs = zip(parameters.items(), gradients, strict=True)
        return {V: value - 0.1 * G for (V, value), G in pairs}, (memory or 0) + 1


def test_a_step_takes_arrays_or_variables():
    gradients: list[np.ndarray] = [np.ones((3, 2)), np.ones(2)]
    for optimizer in (dl.GradientDescent(0.1), dl.Momentum(0.1, momentum=0.5), dl.Adam()):
        after, memory = optimizer.step(theta, gradients)
        assert_type(after, dict[Variable, np.ndarray])
        after, memory = optimizer.step(after, dict(zip(after, gradients, strict=True)), memory)
        after, memory = optimizer.step(after, gradients, optimizer.start(after))
        symbols = {V: V for V in theta}
        memory = optimizer.start(symbols)
        then, later = optimizer.step(symbols, dl.backprop(symbols, J), memory)
        assert_type(then, dict[Variable, Variable])
        inputs = [*symbols, *memory.values(), X, y]
        step = dl.compile([*then.values(), *later.values()], inputs)
        start = optimizer.start(theta).values()
        assert_type(step(*theta.values(), *start, points, labels), list[np.ndarray])


def test_training():
    data = {X: points, y: labels}
    assert_type([k + 1 for k in dl.progress(range(3))], list[int])
    trained = dl.train(J, theta, data, dl.Adam(0.01), steps=3, record=[W])
    assert_type(trained, dl.Trained)
    assert_type(trained.parameters, dict[Variable, np.ndarray])
    assert_type(trained.costs, np.ndarray)
    assert_type(trained.recorded, list[np.ndarray])
    dl.train(
        J, trained.parameters, data, dl.GradientClipping(dl.Momentum(0.1), 1.0), 2, memory=None
    )
    dl.train(J, theta, data, ByHand(), 2)
    dl.train(J, theta, data, dl.GradientClipping(Signs(0.1), 1.0), 2, batch_size=2, rng=rng)
    dl.train(J, theta, data, dl.Adam(), 2, validation=(J, data), patience=1)
    w = dl.variable("w", (3,))
    cost = dl.costs.squared_error(points @ w, points[:, 0])
    assert_type(cost, Variable)
    assert_type(dl.minimize(dl.mean(dl.square(w - 1)), {w: np.zeros(3)}, {}), dl.Trained)


def test_networks():
    network = dl.MLP([3, 4, 2], hidden="tanh")
    assert_type(network(X), Variable)
    assert_type(network.outputs(X), list[Variable])
    assert_type(network.parameters, list[Variable])
    assert_type(network.parameter_count, int)
    values = network.initial_values(rng, scheme="glorot")
    assert_type(values, dict[Variable, np.ndarray])
    layer = dl.Layer(3, 4, dl.relu)
    assert_type(layer(X), Variable)
    assert_type(layer.weights, Variable)
    assert_type(layer.biases, Variable | None)
    chain = dl.Network(dl.Layer(3, 3, lambda z: z * dl.sigmoid(z)), dl.LowRank(3, 2, rank=1))
    assert_type(chain(X), Variable)
    assert_type(chain.layers, tuple[dl.Layer, ...])
    image = dl.variable("image", (None, 16))
    assert_type(dl.LocallyConnected((4, 4), field=2, activation="relu")(image), Variable)
    assert_type(dl.hidden_units.get("maxout(2)"), dl.hidden_units.HiddenUnit)
    assert_type(dl.Layer(3, "scalar", dl.hidden_units.get("relu"))(X), Variable)


def test_output_units_and_distributions():
    gaussian = dl.output_units.Gaussian(3, spread="sigma")
    p = gaussian(X)
    assert_type(p, dl.distributions.Gaussian)
    assert_type(p.mean, Variable)
    assert_type(p.variance, Variable | float)
    target = dl.variable("target", (None,))
    assert_type(p.negative_log_likelihood(target), Variable)
    assert_type(dl.costs.maximum_likelihood(p, target), Variable)
    assert_type(p.sample(rng, {X: points, **gaussian.initial_values(rng)}, size=2), np.ndarray)
    classes = dl.distributions.Multinoulli(X)
    assert_type(classes.mean, Variable)
    assert_type(classes.probabilities, Variable)
    assert_type(classes.log_prob(y), Variable)
    assert_type(dl.output_units.Bernoulli(3)(X).mean, Variable)
    assert_type(dl.output_units.Multinoulli(3, 4)(X).probabilities, Variable)
    assert_type(dl.output_units.FullGaussian(3, 2)(X).mean, Variable)
    mixture = dl.output_units.MixtureDensity(3, components=2)(X)
    assert_type(mixture.responsibilities(target), Variable)
    assert_type(dl.costs.weight_decay([W, b]), Variable)


def test_matrices_that_are_known_by_their_products():
    c = dl.variable("c", (2,))
    H: LinearOperator = dl.hessian_operator(dl.sum(c**4), {c: [1.0, 2.0]})
    found = dl.conjugate_gradients(H, np.ones(2))
    assert_type(found.x, np.ndarray)
    assert_type(found.converged, bool)
    assert_type(dl.conjugate_gradients(np.eye(2), [1.0, 2.0]).iterations, int)
    assert_type(dl.lanczos(H, 2, rng).ritz_values, np.ndarray)


def test_data():
    points, y = dl.datasets.xor()
    assert_type(points, np.ndarray)
    assert_type(y, np.ndarray)
    assert_type(dl.datasets.hand(np.zeros((1, 2))), np.ndarray)


def test_regions():
    network = dl.MLP([1, 2, 1])
    layers = layers_of(network, network.initial_values(rng))
    assert_type(linear_regions(layers, -1, 1), list[Region])


def test_algorithms_6_1_to_6_4():
    from dlbook import layerwise, scalar_graph

    graph = scalar_graph.ScalarGraph(2, [(scalar_graph.multiply, 1, 2), (scalar_graph.exp, 3)])
    u = graph.forward([1.0, 2.0])
    assert_type(u, dict[int, float])
    assert_type(graph.backward(u), dict[int, float])
    mlp = layerwise.MLP([np.eye(2)], [np.zeros(2)], [layerwise.tanh])
    run = mlp.forward([1.0, 2.0], [0.0, 0.0])
    assert_type(run.J, float)
    assert_type(mlp.backward(run).W[1], np.ndarray)
