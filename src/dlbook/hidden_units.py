"""Section 6.3: hidden units, each with what it computes, what it learns and when to use it.

Look at :data:`UNITS` first, or run ``dl.hidden_units.table()``: the units of the book in its
order, and those that came after it. A :class:`HiddenUnit` is called with the pre-activations
``z = W^T x + b`` of a layer and gives its output ``h`` (Equation 6.36).
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtr

from dlbook.checks import whole_number
from dlbook.graph import Variable
from dlbook.operations import (
    abs,
    cos,
    erfc,
    exp,
    expm1,
    hard_tanh,
    leaky_relu,
    parametric_relu,
    relu,
    sigmoid,
    softmax,
    softplus,
    square,
    sum,
    tanh,
    where,
)
from dlbook.operations import (
    maxout as maximum_of_groups,
)
from dlbook.showing import as_typed, displayed

MAXOUT = re.compile(r"maxout\(([0-9]+)\)")


@dataclass(frozen=True)
class HiddenUnit:
    """One kind of hidden unit.

    Attributes
    ----------
    name : str
    formula : str
        What a unit computes from its pre-activation, for people.
    when : str
        One line of when to use it.
    function : function of Variable
        From pre-activations ``(..., units * pieces)``, and what is learned, to ``(..., units)``.
    pieces : int
        How many pre-activations a unit takes.
    learned : dict of str to float
        What else a unit learns, one number each, and where it begins.
    gain : float
        He's initialisation draws weights with the standard deviation gain / sqrt(in_size), so
        that signals keep their size on the way through many layers.
    templates : bool
        Whether a unit compares x with a template, a column of W, in place of W^T x + b.
    newer : bool
        Whether it came after the book.
    """

    name: str
    formula: str
    when: str
    function: Callable[..., Variable]
    pieces: int = 1
    learned: dict[str, float] = field(default_factory=dict)
    gain: float = 1.0
    templates: bool = False
    newer: bool = False

    def __call__(self, z: Variable, *learned: Variable) -> Variable:
        """Apply the unit to pre-activations; ``learned`` as the attribute says, one each."""
        if len(learned) != len(self.learned):
            raise TypeError(
                f"{self.name}: learns {len(self.learned)} numbers a unit "
                f"({', '.join(self.learned) or 'none'}), got {len(learned)}"
            )
        return self.function(z, *learned)

    @property
    def takes_rows(self) -> bool:
        """Whether the units need more of an example than a number each."""
        return self.pieces > 1 or self.templates or self.function is softmax

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        if UNITS.get(self.name) is self or MAXOUT.fullmatch(self.name):
            return f"hidden_units.get({self.name!r})"
        unnamed = ["name", "formula", "when", "function"]
        values = {"learned": self.learned or ...}  # its default is made anew each time
        return as_typed(self, "hidden_units.", values, unnamed=unnamed)


def identity(z: Variable) -> Variable:
    """Return ``z`` itself: a linear unit (Section 6.3.3)."""
    return z


def elu(z: Variable) -> Variable:
    """z where positive, else exp(z) - 1 (Clevert et al., 2016)."""
    # Not of min{0, z}, whose slope at 0 is 1/2: there both sides have the slope 1.
    return where(z > 0, z, expm1(where(z > 0, 0, z)))


def gelu(z: Variable) -> Variable:
    """z times the probability that a standard normal number is below it (Hendrycks, 2016)."""
    return z * erfc(z * -math.sqrt(0.5)) / 2


def silu(z: Variable) -> Variable:
    """z sigmoid(z), also called Swish (Ramachandran et al., 2017)."""
    return z * sigmoid(z)


def squared_distances(X: Variable, W: Variable) -> Variable:
    """Return ||x - W_:,i||^2 for each row x of ``X`` (m, n) and each column of ``W`` (n, units)."""
    lengths = sum(square(X), axis=-1, keepdims=True) + sum(square(W), axis=-2, keepdims=True)
    return relu(lengths - 2 * (X @ W))  # rounding must not make it negative


def rbf(distances: Variable, sigma: Variable) -> Variable:
    """exp(-||x - W_:,i||^2 / sigma_i^2), given the squared distances (Section 6.3.3)."""
    return exp(-distances / square(sigma))


def maxout(pieces: int) -> HiddenUnit:
    """Return the maxout unit with ``pieces`` linear pieces (Equation 6.37).

    Raises ValueError unless there are at least 2.
    """
    if not (whole_number(pieces) and pieces >= 2):
        raise ValueError(f"maxout: a unit needs at least 2 pieces, got {pieces!r}")
    return HiddenUnit(
        f"maxout({pieces})",
        f"max(z1, ..., z{pieces})",
        "when a unit should learn its own convex function; takes more parameters",
        lambda z: maximum_of_groups(z, int(pieces)),
        pieces=int(pieces),
        gain=_maximum_of_normals(int(pieces)) ** -0.5,
    )


def _maximum_of_normals(count: int) -> float:
    """Return the expected square of the largest of some standard normal numbers."""
    z = np.linspace(-12.0, 12.0, 2001)
    density = count * ndtr(z) ** (count - 1) * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return float(np.trapezoid(z**2 * density, z))


_ROOT_2 = math.sqrt(2.0)

UNITS: dict[str, HiddenUnit] = {
    unit.name: unit
    for unit in [
        HiddenUnit("relu", "max{0, z}", "first choice for most networks", relu, gain=_ROOT_2),
        HiddenUnit(
            "absolute value", "|z|", "when features must not depend on a change of sign", abs
        ),
        HiddenUnit(
            "leaky relu",
            "max{0, z} + 0.01 min{0, z}",
            "when rectified units die",
            lambda z: leaky_relu(z, 0.01),
            gain=math.sqrt(2 / (1 + 0.01**2)),
        ),
        HiddenUnit(
            "parametric relu",
            "max{0, z} + α min{0, z}",
            "as the leaky one, with slopes that are learned",
            parametric_relu,
            learned={"alpha": 0.25},
            gain=math.sqrt(2 / (1 + 0.25**2)),
        ),
        maxout(2),
        HiddenUnit("sigmoid", "1 / (1 + exp(-z))", "rarely, and not deep: it saturates", sigmoid),
        HiddenUnit("tanh", "2 σ(2z) - 1", "where a unit must be bounded and odd", tanh),
        HiddenUnit("identity", "z", "to factor a large weight matrix into two", identity),
        HiddenUnit("cos", "cos z", "hardly ever; it works, though", cos),
        HiddenUnit("softmax", "exp(z_i) / Σ exp(z_j)", "as a switch between inputs", softmax),
        HiddenUnit(
            "rbf",
            "exp(-‖x - W_i‖² / σ_i²)",
            "close to templates; hard to train",
            rbf,
            learned={"sigma": 1.0},
            templates=True,
        ),
        HiddenUnit(
            "softplus", "log(1 + exp z)", "hardly ever: the rectifier does better", softplus
        ),
        HiddenUnit(
            "hard tanh", "max{-1, min{1, z}}", "as tanh, cheaper, with exact bounds", hard_tanh
        ),
        HiddenUnit("elu", "z, or exp(z) - 1 below 0", "as the leaky one, smooth", elu, newer=True),
        HiddenUnit("gelu", "z Φ(z)", "in transformers", gelu, gain=_ROOT_2, newer=True),
        HiddenUnit("silu", "z σ(z)", "in deep convolutional networks", silu, newer=True),
    ]
}


def get(unit: str | HiddenUnit | Callable[[Variable], Variable] | None) -> HiddenUnit:
    """Return a hidden unit: by its name, as it is, or made of a function of z.

    Raises ValueError if there is none of that name, TypeError if it is nothing of the kind.
    """
    if unit is None:
        return UNITS["identity"]
    if isinstance(unit, HiddenUnit):
        return unit
    if isinstance(unit, str):
        if unit in UNITS:
            return UNITS[unit]
        if of_pieces := MAXOUT.fullmatch(unit):
            return maxout(int(of_pieces[1]))
        raise ValueError(f"hidden unit: there is no {unit!r}; there are {', '.join(UNITS)}")
    if not callable(unit):
        raise TypeError(f"hidden unit: must be a name or a function, got {unit!r}")
    known = next((u for u in UNITS.values() if u.function is unit), None)
    name = str(getattr(unit, "__name__", None) or getattr(unit, "name", "unit"))
    return known or HiddenUnit(name, f"{name}(z)", "", unit)


class Table:
    """Rows of text that show themselves as a table, in a notebook and in a terminal."""

    def __init__(self, header: list[str], rows: list[list[str]]):
        self.header, self.rows = header, rows

    def __repr__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        lines.insert(1, ["-" * width for width in widths])
        padded = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join(padded)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return displayed(self.html(), repr(self))

    def html(self) -> str:
        """Return the table as a ``<table>`` element."""

        def row(cells: list[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self.rows)
        return f"<table><thead>{row(self.header, 'th')}</thead><tbody>{body}</tbody></table>"


def table() -> Table:
    """Show all hidden units: what they compute, what they learn, and when to use them."""
    rows: list[list[Any]] = []
    for unit in UNITS.values():
        needs = [*unit.learned] + [f"{unit.pieces} weight vectors"] * (unit.pieces > 1)
        needs += ["templates"] * unit.templates
        when = unit.when + " (newer than the book)" * unit.newer
        rows.append([unit.name, unit.formula, ", ".join(needs), when])
    return Table(["unit", "h", "learns also", "when to use it"], rows)
