"""The pictures of Sections 6.5.9 and 6.5.10: orders of differentiation, and the Hessian."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlbook.figures.graphs import draw_panels, graph_panel
from dlbook.figures.style import COLORS, LINES, Drawing, in_style, new_figure
from dlbook.graph import Variable

Array = np.ndarray
Point = tuple[float, float]
# The same look for the same thing in all of these pictures: colour, line, marker.
MODES = {
    "forward": {"color": COLORS["blue"], "ls": "-", "marker": "o"},
    "reverse": {"color": COLORS["orange"], "ls": "--", "marker": "s"},
    "best": {"color": COLORS["green"], "ls": ":", "marker": "^"},
}
HALO = {"facecolor": COLORS["paper"], "edgecolor": "none", "pad": 1.0}


# --- Section 6.5.9: orders -----------------------------------------------------------------------


@in_style
def matrix_chain(shapes: Sequence[int]) -> Drawing:
    """Draw a product of matrices to scale, and what both orders make of it (Equation 6.58).

    Parameters
    ----------
    shapes : list of int
        The rows of the first matrix, then the columns of each.
    """
    names = [chr(ord("A") + k) for k in range(len(shapes) - 1)]
    steps = range(2, len(shapes))
    forward = [("".join(names[:k]), shapes[0], shapes[k], shapes[k - 1]) for k in steps]
    reverse = [("".join(names[-k:]), shapes[-k - 1], shapes[-1], shapes[-k]) for k in steps]
    rows = {
        "the four\nfactors": [(n, *s, 0) for n, s in zip(names, pairwise(shapes), strict=True)],
        "from the left\n(forward)": forward,
        "from the right\n(reverse)": reverse,
    }
    pad, high = 0.3 * max(shapes), max(shapes)
    widths = [sum(c for _, _, c, _ in row) + 1.6 * pad * len(row) for row in rows.values()]
    scale = 4.3 / max(widths)
    heights = (len(rows) * (high + 1.9 * pad)) * scale
    figure = Figure(figsize=(7.2, heights + 0.1))
    axes = figure.add_axes((0, 0, 1, 1))
    left = 1.25 / scale
    axes.set(xlim=(0, 7.2 / scale), ylim=(-(heights + 0.1) / scale, 0), aspect="equal")
    axes.axis("off")
    facts = []
    for number, (title, row) in enumerate(rows.items()):
        top = -pad - number * (high + 1.9 * pad)
        x = left
        axes.text(0.05 / scale, top - high / 2, title, va="center", fontsize=10)
        for name, height, width, inner in row:
            face = COLORS["blue-pale" if not inner else "orange-pale"]
            y = top - (high + height) / 2
            style = {"facecolor": face, "edgecolor": COLORS["ink"], "lw": 1}
            axes.add_patch(Rectangle((x, y), width, height, **style))
            text = f"$\\mathbfit{{{name}}}$"
            if width * scale > 0.4:
                axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", size=12)
            else:
                axes.text(x + width / 2, y + height + 0.1 * pad, text, ha="center", size=12)
            note = f"{height} × {width}" if not inner else f"{height * inner * width:,}"
            axes.text(x + width / 2, y - 0.15 * pad, note, ha="center", va="top", fontsize=8.5,
                      color=COLORS["muted"])  # fmt: skip
            x += max(width, 0.45 / scale) + 1.3 * pad
        if row[0][-1]:
            total = sum(h * inner * w for _, h, w, inner in row)
            axes.text(7.15 / scale, top - high / 2, f"{total:,}\nmultiply-adds", ha="right",
                      va="center", fontsize=10)  # fmt: skip
            title = title.replace("\n", " ")
            made = ", ".join(f"{n} of {h} by {w} for {h * i * w:,}" for n, h, w, i in row)
            facts.append(f"{title}: {made}; together {total:,} multiply-adds")
    factors = ", ".join(f"{n} of {h} by {w}" for n, h, w, _ in rows["the four\nfactors"])
    alt = f"Matrices as rectangles, to scale. The factors: {factors}. " + ". ".join(facts) + "."
    return Drawing(figure, alt)


@in_style
def chain_costs(
    outputs: Sequence[int], panels: Mapping[str, Mapping[str, Array]], crossings: Sequence[float]
) -> Drawing:
    """Draw what a product of four matrices costs in several orders, over its number of columns.

    Parameters
    ----------
    outputs : list of int
    panels : dict of str to dict of str to array
        For each title the multiply-adds of "forward", "reverse" and "best".
    crossings : list of float
        For each panel, where the first two cost the same.
    """
    figure, frames = new_figure(7.2, 2.7, ncols=len(panels), sharey=True)
    facts = []
    for axes, (title, costs), place in zip(frames, panels.items(), crossings, strict=True):
        for name, values in costs.items():
            look = MODES[name] | {"marker": ""}
            axes.loglog(outputs, values, **look, label=name, lw=2.6 if name == "best" else 1.8)
        level = np.exp(np.interp(np.log(place), np.log(outputs), np.log(costs["forward"])))
        axes.plot(place, level, "o", ms=8, mfc=COLORS["paper"], mec=COLORS["ink"], zorder=4)
        axes.annotate(f"{place:.3g} outputs", (place, level), (8, -13), textcoords="offset points",
                      bbox=HALO)  # fmt: skip
        axes.set(title=title, xlabel="outputs (columns of $\\mathbfit{D}$)")
        facts.append(f"{title.replace(chr(10), ' ')}: the lines cross at {place:.3g} outputs")
    frames[0].set_ylabel("multiply-adds")
    figure.legend(*frames[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    alt = (
        "Multiply-adds over the number of outputs, on logarithmic axes, for the forward order, the "
        f"reverse order and the best order. {'; '.join(facts)}. The best order is never above them."
    )
    return Drawing(figure, alt)


@in_style
def crossing(
    outputs: Sequence[int], counts: Mapping[str, Array], times: Mapping[str, Array], inputs: int
) -> Drawing:
    """Draw what a Jacobian costs by both modes over the number of outputs.

    Parameters
    ----------
    outputs : list of int
    counts, times : dict of str to array
        For "forward" and "reverse" the multiply-adds, and the seconds of one run.
    inputs : int
    """
    figure, frames = new_figure(7.2, 2.7, ncols=2)
    texts = (("counted", "multiply-adds"), ("measured on this machine", "microseconds"))
    scaled = {mode: np.asarray(seconds) * 1e6 for mode, seconds in times.items()}
    for axes, values, (title, label) in zip(frames, (counts, scaled), texts, strict=True):
        axes.axvline(inputs, color=COLORS["muted"], lw=1, ls=":")
        for mode, numbers in values.items():
            axes.loglog(outputs, numbers, **MODES[mode], ms=5)
            away = {"forward": (0, -15), "reverse": (9, -6)}[mode]
            axes.annotate(mode, (outputs[0], numbers[0]), away, textcoords="offset points",
                          color=MODES[mode]["color"])  # fmt: skip
        axes.set(title=title, xlabel="outputs", ylabel=label, xticks=outputs[::2])
        axes.set_xticks([], minor=True)
        axes.margins(y=0.1)
        axes.set_xticklabels([str(m) for m in outputs[::2]])
        axes.text(inputs, 0.97, f" {inputs} inputs", transform=axes.get_xaxis_transform(),
                  va="top", fontsize=8.5, color=COLORS["muted"])  # fmt: skip
    ends = ", ".join(f"{mode} {values[0]:,} to {values[-1]:,}" for mode, values in counts.items())
    alt = (
        f"The cost of a Jacobian with {inputs} inputs over {outputs[0]} to {outputs[-1]} outputs, "
        f"by both modes. Left, multiply-adds: {ends}; the lines meet at {inputs} outputs. Right, "
        "the time of one run: reverse mode grows with the outputs, forward mode hardly does."
    )
    return Drawing(figure, alt)


@in_style
def in_memory(values: Mapping[str, Sequence[int]]) -> Drawing:
    """Draw how many values are in memory after each operation (Sections 6.5.3 and 6.5.9).

    Parameters
    ----------
    values : dict of str to list of int
        For each way to compute a derivative the number of values, operation by operation.
    """
    figure, axes = new_figure(6.6, 2.7)
    looks = zip(("orange", "green", "blue"), ("--", ":", "-"), strict=True)
    for (name, counts), (color, line) in zip(values.items(), looks, strict=False):
        label = f"{name}: at most {max(counts)}"
        axes.plot(np.arange(1, len(counts) + 1), counts, color=COLORS[color], ls=line, label=label)
    axes.legend(loc="upper right")
    highest = max(map(max, values.values()))
    axes.set(xlabel="operations computed", ylabel="values in memory", ylim=(0, 1.05 * highest))
    facts = "; ".join(
        f"{name}: {len(counts)} operations, at most {max(counts)} values at once"
        for name, counts in values.items()
    )
    return Drawing(figure, f"Lines over the operations of each computation. {facts}.")


@in_style
def elimination(
    products: Sequence[int], named: Mapping[str, int], ratios: Mapping[str, Sequence[float]]
) -> Drawing:
    """Draw what the orders of differentiating a graph cost.

    Parameters
    ----------
    products : list of int
        The multiplications of every order, for one graph.
    named : dict of str to int
        Those of "forward", "reverse" and "best".
    ratios : dict of str to list of float
        For "forward" and "reverse" the cost, relative to the best order, of each of many graphs.
    """
    figure, (left, right) = new_figure(7.2, 2.9, ncols=2)
    tally = Counter(products)
    left.bar(list(tally), list(tally.values()), color=COLORS["grid"], edgecolor=COLORS["muted"])
    for name, place in named.items():
        look = {"color": MODES[name]["color"], "marker": MODES[name]["marker"]}
        left.plot(place, tally[place], **look, ms=8, ls="", zorder=4)
        left.annotate(f"{name} {place}", (place, tally[place]), (0, 8), ha="center",
                      textcoords="offset points", color=look["color"], bbox=HALO)  # fmt: skip
    left.set(xlabel="multiplications", ylabel="orders", title=f"one graph, {len(products)} orders")
    left.margins(y=0.2)
    pairs = Counter(zip(*(np.round(ratios[mode], 3) for mode in ("forward", "reverse")),
                        strict=True))  # fmt: skip
    x, y = np.array(list(pairs)).T
    right.scatter(x, y, s=14 * np.array(list(pairs.values())) ** 0.8, color=COLORS["sky"],
                  edgecolors=COLORS["ink"], linewidths=0.6, zorder=3, clip_on=False)  # fmt: skip
    for line in (right.axhline, right.axvline):
        line(1, color=COLORS["muted"], lw=1, ls=":")
    right.set(xlabel="forward ÷ best", ylabel="reverse ÷ best")
    right.set_title(f"{len(ratios['forward'])} random graphs")
    both = np.minimum(ratios["forward"], ratios["reverse"])
    marks = ", ".join(f"{name} {place}" for name, place in named.items())
    alt = (
        f"Left, a histogram of the multiplications that {len(products)} orders need, from "
        f"{min(products)} to {max(products)}; marked are {marks}. Right, {len(both)} random graphs "
        "by what forward and reverse order cost relative to the best: for "
        f"{np.mean(both > 1.0001):.0%} of them neither is best, the worst is {both.max():.2f} "
        "times the best."
    )
    return Drawing(figure, alt)


# --- Section 6.5.9: simplification, and three ways to differentiate ------------------------------


def simplification(J: Variable, target: Variable, plain: Variable, simpler: Variable) -> Drawing:
    """Draw a cost with its gradient, and beside it the simplified gradient (Equation 6.57).

    Parameters
    ----------
    J, target : Variable
    plain, simpler : Variable
        The gradient as back-propagation has built it, and as the simplifier has rewritten it.
    """
    left = graph_panel(J, gradients={target: plain}, title="as back-propagation built it")
    right = graph_panel(simpler, title="simplified")
    left.alt, right.alt = f"Left: {left.alt}", f"Right, the gradient simplified: {right.alt}"
    return draw_panels([left, right], columns=2)


@in_style
def three_ways(
    sizes: Mapping[str, Sequence[int]], steps: Array, errors: Mapping[str, Array], exact: float
) -> Drawing:
    """Draw how expressions swell, and how exact differences are.

    Parameters
    ----------
    sizes : dict of str to list of int
        For each way to write a derivative its size, for 1, 2, ... nested functions.
    steps : array, shape (k,)
    errors : dict of str to array of shape (k,)
        Relative errors of differences over their step.
    exact : float
        The relative error of automatic differentiation.
    """
    figure, (left, right) = new_figure(7.4, 2.9, ncols=2)
    for (name, values), color, line in zip(sizes.items(), ("orange", "blue"), LINES[1::-1],
                                           strict=True):  # fmt: skip
        depth = np.arange(1, len(values) + 1)
        left.semilogy(depth, values, color=COLORS[color], ls=line)
        up = name == next(iter(sizes))
        left.annotate(name, (depth[-1], values[-1]), (-12 if up else 0, -2 if up else 8),
                      textcoords="offset points", ha="right", color=COLORS[color])  # fmt: skip
    left.set(title="size of the derivative", xlabel="functions nested", ylabel="operations")
    for (name, error), color, mark in zip(errors.items(), ("orange", "purple"), "sD", strict=True):
        look = {"color": COLORS[color], "marker": mark, "ms": 4, "lw": 1.2}
        right.loglog(steps, np.maximum(error, 1e-17), **look, label=name)
    floor = max(exact, 1e-17)
    right.axhline(floor, color=COLORS["blue"], lw=1.8)
    right.text(steps.max(), floor * 1.6, "automatic", ha="right", color=COLORS["blue"], bbox=HALO)
    right.set(title="error of the derivative", xlabel="step $h$", ylabel="relative error")
    right.legend(loc="upper center", ncols=2, bbox_to_anchor=(0.5, 1.0), columnspacing=1)
    right.set_ylim(1e-18, 1e3)
    swell = "; ".join(f"{name}: {values[0]:,} to {values[-1]:,}" for name, values in sizes.items())
    best = "; ".join(
        f"{name}: least, {values.min():.0e}, at h = {steps[values.argmin()]:.0e}"
        for name, values in errors.items()
    )
    alt = (
        f"Left, the number of operations over 1 to {len(depth)} nested functions, on a logarithmic "
        f"axis. {swell}. Right, the relative error over the step h: it falls with h, then rises "
        f"again. {best}; automatic differentiation: {exact:.0e}."
    )
    return Drawing(figure, alt)


# --- Section 6.5.10: the Hessian -----------------------------------------------------------------


@in_style
def hessians(matrices: Mapping[str, Array], blocks: Mapping[str, int]) -> Drawing:
    """Draw symmetric matrices as squares whose area is the size of an entry.

    Parameters
    ----------
    matrices : dict of str to array of shape (n, n)
        Each is scaled to its own largest entry.
    blocks : dict of str to int
        Names of groups of neighbouring rows, and how many rows each has.
    """
    figure, frames = new_figure(3.5 * len(matrices), 3.6, ncols=len(matrices))
    edges = [0, *accumulate(blocks.values())]
    facts = []
    for axes, (title, H) in zip(frames, matrices.items(), strict=True):
        side = np.sqrt(np.abs(H) / np.abs(H).max())
        for sign, face, edge in ((1, "blue", "blue"), (-1, "paper", "orange")):
            places = np.argwhere((sign * H > 0) & (side > 0.03))
            squares = [
                Rectangle((j + 0.5 - side[i, j] / 2, i + 0.5 - side[i, j] / 2), *[side[i, j]] * 2)
                for i, j in places
            ]
            style = {"facecolor": COLORS[face], "edgecolor": COLORS[edge], "linewidth": 0.9}
            axes.add_collection(PatchCollection(squares, **style))
        for place in edges:
            axes.axhline(place, color=COLORS["muted"], lw=0.7)
            axes.axvline(place, color=COLORS["muted"], lw=0.7)
        middles = [(a + b) / 2 for a, b in pairwise(edges)]
        names = [f"$\\mathbfit{{{name}}}$" if n > 1 else f"${name}$" for name, n in blocks.items()]
        axes.set(xlim=(0, len(H)), ylim=(len(H), 0), aspect="equal", title=title)
        axes.set_xticks(middles, names)
        axes.set_yticks(middles, names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        values = np.linalg.eigvalsh(H)
        limit = 1e-6 * np.abs(values).max()
        facts.append(
            f"{title}: largest entry {np.abs(H).max():.2f}; eigenvalues, "
            f"{(values > limit).sum()} positive, {(values < -limit).sum()} negative, "
            f"{(np.abs(values) <= limit).sum()} zero"
        )
    rows = ", ".join(f"{n} for {name}" for name, n in blocks.items())
    alt = (
        "Matrices with a square in each place, its area the size of the entry, filled if positive "
        f"and hollow if negative; rows and columns: {rows}. {'. '.join(facts)}."
    )
    return Drawing(figure, alt)


@in_style
def lanczos(
    steps: Sequence[int], ritz_values: Sequence[Array], eigenvalues: Array, closeup: Point
) -> Drawing:
    """Draw Ritz values over the number of steps, beside the eigenvalues.

    Parameters
    ----------
    steps : list of int
    ritz_values : list of array
        For each number of steps its approximate eigenvalues.
    eigenvalues : array, shape (n,)
    closeup : (float, float)
        What of the axis the second panel shows.
    """
    figure, frames = new_figure(7.4, 3.1, ncols=2)
    figure.get_layout_engine().set(wspace=0.12)
    at = np.repeat(list(steps), [len(values) for values in ritz_values])
    found, (low, high) = np.concatenate(ritz_values), closeup
    for axes, bottom, top in ((frames[0], -np.inf, np.inf), (frames[1], low, high)):
        shown = (bottom <= found) & (found <= top)
        ticks = eigenvalues[(bottom <= eigenvalues) & (eigenvalues <= top)]
        axes.plot(at[shown], found[shown], ".", ms=3.5, color=COLORS["blue"])
        axes.hlines(ticks, 1.03, 1.09, transform=axes.get_yaxis_transform(), lw=0.8,
                    color=COLORS["orange"], clip_on=False)  # fmt: skip
        axes.set(xlabel="Lanczos steps", xlim=(0, max(steps) + 1))
        axes.annotate("eigen-\nvalues", (1.06, 1.02), xycoords="axes fraction", ha="center",
                      fontsize=8.5, color=COLORS["orange"])  # fmt: skip
    frames[0].set(ylabel="Ritz values", title="all")
    frames[1].set(title="close to zero", ylim=closeup)
    ends = eigenvalues.min(), eigenvalues.max()
    alt = (
        f"Dots: the Ritz values over {min(steps)} to {max(steps)} Lanczos steps; at the right edge "
        f"a tick for each of the {len(eigenvalues)} eigenvalues, from {ends[0]:.3f} to "
        f"{ends[1]:.1f}. The dots reach the large eigenvalues, which stand alone, within a few "
        "steps; close to zero, where most eigenvalues are, they settle slowly."
    )
    return Drawing(figure, alt)


@in_style
def sharpness(
    steps: Sequence[int], runs: Mapping[float, Sequence[float]], costs: Mapping[float, Array]
) -> Drawing:
    """Draw the largest eigenvalue of the Hessian during training, for several learning rates.

    Parameters
    ----------
    steps : list of int
    runs : dict of float to list of float
        For each learning rate the eigenvalue at these steps.
    costs : dict of float to array
        The cost at every step.
    """
    figure, (left, right) = new_figure(7.4, 3.0, ncols=2, width_ratios=(1.5, 1))
    facts = []
    looks = zip(("green", "blue", "orange"), ("^", "o", "s"), LINES[2::-1], strict=True)
    for (rate, values), (name, marker, line) in zip(runs.items(), looks, strict=False):
        color, most = COLORS[name], 2 / rate
        left.axhline(most, color=color, lw=1, ls=line)
        left.annotate(f" 2 ÷ {rate:g}\n = {most:.0f}", (1, most), va="center", fontsize=8.5,
                      xycoords=left.get_yaxis_transform(), color=color)  # fmt: skip
        left.plot(steps, values, color=color, marker=marker, ms=4, ls=line)
        right.semilogy(costs[rate], color=color, ls=line, lw=1.4, label=f"rate {rate:g}")
        facts.append(
            f"rate {rate:g}: from {values[0]:.0f} to {values[-1]:.0f}, the limit is {most:.0f}"
        )
    left.set(title="largest eigenvalue of the Hessian", xlabel="step", ylim=(0, None))
    right.set(title="cost", xlabel="step")
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10]
    right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    right.set_yticks([], minor=True)
    right.set_ylim(0.9 * min(map(np.min, costs.values())), 1.2 * max(map(np.max, costs.values())))
    right.legend()
    alt = (
        "Left, the largest eigenvalue during training with gradient descent, with a level line at "
        f"2 divided by the learning rate. {'; '.join(facts)}. Right, the costs, which fall."
    )
    return Drawing(figure, alt)


@in_style
def newton(
    residuals: Mapping[float, Array],
    products: Sequence[int],
    descents: Mapping[float, Sequence[float]],
    start: float,
    columns: int,
) -> Drawing:
    """Draw how conjugate gradients approach a Newton step, and what a step is worth on the way.

    Parameters
    ----------
    residuals : dict of float to array
        For each damping the relative norm of the residual after 0, 1, ... products.
    products : list of int
    descents : dict of float to list of float
        For each damping the cost after the step that so many products give.
    start : float
        The cost before the step.
    columns : int
        How many products the whole Hessian takes.
    """
    figure, (left, right) = new_figure(7.4, 2.9, ncols=2)
    looks = zip(("green", "blue", "orange"), LINES, strict=False)
    for (damping, norms), (name, line) in zip(residuals.items(), looks, strict=False):
        label = rf"$\lambda = {damping:g}$"
        left.semilogy(norms, color=COLORS[name], ls=line, label=label)
        costs = [start, *descents[damping]]
        right.plot([0, *products], costs, marker=".", color=COLORS[name], ls=line, label=label)
    right.axhline(start, color=COLORS["muted"], lw=1, ls=":")
    right.text(0.98, start, "before the step", ha="right", va="bottom", fontsize=8.5,
               color=COLORS["muted"], transform=right.get_yaxis_transform())  # fmt: skip
    left.set(title="residual, relative", xlabel="Hessian-vector products")
    right.set(title="cost after the step", xlabel="Hessian-vector products")
    left.legend()
    right.legend()
    most = max(len(norms) for norms in residuals.values())
    ends = ", ".join(f"{values[-1]:.4f} with damping {d:g}" for d, values in descents.items())
    alt = (
        "Conjugate gradients for three dampings. Left, the relative residual falls faster the "
        f"larger the damping; within about {round(most, -1)} products at most, where the whole "
        f"Hessian takes {columns}. Right, the cost after the step falls within few products from "
        f"{start:.4f} to {ends}."
    )
    return Drawing(figure, alt)
