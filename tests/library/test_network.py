"""Sections 6.0, 6.3 and 6.4: networks as chains of layers, and a step of gradient descent."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from pytorch_units import PYTORCH
from strategies import few, rngs

import dlbook as dl
from dlbook.hidden_units import UNITS
from dlbook.operations.linear import MatMul

F = torch.nn.functional
nn = torch.nn

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


# --- Layers of every kind of unit --------------------------------------------------------------

every_unit = pytest.mark.parametrize("unit", UNITS)


def random_values(network, rng):
    """Draw all parameters, those that begin with one value, too; widths stay positive."""
    return {
        V: (rng.uniform(0.5, 2, V.shape) if V.name == "sigma" else rng.normal(size=V.shape)).astype(
            V.dtype
        )
        for V in network.parameters
    }


def output_and_gradients(f, network, values, X_value, G):
    """Return the output for ``X_value``, and the gradients of sum(output * G)."""
    X = dl.variable("X", (*X_value.shape[:-2], None, X_value.shape[-1]), X_value.dtype)
    output = f(X)
    weights = dl.variable("G", output.shape, output.dtype)
    gradients = dl.backprop(network.parameters, dl.sum(output * weights))
    program = dl.compile([output, *gradients.values()], [X, weights, *values])
    return program(X_value, G, *values.values())


def torch_layer(unit, H, W, *rest):
    """h = g(W^T x + b) in PyTorch."""
    if unit == "rbf":
        return PYTORCH[unit](torch.cdist(H, W.T) ** 2, *rest)
    b, *learned = rest
    return PYTORCH[unit](H @ W + b, *learned)


@every_unit
def test_a_network_of_any_units_and_its_gradients_agree_with_pytorch(unit):
    rng, network = np.random.default_rng(0), dl.MLP([3, 5, 4, 2], unit)
    values = random_values(network, rng)
    X_value, G = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    found = output_and_gradients(network, network, values, X_value, G)
    tensors = {V: torch.tensor(value, requires_grad=True) for V, value in values.items()}
    H = torch.tensor(X_value)
    for layer in network.layers:
        H = torch_layer(layer.unit.name, H, *(tensors[V] for V in layer.parameters))
    (H * torch.tensor(G)).sum().backward()
    wanted = [H.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors.values())]
    for ours, theirs in zip(found, wanted, strict=True):
        assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


@every_unit
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("copies", [None, 3])
def test_layers_of_any_units_have_these_shapes(unit, dtype, copies):
    layer, X = dl.Layer(3, 4, unit, dtype=dtype, copies=copies), dl.variable("X", (None, 3), dtype)
    ahead, row = ((), ()) if copies is None else ((copies,), (copies, 1))
    width = 4 * layer.unit.pieces
    assert layer.width == 4
    assert layer.weights.shape == (*ahead, 3, width)
    assert layer.pre_activations(X).shape == (*ahead, None, width)
    assert layer(X).shape == (*ahead, None, 4)
    assert [V.shape for V in layer.learned] == [(*row, 4)] * len(layer.unit.learned)
    assert layer.biases is None if layer.unit.templates else layer.biases.shape == (*row, width)
    assert layer(X).dtype == dtype
    values = layer.initial_values(np.random.default_rng(0), "he")
    assert list(values) == layer.parameters
    for V, value in values.items():
        assert (value.shape, value.dtype, V.dtype) == (V.shape, dtype, dtype)
    result = dl.evaluate(layer(X), values | {X: np.ones((5, 3), dtype)})
    assert (result.shape, result.dtype) == ((*ahead, 5, 4), dtype)


@every_unit
def test_a_single_number_has_units_that_need_no_row(unit):
    if UNITS[unit].takes_rows:
        with pytest.raises(ValueError) as caught:
            dl.Layer(3, "scalar", unit)
        assert str(caught.value) == f"layer: {unit} units take rows; use an out_size of 1"
    else:
        layer, column = dl.Layer(3, "scalar", unit), dl.Layer(3, 1, unit)
        values = random_values(layer, np.random.default_rng(0))
        X_value = np.random.default_rng(1).normal(size=(5, 3))
        scalar = output_and_gradients(layer, layer, values, X_value, np.ones(5))
        shapes = [V.shape for V in column.parameters]
        values = {
            V: value.reshape(shape)
            for V, value, shape in zip(column.parameters, values.values(), shapes, strict=True)
        }
        for one, other in zip(
            scalar,
            output_and_gradients(column, column, values, X_value, np.ones((5, 1))),
            strict=True,
        ):
            assert_allclose(one.reshape(-1), other.reshape(-1), rtol=1e-13, atol=1e-15)


def hidden_layer_in_pytorch(unit, n, p):
    if unit == "parametric relu":
        return nn.Sequential(nn.Linear(n, p), nn.PReLU(p))
    if unit == "maxout(2)":
        return nn.Linear(n, 2 * p)
    if unit == "rbf":  # templates, and a width for each unit
        return nn.ParameterList([torch.zeros(n, p), torch.zeros(p)])
    return nn.Linear(n, p)


@every_unit
def test_networks_learn_as_many_numbers_as_those_of_pytorch(unit):
    sizes = [7, 5, 6, 2]
    modules = [hidden_layer_in_pytorch(unit, n, p) for n, p in pairwise(sizes[:-1])]
    modules.append(nn.Linear(*sizes[-2:]))
    wanted = sum(p.numel() for module in modules for p in module.parameters())
    assert dl.MLP(sizes, unit).parameter_count == wanted
    assert dl.MLP(sizes, unit, copies=3).parameter_count == 3 * wanted


@every_unit
def test_networks_trained_at_once_share_nothing(unit):
    rng, copies = np.random.default_rng(0), 3
    together, alone = dl.MLP([3, 5, 4, 2], unit, copies=copies), dl.MLP([3, 5, 4, 2], unit)
    values = random_values(together, rng)
    X_value, G = rng.normal(size=(6, 3)), rng.normal(size=(copies, 6, 2))
    found = output_and_gradients(together, together, values, X_value, G)
    for s in range(copies):
        own = {
            V: value[s].reshape(V.shape)
            for V, value in zip(alone.parameters, values.values(), strict=True)
        }
        single = output_and_gradients(alone, alone, own, X_value, G[s])
        for one, other in zip(single, found, strict=True):
            assert_allclose(other[s].reshape(one.shape), one, rtol=1e-11, atol=1e-13)


def test_networks_trained_at_once_may_each_have_data_of_their_own():
    rng, layer = np.random.default_rng(0), dl.Layer(3, 4, "tanh", copies=2)
    values, X_value = random_values(layer, rng), rng.normal(size=(2, 5, 3))
    found = output_and_gradients(layer, layer, values, X_value, np.ones((2, 5, 4)))[0]
    W, b = values.values()
    assert_allclose(found, np.tanh(X_value @ W + b))


def test_networks_trained_at_once_begin_at_different_places():
    W = dl.Layer(3, 4, copies=2).initial_values(np.random.default_rng(0))
    first, second = next(iter(W.values()))
    assert not np.isclose(first, second).any()


# --- Chains and skip connections ---------------------------------------------------------------


def test_mlp_makes_hidden_layers_and_a_linear_output_layer():
    network = dl.MLP((3, 5, 4, 2), dl.tanh)
    assert [layer.unit.name for layer in network.layers] == ["tanh", "tanh", "identity"]
    assert [V.name for V in network.parameters] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    outputs = network.outputs(dl.variable("X", (None, 3)))
    assert [H.name for H in outputs] == ["h1", "h2", "z"]
    assert [H.shape for H in outputs] == [(None, 5), (None, 4), (None, 2)]
    assert network.skips == [] and network.depth == 3
    assert [layer.unit.name for layer in dl.MLP([2, 3, 1]).layers] == ["relu", "identity"]
    assert dl.MLP([2, 3]).depth == 1


def test_a_number_of_outputs_may_be_a_scalar():
    network = dl.MLP([2, 3, "scalar"])
    assert network(dl.variable("X", (None, 2))).shape == (None,)


def test_skip_connections_add_the_output_of_an_earlier_layer():
    rng, network = np.random.default_rng(0), dl.MLP([3, 4, 4, 4, 4, 2], "tanh", skip=2)
    assert network.skips == [(1, 3), (2, 4)]
    X, values = dl.variable("X", (None, 3)), random_values(network, rng)
    W1, b1, W2, b2, W3, b3, W4, b4, W5, b5 = network.parameters
    h1 = dl.tanh(X @ W1 + b1)
    h2 = dl.tanh(h1 @ W2 + b2)
    h3 = dl.tanh(h2 @ W3 + b3) + h1
    h4 = dl.tanh(h3 @ W4 + b4) + h2
    values[X], wanted = rng.normal(size=(5, 3)), [h1, h2, h3, h4, h4 @ W5 + b5]
    for ours, by_hand in zip(network.outputs(X), wanted, strict=True):
        assert_array_equal(dl.evaluate(ours, values), dl.evaluate(by_hand, values))
    assert [H.name for H in network.outputs(X)] == ["h1", "h2", "h3", "h4", "z"]
    J, J_by_hand = (dl.sum(z**2) for z in (network(X), wanted[-1]))
    for V in network.parameters:
        ours, by_hand = (dl.backprop([V], cost)[V] for cost in (J, J_by_hand))
        assert_allclose(dl.evaluate(ours, values), dl.evaluate(by_hand, values), rtol=1e-12)


def test_a_layer_may_get_several_skip_connections():
    X, layers = dl.variable("X", (None, 2)), [dl.Layer(2, 2) for _ in range(4)]
    network = dl.Network(*layers, skips=[(2, 4), (1, 4)])
    values = random_values(network, np.random.default_rng(0)) | {X: np.eye(2)}
    H = [dl.evaluate(V, values) for V in network.outputs(X)]
    last = H[2] @ values[layers[3].weights] + values[layers[3].biases]
    assert_allclose(H[3], last + H[1] + H[0])


def test_skip_connections_serve_networks_trained_at_once():
    network = dl.MLP([3, 4, 4, 4, 1], "relu", skip=2, copies=2)
    assert network(dl.variable("X", (None, 3))).shape == (2, None, 1)


def test_a_network_too_shallow_for_its_skip_connections_has_none():
    assert dl.MLP([3, 4, 4, 1], skip=2).skips == []


@pytest.mark.parametrize("skip", [0, 1, -1, 2.0, True, "2"])
def test_a_skip_connection_leaves_out_a_layer(skip):
    for sizes in ([2, 3, 3, 3, 1], [2, 1]):
        with pytest.raises(ValueError, match=f"MLP: skip must be 2 or .* above, got {skip!r}"):
            dl.MLP(sizes, skip=skip)


@pytest.mark.parametrize("skip", [(1, 2), (3, 1), (0, 2), (2, 4), (-1, 2)])
def test_skip_connections_go_forward_and_within_the_network(skip):
    i, j = skip
    with pytest.raises(ValueError, match=f"to layer i [+] 2 or higher, of 3; got {i} to {j}"):
        dl.Network(*(dl.Layer(2, 2) for _ in range(3)), skips=[skip])


def test_skip_connections_add_what_has_the_same_size():
    message = (
        "the skip connection from layer 1 to layer 3 adds an output of size 4 to one of size 3"
    )
    with pytest.raises(ValueError, match=message):
        dl.MLP([2, 4, 4, 3, 1], skip=2)
    layers = [dl.Layer(2, 1), dl.Layer(1, 3), dl.Layer(3, "scalar")]
    with pytest.raises(ValueError, match="adds an output of size 1 to one of size scalar"):
        dl.Network(*layers, skips=[(1, 3)])


def test_a_layer_that_occurs_twice_learns_once():
    shared = dl.Layer(3, 3, "parametric relu")
    network = dl.Network(shared, shared, dl.Layer(3, 1))
    assert network.parameter_count == 9 + 3 + 3 + 3 + 1
    assert len(network.initial_values(np.random.default_rng(0))) == 5


# --- Low-rank layers ---------------------------------------------------------------------------


@few
@given(rngs, st.sampled_from(["identity", "relu", "parametric relu", "maxout(3)", "softmax"]))
def test_a_low_rank_layer_is_one_whose_matrix_is_the_product(rng, unit):
    n, p, q, m = rng.integers(1, 7, 4)
    low, full = dl.LowRank(n, p, q, unit), dl.Layer(n, p, unit)
    values, X_value, G = random_values(low, rng), rng.normal(size=(m, n)), rng.normal(size=(m, p))
    U, V = values[low.first], values[low.weights]
    own = dict(zip(full.parameters, [U @ V, *list(values.values())[2:]], strict=True))
    h, dU, dV, *rest = output_and_gradients(low, low, values, X_value, G)
    wanted, dW, *wanted_rest = output_and_gradients(full, full, own, X_value, G)
    for ours, theirs in zip(
        [h, dU, dV, *rest], [wanted, dW @ V.T, U.T @ dW, *wanted_rest], strict=True
    ):
        assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_a_low_rank_layer_has_fewer_weights():
    layer = dl.LowRank(100, 80, 5, "relu")
    assert (layer.first.shape, layer.weights.shape) == ((100, 5), (5, 80))
    assert dl.Network(layer).parameter_count == (100 + 80) * 5 + 80
    assert dl.Network(dl.Layer(3, 100), layer, dl.Layer(80, 2)).depth == 3


@pytest.mark.parametrize("n", [0, None, 2.5, True])
def test_a_low_rank_layer_needs_whole_sizes(n):
    with pytest.raises(ValueError, match=f"low-rank layer: the number of inputs .* got {n!r}"):
        dl.LowRank(n, 3, 2)
    with pytest.raises(ValueError, match=f"low-rank layer: the rank must .* got {n!r}"):
        dl.LowRank(3, 2, n)


def test_templates_have_no_product_to_factor():
    with pytest.raises(ValueError, match="low-rank layer: units with templates have no product"):
        dl.LowRank(3, 2, 1, "rbf")


# --- Locally connected layers ------------------------------------------------------------------


def draw_locally_connected(rng, unit=None):
    """Draw a layer and its settings, values for it, images, and a gradient of its output."""
    height, width, channels, stride, m = (int(size) for size in rng.integers(1, 6, 5))
    field = int(rng.integers(1, min(height, width) + 1))
    layer = dl.LocallyConnected((height, width), field, channels, stride, unit)
    images, G = rng.normal(size=(m, height, width)), rng.normal(size=(m, layer.width))
    return layer, (field, channels, stride), random_values(layer, rng), images, G


@few
@given(rngs)
def test_a_unit_of_a_locally_connected_layer_sees_its_square(rng):
    layer, (field, channels, stride), values, images, G = draw_locally_connected(rng)
    _, height, width = images.shape
    W, b = values.values()
    wanted, square = [], 0
    for top in range(0, height - field + 1, stride):
        for left in range(0, width - field + 1, stride):
            seen = images[:, top : top + field, left : left + field]
            for channel in range(channels):
                weights = W[square, :, channel].reshape(field, field)
                wanted.append((seen * weights).sum((1, 2)) + b[len(wanted)])
            square += 1
    assert len(W) == len(layer.places) == square
    found = output_and_gradients(layer, layer, values, images.reshape(len(images), -1), G)[0]
    assert_allclose(found, np.stack(wanted, 1), rtol=1e-12, atol=1e-12)


@few
@given(rngs, st.sampled_from([None, "relu", "tanh", "parametric relu"]))
def test_locally_connected_layers_and_their_gradients_agree_with_pytorch(rng, unit):
    layer, (field, _, stride), values, images, G = draw_locally_connected(rng, unit)
    found = output_and_gradients(layer, layer, values, images.reshape(len(images), -1), G)
    W, b, *learned = tensors = [torch.tensor(v, requires_grad=True) for v in values.values()]
    squares = F.unfold(torch.tensor(images[:, None]), field, stride=stride)
    z = torch.einsum("mfs,sfc->msc", squares, W).flatten(1) + b
    h = {None: lambda z: z, "relu": F.relu, "tanh": torch.tanh, "parametric relu": F.prelu}[unit]
    output = h(z, *learned)
    (output * torch.tensor(G)).sum().backward()
    wanted = [output.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)]
    for ours, theirs in zip(found, wanted, strict=True):
        assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


@few
@given(rngs)
def test_a_locally_connected_layer_is_one_with_most_weights_at_zero(rng):
    layer, _, values, images, G = draw_locally_connected(rng, "tanh")
    X_value = images.reshape(len(images), -1)
    dense = dl.Layer(layer.in_size, layer.width, "tanh")
    W, b = values.values()
    squares, _, channels = W.shape
    all_weights = np.zeros((layer.in_size, squares, channels))
    for square in range(squares):
        all_weights[layer.places[square], square] = W[square]
    own = dict(zip(dense.parameters, [all_weights.reshape(dense.weights.shape), b], strict=True))
    found = output_and_gradients(layer, layer, values, X_value, G)
    wanted = output_and_gradients(dense, dense, own, X_value, G)
    assert_allclose(found[0], wanted[0], rtol=1e-12, atol=1e-13)
    assert_allclose(found[2], wanted[2], rtol=1e-12, atol=1e-13)
    dense_gradient = wanted[1].reshape(all_weights.shape)
    for square in range(squares):
        part = dense_gradient[layer.places[square], square]
        assert_allclose(found[1][square], part, rtol=1e-11, atol=1e-13)


def test_locally_connected_layers_form_a_chain_with_others():
    first = dl.LocallyConnected((4, 4), 2, channels=3, stride=2, activation="relu")
    network = dl.Network(first, dl.Layer(12, 2))
    assert first.width == 12 and [V.shape for V in first.parameters] == [(4, 4, 3), (12,)]
    assert network.parameter_count == 4 * 4 * 3 + 12 + 24 + 2
    X = dl.variable("X", (None, 16), np.float64)
    assert network(X).shape == (None, 2)


@pytest.mark.parametrize("image", [(2, 8), (8, 2), 8, (8,), (8, 8, 8), (8.0, 8.0), None])
def test_a_field_fits_into_the_image(image):
    with pytest.raises(ValueError) as caught:
        dl.LocallyConnected(image, 3)
    message = f"locally connected layer: a field of 3 does not fit into an image of {image}"
    assert str(caught.value) == message


@pytest.mark.parametrize("wrong", [0, -1, 1.5, None, True])
def test_a_locally_connected_layer_needs_whole_numbers(wrong):
    for what, settings in {
        "field": {"field": wrong},
        "number of channels": {"field": 2, "channels": wrong},
        "stride": {"field": 2, "stride": wrong},
    }.items():
        with pytest.raises(ValueError, match=f"locally connected layer: the {what} must be"):
            dl.LocallyConnected((4, 4), **settings)


@pytest.mark.parametrize("unit", ["maxout(2)", "rbf"])
def test_locally_connected_units_have_one_piece_and_no_template(unit):
    with pytest.raises(ValueError) as caught:
        dl.LocallyConnected((4, 4), 2, activation=unit)
    assert str(caught.value) == f"locally connected layer: not with {unit} units"


@pytest.mark.parametrize("shape", [(None, 15), (None, 4, 4), (16,)])
def test_a_locally_connected_layer_takes_rows_of_pixels(shape):
    message = r"locally connected layer: takes \(16 numbers an example\), got"
    with pytest.raises(ValueError, match=message):
        dl.LocallyConnected((4, 4), 2)(dl.variable("X", shape))


# --- What an example costs ---------------------------------------------------------------------


def products_of_matrices(V):
    """Count the products that matrix products take, for one example."""
    return sum(
        math.prod(size or 1 for size in U.shape) * U.inputs[0].shape[-1]
        for U in dl.Graph([V])
        if isinstance(U.operation, MatMul)
    )


@pytest.mark.parametrize(
    "layer",
    [
        *(dl.Layer(7, 5, unit) for unit in UNITS),
        dl.Layer(7, "scalar"),
        dl.Layer(7, 5, "maxout(4)"),
        dl.LowRank(7, 5, 2, "tanh"),
        dl.LowRank(7, 5, 2, "maxout(3)"),
        dl.LocallyConnected((5, 6), 3, 2, 2),
    ],
    ids=lambda layer: f"{type(layer).__name__} {layer.unit.name}",
)
def test_multiply_adds_are_those_of_the_matrix_products(layer):
    X = dl.variable("X", (None, layer.in_size))
    assert layer.multiply_adds == products_of_matrices(layer(X))


# --- Where training begins ---------------------------------------------------------------------

DEVIATIONS = {
    "lecun": lambda n, p, gain: n**-0.5,
    "glorot": lambda n, p, gain: (2 / (n + p)) ** 0.5,
    "he": lambda n, p, gain: gain * n**-0.5,
    0.03: lambda n, p, gain: 0.03,
}


@pytest.mark.parametrize("scheme", DEVIATIONS)
@pytest.mark.parametrize("unit", ["relu", "leaky relu", "tanh", "maxout(2)", "maxout(3)", None])
def test_weights_are_drawn_with_the_deviation_of_the_scheme(scheme, unit):
    rng, layer = np.random.default_rng(0), dl.Layer(300, 200, unit)
    weights = layer.initial_values(rng, scheme)[layer.weights]
    assert abs(weights.std() / DEVIATIONS[scheme](300, 200, layer.unit.gain) - 1) < 0.015
    assert abs(weights.mean()) < 0.02 * weights.std()


@pytest.mark.parametrize("scheme", DEVIATIONS)
def test_both_matrices_of_a_low_rank_layer_follow_the_scheme(scheme):
    layer = dl.LowRank(300, 200, 250, "relu")
    values = layer.initial_values(np.random.default_rng(0), scheme)
    ends = {layer.first: (300, 250, 1.0), layer.weights: (250, 200, math.sqrt(2))}
    for V, (n, p, gain) in ends.items():
        assert abs(values[V].std() / DEVIATIONS[scheme](n, p, gain) - 1) < 0.015


@pytest.mark.parametrize("scheme", DEVIATIONS)
def test_locally_connected_units_have_as_many_inputs_as_they_see(scheme):
    layer = dl.LocallyConnected((20, 20), 5, 10, activation="relu")
    weights = layer.initial_values(np.random.default_rng(0), scheme)[layer.weights]
    assert abs(weights.std() / DEVIATIONS[scheme](25, 10, math.sqrt(2)) - 1) < 0.015


def second_moments(unit, scheme, depth=10, width=500):
    """Return the mean square of each hidden layer's output, for inputs with mean square 1."""
    rng = np.random.default_rng(0)
    network = dl.Network(*(dl.Layer(width, width, unit) for _ in range(depth)))
    X, values = dl.variable("X", (None, width)), network.initial_values(rng, scheme)
    values[X] = rng.normal(size=(50, width))
    outputs = dl.compile(network.outputs(X), list(values))(*values.values())
    return [np.mean(H**2) for H in outputs]


