"""Exercises on section 6.4: width, depth, and what a network of either can be made to do.

Look first at ``q2``, why one hidden layer is enough, at ``q6``, why several are better, and at
``q9``, the evening's work: counting pieces exactly.
"""

import math
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from dlbook import regions
from dlbook.exercises.adapters.section_6_4 import on_all_bits, one_layer_at
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import matrices, vectors
from dlbook.exercises.checking.section import Section

section = Section("6_4_architecture", "Exercises on section 6.4")
progress = section.progress


# --- q1: what a chain costs ---------------------------------------------------------------------


def _parameters(n, L, p):
    return (n + 1) * p + (L - 1) * (p + 1) * p + p + 1


q1 = section.add(
    Function(
        title="What does a chain cost?",
        answer="parameters",
        kind="formula",
        level=1,
        names=("n", "L", "p"),
        expected=_parameters,
        cases=[(2, 1, 3), (1, 1, 1), (3, 2, 4), (100, 1, 500), (100, 19, 50), (1, 3, 1)],
        inputs=st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 9)),
        hints=[
            "There are three kinds of layers: the first, which reads n numbers, the further hidden "
            "ones, and the output.",
            "A layer from r numbers to s units has r s weights and s biases, (r + 1) s in all.",
            "(n + 1) p for the first, (p + 1) p for each of the L - 1 others, p + 1 for the "
            "output.",
        ],
        after="One layer of 500 units has 51,001 parameters, and so have 19 layers of 50. In a "
        "deep chain, twice as wide costs nearly four times as much, twice as deep only twice.",
        mistakes=[
            Mistake(
                "The biases are missing: each unit has one, the output too.",
                does=lambda n, L, p: n * p + (L - 1) * p * p + p,
            ),
            Mistake(
                "The output layer is missing: it has p weights and a bias.",
                does=lambda n, L, p: (n + 1) * p + (L - 1) * (p + 1) * p,
            ),
            Mistake(
                "The output unit has a bias, too.",
                does=lambda n, L, p: (n + 1) * p + (L - 1) * (p + 1) * p + p,
            ),
            Mistake(
                "L counts the first hidden layer as well, so there are L - 1 layers from p to p.",
                does=lambda n, L, p: (n + 1) * p + L * (p + 1) * p + p + 1,
            ),
            Mistake(
                "From one hidden layer to the next there are L - 1 steps, and each has p (p + 1) "
                "parameters. Here it is one step too few.",
                does=lambda n, L, p: (n + 1) * p + (L - 2) * (p + 1) * p + p + 1,
            ),
            Mistake(
                "All biases are missing, one for each unit, and the output layer, too.",
                does=lambda n, L, p: n * p + (L - 1) * p * p,
            ),
            Mistake(
                "Only the first hidden layer reads the n inputs. The others read p numbers.",
                does=lambda n, L, p: L * (n + 1) * p + p + 1,
            ),
            Mistake(
                "One bias a layer: each unit has its own.",
                does=lambda n, L, p: n * p + 1 + (L - 1) * (p * p + 1) + p + 1,
            ),
        ],
        why="Add up (numbers in + 1) times (units) over all layers. dl.MLP([n, *[p] * L, 1])"
        ".parameter_count counts them.",
    )
)


# --- q2: one hidden layer is enough -------------------------------------------------------------


def _units(starts, changes, first, x, y, at):
    hidden = np.maximum(np.asarray(at, float)[:, None] - starts, 0)
    return hidden @ changes + first


def _steep(a, b, c, at):
    return np.maximum(np.asarray(at, float)[:, None] * a + b, 0).sum(axis=1) + c


def _slopes(x, y):
    return np.diff(y) / np.diff(x)


def _changes(x, y):
    return np.diff(_slopes(x, y), prepend=0)


@st.composite
def _points(draw):
    quarters = draw(st.lists(st.integers(-8, 8), min_size=2, max_size=4, unique=True))
    x = np.array(sorted(quarters)) / 4
    at = np.sort(np.concatenate([x, (x[1:] + x[:-1]) / 2]))
    return x, draw(vectors(len(x))), at


TENT = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.5, 1.0, 1.5, 2.0])

