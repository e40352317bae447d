"""Sections 8.3.2, 8.5.3 and 10.11.1: the optimizers take the steps that PyTorch takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from strategies import few, fewer, rngs

import dlbook as dl

DTYPES = [np.float32, np.float64]
OPTIMIZERS = {
    "gradient descent": lambda: dl.GradientDescent(0.1),
    "momentum": lambda: dl.Momentum(0.1, 0.9),
    "Adam": lambda: dl.Adam(0.1),
    "clipped": lambda: dl.GradientClipping(dl.Momentum(0.1), 1.0),
}
each_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
rates = st.floats(1e-4, 1.0)
shares = st.floats(0, 0.999)


def parameters_like(rng, dtype=np.float64):
    """A number, a vector and a matrix."""
    variables = [dl.variable(name, shape, dtype) for name, shape in SHAPES.items()]
    return {V: np.asarray(rng.normal(size=V.shape)).astype(dtype) for V in variables}


SHAPES = {"b": (), "w": (3,), "W": (2, 3)}


def gradients_like(rng, parameters, size=1.0):
    return [np.asarray(size * rng.normal(size=V.shape)).astype(V.dtype) for V in parameters]


def assert_steps_are_those_of_pytorch(optimizer, theirs, rng, steps=8, clip=None):
    """Take steps along the same gradients; ``theirs`` makes PyTorch's optimizer."""
    parameters = parameters_like(rng)
    tensors = [torch.from_numpy(v.copy()).requires_grad_() for v in parameters.values()]
    other, memory = theirs(tensors), None
    for _ in range(steps):
        gradients = gradients_like(rng, parameters, size=10 ** rng.uniform(-6, 3))
        for tensor, G in zip(tensors, gradients, strict=True):
            tensor.grad = torch.from_numpy(G.copy())
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(tensors, clip)
        parameters, memory = optimizer.step(parameters, gradients, memory)
        other.step()
        for found, expected in zip(parameters.values(), tensors, strict=True):
            assert_allclose(found, expected.detach().numpy(), rtol=1e-12, atol=1e-12)


@given(rng=rngs, rate=rates)
@fewer
def test_gradient_descent_takes_the_steps_of_pytorch(rng, rate):
    theirs = lambda tensors: torch.optim.SGD(tensors, rate)  # noqa: E731
    assert_steps_are_those_of_pytorch(dl.GradientDescent(rate), theirs, rng)


@given(rng=rngs, rate=rates, momentum=shares)
@few
def test_momentum_takes_the_steps_of_pytorch(rng, rate, momentum):
    theirs = lambda tensors: torch.optim.SGD(tensors, rate, momentum)  # noqa: E731
    assert_steps_are_those_of_pytorch(dl.Momentum(rate, momentum), theirs, rng)


@given(rng=rngs, rate=rates, rho1=shares, rho2=shares, delta=st.sampled_from([1e-8, 1e-3]))
@few
def test_adam_takes_the_steps_of_pytorch(rng, rate, rho1, rho2, delta):
    theirs = lambda tensors: torch.optim.Adam(tensors, rate, (rho1, rho2), delta)  # noqa: E731
    assert_steps_are_those_of_pytorch(dl.Adam(rate, rho1, rho2, delta), theirs, rng)


def test_adam_has_the_settings_of_the_book_and_of_pytorch():
    theirs = lambda tensors: torch.optim.Adam(tensors)  # noqa: E731
    assert_steps_are_those_of_pytorch(dl.Adam(), theirs, np.random.default_rng(0))


def test_the_first_step_of_adam_is_of_the_learning_rate_whatever_the_gradient():
    V = dl.variable("V", (4,))
    for size in (1e-3, 1.0, 1e100):
        gradient = np.array([size, -size, 2 * size, -5 * size])
        after, _ = dl.Adam(0.1).step({V: np.zeros(4)}, [gradient])
        assert_allclose(after[V], [-0.1, 0.1, -0.1, 0.1], rtol=1e-4)
    after, _ = dl.Adam(0.1).step({V: np.ones(4)}, [np.zeros(4)])
    assert_array_equal(after[V], np.ones(4))


