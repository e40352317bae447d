"""Exercises on section 6.0: chains of functions, interactions, and three ways to better features.

The tenth asks for a learner and tries it on tasks (`Trial`).
"""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from dlbook.exercises.adapters.section_6_0 import at_corners
from dlbook.exercises.checking.comparison import difference
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import labels, matrices, networks, vectors
from dlbook.exercises.checking.messages import show
from dlbook.exercises.checking.section import Section
from dlbook.exercises.checking.trial import Trial, returned

section = Section("6_0_introduction", "Exercises on section 6.0")
progress = section.progress

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0.0, 1.0, 1.0, 0.0])


# --- q1: a chain of any length ------------------------------------------------------------------


def _chain(X, layers):
    H = X
    for W, b in layers[:-1]:
        H = np.maximum(H @ W + b, 0)
    W, b = layers[-1]
    return H @ W + b


def _other_chain(layer, last, start=0):
    """Return a chain whose layers do something else."""

    def outputs(X, layers):
        H = X
        for W, b in layers[start:-1]:
            H = layer(H, W, b)
        return last(H, *layers[-1])

    return outputs


def _affine(H, W, b):
    return H @ W + b


def _rectified(H, W, b):
    return np.maximum(H @ W + b, 0)


def _all_read_the_input(X, layers):
    for W, b in layers[:-1]:
        _rectified(X, W, b)
    return _affine(X, *layers[-1])


ONE = np.array([[1.0]])
LAYER = (np.array([[1.0, -1.0], [2.0, 1.0]]), np.array([0.5, -1.0]))

q1 = section.add(
    Function(
        title="A chain of any length",
        answer="chain",
        kind="implement",
        level=1,
        marked=True,
        names=("X", "layers"),
        expected=_chain,
        cases=[
            (CORNERS, [LAYER, (np.array([[1.0], [-2.0]]), np.array([-1.0]))]),
            (np.array([[-2.0]]), [(ONE, np.array([0.5]))]),
            (ONE, [(ONE, np.ones(1)), (2 * ONE, -np.ones(1)), (-ONE, np.ones(1))]),
            (CORNERS[:1], [LAYER, LAYER, LAYER, LAYER]),
        ],
        inputs=networks(),
        hints=[
            "Each layer reads what the one before has made, not X. Keep that in one name, H, and "
            "let a loop replace it.",
            "layers[:-1] are the hidden layers, layers[-1] is the output layer, and both work if "
            "there is only one.",
            "for W, b in layers[:-1]: H = np.maximum(H @ W + b, 0). After the loop, the last W and "
            "b without np.maximum.",
        ],
        after="The length of the list is the depth. Nothing else changes when a network gets "
        "deeper: that is what makes it a chain.",
        mistakes=[
            Mistake(
                "The output layer is rectified, too. It should be able to say any number, negative "
                "ones as well.",
                does=_other_chain(_rectified, _rectified),
            ),
            Mistake(
                "Nothing bends. Without the rectifier a chain of affine functions is one affine "
                "function, however long it is.",
                does=_other_chain(_affine, _affine),
            ),
            Mistake(
                "The biases are missing.",
                does=_other_chain(lambda H, W, b: np.maximum(H @ W, 0), lambda H, W, b: H @ W),
            ),
            Mistake(
                "The output layer's bias is missing.",
                does=_other_chain(_rectified, lambda H, W, b: H @ W),
            ),
            Mistake(
                "The bias belongs inside the rectifier: it says where the unit bends.",
                does=_other_chain(lambda H, W, b: np.maximum(H @ W, 0) + b, _affine),
            ),
            Mistake(
                "That is the first layer alone. Does the return stand inside the loop?",
                does=lambda X, layers: _rectified(X, *layers[0]),
            ),
            Mistake(
                "That is where the last hidden layer ends. The output layer is still to come.",
                does=lambda X, layers: _other_chain(_rectified, lambda H, W, b: H)(X, layers),
            ),
            Mistake(
                "Every layer reads X here, and only the last one's result is used. In a chain each "
                "reads what the one before has made.",
                does=_all_read_the_input,
            ),
            Mistake(
                "The chain runs backwards: the first layer of the list is the one that reads X.",
                does=lambda X, layers: _chain(X, layers[::-1]),
            ),
        ],
        why="Follow one example: affine, rectified, affine, rectified, at the end affine alone.",
    )
)