q2 = section.add(
    Function(
        title="One layer through all points",
        answer="through",
        kind="implement",
        level=2,
        marked=True,
        adapter=one_layer_at,
        names=("x", "y", "at"),
        expected=lambda x, y, at: np.interp(at, x, y),
        rtol=1e-5,
        atol=1e-5,
        cases=[
            TENT,
            (np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([0.0, 0.5, 1.0])),
            (np.array([0.0, 1.0]), np.array([2.0, 2.0]), np.array([0.0, 0.5, 1.0])),
            (np.array([-1.0, 0.0]), np.array([0.0, 1.0]), np.array([-1.0, -0.5, 0.0])),
            (np.array([0.0, 4.0]), np.array([0.0, 2.0]), np.array([0.0, 2.0, 4.0])),
            (np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])),
            (np.arange(4.0), np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.5, 1.0, 2.5, 3.0])),
        ],
        inputs=_points(),
        hints=[
            "Let unit i be 0 up to x_i and rise with slope 1 from there: max(0, t - x_i). What "
            "does adding w_i times such a unit do to the slope of the sum?",
            "From x_i on the slope is w_0 + ... + w_i. So w_0 is the slope of the first part, and "
            "w_i the change of slope at x_i.",
            "slopes = np.diff(y) / np.diff(x); w = np.diff(slopes, prepend=0); a unit at each of "
            "x[:-1]; c = y[0].",
        ],
        after="That is the universal approximation theorem for one input, with its price: any "
        "continuous function is nearly a broken line, and each kink takes a unit.",
        mistakes=[
            Mistake(
                "The weights are the slopes themselves. But units that have begun go on: the "
                "slopes add up, so a unit brings the change of slope only.",
                does=lambda x, y, at: _units(x[:-1], _slopes(x, y), y[0], x, y, at),
            ),
            Mistake(
                "At x[0] all units are still 0, so the network gives c there, and that has to be "
                "y[0].",
                does=lambda x, y, at: _units(x[:-1], _changes(x, y), 0, x, y, at),
            ),
            Mistake(
                "The units begin at the right ends of the parts, so the first part is flat and "
                "all others come too late.",
                does=lambda x, y, at: _units(x[1:], _changes(x, y), y[0], x, y, at),
            ),
            Mistake(
                "The first part has no slope: a unit has to begin at x[0] as well.",
                does=lambda x, y, at: _units(x[1:-1], _changes(x, y)[1:], y[0], x, y, at),
            ),
            Mistake(
                "A slope is rise over run: the parts need not be 1 wide.",
                does=lambda x, y, at: _units(
                    x[:-1], np.diff(np.diff(y), prepend=0), y[0], x, y, at
                ),
            ),
            Mistake(
                "max(0, t + x_i) has its kink at -x_i. For a kink at x_i the bias is -x_i.",
                does=lambda x, y, at: _units(-x[:-1], _changes(x, y), y[0], x, y, at),
            ),
            Mistake(
                "With a_i = -1 a unit is on to the left of its kink and off to the right. To add "
                "up slopes from x[0] on, let it rise to the right: a_i = 1, b_i = -x_i.",
                does=lambda x, y, at: (
                    np.maximum(x[:-1] - np.asarray(at, float)[:, None], 0) @ _changes(x, y) + y[0]
                ),
            ),
            Mistake(
                "a and w have changed places. A rectified unit cannot give less than 0, so a "
                "slope that falls has to come from w.",
                does=lambda x, y, at: _steep(_changes(x, y), -x[:-1], y[0], at),
            ),
            Mistake(
                "a and w have changed places. A rectified unit cannot give less than 0, so a "
                "slope that falls has to come from w.",
                does=lambda x, y, at: _steep(_changes(x, y), -x[:-1] * _changes(x, y), y[0], at),
            ),
            Mistake(
                "The first change of slope is from 0, not from y[0]: a height is no slope.",
                does=lambda x, y, at: _units(
                    x[:-1], np.diff(_slopes(x, y), prepend=y[0]), y[0], x, y, at
                ),
            ),
        ],
        why="Shown are the outputs at the places called at. In each part the slope of the sum is "
        "that of all units that have begun.",
    )
)


# --- q3: a unit for each row, or fewer ----------------------------------------------------------


def _keyed(table, weights, biases):
    """Run units for the rarer answer, with other weights and biases than the right ones."""
    rare = 1 if table.sum() <= len(table) / 2 else 0
    keys = regions.all_bits(len(table).bit_length() - 1)
    hidden = np.maximum(keys @ weights(keys[table == rare]).T + biases(keys[table == rare]), 0)
    return (1 - rare) + (2 * rare - 1) * hidden.sum(axis=1)


def _signs(keys):
    return 2 * keys - 1


def _table_has_mostly_ones(case):
    return case.arguments[0].sum() > len(case.arguments[0]) / 2


def _read_backwards(table):
    n = len(table).bit_length() - 1
    return table.reshape([2] * n).T.ravel()