def test_momentum_of_0_is_gradient_descent():
    rng = np.random.default_rng(0)
    start = parameters_like(rng)
    one, other, memory = dict(start), dict(start), None
    for _ in range(3):
        gradients = gradients_like(rng, start)
        one, memory = dl.Momentum(0.1, 0).step(one, gradients, memory)
        other, _ = dl.GradientDescent(0.1).step(other, gradients)
        for V in start:
            assert_array_equal(one[V], other[V])


# --- Clipping ----------------------------------------------------------------------------------


def length(gradients):
    return np.sqrt(sum(np.square(np.asarray(G, np.float64)).sum() for G in gradients))


class Recorder:
    """Takes no step, but keeps the gradients."""

    def step(self, parameters, gradients, memory=None):
        self.gradients = gradients
        return dict(parameters), memory


def clipped(gradients, norm, parameters):
    recorder = Recorder()
    dl.GradientClipping(recorder, norm).step(parameters, gradients)
    return recorder.gradients


@given(rng=rngs, norm=st.floats(1e-3, 1e3))
@few
def test_clipping_takes_the_steps_of_pytorch(rng, norm):
    # PyTorch divides by the length and 1e-6, to be safe: here that must not show.
    V = parameters_like(rng)
    gradients = gradients_like(rng, V, size=10 ** rng.uniform(1, 3))
    tensors = [torch.from_numpy(v.copy()).requires_grad_() for v in V.values()]
    for tensor, G in zip(tensors, gradients, strict=True):
        tensor.grad = torch.from_numpy(G.copy())
    total = torch.nn.utils.clip_grad_norm_(tensors, norm)
    for found, tensor in zip(clipped(gradients, norm, V), tensors, strict=True):
        assert_allclose(found, tensor.grad.numpy(), rtol=2e-6 / min(1, float(total)))


@pytest.mark.parametrize("dtype", DTYPES)
@given(rng=rngs, norm=st.floats(1e-3, 1e3), exponent=st.integers(-30, 30))
@few
def test_a_clipped_gradient_keeps_its_direction_and_is_at_most_of_that_norm(
    dtype, rng, norm, exponent
):
    V = parameters_like(rng, dtype)
    gradients = gradients_like(rng, V, size=10.0**exponent)
    before, found = length(gradients), clipped(gradients, norm, V)
    assert length(found) <= norm * (1 + 1e-5)
    precision = 1e-13 if dtype is np.float64 else 1e-5
    if before <= norm:
        for G, same in zip(gradients, found, strict=True):
            assert_array_equal(G, same)
    else:
        assert_allclose(length(found), norm, rtol=precision)
        for G, shorter in zip(gradients, found, strict=True):
            assert shorter.dtype == dtype and np.shape(shorter) == np.shape(G)
            expected = np.asarray(G, np.float64) * (norm / before)
            assert_allclose(shorter, expected, rtol=precision, atol=1e-40)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_gradients_are_clipped_without_overflow(dtype):
    V = dl.variable("V", (4,), dtype)
    huge = np.full(4, np.finfo(dtype).max, dtype)
    (found,) = clipped([huge], 1.0, {V: np.zeros(4, dtype)})
    assert_allclose(found, np.full(4, 0.5), rtol=1e-6)
    tiny = np.full(4, np.finfo(dtype).tiny, dtype)
    (found,) = clipped([tiny], 1.0, {V: np.zeros(4, dtype)})
    assert_array_equal(found, tiny)


def test_gradients_of_0_stay_0():
    V = parameters_like(np.random.default_rng(0))
    zeros = [np.zeros(U.shape) for U in V]
    for found in clipped(zeros, 0.5, V):
        assert_array_equal(found, np.zeros(found.shape))
    one = [np.asarray(0.0), np.zeros(3), np.eye(2, 3) * 100]
    assert_allclose(length(clipped(one, 0.5, V)), 0.5)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(3))
def test_gradients_that_are_not_finite_are_passed_on(wrong, place):
    V = parameters_like(np.random.default_rng(0))
    gradients = [np.full(U.shape, 100.0) for U in V]
    gradients[place] = np.full(gradients[place].shape, wrong)
    for found, given_one in zip(clipped(gradients, 1.0, V), gradients, strict=True):
        assert_array_equal(found, given_one)


