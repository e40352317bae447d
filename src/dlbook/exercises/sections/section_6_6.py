"""Exercises on section 6.6: inventions that made history, and how to compare them fairly.

The eleventh asks for a reader of digits with random hidden weights and tries it out (`Trial`).
"""

from functools import cache
from statistics import NormalDist

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from dlbook import datasets
from dlbook.exercises.checking.comparison import difference
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import matrices, vectors
from dlbook.exercises.checking.section import Section
from dlbook.exercises.checking.trial import Trial, returned

section = Section("6_6_history", "Exercises on section 6.6")
progress = section.progress

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND, XOR = np.array([-1.0, -1.0, -1.0, 1.0]), np.array([-1.0, 1.0, 1.0, -1.0])


# --- q1: a quarter of a century -----------------------------------------------------------------


def _years():
    """Return how long the third lane of the timeline is, up to Rumelhart, Hinton, Williams."""
    from dlbook.figures.history import EVENTS  # with Matplotlib behind it

    lane = [(year, name) for year, name, lane in EVENTS if lane.startswith("derivatives")]
    (known,) = [year for year, name in lane if name.startswith("Rumelhart")]
    return known - min(year for year, _ in lane)


q1 = section.add(
    Value(
        title="Known, and not yet known",
        answer="years",
        kind="figure",
        level=1,
        right=_years,
        hints=[
            "The third lane is the one with the derivatives of long chains.",
            "Its first entry is about flight paths, by Kelley.",
        ],
        after="Over a quarter of a century the algorithm belonged to control engineers and to "
        "people who study rounding errors. What 1986 added was to show what it does for networks.",
        mistakes={
            25: "Close: that is from the second entry, or to the year before, when LeCun and "
            "Parker had found it. Take the first entry, and Rumelhart, Hinton and Williams.",
            24: "That starts with Dreyfus, 1962. Two of his colleagues had been there before.",
            21: "That is where Werbos proposed it for networks. It took five more years until it "
            "was widely known.",
            16: "That starts with Linnainmaa. The lane begins ten years earlier, with rockets.",
            5: "That starts with Werbos. The method itself is older: look further left.",
            310: "That is from Leibniz, in the first lane: the chain rule, but not yet a way to "
            "go through a long chain without repeating oneself.",
        },
    )
)


# --- q2: a machine of 1958 ----------------------------------------------------------------------


def _rule(step):
    """Make a learner from a rule that gives the steps of w and b for x, t and the output z."""

    def learner(X, y, passes):
        w, b = np.zeros(X.shape[1]), 0.0
        for _ in range(passes):
            for x, t in zip(X, y, strict=True):
                change_w, change_b = step(x, t, x @ w + b)
                w, b = w + change_w, b + change_b
        return w, b

    return learner


_perceptron = _rule(lambda x, t, z: (t * x, t) if t * z <= 0 else (0, 0))


def _all_at_once(X, y, passes):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(passes):
        wrong = y * (X @ w + b) <= 0
        w, b = w + X[wrong].T @ y[wrong], b + y[wrong].sum()
    return w, b


def _without_b(X, y, passes):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(passes):
        for x, t in zip(X, y, strict=True):
            if t * (x @ w) <= 0:
                w, b = w + t * x, b + t
    return w, b


@st.composite
def _examples(draw):
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 2))
    signs = draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=m, max_size=m))
    return draw(matrices(m, n, -2, 2)), np.array(signs), draw(st.integers(1, 3))