@pytest.mark.parametrize("unit", ["relu", "leaky relu", "parametric relu", "absolute value"])
def test_he_initialisation_keeps_the_size_of_signals_through_ten_layers(unit):
    moments = second_moments(unit, "he")
    assert min(moments) > 0.6 and max(moments) < 1.6


def test_without_the_gain_half_the_signal_is_lost_in_every_rectified_layer():
    moments = np.array(second_moments("relu", "lecun"))
    assert_allclose(moments[1:] / moments[:-1], 0.5, rtol=0.3)
    assert moments[-1] < 2e-3


def test_radial_basis_functions_begin_among_the_inputs_and_as_wide_as_these_are_apart():
    layer, X = dl.Layer(50, 200, "rbf"), dl.variable("X", (None, 50))
    values = layer.initial_values(np.random.default_rng(0), "he")
    templates, sigma = values.values()
    assert abs(templates.std() - 1) < 0.02
    assert_array_equal(sigma, np.full(200, 10.0))
    h = dl.evaluate(layer(X), values | {X: np.random.default_rng(1).normal(size=(200, 50))})
    assert abs(h.mean() - math.exp(-1)) < 0.03


@pytest.mark.parametrize("unit", ["relu", "maxout(2)", "parametric relu", "tanh"])
def test_biases_begin_at_the_given_number_in_hidden_layers_only(unit):
    network = dl.MLP([3, 4, 4, 2], unit)
    values = network.initial_values(np.random.default_rng(0), "he", bias=0.1)
    first, second, last = (values[layer.biases] for layer in network.layers)
    assert set(first) == set(second) == {0.1} and set(last) == {0.0}
    values = network.initial_values(np.random.default_rng(0))
    assert all(np.all(values[layer.biases] == 0) for layer in network.layers)


