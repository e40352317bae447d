"""Exercises on section 6.2.2: sigmoid, softmax and mixtures, each with the cost that fits it."""

import numpy as np
from hypothesis import strategies as st

from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import labels, matrices, vectors
from dlbook.exercises.checking.messages import show
from dlbook.exercises.checking.section import Section

section = Section("6_2_2_output_units", "Exercises on section 6.2.2")
progress = section.progress


def _sigmoid(z):
    return np.where(z >= 0, 1, np.exp(-np.abs(z))) / (1 + np.exp(-np.abs(z)))


def _softplus(x):
    return np.logaddexp(0, x)


def _logsumexp(z):
    top = z.max(axis=-1, keepdims=True)
    return top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True))


def _log_softmax(z):
    return z - _logsumexp(z)


def _softmax(z):
    return np.exp(_log_softmax(z))


def _fractions(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


@st.composite
def _logits_and_targets(draw):
    m = draw(st.integers(1, 3))
    return draw(vectors(m)), draw(labels(m, 2)).astype(float)


TWO = (np.array([0.0, 2.0, -2.0]), np.array([0.0, 1.0, 1.0]))
FAR = (np.array([1000.0, -1000.0, 1000.0, -1000.0]), np.array([0.0, 1.0, 1.0, 0.0]))


# q1: two costs on one sigmoid


def _slopes(z, y):
    s = _sigmoid(z)
    return s - y, (s - y) * s * (1 - s)


def _overflowing_sigmoid(z):
    return np.exp(z) / (1 + np.exp(z))


q1 = section.add(
    Function(
        title="Two slopes",
        answer="slopes",
        kind="formula",
        level=1,
        marked=True,
        names=("z", "y"),
        expected=_slopes,
        cases=[TWO, (np.array([-6.0]), np.array([1.0])), FAR],
        inputs=_logits_and_targets(),
        hints=[
            "The sigmoid s has the derivative s (1 - s).",
            "For the likelihood differentiate softplus((1 - 2y) z), once for y = 0 and once for "
            "y = 1: what do both results have in common?",
            "s - y for the likelihood, and (s - y) s (1 - s) for the squared error.",
        ],
        after="They differ by the factor s (1 - s), which is next to 0 wherever the unit is sure, "
        "right or wrong. The logarithm has removed it.",
        mistakes=[
            Mistake(
                "Both slopes are turned round: predicted minus observed, so that gradient "
                "descent, which walks against the slope, lowers the cost.",
                does=lambda z, y: tuple(-value for value in _slopes(z, y)),
            ),
            Mistake(
                "The first is right. In the second the chain rule asks for one more factor, the "
                "derivative of the sigmoid, s (1 - s).",
                does=lambda z, y: (_slopes(z, y)[0],) * 2,
            ),
            Mistake(
                "The second is right. The first has a factor s (1 - s) too many: the derivative "
                "of the logarithm is 1 / s or 1 / (1 - s), and it cancels one of the two.",
                does=lambda z, y: (_slopes(z, y)[1],) * 2,
            ),
            Mistake(
                "The first is right. In the second the ½ in front of the square takes away the "
                "factor 2.",
                does=lambda z, y: (_slopes(z, y)[0], 2 * _slopes(z, y)[1]),
            ),
            Mistake(
                "These are the slopes with respect to the probability s. Asked for are those with "
                "respect to the logit z: multiply by ds/dz = s (1 - s).",
                does=lambda z, y: (
                    (_sigmoid(z) - y) / (_sigmoid(z) * (1 - _sigmoid(z))),
                    _sigmoid(z) - y,
                ),
            ),
            Mistake(
                "The two have changed places: first the likelihood's slope, then the squared "
                "error's.",
                does=lambda z, y: _slopes(z, y)[::-1],
            ),
            Mistake(
                "The first is right. The second has lost the error: the derivative of the square "
                "is (s - y) times ds/dz.",
                does=lambda z, y: (_slopes(z, y)[0], _sigmoid(z) * (1 - _sigmoid(z))),
            ),
            Mistake(
                "These are the two costs. Asked for are their slopes, the derivatives by z.",
                does=lambda z, y: (_softplus((1 - 2 * y) * z), (_sigmoid(z) - y) ** 2 / 2),
            ),
            Mistake(
                "This compares z itself with y. The unit says s = sigmoid(z).",
                does=lambda z, y: (z - y, z - y),
            ),
            Mistake(
                "The first is right, and the second nearly: exp(-z) / (1 + exp(-z))^2 is infinity "
                "over infinity at z = -1000. Write the sigmoid's derivative as s (1 - s).",
                does=lambda z, y: (
                    _slopes(z, y)[0],
                    (_sigmoid(z) - y) * np.exp(-z) / (1 + np.exp(-z)) ** 2,
                ),
            ),
            Mistake(
                "The first has lost the inner derivative: softplus((1 - 2y) z) has the slope "
                "(1 - 2y) sigmoid((1 - 2y) z).",
                does=lambda z, y: (_sigmoid((1 - 2 * y) * z), _slopes(z, y)[1]),
            ),
            Mistake(
                "Right where exp(z) is a number. At z = 1000 it is infinity, and infinity over "
                "infinity is nan: write the sigmoid as 1 / (1 + exp(-z)).",
                does=lambda z, y: (
                    _overflowing_sigmoid(z) - y,
                    (_overflowing_sigmoid(z) - y)
                    * _overflowing_sigmoid(z)
                    * (1 - _overflowing_sigmoid(z)),
                ),
            ),
        ],
        why="With s = sigmoid(z): differentiate softplus((1 - 2y) z) and (s - y)^2 / 2 over z.",
    )
)


# q2: equation 6.26


def _bernoulli(z, y):
    return _softplus((1 - 2 * y) * z)


def _as_arrays(values):
    """Return arrays of floats, with None for what is no array of numbers."""
    arrays = []
    for value in values:
        try:
            arrays.append(np.asarray(value, float))
        except (TypeError, ValueError):
            arrays.append(None)
    return arrays


def _is_cut_off(case, reply):
    """Whether far-off costs are finite but all the same: -log of some smallest probability."""
    z, y = case.arguments
    try:
        costs = np.asarray(reply.value, float)
    except (TypeError, ValueError):
        return False
    x = (1 - 2 * y) * z
    far = x > 30  # there the cost is x itself
    if costs.shape != z.shape or not far.any():
        return False
    return bool(((costs[far] > 5) & (costs[far] < x[far] - 1)).all())


def _of_probability(z, y):
    s = 1 / (1 + np.exp(-z))
    return -y * np.log(s) - (1 - y) * np.log(1 - s)


q2 = section.add(
    Function(
        title="A cost that takes logits",
        answer="bernoulli_cost",
        kind="implement",
        level=1,
        marked=True,
        names=("z", "y"),
        expected=_bernoulli,
        cases=[TWO, (np.array([40.0]), np.array([0.0])), FAR],
        inputs=_logits_and_targets(),
        hints=[
            "Equation 6.26: the softplus of x = (1 - 2y) z. What overflows in log(1 + exp(x))?",
            "For large x take exp(x) out of the logarithm: log(1 + exp(x)) = x + log(1 + exp(-x)).",
            "np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
        ],
        after="It is the same function as -y log s - (1 - y) log(1 - s), and the only one of its "
        "forms that survives a computer. Once s has been rounded to 0 or 1, no later step can "
        "bring back what was lost; so the cost takes z.",
        mistakes=[
            Mistake(
                "As it stands this runs into infinity: exp(1000) overflows in log(1 + exp(x)), and "
                "a sigmoid has been rounded to 0 before -log gets it. Take max(x, 0) out of the "
                "logarithm first.",
                does=lambda z, y: np.log(1 + np.exp((1 - 2 * y) * z)),
            ),
            Mistake(
                "The sigmoid has been rounded to 0 or 1 before the logarithm, which makes infinity "
                "or 0 * log 0 of it. Do not go through the probability; use z itself.",
                does=_of_probability,
            ),
            *[
                Mistake(
                    "The sigmoid has been rounded to 0 or 1 before the logarithm, which makes "
                    "infinity of it. Do not go through the probability; use z itself.",
                    does=does,
                )
                for does in (
                    lambda z, y: -np.log(np.where(y == 1, _sigmoid(z), 1 - _sigmoid(z))),
                    lambda z, y: -y * np.log(_sigmoid(z)) - (1 - y) * np.log(_sigmoid(-z)),
                )
            ],
            Mistake(
                "math.exp(1000) is too large for a number. Take max(x, 0) out of the logarithm "
                "first; then no exponent is above 0.",
                when=lambda case, reply: reply.error == "OverflowError",
            ),
            Mistake(
                "This is the cost for y = 0 always. Where y is 1, the unit pays for saying 0.",
                does=lambda z, y: _softplus(z),
            ),
            Mistake(
                "This is the cost for y = 1 always. Where y is 0, the unit pays for saying 1.",
                does=lambda z, y: _softplus(-z),
            ),
            Mistake(
                "This is the sigmoid of (1 - 2y) z, the probability of being wrong. The cost is "
                "the softplus.",
                does=lambda z, y: _sigmoid((1 - 2 * y) * z),
            ),
            Mistake(
                "Something keeps the probability away from 0, a clip or a small number added. It "
                "is finite, but wrong: every hopeless answer costs the same, and a cost that no "
                "longer grows has no gradient.",
                when=_is_cut_off,
            ),
            Mistake(
                "The sign in the bracket: the softplus takes (1 - 2y) z, positive where the "
                "answer is wrong. Here right answers cost much and wrong ones nothing.",
                does=lambda z, y: _softplus((2 * y - 1) * z),
            ),
            Mistake(
                "This is the formula for labels -1 and 1. Here they are 0 and 1, and 1 - 2y makes "
                "the sign of them.",
                does=lambda z, y: _softplus(-y * z),
            ),
            Mistake(
                "Only the maximum is left. Near z = 0 the logarithm counts: a unit that says one "
                "half pays log 2.",
                does=lambda z, y: np.maximum((1 - 2 * y) * z, 0),
            ),
            Mistake(
                "This is the mean over the examples; asked for is the cost of each.",
                does=lambda z, y: np.mean(_bernoulli(z, y)),
            ),
        ],
        why="With x = (1 - 2y) z it is log(1 + exp(x)), equation 6.26.",
    )
)


# q3: equations 6.30 and 6.33


@st.composite
def _logits(draw):
    Z = draw(matrices(draw(st.integers(1, 3)), draw(st.integers(1, 3))))
    return (Z[0] if draw(st.booleans()) else Z,)


def _by_one_maximum(Z):
    shifted = Z - Z.max()
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _down_the_columns(Z):
    shifted = Z - Z.max(axis=0)
    return shifted - np.log(np.exp(shifted).sum(axis=0))


def _rows_lost(Z):
    shifted = Z - Z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1))


