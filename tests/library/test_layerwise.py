"""Section 6.5.4: Algorithms 6.3 and 6.4, held against PyTorch and the general algorithm."""

import inspect
import re
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from strategies import few, fewer, rngs, sizes, smooth_values

import dlbook as dl
from dlbook import layerwise as lw
from dlbook.layerwise import MLP

ACTIVATIONS = [lw.identity, lw.relu, lw.tanh, lw.sigmoid]
IN_TORCH = {"identity": lambda a: a, "relu": torch.relu, "tanh": torch.tanh}
IN_TORCH["sigmoid"] = torch.sigmoid


@dataclass
class Case:
    """A network with data: ``m`` examples, or one alone where m is None."""

    mlp: MLP
    x: np.ndarray
    y: np.ndarray
    m: int | None


@st.composite
def cases(draw, activations=ACTIVATIONS, losses=(lw.squared_error, lw.cross_entropy), single=None):
    rng = draw(rngs)
    widths = draw(st.lists(sizes, min_size=2, max_size=4))
    m = None if single or (single is None and draw(st.booleans())) else draw(sizes)
    loss = draw(st.sampled_from(losses))
    f = [draw(st.sampled_from(activations)) for _ in widths[1:]]
    if loss is lw.cross_entropy and f[-1] is lw.sigmoid:
        f[-1] = lw.identity  # the cost takes logits
    W = [smooth_values(rng, shape) for shape in zip(widths[1:], widths[:-1], strict=True)]
    b = [smooth_values(rng, (width,)) for width in widths[1:]]
    mlp = MLP(W, b, f, loss, lambda_=draw(st.sampled_from([0.0, 0.1])))
    examples = () if m is None else (m,)
    x = smooth_values(rng, (*examples, widths[0]))
    if loss is lw.squared_error:
        y = smooth_values(rng, (*examples, widths[-1]))
    else:
        y = rng.integers(widths[-1], size=examples)
    return Case(mlp, x, y, m)


def small(lambda_=0.0, loss=lw.squared_error):
    """Two layers of the numbers that can be followed by hand."""
    W = [[[1.0, 2.0], [3.0, -4.0]], [[5.0, 6.0]]]
    return MLP(W, [[1.0, 0.0], [-1.0]], [lw.relu, lw.identity], loss, lambda_)


def with_parameter(mlp, name, k, value):
    """Return the network with one of its arrays replaced."""
    arrays = {"W": dict(mlp.W), "b": dict(mlp.b)}
    arrays[name][k] = value
    W, b = arrays["W"].values(), arrays["b"].values()
    return MLP(list(W), list(b), list(mlp.f.values()), mlp.loss, mlp.lambda_)


# --- Algorithm 6.3 -----------------------------------------------------------------------------


def test_forward_computes_every_layer_of_a_single_example():
    run = small().forward([1.0, 1.0], [28.0])
    assert_array_equal(run.h[0], [1.0, 1.0])
    assert_array_equal(run.a[1], [4.0, -1.0])
    assert_array_equal(run.h[1], [4.0, 0.0])
    assert_array_equal(run.a[2], [19.0])
    assert_array_equal(run.y_hat, [19.0])
    assert run.J == 0.5 * 9.0**2
    assert (set(run.a), set(run.h)) == ({1, 2}, {0, 1, 2})


def test_the_penalty_is_the_sum_of_the_squares_of_the_weights_and_not_of_the_biases():
    assert small().Omega() == 1 + 4 + 9 + 16 + 25 + 36
    x, y = [1.0, 1.0], [28.0]
    assert small(lambda_=0.5).forward(x, y).J == small().forward(x, y).J + 0.5 * 91


@few
@given(cases(single=False))
def test_the_cost_of_a_minibatch_is_the_mean_over_its_examples(case):
    run = case.mlp.forward(case.x, case.y)
    runs = [case.mlp.forward(x, y) for x, y in zip(case.x, case.y, strict=True)]
    assert_allclose(run.J, np.mean([one.J for one in runs]), rtol=1e-13)
    for k, a_k in run.a.items():
        assert_allclose(a_k, [one.a[k] for one in runs], rtol=1e-12, atol=1e-14)
        assert_allclose(run.h[k], [one.h[k] for one in runs], rtol=1e-12, atol=1e-14)


