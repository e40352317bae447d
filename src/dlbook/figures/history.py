"""The pictures of Section 6.6: who found what and when, and what two of the changes brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from dlbook.figures.style import COLORS, LINES, Drawing, in_style, new_figure

Array = np.ndarray

EVENTS = [
    (1676, "Leibniz: chain rule", "calculus"),
    (1696, "L'Hôpital: first textbook", "calculus"),
    (1847, "Cauchy: gradient descent", "calculus"),
    (1943, "McCulloch, Pitts: neuron", "models"),
    (1958, "Rosenblatt: perceptron", "models"),
    (1960, "Widrow, Hoff: adaptive linear unit", "models"),
    (1969, "Minsky, Papert: what it cannot do", "models"),
    (1986, "Hinton et al.: distributed representations", "models"),
    (1960, "Kelley: flight paths", "derivatives\nof long chains"),
    (1961, "Bryson, Denham: steepest ascent", "derivatives\nof long chains"),
    (1962, "Dreyfus: dynamic programming", "derivatives\nof long chains"),
    (1969, "Bryson, Ho: textbook of control", "derivatives\nof long chains"),
    (1970, "Linnainmaa: rounding errors", "derivatives\nof long chains"),
    (1981, "Werbos: for neural networks", "derivatives\nof long chains"),
    (1985, "LeCun; Parker", "derivatives\nof long chains"),
    (1986, "Rumelhart, Hinton, Williams", "derivatives\nof long chains"),
    (1975, "Fukushima: Cognitron, rectified", "units"),
    (2009, "Jarrett et al.: rectify!", "units"),
    (2010, "Nair, Hinton: ReLU", "units"),
    (2011, "Glorot et al.: deep, sparse", "units"),
    (1991, "about: a first peak", "the field"),
    (2006, "Hinton et al.: deep belief nets", "the field"),
    (2012, "Krizhevsky et al.: labels suffice", "the field"),
    (2016, "Deep Learning, the book", "the field"),
]
# Nothing in between: the axis leaves these years out, and gives the early ones little room.
EARLY, LATE = (1670, 1860), (1938, 2020)
ROW, LEFT, SHORT, LONG = 0.235, 1.05, 1.75, 6.0  # inches


def place_year(year: float) -> float:
    """Return where a year stands on the axis of the timeline, in inches."""
    if year <= EARLY[1]:
        return LEFT + SHORT * (year - EARLY[0]) / (EARLY[1] - EARLY[0]) * 0.92
    return LEFT + SHORT + LONG * (year - LATE[0]) / (LATE[1] - LATE[0])


def text_width(text: str, size: float = 8.5) -> float:
    """Return how wide a line of text is, in inches."""
    font = FontProperties(family="DejaVu Sans")
    return TextPath((0, 0), text, size=size, prop=font).get_extents().x1 / 72


def arrange(events: Sequence[tuple[int, str]]) -> list[tuple[int, str, int, bool]]:
    """Give each event of a lane a row in which its name meets no other.

    Returns
    -------
    list of (year, name, row, whether the name stands to the left of the year)
    """
    rows: list[list[tuple[float, float]]] = []
    placed = []
    for year, name in sorted(events):
        x, width = place_year(year), text_width(f"{year}  {name}") + 0.22
        to_left = x + width > LEFT + SHORT + LONG + 0.1
        span = (x - width, x + 0.1) if to_left else (x - 0.1, x + width)
        free = (
            k
            for k, taken in enumerate(rows)
            if all(span[1] < low or span[0] > high for low, high in taken)
        )
        row = next(free, len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append(span)
        placed.append((year, name, row, to_left))
    return placed


@in_style
def timeline(events: Sequence[tuple[int, str, str]] = tuple(EVENTS)) -> Drawing:
    """Draw who found what and when (Section 6.6).

    Parameters
    ----------
    events : list of (year, name, lane)
        The years from 1860 to 1938 are left out of the axis.
    """
    lanes: dict[str, list[tuple[int, str]]] = {lane: [] for _, _, lane in events}
    for year, name, lane in events:
        lanes[lane].append((year, name))
    arranged = {lane: arrange(found) for lane, found in lanes.items()}
    heights = [max(row for _, _, row, _ in found) + 1.5 for found in arranged.values()]
    width, height = LEFT + SHORT + LONG + 0.15, ROW * (sum(heights) + 1.6)
    figure, axes = new_figure(width, height)
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(-ROW * sum(heights), ROW * 1.6))
    axes.axis("off")
    _draw_axis(axes, -ROW * sum(heights))
    top = 0.0
    colors = ("blue", "green", "orange", "purple", "ink")
    for k, (lane, found) in enumerate(arranged.items()):
        _draw_lane(axes, lane, found, top, ROW * heights[k], COLORS[colors[k % 5]])
        top -= ROW * heights[k]
    facts = "; ".join(
        f"{lane.replace(chr(10), ' ')}: " + ", ".join(f"{year} {name}" for year, name in found)
        for lane, found in lanes.items()
    )
    return Drawing(figure, f"A timeline with {len(lanes)} lanes. {facts}.")


def _draw_axis(axes, bottom: float) -> None:
    for year in (1700, 1800, *range(1940, 2021, 10)):
        x = place_year(year)
        axes.plot([x, x], [bottom, 0], color=COLORS["grid"], lw=0.7, zorder=0)
        axes.text(x, 0.07, str(year), ha="center", va="bottom", fontsize=8.5, color=COLORS["muted"])
    gap = (place_year(EARLY[1]) + place_year(LATE[0])) / 2
    axes.plot([gap, gap], [bottom, 0], color=COLORS["paper"], lw=6, zorder=1, solid_capstyle="butt")
    for shift in (-0.03, 0.03):  # the sign for an axis that leaves something out
        axes.plot(
            [gap + shift - 0.03, gap + shift + 0.03], [0.09, 0.22], color=COLORS["muted"], lw=1
        )


def _draw_lane(axes, lane: str, found: list, top: float, height: float, color: str) -> None:
    right = LEFT + SHORT + LONG + 0.1
    axes.plot([0.05, right], [top, top], color=COLORS["muted"], lw=0.8, zorder=2)
    axes.text(
        0.05, top - ROW * 0.4, lane, va="top", weight="bold", fontsize=8.5, color=color,
        linespacing=1.3,
    )  # fmt: skip
    for year, name, row, to_left in found:
        x, y = place_year(year), top - ROW * (row + 0.75)
        axes.plot(x, y, "o", ms=5, color=color, zorder=3)
        axes.text(
            x + (-0.1 if to_left else 0.1), y, f"{year}  {name}", va="center_baseline",
            ha="right" if to_left else "left", fontsize=8.5, zorder=3,
            bbox={"facecolor": COLORS["paper"], "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip


UNIT_COLORS = {"sigmoid": COLORS["blue"], "relu": COLORS["orange"]}
UNIT_MARKERS = {"sigmoid": "o", "relu": "s"}
UNIT_NAMES = {"sigmoid": "sigmoid", "relu": "ReLU"}


@in_style
def four_combinations(
    steps: Array, panels: Mapping[str, Mapping[tuple[str, str], Array]]
) -> Drawing:
    """Draw the test error over the steps for each pair of hidden unit and cost.

    Parameters
    ----------
    steps : array, shape (k,)
    panels : dict of str to dict of (unit, cost) to array of shape (k, seeds)
        For each panel's title the errors; the unit is "sigmoid" or "relu".
    """
    dashes = {"squared error": "--", "cross-entropy": "-"}
    figure, axes = _error_panels(panels)
    facts = []
    for place, (title, runs) in zip(axes, panels.items(), strict=True):
        for (unit, cost), errors in runs.items():
            mean, spread = errors.mean(axis=1), _interval(errors)
            hollow = COLORS["paper"] if cost == "squared error" else UNIT_COLORS[unit]
            label = f"{UNIT_NAMES[unit]}, {cost}"
            place.plot(
                steps, mean, dashes[cost], color=UNIT_COLORS[unit], marker=UNIT_MARKERS[unit],
                mfc=hollow, ms=4.5, markevery=4, label=label,
            )  # fmt: skip
            low = np.maximum(mean - spread, 0.005)
            place.fill_between(steps, low, mean + spread, color=UNIT_COLORS[unit], alpha=0.16, lw=0)
            facts.append(f"{title}, {label}: {mean[len(mean) // 5]:.0%}, then {mean[-1]:.1%}")
        place.set(title=title, xlabel="step")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, handlelength=3
    )
    alt = (
        f"Test error over {steps[-1]} steps on a logarithmic axis, {len(panels)} panels; the error "
        f"at step {steps[len(steps) // 5]} and at the end. {'; '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def over_examples(
    sizes: Sequence[int], panels: Mapping[str, Mapping[tuple[str, str], Array]]
) -> Drawing:
    """Draw the test error over the number of training examples, hidden layers random or learned.

    Parameters
    ----------
    sizes : list of int
    panels : dict of str to dict of (unit, "random" or "learned") to array (len(sizes), seeds)
        For each panel's title the errors; the unit is "sigmoid" or "relu".
    """
    figure, axes = _error_panels(panels)
    facts = []
    for place, (title, runs) in zip(axes, panels.items(), strict=True):
        for k, ((unit, hidden), errors) in enumerate(runs.items()):
            mean = errors.mean(axis=1)
            hollow = COLORS["paper"] if hidden == "random" else UNIT_COLORS[unit]
            label = f"{UNIT_NAMES[unit]}, {hidden}"
            shift = 1.035 ** (k - 1.5)  # beside each other, so that no bar hides another
            place.errorbar(
                np.multiply(sizes, shift), mean, _interval(errors), capsize=2.5, elinewidth=1,
                ls=LINES[hidden == "random"], color=UNIT_COLORS[unit], marker=UNIT_MARKERS[unit],
                mfc=hollow, ms=5.5, label=label,
            )  # fmt: skip
            shown = ", ".join(f"{value:.1%}" for value in mean)
            facts.append(f"{title}, {label}: {shown}")
        place.set(title=title, xlabel="training examples", xscale="log")
        place.set_xticks(sizes, [f"{size:,}" for size in sizes])
        place.minorticks_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, handlelength=3)
    counts = ", ".join(str(size) for size in sizes)
    alt = f"Test errors with {counts} training examples, on logarithmic axes. {'; '.join(facts)}."
    return Drawing(figure, alt)


def _error_panels(panels: Mapping):
    figure, axes = new_figure(7.4, 3.4, ncols=len(panels), sharey=True, squeeze=False)
    ticks = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    for place in axes[0]:
        place.set(yscale="log", ylim=(0.018, 1.0))
        place.set_yticks(ticks, [f"{tick:.0%}" for tick in ticks])
        place.minorticks_off()
        place.grid(axis="y")
        place.set_axisbelow(True)
    axes[0, 0].set_ylabel("test error")
    return figure, axes[0]


def _interval(errors: Array) -> Array:
    """Return twice the standard error of the mean over the seeds."""
    return 2 * errors.std(axis=1, ddof=1) / errors.shape[1] ** 0.5
