"""Sections 6.5.5 to 6.5.8: derivatives of derivatives, and what a gradient costs.

Look at :func:`costs` first: operations and seconds over the size of a graph, with fitted slopes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.figures.style import COLORS, LINES, Drawing, in_style, new_figure

Array = np.ndarray
MARKS = ("o", "s", "^", "D")


@in_style
def derivatives(
    x: Array,
    lines: Mapping[str, Array],
    dots: Array,
    values: Mapping[str, Array],
    said: str,
    name: str = "w",
) -> Drawing:
    """Draw functions as lines, and through them what another way of computing gives as dots.

    Parameters
    ----------
    x : array, shape (k,)
    lines : dict of str to array of shape (k,)
        A title, in LaTeX, and the function on ``x``: a panel for each.
    dots : array, shape (d,)
    values : dict of str to array of shape (d,)
        The same titles, and the values at ``dots``.
    said : str
        What the dots are, for the alternative text.
    name : str
        What the horizontal axis is called, in LaTeX.
    """
    figure, panels = new_figure(1.85 * len(lines), 2.1, ncols=len(lines), squeeze=False)
    facts = []
    for axes, (title, line) in zip(panels.flat, lines.items(), strict=True):
        axes.axhline(0, color=COLORS["grid"], lw=0.8, zorder=0)
        axes.plot(x, line)
        axes.plot(dots, values[title], "o", color=COLORS["orange"], ms=4.5)
        axes.set(title=title, xlabel=f"${name}$")
        gap = np.abs(np.interp(dots, x, line) - values[title]).max()
        place = "on" if gap < 0.02 * np.ptp(line) else "off"
        facts.append(f"{title.replace('$', '')} from {line.min():.2f} to {line.max():.2f}, {place}")
    alt = (
        f"{len(lines)} panels, each a line from the library, and dots, {said}. Range of each, and "
        f"whether the dots are on the line: {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def costs(measured: Mapping[str, tuple[Array, Array, Array]]) -> Drawing:
    """Draw what a gradient costs over the size of its graph (Section 6.5.6).

    Parameters
    ----------
    measured : dict of str to (n, operations, seconds)
        For each kind of graph three arrays of one length.
    """
    figure, (left, right) = new_figure(7.0, 2.9, ncols=2)
    facts = []
    for k, (name, (n, operations, seconds)) in enumerate(measured.items()):
        style = {"marker": MARKS[k], "ls": LINES[k], "ms": 5}
        slopes = [np.polyfit(np.log(n), np.log(v), 1)[0] for v in (operations, seconds)]
        for axes, values, slope in zip((left, right), (operations, seconds), slopes, strict=True):
            (line,) = axes.loglog(n, values, **style)
            axes.annotate(
                f"{name}\nslope {slope:.2f}", (n[-1], values[-1]), (-6, 4), ha="right", va="bottom",
                textcoords="offset points", fontsize=9, color=line.get_color(),
            )  # fmt: skip
        facts.append(
            f"{name}: up to {n[-1]:,} nodes and {operations[-1]:,} operations, slope "
            f"{slopes[0]:.2f}, that of the time {slopes[1]:.2f}"
        )
    left.set(title="operations of the gradient", xlabel="nodes of the graph, $n$")
    right.set(title="seconds to build it", xlabel="nodes of the graph, $n$")
    for axes in (left, right):
        low, high = axes.get_ylim()
        axes.set(ylim=(low, high * 8), xlim=(axes.get_xlim()[0], axes.get_xlim()[1] * 1.4))
        axes.grid(visible=True, which="major")
    alt = (
        "Two panels with logarithmic axes, over the number of nodes: left the operations that the "
        f"gradient adds, right the time to build it. Nearly straight lines: {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def training_step(
    work: Array,
    seconds: Mapping[str, Array],
    depths: Sequence[int],
    held: Mapping[str, Array],
) -> Drawing:
    """Draw time and memory of one training step of a multilayer perceptron (Section 6.5.7).

    Parameters
    ----------
    work : array, shape (k,)
        Multiply-adds of the way forward, for networks of growing width.
    seconds : dict of str to array of shape (k,)
        The time of the way forward, and that of a whole step.
    depths : list of int
        Numbers of hidden layers.
    held : dict of str to array, one entry for each depth
        Memory that a program holds, in numbers for each example and hidden unit of a layer.
    """
    figure, (left, right) = new_figure(7.0, 2.9, ncols=2)
    for k, (name, values) in enumerate(seconds.items()):
        left.loglog(work, values, marker=MARKS[k], ls=LINES[k], ms=5, label=name)
    left.set(title="seconds for one minibatch", xlabel="multiply-adds of the way forward")
    left.grid(visible=True, which="major")
    left.legend()
    for k, (name, values) in enumerate(held.items()):
        right.plot(depths, values, marker=MARKS[k], ls=LINES[k], ms=5, label=name)
    right.set(title="memory, in units of $m\\, n_h$ numbers", xlabel="hidden layers")
    right.set(xticks=list(depths), ylim=(0, None))
    right.grid(visible=True, which="major")
    right.legend()
    forward, both = list(seconds.values())[:2]
    facts = "; ".join(
        f"{name}: {values[0]:.1f} with {depths[0]} layer, {values[-1]:.1f} with {depths[-1]}"
        for name, values in held.items()
    )
    alt = (
        "Left, on logarithmic axes, the time of a minibatch over the multiply-adds of the way "
        "forward: two rising curves, a whole step above the way forward alone, at the largest "
        f"network by a factor of about {both[-1] / forward[-1]:.0f}. Right, memory over the number "
        f"of hidden layers. {facts}."
    )
    return Drawing(figure, alt)


@in_style
def summing(uses: Sequence[int], peaks: Mapping[str, Array]) -> Drawing:
    """Draw the memory for a sum of gradients over the number of its terms (Section 6.5.8).

    Parameters
    ----------
    uses : list of int
        How often one matrix is used.
    peaks : dict of str to array, one entry for each of ``uses``
        The peak memory of the gradient, in units of the matrix.
    """
    figure, axes = new_figure(5.6, 2.6)
    for k, (name, values) in enumerate(peaks.items()):
        (line,) = axes.plot(uses, values, marker=MARKS[k], ls=LINES[k], ms=5)
        axes.annotate(
            name, (uses[-1], values[-1]), (6, 0), textcoords="offset points", va="center",
            color=line.get_color(), fontsize=9,
        )  # fmt: skip
    axes.set(xlabel="layers that share the matrix", ylabel="matrices in memory", xticks=uses)
    axes.set(ylim=(0, None), xlim=(0, uses[-1] * 1.55))
    axes.grid(visible=True, which="major")
    facts = "; ".join(
        f"{name}: {values[0]:.0f} for {uses[0]}, {values[-1]:.0f} for {uses[-1]}"
        for name, values in peaks.items()
    )
    alt = (
        "Peak memory, counted in matrices, over the number of layers that share one: a rising line "
        f"and a level one. {facts}."
    )
    return Drawing(figure, alt)
