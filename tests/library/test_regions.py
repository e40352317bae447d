"""Section 6.4.1: linear regions are counted exactly, and networks by hand do what they promise."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import dlbook as dl
from dlbook import regions

rngs = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def random_layers(rng, sizes, unit="relu", pieces=1):
    """Layers with random weights and biases, and a linear output."""
    layers = []
    for n, p in pairwise(sizes):
        layers.append((rng.normal(size=(n, p * pieces)), rng.normal(size=p * pieces), unit))
    return [*layers, (rng.normal(size=sizes[-1]), np.array(0.0), "identity")]


def area(polygon):
    x, y = polygon.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


# --- Regions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 9])
@given(rng=rngs)
def test_one_layer_has_as_many_regions_as_lines_in_general_position_make(n, rng):
    for d in (1, 2):
        found = regions.linear_regions(random_layers(rng, [d, n]))
        assert len(found) == regions.most_cells(n, d)
    assert regions.most_cells(n, 2) == 1 + n + math.comb(n, 2)


@pytest.mark.parametrize(
    ("unit", "pieces"), [("relu", 1), ("absolute value", 1), ("maxout(2)", 2), ("maxout(3)", 3)]
)
@given(rng=rngs)
def test_regions_fill_the_square_and_tell_what_the_network_computes(unit, pieces, rng):
    layers = random_layers(rng, [2, 3, 3], unit, pieces)
    found = regions.linear_regions(layers, -2.0, 3.0)
    polygons = [(polygon, region) for region in found for polygon in region.parts]
    assert_allclose(sum(area(polygon) for polygon, _ in polygons), 25.0)
    for polygon, region in polygons:
        points = np.vstack([polygon, polygon.mean(axis=0)])
        given = points @ region.weights + region.biases
        assert_allclose(given, regions.forward(layers, points), atol=1e-9)


@given(rng=rngs)
def test_along_a_line_the_slope_changes_where_a_region_ends_and_nowhere_else(rng):
    layers = random_layers(rng, [1, 4, 4])
    found = regions.linear_regions(layers, -3.0, 3.0)
    found.sort(key=lambda region: region.parts[0].min())
    slopes = np.array([region.weights[0, 0] for region in found])
    assert (np.abs(np.diff(slopes)) > 0).all()
    for region in found:
        ends = np.concatenate(region.parts)
        inside = np.linspace(ends.min(), ends.max(), 7)[:, None]
        assert_allclose(
            regions.forward(layers, inside), inside @ region.weights + region.biases, atol=1e-9
        )


def test_cells_that_the_output_does_not_tell_apart_are_one_region():
    off = [(np.ones((2, 2)), np.zeros(2), "relu"), (-np.ones(2), np.array(-1.0), "relu")]
    assert len(regions.linear_regions(off, -1, 1)) == 1
    first = [(np.eye(2), np.zeros(2), "relu"), (np.array([1.0, 0.0]), np.array(0.0), "identity")]
    assert len(regions.linear_regions(first, -1, 1)) == 2


def test_regions_that_meet_in_a_point_only_are_two():
    # |x1| + |x2| - |x1 + x2| is 0 where both inputs have the same sign.
    hidden = (np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]), np.zeros(3), "absolute value")
    layers = [hidden, (np.array([1.0, 1.0, -1.0]), np.array(0.0), "identity")]
    found = regions.linear_regions(layers, -1, 1)
    assert len(found) == 6
    assert sum(not region.weights.any() for region in found) == 2


def test_pieces_too_small_for_floating_point_are_counted():
    nearly = np.array([0.0, 2.0**-60])
    layers = [(np.ones((1, 2)), nearly, "relu"), (np.ones(2), np.array(0.0), "identity")]
    assert len(regions.linear_regions(layers, -1, 1)) == 3


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "at least one layer"),
        ([(np.ones((3, 1)), np.zeros(1), "relu")], "1 or 2 inputs"),
        ([(np.ones((1, 2)), np.zeros(3), "relu")], "biases"),
        ([(np.ones((1, 3)), np.zeros(3), "maxout(2)")], "layer 1"),
        ([(np.ones((1, 2)), np.zeros(2), "relu")] * 2, "after a layer of 2"),
        ([(np.array([[np.nan]]), np.zeros(1), "relu")], "not all finite"),
        ([(np.ones((1, 1)), np.zeros(1), "tanh")], "no maximum of linear"),
    ],
)
def test_what_is_no_such_network_is_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        regions.linear_regions(layers)


def test_the_bounds_must_be_finite_and_in_order():
    with pytest.raises(ValueError, match="finite bounds"):
        regions.linear_regions(regions.sawtooth(1), 1, 0)


def test_a_network_of_the_library_has_the_same_outputs_as_its_layers():
    rng = np.random.default_rng(0)
    X, points = dl.variable("X", (None, 2)), rng.normal(size=(20, 2))
    for unit in ("relu", "absolute value", "maxout(3)"):
        network = dl.MLP([2, 4, 3, 1], unit)
        values = network.initial_values(rng, bias=0.3)
        layers = regions.layers_of(network, values)
        expected = dl.evaluate(network(X), {X: points, **values})
        assert_allclose(regions.forward(layers, points), expected)
    with pytest.raises(ValueError, match="skip"):
        regions.layers_of(dl.MLP([2, 3, 3, 3, 1], skip=2), {})


# --- Weights by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 5, 8])
def test_a_saw_doubles_with_each_layer(depth):
    layers = regions.sawtooth(depth)
    assert len(regions.linear_regions(layers, 0, 1)) == 2**depth
    ends = np.arange(2**depth + 1)
    assert_array_equal(regions.forward(layers, ends[:, None] / 2**depth)[:, 0], ends % 2)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (3, 1), (5, 1), (4, 2), (5, 2), (6, 2)])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_folding_reaches_the_number_of_the_theorem(n, d, depth):
    layers = regions.folding(n, d, depth, np.random.default_rng(1))
    expected = (n // d) ** (d * (depth - 1)) * regions.most_cells(n, d)
    assert len(regions.linear_regions(layers, 0, 1)) == expected


@pytest.mark.parametrize("k", [2, 3, 4])
def test_two_maxout_units_fold_as_often_as_their_pieces_allow(k):
    parts = 2 * k - 1
    for depth in (1, 2, 3):
        assert len(regions.linear_regions(regions.maxout_folding(k, depth), 0, 1)) == parts**depth
    ends = np.arange(parts + 1)
    outputs = regions.forward(regions.maxout_folding(k, 1), ends[:, None] / parts)[:, 0]
    assert_allclose(outputs, ends % 2, atol=1e-12)


def test_foldings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="as many units"):
        regions.folding(1, 2, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="needs 2 pieces"):
        regions.maxout_folding(1, 1)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_there_is_a_network_for_every_table(n):
    inputs = regions.all_bits(n)
    assert inputs.shape == (2**n, n)
    for table in regions.all_bits(2**n)[1:]:
        layers = regions.lookup_table(table)
        assert layers[0][0].shape[1] == table.sum()
        assert_array_equal(regions.forward(layers, inputs)[:, 0], table)


@pytest.mark.parametrize("table", [[0, 0], [0, 1, 1], [1], [0, 2]])
def test_what_is_no_table_of_bits_is_refused(table):
    with pytest.raises(ValueError, match="lookup table"):
        regions.lookup_table(np.array(table))
