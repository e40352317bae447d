"""Section 6.5.5: what takes entries at an index or a label, as loops in JavaScript."""

from __future__ import annotations

from collections.abc import Sequence

from dlbook.graph import Variable
from dlbook.operations.cross_entropy import CrossEntropy
from dlbook.operations.indexing import ARRAY, Index, PutAlong, Scatter, TakeAlong
from dlbook.operations.labels import OneHot
from dlbook.operations.shapes import broadcast_shape
from dlbook.programs.javascript.places import Place, c_order, size_of
from dlbook.programs.javascript.reductions import added_up, flat_index
from dlbook.programs.javascript.writer import Writer, loops_of, within
from dlbook.programs.lowered import LabelPlaces, MinusOneAt, Pick


def checked(w: Writer, name: str, code: str, size: int | None, negative: bool = True) -> str:
    """Write that an index must fit an axis; return it, counted from the front."""
    i, n = w.names.new("index", numbered=True), str(size_of(size))
    w.line(f"let {i} = {code};")
    if negative:
        w.line(f"if ({i} < 0) {i} += {n};")
    w.refuse(f"!({i} >= 0 && {i} < {n})", f"{name}: out of bounds")
    return i


def taken_index(
    w: Writer, key: Index, name: str, A: Variable, arrays: Sequence[Variable], index: Sequence[str]
) -> list[str]:
    """Return where in ``A`` the entry of A[key] at an index of the result is."""
    items = key._items(A)
    common = broadcast_shape(key, *arrays)
    start = _axis_of_arrays([item for item, _ in items])
    shared = list(index[start : start + len(common)])
    rest = iter([*index[:start], *index[start + len(common) :]])
    own, waiting = [], iter(arrays)
    for item, size in items:
        if item is None:
            next(rest)
        elif item is ...:
            continue
        elif isinstance(item, slice):
            part = Place("", (size,), c_order((size,)))
            own.append(part.indexed([(item, size)], (None,)).at([next(rest)])[1:-1])
        elif item == ARRAY:
            array = next(waiting)
            own.append(checked(w, name, w.entry(array, within(array.shape, shared)), size))
        else:
            own.append(f"{size_of(size)} - {-item}" if item < 0 else str(item))
    return own


def _axis_of_arrays(items: Sequence[object]) -> int:
    """Return at which axis of the result those of the index arrays begin, as NumPy has it."""
    chosen = [place for place, item in enumerate(items) if item == ARRAY or isinstance(item, int)]
    first, last = chosen[0], chosen[-1]
    side_by_side = last - first < len(chosen)
    return sum(item is not ... for item in items[:first]) if side_by_side else 0


@loops_of(Index)
def index_by_arrays(w: Writer, V: Variable, op: Index, out: Place) -> None:
    A, *arrays = V.inputs
    with w.loops(V.shape) as index:
        own = taken_index(w, op, "index", A, arrays, index)
        w.assign(V, out, index, w.at[A].at(own))


@loops_of(Scatter)
def scatter(w: Writer, V: Variable, op: Scatter, out: Place) -> None:
    G, A, *arrays = V.inputs
    key = Index(op.key)
    w.line(f"{out.name}.fill(0);")
    if arrays:
        with w.loops(G.shape) as index:
            own = taken_index(w, key, "index", A, arrays, index)
            w.line(f"{out.at(own)} += {w.entry(G, index)};")
    else:
        part = Place(out.name, V.shape, c_order(V.shape)).indexed(key._items(A), G.shape)
        with w.loops(G.shape) as index:
            w.line(f"{part.at(index)} = {w.entry(G, index)};")


@loops_of(TakeAlong)
def take_along(w: Writer, V: Variable, op: TakeAlong, out: Place) -> None:
    A, where = V.inputs
    with w.loops(V.shape) as index:
        own = [*index]
        own[op.axis] = checked(w, op.name, w.entry(where, index), A.shape[op.axis])
        w.assign(V, out, index, w.at[A].at(own))


@loops_of(PutAlong)
def put_along(w: Writer, V: Variable, op: PutAlong, out: Place) -> None:
    G, _, where = V.inputs
    w.line(f"{out.name}.fill(0);")
    with w.loops(G.shape) as index:
        own = [*index]
        own[op.axis] = checked(w, op.name, w.entry(where, index), V.shape[op.axis])
        w.line(f"{out.at(own)} += {w.entry(G, index)};")


# --- Labels ---------------------------------------------------------------------------------------


@loops_of(OneHot)
def one_hot(w: Writer, V: Variable, op: OneHot, out: Place) -> None:
    (y,) = V.inputs
    w.line(f"{out.name}.fill(0);")
    with w.loops(y.shape) as index:
        label = checked(w, "one_hot", w.entry(y, index), V.shape[-1], negative=False)
        w.line(f"{out.at([*index, label])} = 1;")


@loops_of(CrossEntropy)
def cross_entropy(w: Writer, V: Variable, op: CrossEntropy, out: Place) -> None:
    """log sum exp(z) - z_y, with the largest taken out of both."""
    (z, y), top = V.inputs, w.names.new("largest", numbered=True)
    with w.loops(y.shape) as index:
        label = checked(w, op.name, w.entry(y, index), z.shape[-1], negative=False)
        w.line(f"let {top} = -Infinity;")
        with w.loops(z.shape[-1:]) as (k,):
            w.line(f"{top} = Math.max({top}, {w.entry(z, [*index, k])});")

        def term(i):
            return f"Math.exp({w.entry(z, i)} - {top})"

        s = added_up(w, z.shape, (z.ndim - 1,), [*index, "0"], term)
        w.assign(V, out, index, f"Math.log({s}) - ({w.at[z].at([*index, label])} - {top})")


@loops_of(LabelPlaces)
def label_places(w: Writer, V: Variable, op: LabelPlaces, out: Place) -> None:
    (y,) = V.inputs
    with w.loops(V.shape) as index:
        label = checked(w, "cross_entropy", w.entry(y, index), op.classes, negative=False)
        row = flat_index(V.shape, index)
        row = f"({row})" if " " in row else row
        w.assign(V, out, index, f"{row} * {op.classes} + {label}")


@loops_of(Pick)
def pick(w: Writer, V: Variable, op: Pick, out: Place) -> None:
    A, places = V.inputs
    at = w.at[A]
    with w.loops(V.shape) as index:
        place = w.entry(places, index)
        own = f"{at.name}[{place}]" if at.is_flat() else at.at([*index, f"{place} % {A.shape[-1]}"])
        w.assign(V, out, index, own)


@loops_of(MinusOneAt)
def minus_one_at(w: Writer, V: Variable, op: MinusOneAt, out: Place) -> None:
    A, places = V.inputs
    w.copy(w.at[A], out)
    with w.loops(places.shape) as index:
        w.line(f"{out.name}[{w.entry(places, index)}] -= 1;")
