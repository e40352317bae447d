"""Exercises on section 6.2.1: costs from distributions, costs as questions, the way down."""

import numpy as np
from hypothesis import strategies as st

import dlbook as dl
from dlbook.exercises.adapters.section_6_2_1 import least
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import labels, matrices, vectors
from dlbook.exercises.checking.messages import show
from dlbook.exercises.checking.section import Section

section = Section("6_2_1_cost_functions", "Exercises on section 6.2.1")
progress = section.progress


# q1: equation 6.12 for a table of probabilities


def _likelihood(P, y):
    return -np.mean(np.log(P[np.arange(len(y)), y]))


def _one_hot(P, y):
    return np.eye(P.shape[1])[y]


@st.composite
def _tables(draw):
    m, n = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    shares = draw(matrices(m, n, 1, 4))
    return shares / shares.sum(axis=1, keepdims=True), draw(labels(m, n))


THREE = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.2, 0.2, 0.6]])
MANY = np.tile([[0.25, 0.75]], (2000, 1))

q1 = section.add(
    Function(
        title="What the model paid",
        answer="cost",
        kind="implement",
        level=1,
        marked=True,
        names=("P", "y"),
        expected=_likelihood,
        cases=[
            (THREE, np.array([0, 1, 0])),
            (THREE[:1], np.array([2])),
            (np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 1])),
            (MANY, np.zeros(2000, np.int64)),
        ],
        inputs=_tables(),
        integers=False,
        hints=[
            "Of each row only one number counts: the probability of the label that was observed.",
            "P[np.arange(len(y)), y] picks it from every row at once.",
            "The logarithm of each, then the mean, then the minus sign.",
        ],
        after="The probabilities of what did not happen do not enter at all. They count only "
        "because a row adds up to 1.",
        mistakes=[
            Mistake(
                "This is the sum over the examples. Equation 6.12 has an expectation, so a mean: "
                "then the cost does not grow with the data set, and a learning rate keeps its "
                "meaning.",
                does=lambda P, y: _likelihood(P, y) * len(y),
            ),
            Mistake(
                "The minus sign is missing: so the best model would have the largest cost.",
                does=lambda P, y: -_likelihood(P, y),
            ),
            Mistake(
                "This is the logarithm of the mean. Take the logarithm of each probability "
                "first: independent examples multiply, and it is the product's logarithm that "
                "becomes a sum.",
                does=lambda P, y: -np.log(np.mean(P[np.arange(len(y)), y])),
            ),
            Mistake(
                "There is no logarithm in this. Then a probability of 0 for what did happen would "
                "cost no more than 1, and equation 6.12 makes it cost infinitely much.",
                does=lambda P, y: 1 - np.mean(P[np.arange(len(y)), y]),
            ),
            Mistake(
                "There is no logarithm in this. Then a probability of 0 for what did happen would "
                "cost no more than 1, and equation 6.12 makes it cost infinitely much.",
                does=lambda P, y: -np.mean(P[np.arange(len(y)), y]),
            ),
            Mistake(
                "This is the logarithm to the base 2, which counts bits. The book's log is the "
                "natural one, np.log.",
                does=lambda P, y: _likelihood(P, y) / np.log(2),
            ),
            Mistake(
                "This is the logarithm to the base 10. The book's log is the natural one, np.log.",
                does=lambda P, y: _likelihood(P, y) / np.log(10),
            ),
            Mistake(
                "These are the costs of the examples, one by one. J is their mean.",
                does=lambda P, y: -np.log(P[np.arange(len(y)), y]),
            ),
            Mistake(
                "This takes the largest probability of each row, whatever was observed. What "
                "counts is what the model gave to the label y[j].",
                does=lambda P, y: -np.mean(np.log(P.max(axis=1))),
            ),
            Mistake(
                "P holds probabilities already. A softmax of them makes other, flatter ones.",
                does=lambda P, y: _likelihood(np.exp(P) / np.exp(P).sum(axis=1, keepdims=True), y),
            ),
            Mistake(
                "This is divided by the number of labels. The mean is over the examples, the rows.",
                does=lambda P, y: _likelihood(P, y) * len(y) / P.shape[1],
            ),
            Mistake(
                "This is the mean entropy of the rows: how unsure the model is, whatever happens. "
                "Weigh the logarithms by what was observed, y, and not by P itself.",
                does=lambda P, y: -np.mean(np.sum(P * np.log(P), axis=1)),
            ),
            Mistake(
                "Row and column have changed places: the label of example j is P[j, y[j]].",
                does=lambda P, y: -np.mean(np.log(P[y, np.arange(len(y))])),
            ),
            Mistake(
                "P[:, y] picks the columns y of all rows, m times m numbers. One number a row is "
                "P[np.arange(len(y)), y].",
                does=lambda P, y: -np.mean(np.log(P[:, y])),
            ),
            Mistake(
                "The mean runs over all entries of the table, zeros of the one-hot labels "
                "included. Sum over the classes, and take the mean over the examples only.",
                does=lambda P, y: -np.mean(_one_hot(P, y) * np.log(P)),
            ),
            Mistake(
                "This also takes log(1 - p) of the classes that did not happen, as if each were "
                "a yes-or-no question of its own. A row is one distribution, and says it all by "
                "the probability of the observed class.",
                does=lambda P, y: (
                    -np.mean(np.sum(np.log(np.where(_one_hot(P, y) == 1, P, 1 - P)), axis=1))
                ),
            ),
            Mistake(
                "A class with probability 0 that did not happen: one-hot labels make 0 * log 0 of "
                "it, and that is nan. Pick the observed probabilities before taking logarithms.",
                does=lambda P, y: -np.mean(np.sum(_one_hot(P, y) * np.log(P), axis=1)),
            ),
            Mistake(
                "The product of many probabilities is too small for a float and becomes 0. That is "
                "why one adds logarithms.",
                does=lambda P, y: -np.log(np.prod(P[np.arange(len(y)), y])) / len(y),
            ),
        ],
        why="Pick the probability of each observed label, take logarithms, then minus the mean "
        "(equation 6.12).",
    )
)


