"""Section 6.5.5: small functions that programs in JavaScript have where they call them."""

from __future__ import annotations

from collections.abc import Iterable

# JavaScript has no such function, or means something else by it.
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


def with_what_they_call(names: Iterable[str]) -> list[str]:
    """Return the names of helpers, and of those that they call, in an order to define them in."""
    waiting, found = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(CALLS.get(name, ()))
    return [name for name in HELPERS if name in found]
