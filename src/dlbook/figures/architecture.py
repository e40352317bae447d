"""The pictures of Section 6.4: width and depth, folds, regions, and what training makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter, ScalarFormatter

from dlbook.figures.style import COLORS, LINES, Drawing, in_style, new_figure

Array = np.ndarray
NAMES = ("blue", "orange", "green", "purple", "yellow", "sky")
MARKS = ("o", "s", "^", "D", "v", "P")


def _powers(axis, ticks: Sequence[float]) -> None:
    """Label a logarithmic axis with plain numbers at these ticks only."""
    axis.set_ticks(ticks)
    axis.set_major_formatter(ScalarFormatter())
    axis.set_minor_formatter(NullFormatter())
    axis.set_ticks([], minor=True)


@in_style
def approximation(
    x: Array,
    truth: Array,
    slopes: Mapping[str, Array],
    widths: Sequence[int],
    errors: Mapping[str, Array],
) -> Drawing:
    """Draw the slope of two networks, and over their width the errors of f, f' and f''.

    Parameters
    ----------
    x, truth : array, shape (k,)
        The input, and f' there.
    slopes : dict of str to array of shape (k,)
        What networks of each kind of unit have for f'.
    widths : list of int
    errors : dict of str to array of shape (3, len(widths))
        The largest error of f, of f' and of f''.
    """
    figure, panels = new_figure(7.8, 2.7, ncols=4, width_ratios=[1.5, 1, 1, 1])
    axes = panels[0]
    axes.plot(x, truth, color=COLORS["ink"], lw=5, alpha=0.25, label="$f^{\\prime}$")
    for i, (name, slope) in enumerate(slopes.items()):
        axes.plot(x, slope, LINES[i], color=COLORS[NAMES[i]], lw=1.4, label=name)
    axes.set(title="slope", xlabel="$x$")
    axes.legend(handlelength=2.2, loc="upper right")
    titles = ("error of $f$", "error of $f^{\\prime}$", "error of $f^{\\prime\\prime}$")
    for k, (axes, title) in enumerate(zip(panels[1:], titles, strict=True)):
        for i, table in enumerate(errors.values()):
            axes.plot(widths, table[k], LINES[i], marker=MARKS[i], ms=5, color=COLORS[NAMES[i]])
        axes.set(title=title, xlabel="units", xscale="log", yscale="log")
        _powers(axes.xaxis, widths[::2])
        axes.yaxis.set_minor_formatter(NullFormatter())
    facts = "; ".join(
        f"{name}, from {widths[0]} to {widths[-1]} units: f from {t[0, 0]:.2g} to {t[0, -1]:.2g}, "
        f"its slope from {t[1, 0]:.2g} to {t[1, -1]:.2g}, its second derivative from "
        f"{t[2, 0]:.2g} to {t[2, -1]:.2g}"
        for name, t in errors.items()
    )
    return Drawing(figure, f"Left, the slope of f and of two networks. Right, errors: {facts}.")


@in_style
def no_free_lunch(shares: Mapping[str, Array], lucky: Mapping[str, float], count: int) -> Drawing:
    """Draw how often learners are wrong off the training set: over all targets, and over some.

    Parameters
    ----------
    shares : dict of str to array of shape (k + 1,)
        For each learner, the share of all targets on which it is wrong at 0, 1, ..., k of the
        points it has not seen.
    lucky : dict of str to float
        Its mean error over targets of one kind only.
    count : int
        How many targets are of that kind.
    """
    figure, (left, right) = new_figure(7.4, 2.9, ncols=2, width_ratios=[1.5, 1], sharey=True)
    places = np.arange(len(shares))[::-1]
    fills = [COLORS[name] for name in ("blue", "blue-pale", "orange-pale", "orange")]
    table = np.array(list(shares.values()))
    starts = np.cumsum(table, axis=1) - table
    for k in range(table.shape[1]):
        left.barh(
            places, table[:, k], 0.7, starts[:, k], color=fills[k % 4], edgecolor=COLORS["paper"]
        )
        left.text(
            (starts[0, k] + table[0, k] / 2), places[0] + 0.45, f"{k} wrong", ha="center",
            va="bottom", fontsize=8.5,
        )  # fmt: skip
    left.set_yticks(places, list(shares))
    left.set(title="all targets\n", xlabel="share of the targets", ylim=(-0.5, places[0] + 0.75))
    left.tick_params(axis="y", length=0)
    left.spines["left"].set_visible(False)
    right.plot(list(lucky.values()), places, "o", ms=7)
    right.axvline(0.5, color=COLORS["muted"], lw=1, ls="--")
    right.set(title=f"the {count} linearly separable\n", xlabel="mean error", xlim=(0, 0.9))
    right.grid(axis="y")
    facts = "; ".join(f"{name} {error:.2f}" for name, error in lucky.items())
    first = ", ".join(f"{share:.1%}" for share in table[0])
    alt = (
        f"Left, one bar for each of {len(shares)} learners, all divided alike: {first} of the "
        f"targets with 0 to {table.shape[1] - 1} points wrong. Right, mean errors over {count} "
        f"targets: {facts}."
    )
    return Drawing(figure, alt)


@in_style
def folds(
    stages: Sequence[tuple[str, Callable[[Array], Array], Sequence[Callable[[Array], Array]]]],
    limit: float,
) -> Drawing:
    """Draw the decision of networks with more and more folds, and where they fold (Figure 6.5).

    Parameters
    ----------
    stages : list of (title, function, list of functions)
        The output over points of shape (k, 2), positive where the answer is yes; and for each
        fold what its unit is given, zero at the crease.
    limit : float
        The inputs are between -limit and limit.
    """
    figure, panels = new_figure(7.6, 2.3, ncols=len(stages), sharey=True)
    ticks = np.linspace(-limit, limit, 301)
    x1, x2 = np.meshgrid(ticks, ticks)
    points = np.column_stack([x1.ravel(), x2.ravel()])
    for axes, (title, function, creases) in zip(panels, stages, strict=True):
        for i, crease in enumerate(creases):
            last = i == len(creases) - 1
            axes.contour(
                x1, x2, crease(points).reshape(x1.shape), [0.0], linestyles="dashed",
                colors=COLORS["orange" if last else "muted"], linewidths=1.6 if last else 0.9,
            )  # fmt: skip
        answer = function(points).reshape(x1.shape)
        axes.contourf(x1, x2, answer, [0, answer.max() + 1], colors=[COLORS["green"]])
        axes.set(title=title, aspect="equal", xticks=[], yticks=[], xlabel="$x_1$")
    panels[0].set_ylabel("$x_2$")
    titles = ", ".join(title for title, _, _ in stages)
    alt = (
        f"{len(stages)} maps of the plane, {titles}. A small slanted shape is repeated as mirror "
        "images across each new crease, so that its number doubles from map to map."
    )
    return Drawing(figure, alt)


@in_style
def sawteeth(
    x: Array, teeth: Mapping[str, Array], units: Mapping[str, Array], pieces: Mapping[str, Array]
) -> Drawing:
    """Draw sawtooth functions, and how many pieces so many units can make.

    Parameters
    ----------
    x : array, shape (k,)
    teeth : dict of str to array of shape (k,)
        The outputs of networks, under a title.
    units, pieces : dict of str to array of shape (j,)
        For each kind of network the number of its units, and of its linear pieces.
    """
    figure, axes = new_figure(7.4, 3.1, ncols=2, width_ratios=[1.4, 1])
    left, right = axes
    for i, (title, y) in enumerate(teeth.items()):
        base = 1.4 * (len(teeth) - 1 - i)
        left.plot(x, base + y, color=COLORS["blue"], lw=1.3)
        left.text(1.03, base + 0.5, title, va="center", fontsize=9)
    left.set(xlabel="$x$", yticks=[], xticks=[0, 0.5, 1])
    left.spines["left"].set_visible(False)
    for i, name in enumerate(units):
        color = COLORS[NAMES[i]]
        right.plot(units[name], pieces[name], LINES[i], marker=MARKS[i], ms=5, color=color)
        right.annotate(
            name, (units[name][-1], pieces[name][-1]), (0, 7), textcoords="offset points",
            ha="right", color=color,
        )  # fmt: skip
    right.set(xlabel="hidden units", ylabel="linear pieces", yscale="log")
    right.margins(y=0.15)
    facts = "; ".join(
        f"{name}, {units[name][0]} to {units[name][-1]} units: {pieces[name][0]} to "
        f"{pieces[name][-1]} pieces"
        for name in units
    )
    alt = f"Left, {len(teeth)} zigzag lines with more and more teeth. Right, counts: {facts}."
    return Drawing(figure, alt)


@in_style
def region_maps(maps: Mapping[str, tuple[Sequence, int, float, float]]) -> Drawing:
    """Draw the linear regions of networks with two inputs.

    Parameters
    ----------
    maps : dict of str to (list of Region, int, float, float)
        Under a title, the regions in a window, how many there are in all, and from where to where
        both inputs go in the window.
    """
    figure, panels = new_figure(7.4, 2.9, ncols=len(maps))
    facts = []
    for axes, (title, (regions, total, low, high)) in zip(panels, maps.items(), strict=True):
        for i, region in enumerate(regions):
            fill = COLORS[NAMES[i % len(NAMES)]]
            axes.add_collection(PolyCollection(region.parts, facecolors=fill, alpha=0.35, lw=0))
        edges = [e for region in regions for e in _border(region.parts)]
        axes.add_collection(LineCollection(edges, colors=COLORS["ink"], linewidths=0.7))
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal", xticks=[], yticks=[])
        shown = f"{len(regions)} of {total}" if len(regions) < total else str(total)
        axes.set(title=f"{title}\n{shown} regions", xlabel="$x_1$", ylabel="$x_2$")
        facts.append(f"{title}: {shown} regions".replace("\n", " "))
    return Drawing(figure, f"Squares cut into coloured polygons. {'; '.join(facts)}.")


def _border(parts: Sequence[Array]) -> list[Array]:
    """List the edges of polygons, without those that two of them share in full."""
    edges = [
        np.array([p, q])
        for part in parts
        for p, q in zip(part, np.roll(part, -1, axis=0), strict=True)
    ]
    names = [frozenset(map(tuple, edge)) for edge in edges]
    return [edge for edge, name in zip(edges, names, strict=True) if names.count(name) == 1]


@in_style
def counts_over_depth(panels: Mapping[str, Mapping[str, Array]], pale: Sequence[str]) -> Drawing:
    """Draw numbers of regions over depth, one panel for each size of network.

    Parameters
    ----------
    panels : dict of str to dict of str to array of shape (depths,) or (depths, samples)
        Under a title, series from depth 1 on; of samples, the range and the mean are drawn.
    pale : list of str
        The series that are formulas, and not counts.
    """
    figure, drawn = new_figure(7.4, 3.4, ncols=len(panels))
    facts = []
    for axes, (title, series) in zip(drawn, panels.items(), strict=True):
        for i, (name, counts) in enumerate(series.items()):
            depths, color = np.arange(1, len(counts) + 1), COLORS[NAMES[i]]
            if counts.ndim == 2:
                axes.fill_between(
                    depths, counts.min(axis=1), counts.max(axis=1), color=color, alpha=0.2, lw=0
                )
                counts = counts.mean(axis=1)
            style = {"ls": ":", "lw": 1.4} if name in pale else {"ls": "-", "marker": MARKS[i]}
            axes.plot(depths, counts, color=color, ms=5, label=name, **style)
            facts.append(f"{title}, {name}: {counts[0]:.0f} to {counts[-1]:.0f}")
        axes.set(title=title, xlabel="hidden layers $l$", yscale="log", xticks=depths)
        axes.legend(loc="upper left", handlelength=2.6, fontsize=8.5)
        top = max(np.max(counts) for counts in series.values())
        low = min(np.min(counts) for counts in series.values())
        axes.set_ylim(low / 1.6, top * (top / low) ** 0.75)
    drawn[0].set_ylabel("linear regions")
    words = "; ".join(facts).replace("$", "").replace("\\", "")
    return Drawing(figure, f"Numbers of linear regions over depth. {words}.")


@in_style
def learned_or_not(
    x: Array,
    target: Array,
    best: Mapping[str, Array],
    costs: Mapping[str, Mapping[int, Array]],
) -> Drawing:
    """Draw what training has made of a sawtooth, and the cost at the end of every run.

    Parameters
    ----------
    x, target : array, shape (k,)
    best : dict of str to array of shape (k,)
        The best of the trained networks of each kind.
    costs : dict of str to dict of int to array of shape (runs,)
        For each kind and each depth, the cost at the end; 0 is what weights by hand reach.
    """
    figure, (left, right) = new_figure(7.6, 2.9, ncols=2, width_ratios=[1.35, 1])
    left.plot(x, target, color=COLORS["ink"], lw=4.5, alpha=0.22, label="weights by hand")
    for i, (name, y) in enumerate(best.items()):
        left.plot(x, y, LINES[i], color=COLORS[NAMES[i]], lw=1.5, label=name)
    left.set(xlabel="$x$", ylim=(-0.1, 1.1), yticks=[0, 1])
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    kinds = len(costs)
    for i, (name, table) in enumerate(costs.items()):
        for depth, values in table.items():
            spread = np.linspace(-0.1, 0.1, len(values))
            right.plot(
                depth + 0.32 * (i - (kinds - 1) / 2) + spread, np.sort(values), MARKS[i], ms=3.5,
                color=COLORS[NAMES[i]], label=name if depth == min(table) else None,
            )  # fmt: skip
    right.axhline(0, color=COLORS["ink"], lw=4.5, alpha=0.22, zorder=0)
    depths = sorted({depth for table in costs.values() for depth in table})
    right.set(xlabel="hidden layers", ylabel="cost of the trained", xticks=depths)
    right.set_ylim(-0.01, 1.42 * max(v.max() for t in costs.values() for v in t.values()))
    right.legend(loc="upper left", handletextpad=0.2)
    facts = "; ".join(
        f"{name}, {depth} layers: from {values.min():.3f} to {values.max():.3f}"
        for name, table in costs.items()
        for depth, values in table.items()
    )
    alt = f"Left, a sawtooth and the trained networks' outputs. Right, costs at the end: {facts}."
    return Drawing(figure, alt)


@in_style
def accuracy_over_depth(
    ours: Mapping[str, Mapping[int, Array]], published: Mapping[int, float]
) -> Drawing:
    """Draw test accuracy over depth, ours with error bars, beside the book's (Figure 6.6).

    Parameters
    ----------
    ours : dict of str to dict of int to array of shape (seeds,)
        For each series and each number of hidden layers, the accuracies in percent.
    published : dict of int to float
        What is known of the book's curve.
    """
    figure, (left, right) = new_figure(7.2, 3.0, ncols=2)
    left.plot(
        published.keys(), published.values(), "--", marker="D", ms=7, color=COLORS["muted"], lw=1
    )
    left.set(title="the book's: street numbers", ylabel="test accuracy (percent)")
    facts = []
    for i, (name, table) in enumerate(ours.items()):
        depths = sorted(table)
        means = np.array([table[depth].mean() for depth in depths])
        spread = np.array([np.ptp(table[depth]) for depth in depths])
        bars = np.array([_standard_error(table[depth]) for depth in depths])
        right.errorbar(
            depths, means, bars, ls=LINES[i], marker=MARKS[i], ms=5, capsize=3,
            color=COLORS[NAMES[i]], label=name,
        )  # fmt: skip
        pairs = zip(depths, means, spread, strict=True)
        words = ", ".join(f"{d} layers {m:.1f} (range {s:.1f})" for d, m, s in pairs)
        facts.append(f"{name}: {words}")
    right.set(title="ours: strings of four digits")
    right.legend(loc="lower left", handlelength=2.6)
    right.margins(y=0.35)
    for axes in (left, right):
        axes.set(xlabel="hidden layers", xticks=range(3, 12, 2))
    book = ", ".join(f"{depth} layers about {value:g}" for depth, value in published.items())
    alt = f"Test accuracy in percent. The book's: {book}. Ours, {'; '.join(facts)}."
    return Drawing(figure, alt)


def _standard_error(values: Array) -> float:
    """Return the standard error of a mean; 0 if there is only one value."""
    return float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0


@in_style
def accuracy_over_parameters(groups: Mapping[str, Mapping[int, Array]]) -> Drawing:
    """Draw test accuracy over the number of parameters (Figure 6.7).

    Parameters
    ----------
    groups : dict of str to dict of int to array of shape (seeds,)
        For each way to grow and each number of parameters, the accuracies in percent.
    """
    figure, axes = new_figure(6.4, 3.4)
    facts = []
    for i, (name, table) in enumerate(groups.items()):
        sizes, color = sorted(table), COLORS[NAMES[i]]
        means = [table[size].mean() for size in sizes]
        bars = [_standard_error(table[size]) for size in sizes]
        axes.errorbar(
            sizes, means, bars, ls=LINES[i], marker=MARKS[i], ms=5, capsize=3, color=color,
            label=name,
        )  # fmt: skip
        pairs = zip(sizes, means, strict=True)
        facts.append(f"{name}: " + ", ".join(f"{s} parameters {m:.1f}" for s, m in pairs))
    axes.set(xlabel="parameters", ylabel="test accuracy (percent)", xscale="log")
    _powers(axes.xaxis, [20_000, 50_000, 100_000, 200_000])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.legend(loc="lower right", handlelength=2.8)
    return Drawing(figure, f"Test accuracy in percent. {'; '.join(facts)}.")


@in_style
def skip_connections(
    depths: Sequence[int],
    norms: Mapping[str, Array],
    runs: Mapping[int, Mapping[str, Array]],
) -> Drawing:
    """Draw the gradient at the first layer over depth, and how training goes on.

    Parameters
    ----------
    depths : list of int
    norms : dict of str to array of shape (depths, seeds)
        For each kind of network the norm of the first layer's gradient before training.
    runs : dict of int to dict of str to array of shape (steps + 1, seeds)
        For some depths the costs at each step, of which the medians are drawn.
    """
    figure, panels = new_figure(7.8, 2.8, ncols=1 + len(runs), width_ratios=[1.2, *[1] * len(runs)])
    left = panels[0]
    facts = []
    for i, (name, table) in enumerate(norms.items()):
        middle = np.median(table, axis=1)
        left.plot(depths, middle, LINES[i], marker=MARKS[i], ms=5, color=COLORS[NAMES[i]])
        facts.append(f"{name}, {depths[0]} layers {middle[0]:.2g}, {depths[-1]} {middle[-1]:.2g}")
    left.set(title="gradient, first layer", xlabel="hidden layers", yscale="log", ylabel="norm")
    ends = []
    for axes, (depth, by_name) in zip(panels[1:], runs.items(), strict=True):
        for i, (name, costs) in enumerate(by_name.items()):
            middle = np.median(costs, axis=1)
            axes.plot(middle, LINES[i], color=COLORS[NAMES[i]], label=name)
            ends.append(f"{name}, {depth} layers: {np.median(costs[-1]):.3f}")
        axes.set(title=f"{depth} hidden layers", xlabel="step", ylim=(-0.02, 1.05))
    panels[1].set_ylabel("cost")
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    alt = (
        f"Norm of the first layer's gradient: {'; '.join(facts)}. Median costs at the end of "
        f"training: {'; '.join(ends)}."
    )
    return Drawing(figure, alt)


@in_style
def sparse_connections(image: Array, connected: Array, accuracies: Mapping[str, Array]) -> Drawing:
    """Draw which inputs a locally connected layer's units see, and how well networks with it do.

    Parameters
    ----------
    image : array, shape (8, 8)
    connected : array of bool, shape (inputs, units)
        Where the matrix of weights has an entry.
    accuracies : dict of str to array of shape (seeds,)
        In percent.
    """
    figure, (left, matrix, right) = new_figure(7.6, 2.8, ncols=3, width_ratios=[0.8, 1.1, 1.3])
    for (row, column), ink in np.ndenumerate(image):
        square = Rectangle((column, row), 1, 1, color=COLORS["ink"], alpha=0.75 * ink, lw=0)
        left.add_patch(square)
    fields = [np.argwhere(unit.reshape(image.shape)) for unit in connected.T]
    middle = (np.array(image.shape) - 1) / 2
    sees = min(fields, key=lambda field: np.abs(field.mean(axis=0) - middle).sum())
    (top, first), (bottom, last) = sees.min(axis=0), sees.max(axis=0) + 1
    left.plot(
        [first, last, last, first, first], [top, top, bottom, bottom, top], color=COLORS["orange"],
        lw=2.4,
    )  # fmt: skip
    left.set(title="what a unit sees", aspect="equal", xticks=[], yticks=[])
    left.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0))
    rows, columns = np.nonzero(connected)
    matrix.plot(columns, rows, "s", ms=1.1, color=COLORS["blue"], mew=0)
    matrix.set(title="where weights are", xlabel="unit", ylabel="input", aspect="auto")
    matrix.set(xlim=(-1, connected.shape[1]), ylim=(len(connected), -1))
    places = np.arange(len(accuracies))[::-1]
    for place, values in zip(places, accuracies.values(), strict=True):
        right.plot(values, np.full(len(values), place), "o", ms=5, alpha=0.6, color=COLORS["blue"])
        right.plot(values.mean(), place, "|", ms=18, mew=2, color=COLORS["ink"])
    right.set_yticks(places, list(accuracies))
    right.set(title="test accuracy (percent)", ylim=(-0.6, places[0] + 0.6))
    right.grid(axis="x")
    means = "; ".join(
        f"{name.replace(chr(10), ' ')} {values.mean():.1f} percent"
        for name, values in accuracies.items()
    )
    alt = (
        "Left, a picture of a digit with a small square that one unit sees. Middle, the matrix of "
        f"weights of a locally connected layer, {connected.mean():.0%} of it filled, in slanted "
        f"stripes. Right, mean test accuracies: {means}."
    )
    return Drawing(figure, alt)