def test_slopes_begin_at_a_quarter():
    layer = dl.Layer(3, 4, "parametric relu")
    values = layer.initial_values(np.random.default_rng(0))
    assert_array_equal(values[layer.learned[0]], np.full(4, 0.25))


@pytest.mark.parametrize(
    "layer",
    [
        *(dl.Layer(3, 4, unit) for unit in ("relu", "rbf", "maxout(2)")),
        dl.Layer(3, 4, copies=2, dtype=np.float32),
        dl.LowRank(3, 4, 2),
        dl.LocallyConnected((3, 3), 2),
    ],
    ids=lambda layer: f"{type(layer).__name__} {layer.unit.name}",
)
def test_the_same_rng_gives_the_same_initial_values_for_all_layers(layer):
    first, again, other = (
        layer.initial_values(np.random.default_rng(seed), "glorot", 0.1) for seed in (1, 1, 2)
    )
    assert list(first) == layer.parameters
    for V in first:
        assert_array_equal(first[V], again[V])
        assert (first[V].shape, first[V].dtype) == (V.shape, V.dtype)
    assert not np.array_equal(first[layer.weights], other[layer.weights])


@pytest.mark.parametrize("scheme", ["xavier", "", None, -0.1, math.nan, math.inf, True, [0.1]])
@pytest.mark.parametrize(
    "layer",
    [dl.Layer(3, 4), dl.Layer(3, 4, "rbf"), dl.LowRank(3, 4, 2)],
    ids=lambda la: repr(la)[:20],
)
def test_a_scheme_that_there_is_not_is_reported(layer, scheme):
    with pytest.raises(ValueError) as caught:
        dl.Network(layer).initial_values(np.random.default_rng(0), scheme)
    assert str(caught.value) == (
        "initial values: the scheme must be a standard deviation or one of lecun, glorot, he, got "
        f"{scheme!r}"
    )


