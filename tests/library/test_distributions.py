"""Sections 6.2.1 and 6.2.2: every distribution is the one that it says it is.

Held against ``torch.distributions`` with its gradients, against integrals and sums that must be 1,
and, where ``z`` is extreme, against Python's decimal numbers with 60 digits.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from optional import torch
from scipy.special import expit, logsumexp, softmax
from strategies import few, fewer, rngs, sizes

import dlbook as dl
from dlbook import distributions as ds
from dlbook.distributions import Distribution

pytestmark = pytest.mark.slow

td = torch.distributions
softplus = torch.nn.functional.softplus

SPREADS = ["sigma", "variance", "precision"]
PROGRAMS = [{}, {"simplify": False}, {"backend": "torch"}]
DTYPES = [np.float32, np.float64]
HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)


# --- Examples: one distribution with values, and the same one of PyTorch -----------------------


@dataclass(frozen=True)
class Case:
    """A distribution whose parameters are inputs, values for them, and targets.

    ``theirs`` makes PyTorch's distribution from tensors of the same values.
    """

    p: Distribution
    values: dict[dl.Variable, np.ndarray]
    y: np.ndarray
    theirs: Callable

    def target(self):
        rows = next(iter(self.values)).shape[0]
        return dl.variable("y", (rows, *self.y.shape[1:]), self.y.dtype)


CASES = {}


def case(function):
    """Register a function that draws an example: of the parameters' shapes and their values."""
    CASES[function.__name__.replace("_", " ")] = function
    return function


class Inputs:
    """Draws the number of examples, and makes one input after the other."""

    def __init__(self, draw, dtype):
        self.draw, self.dtype = draw, dtype
        self.rng, self.m = draw(rngs), draw(sizes)
        self.rows = draw(st.sampled_from([None, self.m]))  # known, or any number
        self.values = {}

    def __call__(self, name, *shape, value=None):
        """Make an input with one such array for each example."""
        value = self.rng.normal(0, 2, (self.m, *shape)) if value is None else value
        V = dl.variable(name, (self.rows, *shape), self.dtype)
        self.values[V] = value.astype(self.dtype)
        return V

    def shared(self, name, *shape):
        """Make an input that all examples have in common."""
        V = dl.variable(name, shape, self.dtype)
        self.values[V] = np.asarray(self.rng.normal(size=shape)).astype(self.dtype)
        return V

    def normal(self, *shape):
        return self.rng.normal(0, 2, (self.m, *shape)).astype(self.dtype)


targets = st.sampled_from([(), (1,), (2,), (3,)])


def independent(distribution, target):
    return td.Independent(distribution, len(target))


@case
def bernoulli(draw, dtype):
    target, inputs = draw(targets), Inputs(draw, dtype)
    z = inputs("z", *target)
    labels = draw(st.sampled_from([dtype, "int64", "uint8", "bool"]))
    y = inputs.rng.integers(0, 2, (inputs.m, *target)).astype(labels)
    theirs = lambda z: independent(td.Bernoulli(logits=z), target)  # noqa: E731
    return Case(ds.Bernoulli(z), inputs.values, y, theirs)


@case
def clipped(draw, dtype):
    target, inputs = draw(targets), Inputs(draw, dtype)
    z = inputs("z", *target, value=inputs.rng.uniform(0.01, 0.99, (inputs.m, *target)))
    y = inputs.rng.integers(0, 2, (inputs.m, *target))
    theirs = lambda z: independent(td.Bernoulli(probs=z), target)  # noqa: E731
    return Case(ds.Clipped(z), inputs.values, y, theirs)


@case
def multinoulli(draw, dtype):
    n, inputs = draw(st.integers(1, 6)), Inputs(draw, dtype)
    y = inputs.rng.integers(0, n, inputs.m)
    y = y.astype(draw(st.sampled_from(["int64", "int32", "uint8"])))
    return Case(
        ds.Multinoulli(inputs("z", n)), inputs.values, y, lambda z: td.Categorical(logits=z)
    )


def spread_of(raw, kind, floor):
    """The standard deviation, for PyTorch."""
    if kind == "sigma":
        return softplus(raw) + floor
    return torch.sqrt(softplus(raw) + floor) if kind == "variance" else softplus(raw) ** -0.5


@case
def gaussian(draw, dtype):
    target, inputs = draw(targets), Inputs(draw, dtype)
    mean = inputs("mean", *target)
    theirs = lambda mean: independent(td.Normal(mean, 1.0), target)  # noqa: E731
    return Case(ds.Gaussian(mean), inputs.values, inputs.normal(*target), theirs)


def gaussian_with(spread):
    def draw_gaussian(draw, dtype):
        target, inputs = draw(targets), Inputs(draw, dtype)
        mean, floor = inputs("mean", *target), draw(st.sampled_from([1e-6, 0.1]))
        kind = draw(st.sampled_from(["each entry", "each column", "one"]))
        raw = {
            "each entry": lambda: inputs("raw", *target),
            "each column": lambda: inputs.shared("raw", *target),
            "one": lambda: inputs.shared("raw"),
        }[kind]()
        return Case(
            ds.Gaussian(mean, raw, spread, floor),
            inputs.values,
            inputs.normal(*target),
            lambda mean, raw: independent(td.Normal(mean, spread_of(raw, spread, floor)), target),
        )

    return draw_gaussian


@case
def full_gaussian(draw, dtype):
    d, inputs = draw(st.integers(1, 4)), Inputs(draw, dtype)
    floor = draw(st.sampled_from([1e-6, 0.1]))
    B = 1.5 * np.eye(d) + inputs.rng.normal(0, 0.3, (inputs.m, d, d))
    p = ds.FullGaussian(inputs("mean", d), inputs("B", d, d, value=B), floor)

    def theirs(mean, B):
        share = floor * (1 + (B**2).sum((-2, -1), keepdim=True) / d)
        return td.MultivariateNormal(mean, B @ B.mT + share * torch.eye(d, dtype=B.dtype))

    return Case(p, inputs.values, inputs.normal(d), theirs)


def mixture_with(spread):
    def draw_mixture(draw, dtype):
        n, d, inputs = draw(sizes), draw(st.sampled_from([None, 1, 2, 3])), Inputs(draw, dtype)
        floor = draw(st.sampled_from([1e-3, 0.1]))
        z, means = inputs("z", n), inputs("means", n, d or 1)
        raw = inputs("raw", n, d or 1)
        target = () if d is None else (d,)

        def theirs(z, means, raw):
            sigma = spread_of(raw, spread, floor)
            if d is None:
                normal = td.Normal(means[..., 0], sigma[..., 0])
            else:
                normal = td.Independent(td.Normal(means, sigma), 1)
            return td.MixtureSameFamily(td.Categorical(logits=z), normal)

        p = ds.Mixture(z, means, raw, spread, floor, scalar=d is None)
        return Case(p, inputs.values, inputs.normal(*target), theirs)

    return draw_mixture


