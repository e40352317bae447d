"""Section 6.5.5: how JavaScript computes one entry, operation by operation.

Each line of the table is the formula of one entry in terms of the entries of the inputs. What is
no number yet, a comparison, is a bool of JavaScript's, which counts as 0 or 1 in sums and products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlbook.graph import Variable
from dlbook.operations import comparisons as co
from dlbook.operations import elementwise as el
from dlbook.operations import functions as fn
from dlbook.operations.base import Operation, computed_by
from dlbook.programs.javascript_places import literal
from dlbook.programs.lowered import AddScaled, Gate

# From an operation and the entries of its inputs to the formula of an entry.
Entry = Callable[..., str]

ENTRIES: dict[type[Operation], Entry] = {
    el.Add: lambda op, a, b: f"{a} + {b}",
    el.Subtract: lambda op, a, b: f"{a} - {b}",
    el.Multiply: lambda op, a, b: f"{a} * {b}",
    el.Divide: lambda op, a, b: f"{a} / {b}",
    el.Negate: lambda op, a: f"-{a}",
    el.Square: lambda op, a: f"{a} * {a}" if a.isidentifier() else f"square({a})",
    el.Sqrt: lambda op, a: f"Math.sqrt({a})",
    el.Abs: lambda op, a: f"Math.abs({a})",
    el.Sign: lambda op, a: f"Math.sign({a})",
    el.Power: lambda op, a: f"power({a}, {literal(op.exponent)})",
    el.VariablePower: lambda op, a, b: f"power({a}, {b})",
    el.RoundTo: lambda op, a: f"{'half' if op.short == 'float16' else 'Math.fround'}({a})",
    el.AsType: lambda op, a: f"{a}",
    AddScaled: lambda op, A, c, B: f"{A} + {c} * {B}",
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
    co.Maximum: lambda op, a, b: f"Math.max({a}, {b})",
    co.Minimum: lambda op, a, b: f"Math.min({a}, {b})",
    fn.Exp: lambda op, a: f"Math.exp({a})",
    fn.Log: lambda op, a: f"Math.log({a})",
    fn.Expm1: lambda op, a: f"Math.expm1({a})",
    fn.Log1p: lambda op, a: f"Math.log1p({a})",
    fn.Sin: lambda op, a: f"Math.sin({a})",
    fn.Cos: lambda op, a: f"Math.cos({a})",
    fn.Tanh: lambda op, a: f"Math.tanh({a})",
    fn.TanhSlope: lambda op, a: f"tanhSlope({a})",
    fn.Erf: lambda op, a: f"erf({a})",
    fn.Erfc: lambda op, a: f"erfc({a})",
    fn.Relu: lambda op, z: f"Math.max({z}, 0)",
}
# What gives a number that the dtype holds if its inputs are such numbers.
EXACT = (
    *(el.Negate, el.Abs, el.Sign, co.Where, co.Maximum, co.Minimum, fn.Relu, el.RoundTo),
    *(co.Comparison, co.Logical, co.IsNaN, Gate),
)
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
    if dtype in WRAPPED and not isinstance(op, EXACT[3:]):
        code = f"({code})" if " " in code else code
        return f"({WRAPPED[dtype].format(code)})"
    return f"({code})" if " " in code or code[0] in "-!" else code


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


# What formulas call: JavaScript has no such function, or means something else by it.
HELPERS = {
    "square": "(a) => a * a",
    # In C, which NumPy asks, 1 to any power is 1, and -1 to an infinite power too.
    "power": """(a, b) => {
    if (a === 1 || (a === -1 && Math.abs(b) === Infinity)) return 1;
    return b === 2 ? a * a : Math.pow(a, b);
  }""",
    # Adding a number so large that what is left over has no room rounds to even.
    "half": """(a) => {
    const size = Math.abs(a);
    if (!(size < 65520)) return a / (size < Infinity ? 0 : 1);
    let step = 2 ** -24;
    while (size >= step * 2048) step *= 2;
    const large = 3 * 2 ** 51 * step;
    return size + large - large ? Math.sign(a) * (size + large - large) : a * 0;
  }""",
    "tanhSlope": """(a) => {
    const e = Math.exp(-2 * Math.abs(a));
    return 4 * e / (1 + e) ** 2;
  }""",
    # exp(-a a), with the square in two parts: its rounding would be magnified by the exponential.
    "gauss": """(a) => {
    const near = Math.fround(a);
    return Math.exp(-near * near) * Math.exp((near - a) * (near + a));
  }""",
    # Near 0 the series whose terms are all positive; further out 1 less the complement.
    "erf": """(a) => {
    if (!(Math.abs(a) < 1)) return Math.sign(a) - Math.sign(a) * erfc(Math.abs(a));
    let term = a, sum = a;
    for (let n = 1; n < 40; n++) sum += term *= 2 * a * a / (2 * n + 1);
    return 2 / Math.sqrt(Math.PI) * gauss(a) * sum;
  }""",
    # Far out the continued fraction, from the inside outwards.
    "erfc": """(a) => {
    if (!(a >= 1)) return a < 0 ? 2 - erfc(-a) : 1 - erf(a);
    let inner = a;
    for (let n = 200; n > 0; n--) inner = a + n / 2 / inner;
    return a === Infinity ? 0 : gauss(a) / (Math.sqrt(Math.PI) * inner);
  }""",
    # Sums of blocks are added two by two, each to one of as many entries: so rounding errors grow
    # with the number of doublings alone.
    "merge": """(part, block, depth) => {
    for (; block % 2 === 0; block /= 2) part += parts[--depth];
    parts[depth] = part;
    return depth + 1;
  }""",
    "merged": """(depth) => {
    let sum = parts[--depth];
    while (depth > 0) sum += parts[--depth];
    return sum;
  }""",
    "parts": "new Float64Array(64)",
}
CALLS = {"erf": ("gauss", "erfc"), "erfc": ("gauss", "erf"), "merge": ("parts",)}
CALLS["merged"] = ("parts",)


def limits(dtype: np.dtype) -> tuple[int, int]:
    """Return the least and the greatest integer of a dtype."""
    if dtype.kind == "b":
        return 0, 1
    info: Any = np.iinfo(dtype)
    return int(info.min), int(info.max)