def test_training_reports_a_gradient_that_is_not_finite_also_if_it_is_clipped():
    w = dl.variable("w", ())
    J = (dl.relu(w) ** 0.5).named("J")  # at 0: infinity times 0
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"train: .*step"):
        dl.train(J, {w: 0.0}, {}, dl.GradientClipping(dl.GradientDescent(0.1), 1.0), steps=3)


def test_clipping_comes_before_the_memory():
    V, rng = dl.variable("V", (3,)), np.random.default_rng(0)
    steps = [100 * rng.normal(size=3) for _ in range(4)]
    one, other = {V: np.zeros(3)}, {V: np.zeros(3)}
    clipping, plain = dl.GradientClipping(dl.Momentum(0.1), 2.0), dl.Momentum(0.1)
    memories = [None, None]
    for G in steps:
        one, memories[0] = clipping.step(one, [G], memories[0])
        other, memories[1] = plain.step(other, [G * 2 / np.linalg.norm(G)], memories[1])
    assert_allclose(one[V], other[V], rtol=1e-12)


# --- What all have in common -------------------------------------------------------------------


@each_optimizer
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_keeps_dtypes_and_shapes_and_what_it_was_given(name, dtype):
    rng, optimizer = np.random.default_rng(1), OPTIMIZERS[name]()
    parameters, memory = parameters_like(rng, dtype), {}
    for turn in range(4):
        gradients = gradients_like(rng, parameters, size=10)
        given_ones = (*parameters.values(), *gradients, *memory.values())
        for array in given_ones:
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
        kept, keys = [np.copy(array) for array in given_ones], list(memory)
        after, then = optimizer.step(parameters, gradients, memory if turn else None)
        for array, before in zip(given_ones, kept, strict=True):
            assert_array_equal(array, before)
        assert list(memory) == keys and then is not memory
        assert list(then) == list(optimizer.start(parameters))
        for key, value in then.items():
            assert key == "t" or (value.dtype == dtype and np.shape(value) == key[1].shape)
        assert list(after) == list(parameters)
        for V, value in after.items():
            assert value.dtype == dtype and np.shape(value) == V.shape
            assert value is not parameters[V]
        parameters, memory = {V: np.array(value) for V, value in after.items()}, then


@each_optimizer
def test_what_a_step_remembers_is_not_changed_from_outside(name):
    V = dl.variable("V", (3,))
    results = []
    for spoil in (False, True):
        optimizer, values, memory = OPTIMIZERS[name](), {V: np.ones(3)}, None
        for _ in range(3):
            gradient = np.array([1.0, -2.0, 3.0])
            values, memory = optimizer.step(values, [gradient], memory)
            if spoil:
                gradient *= 100
        results.append(values[V])
    assert_array_equal(*results)


@each_optimizer
def test_numbers_can_be_parameters(name):
    """A program returns NumPy's numbers, not arrays, for scalars."""
    for dtype in DTYPES:
        b = dl.variable("b", (), dtype)
        after, _ = OPTIMIZERS[name]().step({b: dtype(2.0)}, [dtype(0.5)])
        assert after[b].dtype == dtype and 1 < after[b] < 2


@each_optimizer
def test_each_optimizer_learns(name):
    X, y = dl.variable("X", (None, 2)), dl.variable("y", (None,))
    w, b = dl.variable("w", (2,)), dl.variable("b", ())
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(20, 2))
    data = {X: inputs, y: inputs @ [1.0, -2.0] + 0.5}
    J = dl.costs.squared_error(X @ w + b, y)
    trained = dl.train(J, {w: np.zeros(2), b: 0.0}, data, OPTIMIZERS[name](), 300)
    assert trained.costs[-1] < 1e-3 < 1 < trained.costs[0]
    assert_allclose(trained.parameters[w], [1, -2], atol=0.05)


