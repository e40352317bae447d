"""Section 6.5.5: which results need no loop of their own in JavaScript, and until when.

An operation on entries whose result is read once, entry by entry, is written into the loop that
reads it. A transpose, a slice or a repetition is no loop at all, but another order of the entries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from dlbook.graph import Variable
from dlbook.operations.base import Constant, computed_by
from dlbook.operations.elementwise import Elementwise
from dlbook.operations.flow import Identity
from dlbook.operations.indexing import Index
from dlbook.operations.reductions import Max, Sum
from dlbook.operations.running import Prod
from dlbook.operations.shapes import (
    BroadcastLike,
    BroadcastTo,
    ExpandDims,
    Reshape,
    Squeeze,
    Transpose,
)
from dlbook.programs.lowered import AddScaled, InnerProduct
from dlbook.programs.memory import END, read_by

ENTRYWISE = (Elementwise, AddScaled)
ONCE = (Sum, Max, Prod, InnerProduct)  # read each entry of their inputs once
VIEWS = (BroadcastLike, BroadcastTo, ExpandDims, Identity, Squeeze, Transpose)
IN_ORDER = (ExpandDims, Identity, Squeeze)  # views that leave the entries in their order
MOST = 6  # operations in one formula, so that it can be read


class Fusion:
    """Decides what is written into the loop of another.

    Attributes
    ----------
    fused : set of Variable
        What is written into the loop that reads it.
    root : dict of Variable to Variable
        Whose memory a result lies in.
    last_use : dict of Variable to float
        At which node the memory of each root is read for the last time.
    """

    def __init__(self, nodes: list[Variable], inputs: list[Variable], outputs: list[Variable]):
        self.in_order = self._in_order(nodes, inputs)
        self.fused = self._fused(nodes, {*inputs, *outputs})
        self.root: dict[Variable, Variable] = {}
        self.last_use: dict[Variable, float] = {}
        for line, V in enumerate(nodes):
            if V in self.fused:
                continue
            sources = list(self.sources(V))
            self.root[V] = self.root_of(sources[0]) if self.is_view(V) and sources else V
            for U in [V, *sources]:
                self.last_use[self.root_of(U)] = line
        for V in outputs:
            self.last_use[self.root_of(V)] = END

    def root_of(self, V: Variable) -> Variable:
        return self.root.get(V, V)

    def sources(self, V: Variable) -> Iterator[Variable]:
        """Yield what lies in memory of all that a loop reads."""
        for U in read_by(V):
            if U in self.fused:
                yield from self.sources(U)
            else:
                yield U

    def is_view(self, V: Variable) -> bool:
        """Return whether a result is another order of an input's entries, without a loop."""
        op = computed_by(V)
        if isinstance(op, Reshape):
            return V.inputs[0] in self.in_order
        return isinstance(op, VIEWS) or (isinstance(op, Index) and op.view)

    @staticmethod
    def _in_order(nodes: list[Variable], inputs: list[Variable]) -> set[Variable]:
        """Return what lies in memory in the order of its indices."""
        found = set(inputs)
        for V in nodes:
            op = computed_by(V)
            if V.ndim == 0 or isinstance(op, Constant | Reshape):
                found.add(V)
            elif isinstance(op, IN_ORDER):
                found |= {V} if V.inputs[0] in found else set()
            elif not isinstance(op, VIEWS) and not (isinstance(op, Index) and op.view):
                found.add(V)
        return found

    @staticmethod
    def _fused(nodes: list[Variable], ends: set[Variable]) -> set[Variable]:
        readers: dict[Variable, Variable] = {}
        times: Counter[Variable] = Counter()
        for V in nodes:
            for U in read_by(V):
                readers[U] = V
                times[U] += 1
        length: dict[Variable, int] = defaultdict(int)  # how many operations a formula has
        for V in nodes:
            if V.ndim == 0 or V in ends or times[V] != 1 or not isinstance(V.operation, ENTRYWISE):
                continue
            reader, operations = readers[V], 1 + sum(length[U] for U in V.inputs)
            same = isinstance(reader.operation, ENTRYWISE) and reader.shape == V.shape
            if (same or isinstance(reader.operation, ONCE)) and operations <= MOST:
                length[V] = operations
        return {V for V, operations in length.items() if operations}