# q2: a distribution that the chapter does not have


def _waiting(z, y):
    return y * np.exp(z) - z, y * np.exp(z) - 1


def _cost_of_waiting(z, y):
    return _waiting(z, y)[0]


q2 = section.add(
    Function(
        title="Waiting times",
        answer="waiting",
        kind="formula",
        level=2,
        names=("z", "y"),
        expected=_waiting,
        cases=[
            (np.array([0.0, 1.0, -1.0]), np.array([1.0, 2.0, 0.5])),
            (np.array([2.0]), np.array([0.0])),
            (np.array([-20.0, 20.0]), np.array([3.0, 3.0])),
        ],
        inputs=st.integers(1, 2).flatmap(lambda m: st.tuples(vectors(m), vectors(m, 0, 5))),
        hints=[
            "Minus the logarithm of lambda exp(-lambda y), as a function of lambda first.",
            "J = lambda y - log(lambda). Now put lambda = exp(z): what is log(lambda)?",
            "J = y exp(z) - z. Differentiate: the exponential stays, z becomes 1.",
        ],
        after="The slope is lambda times (target minus mean), as the mean waiting time is "
        "1 / lambda. It is not mean minus target itself: that belongs to the natural parameter of "
        "the family, here -lambda, and z = log(lambda) is another. What stays is that the slope "
        "vanishes where the mean is right.",
        mistakes=[
            Mistake(
                "J is right. The slope is with respect to lambda; the network computes z. By "
                "the chain rule multiply by d lambda / dz = lambda.",
                does=lambda z, y: (_cost_of_waiting(z, y), y - np.exp(-z)),
            ),
            Mistake(
                "J is right. But mean minus target is the slope with respect to the natural "
                "parameter, and z = log(lambda) is another one. Differentiate J itself.",
                does=lambda z, y: (_cost_of_waiting(z, y), np.exp(-z) - y),
            ),
            Mistake(
                "Right as long as exp(-lambda y) is a number other than 0. Take the logarithm on "
                "paper: the one of a product of exponentials is a sum.",
                does=lambda z, y: (
                    -np.log(np.exp(z) * np.exp(-np.exp(z) * y)),
                    _waiting(z, y)[1],
                ),
            ),
            Mistake(
                "The two have changed places: first J, then its slope.",
                does=lambda z, y: _waiting(z, y)[::-1],
            ),
            Mistake(
                "J is right. The sign of its slope: J rises with z where lambda y is above 1.",
                does=lambda z, y: (_cost_of_waiting(z, y), 1 - y * np.exp(z)),
            ),
            Mistake(
                "Here exp(z) is the mean waiting time. The exercise takes it for the rate, lambda, "
                "which is 1 over the mean.",
                does=lambda z, y: (y * np.exp(-z) + z, 1 - y * np.exp(-z)),
            ),
            Mistake(
                "J lacks -log(lambda), the logarithm of the factor in front. It depends on z, so "
                "it is no constant.",
                does=lambda z, y: (y * np.exp(z), y * np.exp(z)),
            ),
            Mistake(
                "This sums over the examples. Both are asked for entry by entry.",
                does=lambda z, y: tuple(np.sum(value) for value in _waiting(z, y)),
            ),
            Mistake(
                "J is right. Its slope has lost the -1, the derivative of -z.",
                does=lambda z, y: (_cost_of_waiting(z, y), y * np.exp(z)),
            ),
            Mistake(
                "These are the cost and the slope of the Poisson distribution, for counts. Start "
                "from the density of waiting times, lambda exp(-lambda y).",
                does=lambda z, y: (np.exp(z) - y * z, np.exp(z) - y),
            ),
            Mistake(
                "The sign of the logarithm: -log(lambda exp(-lambda y)) is -log(lambda) plus "
                "lambda y.",
                does=lambda z, y: (y * np.exp(z) + z, y * np.exp(z) + 1),
            ),
            Mistake(
                "This is the log-likelihood. A cost is minus that, so that smaller is better.",
                does=lambda z, y: tuple(-value for value in _waiting(z, y)),
            ),
            Mistake(
                "Here z stands for lambda itself. A linear unit can be negative, and a rate "
                "cannot: lambda = exp(z).",
                does=lambda z, y: (z * y - np.log(z), y - 1 / z),
            ),
        ],
        why="J = -log p(y), with p(y) = lambda exp(-lambda y) and lambda = exp(z); then dJ/dz.",
    )
)


