"""The pictures of Section 6.0: what a feedforward network is, and three ways to choose phi."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dlbook.figures.style import CLASS_COLORS, COLORS, LINES, MARKERS, Drawing, in_style, new_figure

Array = np.ndarray


@in_style
def layer_by_layer(x: Array, layers: Mapping[str, Array]) -> Drawing:
    """Draw what each unit of a chain of layers computes from a single input.

    Parameters
    ----------
    x : array, shape (k,)
    layers : dict of str to array of shape (k, units)
        A title and the units' outputs.
    """
    figure, panels = new_figure(7.4, 2.4, ncols=len(layers), sharex=True)
    kinks = []
    for axes, (title, H) in zip(panels, layers.items(), strict=True):
        for j, h in enumerate(H.T):
            axes.plot(x, h, ls=LINES[j % len(LINES)])
        bends = np.abs(np.diff(H, 2, axis=0)).max(axis=1) > 1e-9
        kinks.append(int(np.sum(bends[1:] & ~bends[:-1]) + bends[0]))
        axes.set(title=title, xlabel="$x$")
        axes.axhline(0, color=COLORS["grid"], zorder=0)
    facts = "; ".join(
        f"{title.replace('$', '')}: {H.shape[1]} {'curves' if H.shape[1] > 1 else 'curve'}, bent "
        f"at {k} places"
        for (title, H), k in zip(layers.items(), kinks, strict=True)
    )
    return Drawing(figure, f"What each layer computes from one number x. {facts}.")


@in_style
def three_features(
    maps: Sequence[tuple[str, Callable[[Array], Array], float, float]],
    X: Array,
    y: Array,
    others: Array,
) -> Drawing:
    """Draw what three classifiers answer over the first two inputs, with their errors.

    Parameters
    ----------
    maps : list of (title, function, train error, test error)
        A function takes points of shape (k, n) and returns (k,) outputs, compared with 1/2.
    X, y : array of shape (m, n), array of shape (m,)
        Training examples.
    others : array, shape (n - 2,)
        Where the inputs beyond the first two are held for the maps.
    """
    figure, panels = new_figure(7.4, 3.1, ncols=len(maps), sharey=True)
    ticks = np.linspace(-1, 1, 61)
    x1, x2 = np.meshgrid(ticks, ticks)
    points = np.column_stack([x1.ravel(), x2.ravel(), np.tile(others, (x1.size, 1))])
    for axes, (title, function, train, test) in zip(panels, maps, strict=True):
        axes.contourf(
            x1, x2, (function(points) > 0.5).reshape(x1.shape).astype(float),
            levels=[-1, 0.5, 2], colors=[COLORS["blue-pale"], COLORS["orange-pale"]],
        )  # fmt: skip
        for label in (0, 1):
            some = X[y == label][:60]
            axes.scatter(
                some[:, 0], some[:, 1], s=14, color=CLASS_COLORS[label], marker=MARKERS[label]
            )
        axes.axhline(0, color=COLORS["muted"], lw=1, ls="--")
        axes.axvline(0, color=COLORS["muted"], lw=1, ls="--")
        axes.set(title=title, aspect="equal", xlabel="$x_1$", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        axes.text(
            0.5, -0.34, f"training error {train:.0%}\ntest error {test:.0%}", ha="center", va="top",
            transform=axes.transAxes,
        )  # fmt: skip
    panels[0].set_ylabel("$x_2$")
    facts = "; ".join(f"{t}: training error {a:.0%}, test {b:.0%}" for t, _, a, b in maps)
    alt = (
        "Three maps over the first two inputs, the others held fixed. The truth is a board of "
        f"two by two fields, marked by dashed lines. {facts}."
    )
    return Drawing(figure, alt)


@in_style
def error_over(
    values: Sequence[float],
    errors: Mapping[str, Array],
    xlabel: str,
    logarithmic: bool = False,
) -> Drawing:
    """Draw errors over a quantity, with the range over repetitions.

    Parameters
    ----------
    values : list of number
    errors : dict of str to array of shape (len(values), repetitions)
    xlabel : str
    logarithmic : bool
        Whether the quantity's axis is.
    """
    figure, axes = new_figure(6.0, 3.0)
    for k, (name, table) in enumerate(errors.items()):
        mean = table.mean(axis=1)
        line = axes.plot(values, mean, LINES[k], marker="os^D"[k], label=name)[0]
        axes.fill_between(
            values, table.min(axis=1), table.max(axis=1), color=line.get_color(), alpha=0.18, lw=0
        )
        axes.annotate(
            name, (values[-1], mean[-1]), (8, 0), textcoords="offset points", va="center",
            color=line.get_color(),
        )  # fmt: skip
    axes.set(xlabel=xlabel, ylabel="error", ylim=(0, None))
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.margins(x=0.02)
    facts = "; ".join(
        f"{name} from {table[0].mean():.0%} to {table[-1].mean():.0%}, lowest "
        f"{table.mean(axis=1).min():.0%} at {values[table.mean(axis=1).argmin()]:g}"
        for name, table in errors.items()
    )
    return Drawing(figure, f"Errors over the {xlabel}, {values[0]} to {values[-1]}: {facts}.")
