"""Examples of indices and labels."""

import numpy as np
from examples import DTYPES, SIGNED, Example, example_of
from examples_products import softmax_of
from hypothesis import assume
from hypothesis import strategies as st
from strategies import EXAMPLES, broadcastable, index_arrays, rngs, shapes, sizes, some_values

import dlbook as dl
from dlbook.operations.cross_entropy import CrossEntropy
from dlbook.operations.indexing import (
    ARRAY,
    ArgMax,
    ArgMin,
    Index,
    MaxAndIndex,
    PutAlong,
    Scatter,
    TakeAlong,
)
from dlbook.operations.labels import OneHot
from dlbook.programs.lowered import Gate, LabelPlaces, MinusOneAt, Pick


def fill(key, arrays):
    """Put the index arrays into their places of a key."""
    arrays = iter(arrays)
    return tuple(next(arrays) if item is ARRAY else item for item in key)


def draw_slice(draw, size):
    """Draw a slice that is not empty, its ends counted from the front or from the back."""
    ends = st.none() | st.integers(-size - 1, size + 1)
    drawn = slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2])))
    return drawn if range(size)[drawn] else slice(None)


def draw_key(draw):
    """Draw a shape, a key that fits it, and index arrays for it; some sizes are hidden."""
    shape, rng = draw(shapes.filter(len)), draw(rngs)
    hidden_axis = shape.index(EXAMPLES) if EXAMPLES in shape and draw(st.booleans()) else None
    start = draw(st.integers(0, len(shape)))  # the axes that an ellipsis stands for,
    stop = draw(st.integers(start, len(shape)))  # or none
    kinds = {a: draw(st.sampled_from(["number", "slice", "array"])) for a in range(len(shape))}
    key, arrays, index_shapes = [], [], iter(draw(broadcastable(3, max_dims=2)))
    for axis, size in enumerate(shape):
        if draw(st.integers(0, 5)) == 0:
            key.append(None)
        if axis == start:
            key.append(...)
        if start <= axis < stop:
            continue
        if kinds[axis] == "number":
            key.append(draw(st.integers(-size, size - 1)))
        elif kinds[axis] == "slice":
            key.append(slice(None) if axis == hidden_axis else draw_slice(draw, size))
        else:
            key.append(ARRAY)
            arrays.append(index_arrays(draw, rng, next(index_shapes), size))
    hidden = tuple(None if a == hidden_axis else size for a, size in enumerate(shape))
    return shape, hidden, tuple(key), arrays


@example_of(Index)
def draw_index(draw, dtype):
    shape, hidden, key, arrays = draw_key(draw)
    return Example(
        Index(key),
        [some_values(draw(rngs), shape, dtype), *arrays],
        lambda A, *indices: A[fill(key, indices)],
        [hidden, *(index.shape for index in arrays)],
    )


@example_of(Scatter, SIGNED)
def draw_scatter(draw, dtype):
    shape, hidden, key, arrays = draw_key(draw)
    rng, A = draw(rngs), dl.variable("A", hidden)
    indices = [dl.variable("i", index.shape, index.dtype) for index in arrays]

    def numpy(G, A, *indices):
        places = np.arange(A.size).reshape(A.shape)[fill(key, indices)]
        result = np.zeros(A.size, G.dtype)
        for place, entry in zip(np.ravel(places), np.ravel(G), strict=True):
            result[place] += entry
        return result.reshape(A.shape)

    G = some_values(rng, np.zeros(shape)[fill(key, arrays)].shape, dtype)
    known = [Index(key)(A, *indices).shape, hidden, *(index.shape for index in arrays)]
    return Example(Scatter(key), [G, some_values(rng, shape, dtype), *arrays], numpy, known)


def draw_along(draw, dtype):
    """Draw a tensor, an axis, and an index along this axis."""
    shape, rng = draw(shapes.filter(len)), draw(rngs)
    axis = draw(st.integers(0, len(shape) - 1))
    along = (*shape[:axis], draw(sizes), *shape[axis + 1 :])
    index = index_arrays(draw, rng, along, shape[axis])
    return axis, some_values(rng, shape, dtype), index, some_values(rng, along, dtype)


