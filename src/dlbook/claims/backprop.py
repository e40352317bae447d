"""Rules for the claims of sections 6.5 to 6.5.4: back-propagation, one edge at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.claims.judging import judges, listed

EXACT = 1e-9  # two programs for one gradient differ by no more than rounding
CLOSE = 1e-6  # some of the functions approximate what calculus has a formula for


@judges("claim-6-5-a")
def only_the_gradient(
    gaps: Mapping[str, np.ndarray],
    ends: Mapping[str, np.ndarray],
    errors: Mapping[str, np.ndarray],
    refused: bool,
    size: int,
) -> tuple[str, str, str]:
    """The book: back-propagation computes the gradient and no more; the learning is done by another
    algorithm, which uses it. Nor is it tied to networks: in principle it differentiates any
    function, and where there is no derivative the right answer is to say so.

    Holds if PyTorch confirms the gradient wherever a learner asked for it, no two learners end at
    the same place, every function tried that is no network gets the slope of calculus, and what has
    no derivative is refused. In part if PyTorch confirms all gradients and one of the rest fails.
    It did not show if PyTorch disagrees somewhere, or no function but the network gets its slope.
    Functions that were not tried are not judged.

    Parameters
    ----------
    gaps : dict from a learner to an array of shape (points it asked about,)
        By how much PyTorch's gradient differs, relative to the largest entry.
    ends : dict from a learner to an array of shape (parameters,)
        Where it ends.
    errors : dict from a function to an array of shape (places,)
        The relative error of its slope.
    refused : bool
        Whether the gradient on a whole number, which does not exist, was refused.
    size : int
        The number of the network's parameters.
    """
    gap = np.concatenate([*gaps.values()])
    agree = float(np.mean(gap < EXACT))
    places = [*ends.values()]
    apart = sum(not any(np.allclose(a, b) for b in places[:k]) for k, a in enumerate(places))
    right = [name for name, error in errors.items() if (error < CLOSE).all()]
    wrong = [name for name in errors if name not in right]
    whole = apart == len(ends) and not wrong and refused
    verdict = "holds" if whole else "holds in part"
    if agree < 1 or not right:
        verdict = "did not show"
    failed = f" (not for {listed(wrong)})" if wrong else ""
    text = (
        f"{len(gaps)} learners asked one program for more than {gap.size // 10 * 10:,} gradients, "
        f"and ended at {apart} different places; PyTorch confirms {agree:.0%} of the gradients. Of "
        f"{len(errors)} functions that are no networks {len(right)} get the slope that calculus "
        f"gives{failed}. The gradient on a whole number is {'refused' if refused else 'made up'}."
    )
    at = len(next(iter(errors.values())))
    tried = (
        f"one network of {size} parameters, learned by {listed(gaps)} from one start; "
        f"{listed(errors)}, at {at} places each"
    )
    return verdict, text, tried


@judges("claim-6-5-c")
def recomputing(
    peaks: Mapping[str, np.ndarray],
    calls: Mapping[str, np.ndarray],
    gap: float,
    extremes: Mapping[str, Sequence[int]],
    lengths: Mapping[str, Sequence[int]],
) -> tuple[str, str, str]:
    """The book: values that the derivative needs can be stored or computed again. Storing takes
    less time and is to be preferred where there is memory enough; computing again is useful where
    memory is scarce.

    Holds if in every chain and at every length the gradient is the same either way, recomputing
    needs less memory and more evaluations. In part if that is so in some. It did not show if it is
    so in none, or the gradients differ. Time is counted in evaluations of the chain's function;
    what a clock says hangs on the machine.

    Parameters
    ----------
    peaks : dict from a chain to an array of shape (lengths, 2)
        The most memory in use, in arrays: all kept, and with checkpoints.
    calls : dict from a chain to an array of shape (lengths, 2)
        Evaluations of its function, likewise.
    gap : float
        The largest relative difference of two gradients.
    extremes : dict from "kept" and "recomputed" to two ints
        Evaluations and values held at once, if nothing but these two is done.
    lengths : dict from a chain to its lengths
        How many functions one after another.
    """
    saves = {name: peak[:, 1] < peak[:, 0] for name, peak in peaks.items()}
    pays = {name: call[:, 1] > call[:, 0] for name, call in calls.items()}
    traded = np.concatenate([saves[name] & pays[name] for name in peaks])
    (kept, held), (again, few) = extremes["kept"], extremes["recomputed"]
    whole = traded.all() and few < held and again > kept
    verdict = "holds" if whole else "holds in part"
    if not traded.any() or gap > EXACT:
        verdict = "did not show"
    memory = np.concatenate([peak[:, 1] / peak[:, 0] for peak in peaks.values()])
    time = np.concatenate([call[:, 1] / call[:, 0] for call in calls.values()])
    same = "is the same" if gap <= EXACT else f"differs by up to {gap:.0%}"
    text = (
        f"In {traded.sum()} of {traded.size} chains checkpoints save memory and cost evaluations: "
        f"they leave {memory.min():.0%} to {memory.max():.0%} of the memory for {time.min():.2f} "
        "to "
        f"{time.max():.2f} times the evaluations, and the gradient {same}. Without any table "
        f"{again:,} evaluations hold {few} values, where {kept:,} hold {held}."
    )
    tried = "; ".join(f"{name} {listed(length)} times" for name, length in lengths.items())
    return verdict, text, tried
