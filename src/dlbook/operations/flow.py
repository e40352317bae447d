"""Operations that pass values on as they are, and tell back-propagation or a program something."""

from __future__ import annotations

from dlbook.graph import Variable
from dlbook.operations.base import Operation, Tangent
from dlbook.operators import Operand


class Identity(Operation):
    """The same values, as a variable of its own."""

    name, view = "identity", True

    def infer_shape(self, A):
        return A.shape

    def f(self, A):
        return A

    def bprop(self, inputs: list[Variable], X: Variable, G: Variable) -> Variable | None:
        return G

    def jvp(self, inputs: list[Variable], tangents: list[Tangent]) -> Variable | None:
        return tangents[0]

    def code(self, V, arguments, out, setup):
        return arguments[0]


class StopGradient(Identity):
    """The same values, counted as constant by every derivative."""

    name, flat = "stop_gradient", True
    bprop, jvp = Operation.bprop, Operation.jvp


class Recompute(Identity):
    """The same values, from which a program computes everything anew (see ``checkpoints``).

    No two of these are equal. So what is computed from one is not taken for what was computed
    before from the same values, and need not be kept until then.
    """

    name = "recompute"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def stop_gradient(A: Operand) -> Variable:
    """Return ``A`` as something that counts as constant: no gradient passes."""
    return StopGradient()(A)


__all__ = ["stop_gradient"]