q2 = section.add(
    Function(
        title="A machine of 1958",
        answer="perceptron",
        kind="implement",
        level=2,
        names=("X", "y", "passes"),
        expected=_perceptron,
        cases=[
            (CORNERS, AND, 3),
            (CORNERS, AND, 20),
            (CORNERS, XOR, 2),
            (np.array([[2.0], [-1.0]]), np.array([1.0, 1.0]), 1),
            (np.array([[1.0, -2.0]]), np.array([-1.0]), 2),
            (CORNERS, AND, 0),
        ],
        inputs=_examples(),
        hints=[
            "Two loops: passes, and in each the examples one after the other. Every example meets "
            "the weights that the one before has left.",
            "An example is right if t and w x + b have the same sign, that is if their product is "
            "positive. 0 is not positive.",
            "if t * (w @ x + b) <= 0: w = w + t * x; b = b + t.",
        ],
        after="On AND it comes to rest after a few passes. Rosenblatt's theorem says that it does "
        "so whenever some line separates the classes; the next exercise is about the other case.",
        mistakes=[
            Mistake(
                "It never starts. At first all outputs are 0, which is neither class: an example "
                "is right only if t (w x + b) is larger than 0.",
                does=_rule(lambda x, t, z: (t * x, t) if t * z < 0 else (0, 0)),
            ),
            Mistake(
                "It learns from every example, also from those that it has right. That is Hebb's "
                "rule; the perceptron leaves alone what is right.",
                does=_rule(lambda x, t, z: (t * x, t)),
            ),
            Mistake(
                "The bias never moves. It is a weight whose input is always 1: it changes by t.",
                does=_rule(lambda x, t, z: (t * x, 0) if t * z <= 0 else (0, 0)),
            ),
            Mistake(
                "All examples are judged by the same weights, and the steps taken together. Here "
                "each example meets the weights that the one before has left.",
                does=_all_at_once,
            ),
            Mistake(
                "The step goes the wrong way: it makes a wrong example more wrong.",
                does=_rule(lambda x, t, z: (-t * x, -t) if t * z <= 0 else (0, 0)),
            ),
            Mistake(
                "The step is t x. Without t an example of class -1 pulls to the wrong side.",
                does=_rule(lambda x, t, z: (x, 1) if t * z <= 0 else (0, 0)),
            ),
            Mistake(
                "That is the rule of Widrow and Hoff, two years younger: a step in proportion to "
                "t - z, also where the sign is right.",
                does=_rule(lambda x, t, z: ((t - z) * x, t - z)),
            ),
            Mistake(
                "That is a single pass. Is the return inside the outer loop?",
                does=lambda X, y, passes: _perceptron(X, y, min(passes, 1)),
            ),
            Mistake(
                "The bias of the output is left out when it is decided whether an example is "
                "right.",
                does=_without_b,
            ),
        ],
        why="Do the first pass by hand: w and b start at 0, so the first example is wrong and "
        "sets them to t x and t.",
    )
)


# --- q3: the machine meets XOR ------------------------------------------------------------------


def _what_becomes_of_it():
    """Return the letter for what a perceptron does on XOR, by letting it run."""
    runs = [_perceptron(CORNERS, XOR, passes) for passes in range(1, 60)]
    states = [(*w, b) for w, b in runs]
    right = [(XOR * (CORNERS @ w + b) > 0).sum() for w, b in runs]
    steps = _perceptron(CORNERS[:1], XOR[:1], 1)[1]
    if steps == 0:
        return "d"
    if max(np.abs(states[-1])) > 10:
        return "c"
    return "a" if right[-1] == 3 and states[-1] == states[-2] else "b"


q3 = section.add(
    Value(
        title="The machine meets XOR",
        answer="fate",
        kind="predict",
        level=1,
        choices="abcd",
        right=_what_becomes_of_it,
        hints=[
            "It stops only if all four examples are right. Can that be?",
            "Do one pass by hand. It takes four steps, one for each example. Add them up.",
        ],
        after="The four steps of a pass cancel: after every pass the weights are 0 again. In "
        "general, too, the weights of a perceptron stay within bounds when no line separates "
        "the classes, and what stays within bounds and on a grid must come back.",
        mistakes={
            "a": "Three of four is the best a line can do. But the rule does not look for the "
            "best: as long as one example is wrong, it takes a step, and spoils another.",
            "c": "A step is taken only when the output is wrong or 0, and then it pulls the output "
            "back. That keeps the weights small.",
            "d": "At the start the output is 0, which does not count as right: the first example "
            "moves b at once.",
        },
    )
)


# --- q4: what each second is worth --------------------------------------------------------------


def _worth(A, B, c, T):
    worth, adjoint = np.zeros((T, B.shape[1])), c
    for t in reversed(range(T)):
        worth[t] = B.T @ adjoint
        adjoint = A.T @ adjoint
    return worth


def _other_worth(power, A_of=lambda A: A.T, B_of=lambda B: B.T):
    """Return the worth with something else done: `power` says how often A acts, from T and t."""

    def worth(A, B, c, T):
        times = [power(T, t) for t in range(T)]
        return np.array([B_of(B) @ np.linalg.matrix_power(A_of(A), k) @ c for k in times])

    return worth


@st.composite
def _flights(draw):
    n, k, T = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 4))
    found = draw(vectors(n * n + n * k + n, -2, 2))
    A, B, c = np.split(found, [n * n, n * n + n * k])
    return A.reshape(n, n), B.reshape(n, k), c, T


