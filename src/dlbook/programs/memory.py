"""Section 6.5.5: which results of a program share a buffer, and what they are called.

An operation on entries writes over its own input where nobody else needs it, and a buffer that is
read for the last time takes the next result: so the gradients that arrive over several paths are
summed in one place (Section 6.5.8).
"""

from __future__ import annotations

import keyword
import math
import unicodedata
from functools import cache

from dlbook.graph import Variable
from dlbook.operations.base import Constant, computed_by

END = math.inf  # later than every line


class Names:
    """Hands out Python names, each once and as close to what is wished for as can be."""

    def __init__(self, *taken: str):
        self.taken = set(taken)
        self.last: dict[str, int] = {}  # the last number of each stem

    def new(self, wish: str, numbered: bool = False) -> str:
        name = stem = _stem(wish)
        while numbered or name in self.taken:
            self.last[stem] = self.last.get(stem, 0) + 1
            name, numbered = f"{stem}_{self.last[stem]}", False
        self.taken.add(name)
        return name


@cache
def _stem(wish: str) -> str:
    """Return a Python name that is like what is wished for."""
    # Python reads letters that look alike as one (NFKC), so they must not stay different here.
    wish = unicodedata.normalize("NFKC", wish)
    stem = "".join(c if f"_{c}".isidentifier() else "_" for c in wish).strip("_") or "v"
    return stem if stem.isidentifier() and not keyword.iskeyword(stem) else f"v_{stem}"


class Memory:
    """Decides which results share a buffer.

    Each node of the graph is one of four things: a number or a constant, which needs no buffer; a
    view of another node; an array in memory that its operation brings along; or an array in a
    buffer. ``last_use`` is the line at which a node, or a view of it, is read for the last time.

    Attributes
    ----------
    buffer : dict of Variable to int
        The buffer of each node that has one, numbered.
    kept : set of int
        The buffers that hold an output in the end, and so are new in every run.
    """

    def __init__(self, nodes: list[Variable], outputs: list[Variable]):
        self.root: dict[Variable, Variable] = {}
        self.last_use: dict[Variable, float] = {}
        for line, V in enumerate(nodes):
            source = read_by(V)[:1] if computed_by(V).view else []
            self.root[V] = self.root.get(source[0], source[0]) if source and V.ndim else V
            self.last_use[V] = line
            for U in read_by(V):
                self.last_use[self.root.get(U, U)] = line
        for V in outputs:
            self.last_use[self.root.get(V, V)] = END
        self.buffer: dict[Variable, int] = {}
        for line, V in enumerate(nodes):
            if has_buffer(V):
                taken = self._overwritten(V, line)
                self.buffer[V] = len(self.buffer) if taken is None else self.buffer[taken]
        self.kept = {self.buffer[V] for V in outputs if V in self.buffer}
        self.end: dict[int, float] = {}
        self.first: dict[int, Variable] = {}  # the first node in each buffer
        for V, buffer in self.buffer.items():
            self.first.setdefault(buffer, V)
            self.end[buffer] = max(self.end.get(buffer, 0), self.last_use[V])

    def _overwritten(self, V: Variable, line: int) -> Variable | None:
        """Return an input in whose buffer ``V`` can be computed, if there is one."""
        for place, U in enumerate(V.inputs):
            shared = [A for A in V.inputs if A is not U and self.root.get(A, A) is U]
            if (
                U in self.buffer
                and (U.shape, U.dtype) == (V.shape, V.dtype)
                and self.last_use[U] == line
                and not shared
                and computed_by(V).may_overwrite(place)
            ):
                return U
        return None


def read_by(V: Variable) -> list[Variable]:
    """Return the inputs whose values the operation reads, not only their shape."""
    shape_only = computed_by(V).shape_only
    if not shape_only:
        return list(V.inputs)
    return [U for place, U in enumerate(V.inputs) if place not in shape_only]


def has_buffer(V: Variable) -> bool:
    op = computed_by(V)
    brought_along = op.output is not None or not op.buffered
    return V.ndim > 0 and not (op.view or brought_along or isinstance(op, Constant))