def _is_held_up(case, reply):
    """Whether classes far behind have a finite log-probability that is much too large."""
    expected, (found,) = _log_softmax(case.arguments[0]), _as_arrays([reply.value])
    if found is None or found.shape != expected.shape:
        return False
    far = expected < -300
    return bool(
        far.any() and ((found < -5) & (found > expected + 1) & np.isfinite(found))[far].all()
    )


q3 = section.add(
    Function(
        title="The logarithm of a softmax",
        answer="log_softmax",
        kind="implement",
        level=2,
        marked=True,
        names=("Z",),
        expected=_log_softmax,
        cases=[
            (np.array([[1.0, 2.0, 4.0], [0.0, -1.0, 1.0]]),),
            (np.array([0.0, 1.0, 3.0]),),
            (np.array([[2.0]]),),
            (np.array([[1.0, 3.0], [0.0, 0.0]]),),
            (np.array([[1000.0, 1001.0]]),),
            (np.array([[0.0, 2000.0]]),),
            (np.array([[0.0, 1.0], [5000.0, 5001.0]]),),
            (np.arange(12.0).reshape(2, 3, 2) ** 2,),
            (np.array([[1e4, -1e4, 1e4]]),),
        ],
        inputs=_logits(),
        hints=[
            "Equation 6.30: z_i minus the log-sum-exp. Equation 6.33: the same number may be taken "
            "from all logits of a row first.",
            "Take the largest of each row. axis=-1 is the last axis of any array, and "
            "keepdims=True keeps it, so that the subtraction finds its row.",
            "Do not form the softmax and take its logarithm: what has become 0 has none.",
            "S = Z - Z.max(axis=-1, keepdims=True); "
            "return S - np.log(np.exp(S).sum(axis=-1, keepdims=True))",
        ],
        after="After the shift the largest logit is 0, so the sum lies between 1 and n: it can "
        "neither overflow nor vanish. And the class far behind keeps its -2000, which is all "
        "that the gradient needs.",
        mistakes=[
            Mistake(
                "The softmax has become 0 for a logit far behind, and log 0 is -infinity. "
                "Subtracting the maximum saves the softmax, but its logarithm has to be taken on "
                "paper: z_i - max - log(sum).",
                does=lambda Z: np.log(_fractions(Z - Z.max(axis=-1, keepdims=True))),
            ),
            Mistake(
                "exp overflows for large logits, and infinity over infinity is nan. Subtract the "
                "largest logit of each row first (equation 6.33), and take the logarithm on paper.",
                does=lambda Z: np.log(_fractions(Z)),
            ),
            Mistake(
                "The formula is equation 6.30 as it stands, and its exp overflows for large "
                "logits. Subtract the largest logit of each row first (equation 6.33).",
                does=lambda Z: Z - np.log(np.exp(Z).sum(axis=-1, keepdims=True)),
            ),
            Mistake(
                "The last axis is axis 1 only if there are two. axis=-1 is the last one of any "
                "array.",
                does=lambda Z: (
                    Z
                    - Z.max(axis=1, keepdims=True)
                    - np.log(np.exp(Z - Z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))
                ),
            ),
            Mistake(
                "Something keeps the probability away from 0, a clip or a small number added. Then "
                "all classes far behind look alike, and the cost has no gradient there.",
                when=_is_held_up,
            ),
            Mistake(
                "The maximum is taken off inside the logarithm and not outside. Shift the array "
                "once, and use the shifted one in both places.",
                does=lambda Z: (
                    Z - np.log(np.exp(Z - Z.max(axis=-1, keepdims=True)).sum(-1, keepdims=True))
                ),
            ),
            Mistake(
                "One maximum for the whole array: a row that lies far below it vanishes, and log 0 "
                "is -infinity. Each row needs its own.",
                does=_by_one_maximum,
            ),
            Mistake(
                "This normalises down the columns, over the examples. Classes are along the last "
                "axis: axis=-1.",
                does=_down_the_columns,
            ),
            Mistake(
                "The sum has lost its axis: without keepdims=True the numbers of the rows are "
                "subtracted from the columns, or do not fit at all.",
                does=_rows_lost,
            ),
            Mistake(
                "The sum runs over all rows together. Each row is a distribution of its own.",
                does=lambda Z: (Z - Z.max()) - np.log(np.exp(Z - Z.max()).sum()),
            ),
            Mistake(
                "The sum runs over all rows together. Each row is a distribution of its own.",
                does=lambda Z: (
                    (Z - Z.max(axis=-1, keepdims=True))
                    - np.log(np.exp(Z - Z.max(axis=-1, keepdims=True)).sum())
                ),
            ),
            Mistake("This is the softmax itself; asked for is its logarithm.", does=_softmax),
            Mistake(
                "Only the maximum was subtracted. The log-sum-exp is a little larger, by up to "
                "log n, and without that the probabilities do not add up to 1.",
                does=lambda Z: Z - Z.max(axis=-1, keepdims=True),
            ),
        ],
        why="Subtract the maximum of each row, then the logarithm of the sum of exponentials "
        "(equations 6.33 and 6.30).",
    )
)