# Height and speed: each second adds the speed to the height, the thrust to the speed.
ROCKET = (np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.0], [1.0]]), np.array([1.0, 0.0]))

q4 = section.add(
    Function(
        title="What each second of thrust is worth",
        answer="worth",
        kind="implement",
        level=2,
        marked=True,
        names=("A", "B", "c", "T"),
        expected=_worth,
        cases=[
            (*ROCKET, 3),
            (*ROCKET, 1),
            (np.array([[0.5, 0.0], [1.0, -1.0]]), np.array([[1.0, 0.0], [2.0, 1.0]]), ROCKET[2], 4),
            (np.array([[2.0]]), np.array([[1.0, -1.0]]), np.array([1.0]), 3),
            (*ROCKET, 50),
        ],
        inputs=_flights(),
        hints=[
            "The last thrust goes through B and straight into the final state: it is worth B^T c. "
            "What lies between the one before and the end?",
            "One more multiplication by A, so it is worth B^T A^T c. Keep the vector a, which "
            "starts as c and is multiplied by A^T for each step back.",
            "for t in reversed(range(T)): worth[t] = B.T @ a; a = A.T @ a.",
        ],
        after="One sweep from the end to the start gives all T derivatives, for little more than "
        "one flight costs. That is what Kelley, and Bryson and Denham, did around 1960, "
        "and it is back-propagation through a chain of T layers.",
        mistakes=[
            Mistake(
                "The rows stand in the order in which they were found, from the end of the flight. "
                "Row 0 is for the first second.",
                does=lambda A, B, c, T: _worth(A, B, c, T)[::-1],
            ),
            Mistake(
                "One A too many: what is steered in the last second goes through B and no A.",
                does=_other_worth(lambda T, t: T - t),
            ),
            Mistake(
                "Going back, A acts transposed: the question is how the end depends on a state, "
                "not where that state goes.",
                does=_other_worth(lambda T, t: T - 1 - t, A_of=lambda A: A),
            ),
            Mistake(
                "That is the same for each second: the way from there to the end, through A again "
                "and again, is missing.",
                does=_other_worth(lambda T, t: 0),
            ),
            Mistake(
                "That is what each state is worth. The thrust gets into the state through B.",
                does=_other_worth(lambda T, t: T - 1 - t, B_of=lambda B: np.eye(len(B))),
            ),
            Mistake(
                "That is the worth of the first second alone.",
                does=lambda A, B, c, T: _worth(A, B, c, T)[0],
            ),
        ],
        why="Check it by flying: change one entry of u by 1 and see by how much c^T s changes at "
        "the end. All is linear, so that is exact.",
    )
)


# --- q5: squared error on a softmax -------------------------------------------------------------


def _softmax(z):
    e = np.exp(z - np.max(z))
    return e / e.sum()


def _errors(z, k):
    """Return p and p - y."""
    p = _softmax(np.asarray(z, float))
    return p, p - np.eye(len(p))[k]


def _gradient(z, k):
    p, e = _errors(z, k)
    return 2 * p * (e - p @ e) + 0.0  # no -0


def _other_gradient(change):
    return lambda z, k: change(*_errors(z, k))


def _naive_gradient(z, k):
    p = np.exp(z) / np.exp(z).sum()
    e = p - np.eye(len(p))[k]
    return 2 * p * (e - p @ e)


@st.composite
def _logits(draw):
    n = draw(st.integers(2, 4))
    return draw(vectors(n)), draw(st.integers(0, n - 1))