for name in SPREADS:
    CASES[f"Gaussian by {name}"] = gaussian_with(name)
    CASES[f"mixture by {name}"] = mixture_with(name)

each_case = pytest.mark.parametrize("name", CASES)


def draw_case(data, name, dtype="float64"):
    return data.draw(st.composite(CASES[name])(dtype))


def run(outputs, values, **how):
    """Run a program on NumPy or PyTorch; return arrays."""
    program = dl.compile(outputs, list(values), **how)
    as_given = torch.from_numpy if how.get("backend") == "torch" else np.asarray
    return [np.asarray(result) for result in program(*map(as_given, values.values()))]


@given(data=st.data())
@fewer
def test_every_distribution_is_among_the_examples(data):
    drawn = {type(draw_case(data, name).p) for name in CASES}
    assert drawn == {kind for kind in vars(ds).values() if kind in Distribution.__subclasses__()}


# --- Log-probabilities and gradients -----------------------------------------------------------


@each_case
@given(data=st.data())
@few
def test_log_probabilities_and_gradients_are_those_of_pytorch(name, data):
    example = draw_case(data, name)
    y, parameters = example.target(), list(example.values)
    values = {**example.values, y: example.y}
    shares = data.draw(rngs).normal(size=len(example.y))  # not all examples count alike
    log_prob = example.p.log_prob(y)
    s = dl.variable("s", log_prob.shape)
    z = dl.sum(example.p.negative_log_likelihood(y) * s)
    gradients = dl.backprop(parameters, z)
    tensors = [torch.from_numpy(v.copy()).requires_grad_() for v in example.values.values()]
    theirs = example.theirs(*tensors).log_prob(torch.from_numpy(example.y).to(torch.float64))
    expected = torch.autograd.grad(-(theirs * torch.from_numpy(shares)).sum(), tensors)
    for how in PROGRAMS:
        found, *found_gradients = run([log_prob, *gradients.values()], {**values, s: shares}, **how)
        assert found.shape == (len(example.y),)
        assert_allclose(found, theirs.detach().numpy(), rtol=1e-10, atol=1e-10)
        for V, ours, other in zip(parameters, found_gradients, expected, strict=True):
            assert ours.shape == example.values[V].shape
            assert_allclose(ours, other.numpy(), rtol=1e-8, atol=1e-8)


@each_case
@given(data=st.data())
@fewer
def test_the_mean_is_that_of_pytorch(name, data):
    example = draw_case(data, name)
    theirs = example.theirs(*map(torch.from_numpy, example.values.values()))
    expected = theirs.probs if name == "multinoulli" else theirs.mean
    (found,) = run([example.p.mean], example.values)
    assert_allclose(found, expected.numpy(), rtol=1e-12, atol=1e-12)
    if name.startswith("Gaussian by"):
        variance = np.broadcast_to(run([example.p.variance], example.values)[0], found.shape)
        assert_allclose(variance, theirs.variance.numpy(), rtol=1e-12)


@each_case
@given(data=st.data())
@fewer
def test_float32_stays_float32(name, data):
    example = draw_case(data, name, "float32")
    y, parameters = example.target(), list(example.values)
    cost = example.p.negative_log_likelihood(y)
    gradients = dl.backprop(parameters, dl.mean(cost)).values()
    assert cost.dtype == example.p.mean.dtype == np.float32
    assert all(V.dtype == np.float32 for V in example.p.omega.values())
    found, *rest = run([cost, *gradients], {**example.values, y: example.y})
    assert all(array.dtype == np.float32 for array in (found, *rest))
    tensors = [torch.from_numpy(v).double() for v in example.values.values()]
    theirs = -example.theirs(*tensors).log_prob(torch.from_numpy(example.y).double()).numpy()
    assert_allclose(found, theirs, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", [name for name in CASES if name != "multinoulli"])
@given(data=st.data())
@fewer
def test_targets_of_float64_fit_parameters_of_float32(name, data):
    example = draw_case(data, name, "float32")
    shape, costs = example.target().shape, []
    for dtype in DTYPES:
        y = dl.variable("y", shape, dtype)
        cost = example.p.negative_log_likelihood(y)
        gradients = dl.backprop(list(example.values), dl.mean(cost)).values()
        found, *slopes = run([cost, *gradients], {**example.values, y: example.y.astype(dtype)})
        assert all(slope.dtype == np.float32 for slope in slopes)
        costs.append(found)
    assert_allclose(*costs, rtol=2e-4, atol=2e-4)


@given(rng=rngs, spread=st.sampled_from(SPREADS))
@fewer
def test_whole_numbers_are_targets_of_a_gaussian(rng, spread):
    mean, raw = dl.variable("mean", (None, 2)), dl.variable("raw", (None, 2))
    n, y = dl.variable("n", (None, 2), np.int64), dl.variable("y", (None, 2))
    p = ds.Gaussian(mean, raw, spread)
    values = {mean: rng.normal(size=(3, 2)), raw: rng.normal(size=(3, 2))}
    whole = rng.integers(-3, 4, (3, 2))
    (found,) = run([p.log_prob(n)], {**values, n: whole})
    (expected,) = run([p.log_prob(y)], {**values, y: whole.astype(float)})
    assert_array_equal(found, expected)


def test_targets_can_be_an_array_where_the_number_of_examples_is_known():
    mean = dl.variable("mean", (3,))
    cost = ds.Gaussian(mean).negative_log_likelihood(np.array([1.0, 2.0, 3.0]))
    expected = np.array([0.5, 2, 4.5]) + HALF_LOG_TWO_PI
    assert_allclose(dl.evaluate(cost, {mean: np.zeros(3)}), expected)


@pytest.mark.parametrize("make", [ds.Bernoulli, ds.Clipped])
@given(rng=rngs)
@fewer
def test_a_probability_as_target_weighs_the_costs_of_0_and_1(make, rng):
    z, y = dl.variable("z", (None,)), dl.variable("y", (None,))
    cost = make(z).negative_log_likelihood(y)
    program = dl.compile([cost, dl.backprop([z], dl.sum(cost))[z]], [z, y])
    logits, shares = rng.uniform(0.05, 0.95, 5), rng.uniform(size=5)
    ones, zeros = program(logits, np.ones(5)), program(logits, np.zeros(5))
    for found, one, zero in zip(program(logits, shares), ones, zeros, strict=True):
        assert_allclose(found, shares * one + (1 - shares) * zero, rtol=1e-12, atol=1e-13)


@given(rng=rngs, n=st.integers(2, 6))
@few
def test_a_softmax_with_one_logit_fixed_at_0_says_the_same(rng, n):
    """Section 6.2.2.3: n - 1 logits are enough."""
    z, free = dl.variable("z", (None, n)), dl.variable("free", (None, n - 1))
    y = dl.variable("y", (None,), np.int64)
    restricted = ds.Multinoulli(dl.concatenate([free, free[:, :1] * 0], 1))
    logits, labels = rng.normal(0, 3, (4, n)), rng.integers(0, n, 4)
    one = ds.Multinoulli(z).negative_log_likelihood(y)
    other = restricted.negative_log_likelihood(y)
    full, slopes = run([one, dl.backprop([z], dl.sum(one))[z]], {z: logits, y: labels})
    less, free_slopes = run(
        [other, dl.backprop([free], dl.sum(other))[free]],
        {free: logits[:, :-1] - logits[:, -1:], y: labels},
    )
    assert_allclose(full, less, rtol=1e-12, atol=1e-13)
    assert_allclose(slopes[:, :-1], free_slopes, rtol=1e-12, atol=1e-13)


# --- Probabilities sum to 1, densities integrate to 1 ------------------------------------------


def probabilities_of(p, values, ys):
    """exp(log p(y)) for each of many targets, all under the one example in ``values``."""
    dtype = np.int64 if p.discrete else np.float64
    y = dl.variable("y", (None, *p.target_shape), dtype)
    many = {V: np.repeat(value, len(ys), axis=0) for V, value in values.items()}
    return run([dl.exp(p.log_prob(y))], {**many, y: np.asarray(ys, dtype)})[0]


@pytest.mark.parametrize("make", [ds.Bernoulli, ds.Clipped])
@pytest.mark.parametrize("d", [None, 1, 3])
@given(rng=rngs)
@fewer
def test_the_probabilities_of_0_and_1_sum_to_1(make, d, rng):
    target = () if d is None else (d,)
    z = dl.variable("z", (None, *target))
    ys = [0, 1] if d is None else list(itertools.product([0, 1], repeat=d))
    found = probabilities_of(make(z), {z: rng.normal(0, 2, (1, *target))}, ys)
    assert_allclose(found.sum(), 1, rtol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 7])