@few
@given(cases(single=False))
def test_the_gradient_of_a_minibatch_is_the_mean_over_its_examples(case):
    gradients = case.mlp.backward(case.mlp.forward(case.x, case.y))
    each = [case.mlp.backward(case.mlp.forward(x, y)) for x, y in zip(case.x, case.y, strict=True)]
    for k in case.mlp.W:
        assert_allclose(gradients.W[k], np.mean([one.W[k] for one in each], axis=0), atol=1e-12)
        assert_allclose(gradients.b[k], np.mean([one.b[k] for one in each], axis=0), atol=1e-12)


@few
@given(cases(single=True))
def test_an_example_alone_is_a_minibatch_of_one(case):
    alone = case.mlp.backward(case.mlp.forward(case.x, case.y))
    one = case.mlp.backward(case.mlp.forward(case.x[None], case.y[None]))
    for k in case.mlp.W:
        assert_allclose(alone.W[k], one.W[k], rtol=1e-12, atol=1e-14)
        assert_allclose(alone.b[k], one.b[k], rtol=1e-12, atol=1e-14)
        assert_allclose(alone.g[k], one.g[k][0], rtol=1e-12, atol=1e-14)


# --- Algorithm 6.4 -----------------------------------------------------------------------------


def test_backward_computes_every_gradient_of_a_single_example():
    mlp = small()
    gradients = mlp.backward(mlp.forward([1.0, 2.0], [28.0]))
    # a = (6, -5), h = (6, 0), y_hat = 29
    assert_array_equal(gradients.g[2], [1.0])
    assert_array_equal(gradients.b[2], [1.0])
    assert_array_equal(gradients.W[2], [[6.0, 0.0]])
    assert_array_equal(gradients.g[1], [5.0, 0.0])
    assert_array_equal(gradients.b[1], [5.0, 0.0])
    assert_array_equal(gradients.W[1], [[5.0, 10.0], [0.0, 0.0]])
    assert_array_equal(gradients.x, [5.0, 10.0])


def test_weight_decay_adds_two_lambda_w_to_the_gradient_of_the_weights_alone():
    x, y = [1.0, 2.0], [28.0]
    without, decay = small(), small(lambda_=0.5)
    before, after = without.backward(without.forward(x, y)), decay.backward(decay.forward(x, y))
    for k in (1, 2):
        assert_array_equal(after.W[k], before.W[k] + decay.W[k])
        assert_array_equal(after.b[k], before.b[k])
        assert_array_equal(after.g[k], before.g[k])


@few
@given(cases())
def test_gradients_have_the_shapes_of_what_they_belong_to(case):
    run = case.mlp.forward(case.x, case.y)
    gradients = case.mlp.backward(run)
    assert gradients.x.shape == run.h[0].shape
    for k in case.mlp.W:
        assert gradients.W[k].shape == case.mlp.W[k].shape
        assert gradients.b[k].shape == case.mlp.b[k].shape
        assert gradients.g[k].shape == run.a[k].shape


@fewer
@given(cases([lw.identity, lw.tanh, lw.sigmoid]))
def test_gradients_agree_with_finite_differences(case):
    gradients, step = case.mlp.backward(case.mlp.forward(case.x, case.y)), 1e-5
    for name in ("W", "b"):
        for k, array in getattr(case.mlp, name).items():
            for index in np.ndindex(array.shape):
                costs = []
                for sign in (1, -1):
                    moved = array.copy()
                    moved[index] += sign * step
                    costs.append(with_parameter(case.mlp, name, k, moved).forward(case.x, case.y).J)
                difference = (costs[0] - costs[1]) / (2 * step)
                gradient = getattr(gradients, name)[k][index]
                assert_allclose(gradient, difference, rtol=1e-6, atol=1e-6)


