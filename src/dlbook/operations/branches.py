"""Section 6.5.8: what a branch that is off contributes to a gradient: nothing.

A branch is off for an entry that ``where`` does not take, that a rectifier sets to 0, or that an
index leaves out. The gradient that comes back to it is 0. If a slope further down the branch is
infinite, the chain rule would multiply 0 by infinity, and that is NaN: so PyTorch and JAX have it.

Look at :func:`through`. A slope that may be infinite is put inside of the choice that makes the
gradient 0: ``where(c, G, 0) * s`` becomes ``where(c, G * s, 0)``, which is the same number of
operations. Where the gradient is 0 for another reason, a rectifier's for one, it becomes
``where(h > 0, (G * h) * s, 0)``; but only if ``s`` may be infinite, because to choose takes longer
than to multiply.

This works entry by entry. Where entries are added up, in a product of matrices for one, an infinite
slope has to be dealt with before: see Section 6.5.5 on the double ``where``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dlbook.graph import Variable
from dlbook.operations.base import Constant
from dlbook.operators import by_name

FAR = 5  # operations that are looked through, so that a long chain takes no longer for each node
Slope = Callable[[Variable], Variable | None]


class Choice(NamedTuple):
    """A gradient that is ``where(condition, inner, 0)``."""

    condition: Variable
    inner: Variable


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
    choice = choice_of(G)
    conditions = [choice.condition] if choice else []
    inner = choice.inner if choice else G
    result = times_slope(inner)
    if result is None:
        return None
    if not tame:
        conditions += _conditions_of_zeros(inner)
    elif conditions and (own := choice_of(result)):  # one choice in place of two
        conditions, result = [*conditions, own.condition], own.inner
    return chosen(conditions, result) if conditions else result


def gated(times_slope: Slope) -> Slope:
    """Let a tangent that is switched off become 0, although it may be infinite."""

    def gated_slope(T: Variable) -> Variable | None:
        result = times_slope(T)
        weight = _weight_of(result) if result is not None else None
        if result is None or weight is None or not may_be_infinite(T):
            return result
        return chosen([_is_on(weight)], result)

    return gated_slope


def add(a: Variable, b: Variable) -> Variable:
    """Add two gradients; what is 0 in the same places in both stays so."""
    one, other = choice_of(a), choice_of(b)
    if one and other:
        some, others = _flat(one.condition), _flat(other.condition)
        if common := [c for c in some if _is_among(c, others)]:
            a_inner = _chosen_by_the_rest(some, common, one.inner)
            b_inner = _chosen_by_the_rest(others, common, other.inner)
            return chosen(common, a_inner + b_inner)
    elif one is None and other is None:
        h, k = _weight_of(a), _weight_of(b)
        if h is not None and k is not None and _is_same(h, k):
            return (a.inputs[0] + b.inputs[0]) * h
    return a + b


def chosen(conditions: list[Variable], G: Variable) -> Variable:
    """Return ``G`` where all conditions hold, else 0."""
    both, *others = conditions
    for other in others:
        both = by_name["logical_and"](both, other)
    return by_name["where"](both, G, 0)


def choice_of(G: Variable) -> Choice | None:
    """Return the choice that a gradient is, if it is one between something and 0."""
    if G.operation is None or not G.operation.chooses:
        return None
    condition, a, b = G.inputs
    if _is_zero(b):
        found = Choice(condition, a)
    elif _is_zero(a):
        found = Choice(by_name["logical_not"](condition), b)
    else:
        return None
    return found if G.shape in (condition.shape, found.inner.shape) else None


def may_be_infinite(V: Variable) -> bool:
    """Return whether ``V`` may be infinite although what it is computed from is not.

    As far as a short look tells. What somebody gives counts as finite.
    """
    open_ends = [V]
    for _ in range(FAR):
        if not open_ends:
            return False
        V = open_ends.pop()
        op = V.operation
        if op is None:
            continue
        if isinstance(op, Constant):
            if V.dtype.kind == "f" and not abs(op.value).max() < float("inf"):
                return True
        elif op.may_be_infinite:
            return True
        elif op.repeats or op.chooses or _is_a(V, "multiply", "add", "subtract", "negate"):
            open_ends += V.inputs
    return False


def _conditions_of_zeros(G: Variable) -> list[Variable]:
    """Return where a gradient is not 0 because of how it came there, and not by chance."""
    found = []
    V = G
    for _ in range(FAR):
        op = V.operation
        if op is None:
            break
        weight = _weight_of(V)
        if weight is not None and (V is G or weight.shape == G.shape):
            found.append(_is_on(weight))
        elif weight is not None or op.scatters or (op.chooses and choice_of(V)) or _has_zeros(V):
            return [*found, by_name["not_equal"](G, 0)]
        if not (op.repeats or op.name in ("multiply", "negate", "divide")):
            break
        V = V.inputs[0]  # the gradient comes first, and what it is multiplied by then
    return found


def _weight_of(G: Variable) -> Variable | None:
    """Return the factor of a gradient that is constant between its jumps, if it has one."""
    if not _is_a(G, "multiply"):
        return None
    weight = G.inputs[1]
    op = weight.operation
    if op is None or not (op.flat or isinstance(op, Constant)):
        return None
    return weight if (op.flat and weight.dtype.kind == "f") or _has_zeros(weight) else None


def _is_on(weight: Variable) -> Variable:
    """Return where a weight is not 0."""
    if _is_a(weight, "heaviside"):
        return weight.inputs[0] > 0
    return by_name["not_equal"](weight, 0)


def _has_zeros(V: Variable) -> bool:
    """Return whether ``V`` is a constant with zeros among others."""
    return isinstance(V.operation, Constant) and V.ndim > 0 and not V.operation.value.all()


def _is_zero(V: Variable) -> bool:
    return isinstance(V.operation, Constant) and not V.operation.value.any()


def _is_a(V: Variable, *names: str) -> bool:
    """Return whether one of the operations of these names has computed ``V``."""
    return V.operation is not None and V.operation.name in names


def _flat(condition: Variable) -> list[Variable]:
    """List what is put together by "and", as far as a short look tells."""
    found: list[Variable] = []
    open_ends = [condition]
    for _ in range(FAR):
        if not open_ends:
            break
        condition = open_ends.pop()
        if _is_a(condition, "logical_and"):
            open_ends += condition.inputs
        else:
            found.append(condition)
    return found + open_ends


def _is_among(condition: Variable, others: list[Variable]) -> bool:
    return any(_is_same(condition, other) for other in others)


def _chosen_by_the_rest(conditions: list[Variable], but: list[Variable], G: Variable) -> Variable:
    rest = [c for c in conditions if not _is_among(c, but)]
    return chosen(rest, G) if rest else G


def _is_same(a: Variable, b: Variable, depth: int = FAR) -> bool:
    """Return whether two variables are computed alike from the same ones."""
    if a is b:
        return True
    if a.operation is None or a.operation != b.operation or len(a.inputs) != len(b.inputs):
        return False
    pairs = zip(a.inputs, b.inputs, strict=True)
    return depth > 0 and all(_is_same(U, V, depth - 1) for U, V in pairs)


__all__: list[str] = []