@given(rng=rngs)
@fewer
def test_the_probabilities_of_all_classes_sum_to_1(n, rng):
    z, logits = dl.variable("z", (None, n)), rng.normal(0, 5, (1, n))
    found = probabilities_of(ds.Multinoulli(z), {z: logits}, np.arange(n))
    assert_allclose(found.sum(), 1, rtol=1e-13)
    assert_allclose(found, softmax(logits[0]), rtol=1e-12)
    assert_allclose(run([ds.Multinoulli(z).probabilities], {z: logits})[0][0], found, rtol=1e-12)


def grid(d, end, steps):
    axis = np.linspace(-end, end, steps)
    points = axis if d is None else np.stack(np.meshgrid(*[axis] * d), -1).reshape(-1, d)
    return points, (axis[1] - axis[0]) ** (d or 1)


@pytest.mark.parametrize("spread", [None, *SPREADS])
@pytest.mark.parametrize("d", [None, 1, 2])
@given(rng=rngs)
@fewer
def test_the_density_of_a_gaussian_integrates_to_1(spread, d, rng):
    target = () if d is None else (d,)
    mean, raw = dl.variable("mean", (None, *target)), dl.variable("raw", (None, *target))
    values = {mean: rng.uniform(-1, 1, (1, *target))}
    if spread is not None:
        values[raw] = rng.uniform(0, 1, (1, *target))
    p = ds.Gaussian(*values, *([spread] if spread else []))
    points, volume = grid(d, 15, 121)
    assert_allclose(probabilities_of(p, values, points).sum() * volume, 1, rtol=1e-8)


@given(rng=rngs)
@fewer
def test_the_density_with_a_full_covariance_integrates_to_1(rng):
    mean, B = dl.variable("mean", (None, 2)), dl.variable("B", (None, 2, 2))
    values = {
        mean: rng.uniform(-1, 1, (1, 2)),
        B: np.eye(2) * rng.uniform(0.8, 1.5, 2) + rng.uniform(-0.4, 0.4, (1, 2, 2)),
    }
    points, volume = grid(2, 14, 113)
    found = probabilities_of(ds.FullGaussian(mean, B), values, points)
    assert_allclose(found.sum() * volume, 1, rtol=1e-8)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("d", [None, 1, 2])
@given(rng=rngs, n=st.integers(1, 4))
@fewer
def test_the_density_of_a_mixture_integrates_to_1(spread, d, rng, n):
    """Equation 6.35."""
    z = dl.variable("z", (None, n))
    means, raw = (dl.variable(name, (None, n, d or 1)) for name in ("means", "raw"))
    values = {
        z: rng.normal(0, 3, (1, n)),
        means: rng.uniform(-3, 3, (1, n, d or 1)),
        raw: rng.uniform(0, 1, (1, n, d or 1)),
    }
    points, volume = grid(d, 16, 129)
    p = ds.Mixture(*values, spread, scalar=d is None)
    assert_allclose(probabilities_of(p, values, points).sum() * volume, 1, rtol=1e-8)


# --- Samples -----------------------------------------------------------------------------------


N = 20_000


def assert_moments(samples, mean, covariance):
    """Hold samples (N, m, d) against mean (m, d) and covariance (m, d, d): to 5 of their errors."""
    deviations = samples - mean
    products = deviations[..., :, None] * deviations[..., None, :]
    for draws, expected in ((deviations, 0), (products, covariance)):
        error = draws.std(axis=0) / np.sqrt(len(draws)) + 1e-12
        assert (np.abs(draws.mean(axis=0) - expected) < 5 * error).all()


def assert_apart(samples):
    """Neither the examples nor the entries may share their noise."""
    flat = samples.reshape(len(samples), -1)
    correlations = np.corrcoef(flat.T) - np.eye(flat.shape[1])
    assert np.abs(correlations).max() < 5 / np.sqrt(len(samples))


def sigma_of(raw, spread, floor):
    return spread_of(torch.from_numpy(raw), spread, floor).numpy()


@pytest.mark.parametrize("spread", [None, *SPREADS])
@pytest.mark.parametrize("target", [(), (3,)])
def test_samples_of_a_gaussian_follow_it(spread, target):
    rng = np.random.default_rng(1)
    mean, raw = dl.variable("mean", (None, *target)), dl.variable("raw", (None, *target))
    values = {mean: rng.normal(0, 3, (4, *target))}
    if spread is not None:
        values[raw] = rng.normal(0, 2, (4, *target))
    p = ds.Gaussian(*values, *([spread, 1e-6] if spread else []))
    samples = p.sample(rng, values, N)
    assert samples.shape == (N, 4, *target)
    sigma = sigma_of(values[raw], spread, 1e-6) if spread else np.ones((4, *target))
    standard = ((samples - values[mean]) / sigma).reshape(N, -1)
    for column in standard.T:
        assert scipy.stats.kstest(column, "norm").pvalue > 1e-4
    assert_apart(standard)
    d = standard.shape[1]
    assert_moments(standard[:, None], np.zeros((1, d)), np.eye(d)[None])


