"""Rules for the claims of section 6.0: what linear models cannot do, and where features come from.

Look at :func:`three_sources_of_features` first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.claims.judging import judges, listed, mean

ROUNDING = 1e-9  # what is smaller is 0, computed with numbers near 1


@judges("claim-6-0-a")
def no_interaction(
    inputs: np.ndarray, targets: np.ndarray, best: np.ndarray, others: np.ndarray
) -> tuple[str, str, str]:
    """The book: a linear model cannot express an interaction of two inputs.

    This is a theorem, and checked as one. It holds if in every model tried the effect of one input
    is the same whatever the other says, and if the normal equations certify that the best model
    does no better on XOR than one that answers the mean every time. Otherwise it did not show.

    Parameters
    ----------
    inputs : array of shape (4, columns)
        What the model is linear in, at the corners (0, 0), (0, 1), (1, 0) and (1, 1).
    targets : array of shape (4,)
        The answers that are wanted.
    best : array of shape (4,)
        The answers of the best model.
    others : array of shape (models, 4)
        The answers of models with random weights.
    """
    effects = others[:, 3] - others[:, 1] - (others[:, 2] - others[:, 0])
    residual = targets - best
    certified = np.abs(inputs.T @ residual).max() < ROUNDING
    least, constant = np.mean(residual**2), np.var(targets)
    beaten = least < constant - ROUNDING
    alone = np.abs(effects).max() < ROUNDING
    interaction = "0 to rounding" if alone else f"up to {np.abs(effects).max():.2g}"
    text = (
        f"In {len(others):,} models the effect of one input differs with the other by "
        f"{interaction}. On XOR the best model has a mean squared error of {least:.2f}, "
        f"{'less than' if beaten else 'no less than'} that of answering ½ every time; the normal "
        f"equations {'certify' if certified else 'do not certify'} that no weights do better."
    )
    holds = alone and certified and not beaten
    tried = f"the normal equations, and {len(others):,} models with random weights"
    return "holds" if holds else "did not show", text, tried


@judges("claim-6-0-b")
def three_sources_of_features(
    tasks: Sequence[str],
    memorised: np.ndarray,
    errors: Mapping[str, np.ndarray],
    examples: int,
    units: int,
) -> tuple[str, str, str]:
    """The book: features can be generic, made by hand, or learned. Generic ones can always be made
    to fit the training set, but often generalise poorly.

    A kernel generalises poorly where, chosen by cross-validation, it has clearly more test errors
    than learned features: a 95% interval of the difference lies above 0. How often that is cannot
    be counted on tasks of our own choice. So the claim holds only if it is so on most of them, and
    the opposite on none; in part if it is so on some. It did not show if it is so on none, or if
    some training set is not fitted. It is undecided if no difference is clear.

    Parameters
    ----------
    tasks : sequence of str
        What each task is called.
    memorised : array of shape (tasks, draws, 2)
        The shares of wrong answers of the kernel with most freedom, in training and in test.
    errors : dict from "generic", "learned" and "by hand" to arrays of shape (tasks, draws)
        The shares of wrong answers in test; nan where nobody made features by hand.
    examples, units : int
        How many examples there are to learn from, and learned features.
    """
    more = [mean(row) for row in 100 * (errors["generic"] - errors["learned"])]
    worse = [task for task, (_, low, _) in zip(tasks, more, strict=True) if low > 0]
    better = [task for task, (_, _, high) in zip(tasks, more, strict=True) if high < 0]
    fitted = int((memorised[..., 0] == 0).sum())
    sets = memorised[..., 0].size
    if fitted < sets:
        verdict = "did not show"
    elif worse:
        verdict = "holds" if 2 * len(worse) > len(tasks) and not better else "holds in part"
    else:
        verdict = "did not show" if better else "undecided"
    most = int(np.argmax([difference for difference, _, _ in more]))
    text = (
        f"With most freedom the RBF kernel fits {fitted} of {sets} training sets without an error, "
        f"and errs on {memorised[..., 1].mean():.0%} of new examples. Well chosen, it has clearly "
        f"more test errors than learned features on {_of(worse, tasks)}, and clearly fewer on "
        f"{_of(better, tasks)}. With {tasks[most]} it has {_points(more[most])}. "
        f"Features made by hand err on {np.nanmax(errors['by hand']):.1%} at most."
    )
    draws = memorised.shape[1]
    tried = (
        f"{len(tasks)} tasks, {draws} draws each of {examples} examples, {units} learned features"
    )
    return verdict, text, tried


def _of(some: Sequence[str], tasks: Sequence[str]) -> str:
    named = f" ({listed(some)})" if some else ""
    return f"{len(some)} of {len(tasks)} tasks{named}"


def _points(values: tuple[float, float, float]) -> str:
    difference, low, high = values
    word = "more" if difference > 0 else "fewer"
    bounds = sorted((low, high) if difference > 0 else (-low, -high))
    return f"{abs(difference):.1f} points {word} (95% interval {bounds[0]:.1f} to {bounds[1]:.1f})"
