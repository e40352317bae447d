"""Section 6.5.5: a graph as a straight line of NumPy calls.

Look at ``program.source`` of a compiled program first: :class:`Writer` writes it. First it makes
the buffers, for ``m`` examples, and then says line by line what is computed into them. What the
caller gets is in memory of its own.
"""

from __future__ import annotations

import math
import re
import threading
from builtins import compile as compile_python
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dlbook.checks import Shape, check_values, in_the_name_of, shape_text
from dlbook.graph import Variable, needed, no_collection
from dlbook.operations.base import (
    Constant,
    computed_by,
    dtype_code,
    helpers,
    shape_code,
    value_of,
)
from dlbook.programs.lowering import lower
from dlbook.programs.memory import Memory, Names, read_by
from dlbook.programs.program import FILE, NAMED, Program
from dlbook.programs.simplify import simplify as simplified
from dlbook.programs.values import check_input, count_examples


class NumpyProgram(Program):
    """A graph made ready to run with NumPy.

    Its ``source`` is the Python that runs: the buffers, which are made once for ``m`` examples, and
    the function that is called.
    """

    def __init__(self, outputs: list[Variable], inputs: list[Variable], simplify: bool):
        super().__init__(outputs, inputs, simplify)
        with no_collection():
            if simplify:
                outputs = lower(simplified(outputs, inputs), inputs)
            writer = Writer(outputs, inputs, needed(outputs, inputs, read_by))
            self.source = writer.write()
            self._code = compile_python(self.source, FILE, "exec")
        self._namespace, self._lines = writer.namespace, writer.computed_in()
        self._examples: Any = self  # for how many examples it is set up: none yet
        self._fits = lambda *values: False
        self._scalars = [i for i, V in enumerate(outputs) if V.ndim == 0 and V.dtype.kind == "f"]
        self._one_at_a_time = threading.RLock()  # the buffers are there once
        self._is_running = False

    def __call__(self, *values: Any) -> list[np.ndarray]:
        """Compute the outputs.

        Parameters
        ----------
        *values : array or number
            One for each input, in order, of its shape and dtype.

        Returns
        -------
        list of array
            One for each output, a NumPy number where it is a scalar; they belong to the caller.

        Raises
        ------
        TypeError
            If the number of values is wrong, or a dtype.
        ValueError
            If a shape is wrong, a value is empty, the inputs disagree on the number of examples,
            or a scalar result is NaN because of NaN in an input.
        """
        self._check_count(values)
        with self._one_at_a_time:
            if self._is_running:
                raise RuntimeError(
                    "program: called from inside itself, by an operation's f, while its buffers "
                    "are in use; give that operation a program of its own"
                )
            self._is_running = True
            try:
                arrays = values if self._fits(*values) else self._prepare(values)
                results = self._run(*arrays)
            except NAMED as error:
                self._say_where(error)
                raise
            finally:
                self._is_running = False
        for place in self._scalars:
            if results[place] != results[place]:  # only NaN differs from itself
                self._report_nan(arrays)
        return results

    def _report_nan(self, values: Iterable[np.ndarray]) -> None:
        """Raise a ValueError if it is the inputs that the NaN comes from."""
        for V, value in zip(self.inputs, values, strict=True):
            check_values("program", f"'{V.name}'", value)

    def _prepare(self, values: tuple[Any, ...]) -> list[np.ndarray]:
        """Check the values; set up the buffers anew if the number of examples has changed."""
        with in_the_name_of("program"):
            arrays = [check_input(V, value) for V, value in zip(self.inputs, values, strict=True)]
            examples = count_examples(self.inputs, arrays)
        if examples != self._examples:
            namespace = {**self._namespace, "m": examples}
            exec(self._code, namespace)
            self._run = namespace["program"]
            self._fits = _write_check(self.inputs, examples)
            self._examples = examples
        return arrays