def test_samples_with_one_variance_for_all_follow_it():
    mean, raw = dl.variable("mean", (None, 2)), dl.variable("raw", ())
    values = {mean: np.array([[1.0, -1.0], [3.0, 4.0]]), raw: np.array(1.5)}
    samples = ds.Gaussian(mean, raw, "variance").sample(np.random.default_rng(0), values, N)
    variance = np.logaddexp(0, 1.5) + 1e-6
    assert_moments(samples, values[mean], np.broadcast_to(variance * np.eye(2), (2, 2, 2)))


def test_samples_with_a_full_covariance_follow_it():
    rng = np.random.default_rng(2)
    mean, B = dl.variable("mean", (None, 3)), dl.variable("B", (None, 3, 3))
    values = {mean: rng.normal(size=(2, 3)), B: rng.normal(size=(2, 3, 3))}
    samples = ds.FullGaussian(mean, B).sample(rng, values, N)
    b = values[B]
    covariance = b @ b.mT + 1e-6 * (1 + (b**2).sum((1, 2))[:, None, None] / 3) * np.eye(3)
    assert samples.shape == (N, 2, 3)
    assert_moments(samples, values[mean], covariance)
    L = np.linalg.cholesky(covariance)
    white = np.linalg.solve(L, (samples - values[mean])[..., None])[..., 0].reshape(N, -1)
    for column in white.T:
        assert scipy.stats.kstest(column, "norm").pvalue > 1e-4
    assert_apart(white)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("d", [None, 2])
def test_samples_of_a_mixture_follow_it(spread, d):
    rng = np.random.default_rng(3)
    n, m = 3, 2
    z = dl.variable("z", (None, n))
    means, raw = (dl.variable(name, (None, n, d or 1)) for name in ("means", "raw"))
    values = {
        z: rng.normal(size=(m, n)),
        means: rng.normal(0, 3, (m, n, d or 1)),
        raw: rng.normal(size=(m, n, d or 1)),
    }
    p = ds.Mixture(*values, spread, scalar=d is None)
    samples = p.sample(rng, values, N)
    assert samples.shape == (N, m) if d is None else (N, m, d)
    samples = samples.reshape(N, m, -1)
    shares = softmax(values[z], axis=-1)
    mu, sigma = values[means], sigma_of(values[raw], spread, 1e-3)
    for i, j in np.ndindex(m, d or 1):
        below = scipy.stats.norm.cdf(samples[:, i, j, None], mu[i, :, j], sigma[i, :, j])
        assert scipy.stats.kstest(below @ shares[i], "uniform").pvalue > 1e-4
    mean = np.einsum("mn,mnd->md", shares, mu)
    apart = mu - mean[:, None]
    covariance = np.einsum("mn,mnd,mne->mde", shares, apart, apart)
    covariance += np.einsum("mn,mnd->md", shares, sigma**2)[..., None] * np.eye(d or 1)
    assert_moments(samples, mean, covariance)
    found = run([p.mean], values)[0]
    assert found.shape == (m, *p.target_shape)
    assert_allclose(found.reshape(m, -1), mean, rtol=1e-12)
    assert_apart(samples[:, :, 0])


@pytest.mark.parametrize("target", [(), (3,)])
@pytest.mark.parametrize("make", [ds.Bernoulli, ds.Clipped])
def test_samples_of_0_and_1_follow_their_probability(make, target):
    rng = np.random.default_rng(4)
    z = dl.variable("z", (None, *target))
    logits = rng.uniform(0.1, 0.9, (5, *target))
    samples = make(z).sample(rng, {z: logits}, N)
    assert (samples.shape, samples.dtype) == ((N, 5, *target), np.int64)
    p = expit(logits) if make is ds.Bernoulli else logits
    counts = samples.sum(axis=0)
    for count, probability in zip(counts.flat, p.flat, strict=True):
        assert scipy.stats.binomtest(int(count), N, probability).pvalue > 1e-4
    assert_apart(samples)


def test_sampled_classes_follow_the_softmax():
    rng = np.random.default_rng(5)
    z, logits = dl.variable("z", (None, 4)), rng.normal(0, 1.5, (3, 4))
    samples = ds.Multinoulli(z).sample(rng, {z: logits}, N)
    assert samples.shape == (N, 3) and samples.dtype.kind == "i"
    for column, p in zip(samples.T, softmax(logits, axis=-1), strict=True):
        counts = np.bincount(column, minlength=4)
        assert scipy.stats.chisquare(counts, N * p).pvalue > 1e-4
    assert_apart(samples)


def test_samples_where_all_is_certain():
    rng = np.random.default_rng(6)
    z, Z = dl.variable("z", (None,)), dl.variable("z", (None, 3))
    logits = np.array([1e4, -1e4])
    for make in (ds.Bernoulli, ds.Clipped):
        assert_array_equal(make(z).sample(rng, {z: logits}, 50), np.tile([1, 0], (50, 1)))
    sure = np.array([[0, 1e4, 0], [1e4, -1e4, 9e3]])
    assert_array_equal(ds.Multinoulli(Z).sample(rng, {Z: sure}, 50), np.tile([1, 0], (50, 1)))


@each_case
@given(data=st.data(), dtype=st.sampled_from(["float32", "float64"]))
@fewer
def test_samples_are_targets_and_the_same_for_the_same_rng(name, data, dtype):
    example = draw_case(data, name, dtype)
    first, again, *others = (
        example.p.sample(np.random.default_rng(seed), example.values, 40)
        for seed in (1, *range(1, 60))
    )
    assert_array_equal(first, again)
    assert first.shape == (40, len(example.y), *example.p.target_shape)
    if not (name == "multinoulli" and example.p.omega["z"].shape[1] == 1):
        assert any(not np.array_equal(first, other) for other in others)
    y = dl.variable("y", example.target().shape, first.dtype)
    (cost,) = run([example.p.negative_log_likelihood(y)], {**example.values, y: first[0]})
    assert np.isfinite(cost).all()
    if first.dtype.kind == "f":
        assert first.dtype == cost.dtype == dtype


def test_samples_depend_on_the_data_through_the_network():
    X, w = dl.variable("X", (None, 2)), dl.variable("w", (2,))
    data = np.array([[1.0, 0.0], [0.0, 5.0]])
    p = ds.Gaussian(X @ w)
    samples = p.sample(np.random.default_rng(0), {X: data, w: np.array([10.0, -10.0])}, 1000)
    assert_allclose(samples.mean(axis=0), [10, -50], atol=0.2)
    assert ds.Gaussian(X @ w).sample(np.random.default_rng(0), {X: data, w: [1.0, 2.0]}).shape == (
        1, 2,
    )  # fmt: skip