# --- q2: words that count -----------------------------------------------------------------------


def _count(widths):
    parameters = sum((n + 1) * p for n, p in pairwise(widths))
    return len(widths) - 1, sum(widths[1:-1]), parameters


def _miscounted(depth=0, hidden=0, biases=lambda widths: sum(widths[1:])):
    """Return the counts with one thing counted otherwise."""

    def counts(widths):
        weights = sum(n * p for n, p in pairwise(widths))
        units = sum(widths[1:-1]) + (hidden(widths) if hidden else 0)
        return len(widths) - 1 + depth, units, weights + biases(widths)

    return counts


q2 = section.add(
    Function(
        title="Words that count",
        answer="count",
        kind="formula",
        level=1,
        names=("widths",),
        expected=_count,
        cases=[
            ([1, 4, 3, 1],),
            ([10, 8, 8, 1],),
            ([3, 1],),
            ([1, 1, 1],),
            ([784, 500, 10],),
            ([2, 3, 4, 5, 6],),
        ],
        inputs=st.tuples(st.lists(st.integers(1, 9), min_size=2, max_size=6)),
        hints=[
            "The first entry is the number of inputs. Inputs are no layer: nothing is computed "
            "there.",
            "A layer that reads n numbers and has p units has n p weights and p biases.",
            "zip(widths, widths[1:]) gives the pairs n, p, one for each layer.",
        ],
        after="The network of the chapter's page has depth 3, seven hidden units and 27 "
        "parameters. Depth grows by the layer, parameters by the product of neighbours.",
        mistakes=[
            Mistake(
                "The inputs are not a layer: the depth is the number of functions in the chain.",
                does=_miscounted(depth=1),
            ),
            Mistake(
                "The output layer counts for the depth as well: it is a function of the chain.",
                does=_miscounted(depth=-1),
            ),
            Mistake(
                "The units of the output layer are not hidden: the data say what they should give.",
                does=_miscounted(hidden=lambda widths: widths[-1]),
            ),
            Mistake(
                "The inputs are not units: nothing is computed there.",
                does=_miscounted(hidden=lambda widths: widths[0]),
            ),
            Mistake(
                "That counts all numbers in the list. Hidden are those between the inputs and the "
                "output.",
                does=_miscounted(hidden=lambda widths: widths[0] + widths[-1]),
            ),
            Mistake(
                "The biases are missing: one for each unit.",
                does=_miscounted(biases=lambda widths: 0),
            ),
            Mistake(
                "Each unit has a bias of its own, not each layer.",
                does=_miscounted(biases=lambda widths: len(widths) - 1),
            ),
            Mistake(
                "Inputs have no bias: those of the first entry are too many.",
                does=_miscounted(biases=sum),
            ),
            Mistake(
                "The biases of the output layer are missing.",
                does=_miscounted(biases=lambda widths: sum(widths[1:-1])),
            ),
        ],
        why="Count on the chapter's drawing of a network, unit by unit: layers, hidden units, "
        "arrows, and a bias for each unit.",
    )
)


# --- q3: who bends here? ------------------------------------------------------------------------


def _who_bends():
    """Return the letter of the layer that bends the output of the page's network right of 1."""
    # The weights of the page, in the order in which it draws them: W1, b1, W2, b2.
    draw = np.random.default_rng(151).normal
    W1, b1, W2, b2 = (draw(size=shape) for shape in ((1, 4), (4,), (4, 3), (3,)))
    x = np.linspace(1.0, 3.0, 201)[:, None]
    z1 = x @ W1 + b1
    z2 = np.maximum(z1, 0) @ W2 + b2
    crosses = [bool(np.any(np.diff(z > 0, axis=0))) for z in (z1, z2)]
    return {(True, False): "a", (False, True): "b", (False, False): "d"}[tuple(crosses)]


q3 = section.add(
    Value(
        title="Who bends here?",
        answer="layer",
        kind="figure",
        level=1,
        choices="abcd",
        right=_who_bends,
        hints=[
            "A unit bends where its own curve reaches or leaves 0. Look for such places between 1 "
            "and 3, from the left panel to the right.",
            "In the left panel all four curves are straight between 1 and 3. In the middle one a "
            "curve leaves 0 there.",
        ],
        after="Three units of the first layer are silent there and the fourth is a straight line; "
        "a unit of the second layer bends what it is given once more. Every layer adds bends "
        "of its own to those it was handed.",
        mistakes={
            "a": "The last bend of the first layer is just left of 1. From there on three of its "
            "units are 0, and the fourth is a straight line.",
            "c": "The output is a plain weighted sum. It passes on the bends of the layer before "
            "and cannot make one.",
            "d": "Look again at about 1.5: the slope of the output changes. One of the curves in "
            "the middle panel leaves 0 just there.",
        },
    )
)


