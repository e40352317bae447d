"""The pictures of Section 6.1: XOR, in the original space and in the learned one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from dlbook.figures.style import (
    CLASS_COLORS,
    COLORS,
    MARKERS,
    Drawing,
    in_style,
    new_figure,
)

Array = np.ndarray


def plot_points(axes, H: Array, y: Array, size: float = 210) -> None:
    """Mark each point by its class: colour, shape and number; say how many coincide."""
    places: dict[tuple, list[int]] = {}
    for i, h in enumerate(np.round(H, 6)):
        places.setdefault((*h, y[i]), []).append(i)
    for (h1, h2, label), members in places.items():
        style = {"color": CLASS_COLORS[int(label)], "marker": MARKERS[int(label)]}
        axes.scatter(h1, h2, s=size, zorder=3, clip_on=False, edgecolors=COLORS["paper"], **style)
        axes.text(
            h1, h2, f"{int(label)}", color=COLORS["paper"], ha="center", va="center_baseline",
            weight="bold", zorder=4,
        )  # fmt: skip
        if len(members) > 1:
            axes.annotate(
                f"{len(members)} points", (h1, h2), (0, 12), textcoords="offset points",
                ha="center", fontsize=8.5, zorder=5,
                bbox={"facecolor": COLORS["paper"], "edgecolor": "none", "pad": 0.5, "alpha": 0.85},
            )  # fmt: skip


def plot_levels(axes, w: Array, b: float) -> None:
    """Draw the lines in the plane of h on which w^T h + b is 0, 1/2 and 1, named at their ends."""
    low, high = np.array([axes.get_xlim(), axes.get_ylim()]).T
    for level, name, style in ((0, "0", "--"), (0.5, "½", "-"), (1, "1", ":")):
        point = (level - b) * w / (w @ w)
        direction = np.array([w[1], -w[0]]) / np.linalg.norm(w)
        axes.axline(point, point + direction, color=COLORS["muted"], ls=style, lw=1.2)
        with np.errstate(divide="ignore"):
            reach = np.sort(
                np.stack([(low - point) / direction, (high - point) / direction]), axis=0
            )
        enter, leave = reach[0].max(), reach[1].min()
        if enter < leave:  # the line crosses the frame
            ends = sorted(
                ([*(point + t * direction)] for t in (enter, leave)), key=lambda end: end[1]
            )
            place = 0.12 * np.array(ends[0]) + 0.88 * np.array(ends[1])
            box = {"facecolor": COLORS["paper"], "edgecolor": "none", "pad": 1.5}
            axes.text(*place, name, ha="center", va="center", bbox=box)


@in_style
def spaces(X: Array, y: Array, H: Array, w: Array, b: float) -> Drawing:
    """Draw XOR in the original space and in the space of two hidden units (Figure 6.1).

    Parameters
    ----------
    X : array, shape (4, 2)
    y : array, shape (4,)
    H : array, shape (4, 2)
        The hidden units' values at the points.
    w, b : array of shape (2,), float
        The output layer, whose lines are drawn over the learned space.
    """
    figure, (left, right) = new_figure(6.6, 3.2, ncols=2)
    arrow = {"arrowstyle": "-|>", "color": COLORS["muted"], "shrinkA": 12, "shrinkB": 12, "lw": 1.4}
    for x1 in (0, 1):
        # Where the output must rise with x2, and where it must fall.
        rise = y[(X[:, 0] == x1) & (X[:, 1] == 1)] > y[(X[:, 0] == x1) & (X[:, 1] == 0)]
        ends = ((x1, 0), (x1, 1)) if rise else ((x1, 1), (x1, 0))
        left.annotate("", ends[1], ends[0], arrowprops=arrow)
        word = "must rise" if rise else "must fall"
        left.text(0.08 if x1 == 0 else 0.92, 0.5, word, rotation=90, ha="center", va="center")
    plot_points(left, X, y)
    left.set(title="original space", xlabel="$x_1$", ylabel="$x_2$", xticks=[0, 1], yticks=[0, 1])
    left.set(xlim=(-0.25, 1.25), ylim=(-0.25, 1.25), aspect="equal")
    _frame_points(right, H)
    plot_levels(right, w, b)
    plot_points(right, H, y)
    right.set(title="learned space", xlabel="$h_1$", ylabel="$h_2$")
    where = "; ".join(
        f"({h[0]:.3g}, {h[1]:.3g}) for y = {t:.0f}" for h, t in zip(H, y, strict=True)
    )
    alt = (
        "Left, the four XOR points at the corners of a square, each class on opposite corners. "
        f"Right, the same points in the space of the hidden units, at {where}, with the parallel "
        "lines on which the linear output is 0, one half and 1: each point is on the line of its "
        "class."
    )
    return Drawing(figure, alt)


def _frame_points(axes, H: Array) -> None:
    """Leave room around the points, equally much in both directions."""
    middle = (H.min(axis=0) + H.max(axis=0)) / 2
    half = max(np.ptp(H, axis=0).max() * 0.68, 0.1)
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    axes.set_aspect("equal")


@in_style
def walk(stages: Mapping[str, Array], y: Array) -> Drawing:
    """Draw where the four points are after each step of the computation (Equations 6.7 to 6.10).

    Parameters
    ----------
    stages : dict of str to array of shape (4, 2)
        A title, in LaTeX, and the design matrix at that stage.
    y : array, shape (4,)
    """
    figure, panels = new_figure(7.4, 2.4, ncols=len(stages), sharex=True, sharey=True)
    for axes, (title, points) in zip(panels, stages.items(), strict=True):
        axes.axhline(0, color=COLORS["grid"], lw=0.8, zorder=0)
        axes.axvline(0, color=COLORS["grid"], lw=0.8, zorder=0)
        if np.linalg.matrix_rank(points - points[0]) == 1:
            axes.axline(points[0], points[-1], color=COLORS["muted"], ls="--", lw=1)
        plot_points(axes, points, y, size=150)
        axes.set(title=title, xlim=(-0.5, 2.5), ylim=(-1.5, 2.5), aspect="equal")
        axes.set(xticks=[0, 1, 2], yticks=[-1, 0, 1, 2])
    lines = [
        f"{np.unique(np.round(points, 6), axis=0).shape[0]} distinct places"
        + (" on one line" if np.linalg.matrix_rank(points - points[0]) == 1 else "")
        for points in stages.values()
    ]
    alt = f"The four points after each of {len(stages)} steps, in equal frames: {'; '.join(lines)}."
    return Drawing(figure, alt)


@in_style
def rectifier(z: Array, g: Array, slope: Array, left: float, right: float) -> Drawing:
    """Draw the rectified linear activation and its slope (Figure 6.3).

    Parameters
    ----------
    z, g, slope : array, shape (k,)
        The grid, the activation and its derivative on it.
    left, right : float
        The one-sided derivatives at 0.
    """
    figure, (first, second) = new_figure(6.6, 2.6, ncols=2)
    first.plot(z, g)
    first.set(title="$g(z) = \\max\\{0, z\\}$", xlabel="$z$")
    for part in (z < 0, z > 0):
        second.plot(z[part], slope[part], color=COLORS["orange"])
    for value, ha in ((left, "right"), (right, "left")):
        side = -1 if ha == "right" else 1
        at_zero = np.isclose(value, slope[np.argmin(np.abs(z))])
        face = COLORS["orange"] if at_zero else COLORS["paper"]
        second.plot(0, value, "o", mfc=face, mec=COLORS["orange"], ms=7)
        name = "left" if side < 0 else "right"
        second.annotate(
            f"from the {name}: {value:.0f}", (0, value), (10 * side, 9 if side < 0 else -13),
            textcoords="offset points", ha=ha, fontsize=9,
        )  # fmt: skip
    second.set(title="slope $g'(z)$", xlabel="$z$", ylim=(-0.2, 1.3), yticks=[0, 1])
    alt = (
        "Left, the rectifier: zero for negative z, then a straight line of slope one. Right, its "
        f"slope: {left:.0f} to the left of zero, {right:.0f} to the right; the filled dot at zero "
        "marks the value that the library takes."
    )
    return Drawing(figure, alt)


@in_style
def decision_maps(
    maps: Sequence[tuple[str, Callable[[Array], Array]]], X: Array, y: Array
) -> Drawing:
    """Draw functions of two inputs by their levels, one panel each.

    Parameters
    ----------
    maps : list of (title, function)
        A function takes points of shape (k, 2) and returns (k,) outputs.
    X, y : array of shape (4, 2), array of shape (4,)
    """
    columns = min(len(maps), 3)
    figure, panels = new_figure(2.3 * columns, 2.55, ncols=columns, squeeze=False, sharey=True)
    ticks = np.linspace(-0.2, 1.2, 141)
    x1, x2 = np.meshgrid(ticks, ticks)
    points = np.stack([x1.ravel(), x2.ravel()], axis=1)
    facts = []
    for axes, (title, function) in zip(panels.flat, maps, strict=True):
        values = function(points).reshape(x1.shape)
        # A network that has given up says exactly one half, over a whole region: no tint there.
        axes.contourf(
            x1, x2, values, levels=[-1e9, 0.495, 0.505, 1e9],
            colors=[COLORS["blue-pale"], COLORS["paper"], COLORS["orange-pale"]],
        )  # fmt: skip
        undecided = np.mean(np.abs(values - 0.5) < 0.005)
        styles = {0: "--", 0.25: "--", 0.5: "-", 0.75: ":", 1: ":"}
        levels = [v for v in styles if values.min() < v < values.max()]
        levels = [v for v in levels if v != 0.5 or undecided < 0.2]
        if levels:
            lines = axes.contour(
                x1, x2, values, levels=levels, colors=COLORS["muted"], linewidths=1,
                linestyles=[styles[v] for v in levels],
            )  # fmt: skip
            names = {0: "0", 0.25: "¼", 0.5: "½", 0.75: "¾", 1: "1"}
            axes.clabel(lines, fmt=names, fontsize=8, colors=COLORS["ink"])
        plot_points(axes, X, y, size=130)
        axes.set(title=title, aspect="equal", xlabel="$x_1$", xticks=[0, 1], yticks=[0, 1])
        outputs = ", ".join(f"{v:.2f}" for v in function(X))
        facts.append(f"{title}: outputs {outputs} at the four points")
    panels[0, 0].set_ylabel("$x_2$")
    alt = (
        "Maps of functions over the square, dark tint where the output is above one half, with "
        f"contour lines. {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def learning(costs: Array, steps: Sequence[int], hidden: Array, y: Array) -> Drawing:
    """Draw the cost over the steps, and where the points are in the learned space on the way.

    Parameters
    ----------
    costs : array, shape (steps + 1,)
    steps : list of int
        The moments to show.
    hidden : array, shape (steps + 1, 4, 2)
    y : array, shape (4,)
    """
    figure, panels = new_figure(
        7.6, 2.4, ncols=1 + len(steps), width_ratios=[1.5] + [1] * len(steps)
    )
    panels[0].semilogy(np.maximum(costs, 1e-32))
    panels[0].plot(steps, costs[list(steps)], "o", color=COLORS["orange"])
    panels[0].set(title="cost $J$", xlabel="step", yticks=[1e0, 1e-2, 1e-4, 1e-6, 1e-8])
    panels[0].set_ylim(max(costs.min() / 3, 1e-9), 1)
    limit = hidden[list(steps)].max() * 1.2
    for axes, step in zip(panels[1:], steps, strict=True):
        plot_points(axes, hidden[step], y, size=110)
        axes.set(title=f"step {step}", xlabel="$h_1$", aspect="equal")
        axes.set(xlim=(-0.15 * limit, limit), ylim=(-0.15 * limit, limit))
        if step != steps[0]:
            axes.set_yticklabels([])
    panels[1].set_ylabel("$h_2$")
    alt = (
        f"Left, the cost falls from {costs[0]:.2g} to below {costs[-1] + 1e-9:.0e} in "
        f"{len(costs) - 1} steps, on a logarithmic axis. Right, the four points in the learned "
        f"space at steps {', '.join(map(str, steps))}: they start in disorder and end with the two "
        "classes on parallel lines."
    )
    return Drawing(figure, alt)


@in_style
def outcomes(shares: Mapping[str, Mapping[str, float]]) -> Drawing:
    """Draw how many starts ended where, one bar for each network.

    Parameters
    ----------
    shares : dict of str to dict of str to float
        For each network, the share of starts by outcome; each adds up to 1.
    """
    figure, axes = new_figure(7.0, 0.55 * len(shares) + 0.9)
    colors = [COLORS[name] for name in ("green", "sky", "yellow", "orange")]
    hatches = ["", "//", "..", "xx"]
    names = list(next(iter(shares.values())))
    for row, parts in enumerate(shares.values()):
        edges = np.concatenate([[0], np.cumsum([parts[name] for name in names])])
        for k, (start, end) in enumerate(pairwise(edges)):
            axes.barh(
                row, end - start, left=start, color=colors[k], hatch=hatches[k], height=0.62,
                edgecolor=COLORS["paper"], label=names[k] if row == 0 else None,
            )  # fmt: skip
            if end - start > 0.03:
                box = {"facecolor": COLORS["paper"], "edgecolor": "none", "pad": 1.5}
                axes.text(
                    (start + end) / 2, row, f"{end - start:.0%}", ha="center", va="center",
                    fontsize=9, bbox=box,
                )  # fmt: skip
    axes.set(yticks=range(len(shares)), yticklabels=list(shares), xticks=[], xlim=(0, 1))
    axes.invert_yaxis()
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(left=False)
    figure.legend(loc="outside upper center", ncols=len(names))
    rows = "; ".join(
        f"{title}: " + ", ".join(f"{name} {share:.0%}" for name, share in parts.items())
        for title, parts in shares.items()
    )
    return Drawing(figure, f"Stacked bars of where the starts ended. {rows}.")
