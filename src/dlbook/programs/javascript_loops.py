"""Section 6.5.5: the operations that are more than a formula of one entry, as loops in JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dlbook.checks import Shape
from dlbook.graph import Variable
from dlbook.operations.base import computed_by
from dlbook.operations.cross_entropy import CrossEntropy
from dlbook.operations.indexing import (
    ARRAY,
    ArgMax,
    ArgMin,
    Index,
    MaxAndIndex,
    PutAlong,
    Scatter,
    TakeAlong,
)
from dlbook.operations.joining import Concatenate, Stack
from dlbook.operations.labels import OneHot, Probability, Shares
from dlbook.operations.linear import MatMul
from dlbook.operations.matrices import Cholesky, LowerTriangle, SolveTriangular
from dlbook.operations.reductions import Max, Min, Sum
from dlbook.operations.running import CumSum, Prod, Scan
from dlbook.operations.shapes import broadcast_shape
from dlbook.operations.softmax import LogSumExp
from dlbook.programs.javascript_places import Place, c_order, product, size_of, sizes_of
from dlbook.programs.javascript_writer import Writer, loops_of
from dlbook.programs.lowered import InnerProduct, LabelPlaces, MinusOneAt, Pick

BLOCK = 128  # entries that are added up one after the other; sums of more are added two by two


# --- Sums, products and the largest -------------------------------------------------------------


def kept_of(shape: Shape, axes: Sequence[int]) -> list[int]:
    return [axis for axis in range(len(shape)) if axis not in axes]


def index_of(V: Variable, index: Sequence[str], axes: Sequence[int]) -> list[str]:
    """Return where the result for an index of what is reduced over ``axes`` stands."""
    if V.ndim == len(index):
        return ["0" if axis in axes else i for axis, i in enumerate(index)]
    return [i for axis, i in enumerate(index) if axis not in axes]


@loops_of(Sum)
def sum_over(w: Writer, V: Variable, out: Place) -> None:
    (A,), axes = V.inputs, computed_by(V).axes  # type: ignore[attr-defined]
    with w.loops(A.shape, kept_of(A.shape, axes)) as index:
        flat = w.is_flat_result(A) and len(axes) == A.ndim
        term = (lambda i: w.flat_entry(A, i)) if flat else (lambda i: w.entry(A, i))
        s = added_up(w, A.shape, axes, index, term, flat)
        w.assign(V, out, index_of(V, index, axes), s)


@loops_of(InnerProduct)
def inner_product(w: Writer, V: Variable, out: Place) -> None:
    a, b = V.inputs
    flat = w.is_flat_result(a) and w.is_flat_result(b)
    entry = w.flat_entry if flat else w.entry
    s = added_up(
        w, a.shape, range(a.ndim), ["0"] * a.ndim, lambda i: f"{entry(a, i)} * {entry(b, i)}", flat
    )
    w.assign(V, out, (), s)


def added_up(
    w: Writer,
    shape: Shape,
    axes: Sequence[int],
    index: list[str],
    term: Callable[..., str],
    flat: bool = False,
) -> str:
    """Write the sum of ``term(index)`` over some axes, in double precision; return its name.

    With ``flat`` the term takes the place of an entry, counted through in order.
    """
    sizes = [sizes_of(shape)[axis] for axis in axes]
    count = product(sizes)
    s = w.names.new("sum", numbered=True)
    if count.known is not None and count.known <= BLOCK:
        w.line(f"let {s} = 0;")
        if flat:
            with w.loop(str(count)) as i:
                w.line(f"{s} += {term(i)};")
        else:
            _terms(w, shape, axes, index, term, s)
        return s
    for name in ("merge", "merged"):
        w.help(name)
    longest = max(axes, key=lambda a: (shape[a] is None, shape[a] or 0))
    end = str(count if flat else sizes_of(shape)[longest])
    depth, part = w.names.new("depth", numbered=True), w.names.new("part", numbered=True)
    w.line(f"let {depth} = 0;")
    b = w.names.new("block", numbered=True)
    with w.loop(end, step=f"{{}} += {BLOCK}, {b}++", more=f", {b} = 1") as start:
        w.line(f"let {part} = 0;")
        with w.loop(f"Math.min({start} + {BLOCK}, {end})", start=start) as i:
            if flat:
                w.line(f"{part} += {term(i)};")
            else:
                inner = [*index]
                inner[longest] = i
                _terms(w, shape, [a for a in axes if a != longest], inner, term, part)
        w.line(f"{depth} = merge({part}, {b}, {depth});")
    w.line(f"const {s} = merged({depth});")
    return s


def _terms(
    w: Writer,
    shape: Shape,
    axes: Sequence[int],
    index: list[str],
    term: Callable[..., str],
    s: str,
) -> None:
    with w.loops(shape, axes) as inner:
        both = [i if axis in axes else index[axis] for axis, i in enumerate(inner)]
        w.line(f"{s} += {term(both)};")


def reduced(w: Writer, V: Variable, out: Place, start: str, step: str) -> None:
    """Write a reduction: ``step`` says how ``{s}`` changes with the next entry, ``{x}``."""
    (A,), axes = V.inputs, computed_by(V).axes  # type: ignore[attr-defined]
    s, x = w.names.new("result", numbered=True), w.names.new("x", numbered=True)
    with w.loops(A.shape, kept_of(A.shape, axes)) as index:
        w.line(f"let {s} = {start};")
        with w.loops(A.shape, axes) as inner:
            both = [i if axis in axes else index[axis] for axis, i in enumerate(inner)]
            w.line(f"const {x} = {w.entry(A, both)};")
            w.line(step.format(s=s, x=x))
        w.assign(V, out, index_of(V, index, axes), s)


@loops_of(Max)
def largest(w: Writer, V: Variable, out: Place) -> None:
    reduced(w, V, out, "-Infinity", "if ({x} > {s} || {x} !== {x}) {s} = {x};")  # NaN stays


@loops_of(Min)
def smallest(w: Writer, V: Variable, out: Place) -> None:
    reduced(w, V, out, "Infinity", "if ({x} < {s} || {x} !== {x}) {s} = {x};")


@loops_of(Prod)
def multiplied(w: Writer, V: Variable, out: Place) -> None:
    reduced(w, V, out, "1", "{s} *= {x};")


@loops_of(LogSumExp)
def log_sum_exp(w: Writer, V: Variable, out: Place) -> None:
    """The largest is taken out of the exponentials, unless it is infinite."""
    (A,), axes = V.inputs, computed_by(V).axes  # type: ignore[attr-defined]
    top = w.names.new("largest", numbered=True)
    with w.loops(A.shape, kept_of(A.shape, axes)) as index:
        w.line(f"let {top} = -Infinity;")
        with w.loops(A.shape, axes) as inner:
            both = [i if axis in axes else index[axis] for axis, i in enumerate(inner)]
            w.line(f"{top} = Math.max({top}, {w.entry(A, both)});")
        w.line(f"if (Math.abs({top}) === Infinity) {top} = 0;")
        s = added_up(w, A.shape, axes, index, lambda i: f"Math.exp({w.entry(A, i)} - {top})")
        w.assign(V, out, index_of(V, index, axes), f"{top} + Math.log({s})")


@loops_of(ArgMax)
def arg_max(w: Writer, V: Variable, out: Place) -> None:
    op, (A,) = computed_by(V), V.inputs
    axis = op.axis  # type: ignore[attr-defined]
    axes = range(A.ndim) if axis is None else (axis,)
    sign = "<" if isinstance(op, ArgMin) else ">"
    best, place = w.names.new("best", numbered=True), w.names.new("place", numbered=True)
    x = w.names.new("x", numbered=True)
    with w.loops(A.shape, kept_of(A.shape, axes)) as index:
        w.line(f"let {best} = 0, {place} = -1;")
        with w.loops(A.shape, axes) as inner:
            both = [i if a in axes else index[a] for a, i in enumerate(inner)]
            here = both[axis] if axis is not None else flat_index(A.shape, both)
            w.line(f"const {x} = +{w.entry(A, both)};")
            better = f"{x} {sign} {best} || ({x} !== {x} && {best} === {best})"
            w.line(f"if ({place} < 0 || {better}) [{best}, {place}] = [{x}, {here}];")
        kept = index_of(V, index, axes)
        if isinstance(op, MaxAndIndex) and op.output == 0:
            w.assign(V, out, kept, best)
        else:
            w.assign(V, out, kept, place)


loops_of(MaxAndIndex)(arg_max)


def flat_index(shape: Shape, index: Sequence[str]) -> str:
    """Return the place of an entry, counted through in order."""
    return Place("", shape, c_order(shape)).at(index)[1:-1]


# --- Products of matrices ---------------------------------------------------------------------


@loops_of(MatMul)
def matrix_product(w: Writer, V: Variable, out: Place) -> None:
    A, B = V.inputs
    if A.ndim == B.ndim == 1:
        s = added_up(w, A.shape, (0,), ["0"], lambda i: f"{w.entry(A, i)} * {w.entry(B, i)}")
        w.assign(V, out, (), s)
        return
    batch = V.ndim - (A.ndim > 1) - (B.ndim > 1)
    with w.loops(V.shape) as index:
        row, column = index[batch : batch + (A.ndim > 1)], index[len(index) - (B.ndim > 1) :]
        s = w.names.new("sum", numbered=True)
        w.line(f"let {s} = 0;")
        shared = A.shape[-1]
        with w.loops((shared,)) as (k,):
            a = w.entry(A, [*within(A.shape[:-2], index[:batch]), *row, k])
            b = w.entry(B, [*within(B.shape[:-2], index[:batch]), k, *column])
            w.line(f"{s} += {a} * {b};")
        w.assign(V, out, index, s)


def within(shape: Shape, index: Sequence[str]) -> list[str]:
    own = index[len(index) - len(shape) :]
    return ["0" if size == 1 else i for size, i in zip(shape, own, strict=True)]


# --- Indices ----------------------------------------------------------------------------------


def checked(w: Writer, name: str, code: str, size: int | None, negative: bool = True) -> str:
    """Write that an index must fit an axis; return it, counted from the front."""
    i, n = w.names.new("index", numbered=True), str(size_of(size))
    w.line(f"let {i} = {code};")
    if negative:
        w.line(f"if ({i} < 0) {i} += {n};")
    w.line(f"if (!({i} >= 0 && {i} < {n})) throw new RangeError({name + ': out of bounds'!r});")
    return i


def gathered(w: Writer, A: Variable, V: Variable, index: Sequence[str]) -> list[str]:
    """Return the index in ``A`` of the entry of A[key] at an index of the result ``V``."""
    op, arrays = computed_by(V), list(V.inputs[V.inputs.index(A) + 1 :])
    return taken_index(w, op, A, arrays, index)


def taken_index(w, op, A, arrays, index):
    items = op._items(A) if hasattr(op, "_items") else Index(op.key)._items(A)
    common = broadcast_shape(op, *arrays)
    chosen, position = [], 0
    for place, (item, _) in enumerate(items):
        if item is ...:
            continue
        if item == ARRAY or isinstance(item, int):
            chosen.append((place, position))
        else:
            position += 1
    (first, before), (last, _) = chosen[0], chosen[-1]
    start = before if last - first < len(chosen) else 0
    shared = list(index[start : start + len(common)])
    rest = iter([*index[:start], *index[start + len(common) :]])
    own, waiting = [], iter(arrays)
    for item, size in items:
        if item is None:
            next(rest)
        elif item is ...:
            continue
        elif isinstance(item, slice):
            part = Place("", (size,), c_order((size,)), is_number=False)
            own.append(part.indexed([(item, size)], (None,)).at([next(rest)])[1:-1])
        elif item == ARRAY:
            array = next(waiting)
            own.append(checked(w, op.name, w.entry(array, within(array.shape, shared)), size))
        else:
            own.append(str(size_of(size)) + f" - {-item}" if item < 0 else str(item))
    return own


@loops_of(Index)
def index_by_arrays(w: Writer, V: Variable, out: Place) -> None:
    A, *arrays = V.inputs
    with w.loops(V.shape) as index:
        own = taken_index(w, computed_by(V), A, arrays, index)
        w.assign(V, out, index, w.at[A].at(own))


@loops_of(Scatter)
def scatter(w: Writer, V: Variable, out: Place) -> None:
    G, A, *arrays = V.inputs
    op = computed_by(V)
    zeros(w, V, out)
    if not arrays:
        part = Place(out.name, V.shape, c_order(V.shape))
        part = part.indexed(Index(op.key)._items(A), G.shape)  # type: ignore[attr-defined]
        with w.loops(G.shape) as index:
            w.line(f"{part.at(index)} += {w.entry(G, index)};")
        return
    with w.loops(G.shape) as index:
        own = taken_index(w, op, A, arrays, index)
        w.line(f"{out.at(own)} += {w.entry(G, index)};")


def zeros(w: Writer, V: Variable, out: Place) -> None:
    w.line(f"{out.name}.fill(0);")


@loops_of(TakeAlong)
def take_along(w: Writer, V: Variable, out: Place) -> None:
    op, (A, where) = computed_by(V), V.inputs
    with w.loops(V.shape) as index:
        own = [*index]
        axis = op.axis  # type: ignore[attr-defined]
        own[axis] = checked(w, "take_along_axis", w.entry(where, index), A.shape[axis])
        w.assign(V, out, index, w.at[A].at(own))


@loops_of(PutAlong)
def put_along(w: Writer, V: Variable, out: Place) -> None:
    op, (G, _, where) = computed_by(V), V.inputs
    zeros(w, V, out)
    with w.loops(G.shape) as index:
        own = [*index]
        axis = op.axis  # type: ignore[attr-defined]
        own[axis] = checked(w, op.name, w.entry(where, index), V.shape[axis])
        w.line(f"{out.at(own)} += {w.entry(G, index)};")


@loops_of(OneHot)
def one_hot(w: Writer, V: Variable, out: Place) -> None:
    (y,) = V.inputs
    zeros(w, V, out)
    with w.loops(y.shape) as index:
        label = checked(w, "one_hot", w.entry(y, index), V.shape[-1], negative=False)
        w.line(f"{out.at([*index, label])} = 1;")


@loops_of(CrossEntropy)
def cross_entropy(w: Writer, V: Variable, out: Place) -> None:
    """log sum exp(z) - z_y, with the largest taken out of both."""
    z, y = V.inputs
    top, last = w.names.new("largest", numbered=True), (z.ndim - 1,)
    with w.loops(y.shape) as index:
        label = checked(w, "cross_entropy", w.entry(y, index), z.shape[-1], negative=False)
        w.line(f"let {top} = -Infinity;")
        with w.loops(z.shape[-1:]) as (k,):
            w.line(f"{top} = Math.max({top}, {w.entry(z, [*index, k])});")
        s = added_up(
            w, z.shape, last, [*index, "0"], lambda i: f"Math.exp({w.entry(z, i)} - {top})"
        )
        w.assign(
            V, out, index, f"Math.log({s}) - ({w.at[z].at([*index, label])} - {top})"
        )


@loops_of(LabelPlaces)
def label_places(w: Writer, V: Variable, out: Place) -> None:
    (y,), classes = V.inputs, computed_by(V).classes  # type: ignore[attr-defined]
    with w.loops(V.shape) as index:
        label = checked(w, "cross_entropy", w.entry(y, index), classes, negative=False)
        row = flat_index(V.shape, index)
        w.assign(V, out, index, f"({row}) * {classes} + {label}" if " " in row else f"{row} * {classes} + {label}")


@loops_of(Pick)
def pick(w: Writer, V: Variable, out: Place) -> None:
    A, places = V.inputs
    with w.loops(V.shape) as index:
        w.assign(V, out, index, flat_at(w, A, w.entry(places, index), index))


def flat_at(w: Writer, A: Variable, place: str, row: Sequence[str]) -> str:
    """Write the entry at a place counted through in order, which lies in a row that is known."""
    if w.at[A].is_flat():
        return f"{w.at[A].name}[{place}]"
    return w.at[A].at([*row, f"({place}) % {A.shape[-1]}"])


@loops_of(MinusOneAt)
def minus_one_at(w: Writer, V: Variable, out: Place) -> None:
    A, places = V.inputs
    w.copy(w.at[A], out)
    with w.loops(places.shape) as index:
        w.line(f"{out.name}[{w.entry(places, index)}] -= 1;")


# --- Parts put together, running sums ------------------------------------------------------------


@loops_of(Concatenate)
def concatenate(w: Writer, V: Variable, out: Place) -> None:
    axis, before = computed_by(V).axis, 0  # type: ignore[attr-defined]
    for U in V.inputs:
        with w.loops(U.shape) as index:
            own = [*index]
            own[axis] = own[axis] if not before else f"{before}" if own[axis] == "0" else f"{before} + {own[axis]}"
            w.line(f"{out.at(own)} = {w.entry(U, index)};")
        before += U.shape[axis] or 0


@loops_of(Stack)
def stack(w: Writer, V: Variable, out: Place) -> None:
    axis = computed_by(V).axis  # type: ignore[attr-defined]
    for place, U in enumerate(V.inputs):
        with w.loops(U.shape) as index:
            own = [*index[:axis], str(place), *index[axis:]]
            w.line(f"{out.at(own)} = {w.entry(U, index)};")


@loops_of(CumSum)
def cumulative_sum(w: Writer, V: Variable, out: Place) -> None:
    op, (A,) = computed_by(V), V.inputs
    s = w.names.new("sum", numbered=True)
    along(w, V, op, f"let {s} = 0;", lambda i: (f"{s} += {w.entry(A, i)};", f"{out.at(i)} = {s};"))


@loops_of(Scan)
def scan(w: Writer, V: Variable, out: Place) -> None:
    op, (x, g) = computed_by(V), V.inputs
    s, before = w.names.new("state", numbered=True), w.names.new("before", numbered=True)
    first = op.first  # type: ignore[attr-defined]
    along(
        w,
        V,
        op,
        f"let {s} = {first}, {before} = null;",
        lambda i: (
            f"if ({before} !== null) {s} = {before}[0] * {s} + {before}[1];",
            f"{before} = [{w.entry(x, i)}, {w.entry(g, i)}];",
            f"{out.at(i)} = {s};",
        ),
    )


def along(w: Writer, V: Variable, op, start: str, step: Callable[..., Sequence[str]]) -> None:
    """Write what goes along an axis, from the first entry or from the last one on."""
    with w.loops(V.shape, kept_of(V.shape, (op.axis,))) as index:
        w.line(start)
        size = str(size_of(V.shape[op.axis]))
        with w.loop(size) as i:
            own = [*index]
            own[op.axis] = f"{size} - 1 - {i}" if op.backwards else i
            if V.shape[op.axis] == 1:
                own[op.axis] = "0"
            for line in step(own):
                w.line(line)


# --- Targets that are checked, stacks of matrices ------------------------------------------------


@loops_of(Probability)
def probability(w: Writer, V: Variable, out: Place) -> None:
    op, (y,) = computed_by(V), V.inputs
    p = w.names.new("p", numbered=True)
    with w.loops(V.shape) as index:
        w.line(f"const {p} = {w.entry(y, index)};")
        w.line(f"if (!({p} >= 0 && {p} <= 1)) throw new RangeError({op.name + ': no probability'!r});")
        if V.ndim:
            w.line(f"{out.at(index)} = {p};")
    if not V.ndim:
        w.line(f"const {out.name} = {w.entry(y, ())};")


@loops_of(Shares)
def shares(w: Writer, V: Variable, out: Place) -> None:
    probability(w, V, out)
    (y,), last = V.inputs, (V.ndim - 1,)
    with w.loops(V.shape, kept_of(V.shape, last)) as index:
        s = added_up(w, V.shape, last, index, lambda i: w.entry(y, i))
        w.line(f"if (Math.abs({s} - 1) > 1e-3) throw new RangeError('shares: do not add up to 1');")


@loops_of(LowerTriangle)
def lower_triangle(w: Writer, V: Variable, out: Place) -> None:
    op, (A,) = computed_by(V), V.inputs
    with w.loops(V.shape) as index:
        i, j = index[-2:]
        x = w.entry(A, index)
        on = f"{x} / 2" if op.half else x  # type: ignore[attr-defined]
        w.line(f"{out.at(index)} = {i} > {j} ? {x} : {i} == {j} ? {on} : 0;")


@loops_of(Cholesky)
def cholesky(w: Writer, V: Variable, out: Place) -> None:
    """Row by row: what is left of an entry once the rows before are taken off."""
    (A,), d = V.inputs, V.shape[-1]
    s = w.names.new("rest", numbered=True)
    zeros(w, V, out)
    with w.loops(V.shape, range(V.ndim - 2)) as index:
        batch = index[:-2]
        with w.loop(str(d)) as i, w.loop(f"{i} + 1") as j:
            w.line(f"let {s} = ({w.entry(A, [*batch, i, j])} + {w.entry(A, [*batch, j, i])}) / 2;")
            with w.loop(j) as k:
                w.line(f"{s} -= {out.at([*batch, i, k])} * {out.at([*batch, j, k])};")
            w.line(
                f"if ({i} === {j} && !({s} > 0)) throw new RangeError('cholesky: not positive "
                f"definite');"
            )
            own, diagonal = out.at([*batch, i, j]), out.at([*batch, j, j])
            w.line(f"{own} = {i} === {j} ? Math.sqrt({s}) : {s} / {diagonal};")


@loops_of(SolveTriangular)
def solve_triangular(w: Writer, V: Variable, out: Place) -> None:
    """Row by row, from the first on, or from the last one for L^T."""
    (L, B), d = V.inputs, V.shape[-2]
    transposed = computed_by(V).transposed  # type: ignore[attr-defined]
    s = w.names.new("rest", numbered=True)
    with w.loops(V.shape, [*range(V.ndim - 2), V.ndim - 1]) as index:
        batch, column = index[:-2], index[-1]
        own_l, own_b = within(L.shape[:-2], batch), within(B.shape[:-2], batch)
        with w.loop(str(d)) as r:
            row = f"{d} - 1 - {r}" if transposed else r
            diagonal = w.entry(L, [*own_l, row, row])
            w.line(f"if ({diagonal} == 0) throw new RangeError('solve_triangular: a 0 on the diagonal');")
            w.line(f"let {s} = {w.entry(B, [*own_b, row, column])};")
            with w.loop(r) as k:
                known = f"{d} - 1 - {k}" if transposed else k
                factor = w.entry(L, [*own_l, *((known, row) if transposed else (row, known))])
                w.line(f"{s} -= {factor} * {out.at([*batch, known, column])};")
            w.line(f"{out.at([*batch, row, column])} = {s} / {diagonal};")
