"""Section 6.5.1: a computation as a graph of variables.

Look at :class:`Variable` first: it is a node, it holds no value, only where it comes from. What
computes one variable from others is an operation; those live one floor up, in
``dlbook.operations``. A :class:`Graph` collects variables and answers the three questions that
back-propagation asks: ``get_operation``, ``get_consumers``, ``get_inputs``.
"""

from __future__ import annotations

import gc
import itertools
import operator
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from dlbook.checks import Shape, check_dtype, check_shape, shape_text
from dlbook.operators import Operators
from dlbook.showing import lines_of, shortened

if TYPE_CHECKING:
    from dlbook.operations.base import Operation

WIDE = 100  # characters of a formula: what would make it longer is cut off
FEW = 5  # inputs of one operation that a formula spells out

# Every variable is numbered when it is made. Its inputs were made before it, so the order of the
# numbers is an order in which the graph can be computed; no graph ever has to be sorted otherwise.
_numbers = itertools.count()
in_order = operator.attrgetter("number")


class Variable(Operators):
    """A node of a graph: a tensor with a name, a shape and a dtype, and no value yet.

    Attributes
    ----------
    name : str
    shape : tuple of int or None
        ``None`` is the number of examples, which only the data will tell.
    dtype : numpy.dtype
    operation : Operation or None
        What computes it; ``None`` for an input of the graph.
    inputs : tuple of Variable
        What it is computed from, in the order in which the operation takes them.
    """

    __slots__ = ("dtype", "inputs", "name", "number", "operation", "shape")

    def __init__(
        self,
        name: str,
        shape: Shape,
        dtype: DTypeLike,
        operation: Operation | None = None,
        inputs: tuple[Variable, ...] = (),
    ):
        self.name, self.shape = name, shape
        self.dtype: np.dtype = np.dtype(dtype)
        self.operation, self.inputs = operation, inputs
        self.number = next(_numbers)

    def named(self, name: str) -> Variable:
        """Give the variable a name, for drawings and messages, and return it."""
        self.name = name
        return self

    def __str__(self) -> str:
        """The formula that computes it, as deep as fits: ``add(matmul(X, W), c)``."""
        text, depth = formula(self, 1), 1
        while True:
            depth += 1
            deeper = formula(self, depth)
            if deeper == text or len(deeper) > WIDE:
                return text
            text = deeper

    def __repr__(self) -> str:
        return f"<{described(self)}>"

    # A variable is a symbol, and a copy of a dict of parameters has the same ones for keys.
    def __copy__(self) -> Variable:
        return self

    def __deepcopy__(self, memory: Any) -> Variable:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy in another process gets a number of that process, after those of its inputs.
        own = (self.name, self.shape, self.dtype, self.operation, self.inputs)
        return (Variable, own) if _Before.are_pickled() else (_after, (_Before(self), *own))


class _Before:
    """All that a variable is computed from, on its way to another process, in order.

    Pickle follows inputs by recursion, and a graph may be deeper than that can go. So what comes
    first is pickled first, one by one, and then each variable finds its inputs there already.
    """

    _now = threading.local()

    def __init__(self, V: Variable):
        self.V = V

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, self._one_by_one()

    def _one_by_one(self) -> Iterator[Variable]:
        self._now.depth = getattr(self._now, "depth", 0) + 1
        try:
            yield from (V for V in Graph(self.V) if V is not self.V)
        finally:
            self._now.depth -= 1

    @classmethod
    def are_pickled(cls) -> bool:
        """Return whether the inputs of what is pickled just now have been, before it."""
        return getattr(cls._now, "depth", 0) > 0


def _after(before: list[Variable], *own: Any) -> Variable:
    return Variable(*own)


def has_name(V: Variable) -> bool:
    """Return whether a variable has a name of its own, and not that of its operation."""
    return V.operation is None or V.name != V.operation.name


def formula(V: Variable, depth: int) -> str:
    """Write how a variable is computed, down to what has a name, but not deeper than ``depth``."""
    if V.operation is None:
        return shortened(V.name)
    if depth == 0:
        return f"{V.operation.name}(...)"
    shown = V.inputs if len(V.inputs) <= FEW else (*V.inputs[: FEW - 2], None, V.inputs[-1])
    inputs = ["..." if U is None else called(U) or formula(U, depth - 1) for U in shown]
    return V.operation.write(*inputs)


def called(V: Variable) -> str:
    """Return what a formula calls a variable that has a name of its own; else an empty text."""
    return shortened(V.name) if has_name(V) else ""


def described(V: Variable) -> str:
    """Return a line about a variable: its name, its formula, its shape and its dtype."""
    text = str(V)
    named = f"{called(V)} = {text}" if called(V) not in ("", text) else text
    return f"{named}, shape {shape_text(V.shape)}, {V.dtype}"


def variable(name: str, shape: Iterable[int | None], dtype: DTypeLike = np.float64) -> Variable:
    """Make an input of a graph: data or a parameter.

    Parameters
    ----------
    name : str
        For messages, drawings and the compiled program.
    shape : tuple of int or None
        ``()`` for a scalar; ``None`` where the number of examples goes.
    dtype : NumPy dtype

    Raises TypeError or ValueError if the name is no text, or the shape or dtype is none.
    """
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f"variable: the name must be a text, got {name!r}")
    where = f"variable '{name}'"
    return Variable(name, check_shape(where, shape), check_dtype(where, dtype))