q5 = section.add(
    Function(
        title="The custom of the 1980s",
        answer="gradient",
        kind="formula",
        level=2,
        marked=True,
        names=("z", "k"),
        expected=_gradient,
        cases=[
            (np.array([1.0, 0.0, -2.0]), 1),
            (np.zeros(10), 3),
            (np.array([8.0, *np.zeros(9)]), 1),
            (np.array([0.0, 0.0]), 0),
            (np.array([1000.0, 0.0, -1000.0]), 2),
        ],
        inputs=_logits(),
        rtol=1e-5,
        hints=[
            "The chain rule: dJ/dz_j is the sum over i of dJ/dp_i dp_i/dz_j. With e = p - y, the "
            "first factor is 2 e_i.",
            "dp_i/dz_j is p_i (1 - p_i) for i = j and -p_i p_j otherwise: the matrix "
            "diag(p) - p p^T.",
            "2 (p * e - p * (p @ e)). And for a safe softmax subtract the largest entry of z "
            "first.",
        ],
        after="Every entry has p_j as a factor. At [8, 0, ..., 0] with another label, sure and "
        "wrong, the gradient is about 200 times smaller than that of cross-entropy, p - y: "
        "the custom of the 1980s learned least from the worst examples.",
        mistakes=[
            Mistake(
                "That is the gradient of cross-entropy, p - y. Squared error still has to go "
                "through the softmax.",
                does=_other_gradient(lambda p, e: e),
            ),
            Mistake(
                "That is the gradient with respect to p. The way from p to z, through the softmax, "
                "is missing.",
                does=_other_gradient(lambda p, e: 2 * e),
            ),
            Mistake(
                "The softmax is treated like ten sigmoids: p (1 - p) is only the diagonal of its "
                "Jacobian. Raising one entry of z lowers all the other probabilities.",
                does=_other_gradient(lambda p, e: 2 * e * p * (1 - p)),
            ),
            Mistake(
                "The 2 of the square is missing.",
                does=_other_gradient(lambda p, e: p * (e - p @ e)),
            ),
            Mistake(
                "The second part of the Jacobian, - p p^T, is missing.",
                does=_other_gradient(lambda p, e: 2 * p * e),
            ),
            Mistake(
                "The Jacobian is diag(p) minus p p^T, and not plus.",
                does=_other_gradient(lambda p, e: 2 * p * (e + p @ e)),
            ),
            Mistake(
                "The sign is turned round: that is the way downhill.",
                does=_other_gradient(lambda p, e: -2 * p * (e - p @ e)),
            ),
            Mistake(
                "That is the mean over the classes. Here the squares are added up.",
                does=_other_gradient(lambda p, e: 2 * p * (e - p @ e) / len(p)),
            ),
            Mistake(
                "exp(1000) is infinite, and infinity over infinity is no number. Subtract the "
                "largest entry of z first: the softmax stays the same.",
                does=_naive_gradient,
            ),
        ],
        why="Compare with finite differences: change one entry of z by 1e-6 and look at the cost.",
    )
)


# --- q6: five times the rate? -------------------------------------------------------------------


def _factor():
    z, k = np.zeros(100), 0
    return float(_errors(z, k)[1][k] / _gradient(z, k)[k])


q6 = section.add(
    Value(
        title="A learning rate in disguise?",
        answer="factor",
        kind="predict",
        level=1,
        right=_factor,
        rtol=1e-3,
        hints=[
            "At the start p is 1/100 for every class. So p @ (p - y) is the sum of the entries of "
            "p - y, over 100. What is that sum?",
            "What is left of the gradient is 2 p (p - y), with p = 1/100.",
        ],
        after="With n classes the factor is n/2 at the start, and it does not stay: it grows where "
        "the network is sure and wrong, and shrinks where it is sure and right. So no single "
        "learning rate makes up for the cost.",
        mistakes={
            5.0: "That would be so with ten classes. Here there are a hundred.",
            100.0: "The square brings a 2, which the gradient of cross-entropy does not have.",
            0.02: "That is how much smaller the gradient is. The learning rate has to make up for "
            "it.",
            0.01: "That is p. The gradient of squared error is 2 p times that of cross-entropy, "
            "and the learning rate has to make up for it.",
            200.0: "The 2 of the square makes the gradient larger, and so the factor smaller.",
            1 / (2 * 0.01 * 0.99): "Almost: that takes p (1 - p) for the softmax's Jacobian, as "
            "for a sigmoid. The rest, - p p^T, makes up for the difference.",
            1.0: "Both are zero at the same place, but squared error goes through the softmax, "
            "whose slope at the start is small.",
        },
    )
)


# --- q7: silent most of the time ----------------------------------------------------------------


def _bias(share):
    return NormalDist().inv_cdf(share)