# q4: one softmax too many


def classifier_cost(Z, y):
    """Return the mean of -log p(y) for logits Z (m, n) and labels y (m,)."""
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = P / P.sum(axis=1, keepdims=True)
    log_sum = np.log(np.exp(P).sum(axis=1))
    return np.mean(log_sum - P[np.arange(len(y)), y])


def _classifier_cost(Z, y):
    return -np.mean(_log_softmax(Z)[np.arange(len(y)), y])


@st.composite
def _classified(draw):
    m, n = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    return draw(matrices(m, n)), draw(labels(m, n))


SCORES = np.array([[2.0, 0.0, 1.0], [0.0, 3.0, -1.0], [1.0, 1.0, 0.0]])

q4 = section.add(
    Function(
        title="Stuck above one half",
        answer="classifier_cost",
        kind="bug",
        level=1,
        given=classifier_cost,
        names=("Z", "y"),
        expected=_classifier_cost,
        cases=[
            (SCORES, np.array([0, 1, 2])),
            (np.array([[0.0, 0.0]]), np.array([1])),
            (np.array([[50.0, 0.0]]), np.array([0])),
            (np.array([[0.0, 2000.0]]), np.array([0])),
            (np.array([[2000.0, 0.0]]), np.array([0])),
        ],
        inputs=_classified(),
        hints=[
            "Let the logits of the right classes be huge. Which P comes out, and which cost?",
            "The third line takes the log-sum-exp of P. Of what should it be?",
            "log-sum-exp and the picked entry both belong to the logits, shifted by their "
            "maximum. P is not needed at all.",
        ],
        after="A softmax of probabilities: they lie between 0 and 1, so even a perfect "
        "classifier of three classes pays log(e + 2) - 1 = 0.55. It learns, slowly, and nothing "
        "warns. The usual way into it is a softmax layer before PyTorch's CrossEntropyLoss, "
        "which has one inside.",
        mistakes=[
            Mistake(
                "Still a softmax of a softmax: the log-sum-exp is taken of probabilities. They "
                "lie between 0 and 1, so the cost cannot come near 0.",
                does=classifier_cost,
            ),
            Mistake(
                "The right log-sum-exp, but the entry that is picked is still a probability. Pick "
                "the logit of the label (equation 6.30).",
                does=lambda Z, y: np.mean(_logsumexp(Z)[:, 0] - _softmax(Z)[np.arange(len(y)), y]),
            ),
            Mistake(
                "The right logit is picked, but the log-sum-exp is still that of probabilities. "
                "Both belong to the logits (equation 6.30).",
                does=lambda Z, y: np.mean(
                    _logsumexp(_softmax(Z))[:, 0] - Z[np.arange(len(y)), y],
                ),
            ),
            Mistake(
                "S[:, y] picks the columns y of all rows. One number a row is "
                "S[np.arange(len(y)), y].",
                does=lambda Z, y: -np.mean(_log_softmax(Z)[:, y]),
            ),
            Mistake(
                "This normalises down the columns, over the examples. The classes of one example "
                "share a row: axis=1.",
                does=lambda Z, y: -np.mean(_log_softmax(Z.T).T[np.arange(len(y)), y]),
            ),
            Mistake(
                "The sign is turned round: this is the log-likelihood, and a cost is minus that.",
                does=lambda Z, y: -_classifier_cost(Z, y),
            ),
            Mistake(
                "Something keeps the probability away from 0, a clip or a small number added. Then "
                "all hopeless answers cost the same. Write the cost with the logits.",
                when=lambda case, reply: (
                    np.shape(reply.value) == ()
                    and isinstance(reply.value, (float, np.floating))
                    and _classifier_cost(*case.arguments) > 300
                    and 5 < reply.value < _classifier_cost(*case.arguments) - 1
                ),
            ),
            Mistake(
                "One softmax now, but no logarithm: this is minus the mean probability.",
                does=lambda Z, y: -np.mean(_softmax(Z)[np.arange(len(y)), y]),
            ),
            Mistake(
                "One softmax, right. But the logarithm of the finished probability is infinite "
                "where that has become 0. Write it with the logits: log-sum-exp less the logit.",
                does=lambda Z, y: (
                    -np.mean(
                        np.log(_fractions(Z - Z.max(axis=1, keepdims=True))[np.arange(len(y)), y])
                    )
                ),
            ),
            Mistake(
                "The maximum was taken from the logits for the sum, but not from the one that is "
                "picked. Both terms need the same shift.",
                does=lambda Z, y: np.mean(
                    (_logsumexp(Z) - Z.max(axis=1, keepdims=True))[:, 0] - Z[np.arange(len(y)), y]
                ),
            ),
            Mistake(
                "Right but for the overflow: exp of a logit of 2000 is infinity. Keep the "
                "subtraction of the maximum.",
                does=lambda Z, y: np.mean(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y]),
            ),
            Mistake(
                "This is the sum over the examples; the mean was asked for.",
                does=lambda Z, y: len(y) * _classifier_cost(Z, y),
            ),
        ],
        why="The cost of an example is the log-sum-exp of its logits less the logit of its label.",
    )
)


