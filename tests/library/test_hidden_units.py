"""Section 6.3: each hidden unit computes what the chapter says, and what PyTorch does."""

import math
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from pytorch_units import PYTORCH
from strategies import few, fewer, rngs

import dlbook as dl
from dlbook.hidden_units import UNITS, HiddenUnit, get, maxout, squared_distances, table

F = torch.nn.functional

IN_THE_BOOK = {
    "relu": lambda z: max(0, z),
    "absolute value": lambda z: abs(z),
    "leaky relu": lambda z: max(0, z) + 0.01 * min(0, z),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": lambda z: 2 / (1 + math.exp(-2 * z)) - 1,
    "identity": lambda z: z,
    "cos": math.cos,
    "softplus": lambda z: math.log(1 + math.exp(z)),
    "hard tanh": lambda z: max(-1, min(1, z)),
    "elu": lambda z: z if z > 0 else math.exp(z) - 1,
    "gelu": lambda z: z * 0.5 * math.erfc(-z / math.sqrt(2)),
    "silu": lambda z: z / (1 + math.exp(-z)),
}
every_unit = pytest.mark.parametrize("name", UNITS)


def h_and_gradients(f, arrays, G, backend="numpy"):
    """Return h = f(*arrays), and the gradients of sum(h * G) with respect to the arrays."""
    variables = [dl.variable(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    h = f(*variables)
    gradients = dl.backprop(variables, dl.sum(h * G))
    program = dl.compile([h, *gradients.values()], variables, backend=backend)
    return [np.asarray(result) for result in program(*arrays)]


def torch_h_and_gradients(f, arrays, G):
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    h = f(*tensors)
    (h * torch.tensor(G)).sum().backward()
    return [h.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)]


def draw_inputs(unit, rng, m, units, scale, dtype=np.float64):
    """Draw pre-activations, what the units learn, and a gradient of h."""
    z = scale * rng.normal(size=(m, units * unit.pieces))
    z = np.abs(z) if unit.templates else z
    learned = [rng.uniform(0.1, 2.0, units) for _ in unit.learned]
    arrays = [a.astype(dtype) for a in (z, *learned, rng.normal(size=(m, units)))]
    return arrays[:-1], arrays[-1]


# --- What they compute -------------------------------------------------------------------------


def test_there_is_a_pytorch_for_every_unit():
    assert list(UNITS) == list(PYTORCH)
    assert set(IN_THE_BOOK) == {n for n, u in UNITS.items() if not (u.learned or u.takes_rows)}


@every_unit
@fewer
@given(rngs, st.integers(1, 5), st.integers(1, 4), st.sampled_from([0.01, 1.0, 30.0]))
def test_units_and_their_gradients_agree_with_pytorch(name, rng, m, units, scale):
    arrays, G = draw_inputs(UNITS[name], rng, m, units, scale)
    found = h_and_gradients(UNITS[name], arrays, G)
    for ours, theirs in zip(found, torch_h_and_gradients(PYTORCH[name], arrays, G), strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", IN_THE_BOOK)
def test_units_compute_the_formula_of_the_book(name):
    z, Z = np.linspace(-6, 6, 97), dl.variable("z", (97,))
    h = dl.evaluate(UNITS[name](Z), {Z: z})
    assert_allclose(h, [IN_THE_BOOK[name](float(value)) for value in z], rtol=1e-13, atol=1e-14)


@every_unit
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_float32_stays_float32_in_every_unit(name, backend):
    arrays, G = draw_inputs(UNITS[name], np.random.default_rng(0), 4, 3, 2.0, np.float32)
    found = h_and_gradients(UNITS[name], arrays, G, backend)
    for ours, theirs in zip(found, torch_h_and_gradients(PYTORCH[name], arrays, G), strict=True):
        assert ours.dtype == np.float32
        assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


EXTREME = [0.5, 5, 20, 88, 89, 104, 709, 746, 1e4, 1e10, 1e18, 1e25, 1e34, 1e100, 1e154, 1e200]


@every_unit
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("error")
def test_units_are_finite_wherever_pytorch_is(name, dtype):
    unit, largest = UNITS[name], float(np.finfo(dtype).max)
    z = np.array(
        [[v, -v] for v in EXTREME if v < largest / 1000], dtype
    )  # a row is a softmax of its own
    z = np.repeat(np.abs(z) if unit.templates else z, unit.pieces, axis=1)
    arrays = [z] + [np.full(2, 0.25, dtype) for _ in unit.learned]
    G = np.full((len(z), 2), 1.5, dtype)
    found = h_and_gradients(unit, arrays, G)
    wanted = torch_h_and_gradients(PYTORCH[name], arrays, G)
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
    for ours, theirs in zip(found, wanted, strict=True):
        finite = np.isfinite(theirs)
        assert finite.any()
        assert_allclose(ours[finite], theirs[finite], **close)


KINKS = {"relu": 0, "absolute value": 0, "leaky relu": 0, "hard tanh": 1, "elu": 0}


@pytest.mark.parametrize("name", KINKS)
def test_at_a_kink_the_slope_is_between_those_of_both_sides(name):
    for z in {KINKS[name], -KINKS[name]}:
        points = np.array([z - 1e-9, z, -0.0 if z == 0 else z, z + 1e-9])
        left, *at, right = h_and_gradients(UNITS[name], [points], np.ones(4))[1]
        assert min(left, right) - 1e-8 <= min(at) <= max(at) <= max(left, right) + 1e-8


def test_the_slope_of_an_elu_at_zero_is_1_as_it_is_on_both_sides():
    assert_array_equal(h_and_gradients(UNITS["elu"], [np.zeros(1)], np.ones(1))[1], [1.0])


def test_an_elu_is_precise_close_to_zero():
    z = np.array([-1e-300, -1e-18, -1e-10])
    assert_allclose(h_and_gradients(UNITS["elu"], [z], np.ones(3))[0], np.expm1(z), rtol=1e-15)


@few
@given(rngs, st.integers(2, 5), st.integers(1, 4))
def test_maxout_takes_the_largest_of_each_group_of_neighbours(rng, pieces, units):
    unit = maxout(pieces)
    (z,), G = draw_inputs(unit, rng, 3, units, 1.0)
    h, gradient = h_and_gradients(unit, [z], G)
    groups = z.reshape(3, units, pieces)
    assert_array_equal(h, groups.max(-1))
    chosen = groups == h[:, :, None]  # and nothing flows back into the others
    assert_array_equal(gradient.reshape(groups.shape), np.where(chosen, G[:, :, None], 0))


def test_maxout_can_be_a_rectifier_or_an_absolute_value():
    z, Z = np.linspace(-2, 2, 9), dl.variable("Z", (9, 2))
    for other, name in ((0 * z, "relu"), (-z, "absolute value")):
        h = dl.evaluate(UNITS["maxout(2)"](Z), {Z: np.stack([z, other], 1)})
        assert_array_equal(h[:, 0], [IN_THE_BOOK[name](float(value)) for value in z])


def test_a_softmax_of_hidden_units_sums_to_1_in_each_example():
    Z = dl.variable("Z", (None, 4))
    h = dl.evaluate(UNITS["softmax"](Z), {Z: np.random.default_rng(0).normal(size=(6, 4))})
    assert_allclose(h.sum(1), np.ones(6))


# --- Radial basis functions --------------------------------------------------------------------


def rbf_layer(X, W, sigma):
    return UNITS["rbf"](squared_distances(X, W), sigma)


@few
@given(rngs, st.integers(1, 6), st.integers(1, 5), st.integers(1, 4))
def test_radial_basis_functions_agree_with_pytorch(rng, m, n, units):
    def wanted(X, W, sigma):
        distances = torch.cdist(X, W.T, compute_mode="donot_use_mm_for_euclid_dist")
        return torch.exp(-((distances / sigma) ** 2))

    arrays = [rng.normal(size=(m, n)), rng.normal(size=(n, units)), rng.uniform(0.5, 3, units)]
    G = rng.normal(size=(m, units))
    found = h_and_gradients(rbf_layer, arrays, G)
    for ours, theirs in zip(found, torch_h_and_gradients(wanted, arrays, G), strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_radial_basis_function_is_1_at_its_template_and_nowhere_above():
    # Rounding alone would make some of these squares of distances negative.
    X, G = 1000 + np.random.default_rng(0).normal(size=(50, 7)), np.ones((50, 50))
    h, *gradients = h_and_gradients(rbf_layer, [X, X.T.copy(), np.full(50, 1e-3)], G)
    assert h.max() <= 1
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    (at_the_template,) = np.diag(
        h_and_gradients(rbf_layer, [X[:1], X[:1].T, np.ones(1)], G[:1, :1])[0]
    )
    assert abs(at_the_template - 1) < 1e-6


# --- What is known about them ------------------------------------------------------------------


def test_the_units_newer_than_the_book_are_marked():
    assert [unit.name for unit in UNITS.values() if unit.newer] == ["elu", "gelu", "silu"]


def test_what_units_learn_is_a_slope_or_a_width():
    learned = {unit.name: list(unit.learned) for unit in UNITS.values() if unit.learned}
    assert learned == {"parametric relu": ["alpha"], "rbf": ["sigma"]}


HOMOGENEOUS = ["relu", "absolute value", "leaky relu", "parametric relu", "identity"]


@pytest.mark.parametrize("name", HOMOGENEOUS + [f"maxout({k})" for k in (2, 3, 5, 8)])
def test_the_gain_keeps_the_second_moment_of_normal_pre_activations(name):
    unit, rng = get(name), np.random.default_rng(0)
    z = unit.gain * rng.normal(size=(400_000, unit.pieces))
    inputs = [dl.constant(z)] + [dl.constant([start]) for start in unit.learned.values()]
    assert abs(np.mean(dl.evaluate(unit(*inputs), {}) ** 2) - 1) < 0.015


class Cells(HTMLParser):
    """Collects the texts of a table's cells."""

    def __init__(self, text):
        super().__init__()
        self.rows = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        self.rows[-1][-1] += data


def test_the_table_shows_every_unit_once():
    header, dashes, *lines = repr(table()).splitlines()
    assert header.split("  ")[0] == "unit" and set(dashes) == {"-", " "}
    assert len(lines) == len(UNITS)
    for line, unit in zip(lines, UNITS.values(), strict=True):
        assert line.startswith(unit.name + " ") and line == line.rstrip()
        assert unit.formula in line and unit.when in line
        assert ("newer than the book" in line) == unit.newer
        assert all(name in line for name in unit.learned)
        assert ("2 weight vectors" in line) == (unit.pieces == 2)


def test_the_table_of_a_notebook_says_the_same():
    rows = Cells(table().html()).rows
    assert rows == [table().header, *table().rows]
    assert [row[0] for row in rows[1:]] == list(UNITS)


def test_texts_in_a_table_are_no_html():
    shown = dl.hidden_units.Table(["a<b"], [["<b>&"]]).html()
    assert "<th>a&lt;b</th>" in shown and "<td>&lt;b&gt;&amp;</td>" in shown


# --- How one gets them -------------------------------------------------------------------------


@every_unit
def test_a_unit_is_found_by_its_name_and_by_itself(name):
    assert get(name) is UNITS[name] is get(UNITS[name])
    assert name in {UNITS[name]: name}.values()  # it can be a key


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (dl.relu, "relu"),
        (dl.tanh, "tanh"),
        (dl.sigmoid, "sigmoid"),
        (dl.softplus, "softplus"),
        (dl.softmax, "softmax"),
        (dl.hard_tanh, "hard tanh"),
        (dl.parametric_relu, "parametric relu"),
        (dl.cos, "cos"),
        (dl.abs, "absolute value"),
        (dl.hidden_units.gelu, "gelu"),
        (None, "identity"),
    ],
)
def test_a_function_that_is_a_unit_is_recognised(function, name):
    assert get(function) is UNITS[name]


def test_any_function_can_be_a_unit():
    def cube(z):
        return z**3

    unit = get(cube)
    assert isinstance(unit, HiddenUnit) and unit.name == "cube" and unit.pieces == 1
    assert_array_equal(dl.evaluate(unit(dl.constant([2.0])), {}), [8.0])
    assert get(dl.sin).name == "sin"


@pytest.mark.parametrize("pieces", [2, 3, np.int64(4)])
def test_maxout_has_as_many_pieces_as_one_asks_for(pieces):
    for unit in (maxout(pieces), get(f"maxout({pieces})")):
        assert (unit.name, unit.pieces) == (f"maxout({pieces})", pieces)


@pytest.mark.parametrize("pieces", [1, 0, -2, 2.0, True, "2", None])
def test_a_maxout_unit_needs_two_pieces(pieces):
    with pytest.raises(ValueError, match=f"maxout: a unit needs at least 2 pieces, got {pieces!r}"):
        maxout(pieces)


def test_a_name_that_says_too_few_pieces_is_reported():
    with pytest.raises(ValueError, match="maxout: a unit needs at least 2 pieces, got 1"):
        get("maxout(1)")


@pytest.mark.parametrize("name", ["ReLU", "", "maxout", "maxout(", "maxout()", "maxout(²)", "x)"])
def test_an_unknown_name_is_reported_with_those_there_are(name):
    with pytest.raises(ValueError) as caught:
        get(name)
    assert str(caught.value) == f"hidden unit: there is no {name!r}; there are {', '.join(UNITS)}"


@pytest.mark.parametrize("thing", [3, [dl.relu], object])
def test_what_is_no_unit_is_reported(thing):
    if callable(thing):  # a class can be called, and fails when it is
        with pytest.raises(TypeError):
            get(thing)(dl.variable("z", (2,)))
    else:
        with pytest.raises(TypeError, match="hidden unit: must be a name or a function, got"):
            get(thing)


def test_a_unit_is_given_what_it_learns():
    z, a = dl.variable("z", (None, 2)), dl.variable("a", (2,))
    with pytest.raises(
        TypeError, match=r"parametric relu: learns 1 numbers a unit \(alpha\), got 0"
    ):
        UNITS["parametric relu"](z)
    with pytest.raises(TypeError, match=r"relu: learns 0 numbers a unit \(none\), got 1"):
        UNITS["relu"](z, a)


def test_maxout_reports_pre_activations_that_form_no_groups():
    with pytest.raises(
        ValueError, match=r"'z' \(None, 3\) must be a multiple of the number of pie"
    ):
        UNITS["maxout(2)"](dl.variable("z", (None, 3)))


# --- The error function and exp(a) - 1 ---------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.filterwarnings("error")
def test_erf_and_its_derivatives_are_right_at_any_size(dtype, backend):
    a = np.array([0, 1e-30, 0.5, 3, 5.8, 6, 26, 27, 29, 31, 1e10, 1e30, np.finfo(dtype).max], dtype)
    a = np.concatenate([a, -a])
    A = dl.variable("a", a.shape, dtype)
    first = dl.backprop([A], dl.sum(dl.erf(A)))[A]
    second = dl.backprop([A], dl.sum(first))[A]
    values = dl.compile([dl.erf(A), first, second], [A], backend=backend)(a)
    near = np.clip(a.astype(np.float64), -30, 30)
    slope = 2 / math.sqrt(math.pi) * np.exp(-(near**2))
    wanted = [[math.erf(v) for v in a], slope, -2 * near * slope]
    for value, right in zip(values, wanted, strict=True):
        value = np.asarray(value)
        assert value.dtype == dtype
        assert_allclose(value, right, rtol=1e-12 if dtype == np.float64 else 3e-5, atol=1e-37)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_expm1_is_precise_close_to_zero_and_minus_1_far_below(dtype, backend):
    a = np.array([-1e30, -200, -1, -1e-10, -0.0, 0, 1e-30, 1e-5, 1, 80], dtype)
    h, gradient = h_and_gradients(dl.expm1, [a], np.ones_like(a), backend)
    assert h.dtype == gradient.dtype == dtype
    precision = 4 * np.finfo(dtype).eps
    assert_allclose(h, [math.expm1(v) for v in a], rtol=precision)
    assert_allclose(gradient, [math.exp(v) for v in a], rtol=precision, atol=1e-37)


def test_erf_and_expm1_take_floats_only():
    for function in (dl.erf, dl.expm1):
        with pytest.raises(TypeError, match=f"{function.name}: "):
            function(dl.variable("n", (3,), np.int64))
