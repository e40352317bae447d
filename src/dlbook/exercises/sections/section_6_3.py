"""Exercises on section 6.3: hidden units, their slopes, and what a layer of them can be made to do.

Look first at ``q4``, a maxout layer, and at ``q10``, the evening's work: the same function with
other units.
"""

import numpy as np
from hypothesis import strategies as st

import dlbook as dl
from dlbook.exercises.adapters.section_6_3 import as_sigmoid_network
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import matrices, networks, numbers, vectors
from dlbook.exercises.checking.messages import show
from dlbook.exercises.checking.section import Section

section = Section("6_3_hidden_units", "Exercises on section 6.3")
progress = section.progress


# --- q1: the slopes of the generalised rectifier ------------------------------------------------


def _slopes(z, alpha):
    return np.where(z > 0, 1.0, alpha), np.minimum(z, 0)


def _has_integers(case, reply):
    return "integers" in case.note and not reply.error


def _numbers(value):
    """Return an array of floats, or None of what is no array of numbers."""
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        return None


def _is_undefined_at_zero(case, reply):
    by_z = (
        _numbers(reply.value[0]) if isinstance(reply.value, (tuple, list)) and reply.value else None
    )
    return by_z is not None and 0 in case.arguments[0] and bool(np.isnan(by_z).any())


def _has_the_shape_of_the_units(case, reply):
    z, _, G = case.arguments
    back = _numbers(reply.value)
    return back is not None and back.shape == np.shape(G) != np.shape(z)


q1 = section.add(
    Function(
        title="Two slopes of one family",
        answer="slopes",
        kind="formula",
        level=1,
        names=("z", "alpha"),
        expected=_slopes,
        cases=[
            (np.array([-2.0, 3.0]), 0.25),
            (np.array([0.0]), 0.25),
            (np.array([-1.0, 2.0]), -1.0),
            (np.array([-1.0, 2.0]), 0.0),
            (np.array([-1.0, 2.0]), 2.0),
            (np.array([-1e30, 1e30]), 0.01),
            (np.array([[-1.0, 1.0], [2.0, -3.0]]), 0.5),
        ],
        inputs=st.tuples(vectors(st.integers(1, 3)), numbers(-2, 2)),
        hints=[
            "Treat z > 0 and z <= 0 one at a time. In each there is a plain product to "
            "differentiate.",
            "For z <= 0 the unit is alpha z. Hold alpha fixed and differentiate by z; then hold z "
            "fixed and differentiate by alpha.",
            "By z: 1 or alpha. By alpha: 0 or z, that is min(0, z).",
            "return np.where(z > 0, 1.0, alpha), np.minimum(z, 0)",
        ],
        after="The second slope is what makes a parametric unit learn its leak: every example on "
        "the negative side pulls at alpha, the more the farther it is from 0.",
        mistakes=[
            Mistake(
                "An integer array cannot hold alpha: ones_like(z), or a copy of z, has the type of "
                "z and cuts 0.25 down to 0.",
                when=_has_integers,
            ),
            Mistake(
                "Those are the slopes of the plain rectifier, alpha = 0. Here the negative side "
                "has the slope alpha.",
                does=lambda z, alpha: (np.where(z > 0, 1.0, 0.0), np.minimum(z, 0)),
            ),
            Mistake(
                "At z = 0 this takes the slope from the right. The exercise asks for the one from "
                "the left, alpha.",
                does=lambda z, alpha: (np.where(z >= 0, 1.0, alpha), np.minimum(z, 0)),
            ),
            Mistake(
                "The derivative by alpha is z on the negative side, not 1: alpha multiplies z.",
                does=lambda z, alpha: (np.where(z > 0, 1.0, alpha), np.where(z > 0, 0.0, 1.0)),
            ),
            Mistake(
                "For z > 0 alpha does not occur at all, so the derivative by alpha is 0 there: "
                "min(0, z) and not z.",
                does=lambda z, alpha: (np.where(z > 0, 1.0, alpha), z),
            ),
            Mistake(
                "max(0, z) is what the positive side contributes. What alpha multiplies is "
                "min(0, z).",
                does=lambda z, alpha: (np.where(z > 0, 1.0, alpha), np.maximum(z, 0)),
            ),
            Mistake(
                "The two derivatives have changed places: first by z, then by alpha.",
                does=lambda z, alpha: _slopes(z, alpha)[::-1],
            ),
            Mistake(
                "The sign: on the negative side the unit is alpha z, and with alpha = -1 that is "
                "-z, the absolute value. Its slope is alpha itself.",
                does=lambda z, alpha: (np.where(z > 0, 1.0, -alpha), np.minimum(z, 0)),
            ),
            Mistake(
                "The first is right. The sign of the second: min(0, z) is negative where the unit "
                "leaks, and so is the derivative by alpha.",
                does=lambda z, alpha: (np.where(z > 0, 1.0, alpha), -np.minimum(z, 0)),
            ),
            Mistake(
                "The first is right. In the second there is an alpha left: the derivative of "
                "alpha z by alpha is z.",
                does=lambda z, alpha: (np.where(z > 0, 1.0, alpha), alpha * np.minimum(z, 0)),
            ),
            Mistake(
                "The derivative of alpha z by z is alpha; the z is gone.",
                does=lambda z, alpha: (np.where(z > 0, 1.0, alpha * z), np.minimum(z, 0)),
            ),
            Mistake(
                "The first is the unit's value, max(0, z) + alpha min(0, z), and not its slope.",
                does=lambda z, alpha: (
                    np.maximum(z, 0) + alpha * np.minimum(z, 0),
                    np.minimum(z, 0),
                ),
            ),
            Mistake(
                "The leak is fixed at 0.01. It is the argument alpha.",
                does=lambda z, alpha: (np.where(z > 0, 1.0, 0.01), np.minimum(z, 0)),
            ),
            *[
                Mistake(
                    "Right but at z = 0: the exercise asks for the slope from the left there, "
                    "alpha.",
                    does=lambda z, alpha, share=share: (
                        np.where(z > 0, 1.0, np.where(z < 0, alpha, share * (1 + alpha))),
                        np.minimum(z, 0),
                    ),
                )
                for share in (0, 0.5)
            ],
            Mistake(
                "The value divided by z is a slope through the origin; at z = 0 it is 0 / 0.",
                when=_is_undefined_at_zero,
            ),
        ],
        why="Differentiate max(0, z) + alpha min(0, z) on each side of 0, first by z, then by "
        "alpha.",
    )
)


