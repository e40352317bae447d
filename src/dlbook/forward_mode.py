"""Section 6.5.9: forward mode, which carries derivatives along with the computation.

Back-propagation asks how one output depends on everything; :func:`jvp` asks how everything depends
on one direction in which the inputs move. It goes through the graph once, from the inputs on, and
keeps nothing for a way back; but it must be done again for each direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dlbook.checks import shape_text
from dlbook.graph import Graph, Variable
from dlbook.operations import NotDifferentiable, astype
from dlbook.operations.base import Operation, Undefined, as_variables, check_floats, distinct
from dlbook.operations.flow import StopGradient
from dlbook.operations.shapes import broadcast_like, zeros_like


def jvp(outputs: Variable | Iterable[Variable], tangents: Mapping[Variable, Any]):
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
        If an output or what moves does not hold floats, or the derivative is not defined.
    """
    ends = [outputs] if isinstance(outputs, Variable) else list(outputs)
    check_floats("jvp", *ends, *tangents)
    table = {V: _direction(V, T) for V, T in tangents.items()}
    for V in Graph(ends):
        if V not in table:
            table[V] = _tangent(V, [table[U] for U in V.inputs])
    results = [_defined(table[V], V) for V in ends]
    return results[0] if isinstance(outputs, Variable) else results


def _direction(V: Variable, T: Any) -> Variable:
    (T,) = as_variables("jvp", T)
    if T.shape != V.shape:
        raise ValueError(
            f"jvp: the direction for '{V.name}' must have its shape {shape_text(V.shape)}, got "
            f"{shape_text(T.shape)}"
        )
    return T if T.dtype == V.dtype else astype(T, V.dtype)


class Blocked(Undefined):
    """Stands for a derivative that would have to pass through an integer or a bool."""

    def __str__(self) -> str:
        V = self.variable
        return (
            f"no derivative passes through '{V.name}' {shape_text(V.shape)}, an input of "
            f"{self.operation.name}, because it is {V.dtype}"
        )


def _tangent(V: Variable, tangents: list) -> Variable | Undefined | None:
    """Return the tangent of ``V``, given those of its inputs.

    As on the way back, what is undefined yields to what is not: in ``where(x > 0, x, -x)`` the
    condition only chooses. What is blocked does not yield.
    """
    op, inputs = V.operation, distinct(V.inputs)
    known, unclear = [None] * len(inputs), None
    for place, (U, T) in enumerate(zip(V.inputs, tangents, strict=True)):
        if T is None or isinstance(op, StopGradient) or place in op.shape_only:
            continue
        if place in op.choosers or (V.dtype.kind != "f" and isinstance(T, Variable)):
            unclear = unclear or Undefined(op, U)
        elif isinstance(T, Variable):
            known[place] = T
        elif V.dtype.kind != "f" or _depends(op, inputs, place):
            T = T if U.dtype.kind == "f" else Blocked(op, U)
            unclear = T if isinstance(T, Blocked) else unclear or T
    moved = any(T is not None for T in known) and not isinstance(unclear, Blocked)
    T = op.jvp(inputs, known) if moved else None
    if T is None:
        return unclear
    T = T if T.dtype == V.dtype else astype(T, V.dtype)
    return T if T.shape == V.shape else broadcast_like(T, V)


def _depends(op: Operation, inputs: list[Variable], place: int) -> bool:
    """Return whether the derivative with respect to this input is more than a zero."""
    tangents = [zeros_like(U) if i == place else None for i, U in enumerate(inputs)]
    return op.jvp(inputs, tangents) is not None


def _defined(T: Variable | Undefined | None, V: Variable) -> Variable:
    if isinstance(T, Undefined):
        raise NotDifferentiable(f"jvp: the derivative of '{V.name}' is not defined: {T}")
    return zeros_like(V) if T is None else T
