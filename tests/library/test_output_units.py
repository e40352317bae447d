"""Section 6.2.2: output units give distributions of the right shape, and they learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import fewer, rngs, sizes

import dlbook as dl
from dlbook import distributions as ds
from dlbook import output_units
from dlbook.distributions import Distribution
from dlbook.output_units import OutputUnit

DTYPES = [np.float32, np.float64]
IN = 3

# Each unit on three features: how it is made, the shapes of its parameters, and of one target.
UNITS = {
    "a sigmoid": (output_units.Bernoulli, {}, [(3,), ()], ()),
    "sigmoids": (output_units.Bernoulli, {"out_size": 2}, [(3, 2), (2,)], (2,)),
    "one sigmoid in a row": (output_units.Bernoulli, {"out_size": 1}, [(3, 1), (1,)], (1,)),
    "a clipped unit": (output_units.Clipped, {}, [(3,), ()], ()),
    "a softmax": (output_units.Multinoulli, {"classes": 4}, [(3, 4), (4,)], ()),
    "a restricted softmax": (
        output_units.Multinoulli, {"classes": 4, "restricted": True}, [(3, 3), (3,)], (),
    ),
    "a restricted softmax of two": (
        output_units.Multinoulli, {"classes": 2, "restricted": True}, [(3, 1), (1,)], (),
    ),
    "a linear unit": (output_units.Gaussian, {}, [(3,), ()], ()),
    "linear units": (output_units.Gaussian, {"out_size": 2}, [(3, 2), (2,)], (2,)),
    "a full covariance": (
        output_units.FullGaussian, {"out_size": 2}, [(3, 2), (2,), (3, 4), (4,)], (2,),
    ),
    "a full covariance of one": (
        output_units.FullGaussian, {"out_size": 1}, [(3, 1), (1,), (3, 1), (1,)], (1,),
    ),
}  # fmt: skip
for spread in ("sigma", "variance", "precision"):
    UNITS |= {
        f"a learned {spread}": (
            output_units.Gaussian, {"spread": spread}, [(3,), (), (3,), ()], (),
        ),
        f"a learned {spread} for each entry": (
            output_units.Gaussian,
            {"out_size": 2, "spread": spread},
            [(3, 2), (2,), (3, 2), (2,)],
            (2,),
        ),
        f"a constant {spread}": (
            output_units.Gaussian,
            {"out_size": 2, "spread": spread, "constant": True},
            [(3, 2), (2,), ()],
            (2,),
        ),
        f"a mixture by {spread}": (
            output_units.MixtureDensity,
            {"components": 4, "spread": spread},
            [(3, 4), (4,), (3, 4), (4,), (3, 4), (4,)],
            (),
        ),
        f"a mixture of vectors by {spread}": (
            output_units.MixtureDensity,
            {"components": 4, "out_size": 2, "spread": spread},
            [(3, 4), (4,), (3, 8), (8,), (3, 8), (8,)],
            (2,),
        ),
    }  # fmt: skip
each_unit = pytest.mark.parametrize("name", UNITS)


def make(name, dtype=np.float64):
    kind, settings, _, _ = UNITS[name]
    return kind(IN, **settings, dtype=dtype)


def examples(name, rng, m=12, dtype=np.float64):
    """Features and targets that fit the unit."""
    unit, shape = make(name, dtype), (m, *UNITS[name][3])
    H = rng.normal(size=(m, IN)).astype(dtype)
    if isinstance(unit, output_units.Multinoulli):
        y = rng.integers(0, UNITS[name][1]["classes"], shape)
    elif isinstance(unit, output_units.Bernoulli | output_units.Clipped):
        y = rng.integers(0, 2, shape)
    else:
        y = rng.normal(size=shape).astype(dtype)
    return unit, H, y


def cost_of(unit, y, dtype=np.float64, rows=None):
    """Variables for features and targets, the distribution, and the cost."""
    H = dl.variable("H", (rows, IN), dtype)
    Y = dl.variable("y", (rows, *y.shape[1:]), y.dtype)
    p = unit(H)
    return H, Y, p, dl.costs.maximum_likelihood(p, Y)


def test_every_unit_is_tested():
    kinds = {
        kind
        for kind in vars(output_units).values()
        if isinstance(kind, type) and issubclass(kind, OutputUnit)
    }
    made = {kind for kind, *_ in UNITS.values()}
    assert made == {kind for kind in kinds if kind.__call__ is not OutputUnit.__call__} - {
        output_units._Logits
    }


# --- Parameters --------------------------------------------------------------------------------


@each_unit
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_parameters_have_the_shapes_and_the_dtype_that_were_asked_for(name, dtype):
    unit = make(name, dtype)
    assert [V.shape for V in unit.parameters] == UNITS[name][2]
    assert all(V.dtype == dtype for V in unit.parameters)
    assert len({V.name for V in unit.parameters}) in (1, 2, len(unit.parameters))
    values = unit.initial_values(np.random.default_rng(0))
    assert list(values) == unit.parameters
    for V, value in values.items():
        assert (np.shape(value), value.dtype) == (V.shape, V.dtype)
        assert np.isfinite(value).all()
        if V in [map.weights for map in unit.maps]:
            assert (value != 0).all()


@each_unit
def test_initial_values_are_the_same_for_the_same_rng(name):
    unit = make(name)
    first, again, other = (
        unit.initial_values(np.random.default_rng(seed)) for seed in (1, 1, 2)
    )  # fmt: skip
    for V in unit.parameters:
        assert_array_equal(first[V], again[V])
    assert not np.array_equal(first[unit.parameters[0]], other[unit.parameters[0]])


@each_unit
def test_two_units_share_no_parameters(name):
    assert not set(make(name).parameters) & set(make(name).parameters)


def test_initial_weights_do_not_change_the_size_of_what_passes():
    unit = output_units.Gaussian(400, 300)
    W, b = unit.initial_values(np.random.default_rng(0)).values()
    assert abs(W.std() * np.sqrt(400) - 1) < 0.01
    assert_array_equal(b, np.zeros(300))


def test_a_covariance_begins_near_the_identity_and_the_means_of_a_mixture_apart():
    rng = np.random.default_rng(0)
    unit = output_units.FullGaussian(IN, 3)
    assert_array_equal(unit.initial_values(rng)[unit.parameters[-1]].reshape(3, 3), np.eye(3))
    unit = output_units.MixtureDensity(IN, 4)
    means = unit.initial_values(rng)[unit.maps[1].biases]
    assert np.min(np.diff(np.sort(means))) > 0


# --- What a unit computes ----------------------------------------------------------------------


@each_unit
@given(rng=rngs, m=sizes, dtype=st.sampled_from(DTYPES), known=st.booleans())
@fewer
def test_a_unit_gives_a_distribution_for_each_row_of_features(name, rng, m, dtype, known):
    unit, features, targets = examples(name, rng, m, dtype)
    H, y, p, J = cost_of(unit, targets, dtype, m if known else None)
    assert isinstance(p, Distribution)
    assert p.target_shape == UNITS[name][3]
    assert J.dtype == p.mean.dtype == dtype
    values = {**unit.initial_values(rng), H: features}
    costs = dl.evaluate(p.negative_log_likelihood(y), {**values, y: targets})
    assert (costs.shape, costs.dtype) == ((m,), dtype)
    gradients = dl.backprop(unit.parameters, J)
    for V in unit.parameters:
        assert gradients[V].dtype == dtype
    samples = p.sample(rng, values, 2)
    assert samples.shape == (2, m, *UNITS[name][3])
    # Each row stands for itself.
    one = {**values, H: features[:1]}
    if not known:
        assert_allclose(
            dl.evaluate(p.negative_log_likelihood(y), {**one, y: targets[:1]}),
            costs[:1],
            rtol=1e-3 if dtype is np.float32 else 1e-9,
            atol=1e-4 if dtype is np.float32 else 1e-12,
        )


@given(rng=rngs)
@fewer
def test_the_maps_are_affine_and_all_that_a_unit_adds(rng):
    h = rng.normal(size=(4, IN))
    H = dl.variable("H", (None, IN))

    def omega(unit):
        values = {V: np.asarray(rng.normal(size=V.shape)) for V in unit.parameters}
        p = unit(H)
        outputs = dl.compile(list(p.omega.values()), [*values, H])(*values.values(), h)
        return dict(zip(p.omega, outputs, strict=True)), list(values.values())

    found, (W, b) = omega(output_units.Bernoulli(IN))
    assert_allclose(found["z"], h @ W + b, rtol=1e-12)
    found, (W, b) = omega(output_units.Multinoulli(IN, 4, restricted=True))
    assert_allclose(found["z"], np.column_stack([h @ W + b, np.zeros(4)]), rtol=1e-12)
    found, (W, b, V, c) = omega(output_units.Gaussian(IN, 2, "sigma", floor=0.25))
    assert_allclose(found["mean"], h @ W + b, rtol=1e-12)
    assert_allclose(found["sigma"], np.logaddexp(0, h @ V + c) + 0.25, rtol=1e-12)
    found, (W, b, a) = omega(output_units.Gaussian(IN, 2, "precision", constant=True))
    assert_allclose(found["precision"], np.logaddexp(0, a), rtol=1e-12)
    found, (W, b, V, c) = omega(output_units.FullGaussian(IN, 2, floor=0.01))
    B = (h @ V + c).reshape(4, 2, 2)
    share = 0.01 * (1 + (B**2).sum((1, 2))[:, None, None] / 2)
    assert_allclose(found["covariance"], B @ B.mT + share * np.eye(2), rtol=1e-12, atol=1e-12)
    found, (U, a, W, b, V, c) = omega(output_units.MixtureDensity(IN, 5, 2, "variance"))
    assert_allclose(found["z"], h @ U + a, rtol=1e-12)
    assert_allclose(found["means"], (h @ W + b).reshape(4, 5, 2), rtol=1e-12)
    raw = (h @ V + c).reshape(4, 5, 2)
    assert_allclose(found["variance"], np.logaddexp(0, raw) + 1e-3, rtol=1e-12)


def test_features_of_float32_fit_a_unit_of_float64_and_the_other_way_round():
    rng = np.random.default_rng(0)
    for one, other in (DTYPES, DTYPES[::-1]):
        unit = output_units.Gaussian(IN, 2, "sigma", dtype=one)
        H, y = dl.variable("H", (None, IN), other), dl.variable("y", (None, 2), other)
        J = dl.costs.maximum_likelihood(unit(H), y)
        data = {H: rng.normal(size=(5, IN)).astype(other), y: np.ones((5, 2), other)}
        trained = dl.train(J, unit.initial_values(rng), data, dl.GradientDescent(0.01), 3)
        assert all(value.dtype == one for value in trained.parameters.values())


# --- Learning ----------------------------------------------------------------------------------


@each_unit
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_network_and_a_unit_learn_together(name, dtype):
    rng = np.random.default_rng(3)
    network = dl.Network(dl.Layer(2, IN, dl.tanh, dtype=dtype))
    unit, _, targets = examples(name, rng, 20, dtype)
    X, Y = dl.variable("X", (None, 2), dtype), dl.variable("y", (None, *targets.shape[1:]),
                                                           targets.dtype)  # fmt: skip
    J = dl.costs.maximum_likelihood(unit(network(X)), Y)
    start = network.initial_values(rng) | unit.initial_values(rng)
    if name == "a clipped unit":  # elsewhere it may not learn, or not even have a finite cost
        start[unit.maps[0].weights] = start[unit.maps[0].weights] / 10
        start[unit.maps[0].biases] = np.asarray(0.5, dtype)
    data = {X: rng.normal(size=(20, 2)).astype(dtype), Y: targets}
    trained = dl.train(J, start, data, dl.GradientDescent(0.02), 30)
    assert trained.costs[-1] < trained.costs[0]
    assert list(trained.parameters) == network.parameters + unit.parameters
    assert all(value.dtype == dtype for value in trained.parameters.values())
    moved = [not np.array_equal(trained.parameters[V], start[V]) for V in start]
    assert all(moved)


@pytest.mark.parametrize("spread", ["sigma", "variance", "precision"])
@pytest.mark.parametrize("out_size", [None, 2])
@given(rng=rngs)
@fewer
def test_a_constant_variance_that_is_learned_is_the_mean_squared_residual(spread, out_size, rng):
    """Section 6.2.2.4: its maximum likelihood estimate."""
    unit = output_units.Gaussian(IN, out_size, spread, constant=True)
    target = () if out_size is None else (out_size,)
    h = rng.normal(size=(30, IN))
    y = rng.normal(0, rng.uniform(0.3, 3), (30, *target)) + (h[:, :1] if target else h[:, 0])
    H, Y, p, J = cost_of(unit, y)
    found = dl.minimize(J, unit.initial_values(rng), {H: h, Y: y}).parameters
    design = np.column_stack([h, np.ones(30)])
    residuals = y - design @ np.linalg.lstsq(design, y)[0]
    variance = dl.evaluate(p.variance, {unit.parameters[-1]: found[unit.parameters[-1]]})
    assert_allclose(variance, np.mean(residuals**2), rtol=1e-5)
    W = found[unit.parameters[0]]
    assert_allclose(W, np.linalg.lstsq(design, y)[0][:-1], atol=1e-4)


def test_a_restricted_softmax_learns_the_same_distribution():
    """Section 6.2.2.3: n or n - 1 logits describe the same distributions."""
    rng = np.random.default_rng(0)
    h, y = rng.normal(size=(60, 1)), rng.integers(0, 3, 60)
    minima = []
    for restricted in (False, True):
        unit = output_units.Multinoulli(1, 3, restricted)
        H, Y = dl.variable("H", (None, 1)), dl.variable("y", (None,), np.int64)
        p = unit(H)
        J = dl.costs.maximum_likelihood(p, Y)
        found = dl.minimize(J, unit.initial_values(rng), {H: h, Y: y})
        minima.append(dl.evaluate(p.probabilities, {**found.parameters, H: h}))
    assert_allclose(*minima, atol=1e-5)


# --- What is wrong is reported -----------------------------------------------------------------

H3 = dl.variable("H", (None, 3))


@pytest.mark.parametrize("wrong", [0, -1, 2.0, 1.5, "3", True, None, (3,)])
def test_sizes_must_be_positive_whole_numbers(wrong):
    for what, make in {
        "in_size": lambda: output_units.Bernoulli(wrong),
        "classes": lambda: output_units.Multinoulli(3, wrong),
        "components": lambda: output_units.MixtureDensity(3, wrong),
        "out_size": lambda: output_units.FullGaussian(3, wrong),
    }.items():
        with pytest.raises(ValueError) as caught:
            make()
        message = f"output unit: {what} must be a positive whole number, got {wrong!r}"
        assert str(caught.value) == message
    if wrong is not None:
        for kind in (output_units.Bernoulli, output_units.Clipped, output_units.Gaussian):
            with pytest.raises(ValueError, match="output unit: out_size must be a positive whole"):
                kind(3, wrong)
        with pytest.raises(ValueError, match="output unit: out_size must be a positive whole"):
            output_units.MixtureDensity(3, 2, wrong)


def test_sizes_can_be_whole_numbers_of_numpy():
    unit = output_units.MixtureDensity(np.int64(3), np.int32(2), np.uint8(2))
    assert unit(H3).omega["means"].shape == (None, 2, 2)
    assert output_units.Multinoulli(np.int64(3), np.int64(4))(H3).omega["z"].shape == (None, 4)


def test_one_class_is_none():
    with pytest.raises(ValueError, match="multinoulli: needs at least 2 classes, got 1"):
        output_units.Multinoulli(3, 1)


@pytest.mark.parametrize("spread", ["std", "", 1])
def test_an_unknown_spread_is_reported_when_the_unit_is_made(spread):
    message = f"the spread must be 'sigma', 'variance' or 'precision', got {spread!r}$"
    with pytest.raises(ValueError, match=f"^Gaussian: {message}"):
        output_units.Gaussian(3, spread=spread)
    with pytest.raises(ValueError, match=f"^mixture: {message}"):
        output_units.MixtureDensity(3, 2, spread=spread)


def test_a_constant_variance_needs_a_spread():
    with pytest.raises(ValueError, match="Gaussian: a constant variance that is learned needs a s"):
        output_units.Gaussian(3, constant=True)


@pytest.mark.parametrize("floor", [0, -1, float("nan"), "1"])
def test_a_floor_that_is_not_positive_is_reported_when_the_unit_is_made(floor):
    for name, make in {
        "Gaussian": lambda: output_units.Gaussian(3, None, "sigma", floor=floor),
        "full Gaussian": lambda: output_units.FullGaussian(3, 2, floor),
        "mixture": lambda: output_units.MixtureDensity(3, 2, floor=floor),
    }.items():
        with pytest.raises(ValueError, match=rf"^{name}: the floor must be positive, .* {floor!r}"):
            make()


@each_unit
def test_features_of_another_width_are_reported(name):
    unit = make(name)
    for shape in [(None, 2), (None,), (3,), (), (None, 3, 1)]:
        with pytest.raises(ValueError) as caught:
            unit(dl.variable("H", shape))
        text = str(shape)
        assert str(caught.value) == f"output unit: takes features of shape (m, 3), got {text}"
    for wrong in (np.ones((2, 3)), [[1.0, 2.0, 3.0]], None):
        with pytest.raises(ValueError, match=r"features of shape \(m, 3\), got " +
                           type(wrong).__name__):  # fmt: skip
            unit(wrong)
    with pytest.raises(TypeError, match=r"matmul: needs floats, but 'H' .* is int64"):
        unit(dl.variable("H", (None, 3), np.int64))


@each_unit
def test_targets_with_a_wrong_shape_are_reported(name):
    unit = make(name)
    p, shape = unit(H3), UNITS[name][3]
    dtype = np.int64 if p.discrete else np.float64
    for wrong in [(None, *shape, 1), (None, 7), ()]:
        with pytest.raises(ValueError, match=rf"^{p.name}: the targets 'y' must have the shape"):
            dl.costs.maximum_likelihood(p, dl.variable("y", wrong, dtype))


@each_unit
def test_no_examples_and_nan_are_reported(name):
    rng = np.random.default_rng(0)
    unit, features, targets = examples(name, rng)
    H, y, p, J = cost_of(unit, targets)
    start = unit.initial_values(rng)
    for h, t, message in [
        (features[:0], targets[:0], r"is empty \(shape \(0, "),
        (np.where(features > 1, np.nan, features), targets, "'H' of shape .* contains NaN in"),
        (features[:5], targets, "the inputs disagree on the number of examples"),
    ]:
        with pytest.raises(ValueError, match=message):
            dl.train(J, start, {H: h, y: t}, dl.GradientDescent(0.1), 1)
    if not p.discrete and targets.dtype.kind == "f":
        wrong = targets.copy()
        wrong.flat[0] = np.nan
        with pytest.raises(ValueError, match=r"'y' of shape .* contains NaN in 1 of"):
            dl.train(J, start, {H: features, y: wrong}, dl.GradientDescent(0.1), 1)


def test_a_unit_without_a_distribution_says_so():
    class Unfinished(OutputUnit):
        pass

    with pytest.raises(NotImplementedError, match="Unfinished: it gives no distribution"):
        Unfinished()(H3)
    assert Unfinished().initial_values(np.random.default_rng(0)) == {}


def test_a_unit_of_ones_own_needs_only_a_map_and_a_distribution():
    class Count(OutputUnit):
        def __init__(self, in_size):
            super().__init__(output_units.Affine(in_size))

        def __call__(self, H):
            return ds.Gaussian(dl.exp(self.maps[0](H)))

    unit = Count(IN)
    y = dl.variable("y", (None,))
    J = dl.costs.maximum_likelihood(unit(H3), y)
    rng = np.random.default_rng(0)
    data = {H3: rng.normal(size=(9, 3)), y: rng.uniform(1, 2, 9)}
    trained = dl.train(J, unit.initial_values(rng), data, dl.Adam(0.05), 50)
    assert trained.costs[-1] < trained.costs[0]