def test_all_weights_may_begin_at_zero():
    layer = dl.Layer(3, 4)
    assert_array_equal(layer.initial_values(np.random.default_rng(0), 0)[layer.weights], 0)


# --- What is reported --------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [3, [dl.relu], np.tanh(1.0)])
def test_an_activation_is_a_name_or_a_function(activation):
    with pytest.raises(TypeError, match="layer: the activation must be a function, got"):
        dl.Layer(2, 3, activation)


def test_an_unknown_unit_is_reported_with_those_there_are():
    with pytest.raises(ValueError, match="hidden unit: there is no 'rectifier'; there are relu, "):
        dl.MLP([2, 3, 1], "rectifier")


@pytest.mark.parametrize("dtype", [int, np.int32, bool, np.float16, np.complex128])
def test_weights_are_floats(dtype):
    with pytest.raises(TypeError, match="needs float32"):
        dl.Layer(2, 3, dtype=dtype)


def test_a_layer_has_three_names():
    message = r"layer: weights, biases and output need three names, got \('W', 'b'\)"
    with pytest.raises(ValueError, match=message):
        dl.Layer(2, 3, names=("W", "b"))


@pytest.mark.parametrize("copies", [0, -1, 2.0, True, "3"])
def test_the_number_of_copies_is_a_whole_number(copies):
    message = f"layer: the number of copies must be a positive whole number, got {copies!r}"
    with pytest.raises(ValueError, match=message):
        dl.Layer(2, 3, copies=copies)