# q3: the entropy is the floor


def _least_cost():
    z, tosses = dl.variable("z", ()), np.array([1.0] * 7 + [0.0] * 3)
    J = dl.mean(dl.softplus(z) - tosses * z)
    return float(dl.minimize(J, {z: np.zeros(())}, {}).costs[-1])


q3 = section.add(
    Value(
        title="The floor of a cross-entropy",
        answer="floor",
        kind="predict",
        level=1,
        right=_least_cost,
        rtol=2e-3,
        hints=[
            "Which probability of heads is the best one for these ten throws?",
            "With p = 0.7, seven throws cost -log 0.7 each, and three cost -log 0.3.",
            "The mean: -0.7 * np.log(0.7) - 0.3 * np.log(0.3).",
        ],
        after="This is the entropy of the data, 0.611. A cross-entropy is the entropy plus "
        "the divergence between data and model, and training can bring only the second to 0. A "
        "training cost that stands still above 0 need not mean that training has failed.",
        mistakes={
            0.0: "A cost of 0 needs probability 1 for heads and probability 1 for tails. "
            "The same coin cannot be sure of both.",
            -np.log(0.7): "This is what one throw of heads costs. Three throws in ten are tails "
            "and cost -log 0.3 each.",
            -np.log(0.3): "This is what one throw of tails costs. Seven throws in ten are heads "
            "and cost -log 0.7 each.",
            -10 * (0.7 * np.log(0.7) + 0.3 * np.log(0.3)): "This is the sum over the ten throws. "
            "Equation 6.12 has an expectation, so their mean.",
            -np.log(0.7) - np.log(0.3): "This counts heads and tails alike. There are seven of "
            "the one and three of the other: weigh their costs by 0.7 and 0.3.",
            0.21: "This is the variance, 0.7 times 0.3: the least squared error. Equation 6.12 has "
            "a logarithm.",
            np.log(2): "This is the cost of the fair coin, p = 0.5, where training starts at "
            "z = 0. A coin that leans to heads is less surprised.",
            float(-0.7 * np.log2(0.7) - 0.3 * np.log2(0.3)): "These are bits, from logarithms to "
            "the base 2. With the natural logarithm it is a factor log 2 less.",
            0.7: "This is the best probability of heads. What does the best model pay on average?",
            0.3: "This is the share of tails. What does the best model pay on average?",
            float(np.log(7 / 3)): "This is the best logit, log(0.7 / 0.3). What is the cost there?",
            float(0.7 * np.log(0.7) + 0.3 * np.log(0.3)): "The minus sign is missing: "
            "probabilities are below 1, so what they cost is positive.",
        },
    )
)


# q4: mean minus target


def _sigmoid(z):
    return np.where(z >= 0, 1, np.exp(-np.abs(z))) / (1 + np.exp(-np.abs(z)))


MEANS = {"linear": lambda z: z, "logistic": _sigmoid, "Poisson": np.exp}


def _gradient_for(error, X):
    return X.T @ error / len(X), np.mean(error)


def _gradient(kind, X, y, w, b, *, slope=lambda mean, y: mean - y):
    return _gradient_for(slope(MEANS[kind](X @ w + b), y), X)


def _only_sigmoids(kind, mean):
    return mean * (1 - mean) if kind == "logistic" else mean if kind == "Poisson" else 1


@st.composite
def _regressions(draw):
    kind = draw(st.sampled_from(["linear", "logistic", "Poisson"]))
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    y = draw(labels(m, 2)).astype(float)
    return kind, draw(matrices(m, n, -2, 2)), y, draw(vectors(n, -2, 2)), draw(vectors(1))[0]


SQUARE = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]])
PLAIN = (SQUARE, np.array([1.0, 0.0, 1.0]), np.array([1.0, -1.0]), 0.5)