@example_of(TakeAlong)
def draw_take_along(draw, dtype):
    axis, A, index, _ = draw_along(draw, dtype)
    return Example(TakeAlong(axis), [A, index], lambda A, i: np.take_along_axis(A, i, axis))


@example_of(PutAlong, SIGNED)
def draw_put_along(draw, dtype):
    axis, A, index, G = draw_along(draw, dtype)

    def numpy(G, A, index):
        result = np.zeros(A.shape, G.dtype)
        for place in np.ndindex(G.shape):
            result[(*place[:axis], index[place], *place[axis + 1 :])] += G[place]
        return result

    return Example(PutAlong(axis), [G, A, index], numpy)


def along_one_axis_or_all(draw, dtype, kind, numpy):
    shape = draw(shapes)
    axis = draw(st.sampled_from([None, *range(len(shape))]))
    array = some_values(draw(rngs), shape, dtype)
    return Example(kind(axis), [array], lambda A: numpy(A, axis))


@example_of(ArgMax, SIGNED)
def draw_argmax(draw, dtype):
    return along_one_axis_or_all(draw, dtype, ArgMax, np.argmax)


@example_of(ArgMin, SIGNED)
def draw_argmin(draw, dtype):
    return along_one_axis_or_all(draw, dtype, ArgMin, np.argmin)


@example_of(MaxAndIndex, SIGNED)
def draw_max_and_index(draw, dtype):
    shape, output = draw(shapes.filter(len)), draw(st.integers(0, 1))
    axis = draw(st.integers(0, len(shape) - 1))
    array = some_values(draw(rngs), shape, dtype)
    return Example(
        MaxAndIndex(axis, output), [array], lambda A: [np.max, np.argmax][output](A, axis)
    )


def draw_labels(draw, dtype="int64"):
    """Draw the number of classes, and the label of each example."""
    classes, shape = draw(sizes), draw(shapes)
    return classes, draw(rngs).integers(0, classes, size=shape).astype(dtype)


@example_of(OneHot, DTYPES["i"] + DTYPES["u"])
def draw_one_hot(draw, dtype):
    classes, y = draw_labels(draw, dtype)
    to = np.dtype(draw(st.sampled_from(["float64", "float32", "int64", "bool"])))
    return Example(OneHot(classes, to), [y], lambda y: np.eye(classes)[y])


def places_of(y, classes):
    """Where the entry of each label lies among all entries."""
    return np.asarray(y + classes * np.arange(y.size).reshape(y.shape))


@example_of(LabelPlaces, ["int64"])
def draw_label_places(draw, dtype):
    classes, y = draw_labels(draw)
    return Example(LabelPlaces(classes), [y], lambda y: places_of(y, classes))


def at_labels(kind, numpy):
    """Register an operation that acts on the entry of each label."""

    @example_of(kind, DTYPES["f"])
    def make(draw, dtype):
        classes, y = draw_labels(draw)
        A = some_values(draw(rngs), (*y.shape, classes), dtype)
        return Example(kind(), [A, places_of(y, classes)], numpy)


def less_one_at(A, places):
    result = A.reshape(-1).copy()
    result[places.reshape(-1)] -= 1
    return result.reshape(A.shape)


at_labels(Pick, lambda A, places: A.reshape(-1)[places])
at_labels(MinusOneAt, less_one_at)


@example_of(CrossEntropy, DTYPES["f"])
def draw_cross_entropy(draw, dtype):
    classes, y = draw_labels(draw)
    assume(classes != EXAMPLES)  # their number must be known, and is never hidden
    z = some_values(draw(rngs), (*y.shape, classes), dtype)
    return Example(CrossEntropy(), [z, y], cross_entropy_of)


def cross_entropy_of(z, y):
    q = softmax_of(z, -1)
    return -np.log(np.take_along_axis(q, y[..., None].astype(int), -1)[..., 0])


@example_of(Gate, DTYPES["f"])
def draw_gate(draw, dtype):
    rng, (a, mask) = draw(rngs), draw(broadcastable(2))
    arrays = [some_values(rng, a, dtype), some_values(rng, mask, "bool")]
    return Example(Gate(), arrays, lambda a, mask: np.where(mask, a, 0))