q3 = section.add(
    Function(
        title="Any table, with half of the units",
        answer="network_for",
        kind="implement",
        level=2,
        marked=True,
        adapter=on_all_bits,
        names=("table",),
        expected=lambda table: table,
        cases=[
            (np.array([0.0, 0.0, 1.0, 0.0]),),
            (np.array([0.0, 1.0]),),
            (np.array([1.0, 0.0]),),
            (np.array([0.0, 1.0, 1.0, 0.0]),),
            (np.array([1.0, 0.0, 0.0, 0.0]),),
            (np.array([1.0, 1.0, 0.0, 1.0]),),
            (np.array([0.0, 0.0]),),
            (np.array([1.0, 1.0]),),
            (np.array([0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]),),
        ],
        inputs=st.integers(1, 3).flatmap(
            lambda n: st.tuples(
                st.lists(st.sampled_from([0.0, 1.0]), min_size=2**n, max_size=2**n).map(np.array)
            )
        ),
        hints=[
            "First for a table with few ones: a unit for each row v whose answer is 1, which fires "
            "for x = v and for nothing else.",
            "Weight 1 where v_i = 1 and -1 where v_i = 0, bias 1 - sum(v): it gives 1 at x = v, "
            "and each wrong bit takes 1 off. The output adds the units up.",
            "If more than half of the answers are 1, begin with c = 1, give the rows whose answer "
            "is 0 a unit each, and let the output subtract them.",
            "keys = all rows whose answer is the rarer one; W = (2 * keys - 1).T, "
            "b = 1 - keys.sum(axis=1), w = all 1 and c = 0, or w = all -1 and c = 1.",
        ],
        after="Half of the rows is still 2^n / 2 units. No trick makes this small for all tables: "
        "there are 2^(2^n) of them, and to tell them apart takes 2^n bits.",
        mistakes=[
            Mistake(
                "Where most of the answers are 1, give units to the zeros: begin with c = 1 and "
                "subtract.",
                when=lambda case, reply: (
                    reply.error == "ValueError"
                    and "allowed" in reply.text
                    and _table_has_mostly_ones(case)
                ),
            ),
            Mistake(
                "That is a unit for every row, whatever its answer. Only rows with the rarer "
                "answer need one.",
                when=lambda case, reply: reply.error == "ValueError" and "allowed" in reply.text,
            ),
            Mistake(
                "A bit that should be 0 needs the weight -1. With 0 it is ignored, and the unit "
                "fires for other rows as well.",
                does=lambda table: _keyed(table, lambda k: k, lambda k: 1 - k.sum(axis=1)),
            ),
            Mistake(
                "At its own row a unit gets exactly 0 here, so it never fires. One more in the "
                "bias: 1 - sum(v).",
                does=lambda table: _keyed(table, _signs, lambda k: -k.sum(axis=1)),
            ),
            Mistake(
                "The biases are missing, so a unit fires for rows that share some bits with its "
                "own.",
                does=lambda table: _keyed(table, _signs, lambda k: np.zeros(len(k))),
            ),
            Mistake(
                "The bias is too large: a unit gives 2 at its own row and 1 at rows with a wrong "
                "bit.",
                does=lambda table: _keyed(table, _signs, lambda k: 2 - k.sum(axis=1)),
            ),
            Mistake(
                "The bits are read from the wrong end: the first input is the one that is worth "
                "most in the row's number.",
                does=_read_backwards,
            ),
            Mistake(
                "If the zeros have the units, the output begins at c = 1. Here c is 0 throughout.",
                does=lambda table: np.where(table.sum() > len(table) / 2, table - 1, table),
            ),
            Mistake(
                "If the zeros have the units, the output subtracts them: the weights w are -1 "
                "then.",
                does=lambda table: np.where(table.sum() > len(table) / 2, 2 - table, table),
            ),
            Mistake(
                "W has a row for each bit and a column for each hidden unit; b and w have an entry "
                "for each unit.",
                when=lambda case, reply: "have shapes" in reply.text,
            ),
            Mistake(
                "All answers are turned round.",
                does=lambda table: 1 - table,
            ),
            Mistake(
                "A table without any 1, or without any 0, takes no unit at all, and the arrays are "
                "empty; it should not fail. If other tables fail as well, begin with those.",
                when=lambda case, reply: (
                    bool(reply.error)
                    and "four things" not in reply.text
                    and len(np.unique(case.arguments[0])) == 1
                ),
            ),
        ],
        why="Shown are the network's outputs on all rows, in the order of the table. Which row is "
        "wrong, and which of your units fire there?",
    )
)


# --- q4: no free lunch --------------------------------------------------------------------------


def _lucky_tables():
    inputs, targets = regions.all_bits(3), regions.all_bits(8).astype(int)
    distances = np.abs(inputs[5:, None] - inputs[:5]).sum(axis=2)
    guesses = targets[:, :5][:, distances.argmin(axis=1)]
    return int((guesses == targets[:, 5:]).all(axis=1).sum())


