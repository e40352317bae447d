"""Section 6.5.5: what makes one number of many, as loops in JavaScript: sums, products, maxima."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dlbook.checks import Shape
from dlbook.graph import Variable
from dlbook.operations.indexing import ArgMax, ArgMin, MaxAndIndex
from dlbook.operations.linear import MatMul
from dlbook.operations.reductions import Max, Min, Reduction, Sum
from dlbook.operations.running import Along, CumSum, Prod, Scan
from dlbook.operations.softmax import LogSumExp
from dlbook.programs.javascript.places import Place, c_order, product, size_of, sizes_of
from dlbook.programs.javascript.writer import Writer, loops_of, within
from dlbook.programs.lowered import InnerProduct

BLOCK = 128  # entries that are added up one after the other; sums of more are added two by two
Term = Callable[..., str]  # from an index, or the place of an entry, to what is added


def kept_of(shape: Shape, axes: Sequence[int]) -> list[int]:
    return [axis for axis in range(len(shape)) if axis not in axes]


def index_of(V: Variable, index: Sequence[str], axes: Sequence[int]) -> list[str]:
    """Return where the result for an index of what is reduced over ``axes`` stands."""
    if V.ndim == len(index):
        return ["0" if axis in axes else i for axis, i in enumerate(index)]
    return [i for axis, i in enumerate(index) if axis not in axes]


@contextmanager
def loops_over(
    w: Writer, shape: Shape, axes: Sequence[int], index: Sequence[str]
) -> Iterator[list[str]]:
    """Write loops over some axes where the index on the others is known; give the whole index."""
    with w.loops(shape, axes) as inner:
        yield [i if axis in axes else index[axis] for axis, i in enumerate(inner)]


# --- Sums ---------------------------------------------------------------------------------------


@loops_of(Sum)
def sum_over(w: Writer, V: Variable, op: Sum, out: Place) -> None:
    (A,) = V.inputs
    with w.loops(A.shape, kept_of(A.shape, op.axes)) as index:
        flat = w.is_flat_result(A) and len(op.axes) == A.ndim
        term = (lambda i: w.flat_entry(A, i)) if flat else (lambda i: w.entry(A, i))
        s = added_up(w, A.shape, op.axes, index, term, flat)
        w.assign(V, out, index_of(V, index, op.axes), s)


@loops_of(InnerProduct)
def inner_product(w: Writer, V: Variable, op: InnerProduct, out: Place) -> None:
    a, b = V.inputs
    flat = w.is_flat_result(a) and w.is_flat_result(b)
    entry = w.flat_entry if flat else w.entry

    def term(i):
        return f"{entry(a, i)} * {entry(b, i)}"

    s = added_up(w, a.shape, range(a.ndim), ["0"] * a.ndim, term, flat)
    w.assign(V, out, (), s)


def added_up(
    w: Writer,
    shape: Shape,
    axes: Sequence[int],
    index: Sequence[str],
    term: Term,
    flat: bool = False,
) -> str:
    """Write the sum of ``term(index)`` over some axes, in double precision; return its name.

    With ``flat`` the term takes the place of an entry, counted through in order.
    """
    count = product([sizes_of(shape)[axis] for axis in axes])
    if count.known is None or count.known > BLOCK:
        return added_in_blocks(w, shape, axes, index, term, flat)
    s = w.names.new("sum", numbered=True)
    w.line(f"let {s} = 0;")
    if flat:
        with w.loop(str(count)) as i:
            w.line(f"{s} += {term(i)};")
    else:
        with loops_over(w, shape, axes, index) as both:
            w.line(f"{s} += {term(both)};")
    return s


def added_in_blocks(
    w: Writer, shape: Shape, axes: Sequence[int], index: Sequence[str], term: Term, flat: bool
) -> str:
    """Write a sum of many, whose blocks are added two by two."""
    s, depth, part, block = (
        w.names.new(name, numbered=True) for name in ("sum", "depth", "part", "block")
    )
    longest = max(axes, key=lambda axis: (shape[axis] is None, shape[axis] or 0))
    sizes = sizes_of(shape)
    end = str(product([sizes[axis] for axis in axes]) if flat else sizes[longest])
    w.help("merge", "merged")
    w.line(f"let {depth} = 0;")
    with w.loop(end, step=f"{{}} += {BLOCK}, {block}++", more=f", {block} = 1") as start:
        w.line(f"let {part} = 0;")
        with w.loop(f"Math.min({start} + {BLOCK}, {end})", start=start) as i:
            if flat:
                w.line(f"{part} += {term(i)};")
            else:
                here = [i if axis == longest else place for axis, place in enumerate(index)]
                others = [axis for axis in axes if axis != longest]
                with loops_over(w, shape, others, here) as both:
                    w.line(f"{part} += {term(both)};")
        w.line(f"{depth} = merge({part}, {block}, {depth});")
    w.line(f"const {s} = merged({depth});")
    return s


@loops_of(MatMul)
def matrix_product(w: Writer, V: Variable, op: MatMul, out: Place) -> None:
    A, B = V.inputs
    if A.ndim == B.ndim == 1:
        s = added_up(w, A.shape, (0,), ["0"], lambda i: f"{w.entry(A, i)} * {w.entry(B, i)}")
        w.assign(V, out, (), s)
        return
    batch = V.ndim - (A.ndim > 1) - (B.ndim > 1)
    with w.loops(V.shape) as index:
        row, column = index[batch : batch + (A.ndim > 1)], index[len(index) - (B.ndim > 1) :]

        def term(k):
            a = w.entry(A, [*within(A.shape[:-2], index[:batch]), *row, k])
            b = w.entry(B, [*within(B.shape[:-2], index[:batch]), k, *column])
            return f"{a} * {b}"

        if A.shape[-1] == 1:
            w.assign(V, out, index, term("0"))
        else:
            s = w.names.new("sum", numbered=True)
            w.line(f"let {s} = 0;")
            with w.loop(str(size_of(A.shape[-1]))) as k:
                w.line(f"{s} += {term(k)};")
            w.assign(V, out, index, s)


# --- Products, the largest, and where it is -------------------------------------------------------


def reduced(w: Writer, V: Variable, op: Reduction, out: Place, start: str, step: str) -> None:
    """Write a reduction: ``step`` says how ``{s}`` changes with the next entry, ``{x}``."""
    (A,) = V.inputs
    s, x = w.names.new("result", numbered=True), w.names.new("x", numbered=True)
    with w.loops(A.shape, kept_of(A.shape, op.axes)) as index:
        w.line(f"let {s} = {start};")
        with loops_over(w, A.shape, op.axes, index) as both:
            w.line(f"const {x} = {w.entry(A, both)};")
            w.line(step.format(s=s, x=x))
        w.assign(V, out, index_of(V, index, op.axes), s)


@loops_of(Max)
def largest(w: Writer, V: Variable, op: Max, out: Place) -> None:
    reduced(w, V, op, out, "-Infinity", "if ({x} > {s} || {x} !== {x}) {s} = {x};")  # NaN stays


@loops_of(Min)
def smallest(w: Writer, V: Variable, op: Min, out: Place) -> None:
    reduced(w, V, op, out, "Infinity", "if ({x} < {s} || {x} !== {x}) {s} = {x};")


@loops_of(Prod)
def multiplied(w: Writer, V: Variable, op: Prod, out: Place) -> None:
    reduced(w, V, op, out, "1", "{s} *= {x};")


@loops_of(LogSumExp)
def log_sum_exp(w: Writer, V: Variable, op: LogSumExp, out: Place) -> None:
    """The largest is taken out of the exponentials, unless it is infinite."""
    (A,), top = V.inputs, w.names.new("largest", numbered=True)
    with w.loops(A.shape, kept_of(A.shape, op.axes)) as index:
        w.line(f"let {top} = -Infinity;")
        with loops_over(w, A.shape, op.axes, index) as both:
            w.line(f"{top} = Math.max({top}, {w.entry(A, both)});")
        w.line(f"if (Math.abs({top}) === Infinity) {top} = 0;")
        s = added_up(w, A.shape, op.axes, index, lambda i: f"Math.exp({w.entry(A, i)} - {top})")
        w.assign(V, out, index_of(V, index, op.axes), f"{top} + Math.log({s})")


@loops_of(ArgMax, MaxAndIndex)
def arg_max(w: Writer, V: Variable, op: ArgMax | MaxAndIndex, out: Place) -> None:
    (A,), axis = V.inputs, op.axis
    axes = range(A.ndim) if axis is None else (axis,)
    sign = "<" if isinstance(op, ArgMin) else ">"
    best, place, x = (w.names.new(name, numbered=True) for name in ("best", "place", "x"))
    with w.loops(A.shape, kept_of(A.shape, axes)) as index:
        w.line(f"let {best} = 0, {place} = -1;")
        with loops_over(w, A.shape, axes, index) as both:
            here = flat_index(A.shape, both) if axis is None else both[axis]
            w.line(f"const {x} = +{w.entry(A, both)};")
            better = f"{x} {sign} {best} || ({x} !== {x} && {best} === {best})"
            w.line(f"if ({place} < 0 || {better}) [{best}, {place}] = [{x}, {here}];")
        value = isinstance(op, MaxAndIndex) and op.output == 0
        w.assign(V, out, index_of(V, index, axes), best if value else place)


def flat_index(shape: Shape, index: Sequence[str]) -> str:
    """Return the place of an entry, counted through in order."""
    return Place("", shape, c_order(shape)).at(index)[1:-1]


# --- Along an axis --------------------------------------------------------------------------------


@loops_of(CumSum)
def cumulative_sum(w: Writer, V: Variable, op: CumSum, out: Place) -> None:
    (A,), s = V.inputs, w.names.new("sum", numbered=True)
    with going_along(w, V, op, f"let {s} = 0;") as index:
        w.line(f"{s} += {w.entry(A, index)};")
        w.line(f"{out.at(index)} = {s};")


@loops_of(Scan)
def scan(w: Writer, V: Variable, op: Scan, out: Place) -> None:
    x, g = V.inputs
    s, before = w.names.new("state", numbered=True), w.names.new("before", numbered=True)
    with going_along(w, V, op, f"let {s} = {op.first}, {before} = null;") as index:
        w.line(f"if ({before} !== null) {s} = {before}[0] * {s} + {before}[1];")
        w.line(f"{before} = [{w.entry(x, index)}, {w.entry(g, index)}];")
        w.line(f"{out.at(index)} = {s};")


@contextmanager
def going_along(w: Writer, V: Variable, op: Along, start: str) -> Iterator[list[str]]:
    """Write a loop along an axis, from the first entry or from the last one on."""
    with w.loops(V.shape, kept_of(V.shape, (op.axis,))) as index:
        w.line(start)
        size = str(size_of(V.shape[op.axis]))
        with w.loop(size) as i:
            own = [*index]
            own[op.axis] = f"{size} - 1 - {i}" if op.backwards else i
            if V.shape[op.axis] == 1:
                own[op.axis] = "0"
            yield own