# --- q4: what an interaction costs --------------------------------------------------------------


def _least(y):
    return ((y[0] - y[1] - y[2] + y[3]) / 4) ** 2


XOR_AT = (1, -1, -1, 1)

q4 = section.add(
    Function(
        title="What an interaction costs",
        answer="least",
        kind="formula",
        level=2,
        marked=True,
        names=("y",),
        expected=_least,
        cases=[
            (XOR,),
            (np.array([0.0, 0.0, 0.0, 1.0]),),
            (np.array([3.0, 1.0, -2.0, 5.0]),),
            (np.array([0.0, 1.0, 2.0, 3.0]),),
            (np.ones(4),),
            (1e6 * XOR,),
        ],
        inputs=st.tuples(vectors(4)),
        hints=[
            "Let r be the four errors of the best model. The normal equations say that r is "
            "orthogonal to x1, to x2 and to the constant 1.",
            "In four dimensions only one direction is orthogonal to those three: [1, -1, -1, 1].",
            "r is the projection of y onto that direction: its entries are plus or minus "
            "(y[0] - y[1] - y[2] + y[3]) / 4. The cost is the mean of their squares.",
        ],
        after="y[3] - y[2] is what x2 adds when x1 is 1, y[1] - y[0] what it adds when x1 is 0. "
        "The difference of the two is the interaction, and the cost is its square over 16: "
        "all that a linear model can do is everything but this.",
        mistakes=[
            Mistake(
                "That is how far the best model is off at each corner. The cost takes the square.",
                does=lambda y: (y[0] - y[1] - y[2] + y[3]) / 4,
            ),
            Mistake(
                "That is how far the best model is off at each corner. The cost takes the square.",
                does=lambda y: abs(y[0] - y[1] - y[2] + y[3]) / 4,
            ),
            Mistake(
                "That is the square of the whole interaction. The best model shares it among the "
                "four corners, a quarter each, and the mean of those squares is a sixteenth.",
                does=lambda y: (y[0] - y[1] - y[2] + y[3]) ** 2,
            ),
            Mistake(
                "Four times too much: the sum of the squared errors. Equation 6.1 is their mean.",
                does=lambda y: (y[0] - y[1] - y[2] + y[3]) ** 2 / 4,
            ),
            Mistake(
                "That is the variance of y, the cost of answering its mean every time. For XOR "
                "that is the best there is; for other labels slopes do better.",
                does=lambda y: np.var(y),
            ),
            Mistake(
                "The signs are those of a slope: y[2] + y[3] - y[0] - y[1] is what a linear model "
                "can express. What is left over is along [1, -1, -1, 1].",
                does=lambda y: ((y[2] + y[3] - y[0] - y[1]) / 4) ** 2,
            ),
            Mistake(
                "The signs are those of a slope: y[1] + y[3] - y[0] - y[2] is what a linear model "
                "can express. What is left over is along [1, -1, -1, 1].",
                does=lambda y: ((y[1] + y[3] - y[0] - y[2]) / 4) ** 2,
            ),
            Mistake(
                "That is for XOR alone. The formula should take any four labels.",
                does=lambda y: 0.25,
            ),
            Mistake(
                "That model has no b. Add a column of ones.",
                does=lambda y: np.mean((y - CORNERS @ (np.linalg.pinv(CORNERS) @ y)) ** 2),
            ),
        ],
        why="Compare it with np.linalg.lstsq on the columns x1, x2 and 1: the mean of the squared "
        "errors of what it finds.",
    )
)


# --- q5: one feature is enough ------------------------------------------------------------------