@few
@given(cases())
def test_cost_and_gradients_agree_with_pytorch(case):
    mlp = case.mlp
    W = {k: torch.tensor(W_k, requires_grad=True) for k, W_k in mlp.W.items()}
    b = {k: torch.tensor(b_k, requires_grad=True) for k, b_k in mlp.b.items()}
    h = x = torch.tensor(case.x, requires_grad=True)
    a = {}
    for k in W:
        a[k] = torch.nn.functional.linear(h, W[k], b[k])
        a[k].retain_grad()
        h = IN_TORCH[mlp.f[k].name](a[k])
    if mlp.loss is lw.squared_error:
        J = 0.5 * ((h - torch.tensor(case.y)) ** 2).sum() / (case.m or 1)
    else:
        J = torch.nn.functional.cross_entropy(h, torch.tensor(case.y))
    J = J + mlp.lambda_ * sum((W_k**2).sum() for W_k in W.values())
    J.backward()
    run = mlp.forward(case.x, case.y)
    gradients = mlp.backward(run)
    assert_allclose(run.J, J.item(), rtol=1e-12, atol=1e-14)
    assert_allclose(gradients.x, x.grad, rtol=1e-12, atol=1e-12)
    for k in W:
        assert_allclose(gradients.W[k], W[k].grad, rtol=1e-12, atol=1e-12)
        assert_allclose(gradients.b[k], b[k].grad, rtol=1e-12, atol=1e-12)
        assert_allclose(gradients.g[k], a[k].grad, rtol=1e-12, atol=1e-12)


@few
@given(cases())
def test_cost_and_gradients_agree_with_the_general_algorithm(case):
    mlp, examples = case.mlp, () if case.m is None else (None,)
    X = dl.variable("X", (*examples, case.x.shape[-1]))
    y = dl.variable("y", examples + case.y.shape[len(examples) :], case.y.dtype)
    W = {k: dl.variable(f"W{k}", W_k.T.shape) for k, W_k in mlp.W.items()}
    b = {k: dl.variable(f"b{k}", b_k.shape) for k, b_k in mlp.b.items()}
    H, A = X, {}
    for k, f_k in mlp.f.items():
        A[k] = H @ W[k] + b[k]
        H = A[k] if f_k is lw.identity else getattr(dl, f_k.name)(A[k])
    if mlp.loss is lw.squared_error:
        J = dl.mean(0.5 * dl.sum(dl.square(H - y), axis=-1))
    else:
        J = dl.mean(dl.cross_entropy(H, y))
    for W_k in W.values():
        J = J + mlp.lambda_ * dl.sum(dl.square(W_k))
    values = {X: case.x, y: case.y}
    values |= {W[k]: mlp.W[k].T for k in W} | {b[k]: mlp.b[k] for k in W}
    gradients = dl.backprop([X, *W.values(), *b.values(), *A.values()], J)
    program = dl.compile([J, *gradients.values()], list(values))
    J_value, *derivatives = program(*values.values())
    derivative = dict(zip(gradients, derivatives, strict=True))
    run = mlp.forward(case.x, case.y)
    layerwise = mlp.backward(run)
    assert_allclose(run.J, J_value, rtol=1e-12, atol=1e-14)
    assert_allclose(layerwise.x, derivative[X], rtol=1e-12, atol=1e-12)
    for k in W:
        assert_allclose(layerwise.W[k], derivative[W[k]].T, rtol=1e-12, atol=1e-12)
        assert_allclose(layerwise.b[k], derivative[b[k]], rtol=1e-12, atol=1e-12)
        assert_allclose(layerwise.g[k], derivative[A[k]], rtol=1e-12, atol=1e-12)


def test_a_step_against_the_gradient_lowers_the_cost():
    rng = np.random.default_rng(0)
    W, b = [rng.normal(size=(8, 2)), rng.normal(size=(2, 8))], [np.zeros(8), np.zeros(2)]
    mlp = MLP(W, b, [lw.tanh, lw.identity], lw.cross_entropy)
    X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    costs = []
    for _ in range(300):
        run = mlp.forward(X, y)
        gradients = mlp.backward(run)
        costs.append(run.J)
        for k in mlp.W:
            mlp.W[k] -= 0.5 * gradients.W[k]
            mlp.b[k] -= 0.5 * gradients.b[k]
    assert costs[-1] < 0.02 < costs[0]


def test_a_network_of_500_layers_is_not_too_deep():
    mlp = MLP([np.eye(3)] * 500, [np.zeros(3)] * 500, [lw.relu] * 500)
    gradients = mlp.backward(mlp.forward([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]))
    assert_array_equal(gradients.x, [1.0, 2.0, 3.0])


# --- The delta notation ------------------------------------------------------------------------


@few
@given(cases())
def test_the_delta_of_a_layer_is_the_g_of_algorithm_6_4(case):
    run = case.mlp.forward(case.x, case.y)
    delta, gradients = case.mlp.deltas(run), case.mlp.backward(run)
    assert sorted(delta) == list(range(2, case.mlp.l + 2))
    for k, g_k in gradients.g.items():
        assert_allclose(delta[k + 1], g_k, rtol=1e-13, atol=1e-15)


