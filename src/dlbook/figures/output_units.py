"""The pictures of Section 6.2.2: what output units give, and where their costs stop teaching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.figures.style import COLORS, LINES, Drawing, in_style, new_figure

Array = np.ndarray
INK = ("blue", "orange", "green")


def shade_wrong(axes, left: float, right: float, height: float = 0.97) -> None:
    """Tint the part of the axis on which the answer is wrong, and say so at the top."""
    axes.axvspan(left, right, color=COLORS["orange-pale"], lw=0, zorder=0)
    axes.text(
        (left + right) / 2, height, "wrong", transform=axes.get_xaxis_transform(),
        ha="center", va="top", fontsize=9,
    )  # fmt: skip


def label_at(axes, x: float, y: float, text: str, color: str, offset=(6, 0), **style) -> None:
    """Write the name of a line next to it, in its colour."""
    axes.annotate(
        text, (x, y), offset, textcoords="offset points", color=COLORS[color],
        **{"va": "center", "fontsize": 9, **style},
    )  # fmt: skip


def hatched(bars, *places, color: str, hatch: str, **sizes) -> tuple:
    """Draw bars and, apart, their hatching; return both, as one entry of a legend."""
    # Together they would have the colour in a form that the page's theme cannot change.
    edge = COLORS["paper"]
    return (
        bars(*places, color=COLORS[color], edgecolor=edge, **sizes),
        bars(*places, facecolor="none", edgecolor=edge, hatch=hatch, lw=0, **sizes),
    )


# --- What an output unit gives ------------------------------------------------------------------


@in_style
def distributions(panels: Mapping[str, Array | tuple[Array, Array]]) -> Drawing:
    """Draw p(y | x) of one example as each output unit gives it.

    Parameters
    ----------
    panels : dict of str to array of shape (n,), or to two arrays of shape (k,)
        For each unit the probabilities of its n labels; or the values of y and their density.
    """
    figure, row = new_figure(7.4, 2.1, ncols=len(panels))
    facts = []
    for axes, (name, found) in zip(row, panels.items(), strict=True):
        axes.set_title(name)
        if isinstance(found, tuple):
            y, density = found
            axes.fill_between(y, density, color=COLORS["orange-pale"], lw=0)
            axes.plot(y, density, color=COLORS["orange"])
            axes.set(xlabel="$y$", ylim=(0, 1.12 * density.max()), yticks=[], ylabel="density")
            rises = np.diff(np.sign(np.diff(density))) < 0
            peaks = ", ".join(f"{place:.1f}" for place in y[1:-1][rises])
            facts.append(f"{name}: a density with its peaks at {peaks}")
        else:
            places = np.arange(len(found))
            axes.bar(places, found, color=COLORS["blue"], width=0.6)
            axes.set(xlabel="$y$", xticks=places, ylim=(0, 1), ylabel="probability")
            axes.set_yticks([0, 1])
            numbers = ", ".join(f"{p:.2f}" for p in found)
            facts.append(f"{name}: bars for the labels from 0 on, {numbers}")
    return Drawing(figure, f"What each output unit gives for one example. {'; '.join(facts)}.")


# --- Sigmoid units ------------------------------------------------------------------------------


@in_style
def clipped(
    z: Array, P: Mapping[str, Array], errors: Mapping[str, tuple[Array, Array]], titles: Sequence
) -> Drawing:
    """Draw P(y = 1) of a clipped and a sigmoid unit, and how both train from two starts.

    Parameters
    ----------
    z : array, shape (k,)
    P : dict of str to array of shape (k,)
        For each unit its probability.
    errors : dict of str to pair of arrays, each of shape (steps,)
        For each unit the share of wrong answers over the steps, from the first start and from
        the second.
    titles : list of str
        What the two starts are called.
    """
    figure, (left, *right) = new_figure(7.4, 2.5, ncols=3)
    right[1].sharey(right[0])
    names = ("orange", "blue")
    inside = (z >= 0) & (z <= 1)
    left.axvspan(z.min(), 0, color=COLORS["orange-pale"], lw=0)
    left.axvspan(1, z.max(), color=COLORS["orange-pale"], lw=0)
    for k, values in enumerate(P.values()):
        left.plot(z, values, LINES[k], color=COLORS[names[k]])
    (first, second), place = P.items(), 0.8
    label_at(left, place, np.interp(place, z, first[1]), first[0], names[0], (-8, 3), ha="right")
    label_at(left, 1.6, np.interp(1.6, z, second[1]), second[0], names[1], (2, -11))
    left.text(z.min() / 2, 0.45, "slope 0", ha="center", fontsize=9)
    left.text((1 + z.max()) / 2 + 0.2, 0.45, "slope 0", ha="center", fontsize=9)
    left.set(xlabel="$z$", yticks=[0, 0.5, 1], title="$P(y = 1)$")
    facts = []
    for axes, title, start in zip(right, titles, (0, 1), strict=True):
        for k, (name, runs) in enumerate(errors.items()):
            axes.plot(runs[start], LINES[k], color=COLORS[names[k]])
            x = 0.5 * len(runs[start])
            above = runs[start][int(x)] >= max(run[start][int(x)] for run in errors.values())
            offset = (0, 9 if above else -9)
            label_at(axes, x, runs[start][int(x)], name, names[k], offset, ha="center")
            facts.append(
                f"{title}, {name} from {runs[start][0]:.0%} to {runs[start][-1]:.0%} wrong"
            )
        axes.set(title=title, xlabel="step", ylim=(0, 0.62))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    right[0].set_ylabel("wrong answers")
    alt = (
        f"Left, the probability that y is 1 over z: the clipped unit rises straight from 0 at z = "
        f"0 to 1 at z = 1 and is flat outside, where {np.mean(~inside):.0%} of the drawn range "
        f"lies; the sigmoid rises everywhere. Right, the share of wrong answers over the steps: "
        f"{'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def saturation(
    z: Array, costs: Sequence[Array], slopes: Sequence[Array], sizes: Mapping[str, Array]
) -> Drawing:
    """Draw the cost of a sigmoid unit over z, its slope, and the slopes of other costs.

    Parameters
    ----------
    z : array, shape (k,)
    costs, slopes : two arrays of shape (k,) each
        The negative log-likelihood and its derivative, for y = 0 and for y = 1.
    sizes : dict of str to array of shape (k,)
        For each cost, the absolute value of its derivative where y = 1.
    """
    figure, (first, second, third) = new_figure(7.4, 2.7, ncols=3)
    second.plot(z, np.sign(z), color=COLORS["muted"], lw=1, ls=":")
    for y in (0, 1):
        color = INK[y]
        first.plot(z, costs[y], LINES[y], color=COLORS[color])
        second.plot(z, slopes[y], LINES[y], color=COLORS[color])
        side = 1 if y == 0 else -1  # where the answer is wrong
        x = side * 0.6 * z.max()
        label_at(first, x, np.interp(x, z, costs[y]), f"$y = {y}$", color,
                 (-side * 8, 8), ha="right" if side > 0 else "left")  # fmt: skip
        x = side * 0.55 * z.max()
        label_at(second, x, side, f"$y = {y}$", color, (0, -11 * side), ha="center")
    second.annotate(
        "sign(z)", (0, 0), (-12, 44), textcoords="offset points", fontsize=8.5, ha="right",
        color=COLORS["muted"],
    )  # fmt: skip
    first.set(title="cost $J$", xlabel="$z$", ylim=(0, None))
    second.set(title="its slope $dJ/dz$", xlabel="$z$", yticks=[-1, 0, 1], ylim=(-1.3, 1.3))
    for k, (name, size) in enumerate(sizes.items()):
        third.semilogy(z, size, LINES[k], color=COLORS[INK[k]], label=name)
    shade_wrong(third, z.min(), 0)
    third.set_ylim(None, 100)
    third.legend(loc="lower left", borderaxespad=0.2, handlelength=1.8)
    third.set(title="size of the slope, $y = 1$", xlabel="$z$", xlim=(z.min(), z.max()))
    ends = "; ".join(f"{name} {size[0]:.0e}" for name, size in sizes.items())
    alt = (
        f"Left, the cost over z from {z.min():.0f} to {z.max():.0f}: for y = 0 it is near 0 on the "
        "left and rises along a straight line on the right, for y = 1 it is the mirror image. "
        f"Middle, its slope: for y = 0 from {slopes[0][0]:.2f} up to {slopes[0][-1]:.2f}, for y = "
        f"1 from {slopes[1][0]:.2f} up to {abs(slopes[1][-1]):.2f}; where the answer is wrong it "
        "approaches the sign of z. Right, on a logarithmic axis, how large the slope is for y = "
        f"1; at the left end, where the answer is most wrong: {ends}."
    )
    return Drawing(figure, alt)


# --- Softmax units ------------------------------------------------------------------------------


@in_style
def gradient_mass(
    pushes: Mapping[str, Array], shares: Mapping[str, Mapping[str, float]]
) -> Drawing:
    """Draw which classes the cost of a softmax pushes down, and which examples push.

    Parameters
    ----------
    pushes : dict of str to array of shape (n - 1,)
        For each group of examples the mean gradient of the wrong classes' logits, the most
        active class first.
    shares : dict of str to dict of str to float
        For each quantity the share of each group; each adds up to 1.
    """
    figure, (left, right) = new_figure(7.4, 2.7, ncols=2, width_ratios=[1, 1.25])
    colors = dict(zip(pushes, ("orange", "yellow", "blue"), strict=False))
    hatches = dict(zip(pushes, ("", "//", ".."), strict=False))
    ranks = np.arange(1, 1 + len(next(iter(pushes.values()))))
    for k, (group, push) in enumerate(pushes.items()):
        left.plot(ranks, push, LINES[k], marker="os^"[k], ms=5, color=COLORS[colors[group]])
    left.set(xticks=ranks, xlabel="wrong classes, the most active first", ylim=(0, None))
    left.set_title("mean push on a logit")
    entries = {}
    for row, parts in enumerate(shares.values()):
        start = 0.0
        for group, share in parts.items():
            style = {"color": colors[group], "hatch": hatches[group]}
            entries[group] = hatched(right.barh, row, share, 0.62, start, **style)
            box = {"facecolor": COLORS["paper"], "edgecolor": "none", "pad": 1.5}
            right.text(
                start + share / 2, row, f"{share:.0%}", ha="center", va="center", fontsize=9,
                bbox=box,
            )  # fmt: skip
            start += share
    right.set(yticks=range(len(shares)), yticklabels=list(shares), xticks=[], xlim=(0, 1))
    right.set_title("who pushes")
    right.invert_yaxis()
    right.spines[["left", "bottom"]].set_visible(False)
    right.tick_params(left=False)
    figure.legend(entries.values(), entries, loc="outside upper center", ncols=len(pushes))
    rows = "; ".join(
        f"{quantity}: " + ", ".join(f"{group} {share:.0%}" for group, share in parts.items())
        for quantity, parts in shares.items()
    )
    curves = "; ".join(
        f"{group} from {push[0]:.2f} for the most active class to {push[1]:.2f} for the next"
        for group, push in pushes.items()
    )
    alt = f"Left, the mean push on wrong classes by rank: {curves}. Right, stacked bars. {rows}."
    return Drawing(figure, alt)


@in_style
def bad_start(
    margins: Array, norms: Mapping[str, Array], chances: Mapping[str, Mapping[str, Array]]
) -> Drawing:
    """Draw the gradients of two costs on a softmax that is wrong, and training from such a start.

    Parameters
    ----------
    margins : array, shape (k,)
        By how much the largest wrong logit exceeds the right one.
    norms : dict of str to array of shape (k,)
        For each cost the norm of the gradient with respect to the logits.
    chances : dict of str to dict of str to array of shape (steps + 1,)
        For each start, and for each cost, the mean probability of the right class.
    """
    ratios = [1.3] + [1] * len(chances)
    figure, (left, *right) = new_figure(7.6, 2.4, ncols=1 + len(chances), width_ratios=ratios)
    colors = dict(zip(norms, ("blue", "orange"), strict=True))
    lines = dict(zip(norms, LINES, strict=False))
    for name, norm in norms.items():
        left.semilogy(margins, norm, lines[name], color=COLORS[colors[name]])
        x = 0.55 * margins.max()
        value = np.exp(np.interp(x, margins, np.log(norm)))
        above = norm[-1] == max(values[-1] for values in norms.values())
        offset = (0, -10) if above else (-6, -10)
        label_at(left, x, value, name, colors[name], offset, ha="center" if above else "right")
    left.set(title="norm of the gradient", xlabel="lead of the wrong class")
    facts = []
    for axes, (start, curves) in zip(right, chances.items(), strict=True):
        for name, chance in curves.items():
            steps = np.arange(1, len(chance) + 1)  # so that step 0 has a place on the axis
            axes.semilogx(steps, chance, lines[name], color=COLORS[colors[name]])
            past = np.argmax(chance > 0.5)
            facts.append(f"{start}, {name}: from {chance[0]:.2f} to above one half at step {past}")
        axes.set(title=start, ylim=(0, 1), xlabel="step", yticks=[0, 0.5, 1])
        axes.set_xticks([1, 11, 101, 1001], ["0", "10", "100", "1000"])
        axes.minorticks_off()
    right[0].set_ylabel("chance of the right class")
    for axes in right[1:]:
        axes.set_yticklabels([])
    ends = "; ".join(f"{name} from {norm[0]:.2g} to {norm[-1]:.2g}" for name, norm in norms.items())
    alt = (
        "Left, on a logarithmic axis, the norm of one example's gradient over the lead of the "
        f"wrong class, from {margins[0]:g} to {margins[-1]:g}: {ends}. Right, the mean probability "
        f"of the right class while training: {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def logits(costs: Mapping[str, Array], classes: Mapping[str, Array], step: int) -> Drawing:
    """Draw how n and n - 1 logits learn.

    Parameters
    ----------
    costs : dict of str to array of shape (seeds, steps + 1)
        For each number of logits the training cost.
    classes : dict of str to array of shape (n,)
        For each number of logits the test cost of each class, early in training.
    step : int
        When that was.
    """
    figure, (left, right) = new_figure(7.4, 2.6, ncols=2)
    names = ("blue", "orange")
    facts, entries = [], {}
    for k, (name, runs) in enumerate(costs.items()):
        for run in runs:
            left.semilogy(run, LINES[k], color=COLORS[names[k]], lw=0.9)
        x = (0.36, 0.5)[k] * runs.shape[1]
        y = runs[:, int(x)].mean()
        offset = ((-10, -9), (8, 9))[k]
        label_at(left, x, y, name, names[k], offset, ha=("right", "left")[k])
        places = np.arange(len(classes[name]))
        style = {"color": names[k], "hatch": ("", "//")[k]}
        entries[name] = hatched(right.bar, places + 0.38 * (k - 0.5), classes[name], 0.38, **style)
        facts.append(
            f"{name}: training cost from {runs[:, 0].mean():.2f} to {runs[:, -1].mean():.2f}, test "
            f"cost of the last class at step {step} {classes[name][-1]:.2f}, mean of the others "
            f"{classes[name][:-1].mean():.2f}"
        )
    left.axvline(step, color=COLORS["muted"], lw=0.8, ls=":")
    left.set(title="training cost", xlabel="step")
    left.set_yticks([2, 1, 0.5, 0.2, 0.1, 0.05], ["2", "1", "0.5", "0.2", "0.1", "0.05"])
    left.minorticks_off()
    right.set(title=f"test cost of each class at step {step}", xlabel="digit", xticks=places)
    right.legend(entries.values(), entries, loc="upper left")
    return Drawing(
        figure, f"Left, training cost over the steps. Right, bars by class. {'; '.join(facts)}."
    )


@in_style
def competition(
    temperatures: Array,
    paths: Mapping[str, Array],
    z: Array,
    maxima: Mapping[str, Array],
) -> Drawing:
    """Draw softmax(z / T) on the triangle of three classes, and two soft maxima beside the max.

    Parameters
    ----------
    temperatures : array, shape (k,)
        From hot to cold; whole powers of ten are marked.
    paths : dict of str to array of shape (k, 3)
        For each z, in LaTeX, the probabilities at each temperature.
    z : array, shape (j,)
    maxima : dict of str to array of shape (j,)
        The largest of (0, z), and its soft versions: the first one is the maximum.
    """
    figure, (left, right) = new_figure(7.4, 3.0, ncols=2, width_ratios=[1, 1.15])
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
    left.fill(*corners.T, facecolor="none", edgecolor=COLORS["muted"], lw=1)
    for k, (corner, place) in enumerate(
        zip(corners, ((-6, -10), (6, -10), (0, 9)), strict=True), start=1
    ):
        left.annotate(
            f"$y = {k}$", corner, place, textcoords="offset points", ha="center", va="center"
        )
    marked = np.isclose(np.log10(temperatures), np.round(np.log10(temperatures)))
    for k, (name, path) in enumerate(paths.items()):
        points = path @ corners
        color = COLORS[INK[k]]
        left.plot(*points.T, LINES[k], color=color, label=name)
        left.plot(*points[marked].T, "os^"[k], color=color, ms=5)
    left.set(aspect="equal", xlim=(-0.15, 1.15), ylim=(-0.1, 0.98))
    left.axis("off")
    left.set_title("softmax$(z / T)$, from hot to cold")
    left.legend(loc="upper left", bbox_to_anchor=(-0.1, 1.0), handlelength=1.8)
    styles = ("muted", "blue", "orange")
    for k, values in enumerate(maxima.values()):
        right.plot(z, values, ("-", "--", "-.")[k], color=COLORS[styles[k]])
    right.set(xlabel="$z$", title="soft versions of max(0, z)", ylim=(-0.9, None))
    (name, values), (upper, above), (lower, below) = maxima.items()
    x = 0.42 * z.max()
    label_at(right, x, np.interp(x, z, values), name, "muted", (10, -4), ha="left")
    x = 0.3 * z.min()
    label_at(right, x, np.interp(x, z, above), upper, "blue", (-4, 9), ha="right")
    label_at(right, x, np.interp(x, z, below), lower, "orange", (-4, -9), ha="right")
    ends = "; ".join(
        f"{name} from ({', '.join(f'{p:.2f}' for p in path[0])}) to "
        f"({', '.join(f'{p:.2f}' for p in path[-1])})"
        for name, path in paths.items()
    )
    alt = (
        "Left, a triangle whose corners are the three classes; each path starts near the centre "
        f"where T is large and ends where T is small: {ends}. Right, over z, the larger of 0 and "
        f"z with a bend at 0; {upper} runs above it, by {np.max(above - values):.2f} at most, and "
        f"{lower} below it, by {np.max(values - below):.2f} at most."
    )
    return Drawing(figure, alt.replace("$", ""))