def variables_of(where: str, role: str, given: Variable | Iterable[Variable]) -> list[Variable]:
    """Return the variables that an argument stands for: one, or several in a list.

    Raises TypeError, in the name of a function, if there is anything else.
    """
    if isinstance(given, Variable):
        return [given]
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    found: list[Any] = list(given) if several else [given]
    for V in found:
        if not isinstance(V, Variable):
            raise TypeError(
                f"{where}: the {role} must be variables, got {shortened(repr(V), WIDE)}"
            )
    return found


class Graph:
    """The variables that ``outputs`` depend on, the outputs included.

    Parameters
    ----------
    outputs : Variable or iterable of Variable

    Iterating gives the variables in an order in which they can be computed.
    """

    def __init__(self, outputs: Variable | Iterable[Variable] = ()):
        self._consumers: dict[Variable, list[Variable]] = {}
        for V in variables_of("Graph", "outputs", outputs):
            self.insert(V)

    def insert(self, V: Variable) -> None:
        """Insert a variable and the operations creating it."""
        found, open_ends = set(), [V]
        while open_ends:  # a loop, not a recursion: graphs may be very deep
            V = open_ends.pop()
            if V not in found and V not in self:
                found.add(V)
                open_ends.extend(V.inputs)
        for V in sorted(found, key=in_order):
            self._insert_one(V)

    def _insert_one(self, V: Variable) -> None:
        self._consumers[V] = []
        for U in dict.fromkeys(V.inputs):
            if U in self:
                self._consumers[U].append(V)

    def pruned(
        self,
        targets: Iterable[Variable],
        z: Variable | Iterable[Variable],
        through: Callable[[Variable], bool] = lambda V: True,
    ) -> Graph:
        """Return G', the ancestors of ``z`` that descend from a target (Algorithm 6.5).

        Of the ancestors only those from which a path leads to ``z`` whose variables all satisfy
        ``through``.
        """
        targets, ancestors, kept = set(targets), Graph(z), Graph()
        felt, open_ends = set(), [z] if isinstance(z, Variable) else list(z)
        while open_ends:
            V = open_ends.pop()
            if V not in felt and through(V):
                felt.add(V)
                open_ends.extend(V.inputs)
        for V in self:
            descends = V in felt and any(U in kept for U in V.inputs)
            if descends or (V in targets and V in ancestors):
                kept._insert_one(V)
        return kept

    def inputs_of(self, V: Variable) -> list[Variable]:
        """Return the inputs of the operation that computes ``V``."""
        return list(V.inputs)

    def __contains__(self, V: object) -> bool:
        return V in self._consumers

    def __iter__(self) -> Iterator[Variable]:
        return iter(sorted(self._consumers, key=in_order))

    def __reversed__(self) -> Iterator[Variable]:
        return reversed(list(self))

    def __len__(self) -> int:
        return len(self._consumers)

    def __repr__(self) -> str:
        title = f"{type(self).__name__} of {len(self):,} variable{'s' * (len(self) != 1)}"
        return "\n    ".join([title, *lines_of(list(self), described)])


@contextmanager
def no_collection() -> Iterator[None]:
    """Do not look for garbage: all of a large graph is needed, and looking costs a quarter more."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def needed(
    outputs: Iterable[Variable],
    inputs: Iterable[Variable],
    sources: Callable[[Variable], Iterable[Variable]] = lambda V: V.inputs,
) -> list[Variable]:
    """Return what must be computed, in order; stop at the inputs that will be given.

    ``sources`` says what a variable needs: by default all inputs of its operation.
    """
    given, found, open_ends = set(inputs), set(), list(outputs)
    while open_ends:
        V = open_ends.pop()
        if V not in found and V not in given:
            found.add(V)
            open_ends.extend(sources(V))
    return sorted(found, key=in_order)


def get_operation(V: Variable) -> Operation | None:
    """Return the operation that computes ``V``; ``None`` for an input (Section 6.5.6).

    Raises TypeError if ``V`` is no variable.
    """
    if not isinstance(V, Variable):
        raise TypeError(f"get_operation: takes a variable, got {V!r}")
    return V.operation


def get_consumers(V: Variable, G: Graph) -> list[Variable]:
    """Return the children of ``V`` in ``G``: the variables computed from it, each once.

    Raises ValueError if ``V`` is not in the graph (Section 6.5.6).
    """
    _must_contain("get_consumers", V, G)
    return list(G._consumers[V])


def get_inputs(V: Variable, G: Graph) -> list[Variable]:
    """Return the parents of ``V``: all inputs of its operation, in order (Section 6.5.6).

    All of them, also those that pruning took out of ``G``: a rule for one input may need the
    value of another. Raises ValueError if ``V`` is not in the graph.
    """
    _must_contain("get_inputs", V, G)
    return G.inputs_of(V)


def _must_contain(function: str, V: Variable, G: Graph) -> None:
    if not isinstance(G, Graph):
        raise TypeError(f"{function}: takes a variable and a Graph, such as Graph(J), got {G!r}")
    if V not in G:
        raise ValueError(f"{function}: {V!r} is not in this graph of {len(G)} variables")