# --- q2: the tip of the absolute value ----------------------------------------------------------


def _slope_at_the_tip():
    z = dl.variable("z", ())
    slope = dl.evaluate(dl.backprop([z], dl.abs(z))[z], {z: np.array(0.0)})
    return {-1.0: "a", 0.0: "b", 1.0: "c"}[float(slope)]


q2 = section.add(
    Value(
        title="At the tip of |z|",
        answer="tip",
        kind="predict",
        level=1,
        choices="abcd",
        right=_slope_at_the_tip,
        hints=[
            "No derivative exists there, yet a program has to hand over some number.",
            "NumPy has a function for the slope of |z|: np.sign. What is np.sign(0)?",
        ],
        after="0 is the number half way between the two one-sided slopes, so it is neither of "
        "them: the rule of thumb in the book has an exception. It seldom matters, since a "
        "pre-activation is hardly ever exactly 0.",
        mistakes={
            "a": "The slope from the left would be one of the two one-sided ones, and that is what "
            "the rectifier gets. But for |z| the library multiplies by the sign of z.",
            "c": "The slope from the right would be one of the two one-sided ones. But for |z| the "
            "library multiplies by the sign of z.",
            "d": "The derivative does not exist there, true. Yet training has to go on, and no "
            "library stops for it: it returns a number.",
        },
    )
)


# --- q3: where is the tint? ---------------------------------------------------------------------

GRID = np.linspace(-4, 4, 401)
ASKED = {"a": "leaky relu", "b": "softplus", "c": "absolute value", "d": "tanh"}


def _share_without_slope(name):
    z = dl.variable("z", (None,))
    slope = dl.backprop([z], dl.sum(dl.hidden_units.UNITS[name](z)))[z]
    return np.mean(np.abs(dl.evaluate(slope, {z: GRID})) < 0.05)


def _least_tinted():
    return min(ASKED, key=lambda letter: _share_without_slope(ASKED[letter]))


q3 = section.add(
    Value(
        title="Read the gallery",
        answer="least_tinted",
        kind="figure",
        level=1,
        choices="abcd",
        right=_least_tinted,
        hints=[
            "The tint marks slopes below 0.05 in size; the sign does not count.",
            "Which of the four is steep on both sides, far out as well?",
        ],
        after="A gradient everywhere is not the same as a gradient worth having: the leak of 0.01 "
        "is tinted, though it is never 0.",
        mistakes={
            "a": "A leaky unit's slope is never 0, but on the negative side it is 0.01, and that "
            "is below 0.05: half of its picture is tinted.",
            "b": "Softplus is smooth, yet it levels off on the left: at z = -4 its slope is 0.02.",
            "d": "Tanh is flat on both sides: it has more tint than any other of the four but the "
            "leaky unit.",
        },
    )
)


# --- q4 and q5: maxout, forward and backward ----------------------------------------------------


def _maxout(z, k):
    return z.reshape(len(z), -1, k).max(axis=2)


@st.composite
def _groups(draw):
    m, p, k = (draw(st.integers(1, 3)) for _ in range(3))
    return draw(matrices(m, p * k)), k


