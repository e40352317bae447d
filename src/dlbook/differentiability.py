"""Sections 6.3 and 6.5.8: what counts as the derivative where calculus gives none.

Both modes ask here, and the answer is one policy:

*Constant between jumps.* Comparisons, ``argmax``, ``sign``, ``heaviside``, and whatever holds
integers or bools change by jumps alone. Between the jumps, which is almost everywhere, such a
function is constant, so its derivative is 0; and 0 is what it counts for at the jumps, too.
:func:`varies` says of a variable whether it is more than that.

*Single points.* Where only single points have no derivative, the rectifier at 0, say, the rule of
the operation gives one of the slopes that lie around.

*Undefined.* An integer cannot be moved a little, so nothing can be differentiated with respect to
it; and an operation may have no rule at all. Asking for either raises
``NotDifferentiable``.

The price of the policy: a cost that feels its parameters through jumps alone has the gradient 0,
as the error rate of a classifier does. That is true, and useless for training; so
:func:`check_slope` reports it before the first step.
"""

from __future__ import annotations

from collections.abc import Iterable

from dlbook.graph import Graph, Variable


def varies(V: Variable) -> bool:
    """Return whether a small change of its inputs can change ``V`` a little: not by jumps alone."""
    return V.dtype.kind == "f" and not (V.operation and V.operation.flat)


def check_slope(where: str, J: Variable, parameters: Iterable[Variable]) -> None:
    """Raise a ValueError if the cost ``J`` feels the parameters through jumps alone."""
    G, moved = Graph(J), set(parameters)
    names = ", ".join(V.name for V in sorted(moved, key=lambda V: V.number))
    for V in G:
        if varies(V) and any(U in moved for U in V.inputs):
            moved.add(V)
    if not names or J in moved:
        return
    stopped = [V for V in G if V not in moved and any(U in moved for U in V.inputs)]
    jumps = {V.operation.name for V in stopped if V.operation}
    raise ValueError(
        f"{where}: the gradient of '{J.name}' is 0 wherever there is one, because with {names} it "
        f"changes by jumps alone, through {', '.join(sorted(jumps))}; take a cost with a slope, "
        f"such as cross_entropy or a squared error"
    )
