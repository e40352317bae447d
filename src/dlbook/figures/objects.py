"""How the library's objects show themselves in a notebook: networks, trainings, graphs, programs.

They keep their text everywhere else. Look at :data:`SHOWN` first; :func:`show_objects` tells
IPython of it.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dlbook.checks import shape_text
from dlbook.distributions import Distribution
from dlbook.figures.graphs import computational_graph
from dlbook.figures.style import COLORS, Drawing, in_style, new_figure
from dlbook.graph import Graph
from dlbook.network import Network
from dlbook.programs.program import Program
from dlbook.showing import displayed
from dlbook.training import Trained

MANY = 40  # nodes that one still reads without being asked to


def network(shown: Network) -> str:
    """Return a table: each layer with its parameters, their shapes and how large they are."""
    rows = []
    for number, layer in enumerate(shown.layers, start=1):
        for k, V in enumerate(layer.parameters):
            about = (str(number), layer.unit.name, str(layer.width)) if k == 0 else ("", "", "")
            rows.append((*about, str(V.name), shape_text(V.shape), f"{_size(V):,}"))
    head = ("layer", "units", "how many", "parameter", "shape", "numbers")
    return _table(head, rows, f"{shown.parameter_count:,} parameters in all")


def _size(V: Any) -> int:
    return int(np.prod(V.shape))


def distribution(shown: Distribution) -> str:
    """Return a table of the numbers that tell one distribution of the kind from another."""
    rows = [
        (name, str(V.name or "computed"), shape_text(V.shape)) for name, V in shown.omega.items()
    ]
    title = f"{shown.name}: p(y) of a y of shape {shape_text(shown.target_shape)}"
    return _table(("omega", "variable", "shape"), rows, title)


def program(shown: Program) -> str:
    """Return its source."""
    return f"<pre>{html.escape(repr(shown))}</pre>"


def graph(shown: Graph) -> str | None:
    """Return a drawing, or nothing if it is larger than one reads or Graphviz is not there."""
    nodes = list(shown)
    if not nodes or len(nodes) > MANY:
        return None
    used = {U for V in nodes for U in V.inputs}
    try:
        return computational_graph([V for V in nodes if V not in used]).html()
    except ImportError:
        return None


def training(shown: Trained) -> str | None:
    """Return a drawing of the cost, or nothing if there is none."""
    return costs(shown.costs).html() if len(shown.costs) > 1 else None


@in_style
def costs(values: np.ndarray) -> Drawing:
    """Draw a cost over the steps of a training, on a logarithmic axis where it falls far."""
    figure, axes = new_figure(4.6, 2.0)
    axes.plot(values, color=COLORS["blue"])
    if values.min() > 0 and values.max() > 30 * values.min():
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="$J$")
    said = f"The cost of {len(values) - 1:,} steps, from {values[0]:.3g} to {values[-1]:.3g}."
    return Drawing(figure, said).show("training", said)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], title: str) -> str:
    def row(cells: Iterable[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=number' if cell.replace(',', '').isdigit() else ''}>"
            f"{html.escape(cell)}</{tag}>"
            for cell in cells
        )

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return (
        f"<table><caption>{html.escape(title)}</caption>"
        f"<thead><tr>{row(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"
    )


SHOWN: dict[type, Callable[[Any], str | None]] = {
    Distribution: distribution,
    Graph: graph,
    Network: network,
    Program: program,
    Trained: training,
}


def show_objects(shell: Any) -> None:
    """Let a notebook show these kinds as HTML besides their text.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
    """
    formatter = shell.display_formatter.formatters["text/html"]
    for kind, show in SHOWN.items():
        formatter.for_type(kind, _with_style(show))


def _with_style(show: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    def shown(thing: Any) -> str | None:
        page = show(thing)
        return None if page is None else displayed(page, "").get("text/html")

    return shown
