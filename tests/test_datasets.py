"""The data of Sections 6.0, 6.1 and 6.2.2."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import dlbook as dl


def test_xor_is_1_where_exactly_one_entry_is_1():
    X, y = dl.datasets.xor()
    assert_array_equal(X, [[0, 0], [0, 1], [1, 0], [1, 1]])
    assert_array_equal(y, [0, 1, 1, 0])
    assert X.dtype == y.dtype == np.float64


def test_xor_is_made_anew_for_each_caller():
    X, y = dl.datasets.xor()
    X[:], y[:] = 7, 7
    assert dl.datasets.xor()[0].max() == 1
    assert dl.datasets.xor()[1].max() == 1


def test_no_linear_model_does_better_on_xor_than_one_half():
    X, y = dl.datasets.xor()
    theta = np.linalg.lstsq(np.c_[X, np.ones(4)], y, rcond=None)[0]
    np.testing.assert_allclose(theta, [0, 0, 0.5], atol=1e-12)


@pytest.mark.parametrize("distractors", [0, 1, 8])
def test_sign_of_product_labels_points_whose_first_two_coordinates_agree_in_sign(distractors):
    X, y = dl.datasets.sign_of_product(500, distractors, np.random.default_rng(0))
    assert X.shape == (500, 2 + distractors)
    assert y.shape == (500,)
    assert X.dtype == y.dtype == np.float64
    assert X.min() >= -1 and X.max() <= 1
    assert_array_equal(y, np.sign(X[:, 0]) == np.sign(X[:, 1]))
    assert 0.4 < y.mean() < 0.6


def test_sign_of_product_depends_on_nothing_but_its_rng():
    draws = [dl.datasets.sign_of_product(20, 2, np.random.default_rng(s)) for s in (1, 1, 2)]
    assert_array_equal(draws[0][0], draws[1][0])
    assert_array_equal(draws[0][1], draws[1][1])
    assert not np.array_equal(draws[0][0], draws[2][0])


def test_the_distractors_say_nothing_about_the_label():
    X, y = dl.datasets.sign_of_product(4000, 3, np.random.default_rng(0))
    for column in X.T:  # nor does either of the first two by itself
        assert abs(np.corrcoef(column, y)[0, 1]) < 0.06
    assert abs(np.corrcoef(X[:, 0] * X[:, 1], y)[0, 1]) > 0.7


@pytest.mark.parametrize(("examples", "distractors"), [(0, 2), (-1, 0), (3, -1)])
def test_sign_of_product_needs_an_example(examples, distractors):
    message = f"sign_of_product: needs at least 1 .*, got {examples} and {distractors}"
    with pytest.raises(ValueError, match=message):
        dl.datasets.sign_of_product(examples, distractors, np.random.default_rng(0))


MADE = ["heteroscedastic", "turning", "three_branches", "two_joint_arm"]


@pytest.mark.parametrize("name", MADE)
def test_data_with_a_distribution_depend_on_nothing_but_their_rng(name):
    make = getattr(dl.datasets, name)
    draws = [make(20, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    for first, second in zip(*draws[:2], strict=True):
        assert_array_equal(first, second)
        assert first.dtype == np.float64 and len(first) == 20
    assert not np.array_equal(draws[0][1], draws[2][1])


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("examples", [0, -3])
def test_data_with_a_distribution_need_an_example(name, examples):
    with pytest.raises(ValueError, match=f"{name}: needs at least 1 example, got {examples}"):
        getattr(dl.datasets, name)(examples, np.random.default_rng(0))


def test_the_noise_of_heteroscedastic_has_the_width_that_is_returned_with_it():
    X, y, sigma = dl.datasets.heteroscedastic(20_000, np.random.default_rng(0))
    scaled = (y - np.sin(2 * X[:, 0])) / sigma
    for part in np.array_split(scaled, 5):
        assert abs(part.mean()) < 0.05 and abs(part.std() - 1) < 0.05
    assert (np.diff(sigma) > 0).all()
    assert sigma[-1] > 8 * sigma[0]


def test_the_covariance_of_turning_turns_and_keeps_its_widths():
    _, Y, means, covariances = dl.datasets.turning(20_000, np.random.default_rng(0))
    widths = np.sqrt(np.linalg.eigvalsh(covariances))
    np.testing.assert_allclose(widths, np.broadcast_to([0.1, 0.4], widths.shape))
    for part in np.array_split(np.arange(20_000), 8):
        residuals = (Y - means)[part]
        expected = covariances[part].mean(axis=0)
        np.testing.assert_allclose(residuals.T @ residuals / len(part), expected, atol=0.01)
    assert np.abs(covariances[0] - np.diag([0.01, 0.16])).max() < 0.01  # upright
    middle = covariances[np.abs(means[:, 0]).argmin()]
    assert np.abs(middle - np.diag([0.16, 0.01])).max() < 0.01  # lying


def test_three_branches_keeps_to_its_curves_and_their_shares():
    X, y = dl.datasets.three_branches(20_000, np.random.default_rng(0))
    shares, means, sigmas = dl.datasets.three_branches_parameters(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    distances = np.abs(y[:, None] - means) / sigmas
    nearest = distances.argmin(axis=1)
    assert distances.min(axis=1).max() < 5
    for part in np.array_split(np.arange(20_000), 4):
        counted = np.bincount(nearest[part], minlength=3) / len(part)
        np.testing.assert_allclose(counted, shares[part].mean(axis=0), atol=0.03)


def test_every_place_is_reached_in_two_ways_which_are_mirror_images():
    X, Y = dl.datasets.two_joint_arm(500, np.random.default_rng(0))
    np.testing.assert_allclose(dl.datasets.hand(Y), X, atol=1e-12)
    other = np.stack([Y[:, 0] + Y[:, 1], -Y[:, 1]], axis=1)
    np.testing.assert_allclose(dl.datasets.hand(other), X, atol=1e-12)
    assert 0.4 < np.mean(Y[:, 1] > 0) < 0.6
    distance = np.linalg.norm(X, axis=1)
    assert distance.min() > 0.6 - 1e-9 and distance.max() < 1.8 + 1e-9


def test_the_mean_of_the_two_ways_stretches_the_arm():
    X, Y = dl.datasets.two_joint_arm(100, np.random.default_rng(0))
    other = np.stack([Y[:, 0] + Y[:, 1], -Y[:, 1]], axis=1)
    reached = dl.datasets.hand((Y + other) / 2)
    np.testing.assert_allclose(np.linalg.norm(reached, axis=1), 2)
    direction = X / np.linalg.norm(X, axis=1, keepdims=True)
    np.testing.assert_allclose(reached, 2 * direction, atol=1e-12)


def test_delays_know_their_mean_and_their_median():
    X, y, mean, median = dl.datasets.delays(20_000, np.random.default_rng(0))
    assert X.shape == (20_000, 1) and X.dtype == np.float64
    assert y.shape == mean.shape == median.shape == (20_000,)
    assert -1 <= X[0] < X[-1] <= 1 and (np.diff(X[:, 0]) >= 0).all()
    assert (y > 1 + X[:, 0] / 2).all() and (mean > median).all()
    assert abs(np.mean(y > median) - 0.5) < 0.01
    for part in (X[:, 0] < -0.4, np.abs(X[:, 0]) < 0.4, X[:, 0] > 0.4):
        assert abs(y[part].mean() / mean[part].mean() - 1) < 0.03
        assert abs(np.mean(y[part] > median[part]) - 0.5) < 0.02


def test_delays_need_an_example():
    with pytest.raises(ValueError, match="delays: needs at least 1 example, got 0"):
        dl.datasets.delays(0, np.random.default_rng(0))
