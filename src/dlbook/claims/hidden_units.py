"""Rules for the claims of section 6.3: hidden units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from dlbook.claims.judging import interval, judges, listed, mean, share

Array = np.ndarray
VERY_LIKELY = 0.9
POINT = 0.01  # of accuracy


@judges("claim-6-3-a")
def kink(
    at_kink: Mapping[str, tuple[float, float, float, float]],
    same: Sequence[bool],
    zeros: int,
    seen: int,
    solved: Mapping[str, Array],
) -> tuple[str, str, str]:
    """The book: programs usually return one of the two one-sided derivatives at a kink, a number
    that was computed as 0 is very unlikely to have been 0, and in practice one can safely ignore
    that there is no derivative.

    Holds if most answers at a kink are one-sided derivatives, if it changes nothing in any
    training on digits which of the two is taken, and if on XOR, where there are exact zeros, it
    decides fewer than 1 start in 100 (by the whole interval). In part if this is so in one of the
    two tasks. It did not show if it is so in neither.

    Parameters
    ----------
    at_kink : dict of str to four floats
        For each unit the left and the right derivative at its kink, and what two programs answer.
    same : list of bool
        For each training on digits, whether either derivative led to the same weights, to the bit.
    zeros, seen : int
        How many pre-activations of these trainings were exactly 0, and of how many.
    solved : dict of str to array of bool, shape (starts,)
        With the left and with the right derivative, which starts solved XOR.
    """
    answers = [a in found[:2] for found in at_kink.values() for a in found[2:]]
    left, right = solved.values()
    decides, starts = int((left != right).sum()), len(left)
    harmless = [all(same), interval(decides, starts)[1] < 0.01]
    usually = sum(answers) > len(answers) / 2
    verdict = "holds" if all(harmless) and usually else "holds in part"
    if not any(harmless):
        verdict = "did not show"
    text = (
        f"On digits {zeros:,} of {seen / 1e6:.1f} million pre-activations were exactly 0, and "
        f"either derivative at 0 led to the same weights in {sum(same)} of {len(same)} trainings. "
        f"On XOR with biases of 0 it decided {share(decides, starts)} of the starts. "
        f"{sum(answers)} of {len(answers)} answers at a kink are one-sided derivatives."
    )
    units = f"{len(at_kink)} units in two programs"
    return verdict, text, f"{units}; {len(same)} seeds on digits, {starts:,} starts on XOR"


@judges("claim-6-3-1-a")
def small_bias(active: Mapping[str, int], units: int, bias: float) -> tuple[str, str, str]:
    """The book: it can be good practice to let biases start at a small positive value such as 0.1,
    which makes it very likely that rectified units are active at first for most inputs.

    A unit counts if it is active for more than half of the inputs. Holds if at least 9 units in 10
    do so for weights of every size, by the whole interval; in part if for some sizes only; did not
    show if for none.

    Parameters
    ----------
    active : dict of str to int
        For each size of the weights, how many units are active for most inputs.
    units : int
        Of how many.
    bias : float
        At which all biases start.
    """
    likely = [interval(count, units)[0] > VERY_LIKELY for count in active.values()]
    verdict = ("holds" if all(likely) else "holds in part") if any(likely) else "did not show"
    found = "; ".join(f"{name} {share(count, units)}" for name, count in active.items())
    text = f"Units that are active for most inputs when biases start at {bias:g}: {found}."
    return verdict, text, f"{units:,} units for each size, all digits"


@judges("claim-6-3-1-b")
def off(
    reached: Mapping[str, tuple[int, int]],
    moved: Mapping[str, Array],
    above: Mapping[str, Array],
    steps: int,
) -> tuple[str, str, str]:
    """The book: rectified units cannot learn by gradients from examples for which they are zero;
    several generalisations guarantee a gradient everywhere.

    Holds if the gradient for a rectified unit is 0 at every example at which it is off, so that one
    which is off for all examples does not move in training, and if the others get a gradient at
    each such example and all of them move. In part if only the first is so, or if not all
    generalisations do. It did not show if rectified units learn while off. Whether units come back
    is told, and is not part of the claim.

    Parameters
    ----------
    reached : dict of str to (int, int)
        For each kind of unit, the rectified first: of how many pairs of an example and a unit whose
        pre-activations are all below 0 a gradient that is not 0 comes, and how many there are.
    moved, above : dict of str to array of shape (seeds,)
        Of units that start below 0 for all examples, the share whose weights have moved, and the
        share of those above 0 for some example, after training.
    steps : int
        Of each training.
    """
    first, *others = reached
    silent = reached[first][0] == 0 and not moved[first].any()
    fed = {name: reached[name][0] / reached[name][1] for name in others}
    alive = [fed[name] == 1 and bool((moved[name] == 1).all()) for name in others]
    verdict = ("holds" if all(alive) else "holds in part") if silent else "did not show"
    back = ", ".join(f"{above[name].mean():.0%} of {name}" for name in others)
    text = (
        f"A gradient came to {first} from {reached[first][0]:,} of {reached[first][1]:,} cases "
        f"in which a unit was off, and to each other kind from {_least_of(fed.values())}. Of units "
        f"that were off for all examples {moved[first].mean():.0%} of {first} moved, and of each "
        f"other kind {_least_of(moved[name].mean() for name in others)}. After {steps:,} steps "
        f"there were above 0 again {back}."
    )
    seeds = len(moved[first])
    return verdict, text, f"{listed(reached)}; {seeds} seeds, {steps:,} steps"


def _least_of(shares: Iterable[float]) -> str:
    """Write the least of some shares, ``"40% or more"``, or the one that they all are."""
    least, *more = sorted(shares)
    return f"{least:.0%}" + " or more" * any(share > least for share in more)


@judges("claim-6-3-1-c")
def polarity(
    apart: Mapping[str, Array], rightly: Mapping[str, Array], free: Mapping[str, Array]
) -> tuple[str, str, str]:
    """The book: absolute value units are used where features make sense that do not change when
    light and dark are exchanged.

    Holds if without biases the features of x and of -x are equal, and reversed digits are read as
    well as the originals, at every seed. In part if features differ, and the reversed digits are
    read rightly more often than not. It did not show otherwise.

    Parameters
    ----------
    apart : dict of str to array of shape (seeds,)
        For each kind of unit, the distance between the features of x and -x, relative to their
        length.
    rightly : dict of str to array of shape (seeds, 2)
        The share of digits, and of reversed digits, that are read rightly.
    free : dict of str to array of shape (seeds, 2)
        The same for networks whose biases are learned.
    """
    name = "absolute value"
    as_they_are, reversed_ = rightly[name].T
    equal = bool((apart[name] == 0).all() and (as_they_are == reversed_).all())
    verdict = "holds" if equal and (reversed_ > 0.5).all() else "did not show"
    if verdict != "holds" and reversed_.mean() > 0.5:
        verdict = "holds in part"
    gap = apart[name].max()
    differ = "are equal bit by bit" if gap == 0 else f"differ by up to {gap:.0%}"
    text = (
        f"With biases of 0 the features of x and -x {differ}; {as_they_are.mean():.0%} of the "
        f"digits are read rightly and {reversed_.mean():.0%} of the reversed ones. With learned "
        f"biases it is {free[name][:, 1].mean():.0%} of these, and with rectified units "
        f"{rightly['relu'][:, 1].mean():.0%}."
    )
    return verdict, text, f"{len(reversed_)} seeds on digits"


@judges("claim-6-3-1-d")
def convex(
    exact: Mapping[str, bool],
    by_hand: Mapping[str, tuple[int, Mapping[int, float]]],
    possible: Mapping[str, Array],
    trained: Mapping[str, Mapping[float, Array]],
    ks: Sequence[int],
    steps: int,
) -> tuple[str, str, str]:
    """The book: with enough pieces a maxout unit can learn to approximate any convex function as
    closely as one likes; with two it can learn to be a rectified, an absolute value, a leaky or a
    parametric unit.

    Weights by hand have to be there first: exactly for the four units, and for every function tried
    with an error that falls with the number of pieces k nearly as it should, by a power of at least
    three quarters of 2 / inputs. Holds if that is so, and the best of the trained units, at the
    best rate, comes within a factor of 1.5 of the weights by hand for each k. In part if the
    weights are there and training stays behind. It did not show if they are not.

    Parameters
    ----------
    exact : dict of str to bool
        For each of the four units whether two pieces are the same function.
    by_hand : dict of str to (int, dict of int to float)
        For each convex function how many inputs it has, and the largest error over k.
    possible : dict of str to array of shape (ks,)
        For each function that is trained, the root mean squared error by hand.
    trained : dict of str to dict of float to array of shape (ks, starts)
        The same after training, for each learning rate.
    ks : list of int
        Numbers of pieces in training.
    steps : int
        Of each training.
    """
    enough = {
        name: _power(errors) > 0.75 * 2 / inputs for name, (inputs, errors) in by_hand.items()
    }
    weights = all(exact.values()) and all(enough.values())
    best = {name: np.min(list(map(_least, t.values())), axis=0) for name, t in trained.items()}
    behind = {name: best[name] / possible[name] for name in trained}
    caught_up = all((ratio < 1.5).all() for ratio in behind.values())
    verdict = ("holds" if caught_up else "holds in part") if weights else "did not show"
    powers = ", ".join(f"{name} {_power(errors):.1f}" for name, (_, errors) in by_hand.items())
    ends = listed(f"{ratio[-1]:.1f} for {name}" for name, ratio in behind.items())
    text = (
        f"Two pieces are {sum(exact.values())} of the {len(exact)} older units exactly. By hand "
        f"the largest error falls with k to the power of minus: {powers}"
    )
    failed = [name for name, found in enough.items() if not found]
    text += f"; that is too little for {listed(failed)}. " if failed else ". "
    text += f"The best trained unit with k = {ks[-1]} has an error larger by a factor of {ends}."
    rates = listed(f"{rate:g}" for rate in next(iter(trained.values())))
    starts = next(iter(next(iter(trained.values())).values())).shape[1]
    tried = (
        f"{len(by_hand)} functions by hand and {len(trained)} in training, k up to "
        f"{max(max(errors) for _, errors in by_hand.values())} and {ks[-1]}; "
        f"{starts} starts, {steps:,} steps of Adam at rates of {rates}"
    )
    return verdict, text, tried


def _power(errors: Mapping[int, float]) -> float:
    """By which power of k an error falls from the first to the last k."""
    first, last = min(errors), max(errors)
    return float(np.log(errors[first] / errors[last]) / np.log(last / first))


def _least(errors: Array) -> Array:
    """Return the least error over the starts, for each k."""
    return np.nanmin(errors, axis=1)


@judges("claim-6-3-1-e")
def forgetting(
    learned: Mapping[float, Mapping[str, Array]],
    lost: Mapping[float, Mapping[str, Array]],
    steps: int,
) -> tuple[str, str, str]:
    """The book: some redundancy of maxout units helps them to resist forgetting an earlier task.

    Both kinds of network learn task A and then B; what counts is how many points of accuracy on A
    the rectified one loses more, at the same seed, each at the learning rate at which it has the
    fewest errors on A before B. Holds if the whole interval of this difference is above 0; did not
    show if it is below. It is undecided if 0 is within, or if only one rate was tried: the order of
    units turns with the rate.

    Parameters
    ----------
    learned : dict of float to dict of str to array of shape (seeds,)
        For each learning rate and kind of unit ("relu" and "maxout(2)") the error on A after A.
    lost : dict of float to dict of str to array of shape (seeds,)
        By how much it has grown after B.
    steps : int
        For each task.
    """
    rates = {
        unit: min(learned, key=lambda rate: learned[rate][unit].mean())
        for unit in ("relu", "maxout(2)")
    }
    relu, maxout = (100 * lost[rate][unit] for unit, rate in rates.items())
    middle, low, high = mean(relu - maxout)
    verdict = "holds" if low > 0 else "did not show" if high < 0 else "undecided"
    if len(learned) < 2:
        verdict = "undecided"
    more = "fewer" if middle > 0 else "more"
    text = (
        f"Task B costs rectified units {relu.mean():.0f} points of accuracy on task A, and maxout "
        f"units {abs(middle):.1f} points {more} (95% interval of the difference {low:.1f} to "
        f"{high:.1f})."
    )
    if len(learned) < 2:
        text += " That is at one learning rate, and at another it may be otherwise."
    tried = f"{len(relu)} seeds; {steps} steps a task; learning rates {listed(learned)}"
    return verdict, text, tried


@judges("claim-6-3-2-a")
def saturation(
    shrinks: Mapping[str, float],
    saturated: Mapping[str, float],
    trained: Mapping[str, Array],
    layers: int,
    power: float,
    lead: float,
    rates: Sequence[float],
) -> tuple[str, str, str]:
    """The book: sigmoidal units saturate over most of their domain, and this can make learning by
    gradients very difficult; tanh typically does better than the sigmoid, since near 0 it is like
    the identity, and a deep network of it then trains much like a linear one.

    Four things are looked at: whether deep sigmoid networks are hard to train (at the best rate
    their error is larger than that of rectified ones, by the whole interval); whether their units
    are saturated, more than half of them, when training begins; whether tanh does better than the
    sigmoid, again by the interval; and whether tanh networks are near linear ones for small inputs
    (the distance grows with at least the power 1.5 of their size) and learn like them, not more
    than a fifth of the steps behind when their units begin to bend by 5 %. Holds if all four are
    so, in part if some are, did not show if neither the first nor the third is.

    Parameters
    ----------
    shrinks : dict of str to float
        For each unit the norm of the first layer's gradient over that of the output layer, in
        networks of ten layers.
    saturated : dict of str to float
        The share of slopes below 0.05 there.
    trained : dict of str to array of shape (seeds,)
        Test errors after training of networks of ``layers`` hidden layers, among them of
        "sigmoid, started as tanh".
    layers : int
        See above.
    power : float
        By which power of the inputs' size the distance from the linear network grows.
    lead : float
        The share of the steps by which the linear network that starts alike is ahead, when the
        units of the tanh network come to lose 5 % of what they are given.
    rates : list of floats
        From which the rate of each training was chosen, by validation.
    """
    sigmoid, tanh = 100 * trained["sigmoid"], 100 * trained["tanh"]
    hard = mean(sigmoid - 100 * trained["relu"])[1] > 0
    better = mean(sigmoid - tanh)[1] > 0
    flat = saturated["sigmoid"] > 0.5
    linear = power > 1.5 and abs(lead) < 0.2
    parts = (hard, flat, better, linear)
    verdict = "holds" if all(parts) else "holds in part"
    if not hard and not better:
        verdict = "did not show"
    middle, low, high = mean(sigmoid - tanh)
    again = 100 * trained["sigmoid, started as tanh"].mean()
    text = (
        f"At depth {layers} sigmoid networks have {middle:+.0f} points of error on top "
        f"of those of tanh (95% interval {low:+.0f} to {high:+.0f}), {'and' if flat else 'yet'} "
        f"{saturated['sigmoid']:.0%} of their units were saturated at the start; their gradient "
        f"shrinks to {shrinks['sigmoid']:.0e} over ten layers, that of tanh to "
        f"{shrinks['tanh']:.1g}. Started as tanh networks, sigmoids have {again:.0f}% errors. Tanh "
        f"is linear but for a part that grows with the power {power:.1f} of the inputs; when its "
        f"units begin to bend the linear network is {abs(lead):.0%} of the steps "
        f"{'ahead' if lead > 0 else 'behind'}."
    )
    tried = (
        f"{len(sigmoid)} seeds at the best of {len(rates)} learning rates; digits, 32 units a layer"
    )
    return verdict, text, tried


@judges("claim-6-3-3-a")
def cosine(
    errors: Mapping[str, Mapping[str, Sequence[int]]], pictures: int, epochs: int
) -> tuple[str, str, str]:
    """The book: a network with h = cos(Wx + b) was tried on MNIST, had less than 1 % errors, and
    was competitive with more usual units.

    What the network was given is not said. Holds if for some kind of pictures the whole interval of
    its error, over all runs, is below 1 %, and it overlaps with that of the rectified network; did
    not show if for every kind the whole interval is above 1 %. Otherwise it is undecided.

    Parameters
    ----------
    errors : dict of str to dict of str to list of int
        For each kind of pictures and each unit ("cos", "relu"), the wrong answers of each run.
    pictures : int
        In the test set.
    epochs : int
        Of each run.
    """
    below, above, said = [], [], []
    for kind, found in errors.items():
        if "cos" not in found:
            continue
        total = len(found["cos"]) * pictures
        low, high = interval(sum(found["cos"]), total)
        rate = np.mean(found["cos"]) / pictures
        said.append(
            f"with pictures {kind} {rate:.2%} (95% interval {low:.2%} to {high:.2%}"
            + (f"; rectified {np.mean(found['relu']) / pictures:.2%})" if "relu" in found else ")")
        )
        rival = found.get("relu", [pictures])
        competitive = low < interval(sum(rival), len(rival) * pictures)[1]
        below.append(high < 0.01 and competitive)
        above.append(low > 0.01)
    verdict = "holds" if any(below) else "did not show" if all(above) else "undecided"
    runs = sum(len(counts) for found in errors.values() for counts in found.values())
    text = f"On MNIST networks of cosine units had these test errors: {listed(said)}."
    kinds = listed(f"pictures {kind}" for kind in errors)
    return verdict, text, f"{runs} recorded runs in all, {epochs} epochs, {kinds}"


@judges("claim-6-3-3-b")
def low_rank(
    weights: Mapping[str, Mapping[int | None, int]],
    errors: Mapping[str, Mapping[int | None, Array]],
) -> tuple[str, str, str]:
    """The book: a linear layer of q units before a layer from n to p numbers has (n + p) q weights
    in place of n p, a considerable saving for small q, and often such a low rank is sufficient.

    A rank is sufficient if its error is at most 2 points above that of the layer that is not
    factored, by the whole interval of the difference over the seeds. Holds if on every set of data
    there is such a rank with at most half of the weights; in part if on some; did not show if on
    none.

    Parameters
    ----------
    weights : dict of str to dict of int to int
        For each set of data and each q the weights of the layer; None stands for no factoring.
    errors : dict of str to dict of int to array of shape (seeds,)
        Test errors.
    """
    said, enough = [], []
    for data, table in errors.items():
        full, n_p = table[None], weights[data][None]
        good = {
            q: mean(100 * (found - full))
            for q, found in table.items()
            if q is not None and 2 * weights[data][q] <= n_p and mean(100 * (found - full))[2] < 2
        }
        enough.append(bool(good))
        if good:
            q = min(good)
            middle, low, high = good[q]
            few = (
                f"q = {q} suffices, with {weights[data][q]:,} of {n_p:,} weights and {middle:+.1f} "
                f"points (95% interval {low:+.1f} to {high:+.1f}) of error"
            )
        else:
            few = f"no q with half of the {n_p:,} weights or fewer suffices"
        said.append(f"on {data} {few}")
    verdict = ("holds" if all(enough) else "holds in part") if any(enough) else "did not show"
    text = "; ".join(said)
    seeds = len(next(iter(errors.values()))[None])
    return verdict, text[0].upper() + text[1:] + ".", f"{listed(errors)}; {seeds} seeds each"


@judges("claim-6-3-3-c")
def switch(
    opened: Array, copying: Mapping[str, Mapping[float, Array]], numbers: int
) -> tuple[str, str, str]:
    """The book: softmax units naturally stand for a probability distribution over k values, so that
    they may be used as a kind of switch.

    A start has learned to switch if each of the four addresses lets another input through, with a
    probability above 0.95. Holds if more than half of the starts do, by the whole interval; in part
    if some do; did not show if none does.

    Parameters
    ----------
    opened : array, shape (starts, 4, 4)
        For each start and each address the probabilities of the four inputs.
    copying : dict of str to dict of float to array of shape (starts,)
        For the switch and two ordinary networks, the error relative to the numbers' size, for
        numbers of the size in training and larger.
    numbers : int
        Examples in training.
    """
    chosen = opened.argmax(axis=2)
    works = (np.sort(chosen, axis=1) == np.arange(4)).all(axis=1)
    works &= (opened.max(axis=2) > 0.95).all(axis=1)
    count, starts = int(works.sum()), len(opened)
    verdict = "holds" if interval(count, starts)[0] > 0.5 else "holds in part"
    if count == 0:
        verdict = "did not show"
    off_by = "; ".join(
        f"{name} {listed(f'{gaps.mean():.0%}' for gaps in found.values())}"
        for name, found in copying.items()
    )
    sizes = listed(f"{size:g}" for size in next(iter(copying.values())))
    text = (
        f"{share(count, starts)} of the starts learned to let one of four inputs through, with a "
        f"probability above 0.95 (the least is {opened.max(axis=2).min():.2f}). Errors in copying "
        f"numbers of size {sizes}: {off_by}."
    )
    return verdict, text, f"{starts} starts, {numbers} examples"


@judges("claim-6-3-3-d")
def others(
    silent: Mapping[str, float],
    errors: Mapping[str, Array],
    bound: float,
    grid: Sequence[float],
    pilots: int,
) -> tuple[str, str, str]:
    """The book: RBF units are 0 for most x, and so can be difficult to optimise; the softplus does
    not do better than the rectifier in experience, as one might expect; hard tanh is like tanh and
    the rectifier, but bounded.

    Of RBF units it is shown if they are below 0.05 for most x, and end with more than twice as many
    errors as rectified ones (by the whole interval) both from random templates and from templates
    taken from the data, and half shown if only from the former: then a good start cures it.
    Of the softplus it is shown if the whole interval says that it has more errors, contradicted if
    it says fewer, and undecided otherwise. Holds if both are shown, and hard tanh never passes 1.
    In part if one of the two is shown or half shown. It did not show if neither is, but is
    undecided if the softplus is.

    Parameters
    ----------
    silent : dict of str to float
        The share of outputs below 0.05, for RBF units with "random" templates, as they start, and
        with templates "from data" and width 1.
    errors : dict of str to array of shape (seeds,)
        Test errors at the end, at the rate that each unit chose; at least of "relu", "softplus",
        "rbf" and "rbf, from data".
    bound : float
        The largest output of hard tanh in size.
    grid : list of floats
        The learning rates from which each unit chose.
    pilots : int
        The seeds by which it chose.
    """
    points = {name: mean(100 * (errors[name] - errors["relu"])) for name in errors}
    hard = {
        name: mean(errors[name] - 2 * errors["relu"])[1] > 0 for name in ("rbf", "rbf, from data")
    }
    quiet = min(silent.values()) > 0.5
    rbf = (quiet and hard["rbf"]) * (1 if hard["rbf, from data"] else 0.5)
    middle, low, high = points["softplus"]
    soft = 1 if low > 0 else 0 if high < 0 else None
    if rbf == 1 and soft == 1 and bound <= 1:
        verdict = "holds"
    elif rbf > 0 or soft == 1:
        verdict = "holds in part"
    else:
        verdict = "undecided" if soft is None else "did not show"
    ends = {name: 100 * errors[name].mean() for name in errors}
    than = {1: "more than the rectifier", 0: "fewer than the rectifier", None: "which may be none"}
    middle2, low2, high2 = points["rbf, from data"]
    text = (
        f"RBF units are below 0.05 for {min(silent.values()):.0%} of the pictures or more, and end "
        f"with {ends['rbf']:.0f}% errors from random templates, where the rectifier has "
        f"{ends['relu']:.1f}%; from templates of the data it is {middle2:+.1f} points (95% "
        f"interval {low2:+.1f} to {high2:+.1f}). Softplus: {middle:+.1f} points of error (95% "
        f"interval {low:+.1f} to {high:+.1f}), {than[soft]}. Hard tanh reaches {bound:g} at most."
    )
    seeds = len(errors["relu"])
    tried = (
        f"these 1,797 digits, {seeds} seeds with splits of their own; for each unit the best of "
        f"{len(grid)} learning rates, chosen with {pilots} seeds"
    )
    return verdict, text, tried
