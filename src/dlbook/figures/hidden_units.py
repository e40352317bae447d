"""The pictures of Section 6.3: hidden units, how they learn, and how they compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.patches import Rectangle

from dlbook.figures.style import COLORS, LINES, Drawing, in_style, new_figure

Array = np.ndarray
NAMES = ("blue", "orange", "green", "purple", "yellow", "sky")
MARKS = ("o", "s", "^", "D", "v", "P")


@in_style
def gallery(curves: Mapping[str, tuple[str, Array, Array, Array]], flat: float = 0.05) -> Drawing:
    """Draw hidden units one beside the other: output, slope, and where the slope is small.

    Parameters
    ----------
    curves : dict of str to (str, array, array, array)
        For each unit the name of what it is drawn over, the places z, the outputs and the slopes,
        arrays of one shape.
    flat : float
        A unit counts as saturated where its slope is smaller than this.
    """
    rows = -(-len(curves) // 4)
    figure, panels = new_figure(
        7.4, 1.72 * rows, nrows=rows, ncols=4, sharex=True, sharey=True, squeeze=False
    )
    shares = []
    for axes, (name, (over, z, h, slope)) in zip(panels.flat, curves.items(), strict=False):
        small = np.abs(slope) < flat
        axes.fill_between(
            z, -1.4, 2.4, where=small, color=COLORS["orange-pale"], lw=0, zorder=0, step="mid"
        )
        axes.plot(z, slope, LINES[1], color=COLORS["orange"], lw=1.3)
        axes.plot(z, h, color=COLORS["blue"], lw=2)
        axes.axhline(0, color=COLORS["muted"], lw=0.6, zorder=0.5)
        axes.set_title(name, fontsize=9.5, pad=3)
        axes.text(0.98, 0.03, over, transform=axes.transAxes, ha="right", color=COLORS["muted"])
        axes.set(ylim=(-1.4, 2.4), xlim=(z[0], z[-1]), yticks=[-1, 0, 1, 2], xticks=[-3, 0, 3])
        shares.append(f"{name} {small.mean():.0%}")
    for axes in list(panels.flat)[len(curves) :]:
        axes.set_axis_off()
    first = panels[0, 0]
    first.text(-3.7, 1.55, "output", color=COLORS["blue"])
    first.text(-3.7, 1.0, "slope", color=COLORS["orange"])
    first.text(-3.7, -0.95, "saturated", color=COLORS["muted"], fontsize=8.5)
    alt = (
        f"{len(curves)} small panels, one for each hidden unit: its output as a solid line, its "
        f"slope dashed, and a tint where the slope is below {flat:g}. Tinted share of the range "
        f"drawn: {', '.join(shares)}."
    )
    return Drawing(figure, alt)


@in_style
def activity(
    biases: Array, active: Mapping[str, Array], woken: Mapping[str, tuple[float, float]]
) -> Drawing:
    """Draw how many rectified units are active at the start, and who recovers from being off.

    Parameters
    ----------
    biases : array, shape (k,)
    active : dict of str to array of shape (k,)
        For each scale of the weights, the share of pre-activations above 0.
    woken : dict of str to (float, float)
        For each unit, the share of those that were off whose weights have moved, and the share of
        those that are above 0 for some example again.
    """
    figure, (left, right) = new_figure(7.4, 2.9, ncols=2, width_ratios=[1, 1.15])
    for i, (name, shares) in enumerate(active.items()):
        color = COLORS[NAMES[i]]
        left.plot(biases, shares, LINES[i], color=color)
        at = len(biases) * (2, 3, 4)[i] // 10
        left.annotate(
            name, (biases[at], shares[at]), (5, (5, -14, -14)[i]), textcoords="offset points",
            color=color,
        )  # fmt: skip
    left.axvline(0.1, color=COLORS["grid"], lw=1, zorder=0)
    left.set(xlabel="bias $b$ at the start", ylabel="active share", ylim=(0.4, 1.1))
    left.set_yticks([0.5, 0.75, 1], ["½", "¾", "all"])
    left.set_title("rectified units, before training")
    places = np.arange(len(woken))[::-1]
    for place, (moved, above) in zip(places, woken.values(), strict=True):
        right.barh(place + 0.19, moved, 0.34, color=COLORS["sky"])
        right.barh(place - 0.19, above, 0.34, color=COLORS["blue"])
        for value, shift in ((moved, 0.19), (above, -0.19)):
            if value == 0:
                right.text(
                    0.015, place + shift, "none", va="center", fontsize=8.5, color=COLORS["muted"]
                )
    right.set_yticks(places, list(woken))
    right.set(xlim=(0, 1.02), title="units that were off, after training")
    right.set_xticks([0, 0.5, 1], ["none", "half", "all"])
    handles = [Rectangle((0, 0), 1, 1, color=COLORS[c]) for c in ("sky", "blue")]
    right.legend(
        handles, ["weights moved", "above 0 again"], loc="upper center", ncols=2,
        bbox_to_anchor=(0.5, -0.13), handlelength=1.2,
    )  # fmt: skip
    small = "; ".join(
        f"{name}: {shares[0]:.0%} at bias {biases[0]:g}, {np.interp(0.1, biases, shares):.0%} at "
        "0.1"
        for name, shares in active.items()
    ).replace("$", "")
    again = "; ".join(f"{name} {m:.0%} and {a:.0%}" for name, (m, a) in woken.items())
    alt = (
        f"Left, the share of active rectified units over the bias. {small}. Right, for each unit "
        f"the share whose weights moved and the share that is above 0 again: {again}."
    )
    return Drawing(figure, alt)


def plot_picture(axes, pixels: Array) -> None:
    """Draw a picture of numbers from -1 to 1: blue above 0, orange below, paler nearer to it."""
    for (row, column), value in np.ndenumerate(pixels):
        color = COLORS["blue" if value > 0 else "orange"]
        alpha = min(abs(float(value)), 1.0)
        axes.add_patch(Rectangle((column, row), 1, 1, color=color, alpha=alpha, lw=0))
    height, width = pixels.shape
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=[], yticks=[])
    axes.spines[["top", "right"]].set_visible(True)


@in_style
def polarity(
    picture: Array, features: Mapping[str, tuple[Array, Array]], right: Mapping[str, Array]
) -> Drawing:
    """Draw a picture and its negative, what units make of both, and how many are recognised.

    Parameters
    ----------
    picture : array, shape (height, width)
        From -1 to 1.
    features : dict of str to (array, array)
        For each kind of unit, the outputs of a layer for the picture and for its negative.
    right : dict of str to array of shape (2,)
        The share of test pictures, and of their negatives, that a network classifies rightly.
    """
    figure, panels = new_figure(7.4, 2.5, ncols=4, width_ratios=[0.6, 1.2, 1.2, 1.2])
    first = panels[0].inset_axes((0, 0.53, 1, 0.47))
    second = panels[0].inset_axes((0, 0, 1, 0.47))
    panels[0].set_axis_off()
    for axes, pixels, name in ((first, picture, "$x$"), (second, -picture, "$-x$")):
        plot_picture(axes, pixels)
        axes.set_ylabel(name, rotation=0, labelpad=9)
    for axes, (name, (of_x, of_minus_x)) in zip(panels[1:3], features.items(), strict=True):
        order = np.lexsort((of_minus_x, -of_x))
        units = np.arange(len(order))
        axes.bar(units, of_x[order], 0.8, color=COLORS["blue"])
        axes.bar(units, -of_minus_x[order], 0.8, color=COLORS["orange"])
        axes.axhline(0, color=COLORS["ink"], lw=0.8)
        top = 1.35 * max(of_x.max(), of_minus_x.max())
        axes.set(title=name, xticks=[], yticks=[0], ylim=(-top, top), xlabel="hidden units")
        axes.text(0.98, 0.97, "$h(x)$, upwards", color=COLORS["blue"], ha="right", va="top",
                  transform=axes.transAxes)  # fmt: skip
        axes.text(0.02, 0.03, "$h(-x)$, downwards", color=COLORS["orange"], va="bottom",
                  transform=axes.transAxes)  # fmt: skip
    last, places = panels[3], np.arange(len(right))[::-1]
    for place, shares in zip(places, right.values(), strict=True):
        last.barh(place + 0.19, shares[0], 0.34, color=COLORS["blue"])
        last.barh(place - 0.19, shares[1], 0.34, color=COLORS["orange"])
    last.set_yticks(places, [name.replace(" ", "\n") for name in right])
    last.set(xlim=(0, 1), title="classified rightly")
    last.set_xticks([0, 0.5, 1], ["none", "half", "all"])
    facts = "; ".join(f"{name} {a:.0%} and {b:.0%}" for name, (a, b) in right.items())
    alt = (
        f"A digit and its negative. For each unit of a layer a bar upwards for the picture and one "
        f"downwards for the negative: with {' and '.join(features)} units. Rectified units answer "
        f"to one or the other, absolute value units equally to both. Test pictures and negatives "
        f"classified rightly: {facts}."
    )
    return Drawing(figure, alt)


@in_style
def convex(
    x: Array, y: Array, pieces: Mapping[str, Array], ks: Sequence[int], errors: Mapping[str, Array]
) -> Drawing:
    """Draw maxout units on a convex function, and their error over the number of pieces.

    Parameters
    ----------
    x, y : array, shape (m,)
        The function.
    pieces : dict of str to array of shape (m, k)
        Under a title, the pieces of one maxout unit; it is their maximum.
    ks : list of int
        Numbers of pieces.
    errors : dict of str to array of shape (len(ks),)
        Root mean squared errors of several sorts.
    """
    figure, panels = new_figure(7.4, 2.6, ncols=len(pieces) + 1, width_ratios=[1, 1, 1.35])
    for axes, (title, lines) in zip(panels, pieces.items(), strict=False):
        axes.plot(x, y, color=COLORS["sky"], lw=5, alpha=0.45)
        wins = np.bincount(lines.argmax(axis=1), minlength=lines.shape[1])
        for line, count in zip(lines.T, wins, strict=True):
            color, style = ("muted", ":") if count else ("orange", "--")
            axes.plot(x, line, style, color=COLORS[color], lw=1.2)
        axes.plot(x, lines.max(axis=1), color=COLORS["ink"], lw=1.5)
        low, high = y.min(), np.ptp(y)
        axes.set(title=title, ylim=(low - 0.4 * high, low + 1.1 * high), xlabel="$x$", yticks=[0])
    last = panels[-1]
    for i, (name, error) in enumerate(errors.items()):
        last.plot(ks, error, LINES[i], marker=MARKS[i], ms=5, color=COLORS[NAMES[i]], label=name)
    last.set(xscale="log", yscale="log", xlabel="pieces $k$", title="error")
    last.set_xticks(ks, ks)
    last.minorticks_off()
    last.legend(loc="lower left", handlelength=2.6, fontsize=8.5)
    facts = "; ".join(f"{n} from {e[0]:.3f} to {e[-1]:.4f}" for n, e in errors.items())
    unused = [
        f"{title.replace('$', '')}: {len(np.unique(lines.argmax(axis=1)))} of {lines.shape[1]} "
        f"pieces in use"
        for title, lines in pieces.items()
    ]
    alt = (
        f"Maxout units on a parabola as the maximum of straight lines. {'; '.join(unused)}. "
        f"Right, the error on logarithmic axes over {ks[0]} to {ks[-1]} pieces: {facts}."
    )
    return Drawing(figure, alt)


@in_style
def forgetting(
    steps: Array, runs: Mapping[str, Array], changes: Sequence[int], kept: Array
) -> Drawing:
    """Draw the error on a first task while a network learns it, another, and it again.

    Parameters
    ----------
    steps : array, shape (k,)
    runs : dict of str to array of shape (k, seeds)
        The error on the first task.
    changes : list of int
        The steps at which the task changes.
    kept : array, shape (seeds,)
        By how many points the second network forgot less.
    """
    figure, (left, right) = new_figure(7.4, 2.9, ncols=2, width_ratios=[1.9, 1])
    ends = [0, *changes, steps[-1]]
    for i, (name, errors) in enumerate(runs.items()):
        color, mean = COLORS[NAMES[i]], errors.mean(axis=1)
        half = 2 * errors.std(axis=1, ddof=1) / errors.shape[1] ** 0.5
        left.fill_between(steps, mean - half, mean + half, color=color, alpha=0.2, lw=0)
        left.plot(steps, mean, LINES[i], marker=MARKS[i], ms=4, color=color, label=name)
    for number, (start, end) in enumerate(pairwise(ends)):
        left.text(
            (start + end) / 2, 1.0, f"trained on {'ABA'[number]}", ha="center", va="top",
            color=COLORS["muted"],
        )  # fmt: skip
    for change in changes:
        left.axvline(change, color=COLORS["grid"], lw=1, zorder=0)
    left.set(xlabel="step", ylabel="error on task A", ylim=(0, 1.02), xlim=(0, steps[-1]))
    left.legend(loc="upper right", bbox_to_anchor=(1, 0.9), handlelength=2.6)
    edges = np.arange(np.floor(kept.min() / 5) * 5, kept.max() + 5, 5)
    right.hist(kept, edges, color=COLORS["blue-pale"], edgecolor=COLORS["blue"])
    right.axvline(0, color=COLORS["muted"], lw=0.8)
    right.axvline(kept.mean(), color=COLORS["orange"], ls=LINES[1])
    right.annotate(
        "mean", (kept.mean(), 1), (4, -9), xycoords=("data", "axes fraction"),
        textcoords="offset points", color=COLORS["orange"],
    )  # fmt: skip
    right.set(xlabel="points kept more by maxout", ylabel="seeds")
    right.set_ylim(top=1.18 * right.get_ylim()[1])
    right.yaxis.get_major_locator().set_params(integer=True, nbins=5)
    peaks = "; ".join(
        f"{name} {e[steps <= changes[0]][-1].mean():.0%}, {e[steps <= changes[1]][-1].mean():.0%}, "
        f"{e[-1].mean():.0%}"
        for name, e in runs.items()
    )
    alt = (
        f"Left, the error on task A over {steps[-1]} steps: it falls, rises when training turns to "
        f"task B, and falls at once when it returns. At the end of the three parts: {peaks}. "
        f"Right, a histogram of the differences, from {kept.min():.0f} to {kept.max():.0f} points, "
        f"with the mean at {kept.mean():.0f}; {np.mean(kept > 0):.0%} are above 0."
    )
    return Drawing(figure, alt)


@in_style
def depth(
    norms: Mapping[str, Array], depths: Sequence[int], errors: Mapping[str, Array]
) -> Drawing:
    """Draw the gradient's norm layer by layer, and the error after training over the depth.

    Parameters
    ----------
    norms : dict of str to array of shape (layers,)
        Of the weights' gradients before training, from the first layer to the last.
    depths : list of int
        Numbers of hidden layers.
    errors : dict of str to array of shape (len(depths), copies)
        Test errors after training.
    """
    figure, (left, right) = new_figure(7.4, 2.9, ncols=2)
    for i, (name, values) in enumerate(norms.items()):
        color, layers = COLORS[NAMES[i]], np.arange(1, len(values) + 1)
        left.plot(layers, values, LINES[i], marker=MARKS[i], ms=4.5, color=color)
        at = (6, 3, 3)[i]
        left.annotate(
            name, (layers[at], values[at]), ((8, -9), (0, -15), (0, 7))[i],
            textcoords="offset points", color=color,
        )  # fmt: skip
    left.set(yscale="log", xlabel="layer", title="norm of the gradient, before training")
    left.set_xticks([1, len(layers)], ["first", "output"])
    left.margins(y=0.12)
    for i, (name, table) in enumerate(errors.items()):
        mean = table.mean(axis=1)
        style = {"color": COLORS[NAMES[i]], "ls": LINES[i], "marker": MARKS[i], "ms": 5}
        right.errorbar(
            depths, mean, [mean - table.min(axis=1), table.max(axis=1) - mean], lw=1.5,
            elinewidth=0.8, label=name, **style,
        )  # fmt: skip
    right.axhline(0.9, color=COLORS["grid"], lw=1, zorder=0)
    right.annotate(
        "guessing", (depths[0], 0.9), (0, 3), textcoords="offset points", color=COLORS["muted"]
    )
    right.set(yscale="log", xlabel="hidden layers", title="test error, trained", ylim=(0.02, 1.3))
    right.set_yticks([0.03, 0.1, 0.3, 0.9], ["3 %", "10 %", "30 %", "90 %"])
    right.set_xticks(depths, depths)
    right.minorticks_off()
    figure.legend(
        *right.get_legend_handles_labels(), loc="outside lower right", ncols=4, handlelength=2.8
    )
    shrink = "; ".join(f"{n} from {v[-1]:.1g} to {v[0]:.1g}" for n, v in norms.items())
    rows = "; ".join(
        f"{name} {', '.join(f'{e:.0%}' for e in t.mean(axis=1))}" for name, t in errors.items()
    )
    alt = (
        f"Left, the norm of the gradient from the output layer to the first: {shrink}. Right, test "
        f"errors with {', '.join(map(str, depths))} hidden layers: {rows}."
    )
    return Drawing(figure, alt)


@in_style
def nearly_linear(
    scales: Array, distances: Array, runs: Mapping[str, tuple[Array, Array]]
) -> Drawing:
    """Draw how far a tanh network is from the linear one with its weights, and how both learn.

    Parameters
    ----------
    scales, distances : array, shape (k,)
        Factors of the inputs, and the relative distance between the outputs.
    runs : dict of str to (array, array)
        Under a title, the costs of the tanh network and of the linear one, shape (steps + 1,).
    """
    figure, panels = new_figure(7.4, 2.6, ncols=1 + len(runs), width_ratios=[1.15, 1, 1])
    first = panels[0]
    first.plot(scales, distances, marker="o", ms=4.5)
    guide = distances[0] * (scales / scales[0]) ** 2
    first.plot(scales, guide, LINES[2], color=COLORS["muted"], lw=1.2)
    first.annotate(
        "squared", (scales[-3], guide[-3]), (-6, 2), textcoords="offset points", ha="right",
        color=COLORS["muted"],
    )  # fmt: skip
    first.set(xscale="log", yscale="log", xlabel="scale of the inputs")
    first.set(title="distance from linear", ylim=(distances[0] / 2, 3))
    facts = []
    for axes, (title, costs) in zip(panels[1:], runs.items(), strict=True):
        for i, (name, cost) in enumerate(zip(("tanh", "linear"), costs, strict=True)):
            axes.plot(cost, LINES[i], color=COLORS[NAMES[i]], lw=2.2, label=name)
        axes.set(title=title, xlabel="step", ylim=(0, 2.5))
        apart = np.abs(costs[0] - costs[1]).max()
        facts.append(f"{title.replace('$', '')}: at most {apart:.2f} apart")
    panels[1].set_ylabel("training cost")
    panels[1].legend(loc="lower left", handlelength=2.6)
    alt = (
        f"Left, the relative distance of a tanh network from its linearisation: "
        f"{distances[0]:.1g} at scale {scales[0]:g}, {distances[-1]:.1g} at {scales[-1]:g}, along "
        f"a line of slope 2 on logarithmic axes for small scales. Right, training costs of both "
        f"over the steps, {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def low_rank(counts: Array, errors: Array, labels: Sequence[str], full: Array) -> Drawing:
    """Draw the error of a factored layer over its number of weights.

    Parameters
    ----------
    counts : array, shape (k,)
        The number of weights of the factored layer.
    errors : array, shape (k, seeds)
        Test errors.
    labels : list of str
        What to write at the points.
    full : array, shape (seeds,)
        Test errors of the layer that is not factored.
    """
    figure, axes = new_figure(6.2, 2.8)
    mean = errors.mean(axis=1)
    axes.plot(np.repeat(counts, errors.shape[1]), errors.ravel(), "o", ms=3, alpha=0.4, mew=0)
    axes.plot(counts, mean, "o-", color=COLORS["blue"])
    for x, y, label in zip(counts, mean, labels, strict=True):
        axes.annotate(label, (x, y), (6, 5), textcoords="offset points", color=COLORS["blue"])
    axes.axhline(full.mean(), ls=LINES[1], color=COLORS["orange"])
    axes.annotate(
        "not factored", (counts[0], full.mean()), (0, -13), textcoords="offset points",
        color=COLORS["orange"],
    )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="weights in the first layer", ylabel="test error")
    axes.set_yticks([0.03, 0.1, 0.3], ["3 %", "10 %", "30 %"])
    axes.set_xticks(counts, counts)
    axes.minorticks_off()
    axes.set_ylim(top=0.9)
    facts = ", ".join(f"{e:.1%} with {c}" for c, e in zip(counts, mean, strict=True))
    return Drawing(
        figure,
        f"Test error over the number of weights: {facts}; {full.mean():.1%} without factoring.",
    )


@in_style
def switch(
    addresses: Sequence[str], opened: Array, errors: Mapping[str, tuple[float, float]]
) -> Drawing:
    """Draw which input a softmax layer lets through, and how well it copies numbers of any size.

    Parameters
    ----------
    addresses : list of str
    opened : array, shape (len(addresses), inputs)
        The softmax's probabilities for each address.
    errors : dict of str to (float, float)
        For each network the relative error on numbers as in training, and on larger ones.
    """
    figure, (left, right) = new_figure(6.6, 2.6, ncols=2, width_ratios=[1, 1.3])
    for (row, column), share in np.ndenumerate(opened):
        left.add_patch(
            Rectangle((column, row), 1, 1, color=COLORS["blue"], alpha=float(share), lw=0)
        )
        color = COLORS["paper" if share > 0.5 else "ink"]
        left.text(column + 0.5, row + 0.5, f"{share:.2f}", ha="center", va="center", color=color)
    rows, columns = opened.shape
    left.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal", ylabel="address", xlabel="input")
    left.set_xticks(np.arange(columns) + 0.5, [f"$v_{i + 1}$" for i in range(columns)])
    left.set_yticks(np.arange(rows) + 0.5, addresses)
    left.tick_params(length=0)
    names = list(errors)
    for i, (name, pair) in enumerate(errors.items()):
        right.plot([0, 1], pair, LINES[i] + MARKS[i], color=COLORS[NAMES[i]], ms=6)
        right.annotate(
            name, (1, pair[1]), (9, (0, -5, 5)[i]), textcoords="offset points", va="center",
            color=COLORS[NAMES[i]],
        )  # fmt: skip
    right.set(yscale="log", xlim=(-0.2, 2.1), ylabel="relative error")
    right.set_xticks([0, 1], ["as in\ntraining", "ten times\nlarger"])
    right.set_yticks([0.03, 0.1, 0.3, 1], ["3 %", "10 %", "30 %", "100 %"])
    right.minorticks_off()
    right.margins(y=0.2)
    facts = "; ".join(f"{n} {a:.1%} and {b:.1%}" for n, (a, b) in errors.items())
    alt = (
        f"Left, a table of probabilities: for each of {rows} addresses one input has "
        f"{opened.max(axis=1).min():.2f} or more. Right, relative errors on numbers as in training "
        f"and on ten times larger ones: {facts}. Networks: {', '.join(names)}."
    )
    return Drawing(figure, alt)


@in_style
def comparison(
    errors: Mapping[str, Array],
    half: Mapping[str, float],
    apart: Mapping[str, tuple[float, float]],
    reference: str,
    newer: Sequence[str] = (),
) -> Drawing:
    """Draw the test errors of all units with intervals, and their differences from one of them.

    Parameters
    ----------
    errors : dict of str to array of shape (seeds,)
    half : dict of str to float
        Half the width of the interval of each mean.
    apart : dict of str to (float, float)
        The mean difference from the reference, in points, and half the width of its interval;
        units that miss here are too far away to be drawn.
    reference : str
    newer : list of str
        Units that get a hollow mark.
    """
    order = sorted(errors, key=lambda name: errors[name].mean())[::-1]
    places = {name: place for place, name in enumerate(order)}
    figure, (left, right) = new_figure(
        7.4, 0.255 * len(order) + 0.9, ncols=2, sharey=True, width_ratios=[1.25, 1]
    )
    for name, place in places.items():
        mean = errors[name].mean()
        fill = COLORS["paper"] if name in newer else COLORS["blue"]
        left.plot(
            errors[name], np.full(len(errors[name]), place), "|", ms=6, color=COLORS["sky"], mew=0.8
        )
        left.errorbar(
            mean, place, xerr=half[name], fmt="o", color=COLORS["blue"], mfc=fill, ms=5.5, lw=2
        )
        if name in apart:
            middle, width = apart[name]
            clear = abs(middle) > width
            right.errorbar(
                middle, place, xerr=width, fmt="D" if clear else "o", ms=5, lw=1.6,
                color=COLORS["orange" if clear else "muted"],
                mfc=COLORS["orange" if clear else "paper"],
            )  # fmt: skip
        elif name == reference:
            right.text(
                0.1, place, "the reference", va="center", color=COLORS["muted"], fontsize=8.5
            )
        else:
            right.annotate(
                "far to the right →", (1, place), xycoords=("axes fraction", "data"), ha="right",
                va="center", color=COLORS["muted"], fontsize=8.5,
            )  # fmt: skip
    left.set(xscale="log", title="test error")
    left.set_xticks([0.03, 0.05, 0.1, 0.3], ["3 %", "5 %", "10 %", "30 %"])
    left.minorticks_off()
    left.set_yticks(list(places.values()), list(places))
    left.tick_params(axis="y", length=0)
    left.grid(axis="y", lw=0.5)
    left.set_axisbelow(True)
    right.axvline(0, color=COLORS["muted"], lw=0.8, zorder=0)
    right.set(title=f"difference from {reference}, in points", ylim=(-0.7, len(order) - 0.3))
    right.set_xticks([-2, -1, 0, 1, 2])
    right.tick_params(axis="y", length=0)
    right.grid(axis="y", lw=0.5)
    facts = ", ".join(f"{name} {errors[name].mean():.1%}" for name in order[::-1])
    far_from_0 = [name for name, (middle, width) in apart.items() if abs(middle) > width]
    far = [name for name in order if name not in (*apart, reference)]
    alt = (
        f"Test errors with intervals, from least to largest: {facts}. Of the differences from "
        f"{reference}, those of {', '.join(far_from_0 + far) or 'none'} are clear of 0."
    )
    return Drawing(figure, alt)