def test_copies_have_no_scalars():
    with pytest.raises(
        ValueError, match="layer: copies give a row for each example; take an out_s"
    ):
        dl.Layer(2, "scalar", copies=3)


@pytest.mark.parametrize("sizes", [[], [3]])
def test_an_mlp_has_inputs_and_outputs(sizes):
    with pytest.raises(ValueError, match="MLP: needs the numbers of inputs and outputs, at least"):
        dl.MLP(sizes)


@pytest.mark.parametrize("sizes", [[0, 2], [2, 0, 1], [2, 3.0, 1], ["scalar", 2], [2, "scalar", 1]])
def test_an_mlp_needs_whole_sizes(sizes):
    with pytest.raises(ValueError, match=r"layer: sizes must be positive whole|gives scalar, but"):
        dl.MLP(sizes)


# --- Gradient descent --------------------------------------------------------------------------


def test_a_step_goes_against_the_gradient():
    V, b = dl.variable("V", (2,)), dl.variable("b", ())
    parameters = {V: np.array([1.0, 2.0]), b: np.array(3.0)}
    after, _ = dl.GradientDescent(0.5).step(parameters, [np.array([2.0, -4.0]), np.array(1.0)])
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
    ones = np.ones(2, np.float32)
    after, _ = dl.GradientDescent(rate).step({V: ones}, [ones])
    assert after[V].dtype == np.float32


def test_each_parameter_needs_a_gradient():
    w = dl.variable("w", ())
    message = r"gradient descent: 0 gradients for 1 parameters \(w\)"
    with pytest.raises(ValueError, match=message):
        dl.GradientDescent(0.1).step({w: np.array(1.0)}, [])
