"""Rules for the claims of section 6.4: architecture design.

At the end, what compares networks of different depth for the two figures that are no claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from dlbook.claims.judging import interval, judges, listed, mean, share

Array = np.ndarray


@judges("claim-6-4-1-a")
def approximation(
    errors: Mapping[str, Mapping[str, Array]], widths: Mapping[str, Sequence[int]]
) -> tuple[str, str, str]:
    """The book: one hidden layer with enough squashing units, or rectified ones, can approximate
    any continuous function on a closed and bounded set as closely as one likes, and its derivatives
    can approximate those of the function.

    No experiment can try any function; these are some of one and of two variables. Holds if for
    each of them and both kinds of unit the largest error of f falls to less than a fifth from the
    narrowest to the widest layer, and so does the largest error of the slope where there is one. In
    part if some of these errors do. It did not show if none does.

    Parameters
    ----------
    errors : dict of str to dict of str to array of shape (1 or 2, widths)
        For each function and each kind of unit the largest error of f and, in a second row, that of
        its slope, which is missing if f has none somewhere.
    widths : dict of str to list of int
        For each function the numbers of hidden units.
    """
    fits, slopes = [], []
    for found in errors.values():
        for table in found.values():
            fits.append(_falls(table[0]))
            slopes += [_falls(row) for row in table[1:2]]
    verdict = "holds" if all(fits + slopes) else "holds in part"
    if not any(fits + slopes):
        verdict = "did not show"
    units = listed(next(iter(errors.values())))
    left = max(t[0, -1] / t[0, 0] for found in errors.values() for t in found.values())
    rows = [row for found in errors.values() for t in found.values() for row in t[1:2]]
    rows = [row for found in errors.values() for t in found.values() for row in t[1:2]]
    steep = max(row[-1] / row[0] for row in rows)
    text = (
        f"The largest error of f fell to less than a fifth in {sum(fits)} of {len(fits)} cases, "
        f"and to {left:.0%} where it fell least; the largest error of its slope did in "
        f"{sum(slopes)} of {len(slopes)}, and fell to {steep:.0%} where it fell least."
    )
    sizes = [f"{name} ({w[0]} to {w[-1]} units)" for name, w in widths.items()]
    return verdict, text, f"{units}; {', '.join(sizes)}"


def _falls(row: Array) -> bool:
    """Tell whether an error falls to less than a fifth."""
    return bool(row[-1] < row[0] / 5)


@judges("claim-6-4-1-b")
def representing(
    by_hand: Mapping[int, float],
    trained: Mapping[int, Array],
    close: float,
    seen: Array,
    unseen: Array,
    steps: int,
    rates: Sequence[float],
) -> tuple[str, str, str]:
    """The book: a network may represent a function and yet not learn it, for two reasons: the
    optimisation algorithm may not find the parameters, and it might choose another function, which
    does not generalise.

    Of the first, weights by hand must have a cost near 0 and most trainings at some depth must end
    far above, by the whole interval of their share. Of the second, networks must make no error on
    what they have seen, and on the rest more than 4 errors in 10, by the whole interval over the
    runs. Holds if both are so, in part if one is, did not show if neither is.

    Parameters
    ----------
    by_hand : dict of int to float
        For each depth the cost of the weights that were written down.
    trained : dict of int to array of shape (starts,)
        The costs at the end of training, at the rate at which most starts came close.
    close : float
        A cost below it counts as having found the function.
    seen, unseen : arrays of shape (runs,)
        For networks that learn a part of a table: the share of errors on that part, and on the
        rest.
    steps : int
        Of the trainings on the saw.
    rates : list of floats
        Learning rates that were tried there.
    """
    found = {depth: int((costs < close).sum()) for depth, costs in trained.items()}
    fails = [
        depth
        for depth, costs in trained.items()
        if by_hand[depth] < close and interval(found[depth], costs.size)[1] < 0.5
    ]
    middle, low, high = mean(unseen)
    other = bool((seen == 0).all() and low > 0.4)
    verdict = ("holds" if fails and other else "holds in part") if fails or other else ""
    counts = "; ".join(
        f"{depth}: {share(found[depth], costs.size)}" for depth, costs in trained.items()
    )
    text = (
        f"Starts that found the saw, where weights by hand have a cost of "
        f"{max(by_hand.values()):.3f}, by the number of hidden layers of two units: {counts}. "
        f"Networks with {seen.mean():.0%} errors on a quarter of the parity table had "
        f"{middle:.0%} (95% interval {low:.0%} to {high:.0%}) on the rest."
    )
    starts = listed(sorted({costs.size for costs in trained.values()}))
    tried = (
        f"{starts} starts, {steps:,} steps of Adam at {listed(rates, 'or')}; {seen.size} runs on "
        f"parity of 8 bits"
    )
    return verdict or "did not show", text, tried


@judges("claim-6-4-1-c")
def tables(
    exact: Mapping[int, tuple[int, int]],
    functions: Mapping[int, int],
    most: Mapping[int, int],
    parameters: Mapping[int, int],
    bits: int,
) -> tuple[str, str, str]:
    """The book: in the worst case an exponential number of hidden units may be needed, possibly one
    for each input that has to be told apart; there are 2 to the power 2^n functions of n bits, and
    to select one of them takes 2^n bits, and so of the order of 2^n degrees of freedom.

    Holds if the network with a unit for each 1 in the table answers every table that is tried as it
    should, with up to 2^n units, and if these networks, where all of them can be counted, compute
    as many functions as there are. In part if only one is so, did not show if neither is.

    Parameters
    ----------
    exact : dict of int to (int, int)
        For each n how many tables were answered without an error, and how many were tried.
    functions : dict of int to int
        For each n for which all tables were tried, how many different functions came out, the one
        that is 0 everywhere included.
    most : dict of int to int
        For each n the largest number of hidden units.
    parameters : dict of int to int
        For each n the parameters of a network for a random table.
    bits : int
        Of one parameter.
    """
    right, tried = (sum(column) for column in zip(*exact.values(), strict=True))
    counted = all(count == 2**2**n for n, count in functions.items())
    built = right == tried and all(units == 2**n for n, units in most.items())
    verdict = ("holds" if built and counted else "holds in part") if built or counted else ""
    n, k = max(exact), max(functions)
    bound = -(-(2**n) // bits)
    text = (
        f"{right:,} of {tried:,} tables were answered without an error, with one unit for each 1, "
        f"up to {most[n]:,} for {n} bits. For {k} bits these networks are {functions[k]:,} "
        f"different functions of {2**2**k:,}. At {n} bits some table needs {bound} parameters of "
        f"{bits} bits at least, whatever the network; this one has {parameters[n]:,} for a random "
        f"table, {parameters[n] / bound:.0f} times as many."
    )
    some = f"all tables of up to {k} bits, and {exact[n][1]} of each size up to {n}"
    return verdict or "did not show", text, some


@judges("claim-6-4-1-d")
def no_free_lunch(wrong: Mapping[str, Array]) -> tuple[str, str, str]:
    """The book: no machine learning algorithm is universally superior (the no free lunch theorem).

    Holds if, over all functions from three bits to one, every learner is wrong on exactly half of
    the points that it has not seen. In part if all are wrong equally often, and it is not half. It
    did not show if one learner has fewer errors than another.

    Parameters
    ----------
    wrong : dict of str to array of bool, shape (targets, unseen points)
        For each learner where it is wrong.
    """
    shares = {name: Fraction(int(table.sum()), table.size) for name, table in wrong.items()}
    half = sum(share == Fraction(1, 2) for share in shares.values())
    verdict = "holds" if half == len(shares) else "holds in part"
    if len(set(shares.values())) > 1:
        verdict = "did not show"
    best, worst = (choose(shares, key=lambda name: shares[name]) for choose in (min, max))
    targets = len(next(iter(wrong.values())))
    text = (
        f"Over {targets} targets of 3 bits {half} of {len(shares)} learners were wrong on exactly "
        f"1/2 of the rows that they had not seen; the least is {shares[best]}, the most "
        f"{shares[worst]}."
    )
    return verdict, text, f"{listed(wrong)}; five of eight rows seen"


@judges("claim-6-4-1-e")
def pieces(deep: Mapping[int, int], shallow: Mapping[int, Sequence[int]]) -> tuple[str, str, str]:
    """The book: deep rectifier networks can represent functions with a number of regions that is
    exponential in depth, and which a shallow network can need exponentially many units for.

    Holds if the pieces of the deep network are multiplied by the same factor of more than 1 with
    each layer, while those of a single layer grow by the same number with each unit. In part if
    only the former is so. It did not show otherwise.

    Parameters
    ----------
    deep : dict of int to int
        By the number of hidden units, in layers of two, the pieces.
    shallow : dict of int to list of int
        By the number of hidden units, in one layer, the pieces of several networks.
    """
    units = sorted(deep)
    ratios = {deep[b] / deep[a] for a, b in pairwise(units)}
    steps = {(max(shallow[b]) - max(shallow[a])) / (b - a) for a, b in pairwise(units)}
    exponential = len(ratios) == 1 and min(ratios) > 1
    verdict = ("holds" if len(steps) == 1 else "holds in part") if exponential else "did not show"
    n = units[-1]
    grows = f"the factor {ratios.pop():g}" if len(ratios) == 1 else "no constant factor"
    text = (
        f"{n // 2} layers of two units make {deep[n]:,} linear pieces, and each layer brings "
        f"{grows}; a single layer of {n} units makes {max(shallow[n])}, and would need "
        f"{deep[n] - 1:,} for as many."
    )
    many = len(shallow[n])
    return verdict, text, f"1 to {n // 2} layers, exact counts; {many} random networks of one layer"


@judges("claim-6-4-2-a")
def skips(
    norms: Mapping[str, Mapping[int, Array]],
    starts: Mapping[str, Mapping[int, Array]],
    learned: Mapping[str, Mapping[int, tuple[int, int]]],
    plain: str,
    placed: Sequence[str],
    steps: int,
    rates: Sequence[float],
) -> tuple[str, str, str]:
    """The book: connections that skip layers make it easier for the gradient to flow from the
    output to layers near the input.

    For each way to place them, the gradient at the first layer of the deepest network is compared
    with that of the plain chain that starts with the same weights, in the same run. It flows easily
    if it is larger (by the whole interval of the logarithm of their ratio), and still of the size
    that it has in the shallowest network with skips, within a factor of 100. Holds if that is so
    for each way to place them, in part if it is larger but not of this size for some, or larger for
    some only. It did not show if it is larger for none.

    Parameters
    ----------
    norms : dict of str to dict of int to array of shape (runs,)
        For each kind of network and each depth the norm of the first layer's gradient before
        training.
    starts : dict of str to dict of int to array of shape (runs,)
        The cost before training.
    learned : dict of str to dict of int to (int, int)
        For some depths how many runs learned, and of how many.
    plain : str
        The kind that the others are compared with.
    placed : list of str
        The kinds with skip connections.
    steps : int
        Of each training.
    rates : list of floats
        Learning rates that were tried.
    """
    shallow, deep = min(norms[plain]), max(norms[plain])
    larger, sized, said = [], [], []
    for kind in placed:
        ratio = np.log10(norms[kind][deep]) - np.log10(norms[plain][deep])
        low = mean(ratio)[1]
        growth = np.median(norms[kind][deep]) / np.median(norms[kind][shallow])
        larger.append(low > 0)
        sized.append(0.01 < growth < 100)
        said.append(
            f"{kind} the gradient was 10^{np.mean(ratio):.0f} times that of the plain chain (at "
            f"least 10^{low:.0f} by the 95% interval), 10^{np.log10(growth):.0f} times that with "
            f"{shallow} layers, and training began at a cost of "
            f"{float(f'{np.median(starts[kind][deep]):.2g}'):,g}"
        )
    easy = [a and b for a, b in zip(larger, sized, strict=True)]
    verdict = ("holds" if all(easy) else "holds in part") if any(larger) else "did not show"
    last = max(learned[plain])
    runs = ", ".join(
        f"{kind} {learned[kind][last][0]} of {learned[kind][last][1]}" for kind in learned
    )
    text = f"At {deep} layers {'; '.join(said)}. At {last} layers learned: {runs}."
    tried = (
        f"{norms[plain][deep].size} starts, {shallow} to {deep} layers of 16 units; {steps} steps "
        f"of Adam at {listed(rates, 'or')}"
    )
    return verdict, text, tried


@judges("claim-6-4-2-b")
def fewer_connections(
    connections: Mapping[str, int],
    parameters: Mapping[str, int],
    multiply_adds: Mapping[str, int],
    scores: Mapping[str, Array],
) -> tuple[str, str, str]:
    """The book: layers with fewer connections have fewer parameters and take less computation, but
    are often highly problem-dependent.

    Holds if a layer of as many units with fewer connections has fewer parameters and needs fewer
    multiply-adds, and the accuracy on digits falls by less than 1 point, by the whole interval. In
    part if the savings are there and the accuracy falls, or may fall, by more. It did not show if a
    saving is missing. Whether it depends on the problem is told by the same layer on shuffled
    pixels.

    Parameters
    ----------
    connections, parameters, multiply_adds : dict of str to int
        Of the "full" and of the "local" layer; connections are pairs of an input and a unit whose
        derivative is not 0.
    scores : dict of str to array of shape (seeds,)
        Percent right with the "full" and the "local" layer, and with the latter "shuffled".
    """
    saves = [table["local"] < table["full"] for table in (connections, parameters, multiply_adds)]
    middle, low, high = mean(scores["local"] - scores["full"])
    kept = low > -1
    verdict = ("holds" if kept else "holds in part") if all(saves) else "did not show"
    loss, least, most = mean(scores["shuffled"] - scores["local"])
    depends = "clear of 0" if least > 0 or most < 0 else "not clear of 0"
    text = (
        f"As many units with {connections['local']:,} in place of {connections['full']:,} "
        f"connections have {parameters['local']:,} in place of {parameters['full']:,} parameters "
        f"and {multiply_adds['local']:,} in place of {multiply_adds['full']:,} multiply-adds. The "
        f"accuracy changed by {middle:+.1f} points (95% interval {low:+.1f} to {high:+.1f}), and "
        f"by {loss:+.1f} more ({least:+.1f} to {most:+.1f}, {depends}) when the pixels were "
        "shuffled."
    )
    return verdict, text, f"{scores['full'].size} seeds with splits of their own, 1,797 digits"


def compared(some: Mapping[int, float], others: Mapping[int, float]) -> str:
    """Say by how much networks do better than others, at the same seeds (Figures 6.6 and 6.7).

    Parameters
    ----------
    some, others : dict of int to float
        Percent right, by the seed.
    """
    seeds = sorted(set(some) & set(others))
    middle, low, high = mean([some[seed] - others[seed] for seed in seeds])
    words = "better" if low > 0 else "worse" if high < 0 else "undecided"
    return (
        f"{round(middle, 1) + 0.0:+5.1f} ({low:+5.1f} to {high:+5.1f}), {len(seeds)} seeds: {words}"
    )
