"""Section 6.5.6: back-propagation, as Algorithms 6.5 and 6.6.

Look at :func:`build_grad` beside the book's page: it is Algorithm 6.6 line by line.
:func:`backprop` is Algorithm 6.5. Both build a graph; neither ever sees a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dlbook.checks import shape_text
from dlbook.graph import Graph, Variable, get_consumers, get_inputs, get_operation
from dlbook.operations import NotDifferentiable, astype, broadcast_like, constant
from dlbook.operations.base import Occurrence, Operation

GradTable = dict[Variable, Variable | None]


def backprop(targets: Iterable[Variable], z: Variable) -> dict[Variable, Variable]:
    """Build the gradient of the scalar ``z`` with respect to each target (Algorithm 6.5).

    Parameters
    ----------
    targets : list of Variable
        The set T: variables of any shape, ancestors of ``z``, with a float dtype.
    z : Variable
        What to differentiate; shape ``()``.

    Returns
    -------
    dict of Variable to Variable
        For each target its gradient: a variable of the same shape, part of a graph like any
        other, which can be evaluated, drawn or differentiated again.

    Raises
    ------
    TypeError
        If something else than variables is given.
    ValueError
        If ``z`` is no scalar, or a target is not an ancestor of it.
    NotDifferentiable
        If ``z`` or a target does not hold floats, or a path from ``z`` to it leads through
        something that does not.
    """
    targets = [targets] if isinstance(targets, Variable) else list(targets)
    for V in [z, *targets]:
        if not isinstance(V, Variable):
            raise TypeError(f"backprop: z and the targets must be variables, got {V!r}")
    G = Graph([z])
    _check(targets, z, G)
    G_prime = G.pruned(targets, z)
    grad_table = {z: constant(1, name="1", dtype=z.dtype)}
    # The book calls build_grad for the targets alone and lets it recurse. Going through G' from z
    # backwards makes the same calls, but finds every consumer's gradient in the table already:
    # no recursion, however deep the graph.
    for V in reversed(G_prime):
        build_grad(V, G, G_prime, grad_table)
    return {V: _or_zeros(grad_table[V], V) for V in targets}


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
    terms = []
    for C in get_consumers(V, G_prime):
        op = get_operation(C)
        D = build_grad(C, G, G_prime, grad_table)
        if D is None:  # known to be zero: nothing to compute
            continue
        for inputs, X in occurrences(V, get_inputs(C, G_prime)):  # once for each place of V
            terms.append(_checked(op.bprop(inputs, X, D), op, V))
    gradient = total(terms, V)
    grad_table[V] = gradient
    if gradient is not None:
        G.insert(gradient)
    return gradient


def occurrences(V: Variable, inputs: list[Variable]) -> Iterator[tuple[list[Variable], Variable]]:
    """Yield the inputs once for each place of ``V`` among them, with the variable in that place.

    In ``x * x`` the operation must treat its two inputs as distinct, so each place in turn is
    taken by a stand-in for ``x``.
    """
    places = [i for i, U in enumerate(inputs) if U is V]
    for i in places:
        X = V if len(places) == 1 else Occurrence(V)
        yield [*inputs[:i], X, *inputs[i + 1 :]], X


def total(terms: list[Variable | None], V: Variable) -> Variable | None:
    """Sum the gradients that reach ``V`` over its consumers; ``None`` if there are none."""
    terms = [term for term in terms if term is not None]
    if not terms:
        return None
    gradient = terms[0]
    for term in terms[1:]:
        gradient = gradient + term
    return gradient if gradient.dtype == V.dtype else astype(gradient, V.dtype)


def _checked(term: Variable | None, op: Operation, V: Variable) -> Variable | None:
    """Return what ``op.bprop`` gave for ``V``, if it can be a gradient."""
    if term is None:
        return None
    if V.dtype.kind != "f":
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


def _or_zeros(gradient: Variable | None, V: Variable) -> Variable:
    return broadcast_like(constant(0, dtype=V.dtype), V) if gradient is None else gradient


def _check(targets: list[Variable], z: Variable, G: Graph) -> None:
    if z.shape != ():
        raise ValueError(
            f"backprop: the gradient is that of a scalar, but '{z.name}' has the shape "
            f"{shape_text(z.shape)}; reduce it with a sum or a mean"
        )
    for V in [z, *targets]:
        if V not in G:
            raise ValueError(f"backprop: '{V.name}' is not an ancestor of '{z.name}'")
        if V.dtype.kind != "f":
            raise NotDifferentiable(f"backprop: '{V.name}' is {V.dtype}; a gradient needs floats")