q7 = section.add(
    Function(
        title="Silent most of the time",
        answer="bias",
        kind="formula",
        level=1,
        names=("share",),
        expected=_bias,
        cases=[(0.1,), (0.5,), (0.9,), (0.001,), (0.02275,)],
        inputs=st.tuples(st.integers(1, 99).map(lambda percent: percent / 100)),
        rtol=1e-4,
        atol=1e-6,
        hints=[
            "The unit is on where a + b > 0, that is where a > -b. How probable is that?",
            "By symmetry P(a > -b) = P(a < b), which is the normal distribution function at b.",
            "b is its inverse at the share: statistics.NormalDist().inv_cdf(share), or "
            "scipy.stats.norm.ppf(share).",
        ],
        after="For a tenth it is -1.28. Half of the rectifiers are silent at b = 0 without any "
        "effort; that many more are is what Glorot and colleagues asked for, with neurons in "
        "mind.",
        mistakes=[
            Mistake(
                "The sign is turned round: this unit is on for the rest of the inputs, and silent "
                "for the share. A unit that is mostly silent has a negative bias.",
                does=lambda share: -_bias(share),
            ),
            Mistake(
                "That cuts off half of the share, as for an interval with two ends. Here there is "
                "one end.",
                does=lambda share: _bias(share / 2),
            ),
            Mistake(
                "That is the inverse of the sigmoid, log(s / (1 - s)). The share is one of a "
                "normal distribution here.",
                does=lambda share: np.log(share / (1 - share)),
            ),
            Mistake(
                "That is the distribution function at the share. Its inverse is wanted: which b "
                "gives this share?",
                does=lambda share: NormalDist().cdf(share),
            ),
            Mistake(
                "That is the bell curve's height at the share. Wanted is the b below which a share "
                "of its area lies.",
                does=lambda share: NormalDist().pdf(share),
            ),
            Mistake(
                "That would hold if a were uniform, between -1/2 and 1/2. It is normal.",
                does=lambda share: share - 0.5,
            ),
            Mistake(
                "That is the share itself. Which b makes a + b positive so often?",
                does=lambda share: share,
            ),
        ],
        why="Draw 100,000 normal numbers, add b, and count how many are positive.",
    )
)


# --- q8: the ripple -----------------------------------------------------------------------------


def _deviation(H):
    spread = H.std(axis=0)
    return np.where(spread == 0, 1.0, spread)


def _standardised(train, test):
    mean, spread = train.mean(axis=0), _deviation(train)
    return (train - mean) / spread, (test - mean) / spread


def _each_its_own(train, test):
    return _standardised(train, train)[0], _standardised(test, test)[0]


def _shifted_and_divided(mean, spread):
    return lambda train, test: tuple((H - mean(train)) / spread(train) for H in (train, test))


def _plain_deviation(H):
    return H.std(axis=0)


def _column_mean(H):
    return H.mean(axis=0)


def _with_all(train, test):
    both = _standardised(np.concatenate([train, test]), train)[0]
    return both[: len(train)], both[len(train) :]


@st.composite
def _features(draw):
    m, k, n = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    found = draw(matrices(m + k, n, -2, 2))
    return found[:m], found[m:]


RIPPLE = 0.5 + np.array([[1.0, -2.0], [3.0, 0.0], [-1.0, 2.0], [1.0, 4.0]]) / 64

q8 = section.add(
    Function(
        title="Only a ripple",
        answer="standardise",
        kind="implement",
        level=2,
        names=("train", "test"),
        expected=_standardised,
        cases=[
            (RIPPLE, RIPPLE[:1] + 1 / 32),
            (np.array([[1.0, 2.0], [3.0, 2.0]]), np.array([[1.0, 5.0]])),
            (np.array([[4.0], [0.0], [2.0], [2.0]]), np.array([[8.0], [9.0], [-5.0]])),
            (np.array([[1.5, -2.0]]), np.array([[2.5, -2.0]])),
        ],
        inputs=_features(),
        integers=False,
        hints=[
            "Mean and standard deviation of each column of train: axis=0. The same two are used "
            "for both arrays.",
            "Where the standard deviation is 0, put 1 in its place before you divide: "
            "np.where(spread == 0, 1, spread).",
        ],
        after="The random sigmoids of the chapter's page hold the pictures as well as random "
        "rectifiers do, in a ripple of 3 % around a constant. Subtracting the constant and "
        "enlarging the ripple brings out what descent could not get at.",
        mistakes=[
            Mistake(
                "The test features are measured by their own mean and deviation. Then a picture "
                "is read differently in other company; both arrays take train's.",
                does=_each_its_own,
            ),
            Mistake(
                "A feature that never varies in train is divided by 0. Divide it by 1 in place of "
                "that.",
                does=_shifted_and_divided(_column_mean, _plain_deviation),
            ),
            Mistake(
                "The constant is gone, but the ripple is as small as it was: divide by the "
                "standard deviation.",
                does=lambda train, test: (train - train.mean(axis=0), test - train.mean(axis=0)),
            ),
            Mistake(
                "The ripple is enlarged, and the constant with it: subtract the mean first.",
                does=lambda train, test: (train / _deviation(train), test / _deviation(train)),
            ),
            Mistake(
                "That divides by the variance. Its root, the standard deviation, has the right "
                "unit.",
                does=_shifted_and_divided(_column_mean, lambda H: _deviation(H) ** 2),
            ),
            Mistake(
                "One mean and one deviation for all features. Each column has its own.",
                does=_shifted_and_divided(np.mean, lambda H: np.std(H) or 1.0),
            ),
            Mistake(
                "That divides by m - 1 for the variance. Wanted is the plain mean of the squares, "
                "as NumPy's std has it.",
                does=_shifted_and_divided(
                    _column_mean, lambda H: np.where(np.ptp(H, axis=0), H.std(axis=0, ddof=1), 1.0)
                ),
            ),
            Mistake(
                "Test pictures have a part in the mean here. What is said about them should not "
                "depend on which others are in the test.",
                does=_with_all,
            ),
        ],
        why="In train every column should end up with mean 0 and standard deviation 1, except for "
        "one that is constant, which becomes 0.",
    )
)


