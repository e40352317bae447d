"""The pictures of Sections 6.5 to 6.5.4: gradients, Jacobians, paths and memory.

Figures 6.8 and 6.9 are drawn in ``dlbook.figures.backprop``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle

from dlbook.figures.graphs import Edge, Node, draw
from dlbook.figures.style import COLORS, LINES, Drawing, in_style, new_figure
from dlbook.scalar_graph import ScalarGraph

Array = np.ndarray
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "square": "$(\\cdot)^2$"}
DOTS = ("o", "s", "^")
HUES = ("blue", "orange", "green")


@in_style
def learners(costs: Mapping[str, tuple[Array, Array]]) -> Drawing:
    """Draw the cost against the gradients that were spent on it, one line for each learner.

    Parameters
    ----------
    costs : dict of str to (array, array)
        For each learner the number of examples whose gradient it has asked for, in passes through
        the data, and the cost then.
    """
    figure, axes = new_figure(6.4, 2.9)
    facts = []
    for k, (name, (passes, J)) in enumerate(costs.items()):
        color = COLORS[HUES[k]]
        axes.semilogy(passes, J, LINES[k], color=color, marker=DOTS[k], markevery=0.2, ms=5)
        axes.annotate(
            name, (passes[-1], J[-1]), (8, 0), textcoords="offset points", va="center",
            color=color, annotation_clip=False,
        )  # fmt: skip
        facts.append(f"{name} ends at {J[-1]:.2g}")
    axes.set(xlabel="passes of back-propagation through the data", ylabel="cost $J$")
    start = next(iter(costs.values()))[1][0]
    return Drawing(figure, f"The cost from {start:.2f} downwards: {'; '.join(facts)}.")


@in_style
def jacobian_product(jacobian: Array, G: Array, product: Array, names: Sequence[str]) -> Drawing:
    """Draw a Jacobian, transposed, times a gradient (Equation 6.46), each number as a square.

    Parameters
    ----------
    jacobian : array, shape (n, m)
    G : array, shape (n,)
    product : array, shape (m,)
    names : list of three str
        What to write above the three, in LaTeX.
    """
    n, m = jacobian.shape
    step = 1.35
    edges = np.cumsum([0, n + step, 1 + step])
    margin, scale = 1.5, 0.3  # inches for each entry
    figure, axes = new_figure(scale * (edges[-1] + 2 * margin), scale * (m + 2.3))
    parts = [(jacobian.T, edges[0]), (G[:, None], edges[1]), (product[:, None], edges[2])]
    for (values, left), name in zip(parts, names, strict=True):
        _squares(axes, values, left)
        axes.text(left + values.shape[1] / 2, -0.7, name, ha="center", va="bottom", fontsize=12)
    for sign, x in (("×", edges[1]), ("=", edges[2])):
        axes.text(x - step / 2, n / 2, sign, ha="center", va="center", fontsize=15)
    axes.set(xlim=(-margin, edges[-1] + margin), ylim=(m + 0.2, -2.1), aspect="equal")
    axes.axis("off")
    zeros = int(np.sum(jacobian == 0))
    alt = (
        f"A matrix of {m} rows and {n} columns times a column of {n} numbers is a column of {m}. "
        f"Filled squares are positive, hollow ones negative, larger ones further from 0. "
        f"{zeros} of the {jacobian.size} entries of the matrix are empty, that is exactly 0: what "
        "is left are small blocks along the diagonal."
    )
    return Drawing(figure, alt)


def _squares(axes, values: Array, left: float) -> None:
    """Draw a matrix as squares of an area that grows with the number; zero stays empty."""
    rows, columns = values.shape
    axes.add_patch(
        Rectangle((left, 0), columns, rows, fc="none", ec=COLORS["muted"], lw=0.8, clip_on=False)
    )
    for (i, j), value in np.ndenumerate(values):
        side = 0.86 * np.sqrt(abs(value) / np.abs(values).max())
        if side:
            color = COLORS["blue" if value > 0 else "orange"]
            face = color if value > 0 else COLORS["paper"]
            corner = (left + j + 0.5 - side / 2, i + 0.5 - side / 2)
            axes.add_patch(Rectangle(corner, side, side, fc=face, ec=color, lw=1))


@in_style
def scalar_graph(
    G: ScalarGraph,
    u: Mapping[int, float],
    grad_table: Mapping[int, float],
    names: Mapping[int, str],
) -> Drawing:
    """Draw a graph of numbers with what Algorithms 6.1 and 6.2 find for it.

    Parameters
    ----------
    G : ScalarGraph
    u, grad_table : dict of int to float
        What ``G.forward`` and ``G.backward`` return. Below each node stand its value and, after
        the bar, its entry of the table; on each edge, its partial derivative.
    names : dict of int to str
        What a node stands for, in LaTeX, if it has a name.
    """
    nodes, edges = {}, []
    for i in range(1, G.n + 1):
        text = f"$u^{{({i})}}$" + (f"$ = {names[i]}$" if i in names else "")
        nodes[str(i)] = Node(
            text,
            fill=COLORS["paper"] if i in G.f else COLORS["blue-pale"],
            note=f"{u[i]:g}  |  {grad_table[i]:g}".replace("-", "−"),
            operation=SIGNS.get(G.f[i].name, G.f[i].name) if i in G.f else "",
        )
    for j, i in G.edges:
        A = [u[parent] for parent in G.Pa[i]]
        slope = G.f[i].partials[G.Pa[i].index(j)](*A)
        edges.append(Edge(str(j), str(i), f"{slope:g}".replace("-", "−")))
    values = ", ".join(f"u({i}) = {u[i]:g}" for i in u)
    slopes = ", ".join(
        f"u({j}) to u({i}) {e.text}" for (j, i), e in zip(G.edges, edges, strict=True)
    )
    table = ", ".join(f"{grad_table[i]:g} on u({i})" for i in grad_table)
    alt = (
        f"A graph of {G.n} numbers. Forward: {values}. Partial derivatives on its "
        f"{len(edges)} edges: {slopes}. The derivatives of u({G.n}): {table}."
    )
    return draw(nodes, edges, "LR", alt)


@in_style
def paths_and_edges(stages: Array, paths: Array, edges: Array) -> Drawing:
    """Draw how many multiplications a derivative takes, by paths and by edges (Equation 6.55).

    Parameters
    ----------
    stages, paths, edges : array, shape (k,)
        The size of the graph; the number of its paths, and of the edges that back-propagation
        visits.
    """
    figure, axes = new_figure(6.2, 3.0)
    for k, (name, counts) in enumerate((("paths", paths), ("edges visited", edges))):
        color = COLORS[HUES[1 - k]]
        axes.semilogy(stages, counts, LINES[1 - k], color=color, marker=DOTS[1 - k], ms=5)
        axes.annotate(
            f"{name}: {counts[-1]:,}", (stages[-1], counts[-1]), (8, 0), va="center", color=color,
            textcoords="offset points", annotation_clip=False,
        )  # fmt: skip
    axes.set(xlabel="diamonds in a row", ylabel="count")
    axes.set_xticks(stages[stages % 4 == 0])
    alt = (
        f"Two lines on a logarithmic axis against the number of diamonds. The paths go up in a "
        f"straight line, from {paths[0]} to {paths[-1]:,}; the edges bend over, from {edges[0]} to "
        f"{edges[-1]:,}."
    )
    return Drawing(figure, alt)


@in_style
def checkpoints(
    over_time: Mapping[str, Array],
    depths: Array,
    peaks: Mapping[str, Array],
    seconds: Mapping[str, Array],
) -> Drawing:
    """Draw what checkpoints save and what they cost (Section 6.5.3).

    Parameters
    ----------
    over_time : dict of str to array
        For each way of back-propagation, how many arrays are in memory after each operation.
    depths : array, shape (k,)
        The lengths of chains.
    peaks, seconds : dict of str to array of shape (k,)
        For each way, the arrays in memory at the peak, and how long a run takes.
    """  # fmt: skip
    figure, (first, second, third) = new_figure(7.6, 2.7, ncols=3, width_ratios=[1.5, 1, 1])
    for k, (name, counts) in enumerate(over_time.items()):
        first.plot(counts, LINES[k], color=COLORS[HUES[k]])
        # The one rises to a point, the other stays low: a name finds room beside and above.
        place = (int(np.argmax(counts)), counts.max()) if k == 0 else (len(counts), counts.max())
        offset, ha = ((8, -2), "left") if k == 0 else ((0, 20), "right")
        first.annotate(
            name, place, offset, textcoords="offset points", ha=ha, color=COLORS[HUES[k]],
        )  # fmt: skip
    first.set(title="arrays in memory", xlabel="operations done", ylim=(0, None))
    for axes, values, title in (
        (second, peaks, "arrays at the peak"),
        (third, {name: 1e3 * np.array(s) for name, s in seconds.items()}, "milliseconds a run"),
    ):
        for k, (name, counts) in enumerate(values.items()):
            axes.loglog(depths, counts, LINES[k], color=COLORS[HUES[k]], marker=DOTS[k], label=name)
        axes.set(title=title, xlabel="length of the chain")
        axes.set_xticks(depths, [f"{n}" for n in depths])
        axes.margins(y=0.12)
        axes.minorticks_off()
    for k, counts in enumerate(peaks.values()):
        second.annotate(
            f"{counts[-1]}", (depths[-1], counts[-1]), (-9, 2 if k == 0 else 8), ha="right",
            textcoords="offset points", color=COLORS[HUES[k]],
        )  # fmt: skip
    kept, again = (np.array(values) for values in seconds.values())
    top = " and ".join(f"{counts[-1]} ({name})" for name, counts in peaks.items())
    alt = (
        "Left, how many arrays are in memory while the program runs: kept, they pile up to a peak "
        "and are used up again; with checkpoints they stay low, in a row of small teeth. In the "
        f"middle, the peak against the length of the chain; for {depths[-1]} it is {top}. Right, "
        f"the time of a run: with checkpoints {np.mean(again / kept):.1f} times as long on average."
    )
    return Drawing(figure, alt)
