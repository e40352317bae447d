"""Section 6.5.5: a graph as loops in JavaScript.

Look at ``program.source`` of a program compiled with ``backend="javascript"`` first:
:class:`Writer` writes it. There is one loop an operation, in the order of the graph, and a result
takes the memory of another that nobody reads any more.

What an operation is in loops stands in the modules ``reductions``, ``indices`` and ``matrices``,
what one entry is in ``entries``, and what needs no loop of its own in ``fusion``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from dlbook.checks import Shape, shape_text
from dlbook.graph import Variable, needed
from dlbook.operations.base import Constant, Operation, computed_by, value_of
from dlbook.operations.indexing import Index
from dlbook.operations.reductions import Count
from dlbook.operations.shapes import (
    BroadcastLike,
    BroadcastTo,
    ExpandDims,
    Reshape,
    Squeeze,
    Transpose,
)
from dlbook.programs.javascript.entries import bare, entry
from dlbook.programs.javascript.fusion import ENTRYWISE, Fusion
from dlbook.programs.javascript.helpers import HELPERS, with_what_they_call
from dlbook.programs.javascript.places import (
    ARRAYS,
    Place,
    Size,
    c_order,
    literal,
    number,
    product,
    sizes_of,
)
from dlbook.programs.memory import END, Names, read_by

# From an operation to what writes its loops, into the place of its result.
Loops = Callable[..., None]
LOOPS: dict[type[Operation], Loops] = {}

KEYWORDS = """arguments await break case catch class const continue debugger default delete do
else enum eval export extends false finally for function if implements import in instanceof
interface let new null package private protected public return static super switch this throw true
try typeof undefined var void while with yield Math Number Infinity NaN RangeError make m program"""
INDICES = [*"ijkl", *(f"i{n}" for n in range(5, 33))]  # of nested loops


def loops_of(*kinds: type[Operation]) -> Callable[[Loops], Loops]:
    """Enter a function as what writes the loops of kinds of operations."""

    def enter(function: Loops) -> Loops:
        for kind in kinds:
            LOOPS[kind] = function
        return function

    return enter


class Writer:
    """Writes the program for JavaScript, loop by loop."""

    def __init__(self, outputs: list[Variable], inputs: list[Variable]):
        self.outputs, self.inputs = outputs, inputs
        self.nodes = needed(outputs, inputs, read_by)
        self.fusion = Fusion(self.nodes, inputs, outputs)
        self.names = Names(*KEYWORDS.split(), *INDICES, *HELPERS, *ARRAYS.values())
        self.at: dict[Variable, Place] = {}  # where each result is, if it is anywhere
        self.setup: list[str] = []
        self.lines: list[str] = []
        self.depth = 2
        self.loops_open = 0
        self.helpers: dict[str, None] = {}
        self.buffer: dict[Variable, str] = {}
        self.free: dict[tuple[Size, str], list[str]] = defaultdict(list)

    def write(self) -> str:
        """Return the source."""
        for V in self.inputs:
            name = self.names.new(V.name)
            self.at[V] = Place(name, V.shape, c_order(V.shape), is_number=V.ndim == 0)
        for line, V in enumerate(self.nodes):
            if V not in self.fusion.fused:
                self._write_one(V, line)
        results = ", ".join([self._result(V, i) for i, V in enumerate(self.outputs)])
        parameters = ", ".join(self.at[V].name for V in self.inputs)
        helpers = [
            f"  const {name} = {HELPERS[name]};" for name in with_what_they_call(self.helpers)
        ]
        return "\n".join(
            [
                "function make(m) {",
                *helpers,
                *(f"  {line}" for line in self.setup),
                f"  return function program({parameters}) {{",
                *self.lines,
                f"    return [{results}];",
                "  };",
                "}\n",
            ]
        )

    # --- What is written where ---------------------------------------------------------------

    def _write_one(self, V: Variable, line: int) -> None:
        op = computed_by(V)
        if isinstance(op, Constant):
            self._write_constant(V)
        elif self.fusion.is_view(V):
            self.at[V] = self._view(V)
        elif isinstance(op, Count):
            count = product([sizes_of(V.inputs[0].shape)[a] for a in op.axes])
            self._write_number(V, str(count))
        elif isinstance(op, ENTRYWISE) and V.ndim == 0:
            arguments = [self.entry(U, ()) for U in V.inputs]
            self._write_number(V, self.used(entry(V, arguments)))
        else:
            self._write_loops(V, line)
        for U in {self.fusion.root_of(U) for U in [*self.fusion.sources(V), V]}:
            if self.fusion.last_use.get(U) == line and U in self.buffer:
                self.free[self._kind(U)].append(self.buffer[U])

    def _write_constant(self, V: Variable) -> None:
        value = value_of(V)
        if value.ndim == 0 or value.size == 1:
            self.at[V] = number(value.reshape(-1)[0], V.shape)
            return
        wish = "constant" if V.name == "constant" else f"constant_{V.name}"
        name = self.names.new(wish)
        entries = ", ".join(literal(entry) for entry in value.reshape(-1).tolist())
        self.setup.append(f"const {name} = new {ARRAYS[str(V.dtype)]}([{entries}]);")
        self.at[V] = Place(name, V.shape, c_order(V.shape))

    def _write_number(self, V: Variable, code: str) -> None:
        name = self._name(V)
        code = f"+({code})" if V.dtype.kind == "b" else code
        self.line(f"const {name} = {bare(code)};")
        self.at[V] = Place(name, (), (), is_number=True)

    def _write_loops(self, V: Variable, line: int) -> None:
        op = computed_by(V)
        name = self._name(V)
        out = Place(name, V.shape, c_order(V.shape), is_number=V.ndim == 0)
        self.line(f"// {name} {_shape_text(V.shape)}")
        if V.ndim:
            self._give_memory(V, name, line)
        if isinstance(op, ENTRYWISE):
            self._write_entries(V, out)
        elif isinstance(op, Reshape):
            self.copy(self.at[V.inputs[0]], out.reshaped(V.inputs[0].shape))
        else:
            kind = next((kind for kind in type(op).__mro__ if kind in LOOPS), None)
            if kind is None:
                raise TypeError(
                    f"compile: JavaScript has no loops for {op.name}, an operation that is not "
                    f"dlbook's own"
                )
            LOOPS[kind](self, V, op, out)
        self.at[V] = out

    def _give_memory(self, V: Variable, name: str, line: int) -> None:
        """Let ``V`` have memory: that of an input it may overwrite, some that is free, or new."""
        kind = self._kind(V)
        taken = None
        if isinstance(computed_by(V), ENTRYWISE) and self.is_flat(V, V.shape):
            for U in map(lambda U: self.fusion.root_of(U), self.fusion.sources(V)):
                fits = self._kind(U) == kind and self.fusion.last_use[U] == line
                if fits and U in self.buffer and (U.shape == V.shape):
                    taken = U
        if taken is not None:
            self.buffer[V] = self.buffer.pop(taken)
        elif self.free[kind] and self.fusion.last_use[V] != END:
            self.buffer[V] = self.free[kind].pop()
        else:
            self.buffer[V] = self.names.new("buffer", numbered=True)
            self.setup.append(f"const {self.buffer[V]} = new {kind[1]}({kind[0]});")
        self.setup.append(f"const {name} = {self.buffer[V]};")

    def _kind(self, V: Variable) -> tuple[Size, str]:
        return product(sizes_of(V.shape)), ARRAYS[str(V.dtype)]

    def _name(self, V: Variable) -> str:
        numbered = V.operation is not None and V.name == V.operation.name
        return self.names.new(re.sub("[^\\w]", "_", V.name), numbered=numbered)

    def _view(self, V: Variable) -> Place:
        op, source = computed_by(V), self.at[V.inputs[0]]
        if source.is_number:
            return Place(source.name, V.shape, (Size({}),) * V.ndim, is_number=True)
        if isinstance(op, Transpose):
            return source.transposed(op.axes)
        if isinstance(op, ExpandDims):
            return source.with_axes(op.axes)
        if isinstance(op, Squeeze):
            return source.without_axes(op.axes)
        if isinstance(op, Reshape):
            return source.reshaped(V.shape)
        if isinstance(op, BroadcastLike | BroadcastTo):
            return source.repeated(V.shape)
        if isinstance(op, Index):
            return source.indexed(op._items(V.inputs[0]), V.shape)
        return source

    # --- Entries -----------------------------------------------------------------------------

    def entry(self, U: Variable, index: Sequence[str]) -> str:
        """Write the entry of ``U`` at an index: from memory, or by the formula that gives it."""
        if U in self.fusion.fused:
            arguments = [self.entry(W, within(W.shape, index)) for W in U.inputs]
            return self.used(entry(U, arguments))
        return self.at[U].at(within(U.shape, index))

    def flat_entry(self, U: Variable, i: str) -> str:
        """Write entry ``i``, counted through in order."""
        if U in self.fusion.fused:
            return self.used(entry(U, [self.flat_entry(W, i) for W in U.inputs]))
        place = self.at[U]
        return place.name if place.is_number else f"{place.name}[{i}]"

    def is_flat(self, V: Variable, shape: Shape) -> bool:
        """Return whether all that the formula of ``V`` reads lies in the order of ``shape``."""
        for U in read_by(V):
            if U in self.fusion.fused:
                if U.shape != shape or not self.is_flat(U, shape):
                    return False
            elif not (self.at[U].is_number or (U.shape == shape and self.at[U].is_flat())):
                return False
        return True

    def is_flat_result(self, A: Variable) -> bool:
        """Return whether the entries of ``A`` can be read one behind the other, in order."""
        if A in self.fusion.fused:
            return self.is_flat(A, A.shape)
        return self.at[A].is_number or self.at[A].is_flat()

    def _write_entries(self, V: Variable, out: Place) -> None:
        if self.is_flat(V, V.shape):
            with self.loop(str(product(sizes_of(V.shape)))) as i:
                arguments = [self.flat_entry(U, i) for U in V.inputs]
                self.line(f"{out.name}[{i}] = {bare(self.used(entry(V, arguments, True)))};")
            return
        with self.loops(V.shape) as index:
            arguments = [self.entry(U, within(U.shape, index)) for U in V.inputs]
            self.line(f"{out.at(index)} = {bare(self.used(entry(V, arguments, True)))};")

    def used(self, code: str) -> str:
        """Note which helpers a piece of code calls."""
        self.help(*(name for name in re.findall(r"(\w+)\(", code) if name in HELPERS))
        return code

    def help(self, *names: str) -> None:
        """Note that helpers are called."""
        self.helpers.update(dict.fromkeys(names))

    # --- Lines -------------------------------------------------------------------------------

    def line(self, code: str) -> None:
        self.lines.append("  " * self.depth + code)

    def refuse(self, condition: str, message: str) -> None:
        """Write that the program stops where a condition holds."""
        self.line(f"if ({condition}) throw new RangeError({message!r});")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(f"{head} {{")
        self.depth += 1
        yield
        self.depth -= 1
        self.line("}")

    @contextmanager
    def loop(self, end: str, start: str = "0", step: str = "{}++", more: str = "") -> Iterator[str]:
        """Write a loop over an index, whose name it gives and ``step`` takes."""
        i = INDICES[self.loops_open]
        self.loops_open += 1
        with self.block(f"for (let {i} = {start}{more}; {i} < {end}; {step.format(i)})"):
            yield i
        self.loops_open -= 1

    @contextmanager
    def loops(self, shape: Shape, axes: Sequence[int] | None = None) -> Iterator[list[str]]:
        """Write loops over some axes of a shape; give the index, 0 where there is no loop."""
        index = ["0"] * len(shape)
        axes = range(len(shape)) if axes is None else axes
        axes = [axis for axis in axes if shape[axis] != 1]
        with ExitStack() as open_loops:
            for axis in axes:
                index[axis] = open_loops.enter_context(self.loop(str(sizes_of(shape)[axis])))
            yield index

    def assign(self, V: Variable, out: Place, index: Sequence[str], code: str) -> None:
        """Write that an entry of a result, or the number that it is, gets a value."""
        if out.is_number:
            code = f"Math.fround({code})" if str(V.dtype) == "float32" else code
            self.line(f"const {out.name} = {code};")
        else:
            self.line(f"{out.at(index)} = {code};")

    def copy(self, source: Place, out: Place) -> None:
        with self.loops(source.shape) as index:
            self.line(f"{out.at(index)} = {source.at(index)};")

    def _result(self, V: Variable, place: int) -> str:
        """Return how the caller gets an output: in memory that is its own until the next call."""
        at = self.at[V]
        if V.ndim == 0:
            return at.at(())
        root = self.fusion.root_of(V)
        again = any(self.fusion.root_of(U) is root for U in self.outputs[:place])
        if root in self.buffer and at.is_flat() and self._kind(V) == self._kind(root) and not again:
            return at.name
        name = self.names.new("result", numbered=True)
        self.setup.append(f"const {name} = new {ARRAYS[str(V.dtype)]}({self._kind(V)[0]});")
        self.line(f"// {name} {_shape_text(V.shape)}")
        self.copy(at, Place(name, V.shape, c_order(V.shape)))
        return name


def within(shape: Shape, index: Sequence[str]) -> list[str]:
    """Return the index of what is repeated to the shape that the index is for."""
    own = index[len(index) - len(shape) :]
    return ["0" if size == 1 else i for size, i in zip(shape, own, strict=True)]


def _shape_text(shape: Shape) -> str:
    return shape_text(shape).replace("None", "m")