# --- Extreme values ----------------------------------------------------------------------------

EXTREMES = [0.0, 1.0, 50.0, -50.0, -40.0, 40.0, 1e4, -1e4]
RESIDUALS = [0.0, 1.0, -3000.0]
CLOSE = {np.float32: 2e-5, np.float64: 1e-12}


def decimals(f, *arrays):
    """Compute with 60 digits, entry by entry; return one float array for each result."""
    with localcontext(prec=60):
        rows = [f(*map(Decimal, map(float, row))) for row in zip(*arrays, strict=True)]
        return [np.array([float(x) for x in column]) for column in zip(*rows, strict=True)]


def d_softplus(a):
    return (1 + a.exp()).ln() if a > -60 else a.exp()


def d_sigmoid(a):
    return 1 / (1 + (-a).exp())


def right_gaussian(spread, floor):
    """-log N(r; 0, variance) without the constant, and its derivatives by mean and raw."""
    floor = Decimal(float(floor))

    def right(r, a):
        if spread == "sigma":
            s = d_softplus(a) + floor
            return (r / s) ** 2 / 2 + s.ln(), -r / s**2, (1 / s - r**2 / s**3) * d_sigmoid(a)
        v = d_softplus(a) + (floor if spread == "variance" else 0)
        if spread == "variance":
            return (
                r**2 / v / 2 + v.ln() / 2,
                -r / v,
                (1 / v - (r / v) ** 2) / 2 * d_sigmoid(a),
            )
        return (v * r**2 - v.ln()) / 2, -v * r, (r**2 - 1 / v) / 2 * d_sigmoid(a)

    return right


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", SPREADS)
def test_extreme_spreads_give_right_costs_and_gradients(spread, dtype, how):
    """Equation 6.34: also where softplus of the number is far below what a float can hold."""
    r, a = np.array(list(itertools.product(RESIDUALS, EXTREMES)), dtype).T.copy()
    mean, raw, y = (dl.variable(name, (None,), dtype) for name in ("mean", "raw", "y"))
    cost = ds.Gaussian(mean, raw, spread).negative_log_likelihood(y)
    gradients = dl.backprop([mean, raw], dl.sum(cost))
    found = run([cost, *gradients.values()], {mean: 0 * r, raw: a, y: r}, **how)
    expected = decimals(right_gaussian(spread, dtype(1e-6)), r, a)
    expected[0] += HALF_LOG_TWO_PI
    for ours, right in zip(found, expected, strict=True):
        assert ours.dtype == dtype and np.isfinite(ours).all()
        assert_allclose(ours, right, rtol=CLOSE[dtype], atol=CLOSE[dtype])


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_logits_of_0_and_1_give_right_costs_and_gradients(dtype, how):
    """Equation 6.26."""
    z, y = np.array(list(itertools.product(EXTREMES, [0, 1])), dtype).T.copy()
    Z, Y = dl.variable("z", (None,), dtype), dl.variable("y", (None,), dtype)
    cost = ds.Bernoulli(Z).negative_log_likelihood(Y)
    found = run([cost, dl.backprop([Z], dl.sum(cost))[Z]], {Z: z, Y: y}, **how)
    right = lambda z, y: (d_softplus((1 - 2 * y) * z), d_sigmoid(z) - y)  # noqa: E731
    for ours, expected in zip(found, decimals(right, z, y), strict=True):
        assert ours.dtype == dtype
        assert_allclose(ours, expected, rtol=CLOSE[dtype], atol=0)


EXTREME_ROWS = list(itertools.product([0.0, 50.0, -50.0, 1e4, -1e4], repeat=3))


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("label", [0, 2])
def test_extreme_logits_of_classes_give_right_costs_and_gradients(label, dtype, how):
    """Equations 6.30 and 6.33."""
    z, y = dl.variable("z", (None, 3), dtype), dl.variable("y", (None,), np.int64)
    logits, labels = np.array(EXTREME_ROWS, dtype), np.full(len(EXTREME_ROWS), label)
    cost = ds.Multinoulli(z).negative_log_likelihood(y)
    found = run([cost, dl.backprop([z], dl.sum(cost))[z]], {z: logits, y: labels}, **how)
    wide = logits.astype(float)
    expected = logsumexp(wide, axis=1) - wide[:, label]
    slopes = softmax(wide, axis=1) - np.eye(3)[label]
    assert_allclose(found[0], expected, rtol=CLOSE[dtype], atol=1e-20)
    assert_allclose(found[1], slopes, rtol=CLOSE[dtype], atol=1e-15)


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", SPREADS)
def test_extreme_mixtures_give_right_costs_and_finite_gradients(spread, dtype, how):
    z, means, raw = (
        dl.variable(name, shape, dtype)
        for name, shape in (("z", (None, 2)), ("means", (None, 2, 1)), ("raw", (None, 2, 1)))
    )
    y = dl.variable("y", (None,), dtype)
    p = ds.Mixture(z, means, raw, spread, scalar=True)
    cost, parts = p.negative_log_likelihood(y), p.responsibilities(y)
    gradients = dl.backprop([z, means, raw], dl.sum(cost))
    ends = [0.0, -50.0, 1e4, -1e4]
    rows = np.array(list(itertools.product(ends, ends, ends, ends, [0.0, 3e3])), dtype)
    values = {
        z: rows[:, :2],
        means: np.broadcast_to(np.array([[[0.5], [2e3]]], dtype), (len(rows), 2, 1)).copy(),
        raw: rows[:, 2:4, None].copy(),
        y: rows[:, 4].copy(),
    }
    values[z] = values[z].copy()
    found, shares, *slopes = run([cost, parts, *gradients.values()], values, **how)
    right = right_gaussian(spread, dtype(1e-3))

    def mixture(z0, z1, a0, a1, y):
        c0, c1 = (right(y - mu, a)[0] for mu, a in ((Decimal("0.5"), a0), (Decimal(2000), a1)))
        top = max(z0, z1)
        log_total = ((z0 - top).exp() + (z1 - top).exp()).ln() + top
        best = max(z0 - c0, z1 - c1)
        terms = (z0 - c0 - best).exp() + (z1 - c1 - best).exp()
        return (log_total - best - terms.ln(),)

    (expected,) = decimals(mixture, *rows.T)
    largest = np.abs(rows).max(axis=1)  # two numbers of this size are subtracted
    error = np.abs(found - expected - HALF_LOG_TWO_PI)
    assert (error <= CLOSE[dtype] * (np.abs(expected) + largest + 1)).all()
    assert all(np.isfinite(slope).all() and slope.dtype == dtype for slope in slopes)
    assert_allclose(shares.sum(axis=1), 1, rtol=CLOSE[dtype])


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_extreme_full_covariance_gives_the_right_cost_and_finite_gradients(dtype, how):
    d = 3
    mean, y = (dl.variable(name, (None, d), dtype) for name in ("mean", "y"))
    B = dl.variable("B", (None, d, d), dtype)
    cost = ds.FullGaussian(mean, B).negative_log_likelihood(y)
    gradients = dl.backprop([mean, B], dl.sum(cost))
    c = np.array([0.0, 1.0, 50.0, -50.0, 1e4, -1e4])
    r = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 3e3]])
    c, r = np.repeat(c, 2), np.tile(r, (6, 1))
    values = {mean: 0 * r, B: c[:, None, None] * np.eye(d), y: r}
    values = {V: value.astype(dtype) for V, value in values.items()}
    found, *slopes = run([cost, *gradients.values()], values, **how)
    variance = c**2 * (1 + 1e-6) + 1e-6
    expected = (r**2).sum(1) / variance / 2 + d * (np.log(variance) / 2 + HALF_LOG_TWO_PI)
    assert_allclose(found, expected, rtol=50 * CLOSE[dtype])
    assert all(np.isfinite(slope).all() and slope.dtype == dtype for slope in slopes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1, 2, 5, 20, 50])