def test_deltas_give_the_gradients_of_a_single_example():
    mlp = small()
    run = mlp.forward([1.0, 2.0], [28.0])
    delta, gradients = mlp.deltas(run), mlp.backward(run)
    a = {k + 1: h_k for k, h_k in run.h.items()}
    for k in (1, 2):
        assert_array_equal(gradients.W[k], np.outer(delta[k + 1], a[k]))
        assert_array_equal(gradients.b[k], delta[k + 1])


# --- Activations and losses --------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.name)
def test_the_derivative_of_an_activation_is_that_of_its_function(activation):
    a = np.array([-3.0, -0.5, 0.5, 3.0])
    difference = (activation.f(a + 1e-6) - activation.f(a - 1e-6)) / 2e-6
    assert_allclose(activation.f_prime(a), difference, rtol=1e-6, atol=1e-9)


def test_the_rectifier_has_the_left_derivative_at_zero():
    assert lw.relu.f_prime(np.zeros(1)) == 0.0


def test_large_activations_do_not_overflow():
    a = np.array([-1e4, 1e4])
    assert_array_equal(lw.sigmoid.f(a), [0.0, 1.0])
    for activation in (lw.sigmoid, lw.tanh):
        assert_array_equal(activation.f_prime(a), [0.0, 0.0])


def test_cross_entropy_survives_large_logits():
    mlp = MLP([np.eye(2)], [np.zeros(2)], [lw.identity], lw.cross_entropy)
    for label, expected in [(0, 0.0), (1, 2000.0)]:
        run = mlp.forward([1000.0, -1000.0], label)
        assert_array_equal(run.J, expected)
        assert_array_equal(mlp.backward(run).g[1], np.array([1.0, 0.0]) - np.eye(2)[label])


def test_the_module_needs_nothing_of_the_library():
    assert "dlbook" not in re.findall(r"^(?:from|import) (\w+)", inspect.getsource(lw), re.M)


# --- What is reported --------------------------------------------------------------------------


def reported(error, message):
    return pytest.raises(error, match="^" + re.escape(message))


def test_a_network_needs_weights_biases_and_an_activation_for_each_layer():
    with reported(ValueError, "MLP: expected one W, b and f for each layer, got 1 W, 1 b and 2 f"):
        MLP([np.eye(2)], [np.zeros(2)], [lw.relu, lw.relu])
    with reported(ValueError, "MLP: expected one W, b and f for each layer, got 0 W, 0 b and 0 f"):
        MLP([], [], [])


def test_a_layer_that_does_not_fit_is_named():
    message = "MLP: layer 2 has 3 biases and gets 2 inputs, so W[2] must have the shape (3, 2), got"
    for shape in [(2, 3), (3, 3), (2, 2)]:
        with reported(ValueError, f"{message} {shape}"):
            MLP([np.eye(2), np.ones(shape)], [np.zeros(2), np.zeros(3)], [lw.relu] * 2)


def test_biases_that_do_not_fit_are_named():
    message = "MLP: layer 1 has 3 biases and gets 2 inputs, so W[1] must have the shape (3, 2), got"
    with reported(ValueError, f"{message} (2, 2)"):
        MLP([np.eye(2)], [np.zeros(3)], [lw.relu])


def test_weights_are_matrices_and_biases_vectors():
    with reported(ValueError, "MLP: W[1]: expected 2 axes, none empty, got shape (2,)"):
        MLP([np.zeros(2)], [np.zeros(2)], [lw.relu])
    with reported(ValueError, "MLP: W[1]: expected 2 axes, none empty, got shape (2, 0)"):
        MLP([np.zeros((2, 0))], [np.zeros(2)], [lw.relu])
    with reported(ValueError, "MLP: b[1]: expected 1 axes, none empty, got shape (1, 2)"):
        MLP([np.eye(2)], [np.zeros((1, 2))], [lw.relu])
    with reported(ValueError, "MLP: W[1]: expected an array, got rows that differ"):
        MLP([[[1.0, 2.0], [3.0]]], [np.zeros(2)], [lw.relu])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_reported(bad):
    array = np.array([0.0, bad])
    with reported(ValueError, f"MLP: W[1]: expected finite numbers, got {bad} at (0, 1)"):
        MLP([[array]], [[0.0]], [lw.relu])
    with reported(ValueError, f"MLP: b[1]: expected finite numbers, got {bad} at (1,)"):
        MLP([np.eye(2)], [array], [lw.relu])
    with reported(ValueError, f"forward: x: expected finite numbers, got {bad} at (1,)"):
        small().forward(array, [1.0])
    with reported(ValueError, f"squared error: y: expected finite numbers, got {bad} at (0,)"):
        small().forward([1.0, 1.0], [bad])