# q5: two logits or one


def _costs_in_training(rate, logits):
    """Train on one feature, all parameters at 0: one logit, or a softmax of two."""
    x = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
    y = np.array([0, 0, 1, 0, 1, 1])
    A, theta, costs = np.column_stack([x, np.ones(6)]), np.zeros((2, logits)), []
    for _ in range(10):
        Z = A @ theta
        if logits == 1:
            costs.append(np.mean(_bernoulli(Z[:, 0], y)))
            error = _sigmoid(Z) - y[:, None]
        else:
            costs.append(_classifier_cost(Z, y))
            error = _softmax(Z) - np.eye(2)[y]
        theta = theta - rate * A.T @ error / 6
    return np.array(costs)


def _equal_factor():
    one = _costs_in_training(0.2, 1)
    factors = np.array([0.25, 0.5, 2**-0.5, 1, 2**0.5, 2, 4])
    off = [np.abs(_costs_in_training(0.2 * f, 2) - one).max() for f in factors]
    return float(factors[np.argmin(off)])


q5 = section.add(
    Value(
        title="Two logits or one",
        answer="factor",
        kind="predict",
        level=1,
        right=_equal_factor,
        rtol=1e-3,
        hints=[
            "The softmax of two depends on z_1 - z_0 only, and this difference plays the sigmoid's "
            "z. How far does it move in one step?",
            "The gradient is s - y for z_1, and minus that for z_0. Both logits move.",
            "So the difference moves twice as far at the same rate.",
        ],
        after="Half the rate, and all costs agree to rounding. Two ways to write one model can "
        "differ in training, and in nothing else.",
        mistakes={
            2.0: "The other way round: the softmax is the faster one of the two.",
            1.0: "The distributions are the same, but the steps are not: with two logits one goes "
            "up and the other comes down, and it is their difference that counts.",
            0.25: "The difference moves by both of its logits, twice as far in a step. Nothing "
            "doubles a second time: the gradient of each logit is as large as the sigmoid's.",
            4.0: "The other way round, and only once: the difference moves twice as far.",
            0.0: "With a rate of 0 nothing is learned.",
            2**-0.5: "The length of the gradient vector grows by the root of 2, but what counts "
            "is the difference of the logits, and that moves twice as far.",
        },
    )
)