@pytest.mark.parametrize("size", [0, 1e-4, 1, 1e4])
def test_a_covariance_is_positive_definite_whatever_B_is(d, size, dtype):
    """Section 6.2.2.4."""
    rng = np.random.default_rng(d)
    one = np.broadcast_to(rng.normal(size=(d, 1)), (d, d))
    Bs = [np.zeros((d, d)), np.ones((d, d)), one, one.T, rng.normal(size=(d, d)), np.eye(d, k=1)]
    mean, B = dl.variable("mean", (None, d), dtype), dl.variable("B", (None, d, d), dtype)
    y = dl.variable("y", (None, d), dtype)
    p = ds.FullGaussian(mean, B)
    cost = p.negative_log_likelihood(y)
    gradients = dl.backprop([mean, B], dl.sum(cost))
    values = {mean: np.zeros((6, d), dtype), B: (size * np.array(Bs)).astype(dtype)}
    found = run([cost, *gradients.values()], {**values, y: rng.normal(size=(6, d)).astype(dtype)})
    assert all(np.isfinite(array).all() for array in found)
    assert np.isfinite(p.sample(rng, values, 3)).all()


def test_a_clipped_probability_does_not_learn_outside_of_0_and_1():
    """Equation 6.18."""
    z, y = dl.variable("z", (None,)), dl.variable("y", (None,))
    p = ds.Clipped(z)
    cost = p.negative_log_likelihood(y)
    program = dl.compile([p.mean, cost, dl.backprop([z], dl.sum(cost))[z]], [z, y])
    outside = np.array([-1e4, -0.1, 1.1, 1e4])
    for labels in np.zeros(4), np.ones(4):
        means, costs, slopes = program(outside, labels)
        assert_array_equal(means, [0, 0, 1, 1])
        assert_array_equal(costs, np.where(means == labels, 0, np.inf))
        assert_array_equal(slopes, np.zeros(4))
    _, costs, slopes = program(outside, np.full(4, 0.5))
    assert_array_equal(costs, np.full(4, np.inf))
    assert_array_equal(slopes, np.zeros(4))
    means, costs, slopes = program(np.array([0.25, 0.25]), np.array([1.0, 0.0]))
    assert_allclose(costs, -np.log([0.25, 0.75]))
    assert_allclose(slopes, [-4, 4 / 3])


# --- Mixtures ----------------------------------------------------------------------------------


def mixture_inputs(rng, m, n, d):
    shapes = {"z": (n,), "means": (n, d), "raw": (n, d)}
    inputs = {name: dl.variable(name, (None, *shape)) for name, shape in shapes.items()}
    y = dl.variable("y", (None, d))
    values = {V: rng.normal(0, 2, (m, *V.shape[1:])) for V in (*inputs.values(), y)}
    return *inputs.values(), y, values