@each_optimizer
def test_gradients_that_do_not_fit_are_reported(name):
    V, W = dl.variable("V", (2,)), dl.variable("W", (2, 3))
    values, optimizer = {V: np.zeros(2), W: np.zeros((2, 3))}, OPTIMIZERS[name]()
    with pytest.raises(ValueError, match=rf"^{name}: 1 gradients for 2 parameters \(V, W\)"):
        optimizer.step(values, [np.zeros(2)])
    with pytest.raises(
        ValueError, match=rf"^{name}: 'W' has the shape \(2, 3\), its gradient \(3, 2\)"
    ):
        optimizer.step(values, [np.zeros(2), np.zeros((3, 2))])
    with pytest.raises(ValueError, match=rf"^{name}: 'V' has the shape \(2,\), its gradient \(\)"):
        optimizer.step(values, [np.float64(1.0), np.zeros((2, 3))])


@pytest.mark.parametrize("wrong", [0, -0.1, float("nan"), float("inf"), "0.1", None, True, 1j])
def test_settings_that_must_be_positive(wrong):
    for what, make in {
        "gradient descent: the learning rate": lambda: dl.GradientDescent(wrong),
        "momentum: the learning rate": lambda: dl.Momentum(wrong),
        "Adam: the learning rate": lambda: dl.Adam(wrong),
        "Adam: the delta": lambda: dl.Adam(delta=wrong),
        "clipped: the norm": lambda: dl.GradientClipping(dl.GradientDescent(0.1), wrong),
    }.items():
        with pytest.raises(ValueError) as caught:
            make()
        assert str(caught.value) == f"{what} must be positive, got {wrong!r}"


@pytest.mark.parametrize("wrong", [-0.1, 1, 1.5, float("nan"), "0.9", None, False])
def test_shares_that_must_be_from_0_to_below_1(wrong):
    for what, make in {
        "momentum: the momentum": lambda: dl.Momentum(0.1, wrong),
        "Adam: the rho1": lambda: dl.Adam(rho1=wrong),
        "Adam: the rho2": lambda: dl.Adam(rho2=wrong),
    }.items():
        with pytest.raises(ValueError) as caught:
            make()
        assert str(caught.value) == f"{what} must be from 0 to below 1, got {wrong!r}"


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), 0.5])
def test_settings_can_be_numbers_of_numpy(number):
    V = dl.variable("V", (2,), np.float32)
    for optimizer in (
        dl.Momentum(number, number),
        dl.Adam(number, number, number, number),
        dl.GradientClipping(dl.GradientDescent(number), number),
    ):
        after, _ = optimizer.step({V: np.ones(2, np.float32)}, [np.ones(2, np.float32)])
        assert after[V].dtype == np.float32


# --- The memory --------------------------------------------------------------------------------


@each_optimizer
def test_an_optimizer_remembers_nothing_by_itself(name):
    rng, optimizer = np.random.default_rng(0), OPTIMIZERS[name]()
    parameters = parameters_like(rng)
    gradients = gradients_like(rng, parameters)
    first, memory = optimizer.step(parameters, gradients)
    optimizer.step(first, gradients, memory)
    again, same = optimizer.step(parameters, gradients)
    assert list(same) == list(memory)
    for one, other in ((first, again), (memory, same)):
        for key in one:
            assert_array_equal(one[key], other[key])


@each_optimizer
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_step_is_that_of_a_memory_of_zeros(name, dtype):
    rng, optimizer = np.random.default_rng(0), OPTIMIZERS[name]()
    parameters = parameters_like(rng, dtype)
    gradients = gradients_like(rng, parameters)
    zeros = optimizer.start(parameters)
    assert not any(np.any(value) for value in zeros.values())
    for one, other in zip(
        optimizer.step(parameters, gradients),
        optimizer.step(parameters, gradients, zeros),
        strict=True,
    ):
        assert list(one) == list(other)
        for key in one:
            assert_array_equal(one[key], other[key])
            assert np.asarray(one[key]).dtype == np.asarray(other[key]).dtype


