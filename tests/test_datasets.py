"""The data of Sections 6.0 and 6.1."""

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