@pytest.mark.parametrize("spread", SPREADS)
@given(rng=rngs, m=sizes, n=sizes, d=st.integers(1, 3))
@few
def test_the_gradient_weights_each_component_by_its_responsibility(spread, rng, m, n, d):
    """Section 6.2.2.4."""
    z, means, raw, y, values = mixture_inputs(rng, m, n, d)
    p = ds.Mixture(z, means, raw, spread)
    terms, cost = p.component_log_probs(y), p.negative_log_likelihood(y)
    by_terms = dl.backprop([terms], dl.sum(-dl.logsumexp(terms, axis=-1)))[terms]
    by_input = dl.backprop([z, means], dl.sum(cost))
    outputs = [p.responsibilities(y), p.probabilities, by_terms, *by_input.values(), terms, cost]
    shares, prior, by_terms, by_z, by_means, logs, costs = run(outputs, values)
    assert_allclose(shares.sum(axis=1), 1, rtol=1e-13)
    assert_allclose(prior.sum(axis=1), 1, rtol=1e-13)
    assert_allclose(by_terms, -shares, rtol=1e-11, atol=1e-13)
    assert_allclose(by_z, prior - shares, rtol=1e-11, atol=1e-13)
    variance = sigma_of(values[raw], spread, 1e-3) ** 2
    pulls = (values[means] - values[y][:, None]) / variance
    assert_allclose(by_means, shares[..., None] * pulls, rtol=1e-10, atol=1e-12)
    assert_allclose(-logsumexp(logs, axis=1), costs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("spread", SPREADS)
@given(rng=rngs, m=sizes, d=st.integers(1, 3), floor=st.sampled_from([1e-3, 0.5]))
@few
def test_a_mixture_of_one_component_is_a_gaussian(spread, rng, m, d, floor):
    z, means, raw, y, values = mixture_inputs(rng, m, 1, d)
    mixture = ds.Mixture(z, means, raw, spread, floor)
    gaussian = ds.Gaussian(means[:, 0], raw[:, 0], spread, floor)
    outputs = []
    for p in (mixture, gaussian):
        cost = p.negative_log_likelihood(y)
        outputs.append([cost, p.mean, *dl.backprop([means, raw], dl.sum(cost)).values()])
    for ours, expected in zip(*(run(o, values) for o in outputs), strict=True):
        assert_allclose(ours, expected, rtol=1e-12, atol=1e-13)
    assert_array_equal(run([mixture.responsibilities(y)], values)[0], np.ones((m, 1)))


@given(rng=rngs, m=sizes, n=sizes, shift=st.sampled_from([-1e4, -3.0, 0.5, 1e4]))
@few
def test_a_shift_of_all_logits_changes_no_mixture(rng, m, n, shift):
    z, means, raw, y, values = mixture_inputs(rng, m, n, 2)
    p = ds.Mixture(z, means, raw)
    outputs = [p.log_prob(y), p.mean, p.probabilities, p.responsibilities(y)]
    moved = {**values, z: values[z] + shift}
    for before, after in zip(run(outputs, values), run(outputs, moved), strict=True):
        assert_allclose(after, before, rtol=1e-9, atol=1e-9)


@given(rng=rngs, n=st.integers(2, 4))
@fewer
def test_the_order_of_the_components_does_not_matter(rng, n):
    z, means, raw, y, values = mixture_inputs(rng, 3, n, 2)
    p, order = ds.Mixture(z, means, raw), rng.permutation(n)
    moved = {V: v if V is y else v[:, order] for V, v in values.items()}
    (before, shares), (after, moved_shares) = (
        run([p.log_prob(y), p.responsibilities(y)], v) for v in (values, moved)
    )
    assert_allclose(after, before, rtol=1e-12)
    assert_allclose(moved_shares, shares[:, order], rtol=1e-10, atol=1e-13)


# --- What is wrong is reported -----------------------------------------------------------------

R, R1, R2 = (dl.variable("v", (None, *shape)) for shape in ((), (1,), (2,)))
Z3 = dl.variable("z", (None, 3))
MU, RAW = dl.variable("mu", (None, 3, 2)), dl.variable("raw", (None, 3, 2))
B22 = dl.variable("B", (None, 2, 2))
WHOLE = dl.variable("n", (None, 3), np.int64)


@pytest.mark.parametrize("make", [ds.Gaussian, ds.Mixture])
@pytest.mark.parametrize("spread", ["std", None, 1, ""])
def test_an_unknown_spread_is_reported(make, spread):
    given = (R, R) if make is ds.Gaussian else (Z3, MU, RAW)
    message = f"{make.name}: the spread must be 'sigma', 'variance' or 'precision', got {spread!r}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        make(*given, spread)


@pytest.mark.parametrize("floor", [0, -1e-6, float("nan"), float("inf"), None, "1", True])
def test_a_floor_that_is_not_positive_is_reported(floor):
    for make in (
        lambda: ds.Gaussian(R, R, "sigma", floor),
        lambda: ds.Mixture(Z3, MU, RAW, "sigma", floor),
        lambda: ds.FullGaussian(R2, B22, floor),
    ):
        with pytest.raises(ValueError, match=rf"floor must be positive, .* got {floor!r}"):
            make()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ds.Bernoulli(np.ones(3)), TypeError, "Bernoulli: takes variables, got ndarray"),
        (
            lambda: ds.Bernoulli(WHOLE),
            TypeError,
            "Bernoulli: needs floats, but 'n' is int64",
        ),
        (
            lambda: ds.Bernoulli(dl.variable("z", ())),
            ValueError,
            r"Bernoulli: 'z' must have one row for each example, got \(\)",
        ),
        (
            lambda: ds.Gaussian(dl.variable("z", (2, None))),
            ValueError,
            r"Gaussian: 'z' must have one row for each example, got \(2, None\)",
        ),
        (
            lambda: ds.Multinoulli(R),
            ValueError,
            r"multinoulli: the logits 'v' must have one row of classes .* got the shape \(None,\)",
        ),
        (lambda: ds.Multinoulli(MU), ValueError, r"one row of classes .* \(None, 3, 2\)"),
        (lambda: ds.Multinoulli(WHOLE), TypeError, "multinoulli: needs floats, but 'n' is int64"),
        (lambda: ds.Gaussian(R, np.ones(3)), TypeError, "Gaussian: takes variables, got ndarray"),
        (lambda: ds.Gaussian(R, 1.0), TypeError, "Gaussian: takes variables, got float"),
        (lambda: ds.Gaussian(Z3, WHOLE), TypeError, "Gaussian: needs floats, but 'n' is int64"),
        (
            lambda: ds.Gaussian(R2, R, "sigma"),
            ValueError,
            r"Gaussian: the sigma 'v' \(None,\) must have the shape of the mean 'v' \(None, 2\)",
        ),
        (lambda: ds.Gaussian(R, R1), ValueError, r"the precision 'v' \(None, 1\) must have the"),
        (lambda: ds.FullGaussian(R, B22), ValueError, r"full Gaussian: a mean 'v' of shape \(None"),
        (lambda: ds.FullGaussian(Z3, B22), ValueError, r"square matrix .* 'B' has \(None, 2, 2\)"),
        (lambda: ds.FullGaussian(R2, np.eye(2)), TypeError, "full Gaussian: takes variables, got"),
        (lambda: ds.Mixture(Z3, R, RAW), ValueError, r"n means .* \(m, n, d\), but .* 'v' has \(N"),
        (lambda: ds.Mixture(R2, MU, RAW), ValueError, r"mixture: needs n logits \(m, n\), and n"),
        (lambda: ds.Mixture(MU, MU, RAW), ValueError, r"mixture: needs n logits \(m, n\), and n"),
        (lambda: ds.Mixture(Z3, MU, RAW[:, :, :1]), ValueError, r"'index' has \(None, 3, 1\)"),
        (lambda: ds.Mixture(Z3, MU, None), TypeError, "mixture: takes variables, got NoneType"),
        (lambda: ds.Mixture(WHOLE, MU, RAW), TypeError, "mixture: needs floats, but 'n' is int64"),
        (
            lambda: ds.Mixture(Z3, MU, RAW, scalar=True),
            ValueError,
            "mixture: the means of numbers must have d = 1, got d = 2",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_reported(make, error, message):
    with pytest.raises(error, match=message):
        make()


def target(shape, dtype=np.float64):
    return dl.variable("y", shape, dtype)


SOME = {
    "Bernoulli": ds.Bernoulli(R),
    "clipped Bernoulli": ds.Clipped(R),
    "multinoulli": ds.Multinoulli(Z3),
    "Gaussian": ds.Gaussian(R, R),
    "full Gaussian": ds.FullGaussian(R2, B22),
    "mixture": ds.Mixture(Z3, MU, RAW),
}


@pytest.mark.parametrize("name", SOME)
def test_targets_of_another_shape_are_reported(name):
    p = SOME[name]
    assert p.name == name
    dtype = np.int64 if p.discrete else np.float64
    expected = f"{name}: the targets 'y' must have the shape {(None, *p.target_shape)}"
    for shape in [(), (3,), (None, 5), (None, 2, 2)]:
        with pytest.raises(ValueError) as caught:
            p.negative_log_likelihood(target(shape, dtype))
        assert str(caught.value).startswith(expected)
    if not p.target_shape:
        for wrong in (p.negative_log_likelihood, p.log_prob):
            with pytest.raises(ValueError, match=r"got \(None, 1\)"):
                wrong(target((None, 1), dtype))


def test_targets_with_a_column_too_many_are_reported_with_what_helps():
    for p in (SOME["Gaussian"], SOME["Bernoulli"]):
        with pytest.raises(ValueError, match=r"got \(None, 1\); take y\[:, 0\]"):
            p.negative_log_likelihood(target((None, 1)))
    scalar = ds.Mixture(Z3, dl.variable("mu", (None, 3, 1)), dl.variable("a", (None, 3, 1)),
                        scalar=True)  # fmt: skip
    with pytest.raises(ValueError, match=r"got \(None, 1\); take y\[:, 0\]"):
        scalar.responsibilities(target((None, 1)))
    with pytest.raises(ValueError, match=r"mixture: the targets 'y' must have the shape \(None, 2"):
        SOME["mixture"].component_log_probs(target((None,)))
    with pytest.raises(ValueError, match=r"got \(3,\); for any number of examples give them as a"):
        SOME["Gaussian"].negative_log_likelihood(np.ones(3))
    with pytest.raises(TypeError, match=r"Gaussian: an input must be a variable, .* got list"):
        SOME["Gaussian"].negative_log_likelihood([1.0, 2.0])


def test_labels_must_be_whole_numbers_of_a_class():
    p = SOME["multinoulli"]
    for dtype in (np.float64, np.float32, bool):
        with pytest.raises(
            TypeError,
            match=rf"multinoulli: the labels 'y' must be integers, got {np.dtype(dtype)}; convert",
        ):
            p.negative_log_likelihood(target((None,), dtype))
    for dtype in (np.float64, np.int64):
        with pytest.raises(ValueError, match=r"if they are one-hot, take y.argmax\(axis=-1\)"):
            p.negative_log_likelihood(target((None, 3), dtype))
    for dtype, wrong in ((np.int64, -1), (np.int64, 3), (np.uint8, 255), (np.int32, 7)):
        y = target((None,), dtype)
        cost = p.negative_log_likelihood(y)
        for output in (cost, dl.backprop([Z3], dl.mean(cost))[Z3]):
            for how in PROGRAMS[:2]:
                with pytest.raises(ValueError, match="the labels must be from 0 to 2, for 3 clas"):
                    run([output], {Z3: np.zeros((2, 3)), y: np.array([0, wrong], dtype)}, **how)


@pytest.mark.parametrize("how", PROGRAMS, ids=str)
@pytest.mark.parametrize("name", ["Bernoulli", "clipped Bernoulli"])
@pytest.mark.parametrize("wrong", [-1, -1e-9, 1.001, 2, np.inf, np.nan])
def test_targets_that_are_no_probability_are_reported(name, wrong, how):
    y = target((None,))
    cost = SOME[name].negative_log_likelihood(y)
    values = {R: np.full(2, 0.5), y: np.array([0.5, wrong])}
    for output in (cost, dl.backprop([R], dl.mean(cost))[R]):
        with pytest.raises(
            ValueError,
            match=r"^(binary_cross_entropy|clipped Bernoulli): targets must be 0, 1, or between",
        ):
            run([output], values, **how)
    whole = target((None,), np.int64)
    with pytest.raises(ValueError, match=r"targets must be .* but they go from -1 to 2"):
        run(
            [SOME[name].negative_log_likelihood(whole)],
            {R: np.zeros(2), whole: np.array([-1, 2])},
            **({} if how.get("backend") else how),
        )


@pytest.mark.parametrize("name", SOME)
def test_no_examples_are_reported(name):
    p = SOME[name]
    y = target((None, *p.target_shape), np.int64 if p.discrete else np.float64)
    cost = p.negative_log_likelihood(y)
    inputs = [V for V in dl.Graph([cost]) if V.operation is None and V is not y]
    values = {V: np.ones((0, *V.shape[1:])) for V in inputs}
    with pytest.raises(ValueError, match=r"is empty \(shape \(0,"):
        run([cost], {**values, y: np.ones((0, *p.target_shape)).astype(y.dtype)})
    with pytest.raises(ValueError, match=r"is empty \(shape \(0,"):
        p.sample(np.random.default_rng(0), values)


@pytest.mark.parametrize("size", [0, -1, 2.5, 2.0, True, "3", None])
def test_the_number_of_samples_is_a_positive_whole_number(size):
    with pytest.raises(
        ValueError, match=rf"Gaussian: .* samples must be a positive whole number, got {size!r}"
    ):
        ds.Gaussian(R).sample(np.random.default_rng(0), {R: np.zeros(2)}, size)


def test_values_that_cannot_be_sampled_with_are_reported():
    rng, p = np.random.default_rng(0), ds.Gaussian(R)
    with pytest.raises(ValueError, match=r"Gaussian: sample: 'v' of shape \(2,\) contains NaN in"):
        p.sample(rng, {R: np.array([1.0, np.nan])})
    with pytest.raises(ValueError, match="compile: no value is given for v"):
        p.sample(rng, {})
    with pytest.raises(TypeError, match=r"'v' is float64 .* but the value is int64"):
        p.sample(rng, {R: np.array([1, 2])})
    with pytest.raises(ValueError, match=r"'v' is float64 of shape \(None,\).* \(2, 2\)"):
        p.sample(rng, {R: np.ones((2, 2))})
    with pytest.raises(ValueError, match=r"the value is no array: .*inhomogeneous"):
        p.sample(rng, {R: [[1.0], [1.0, 2.0]]})


def test_examples_that_do_not_agree_in_number_are_reported():
    y = target((None,))
    cost = ds.Gaussian(R).negative_log_likelihood(y)
    with pytest.raises(ValueError, match=r"the inputs disagree on the number of examples: 'v' \(2"):
        dl.evaluate(cost, {R: np.ones(2), y: np.ones(3)})


@pytest.mark.parametrize("name", SOME)
def test_nan_in_the_data_is_reported(name):
    p = SOME[name]
    if p.discrete:
        return
    y = target((None, *p.target_shape))
    cost = dl.mean(p.negative_log_likelihood(y))
    inputs = [V for V in dl.Graph([cost]) if V.operation is None and V is not y]
    values = {V: np.full((2, *V.shape[1:]), 0.5) for V in inputs}
    wrong = np.full((2, *p.target_shape), np.nan)
    with pytest.raises(ValueError, match=r"'y' .*contains NaN|targets must be 0, 1, or between"):
        run([cost], {**values, y: wrong})


def test_a_distribution_without_its_parts_says_which_are_missing():
    class Unfinished(Distribution):
        name = "unfinished"

    p = Unfinished((), z=R)
    rng = np.random.default_rng(0)
    with pytest.raises(NotImplementedError, match="unfinished: the likelihood is missing"):
        p.log_prob(target((None,)))
    with pytest.raises(NotImplementedError, match="unfinished: it cannot be sampled"):
        p.sample(rng, {R: np.ones(2)})
    with pytest.raises(NotImplementedError, match="unfinished: the mean is missing"):
        p.mean  # noqa: B018
