"""The map of the chapter on the landing page: a small picture and a line for each section."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

import dlbook as dl
from dlbook.figures.style import CLASS_COLORS, COLORS, MARKERS, Drawing, in_style


class ChapterMap:
    """A grid of cards, shown as HTML.

    Parameters
    ----------
    sections : list of (number, title, sentence, link)
        The link is ``None`` while a section has no page.
    """

    def __init__(self, sections: Sequence[tuple[str, str, str, str | None]]):
        self.sections = sections

    def __repr__(self) -> str:
        return "\n".join(f"{number} {title}: {text}" for number, title, text, _ in self.sections)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        cards = "".join(_card(*section) for section in self.sections)
        return {"text/html": f'<div class="dl-map">{cards}</div>', "text/plain": repr(self)}


def _card(number: str, title: str, text: str, link: str | None) -> str:
    body = (
        f"{thumbnail(number).svg()}<strong>{html.escape(number)} {html.escape(title)}</strong>"
        f"<span>{html.escape(text)}{'' if link else ' <em>(in preparation)</em>'}</span>"
    )
    return f'<a href="{html.escape(link)}">{body}</a>' if link else f"<div>{body}</div>"


@in_style
def thumbnail(number: str) -> Drawing:
    """Draw the small picture of a section, such as ``"6.1"``."""
    figure = Figure(figsize=(2.2, 1.3), layout="constrained")
    axes = figure.subplots()
    axes.axis("off")
    alt = _DRAWERS[number](axes)
    return Drawing(figure, alt).show(f"map-{number.replace('.', '-')}", alt)


def _network(axes) -> str:
    columns = [np.linspace(-1, 1, n + 2)[1:-1] for n in (3, 4, 4, 1)]
    for x, (ys, nexts) in enumerate(itertools.pairwise(columns)):
        for y in ys:
            for z in nexts:
                axes.plot([x, x + 1], [y, z], color=COLORS["grid"], lw=1, zorder=0)
    for x, ys in enumerate(columns):
        color = COLORS[("blue", "muted", "muted", "orange")[x]]
        axes.plot(np.full(len(ys), x), ys, "o", color=color, ms=8)
    return "A small network: circles in columns, joined by lines."


def _xor(axes) -> str:
    X, y = dl.datasets.xor()
    H = dl.relu.f(X @ np.ones((2, 2)) + [0.0, -1.0])
    for label in (0, 1):
        style = {"color": CLASS_COLORS[label], "marker": MARKERS[label]}
        axes.scatter(*H[y == label].T, s=90, zorder=3, **style)
    for level, line in ((0, "--"), (0.5, "-"), (1, ":")):
        axes.axline(((level, 0)), slope=0.5, color=COLORS["muted"], ls=line, lw=1.2)
    axes.set(xlim=(-0.7, 2.7), ylim=(-0.6, 1.6))
    return "The points of XOR in the learned space, with the lines that part them."


def _costs(axes) -> str:
    e = np.linspace(-2, 2, 101)
    axes.plot(e, e**2)
    axes.plot(e, np.abs(e), "--")
    axes.plot(e, np.log1p(np.exp(2 * e)), ":")
    axes.set_ylim(-0.2, 3)
    return "Three cost functions: a parabola, an absolute value and a softplus."


def _outputs(axes) -> str:
    z = np.linspace(-5, 5, 101)
    axes.plot(z, 1 / (1 + np.exp(-z)))
    axes.plot(z, np.clip(0.5 + z / 4, 0, 1), "--")
    return "A sigmoid beside a straight line cut off at zero and one."


def _hidden(axes) -> str:
    z = np.linspace(-2, 2, 201)
    for line, g in (("-", dl.relu.f(z)), ("--", np.tanh(z)), (":", np.abs(z))):
        axes.plot(z, g, line)
    return "Three activation functions: rectifier, hyperbolic tangent and absolute value."


def _architecture(axes) -> str:
    x = np.linspace(0, 1, 257)
    height = x
    for _ in range(3):
        height = 2 * dl.relu.f(height) - 4 * dl.relu.f(height - 0.5)
    axes.plot(x, height)
    return "A sawtooth of four teeth, made by three layers of two rectifiers."


def _chain(axes, back=True) -> str:
    forward = [(0, 0), (1, 0), (2, 0), (3, 0)]
    arrow = {"arrowstyle": "-|>", "lw": 1.3, "shrinkA": 5, "shrinkB": 5}
    for start, end in itertools.pairwise(forward):
        axes.annotate("", end, start, arrowprops={**arrow, "color": COLORS["blue"]})
        below = [(x, -1) for x, _ in (start, end)]
        there, here = below[::-1] if back else below
        axes.annotate("", here, there, arrowprops={**arrow, "color": COLORS["orange"], "ls": "--"})
    axes.plot(*zip(*forward, strict=True), "o", color=COLORS["blue"], ms=8)
    axes.plot(*zip(*[(x, -1) for x, _ in forward], strict=True), "s", color=COLORS["orange"], ms=7)
    axes.set(xlim=(-0.3, 3.3), ylim=(-1.4, 0.4))
    return "A chain of nodes, and below it a second chain, of derivatives, that runs back."


def _beyond(axes) -> str:
    _chain(axes, back=False)
    return "A chain of values, and below it the derivatives, which travel the same way."


def _edges(axes) -> str:
    """One node whose slope is the sum over two ways."""
    nodes = {"x": (0, 0), "a": (1.2, 0.7), "b": (1.2, -0.7), "z": (2.4, 0)}
    arrow = {"arrowstyle": "-|>", "lw": 1.5, "shrinkA": 6, "shrinkB": 6}
    for start, end in ("xa", "xb", "az", "bz"):
        axes.annotate("", nodes[start], nodes[end], arrowprops={**arrow, "color": COLORS["orange"]})
    axes.plot(*zip(*nodes.values(), strict=True), "o", color=COLORS["blue"], ms=9)
    axes.set(xlim=(-0.4, 2.8), ylim=(-1.1, 1.1))
    return "Four nodes in a diamond: the gradient comes back to the first one on two ways."


def _history(axes) -> str:
    years = [1676, 1847, 1943, 1958, 1969, 1986, 2006, 2011, 2016]
    axes.axhline(0, color=COLORS["muted"], lw=1)
    axes.plot(years, np.zeros(len(years)), "o", ms=6)
    for year in (1676, 1847, 1986):
        axes.text(year, 0.35, str(year), ha="center", fontsize=8)
    axes.set(xlim=(1640, 2040), ylim=(-1, 1))
    return "A timeline from 1676 to 2016."


_DRAWERS = {
    "6.0": _network,
    "6.1": _xor,
    "6.2.1": _costs,
    "6.2.2": _outputs,
    "6.3": _hidden,
    "6.4": _architecture,
    "6.5.1": _edges,
    "6.5.5": _chain,
    "6.5.9": _beyond,
    "6.6": _history,
}
