"""Memory of a gradient step: at its peak while it is made and first called, and once it runs.

``tracemalloc`` counts what NumPy allocates, too, but not what other libraries do; so this compares
the compiled program with the step by hand only. At the smaller sizes Python's objects would be
most of it.
"""

import gc
import tracemalloc

import pytest
from contenders import CONTENDERS, SIZES, problem


def first_call(contender, size):
    """Return the step, and the peak of memory in bytes while it was made and called once."""
    arrays = problem(size)
    gc.collect()
    tracemalloc.start()
    step = CONTENDERS[contender](*arrays)
    step()
    peak = tracemalloc.get_traced_memory()[1]
    return step, peak


def one_more_call(step):
    """Return how many bytes a step takes at its peak beyond those that it leaves behind."""
    step()
    gc.collect()
    tracemalloc.reset_peak()
    results = step()
    left, peak = tracemalloc.get_traced_memory()
    assert results
    return peak - left


@pytest.mark.parametrize("contender", ["dlbook", "by hand", "by hand, tuned"])
@pytest.mark.parametrize("size", SIZES[-2:], ids=str)
def test_memory(benchmark, size, contender):
    CONTENDERS[contender](*problem(SIZES[0]))()  # whatever is imported or cached only once
    benchmark.group = "memory"
    benchmark.extra_info.update(size=size, contender=contender)
    try:
        step, peak = benchmark.pedantic(first_call, args=(contender, size))
        benchmark.extra_info.update(first_call=peak, later_calls=one_more_call(step))
    finally:
        tracemalloc.stop()
