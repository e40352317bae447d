"""Section 6.5.5: writing a graph as a straight line of Python.

Look at ``program.source`` of a compiled program first: this module writes it. First it makes the
buffers, for ``m`` examples, and then says line by line what is computed into them. A buffer that
is read for the last time takes the next result, and an operation on entries writes over its own
input where nobody else needs it: so the gradients that arrive over several paths are summed in
one place (Section 6.5.8). What the caller gets is in memory of its own.
"""

from __future__ import annotations

import keyword
import math
import unicodedata
from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np

from dlbook.checks import shape_text
from dlbook.graph import Variable
from dlbook.operations.base import Constant, dtype_code, helpers, shape_code

END = math.inf  # later than every line


class Names:
    """Hands out Python names, each once and as close to what is wished for as can be."""

    def __init__(self, *taken: str):
        self.taken, self.last = set(taken), {}

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
            source = read_by(V)[:1] if V.operation.view else ()
            self.root[V] = self.root.get(source[0], source[0]) if source and V.ndim else V
            self.last_use[V] = line
            for U in read_by(V):
                self.last_use[self.root.get(U, U)] = line
        for V in outputs:
            self.last_use[self.root.get(V, V)] = END
        self.buffer: dict[Variable, int] = {}
        for line, V in enumerate(nodes):
            if has_buffer(V):
                U = self._overwritten(V, line)
                self.buffer[V] = len(self.buffer) if U is None else self.buffer[U]
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
                and V.operation.may_overwrite(place)
            ):
                return U
        return None


def read_by(V: Variable) -> list[Variable]:
    """Return the inputs whose values the operation reads, not only their shape."""
    if not V.operation.shape_only:
        return list(V.inputs)
    return [U for place, U in enumerate(V.inputs) if place not in V.operation.shape_only]


def has_buffer(V: Variable) -> bool:
    op = V.operation
    return V.ndim > 0 and not (op.view or op.output is not None or isinstance(op, Constant))


