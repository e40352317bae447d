"""Rules for the claims of section 6.1: learning XOR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.claims.judging import judges, listed, share

SOLVED = 0.01  # a mean squared error below it: every answer is on its side by far


@judges("claim-6-1-b")
def gradient_descent_on_xor(
    costs: Mapping[int, np.ndarray], levels: Sequence[float], rate: float, steps: int
) -> tuple[str, str, str]:
    """The book: gradient descent can reach the solution, and whether it does depends on the start.

    Holds if with the fewest hidden units some starts reach it and some do not; in part if all do,
    since then nothing depends on the start. It did not show if none does.

    Parameters
    ----------
    costs : dict from the number of hidden units to an array of shape (starts,)
        The cost at the end of each training.
    levels : sequence of floats
        Costs at which a training may be stuck.
    rate : float
        The learning rate.
    steps : int
        Steps of each training.
    """
    few, many = min(costs), max(costs)
    solved = {n: int((final < SOLVED).sum()) for n, final in costs.items()}
    starts = costs[few].size
    stuck = costs[few][costs[few] >= SOLVED]
    near = int(np.isclose(stuck[:, None], levels, atol=0.01).any(axis=1).sum())
    verdict = "holds" if 0 < solved[few] < starts else "holds in part"
    if solved[few] == 0:
        verdict = "did not show"
    stuck_at = listed([f"1/{round(1 / level)}" for level in levels], "or")
    text = (
        f"Of {starts:,} starts with {units(few)} {share(solved[few], starts)} solve XOR, with "
        f"{units(many)} {share(solved[many], costs[many].size)}. Of those that do not, with "
        f"{units(few)}, {near / max(stuck.size, 1):.1%} are stuck at a cost of {stuck_at}."
    )
    sizes = listed(sorted(costs))
    return verdict, text, f"{sizes} hidden units, {steps:,} steps at a rate of {rate}"


def units(count: int) -> str:
    """Write a number of hidden units."""
    return f"{count} hidden unit{'s' * (count != 1)}"
