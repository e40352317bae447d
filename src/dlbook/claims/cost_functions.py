"""Rules for the claims of sections 6.2 and 6.2.1: costs that are not convex, or have no minimum.

Look at :func:`no_minimum` first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from dlbook.claims.judging import judges, listed, share

STANDS = 1e-6  # a cost that falls by less has come to rest
TIMES = 10  # so many times the steps of cross-entropy are slow


@judges("claim-6-2-a")
def not_convex(
    linear: Mapping[str, float],
    networks: Mapping[str | tuple[str, str], float],
    layers: float,
    equal: tuple[float, float, float],
    chords: int,
) -> tuple[str, str, str]:
    """The book: the nonlinearity of a neural network makes most interesting costs non-convex.

    One chord that passes below a cost proves that it is not convex. Holds if some chord does so
    for more than half of the networks tried, and none for a model without a hidden layer. In part
    if it is so for fewer networks, or if a model without a hidden layer has such a chord, too. It
    did not show if no network has one.

    Parameters
    ----------
    linear, networks : dicts of float
        For each model with its cost the share of chords that pass below. Models without a hidden
        layer, and with one.
    layers : float
        The same for two layers that are both linear, under squared error.
    equal : three floats
        The cost at two places that differ in the order of the units, and half-way between them.
    chords : int
        How many there are for each.
    """
    bent = [part for part in networks.values() if part > 0]
    bowls = sum(part == 0 for part in linear.values())
    if not bent:
        verdict = "did not show"
    else:
        most = 2 * len(bent) > len(networks) and bowls == len(linear)
        verdict = "holds" if most else "holds in part"
    parts = f"{min(networks.values()):.0%} to {max(networks.values()):.0%}"
    one, other, middle = equal
    swap = "the same" if np.isclose(one, other, atol=STANDS) else f"{one:.2f} and {other:.2f}"
    above = "more" if middle > max(one, other) + STANDS else "no more"
    text = (
        f"With a hidden layer {len(bent)} of {len(networks)} costs have chords that pass below "
        f"them ({parts} of the chords); of {len(linear)} models without one {bowls} have none. Two "
        f"linear layers have {layers:.0%} under squared error. When the units of the smallest "
        f"network change places its cost is {swap}, and half-way between it is {above}."
    )
    tried = f"{chords:,} random chords for each of {len(networks) + len(linear) + 1} costs"
    return verdict, text, tried


@judges("claim-6-2-1-a")
def no_minimum(
    roads: Mapping[str, np.ndarray],
    fits: Collection[str],
    growth: float,
    lowest: float,
    around: Mapping[tuple[str, float], np.ndarray],
) -> tuple[str, str, str]:
    """The book: with the models commonly used, cross-entropy usually has no minimum. The
    probability of a label comes as near to one as one likes, a density grows without bound; and
    regularisation can change that.

    A cost has no minimum on the road tried if it still falls over the last factor of ten. Usually
    is not counted in cases of our own choice: the claim holds if it is so in each of them, and if
    weight decay gives a minimum to both models that get it. It holds in part if it is so in some,
    and did not show if it is so in none.

    Parameters
    ----------
    roads : dict of arrays of shape (stops,)
        For each model with its data the cost after each factor of ten, of steps or of precision.
    fits : collection of str
        Those that can meet all their targets.
    growth : float
        By how much the weight of logistic regression grew with the last ten times the steps.
    lowest : float
        The cost of the Gaussian at the largest precision tried.
    around : dict from model and strength to an array of shape (3,)
        With weight decay: the cost at half of what was found, there, and at twice as much.
    """
    falls = [name for name, costs in roads.items() if costs[-1] < costs[-2] - STANDS]
    able = [name for name in falls if name in fits]
    rest = [name for name in roads if name not in fits]
    unable = [name for name in rest if name in falls]
    decays = [name for name, costs in around.items() if np.argmin(costs) == 1]
    if not falls:
        verdict = "did not show"
    else:
        every = len(falls) == len(roads) and len(decays) == len(around)
        verdict = "holds" if every else "holds in part"
    grows = f"still grows by {growth:.2f}" if growth > 1 else f"changes by {growth:+.2f}"
    text = (
        f"The cost still falls over the last factor of ten in {len(able)} of {len(fits)} cases in "
        f"which the model can meet all targets, and in {len(unable)} of {len(rest)} in which it "
        f"cannot. On the first labels the weight {grows} for ten times the steps; the Gaussian's "
        f"cost is {lowest:.3g} at the last precision tried. With weight decay there is a minimum "
        f"in {len(decays)} of {len(around)} cases."
    )
    strengths = listed(sorted({strength for _, strength in around}))
    tried = f"6 examples, {len(roads)} models with their data; weight decay of {strengths}"
    return verdict, text, tried


@judges("claim-6-2-1-b")
def saturating_outputs(
    slow: Mapping[str, np.ndarray],
    scales: Sequence[float],
    rates: Sequence[float],
    needed: Mapping[str, float],
    begin: float,
) -> tuple[str, str, str]:
    """The book: squared and absolute error often lead to poor results with gradient descent, since
    some output units that saturate have very small gradients under them.

    A start does poorly if it needs at least ten times as many steps as with cross-entropy, or
    never arrives. Holds if more than half of the starts do under both costs, at every size of the
    initial weights; in part if that is so at some sizes only. It did not show if it is so at none.

    Parameters
    ----------
    slow : dict from the name of a cost to an array of shape (sizes, starts)
        Steps until a unit on random data answers right; inf if it never did. Each learning rate
        has equally many of the starts.
    scales : sequence of floats
        The sizes of the initial weights: standard deviations.
    rates : sequence of floats
        The learning rates.
    needed : dict from the name of a cost to float
        Steps of one unit with one example, from the worst start; inf if it never arrived.
    begin : float
        The weight and the bias of that start.
    """
    poor = {
        name: steps >= TIMES * slow["cross-entropy"]
        for name, steps in slow.items()
        if name != "cross-entropy"
    }
    bad = np.min([runs.mean(axis=1) for runs in poor.values()], axis=0) > 0.5
    verdict = "holds in part" if bad.any() else "did not show"
    if bad.all():
        verdict = "holds"
    where = [scale for scale, is_bad in zip(scales, bad, strict=True) if is_bad]
    ends = [
        f"{share(int(runs[i].sum()), runs[i].size)} under {name}"
        for i in (0, -1)
        for name, runs in poor.items()
    ]
    single = [f"{_steps(steps)} under {name}" for name, steps in needed.items()]
    text = (
        f"Most starts do poorly under both costs at {len(where)} of {len(scales)} sizes of the "
        f"initial weights{f' ({listed(where)})' if where else ''}. At size {scales[0]} it is "
        f"{listed(ends[: len(poor)])}; at size {scales[-1]} {listed(ends[len(poor) :])}. One unit "
        f"that starts wrong, at w = b = {begin:.0f}, needs {listed(single)}."
    )
    runs = next(iter(slow.values()))
    tried = f"{runs.shape[1]} starts of {len(scales)} sizes, at learning rates of {listed(rates)}"
    return verdict, text, tried


def _steps(steps: float) -> str:
    return f"{steps:,.0f} steps" if np.isfinite(steps) else "more steps than it got"
