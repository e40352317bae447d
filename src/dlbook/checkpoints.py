"""Section 6.5.3: computing again instead of keeping, so that a deep graph needs less memory.

Back-propagation needs the values of the way forward. Either they are all kept, as in Equation
6.52, or they are computed again, as in Equation 6.53. With checkpoints at every sqrt(n)-th of n
nodes it is a bit of both: about 2 sqrt(n) values are in memory at once, and each is computed at
most twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy

from dlbook.graph import Graph, Variable
from dlbook.operations.base import Constant, apply
from dlbook.operations.flow import Recompute


class Recomputing(Graph):
    """A graph for the way back, in which the inputs of an operation are computed again.

    Parameters
    ----------
    z : Variable
        What is differentiated; the graph is its own.
    checkpoints : iterable of Variable
        What is kept for the way back; all else is computed again from it.
    targets : list of Variable
        They are kept, too: the gradient is a function of them.

    Raises
    ------
    TypeError
        If a checkpoint is no variable.
    ValueError
        If one is not an ancestor of ``z``.
    """

    def __init__(self, z: Variable, checkpoints: Iterable[Variable], targets: Iterable[Variable]):
        super().__init__(z)
        kept = list(checkpoints)
        for V in kept:
            if not isinstance(V, Variable):
                raise TypeError(f"backprop: the checkpoints must be variables, got {V!r}")
            if V not in self:
                raise ValueError(
                    f"backprop: the checkpoint '{V.name}' is not an ancestor of '{z.name}'"
                )
        self.checkpoints = {*kept, *targets}
        self.again: dict[Variable, Variable] = {}

    def pruned(
        self,
        targets: Iterable[Variable],
        z: Variable | Iterable[Variable],
        through: Callable[[Variable], bool] = lambda V: True,
    ) -> Graph:
        """Return G' as :meth:`Graph.pruned` does; it computes again what this graph does."""
        G_prime = copy(self)
        G_prime._consumers = super().pruned(targets, z, through)._consumers
        return G_prime

    def inputs_of(self, V: Variable) -> list[Variable]:
        """Return the inputs of the operation that computes ``V``, computed again."""
        return [self.recomputed(U) for U in V.inputs]

    def recomputed(self, V: Variable) -> Variable:
        """Return ``V`` itself as it was kept, or computed again, each once.

        The nodes of the new computation are made when the way back comes to them. As a program
        runs in the order in which nodes were made, they exist in memory only from then on.
        """
        open_ends = [V]
        while open_ends:  # a loop, not a recursion: between checkpoints there may be many
            U = open_ends[-1]
            missing = [A for A in U.inputs if A not in self.again]
            if U in self.again:
                open_ends.pop()
            elif isinstance(U.operation, Constant):
                self.again[open_ends.pop()] = U
            elif U in self.checkpoints or U.operation is None:
                self.again[open_ends.pop()] = Recompute()(U).named(U.name)
            elif missing:
                open_ends.extend(missing)
            else:
                inputs = [self.again[A] for A in U.inputs]
                self.again[open_ends.pop()] = apply(U.operation, *inputs, name=U.name)
        return self.again[V]