q4 = section.add(
    Function(
        title="One gradient for three classics",
        answer="gradient",
        kind="implement",
        level=2,
        marked=True,
        names=("kind", "X", "y", "w", "b"),
        expected=_gradient,
        cases=[
            ("linear", *PLAIN),
            ("logistic", *PLAIN),
            ("Poisson", *PLAIN),
            ("logistic", 1000 * SQUARE, *PLAIN[1:]),
        ],
        inputs=_regressions(),
        hints=[
            "With respect to z = w . x + b the slope of one example is mean minus target, for all "
            "three. What is the mean for each kind?",
            "The means: z, 1 / (1 + exp(-z)), exp(z). By the chain rule dz/dw = x and dz/db = 1.",
            "error = mean - y; return X.T @ error / len(y), error.mean()",
        ],
        after="One line for three models. Change the distribution and the mean changes with it; "
        "the gradient stays mean minus target, times the input.",
        mistakes=[
            Mistake(
                "The direction is right, but this is the sum over the examples. The cost is a "
                "mean: divide by m.",
                does=lambda *a: tuple(len(a[2]) * g for g in _gradient(*a)),
            ),
            Mistake(
                "This is target minus mean: gradient descent would walk uphill with it.",
                does=lambda *a: tuple(-g for g in _gradient(*a)),
            ),
            Mistake(
                "The factor 2 belongs to the squared error. The cost here is a(z) - y z, for a "
                "linear unit half the squared error.",
                does=lambda *a: tuple(2 * g for g in _gradient(*a)),
            ),
            Mistake(
                "This takes z itself as the mean, whatever the kind. The mean is 1 / (1 + exp(-z)) "
                "for logistic regression and exp(z) for Poisson.",
                does=lambda kind, *a: _gradient("linear", *a),
            ),
            Mistake(
                "This is the slope of squared error, with the derivative of the unit as a factor. "
                "Maximum likelihood has undone that factor: mean minus target is all.",
                does=lambda kind, *a: _gradient(
                    kind, *a, slope=lambda mean, y: (mean - y) * _only_sigmoids(kind, mean)
                ),
            ),
            Mistake(
                "The logistic mean is nan here: exp(z) / (1 + exp(z)) is infinity over infinity "
                "for large z. 1 / (1 + exp(-z)) is the same function, and a number for all z.",
                does=lambda kind, X, y, w, b: (
                    _gradient_for(np.exp(X @ w + b) / (1 + np.exp(X @ w + b)) - y, X)
                    if kind == "logistic"
                    else _gradient(kind, X, y, w, b)
                ),
            ),
            Mistake(
                "z lacks its bias: it is X @ w + b.",
                does=lambda kind, X, y, w, b: _gradient(kind, X, y, w, 0.0),
            ),
            Mistake(
                "This takes the sigmoid for the mean, whatever the kind. For the linear model the "
                "mean is z, for Poisson exp(z).",
                does=lambda kind, *a: _gradient("logistic", *a),
            ),
            Mistake(
                "The mean of the products error times x is not the product of the means. Multiply "
                "each error by its own x first: X.T @ error.",
                does=lambda kind, X, y, w, b: (
                    X.mean(axis=0) * _gradient(kind, X, y, w, b)[1],
                    _gradient(kind, X, y, w, b)[1],
                ),
            ),
            Mistake(
                "The gradient for b is right. That for w is the sum over the examples here: divide "
                "it by m as well.",
                does=lambda *a: (len(a[2]) * _gradient(*a)[0], _gradient(*a)[1]),
            ),
            Mistake(
                "These are divided by the number of inputs. The mean is over the examples.",
                does=lambda *a: (
                    _gradient(*a)[0] * len(a[2]) / a[1].shape[1],
                    _gradient(*a)[1],
                ),
            ),
            Mistake(
                "The gradient for w is right. That for b is a sum here: as z contains b once for "
                "each example, it is the mean of the errors.",
                does=lambda *a: (_gradient(*a)[0], len(a[2]) * _gradient(*a)[1]),
            ),
            Mistake(
                "This compares rounded answers, 0 or 1, with the targets. An answer that is right "
                "but unsure then has no gradient; the cost goes on until it is sure.",
                does=lambda kind, *a: _gradient(
                    kind,
                    *a,
                    slope=lambda mean, y: (mean > 0.5) - y if kind == "logistic" else mean - y,
                ),
            ),
        ],
        why="The error of each example is mean minus target; the gradient for w is the mean of "
        "error times x, that for b the mean of the errors.",
    )
)


# q5: (m, 1) minus (m,)


def squared_error(y_hat, y):
    """Return the mean of squared errors, for y_hat (m, 1) and y (m,)."""
    return np.mean((y_hat - y) ** 2)


def _squared_error(y_hat, y):
    return np.mean((y_hat[:, 0] - y) ** 2)


