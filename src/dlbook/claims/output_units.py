"""Rules for the claims of section 6.2.2: output units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.claims.judging import interval, judges, listed, mean, share

Array = np.ndarray


# --- Sigmoid units ------------------------------------------------------------------------------


@judges("claim-6-2-2-a")
def likelihood_of_a_sigmoid(
    z: Array, slopes: Mapping[int, Array], others: Mapping[str, Array]
) -> tuple[str, str, str]:
    """The book: as a softplus of the logit, the cost saturates only where the answer is right.
    Where it is wrong, its slope approaches the sign of z, however wrong it is.

    Holds if no wrong answer has a slope smaller than a half and, at both ends of the grid, the
    slope is within 0.001 of sign(z) where wrong and of 0 where right; in part if only the first is
    so; it did not show if some wrong answer has a smaller slope.

    Parameters
    ----------
    z : array, shape (k,)
        Logits, in ascending order and as many on either side of 0.
    slopes : dict from the label to array of shape (k,)
        The derivative of the cost.
    others : dict from the name of another cost to array of shape (k,)
        How large its derivative is where y = 1.
    """
    wrong = {y: (z > 0 if y == 0 else z < 0) for y in slopes}
    least = min(np.abs(slopes[y][wrong[y]]).min() for y in slopes)
    ends = {y: (-1, 0) if y == 0 else (0, -1) for y in slopes}  # where wrong, where right
    off = max(abs(slopes[y][far] - np.sign(z[far])) for y, (far, _) in ends.items())
    right = max(abs(slopes[y][near]) for y, (_, near) in ends.items())
    verdict = "holds" if max(off, right) < 0.001 else "holds in part"
    if least < 0.5:
        verdict = "did not show"
    of_others = listed(f"{size[0]:.0e} by {name}" for name, size in others.items())
    text = (
        f"Where the answer is wrong, the slope is {least:.1g} or more. At |z| = {z[-1]:.0f} it "
        f"differs from sign(z) by {off:.0e} where the answer is wrong, and from 0 by {right:.0e} "
        f"where it is right. For comparison, there and where wrong: {of_others}."
    )
    return verdict, text, f"{z.size} logits from {z[0]:.0f} to {z[-1]:.0f}, both labels"


@judges("claim-6-2-2-b")
def logit_or_probability(
    z: Array, broken: Mapping[str, Mapping[str, Array]]
) -> tuple[str, str, str]:
    """The book: in software, it is best to write the cost as a function of the logit z and not of
    the probability, to avoid numerical problems.

    Holds if in both number formats the cost of the probability is inf or nan for some whole z and
    the cost of z for none; in part if that of z is for some, too, but only farther out. It did not
    show otherwise.

    Parameters
    ----------
    z : array, shape (k,)
        The whole numbers that were tried.
    broken : dict from "probability" and "z" to dict from the number format to array of shape (k,)
        Whether the cost is inf or nan for some label.
    """

    def first(form: str) -> dict[str, float]:
        return {
            dtype: np.abs(z[bad]).min() if bad.any() else np.inf
            for dtype, bad in broken[form].items()
        }

    by_probability, by_z = first("probability"), first("z")
    later = [by_z[dtype] > found for dtype, found in by_probability.items()]
    verdict = "holds" if np.isinf(list(by_z.values())).all() else "holds in part"
    if not all(later):
        verdict = "did not show"

    def told(found: Mapping[str, float]) -> str:
        return listed(
            f"for no z in {dtype}" if np.isinf(at) else f"from |z| = {at:.0f} in {dtype}"
            for dtype, at in found.items()
        )

    text = (
        f"Written with the probability, the cost is inf or nan {told(by_probability)}; written "
        f"with z, {told(by_z)}."
    )
    return verdict, text, f"whole numbers from {z.min():.0f} to {z.max():.0f}, both labels"


# --- Softmax units ------------------------------------------------------------------------------


@judges("claim-6-2-2-c")
def who_makes_the_cost(
    steps: Sequence[int],
    wrong: Array,
    cost: Array,
    little: Array,
    hardest: Array,
    top: Array,
) -> tuple[str, str, str]:
    """The book: the cost of a softmax always penalises the most active wrong class strongly. An
    example that is right already contributes little, so that others, not yet right, dominate.

    Looked at whenever most answers are right, at three things: does a wrong example push its most
    active wrong class more than all other wrong ones together; does a right example cost less than
    a fifth of a wrong one; do the wrong ones make up more than half of the cost? Holds if the
    answer is always yes; in part if it is so for some of them at some time; it did not show if
    never. Undecided if most answers are wrong to the end.

    Parameters
    ----------
    steps : sequence of int
        When training was looked at.
    wrong, cost : arrays of shape (starts, looks)
        The share of the examples that are wrong; their share in the cost.
    little : array, shape (starts, looks)
        What a right example costs, over what a wrong one costs.
    hardest : array, shape (starts, looks)
        The share of examples whose most active wrong class is the one that is pushed hardest.
    top : array, shape (starts, looks)
        What the most active wrong class gets of the push on all wrong ones, where wrong.
    """
    counts = np.median(wrong, axis=0) < 0.5
    kept = [step for step, much in zip(steps, counts, strict=True) if much]
    typical = [np.median(part, axis=0)[counts] for part in (cost, little, top)]
    by_wrong, of_right, on_top = typical
    yes = np.array([on_top > 0.5, of_right < 0.2, by_wrong > 0.5])
    verdict = "holds" if yes.all() else "holds in part" if yes.any() else "did not show"
    looks = f"{len(steps)} looks from step {steps[0]:,} to {steps[-1]:,}, {len(wrong)} starts"
    if not kept:
        return "undecided", "Most answers were wrong to the end.", looks

    def row(values: Array) -> str:
        return listed(f"{value:.0%}" for value in values)

    text = (
        f"After {listed(f'{step:,}' for step in kept)} steps, when most answers are right, the "
        f"wrong ones make up {row(by_wrong)} of the cost. The most active wrong class is pushed "
        f"hardest in {hardest.mean():.0%} of the examples; where the answer is wrong, it gets "
        f"{row(on_top)} of the push. A right example costs {row(of_right)} of what a wrong one "
        "does."
    )
    return verdict, text, f"{looks}, medians over the starts"


@judges("claim-6-2-2-d")
def squared_error_on_a_softmax(
    steps: Sequence[int],
    scales: Sequence[float],
    chances: Mapping[str, Array],
    lead: float,
    norms: Mapping[str, float],
) -> tuple[str, str, str]:
    """The book: squared error is a poor cost for a softmax and can fail to change its output, even
    when the model is highly confident and wrong.

    A training is stuck if the right class still gets less than a guess would give it. Holds if by
    squared error some trainings are stuck to the last, and the log-likelihood frees these; in part
    if none is, but some were at the first look, when the log-likelihood had freed them. It did not
    show otherwise.

    Parameters
    ----------
    steps : sequence of int
        When training was looked at.
    scales : sequence of float
        How large the wrong weights of the starts are: how sure they are.
    chances : dict from the cost to array of shape (looks, scales, starts)
        The mean probability of the right one of three classes.
    lead : float
        By how much a wrong logit leads, in ``norms``.
    norms : dict from the cost to float
        The length of the gradient over the logits of an example.
    """
    stuck = {name: chances[name] < 1 / 3 for name in ("squared error", "log-likelihood")}
    by_squares, by_likelihood = stuck.values()
    failed = by_squares & ~by_likelihood
    verdict = "holds" if failed[-1].any() else "holds in part" if failed.any() else "did not show"
    starts = by_squares.shape[2]

    def row(found: Array) -> str:
        return listed(found.sum(axis=1))

    squares, likelihood = (share(part[-1].sum(), part[-1].size) for part in stuck.values())
    text = (
        f"From starts that are sure and wrong, with weights of {listed(scales)}, "
        f"{row(by_squares[-1])} of {starts} trainings by squared error are stuck after "
        f"{steps[-1]:,} steps (after {steps[0]:,}: {row(by_squares[0])}), together {squares}; by "
        f"the log-likelihood {likelihood}. At a lead of {lead:.0f} the gradient is "
        f"{norms['squared error']:.0e} by squared error, and {norms['log-likelihood']:.1f} by the "
        "log-likelihood."
    )
    tried = f"{len(scales)} sizes of weights, {starts} draws of points and start for each"
    return verdict, text, f"{tried}, rate 1, up to {steps[-1]:,} steps"


@judges("claim-6-2-2-e")
def one_logit_less(
    gap: float, found: Mapping[str, tuple[Array, Array]], early: int, steps: int
) -> tuple[str, str, str]:
    """The book: n logits or n - 1 can describe the same distributions. They have different learning
    dynamics, but in practice there is rarely much difference.

    Holds if on every data set the early training costs differ and the errors in the end do not by
    more than one point in a hundred, each by its 95 % interval; undecided if an interval leaves the
    latter open and none contradicts it; in part if the distributions are the same but some data set
    says otherwise. It did not show if the distributions are not the same.

    Parameters
    ----------
    gap : float
        The largest difference between the probabilities of both, when they should be the same.
    found : dict from the data set to two arrays of shape (seeds, 2)
        With n logits, and with n - 1: the training cost early on, the test error in the end.
    early, steps : int
        When that was.
    """
    parts, unlike, least_of, most_of = [], True, [], []
    for name, (full, less) in found.items():
        times, low, high = np.exp(mean(np.log(less[:, 0] / full[:, 0])))
        points, least, most = 100 * np.array(mean(less[:, 1] - full[:, 1]))
        unlike &= not low <= 1 <= high
        sides = sorted(np.abs([least, most]))
        least_of.append(0 if least < 0 < most else sides[0])
        most_of.append(sides[1])
        parts.append(
            f"on {name} {times:.2f} times ({low:.2f} to {high:.2f}) and {points:+.1f} points "
            f"({least:+.1f} to {most:+.1f})"
        )
    verdict = "holds" if unlike and max(most_of) <= 1 else "holds in part"
    if unlike and max(least_of) <= 1 < max(most_of):
        verdict = "undecided"
    near = "rounding" if gap < 1e-12 else f"{gap:.0e}"
    if gap > 1e-9:
        verdict = "did not show"
    text = (
        f"Made to agree, the probabilities differ by {near} at most. With n - 1 logits in place "
        f"of n, the training cost after {early} steps and the errors after {steps} are, with 95% "
        f"intervals: {'; '.join(parts)}."
    )
    sizes = listed(f"{len(full)} on {name}" for name, (full, _) in found.items())
    return verdict, text, f"networks with one hidden layer, pairs from the same start: {sizes}"


@judges("claim-6-2-2-f")
def competition_of_a_softmax(
    jacobians: Array, temperature: float, contests: Array, probabilities: Array
) -> tuple[str, str, str]:
    """The book: the units of a softmax compete, since what one gains the others lose. When the
    largest is far ahead, the winner takes all. Softmax is a soft form of the argmax; the soft form
    of the maximum is the sum of the logits weighted by it.

    Holds if in every Jacobian a logit raises its own unit, lowers all others and changes no sum;
    if, wherever the largest leads by ten temperatures, it gets 0.999 or more; and if the weighted
    sum is then within a hundredth of the maximum. In part if some of these three are so; it did not
    show if none is.

    Parameters
    ----------
    jacobians : array, shape (draws, n, n)
        Of the softmax, at random logits.
    temperature : float
        By which the logits of the contests were divided.
    contests, probabilities : arrays of shape (m, n)
        Random logits, and the softmax of each when it is cold.
    """
    own = np.eye(jacobians.shape[1], dtype=bool)
    raises, lowers = jacobians[:, own].min(axis=1) > 0, jacobians[:, ~own].max(axis=1) < 0
    compete = raises & lowers & (np.abs(jacobians.sum(axis=1)).max(axis=1) < 1e-12)
    ordered = np.sort(contests, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] >= 10 * temperature
    winner = np.take_along_axis(probabilities, contests.argmax(axis=1)[:, None], 1)[clear].min()
    off = np.abs((probabilities * contests).sum(axis=1) - ordered[:, -1])[clear].max()
    parts = [compete.all(), winner >= 0.999, off < 0.01]
    verdict = "holds" if all(parts) else "holds in part" if any(parts) else "did not show"
    text = (
        f"In {compete.sum()} of {len(compete)} Jacobians each logit raises its own unit and lowers "
        f"every other, and the sum stays. At T = {temperature}, the largest of "
        f"{contests.shape[1]} logits gets {winner:.4f} or more in {clear.sum():,} contests in "
        f"which it leads by {10 * temperature:g}; softmax(z)^T z is then within {off:.0e} of the "
        "maximum."
    )
    return verdict, text, f"{len(jacobians)} and {len(contests):,} random vectors of logits"


# --- Other output types -------------------------------------------------------------------------


@judges("claim-6-2-2-g")
def constant_variance(found: Mapping[str, Array]) -> tuple[str, str, str]:
    """The book: if the variance does not depend on the input, its maximum likelihood estimate is
    the mean squared difference between the targets and their expected values.

    Holds if it is that to one part in ten thousand, in every data set and however it is
    parametrised; in part if in some of them; it did not show if in none.

    Parameters
    ----------
    found : dict from the parametrisation to array of shape (draws, 2)
        The variance that was learned, and the mean squared residual.
    """
    gaps = {name: np.abs(pairs[:, 0] / pairs[:, 1] - 1) for name, pairs in found.items()}
    near = np.array([gap < 1e-4 for gap in gaps.values()])
    verdict = "holds" if near.all() else "holds in part" if near.any() else "did not show"
    worst = listed(f"{_percent(gap.max())} as {name}" for name, gap in gaps.items())
    first = next(iter(found.values()))[0]
    text = (
        f"Learned and mean squared residual differ by {worst} at most; in the first of "
        f"{near.shape[1]} data sets they are {first[0]:.3f} and {first[1]:.3f}."
    )
    return verdict, text, f"{near.shape[1]} draws of 400 points, {len(found)} parametrisations"


def _percent(gap: float) -> str:
    return "less than 0.01%" if gap < 1e-4 else f"{gap:.2%}"


BEHAVED = ("sigma", "variance", "precision")


@judges("claim-6-2-2-h")
def sigma_variance_or_precision(
    slopes: Mapping[str, Array],
    rates: Sequence[float],
    costs: Mapping[str, Mapping[str, Array]],
    limit: float,
) -> tuple[str, str, str]:
    """The book: precision works well with gradient descent, as its cost needs only products and
    logarithms. Variance needs a division, which is arbitrarily steep near 0, and large gradients
    usually mean instability. For the standard deviation there is a square besides, whose gradient
    can vanish near 0 and make it hard to learn.

    A run fails if its cost passes the limit. Looked at: is precision the steadiest, with the least
    steep gradient and the fewest failures on all data; does it work well, with the lowest cost of
    the three, each at its best rate; is the gradient of sigma smaller near 0 than farther out?
    Holds if all are so, everywhere; in part if precision is the steadiest and something else is not
    so. It did not show if precision is not the steadiest.

    Parameters
    ----------
    slopes : dict from the parametrisation to array of shape (widths,)
        The size of the gradient over the raw number, for a residual of 1; the least width first.
    rates : sequence of float
        Learning rates, from small to large.
    costs : dict from the data to dict from the parametrisation to array (rates, steps + 1, runs)
    limit : float
        A run has failed if its cost was above it at some step, or not a number.
    """
    steepest = {name: slopes[name].max() for name in BEHAVED}
    faded = slopes["sigma"][0] < steepest["sigma"] / 2
    steady = min(steepest, key=lambda name: steepest[name]) == "precision"
    parts, well = [], []
    for data, found in costs.items():
        failed = {name: np.any(~(found[name] <= limit), axis=1) for name in BEHAVED}
        counts = {name: int(bad.sum()) for name, bad in failed.items()}
        steady &= counts["precision"] < min(counts["sigma"], counts["variance"])
        ends = {name: _ends(found[name][:, -1], failed[name], rates) for name in BEHAVED}
        slow = {name: _middle(found[name][0, len(found[name][0]) // 2]) for name in BEHAVED}
        lowest = min(ends, key=lambda name: ends[name][0])
        well.append(lowest == "precision")
        places = sorted(BEHAVED, key=lambda name: slow[name]).index("precision")
        of = next(iter(failed.values())).size
        parts.append(
            f"{data}, {listed(counts.values())} of {of} runs fail; each at its best safe rate ends "
            f"at {listed(end for _, end in ends.values())}, {lowest} the lowest; half-way at the "
            f"smallest rate precision is {('the fastest', 'in between', 'the slowest')[places]}"
        )
    verdict = "holds" if steady and all(well) and faded else "holds in part"
    if not steady:
        verdict = "did not show"
    text = (
        f"By {listed(BEHAVED)}: the gradient reaches "
        f"{listed(f'{steep:,.1f}' for steep in steepest.values())}, and that of sigma is "
        f"{slopes['sigma'][0] / steepest['sigma']:.0%} of its largest at the least width. "
        f"{'. '.join(part[0].upper() + part[1:] for part in parts)}."
    )
    runs = next(iter(next(iter(costs.values())).values())).shape
    tried = f"{runs[2]} draws of data and start, rates {listed(rates)}, {runs[1] - 1:,} steps"
    return verdict, text, tried


def _middle(costs: Array) -> float:
    """Return the median over the runs, one that is not a number being the highest."""
    return float(np.median(np.where(np.isfinite(costs), costs, np.inf)))


def _ends(last: Array, failed: Array, rates: Sequence[float]) -> tuple[float, str]:
    """Return the lowest median cost in the end at a safe rate, and words for it."""
    safe = [k for k in range(len(rates)) if not failed[k].any()]
    if not safe:
        return np.inf, "none (no rate is safe)"
    cost, k = min((_middle(last[k]), k) for k in safe)
    return cost, f"{cost:.2f} (rate {rates[k]})"


@judges("claim-6-2-2-i")
def full_covariance(
    fails: Mapping[str, float],
    with_floor: Mapping[str, float],
    singular: Sequence[str],
    matrices: int,
    sizes: Sequence[int],
    counts: Sequence[int],
) -> tuple[str, str, str]:
    """The book: a product B B^T with an unconstrained square B guarantees a covariance that is
    positive definite. Its likelihood is expensive: O(d^3) for determinant and inverse.

    Holds if a Cholesky decomposition succeeds for every kind of B, singular ones too, and the
    multiplications counted while the cost of an example is computed grow as d to a power between
    2.8 and 3.2; in part if it succeeds for random B only. It did not show if it fails for these, or
    if the power is another one.

    Parameters
    ----------
    fails, with_floor : dict from the kind of B to float
        The share of products that have no Cholesky decomposition, as they are and with something
        added to the diagonal.
    singular : sequence of str
        The kinds whose B are singular; the others are random.
    matrices : int
        How many there are of each kind.
    sizes, counts : sequences of int
        The dimensions, and how many multiplications were done for each.
    """
    random = [kind for kind in fails if kind not in singular]
    power = float(np.log(counts[-1] / counts[-2]) / np.log(sizes[-1] / sizes[-2]))
    cubic = 2.8 < power < 3.2
    sound = not any(fails[kind] for kind in random)
    verdict = "holds" if not any(fails.values()) else "holds in part"
    if not cubic or not sound:
        verdict = "did not show"

    def told(shares: Mapping[str, float]) -> str:
        bad = [kind for kind, part in shares.items() if part]
        return f"fails for some B ({'; '.join(bad)})" if bad else "never fails"

    text = (
        f"Cholesky's decomposition of B B^T {told(fails)}; with a floor added to the diagonal it "
        f"{told(with_floor)}. From d = {sizes[-2]} to {sizes[-1]} the multiplications "
        f"of the cost grow as d to the power {power:.2f}, to {counts[-1]:,}."
    )
    return (
        verdict,
        text,
        f"{matrices:,} matrices of each of {len(fails)} kinds, counts up to d = {sizes[-1]}",
    )


@judges("claim-6-2-2-j")
def mixtures_thrown_off(
    rates: Sequence[float],
    diverged: Mapping[str, Array],
    thrown: Mapping[str, Array],
    variances: tuple[float, float],
    longest: Mapping[str, float],
) -> tuple[str, str, str]:
    """The book: it has been reported that gradient descent on conditional Gaussian mixtures can be
    unreliable, in part because a variance that becomes small makes for very large gradients. One
    remedy is to clip the gradient.

    A run is thrown off if its cost ends at least 1 above the lowest it had reached, or is no
    number. Holds if plain runs are, significantly fewer are with clipping, and the longest
    gradients come when a variance is smaller than at the start; in part if runs are thrown off and
    one of the other two is not so. It did not show if no plain run is thrown off.

    Parameters
    ----------
    rates : sequence of float
        Learning rates.
    diverged, thrown : dict from "plain" and "clipped" to bool array of shape (rates, starts)
        Whether a run ended above where it began, or as no number; whether it was thrown off.
    variances : pair of floats
        The least variance of plain runs at the start, and when their gradient is longest: medians.
    longest : dict from "plain" and "clipped" to float
        The length of a run's longest gradient, before clipping: medians.
    """
    plain, clipped = thrown["plain"], thrown["clipped"]
    before, then = variances
    fewer = _apart(plain.sum(), clipped.sum(), plain.size)
    small = then < before / 2
    verdict = "holds" if fewer and small else "holds in part"
    if not plain.any():
        verdict = "did not show"

    def row(found: Array) -> str:
        return listed(found.sum(axis=1))

    text = (
        f"At rates of {listed(rates)}, {row(plain)} of {plain.shape[1]} plain runs are thrown off, "
        f"with clipping {row(clipped)}: {share(plain.sum(), plain.size)} against "
        f"{share(clipped.sum(), clipped.size)}. {diverged['plain'].sum()} plain and "
        f"{diverged['clipped'].sum()} clipped runs end above where they began. The typical longest "
        f"gradient of a plain run is {longest['plain']:.0f} and comes when the least variance is "
        f"{then:.1g}; at the start it is {before:.1g}."
    )
    return verdict, text, f"{plain.size} runs of each, {len(rates)} rates, {plain.shape[1]} starts"


def _apart(many: int, few: int, of: int) -> bool:
    """Tell whether a share is above another one, by the intervals of both."""

    return interval(many, of)[0] > interval(few, of)[1]