Z = np.array([[1.0, 4.0, -2.0, -3.0], [0.0, -1.0, 5.0, 7.0]])

q4 = section.add(
    Function(
        title="A maxout layer's units",
        answer="maxout",
        kind="implement",
        level=2,
        marked=True,
        names=("z", "k"),
        expected=_maxout,
        cases=[
            (Z, 2),
            (Z[:1], 2),
            (Z, 1),
            (Z, 4),
            (-np.ones((1, 2)), 2),
            (np.arange(6.0)[None], 3),
            (np.array([[-1e30, -2e30]]), 2),
        ],
        inputs=_groups(),
        hints=[
            "Unit 1 takes the first k numbers of a row, unit 2 the next k. A third axis can hold "
            "the k numbers of a group.",
            "z.reshape(m, p, k) has entry [r, i, j] = z[r, i k + j]: NumPy fills the last axis "
            "first, and that is how 6.37 numbers its groups.",
            "return z.reshape(len(z), -1, k).max(axis=2)",
        ],
        after="The unit's shape is now in the weights of its k pieces. It has k times the "
        "parameters of a rectified unit, and no formula of its own.",
        mistakes=[
            Mistake(
                "The groups are put together from numbers that are p apart. Equation 6.37 takes "
                "neighbours: 1 to k, then k + 1 to 2 k.",
                does=lambda z, k: z.reshape(len(z), k, -1).max(axis=1),
            ),
            Mistake(
                "The maximum of the whole row: then a layer has one unit only. Each group of k has "
                "its own maximum.",
                does=lambda z, k: z.max(axis=1),
            ),
            Mistake(
                "The maximum of the whole row: then a layer has one unit only. Each group of k has "
                "its own maximum.",
                does=lambda z, k: z.max(axis=1, keepdims=True),
            ),
            Mistake(
                "Something here is never below 0, such as a maximum that starts at 0. A maxout "
                "unit is negative if all its pieces are.",
                does=lambda z, k: np.maximum(_maxout(z, k), 0),
            ),
            Mistake(
                "The largest in size, without its sign: 6.37 takes the largest number, so 1 "
                "beats -4.",
                does=lambda z, k: np.abs(z).reshape(len(z), -1, k).max(axis=2),
            ),
            Mistake(
                "Here the groups run on from one example to the next. Keep the first axis, the "
                "examples, to itself.",
                does=lambda z, k: z.T.reshape(-1, k).max(axis=1).reshape(len(z), -1),
            ),
            Mistake(
                "The groups are counted down the columns: order='F' fills the first axis first, "
                "and mixes neighbours. Equation 6.37 takes neighbours: 1 to k, then k + 1 to 2 k.",
                does=lambda z, k: z.reshape(len(z), -1, k, order="F").max(axis=2),
            ),
            Mistake(
                "The maximum runs over the units, not over the k numbers of a unit: in "
                "z.reshape(m, p, k) those are along the last axis.",
                does=lambda z, k: z.reshape(len(z), -1, k).max(axis=1),
            ),
            Mistake(
                "The groups have p numbers here and there are k of them. It is the other way "
                "round: p groups of k.",
                does=lambda z, k: z.reshape(len(z), k, -1).max(axis=2),
            ),
            Mistake(
                "The groups overlap. After the first k numbers come the next k.",
                does=lambda z, k: np.stack(
                    [z[:, i : i + k].max(axis=1) for i in range(z.shape[1] - k + 1)], axis=1
                ),
            ),
            Mistake(
                "The groups have two numbers, whatever k is.",
                does=lambda z, k: np.maximum(z[:, ::2], z[:, 1::2]),
            ),
            Mistake(
                "This says which piece is the largest. Asked for is how large it is.",
                does=lambda z, k: z.reshape(len(z), -1, k).argmax(axis=2),
            ),
            Mistake(
                "The maximum runs over the examples as well. Each example has outputs of its own.",
                does=lambda z, k: np.repeat(
                    z.reshape(len(z), -1, k).max(axis=(0, 2))[None], len(z), axis=0
                ),
            ),
            Mistake(
                "All in one row. The outputs have the shape (m, p): a row for each example.",
                does=lambda z, k: z.reshape(-1, k).max(axis=1),
            ),
            Mistake(
                "The mean of a group is linear in z; it is the maximum that bends.",
                does=lambda z, k: z.reshape(len(z), -1, k).mean(axis=2),
            ),
        ],
        why="In each row the numbers i k to i k + k - 1, counted from 0, belong to unit i.",
    )
)


def _first_largest(z, k):
    """Say for each number whether its piece is in use, the first of several that are equal."""
    groups = z.reshape(len(z), -1, k)
    return np.arange(k) == groups.argmax(axis=2)[:, :, None]


def _maxout_backward(z, k, G):
    return np.where(_first_largest(z, k), np.asarray(G)[:, :, None], 0).reshape(z.shape)