def test_a_memory_says_what_it_is_of():
    rng = np.random.default_rng(0)
    parameters = parameters_like(rng)
    b, w, W = parameters
    G = gradients_like(rng, parameters)
    _, memory = dl.GradientDescent(0.1).step(parameters, G)
    assert memory == {}
    _, memory = dl.Momentum(0.1).step(parameters, G)
    assert list(memory) == [("velocity", V) for V in parameters]
    assert_array_equal(memory["velocity", W], G[2])
    _, memory = dl.GradientClipping(dl.Adam(0.1), 1e9).step(parameters, G)
    assert list(memory) == [(what, V) for what in "sr" for V in (b, w, W)] + ["t"]
    assert_allclose(memory["s", w], 0.1 * G[1])
    assert_allclose(memory["r", w], 0.001 * G[1] ** 2)
    assert memory["t"] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_number_of_steps_may_be_of_any_kind(dtype):
    parameters = parameters_like(np.random.default_rng(0), dtype)
    gradients = gradients_like(np.random.default_rng(1), parameters)
    _, memory = dl.Adam(0.1).step(parameters, gradients)
    expected, _ = dl.Adam(0.1).step(parameters, gradients, memory)
    for t in (1, 1.0, np.int64(1), np.float32(1), np.float64(1), np.array(1.0)):
        after, then = dl.Adam(0.1).step(parameters, gradients, {**memory, "t": t})
        assert then["t"] == 2
        for V in parameters:
            assert_array_equal(after[V], expected[V])
            assert after[V].dtype == dtype


def test_a_memory_of_another_optimizer_or_of_other_parameters_is_refused_by_name():
    V, U, other = dl.variable("V", (2,)), dl.variable("U", (2,)), dl.variable("V", (2,))
    two = np.ones(2)
    memories = {
        make: make(0.1).step({V: two}, [two])[1]
        for make in (dl.GradientDescent, dl.Momentum, dl.Adam)
    }
    wanted = "the memory must be of this optimizer and these parameters, but there is "
    for make, memory, parameters, problem in (
        (dl.GradientDescent, dl.Momentum, [V], "velocity of 'V' too much"),
        (dl.Momentum, dl.GradientDescent, [V], "velocity of 'V' missing"),
        (
            dl.Momentum,
            dl.Adam,
            [V],
            "velocity of 'V' missing and s of 'V', r of 'V', t too much",
        ),
        (dl.Momentum, dl.Momentum, [V, U], "velocity of 'U' missing"),
        (dl.Momentum, dl.Momentum, [U], "velocity of 'U' missing and velocity of 'V' too much"),
        (
            dl.Momentum,
            dl.Momentum,
            [other],
            "velocity of 'V' missing and velocity of 'V' too much (another variable, if of the "
            "same name)",
        ),
    ):
        with pytest.raises(ValueError) as caught:
            make(0.1).step(
                dict.fromkeys(parameters, two), [two] * len(parameters), memories[memory]
            )
        assert str(caught.value) == f"{make.name}: {wanted}{problem}"
    with pytest.raises(
        ValueError, match=r"^momentum: 'V' has the shape \(2,\), its velocity \(3,\)"
    ):
        dl.Momentum(0.1).step({V: two}, [two], {("velocity", V): np.ones(3)})
    with pytest.raises(TypeError, match=r"^Adam: the memory must be None or .*, got a tuple"):
        dl.Adam().step({V: two}, [two], ({V: two}, memories[dl.Adam]))
    for t in ("1", None, np.ones(2)):
        with pytest.raises(TypeError, match=r"^Adam: the t in the memory must be a number, got"):
            dl.Adam().step({V: two}, [two], {**memories[dl.Adam], "t": t})


# --- Gradients by variable ---------------------------------------------------------------------


@each_optimizer
def test_gradients_can_be_given_by_variable_in_any_order(name):
    rng, optimizer = np.random.default_rng(0), OPTIMIZERS[name]()
    parameters = parameters_like(rng)
    gradients = gradients_like(rng, parameters)
    by_variable = dict(reversed(list(zip(parameters, gradients, strict=True))))
    expected, memory = optimizer.step(parameters, gradients)
    for given_ones in (by_variable, tuple(gradients), iter(gradients)):
        after, then = optimizer.step(parameters, given_ones)
        assert list(after) == list(parameters) and list(then) == list(memory)
        for V in parameters:
            assert_array_equal(after[V], expected[V])


