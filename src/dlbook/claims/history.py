"""Rules for the claims of section 6.6: the two ideas that are new since 1986.

Look at :func:`two_changes` first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from dlbook.claims.judging import judges, mean

GUESSING = 0.9  # the share of wrong answers among ten classes


@judges("claim-6-6-a")
def two_changes(
    gains: Mapping[tuple[str, str, str], np.ndarray],
    need: Mapping[str, Mapping[tuple[str, str], float]],
    never: int,
    rates: int,
) -> tuple[str, str, str]:
    """The book: two changes have greatly improved feedforward networks. Cross-entropy replaced
    squared error, and piecewise linear hidden units such as rectifiers replaced sigmoids.

    A change helps where it saves steps on the way to 10% test error: a 95% interval of the mean
    over the seeds lies above 0. Holds if each change helps in every comparison, whatever the
    other, and from weights of either scale; in part if it helps in some. It did not show if
    neither helps in any.

    Parameters
    ----------
    gains : dict from scale, change and setting to an array of shape (seeds,)
        The steps that the change saves.
    need : dict from scale to a dict from unit and cost to float
        The mean number of steps.
    never : int
        How many runs did not get there, and count as if they had at the end.
    rates : int
        How many learning rates were tried for each combination.
    """
    helps = {case: mean(saved)[1] > 0 for case, saved in gains.items()}
    by = {
        change: [helped for (_, of, _), helped in helps.items() if of == change]
        for change in ("rectifier", "cross-entropy")
    }
    verdict = "holds" if all(helps.values()) else "holds in part"
    if not any(helps.values()):
        verdict = "did not show"
    counted = [f"{name} helps in {sum(got)} of {len(got)}" for name, got in by.items()]
    parts = [f"{_at(scale, need)}, where {_more(scale, gains)}" for scale in need]
    text = (
        f"Of the comparisons, the {counted[0]} and {counted[1]}. To 10% test error it takes "
        f"{'; '.join(parts)}."
    )
    seeds = next(iter(gains.values())).size
    tried = (
        f"{seeds} seeds, two scales of the initial weights, the best of {rates} learning rates; "
        f"{never} of {seeds * sum(map(len, need.values()))} runs did not get there"
    )
    return verdict, text, tried


def _at(scale: str, need: Mapping[str, Mapping[tuple[str, str], float]]) -> str:
    names = {"relu": "rectifiers", "sigmoid": "sigmoids"}
    steps = [
        f"{names[unit]} {need[scale][unit, 'cross-entropy']:.0f} steps with cross-entropy and "
        f"{need[scale][unit, 'squared error']:.0f} with squared error"
        for unit in names
    ]
    return f"at the {scale} scale {', '.join(steps)}"


def _more(scale: str, gains: Mapping[tuple[str, str, str], np.ndarray]) -> str:
    """Say which change saves more steps on average, and whether that is clear."""
    unit, cost = (
        np.mean([saved for (at, of, _), saved in gains.items() if (at, of) == (scale, change)], 0)
        for change in ("rectifier", "cross-entropy")
    )
    difference, low, high = mean(unit - cost)
    if low <= 0 <= high:
        return "neither change clearly saves more"
    more = "the rectifier" if difference > 0 else "cross-entropy"
    return f"{more} saves more"


@judges("claim-6-6-b")
def random_features(
    errors: Mapping[str, Mapping[tuple[str, str], np.ndarray]],
    absolute: Sequence[np.ndarray],
    counts: Sequence[int],
    exact: Mapping[str, float],
) -> tuple[str, str, str]:
    """The book, of others' experiments: on small data sets rectifying matters even more than
    learning the hidden weights. Random weights are enough to carry useful information through a
    rectified network; with more data learning goes beyond them.

    Holds if on the fewest examples random rectifiers have clearly fewer test errors than learned
    sigmoids, at both scales of the initial weights, and if on the most examples learned rectifiers
    have clearly fewer than random ones. In part if that is not so, and random rectifiers err on
    less than half as many as guessing does, on the fewest examples and at both scales. Otherwise
    it did not show. Clearly: a 95% interval of the mean over the seeds leaves out 0.

    Parameters
    ----------
    errors : dict from scale to a dict from unit and "random" or "learned" to arrays
        Test errors of shape (counts, seeds).
    absolute : sequence of arrays of shape (counts, seeds)
        Test errors of random units that give the absolute value, for each scale.
    counts : sequence of int
        How many examples there are to learn from.
    exact : dict from unit to float
        The test error of an output layer on random features that is solved for exactly.
    """
    ahead = {
        scale: [mean(row) for row in 100 * (runs["sigmoid", "learned"] - runs["relu", "random"])]
        for scale, runs in errors.items()
    }
    learning = [
        mean(100 * (runs["relu", "random"] - runs["relu", "learned"])[-1])
        for runs in errors.values()
    ]
    rescue = [
        (100 * (runs["sigmoid", "random"] - runs["relu", "random"])).mean(axis=1)
        for runs in errors.values()
    ]
    random = [runs["relu", "random"].mean(axis=1) for runs in errors.values()]
    rectifying = all(values[0][1] > 0 for values in ahead.values())
    beyond = all(low > 0 for _, low, _ in learning)
    verdict = "did not show"
    if max(error[0] for error in random) < GUESSING / 2:
        verdict = "holds" if rectifying and beyond else "holds in part"
    every = [values for found in ahead.values() for values in found]
    more = sum(low > 0 for _, low, _ in every)
    less = sum(high < 0 for _, _, high in every)
    text = (
        f"On {counts[0]} examples a network of random rectifiers errs on "
        f"{_span([100 * error[0] for error in random])}% of the test, one of random |z| on "
        f"{_span([100 * error[0].mean() for error in absolute])}%. At the usual scale rectifying "
        f"random features saves {_span(rescue[0])} points. Random rectifiers are "
        f"clearly ahead of learned sigmoids in {more} of {len(every)} comparisons, clearly behind "
        f"in {less}. On {counts[-1]:,} examples learning saves rectifiers "
        f"{_span([saved for saved, _, _ in learning])} points. An exact output layer errs on "
        f"{exact['sigmoid']:.0%} with random sigmoids, on {exact['relu']:.0%} with rectifiers."
    )
    seeds = absolute[0].shape[1]
    tried = f"{seeds} seeds, {len(counts)} numbers of examples, two scales of the initial weights"
    return verdict, text, tried


def _span(values: Collection[float]) -> str:
    ends = [f"{bound:.0f}" for bound in (min(values), max(values))]
    return " to ".join(dict.fromkeys(ends))
