"""Section 6.5.8: what a branch that is off contributes to a gradient: nothing.

A branch is off for an entry that ``where`` does not take, that a rectifier sets to 0, or that an
index leaves out. The gradient that comes back to it is 0. If a slope further down the branch is
infinite, the chain rule would multiply 0 by infinity, and that is NaN: so PyTorch and JAX have it.

Look at :func:`through`. A gradient that is 0 in places is a ``where`` with a 0, or a product with a
weight that is 0 there. The slope of the next operation is put inside of it: ``where(c, G, 0) * s``
becomes ``where(c, G * s, 0)``. It is the same number of operations, and 0 stays 0. A weight is left
a weight as long as slopes are finite, since to multiply is quicker than to choose.

This works entry by entry. Where entries are added up, in a product of matrices for one, an infinite
slope has to be dealt with before: see Section 6.5.5 on the double ``where``.
"""

from __future__ import annotations

from collections.abc import Callable

from dlbook.checks import Shape
from dlbook.graph import Variable
from dlbook.operations.base import Constant
from dlbook.operators import by_name

MOST = (
    4  # masks that are looked through at once, so that a long chain takes no longer for each node
)
Slope = Callable[[Variable], Variable | None]


def through(times_slope: Slope, G: Variable, tame: bool) -> Variable | None:
    """Return ``times_slope(G)``, but 0 where the branch is off that ``G`` comes back to.

    Parameters
    ----------
    times_slope : function of Variable
        Multiplies by the slopes of an operation, entry by entry; ``None`` stands for 0.
    G : Variable
    tame : bool
        Whether those slopes are finite wherever the operation is.
    """
    inner, masks = _peeled(G)
    if not tame and _has_zeros(inner):
        masks.append(_Mask(inner, by_name["not_equal"](inner, 0)))
    result = times_slope(inner)
    if result is None or not masks:
        return result
    if tame:
        for mask in reversed(masks):
            result = mask.put_on(result)
        return result
    return _chosen(_conditions(masks), _weighted(result, masks))


def add(a: Variable, b: Variable) -> Variable:
    """Add two gradients; what is 0 in the same places in both stays so."""
    one, other = _mask(a), _mask(b)
    if one is None or other is None:
        return a + b
    if one.is_like(other):
        return one.put_on(add(one.inner, other.inner))
    (a_inner, a_masks), (b_inner, b_masks) = _peeled(a), _peeled(b)
    conditions, others = _conditions(a_masks), _conditions(b_masks)
    for some, all_of_them in ((conditions, others), (others, conditions)):
        if not all(any(_is_same(c, d) for d in all_of_them) for c in some):
            return a + b
    return _chosen(conditions, _weighted(a_inner, a_masks) + _weighted(b_inner, b_masks))


def _peeled(G: Variable) -> tuple[Variable, list[_Mask]]:
    """Return what is inside of the masks of a gradient, and the masks from outside to inside."""
    masks: list[_Mask] = []
    while len(masks) < MOST and (mask := _mask(G)):
        masks.append(mask)
        G = mask.inner
    return G, masks


def _conditions(masks: list[_Mask]) -> list[Variable]:
    """Return what must hold, one by one, for a branch to be on."""
    found, open_ends = [], [mask.condition() for mask in masks]
    while open_ends:
        condition = open_ends.pop(0)
        if _is_a(condition, "logical_and"):
            open_ends = [*condition.inputs, *open_ends]
        elif not any(_is_same(condition, other) for other in found):
            found.append(condition)
    return found


def _weighted(G: Variable, masks: list[_Mask]) -> Variable:
    """Multiply by the weights that are more than a condition."""
    for mask in masks:
        if mask.weight is not None and not mask.is_gate:
            G = G * mask.weight
    return G


def _chosen(conditions: list[Variable], G: Variable) -> Variable:
    """Return ``G`` where all conditions hold, else 0."""
    both, *others = conditions
    for other in others:
        both = by_name["logical_and"](both, other)
    return by_name["where"](both, G, 0)


def gated(times_slope: Slope) -> Slope:
    """Let a tangent that is switched off become 0, although it may be infinite."""

    def gated_slope(T: Variable) -> Variable | None:
        result = times_slope(T)
        mask = _mask(result) if result is not None else None
        if mask is None or mask.weight is None or not _may_be_infinite(T):
            return result
        return by_name["where"](mask.condition(), result, 0)

    return gated_slope