def _write_check(inputs: list[Variable], examples: int | None) -> Callable[..., bool]:
    """Write the function that tells whether values can be taken as they are, all in one look."""
    names = [f"x{i}" for i in range(len(inputs))]
    checks = []
    for name, V in zip(names, inputs, strict=True):
        kinds = f"({name}.__class__ is ndarray or {name}.__class__ is {V.dtype}.type)"
        checks.append(kinds if V.ndim == 0 else f"{name}.__class__ is ndarray")
        checks.append(f"{name}.dtype is {V.dtype} and {name}.shape == {shape_code(V.shape)}")
    code = f"lambda {', '.join(names)}: {' and '.join(checks) or 'True'}"
    dtypes = {str(V.dtype): V.dtype for V in inputs}
    return eval(code, {"ndarray": np.ndarray, "m": examples, **dtypes})


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
        self.made: list[Variable] = []  # what is computed in each of them
        self.lies_in: dict[Variable, str] = {}  # the buffer that is its memory in every run
        self.done: dict[str, str] = {}  # what has been set up
        self.known: set[Variable] = set()  # numbers known before the first run
        self.memory = Memory(nodes, outputs)
        self.functions: dict[Any, str] = {}  # of operations that are run by their f
        self.place: dict[int, str] = {}  # where each buffer is now
        self.shape_of: dict[str, Shape] = {}  # with which shape it was made
        self.free: dict[tuple[Any, ...], list[str]] = defaultdict(list)
        self.leaving: dict[float, list[int]] = defaultdict(list)
        for buffer, end in self.memory.end.items():
            self.leaving[end].append(buffer)

    def write(self) -> str:
        """Return the source."""
        siblings: dict[tuple[Any, ...], list[Variable]] = defaultdict(list)
        for V in self.nodes:
            if computed_by(V).output is not None:
                siblings[_family(V)].append(V)
        for line, V in enumerate(self.nodes):
            if isinstance(V.operation, Constant):
                continue
            if computed_by(V).output is not None:
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

    def computed_in(self) -> dict[int, Variable]:
        """Return what is computed in which line of the source."""
        first = len(self.setup_lines) + bool(self.setup_lines) + 2
        return dict(enumerate(self.made, start=first))

    def setup(self, wish: str, expression: str) -> str:
        """Compute something once, before the first run, and return its name."""
        if expression not in self.done:
            self.done[expression] = self.names.new(wish)
            self.setup_lines.append(f"{self.done[expression]} = {expression}")
        return self.done[expression]

    def _write_one(self, V: Variable) -> None:
        op, read = computed_by(V), read_by(V)
        known = V.ndim == 0 and all(
            U in self.known or isinstance(U.operation, Constant) for U in read
        )
        arguments = [self._argument(U, V) for U in V.inputs]
        out = self._out(V)
        if op.view and V.ndim and V.inputs[0] in self.lies_in:  # to look at memory that is known
            arguments[0] = self.lies_in[V.inputs[0]]
        code = op.code(V, arguments, out, self.setup)
        if code is None:
            code = self._call(V, arguments, out)
        elif V.ndim == 0 and op.view:
            code += "[()]"  # a number of its own
        elif op.view and V.inputs[0] in self.lies_in:
            code = self.setup(V.name, code)  # of a view of a view, NumPy might make a copy
        elif out and self.memory.buffer[V] not in self.memory.kept and out in _words(code):
            self.lies_in[V] = out
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
        self.made.append(V)
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
        op = computed_by(V)
        if not op.fresh:  # it may be anybody's, and write to what it is given
            arguments = [a if a == "None" else f"read_only({a})" for a in arguments]
        code = f"{self._function(V)}({', '.join(arguments)})"
        if not op.fresh:
            promise = f"{shape_code(V.shape)}, {dtype_code(V.dtype)}, {op.name!r}"
            code = f"as_promised({code}, {promise})"
        if out:
            return f"store({out}, {code})"
        if V.ndim == 0:
            return f"{code}[()]"
        return code if op.fresh or op.view else f"np.array({code})"

    def _function(self, V: Variable) -> str:
        op = computed_by(V)
        if op not in self.functions:
            self.functions[op] = self.names.new(op.name)
            self.namespace[self.functions[op]] = op.f
        return self.functions[op]

    def _write_family(self, V: Variable, family: list[Variable]) -> None:
        """Write one line for all results of an operation that has several (Section 6.5.8)."""
        if V in self.name:
            return
        results: dict[int, str] = {}
        for U in family:
            results[computed_by(U).output or 0] = self.names.new(U.name, numbered=True)
        for U in family:
            self.name[U] = results[computed_by(U).output or 0]
        left = ", ".join(results.get(i, "_") for i in range(max(results) + 1))
        arguments = [self._argument(U, V) for U in V.inputs]
        self.lines.append(f"{left}, *_ = {self._function(V)}({', '.join(arguments)})")
        self.made.append(V)

    def _argument(self, U: Variable, V: Variable) -> str:
        """Return how ``V``'s line calls its input ``U``."""
        if not isinstance(U.operation, Constant):
            if U in self.known and V.ndim:
                return self.setup(f"{self.name[U]}_", f"np.array({self.name[U]})")
            return self.name[U] if U in read_by(V) else "None"  # of which only the shape counts
        value, others = value_of(U), [A for A in V.inputs if A is not U]
        plain = value.ndim == 0 and V.ndim == 0 and computed_by(V).operator and np.isfinite(value)
        if plain and not all(isinstance(A.operation, Constant) for A in others):
            text = str(value)
            return f"({text})" if text.startswith("-") else text
        return self._constant(U)

    def _constant(self, U: Variable) -> str:
        """Write a constant; one number as such, an array by its name."""
        value = value_of(U)
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
            computed = V not in self.given and computed_by(V).output is None
            return name if computed else f"{name}[()]"
        own = V in self.memory.buffer or (V.operation and V.operation.output is not None)
        if not own or name in self.returned or V in self.given:
            return f"{name}.copy()"
        self.returned.add(name)
        return name


def _words(code: str) -> list[str]:
    """Return the names and numbers in a piece of code."""
    return re.findall(r"\w+", code)


def _family(V: Variable) -> tuple[Any, ...]:
    op = computed_by(V)
    settings = {key: value for key, value in vars(op).items() if key != "output"}
    return (type(op), *settings.items(), *V.inputs)


def _size(V: Variable) -> tuple[Any, ...]:
    """Return what a buffer must have in common with a node to hold it: entries and dtype."""
    known = math.prod(size for size in V.shape if size is not None)
    return V.shape.count(None), known, V.dtype
