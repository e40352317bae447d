"""Section 6.5.6: back-propagation, as Algorithms 6.5 and 6.6.

Look at :func:`build_grad` beside the book's page: it is Algorithm 6.6 line by line.
:func:`backprop` is Algorithm 6.5. Both build a graph; neither ever sees a number.
"""

from __future__ import annotations

from collections.abc import Iterable

from dlbook.checkpoints import Kept
from dlbook.checks import shape_text
from dlbook.graph import Graph, Variable, get_consumers, get_inputs, get_operation
from dlbook.operations import NotDifferentiable, astype, constant
from dlbook.operations.base import Operation, Undefined, check_floats, distinct
from dlbook.operations.flow import StopGradient
from dlbook.operations.shapes import zeros_like

GradTable = dict[Variable, Variable | Undefined | None]


def backprop(
    targets: Iterable[Variable], z: Variable, checkpoints: Iterable[Variable] | None = None
) -> dict[Variable, Variable]:
    """Build the gradient of the scalar ``z`` with respect to each target (Algorithm 6.5).

    Parameters
    ----------
    targets : list of Variable
        The set T: variables of any shape, ancestors of ``z``, with a float dtype.
    z : Variable
        What to differentiate; shape ``()``.
    checkpoints : list of Variable, optional
        If given, only these and the inputs of the graph are kept for the way back; all else is
        computed again from them, so that it need not stay in memory (Section 6.5.3).

    Returns
    -------
    dict of Variable to Variable
        For each target its gradient: a variable of the same shape, part of a graph like any
        other, which can be evaluated, drawn or differentiated again.

    Raises
    ------
    TypeError, ValueError
        If ``z`` is no scalar, or a target or a checkpoint is no variable that it depends on.
    NotDifferentiable
        If ``z`` or a target does not hold floats, or the gradient is not defined: a path leads
        through an integer, or all paths through a comparison or an index.
    """
    targets = [targets] if isinstance(targets, Variable) else list(targets)
    check_floats("backprop", z, *targets)
    if z.shape != ():
        raise ValueError(
            f"backprop: the gradient is that of a scalar, but '{z.name}' has the shape "
            f"{shape_text(z.shape)}; reduce it with a sum or a mean"
        )
    G = Graph([z])
    for V in targets:
        if V not in G:
            raise ValueError(f"backprop: '{V.name}' is not an ancestor of '{z.name}'")
    G_prime = G.pruned(targets, z)
    kept = None if checkpoints is None else Kept(checkpoints, targets, z, G)
    grad_table = {z: constant(1, name="1", dtype=z.dtype)}
    # The book calls build_grad for the targets alone and lets it recurse. Going through G' from z
    # backwards makes the same calls, but finds every consumer's gradient in the table already:
    # no recursion, however deep the graph.
    for V in reversed(G_prime):
        build_grad(V, G, G_prime, grad_table, kept)
    return {V: _defined(grad_table[V], V) for V in targets}


def build_grad(
    V: Variable, G: Graph, G_prime: Graph, grad_table: GradTable, kept: Kept | None = None
) -> Variable | Undefined | None:
    """Build the gradient with respect to ``V``, enter it in the table, return it (Algorithm 6.6).

    Parameters
    ----------
    V : Variable
        A node of ``G_prime``.
    G : Graph
        The graph to modify: the gradient and the operations creating it are inserted.
    G_prime : Graph
        ``G`` without the nodes that do not take part in the gradient.
    grad_table : dict of Variable to Variable
        From nodes to their gradients, ``None`` for zero; filled in as a side effect.
    kept : Kept, optional
        What to compute again, and from what, where :func:`backprop` was given checkpoints.
    """
    if V in grad_table:
        return grad_table[V]
    gradient = None
    for C in get_consumers(V, G_prime):
        op = get_operation(C)
        D = build_grad(C, G, G_prime, grad_table, kept)
        if D is None:  # known to be zero: nothing to compute
            continue
        # Equal inputs count as distinct: in x * x each place of x has a gradient of its own.
        originals = get_inputs(C, G_prime)
        inputs = distinct(originals) if kept is None else kept.inputs(originals)
        for place, U in enumerate(originals):
            if U is V:
                term = _term(op, place, inputs, D, V)
                gradient = _sum(gradient, term)  # into one buffer, as soon as it is there
    if isinstance(gradient, Variable):
        gradient = gradient if gradient.dtype == V.dtype else astype(gradient, V.dtype)
        G.insert(gradient)
    grad_table[V] = gradient
    return gradient


def _term(op: Operation, place: int, inputs: list[Variable], D, V: Variable):
    """Return the part of the gradient that reaches ``V`` in one place among the inputs of op."""
    if isinstance(D, Undefined):
        return None if isinstance(op, StopGradient) or place in op.shape_only else D
    if place in op.choosers:
        return Undefined(op, V)
    term = op.bprop(inputs, inputs[place], D)
    if term is None:
        return None
    if V.dtype.kind != "f":
        if isinstance(V.operation, StopGradient):
            return None
        raise NotDifferentiable(
            f"backprop: no gradient passes through '{V.name}' {shape_text(V.shape)}, an input of "
            f"{op.name}, because it is {V.dtype}"
        )
    if term.shape != V.shape:
        raise ValueError(
            f"backprop: the bprop of {op.name} gave a gradient of shape {shape_text(term.shape)} "
            f"for '{V.name}' of shape {shape_text(V.shape)}"
        )
    return term


def _sum(a, b):
    """Add two terms. Zero adds nothing; what is undefined yields to what is not."""
    if isinstance(a, Variable) and isinstance(b, Variable):
        return a + b
    return b if a is None or isinstance(b, Variable) else a


def _defined(gradient: Variable | Undefined | None, V: Variable) -> Variable:
    """Return the gradient with respect to the target ``V``, zeros if it is zero."""
    if isinstance(gradient, Undefined):
        raise NotDifferentiable(f"backprop: the gradient on '{V.name}' is not defined: {gradient}")
    return zeros_like(V) if gradient is None else gradient