# q6: logits for given fractions

COUNTS = np.array([[6.0, 3.0, 1.0], [10.0, 10.0, 20.0], [1.0, 98.0, 1.0]])
SHARES = COUNTS / COUNTS.sum(axis=1, keepdims=True)


def _tables(numbers):
    """Return numbers as they are, and less the last of each row."""
    return numbers, numbers - numbers[:, -1:]


def _gives_the_fractions(logits):
    Z = np.asarray(logits, float)
    if Z.shape != (3, 3):
        text = "A row for each input, a column for each label: shape (3, 3)."
        raise Wrong("another shape", [("your shape", str(Z.shape))], text)
    P, fixed = _softmax(Z), np.allclose(Z[:, 2], 0, atol=1e-9)
    wrong = ~(np.abs(P - SHARES) < 1e-3).all(axis=1)
    if not wrong.any():
        if not fixed:
            text = (
                "The fractions are right. Now use that only differences count (equation 6.32): "
                "subtract the last logit of each row from the whole row."
            )
            raise Wrong("the last logit is not 0", [("last column", show(Z[:, 2]))], text)
        return
    row = int(np.argmax(wrong))  # the first that is wrong
    values = [("softmax of your row", show(P[row])), ("fractions", show(SHARES[row]))]
    raise Wrong(f"row {row} gives other probabilities", values, _why_not(Z))


def _why_not(Z):
    if not np.isfinite(Z).all():
        return "Every logit should be an ordinary number."
    if np.isclose(_softmax(Z), SHARES, atol=5e-3).all():
        return "Nearly. Give the logits one digit more."
    if np.isclose(_softmax(-Z), SHARES, atol=2e-3).all():
        return "The sign: a larger logit makes a class more probable."
    if np.isclose(_softmax(Z.T), SHARES, atol=2e-3).all():
        return "Rows and columns have changed places: a row is one input."
    odds = np.log(SHARES / (1 - SHARES))
    for table in (odds, odds - odds[:, -1:], odds * [1, 1, 0]):
        if np.allclose(Z, table, atol=0.01):
            return (
                "log(P / (1 - P)) is for a sigmoid, one class against all others. A softmax "
                "compares the classes with one another: log(P_i / P_j)."
            )
    ratios = COUNTS / COUNTS[:, -1:]
    for table in (*_tables(SHARES), *_tables(COUNTS), *_tables(100 * SHARES), *_tables(ratios)):
        if np.allclose(Z, table, atol=1e-6):
            return (
                "These are fractions or counts, and softmax exponentiates what it gets. Logits "
                "are logarithms of them (equation 6.28)."
            )
    for base in (2, 10):
        if np.isclose(_softmax(Z * np.log(base)), SHARES, atol=2e-3).all():
            return (
                "The logarithm: softmax has exp in it, so it takes the natural logarithm, np.log."
            )
    for table in (SHARES, COUNTS):
        if np.allclose(Z[:, :2], np.log(table)[:, :2], atol=0.01):
            return (
                "The last logit was set to 0 by itself. Subtract the last one from the whole row: "
                "only then do the differences stay (equation 6.32)."
            )
    return "Differences of logits are log-odds: z_i - z_j = log(P_i / P_j)."


q6 = section.add(
    Value(
        title="Logits for given fractions",
        answer="logits",
        kind="design",
        level=2,
        right=_gives_the_fractions,
        hints=[
            "Which numbers does softmax turn into given probabilities? Undo exp and the sum.",
            "The logarithm of the fractions would do, and so would that of the counts. Both have "
            "a last column that is not 0.",
            "Subtract the last entry of each row from its row: log(count / last count).",
        ],
        after="Whatever fractions are observed (none of them 0), there are logits that say them, "
        "and n - 1 free ones are enough: equation 6.31 with equality. A count of 0 would ask for "
        "minus infinity, and training would go there for ever.",
    )
)


# q7: a figure


def _soft_maximum(z):
    """The mean of 0 and z under their softmax, as the figure has it."""
    pair = np.column_stack([np.zeros_like(z), z])
    return np.sum(_softmax(pair) * pair, axis=1)


TYPICAL_PLACES = {
    0.0: "At 0 two equal numbers share. The curve has already come up from its lowest place "
    "there: it rises through 0.",
    1.28: "The sign: look left of 0.",
    -4.0: "At the left edge the curve comes back to 0, the larger of the two numbers. It is "
    "lowest in between.",
    -0.28: "That is how low the curve gets, its value. At which z?",
    0.69: "log 2 is the height of log-sum-exp at 0, another curve.",
}


