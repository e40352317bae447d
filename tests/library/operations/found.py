"""The operations are found, not listed: each, a program's own, too, needs an example."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from examples import DTYPES_OF, EXAMPLES_OF, Example
from hypothesis import assume
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import hide_examples, rngs, smooth_values

import dlbook as dl
from dlbook.operations.elementwise import Elementwise, RoundTo
from dlbook.operations.flow import StopGradient
from dlbook.operations.labels import Shares


def found_operations():
    """Every class of the library that computes something and has a name of its own."""
    open_ends, found = [dl.Operation], set()
    while open_ends:
        kind = open_ends.pop()
        open_ends.extend(kind.__subclasses__())
        ours = kind.__module__.startswith(("dlbook.operations.", "dlbook.programs."))
        if ours and kind.f is not dl.Operation.f and ("name" in vars(kind) or "f" in vars(kind)):
            found.add(kind)
    shared = {kind for kind in found if kind.name == dl.Operation.name}  # has no name yet
    return sorted(found - shared, key=lambda kind: kind.__name__)


for path in Path(__file__).parent.glob("examples_*.py"):
    importlib.import_module(path.stem)
OPERATIONS = found_operations()
DIFFERENTIABLE = [k for k in OPERATIONS if k.flat or k.bprop is not dl.Operation.bprop]
# By definition the derivative of one is not that of its f; the second may not be moved off its
# sum; and the third moves by steps so small that it looks smooth.
TRUE_TO_F = [kind for kind in DIFFERENTIABLE if kind not in (StopGradient, Shares, RoundTo)]
PRECISION = {"float64": 1e-13, "float32": 1e-5}


def each(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)


def may_be_hidden(operation, shapes):
    """Whether shapes with None can be combined: entry by entry only where they share its axis."""
    places = {place - len(s) for s in shapes for place, size in enumerate(s) if size is None}
    return len(places) <= 1 or not isinstance(operation, Elementwise)


def draw_example(data, kind, dtype=None, tensors=False):
    """Draw one example, some with their sizes hidden behind None; by default of any dtype."""
    if kind not in EXAMPLES_OF:
        pytest.fail(
            f"{kind.__name__} has no example to be tested with: write a function that draws one, "
            f"marked @example_of({kind.__name__}), in {Path(__file__).parent}",
            pytrace=False,
        )
    # PyTorch has no unsigned sums, and nearly nothing else that is unsigned.
    dtypes = [name for name in DTYPES_OF[kind] if not (tensors and name == "uint8")]
    dtype = dtype or data.draw(st.sampled_from(dtypes))
    example = data.draw(st.composite(EXAMPLES_OF[kind])(dtype))
    hidden = [hide_examples(array.shape) for array in example.arrays]
    if (
        example.shapes is None
        and may_be_hidden(example.operation, hidden)
        and data.draw(st.booleans())
    ):
        example = Example(example.operation, example.arrays, example.numpy, hidden)
    return example


def draw_smooth(data, kind):
    """Draw an example that has derivatives, and a gradient on its result."""
    example = draw_example(data, kind, "float64")
    result = np.asarray(example.f(*example.arrays))
    assume(result.dtype == np.float64)
    return example, smooth_values(data.draw(rngs), result.shape)


def assert_same(results, expected):
    """Hold results against others, up to rounding; shapes and dtypes must be the same."""
    for result, other in zip(results, expected, strict=True):
        assert (result.shape, result.dtype) == (other.shape, other.dtype)
        precision = PRECISION.get(str(result.dtype), 0)
        assert_allclose(result, other, rtol=precision, atol=precision)