q4 = section.add(
    Value(
        title="How lucky is nearest neighbour?",
        answer="lucky",
        kind="predict",
        level=1,
        right=_lucky_tables,
        hints=[
            "Fix what was shown: five answers. How many tables agree with them?",
            "2^3 = 8 tables do, and the learner makes one guess for all of them. For how many of "
            "the 8 is it right on all three rows?",
        ],
        after="It is 1 of 8 for each way to see five answers, 32 of 256, whatever the learner. "
        "A learner can only be better by expecting some tables more than others.",
        mistakes={
            128: "Half is the share of single rows that it gets right. All three at once is rarer: "
            "1/2 to the third power.",
            256: "It sees only five of eight rows, and no learner can know the others.",
            0.125: "1 of 8 is the share. The question is how many of the 256 tables that is.",
            224: "Those are the tables on which it errs somewhere.",
            0: "It cannot be wrong everywhere, either: then its opposite would always be right.",
            8: "8 is the number of tables that agree with five answers. There are 32 ways to see "
            "five answers.",
            1: "It is 1 of the 8 tables that agree with the five answers; and there are 32 ways to "
            "see five answers.",
            96: "For 96 tables it gets exactly two of the three right.",
            64: "That would be three rows with two chances of four. There are 8 ways to complete "
            "the table and 1 is right.",
        },
    )
)


# --- q5: how to spend twelve units --------------------------------------------------------------

SPENDINGS = {"a": (1, 12), "b": (6, 2), "c": (4, 3), "d": (3, 4)}


def _flanks(depth, width):
    W, b, w = regions.zigzag(width)
    deeper = (w[:, None] @ W, b, "relu")
    layers = [(W, b, "relu"), *[deeper] * (depth - 1), (w, np.array(0.0), "identity")]
    return len(regions.linear_regions(layers, 0, 1))


def _best_spending():
    return max(SPENDINGS, key=lambda letter: _flanks(*SPENDINGS[letter]))


q5 = section.add(
    Value(
        title="Twelve units to spend",
        answer="spending",
        kind="predict",
        level=1,
        marked=True,
        choices="abcd",
        right=_best_spending,
        hints=[
            "Each layer repeats what follows it once for every flank: the numbers of flanks are "
            "multiplied.",
            "12, 2 to the power 6, 3 to the power 4, 4 to the power 3.",
        ],
        after="12, 64, 81, 64. Depth multiplies and width adds, so a few units a layer are best; "
        "among these three, since 3^(1/3) is larger than 2^(1/2) = 4^(1/4).",
        mistakes={
            "a": "In a single layer each unit adds one flank: 12 in all. The flanks of layers are "
            "multiplied.",
            "b": "As deep as possible is 2^6 = 64. Compare that with 3^4.",
            "d": "4^3 = 64, no more than six layers of two make. Compare that with 3^4.",
        },
    )
)


# --- q6: parity with six units ------------------------------------------------------------------

BITS = regions.all_bits(8)
ON = BITS.sum(axis=1).astype(int)


def _is_parity(layers):
    chain = _as_chain(layers)
    _check_chain(chain)
    hidden = sum(W.shape[1] for W, _ in chain[:-1])
    if hidden > 6:
        raise Wrong(
            f"{hidden} hidden units, where six are allowed",
            [("units in each hidden layer", str([W.shape[1] for W, _ in chain[:-1]]))],
            "A single layer needs eight of them, a unit for each bend. Let layers fold what the "
            "ones before them made.",
        )
    units = [*["relu"] * (len(chain) - 1), "identity"]
    made = [(*pair, unit) for pair, unit in zip(chain, units, strict=True)]
    got = regions.forward(made, BITS)[:, 0]
    wrong = np.flatnonzero(~np.isclose(got, ON % 2, atol=1e-6))
    if wrong.size:
        row = wrong[np.argmin(ON[wrong])]
        raise Wrong(
            "another output than the parity",
            [
                ("bits", str(BITS[row].astype(int).tolist())),
                ("your network", f"{got[row]:g}"),
                ("expected", str(ON[row] % 2)),
            ],
            _why_no_parity(got),
        )


def _as_chain(layers):
    """Return pairs of arrays; a bias of one number, or in a row, is as good as a vector."""
    if not isinstance(layers, (list, tuple)) or not layers:
        raise Wrong("a list of pairs is asked for", text="[(W, b), (W, b), ...], a pair a layer.")
    chain = []
    for number, pair in enumerate(layers, start=1):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise Wrong(f"layer {number} is no pair (W, b)")
        W, b = (np.asarray(array, float) for array in pair)
        if W.ndim == 2 and b.shape in ((), (1, W.shape[1])):
            b = np.broadcast_to(b, (1, W.shape[1]))[0]
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise Wrong(f"the numbers of layer {number} are not all finite")
        chain.append((W, b))
    return chain


def _check_chain(chain):
    width = 8
    for number, (W, b) in enumerate(chain, start=1):
        last = number == len(chain)
        if W.ndim != 2 or b.shape != W.shape[1:] or W.shape[0] != width or (last and len(b) != 1):
            raise Wrong(
                f"layer {number} does not fit into the chain",
                [("W", str(W.shape)), ("b", str(b.shape))],
                f"It reads {width} numbers, so W has that many rows, and b an entry for each "
                "column of W. The last layer has one column.",
            )
        width = W.shape[1]