q5 = section.add(
    Function(
        title="A perfect model that costs something",
        answer="squared_error",
        kind="bug",
        level=1,
        given=squared_error,
        names=("y_hat", "y"),
        expected=_squared_error,
        cases=[
            (np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 2.0, 3.0])),
            (np.array([[0.0], [2.0]]), np.array([0.0, 2.0])),
            (np.array([[5.0]]), np.array([2.0])),
            (np.array([[1.0], [3.0]]), np.array([2.0, 2.0])),
        ],
        inputs=st.integers(1, 4).flatmap(lambda m: st.tuples(matrices(m, 1), vectors(m))),
        hints=[
            "Print the shape of y_hat - y for three examples.",
            "NumPy lines up shapes from the right: (3, 1) and (3,) become (3, 3), every "
            "prediction against every target.",
            "Give both one shape first: y_hat[:, 0] - y.",
        ],
        after="Nothing raised an error, the cost even fell in training: the best that a model "
        "can do against all targets at once is their mean. The library's dl.costs.squared_error "
        "refuses two different shapes for this reason.",
        mistakes=[
            Mistake(
                "Still every prediction is compared with every target: (m, 1) less (m,) has the "
                "shape (m, m). Bring both to one shape before subtracting.",
                does=squared_error,
            ),
            Mistake(
                "Now the pairs are right, but this is their sum; the mean was asked for.",
                does=lambda y_hat, y: np.sum((y_hat[:, 0] - y) ** 2),
            ),
            Mistake(
                "Every prediction is still compared with every target; only the divisor has "
                "changed, and that does not mend the pairs.",
                does=lambda y_hat, y: np.sum((y_hat - y) ** 2) / len(y),
            ),
            Mistake(
                "This compares the first prediction with all targets: y_hat[0] is one row. The "
                "first column is y_hat[:, 0].",
                does=lambda y_hat, y: np.mean((y_hat[0] - y) ** 2),
            ),
            Mistake(
                "This squares the mean error, and errors of opposite signs cancel in it. Square "
                "first, then take the mean.",
                does=lambda y_hat, y: np.mean(y_hat[:, 0] - y) ** 2,
            ),
            Mistake(
                "The pairs are right, but there is a factor 1/2 that nobody asked for.",
                does=lambda y_hat, y: _squared_error(y_hat, y) / 2,
            ),
            Mistake(
                "The pairs are right, but this is a mean of sizes, not of squares.",
                does=lambda y_hat, y: np.mean(np.abs(y_hat[:, 0] - y)),
            ),
            *[
                Mistake(
                    "A mean along one axis leaves an array, and the difference in it still has "
                    "the shape (m, m). Bring both to one shape before subtracting.",
                    does=lambda y_hat, y, axis=axis: np.mean((y_hat - y) ** 2, axis=axis),
                )
                for axis in (0, 1)
            ],
            Mistake(
                "The pairs are right, but this is the root of the mean.",
                does=lambda y_hat, y: np.sqrt(_squared_error(y_hat, y)),
            ),
        ],
        why="Look at the shape of the difference.",
    )
)


# q6: when a cross-entropy has a minimum

PARTED = [(-3, 0), (-2, 0), (-1, 0), (1, 1), (2, 1), (3, 1)]


def _cost_at(w, threshold, examples):
    x, y = np.array(examples, float).T
    z = w * (x - threshold)
    return np.mean(np.logaddexp(0, z) - y * z)


def _still_falls(threshold, examples, text):
    steps = (1, 10, 100, 1000)
    costs = [f"w = {w:4}: J = {_cost_at(w, threshold, examples):.7g}" for w in steps]
    label = f"with the threshold at {threshold:g}"
    raise Wrong("the cost still falls for ever", [(label, "\n".join(costs))], text)


def _has_a_minimum(example):
    if np.shape(example) != (2,):
        text = "Two numbers are asked for, an input and its label: (x, y)."
        raise Wrong("this is no example", [("your answer", show(example))], text)
    x, y = (float(value) for value in example)
    if y not in (0, 1):
        text = "The added example is (x, y), and its label y is 0 or 1."
        raise Wrong("this is no label", [("your label", f"{y:g}")], text)
    if not np.isfinite(x):
        raise Wrong("x should be an ordinary number", [("your x", f"{x:g}")])
    examples = [*PARTED, (x, y)]
    low = max(x for x, y in examples if y == 0)  # the highest of class 0
    high = min(x for x, y in examples if y == 1)
    if low < high:
        where = "in the gap" if -1 < x < 1 else "on its own side"
        text = (
            f"The example lies {where}: a threshold at {(low + high) / 2:g} still parts the "
            "classes, and a steeper sigmoid there is always better."
        )
        _still_falls((low + high) / 2, examples, text)
    if low == high:
        text = (
            f"Almost. At x = {low:g} are both labels now, and a threshold exactly there gives them "
            "one half each, whatever w. All others are still parted by it, so a larger w is "
            "still better. The classes have to overlap, and not only touch."
        )
        _still_falls(low, examples, text)


