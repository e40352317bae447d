"""Section 6.5.9: forward mode, which carries derivatives along with the computation.

Back-propagation asks how one output depends on everything; :func:`jvp` asks how everything depends
on one direction in which the inputs move. It goes through the graph once, from the inputs on, and
keeps nothing for a way back; but it must be done again for each direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import overload

from dlbook.checks import shape_text
from dlbook.differentiability import varies
from dlbook.graph import Graph, Variable, variables_of
from dlbook.operations import astype
from dlbook.operations.base import as_variables, check_floats, computed_by, distinct
from dlbook.operations.shapes import broadcast_like, zeros_like
from dlbook.operators import Operand


@overload
def jvp(outputs: Variable, tangents: Mapping[Variable, Operand]) -> Variable: ...
@overload
def jvp(outputs: Iterable[Variable], tangents: Mapping[Variable, Operand]) -> list[Variable]: ...
def jvp(
    outputs: Variable | Iterable[Variable], tangents: Mapping[Variable, Operand]
) -> Variable | list[Variable]:
    """Build how the outputs change when the inputs move: the Jacobian-vector product.

    Parameters
    ----------
    outputs : Variable or list of Variable
        Of any shape, with a float dtype.
    tangents : dict of Variable to Variable, array or number
        For each variable that moves its direction, of the same shape. A direction may itself
        depend on the graph.

    Returns
    -------
    Variable or list of Variable
        For each output the directional derivative, a variable of the same shape.

    Raises
    ------
    TypeError
        If something else than variables is given.
    ValueError
        If a direction has another shape than its variable.
    NotDifferentiable
        If an output or what moves does not hold floats, or an operation on the way has no rule.
        What changes by jumps alone has the derivative 0: see :mod:`dlbook.differentiability`.
    """
    if not isinstance(tangents, Mapping):
        raise TypeError(
            f"jvp: the tangents must be a dict from each variable that moves to its direction, got "
            f"a {type(tangents).__name__}"
        )
    ends = variables_of("jvp", "outputs", outputs)
    check_floats("jvp", *ends, *tangents)
    table: dict[Variable, Variable | None]  # None stands for zero
    table = {V: _direction(V, T) for V, T in tangents.items()}
    for V in Graph(ends).pruned(tangents, ends, varies):
        if V not in table:
            table[V] = _tangent(V, [table.get(U) for U in V.inputs])
    results = [zeros_like(V) if T is None else T for V, T in ((V, table.get(V)) for V in ends)]
    return results[0] if isinstance(outputs, Variable) else results


def _direction(V: Variable, direction: Operand) -> Variable:
    (T,) = as_variables("jvp", direction)
    if T.shape != V.shape:
        raise ValueError(
            f"jvp: the direction for '{V.name}' must have its shape {shape_text(V.shape)}, got "
            f"{shape_text(T.shape)}"
        )
    return T if T.dtype == V.dtype else astype(T, V.dtype)


def _tangent(V: Variable, tangents: list[Variable | None]) -> Variable | None:
    """Return the tangent of ``V``, given those of its inputs; ``None`` for zero."""
    if all(T is None for T in tangents):
        return None
    op = computed_by(V)
    T = op.jvp(distinct(V.inputs), tangents)
    if T is None:
        return None
    if not isinstance(T, Variable):
        raise TypeError(
            f"jvp: the jvp of {op.name} must return a variable, or None for zero, got "
            f"{type(T).__name__}"
        )
    T = T if T.dtype == V.dtype else astype(T, V.dtype)
    return T if T.shape == V.shape else broadcast_like(T, V)
