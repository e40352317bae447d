"""What the checks draw: small arrays of round numbers, so that a counterexample can be read."""

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