def _is_enough(values):
    """Judge the values of a feature at the four corners."""
    if not isinstance(values, (list, tuple)) or any(v is None for v in values):
        raise Wrong("returns None", text="Is there a return at the end?")
    v = np.asarray(values, float)
    if v.shape != (4,) or not np.isfinite(v).all():
        raise Wrong(
            "should return one number",
            [("phi at the corners", show(values))],
            "It takes two numbers and gives one.",
        )
    wanted = XOR - CORNERS.sum(axis=1)  # what the feature has to make up for
    a = wanted @ v / (v @ v) if v.any() else 0.0
    misses = np.flatnonzero(~np.isclose(a * v, wanted, atol=1e-9))
    if not len(misses):
        return
    at, out = CORNERS[misses[-1]], CORNERS[misses[-1]].sum() + a * v[misses[-1]]
    shown = [
        ("phi at the four corners", show([float(x) for x in v])),
        ("with the best a", f"{a:.4g}"),
        (f"x1 + x2 + a phi at [{at[0]:g}, {at[1]:g}]", f"{out:.4g}"),
        ("XOR there", f"{XOR[misses[-1]]:g}"),
    ]
    raise Wrong("no a makes it XOR", shown, _what_it_lacks(v))


def _what_it_lacks(v):
    interaction = v[0] - v[1] - v[2] + v[3]
    if not v.any():
        return "It is 0 at all corners and adds nothing."
    if np.ptp(v) == 0:
        return "It says the same at all four corners: that is a bias, and no interaction."
    if np.isclose(interaction, 0):
        return (
            "At the corners it is a linear function, like x1 + x2 itself, and adds nothing that a "
            "linear model did not have: what x2 adds does not depend on x1."
        )
    if v[0] == v[3] == 0 and v[1] == v[2]:
        return (
            "That is XOR itself, or a multiple. But x1 + x2 is there already, and right at three "
            "corners: the feature has to repair the fourth and leave the three alone."
        )
    if v[0] == 0 and v[1] == v[2] == v[3]:
        return (
            "That is OR. It repairs [1, 1], and spoils [0, 1] and [1, 0], where x1 + x2 was right."
        )
    return (
        "There is an interaction in it, but it also changes corners at which x1 + x2 is right "
        "already: it should be 0 at [0, 0], [0, 1] and [1, 0]."
    )


q5 = section.add(
    Value(
        title="One feature is enough",
        answer="feature",
        kind="design",
        level=1,
        adapter=at_corners,
        right=_is_enough,
        hints=[
            "Write down x1 + x2 and XOR at the four corners. Where do they differ?",
            "They differ at [1, 1] alone. So the feature should be 0 at the other three corners.",
            "The product x1 x2, with a = -2; or any other function that is AND at the corners.",
        ],
        after="With the product, a = -2: the sum counts the ones, the product takes back the two "
        "that are too many. The network of section 6.1 finds another of these features, "
        "max(x1 + x2 - 1, 0).",
    )
)


# --- q6: the generic feature --------------------------------------------------------------------


def _squares(X, Z):
    return ((X[:, None, :] - Z[None, :, :]) ** 2).sum(axis=-1)


@st.composite
def _points_to_compare(draw):
    m, k, n = (draw(st.integers(1, 3)) for _ in range(3))
    found = draw(matrices(m + k, n, -2, 2))
    return found[:m], found[m:], draw(st.sampled_from([0.25, 0.5, 2.0]))


