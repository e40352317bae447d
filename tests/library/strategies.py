"""What the tests draw at random: shapes that fit each other and values that suit derivatives."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

few = settings(max_examples=20)  # the rest is as tests/conftest.py sets it
fewer = settings(few, max_examples=8)

# A drawn size equal to this one plays the number of examples, and may be hidden as None.
EXAMPLES = 4

sizes = st.integers(1, EXAMPLES)
shapes = st.lists(sizes, max_size=3).map(tuple)
rngs = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def broadcastable(count, max_dims=3):
    """Draw ``count`` shapes that NumPy broadcasts to a common one."""
    drawn = mutually_broadcastable_shapes(
        num_shapes=count, min_dims=0, max_dims=max_dims, max_side=EXAMPLES
    )
    return drawn.map(lambda result: result.input_shapes)


def smooth_values(rng, shape, positive=False):
    """Draw floats between 0.5 and 2 in size: away from the kinks at 0, and from overflow."""
    sign = 1.0 if positive else rng.choice([-1.0, 1.0], size=shape)
    return np.asarray(sign * rng.uniform(0.5, 2.0, size=shape))


def some_values(rng, shape, dtype, positive=False):
    """Draw values of any dtype: smooth ones if they are floats, else small ones, often equal."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return smooth_values(rng, shape, positive).astype(dtype)
    low, high = {"i": (-3, 4), "u": (1, 7), "b": (0, 2)}[dtype.kind]
    return np.asarray(rng.integers(low, high, size=shape)).astype(dtype)


def index_arrays(draw, rng, shape, size):
    """Draw an array of indices for an axis of this size, some counted from the back."""
    dtype = draw(st.sampled_from(["int64", "int32", "uint8"]))
    low = 0 if dtype == "uint8" else -size
    return np.asarray(rng.integers(low, size, size=shape)).astype(dtype)


def hide_examples(shape):
    """Write None for the sizes that play the number of examples."""
    return tuple(None if size == EXAMPLES else size for size in shape)