# --- q9: a third kind of unit -------------------------------------------------------------------


def _ripple(unit):
    """Return how much the features of a third random layer vary from picture to picture."""
    X, _ = datasets.digits()
    rng, H = np.random.default_rng(6), X
    for inputs in (64, 32, 32):
        H = unit(H @ rng.normal(size=(inputs, 32)) / np.sqrt(inputs))
    return H.std(axis=0).mean()


def _where_tanh_is():
    sigmoid = _ripple(lambda z: 1 / (1 + np.exp(-z)))
    rectifier, tanh = _ripple(lambda z: np.maximum(z, 0)), _ripple(np.tanh)
    if tanh > 1.25 * rectifier:
        return "d"
    if tanh > 0.75 * rectifier:
        return "c"
    return "b" if tanh > 2 * sigmoid else "a"


q9 = section.add(
    Value(
        title="A third kind of unit",
        answer="tanh",
        kind="predict",
        level=1,
        choices="abcd",
        right=_where_tanh_is,
        hints=[
            "What counts is the slope where the small weights keep z: near 0. Compare the three "
            "units there.",
            "The slope is 1/4 for the sigmoid and 1 for tanh; a rectifier has 1 on one side of 0 "
            "and nothing on the other.",
        ],
        after="About 0.17. At 0 the slope of tanh is 1, and its mean is 0, so small weights hand "
        "the signal on almost undiminished, while a rectifier drops half of it. What failed on "
        "the left of the chapter's figure was this particular sigmoid with this particular start, "
        "and not saturation as such.",
        mistakes={
            "a": "Saturation is not what stops the sigmoid here: with small weights nobody gets as "
            "far as that. Its slope of 1/4 is what costs, once a layer. What is the slope of tanh?",
            "b": "It has the sigmoid's shape, but tanh z = 2 sigmoid(2 z) - 1: four times the "
            "slope, and that in each of three layers.",
            "c": "A rectifier has the slope 1 only where z is positive. What has tanh where z is "
            "negative?",
        },
    )
)


# --- q10: a fair contest -------------------------------------------------------------------------


def _given_contest(validation, test):
    by_rate = test.mean(axis=1)
    best = by_rate.argmin()
    return by_rate[best]


