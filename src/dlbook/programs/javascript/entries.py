"""Section 6.5.5: how JavaScript computes one entry, operation by operation.

Each line of the table is the formula of one entry in terms of the entries of the inputs. What is
no number yet, a comparison, is a bool of JavaScript's, which counts as 0 or 1 in sums and products.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dlbook.graph import Variable
from dlbook.operations import comparisons as co
from dlbook.operations import elementwise as el
from dlbook.operations import functions as fn
from dlbook.operations.base import Operation, computed_by
from dlbook.programs.javascript.places import literal
from dlbook.programs.lowered import AddScaled, Gate

# From an operation and the entries of its inputs to the formula of an entry.
Entry = Callable[..., str]

ENTRIES: dict[type[Operation], Entry] = {
    el.Add: lambda op, a, b: f"{term(a)} + {term(b)}",
    el.Subtract: lambda op, a, b: f"{term(a)} - {term(b)}",
    el.Multiply: lambda op, a, b: f"{a} * {b}",
    el.Divide: lambda op, a, b: f"{a} / {b}",
    el.Negate: lambda op, a: f"-{a}",
    el.Square: lambda op, a: f"{a} * {a}" if a.isidentifier() else f"square({a})",
    el.Sqrt: lambda op, a: f"Math.sqrt({bare(a)})",
    el.Abs: lambda op, a: f"Math.abs({bare(a)})",
    el.Sign: lambda op, a: f"Math.sign({bare(a)})",
    el.Power: lambda op, a: f"power({a}, {literal(op.exponent)})",
    el.VariablePower: lambda op, a, b: f"power({a}, {b})",
    el.RoundTo: lambda op, a: f"{'half' if op.short == 'float16' else 'Math.fround'}({a})",
    el.AsType: lambda op, a: f"{a}",
    AddScaled: lambda op, A, c, B: f"{term(A)} + {c} * {B}",
    Gate: lambda op, a, mask: f"{a} * {mask}",
    co.Greater: lambda op, a, b: f"{a} > {b}",
    co.GreaterEqual: lambda op, a, b: f"{a} >= {b}",
    co.Less: lambda op, a, b: f"{a} < {b}",
    co.LessEqual: lambda op, a, b: f"{a} <= {b}",
    co.Equal: lambda op, a, b: f"{a} == {b}",
    co.NotEqual: lambda op, a, b: f"{a} != {b}",
    co.LogicalAnd: lambda op, a, b: f"{a} && {b}",
    co.LogicalOr: lambda op, a, b: f"{a} || {b}",
    co.LogicalNot: lambda op, a: f"!{a}",
    co.IsNaN: lambda op, a: f"Number.isNaN({a})",
    co.Where: lambda op, condition, a, b: f"{condition} ? {a} : {b}",
    co.Maximum: lambda op, a, b: f"Math.max({bare(a)}, {bare(b)})",
    co.Minimum: lambda op, a, b: f"Math.min({bare(a)}, {bare(b)})",
    fn.Exp: lambda op, a: f"Math.exp({bare(a)})",
    fn.Log: lambda op, a: f"Math.log({bare(a)})",
    fn.Expm1: lambda op, a: f"Math.expm1({bare(a)})",
    fn.Log1p: lambda op, a: f"Math.log1p({bare(a)})",
    fn.Sin: lambda op, a: f"Math.sin({bare(a)})",
    fn.Cos: lambda op, a: f"Math.cos({bare(a)})",
    fn.Tanh: lambda op, a: f"Math.tanh({bare(a)})",
    fn.TanhSlope: lambda op, a: f"tanhSlope({bare(a)})",
    fn.Erf: lambda op, a: f"erf({bare(a)})",
    fn.Erfc: lambda op, a: f"erfc({bare(a)})",
    fn.Relu: lambda op, z: f"Math.max({bare(z)}, 0)",
}
# What gives a number that the dtype holds if its inputs are such numbers: of any dtype, of a float.
CHOOSING = (
    *(co.Where, co.Maximum, co.Minimum, fn.Relu, Gate),
    *(co.Comparison, co.Logical, co.IsNaN, el.RoundTo),
)
EXACT = (el.Negate, el.Abs, el.Sign, *CHOOSING)
# To bring a whole number into the range of its dtype, as its bits do.
WRAPPED = {
    "int8": "{} << 24 >> 24",
    "int16": "{} << 16 >> 16",
    "int32": "{} | 0",
    "uint8": "{} & 255",
    "uint16": "{} & 65535",
    "uint32": "{} >>> 0",
}


def entry(V: Variable, arguments: list[str], stored: bool = False) -> str:
    """Write an entry of ``V``; if it is ``stored`` now, the typed array rounds and wraps it."""
    op = computed_by(V)
    code = _formula(V, op, arguments)
    dtype = str(V.dtype)
    if stored:
        return code
    if dtype == "float32" and not isinstance(op, EXACT) and not _is_exact_cast(V):
        return f"Math.fround({code})"
    if dtype in WRAPPED and not isinstance(op, CHOOSING):
        return f"({WRAPPED[dtype].format(in_brackets(code))})"
    return in_brackets(code)


def _formula(V: Variable, op: Operation, arguments: list[str]) -> str:
    if type(op) is el.AsType:
        return _cast(V, arguments[0])
    wide = str(V.dtype) in ("int32", "uint32")  # whose products a double cannot hold
    if wide and isinstance(op, el.Multiply):
        return f"Math.imul({arguments[0]}, {arguments[1]})"
    if wide and isinstance(op, el.Square):
        return f"Math.imul({arguments[0]}, {arguments[0]})"
    if isinstance(op, co.Equal | co.NotEqual) and V.inputs[0].dtype.kind == "b":
        arguments = [f"!{a}" for a in arguments]
    if type(op) not in ENTRIES:
        raise TypeError(
            f"compile: JavaScript has no formula for {op.name}, an operation that is not dlbook's "
            f"own"
        )
    return ENTRIES[type(op)](op, *arguments)


def _cast(V: Variable, a: str) -> str:
    """Write the conversion of an entry from the dtype of the input."""
    source, target = V.inputs[0].dtype, V.dtype
    if target.kind == "b":
        return a if source.kind == "b" else f"{a} != 0"
    if source.kind == "b":
        return f"+{a}" if a.startswith(("(", "!")) else a
    if source.kind == "f" and target.kind in "iu":
        return f"Math.trunc({a})"
    return a


def _is_exact_cast(V: Variable) -> bool:
    return isinstance(V.operation, el.AsType) and V.inputs[0].dtype.kind in "b"


# --- Brackets ------------------------------------------------------------------------------------


def outside(code: str) -> str:
    """Return what of a formula stands in no brackets."""
    depth, found = 0, ""
    for letter in code:
        depth -= letter in ")]"
        found += letter if depth == 0 else ""
        depth += letter in "(["
    return found


def bare(code: str) -> str:
    """Leave out brackets around all of a formula."""
    return code[1:-1] if outside(code) == "()" else code


def in_brackets(code: str) -> str:
    """Put a formula in brackets, unless it is a name, a number, a call or an entry."""
    plain = re.fullmatch(r"[\w.]*(\(\)|\[\])?", outside(code))
    return code if plain else f"({code})"


def term(code: str) -> str:
    """Leave out the brackets around a product that is added."""
    operators = outside(bare(code)).split(" ")[1::2]
    return bare(code) if operators and set(operators) <= {"*"} else code
