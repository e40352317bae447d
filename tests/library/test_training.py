"""Section 6.2: gradient-based learning, from the whole batch to early stopping."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from strategies import few, rngs

import dlbook as dl

nn = torch.nn


def xor_network(hidden=2):
    """The network of Section 6.1."""
    return dl.Network(
        dl.Layer(2, hidden, dl.relu, names=("W", "c", "h")),
        dl.Layer(hidden, "scalar", names=("w", "b", "y_hat")),
    )


# --- The whole batch ---------------------------------------------------------------------------


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
        def step(self, parameters, gradients, memory=None):
            assert [np.shape(g) for g in gradients] == [V.shape for V in parameters]
            return dict(parameters), [*(memory or ()), float(gradients[0])]

    w, goal, J = one_parameter()
    trained = dl.train(J, {w: 7.0}, {goal: 3.0}, Stubborn(), 2)
    assert_array_equal(trained.costs, [16.0] * 3)
    assert trained.memory == [8.0, 8.0]


@pytest.mark.parametrize(
    ("result", "got"),
    [
        ({}, "a dict"),
        (None, "a NoneType"),
        (({},), "1"),
        ([{}, None], "a list"),
        (({}, None, 1), "3"),
    ],
)
def test_a_step_that_returns_no_pair_is_reported(result, got):
    class Old:
        def step(self, parameters, gradients, memory=None):
            return result

    w, goal, J = one_parameter()
    with pytest.raises(
        TypeError, match=r"train: the optimizer's step must return a tuple"
    ) as caught:
        dl.train(J, {w: 7.0}, {goal: 3.0}, Old(), 2)
    assert str(caught.value).endswith(f"of two, the parameters and the memory, got {got}")


def test_a_step_returns_the_parameters_in_their_order():
    class Confused:
        def step(self, parameters, gradients, memory=None):
            return dict(reversed(parameters.items())), memory

    v, w = dl.variable("v", ()), dl.variable("w", ())
    with pytest.raises(ValueError, match=r"train: the optimizer's step must return .* same order"):
        dl.train(v * v + w, {v: 1.0, w: 2.0}, {}, Confused(), 1)


# --- Going on ----------------------------------------------------------------------------------


OPTIMIZERS = [
    dl.GradientDescent(0.1),
    dl.Momentum(0.1),
    dl.Adam(0.1),
    dl.GradientClipping(dl.Momentum(0.1), 0.2),
    dl.GradientClipping(dl.Adam(0.1), 0.2),
]
each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)


def assert_same_bits(one, other):
    """Hold parameters, or memories, to be the same."""
    assert list(one) == list(other)
    for key in one:
        a, b = np.asarray(one[key]), np.asarray(other[key])
        assert a.dtype == b.dtype and a.tobytes() == b.tobytes()


@each_optimizer
def test_training_twice_from_one_start_gives_the_same(optimizer):
    J, network, data = regression()
    start = network.initial_values(np.random.default_rng(0))
    one, other = (dl.train(J, start, data, optimizer, 20) for _ in range(2))
    assert_same_bits(one.parameters, other.parameters)
    assert_same_bits(one.memory, other.memory)
    assert_array_equal(one.costs, other.costs)


@each_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first", [0, 1, 7, 20])
def test_training_in_two_parts_is_training_at_once_bit_for_bit(optimizer, dtype, first):
    X, w, b = (
        dl.variable("X", (None, 3), dtype),
        dl.variable("w", (3,), dtype),
        dl.variable("b", (), dtype),
    )
    rng = np.random.default_rng(0)
    J = dl.mean((dl.tanh(X @ w) + b - 1) ** 2)
    data = {X: rng.normal(size=(9, 3)).astype(dtype)}
    start = {w: rng.normal(size=3).astype(dtype), b: dtype(0)}
    whole = dl.train(J, start, data, optimizer, 20)
    half = dl.train(J, start, data, optimizer, first)
    kept = {key: np.copy(value) for key, value in (half.memory or {}).items()}
    rest = dl.train(J, half.parameters, data, optimizer, 20 - first, memory=half.memory)
    assert_same_bits(rest.parameters, whole.parameters)
    assert_same_bits(rest.memory, whole.memory)
    assert_array_equal([*half.costs, *rest.costs[1:]], whole.costs)
    assert_same_bits(half.memory or {}, kept)


def test_without_its_memory_momentum_begins_anew():
    J, network, data = regression()
    start, optimizer = network.initial_values(np.random.default_rng(0)), dl.Momentum(0.1)
    whole = dl.train(J, start, data, optimizer, 20)
    half = dl.train(J, start, data, optimizer, 10)
    rest = dl.train(J, half.parameters, data, optimizer, 10)
    W = network.parameters[0]
    assert not np.allclose(rest.parameters[W], whole.parameters[W])


def test_no_steps_leave_the_memory_as_it_is():
    w, goal, J = one_parameter()
    assert dl.train(J, {w: 7.0}, {goal: 3.0}, dl.Momentum(0.1), 0).memory is None
    memory = {("velocity", w): np.array(2.0)}
    trained = dl.train(J, {w: 7.0}, {goal: 3.0}, dl.Momentum(0.1), 0, memory=memory)
    assert trained.memory is memory


def test_training_refuses_a_memory_of_something_else():
    w, goal, J = one_parameter()
    _, memory = dl.Adam(0.1).step({w: 7.0}, [1.0])
    with pytest.raises(ValueError, match=r"^momentum: the memory must be of this optimizer"):
        dl.train(J, {w: 7.0}, {goal: 3.0}, dl.Momentum(0.1), 1, memory=memory)


class Counter:
    """Takes w along given values, and remembers how many it has taken."""

    def __init__(self, values):
        self.values = values

    def step(self, parameters, gradients, memory=None):
        taken = memory or 0
        return {w: np.array(float(self.values[taken])) for w in parameters}, taken + 1


def test_the_memory_belongs_to_the_parameters_also_after_early_stopping():
    w, x = dl.variable("w", ()), dl.variable("x", ())
    counter = Counter([5, 2, 3, 4, 1])
    trained = dl.train(w * x, {w: 9.0}, {x: 1.0}, counter, 5, validation=(w * 1.0, {}), patience=2)
    assert (trained.epoch, trained.parameters, trained.memory) == (2, {w: 2}, 2)


def test_the_memory_belongs_to_the_parameters_also_after_divergence():
    w, x = dl.variable("w", ()), dl.variable("x", ())
    for optimizer, memory in ((Counter([5, 2, np.inf]), 2), (Counter([np.inf]), None)):
        with pytest.raises(dl.TrainingDiverged) as caught:
            dl.train((w * x) ** 2, {w: 9.0}, {x: 1.0}, optimizer, 5)
        assert caught.value.trained.memory == memory


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


def test_only_a_scalar_cost_can_be_trained():
    w = dl.variable("w", (2,))
    with pytest.raises(ValueError, match=r"^train: .*'square' has the shape \(2,\)"):
        dl.train(w**2, {w: np.ones(2)}, {}, dl.GradientDescent(0.1), 1)


def test_missing_data_and_parameters_without_effect_are_reported():
    w, goal, J = one_parameter()
    with pytest.raises(ValueError, match=r"^train: no value is given for goal, on which J"):
        dl.train(J, {w: 7.0}, {}, dl.GradientDescent(0.1), 1)
    other = dl.variable("other", ())
    with pytest.raises(ValueError, match="train: 'other' is not an ancestor of 'J'"):
        dl.train(J, {w: 7.0, other: 1.0}, {goal: 3.0}, dl.GradientDescent(0.1), 1)
    with pytest.raises(ValueError, match=r"^train: given twice among the inputs: w"):
        dl.train(J, {w: 7.0}, {goal: 3.0, w: 1.0}, dl.GradientDescent(0.1), 1)


# --- Minibatches -------------------------------------------------------------------------------


def regression(examples=22, seed=0):
    """Return J, the network, the input and the targets, and data for a small regression."""
    rng = np.random.default_rng(seed)
    X, y = dl.variable("X", (None, 3)), dl.variable("y", (None, 2))
    network = dl.MLP([3, 8, 6, 2], "tanh")
    J = dl.mean((network(X) - y) ** 2).named("J")
    data = {X: rng.normal(size=(examples, 3)), y: rng.normal(size=(examples, 2))}
    return J, network, data


@few
@given(rngs, st.integers(1, 12), st.integers(1, 12), st.integers(0, 30))
def test_an_epoch_takes_every_example_once(rng, examples, batch_size, steps):
    batch_size = min(batch_size, examples)
    X, w = dl.variable("X", (None,)), dl.variable("w", ())
    numbers, seed = np.arange(float(examples)), int(rng.integers(1000))
    trained = dl.train(
        dl.mean(X * w),
        {w: 1.0},
        {X: numbers},
        dl.GradientDescent(0.1),
        steps,
        record=[X],
        batch_size=batch_size,
        rng=np.random.default_rng(seed),
    )
    (batches,), order = trained.recorded, np.random.default_rng(seed)
    assert batches.shape == (steps + 1, batch_size)
    per_epoch = examples // batch_size
    for start in range(0, steps + 1, per_epoch):
        epoch = batches[start : start + per_epoch].reshape(-1)
        assert len(set(epoch)) == len(epoch)  # what is left over waits for another epoch
        assert_array_equal(epoch, order.permutation(examples)[: len(epoch)])


def test_what_is_left_over_differs_from_epoch_to_epoch():
    X, w = dl.variable("X", (None,)), dl.variable("w", ())
    trained = dl.train(
        dl.mean(X * w),
        {w: 1.0},
        {X: np.arange(7.0)},
        dl.GradientDescent(0.1),
        2 * 50 - 1,
        record=[X],
        batch_size=3,
        rng=np.random.default_rng(0),
    )
    seen = trained.recorded[0].reshape(50, 6)
    assert {21 - sum(epoch) for epoch in seen} == set(range(7))


def test_inputs_belong_to_their_targets_in_every_batch():
    X, y, w = dl.variable("X", (None, 2)), dl.variable("y", (None,)), dl.variable("w", (2,))
    X_value = np.random.default_rng(0).normal(size=(20, 2))
    data = {X: X_value, y: X_value @ np.array([2.0, -1.0])}
    J, start = dl.mean((X @ w - y) ** 2), {w: np.array([2.0, -1.0])}
    rng, step = np.random.default_rng(1), dl.GradientDescent(0.1)
    trained = dl.train(J, start, data, step, 30, batch_size=6, rng=rng)
    assert_allclose(trained.costs, 0, atol=1e-28)


def test_data_without_examples_are_the_same_in_every_batch():
    X, c, w = dl.variable("X", (None,)), dl.variable("c", (5,)), dl.variable("w", ())
    J = dl.mean(X) * w + dl.sum(c) * w
    data, rng = {X: np.ones(4), c: np.arange(5.0)}, np.random.default_rng(0)
    trained = dl.train(J, {w: 1.0}, data, dl.GradientDescent(0.1), 1, batch_size=2, rng=rng)
    assert_allclose(trained.costs[0], 11)


def test_the_same_seed_gives_the_same_result_bit_for_bit():
    J, network, data = regression()
    results = []
    for seed in (3, 3, 4):
        rng = np.random.default_rng(seed)
        start = network.initial_values(rng)
        results.append(dl.train(J, start, data, dl.Adam(0.01), 40, batch_size=5, rng=rng))
    first, again, other = results
    assert_array_equal(first.costs, again.costs)
    for V in network.parameters:
        assert_array_equal(first.parameters[V], again.parameters[V])
        assert not np.array_equal(first.parameters[V], other.parameters[V])


def test_a_batch_of_all_examples_is_the_whole_batch_in_another_order():
    J, network, data = regression()
    start = network.initial_values(np.random.default_rng(0))
    whole = dl.train(J, start, data, dl.GradientDescent(0.1), 20)
    rng = np.random.default_rng(0)
    shuffled = dl.train(J, start, data, dl.GradientDescent(0.1), 20, batch_size=22, rng=rng)
    assert_allclose(shuffled.costs, whole.costs, rtol=1e-12)


@pytest.mark.parametrize("batch_size", [None, 4, 22])
def test_training_does_what_a_loop_in_pytorch_does(batch_size):
    J, network, data = regression()
    start = network.initial_values(np.random.default_rng(0), "glorot")
    rng = np.random.default_rng(5)
    trained = dl.train(J, start, data, dl.GradientDescent(0.2), 50, batch_size=batch_size, rng=rng)
    module = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 2))
    module = module.double()
    values = [torch.tensor(value.T) for value in start.values()]
    for p, value in zip(module.parameters(), values, strict=True):
        p.data = value.clone()
    X_value, y_value = map(torch.tensor, data.values())
    optimizer, rng, costs = (
        torch.optim.SGD(module.parameters(), lr=0.2),
        np.random.default_rng(5),
        [],
    )
    while len(costs) < 51:
        order = np.arange(22) if batch_size is None else rng.permutation(22)
        size = batch_size or 22
        for k in range(22 // size):
            batch = order[k * size : (k + 1) * size]
            loss = nn.functional.mse_loss(module(X_value[batch]), y_value[batch])
            costs.append(loss.item())
            if len(costs) == 51:
                break
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert_allclose(trained.costs, costs, rtol=1e-10)
    for V, p in zip(network.parameters, module.parameters(), strict=True):
        assert_allclose(trained.parameters[V].T, p.detach().numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_networks_trained_at_once_learn_what_they_learn_alone(batch_size):
    together, alone = dl.MLP([3, 5, 2], "relu", copies=3), dl.MLP([3, 5, 2], "relu")
    _, _, data = regression()
    X, y = data
    J = dl.sum(dl.mean((together(X) - y) ** 2, axis=(1, 2)))  # of which each has its own share
    start = together.initial_values(np.random.default_rng(0), "he", bias=0.1)

    def trained(cost, parameters):
        rng, step = np.random.default_rng(7), dl.Momentum(0.05)
        return dl.train(cost, parameters, data, step, 25, batch_size=batch_size, rng=rng)

    all_three = trained(J, start)
    costs = 0
    for s in range(3):
        own = zip(alone.parameters, start.values(), strict=True)
        one = trained(
            dl.mean((alone(X) - y) ** 2), {V: value[s].reshape(V.shape) for V, value in own}
        )
        costs = costs + one.costs
        for V, value in zip(alone.parameters, all_three.parameters.values(), strict=True):
            assert_allclose(value[s].reshape(V.shape), one.parameters[V], rtol=1e-9, atol=1e-12)
    assert_allclose(all_three.costs, costs, rtol=1e-11)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "2"])
def test_the_batch_size_is_a_whole_number(size):
    J, network, data = regression()
    start, rng = network.initial_values(np.random.default_rng(0)), np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"the batch size must be 1 or a whole .*, got {size!r}"):
        dl.train(J, start, data, dl.GradientDescent(0.1), 1, batch_size=size, rng=rng)


def test_a_batch_is_taken_from_so_many_examples_at_least():
    J, network, data = regression()
    start, rng = network.initial_values(np.random.default_rng(0)), np.random.default_rng(0)
    with pytest.raises(
        ValueError, match="train: a batch of 23 cannot be taken from data with 22 ex"
    ):
        dl.train(J, start, data, dl.GradientDescent(0.1), 1, batch_size=23, rng=rng)
    w, goal, J = one_parameter()
    with pytest.raises(
        ValueError, match="train: a batch of 1 cannot be taken from data with no ex"
    ):
        dl.train(J, {w: 7.0}, {goal: 3.0}, dl.GradientDescent(0.1), 1, batch_size=1, rng=rng)


def test_inputs_and_targets_have_the_same_number_of_examples():
    J, network, data = regression()
    _, y = data
    start, rng = network.initial_values(np.random.default_rng(0)), np.random.default_rng(0)
    data[y] = data[y][:-1]
    with pytest.raises(ValueError, match=r"a batch of 4 cannot .* from data with 21, 22 examples"):
        dl.train(J, start, data, dl.GradientDescent(0.1), 1, batch_size=4, rng=rng)
    with pytest.raises(ValueError, match=r"disagree on the number of examples: 'X' \(22, 3\), 'y'"):
        dl.train(J, start, data, dl.GradientDescent(0.1), 1)


@pytest.mark.parametrize("rng", [None, 3, np.random.RandomState(0), np.random])
def test_minibatches_are_drawn_by_a_generator(rng):
    J, network, data = regression()
    start = network.initial_values(np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"train: rng must be a numpy.random.Generator, such as"):
        dl.train(J, start, data, dl.GradientDescent(0.1), 1, batch_size=4, rng=rng)


def test_training_with_minibatches_leaves_data_and_start_values_as_they_are():
    J, network, data = regression()
    start = network.initial_values(np.random.default_rng(0))
    kept = {V: np.copy(value) for V, value in (data | start).items()}
    rng, validation = np.random.default_rng(0), (J, data)
    dl.train(
        J,
        start,
        data,
        dl.Adam(0.1),
        9,
        batch_size=4,
        rng=rng,
        validation=validation,
        patience=1,
    )
    for V, value in (data | start).items():
        assert_array_equal(value, kept[V])


# --- Validation and early stopping -------------------------------------------------------------


class Walk:
    """Takes w along given values, whatever the gradient."""

    def __init__(self, values):
        self.values = iter(values)

    def step(self, parameters, gradients, memory=None):
        return {w: np.array(float(next(self.values))) for w in parameters}, memory


def walk(errors, patience=None, per_epoch=1, steps=None):
    """Train while the validation error after each epoch takes the given values."""
    w, x = dl.variable("w", ()), dl.variable("x", (None,))
    path = [e for error in errors for e in [1e6] * (per_epoch - 1) + [error]]  # between: worse
    return w, dl.train(
        dl.mean(x) * w,
        {w: 0.0},
        {x: np.ones(per_epoch)},
        Walk(path),
        len(path) if steps is None else steps,
        record=[w],
        batch_size=1,
        rng=np.random.default_rng(0),
        validation=(w * 1.0, {}),
        patience=patience,
    )


def test_the_validation_error_is_measured_at_the_end_of_every_epoch():
    J, network, data = regression()
    (X, X_value), (y, y_value) = data.items()
    held_out = {X: X_value[:6], y: y_value[:6]}
    data = {X: X_value[6:], y: y_value[6:]}
    error = dl.mean(dl.abs(network(X) - y))
    trained = dl.train(
        J,
        network.initial_values(np.random.default_rng(0)),
        data,
        dl.Adam(0.05),
        18,
        record=network.parameters,
        batch_size=4,  # 4 steps an epoch
        rng=np.random.default_rng(1),
        validation=(error, held_out),
    )
    wanted = []
    for step in (4, 8, 12, 16):
        values = dict(zip(network.parameters, (r[step] for r in trained.recorded), strict=True))
        wanted.append(dl.evaluate(error, values | held_out))
    assert_allclose(trained.errors, wanted, rtol=1e-13)
    assert trained.epoch == 4
    for V, values in zip(network.parameters, trained.recorded, strict=True):
        assert_array_equal(trained.parameters[V], values[18])  # the last, not the best


def test_without_minibatches_every_step_is_an_epoch():
    w, goal, J = one_parameter()
    trained = dl.train(
        J, {w: 7.0}, {goal: 3.0}, dl.GradientDescent(0.25), 3, validation=(J, {goal: 3.5})
    )
    assert_array_equal(trained.costs, [16.0, 4.0, 1.0, 0.25])
    assert_array_equal(trained.errors, [2.25, 0.25, 0.0])
    assert trained.epoch == 3 and trained.parameters == {w: 3.5}


def test_epochs_are_counted_without_validation_too():
    J, network, data = regression()
    start, rng = network.initial_values(np.random.default_rng(0)), np.random.default_rng(0)
    epochs = [
        dl.train(J, start, data, dl.GradientDescent(0.1), steps, batch_size=5, rng=rng).epoch
        for steps in (0, 3, 4, 11, 12)
    ]
    assert epochs == [0, 0, 1, 2, 3]


@few
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_early_stopping_returns_the_best_parameters(errors, patience, per_epoch):
    w, trained = walk(errors, patience, per_epoch)
    best, since, seen = None, 0, []
    for error in errors:  # Algorithm 7.1, with an evaluation after every epoch
        seen.append(error)
        best, since = (error, 0) if best is None or error < best else (best, since + 1)
        if since == patience:
            break
    assert_array_equal(trained.errors, seen)
    assert trained.epoch == seen.index(best) + 1
    assert trained.parameters == {w: best}
    assert len(trained.costs) == len(trained.recorded[0]) == per_epoch * len(seen) + 1
    assert trained.recorded[0][-1] == seen[-1]


def test_training_that_ends_before_an_epoch_does_returns_what_there_is():
    w, trained = walk([5, 4], patience=1, per_epoch=3, steps=2)
    assert (trained.epoch, trained.errors.shape, trained.parameters) == (0, (0,), {w: 1e6})


def test_an_infinite_validation_error_is_never_the_best():
    w, x = dl.variable("w", ()), dl.variable("x", ())
    path, error = Walk([0, 1, 0, 2, 0]), 1 / w
    trained = dl.train(w * x, {w: 9.0}, {x: 1.0}, path, 5, validation=(error, {}), patience=3)
    assert_array_equal(trained.errors, [np.inf, 1, np.inf, 0.5, np.inf])
    assert (trained.epoch, trained.parameters) == (4, {w: 2})


def test_early_stopping_prevents_overfitting():
    rng = np.random.default_rng(0)
    X, y, network = (
        dl.variable("X", (None, 1)),
        dl.variable("y", (None, 1)),
        dl.MLP([1, 30, 1], "tanh"),
    )
    X_value = rng.uniform(-2, 2, (60, 1))
    y_value = np.sin(2 * X_value) + 0.5 * rng.normal(size=(60, 1))
    data, held_out = ({X: X_value[k], y: y_value[k]} for k in (slice(15), slice(15, None)))
    J = dl.mean((network(X) - y) ** 2)
    start = network.initial_values(rng)
    long = dl.train(J, start, data, dl.Adam(0.02), 3000, validation=(J, held_out))
    stopped = dl.train(J, start, data, dl.Adam(0.02), 3000, validation=(J, held_out), patience=200)
    assert len(stopped.errors) == stopped.epoch + 200 < 3000
    assert_array_equal(stopped.errors, long.errors[: len(stopped.errors)])
    error = dl.evaluate(J, stopped.parameters | held_out)
    assert_allclose(error, stopped.errors.min(), rtol=1e-12)
    assert error < 0.8 * long.errors[-1]


@pytest.mark.parametrize("patience", [0, -1, 2.0, True])
def test_patience_is_a_whole_number(patience):
    message = f"the patience must be 1 or a whole number above, got {patience!r}"
    with pytest.raises(ValueError, match=message):
        walk([1, 2], patience)


def test_patience_needs_a_validation_error():
    w, goal, J = one_parameter()
    with pytest.raises(ValueError, match="train: to stop early needs a validation error"):
        dl.train(J, {w: 7.0}, {goal: 3.0}, dl.GradientDescent(0.1), 1, patience=2)


def test_the_validation_error_is_a_number_of_the_same_parameters():
    J, network, data = regression()
    start = network.initial_values(np.random.default_rng(0))
    X, y = data

    def train(validation):
        return dl.train(J, start, data, dl.GradientDescent(0.1), 1, validation=validation)

    with pytest.raises(ValueError, match="train: the validation error must be a scalar, got <"):
        train((network(X), data))
    with pytest.raises(ValueError, match=r"train: the validation error must be a scalar, got 0\.5"):
        train((0.5, data))
    with pytest.raises(TypeError, match="train: validation is a pair, the error and a dict"):
        train(J)
    with pytest.raises(TypeError, match="train: validation is a pair, the error and a dict"):
        train((J, X, y))
    with pytest.raises(ValueError, match="compile: no value is given for y, on which J depend"):
        train((J, {X: data[X]}))
    with pytest.raises(ValueError, match=r"train: 'X' of shape \(22, 3\) contains NaN in 66 of 66"):
        train((J, {X: data[X] * np.nan, y: data[y]}))


# --- Divergence --------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [dl.GradientDescent(1e3), dl.Momentum(1e3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.filterwarnings("error")
def test_what_there_was_before_training_diverged_is_kept(optimizer, dtype, watched):
    X, w = dl.variable("X", (None, 2), dtype), dl.variable("w", (2,), dtype)
    J = dl.mean((X @ w) ** 2).named("J")
    data = {X: np.array([[1.0, 2.0]], dtype)}
    validation = (J, {X: data[X] * 100}) if watched else None  # it overflows first
    with pytest.raises(dl.TrainingDiverged, match="a smaller learning rate may help") as caught:
        dl.train(
            J,
            {w: np.ones(2, dtype)},
            data,
            optimizer,
            1000,
            record=[w],
            validation=validation,
        )
    trained = caught.value.trained
    steps = len(trained.costs)
    assert 1 < steps < 1000 and f"after {steps} steps" in str(caught.value)
    assert np.isfinite(trained.costs).all() and trained.costs.dtype == dtype
    assert_array_equal(trained.parameters[w], trained.recorded[0][-1])
    assert np.isfinite(trained.parameters[w]).all()
    assert trained.epoch == steps - 1
    assert len(trained.errors) == (steps - 1 if watched else 0)
    assert_allclose(dl.evaluate(J, trained.parameters | data), trained.costs[-1], rtol=1e-5)


@pytest.mark.filterwarnings("error")
def test_a_step_that_overflows_is_reported_as_divergence():
    w, goal, J = one_parameter()
    with pytest.raises(dl.TrainingDiverged, match="train: the cost is inf after 1 steps"):
        dl.train(J, {w: 7.0}, {goal: 3.0}, dl.GradientDescent(1e308), 5)


def test_a_cost_that_was_never_finite_leaves_the_initial_parameters():
    with pytest.raises(dl.TrainingDiverged, match="the cost is inf after 0 steps") as caught:
        fit(start=[1e200, 1e200])
    trained = caught.value.trained
    assert (trained.costs.shape, trained.epoch) == ((0,), 0)
    assert repr(trained) == "<Trained: no cost>"
    assert_array_equal(next(iter(trained.parameters.values())), [1e200, 1e200])


def test_a_gradient_that_is_not_finite_is_named():
    w, v = dl.variable("w", ()), dl.variable("v", ())
    J = dl.sqrt(w) + v**2
    with pytest.raises(
        dl.TrainingDiverged, match="the gradient of 'w' is not finite after 0 steps"
    ):
        dl.train(J, {v: 1.0, w: 0.0}, {}, dl.GradientDescent(0.1), 3)


def test_divergence_after_epochs_returns_the_best_ones():
    w, x = dl.variable("w", ()), dl.variable("x", ())
    with pytest.raises(dl.TrainingDiverged) as caught:
        dl.train(
            (x * w) ** 2,
            {w: 0.0},
            {x: 1.0},
            Walk([5, 2, 3, np.inf]),
            9,
            validation=(w * 1.0, {}),
            patience=5,
        )
    trained = caught.value.trained
    assert (trained.epoch, trained.parameters) == (2, {w: 2})
    assert_array_equal(trained.errors, [5, 2, 3])


@pytest.mark.filterwarnings("error")
def test_a_validation_error_that_is_no_number_stops_training():
    w, x = dl.variable("w", ()), dl.variable("x", ())
    with pytest.raises(
        dl.TrainingDiverged, match="train: the validation error is nan after 2"
    ) as caught:
        dl.train((w - x) ** 2, {w: 4.0}, {x: 1.0}, Walk([1, -2, 3]), 3, validation=(dl.log(w), {}))
    trained = caught.value.trained
    assert (trained.epoch, trained.parameters) == (1, {w: 1})
    assert_array_equal(trained.errors, [0.0])


def test_divergence_comes_back_from_another_process():
    w, goal, J = one_parameter()
    with pytest.raises(dl.TrainingDiverged) as caught:
        dl.train(J, {w: 7.0}, {goal: 3.0}, dl.GradientDescent(100.0), 500)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is dl.TrainingDiverged and str(copy) == str(caught.value)
    assert_array_equal(copy.trained.costs, caught.value.trained.costs)
    assert [V.name for V in copy.trained.parameters] == ["w"]


def test_a_cost_that_changes_by_jumps_alone_is_refused_before_the_first_step():
    X, y, w = dl.variable("X", (None, 2)), dl.variable("y", (None,)), dl.variable("w", (2,))
    signs = dl.sign(X @ w)
    data = {X: np.eye(2), y: np.array([1.0, -1.0])}
    wrong = dl.mean(dl.where(dl.equal(signs, y), 0.0, 1.0)).named("wrong")
    message = r"the gradient of 'wrong' is 0 .* with w it changes by jumps .* through sign; take a"
    with pytest.raises(ValueError, match="^train: " + message):
        dl.train(wrong, {w: np.ones(2)}, data, dl.GradientDescent(0.1), steps=1)
    with pytest.raises(ValueError, match="^minimize: " + message):
        dl.minimize(wrong, {w: np.ones(2)}, data)
    # One smooth path is enough.
    dl.train(wrong + dl.sum(w * w), {w: np.ones(2)}, data, dl.GradientDescent(0.1), steps=1)
