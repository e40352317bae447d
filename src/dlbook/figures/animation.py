"""Pictures that move: training in both spaces, folding, and a mixture that finds its modes.

Look at :class:`Animation` first. All frames are drawn into one SVG, side by side like the pictures
of a film, and a style sheet pulls the film through. Where nothing may move (on paper, for readers
who asked for less motion) the last frame stands still.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from dlbook.figures.densities import DATA, THREE
from dlbook.figures.style import CLASS_COLORS, COLORS, MARKERS, Drawing, in_style, new_figure
from dlbook.figures.xor import plot_levels, plot_points
from dlbook.regions import linear_regions

Array = np.ndarray
SVG = "http://www.w3.org/2000/svg"
FRAME = re.compile(r"dl\w+-frame-(\d+)-")
# A checkbox works without a script. The words depend on what the reader's system asks for.
SWITCH = (
    '<label class="dl-switch"><input type="checkbox"/>'
    '<span class="dl-pause">Pause</span><span class="dl-play">Play</span></label>'
)


class Animation(Drawing):
    """A drawing whose frames take turns.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        With what all frames share, and with the artists of every frame.
    frames : list of list of Artist
        For each frame, what is to be seen in it alone.
    alt : str
    """

    def __init__(self, figure: Figure, frames: Sequence[Sequence[Artist]], alt: str):
        super().__init__(figure, alt)
        self.frames = frames
        for k, artists in enumerate(frames):
            for i, artist in enumerate(artists):
                artist.set_gid(f"frame-{k}-{i}")

    def svg(self) -> str:
        """Return an ``<svg>`` with the frames side by side, moved so that the last one shows."""
        ElementTree.register_namespace("", SVG)
        ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
        text = re.sub(r'(?<= d=")[^"]+', lambda path: _short(path[0]), super().svg())
        root = ElementTree.fromstring(
            re.sub(r">\s+<", "><", text.replace(" stroke-dashoffset: 0;", ""))
        )
        width = float(root.attrib["viewBox"].split()[2])
        for parent in list(root.iter()):
            self._wind(parent, width)
        return ElementTree.tostring(root, encoding="unicode")

    def _wind(self, parent: ElementTree.Element, width: float) -> None:
        """Move the frames' parts among an element's children to a film, in place of the first."""
        parts = [(found[1], e) for e in parent if (found := FRAME.match(e.get("id", "")))]
        if not parts:
            return
        last = len(self.frames) - 1
        film = ElementTree.Element(
            f"{{{SVG}}}g",
            {
                "class": "dl-film",
                # For programs that know nothing of the page's style sheet.
                "transform": f"translate({-last * width:.2f} 0)",
                "style": f"--dl-frames: {last + 1}; --dl-end: {-last * width:.2f}px",
            },
        )
        parent.insert(list(parent).index(parts[0][1]), film)
        pictures = [
            ElementTree.SubElement(film, f"{{{SVG}}}g", transform=f"translate({k * width:.2f} 0)")
            for k in range(last + 1)
        ]
        for k, element in parts:
            parent.remove(element)
            pictures[int(k)].extend(element)  # its children; it had nothing but its id

    def html(self) -> str:
        """Return the picture, the switch that stops it, and the caption."""
        page = super().html().replace('class="dl-figure"', 'class="dl-figure dl-animation"', 1)
        return page.replace("<figcaption>", f"{SWITCH}<figcaption>", 1)


def _short(path: str) -> str:
    """Write straight lines in fewer letters: a tenth of a point will do for what moves."""
    if re.search("[CQ]", path):  # a glyph or a round marker
        return path
    return "".join(map(_relative, path.split("M")[1:]))


def _relative(line: str) -> str:
    """Write a line as its first point and the steps from there."""
    points = np.reshape(re.findall(r"-?[\d.]+", line), (-1, 2)).astype(float).round(1)
    numbers = np.vstack([points[:1], np.diff(points, axis=0)]).round(1) + 0.0
    words = [re.sub(r"(?<!\d)0(?=\.)|\.0$", "", f"{number:.1f}") or "0" for number in numbers.flat]
    start, steps = " ".join(words[:2]), " ".join(words[2:])
    return f"M{start}l{steps}".replace(" -", "-") + "z" * ("z" in line)


def added(axes: Iterable[Any], draw: Any) -> list[Artist]:
    """Call a function that draws; return the artists that these axes have more than before."""
    axes = list(axes)
    before = [set(ax.get_children()) for ax in axes]
    draw()
    return [
        a for ax, old in zip(axes, before, strict=True) for a in ax.get_children() if a not in old
    ]


def patch(axes: Any, polygons: Iterable[Array], **style: Any) -> None:
    """Fill polygons as one path; matplotlib itself would write more than their corners."""
    polygons = [polygon for polygon in polygons if len(polygon) > 2]
    if polygons:
        path = Path.make_compound_path(*(Path([*p, p[0]], closed=True) for p in polygons))
        axes.add_patch(PathPatch(path, **{"lw": 0, **style}))


def above(corners: Array, values: Array) -> Array:
    """Return the part of a convex polygon where a linear function, given at the corners, is >= 0.

    A corner may have more than two coordinates; new corners get theirs by interpolation.
    """
    kept = []
    ends = pairwise([*zip(corners, values, strict=True), (corners[0], values[0])])
    for (p, v), (q, w) in ends:
        if v >= 0:
            kept.append(p)
        if v * w < 0:
            kept.append((abs(w) * p + abs(v) * q) / (abs(v) + abs(w)))
    return np.reshape(kept, (-1, corners.shape[1]))


# --- Section 6.1: training XOR ------------------------------------------------------------------


@in_style
def xor_training(
    X: Array, y: Array, steps: Sequence[int], parameters: Sequence[Array], costs: Array
) -> Animation:
    """Draw how a network learns XOR: its output over the inputs, and the points in its own space.

    Parameters
    ----------
    X, y : array of shape (4, 2), array of shape (4,)
    steps : list of int
        The steps of training to show, one for each frame.
    parameters : list of array
        W, c, w and b after each step of training: shapes ``(n, 2, 2)``, ``(n, 2)``, ``(n, 2)`` and
        ``(n,)``.
    costs : array, shape (n,)
    """
    figure, (left, right) = new_figure(5.8, 3.1, ncols=2)
    W, c = parameters[:2]
    H = np.maximum(0, X @ W + c[:, None])
    low, high = -0.25, 1.25
    limit = 1.15 * H[: steps[-1] + 1].max()
    left.set(xlabel="$x_1$", ylabel="$x_2$", xticks=[0, 1], yticks=[0, 1])
    left.set_title("original space", loc="left", pad=16)
    left.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    right.set(xlabel="$h_1$", ylabel="$h_2$", aspect="equal")
    right.set_title("learned space", loc="left", pad=16)  # names of lines stand below it
    right.set(xlim=(-0.1 * limit, limit), ylim=(-0.1 * limit, limit))
    plot_points(left, X, y, size=150)
    for i, label in enumerate(y):  # where the points have been
        right.plot(*H[: steps[-1] + 1, i].T, color=CLASS_COLORS[int(label)], lw=1, alpha=0.45)
    frames = []
    for step in steps:
        now = [value[step] for value in parameters]

        def draw(step=step, now=now):
            _plot_answers(left, now, low, high)
            plot_levels(right, now[2], now[3])
            for label, size in ((0, 120), (1, 55)):  # the smaller mark on top of the larger
                style = {"color": CLASS_COLORS[label], "marker": MARKERS[label]}
                right.scatter(
                    *H[step][y == label].T, s=size, clip_on=False, zorder=3 + label,
                    edgecolors=COLORS["paper"], **style,
                )  # fmt: skip
            right.annotate(
                f"step {step}", (1, 1), (0, 16), xycoords="axes fraction", ha="right",
                textcoords="offset points",
            )  # fmt: skip

        frames.append(added((left, right), draw))
    outputs = H[steps[-1]] @ now[2] + now[3]
    answers = ", ".join(f"{value:.2f}" for value in outputs)
    alt = (
        f"{len(steps)} frames from step {steps[0]} to step {steps[-1]}, in which the cost goes "
        f"from {costs[steps[0]]:.2f} to {costs[steps[-1]]:.2g}. Left, the square with the four "
        "points, tinted by whether the output is above or below one half, with the lines on which "
        "it is a quarter, one half and three quarters; the tint comes to part the classes. Right, "
        "the same points in the space of the hidden units, with their ways there and the lines on "
        f"which the output is 0, one half and 1. The outputs in the last frame are {answers}."
    )
    return Animation(figure, frames, alt)


def _plot_answers(axes: Any, parameters: Sequence[Array], low: float, high: float) -> None:
    """Tint a square by the answer of a network, exactly: one linear region after the other."""
    W, c, w, b = parameters
    regions = linear_regions([(W, c, "relu"), (w, b, "identity")], low, high)
    parts = [
        (part, (part @ region.weights + region.biases).ravel())
        for region in regions
        for part in region.parts
    ]
    for side, color in ((1, "orange-pale"), (-1, "blue-pale")):
        tinted = [above(part, side * (output - 0.5)) for part, output in parts]
        patch(axes, tinted, color=COLORS[color], zorder=0)
    for level, line in ((0.25, "--"), (0.5, "-"), (0.75, ":")):
        points = []
        for part, output in parts:
            over = output - level
            if np.min(over) < 0 < np.max(over):
                edge = above(above(part, over), -above(np.column_stack([part, over]), over)[:, 2])
                points += [*edge[:2], (np.nan, np.nan)]
        if points:
            axes.plot(*np.array(points).T, ls=line, color=COLORS["muted"], lw=1)


# --- Section 6.4.1: folding ---------------------------------------------------------------------


@in_style
def folding(
    creases: Sequence[tuple[Array, Array]],
    shape: Array,
    place: Array,
    limit: float,
    per_fold: int = 10,
) -> Animation:
    """Draw how absolute value units fold the plane, and what a later layer's shape is made of.

    A fold is drawn as it comes about when the slope of the unit's left half goes from 1 (it does
    nothing) over 0 (a rectifier) to -1 (an absolute value).

    Parameters
    ----------
    creases : list of (array of shape (2, 2), array of shape (2,))
        For each fold the matrix whose first column points across the crease, and biases, of which
        the first says where it is.
    shape, place : array of shape (2, 2), array of shape (2,)
        The answer is yes where the two entries of ``(h - place) @ shape`` have absolute values
        that add up to less than one half.
    limit : float
        The inputs are between -limit and limit.
    per_fold : int
        Frames for each fold.
    """
    moments = [(1, 0.0)]
    for count in range(1, len(creases) + 1):
        turn = np.linspace(0, 1, per_fold + 1)[1:]
        moments += [(count, part) for part in (1 - np.cos(np.pi * turn)) / 2]  # slow at both ends
    sheets = [fold_sheet(creases[:count], 1 - 2 * part, limit) for count, part in moments]
    corners = np.concatenate([piece.reshape(-1, 2) for pieces, _ in sheets for piece in pieces])
    (x1, x2), (y1, y2) = np.stack([corners.min(axis=0), corners.max(axis=0)], axis=1)
    figure, (left, right) = new_figure(5.8, 3.0, ncols=2, sharex=True, sharey=True)
    for axes, title in ((left, "input space"), (right, "as later layers see it")):
        axes.set(title=title, aspect="equal", xticks=[], yticks=[], xlim=(x1, x2), ylim=(y1, y2))
        axes.spines[:].set_visible(False)
    frames, counts = [], []
    for (count, _), (pieces, lines) in zip(moments, sheets, strict=True):
        copies = [seen for piece in pieces if len(seen := _inside(piece, shape, place)) > 2]

        def draw(pieces=pieces, lines=lines, copies=copies, count=count):
            _plot_sheet(left, right, pieces, lines, copies)
            right.text(x2, y1, f"fold {count}", ha="right", va="bottom")

        frames.append(added((left, right), draw))
        counts.append(_separate(copies))
    alt = (
        f"{len(frames)} frames. Left, a square sheet with a small green shape; right, the sheet "
        f"being folded along {len(creases)} creases, one after the other, while the shape on it "
        f"stays where it is. With each fold the shapes on the left double, from {counts[0]} to "
        f"{counts[-1]}, mirror images across the creases."
    )
    return Animation(figure, frames, alt)


def fold_sheet(
    creases: Sequence[tuple[Array, Array]], slope: float, limit: float
) -> tuple[list[Array], list[Array]]:
    """Fold a square, the last time with this slope; return its pieces and the creases on it.

    A piece is a polygon whose corners are rows ``(x1, x2, h1, h2)``: where the corner was and
    where it has come to. A crease is a pair of such corners' first halves.
    """
    square = limit * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    pieces, lines = [np.hstack([square, square])], []
    for i, (turn, bias) in enumerate(creases):
        across, alpha = turn[:, 0], slope if i == len(creases) - 1 else -1.0
        cut = []
        for piece in pieces:
            z = piece[:, 2:] @ across + bias[0]
            front, back = above(piece, z), above(piece, -z)
            if len(back) > 2:
                behind = np.minimum(back[:, 2:] @ across + bias[0], 0)
                back[:, 2:] += np.outer((alpha - 1) * behind, across)
            cut += [part for part in (front, back) if len(part) > 2]
            if z.min() < 0 < z.max():
                on = np.abs(front[:, 2:] @ across + bias[0]) < 1e-9
                lines.append(front[on][:, :2])
        pieces = cut
    return pieces, lines


def _inside(piece: Array, shape: Array, place: Array) -> Array:
    """Return the part of a piece that lies on the shape."""
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        if len(piece) > 2:
            piece = above(piece, 0.5 - (piece[:, 2:] - place) @ shape @ signs)
    return piece


def _plot_sheet(left: Any, right: Any, pieces: list, lines: list, copies: list) -> None:
    sheet = {"color": COLORS["blue"], "alpha": 0.16}
    patch(left, [piece[:, :2] for piece in pieces], color=COLORS["blue-pale"])
    for piece in pieces:  # one over the other, so that one sees how many lie there
        patch(right, [piece[:, 2:]], **sheet)
        right.plot(*piece[[*range(len(piece)), 0], 2:].T, color=COLORS["blue"], lw=0.5)
    for line in lines:
        left.plot(*line.T, "--", color=COLORS["orange"], lw=1)
    patch(left, [copy[:, :2] for copy in copies], color=COLORS["green"], zorder=2)
    for copy in copies:  # one by one: together, mirror images would cancel each other
        patch(right, [copy[:, 2:]], color=COLORS["green"], zorder=3)


def _separate(copies: list[Array]) -> int:
    """Count the shapes on the sheet; the parts of one that a crease cuts share corners."""
    groups: list[set] = []
    for copy in copies:
        corners = {tuple(corner) for corner in np.round(copy[:, :2], 6)}
        near = [group for group in groups if group & corners]
        groups = [group for group in groups if group not in near]
        groups.append(corners.union(*near))
    return len(groups)


# --- Section 6.2.2.4: a mixture density network -------------------------------------------------


@in_style
def mixture_training(
    x: Array, y: Array, steps: Sequence[int], components: Sequence[Array], slice_at: float,
    truth: tuple[Array, Array],
) -> Animation:  # fmt: skip
    """Draw how the components of a mixture density network find the branches of the data.

    Parameters
    ----------
    x, y : array, shape (m,)
        The data, x in ascending order.
    steps : list of int
        The steps of training to show, one for each frame.
    components : three arrays, shape (n, m, k)
        Probabilities, means and standard deviations at the data after each step of training.
    slice_at : float
        The x of the right panel; the example nearest to it is shown.
    truth : (array, array)
        Values of y, and the density there that the data were drawn from.
    """
    figure, (left, right) = new_figure(5.9, 3.2, ncols=2, width_ratios=[1.7, 1], sharey=True)
    grid, true = truth
    here = np.abs(x - slice_at).argmin()
    shown = np.linspace(0, len(x) - 1, 25).astype(int)
    _plot_dots(left, x[::2], y[::2])
    left.axvline(slice_at, color=COLORS["muted"], ls=":", lw=1)
    left.set(xlabel="$x$", ylabel="$y$", title="means and two standard deviations")
    left.set(xlim=(x[0], x[-1]), ylim=(grid[0], grid[-1]))
    right.plot(true, grid, "--", color=COLORS["muted"], lw=1.2)
    densities = [_density(grid, *(values[step, here] for values in components)) for step in steps]
    right.set(xlabel="density", title=f"at $x = {slice_at:g}$")
    right.set_xlim(0, 1.12 * max(true.max(), *(density.max() for density in densities)))
    frames = []
    for step, density in zip(steps, densities, strict=True):
        _, means, sigmas = (values[step][shown] for values in components)

        def draw(step=step, density=density, means=means, sigmas=sigmas):
            for i, line in enumerate(THREE[: means.shape[1]]):
                mean, spread = means[:, i], 2 * sigmas[:, i]
                ends = np.concatenate([mean - spread, (mean + spread)[::-1]])
                band = np.column_stack([np.concatenate([x[shown], x[shown][::-1]]), ends])
                patch(left, [band], color=line["color"], alpha=0.2, zorder=2)
                left.plot(x[shown], mean, zorder=3, lw=1.8, **line)
            right.plot(density, grid, color=COLORS["blue"])
            right.text(0.96, 0.03, f"step {step}", transform=right.transAxes, ha="right")

        frames.append(added((left, right), draw))
    peaks = [grid[1:-1][np.diff(np.sign(np.diff(d))) < 0] for d in (densities[0], densities[-1])]
    first, last = (", ".join(f"{place:.1f}" for place in found) for found in peaks)
    alt = (
        f"{len(steps)} frames from step {steps[0]} to step {steps[-1]}. Left, data on three "
        f"branches, and the {means.shape[1]} components as lines with bands; they begin wide and "
        "anywhere, and come to lie along the branches, one each. Right, the density over y at x = "
        f"{x[here]:.1f}: at first its peaks are at {first}, in the end at {last}, on those of the "
        "dashed line, the density that the data were drawn from."
    )
    return Animation(figure, frames, alt)


def _plot_dots(axes: Any, x: Array, y: Array) -> None:
    """Mark points as one path, of lines without length and with round ends: a tenth of the text."""
    ends = np.repeat(np.column_stack([x, y]), 2, axis=0)
    ends[::2, 0] -= (
        1e-3  # in the SVG nothing; pictures in pixels would leave out a line of length 0
    )
    path = Path(ends, [Path.MOVETO, Path.LINETO] * len(x))
    path.should_simplify = False
    style = {"color": DATA["color"], "alpha": DATA["alpha"], "lw": DATA["ms"], "zorder": 1}
    axes.add_patch(PathPatch(path, fill=False, capstyle="round", **style))


def _density(y: Array, shares: Array, means: Array, sigmas: Array) -> Array:
    parts = shares / sigmas * np.exp(-(((y[:, None] - means) / sigmas) ** 2) / 2)
    return parts.sum(axis=1) / np.sqrt(2 * np.pi)
