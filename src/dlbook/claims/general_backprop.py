"""Rules for the claims of sections 6.5.5 to 6.5.8: back-propagation that builds a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlbook.claims.judging import judges, listed

Counts = tuple[np.ndarray, np.ndarray, np.ndarray]


@judges("claim-6-5-b")
def operations_of_a_gradient(
    counted: Mapping[str, Counts], chains: Sequence[str], drawn: np.ndarray
) -> tuple[str, str, str]:
    """The book: the gradient in a graph of n nodes never takes more than O(n^2) operations, if a
    rule adds O(1) of them for each edge. In graphs that are roughly chains, as most networks' costs
    are, it takes O(n).

    Holds if the operations for an edge do not grow with the graph, no random graph needs more of
    them, and in all that is like a chain the operations grow as n. In part if only one of the two
    bounds is kept, O(n^2) or O(n). It did not show if neither is. How many networks are like a
    chain is not judged. An exponent is taken between the two largest sizes, with a tolerance of
    0.1; for an edge 10% more than in smaller graphs is allowed.

    Parameters
    ----------
    counted : dict from a kind of graph to three arrays of shape (sizes,)
        Nodes, edges, and the operations that the gradient adds. "chain" and "dense" are extremes.
    chains : sequence of str
        Which kinds are roughly chains.
    drawn : array of shape (3, graphs)
        The same three of random graphs.
    """
    powers = {
        kind: float(np.log(added[-1] / added[-2]) / np.log(nodes[-1] / nodes[-2]))
        for kind, (nodes, _, added) in counted.items()
    }
    for_edge = {kind: added / edges for kind, (_, edges, added) in counted.items()}
    steady = all(each[-1] <= 1.1 * each[:-1].max() for each in for_edge.values())
    most = max(float(each.max()) for each in for_edge.values())
    at_random = float((drawn[2] / drawn[1]).max())
    square = steady and at_random <= 1.1 * most and max(powers.values()) < 2.1
    linear = all(powers[kind] < 1.1 for kind in chains)
    verdict = "holds" if square and linear else "holds in part"
    if not square and not linear:
        verdict = "did not show"
    grown = listed([f"{power:.2f} in {named(kind)}" for kind, power in powers.items()])
    text = (
        f"The operations of a gradient grow as n to the power {grown}. For an edge there are at "
        f"most {most:.1f}, in random graphs {at_random:.1f}, and that "
        f"{'does not grow' if steady else 'grows'} with the graph."
    )
    sizes = [f"{kind} of {max(nodes):,} nodes" for kind, (nodes, *_) in counted.items()]
    return verdict, text, f"up to a {listed(sizes)}; {drawn.shape[1]} random graphs"


def named(kind: str) -> str:
    """Write a kind of graph behind "in"."""
    return {"chain": "a chain", "dense": "a dense graph"}.get(kind, kind)


@judges("claim-6-5-d")
def cost_of_a_step(
    counted: Mapping[tuple[int, int], Sequence[int]], held: np.ndarray, depths: Sequence[int]
) -> tuple[str, str, str]:
    """The book, of a multilayer perceptron: the cost is dominated by products of matrices. Forward
    they take O(w) multiply-adds for an example, w being the number of weights; backward each matrix
    is multiplied with again, transposed, which costs the same. The memory is O(m n_h), for what the
    hidden units are given, until the way back has returned there.

    Holds if products are most of the arithmetic, forward takes w, backward another w, and the
    memory grows by a fixed number of m n_h with each hidden layer. In part if all orders of growth
    are right and the count on the way back is another than w. It did not show if an order is wrong:
    the multiply-adds for a weight grow with the network, or the memory of a layer with the depth.

    Parameters
    ----------
    counted : dict from (hidden layers, width) to five ints
        The weights; multiply-adds for an example forward, of products with a transposed matrix of
        weights, and of those for the gradients on the weights; results of all other operations.
    held : array of shape (depths,)
        Numbers held for an example, in units of the width, while cost and gradient are computed.
    depths : sequence of ints
        The numbers of hidden layers that belong to them.
    """
    w, forward, down, onto, other = np.array([*counted.values()], dtype=float).T
    share = (forward + down + onto) / (forward + down + onto + other)
    back = (down + onto) / w
    growth = np.diff(held) / np.diff(depths)
    orders = np.ptp(forward / w) < 0.1 and back.max() < 3 and np.ptp(growth) < 0.1
    as_counted = np.allclose(forward, w) and np.allclose(back, 1)
    verdict = "holds" if as_counted and (share > 0.5).all() else "holds in part"
    if not orders:
        verdict = "did not show"
    text = (
        f"Forward takes {span(forward / w)} w multiply-adds for an example. Backward takes "
        f"{span(down / w)} w for products with transposed weights, and {span(onto / w)} w for "
        "those "
        "that give the gradient on the weights, which the book's count leaves out: "
        f"{span(back)} w together. Of all arithmetic {span(100 * share, 0)}% is in products. Each "
        f"hidden layer more holds {span(growth)} m n_h numbers more."
    )
    layers, widths = (listed(sorted({size[k] for size in counted})) for k in range(2))
    tried = f"{layers} hidden layers of {widths} units; memory measured at a width of 100"
    return verdict, text, tried


def span(values: np.ndarray, digits: int = 2) -> str:
    """Write the range of some numbers: ``"1.14 to 1.99"``, or the number if there is one."""
    low, high = (f"{value:.{digits}f}" for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


@judges("claim-6-5-e")
def what_a_library_adds(
    passes: Mapping[str, int],
    peaks: Mapping[str, Sequence[float]],
    uses: Sequence[int],
    types: Sequence[bool],
    gradient_types: Sequence[bool],
    nowhere: Mapping[str, bool],
    at_points: Mapping[str, bool],
) -> tuple[str, str, str]:
    """The book: a real library needs operations with several results, which save passes through
    memory; one buffer for a sum of gradients, since making all terms first takes too much memory; a
    policy for types of numbers; and it is important that it tracks which gradients are undefined,
    and determines whether the one that is asked for is.

    Holds if one operation needs fewer passes than two, the buffer takes less memory the more terms
    there are, all types come out as the policy has it, and whatever is undefined is reported. In
    part if one of the four fails, such as what is undefined being reported at some questions alone.
    It did not show if the buffer saves nothing, or nothing that is undefined is reported.

    Parameters
    ----------
    passes : dict from "two operations" and "one" to an int
        How often all entries are read to find the largest and its place.
    peaks : dict from "all terms, then the sum" and "one sum as they come" to a sequence
        The most memory, in matrices, for each number of uses.
    uses : sequence of ints
        How often the matrix is used.
    types : sequence of bools
        For each pair of types that meet whether the result has NumPy's common type.
    gradient_types : sequence of bools
        For each gradient whether it has the type of its variable.
    nowhere, at_points : dicts from a question to a bool
        Whether it was reported that a gradient is undefined: everywhere, or at a point.
    """
    terms, buffer = (np.asarray(values) for values in peaks.values())
    saves = (buffer < terms).all() and np.ptp(buffer) < np.ptp(terms)
    reported = sum(nowhere.values()) + sum(at_points.values())
    complete = reported == len(nowhere) + len(at_points)
    fewer = passes["one"] < passes["two operations"]
    whole = saves and fewer and all(types) and all(gradient_types) and complete
    verdict = "holds" if whole else "holds in part"
    if not saves or not reported:
        verdict = "did not show"
    text = (
        f"For {uses[-1]} uses of a matrix one buffer takes {buffer[-1]:.0f} matrices, all terms "
        f"first {terms[-1]:.0f}. The largest entry and its place take {times(passes['one'])} as "
        "one "
        f"operation, {times(passes['two operations'])} as two. Of {len(types)} pairs of types "
        f"{sum(types)} get the common type, of {len(gradient_types)} gradients "
        f"{sum(gradient_types)} the type of their variable. Of {len(nowhere)} gradients that exist "
        f"nowhere {sum(nowhere.values())} are reported, of {len(at_points)} that are missing at a "
        f"point {sum(at_points.values())}."
    )
    tried = f"{listed(uses)} uses; undefined are {listed([*nowhere, *at_points])}"
    return verdict, text, tried


def times(passes: int) -> str:
    """Write a number of passes."""
    return f"{passes} pass{'es' * (passes != 1)}"