q6 = section.add(
    Function(
        title="The generic feature",
        answer="rbf",
        kind="implement",
        level=2,
        marked=True,
        names=("X", "Z", "gamma"),
        expected=lambda X, Z, gamma: np.exp(-gamma * _squares(X, Z)),
        cases=[
            (CORNERS, CORNERS[1:3] + 0.5, 0.5),
            (np.array([[1.0, 2.0]]), np.array([[1.0, 2.0]]), 3.0),
            (np.array([[0.5]]), np.array([[0.0], [1.5], [-2.0]]), 0.25),
            (CORNERS, CORNERS, 2.0),
            (np.zeros((1, 3)), np.array([[100.0, 0.0, 0.0]]), 1.0),
        ],
        inputs=_points_to_compare(),
        hints=[
            "Each row of X meets each row of Z. The result has a row for each of X and a column "
            "for each of Z.",
            "X[:, None, :] - Z[None, :, :] has shape (m, k, n): all differences at once.",
            "np.exp(-gamma * (differences**2).sum(axis=-1)).",
        ],
        after="Every coordinate counts alike, and no parameter could say that eight of ten do not "
        "matter. That is what generic means.",
        mistakes=[
            Mistake(
                "That is gamma times the distance. The kernel takes its square: there is no root.",
                does=lambda X, Z, gamma: np.exp(-gamma * np.sqrt(_squares(X, Z))),
            ),
            Mistake(
                "It grows with the distance: the minus is missing.",
                does=lambda X, Z, gamma: np.exp(gamma * _squares(X, Z)),
            ),
            Mistake(
                "Gamma multiplies here; dividing by 2 gamma squared is for a width sigma.",
                does=lambda X, Z, gamma: np.exp(-_squares(X, Z) / (2 * gamma**2)),
            ),
            Mistake(
                "Gamma multiplies the squared distance; there is no 2 in this form.",
                does=lambda X, Z, gamma: np.exp(-gamma * _squares(X, Z) / 2),
            ),
            Mistake(
                "That adds up the differences themselves, without squares: they cancel, or they "
                "measure another distance.",
                does=lambda X, Z, gamma: np.exp(
                    -gamma * np.abs(X[:, None, :] - Z[None, :, :]).sum(axis=-1)
                ),
            ),
            Mistake(
                "The mean over the coordinates was taken, where the norm takes their sum.",
                does=lambda X, Z, gamma: np.exp(-gamma * _squares(X, Z) / X.shape[1]),
            ),
            Mistake(
                "Each row of X should meet each row of Z. This compares the first with the first "
                "and the second with the second.",
                does=lambda X, Z, gamma: np.exp(-gamma * ((X - Z) ** 2).sum(axis=-1)),
            ),
            Mistake(
                "Gamma is left out: it says how near is near.",
                does=lambda X, Z, gamma: np.exp(-_squares(X, Z)),
            ),
            Mistake(
                "That is the squared distance times -gamma. The exponential is missing.",
                does=lambda X, Z, gamma: -gamma * _squares(X, Z),
            ),
        ],
        why="A point compared with itself gives 1; at distance 2 and gamma 1 it is exp(-4).",
    )
)


# --- q7: how far apart? -------------------------------------------------------------------------


def _squared_distance():
    variance = (1 - -1) ** 2 / 12  # of a uniform distribution between -1 and 1
    return 10 * 2 * variance  # the variances of the two points add up


q7 = section.add(
    Value(
        title="How far apart are two points?",
        answer="squared",
        kind="predict",
        level=1,
        right=_squared_distance,
        rtol=1e-3,
        hints=[
            "The expectation of a sum is the sum of the expectations: take one coordinate, then "
            "multiply by ten.",
            "In one coordinate, the difference of two independent numbers has twice the variance "
            "of one.",
            "A uniform distribution between -1 and 1 has the variance 1/3.",
        ],
        after="2/3 for each coordinate. Of the 20/3, only 4/3 come from the two that matter; the "
        "kernel looks at the whole, and for four fifths it compares noise.",
        mistakes={
            10 / 3: "That is how far a point is from the middle: the variance of one. Two points "
            "both vary.",
            4 / 3: "That is what the first two coordinates contribute. Distractors count as much.",
            0.0: "The differences themselves are 0 on average. Their squares are not.",
            np.sqrt(20 / 3): "The square of the distance is asked for, without a root.",
            5 / 3: "Those would be points between 0 and 1. These are between -1 and 1: twice as "
            "far, and squared that makes four times.",
            2 / 3: "That is one coordinate. There are ten.",
            40.0: "That is the largest possible value, from corner to opposite corner.",
            10.0: "That is 1 for each coordinate. One number between -1 and 1 has the variance "
            "1/3, a difference of two has twice that.",
            40
            / 9: "A difference is 2/3 on average, without its sign, and that was squared. The mean "
            "of the squares is larger.",
        },
    )
)


# --- q8: too good to be true --------------------------------------------------------------------


def _given_left_out(D, y):
    nearest = D.argmin(axis=1)
    return np.mean(y[nearest] != y)


def _left_out(D, y, far=np.inf):
    others = D + np.where(np.eye(len(D)), far, 0.0)
    return float(np.mean(y[others.argmin(axis=1)] != y))


def _far_from_all(D, y):
    return np.mean(y[D.argmax(axis=1)] != y)


@st.composite
def _distances(draw):
    m = draw(st.integers(2, 5))
    pairs = m * (m - 1) // 2
    found = np.zeros((m, m))
    found[np.triu_indices(m, 1)] = np.array(draw(st.permutations(range(1, pairs + 1)))) / 4
    return found + found.T, draw(labels(m, 2))


NEAR = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 2.5], [3.0, 2.5, 0.0]])