def _is_lowest(value):
    line = np.linspace(-4, 4, 8001)
    lowest = line[np.argmin(_soft_maximum(line))]
    z, *more = np.asarray(value, float).ravel()
    if more or not np.isfinite(z):
        raise Wrong("one number is asked for", [("your answer", show(value))], "At which z?")
    if abs(z - lowest) < 0.16:
        return
    here, there = _soft_maximum(np.array([z, z + 0.001]))
    slope = (there - here) / 0.001
    values = [
        ("your z", f"{z:g}"),
        ("the curve there", f"{here:.3f}"),
        ("its slope", f"{slope:.3f}"),
    ]
    side = "It still falls there: the lowest place is farther right."
    if slope > 0:
        side = "It rises there already: the lowest place is farther left."
    says = [text for place, text in TYPICAL_PLACES.items() if abs(z - place) < 0.1]
    raise Wrong("the curve is lower elsewhere", values, (says or [side])[0])


q7 = section.add(
    Value(
        title="A maximum that dips",
        answer="lowest",
        kind="figure",
        level=1,
        right=_is_lowest,
        hints=[
            "It is the curve that lies below the other two. Look left of 0.",
            "The softmax of 0 and z gives z the weight sigmoid(z), so the curve is z sigmoid(z). "
            "Where is its slope 0?",
            "Where 1 + z (1 - sigmoid(z)) = 0, a little to the left of -1.",
        ],
        after="At z = -1.28. Left of it, raising z lowers the mean of 0 and z under the "
        "softmax: the number grows, but its weight grows faster, and it is negative. A true "
        "maximum never does that; log-sum-exp does not either.",
    )
)


# q8: by precision


def _precision_slope(a, r):
    s = _sigmoid(a)
    with np.errstate(all="ignore"):
        ratio = np.where(a < -30, 1.0, s / _softplus(a))  # sigmoid over softplus
    return (r**2 * s - ratio) / 2


def _naive_precision(a, r):
    beta = np.log(1 + np.exp(a))
    return (r**2 - 1 / beta) * _sigmoid(a) / 2


def _overflows_above(case, reply):
    """Whether 1 / beta has been lost because exp(a) is infinity."""
    a, r = case.arguments
    try:
        value = np.asarray(reply.value, float)
    except (TypeError, ValueError):
        return False
    if value.shape != a.shape or not (a > 700).all():
        return False
    return bool(np.isnan(value).all() or np.allclose(value, r**2 / 2))


def _forgets_the_ratio(case, reply):
    """Whether it is right where softplus(a) is a number that can be divided by."""
    a, r = case.arguments
    try:
        value = np.asarray(reply.value, float)
    except (TypeError, ValueError):
        return False
    if value.shape != a.shape:
        return False
    good = np.isclose(value, _precision_slope(a, r), rtol=1e-4)
    return bool((a < -15).any() and good[a > -15].all())


q8 = section.add(
    Function(
        title="A gradient that stays in bounds",
        answer="precision_slope",
        kind="formula",
        level=2,
        names=("a", "r"),
        expected=_precision_slope,
        cases=[
            (np.array([0.0, 1.0, -2.0]), np.array([1.0, 2.0, 0.5])),
            (np.array([1.0]), np.array([0.0])),
            (np.array([-5.0, 5.0]), np.array([3.0, 3.0])),
            (np.array([3.0]), np.array([-2.0])),
            (np.array([-1.0, -3.0]), np.array([0.0, 1.5])),
            (np.array([10.0]), np.array([0.1])),
            (np.array([-6.0]), np.array([1.0])),
            (np.array([0.5]), np.array([4.0])),
            # Beyond the first eight, by which mistakes are known: where floats come to their end.
            (np.array([-20.0]), np.array([1.0])),
            (np.array([800.0]), np.array([2.0])),
            (np.array([-40.0]), np.array([1.0])),
            (np.array([-800.0]), np.array([1.0])),
        ],
        inputs=st.integers(1, 2).flatmap(lambda m: st.tuples(vectors(m), vectors(m))),
        hints=[
            "Two factors by the chain rule: dJ/dbeta, and dbeta/da. The derivative of softplus is "
            "the sigmoid.",
            "(r^2 - 1/beta) sigmoid(a) / 2. Where a is very negative, beta becomes 0 in a float. "
            "What is sigmoid(a) / softplus(a) there?",
            "Both are about exp(a) there, so their ratio is 1. Use np.where, or put exp(a) in "
            "for both.",
            "Below a = -30: (r**2 * sigmoid(a) - 1) / 2; elsewhere with the ratio as it is.",
        ],
        after="Between -1/2 and r^2 / 2 whatever a is, as sigmoid(a) is always below softplus(a). "
        "By sigma or by variance the same slope grows without bound as the width goes to 0.",
        mistakes=[
            Mistake(
                "This is the slope with respect to beta. The network computes a: multiply by "
                "d beta / da = sigmoid(a).",
                does=lambda a, r: (r**2 - 1 / _softplus(a)) / 2,
            ),
            Mistake(
                "The two terms have changed signs. J = (beta r^2 - log beta) / 2 grows with beta "
                "where the residual is large.",
                does=lambda a, r: -_precision_slope(a, r),
            ),
            Mistake(
                "The factor 1/2 in front is lost.",
                does=lambda a, r: 2 * _precision_slope(a, r),
            ),
            Mistake(
                "The residual is not squared.",
                does=lambda a, r: (r - 1 / _softplus(a)) * _sigmoid(a) / 2,
            ),
            Mistake(
                "Here the precision is exp(a). The book keeps it positive by the softplus.",
                does=lambda a, r: (r**2 * np.exp(a) - 1) / 2,
            ),
            Mistake(
                "The derivative of the softplus is the sigmoid; this has the sigmoid's derivative, "
                "s (1 - s), in its place.",
                does=lambda a, r: (r**2 - 1 / _softplus(a)) * _sigmoid(a) * (1 - _sigmoid(a)) / 2,
            ),
            Mistake(
                "One term is missing: -log(beta) depends on a, too.",
                does=lambda a, r: r**2 * _sigmoid(a) / 2,
            ),
            Mistake(
                "The factor 1/2 in front belongs to both terms.",
                does=lambda a, r: r**2 * _sigmoid(a) / 2 - _sigmoid(a) / _softplus(a),
            ),
            Mistake(
                "This is J itself. Asked for is its derivative by a.",
                does=lambda a, r: (_softplus(a) * r**2 - np.log(_softplus(a))) / 2,
            ),
            Mistake(
                "Right, but for large raw numbers: exp(800) is infinity, while the softplus of 800 "
                "is 800. np.logaddexp(0, a) knows that.",
                when=_overflows_above,
            ),
            Mistake(
                "Right, but for raw numbers far below 0: there softplus(a) is rounded to 0, or "
                "held up by a small number, and 1 / beta times sigmoid(a) is no longer 1. Use that "
                "sigmoid(a) / softplus(a) goes to 1.",
                when=_forgets_the_ratio,
            ),
        ],
        why="The chain rule has two links, J by beta and beta = softplus(a) by a. Compare with a "
        "small difference, (J(a + h) - J(a - h)) / (2 h).",
    )
)


