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
    "clipped": lambda: dl.Clipped(dl.Momentum(0.1), 1.0),
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
    other = theirs(tensors)
    for _ in range(steps):
        gradients = gradients_like(rng, parameters, size=10 ** rng.uniform(-6, 3))
        for tensor, G in zip(tensors, gradients, strict=True):
            tensor.grad = torch.from_numpy(G.copy())
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(tensors, clip)
        parameters = optimizer.step(parameters, gradients)
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
        (after,) = dl.Adam(0.1).step({V: np.zeros(4)}, [gradient]).values()
        assert_allclose(after, [-0.1, 0.1, -0.1, 0.1], rtol=1e-4)
    (after,) = dl.Adam(0.1).step({V: np.ones(4)}, [np.zeros(4)]).values()
    assert_array_equal(after, np.ones(4))


def test_momentum_of_0_is_gradient_descent():
    rng = np.random.default_rng(0)
    start = parameters_like(rng)
    one, other, momentum = dict(start), dict(start), dl.Momentum(0.1, 0)
    for _ in range(3):
        gradients = gradients_like(rng, start)
        one = momentum.step(one, gradients)
        other = dl.GradientDescent(0.1).step(other, gradients)
        for V in start:
            assert_array_equal(one[V], other[V])


# --- Clipping ----------------------------------------------------------------------------------


def length(gradients):
    return np.sqrt(sum(np.square(np.asarray(G, np.float64)).sum() for G in gradients))


class Recorder:
    """Takes no step, but keeps the gradients."""

    def step(self, parameters, gradients):
        self.gradients = gradients
        return dict(parameters)


def clipped(gradients, norm, parameters):
    recorder = Recorder()
    dl.Clipped(recorder, norm).step(parameters, gradients)
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
        dl.train(J, {w: 0.0}, {}, dl.Clipped(dl.GradientDescent(0.1), 1.0), steps=3)


def test_clipping_comes_before_the_memory():
    V, rng = dl.variable("V", (3,)), np.random.default_rng(0)
    steps = [100 * rng.normal(size=3) for _ in range(4)]
    one, other = {V: np.zeros(3)}, {V: np.zeros(3)}
    clipping, plain = dl.Clipped(dl.Momentum(0.1), 2.0), dl.Momentum(0.1)
    for G in steps:
        one = clipping.step(one, [G])
        other = plain.step(other, [G * 2 / np.linalg.norm(G)])
    assert_allclose(one[V], other[V], rtol=1e-12)


# --- What all have in common -------------------------------------------------------------------


@each_optimizer
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_keeps_dtypes_and_shapes_and_what_it_was_given(name, dtype):
    rng, optimizer = np.random.default_rng(1), OPTIMIZERS[name]()
    parameters = parameters_like(rng, dtype)
    for _ in range(4):
        gradients = gradients_like(rng, parameters, size=10)
        for array in (*parameters.values(), *gradients):
            array.flags.writeable = False
        kept = [np.copy(array) for array in (*parameters.values(), *gradients)]
        after = optimizer.step(parameters, gradients)
        for array, before in zip((*parameters.values(), *gradients), kept, strict=True):
            assert_array_equal(array, before)
        assert list(after) == list(parameters)
        for V, value in after.items():
            assert value.dtype == dtype and np.shape(value) == V.shape
            assert value is not parameters[V]
        parameters = {V: np.array(value) for V, value in after.items()}


@each_optimizer
def test_what_a_step_remembers_is_not_changed_from_outside(name):
    V = dl.variable("V", (3,))
    results = []
    for spoil in (False, True):
        optimizer, value = OPTIMIZERS[name](), np.ones(3)
        for _ in range(3):
            gradient = np.array([1.0, -2.0, 3.0])
            value = optimizer.step({V: value}, [gradient])[V].copy()
            if spoil:
                gradient *= 100
        results.append(value)
    assert_array_equal(*results)


@each_optimizer
def test_numbers_can_be_parameters(name):
    """A program returns NumPy's numbers, not arrays, for scalars."""
    for dtype in DTYPES:
        b = dl.variable("b", (), dtype)
        after = OPTIMIZERS[name]().step({b: dtype(2.0)}, [dtype(0.5)])
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
        "clipped: the norm": lambda: dl.Clipped(dl.GradientDescent(0.1), wrong),
    }.items():
        with pytest.raises(ValueError) as caught:
            make()
        assert str(caught.value) == f"{what} must be positive, got {wrong}"


@pytest.mark.parametrize("wrong", [-0.1, 1, 1.5, float("nan"), "0.9", None, False])
def test_shares_that_must_be_from_0_to_below_1(wrong):
    for what, make in {
        "momentum: the momentum": lambda: dl.Momentum(0.1, wrong),
        "Adam: the rho1": lambda: dl.Adam(rho1=wrong),
        "Adam: the rho2": lambda: dl.Adam(rho2=wrong),
    }.items():
        with pytest.raises(ValueError) as caught:
            make()
        assert str(caught.value) == f"{what} must be from 0 to below 1, got {wrong}"


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), 0.5])
def test_settings_can_be_numbers_of_numpy(number):
    V = dl.variable("V", (2,), np.float32)
    for optimizer in (
        dl.Momentum(number, number),
        dl.Adam(number, number, number, number),
        dl.Clipped(dl.GradientDescent(number), number),
    ):
        (after,) = optimizer.step({V: np.ones(2, np.float32)}, [np.ones(2, np.float32)]).values()
        assert after.dtype == np.float32
