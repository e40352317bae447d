"""Section 6.2.1: costs, from maximum likelihood and without it, and what minimises them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import few, fewer, rngs, sizes

import dlbook as dl
from dlbook import costs, distributions

HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)
ERRORS = {
    "squared error": (costs.squared_error, lambda e: np.square(e)),
    "absolute error": (costs.absolute_error, lambda e: np.abs(e)),
}
each_error = pytest.mark.parametrize("name", ERRORS)
some_targets = st.sampled_from([(), (1,), (3,), (2, 3)])


# --- Squared and absolute error ----------------------------------------------------------------


@each_error
@given(rng=rngs, m=sizes, target=some_targets, known=st.booleans())
@few
def test_an_error_is_added_up_over_entries_and_averaged_over_examples(name, rng, m, target, known):
    """Equations 6.14 and 6.16."""
    cost, of = ERRORS[name]
    y_hat, y = (dl.variable(s, (m if known else None, *target)) for s in ("y_hat", "y"))
    values = {V: rng.normal(size=(m, *target)) for V in (y_hat, y)}
    J = cost(y_hat, y)
    assert J.shape == ()
    expected = of(values[y] - values[y_hat]).reshape(m, -1).sum(axis=1).mean()
    for simplify in (True, False):
        assert_allclose(dl.evaluate(J, values, simplify), expected, rtol=1e-13)
    slopes = dl.evaluate(dl.backprop([y_hat], J)[y_hat], values)
    e = values[y_hat] - values[y]
    assert_allclose(slopes, (2 * e if name == "squared error" else np.sign(e)) / m, rtol=1e-12)


@each_error
def test_an_error_of_0_is_0_and_has_no_gradient(name):
    y_hat, y = dl.variable("y_hat", (None,)), dl.variable("y", (None,))
    J = ERRORS[name][0](y_hat, y)
    values = {y_hat: np.ones(3), y: np.ones(3)}
    assert dl.evaluate(J, values) == 0
    assert_array_equal(dl.evaluate(dl.backprop([y_hat], J)[y_hat], values), np.zeros(3))


@each_error
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float32"])
def test_targets_of_any_dtype_can_be_compared_with_predictions(name, dtype):
    cost, of = ERRORS[name]
    y_hat, y = dl.variable("y_hat", (None,)), dl.variable("y", (None,), dtype)
    labels = np.array([0, 1, 1])
    guesses = np.array([0.5, 3.0, -1.0])
    found = dl.evaluate(cost(y_hat, y), {y_hat: guesses, y: labels.astype(dtype)})
    assert_allclose(found, of(labels - guesses).mean(), rtol=1e-13)


@each_error
def test_float32_stays_float32(name):
    y_hat, y = dl.variable("y_hat", (None, 2), np.float32), dl.variable("y", (None, 2), np.float32)
    J = ERRORS[name][0](y_hat, y)
    assert J.dtype == dl.backprop([y_hat], J)[y_hat].dtype == np.float32


@each_error
def test_an_error_takes_arrays_of_a_known_number_of_examples(name):
    cost, of = ERRORS[name]
    y_hat = dl.variable("y_hat", (3,))
    y = np.array([1.0, 2.0, 4.0])
    guesses = np.array([2.0, 2.0, 0.0])
    assert_allclose(dl.evaluate(cost(y_hat, y), {y_hat: guesses}), of(y - guesses).mean())
    assert_allclose(dl.evaluate(cost(y, y_hat), {y_hat: guesses}), of(y - guesses).mean())


@each_error
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((None,), (None, 1)),
        ((None, 1), (None,)),
        ((None, 2), (None, 3)),
        ((None, 2), (2,)),
        ((3,), (None,)),
        ((), ()),
        ((None,), ()),
    ],
)
def test_shapes_that_would_repeat_each_other_are_reported(name, one, other):
    y_hat, y = dl.variable("y_hat", one), dl.variable("y", other)
    with pytest.raises(ValueError) as caught:
        ERRORS[name][0](y_hat, y)
    one, other = (str(shape).replace("'", "") for shape in (one, other))
    message = f"{name}: 'y_hat' {one} and 'y' {other} must have one shape, examples first"
    assert str(caught.value) == message


@each_error
def test_what_is_no_prediction_is_reported(name):
    cost = ERRORS[name][0]
    y = dl.variable("y", (3,))
    for wrong in ([1.0, 2.0, 3.0], None, "y"):
        with pytest.raises(TypeError, match=f"{name}: an input must be a variable, a NumPy array"):
            cost(wrong, y)
    with pytest.raises(ValueError, match=r"constant: .* contains NaN in 1 of 3 entries"):
        cost(y, np.array([1.0, np.nan, 2.0]))
    n = dl.variable("n", (None,), np.int64)
    with pytest.raises(TypeError, match=r"mean: needs floats, but .* is int64"):
        cost(n, n)
    V = dl.variable("V", (None,))
    with pytest.raises(ValueError, match=r"'V' is empty \(shape \(0,\)\)"):
        dl.evaluate(cost(V, V * 2), {V: np.ones(0)})


# --- Maximum likelihood ------------------------------------------------------------------------


@given(rng=rngs, m=sizes, d=st.sampled_from([None, 1, 3]))
@few
def test_the_likelihood_of_a_gaussian_is_half_the_squared_error_and_a_constant(rng, m, d):
    """Equation 6.13."""
    target = () if d is None else (d,)
    y_hat, y = dl.variable("y_hat", (None, *target)), dl.variable("y", (None, *target))
    values = {V: rng.normal(0, 3, (m, *target)) for V in (y_hat, y)}
    J = costs.maximum_likelihood(distributions.Gaussian(y_hat), y)
    error = costs.squared_error(y_hat, y)
    found, half = dl.evaluate(J, values), dl.evaluate(error, values) / 2
    assert_allclose(found - half, (d or 1) * HALF_LOG_TWO_PI, rtol=1e-10)
    slopes = [dl.evaluate(dl.backprop([y_hat], V)[y_hat], values) for V in (J, error)]
    assert_allclose(slopes[0], slopes[1] / 2, rtol=1e-12, atol=1e-15)


@given(rng=rngs, m=sizes)
@fewer
def test_maximum_likelihood_is_the_mean_over_the_examples(rng, m):
    """Equation 6.12."""
    z, y = dl.variable("z", (None, 4)), dl.variable("y", (None,), np.int64)
    p = distributions.Multinoulli(z)
    values = {z: rng.normal(size=(m, 4)), y: rng.integers(0, 4, m)}
    J = costs.maximum_likelihood(p, y)
    assert (J.name, J.shape) == ("J_MLE", ())
    each = dl.evaluate(p.negative_log_likelihood(y), values)
    assert_allclose(dl.evaluate(J, values), each.mean(), rtol=1e-13)


def test_maximum_likelihood_finds_the_observed_fractions():
    """Equation 6.31, and the same for one binary target."""
    labels = np.repeat([0, 1, 2], [5, 2, 1])
    z, x = dl.variable("z", (3,)), dl.variable("x", (None, 1))
    y = dl.variable("y", (None,), np.int64)
    logits = x @ z.reshape(1, 3)
    J = costs.maximum_likelihood(distributions.Multinoulli(logits), y)
    found = dl.minimize(J, {z: np.zeros(3)}, {x: np.ones((8, 1)), y: labels}).parameters[z]
    assert_allclose(np.exp(found) / np.exp(found).sum(), [5 / 8, 2 / 8, 1 / 8], atol=1e-7)
    w = dl.variable("w", (1,))
    J = costs.maximum_likelihood(distributions.Bernoulli(x @ w), y)
    data = {x: np.ones((8, 1)), y: (labels == 0).astype(int)}
    found = dl.minimize(J, {w: np.zeros(1)}, data).parameters[w]
    assert_allclose(1 / (1 + np.exp(-found)), [5 / 8], atol=1e-7)


def test_maximum_likelihood_needs_a_distribution():
    y = dl.variable("y", (None,))
    for wrong in (y, None, np.ones(3), distributions.Gaussian):
        with pytest.raises(
            TypeError,
            match="^maximum likelihood: needs the distribution that an output unit gives, got "
            + type(wrong).__name__,
        ):
            costs.maximum_likelihood(wrong, y)
    p = distributions.Gaussian(dl.variable("y_hat", (None,)))
    with pytest.raises(ValueError, match=r"Gaussian: the targets 'y' must .* take y\[:, 0\]"):
        costs.maximum_likelihood(p, dl.variable("y", (None, 1)))


# --- Costs over a known distribution -----------------------------------------------------------


def known_distribution(rng, n=3, k=7):
    y = np.sort(rng.normal(0, 2, k))
    p = rng.dirichlet(np.ones(n * k)).reshape(n, k)
    return y, p


@given(rng=rngs, of=st.sampled_from([dl.square, dl.abs]), dtype=st.sampled_from(["f4", "f8"]))
@fewer
def test_an_expected_cost_is_the_sum_over_all_that_can_happen(rng, of, dtype):
    y, p = known_distribution(rng)
    f = dl.variable("f", (3,), dtype)
    guess = rng.normal(size=3).astype(dtype)
    J = costs.expected_cost(of, f, y, p)
    numpy = np.square if of is dl.square else np.abs
    expected = (p * numpy(y[None] - guess[:, None])).sum()
    assert J.dtype == f.dtype
    assert_allclose(dl.evaluate(J, {f: guess}), expected, rtol=1e-12 if dtype == "f8" else 1e-5)


@given(rng=rngs)
@fewer
def test_the_conditional_mean_minimises_the_expected_squared_error(rng):
    """Equations 6.14 and 6.15."""
    y, p = known_distribution(rng)
    f = dl.variable("f", (3,))
    J = costs.expected_cost(dl.square, f, y, p)
    found = dl.minimize(J, {f: rng.normal(size=3)}, {}).parameters[f]
    assert_allclose(found, p @ y / p.sum(axis=1), atol=1e-5)


@given(rng=rngs)
@fewer
def test_the_conditional_median_minimises_the_expected_absolute_error(rng):
    """Equation 6.16."""
    y, p = known_distribution(rng)
    below = np.cumsum(p, axis=1) / p.sum(axis=1, keepdims=True)
    medians = y[(below < 0.5).sum(axis=1)]
    f = dl.variable("f", (3,))
    J = costs.expected_cost(dl.abs, f, y, p)
    program = dl.compile([J, dl.backprop([f], J)[f]], [f])
    least, _ = program(medians)
    for x in range(3):
        for value in [*np.linspace(-6, 6, 41), *y]:
            guess = medians.copy()
            guess[x] = value
            assert program(guess)[0] >= least - 1e-12
    # On either side the slope points away.
    assert (program(medians - 1e-9)[1] <= 1e-12).all()
    assert (program(medians + 1e-9)[1] >= -1e-12).all()


def test_an_expected_cost_says_what_is_wrong():
    f, y, p = dl.variable("f", (2,)), np.arange(3.0), np.full((2, 3), 1 / 6)
    for wrong_f, wrong_y, wrong_p in [
        (f, y, p.T),
        (f, y[:2], p),
        (f, y[:, None], p),
        (dl.variable("f", (2, 1)), y, p),
        (dl.variable("f", (None,)), y, p),
        (f, y, p.reshape(-1)),
    ]:
        with pytest.raises(ValueError, match=r"^expected cost: needs f \(n,\), y \(k,\) and p \(n"):
            costs.expected_cost(dl.square, wrong_f, wrong_y, wrong_p)
    negative = p.copy()
    negative[0, :2] += [-0.5, 0.5]
    for wrong in (negative, 2 * p, 0 * p, np.full((2, 3), np.nan), np.full((2, 3), np.inf)):
        with pytest.raises(
            ValueError, match=r"^expected cost: the probabilities must not be negat"
        ):
            costs.expected_cost(dl.square, f, y, wrong)
    with pytest.raises(ValueError, match=r"constant: y of shape \(1, 3\) contains NaN"):
        costs.expected_cost(dl.square, f, np.array([1.0, np.nan, 2.0]), p)


# --- Weight decay ------------------------------------------------------------------------------


@given(rng=rngs, shapes=st.lists(st.sampled_from([(), (3,), (2, 3)]), min_size=1, max_size=3))
@fewer
def test_weight_decay_is_the_sum_of_squares_and_its_gradient_is_2_w(rng, shapes):
    """Equation 6.56."""
    weights = [dl.variable(f"W{i}", shape) for i, shape in enumerate(shapes)]
    values = {W: np.asarray(rng.normal(size=W.shape)) for W in weights}
    omega = costs.weight_decay(weights)
    assert_allclose(dl.evaluate(omega, values), sum((v**2).sum() for v in values.values()))
    gradients = dl.backprop(weights, omega)
    for W in weights:
        assert_allclose(dl.evaluate(gradients[W], values), 2 * values[W], rtol=1e-13)
    again = costs.weight_decay(W for W in weights)  # any iterable
    assert dl.evaluate(again, values) == dl.evaluate(omega, values)


def test_weight_decay_gives_separable_data_a_minimum():
    w, X, y = dl.variable("w", (1,)), dl.variable("X", (None, 1)), dl.variable("y", (None,))
    J = costs.maximum_likelihood(distributions.Bernoulli(X @ w), y)
    data = {X: np.array([[-1.0], [2.0]]), y: np.array([0.0, 1.0])}
    found = dl.minimize(J + 0.1 * costs.weight_decay([w]), {w: np.zeros(1)}, data).parameters[w]
    slope = dl.evaluate(dl.backprop([w], J)[w], {w: found, **data})
    assert_allclose(slope, -0.2 * found, atol=1e-8)
    assert 0 < found[0] < 3


def test_weight_decay_needs_a_list_of_weights():
    W = dl.variable("W", (3,))
    for wrong in ([], (), iter([])):
        with pytest.raises(ValueError, match=r"^weight decay: there must be at least one weight$"):
            costs.weight_decay(wrong)
    with pytest.raises(TypeError, match=r"^weight decay: takes a list of variables, got 'W' alone"):
        costs.weight_decay(W)


# --- minimize ----------------------------------------------------------------------------------


@given(rng=rngs, n=sizes, m=st.integers(5, 8))
@fewer
def test_the_minimum_of_least_squares_is_the_closed_form(rng, n, m):
    """Equation 6.17: maximum likelihood of a linear Gaussian unit."""
    X, y = dl.variable("X", (None, n)), dl.variable("y", (None,))
    w, b = dl.variable("w", (n,)), dl.variable("b", ())
    data = {X: rng.normal(size=(m, n)), y: rng.normal(size=m)}
    J = costs.maximum_likelihood(distributions.Gaussian(X @ w + b), y)
    start = {w: rng.normal(size=n), b: 0.0}
    kept = start[w].copy()
    found = dl.minimize(J, start, data)
    design = np.column_stack([data[X], np.ones(m)])
    *weights, bias = np.linalg.lstsq(design, data[y])[0]
    residuals = design @ [*found.parameters[w], found.parameters[b]] - data[y]
    assert_allclose(design.T @ residuals / m, 0, atol=1e-6)
    if np.linalg.cond(design) < 30 and m > n + 1:
        assert_allclose(found.parameters[w], weights, atol=1e-4)
        assert_allclose(found.parameters[b], bias, atol=1e-4)
    assert found.costs[0] == dl.evaluate(J, {**start, **data})
    assert (np.diff(found.costs) <= 0).all()
    assert_allclose(found.costs[-1], dl.evaluate(J, {**found.parameters, **data}), rtol=1e-12)
    assert_array_equal(start[w], kept)
    assert list(found.parameters) == [w, b]
    assert found.parameters[w].shape == (n,) and np.shape(found.parameters[b]) == ()


def test_minimize_at_the_minimum_stays_there():
    w = dl.variable("w", (2,))
    found = dl.minimize(dl.sum(w * w), {w: np.zeros(2)}, {})
    assert_array_equal(found.parameters[w], np.zeros(2))
    assert found.costs[0] == 0


def test_a_search_among_numbers_that_overflow_finds_the_minimum_or_says_so():
    w = dl.variable("w", ())
    found = dl.minimize(dl.exp(w) + dl.exp(-w), {w: 20.0}, {})
    assert_allclose(found.parameters[w], 0, atol=1e-6)
    for start in (-5000.0, 700.0):  # a warning would be an error, as in all tests
        with pytest.raises(RuntimeError, match="minimize: the search left the finite numbers aft"):
            dl.minimize(dl.exp(w) + dl.exp(-w), {w: start}, {})


def test_minimize_says_what_is_wrong():
    w, x, v = dl.variable("w", ()), dl.variable("x", ()), dl.variable("v", (), np.float32)
    with pytest.raises(
        RuntimeError, match=r"minimize: stopped at J = .* with a gradient of 1, and"
    ):
        dl.minimize(-w, {w: 0.0}, {}, steps=20)
    with pytest.raises(ValueError, match="minimize: there must be at least one parameter"):
        dl.minimize(w * w, {}, {w: 1.0})
    with pytest.raises(TypeError, match="minimize: needs float64 parameters, but 'v' is float32"):
        dl.minimize(v * v, {v: 1.0}, {})
    for steps in (0, -1, 1.5, "3"):
        with pytest.raises(ValueError, match=rf"number of steps must be .*, got {steps!r}"):
            dl.minimize(w * w, {w: 1.0}, {}, steps=steps)
    for tolerance in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"tolerance must be positive, got {tolerance}"):
            dl.minimize(w * w, {w: 1.0}, {}, tolerance)
    with pytest.raises(ValueError, match=r"minimize: 'w' of shape .* contains NaN"):
        dl.minimize(w * w, {w: float("nan")}, {})
    with pytest.raises(ValueError, match=r"minimize: 'x' of shape .* contains NaN"):
        dl.minimize((w - x) ** 2, {w: 1.0}, {x: float("nan")})
    with pytest.raises(ValueError, match=r"^minimize: no value is given for x"):
        dl.minimize((w - x) ** 2, {w: 1.0}, {})
    with pytest.raises(ValueError, match=r"^minimize: .*'square' has the shape \(2,\)"):
        W = dl.variable("W", (2,))
        dl.minimize(W**2, {W: np.ones(2)}, {})
