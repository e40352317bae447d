"""Section 6.5.6: back-propagation, as Algorithms 6.5 and 6.6.

Look at :func:`build_grad` beside the book's page: it is Algorithm 6.6 line by line.
:func:`backprop` is Algorithm 6.5. Both build a graph; neither ever sees a number.
"""

from __future__ import annotations

from collections.abc import Iterable

from dlbook.checkpoints import Recomputing
from dlbook.checks import shape_text
from dlbook.differentiability import varies
from dlbook.graph import (
    Graph,
    Variable,
    get_consumers,
    get_inputs,
    get_operation,
    has_name,
    no_collection,
    variables_of,
)
from dlbook.operations import astype, constant
from dlbook.operations.base import Operation, check_floats, distinct
from dlbook.operations.branches import add
from dlbook.operations.shapes import zeros_like

GradTable = dict[Variable, Variable | None]  # None stands for zero: nothing to compute


@no_collection()
def backprop(
    targets: Variable | Iterable[Variable],
    z: Variable,
    checkpoints: Iterable[Variable] | None = None,
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
        other, which can be evaluated, drawn or differentiated again. That of ``W`` is called
        ``grad_W``, unless it is that of another variable, too, and called after that one.

    Raises
    ------
    TypeError, ValueError
        If ``z`` is no scalar, or a target or a checkpoint is no variable that it depends on.
    NotDifferentiable
        If ``z`` or a target does not hold floats, or an operation on the way has no rule. What
        changes by jumps alone has the gradient 0: see :mod:`dlbook.differentiability`.
    """
    targets = variables_of("backprop", "targets", targets)
    check_floats("backprop", z, *targets)
    if z.shape != ():
        raise ValueError(
            f"backprop: the gradient is that of a scalar, but '{z.name}' has the shape "
            f"{shape_text(z.shape)}; reduce it with a sum or a mean"
        )
    G = Graph(z) if checkpoints is None else Recomputing(z, checkpoints, targets)
    for V in targets:
        if V not in G:
            alike = any(U.name == V.name for U in G)
            hint = f"; another variable named '{V.name}' is" if alike else ""
            raise ValueError(f"backprop: '{V.name}' is not an ancestor of '{z.name}'{hint}")
    G_prime = G.pruned(targets, z, varies)
    grad_table: GradTable = {z: constant(1, name="1", dtype=z.dtype)}
    # The book calls build_grad for the targets alone and lets it recurse. Going through G' from z
    # backwards makes the same calls, but finds every consumer's gradient in the table already:
    # no recursion, however deep the graph.
    for V in reversed(G_prime):
        build_grad(V, G, G_prime, grad_table)
    gradients = {}
    for V in targets:
        gradient = grad_table[V]
        gradients[V] = named(zeros_like(V), V, grad_table) if gradient is None else gradient
    return gradients


def build_grad(V: Variable, G: Graph, G_prime: Graph, grad_table: GradTable) -> Variable | None:
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
    """
    if V in grad_table:
        return grad_table[V]
    gradient = None
    for C in get_consumers(V, G_prime):
        op = get_operation(C)
        D = build_grad(C, G, G_prime, grad_table)
        if D is None:
            continue
        inputs = distinct(get_inputs(C, G_prime))
        for place in places(V, C):  # two for x in x * x: equal inputs count as distinct
            gradient = added(gradient, bprop(op, inputs, inputs[place], D))
    if gradient is not None:
        gradient = named(fitted(gradient, V), V, grad_table)
        G.insert(gradient)
    grad_table[V] = gradient
    return gradient


def places(V: Variable, C: Variable) -> list[int]:
    """Return at which places among the inputs of ``C`` the variable ``V`` stands."""
    return [place for place, U in enumerate(C.inputs) if U is V]


def bprop(
    op: Operation | None, inputs: list[Variable], X: Variable, D: Variable
) -> Variable | None:
    """Call the rule of ``op`` (Equation 6.54), and check the shape of what it gives."""
    assert op is not None  # it has computed something from X
    term = op.bprop(inputs, X, D)
    if term is not None and not isinstance(term, Variable):
        raise TypeError(
            f"backprop: the bprop of {op.name} must return a variable, or None for zero, got "
            f"{type(term).__name__}; it is asked for one input X at a time"
        )
    if term is not None and term.shape != X.shape:
        raise ValueError(
            f"backprop: the bprop of {op.name} gave a gradient of shape {shape_text(term.shape)} "
            f"for '{X.name}' of shape {shape_text(X.shape)}"
        )
    return term


def added(gradient: Variable | None, term: Variable | None) -> Variable | None:
    """Add a term as soon as it is there, so that all of them need one buffer (Section 6.5.8)."""
    return term if gradient is None else gradient if term is None else add(gradient, term)


def fitted(gradient: Variable, V: Variable) -> Variable:
    """Return the gradient in the dtype of ``V``."""
    return gradient if gradient.dtype == V.dtype else astype(gradient, V.dtype)


def named(gradient: Variable, V: Variable, grad_table: GradTable) -> Variable:
    """Return the gradient, called ``grad_V`` if ``V`` has a name and the gradient has none yet."""
    z, one = next(iter(grad_table.items()))
    assert one is not None  # the derivative of z by itself
    new = gradient.number > max(z.number, one.number)  # what is older belongs to somebody else
    if new and has_name(V) and not has_name(gradient):
        gradient.name = f"grad_{V.name}"
    return gradient