def _why_no_parity(got):
    by_count = [got[count == ON] for count in range(9)]
    if any(np.ptp(values) > 1e-6 for values in by_count):
        return (
            "Inputs with equally many bits on get different outputs. Let the first layer look at "
            "the sum of the bits only: all its weights of a unit alike."
        )
    heights = np.array([values[0] for values in by_count])
    if np.ptp(heights) < 1e-6:
        return (
            "It gives the same for every number of bits. A saw of tents lives between 0 and 1: let "
            "it see the mean of the bits, not their sum."
        )
    if np.allclose(heights, 1 - np.arange(9) % 2, atol=1e-6):
        return "It is 1 where the number of bits is even: parity turned round."
    steps = np.sign(np.round(np.diff(heights), 9))
    turns = int((steps[1:] * steps[:-1] < 0).sum())
    values = ", ".join(f"{height:.3g}" for height in heights)
    return (
        f"For 0, 1, ..., 8 bits on, your network gives {values}. It turns round {turns} times; "
        "parity turns round 7 times, at each whole number between."
    )


q6 = section.add(
    Value(
        title="Parity of eight bits, with six units",
        answer="parity_network",
        kind="design",
        level=2,
        marked=True,
        right=_is_parity,
        hints=[
            "Parity depends on the sum of the bits only, and over the sum it is a saw with eight "
            "flanks. How many layers of two units make eight flanks?",
            "Three layers: each doubles. The tent 2 max(0, x) - 4 max(0, x - 1/2) takes [0, 1] to "
            "[0, 1], so begin with the mean of the bits, all weights 1/8.",
            "First layer: weights 1/8, biases 0 and -1/2. Second and third: the tent of the layer "
            "before, so both columns of W are (2, -4), biases 0 and -1/2. Output: (2, -4), bias 0.",
        ],
        after="A table with a unit for each 1 takes 128 units, a single layer over the sum eight, "
        "three layers of two six. At 1024 bits it is 1024 against 20: that is what depth can buy.",
    )
)


# --- q7: how many cells -------------------------------------------------------------------------

q7 = section.add(
    Function(
        title="Lines, planes, cells",
        answer="most_cells",
        kind="formula",
        level=2,
        names=("n", "d"),
        expected=lambda n, d: float(regions.most_cells(n, d)),
        cases=[(3, 2), (1, 1), (2, 1), (1, 2), (2, 2), (4, 2), (4, 3), (2, 3), (12, 2), (6, 4)],
        inputs=st.tuples(st.integers(1, 8), st.integers(1, 5)),
        hints=[
            "Add the n-th line to n - 1 lines in the plane. It crosses each of them, and splits "
            "every cell it passes: how many?",
            "In d dimensions the new hyperplane is cut by the others as a space of d - 1 "
            "dimensions is: R(n, d) = R(n - 1, d) + R(n - 1, d - 1), and R(0, d) = R(n, 0) = 1.",
            "R(n, d) is the sum of the binomial coefficients of n over j, for j = 0, ..., d.",
        ],
        after="The most linear regions that one layer of n rectified units has. As long as n is at "
        "most d it is 2^n; for larger n it grows only like n^d.",
        mistakes=[
            Mistake(
                "2^n counts all patterns of on and off. Once there are more units than inputs, not "
                "all of them occur: three lines in the plane make 7 cells.",
                does=lambda n, d: 2**n,
            ),
            Mistake(
                "The last binomial coefficient alone counts the places where d of the hyperplanes "
                "meet. Cells that are unbounded are missing: sum over j = 0, ..., d.",
                does=lambda n, d: math.comb(n, d),
            ),
            Mistake(
                "That is the number for the plane, d = 2. In d dimensions the sum goes up to d.",
                does=lambda n, d: 1 + n + math.comb(n, 2),
            ),
            Mistake(
                "The sum ends too early: the term with j = d belongs to it.",
                does=lambda n, d: sum(math.comb(n, j) for j in range(d)),
            ),
            Mistake(
                "The sum begins too late: without any hyperplane there is already one cell, j = 0.",
                does=lambda n, d: sum(math.comb(n, j) for j in range(1, d + 1)),
            ),
            Mistake(
                "That is for hyperplanes that all go through one point, as they do without biases.",
                does=lambda n, d: 2 * sum(math.comb(n - 1, j) for j in range(d)),
            ),
            Mistake(
                "The recursion does not stop: no hyperplane, or no dimension, leaves one cell.",
                when=lambda case, reply: reply.error == "RecursionError",
            ),
            Mistake(
                "All zeros: where the recursion stops, without a hyperplane or without a "
                "dimension, there is one cell and not none.",
                does=lambda n, d: 0,
            ),
            Mistake(
                "n and d have changed places.",
                does=lambda n, d: regions.most_cells(d, n),
            ),
            Mistake(
                "n^d is how it grows for large n, not the number itself.",
                does=lambda n, d: n**d,
            ),
            Mistake(
                "n + 1 is right for d = 1 alone, where units are points on a line.",
                does=lambda n, d: n + 1,
            ),
        ],
        why="Count by hand for two lines in the plane (4 cells) and three (7 cells).",
    )
)