@each_optimizer
def test_gradients_by_other_variables_are_refused(name):
    V, U, other = dl.variable("V", ()), dl.variable("U", ()), dl.variable("V", ())
    one, optimizer = np.float64(1), OPTIMIZERS[name]()
    for gradients, problem in (
        ({}, "'V' missing"),
        ({U: one}, "'V' missing and 'U' too much"),
        ({V: one, U: one}, "'U' too much"),
        ({other: one}, "'V' missing and 'V' too much (another variable, if of the same name)"),
        ({"V": one}, "'V' missing and V too much"),
    ):
        with pytest.raises(ValueError) as caught:
            optimizer.step({V: one}, gradients)
        wanted = f"{name}: the gradients must be by the parameters, but there is {problem}"
        assert str(caught.value) == wanted
    for nothing in (V, 1.0, None):
        with pytest.raises(
            TypeError, match=f"^{name}: the gradients must be a list or a dict, got"
        ):
            optimizer.step({V: one}, nothing)


# --- A step as a graph -------------------------------------------------------------------------


def symbols_like(parameters):
    theta = {V: V for V in parameters}
    return theta, {V: dl.variable(f"g_{V.name}", V.shape, V.dtype) for V in parameters}


@each_optimizer
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", ["numpy", "torch", "javascript"])
@pytest.mark.filterwarnings("error")
def test_a_compiled_step_in_a_loop_does_what_steps_on_arrays_do(name, dtype, backend):
    rng, optimizer = np.random.default_rng(0), OPTIMIZERS[name]()
    values = parameters_like(rng, dtype)
    theta, gradients = symbols_like(values)
    memory = optimizer.start(theta)
    after, then = optimizer.step(theta, gradients, memory)
    assert list(after) == list(theta) and list(then) == list(memory)
    for before, next_one in zip(
        (*theta.values(), *memory.values()), (*after.values(), *then.values()), strict=True
    ):
        assert (next_one.shape, next_one.dtype) == (before.shape, before.dtype)
    inputs = [*theta, *memory.values(), *gradients.values()]
    program = dl.compile([*after.values(), *then.values()], inputs, backend=backend)
    taken = torch.tensor if backend == "torch" else np.asarray
    state = [taken(np.asarray(v)) for v in (*values.values(), *optimizer.start(values).values())]
    remembered = None
    for _ in range(50):
        slopes = gradients_like(rng, values, size=10 ** rng.uniform(-4, 4))
        values, remembered = optimizer.step(values, slopes, remembered)
        state = program(*state, *map(taken, slopes))
    expected = (*values.values(), *remembered.values())
    precision = {np.float32: 1e-5, np.float64: 1e-13}[dtype]
    for found, wanted in zip(state, expected, strict=True):
        size = np.abs(wanted).max()
        assert_allclose(np.asarray(found), wanted, rtol=precision, atol=precision * size)
        assert np.asarray(found).dtype == np.asarray(wanted).dtype


@each_optimizer
def test_training_can_be_one_compiled_step_in_a_loop(name):
    optimizer, network = OPTIMIZERS[name](), dl.MLP([3, 5, 1], "tanh")
    X, y, rng = dl.variable("X", (None, 3)), dl.variable("y", (None, 1)), np.random.default_rng(0)
    J = dl.mean((network(X) - y) ** 2)
    data = {X: rng.normal(size=(12, 3)), y: rng.normal(size=(12, 1))}
    values = network.initial_values(rng)
    theta = {V: V for V in network.parameters}
    memory = optimizer.start(theta)
    after, then = optimizer.step(theta, dl.backprop(theta, J), memory)
    inputs = [*theta, *memory.values(), *data]
    step = dl.compile([*after.values(), *then.values()], inputs)
    state = [*values.values(), *optimizer.start(values).values()]
    for _ in range(100):
        state = step(*state, *data.values())
    trained = dl.train(J, values, data, optimizer, 100)
    expected = [*trained.parameters.values(), *trained.memory.values()]
    for found, wanted in zip(state, expected, strict=True):
        assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