q8 = section.add(
    Function(
        title="Too good to be true",
        answer="left_out",
        kind="bug",
        level=2,
        given=_given_left_out,
        names=("D", "y"),
        expected=_left_out,
        integers=False,
        cases=[
            (NEAR, np.array([0, 0, 1])),
            (4 * NEAR, np.array([0, 1, 1])),
            (NEAR / 8, np.array([1, 1, 1])),
            (NEAR[:2, :2], np.array([0, 1])),
        ],
        inputs=_distances(),
        hints=[
            "Run it on random labels. An honest estimate would be about one half.",
            "Which example is nearest to example 0? Look at D[0].",
            "Put infinity on the diagonal of a copy before argmin: D = D.copy(), then "
            "np.fill_diagonal(D, np.inf).",
        ],
        after="An example that takes part in its own examination always passes. Whatever is "
        "chosen by such a number, gamma for one, is chosen blindly.",
        mistakes=[
            Mistake(
                "Each example is still its own nearest neighbour, at distance 0, and so it always "
                "gets its own label.",
                does=_given_left_out,
            ),
            Mistake(
                "A 1 on the diagonal keeps an example from itself only if others are nearer than "
                "1. Distances have no such scale: take infinity.",
                does=lambda D, y: _left_out(D, y, far=1.0),
            ),
            Mistake(
                "That is the share of right answers. The error is the rest.",
                does=lambda D, y: 1 - _left_out(D, y),
            ),
            Mistake(
                "That asks the farthest example. Leave out the diagonal, and still take the "
                "nearest.",
                does=_far_from_all,
            ),
            Mistake(
                "That asks the second nearest of the others: with the diagonal left out, the first "
                "is the nearest.",
                does=lambda D, y: np.mean(y[D.argsort(axis=1)[:, min(2, len(D) - 1)]] != y),
            ),
            Mistake(
                "That is how many are wrong. The share divides by the number of examples.",
                does=lambda D, y: len(y) * _left_out(D, y),
            ),
        ],
        why="For each example look for the smallest distance to another one, and compare labels.",
    )
)


# --- q9: halfway between two solutions ----------------------------------------------------------


def _cost(W, c, w, b):
    outputs = np.maximum(CORNERS @ W + c, 0) @ w + b
    return float(np.mean((outputs - XOR) ** 2))


def _halfway():
    """Return the letter for the cost in the middle of the book's solution and its mirror image."""
    W, c, w = np.ones((2, 2)), np.array([0.0, -1.0]), np.array([1.0, -2.0])
    assert _cost(W, c, w, 0.0) == _cost(W[:, ::-1], c[::-1], w[::-1], 0.0) == 0
    cost = _cost((W + W[:, ::-1]) / 2, (c + c[::-1]) / 2, (w + w[::-1]) / 2, 0.0)
    return "abcd"[int(cost > 0) + int(cost >= 0.25) + int(cost > 0.25)]


q9 = section.add(
    Value(
        title="Halfway between two solutions",
        answer="middle",
        kind="predict",
        level=1,
        choices="abcd",
        right=_halfway,
        hints=[
            "In the middle both units have the same weights. What are their bias and their output "
            "weight?",
            "Bias -1/2 and output weight -1/2, twice. What does this network say at [1, 1]?",
        ],
        after="The cost is 27/16 there, far above that of answering ½. On a convex surface the "
        "way from one minimum to another never rises: so this one is not convex, and every "
        "network with two different hidden units has such a twin.",
        mistakes={
            "a": "The two networks agree, but the middle is taken between their parameters, not "
            "between their outputs. Set in the numbers: is it still a solution?",
            "b": "That is what the middle of two different answers might cost. Set in the numbers: "
            "the output weights 1 and -2 become -1/2 and -1/2, so nothing is positive any more.",
            "c": "It does not fall back on answering ½: no bias says ½. Compute the output at "
            "[1, 1].",
        },
    )
)


# --- q10: somewhere in the haystack -------------------------------------------------------------


