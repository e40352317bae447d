"""Section 6.5.5: 64-bit integers in JavaScript, whose numbers hold integers up to 2^53 only."""

from __future__ import annotations

import math

import numpy as np

from dlbook.graph import Variable
from dlbook.operations import comparisons as co
from dlbook.operations import elementwise as el
from dlbook.operations.base import Constant, computed_by, value_of
from dlbook.operations.indexing import ArgMax, MaxAndIndex, PutAlong, Scatter
from dlbook.operations.labels import OneHot
from dlbook.operations.reductions import Count, Sum
from dlbook.operations.running import CumSum, Prod
from dlbook.programs.lowered import LabelPlaces, MinusOneAt

EXACT = 2**53
GIVEN = 2**31  # what is given is checked to be no larger
EXAMPLES = 2**21  # are taken for as many as there may be

Range = tuple[int, int]


def check_integers(nodes: list[Variable]) -> None:
    """Raise a TypeError if a 64-bit integer may become larger than a double can hold."""
    ranges: dict[Variable, Range] = {}
    for V in nodes:
        for U in V.inputs:
            ranges.setdefault(U, _given(U))
        ranges[V] = _range(V, [ranges[U] for U in V.inputs])
        low, high = ranges[V]
        unsigned = V.dtype == np.uint64 and low < 0
        if V.dtype.kind in "iu" and V.dtype.itemsize == 8 and (max(-low, high) > EXACT or unsigned):
            inputs = " and ".join(f"'{U.name}'" for U in V.inputs)
            raise TypeError(
                f"compile: {computed_by(V).name} of {inputs} is {V.dtype} and may leave the whole "
                f"numbers that JavaScript holds, {'0' if unsigned else '-2^53'} to 2^53; convert "
                f"to int32 or to a float before"
            )


def _given(V: Variable) -> Range:
    if V.dtype.kind == "b":
        return 0, 1
    if V.dtype.kind not in "iu":
        return -EXACT, EXACT  # of a float only what is converted counts
    info = np.iinfo(V.dtype)
    return max(int(info.min), -GIVEN), min(int(info.max), GIVEN)


def _range(V: Variable, inputs: list[Range]) -> Range:
    """Return the least and the greatest value that ``V`` may have."""
    if V.dtype.kind not in "iu" or V.dtype.itemsize < 8:
        return _given(V)
    op = computed_by(V)
    if isinstance(op, Constant):
        return int(value_of(V).min()), int(value_of(V).max())
    if isinstance(op, ArgMax | Count | LabelPlaces) or (
        isinstance(op, MaxAndIndex) and op.output == 1
    ):
        places = math.prod(EXAMPLES if n is None else n for n in V.inputs[0].shape)
        return 0, places * getattr(op, "classes", 1)
    if isinstance(op, OneHot):
        return 0, 1
    if isinstance(op, el.Sign):
        return -1, 1
    ends = _combined(op, inputs)
    if ends is None:  # one of the entries of the inputs, whatever it is
        ends = [end for U, range_ in zip(V.inputs, inputs, strict=True) for end in range_
                if U.dtype.kind != "f" or len(V.inputs) == 1]  # fmt: skip
    if isinstance(op, Sum | CumSum | Prod | PutAlong | Scatter):
        count = _count(V)
        ends = [end**count if isinstance(op, Prod) else end * count for end in [*ends, 0, 1]]
        ends += [-max(map(abs, ends))] if isinstance(op, Prod) and min(inputs[0]) < 0 else []
    if isinstance(op, MinusOneAt):
        ends = [*ends, min(ends) - 1]
    return min(ends), max(ends)


def _combined(op: object, inputs: list[Range]) -> list[int] | None:
    """Return the ends of what arithmetic makes of ranges."""
    first, second = inputs[0], inputs[-1]
    if isinstance(op, el.Add):
        return [first[0] + second[0], first[1] + second[1]]
    if isinstance(op, el.Subtract):
        return [first[0] - second[1], first[1] - second[0]]
    if isinstance(op, el.Multiply):
        return [a * b for a in first for b in second]
    if isinstance(op, el.Negate):
        return [-a for a in first]
    if isinstance(op, el.Square):
        return [0, *(a * a for a in first)]
    if isinstance(op, el.Abs):
        return [0, *map(abs, first)]
    if isinstance(op, co.Where):
        return [end for range_ in inputs[1:] for end in range_]
    return None


def _count(V: Variable) -> int:
    """Return how many entries may be added up, or multiplied, to one."""
    op, A = computed_by(V), V.inputs[0]
    axes = getattr(op, "axes", None)
    if isinstance(op, CumSum):
        axes = (op.axis,)
    sizes = A.shape if axes is None else [A.shape[a] for a in axes]
    return math.prod(EXAMPLES if size is None else size for size in sizes)