q6 = section.add(
    Value(
        title="One example that ends it",
        answer="example",
        kind="design",
        level=2,
        right=_has_a_minimum,
        hints=[
            "When does a larger w help every example? If some threshold has all of class 0 on "
            "one side and all of class 1 on the other.",
            "Place an example so that no threshold parts the classes: one of class 0 among those "
            "of class 1, or the other way round.",
            "It has to lie beyond 1, not at 1: at 1 the threshold can go through it.",
        ],
        after="An example that is wrong for every threshold punishes certainty: it costs about w "
        "times its distance. So a finite w is best. With data of many dimensions the classes "
        "can nearly always be parted; then only weight decay helps.",
    )
)


# q7: a cost for a quantile


def _quantile(y, q):
    return float(np.sort(y)[int(np.ceil(q * len(y) - 1e-9)) - 1])


def _least_of(cost):
    return lambda y, q: least(cost, y, q)


def _is_outside(case, reply):
    """Whether the cost is least at a prediction that is beyond all targets."""
    y, _ = case.arguments
    return isinstance(reply.value, float) and (reply.value < min(y) or reply.value > max(y))


TIMES = np.array([1.0, 2.0, 3.0, 4.0, 9.0])

q7 = section.add(
    Function(
        title="On time on nine days of ten",
        answer="quantile_cost",
        kind="design",
        level=2,
        marked=True,
        adapter=least,
        names=("y", "q"),
        expected=_quantile,
        cases=[
            (TIMES, 0.9),
            (TIMES, 0.5),
            (TIMES, 0.1),
            (np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 20, 30, 50.0]), 0.9),
            (TIMES, 0.75),
            (np.array([2.0, 2.0, 5.0]), 0.5),
            (np.array([-4.0, 3.0, 3.5]), 0.25),
            (np.array([2.0]), 0.9),
        ],
        inputs=st.tuples(
            st.sampled_from([1, 3, 5, 7]).flatmap(vectors), st.sampled_from([0.1, 0.25, 0.5, 0.9])
        ),
        hints=[
            "The median comes from a cost on which being too low by one is as bad as being too "
            "high by one. What if being too low is worse?",
            "Move f up a little. For every target above, it saves; for every target below, it "
            "costs. The two should balance when a share q of the targets is below.",
            "Being too low by one costs q, being too high by one costs 1 - q.",
            "return np.maximum(q * (y - f), (q - 1) * (y - f))",
        ],
        after="It is called the pinball loss, and for q = 1/2 it is half the absolute error. A "
        "network trained on it predicts the quantile of y given x. The choice of a cost is the "
        "choice of a question.",
        mistakes=[
            Mistake(
                "The two sides have changed places: this cost is least at the quantile 1 - q. "
                "For q near 1 being too low, y > f, has to cost more.",
                does=_least_of(lambda y, f, q: np.where(y > f, (1 - q) * (y - f), q * (f - y))),
            ),
            Mistake(
                "This cost is least at the median whatever q is: both sides weigh the same.",
                does=_least_of(lambda y, f, q: np.abs(y - f)),
            ),
            Mistake(
                "This cost is least at the mean: with squares, targets far away pull harder. For "
                "a quantile only the number of targets on each side may count.",
                does=_least_of(lambda y, f, q: (y - f) ** 2),
            ),
            Mistake(
                "The weights are right, but squared errors make an expectile of it: far targets "
                "pull harder. For a quantile only the number of targets on each side may count.",
                does=_least_of(lambda y, f, q: np.where(y > f, q, 1 - q) * (y - f) ** 2),
            ),
            Mistake(
                "Being too high costs nothing here, so a prediction above all targets is free. It "
                "has to cost something, if less.",
                does=_least_of(lambda y, f, q: q * np.maximum(y - f, 0)),
            ),
            Mistake(
                "This cost is least below all targets: being too low costs nothing in it, or even "
                "pays. It has to cost something, and the more the larger q is.",
                does=_least_of(lambda y, f, q: (1 - q) * np.maximum(f - y, 0)),
            ),
            Mistake(
                "The weights are there, but the errors are squared, and then far targets pull "
                "harder. For a quantile only the number of targets on each side may count.",
                does=_least_of(lambda y, f, q: (np.where(y > f, q, 1 - q) * (y - f)) ** 2),
            ),
            Mistake(
                "This costs the same however far f is from a target, so the mean is least beyond "
                "all of them. The cost has to grow with the distance.",
                does=_least_of(lambda y, f, q: np.where(y > f, q, 1 - q)),
            ),
            Mistake(
                "This is the smaller of the two, and it is negative: the farther off, the "
                "cheaper. A cost takes the larger one.",
                does=_least_of(lambda y, f, q: np.minimum(q * (y - f), (q - 1) * (y - f))),
            ),
            Mistake(
                "This cost is least at the 0.9 quantile whatever q is: its weights 0.9 and 0.1 "
                "are fixed. Use q.",
                does=_least_of(lambda y, f, q: np.maximum(0.9 * (y - f), -0.1 * (y - f))),
            ),
            Mistake(
                "The mean of this cost is least at a prediction below all targets or above all of "
                "them. Going away from every target must not pay: both sides need a cost that "
                "grows with the distance.",
                when=_is_outside,
            ),
        ],
        why="What is compared is the prediction f at which the mean of your cost over these "
        "targets is least; it should be the value with a share q of the targets at or below it.",
    )
)


