"""Section 6.5.5: stacks of matrices, parts put together and checked targets, as loops."""

from __future__ import annotations

from dlbook.graph import Variable
from dlbook.operations.joining import Concatenate, Stack
from dlbook.operations.labels import Probability, Shares
from dlbook.operations.matrices import Cholesky, LowerTriangle, SolveTriangular
from dlbook.programs.javascript.places import Place
from dlbook.programs.javascript.reductions import added_up, kept_of
from dlbook.programs.javascript.writer import Writer, loops_of, within


@loops_of(Concatenate)
def concatenate(w: Writer, V: Variable, op: Concatenate, out: Place) -> None:
    before = 0
    for U in V.inputs:
        with w.loops(U.shape) as index:
            own = [*index]
            places = [str(before)] * (before > 0) + [own[op.axis]] * (own[op.axis] != "0")
            own[op.axis] = " + ".join(places) or "0"
            w.line(f"{out.at(own)} = {w.entry(U, index)};")
        before += U.shape[op.axis] or 0


@loops_of(Stack)
def stack(w: Writer, V: Variable, op: Stack, out: Place) -> None:
    for place, U in enumerate(V.inputs):
        with w.loops(U.shape) as index:
            own = [*index[: op.axis], str(place), *index[op.axis :]]
            w.line(f"{out.at(own)} = {w.entry(U, index)};")


@loops_of(LowerTriangle)
def lower_triangle(w: Writer, V: Variable, op: LowerTriangle, out: Place) -> None:
    (A,) = V.inputs
    with w.loops(V.shape) as index:
        i, j = index[-2:]
        x = w.entry(A, index)
        diagonal = f"{x} / 2" if op.half else x
        w.line(f"{out.at(index)} = {i} > {j} ? {x} : {i} == {j} ? {diagonal} : 0;")


@loops_of(Cholesky)
def cholesky(w: Writer, V: Variable, op: Cholesky, out: Place) -> None:
    """Row by row: what is left of an entry once the rows before are taken off."""
    (A,), d = V.inputs, V.shape[-1]
    rest = w.names.new("rest", numbered=True)
    w.line(f"{out.name}.fill(0);")
    with w.loops(V.shape, range(V.ndim - 2)) as index:
        batch = index[:-2]
        with w.loop(str(d)) as i, w.loop(f"{i} + 1") as j:
            both = f"{w.entry(A, [*batch, i, j])} + {w.entry(A, [*batch, j, i])}"
            w.line(f"let {rest} = ({both}) / 2;")
            with w.loop(j) as k:
                w.line(f"{rest} -= {out.at([*batch, i, k])} * {out.at([*batch, j, k])};")
            w.refuse(f"{i} === {j} && !({rest} > 0)", "cholesky: not positive definite")
            own, diagonal = out.at([*batch, i, j]), out.at([*batch, j, j])
            w.line(f"{own} = {i} === {j} ? Math.sqrt({rest}) : {rest} / {diagonal};")


@loops_of(SolveTriangular)
def solve_triangular(w: Writer, V: Variable, op: SolveTriangular, out: Place) -> None:
    """Row by row, from the first on, or from the last one for L^T."""
    (L, B), d = V.inputs, V.shape[-2]
    rest = w.names.new("rest", numbered=True)

    def counted(i):
        return f"{d} - 1 - {i}" if op.transposed else i

    with w.loops(V.shape, [*range(V.ndim - 2), V.ndim - 1]) as index:
        batch, column = index[:-2], index[-1]
        own_l, own_b = within(L.shape[:-2], batch), within(B.shape[:-2], batch)
        with w.loop(str(d)) as r:
            row = counted(r)
            diagonal = w.entry(L, [*own_l, row, row])
            w.refuse(f"{diagonal} == 0", "solve_triangular: a 0 on the diagonal")
            w.line(f"let {rest} = {w.entry(B, [*own_b, row, column])};")
            with w.loop(r) as k:
                known = counted(k)
                place = (known, row) if op.transposed else (row, known)
                factor = w.entry(L, [*own_l, *place])
                w.line(f"{rest} -= {factor} * {out.at([*batch, known, column])};")
            w.line(f"{out.at([*batch, row, column])} = {rest} / {diagonal};")


# --- Targets that are checked ---------------------------------------------------------------------


@loops_of(Probability)
def probability(w: Writer, V: Variable, op: Probability, out: Place) -> None:
    (y,), p = V.inputs, w.names.new("p", numbered=True)
    with w.loops(V.shape) as index:
        w.line(f"const {p} = {w.entry(y, index)};")
        w.refuse(f"!({p} >= 0 && {p} <= 1)", f"{op.name}: no probability")
        w.assign(V, out, index, p)


@loops_of(Shares)
def shares(w: Writer, V: Variable, op: Shares, out: Place) -> None:
    probability(w, V, op, out)
    (y,), last = V.inputs, (V.ndim - 1,)
    with w.loops(V.shape, kept_of(V.shape, last)) as index:
        s = added_up(w, V.shape, last, index, lambda i: w.entry(y, i))
        w.refuse(f"Math.abs({s} - 1) > 1e-3", "shares: do not add up to 1")
