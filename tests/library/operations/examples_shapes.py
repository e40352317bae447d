"""Examples of what changes shapes, and of what puts tensors together."""

import numpy as np
from examples import Example, example_of
from hypothesis import strategies as st
from strategies import EXAMPLES, broadcastable, hide_examples, rngs, shapes, sizes, some_values

from dlbook.operations.joining import Concatenate, Stack
from dlbook.operations.shapes import (
    BroadcastLike,
    BroadcastTo,
    ExpandDims,
    Reshape,
    Squeeze,
    Transpose,
)


@example_of(Transpose)
def draw_transpose(draw, dtype):
    shape = draw(shapes)
    axes = tuple(draw(st.permutations(range(len(shape)))))
    array = some_values(draw(rngs), shape, dtype)
    return Example(Transpose(axes), [array], lambda a: np.transpose(a, axes))


@example_of(Reshape)
def draw_reshape(draw, dtype):
    a, b, c, m = draw(sizes), draw(sizes), draw(sizes), EXAMPLES
    before, after = draw(
        st.sampled_from(
            [
                ((a, b, c), (a * b, c)),
                ((a, b), (b, a)),
                ((a,), (1, a, 1)),
                ((1, 1), ()),
                ((None, a, b), (None, a * b)),
                ((None, a), (None, 1, a)),
                ((a, None), (None, a)),
                ((None, 1), (None,)),
            ]
        )
    )
    filled = tuple(m if s is None else s for s in after)
    array = some_values(draw(rngs), tuple(m if s is None else s for s in before), dtype)
    return Example(Reshape(after), [array], lambda a: np.reshape(a, filled), [before])


@example_of(ExpandDims)
def draw_expand_dims(draw, dtype):
    shape = draw(shapes)
    axes = draw_axes(draw, len(shape) + 2, exactly=2)
    array = some_values(draw(rngs), shape, dtype)
    return Example(ExpandDims(axes), [array], lambda a: np.expand_dims(a, axes))


@example_of(Squeeze)
def draw_squeeze(draw, dtype):
    shape = draw(shapes)
    axes = draw_axes(draw, len(shape), among=[a for a, size in enumerate(shape) if size == 1])
    array = some_values(draw(rngs), shape, dtype)
    return Example(Squeeze(axes), [array], lambda a: np.squeeze(a, axes))


@example_of(BroadcastLike)
def draw_broadcast_like(draw, dtype):
    small, other = draw(broadcastable(2))
    rng, large = draw(rngs), np.broadcast_shapes(small, other)
    arrays = [some_values(rng, shape, dtype) for shape in (small, large)]
    return Example(BroadcastLike(), arrays, lambda a, b: np.broadcast_to(a, b.shape))


@example_of(BroadcastTo)
def draw_broadcast_to(draw, dtype):
    small, other = draw(broadcastable(2))
    large = np.broadcast_shapes(small, other)
    hidden = hide_examples(small) if draw(st.booleans()) else small
    own = (*(1,) * (len(large) - len(small)), *hidden)
    to = tuple(None if size is None else new for size, new in zip(own, large, strict=True))
    array = some_values(draw(rngs), small, dtype)
    return Example(BroadcastTo(to), [array], lambda a: np.broadcast_to(a, large), [hidden])


def joining(kind, numpy):
    """Register an operation that puts one to three tensors together along an axis."""

    @example_of(kind)
    def make(draw, dtype):
        new = kind is Stack
        shape = draw(shapes if new else shapes.filter(len))
        axis = draw(st.integers(0, len(shape) - (not new)))
        rng, several = draw(rngs), [shape] * draw(st.integers(1, 3))
        if not new:  # these sizes may differ, and must be known
            lengths = [draw(st.integers(1, EXAMPLES - 1)) for _ in several]
            several = [(*shape[:axis], length, *shape[axis + 1 :]) for length in lengths]
        arrays = [some_values(rng, s, dtype) for s in several]
        return Example(kind(axis), arrays, lambda *parts: numpy(parts, axis=axis))


joining(Concatenate, np.concatenate)
joining(Stack, np.stack)


def draw_axes(draw, ndim, among=None, exactly=None):
    """Draw a set of axes, counted from 0 and in order."""
    among = list(range(ndim)) if among is None else among
    lists = st.lists(st.sampled_from(among), unique=True, min_size=exactly or 0, max_size=exactly)
    return tuple(sorted(draw(lists))) if among else ()
