"""Sections 6.0 to 6.2: networks as chains of layers, gradient descent, and training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import dlbook as dl

# --- Networks ----------------------------------------------------------------------------------


def xor_network(hidden=2):
    """The network of Section 6.1."""
    return dl.Network(
        dl.Layer(2, hidden, dl.relu, names=("W", "c", "h")),
        dl.Layer(hidden, "scalar", names=("w", "b", "y_hat")),
    )


def test_the_network_of_equation_6_3_equals_the_expression():
    X, network = dl.variable("X", (None, 2)), xor_network()
    W, c, w, b = network.parameters
    expression = dl.relu(X @ W + c) @ w + b
    rng = np.random.default_rng(0)
    values = {X: rng.normal(size=(5, 2))} | {
        V: rng.normal(size=V.shape) for V in network.parameters
    }
    y_hat = network(X)
    assert y_hat.shape == (None,)
    assert_array_equal(dl.evaluate(y_hat, values), dl.evaluate(expression, values))
    plain = np.maximum(values[X] @ values[W] + values[c], 0) @ values[w] + values[b]
    assert_allclose(dl.evaluate(y_hat, values), plain)


def test_the_solution_of_section_6_1_computes_xor():
    X, network = dl.variable("X", (None, 2)), xor_network()
    solution = [[[1.0, 1.0], [1.0, 1.0]], [0.0, -1.0], [1.0, -2.0], 0.0]
    X_value, y_value = dl.datasets.xor()
    values = dict(zip(network.parameters, solution, strict=True)) | {X: X_value}
    assert_array_equal(dl.evaluate(network(X), values), y_value)


def test_parameters_and_outputs_have_the_names_and_shapes_of_the_layers():
    network = xor_network(hidden=3)
    assert [V.name for V in network.parameters] == ["W", "c", "w", "b"]
    assert [V.shape for V in network.parameters] == [(2, 3), (3,), (3,), ()]
    assert network(dl.variable("X", (None, 2))).name == "y_hat"
    layer = dl.Layer(2, 3)
    assert (layer.weights.name, layer.biases.name) == ("W", "b")
    assert layer(dl.variable("X", (None, 2))).name == "h"


def test_depth_is_the_number_of_layers_and_width_that_of_units():
    network = xor_network(hidden=5)
    assert network.depth == 2
    assert [layer.width for layer in network.layers] == [5, 1]


def test_a_layer_without_activation_is_linear():
    X, layer = dl.variable("X", (None, 2)), dl.Layer(2, 3)
    output = dl.evaluate(
        layer(X),
        {X: -np.eye(2), layer.weights: np.ones((2, 3)), layer.biases: np.array([0.0, 1.0, 2.0])},
    )
    assert_array_equal(output, [[-1.0, 0.0, 1.0]] * 2)


def test_a_network_may_be_used_twice_with_the_same_parameters():
    X1, X2, network = dl.variable("X1", (None, 2)), dl.variable("X2", (4, 2)), xor_network()
    assert network(X1).shape == (None,)
    assert network(X2).shape == (4,)
    assert set(network.parameters) <= set(dl.Graph([network(X1)]))
    assert set(network.parameters) <= set(dl.Graph([network(X2)]))


def test_layers_that_do_not_fit_are_reported():
    with pytest.raises(ValueError, match="network: layer 1 gives 3, but layer 2 takes 2"):
        dl.Network(dl.Layer(2, 3), dl.Layer(2, 1))
    with pytest.raises(ValueError, match="network: layer 2 gives scalar, but layer 3 takes 1"):
        dl.Network(dl.Layer(2, 3), dl.Layer(3, "scalar"), dl.Layer(1, 1))


def test_a_network_has_at_least_one_layer():
    with pytest.raises(ValueError, match="network: at least one layer is needed"):
        dl.Network()


def test_data_with_a_wrong_number_of_features_are_reported():
    X = dl.variable("X", (None, 3))
    with pytest.raises(ValueError, match=r"matmul: the shapes of 'X' \(None, 3\) and 'W' \(2, 2\)"):
        xor_network()(X)


@pytest.mark.parametrize(
    "sizes", [(0, 2), (2, 0), (2, -1), (2.5, 2), (2, "many"), (None, 2), (2, None)]
)
def test_a_layer_needs_positive_whole_sizes(sizes):
    with pytest.raises(ValueError, match="size"):
        dl.Layer(*sizes)


def test_initial_values_have_the_shapes_of_the_parameters():
    network = xor_network(hidden=3)
    values = network.initial_values(np.random.default_rng(0))
    assert list(values) == network.parameters
    for V, value in values.items():
        assert (np.shape(value), value.dtype) == (V.shape, V.dtype)
    W, c, w, b = values.values()
    assert_array_equal(c, np.zeros(3))
    assert_array_equal(b, 0.0)
    assert np.all(W != 0) and np.all(w != 0)


def test_initial_values_are_the_same_for_the_same_rng():
    network = xor_network()
    first, again, other = (
        network.initial_values(np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    for V in network.parameters:
        assert_array_equal(first[V], again[V])
    assert not np.array_equal(first[network.parameters[0]], other[network.parameters[0]])


def test_initial_weights_do_not_change_the_size_of_what_passes():
    layer = dl.Layer(400, 300)
    weights = dl.Network(layer).initial_values(np.random.default_rng(0))[layer.weights]
    assert abs(weights.std() * np.sqrt(400) - 1) < 0.01
    assert abs(weights.mean()) < 1e-3


# --- Gradient descent --------------------------------------------------------------------------


def test_a_step_goes_against_the_gradient():
    V, b = dl.variable("V", (2,)), dl.variable("b", ())
    parameters = {V: np.array([1.0, 2.0]), b: np.array(3.0)}
    after = dl.GradientDescent(0.5).step(parameters, [np.array([2.0, -4.0]), np.array(1.0)])
    assert list(after) == [V, b]
    assert_array_equal(after[V], [0.0, 4.0])
    assert_array_equal(after[b], 2.5)
    assert_array_equal(parameters[V], [1.0, 2.0])
    assert_array_equal(parameters[b], 3.0)


def test_a_step_needs_a_gradient_for_each_parameter():
    V = dl.variable("V", (2,))
    with pytest.raises(ValueError):
        dl.GradientDescent(0.5).step({V: np.ones(2)}, [])


@pytest.mark.parametrize("rate", [0, -0.1, float("nan"), float("inf")])
def test_the_learning_rate_must_be_positive(rate):
    with pytest.raises(ValueError, match=f"the learning rate must be positive, got {rate}"):
        dl.GradientDescent(rate)


@pytest.mark.parametrize("rate", [0.1, np.float64(0.1), np.float32(0.1)])
def test_a_step_keeps_the_dtype_of_the_parameters(rate):
    V = dl.variable("V", (2,), np.float32)
    (after,) = (
        dl.GradientDescent(rate)
        .step({V: np.ones(2, np.float32)}, [np.ones(2, np.float32)])
        .values()
    )
    assert after.dtype == np.float32


# --- Training ----------------------------------------------------------------------------------


def one_parameter():
    """J = (w - 3)^2: gradient descent with rate 1/4 halves the distance to 3 at every step."""
    w, goal = dl.variable("w", ()), dl.variable("goal", ())
    return w, goal, ((w - goal) ** 2).named("J")


def test_training_records_the_cost_before_each_step_and_after_the_last():
    w, goal, J = one_parameter()
    trained = dl.train(J, {w: 7.0}, {goal: 3.0}, dl.GradientDescent(0.25), steps=3)
    assert_array_equal(trained.costs, [16.0, 4.0, 1.0, 0.25])
    assert trained.parameters == {w: 3.5}
    assert trained.recorded == []


def test_no_steps_leave_the_parameters_where_they_are():
    w, goal, J = one_parameter()
    trained = dl.train(J, {w: 7.0}, {goal: 3.0}, dl.GradientDescent(0.25), steps=0)
    assert_array_equal(trained.costs, [16.0])
    assert trained.parameters == {w: 7.0}


def test_training_keeps_what_is_to_be_recorded():
    X, network = dl.variable("X", (None, 2)), xor_network()
    y_hat = network(X)
    J = dl.mean(y_hat**2)
    X_value = dl.datasets.xor()[0]
    start = network.initial_values(np.random.default_rng(0))
    W = network.parameters[0]
    trained = dl.train(J, start, {X: X_value}, dl.GradientDescent(0.1), 4, record=[y_hat, W, J])
    outputs, weights, costs = trained.recorded
    assert (outputs.shape, weights.shape, costs.shape) == ((5, 4), (5, 2, 2), (5,))
    assert_array_equal(weights[0], start[W])
    assert_array_equal(weights[-1], trained.parameters[W])
    assert_array_equal(outputs[0], dl.evaluate(y_hat, start | {X: X_value}))
    assert_array_equal(outputs[-1], dl.evaluate(y_hat, trained.parameters | {X: X_value}))
    assert_array_equal(costs, trained.costs)


def test_training_does_what_gradient_descent_by_hand_does():
    X, y, network = dl.variable("X", (None, 2)), dl.variable("y", (None,)), xor_network(hidden=3)
    J = dl.mean((y - network(X)) ** 2)
    X_value, y_value = dl.datasets.xor()
    start = network.initial_values(np.random.default_rng(3))
    data = {X: X_value, y: y_value}
    trained = dl.train(J, start, data, dl.GradientDescent(0.1), steps=5)
    gradients = dl.backprop(network.parameters, J)
    values = dict(start)
    for _ in range(5):
        values = {V: values[V] - 0.1 * dl.evaluate(gradients[V], values | data) for V in values}
    for V in network.parameters:
        assert_allclose(trained.parameters[V], values[V], rtol=1e-13)


def test_training_learns_xor():
    X, y, network = dl.variable("X", (None, 2)), dl.variable("y", (None,)), xor_network(hidden=8)
    J = dl.mean((y - network(X)) ** 2)
    data = dict(zip((X, y), dl.datasets.xor(), strict=True))
    start = network.initial_values(np.random.default_rng(0))
    trained = dl.train(J, start, data, dl.GradientDescent(0.1), steps=1500)
    assert trained.costs[-1] < 1e-6 < trained.costs[0]


def test_training_leaves_data_and_start_values_as_they_are():
    X, y, network = dl.variable("X", (None, 2)), dl.variable("y", (None,)), xor_network()
    data = dict(zip((X, y), dl.datasets.xor(), strict=True))
    start = network.initial_values(np.random.default_rng(0))
    kept = {V: np.copy(value) for V, value in (data | start).items()}
    J = dl.mean((y - network(X)) ** 2)
    dl.train(J, start, data, dl.GradientDescent(0.1), steps=3, record=[X])
    assert list(start) == network.parameters and list(data) == [X, y]
    for V, value in (data | start).items():
        assert_array_equal(value, kept[V])


def test_training_uses_any_object_that_can_step():
    class Stubborn:
        def step(self, parameters, gradients):
            assert [np.shape(g) for g in gradients] == [V.shape for V in parameters]
            return dict(parameters)

    w, goal, J = one_parameter()
    assert_array_equal(dl.train(J, {w: 7.0}, {goal: 3.0}, Stubborn(), 2).costs, [16.0] * 3)


@pytest.mark.parametrize("rate", [0.1, np.float64(0.1)])
def test_float32_parameters_are_trained_in_float32(rate):
    w = dl.variable("w", (2,), np.float32)
    start = {w: np.ones(2, np.float32)}
    trained = dl.train(dl.sum(w * w), start, {}, dl.GradientDescent(rate), steps=3)
    assert trained.parameters[w].dtype == np.float32
    assert trained.costs.dtype == np.float32


def test_float32_parameters_can_be_trained_on_float64_data():
    w, x = dl.variable("w", (2,), np.float32), dl.variable("x", (2,))
    start = {w: np.ones(2, np.float32)}
    data = {x: np.ones(2)}
    trained = dl.train(dl.sum(w * w * x), start, data, dl.GradientDescent(0.1), steps=2)
    assert trained.parameters[w].dtype == np.float32


def fit(X_value=((1.0, 2.0),), start=(1.0, 1.0), rate=0.1, steps=5):
    X, w = dl.variable("X", (None, 2)), dl.variable("w", (2,))
    J = dl.mean((X @ w) ** 2).named("J")
    return dl.train(J, {w: start}, {X: X_value}, dl.GradientDescent(rate), steps)


def test_nan_in_the_data_is_reported_and_not_trained_on():
    with pytest.raises(
        ValueError, match=r"'X' of shape \(2, 2\) contains NaN in 1 of 4 .*\(1, 0\)"
    ):
        fit(X_value=[[1.0, 2.0], [np.nan, 1.0]])


def test_wrong_data_and_start_values_are_reported():
    with pytest.raises(ValueError, match=r"'w' of shape \(2,\) contains NaN"):
        fit(start=[1.0, np.nan])
    with pytest.raises(ValueError, match=r"'X' is empty \(shape \(0, 2\)\)"):
        fit(X_value=np.ones((0, 2)))
    with pytest.raises(TypeError, match=r"'X' is float64 .* value is int64"):
        fit(X_value=np.ones((1, 2), int))
    with pytest.raises(ValueError, match=r"'w' is float64 of shape \(2,\).* \(3,\)"):
        fit(start=np.ones(3))


def test_a_cost_that_diverges_stops_training_and_names_the_step():
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match=r"train: the cost is inf after \d+ steps; a sm"),
    ):
        fit(rate=10.0, steps=1000)


def test_a_cost_that_is_infinite_at_the_start_is_reported_before_any_step():
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match="the cost is inf after 0 steps"),
    ):
        fit(start=[1e200, 1e200])


def test_a_gradient_that_is_no_number_stops_training_and_names_the_step():
    w = dl.variable("w", ())
    J = (dl.relu(w) ** 0.5).named("J")  # at 0: infinity times 0
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"train: .*step"):
        dl.train(J, {w: 0.0}, {}, dl.GradientDescent(0.1), steps=3)


@pytest.mark.parametrize("steps", [-1, 2.5, "3"])
def test_the_number_of_steps_is_a_whole_number(steps):
    with pytest.raises(
        ValueError, match="train: the number of steps must be 0 or a whole number above"
    ):
        fit(steps=steps)


def test_each_parameter_needs_a_gradient():
    w = dl.variable("w", ())
    message = r"gradient descent: 0 gradients for 1 parameters \(w\)"
    with pytest.raises(ValueError, match=message):
        dl.GradientDescent(0.1).step({w: np.array(1.0)}, [])


def test_only_a_scalar_cost_can_be_trained():
    w = dl.variable("w", (2,))
    with pytest.raises(ValueError, match=r"backprop: .*'square' has the shape \(2,\)"):
        dl.train(w**2, {w: np.ones(2)}, {}, dl.GradientDescent(0.1), 1)


def test_missing_data_and_parameters_without_effect_are_reported():
    w, goal, J = one_parameter()
    with pytest.raises(ValueError, match="compile: no value is given for goal, on which J"):
        dl.train(J, {w: 7.0}, {}, dl.GradientDescent(0.1), 1)
    other = dl.variable("other", ())
    with pytest.raises(ValueError, match="backprop: 'other' is not an ancestor of 'J'"):
        dl.train(J, {w: 7.0, other: 1.0}, {goal: 3.0}, dl.GradientDescent(0.1), 1)
    with pytest.raises(ValueError, match="compile: given twice among the inputs: w"):
        dl.train(J, {w: 7.0}, {goal: 3.0, w: 1.0}, dl.GradientDescent(0.1), 1)