def test_only_real_numbers_are_taken():
    with reported(TypeError, "MLP: W[1]: expected real numbers, got complex128"):
        MLP([np.eye(2) * 1j], [np.zeros(2)], [lw.relu])
    with reported(TypeError, "forward: x: expected real numbers, got <U1"):
        small().forward(["a", "b"], [1.0])


def test_activations_and_losses_are_those_of_this_module():
    with reported(TypeError, "MLP: expected f of type Activation and a Loss, got [<ufunc 'tanh'>]"):
        MLP([np.eye(2)], [np.zeros(2)], [np.tanh])
    with reported(TypeError, "MLP: expected f of type Activation and a Loss, got "):
        MLP([np.eye(2)], [np.zeros(2)], [lw.relu], loss=0.1)


@pytest.mark.parametrize("lambda_", [-0.1, np.nan, np.inf])
def test_the_weight_decay_is_not_negative(lambda_):
    with reported(ValueError, f"MLP: expected a lambda_ that is not negative, got {lambda_}"):
        small(lambda_)


def test_a_sigmoid_below_the_cross_entropy_is_reported():
    expected = "MLP: cross_entropy takes logits and makes probabilities of them itself"
    with reported(ValueError, expected):
        MLP([np.eye(2)], [np.zeros(2)], [lw.sigmoid], lw.cross_entropy)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 1)])
def test_data_with_a_wrong_number_of_features_are_reported(shape):
    with reported(ValueError, f"forward: expected x of shape (2,) or (m, 2), got {shape}"):
        small().forward(np.ones(shape), np.ones(1))


@pytest.mark.parametrize("shape", [(), (1, 2, 2), (0, 2)])
def test_data_are_an_example_or_a_design_matrix(shape):
    with reported(ValueError, f"forward: x: expected 1 or 2 axes, none empty, got shape {shape}"):
        small().forward(np.ones(shape), np.ones(1))


def test_a_target_of_another_shape_is_reported_and_not_broadcast():
    with reported(ValueError, "squared error: expected y of the shape (4, 1), got (4,)"):
        small().forward(np.ones((4, 2)), np.ones(4))
    with reported(ValueError, "squared error: expected y of the shape (1,), got (2,)"):
        small().forward(np.ones(2), np.ones(2))


def test_labels_that_do_not_fit_are_reported():
    mlp = MLP([np.eye(2)], [np.zeros(2)], [lw.identity], lw.cross_entropy)
    X, expected = np.ones((3, 2)), "cross-entropy: expected integer labels y of the shape (3,), got"
    with reported(ValueError, f"{expected} int64 of shape (2,)"):
        mlp.forward(X, [0, 1])
    with reported(ValueError, f"{expected} float64 of shape (3,)"):
        mlp.forward(X, [0.0, 1.0, 0.0])
    for label in (-1, 2):
        with reported(ValueError, f"cross-entropy: expected labels from 0 to 1, got {label}"):
            mlp.forward(X, [0, 1, label])


def test_a_cost_or_gradient_that_is_not_finite_is_reported():
    mlp = MLP([np.eye(1)], [np.zeros(1)], [lw.identity])
    with np.errstate(over="ignore"), reported(FloatingPointError, "forward: the cost J is not fin"):
        mlp.forward([1e200], [0.0])
    steep = lw.Activation("steep", lambda a: a, lambda a: a * np.inf)
    mlp = MLP([np.eye(1)], [np.zeros(1)], [steep])
    run = mlp.forward([1.0], [0.0])
    with reported(FloatingPointError, "backward: the gradient by W[1] is not finite"):
        mlp.backward(run)


def test_a_run_of_another_network_is_reported():
    run = MLP([np.eye(2)], [np.zeros(2)], [lw.relu]).forward([1.0, 1.0], [1.0, 1.0])
    expected = "expected layers of {0: 2, 1: 2, 2: 1} units, got {0: 2, 1: 2}"
    for method in (small().backward, small().deltas):
        with reported(ValueError, f"backward: {expected}"):
            method(run)
