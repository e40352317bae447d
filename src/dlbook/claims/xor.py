"""Rules for the claims of section 6.1: learning XOR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.claims.judging import judges, listed, share

SOLVED = 0.01  # a mean squared error below it: every answer is on its side by far


ROUNDING = 1e-9  # what is smaller is 0, computed with numbers near 1


@judges("claim-6-1-a")
def two_linear_layers(
    outputs: np.ndarray, merged: np.ndarray, parameters: tuple[int, int]
) -> tuple[str, str, str]:
    """The book: a network whose first layer is linear remains a linear function of its input.

    This is a theorem, and checked as one. It holds if the linear model whose weights are the
    product of the two layers' gives the same outputs to rounding; otherwise it did not show.

    Parameters
    ----------
    outputs, merged : arrays of shape (points,)
        What the two layers give, and what the one linear model gives.
    parameters : pair of int
        How many parameters the two layers have, and the one.
    """
    apart = np.abs(outputs - merged).max() / np.abs(merged).max()
    same = apart < ROUNDING
    text = (
        f"Two linear layers with {parameters[0]} parameters and one linear model with "
        f"{parameters[1]}, whose weights are the product of theirs, differ at {outputs.size:,} "
        f"points by {'0 to rounding' if same else f'up to {apart:.0%} of the largest output'}."
    )
    tried = f"random weights, {outputs.size:,} random points"
    return "holds" if same else "did not show", text, tried


@judges("claim-6-1-b")
def gradient_descent_on_xor(
    costs: Mapping[int, np.ndarray],
    levels: Sequence[float],
    functions: Mapping[str, int],
    solutions: int,
    whole: int,
    rate: float,
    steps: int,
) -> tuple[str, str, str]:
    """The book: gradient descent could converge to the book's solution, and to other, equivalent
    ones; which one depends on the start, and usually its weights are no clean whole numbers.

    Holds if with two hidden units some starts reach a solution and some do not, if the book's
    function is among those reached and another, too, and if at most half of them have weights that
    are whole numbers. In part if a solution is reached and one of these fails. It did not show if
    none is reached.

    Parameters
    ----------
    costs : dict from the number of hidden units to an array of shape (starts,)
        The cost at the end of each training.
    levels : sequence of floats
        Costs at which a training may be stuck.
    functions : dict from the name of a function to int
        How many solutions with two units compute it on the whole square; the book's comes first.
    solutions : int
        How many solutions with two units were looked at.
    whole : int
        How many of them have weights and biases that are all near whole numbers.
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
    books, other = next(iter(functions.values())), solutions - sum(functions.values())
    kinds = sum(count > 0 for count in (*functions.values(), other))
    depends = 0 < solved[few] < starts
    verdict = (
        "holds" if depends and books and kinds > 1 and 2 * whole <= solutions else "holds in part"
    )
    if solved[few] == 0:
        verdict = "did not show"
    text = f"Of {starts:,} starts with {units(few)} {share(solved[few], starts)} solve XOR"
    if many > few:
        text += f", with {units(many)} {share(solved[many], costs[many].size)}"
    if stuck.size:
        stuck_at = listed([f"1/{round(1 / level)}" for level in levels], "or")
        text += f"; {near} of the {stuck.size} others are stuck at a cost of {stuck_at}"
    if solutions:
        named = [f"{count} compute {name}" for name, count in functions.items()]
        text += (
            f". Of {solutions} solutions, {listed([*named, f'{other} something else'])}; in "
            f"{whole} all weights are whole numbers"
        )
    sizes = listed(sorted(costs))
    return verdict, f"{text}.", f"{sizes} hidden units, {steps:,} steps at a rate of {rate}"


def units(count: int) -> str:
    """Write a number of hidden units."""
    return f"{count} hidden unit{'s' * (count != 1)}"