@each_optimizer
def test_the_symbols_of_a_memory_are_named_after_their_parameters(name):
    theta, _ = symbols_like(parameters_like(np.random.default_rng(0)))
    names = [V.name for V in OPTIMIZERS[name]().start(theta).values()]
    assert (
        names
        == {
            "gradient descent": [],
            "momentum": ["velocity_b", "velocity_w", "velocity_W"],
            "Adam": ["s_b", "s_w", "s_W", "r_b", "r_w", "r_W", "t"],
            "clipped": ["velocity_b", "velocity_w", "velocity_W"],
        }[name]
    )


@each_optimizer
@pytest.mark.parametrize("dtype", DTYPES)
def test_without_a_memory_a_graph_is_of_the_first_steps(name, dtype):
    optimizer, w, x = (
        OPTIMIZERS[name](),
        dl.variable("w", (3,), dtype),
        dl.variable("x", (3,), dtype),
    )
    cost = lambda w: dl.mean((w - x) ** 2)  # noqa: E731
    values = {w: np.array([0.5, -2.0, 3.0], dtype)}
    target = {x: np.array([1.0, 1.0, -1.0], dtype)}
    theta, memory = {w: w}, None
    for steps in (1, 2, 3):
        J = cost(theta[w])
        gradient = dl.backprop([theta[w]], J)[theta[w]]
        theta, memory = optimizer.step(theta, [gradient], memory)
        trained = dl.train(cost(w), values, target, optimizer, steps)
        assert theta[w].dtype == dtype
        after = dl.evaluate(theta[w], values | target)
        assert_allclose(after, trained.parameters[w], rtol=1e-6 if dtype is np.float32 else 1e-13)