def _task(seed, n, pair, agree, examples=500, noise=0.1):
    """Return X, y with some labels turned round, and new points with their labels."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(examples + 1000, n))
    y = (X[:, pair[0]] * X[:, pair[1]] > 0).astype(float)
    y = y if agree else 1 - y
    X, X_new, y, y_new = X[:examples], X[examples:], y[:examples], y[examples:]
    y = np.where(rng.uniform(size=examples) < noise, 1 - y, y)
    return X, y, X_new, y_new


TASKS = [
    _task(1, 10, (0, 1), agree=True),
    _task(2, 18, (4, 11), agree=True),
    _task(3, 18, (7, 2), agree=False),
]


def _nearest(X, y, X_new):
    return y[_squares(X_new, X).argmin(axis=1)]


def _linear(X, y, X_new):
    A, B = (np.column_stack([part, np.ones(len(part))]) for part in (X, X_new))
    return (B @ np.linalg.lstsq(A, y, rcond=None)[0] > 0.5).astype(float)


def _why_wrong(found, X, y, X_new, y_new):
    """Return what is typical of the labels that a learner found, or an empty text."""

    def like(other, share=0.97):
        return np.mean(found == other) > share

    first_two = (X_new[:, 0] * X_new[:, 1] > 0).astype(float)
    if np.ptp(found) == 0:
        return "It gives every point the same label."
    if like(1 - y_new):
        return (
            "Everything is turned round: it knows which coordinates matter, and takes it for "
            "granted that equal signs mean 1. Let the labels say that, too."
        )
    if like(first_two) or like(1 - first_two):
        return (
            "It looks at the first two coordinates, as on the chapter's page. That is a feature "
            "made by hand, for another task: here the two that matter are somewhere else."
        )
    if like(_linear(X, y, X_new), 0.9):
        return (
            "That is a linear model of the raw coordinates. Each of them means nothing by itself."
        )
    if like(_nearest(X, y, X_new), 0.9):
        return (
            "It answers as the nearest example does. In so many dimensions no example is near, and "
            "one label in ten is wrong."
        )
    return ""


def _finds_the_feature(answer):
    """Judge a learner by its labels for new points of three tasks."""
    for X, y, X_new, y_new in TASKS:
        task = ("task", f"{len(X)} examples of {X.shape[1]} numbers")
        value = returned(answer.call(X, y, X_new), [task])
        if wrong := difference(value, y_new, atol=np.inf):  # the form alone
            text = "One label, 0 or 1, for each row of X_new."
            raise Wrong(wrong.headline, [task], text)
        found = np.asarray(value, float)
        if not np.isin(found, (0, 1)).all():
            text = "Decide: labels are 0 or 1. An output above one half means 1."
            raise Wrong("gives something else than labels", [task, ("labels", show(found))], text)
        share = np.mean(found != y_new)
        if share > 0.05:
            text = _why_wrong(found, X, y, X_new, y_new)
            known = np.mean(np.asarray(returned(answer.call(X, y, X), [task])) != y)
            shown = [
                task,
                ("wrong on the examples", f"{known:.0%}, where 10% of the labels are"),
                ("wrong on new points", f"{share:.0%}, where 5% are allowed"),
            ]
            raise Wrong("does not find the feature", shown, text or _broad_or_narrow(known))


def _broad_or_narrow(known):
    if known < 0.05:
        return (
            "It fits the examples better than the truth does, whose labels are wrong in one case "
            "of ten: its family is so broad that it learns the noise."
        )
    return (
        "Which family of features contains the truth, and little else? Let the examples choose "
        "within that one."
    )


q10 = section.add(
    Trial(
        title="Somewhere in the haystack",
        answer="learn",
        kind="implement",
        level=3,
        marked=True,
        right=_finds_the_feature,
        hints=[
            "You know something that a kernel does not: two coordinates matter, through their "
            "signs. What you do not know is which. How many possibilities are there?",
            "18 coordinates have 153 pairs. Try them all: for each, how often does the sign of the "
            "product agree with the label?",
            "The pair that matters agrees with about 90% of the labels, or with 10%, if equal "
            "signs mean 0. All others agree with about half.",
        ],
        after="That is learning a feature, too: the family is a list of 153 functions, and the "
        "search a loop. A network searches a family that is far larger, by descent. The "
        "narrower the family that still contains the truth, the fewer examples it takes.",
    )
)


# --- q11: the number eight ----------------------------------------------------------------------

q11 = section.add(
    Open(
        title="The number eight",
        answer="eight",
        kind="open",
        level=1,
        hints=[
            "The chapter's page trains networks of 2, 8, 32 and 128 units. Look at both errors.",
            "Which of the three ways does a very broad family resemble, and which a very narrow "
            "one?",
        ],
        words=15,
    )
)