# q9: an evening: a mixture, its cost and its gradient


def _parts(z, mu, s, y):
    u = (y[:, None] - mu) * np.exp(-s)
    return u, _log_softmax(z), -(u**2) / 2 - s - np.log(2 * np.pi) / 2


def _mixture(z, mu, s, y, *, weights=None):
    u, log_w, log_p = _parts(z, mu, s, y)
    joint = log_w + log_p
    r = _softmax(joint) if weights is None else weights(z, joint)
    cost = -_logsumexp(joint)[:, 0]
    return cost, _softmax(z) - r, -r * u * np.exp(-s), r * (1 - u**2)


def _underflowing(z, mu, s, y):
    u, log_w, log_p = _parts(z, mu, s, y)
    joint = np.exp(log_w + log_p)
    r = joint / joint.sum(axis=1, keepdims=True)
    cost = -np.log(joint.sum(axis=1))
    return cost, _softmax(z) - r, -r * u * np.exp(-s), r * (1 - u**2)


def _changed(change):
    """One of the four results in another form."""

    def does(z, mu, s, y):
        results = dict(zip(("cost", "dz", "dmu", "ds"), _mixture(z, mu, s, y), strict=True))
        u, log_w, log_p = _parts(z, mu, s, y)
        results.update(change(results, u, log_w, log_p, np.exp(s)))
        return tuple(results.values())

    return does


@st.composite
def _mixtures(draw):
    m, n = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    z, mu = draw(matrices(m, n, -2, 2)), draw(matrices(m, n, -2, 2))
    return z, mu, draw(matrices(m, n, -1, 1)), draw(vectors(m, -2, 2))


PAIR = (
    np.array([[0.0, 1.0], [2.0, 0.0]]),
    np.array([[-1.0, 1.0], [0.0, 3.0]]),
    np.array([[0.0, 0.0], [-1.0, 1.0]]),
    np.array([0.5, 1.0]),
)
ONE_COMPONENT = tuple(np.array(v) for v in ([[0.0]], [[1.0]], [[0.5]], [2.0]))

