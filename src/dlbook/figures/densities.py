"""The pictures of Section 6.2.2.4: variances, covariances and mixture densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import Ellipse
from matplotlib.ticker import NullFormatter

from dlbook.figures.style import COLORS, Drawing, in_style, new_figure

Array = np.ndarray

# Three components or three parametrisations, told apart without colour by line and marker too.
THREE = (
    {"color": COLORS["blue"], "ls": "-"},
    {"color": COLORS["orange"], "ls": "--"},
    {"color": COLORS["green"], "ls": "-."},
)
THREE_MARKERS = ("o", "s", "^")
SPREADS = {"sigma": r"$\sigma$", "variance": "$v$", "precision": r"$\beta$"}
DATA = {"marker": "o", "ls": "none", "ms": 2.6, "mew": 0, "color": COLORS["muted"], "alpha": 0.7}


def _count(k: int, n: int) -> str:
    return {0: "none", n: "all"}.get(int(k), f"{k} of {n}")


@in_style
def bands(
    X: Array, y: Array, panels: Mapping[str, tuple[Array, Array]], truth: tuple[Array, Array]
) -> Drawing:
    """Draw fitted means with a band of two standard deviations to either side.

    Parameters
    ----------
    X, y : array of shape (m, 1), array of shape (m,)
        The data, X in ascending order.
    panels : dict of str to (mean, sigma)
        For each panel what was fitted, at X; each of shape (m,), or sigma a number.
    truth : (mean, sigma)
        What the data were drawn from.
    """
    x = X[:, 0]
    figure, axes = new_figure(7.0, 3.2, ncols=len(panels), sharex=True, sharey=True)
    facts = []
    for ax, (title, (mean, sigma)) in zip(axes, panels.items(), strict=True):
        ax.fill_between(
            x, mean - 2 * sigma, mean + 2 * sigma, color=COLORS["blue-pale"], lw=0,
            label="the model's two standard deviations",
        )  # fmt: skip
        ax.plot(x, y, zorder=2, **DATA)
        ax.plot(x, mean, color=COLORS["blue"], zorder=3, label="the model's mean")
        for side in (-2, 2):
            ax.plot(
                x, truth[0] + side * truth[1], color=COLORS["orange"], ls="--", lw=1.3, zorder=3,
                label="the true ones" if side > 0 else None,
            )  # fmt: skip
        ax.set(title=title, xlabel="$x$")
        inside = np.abs(y - mean) < 2 * sigma
        left, right = x < np.median(x), x >= np.median(x)
        facts.append(
            f"{title}, the band holds {inside[left].mean():.0%} of the points of the left half and "
            f"{inside[right].mean():.0%} of the right half"
        )
    axes[0].set_ylabel("$y$")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3)
    alt = (
        "Points along a wave whose scatter grows from left to right, with the fitted mean, the "
        f"model's band and the true one. {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def gradients(sigma: Array, panels: Mapping[float, Mapping[str, Array]]) -> Drawing:
    """Draw the gradient over the raw number, against the width that it stands for.

    Parameters
    ----------
    sigma : array, shape (k,)
        Standard deviations.
    panels : dict of float to dict of str to array of shape (k,)
        For each residual, and each parametrisation, the size of dJ/da.
    """
    figure, axes = new_figure(7.0, 2.9, ncols=len(panels), sharex=True, sharey=True)
    for ax, (residual, lines) in zip(axes, panels.items(), strict=True):
        for (name, line), style in zip(lines.items(), THREE, strict=True):
            ax.loglog(sigma, line, label=SPREADS[name], **style)
        ax.axvline(residual, color=COLORS["muted"], lw=0.9, ls=":")
        ax.annotate(
            r"here $\sigma = |r|$", (residual, 3e3), (4, 0), textcoords="offset points",
            fontsize=8.5, color=COLORS["ink"],
        )  # fmt: skip
        ax.set(title=f"residual $r = {residual:g}$", ylim=(1e-5, 1e4))
        ax.set_xlabel(r"the standard deviation that $a$ stands for")
    axes[0].set_ylabel(r"size of $\partial J / \partial a$")
    axes[0].legend(title=r"$\zeta(a)$ is", loc="lower left")
    middle = len(sigma) // 2
    facts = "; ".join(
        f"residual {residual:g}: "
        + ", ".join(
            f"by {name} {line[0]:.1g} at the least width, {line[middle]:.1g} in the middle, "
            f"{line[-1]:.1g} at the largest"
            for name, line in lines.items()
        )
        for residual, lines in panels.items()
    )
    alt = (
        "The size of the gradient over the raw number on logarithmic axes, for three "
        f"parametrisations, each zero where the width equals the residual. {facts}."
    )
    return Drawing(figure, alt)


@in_style
def learning(curves: Mapping[float, Mapping[str, Array]], limit: float) -> Drawing:
    """Draw the cost over the steps: a panel for each learning rate, a line for each run.

    Parameters
    ----------
    curves : dict of float to dict of str to array of shape (steps + 1, runs)
        For each learning rate, and each parametrisation, the costs.
    limit : float
        A run whose cost is above it at some step, or not finite, has failed.
    """
    figure, axes = new_figure(7.4, 2.7, ncols=len(curves), sharex=True, sharey=True)
    facts = []
    for ax, (rate, lines) in zip(axes, curves.items(), strict=True):
        for k, ((name, costs), style) in enumerate(zip(lines.items(), THREE, strict=True)):
            failed = np.logical_not((costs <= limit).all(axis=0))
            shown = np.arange(0, len(costs), 4)
            lines_kept = np.where(costs < 1.7, costs, np.nan)[shown]
            ax.plot(shown, lines_kept, color=style["color"], lw=0.5, alpha=0.35)
            middle = np.median(np.where(costs < 1.7, costs, np.inf), axis=1)[shown]
            ax.plot(shown, np.where(np.isfinite(middle), middle, np.nan), lw=2, **style)
            count = _count(failed.sum(), len(failed))
            ax.text(
                0.98, 0.99 - 0.09 * k, f"{SPREADS[name]}: {count} failed", fontsize=8.5,
                transform=ax.transAxes, ha="right", va="top", color=style["color"],
            )  # fmt: skip
            facts.append(f"rate {rate:g}, {name}: {count} failed")
        ax.set(
            title=f"learning rate {rate:g}", xlabel="step", ylim=(0, 2.4), yticks=[0, 0.5, 1, 1.5]
        )
    axes[0].set_ylabel("cost $J$")
    handles = [
        axes[0].plot([], [], lw=2, label=f"{SPREADS[name]}, median", **style)[0]
        for name, style in zip(lines, THREE, strict=True)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    alt = (
        f"Training curves, a panel for each learning rate, thin lines for single runs and thick "
        f"ones for the median over all. {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


def _ellipse(ax, mean: Array, covariance: Array, **style) -> None:
    """Draw where a normal density has fallen to exp(-2) of its peak: two standard deviations."""
    variances, axes = np.linalg.eigh(covariance)
    angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    across, along = 4 * np.sqrt(variances)
    ax.add_patch(Ellipse(mean, along, across, angle=angle, fill=False, **style))


@in_style
def covariances(
    Y: Array,
    models: Mapping[str, tuple[Array, Array]],
    times: Mapping[str, tuple[Array, Array]],
) -> Drawing:
    """Draw learned and true ellipses of two standard deviations, and the time over d.

    Parameters
    ----------
    Y : array, shape (m, 2)
        The data.
    models : dict of str to (means, covariances)
        For some values of x, shapes (k, 2) and (k, 2, 2): first the model's, then the true ones.
    times : dict of str to (d, seconds)
        For each kind of covariance; the slope is fitted to the larger half.
    """
    figure, (left, right) = new_figure(7.2, 3.0, ncols=2, width_ratios=[1.5, 1])
    left.plot(*Y.T, **DATA)
    styles: tuple[dict[str, Any], ...]
    styles = ({"ec": COLORS["blue"], "lw": 2}, {"ec": COLORS["orange"], "lw": 1.5, "ls": "--"})
    for (name, (means, matrices)), style in zip(models.items(), styles, strict=True):
        for mean, matrix in zip(means, matrices, strict=True):
            _ellipse(left, mean, matrix, zorder=3, **style)
        label = {"color": style["ec"], "lw": style["lw"], "ls": style.get("ls", "-")}
        left.plot([], [], label=name, **label)
    left.set(xlabel="$y_1$", ylabel="$y_2$", aspect="equal", title="the covariance turns with $x$")
    left.legend(loc="lower center", ncols=2)
    left.set_ylim(Y[:, 1].min() - 0.9, Y[:, 1].max() + 0.2)
    slopes = {}
    for k, (name, (d, seconds)) in enumerate(times.items()):
        style = THREE[k]
        right.loglog(d, np.asarray(seconds) * 1e3, marker=THREE_MARKERS[k], ms=4, **style)
        half = len(d) // 2
        slopes[name] = np.polyfit(np.log(d[half:]), np.log(seconds[half:]), 1)[0]
        right.annotate(
            f"{name}\nslope {slopes[name]:.1f}", (d[half], seconds[half] * 1e3), (-4, 8),
            textcoords="offset points", ha="right", fontsize=8.5, color=style["color"],
        )  # fmt: skip
    d, seconds = next(iter(times.values()))
    guide = np.array([d[-1] / 4, d[-1]])
    right.loglog(guide, seconds[-1] * 4e2 * (guide / d[-1]) ** 3, color=COLORS["muted"], ls=":")
    right.text(1.5 * guide[0], seconds[-1] * 6, " slope 3", va="top", fontsize=8.5)
    right.set(xlabel="$d$", title="time for one example, in ms")
    right.set_xticks([16, 64, 256, 1024], ["16", "64", "256", "1024"])
    right.xaxis.set_minor_formatter(NullFormatter())
    fitted = ", ".join(f"{name} {slope:.1f}" for name, slope in slopes.items())
    alt = (
        "Left, points in a plane and along them ellipses, upright at the ends and lying in the "
        "middle; the learned ones nearly cover the true ones. Right, the time to compute the cost "
        f"over d on logarithmic axes, with fitted slopes: {fitted}."
    )
    return Drawing(figure, alt)


@in_style
def single_gaussian(
    X: Array, y: Array, mean: Array, sigma: Array, slice_at: float, densities: Mapping[str, Array],
    grid: Array,
) -> Drawing:  # fmt: skip
    """Draw data with several branches and the one Gaussian that was fitted to them.

    Parameters
    ----------
    X, y : array of shape (m, 1), array of shape (m,)
        The data, X in ascending order.
    mean, sigma : array, shape (m,)
        What was fitted, at X.
    slice_at : float
        The x of the right panel.
    densities : dict of str to array of shape (k,)
        Over y at that x: first the true one, then the Gaussian's.
    grid : array, shape (k,)
        The values of y.
    """
    figure, (left, right) = new_figure(7.0, 3.0, ncols=2, width_ratios=[1.7, 1], sharey=True)
    x = X[:, 0]
    left.fill_between(x, mean - 2 * sigma, mean + 2 * sigma, color=COLORS["blue-pale"], lw=0)
    left.plot(x, y, **DATA)
    left.plot(x, mean, color=COLORS["blue"])
    left.axvline(slice_at, color=COLORS["muted"], ls=":", lw=1)
    left.set(xlabel="$x$", ylabel="$y$", title="one Gaussian for each $x$")
    styles = ({"color": COLORS["orange"], "ls": "--"}, {"color": COLORS["blue"]})
    for (name, density), style in zip(densities.items(), styles, strict=True):
        right.plot(density, grid, label=name, **style)
    right.set(xlabel="density", title=f"at $x = {slice_at:g}$", xlim=(0, None))
    right.legend(loc="lower right")
    truth, fitted = densities.values()
    peak = fitted.argmax()
    alt = (
        "Left, points on three curves, and a broad band with its mean between them. Right, the "
        f"densities over y at x = {slice_at:g}: the true one has three narrow peaks, the fitted "
        f"one a single broad peak at {grid[peak]:.2f}, where the true density is {truth[peak]:.2f}."
    )
    return Drawing(figure, alt)


def _shade(ax, x: Array, grid: Array, density: Array) -> None:
    """Tint the plane by a density, in steps of one colour."""
    levels = np.array([0.03, 0.1, 0.2, 0.4, 0.7, 1.0])
    tints = [to_rgba(COLORS["blue"], alpha) for alpha in (0.1, 0.18, 0.27, 0.37, 0.48, 0.6)]
    ax.contourf(x, grid, density, levels=[*levels, 1e9], colors=tints)


@in_style
def mixture(
    x: Array, grid: Array, density: Array, components: Mapping[str, Array],
    samples: tuple[Array, Array],
) -> Drawing:  # fmt: skip
    """Draw a trained mixture density network: density, components and samples (Figure 6.4).

    Parameters
    ----------
    x, grid : array of shape (k,), array of shape (l,)
        Values of x and of y.
    density : array, shape (l, k)
    components : dict of str to array of shape (k, n)
        ``"probabilities"``, ``"means"`` and ``"sigmas"``.
    samples : (x, y)
        Drawn from the network.
    """
    figure, (left, right) = new_figure(7.2, 3.3, ncols=2, width_ratios=[2, 1])
    _shade(left, x, grid, density)
    style = {**DATA, "color": COLORS["ink"], "ms": 2, "alpha": 0.55}
    left.plot(*samples, zorder=2, **style)
    shares, means, sigmas = (components[k] for k in ("probabilities", "means", "sigmas"))
    for i, line in enumerate(THREE[: means.shape[1]]):
        left.plot(x, means[:, i], zorder=3, lw=2, **line)
        for side in (-2, 2):
            left.plot(x, means[:, i] + side * sigmas[:, i], zorder=3, lw=0.9, **line)
        left.annotate(
            f"{i + 1}", (x[-1], means[-1, i]), (7, 0), textcoords="offset points", va="center",
            color=line["color"], weight="bold", annotation_clip=False,
        )  # fmt: skip
        right.plot(x, shares[:, i], **line)
        right.annotate(
            f"{i + 1}", (x[-1], shares[-1, i]), (7, 0), textcoords="offset points", va="center",
            color=line["color"], weight="bold", annotation_clip=False,
        )  # fmt: skip
    left.set(xlabel="$x$", ylabel="$y$", title="density, components and samples")
    right.set(xlabel="$x$", title=r"probabilities $p(c = i \mid x)$", ylim=(0, 1))
    facts = "; ".join(
        f"component {i + 1} from y = {means[0, i]:.1f} to {means[-1, i]:.1f}, its probability "
        f"from {shares[0, i]:.2f} to {shares[-1, i]:.2f}"
        for i in range(means.shape[1])
    )
    alt = (
        "Left, a tinted density over the plane of x and y with three ridges; on each the mean of "
        "a component with its width, and samples that lie along the ridges. Right, the "
        f"probabilities of the components over x. From the left edge to the right: {facts}."
    )
    return Drawing(figure, alt)


@in_style
def responsibilities(
    X: Array, y: Array, responsibility: Array, slice_at: float, grid: Array, parts: Array,
    shares: Array,
) -> Drawing:  # fmt: skip
    """Draw which component is responsible for which point, and how that changes along y.

    Parameters
    ----------
    X, y : array of shape (m, 1), array of shape (m,)
    responsibility : array, shape (m, n)
        Of the components for the points.
    slice_at : float
        The x of the right panels.
    grid : array, shape (k,)
        The values of y there.
    parts, shares : array, shape (k, n)
        The components' parts of the density over ``grid``, and their responsibilities.
    """
    figure, axes = new_figure(7.2, 3.2, ncols=3, width_ratios=[2, 1, 1], sharey=True)
    left, middle, right = axes
    winner = responsibility.argmax(axis=1)
    unsure = responsibility.max(axis=1) < 0.95
    for i, line in enumerate(THREE[: responsibility.shape[1]]):
        mine = (winner == i) & ~unsure
        left.plot(
            X[mine, 0], y[mine], ls="none", marker=THREE_MARKERS[i], ms=3, mew=0, alpha=0.75,
            color=line["color"], label=f"{i + 1}",
        )  # fmt: skip
        middle.plot(parts[:, i], grid, **line)
        right.plot(shares[:, i], grid, **line)
    left.plot(
        X[unsure, 0], y[unsure], "D", ms=5, mfc=COLORS["paper"], mec=COLORS["ink"], label="shared",
    )  # fmt: skip
    low, high = grid.min(), grid.max()
    left.plot([slice_at, slice_at], [low, high], color=COLORS["muted"], ls=":", lw=1)
    left.set(xlabel="$x$", ylabel="$y$", title="component responsible, of the data")
    left.set_ylim(low, high + 0.18 * (high - low))
    left.legend(loc="upper center", ncols=4, columnspacing=1, handletextpad=0.1)
    middle.set(title=f"parts of $p(y \\mid x)$\nat $x = {slice_at:g}$", xlim=(0, None))
    right.set(title=f"responsibilities\nat $x = {slice_at:g}$", xticks=[0, 0.5, 1])
    counts = ", ".join(f"{np.sum((winner == i) & ~unsure)} points" for i in range(parts.shape[1]))
    alt = (
        "Left, the data, marked by the component that is responsible for at least 95 percent of a "
        f"point: {counts}; {unsure.sum()} points are shared. Middle, the parts of the density at "
        f"x = {slice_at:g}, one peak for each component. Right, the responsibilities there: "
        "each is 1 around its peak and falls where the next one begins."
    )
    return Drawing(figure, alt)


@in_style
def clipping(runs: Mapping[str, tuple[Array, Array]], shares: Mapping[str, tuple]) -> Drawing:
    """Draw one run with and without clipping, and the share of runs that are thrown off.

    Parameters
    ----------
    runs : dict of str to (costs, norms)
        Without and with clipping: cost and length of the gradient over the steps.
    shares : dict of str to (learning rates, shares)
        Without and with clipping.
    """
    figure, (first, second, third) = new_figure(7.4, 2.7, ncols=3)
    for (name, (costs, norms)), style in zip(runs.items(), (THREE[1], THREE[0]), strict=True):
        first.plot(costs, label=name, **{**style, "lw": 1.3})
        second.semilogy(norms, **{**style, "lw": 1.0})
    first.set(title="cost of one run", xlabel="step")
    first.legend(loc="upper right")
    second.set(title="length of its gradient", xlabel="step")
    facts = []
    for k, (name, (rates, values)) in enumerate(shares.items()):
        style = (THREE[1], THREE[0])[k]
        third.semilogx(rates, values, marker=THREE_MARKERS[1 - k], label=name, **style)
        listed = ", ".join(f"{v:.0%} at {r:g}" for r, v in zip(rates, values, strict=True))
        facts.append(f"{name}: {listed}")
    third.set(title="share thrown off", xlabel="learning rate", ylim=(-0.04, 1.04))
    third.set_xticks(rates, [f"{rate:g}" for rate in rates])
    third.xaxis.set_minor_formatter(NullFormatter())
    third.minorticks_off()
    ends = ", ".join(f"{name} {costs[-1]:.1f}" for name, (costs, _) in runs.items())
    alt = (
        f"Left, the cost of one run over the steps, which ends at: {ends}. Middle, the length of "
        f"its gradient, which jumps up without clipping. Right, the share of runs that were thrown "
        f"off. {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


def _arm(ax, angles: Array, **style) -> Array:
    """Draw an arm from the shoulder at the origin; return where its hand is."""
    upper, fore = angles[0], angles[0] + angles[1]
    elbow = np.array([np.cos(upper), np.sin(upper)])
    end = elbow + np.array([np.cos(fore), np.sin(fore)])
    ax.plot(*np.array([[0, 0], elbow, end]).T, solid_capstyle="round", **style)
    return end


@in_style
def arms(places: Array, single: Array, pairs: Array) -> Drawing:
    """Draw where two models bring the hand of a two-joint arm, a panel for each place.

    Parameters
    ----------
    places : array, shape (k, 2)
        To be reached.
    single : array, shape (k, 2)
        The joint angles of the model with one answer.
    pairs : array, shape (k, n, 2)
        Those of the components' means of the mixture.
    """
    figure, panels = new_figure(7.2, 3.0, ncols=len(places), sharex=True, sharey=True)
    names = ("squared error", "mixture, component 1", "mixture, component 2")
    styles = (
        {"color": COLORS["orange"], "ls": "--", "marker": "s", "ms": 5},
        {"color": COLORS["blue"], "ls": "-", "marker": "o", "ms": 5},
        {"color": COLORS["sky"], "ls": "-", "marker": "^", "ms": 5},
    )
    facts = []
    for ax, place, one, several in zip(panels, places, single, pairs, strict=True):
        answers = [one, *several]
        ends = [_arm(ax, a, lw=2.2, **s) for a, s in zip(answers, styles, strict=True)]
        ax.plot(
            *place, "x", ms=13, mew=2.6, color=COLORS["ink"], zorder=5,
            label="place to reach",
        )  # fmt: skip
        ax.plot(0, 0, "o", ms=8, color=COLORS["ink"], zorder=4)
        ax.set(aspect="equal", xlim=(-0.4, 2.15), ylim=(-1.25, 1.55), xlabel="$x_1$")
        missed = [np.linalg.norm(end - place) for end in ends]
        facts.append(
            f"place ({place[0]:.1f}, {place[1]:.1f}): squared error misses by {missed[0]:.2f}, the "
            f"components by {missed[1]:.2f} and {missed[2]:.2f}"
        )
    panels[0].set_ylabel("$x_2$")
    handles = [panels[0].plot([], [], label=n, **s)[0] for n, s in zip(names, styles, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    alt = (
        "Arms of two parts from the shoulder at the origin, and a cross at the place to reach. "
        "The arm of the squared error is stretched out and overshoots; those of the mixture bend "
        f"to either side and meet the cross. {'; '.join(facts)}."
    )
    return Drawing(figure, alt)