def _may_be_infinite(T: Variable) -> bool:
    """Return whether ``T`` has been multiplied by slopes, as far as a short look tells."""
    open_ends = [T]
    for _ in range(2 * MOST):
        if not open_ends:
            break
        V = open_ends.pop()
        if V.operation is not None and not isinstance(V.operation, Constant):
            if not getattr(V.operation, "tame", True):
                return True
            open_ends += V.inputs if hasattr(V.operation, "tame") or V.operation.repeats else ()
    return False


class _Mask:
    """What makes a gradient 0 in places: a condition, or a weight."""

    def __init__(
        self,
        inner: Variable,
        chosen: Variable | None = None,
        weight: Variable | None = None,
        where: bool = True,
    ):
        self.inner, self.chosen, self.weight, self.where = inner, chosen, weight, where

    @property
    def shape(self) -> Shape:
        """That of the condition or of the weight."""
        V = self.weight if self.chosen is None else self.chosen
        assert V is not None
        return V.shape

    @property
    def is_gate(self) -> bool:
        """Whether the weight is 1 or 0."""
        return self.weight is not None and _is_a(self.weight, "heaviside")

    def condition(self) -> Variable:
        """Return where the branch is on."""
        if self.chosen is not None:
            return self.chosen if self.where else by_name["logical_not"](self.chosen)
        assert self.weight is not None
        if self.is_gate:
            return self.weight.inputs[0] > 0
        return by_name["not_equal"](self.weight, 0)

    def put_on(self, G: Variable) -> Variable:
        """Return the same mask around another gradient."""
        if self.weight is not None:
            return G * self.weight
        return by_name["where"](self.chosen, *((G, 0) if self.where else (0, G)))

    def is_like(self, other: _Mask) -> bool:
        """Return whether another mask is 0 in the same places."""
        if self.where != other.where or self.inner.shape != other.inner.shape:
            return False
        return _is_same(self.chosen, other.chosen) and _is_same(self.weight, other.weight)


def _is_same(a: Variable | None, b: Variable | None, depth: int = MOST) -> bool:
    """Return whether two variables are computed alike from the same ones."""
    if a is None or b is None or a is b:
        return a is b
    if a.operation is None or a.operation != b.operation or len(a.inputs) != len(b.inputs):
        return False
    pairs = zip(a.inputs, b.inputs, strict=True)
    return depth > 0 and all(_is_same(U, V, depth - 1) for U, V in pairs)


def _mask(G: Variable) -> _Mask | None:
    """Return the outermost mask of a gradient, if it has one."""
    op, found = G.operation, None
    if op is None:
        return None
    if op.chooses:
        chosen, a, b = G.inputs
        if _is_zero(b):
            found = _Mask(a, chosen)
        elif _is_zero(a):
            found = _Mask(b, chosen, where=False)
    elif _is_a(G, "multiply"):
        a, b = G.inputs
        if _is_weight(b):
            found = _Mask(a, weight=b)
        elif _is_weight(a):
            found = _Mask(b, weight=a)
    return found if found and G.shape in (found.inner.shape, found.shape) else None


def _is_a(V: Variable, name: str) -> bool:
    """Return whether an operation of the library has computed ``V``, by its name."""
    return type(V.operation) is type(by_name[name])


def _is_zero(V: Variable) -> bool:
    return isinstance(V.operation, Constant) and not V.operation.value.any()


def _is_weight(V: Variable) -> bool:
    """Return whether a factor is constant between its jumps, and may be 0."""
    if isinstance(V.operation, Constant):
        return V.ndim > 0 and not V.operation.value.all()
    return V.operation is not None and V.operation.flat and V.dtype.kind == "f"


def _has_zeros(G: Variable) -> bool:
    """Return whether a gradient is 0 in places because of how it came there, not by chance."""
    for _ in range(MOST):
        op = G.operation
        if isinstance(op, Constant):
            return op.value.ndim > 0 and not op.value.all()
        if op is None or op.scatters:
            return op is not None
        if _mask(G):
            return True
        if not op.repeats:
            return False
        G = G.inputs[0]
    return False


__all__: list[str] = []
