"""The picture of the benchmarks: how long a step takes, by whom, for several networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.figures.style import COLORS, Drawing, in_style, new_figure


@in_style
def times(rows: Sequence[Mapping], unit: str = "microseconds") -> Drawing:
    """Draw times as bars on a logarithmic axis, a group for each network.

    Parameters
    ----------
    rows : list of dict
        Each with a ``name`` and, under ``unit``, a time for each contender.
    """
    names = list(dict.fromkeys(name for row in rows for name in row[unit]))
    figure, axes = new_figure(7.0, 0.5 + 0.85 * len(rows))
    height = 0.8 / len(names)
    colors = [COLORS[c] for c in ("orange", "blue", "green", "purple")]
    hatches = ["", "//", "..", "xx"]
    for k, name in enumerate(names):
        places = [
            (r + k * height, row[unit][name]) for r, row in enumerate(rows) if name in row[unit]
        ]
        where, lengths = np.array(places).T
        axes.barh(
            where, lengths, height, label=name, color=colors[k], hatch=hatches[k],
            edgecolor=COLORS["paper"],
        )  # fmt: skip
        for y, length in places:
            axes.annotate(
                f"{length:,.3g}" if length < 100 else f"{length:,.0f}", (length, y), (4, 0),
                textcoords="offset points", va="center", fontsize=8.5,
            )  # fmt: skip
    axes.set(xscale="log", xlabel=unit, yticks=np.arange(len(rows)) + 0.4 - height / 2)
    axes.set_yticklabels([row["name"] for row in rows])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    figure.legend(loc="outside upper center", ncols=len(names))
    facts = "; ".join(
        f"{row['name']}: " + ", ".join(f"{name} {us:,.3g}" for name, us in row[unit].items())
        for row in rows
    )
    return Drawing(figure, f"Bars on a logarithmic axis, {unit} a step. {facts}.")