def _late(validation):
    return validation[len(validation) // 2 :].mean(axis=0).mean(axis=1)


def _contest(validation, test):
    return float(test.mean(axis=1)[_late(validation).argmin()])


def _chosen_by(measure):
    return lambda validation, test: test.mean(axis=1)[measure(validation).argmin()]


def _each_seed_its_rate(validation, test):
    best = validation[len(validation) // 2 :].mean(axis=0).argmin(axis=0)
    return test[best, np.arange(test.shape[1])].mean()


@st.composite
def _runs(draw):
    times, rates, seeds = draw(st.integers(2, 4)), draw(st.integers(2, 3)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    validation = rng.integers(1, 100, size=(times, rates, seeds)) / 100
    late = np.sort(_late(validation))
    assume(late[1] - late[0] > 1e-6)  # no ties
    return validation, rng.integers(1, 100, size=(rates, seeds)) / 100


# Two rates, two seeds, four exams: the second rate is lucky once, and in the test.
LUCKY = np.array(
    [
        [[0.9, 0.9], [0.9, 0.9]],
        [[0.5, 0.6], [0.1, 0.1]],
        [[0.2, 0.3], [0.5, 0.4]],
        [[0.2, 0.2], [0.4, 0.5]],
    ]
)

q10 = section.add(
    Function(
        title="A fair contest",
        answer="contest",
        kind="bug",
        level=2,
        marked=True,
        given=_given_contest,
        names=("validation", "test"),
        expected=_contest,
        integers=False,
        cases=[
            (LUCKY, np.array([[0.3, 0.25], [0.2, 0.15]])),
            (LUCKY[1:], np.array([[0.3, 0.25], [0.2, 0.4]])),
            (LUCKY[::-1], np.array([[0.1, 0.25], [0.2, 0.45]])),
            (LUCKY[2:, :, :1], np.array([[0.5], [0.25]])),
        ],
        inputs=_runs(),
        hints=[
            "What is allowed to decide which rate is best, and what only to say how good it is?",
            "Choose by validation: the second half of the times, validation[len(validation) // 2:]"
            ", averaged over times and seeds.",
            "best = validation[len(validation) // 2 :].mean(axis=(0, 2)).argmin(), and then "
            "test.mean(axis=1)[best].",
        ],
        after="The smallest of several test errors is too good: part of it is luck, and it "
        "is larger the more rates were tried. A contestant with more settings to try would win "
        "by that alone.",
        mistakes=[
            Mistake(
                "The test pictures still choose the rate. Whoever may choose by the test gets a "
                "number that is better than the truth.",
                does=_given_contest,
            ),
            Mistake(
                "A single lucky moment decides here: the least error on the way. Take the mean "
                "over the second half.",
                does=_chosen_by(lambda v: v.min(axis=0).mean(axis=1)),
            ),
            Mistake(
                "The last exam alone decides. One moment is noisy: take the mean over the second "
                "half.",
                does=_chosen_by(lambda v: v[-1].mean(axis=1)),
            ),
            Mistake(
                "The first half of the run counts, too, when nothing has been learned yet. It "
                "prefers a quick start.",
                does=_chosen_by(lambda v: v.mean(axis=(0, 2))),
            ),
            Mistake(
                "That is the validation error of the chosen rate. It was chosen for being "
                "small, so it is too good as well: report the test error.",
                does=lambda validation, test: _late(validation).min(),
            ),
            Mistake(
                "That takes the rate with the largest validation error.",
                does=lambda v, test: test.mean(axis=1)[_late(v).argmax()],
            ),
            Mistake(
                "Each seed has a rate of its own here. The question is how good one rate is, so "
                "average over the seeds before you choose.",
                does=_each_seed_its_rate,
            ),
            Mistake(
                "That is the number of the best rate. Report its mean test error.",
                does=lambda validation, test: _late(validation).argmin(),
            ),
            Mistake(
                "That is the mean over all rates. Choose one first.",
                does=lambda validation, test: test.mean(),
            ),
        ],
        why="Two steps: which rate has the least mean validation error over the second half of the "
        "times and all seeds; what is the mean test error of that one.",
    )
)


# --- q11: hidden weights by chance --------------------------------------------------------------

UNITS, LIMIT = 400, 0.04


@cache
def _pictures():
    """Return 1,000 digits to learn from, and the rest to test on."""
    X, y = datasets.digits()
    return datasets.split(X, y, len(X) - 1000, np.random.default_rng(106))


def _parts(value):
    """Return W, c, V, d as arrays, or say what is wrong with their form."""
    if not isinstance(value, (tuple, list)) or len(value) != 4:
        raise Wrong("should return four things: W, c, V and d")
    W = np.asarray(value[0], float)
    units = W.shape[1] if W.ndim == 2 else 0
    shapes = {"W": (64, units), "c": (units,), "V": (units, 10), "d": (10,)}
    for (name, shape), part in zip(shapes.items(), value, strict=True):
        # By an infinite tolerance the form alone is compared.
        if wrong := difference(part, np.zeros(shape), atol=np.inf):
            text = "W has a row for each pixel, V a column for each of the ten classes."
            raise Wrong(f"{name}: {wrong.headline}", text=text)
    if units > UNITS:
        raise Wrong(f"uses {units} hidden units where {UNITS} are allowed")
    return [np.asarray(part, float) for part in value]


def _share_wrong(H, V, d, y):
    return np.mean((H @ V + d).argmax(axis=1) != y)


UNBIASED = "rectifiers without their bias c"
OTHER_UNITS = {
    "sigmoids": lambda z: 1 / (1 + np.exp(-z)),
    "tanh units": np.tanh,
    "no units at all, that is to X W + c": lambda z: z,
    UNBIASED: lambda z: np.maximum(z, 0),
}


def _why_it_misreads(X, y, W, c, V, d):
    """Return what is typical of a reader that makes too many mistakes."""
    z = X @ W + c
    known, on = _share_wrong(np.maximum(z, 0), V, d, y), np.mean(z > 0)
    errors = {}
    for name, unit in OTHER_UNITS.items():
        errors[name] = _share_wrong(unit(X @ W) if name == UNBIASED else unit(z), V, d, y)
    best = min(errors, key=errors.get)
    if errors[best] < known / 2:
        return f"V and d seem to be fitted to {best}. They get max(0, X W + c) to read from."
    if on < 0.01:
        return "Nearly all hidden units are off for nearly all pictures: c is too far below 0."
    if on > 0.99:
        return (
            "Nearly all hidden units are on for all pictures. Where nothing bends, the features "
            "are linear, and the reader is a linear model."
        )
    if W.shape[1] < 100:
        return (
            f"{W.shape[1]} random features are few. Nobody has adapted them to the task, so it "
            "takes many for some of them to be of use."
        )
    if known > LIMIT:
        return (
            "The output layer is not fitted well even to the pictures it has seen. Descent needs "
            "many steps here; least squares needs none."
        )
    return (
        "It reads what it has seen, and misreads what is new. A little weight decay on V (ridge "
        "regression), or another number of units?"
    )


def _reads(answer):
    """Judge a reader with random hidden weights by its errors on new pictures."""
    X, y, X_new, y_new = _pictures()
    W, c, V, d = _parts(returned(answer.call(X, y, 1)))
    others = np.random.default_rng(5).permutation(y)
    if not all(
        np.array_equal(mine, theirs)
        for mine, theirs in zip(
            (W, c), _parts(returned(answer.call(X, others, 1)))[:2], strict=True
        )
    ):
        raise Wrong(
            "the hidden weights depend on the labels",
            text="With the same pictures and the same seed, but other labels, W or c came out "
            "otherwise. They should be left as they were drawn, by a generator made from the seed.",
        )
    wrong = _share_wrong(np.maximum(X_new @ W + c, 0), V, d, y_new)
    if wrong > LIMIT:
        known = _share_wrong(np.maximum(X @ W + c, 0), V, d, y)
        shown = [
            ("hidden units", str(W.shape[1])),
            ("wrong on the 1,000 pictures", f"{known:.1%}"),
            ("wrong on new pictures", f"{wrong:.1%}, where {LIMIT:.0%} are allowed"),
        ]
        raise Wrong("misreads too many", shown, _why_it_misreads(X, y, W, c, V, d))


q11 = section.add(
    Trial(
        title="A reader that was never taught to see",
        answer="reader",
        kind="implement",
        level=3,
        marked=True,
        right=_reads,
        hints=[
            "Draw W and c with np.random.default_rng(seed), and leave them. Weights of a standard "
            "deviation of 1/8 suit 64 pixels. What is left is a linear model of "
            "H = max(0, X W + c).",
            "A linear model can be fitted exactly: put a column of ones beside H, and solve for "
            "the ten columns of np.eye(10)[y] by least squares.",
            "With 400 units and a little weight decay: np.linalg.solve(A.T @ A + "
            "np.eye(401), A.T @ np.eye(10)[y]) for A = [H, 1]. Its last row is d.",
        ],
        after="About two pictures in a hundred are misread, and the hidden weights are pure "
        "chance. A linear model of the pixels misreads six. What a random layer lacks in aim "
        "it makes up for in numbers: of learned units, far fewer do as well.",
    )
)


# --- q12: what would you ask? -------------------------------------------------------------------

q12 = section.add(
    Open(
        title="What would you ask?",
        answer="questions",
        kind="open",
        level=1,
        hints=[
            "What did the two panels of the chapter's figure differ in?",
            "Who chose the learning rate, and by which pictures? How many seeds were there?",
        ],
        words=15,
    )
)
