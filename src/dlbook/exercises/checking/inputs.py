"""What the checks draw: small arrays of round numbers, so that a counterexample can be read."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def numbers(low=-5, high=5):
    """Draw multiples of 1/4 between two bounds, as floats."""
    return st.integers(4 * low, 4 * high).map(lambda quarters: quarters / 4)


def vectors(size, low=-5, high=5):
    """Draw an array ``(size,)``; `size` may be a strategy."""
    return arrays(np.float64, size, elements=numbers(low, high))


def matrices(rows, columns, low=-5, high=5):
    """Draw an array ``(rows, columns)``."""
    return arrays(np.float64, (rows, columns), elements=numbers(low, high))


def labels(size, classes):
    """Draw an integer array ``(size,)`` of labels below `classes`."""
    return arrays(np.int64, size, elements=st.integers(0, classes - 1))


@st.composite
def networks(draw):
    """Draw inputs ``(m, n)`` and layers: pairs of ``W (n, p)`` and ``b (p,)`` that fit together."""
    widths = draw(st.lists(st.integers(1, 2), min_size=2, max_size=4))
    shapes = list(pairwise(widths))
    sizes = [size for n, p in shapes for size in (n * p, p)]
    # All numbers at once: much faster than one array after the other.
    found = np.split(draw(vectors(sum(sizes), -2, 2)), np.cumsum(sizes)[:-1])
    layers = [
        (W.reshape(shape), b) for W, b, shape in zip(found[::2], found[1::2], shapes, strict=True)
    ]
    return draw(matrices(draw(st.integers(1, 2)), widths[0], -2, 2)), layers