class Writer:
    """Writes the program for NumPy, line by line."""

    def __init__(self, outputs: list[Variable], inputs: list[Variable], nodes: list[Variable]):
        self.outputs, self.nodes = outputs, nodes
        self.names = Names("program", "m", "np", "slice", "Ellipsis", *helpers)
        self.name = {V: self.names.new(V.name) for V in inputs}
        self.inputs, self.given = inputs, set(inputs)
        self.returned: set[str] = set()  # what the caller gets as it is
        self.namespace: dict[str, Any] = {"np": np, **helpers}
        self.setup_lines: list[str] = []
        self.lines: list[str] = []
        self.done: dict[str, str] = {}  # what has been set up
        self.known: set[Variable] = set()  # numbers known before the first run
        self.memory = Memory(nodes, outputs)
        self.functions: dict[Any, str] = {}  # of operations that are run by their f
        self.place: dict[int, str] = {}  # where each buffer is now
        self.shape_of: dict[str, tuple] = {}  # with which shape it was made
        self.free: dict[tuple, list[str]] = defaultdict(list)
        self.leaving: dict[float, list[int]] = defaultdict(list)
        for buffer, end in self.memory.end.items():
            self.leaving[end].append(buffer)

    def write(self) -> str:
        """Return the source."""
        siblings: dict[tuple, list[Variable]] = defaultdict(list)
        for V in self.nodes:
            if V.operation.output is not None:
                siblings[_family(V)].append(V)
        for line, V in enumerate(self.nodes):
            if isinstance(V.operation, Constant):
                continue
            if V.operation.output is not None:
                self._write_family(V, siblings[_family(V)])
            else:
                self._write_one(V)
            for buffer in self.leaving[line]:
                if buffer not in self.memory.kept:
                    self.free[_size(self.memory.first[buffer])].append(self.place[buffer])
        results = ", ".join(map(self._result, self.outputs))
        arguments = ", ".join(self.name[V] for V in self.inputs)
        return "\n".join(
            [
                *self.setup_lines,
                *([""] if self.setup_lines else []),
                f"def program({arguments}):",
                *(f"    {line}" for line in self.lines),
                f"    return [{results}]\n",
            ]
        )

    def setup(self, wish: str, expression: str) -> str:
        """Compute something once, before the first run, and return its name."""
        if expression not in self.done:
            self.done[expression] = self.names.new(wish)
            self.setup_lines.append(f"{self.done[expression]} = {expression}")
        return self.done[expression]

    def _write_one(self, V: Variable) -> None:
        op, read = V.operation, read_by(V)
        known = V.ndim == 0 and all(
            U in self.known or isinstance(U.operation, Constant) for U in read
        )
        arguments = [self._argument(U, V) for U in V.inputs]
        out = self._out(V)
        code = op.code(V, arguments, out, self.setup)
        if code is None:
            code = self._call(V, arguments, out)
        elif V.ndim == 0 and op.view:
            code += "[()]"  # a number of its own
        if known:
            self.known.add(V)
            code = (
                code
                if code.isidentifier()
                else self.setup(V.name, f"{dtype_code(V.dtype)}({code})")
            )
        if code.isidentifier():  # another name for what is there already
            self.name[V] = code
            return
        self.name[V] = self.names.new(V.name, numbered=V.name == op.name)
        self.lines.append(f"{self.name[V]} = {code}  # {shape_text(V.shape)}")
        if V in self.memory.buffer and not out:
            self.place[self.memory.buffer[V]] = self.name[V]

    def _out(self, V: Variable) -> str:
        """Return the buffer for ``V``; an empty text if it needs none or a new one in each run."""
        buffer = self.memory.buffer.get(V)
        if buffer is None:
            return ""
        if buffer not in self.place and buffer not in self.memory.kept:
            self.place[buffer] = self._buffer(V)
        place = self.place.get(buffer, "")
        return self._with_shape(place, V) if place else ""

    def _buffer(self, V: Variable) -> str:
        """Take a buffer that is free, or a new one."""
        if self.free[_size(V)]:
            return self.free[_size(V)].pop()
        name = self.names.new("buffer", numbered=True)
        shape, dtype = shape_code(V.shape), dtype_code(V.dtype)
        self.setup_lines.append(f"{name} = empty({shape}, {dtype})")
        self.shape_of[name] = V.shape
        return name

    def _with_shape(self, place: str, V: Variable) -> str:
        if self.shape_of.get(place, V.shape) == V.shape:
            return place
        return self.setup(f"{place}_as", f"{place}.reshape({shape_code(V.shape)})")

    def _call(self, V: Variable, arguments: list[str], out: str) -> str:
        """Call the operation's own f, where NumPy has nothing better."""
        code = f"{self._function(V)}({', '.join(arguments)})"
        if not V.operation.fresh:  # it may be anybody's
            code = f"as_promised({code}, {shape_code(V.shape)}, {V.operation.name!r})"
        if out:
            return f"store({out}, {code})"
        if V.ndim == 0:
            return f"{code}[()]"
        return code if V.operation.fresh or V.operation.view else f"np.array({code})"

    def _function(self, V: Variable) -> str:
        if V.operation not in self.functions:
            self.functions[V.operation] = self.names.new(V.operation.name)
            self.namespace[self.functions[V.operation]] = V.operation.f
        return self.functions[V.operation]

    def _write_family(self, V: Variable, family: list[Variable]) -> None:
        """Write one line for all results of an operation that has several (Section 6.5.8)."""
        if V in self.name:
            return
        results = {U.operation.output: self.names.new(U.name, numbered=True) for U in family}
        for U in family:
            self.name[U] = results[U.operation.output]
        left = ", ".join(results.get(i, "_") for i in range(max(results) + 1))
        arguments = [self._argument(U, V) for U in V.inputs]
        self.lines.append(f"{left}, *_ = {self._function(V)}({', '.join(arguments)})")

    def _argument(self, U: Variable, V: Variable) -> str:
        """Return how ``V``'s line calls its input ``U``."""
        if not isinstance(U.operation, Constant):
            if U in self.known and V.ndim:
                return self.setup(f"{self.name[U]}_", f"np.array({self.name[U]})")
            return self.name[U] if U in read_by(V) else "None"  # of which only the shape counts
        value, others = U.operation.value, [A for A in V.inputs if A is not U]
        plain = value.ndim == 0 and V.ndim == 0 and V.operation.operator and np.isfinite(value)
        if plain and not all(isinstance(A.operation, Constant) for A in others):
            text = str(value)
            return f"({text})" if text.startswith("-") else text
        return self._constant(U)

    def _constant(self, U: Variable) -> str:
        """Write a constant; one number as such, an array by its name."""
        value = U.operation.value
        if value.ndim == 0 and np.isfinite(value):
            name = f"constant_{value:g}".replace("-", "minus_")
            return self.setup(name, f"np.array({value}, {dtype_code(U.dtype)})")
        if U not in self.name:
            self.name[U] = self.names.new(
                "constant" if U.name == "constant" else f"constant_{U.name}"
            )
            self.namespace[self.name[U]] = value
        return self.name[U]

    def _result(self, V: Variable) -> str:
        """Return how the caller gets an output: in memory of its own."""
        if isinstance(V.operation, Constant):
            return f"{self._constant(V)}{'.copy()' if V.ndim else '[()]'}"
        name = self.name[V]
        if V.ndim == 0:
            computed = V not in self.given and V.operation.output is None
            return name if computed else f"{name}[()]"
        own = V in self.memory.buffer or (V.operation and V.operation.output is not None)
        if not own or name in self.returned or V in self.given:
            return f"{name}.copy()"
        self.returned.add(name)
        return name


def _family(V: Variable) -> tuple:
    settings = {key: value for key, value in vars(V.operation).items() if key != "output"}
    return (type(V.operation), *settings.items(), *V.inputs)


def _size(V: Variable) -> tuple:
    """Return what a buffer must have in common with a node to hold it: entries and dtype."""
    known = math.prod(size for size in V.shape if size is not None)
    return V.shape.count(None), known, V.dtype