def _to_all_that_tie(z, k, G):
    groups = z.reshape(len(z), -1, k)
    tied = groups == groups.max(axis=2, keepdims=True)
    return (tied * G[:, :, None]).reshape(z.shape)


def _shared_by_ties(z, k, G):
    groups = z.reshape(len(z), -1, k)
    tied = groups == groups.max(axis=2, keepdims=True)
    return (tied * G[:, :, None] / tied.sum(axis=2, keepdims=True)).reshape(z.shape)


def _to_the_last(z, k, G):
    # Everything turned round, so that the last of a tie is the first.
    return _maxout_backward(z[:, ::-1], k, G[:, ::-1])[:, ::-1]


def _to_interleaved(z, k, G):
    groups = z.reshape(len(z), k, -1)
    chosen = np.arange(k)[:, None] == groups.argmax(axis=1)[:, None, :]
    return (chosen * G[:, None, :]).reshape(z.shape)


@st.composite
def _groups_and_gradients(draw):
    z, k = draw(_groups())
    return z, k, draw(matrices(len(z), z.shape[1] // k))


UP = np.array([[10.0, 20.0], [30.0, 40.0]])

q5 = section.add(
    Function(
        title="The way back through maxout",
        answer="maxout_backward",
        kind="implement",
        level=2,
        names=("z", "k", "G"),
        expected=_maxout_backward,
        cases=[
            (Z, 2, UP),
            (Z[:1], 2, UP[:1]),
            (np.array([[3.0, 3.0]]), 2, np.array([[6.0]])),
            (Z, 1, np.ones((2, 4))),
            (Z, 4, np.array([[1.0], [2.0]])),
            (np.array([[1.0, 2.0]]), 2, np.array([[0.0]])),
        ],
        inputs=_groups_and_gradients(),
        hints=[
            "Change a number that is not the largest of its group by a little: what does the "
            "output do?",
            "So the gradient of a unit goes to one of its k numbers, whole, and the others get 0. "
            "argmax(axis=2) of the reshaped z says which, and takes the first of equals.",
            "np.put_along_axis(zeros, winner[:, :, None], G[:, :, None], axis=2) writes G where "
            "the winners are.",
        ],
        after="A piece that never wins never gets a gradient: this is how pieces of a maxout unit "
        "die, one by one, though the unit itself does not.",
        mistakes=[
            Mistake(
                "Every piece gets the gradient, the losers too. A number that is not the largest "
                "does not change the output, so its derivative is 0.",
                does=lambda z, k, G: np.repeat(G, k, axis=1),
            ),
            Mistake(
                "Where two pieces are equal, both got the whole gradient, so together they got "
                "more than came. Here it goes to the first alone.",
                does=_to_all_that_tie,
            ),
            Mistake(
                "Where two pieces are equal, they share. That is a fair convention, but the one "
                "asked for gives all to the first.",
                does=_shared_by_ties,
            ),
            Mistake(
                "Where two pieces are equal, the last one got the gradient; the first should.",
                does=_to_the_last,
            ),
            Mistake(
                "The gradients are dealt out in the wrong order: G[r, i] belongs to the k numbers "
                "i k to i k + k - 1. np.repeat keeps them together, np.tile does not.",
                does=lambda z, k, G: _first_largest(z, k).reshape(z.shape) * np.tile(G, k),
            ),
            Mistake(
                "The gradient is shared by all k pieces. That is the way back through a mean; "
                "through a maximum the winner gets all of it.",
                does=lambda z, k, G: np.repeat(G, k, axis=1) / k,
            ),
            Mistake(
                "This gates by z > 0, as for a rectifier. In a maxout unit a piece is on if it is "
                "the largest of its group, whatever its sign.",
                does=lambda z, k, G: np.repeat(G, k, axis=1) * (z > 0),
            ),
            Mistake(
                "The three axes (m, p, k) are still there. z has two: (m, p k).",
                does=lambda z, k, G: _maxout_backward(z, k, G).reshape(len(z), -1, k),
            ),
            Mistake(
                "This only marks the winners with 1. By the chain rule that is multiplied by G.",
                does=lambda z, k, G: _first_largest(z, k).reshape(z.shape) * 1.0,
            ),
            Mistake(
                "The winner's value is a factor here. The slope of max at its winner is 1, "
                "however large it is.",
                does=lambda z, k, G: _maxout_backward(z, k, G) * z,
            ),
            Mistake(
                "The groups are put together from numbers that are p apart. Equation 6.37 takes "
                "neighbours.",
                does=_to_interleaved,
            ),
            Mistake(
                "G has a number for each unit, but z has k for each, and so has its gradient.",
                when=_has_the_shape_of_the_units,
            ),
        ],
        why="Each G[r, i] goes to the first largest of its k numbers, and all others get 0.",
    )
)


# --- q6: XOR with one unit ----------------------------------------------------------------------

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
OTHER_TABLES = {
    (0, 0, 1, 0): "One side is done. It is silent at [0, 1], so the second piece has to win there.",
    (0, 1, 0, 0): "One side is done. It is silent at [1, 0], so the second piece has to win there.",
    (0, 1, 1, 1): "That is OR. At [1, 1] both pieces have to be at most 0: let one input pull each "
    "of them down.",
    (0, 1, 1, 2): "That is the sum of the bits. Along the diagonal the unit must stay at 0, so "
    "each piece needs weights that cancel there.",
    (0, 0, 0, 1): "That is AND.",
    (0, 0.5, 0.5, 0): "That is half of it: the maximum bends, it does not add the pieces.",
    (1, 2, 2, 1): "That is 1 too much everywhere: the biases.",
    (1, 0, 0, 1): "That is XNOR, XOR turned round.",
    (0, -1, -1, 0): "Both pieces have the wrong sign for a maximum: -|x1 - x2| bends downwards.",
}


def _is_xor(weights):
    W, b = (np.asarray(array, float) for array in weights)
    if W.shape != (2, 2) or b.shape != (2,):
        raise Wrong(
            "the weights have another shape than asked for",
            [("W", str(W.shape)), ("b", str(b.shape)), ("expected", "(2, 2) and (2,)")],
            "One unit with two pieces: a column of W and an entry of b for each.",
        )
    pieces = CORNERS @ W + b
    got = pieces.max(axis=1)
    if np.allclose(got, [0, 1, 1, 0]):
        return
    wrong = int(np.argmax(~np.isclose(got, [0, 1, 1, 0])))
    text = OTHER_TABLES.get(tuple(np.round(got, 6)), "")
    raise Wrong(
        f"at x = {CORNERS[wrong].astype(int).tolist()} the unit gives another value",
        [
            ("pieces", show(pieces[wrong])),
            ("their maximum", f"{got[wrong]:g}"),
            ("expected", f"{[0, 1, 1, 0][wrong]}"),
        ],
        text or "Each piece is a plane over the square. Which corners should it be the largest at?",
    )


q6 = section.add(
    Value(
        title="XOR with a single unit",
        answer="one_unit",
        kind="design",
        level=1,
        right=_is_xor,
        hints=[
            "On the four corners XOR is the absolute value of something simple.",
            "|x1 - x2|, and an absolute value is the larger of a number and its negative.",
            "The columns of W are the two pieces: x1 - x2 and x2 - x1. No biases.",
        ],
        after="A single rectified unit cannot do this: along a line it never falls and rises "
        "again. A maxout unit with two pieces can.",
    )
)


# --- q7: a parabola of four lines ---------------------------------------------------------------

FINE = np.linspace(-1, 1, 4001)
NEAR = 0.04


def _is_near_the_parabola(lines):
    w, b = (np.asarray(array, float) for array in lines)
    if w.shape != (4,) or b.shape != (4,):
        raise Wrong(
            "the lines have another shape than asked for",
            [("w", str(w.shape)), ("b", str(b.shape)), ("expected", "(4,) and (4,)")],
            "Four pieces: four slopes and four heights at x = 0.",
        )
    pieces = FINE[:, None] * w + b
    gap = pieces.max(axis=1) - FINE**2
    worst = int(np.abs(gap).argmax())
    if abs(gap[worst]) <= NEAR:
        return
    raise Wrong(
        f"off by {abs(gap[worst]):.4f}, where {NEAR} is allowed",
        [
            ("farthest off at x", f"{FINE[worst]:.3g}"),
            ("your unit", f"{gap[worst] + FINE[worst] ** 2:.4f}"),
            ("the parabola", f"{FINE[worst] ** 2:.4f}"),
        ],
        _why_off(gap, len(np.unique(pieces.argmax(axis=1)))),
    )


def _why_off(gap, used):
    if not np.isfinite(gap).all():
        return "A slope or a height is no finite number."
    if used < 4:
        are = "is" if used == 1 else "are"
        return (
            f"Only {used} of the four pieces {are} the largest anywhere between -1 and 1. One that "
            "never wins might as well not be there."
        )
    if gap.max() < 1e-9:
        return (
            "Your unit is never above the parabola: its lines are tangents, or lower. Tangents use "
            "only half of the room; lift them until they are as far above as below."
        )
    if gap.min() > -1e-9:
        return (
            "Your unit is never below the parabola: its lines are chords, or higher. Chords use "
            "only half of the room; lower them until they are as far below as above."
        )
    return (
        f"It is up to {max(gap.max(), 0):.4f} above the parabola and up to {-gap.min():.4f} below. "
        "At the best the two are equal: cut [-1, 1] into four equal parts and balance each."
    )


q7 = section.add(
    Value(
        title="A parabola of four lines",
        answer="lines",
        kind="design",
        level=2,
        marked=True,
        right=_is_near_the_parabola,
        hints=[
            "x^2 bends alike everywhere, so each line should serve an equal part of [-1, 1], half "
            "a unit wide.",
            "The tangent at c is 2 c x - c^2; take the centres of the four parts for c. A distance "
            "d away from c it is d^2 too low.",
            "At the ends of a part the tangent is 1/16 too low, at c exact. Lifted by 1/32 it is "
            "1/32 too high in the middle and 1/32 too low at the ends.",
        ],
        after="Four lines cannot do better than 1/32, and k lines not better than 1 / (2 k^2): "
        "twice the pieces, a quarter of the error. With four pieces training often comes near it, "
        "in the chapter's count; with more it falls behind, for pieces that never win receive no "
        "gradient.",
    )
)


# --- q8: dead units -----------------------------------------------------------------------------


def _given_dead_units(X, W, b):
    """Say for each unit whether it is off for all rows of X."""
    z = X @ W + b
    off = z <= 0
    return off.any(axis=0)


def _dead_units(X, W, b):
    return (X @ W + b <= 0).all(axis=0)


@st.composite
def _layers_and_data(draw):
    m, n, k = (draw(st.integers(1, 3)) for _ in range(3))
    # All numbers at once: much faster than one array after the other.
    X, W, b = np.split(draw(vectors(m * n + n * k + k, -2, 2)), np.cumsum([m * n, n * k]))
    return X.reshape(m, n), W.reshape(n, k), b


q8 = section.add(
    Function(
        title="Which units are dead?",
        answer="dead_units",
        kind="bug",
        level=2,
        marked=True,
        given=_given_dead_units,
        names=("X", "W", "b"),
        expected=_dead_units,
        cases=[
            (
                np.array([[1.0], [-1.0], [2.0]]),
                np.array([[1.0, -1.0, 1.0]]),
                np.array([0.0, -3.0, -2.0]),
            ),
            (np.array([[1.0], [-1.0]]), np.array([[1.0]]), np.array([0.0])),
            (np.array([[1.0], [-1.0]]), np.array([[1.0, 1.0]]), np.array([-1.0, -2.0])),
            (np.array([[1.0]]), np.array([[1.0]]), np.array([2.0])),
            (np.array([[1.0], [-3.0]]), np.array([[1.0]]), np.array([0.5])),
            (np.array([[1.0], [-1.0]]), np.array([[0.0]]), np.array([1.0])),
            (np.zeros((1, 2)), np.ones((2, 2)), np.array([0.0, 0.1])),
        ],
        inputs=_layers_and_data(),
        hints=[
            "Take one unit and two examples, one on each side of its edge. What does the function "
            "say, and can the unit learn?",
            "A unit that is on for a single example gets a gradient from that one.",
            "any asks whether there is an example for which it is off. Asked for is whether it is "
            "off for every one.",
        ],
        after="Being off for some examples is a rectified unit's way of working. Off for all of "
        "them is death: no weight of it ever moves again.",
        mistakes=[
            Mistake(
                "This still calls a unit dead if it is off for some example. One example for which "
                "it is on is enough to learn from.",
                does=_given_dead_units,
            ),
            Mistake(
                "The answer is turned round: these are the units that are on for some example.",
                does=lambda X, W, b: (X @ W + b > 0).any(axis=0),
            ),
            Mistake(
                "The examples are in the rows, so axis 0 runs over them. This runs over the units.",
                does=lambda X, W, b: (X @ W + b <= 0).all(axis=1),
            ),
            Mistake(
                "At exactly z = 0 the library's slope is 0 as well: no gradient, so it counts as "
                "off.",
                does=lambda X, W, b: (X @ W + b < 0).all(axis=0),
            ),
            Mistake(
                "The mean over the examples can be below 0 while one of them is above, and that "
                "one is enough to learn from.",
                does=lambda X, W, b: (X @ W + b).mean(axis=0) <= 0,
            ),
            Mistake(
                "The biases are left out: it is they that push a unit over the edge.",
                does=lambda X, W, b: (X @ W <= 0).all(axis=0),
            ),
            Mistake(
                "The biases are subtracted: z is X @ W + b.",
                does=lambda X, W, b: (X @ W - b <= 0).all(axis=0),
            ),
            Mistake(
                "These are the numbers of the dead units. Asked for is an array with True or False "
                "for every unit.",
                does=lambda X, W, b: np.flatnonzero((X @ W + b <= 0).all(axis=0)),
            ),
            Mistake(
                "This says for each example and each unit whether it is off. One answer for each "
                "unit is asked for.",
                does=lambda X, W, b: X @ W + b <= 0,
            ),
            Mistake(
                "More than half of the examples is not all of them: one for which the unit is on "
                "is enough to learn from.",
                does=lambda X, W, b: (X @ W + b <= 0).mean(axis=0) > 0.5,
            ),
            Mistake(
                "This asks the first example alone. Another one may still be on.",
                does=lambda X, W, b: X[0] @ W + b <= 0,
            ),
            Mistake(
                "These are the units that are never off. A unit is healthy if it is on for a "
                "single example.",
                does=lambda X, W, b: (X @ W + b > 0).all(axis=0),
            ),
            Mistake(
                "One answer for the whole layer. Each unit lives or dies on its own.",
                does=lambda X, W, b: (X @ W + b <= 0).all(),
            ),
        ],
        why="A unit is dead if X W + b is at most 0 in the whole of its column.",
    )
)


# --- q9: ten sigmoids in a row ------------------------------------------------------------------


def _slope_of_ten_sigmoids():
    x = dl.variable("x", ())
    h = x
    for _ in range(10):
        h = dl.sigmoid(h)
    return float(dl.evaluate(dl.backprop([x], h)[x], {x: np.array(0.0)}))


def _as_letter():
    slope = _slope_of_ten_sigmoids()
    return "abcd"[int(slope < 0.5) + int(slope < 0.01) + int(slope < 1e-5)]


q9 = section.add(
    Value(
        title="Ten sigmoids in a row",
        answer="ten_sigmoids",
        kind="predict",
        level=1,
        choices="abcd",
        right=_as_letter,
        hints=[
            "The chain rule multiplies ten slopes. How large is each at most?",
            "The slope of the sigmoid is s (1 - s), at most 1/4, and a quarter to the tenth power "
            "is about a millionth.",
        ],
        after="It is 4e-7, and not one of the ten units is saturated: a quarter at best, once for "
        "each layer. Weights of 4 alone would not mend it, as then the units do saturate. Together "
        "with biases of -2 they do: each unit after the first is kept where it is steepest.",
        mistakes={
            "a": "No unit is saturated, that is right. But even where it is steepest a sigmoid "
            "has the slope 1/4 only, and ten of these are multiplied.",
            "b": "The slopes are multiplied, not added or averaged: ten times a factor of a "
            "quarter at best.",
            "c": "That would be about a half for each layer. A sigmoid is nowhere steeper than "
            "1/4.",
        },
    )
)


# --- q10: from tanh to sigmoid ------------------------------------------------------------------


def _tanh_network(X, layers):
    H = X
    for number, (W, b) in enumerate(layers, start=1):
        z = H @ W + b
        H = z if number == len(layers) else np.tanh(z)
    return H


def _with(inner=2.0, outer=2.0, shift=1.0, first=True, last=False):
    """Make a conversion, right or nearly so, and run it."""

    def outputs(X, layers):
        converted, end = [], len(layers) - 1
        for number, (W, b) in enumerate(layers):
            if number > 0:
                W, b = outer * W, b - shift * W.sum(axis=0)
            if (number > 0 or first) and (number < end or last):
                W, b = inner * W, inner * b
            converted.append((W, b))
        return as_sigmoid_network(lambda _: converted, X, layers)

    return outputs


def _with_bias(bias):
    """Make a conversion with right weights; ``bias`` gives the biases of what reads a sigmoid."""

    def outputs(X, layers):
        converted, end = [], len(layers) - 1
        for number, (W, b) in enumerate(layers):
            factor = 1 if number == end else 2
            if number > 0:
                W, b = 2 * W, bias(W, b, factor)
            else:
                b = factor * b
            converted.append((factor * W, b))
        return as_sigmoid_network(lambda _: converted, X, layers)

    return outputs


def _weights_doubled_but_no_bias(X, layers):
    end = len(layers) - 1
    factors = [(2 if n < end else 1) * (2 if n > 0 else 1) for n in range(len(layers))]
    shifts = [W.sum(axis=0) if n > 0 else 0 for n, (W, _) in enumerate(layers)]
    converted = [
        (f * W, b - shift) for f, shift, (W, b) in zip(factors, shifts, layers, strict=True)
    ]
    return as_sigmoid_network(lambda _: converted, X, layers)


ONE = np.array([[1.0]])

q10 = section.add(
    Function(
        title="The same function with other units",
        answer="to_sigmoid",
        kind="implement",
        level=3,
        marked=True,
        adapter=as_sigmoid_network,
        names=("X", "layers"),
        expected=_tanh_network,
        cases=[
            (ONE, [(ONE, np.zeros(1)), (ONE, np.zeros(1))]),
            (ONE, [(2 * ONE, np.array([0.5]))]),
            (ONE, [(ONE, np.array([1.0])), (ONE, np.zeros(1))]),
            (ONE, [(ONE, np.zeros(1)), (ONE, np.zeros(1)), (ONE, np.zeros(1))]),
            (ONE, [(ONE, np.array([1.0])), (ONE, np.array([-1.0])), (ONE, np.array([0.5]))]),
            (
                np.array([[1.0, -1.0], [0.5, 2.0]]),
                [
                    (np.array([[1.0, 0.5], [-1.0, 2.0]]), np.array([0.0, 1.0])),
                    (np.array([[2.0], [-1.0]]), np.array([0.25])),
                ],
            ),
            (ONE, [(100 * ONE, np.zeros(1)), (ONE, np.zeros(1))]),
        ],
        inputs=networks(),
        atol=1e-7,
        hints=[
            "tanh(z) = 2 s(2 z) - 1. Three things happen to the sigmoid: its input is doubled, its "
            "output is doubled, and 1 is taken off. Which layer's weights can do each?",
            "Doubling z is the work of the layer itself: 2 W and 2 b. What comes out is s, and the "
            "next layer should see 2 s - 1.",
            "(2 s - 1) W + b = s (2 W) + (b - the sum of W over its rows). So a layer that reads s "
            "takes 2 W and b - W.sum(axis=0).",
            "For every layer: if it is not the first, W, b = 2 * W, b - W.sum(axis=0). Then, if it "
            "is not the last, W, b = 2 * W, 2 * b.",
        ],
        after="What one network computes the other does as well, so tanh is not better for what it "
        "can express. A sigmoid network that starts from such weights trains like one of tanh "
        "units: the start is the difference.",
        mistakes=[
            Mistake(
                "The layers after the first see 2 s - 1 in place of tanh: the -1 has to go into "
                "their biases, as minus the sum of the weights from each unit.",
                does=_with(shift=0.0),
            ),
            Mistake(
                "The -1 goes into the next bias with the original weights: b - W.sum(axis=0). "
                "With those that are doubled already it is taken off twice.",
                does=_with(shift=2.0),
            ),
            Mistake(
                "The sign of the shift: 2 s - 1 lies below 2 s, so its weights' sum comes off the "
                "bias.",
                does=_with(shift=-1.0),
            ),
            Mistake(
                "The pre-activations are not doubled: tanh(z) is 2 s(2 z) - 1, with a 2 inside, "
                "too. That goes into each hidden layer's own W and b.",
                does=_with(inner=1.0),
            ),
            Mistake(
                "The outputs are not doubled: a sigmoid rises from 0 to 1, tanh from -1 to 1. The "
                "next layer's weights have to make up for it.",
                does=_with(outer=1.0),
            ),
            Mistake(
                "The last layer has no sigmoid, so its pre-activations are not to be doubled.",
                does=_with(last=True),
            ),
            Mistake(
                "The first layer is left as it was. It has sigmoids after it, so its "
                "pre-activations need doubling as well.",
                does=_with(first=False),
            ),
            Mistake(
                "First the shift, then the doubling: a hidden layer that reads s has the bias "
                "2 (b - the sum of W). Here the sum is not doubled with the rest.",
                does=_with_bias(lambda W, b, factor: factor * b - W.sum(axis=0)),
            ),
            Mistake(
                "The sum for a unit runs over the units it reads from, the rows of W: "
                "W.sum(axis=0), one number for each column.",
                does=_with_bias(lambda W, b, factor: factor * (b - W.sum(axis=1))),
            ),
            Mistake(
                "This takes the sum of all weights off each bias. Each unit has a sum of its own, "
                "that of its column: W.sum(axis=0).",
                does=_with_bias(lambda W, b, factor: factor * (b - W.sum())),
            ),
            Mistake(
                "The -1 is taken off the bias as it is. It comes in through the weights, once for "
                "each unit that is read: minus the sum of the column.",
                does=_with_bias(lambda W, b, factor: factor * (b - 1)),
            ),
            Mistake(
                "This is the way back, from sigmoid units to tanh units: it halves where doubling "
                "is called for.",
                does=_with(inner=0.5, outer=0.5, shift=-0.5),
            ),
            Mistake(
                "A hidden layer's pre-activation is to be doubled as a whole: its bias as well as "
                "its weights.",
                does=_weights_doubled_but_no_bias,
            ),
            Mistake(
                "Nothing has changed: these weights are still those for tanh.",
                does=lambda X, layers: as_sigmoid_network(lambda given: given, X, layers),
            ),
        ],
        why="Follow one hidden unit: it should be given 2 z, and whoever reads its s should act as "
        "if it were 2 s - 1. Shown are the outputs of the networks.",
    )
)

q11 = section.add(
    Open(
        title="A winner among sixteen",
        answer="winner",
        kind="open",
        level=1,
        words=15,
        hints=[
            "How often would the best of sixteen equal units look better than the rectifier?",
            "Think of the number of comparisons, of the seeds, of how the learning rates were "
            "found, and of the entrant without any bend.",
        ],
        after="The more units take part, the farther ahead the luckiest of equals. And a data set "
        "on which a linear network does well cannot rank units.",
    )
)
