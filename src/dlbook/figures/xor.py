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
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.sort(np.stack([(low - point) / direction, (high - point) / direction]), 0)
        enter, leave = np.nanmax(reach[0]), np.nanmin(reach[1])
        if enter >= leave:  # the line does not cross the frame
            continue
        ends = np.array([point + enter * direction, point + leave * direction])
        axes.plot(*ends.T, color=COLORS["muted"], ls=style, lw=1.2)
        # The right and the upper edge have no ticks: there is room for a name.
        end = max(ends, key=lambda end: max((end - high) / (high - low)))
        if np.isclose(end[0], high[0]):
            offset = (8, 0)
        else:
            offset = (0, 7) if np.isclose(end[1], high[1]) else (12, 2)  # inside the frame
        axes.annotate(name, end, offset, textcoords="offset points", ha="center", va="center")


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
    figure, (left, right) = new_figure(5.7, 2.8, ncols=2)
    for label, style in ((0, "--"), (1, ":")):  # each class is a diagonal
        left.plot(*X[y == label].T, ls=style, color=CLASS_COLORS[label])
    box = {"facecolor": COLORS["paper"], "edgecolor": COLORS["muted"], "boxstyle": "round"}
    left.text(0.5, 0.5, "0 or 1?", ha="center", va="center", bbox=box)
    plot_points(left, X, y)
    left.set(title="original space", xlabel="$x_1$", ylabel="$x_2$", xticks=[0, 1], yticks=[0, 1])
    left.set(xlim=(-0.25, 1.25), ylim=(-0.25, 1.25), aspect="equal")
    _frame_points(right, H)
    plot_levels(right, w, b)
    plot_points(right, H, y)
    right.set_title("learned space", pad=14)
    right.set(xlabel="$h_1$", ylabel="$h_2$")
    outputs = ", ".join(f"{value:.2f}" for value in H @ w + b + 0.0)
    alt = (
        "Left, the four XOR points at the corners of a square, each class on one diagonal; where "
        "the diagonals cross stands the question: 0 or 1? Right, the same points in the space of "
        f"the hidden units, class 0 at {_places(H[y == 0])}, class 1 at {_places(H[y == 1])}, with "
        "the parallel lines on which the linear output is 0, one half and 1. The outputs at the "
        f"points are {outputs}."
    )
    return Drawing(figure, alt)


def _places(points: Array) -> str:
    return " and ".join(f"({x:.2f}, {y:.2f})" for x, y in points + 0.0)


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
        axes.set(xticks=[0, 1, 2], yticks=[-1, 0, 1, 2], xlabel="first column")
    panels[0].set_ylabel("second column")
    facts = "; ".join(
        _places(points) + (" on one line" if np.linalg.matrix_rank(points - points[0]) == 1 else "")
        for points in stages.values()
    )
    alt = f"The four points in {len(stages)} equal frames, one for each step: {facts}."
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


def _label_places(lines, points):
    """Find for each contour line a place for its label: far from points, edges and other labels."""
    taken, places = list(points), []
    for line in (line for level in lines for line in level):
        inside = line[(np.abs(line - 0.5) < 0.6).all(axis=1)]
        if len(inside):
            gaps = np.linalg.norm(inside[:, None] - np.array(taken), axis=2).min(axis=1)
            places.append(inside[gaps.argmax()])
            taken.append(places[-1])
    return places


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
        styles = {0.25: "--", 0.5: "-", 0.75: ":"}
        levels = [v for v in styles if values.min() < v < values.max()]
        levels = [v for v in levels if v != 0.5 or undecided < 0.1]
        if levels:
            lines = axes.contour(
                x1, x2, values, levels=levels, colors=COLORS["muted"], linewidths=1,
                linestyles=[styles[v] for v in levels],
            )  # fmt: skip
            names = {0.25: "¼", 0.5: "½", 0.75: "¾"}
            places = _label_places(lines.allsegs, X)
            axes.clabel(lines, fmt=names, fontsize=8, colors=COLORS["ink"], manual=places)
        plot_points(axes, X, y, size=130)
        axes.set(title=title, aspect="equal", xlabel="$x_1$", xticks=[0, 1], yticks=[0, 1])
        outputs = ", ".join(f"{v:.2f}" for v in function(X))
        facts.append(f"{title}: outputs {outputs} at the four points")
    panels[0, 0].set_ylabel("$x_2$")
    alt = (
        "Maps of functions over the square, warm tint where the output is above one half, with "
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
    ratios = [1.3] + [1] * len(steps)
    figure, panels = new_figure(8.2, 2.2, ncols=1 + len(steps), width_ratios=ratios)
    panels[0].semilogy(costs)
    panels[0].plot(steps, costs[list(steps)], "o", color=COLORS["orange"])
    panels[0].set(title="cost $J$", xlabel="step", yticks=[1e0, 1e-3, 1e-6, 1e-9])
    limit = hidden[list(steps)].max() * 1.25
    for axes, step in zip(panels[1:], steps, strict=True):
        for label, size in ((0, 75), (1, 32)):  # the smaller mark on top of the larger
            style = {"color": CLASS_COLORS[label], "marker": MARKERS[label], "zorder": 3 + label}
            axes.scatter(*hidden[step][y == label].T, s=size, clip_on=False, **style)
        axes.set(title=f"step {step}", xlabel="$h_1$", aspect="equal", xticks=[0, 1], yticks=[0, 1])
        axes.set(xlim=(-0.1 * limit, limit), ylim=(-0.1 * limit, limit))
        if step != steps[0]:
            axes.set_yticklabels([])
    panels[1].set_ylabel("$h_2$")
    moments = "; ".join(
        f"step {step}, class 0 at {_places(hidden[step][y == 0])}, class 1 at "
        f"{_places(hidden[step][y == 1])}"
        for step in steps
    )
    bound = 10.0 ** np.floor(-np.log10(costs[-1] + 1e-12))
    alt = (
        f"Left, the cost over {len(costs) - 1} steps on a logarithmic axis: it falls from "
        f"{costs[0]:.2f} to less than 1/{bound:,.0f}. Right, "
        f"the four points in the space of the hidden units: {moments}."
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
