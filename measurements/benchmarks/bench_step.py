"""One gradient step, all contenders side by side, from four examples to a small real network.

They take turns, five times over, so that whatever else the machine does hits all alike; each turn
is long and warmed up, because the threads of one library wait for work for a while before
they leave the core to the next.
"""

from functools import cache

import numpy as np
import pytest
from contenders import CONTENDERS, SIZES, exact, problem


@cache
def checked_step(contender, size):
    """Return the contender's step, once its results have been found right."""
    arrays = problem(size)
    step, expected = CONTENDERS[contender](*arrays), exact(*arrays)
    step()  # the second call is looked at: nothing may be left over from the first
    for found, wanted in zip(step(), expected, strict=True):
        assert str(found.dtype).endswith("float32")
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    return step


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("turn", range(5))
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_step(benchmark, size, turn, contender):
    benchmark.group = "step"
    benchmark.extra_info.update(size=size, contender=contender)
    benchmark(checked_step(contender, size))
