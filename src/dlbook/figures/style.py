"""The house style: colours, fonts, and how a drawing reaches a page.

Look at :class:`Drawing` first. It is an SVG with its caption below, which takes its colours from
the page or from the notebook around it, and so follows its theme.
"""

from __future__ import annotations

import hashlib
import html
import io
import itertools
import re
from functools import wraps
from typing import Any, Self

import matplotlib
from matplotlib.figure import Figure

from dlbook.showing import displayed

# Okabe and Ito's colours, moved until each stands out on white paper. Pages have them, and their
# counterparts on dark paper, as variables --dl-ink, ...: web/theme/static/figures.css for the site,
# notebook.css for notebooks.
COLORS = {
    "ink": "#1f2328",
    "muted": "#57606a",
    "grid": "#d8dee4",
    "paper": "#ffffff",
    "blue": "#005896",
    "orange": "#c84c00",
    "green": "#00875f",
    "purple": "#b8559a",
    "yellow": "#ba8700",
    "sky": "#3897d3",
    "blue-pale": "#d6e8f5",
    "orange-pale": "#fbe3d3",
}
# Also told apart without colour: by marker, by line.
MARKERS = {0: "o", 1: "s"}
CLASS_COLORS = {0: COLORS["blue"], 1: COLORS["orange"]}
LINES = ("-", "--", ":", "-.")

_shown = itertools.count()  # so that a drawing shown twice has names of its own each time

STYLE = {
    "axes.edgecolor": COLORS["muted"],
    "axes.facecolor": COLORS["paper"],
    "axes.grid": False,
    "axes.labelcolor": COLORS["ink"],
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": matplotlib.cycler(
        color=[COLORS[name] for name in ("blue", "orange", "green", "purple", "yellow", "sky")]
    ),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titlecolor": COLORS["ink"],
    "figure.facecolor": COLORS["paper"],
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": COLORS["grid"],
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "mathtext.fontset": "stix",
    "savefig.facecolor": COLORS["paper"],
    "svg.fonttype": "path",  # the same picture on machines without the font
    "text.color": COLORS["ink"],
    "xtick.color": COLORS["muted"],
    "ytick.color": COLORS["muted"],
    "xtick.labelcolor": COLORS["ink"],
    "ytick.labelcolor": COLORS["ink"],
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


def in_style(function):
    """Let a function that draws do so in the house style."""

    @wraps(function)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        with matplotlib.rc_context(STYLE):
            return function(*args, **kwargs)

    return drawn


class Captioned:
    """What is shown as a figure: it has a label, a caption and an alternative text.

    Parameters
    ----------
    alt : str
        What the picture shows, for those who cannot see it.
    """

    def __init__(self, alt: str):
        self.alt = alt
        self.label, self.caption = "figure", alt

    def show(self, label: str, caption: str) -> Self:
        """Set the label, ``"fig-6-1"`` or a name of its own, and the caption; return self."""
        self.label, self.caption = label, caption
        return self

    @property
    def title(self) -> str:
        """``"Figure 6.1"`` if the book has the figure, else ``"Figure"``."""
        number = re.fullmatch(r"fig-(\d)-(\d+)", self.label)
        return f"Figure {number[1]}.{number[2]}" if number else "Figure"

    def __repr__(self) -> str:
        return f"{self.title}: {self.caption}"

    def html_caption(self) -> str:
        caption = f"<strong>{self.title}.</strong> {html.escape(self.caption)}"
        return f"<figcaption>{caption}</figcaption>"


class Drawing(Captioned):
    """A figure that displays itself, with a caption and an alternative text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What the picture shows, for those who cannot see it.
    """

    def __init__(self, figure: Figure, alt: str):
        super().__init__(alt)
        self.figure = figure

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return displayed(self.html(), repr(self))

    @in_style
    def svg(self) -> str:
        """Return the picture as an ``<svg>`` element whose colours are the page's variables."""
        buffer = io.StringIO()
        with matplotlib.rc_context({"svg.hashsalt": self.label}):
            self.figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        text = buffer.getvalue()
        (points,) = re.findall(r'<svg[^>]* width="([\d.]+)pt"', text)
        width = float(points) * 4 / 3
        view_box = re.findall(r'viewBox="([^"]+)"', text)[0]
        body = text[text.index("<defs>") : text.rindex("</svg>")]
        # In a page Matplotlib's style sheet would hold for everything, and not for this alone.
        body = re.sub(r"<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
        # A hundredth of a point is finer than any screen, and the page is lighter for it.
        body = re.sub(r'\bd="[^"]+"', lambda d: re.sub(r"(\.\d\d)\d+", r"\1", d[0]), body)
        # Several pictures share a page, so their internal names must differ.
        mark = f"dl{hashlib.sha256(f'{next(_shown)}{body}'.encode()).hexdigest()[:8]}-"
        body = re.sub(r'\bid="([^"]+)"', rf'id="{mark}\1"', body)
        body = re.sub(r'href="#([^"]+)"', rf'href="#{mark}\1"', body)
        body = re.sub(r"url\(#([^)]+)\)", rf"url(#{mark}\1)", body)
        for name, color in COLORS.items():
            body = re.sub(rf"(: ?){color}", rf"\1var(--dl-{name}, {color})", body)
            # A hatch says its colour in an attribute, where a page's variable means nothing.
            body = re.sub(rf'\bfill="{color}"', f'style="fill: var(--dl-{name}, {color})"', body)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view_box}" role="img" '
            f'xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'aria-label="{html.escape(self.alt)}" stroke-linejoin="round" '
            f'style="width: {width:.0f}px">{body}</svg>'
        )

    def html(self) -> str:
        """Return the picture with its caption as a ``<figure>`` element."""
        # On a phone a wide drawing keeps its size and scrolls, with the keyboard, too.
        wide = self.figure.get_figwidth() > 6
        box = '<div class="dl-wide" tabindex="0">' if wide else "<div>"
        return f'<figure class="dl-figure">{box}{self.svg()}</div>{self.html_caption()}</figure>'


def new_figure(width: float, height: float, **grid: Any) -> tuple[Figure, Any]:
    """Return an empty figure, in inches, and its axes; ``grid`` as for ``Figure.subplots``."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(**grid)