def test_training_has_a_derivative():
    """What the cost after three steps owes to the place where they began."""
    w, x, optimizer = dl.variable("w", (2,)), dl.variable("x", (2,)), dl.Momentum(0.1)
    cost = lambda w: dl.sum((w * w - x) ** 2)  # noqa: E731
    theta, memory = {w: w}, None
    for _ in range(3):
        gradients = dl.backprop(theta.values(), cost(theta[w]))
        theta, memory = optimizer.step(theta, gradients.values(), memory)
    slope = dl.compile([dl.backprop([w], cost(theta[w]))[w]], [w, x])
    start, target = np.array([0.4, -0.3]), np.array([1.0, 0.5])
    end = lambda v: dl.train(cost(w), {w: v}, {x: target}, optimizer, 3).costs[-1]  # noqa: E731
    for direction in np.eye(2):
        difference = (end(start + 1e-6 * direction) - end(start - 1e-6 * direction)) / 2e-6
        assert_allclose(slope(start, target)[0] @ direction, difference, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("error")
def test_a_clipped_step_as_a_graph_neither_overflows_nor_touches_what_is_not_finite(dtype):
    V, b = dl.variable("V", (4,), dtype), dl.variable("b", (), dtype)
    theta, gradients = symbols_like([V, b])
    recorder = Recorder()
    dl.GradientClipping(recorder, 1.0).step(theta, gradients)
    program = dl.compile(recorder.gradients, gradients.values())
    limits, zeros = np.finfo(dtype), np.zeros(4, dtype)
    of_b = dtype(0)
    for G, wanted in (
        (np.full(4, limits.max, dtype), np.full(4, 0.5)),
        (np.full(4, limits.tiny, dtype), np.full(4, limits.tiny)),
        (zeros, zeros),
        (zeros + dtype(0.5), zeros + dtype(0.5)),  # of length 1
        (zeros + dtype(100), zeros + dtype(0.5)),
        (np.array([np.inf, 100, 0, 1], dtype), np.array([np.inf, 100, 0, 1])),
        (np.array([-np.inf, 100, 0, 1], dtype), np.array([-np.inf, 100, 0, 1])),
    ):
        found, other = program(G, of_b)
        assert found.dtype == dtype and other == 0
        assert_allclose(found, wanted, rtol=1e-6)
    found, other = program(np.array([np.nan, 100, 0, 1], dtype), dtype(50))
    assert_array_equal(found, np.array([np.nan, 100, 0, 1], dtype))
    assert other == 50


# --- Arrays alone or variables alone -----------------------------------------------------------


@each_optimizer
def test_arrays_and_variables_are_not_mixed(name):
    W, b, optimizer = dl.variable("W", (2,)), dl.variable("b", ()), OPTIMIZERS[name]()
    J = dl.sum(W * W) + b * b
    arrays, symbols = {W: np.ones(2), b: np.float64(1)}, {W: W, b: b}
    slopes = dl.backprop([W, b], J)
    alone = "a step takes arrays alone or variables alone, but the parameter"
    for parameters, gradients, problem in (
        (arrays, slopes, "'W' is an array and its gradient is a variable"),
        (arrays, list(slopes.values()), "'W' is an array and its gradient is a variable"),
        (arrays, {W: np.ones(2), b: slopes[b]}, "'b' is an array and its gradient is a variable"),
        (arrays, [W, b], "'W' is an array and its gradient is a variable"),
        (symbols, arrays, "'W' is a variable and its gradient is an array"),
        (symbols, [slopes[W], 1.0], "'b' is a variable and its gradient is an array"),
        ({W: W, b: 1.0}, slopes, "'W' is a variable and the parameter 'b' is an array"),
        (arrays, [None, 1.0], "'W' is an array and its gradient is None"),
        (arrays, [[1.0, 2.0], 1.0], "'W' is an array and its gradient is a list"),
        (arrays, [np.ones(2), {}], "'b' is an array and its gradient is a dict"),
    ):
        with pytest.raises(TypeError) as caught:
            optimizer.step(parameters, gradients)
        assert str(caught.value) == f"{name}: {alone} {problem}"


@pytest.mark.parametrize(
    "optimizer", [dl.Momentum(0.1), dl.Adam(0.1), dl.GradientClipping(dl.Adam(), 1.0)]
)
def test_a_memory_is_of_the_kind_of_the_parameters(optimizer):
    W = dl.variable("W", (2,))
    inner = getattr(optimizer, "optimizer", optimizer)
    what, alone = inner.remembers[0], "a step takes arrays alone or variables alone"
    numbers, symbols = optimizer.start({W: np.ones(2)}), optimizer.start({W: W})
    with pytest.raises(TypeError) as caught:
        optimizer.step({W: np.ones(2)}, [np.ones(2)], symbols)
    problem = f"but the parameter 'W' is an array and its {what} is a variable"
    assert str(caught.value) == f"{inner.name}: {alone}, {problem}"
    with pytest.raises(TypeError) as caught:
        optimizer.step({W: W}, [W * 1], numbers)
    problem = f"but the parameter 'W' is a variable and its {what} is an array"
    assert str(caught.value) == f"{inner.name}: {alone}, {problem}"
    if "t" in numbers:
        with pytest.raises(TypeError, match="'W' is an array and its t is a variable"):
            optimizer.step({W: np.ones(2)}, [np.ones(2)], {**numbers, "t": symbols["t"]})


@each_optimizer
def test_parameters_are_given_by_variable(name):
    W, optimizer = dl.variable("W", (2,)), OPTIMIZERS[name]()
    for wrong in ([W], W, {"W": np.ones(2)}, np.ones(2), None):
        wanted = f"^{name}: the parameters must be a dict from variables to their values, got"
        with pytest.raises(TypeError, match=wanted):
            optimizer.step(wrong, [np.ones(2)])
    with pytest.raises(TypeError, match="parameter 'W' must be an array or a variable, got a list"):
        optimizer.step({W: [1.0, 2.0]}, [[1.0, 2.0]])
    with pytest.raises(TypeError, match="the parameters must be a dict from"):
        optimizer.start([W])


# --- What they look like -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "GradientDescent(0.1)",
        "Momentum(0.1)",
        "Momentum(1.0, momentum=0.5)",
        "Adam(0.001)",
        "Adam(0.1, rho2=0.99)",
        "Adam(1e-05, rho1=0.5, rho2=0.99, delta=0.001)",
        "GradientClipping(Momentum(0.1), 1.0)",
        "GradientClipping(GradientClipping(Adam(0.1, delta=0.1), 2.0), 0.5)",
    ],
)
def test_an_optimizer_looks_like_what_one_types_to_make_it(text):
    assert repr(eval(text, vars(dl))) == text