q9 = section.add(
    Function(
        title="A mixture density layer",
        answer="mixture",
        kind="implement",
        level=3,
        marked=True,
        names=("z", "mu", "s", "y"),
        expected=_mixture,
        cases=[
            PAIR,
            ONE_COMPONENT,
            (*(value[:1] for value in PAIR),),
            (np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1)),
            (*PAIR[:3], np.array([60.0, -60.0])),
            (1000 * PAIR[0], *PAIR[1:]),
            (PAIR[0], PAIR[1], PAIR[2] - 8, PAIR[3]),
        ],
        inputs=_mixtures(),
        rtol=1e-5,
        hints=[
            "Stay with logarithms: log w_i = log softmax(z)_i, and log N_i = -u^2 / 2 - s_i - "
            "log(2 pi) / 2 with u = (y - mu_i) / exp(s_i). J is minus the log-sum-exp of the sums.",
            "The responsibility r_i is the softmax of log w_i + log N_i: the share of component i "
            "in this point. By the chain rule dJ/d(log N_i) = -r_i.",
            "So dJ/dmu_i = -r_i d(log N_i)/dmu_i, and the same for s_i. For z there is the "
            "softmax of z on one side and r on the other.",
            "dz = softmax(z) - r, dmu = -r u / exp(s), ds = r (1 - u^2).",
        ],
        after="Read the gradients: each component learns only from the points it is "
        "responsible for, and the weights move until they are the responsibilities. As exp(s) gets "
        "small, u / exp(s) gets huge, and that is what the clipping of gradients is for.",
        mistakes=[
            Mistake(
                "All densities have become 0, the point is far from every component, and log 0 and "
                "0 / 0 came of it. Add logarithms, and sum by a log-sum-exp that takes the maximum "
                "out.",
                does=_underflowing,
            ),
            Mistake(
                "The cost is right. The gradients are weighted by the mixture's own softmax(z), "
                "and not by the responsibilities, which depend on y as well: r is the softmax of "
                "log w + log N.",
                does=lambda *a: _mixture(*a, weights=lambda z, joint: _softmax(z)),
            ),
            Mistake(
                "This cost is the weighted mean of the components' costs. The density is the "
                "weighted sum of densities, and the logarithm comes after the sum "
                "(equation 6.35).",
                when=lambda case, reply: _same_cost(
                    case, reply, lambda w, p: -np.sum(np.exp(w) * p, axis=1)
                ),
            ),
            Mistake(
                "The constant log(2 pi) / 2 is missing from the cost. No gradient needs it, but it "
                "is part of -log p.",
                does=_changed(lambda g, u, w, p, sd: {"cost": g["cost"] - np.log(2 * np.pi) / 2}),
            ),
            Mistake(
                "The normalising factor of the Gaussian is not all there: log N contains "
                "-s - log(2 pi) / 2. Without -s a component could be wide for nothing.",
                when=lambda case, reply: any(
                    _same_cost(case, reply, _short_of(without_s, without_pi), True)
                    for without_s, without_pi in ((1, 0), (1, 1))
                ),
            ),
            Mistake(
                "Here exp(s) is taken for the variance. In the exercise it is sigma, so the "
                "variance is exp(2 s).",
                when=lambda case, reply: _same_cost(case, reply, _of_variance(case)),
            ),
            Mistake(
                "This is the cost of the best component alone. The density is a sum over all of "
                "them: a log-sum-exp, and not a maximum.",
                when=lambda case, reply: _same_cost(
                    case, reply, lambda w, p: -np.max(w + p, axis=1)
                ),
            ),
            Mistake(
                "The sign of J: this is log p, and a cost is minus that.",
                does=_changed(lambda g, u, w, p, sd: {"cost": -g["cost"]}),
            ),
            Mistake(
                "J is asked for one by one; this is one number for all examples.",
                when=lambda case, reply: (
                    isinstance(reply.value, (tuple, list))
                    and len(reply.value) == 4
                    and np.shape(reply.value[0]) == ()
                ),
            ),
            Mistake(
                "All four are divided by the number of examples. They are asked for one by one; "
                "no mean is taken here.",
                does=lambda z, mu, s, y: tuple(v / len(y) for v in _mixture(z, mu, s, y)),
            ),
            Mistake(
                "Right until the logits get large: exp(1000) is infinity. Take the logarithm of "
                "the softmax on paper, with the maximum of the row subtracted (equation 6.33).",
                when=lambda case, reply: np.abs(case.arguments[0]).max() > 700 and _has_nan(reply),
            ),
            Mistake(
                "ds is turned round: J falls when a width comes nearer to the distance |y - mu|, "
                "so its gradient is r (1 - u^2).",
                does=_changed(lambda g, u, w, p, sd: {"ds": -g["ds"]}),
            ),
            Mistake(
                "dmu lacks a division by the variance: r (mu - y) / sigma^2.",
                does=_changed(lambda g, u, w, p, sd: {"dmu": g["dmu"] * sd**2}),
            ),
            Mistake(
                "dz is turned round: predicted less what should be, softmax(z) - r.",
                does=_changed(lambda g, u, w, p, sd: {"dz": -g["dz"]}),
            ),
            Mistake(
                "dz lacks a term: z acts through its log-sum-exp, too, which gives softmax(z).",
                does=_changed(lambda g, u, w, p, sd: {"dz": g["dz"] - np.exp(w)}),
            ),
            Mistake(
                "dmu is turned round: J falls when the mean moves towards y, so its gradient is "
                "r (mu - y) / sigma^2.",
                does=_changed(lambda g, u, w, p, sd: {"dmu": -g["dmu"]}),
            ),
            Mistake(
                "dmu lacks a division: the derivative of u^2 / 2 is u times du/dmu = -1 / sigma.",
                does=_changed(lambda g, u, w, p, sd: {"dmu": g["dmu"] * sd}),
            ),
            Mistake(
                "ds is the gradient with respect to sigma. As sigma = exp(s), multiply by sigma.",
                does=_changed(lambda g, u, w, p, sd: {"ds": g["ds"] / sd}),
            ),
            Mistake(
                "ds has only the term of u^2. The -s of log N gives +r besides: without it the "
                "widths would grow for ever.",
                does=_changed(
                    lambda g, u, w, p, sd: {"ds": -np.exp(w + p + g["cost"][:, None]) * u**2}
                ),
            ),
        ],
        why="First J: the logarithm comes after the sum over the components. Then each gradient "
        "beside small differences: move one entry of z, mu or s by 1e-6 and look at J.",
    )
)


def _short_of(without_s, without_pi):
    """The cost with a part of the normalising factor left out."""

    def cost(log_w, log_p, s):
        return -_logsumexp(log_w + log_p + without_s * s + without_pi * np.log(2 * np.pi) / 2)[:, 0]

    return cost


def _of_variance(case):
    """The cost with exp(s) in the place of the variance."""
    z, mu, s, y = case.arguments
    return lambda log_w, log_p: _mixture(z, mu, s / 2, y)[0]


def _has_nan(reply):
    values = reply.value if isinstance(reply.value, (tuple, list)) else ()
    return any(array is not None and np.isnan(array).any() for array in _as_arrays(values))


def _same_cost(case, reply, cost, with_s=False):
    """Whether the first of the four results is this cost."""
    z, mu, s, y = case.arguments
    mine = _as_arrays(reply.value[:1])[0] if isinstance(reply.value, (tuple, list)) else None
    if mine is None:
        return False
    _, log_w, log_p = _parts(z, mu, s, y)
    other, right = cost(log_w, log_p, *[s] * with_s), _mixture(*case.arguments)[0]
    return mine.shape == other.shape and np.allclose(mine, other) and not np.allclose(mine, right)


q10 = section.add(
    Open(
        title="Equal at the start",
        answer="prediction",
        kind="open",
        level=1,
        hints=[
            "With equal means and widths, how responsible is each component for a point?",
            "Equal responsibilities, equal gradients, equal steps. What is a mixture of three "
            "equal Gaussians?",
        ],
    )
)