# --- q8: more than is possible ------------------------------------------------------------------

CURVES = {"a": "folding", "b": "the theorem", "c": "the printed form", "d": "random networks"}


def _above_the_ceiling():
    n, d, depth = 4, 2, 2
    rng = np.random.default_rng(0)
    random = [
        (rng.normal(size=(size, n)), rng.normal(size=n), "relu") for size in (d, *[n] * (depth - 1))
    ]
    found = {
        "a": len(regions.linear_regions(regions.folding(n, d, depth, rng), 0, 1)),
        "b": (n // d) ** (d * (depth - 1)) * regions.most_cells(n, d),
        "c": math.comb(n, d) ** (d * (depth - 1)) * n**d,
        "d": len(regions.linear_regions(random)),
    }
    (above,) = [
        letter for letter, count in found.items() if count > regions.most_cells(n, d) ** depth
    ]
    return above


q8 = section.add(
    Value(
        title="More than is possible",
        answer="too_many",
        kind="figure",
        level=1,
        choices="abcd",
        right=_above_the_ceiling,
        hints=[
            "Each layer of four units cuts a region into at most 11 parts. Which curve rises by "
            "more than that from layer to layer?",
            "At two layers the ceiling is 11^2 = 121. Read off the four others there.",
        ],
        after="The binomial coefficient promises 36 times as many regions with each layer, where "
        "no layer of four can do more than 11: it is a misprint of the fraction n/d.",
        mistakes={
            "a": "Folding multiplies by four with each layer: 11, 44, 176. Real networks never "
            "pass the ceiling, since they are what it limits.",
            "b": "The fraction gives (4/2)^2 = 4 for each layer, and lies on the counts of the "
            "folding network.",
            "d": "Random networks gain a few dozen regions a layer and stay the lowest of all.",
        },
    )
)


# --- q9: counting pieces ------------------------------------------------------------------------


def _with_units(layers):
    *hidden, (W, b) = layers
    return [*[(V, c, "relu") for V, c in hidden], (W, b, "identity")]


def _pieces(layers):
    return len(regions.linear_regions(_with_units(layers), 0, 1))


def _cells(layers):
    """Count the parts on which every unit is on or off throughout, seen in the output or not."""
    ends = {0.0, 1.0}
    for depth in range(1, len(layers)):
        *before, (W, b) = layers[:depth]
        for w, c in zip(W.T, b, strict=True):
            unit = (w[:, None], np.array([c]), "relu")
            chain = [*((V, a, "relu") for V, a in before), unit]
            for region in regions.linear_regions(chain, 0, 1):
                ends.update(float(end) for part in region.parts for end in part.ravel())
    return int((np.diff(sorted(ends)) > 1e-9).sum())


def _kinks_of_the_first(layers):
    W, b = layers[0]
    kinks = {-c / v for v, c in zip(W[0], b, strict=True) if v != 0 and len(layers) > 1}
    return 1 + sum(0 < kink < 1 for kink in kinks)


def _different_slopes(layers):
    found = regions.linear_regions(_with_units(layers), 0, 1)
    return len({float(region.weights.item()) for region in found})


def _number_of_units(layers):
    return sum(W.shape[1] for W, _ in layers[:-1])


def _seen_on_a_grid(points):
    def counted(layers):
        x = np.linspace(0, 1, points)[:, None]
        y = regions.forward(_with_units(layers), x)[:, 0]
        return 1 + int((np.abs(np.diff(y, 2)) > 1e-9).sum())

    return counted


def _has_a_narrow_piece(case):
    ((_, b), *_) = case.arguments[0]
    return len(b) == 2 and 0 < b[0] - b[1] < 1e-6


@st.composite
def _chains(draw):
    widths = [1, *draw(st.lists(st.integers(1, 3), max_size=2)), 1]
    return (_filled(draw, widths),)


def _filled(draw, widths):
    """Draw the layers of a chain; all numbers at once, which is much faster than one by one."""
    sizes = [size for n, p in pairwise(widths) for size in (n * p, p)]
    found = np.split(draw(vectors(sum(sizes), -3, 3)), np.cumsum(sizes)[:-1])
    shapes = list(pairwise(widths))
    return [
        (W.reshape(shape), b) for W, b, shape in zip(found[::2], found[1::2], shapes, strict=True)
    ]


def _column(*numbers):
    return np.array(numbers, float)[:, None]


def _row(*numbers):
    return np.array([numbers], float)


ZERO = np.zeros(1)
TENT_LAYERS = [(_row(1, 1), np.array([0.0, -0.5])), (_column(2, -4), ZERO)]
AGAIN = (np.array([[2.0, 2.0], [-4.0, -4.0]]), np.array([0.0, -0.5]))
SAW = [TENT_LAYERS[0], AGAIN, AGAIN, TENT_LAYERS[1]]

q9 = section.add(
    Function(
        title="Count the pieces, exactly",
        answer="count_pieces",
        kind="implement",
        level=3,
        names=("layers",),
        expected=_pieces,
        cases=[
            (TENT_LAYERS,),
            ([(_row(2), ZERO)],),
            ([(_row(1), np.array([-0.5])), (_row(0), ZERO)],),
            ([(_row(1, 1), np.array([-0.5, -0.5])), (_column(1, -1), ZERO)],),
            ([(_row(1), np.array([-2.0])), (_row(1), ZERO)],),
            ([(_row(1), ZERO), (_row(1), ZERO)],),
            ([(_row(1, 1, 1), np.array([0.0, -0.25, -0.5])), (_column(1, 1, -1), ZERO)],),
            ([(_row(1), ZERO), (_row(-1), np.array([0.5])), (_row(1), ZERO)],),
            ([(_row(1, 1), np.array([-0.0001, -0.0001001])), (_column(1, -1), ZERO)],),
            (SAW,),
        ],
        inputs=_chains(),
        hints=[
            "Where does the first layer change its mind? Those places, with 0 and 1, cut the "
            "interval into parts on which the second layer's pre-activations are straight lines.",
            "A straight line changes its sign at most once in a part, and where is known from its "
            "values at the two ends. Add these places as well, and go on to the next layer.",
            "Keep a sorted array of places t and H, what the layers so far give there, linear in "
            "between. For a layer: Z = H W + b; where a column of Z changes sign between "
            "neighbours, add the crossing; interpolate Z there; H = max(Z, 0).",
            "At the end compare the slopes of the output on neighbouring parts: 1 + the number of "
            "places where they differ. Leave out parts shorter than 1e-9.",
        ],
        after="Nothing is sampled, so no piece is too small to be seen. regions.linear_regions "
        "does the same for two inputs, in whole numbers.",
        mistakes=[
            Mistake(
                "This counts the kinks. Between and around them there is one piece more.",
                does=lambda layers: _pieces(layers) - 1,
            ),
            Mistake(
                "Two pieces with the same slope are two if there is something else between them. "
                "Compare neighbours only.",
                does=_different_slopes,
            ),
            Mistake(
                "This counts all places where some unit changes its mind. If the output does not "
                "show it, a weight of 0 for example, the piece goes on.",
                does=_cells,
            ),
            Mistake(
                "These are the kinks of the first layer. Deeper units have kinks of their own, "
                "several each.",
                does=_kinks_of_the_first,
            ),
            Mistake(
                "One piece more than hidden units holds for a single layer whose kinks are all "
                "different and between 0 and 1. A unit behind a fold has several kinks, another "
                "none.",
                does=lambda layers: 1 + _number_of_units(layers),
            ),
            Mistake(
                "Pieces outside of [0, 1] are counted, too.",
                does=lambda layers: len(regions.linear_regions(_with_units(layers))),
            ),
            Mistake(
                "Here is a piece that is only a ten millionth wide, and a grid steps over it. "
                "Where a unit changes its mind can be computed.",
                when=lambda case, reply: _has_a_narrow_piece(case) and reply.value in (1, 2),
            ),
            *[
                Mistake(
                    "This looks like a sample on a grid: a kink between two of its points is seen "
                    "as two, and a piece that is shorter than its steps may not be seen at all.",
                    does=_seen_on_a_grid(points),
                )
                for points in (100, 101, 1000, 1001, 10_000, 10_001)
            ],
            Mistake(
                "This multiplies what each layer could do at most. How many kinks there are "
                "depends on the weights.",
                does=lambda layers: math.prod(W.shape[1] + 1 for W, _ in layers[:-1]),
            ),
            Mistake(
                "2 to the number of units counts all patterns of on and off. On a line only few "
                "of them occur.",
                does=lambda layers: 2 ** _number_of_units(layers),
            ),
        ],
        why="Follow the units layer by layer: where is each pre-activation 0, and does the slope "
        "of the output change there?",
    )
)


# --- q10: skip connections ----------------------------------------------------------------------


def _given_with_skips(X, layers):
    """Return the output of a chain with skips from layer i to layer i + 2."""
    H, found = X, []
    for number, (W, b) in enumerate(layers, start=1):
        H = np.maximum(H @ W + b, 0)
        if number > 2:
            H = H + found[-1]
        found.append(H)
    return H


def _skipping(X, layers, back=2, inside=False, stored=True, from_pre=False):
    H, found = X, [X] if back == 3 else []
    for number, (W, b) in enumerate(layers, start=1):
        z = H @ W + b
        H, plain = np.maximum(z, 0), np.maximum(z, 0)
        if number > 2 and back:
            other = found[-back]
            H = np.maximum(z + other, 0) if inside else H + other
        found.append(z if from_pre else H if stored else plain)
    return H


def _adding(others, first=3):
    """Return a chain where layer i adds ``others(found)`` to its output."""

    def chain(X, layers):
        H, found = X, [X]
        for number, (W, b) in enumerate(layers, start=1):
            H = np.maximum(H @ W + b, 0)
            if number >= first:
                H = H + others(found)
            found.append(H)
        return H

    return chain


_skipping_from_the_second = _adding(lambda found: found[-2], first=2)
_skipping_twice = _adding(lambda found: found[-1] + found[-2])
_skipping_from_the_first = _adding(lambda found: found[1])


@st.composite
def _skipped(draw):
    depth, width = draw(st.integers(1, 5)), draw(st.integers(1, 2))
    layers = _filled(draw, [width] * (depth + 1))
    return draw(matrices(draw(st.integers(1, 2)), width, -2, 2)), layers


def _ones(*biases):
    return [(np.ones((1, 1)), np.array([b], float)) for b in biases]


q10 = section.add(
    Function(
        title="A skip that lands on the wrong layer",
        answer="with_skips",
        kind="bug",
        level=2,
        given=_given_with_skips,
        names=("X", "layers"),
        expected=_skipping,
        cases=[
            (np.ones((1, 1)), _ones(0, 1, 2)),
            (np.ones((1, 1)), _ones(0, 1)),
            (np.ones((1, 1)), _ones(0)),
            (np.ones((1, 1)), _ones(0, 1, -5)),
            (np.array([[1.0], [2.0]]), _ones(0, 1, 1, -1)),
            (np.ones((1, 1)), _ones(-2, 1, 1)),
            (np.ones((1, 1)), _ones(1, 1, 1, 1, 1)),
        ],
        inputs=_skipped(),
        hints=[
            "Write down what found holds when layer 3 is at work, and which of its entries is the "
            "output of layer 1.",
            "The output of the layer itself is not yet in found. So the last entry is that of the "
            "layer before, number - 1.",
            "found[-2] in place of found[-1].",
        ],
        after="On the way back the gradient takes the same short cuts, past two matrices at a time "
        "on which it could shrink.",
        mistakes=[
            Mistake(
                "It still adds the output of the layer just before: a skip from i to i + 1.",
                does=lambda X, layers: _skipping(X, layers, back=1),
            ),
            Mistake(
                "It adds before the rectifier. A skip adds outputs to outputs, so the rectifier "
                "comes first.",
                does=lambda X, layers: _skipping(X, layers, inside=True),
            ),
            Mistake(
                "It adds what a layer made before its own skip was added. The output of a layer "
                "includes what came to it by a skip.",
                does=lambda X, layers: _skipping(X, layers, stored=False),
            ),
            Mistake(
                "It reaches back three layers: a skip goes from i to i + 2.",
                does=lambda X, layers: _skipping(X, layers, back=3),
            ),
            Mistake(
                "It adds pre-activations, which may be negative. The outputs, after the rectifier, "
                "are what is added.",
                does=lambda X, layers: _skipping(X, layers, from_pre=True),
            ),
            Mistake(
                "The first skip lands on layer 3: layer 2 has nothing to add, since X is the "
                "input and no layer's output.",
                does=_skipping_from_the_second,
            ),
            Mistake(
                "Two skips arrive at each layer here, from the layer before as well. One is asked "
                "for.",
                does=_skipping_twice,
            ),
            Mistake(
                "Every layer gets the output of layer 1. Layer i + 2 gets that of layer i.",
                does=_skipping_from_the_first,
            ),
            Mistake(
                "The skips are gone. From layer 3 on the output of two layers before is added.",
                does=lambda X, layers: _skipping(X, layers, back=0),
            ),
        ],
        why="Layer 3 adds the output of layer 1 to its own, layer 4 that of layer 2, and so on.",
    )
)

q11 = section.add(
    Open(
        title="Two ways to fail",
        answer="two_ways",
        kind="open",
        level=1,
        words=15,
        hints=[
            "Look at the error on the training examples: is it small?",
            "One failure is the optimiser's, the other would remain if it were perfect.",
        ],
        after="Training error tells the two apart: large, and the search has failed; small with a "
        "large test error, and another function was found.",
    )
)