# q8: the same minimum, another road


def _steps_until(slope, below=0.6, start=5.0, limit=40_000):
    z = 2 * start
    for step in range(limit):
        output = 1 / (1 + np.exp(-z))
        if output < below:
            return step
        z -= 2 * slope(output)  # w and b both move, and x = 1
    return limit


def _first_below():
    by_squares = _steps_until(lambda s: (s - 0.5) * s * (1 - s))
    by_likelihood = _steps_until(lambda s: s - 0.5)
    ratio = by_squares / by_likelihood
    return "a" if ratio < 0.9 else "b" if ratio < 1.1 else "c" if ratio < 10 else "d"


q8 = section.add(
    Value(
        title="The same minimum, another road",
        answer="choice",
        kind="predict",
        level=1,
        marked=True,
        choices="abcd",
        right=_first_below,
        hints=[
            "Write down both slopes over z for the target 1/2. They differ by one factor.",
            "(y_hat - 1/2) against (y_hat - 1/2) y_hat (1 - y_hat). At z = 10, how large is "
            "y_hat (1 - y_hat)?",
            "It is about exp(-10), one in twenty thousand.",
        ],
        after="11 steps against some 22,000. Cross-entropy moves z by about 1 in a step as long "
        "as the output is near 1; squared error moves it by about exp(-z). That the one ends at "
        "log 2 and the other at 0 makes no difference to the way.",
        mistakes={
            "a": "The least value of a cost does not matter: adding a constant changes no "
            "gradient. Cross-entropy ends at log 2 here, the entropy of a fair coin, and squared "
            "error at 0. Compare the slopes.",
            "b": "The same minimum, but not the same way to it. The slope of squared error has the "
            "factor y_hat (1 - y_hat), and that is about exp(-10) at the start.",
            "c": "A small factor would be right if the unit started unsure. Here it starts at "
            "z = 10, and the factor y_hat (1 - y_hat) between the slopes is about exp(-10).",
        },
    )
)


# q9: an evening: Poisson regression


def _poisson(X, y, strength, decay=None):
    """Newton's method with a step that is halved until the cost falls; decay for each entry."""
    X, y = np.asarray(X, float), np.asarray(y, float)
    A = np.column_stack([X, np.ones(len(y))])
    decay = 2 * strength * np.append(np.ones(X.shape[1]), 0) if decay is None else decay

    def cost(theta):
        z = A @ theta
        with np.errstate(over="ignore"):
            return np.mean(np.exp(z) - y * z) + decay @ theta**2 / 2

    theta = np.append(np.zeros(X.shape[1]), np.log(np.mean(y)))
    for _ in range(100):
        mean = np.exp(A @ theta)
        gradient = A.T @ (mean - y) / len(y) + decay * theta
        step = np.linalg.lstsq((A.T * mean) @ A / len(y) + np.diag(decay), gradient, rcond=None)[0]
        share = 1.0
        while cost(theta - share * step) > cost(theta) and share > 1e-9:
            share /= 2
        theta = theta - share * step
        if np.abs(step).max() < 1e-8:
            break
    return theta[:-1], float(theta[-1])


def _decays(weights, bias):
    def does(X, y, strength):
        factor = 2 * strength * np.append(np.full(X.shape[1], weights), bias)
        return _poisson(X, y, strength, factor)

    return does


def _least_squares(of, centred):
    """Linear regression on a function of y; where many w are as good, in two usual ways."""

    def does(X, y, strength):
        t, middle = of(y), X.mean(axis=0) * centred
        A = np.column_stack([X - middle, np.ones(len(y))])
        theta = np.linalg.lstsq(A, t, rcond=None)[0]
        return theta[:-1], float(theta[-1] - middle @ theta[:-1])

    return does


def _weights_and_bias(case, reply):
    """Return w and b of an answer in the right form, or None."""
    X = case.arguments[0]
    try:
        w, b = (np.asarray(value, float) for value in reply.value)
    except (TypeError, ValueError):
        return None
    return (w, b) if w.shape == X.shape[1:] and b.shape == () else None


