"""The pictures of Section 6.2.1: costs, where their minimum is, and the way there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dlbook.figures.style import COLORS, LINES, Drawing, in_style, new_figure

Array = np.ndarray
NAMES = ("blue", "orange", "green", "purple")
MARKS = ("o", "s", "^", "D")


@in_style
def chords(
    surfaces: Mapping[str, Callable[[float, float], float]],
    ends: Array,
    paths: Sequence[Array],
    limit: float = 3.0,
) -> Drawing:
    """Draw costs of two parameters from above, and along one straight line.

    Parameters
    ----------
    surfaces : dict of str to function
        A title, and the cost as a function of a and b.
    ends : array, shape (2, 2)
        The two points (a, b) at the ends of the line.
    paths : list of array, each of shape (steps, 2)
        Where gradient descent went on the last of the surfaces.
    limit : float
        The surfaces are drawn from -limit to limit.
    """
    figure, panels = new_figure(
        6.6, 5.3, nrows=2, ncols=len(surfaces), height_ratios=[1.75, 1], squeeze=False
    )
    ticks, way = np.linspace(-limit, limit, 49), np.linspace(0, 1, 61)
    facts = []
    for (above, along), (title, cost) in zip(panels.T, surfaces.items(), strict=True):
        heights = np.array([[cost(a, b) for a in ticks] for b in ticks])
        # Squares between the levels: they lie close together at the bottom, where it matters.
        levels = heights.min() + np.ptp(heights) * np.linspace(0.1, 0.95, 9) ** 2
        above.contour(ticks, ticks, heights, levels, colors=COLORS["muted"], linewidths=0.8)
        above.contourf(
            ticks, ticks, heights, [heights.min() - 1, levels[1]], colors=[COLORS["blue-pale"]]
        )
        above.plot(*ends.T, color=COLORS["orange"], ls="--", marker="o", zorder=4)
        above.set(title=title, aspect="equal", xlabel="$a$", ylabel="$b$")
        line = np.array([cost(*((1 - t) * ends[0] + t * ends[1])) for t in way])
        along.plot(way, line)
        along.plot([0, 1], line[[0, -1]], color=COLORS["orange"], ls="--", marker="o")
        below = line[30] > line[[0, -1]].mean() + 1e-9
        along.annotate(
            "cost", (way[30], line[30]), (0, 6 if below else -12), ha="center",
            textcoords="offset points", color=COLORS["blue"],
        )  # fmt: skip
        along.annotate(
            "chord", (0.5, line[[0, -1]].mean()), (0, -12 if below else 7), ha="center",
            textcoords="offset points", color=COLORS["orange"],
        )  # fmt: skip
        along.set(xticks=[0, 1], xticklabels=["one end", "other end"], ylabel="$J$")
        along.margins(y=0.25)
        facts.append(
            f"{title}: {line[0]:.2f} and {line[-1]:.2f} at the ends of the chord, {line[30]:.2f} "
            f"in the middle, so the chord lies {'below' if below else 'above'} the cost there"
        )
    above = panels[0, -1]
    above.plot([-limit, limit], [-limit, limit], color=COLORS["grid"], lw=1, zorder=1)
    for path in paths:
        above.plot(*path.T, color=COLORS["green"], lw=1.3)
        above.plot(*path[0], "s", ms=5, color=COLORS["green"])
    above.set(xlim=(-limit, limit), ylim=(-limit, limit))
    alt = (
        "Above, contour maps of costs over two parameters, with a dashed chord; below, the cost "
        f"along that chord. {'; '.join(facts)}. On the last map, {len(paths)} paths of gradient "
        "descent, each from a square."
    )
    return Drawing(figure, alt)


@in_style
def generalised_linear(
    x: Array, observed: Mapping[str, Array], grid: Array, fitted: Mapping[str, Array]
) -> Drawing:
    """Draw data of several kinds, each with the mean that its model has learned.

    Parameters
    ----------
    x : array, shape (m,)
    observed : dict of str to array of shape (m,)
        The targets under the name of the model; labels of classes, if the mean has columns.
    grid : array, shape (k,)
    fitted : dict of str to array of shape (k,) or (k, classes)
    """
    figure, panels = new_figure(7.6, 2.5, ncols=len(observed))
    facts = []
    for axes, (name, y) in zip(panels, observed.items(), strict=True):
        curves = fitted[name]
        if curves.ndim == 1:
            axes.plot(x, y, "o", ms=2.5, color=COLORS["muted"], alpha=0.45, mew=0)
            axes.plot(grid, curves, lw=2.4)
            facts.append(f"{name}, from {curves[0]:.2f} to {curves[-1]:.2f}")
        else:
            for i, curve in enumerate(curves.T):
                color = COLORS[NAMES[i]]
                axes.plot(grid, curve, ls=LINES[i], color=color, lw=2.2)
                row = np.full(np.sum(y == i), -0.09 * (i + 1))
                axes.plot(x[y == i], row, MARKS[i], ms=2.5, color=color, alpha=0.5, mew=0)
            rows = [-0.09 * (i + 1) for i in range(curves.shape[1])]
            names = [f"class {i}" for i in range(curves.shape[1])]
            axes.set_yticks([*rows, 0, 0.5, 1], [*names, "0", "½", "1"])
            axes.set_ylim(rows[-1] - 0.06, 1.05)
            for i, tick in enumerate(axes.get_yticklabels()[: len(rows)]):
                tick.set(color=COLORS[NAMES[i]], fontsize=8)
            facts.append(f"{name}, one probability for each of {curves.shape[1]} classes")
        axes.set(title=name, xlabel="$x$", xticks=[-2, 0, 2])
    alt = f"Data and learned means over one input. {'; '.join(facts)}."
    return Drawing(figure, alt)


@in_style
def no_minimum(
    weights: Array,
    logistic: Mapping[float, tuple[Array, float]],
    walks: Mapping[float, Array],
    spreads: Array,
    gaussian: Mapping[float, tuple[Array, float]],
) -> Drawing:
    """Draw two costs that fall for ever, and what weight decay makes of them.

    Parameters
    ----------
    weights, spreads : array of shape (k,), array of shape (l,)
        The parameter of the logistic regression, and that of the Gaussian's precision.
    logistic, gaussian : dict of float to (array, float)
        For each lambda the cost over that parameter, and where it is least: NaN for nowhere.
    walks : dict of float to array of shape (steps + 1,)
        The weight at each step of gradient descent, for some of the lambdas.
    """
    figure, (left, middle, right) = new_figure(7.6, 2.8, ncols=3)
    for axes, over, table in ((left, weights, logistic), (right, spreads, gaussian)):
        for i, (strength, (cost, least)) in enumerate(table.items()):
            name = f"$\\lambda = {strength:g}$" if strength else "$\\lambda = 0$"
            line = axes.plot(over, cost, LINES[i], color=COLORS[NAMES[i]], label=name)[0]
            if np.isfinite(least):
                height = np.interp(least, over, cost)
                axes.plot(least, height, MARKS[i], color=line.get_color(), ms=7, zorder=4)
        axes.set_ylabel("$J$")
    left.legend(handlelength=2.8, loc="upper right")
    low = min(cost.min() for cost, _ in gaussian.values())
    left.set(title="separable classes", xlabel="weight $w$", ylim=(0, 0.75))
    right.set(title="noise-free Gaussian", xlabel="$a$ of the precision", xscale="log")
    right.set(ylim=(low - 0.3, np.median(gaussian[0.0][0]) + 5.0))
    for strength, walk in walks.items():
        i = list(logistic).index(strength)
        steps = np.unique(np.geomspace(1, len(walk) - 1, 200).astype(int))
        middle.plot(steps, walk[steps], LINES[i], color=COLORS[NAMES[i]])
        middle.annotate(
            f"$\\lambda = {strength:g}$", (steps[-1], walk[-1]), (0, 5),
            textcoords="offset points", ha="right", color=COLORS[NAMES[i]],
        )  # fmt: skip
    middle.set(title="gradient descent", xlabel="step", xscale="log", ylabel="weight $w$")
    middle.margins(y=0.12)

    def minima(table):
        return ", ".join(f"{least:.1f} for lambda {k:g}" for k, (_, least) in table.items() if k)

    ends = "; ".join(f"with lambda {k:g} it ends at {walk[-1]:.1f}" for k, walk in walks.items())
    alt = (
        f"Left, the cost over the weight: without weight decay it falls towards 0 for ever, with "
        f"it the minimum is at {minima(logistic)}. Middle, the weight over the steps on a "
        f"logarithmic axis: {ends}. Right, the cost of a Gaussian over the parameter of its "
        f"precision: without weight decay it falls without end, with it the minimum is at "
        f"{minima(gaussian)}."
    )
    return Drawing(figure, alt)


@in_style
def over_predictions(f: Array, costs: Mapping[str, Array], names: Sequence[str]) -> Drawing:
    """Draw the expected cost of each prediction, one curve for each x, and mark the least.

    Parameters
    ----------
    f : array, shape (k,)
        The predictions.
    costs : dict of str to array of shape (k, n)
        Under a title, the expected cost for each of n values of x.
    names : list of str
        What the n values of x are called.
    """
    figure, panels = new_figure(7.0, 2.9, ncols=len(costs))
    facts = []
    for axes, (title, table) in zip(panels, costs.items(), strict=True):
        for i, (name, curve) in enumerate(zip(names, table.T, strict=True)):
            color = COLORS[NAMES[i]]
            axes.plot(f, curve, LINES[i], color=color, label=name)
            least = np.flatnonzero(curve < curve.min() + 1e-9)
            if len(least) > 1:
                axes.plot(f[least], curve[least], color=color, lw=5, solid_capstyle="butt")
                facts.append(f"{title}, {name}: least from {f[least[0]]:.2f} to {f[least[-1]]:.2f}")
            else:
                axes.plot(f[least], curve[least], MARKS[i], color=color, ms=7)
                facts.append(f"{title}, {name}: least at {f[least[0]]:.2f}")
        axes.set(title=title, xlabel="prediction $f(x)$", ylabel="expected cost")
        axes.set(ylim=(0, np.sort(table.max(axis=0))[0] * 1.05))
    panels[0].legend(loc="upper center", handlelength=2.8)
    words = "; ".join(facts).replace("$", "")
    return Drawing(figure, f"Expected cost over the prediction. {words}.")


@in_style
def means_and_medians(
    x: Array, y: Array, truth: Mapping[str, Array], learned: Mapping[str, Array]
) -> Drawing:
    """Draw data whose mean and median differ, and the curves that two costs have learned.

    Parameters
    ----------
    x, y : array, shape (m,)
        The examples, of which one in four is drawn.
    truth : dict of str to array of shape (m,)
        Two statistics of y given x, at each example.
    learned : dict of str to array of shape (m,)
        The outputs of two networks, in the same order.
    """
    figure, axes = new_figure(7.0, 3.6)
    order = np.argsort(x)
    top = np.quantile(y, 0.97)
    axes.plot(x[::4], y[::4], "o", ms=2.5, color=COLORS["muted"], alpha=0.35, mew=0, zorder=1)
    pairs = zip(truth.items(), learned.items(), strict=True)
    facts = []
    for i, ((statistic, exact), (cost, found)) in enumerate(pairs):
        color = COLORS[NAMES[i]]
        axes.plot(x[order], exact[order], color=color, lw=5, alpha=0.3)
        axes.plot(x[order], found[order], LINES[i], color=color, lw=2.2)
        peak = exact.argmax()
        facts.append(
            f"the {statistic} reaches {exact[peak]:.2f}, where the network trained with the {cost} "
            f"says {found[peak]:.2f}"
        )
        at = np.argmin(np.abs(x - (0.14, 0.4)[i]))
        axes.annotate(
            f"{cost}\n(pale: the {statistic})", (x[at], found[at]),
            xytext=((0.32, 0.75 * top), (0.52, 0.17 * top))[i], color=color, va="center",
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.8}, zorder=6,
            bbox={"facecolor": COLORS["paper"], "edgecolor": "none", "pad": 1.5, "alpha": 0.9},
        )  # fmt: skip
    axes.set(xlim=(-1, 1), ylim=(0, top), xticks=[-1, 0, 1])
    axes.set_xticklabels(["morning", "rush hour", "night"])
    axes.set_xlabel("time of day $x$, from $-1$ to 1")
    axes.set_ylabel("duration $y$")
    alt = (
        f"{len(x)} points, most of them low, with a long tail upwards that the frame cuts off at "
        f"{top:.1f}, and two curves through them. At the peak {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def over_z(z: Array, costs: Mapping[str, Array], slopes: Mapping[str, Array]) -> Drawing:
    """Draw costs of one unit and their slopes over z, for the target 0.

    Parameters
    ----------
    z : array, shape (k,)
    costs, slopes : dict of str to array of shape (k,)
    """
    figure, panels = new_figure(7.0, 2.9, ncols=2)
    for axes, table in zip(panels, (costs, slopes), strict=True):
        for i, (name, values) in enumerate(table.items()):
            axes.plot(z, values, LINES[i], color=COLORS[NAMES[i]], label=name)
        axes.set(xlabel="$z$")
        axes.axvline(0, color=COLORS["grid"], lw=1, zorder=0)
    panels[0].set(title="cost", ylim=(-0.1, 4))
    panels[1].set(title="slope $dJ/dz$", ylim=(-0.03, 1.08))
    panels[0].legend(loc="upper left", handlelength=2.8)
    panels[1].annotate(
        "right answer", (z[0], 0.02), (4, 30), textcoords="offset points", color=COLORS["muted"]
    )
    panels[1].annotate(
        "wrong answer", (z[-1], 0.02), (-4, 30), textcoords="offset points", ha="right",
        color=COLORS["muted"],
    )  # fmt: skip
    facts = "; ".join(
        f"{name}: largest {slope.max():.2f}, {slope[-1]:.4f} at z = {z[-1]:g}"
        for name, slope in slopes.items()
    )
    return Drawing(figure, f"Costs and slopes over z, for the target 0. Slopes: {facts}.")


@in_style
def recovery(
    outputs: Mapping[str, Mapping[str, Array]],
    starts: Array,
    steps: Mapping[str, Array],
) -> Drawing:
    """Draw how one sigmoid unit finds its way back from a wrong answer.

    Parameters
    ----------
    outputs : dict of str to dict of str to array of shape (steps + 1,)
        For each start, under a title, the output at each step for each cost.
    starts : array, shape (k,)
        The values of z at the start.
    steps : dict of str to array of shape (k,)
        For each cost, how many steps were needed.
    """
    figure, panels = new_figure(7.6, 2.7, ncols=len(outputs) + 1)
    for axes, (title, runs) in zip(panels, outputs.items(), strict=False):
        for i, (name, run) in enumerate(runs.items()):
            moments = np.unique(np.geomspace(1, len(run), 300).astype(int)) - 1
            axes.plot(
                moments + 1, run[moments], LINES[i], color=COLORS[NAMES[i]], label=name
            )  # the step 0 stands at 1: a logarithmic axis has no 0
        axes.set(title=title, xlabel="step", xscale="log", ylim=(0, 1.05), ylabel="output")
        axes.axhline(0.1, color=COLORS["grid"], lw=1, zorder=0)
    last = panels[-1]
    for i, counts in enumerate(steps.values()):
        last.plot(starts, counts, LINES[i], marker=MARKS[i], ms=5, color=COLORS[NAMES[i]])
    last.set(title="steps to recover", xlabel="$z$ at the start", yscale="log")
    last.margins(y=0.12)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    facts = "; ".join(
        f"{name}: from {counts.min()} to {counts.max()}" for name, counts in steps.items()
    )
    alt = (
        "Left, the output over the steps from two wrong starts, one curve for each cost. Right, "
        f"steps until the output is below one tenth, over z from {starts[0]:g} to {starts[-1]:g}: "
        f"{facts}."
    )
    return Drawing(figure, alt)
