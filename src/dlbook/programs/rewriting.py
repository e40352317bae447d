"""Section 6.5.9: going through a graph once, and letting rules rebuild it.

Equal operations on equal inputs become one node on the way. What a node becomes is up to a
function that is given: :mod:`dlbook.programs.simplify` and :mod:`dlbook.programs.lowering` have one
each, and a table of rules behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dlbook.graph import Variable, has_name, needed
from dlbook.operations.base import Constant, Operation, value_of
from dlbook.operations.shapes import BroadcastLike, BroadcastTo, Rearrangement

Rule = Callable[..., Variable | None]
Find = Callable[..., Variable | None]  # from an operation and inputs to what computed it before


def rule_in(table: dict[type[Operation], list[Rule]]) -> Callable[..., Callable[[Rule], Rule]]:
    """Make the decorator that enters a function in a table, under kinds of operations."""

    def rule(*kinds: type[Operation]) -> Callable[[Rule], Rule]:
        def enter(function: Rule) -> Rule:
            for kind in kinds:
                table[kind].append(function)
            return function

        return enter

    return rule


def rewrite(
    outputs: Iterable[Variable],
    inputs: Iterable[Variable],
    better: Callable[[Variable, Find], Variable | None],
) -> list[Variable]:
    """Rebuild a graph: ``better`` is asked at each node and at what it gives, until it has no more.

    ``inputs`` are left as they are. ``better(V, find)`` returns what can stand for ``V``, or
    ``None``; ``find(operation, *inputs)`` says what that operation has computed already.
    """
    outputs, inputs = list(outputs), list(inputs)
    # A variable in the middle that will be given must be opaque: no rule may look behind it.
    masks = {V: Variable(V.name, V.shape, V.dtype) if V.operation else V for V in inputs}
    rewriter = _Rewriter(masks, better)
    for V in needed(outputs, inputs):
        rewriter.enter(V)
    given = {mask: V for V, mask in masks.items() if mask is not V}
    for V in rewriter.nodes.values() if given else ():
        V.inputs = tuple(given.get(U, U) for U in V.inputs)
    results = [rewriter.new.get(V, V) for V in outputs]
    return [given.get(V, V) for V in results]


class _Rewriter:
    """Builds the new graph, node by node."""

    def __init__(
        self,
        masks: dict[Variable, Variable],
        better: Callable[[Variable, Find], Variable | None],
    ):
        self.better = better
        # From old nodes to new ones, and from new ones to themselves.
        self.new: dict[Variable, Variable] = masks | {mask: mask for mask in masks.values()}
        self.nodes: dict[tuple[Any, ...], Variable] = {}  # from operation and inputs
        # Equal operations are found once, and told by their address then: to compare them at each
        # node takes a quarter of the time. They are kept, so that no address is used again.
        self.operations: dict[Operation, int] = {}
        self.addresses: dict[int, tuple[Operation, int]] = {}

    def enter(self, V: Variable) -> Variable:
        """Return the new variable for ``V``, whose inputs were entered before."""
        result = self.new.get(V)
        if result is not None:
            return result
        op = V.operation
        if op is None:
            result = V
        else:
            # Made anew even if nothing changes: the order of the nodes is the order of a program.
            inputs = tuple([self.new[U] for U in V.inputs])
            key = (self._number(op), *inputs)
            result = self.nodes.get(key)
            if result is None:
                node = Variable(V.name, V.shape, V.dtype, op, inputs)
                better = self.better(node, self.find)
                result = self.nodes[key] = node if better is None else self._enter_all(better)
            if V.name != op.name and result.operation and inputs:
                _keep_name(result, V.name)
        self.new[V] = self.new[result] = result
        return result

    def _number(self, operation: Operation) -> int:
        """Return a number that equal operations share."""
        known = self.addresses.get(id(operation))
        if known is None:
            number = self.operations.setdefault(operation, len(self.operations))
            known = self.addresses[id(operation)] = (operation, number)
        return known[1]

    def find(self, operation: Operation, *inputs: Variable) -> Variable | None:
        """Return what was computed by this operation before, if it was."""
        return self.nodes.get((self._number(operation), *inputs))

    def _enter_all(self, V: Variable) -> Variable:
        """Enter what a rule has built, down to what is there already."""
        for U in V.inputs:
            if U not in self.new:
                self._enter_all(U)  # a rule builds a few nodes; this goes no deeper
        return self.enter(V)


def _keep_name(V: Variable, name: str) -> None:
    """Let a new node have the name that was given to an old one."""
    if not has_name(V):
        V.name = name


# --- What rules look for -----------------------------------------------------------------------


def is_a(V: Variable, *kinds: type[Operation]) -> bool:
    return isinstance(V.operation, kinds)


def number(V: Variable) -> float | None:
    """Return the number that every entry of ``V`` is, if that is known."""
    while is_a(V, BroadcastLike, BroadcastTo, Rearrangement):
        V = V.inputs[0]
    return value_of(V).item() if is_a(V, Constant) and value_of(V).size == 1 else None


def like(V: Variable, *others: Variable) -> Variable | None:
    """Return the first of the others, if it can stand for ``V``."""
    return others[0] if (others[0].shape, others[0].dtype) == (V.shape, V.dtype) else None


def first_that_fits(V: Variable, rules: Iterable[Rule], *further: Find) -> Variable | None:
    """Return the first that a rule makes of ``V`` and that can stand for it."""
    for rule in rules:
        U = rule(V, *further)
        if U is not None and like(V, U) is not None:
            return U
    return None