def _is_undecayed(case, reply):
    """Whether the cost without weight decay is flat at this answer."""
    found = _weights_and_bias(case, reply)
    if found is None:
        return False
    X, y, _ = case.arguments
    with np.errstate(all="ignore"):
        error = np.exp(X @ found[0] + found[1]) - y
        return bool((np.abs(np.append(X.T @ error, error.sum())) < 1e-4).all())


def _is_one_array(case, reply):
    return isinstance(reply.value, np.ndarray) and reply.value.shape == (
        case.arguments[0].shape[1] + 1,
    )


def _has_overflowed(case, reply):
    found = _weights_and_bias(case, reply)
    return found is not None and not np.isfinite(np.append(*found)).all()


@st.composite
def _counts(draw):
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 2))
    y = draw(vectors(m, 0, 5)).round()
    y[draw(st.integers(0, m - 1))] += 1  # not all zero: the bias has no minimum then
    return draw(matrices(m, n, -2, 2)), y, draw(st.sampled_from([0.1, 1.0, 0.01]))


HOURS = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
CARS = np.array([0.0, 1.0, 1.0, 4.0, 7.0])

q9 = section.add(
    Function(
        title="Poisson regression from nothing",
        answer="fit",
        kind="implement",
        level=3,
        names=("X", "y", "strength"),
        expected=_poisson,
        cases=[
            (HOURS, CARS, 0.1),
            (HOURS, CARS, 0.01),
            (np.array([[2.0]]), np.array([3.0]), 0.1),
            (np.column_stack([HOURS, HOURS]), CARS, 0.1),
            (np.column_stack([HOURS, HOURS**2]), CARS[::-1].copy(), 1.0),
            (20 * HOURS, CARS, 0.1),
            (HOURS, 1000 * CARS, 0.1),
        ],
        inputs=_counts(),
        rtol=1e-3,
        atol=1e-3,
        hints=[
            "Start from the gradient: mean minus target, as in the exercise on three classics, and "
            "2 * strength * w for the decay. Plain descent with a small rate does the first case.",
            "To cope with large inputs use second derivatives: Newton's method. With a column of "
            "ones beside X, call it A, the Hessian of the cost is A.T @ diag(exp(z)) @ A / m.",
            "Add 2 * strength to the Hessian's diagonal for the weights, and nothing for the "
            "bias. Step: theta -= solve(Hessian, gradient).",
            "Newton may step too far where exp(z) is far off. Start from w = 0 and b = "
            "log(mean(y)), and halve a step until the cost gets smaller by it.",
        ],
        after="The cost is convex, so whoever comes to a place with gradient 0 has the minimum. "
        "The decay is on w alone: b only says how large the counts are on average, and should not "
        "be paid for. Without decay two equal columns would share their weight in any way.",
        mistakes=[
            Mistake(
                "The bias pays, too. The penalty is on the weights w alone, and b is free.",
                does=_decays(1, 1),
            ),
            Mistake(
                "The decay has half its strength: with strength * sum(w**2) its gradient is "
                "2 * strength * w.",
                does=_decays(0.5, 0),
            ),
            Mistake(
                "The decay is m times too weak beside the others: the cost is the mean over the "
                "examples, not their sum, plus the penalty.",
                does=lambda X, y, strength: _poisson(X, y, strength / len(y)),
            ),
            Mistake(
                "There is no weight decay in this: the gradient without it is 0 here. Add "
                "strength times the sum of squared weights.",
                when=_is_undecayed,
            ),
            *[
                Mistake(
                    "This is least squares on log(1 + y). The mean of a logarithm is not the "
                    "logarithm of the mean: the cost is mean(exp(z) - y z).",
                    does=_least_squares(np.log1p, centred),
                )
                for centred in (0, 1)
            ],
            *[
                Mistake(
                    "This is linear regression: z itself is taken for the mean. For counts the "
                    "mean is exp(z).",
                    does=_least_squares(np.positive, centred),
                )
                for centred in (0, 1)
            ],
            Mistake(
                "w and b come in one array. Return them apart: w (n,), b.",
                when=_is_one_array,
            ),
            Mistake(
                "Right for small inputs, but here exp(z) overflows on the way: a step was too "
                "long. Halve a step until it makes the cost smaller.",
                when=_has_overflowed,
            ),
        ],
        why="At the minimum the gradient is 0: is X.T @ (exp(z) - y) / m + 2 * strength * w small "
        "for your w and b, and mean(exp(z) - y)? If not, the search has ended too early.",
    )
)


q10 = section.add(
    Open(
        title="Which question does the cost ask?",
        answer="advice",
        kind="open",
        level=1,
        hints=[
            "What does each of the two costs make a network predict, if it can represent anything?",
            "Which of mean, median and quantile does the pharmacy need? What do a few very "
            "long deliveries do to each of them?",
        ],
    )
)
