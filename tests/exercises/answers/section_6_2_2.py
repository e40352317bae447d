"""Right and wrong answers to the exercises on section 6.2.2."""

import math

import numpy as np
from scipy import special, stats

import dlbook as dl

# q1


def slopes_by_library(z, y):
    v, t = dl.variable("z", (None,)), dl.variable("y", (None,))
    given = {v: np.asarray(z, float), t: np.asarray(y, float)}
    costs = dl.softplus((1 - 2 * t) * v), (dl.sigmoid(v) - t) ** 2 / 2
    return tuple(dl.evaluate(dl.backprop([v], dl.sum(c))[v], given) for c in costs)


def slopes_by_cases(z, y):
    s = special.expit(z)
    first = np.where(y == 1, -special.expit(-z), s)
    second = np.where(y == 1, -s * special.expit(-z) ** 2, s**2 * special.expit(-z))
    return first, second


def slopes_by_a_loop(z, y):
    first, second = [], []
    for a, t in zip(z, y, strict=True):
        s = 1 / (1 + np.exp(-float(a)))
        first.append(s - t)
        second.append((s - t) * s * (1 - s))
    return first, second


def overflowing_slopes(z, y):
    s = np.exp(z) / (1 + np.exp(z))
    return s - y, (s - y) * s * (1 - s)


def of_probability(z, y):
    s = special.expit(z)
    return (s - y) / (s * (1 - s)), s - y


# q2


def cost_by_a_loop(z, y):
    costs = np.zeros(len(z))
    for i, (a, t) in enumerate(zip(z, y, strict=True)):
        x = a if t == 0 else -a
        costs[i] = x + np.log1p(np.exp(-x)) if x > 0 else np.log1p(np.exp(x))
    return costs


def clipped(z, y, eps=1e-12):
    s = np.clip(special.expit(z), eps, 1 - eps)
    return -y * np.log(s) - (1 - y) * np.log(1 - s)


def added(z, y):
    s = special.expit(z)
    return -y * np.log(s + 1e-9) - (1 - y) * np.log(1 - s + 1e-9)


def textbook(z, y):
    s = 1 / (1 + np.exp(-z))
    return -y * np.log(s) - (1 - y) * np.log(1 - s)


# q3


def log_softmax_by_a_loop(Z):
    rows = Z.reshape(-1, Z.shape[-1])
    out = np.empty(rows.shape)
    for i, row in enumerate(rows):
        top = max(row)
        out[i] = row - top - np.log(sum(np.exp(z - top) for z in row))
    return out.reshape(Z.shape)


def log_of_stable_softmax(Z):
    e = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return np.log(e / e.sum(axis=-1, keepdims=True))


def one_maximum(Z):
    e = Z - Z.max()
    return e - np.log(np.exp(e).sum(axis=-1, keepdims=True))


def columns(Z):
    e = Z - Z.max(axis=0)
    return e - np.log(np.exp(e).sum(axis=0))


def no_keepdims(Z):
    e = Z - Z.max(axis=-1, keepdims=True)
    return e - np.log(np.sum(np.exp(e), axis=-1))


def in_place(Z):
    Z -= Z.max(axis=-1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(axis=-1, keepdims=True))


# q4


def cost_by_label(Z, y):
    return np.mean([special.logsumexp(row) - row[label] for row, label in zip(Z, y, strict=True)])


def cost_by_margins(Z, y):
    return np.mean(special.logsumexp(Z - Z[np.arange(len(y)), y][:, None], axis=1))


def cost_by_library(Z, y):
    logits, t = dl.variable("Z", (None, Z.shape[1])), dl.variable("y", (None,), np.int64)
    J = dl.mean(dl.cross_entropy(logits, t))
    return dl.evaluate(J, {logits: np.asarray(Z, float), t: y})


def still_twice(Z, y):
    P = special.softmax(Z, axis=1)
    return -np.mean(special.log_softmax(P, axis=1)[np.arange(len(y)), y])


def half_mended(Z, y):
    P = special.softmax(Z, axis=1)
    return np.mean(special.logsumexp(Z, axis=1) - P[np.arange(len(y)), y])


def log_of_p(Z, y):
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.log(P[np.arange(len(y)), y]))


def shifted_once(Z, y):
    S = Z - Z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(S).sum(axis=1)) - Z[np.arange(len(y)), y])


def no_shift(Z, y):
    return np.mean(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y])


COUNTS = np.array([[6.0, 3, 1], [10, 10, 20], [1, 98, 1]])

# q8


def slope_by_library(a, r):
    v, t = dl.variable("a", (None,)), dl.variable("r", (None,))
    given = {v: np.maximum(np.asarray(a, float), -30), t: np.asarray(r, float)}
    beta = dl.softplus(v)
    J = (beta * t**2 - dl.log(beta)) / 2
    return dl.evaluate(dl.backprop([v], dl.sum(J))[v], given)


def slope_by_cases(a, r):
    found = []
    for x, residual in zip(np.asarray(a, float), r, strict=True):
        if x < -30:
            found.append(-0.5)
            continue
        beta = np.logaddexp(0, x)
        found.append((residual**2 - 1 / beta) * special.expit(x) / 2)
    return np.array(found)


def slope_in_logarithms(a, r):
    a = np.asarray(a, float)
    softplus = np.where(a > -30, np.logaddexp(0, np.maximum(a, -30)), 1)
    log_softplus = np.where(a > -30, np.log(softplus), a)
    return (r**2 * special.expit(a) - np.exp(-np.logaddexp(0, -a) - log_softplus)) / 2


def slope_with(change):
    def slope(a, r):
        return change(r, np.logaddexp(0, a), special.expit(a))

    return slope


# q9


def mixture_by_library(z, mu, s, y):
    V = [dl.variable(name, z.shape) for name in ("z", "mu", "s")]
    t = dl.variable("y", (len(y), 1))
    u = (t - V[1]) * dl.exp(-V[2])
    joint = dl.log_softmax(V[0]) - u**2 / 2 - V[2] - np.log(2 * np.pi) / 2
    J = -dl.logsumexp(joint, axis=1)
    slopes = dl.backprop(V, dl.sum(J))
    values = dict(zip(V, (np.asarray(v, float) for v in (z, mu, s)), strict=True))
    program = dl.compile([J, *(slopes[v] for v in V)], [*V, t])
    return tuple(program(*values.values(), np.asarray(y, float)[:, None]))


def mixture_by_densities(z, mu, s, y):
    """The weights as factors of the log-sum-exp, one component after the other."""
    w, sd = special.softmax(np.asarray(z, float), axis=1), np.exp(np.asarray(s, float))
    log_p = stats.norm.logpdf(y[:, None], mu, sd)
    total = special.logsumexp(log_p, b=w, axis=1)
    dz, dmu, ds = np.zeros((3, *z.shape))
    for i in range(z.shape[1]):
        r = w[:, i] * np.exp(log_p[:, i] - total)
        away = mu[:, i] - y
        dz[:, i] = w[:, i] - r
        dmu[:, i] = r * away / sd[:, i] ** 2
        ds[:, i] = r - r * away**2 / sd[:, i] ** 2
    return -total, dz, dmu, ds


def mixture_by_a_loop(z, mu, s, y):
    results = [np.zeros(len(y)), *np.zeros((3, *z.shape))]
    for j in range(len(y)):
        log_w = special.log_softmax(np.asarray(z[j], float))
        sigma = np.exp(np.asarray(s[j], float))
        joint = log_w + stats.norm.logpdf(y[j], mu[j], sigma)
        r = special.softmax(joint)
        results[0][j] = -special.logsumexp(joint)
        results[1][j] = special.softmax(np.asarray(z[j], float)) - r
        results[2][j] = r * (mu[j] - y[j]) / sigma**2
        results[3][j] = r * (1 - ((y[j] - mu[j]) / sigma) ** 2)
    return results


def mixture_with(change=None, responsibility=None, log_density=None, cost=None):
    def mixture(z, mu, s, y):
        sd = np.exp(np.asarray(s, float))
        u = (y[:, None] - mu) / sd
        log_w = special.log_softmax(np.asarray(z, float), axis=1)
        p = -(u**2) / 2 - s - np.log(2 * np.pi) / 2
        if log_density:
            p = log_density(u, s)
        joint = log_w + p
        J = -special.logsumexp(joint, axis=1) if cost is None else cost(log_w, p)
        r = special.softmax(joint, axis=1) if responsibility is None else responsibility(log_w)
        found = {"J": J, "dz": np.exp(log_w) - r, "dmu": -r * u / sd, "ds": r * (1 - u**2)}
        if change:
            found.update(change(found, r, u, sd))
        return tuple(found.values())

    return mixture


def underflows(z, mu, s, y):
    w = special.softmax(np.asarray(z, float), axis=1)
    sd = np.exp(np.asarray(s, float))
    u = (y[:, None] - mu) / sd
    joint = w * np.exp(-(u**2) / 2) / sd / np.sqrt(2 * np.pi)
    p = joint.sum(axis=1, keepdims=True)
    r = joint / p
    return -np.log(p[:, 0]), w - r, -r * u / sd, r * (1 - u**2)


RIGHT = {
    "q1": [
        slopes_by_library,
        slopes_by_cases,
        slopes_by_a_loop,
        lambda z, y: np.stack(slopes_by_cases(z, y)),
        lambda z, y: slopes_by_cases(z.astype(np.float32), y),
    ],
    "q2": [
        lambda z, y: np.logaddexp(0, (1 - 2 * y) * z),
        lambda z, y: -special.log_expit((2 * y - 1) * z),
        lambda z, y: np.logaddexp(0, z) - y * z,
        cost_by_a_loop,
    ],
    "q3": [
        lambda Z: special.log_softmax(Z, axis=-1),
        lambda Z: Z - special.logsumexp(Z, axis=-1, keepdims=True),
        log_softmax_by_a_loop,
        lambda Z: Z - np.logaddexp.reduce(Z, axis=-1, keepdims=True),
        lambda Z: special.log_softmax(Z.astype(np.float32), axis=-1),
    ],
    "q4": [cost_by_label, cost_by_margins, cost_by_library],
    "q5": [0.5, 1 / 2, np.float32(0.5)],
    "q6": [
        np.log(COUNTS / COUNTS[:, -1:]),
        [[1.7918, 1.0986, 0], [-0.6931, -0.6931, 0], [0, 4.585, 0]],
        special.log_softmax(np.log(COUNTS), axis=1)
        - special.log_softmax(np.log(COUNTS), axis=1)[:, [2]],
    ],
    "q7": [[-1.28], -1.3, -1.2785, np.float64(-1.2)],
    "q8": [slope_by_library, slope_by_cases, slope_in_logarithms],
    "q9": [mixture_by_library, mixture_by_densities, mixture_by_a_loop],
}

WRONG = {
    "q1": [
        (lambda z, y: tuple(-v for v in slopes_by_cases(z, y)), "turned round"),
        (lambda z, y: (special.expit(z) - y, special.expit(z) - y), "one more factor"),
        (lambda z, y: (slopes_by_cases(z, y)[1],) * 2, "a factor s (1 - s) too many"),
        (
            lambda z, y: (slopes_by_cases(z, y)[0], 2 * slopes_by_cases(z, y)[1]),
            "takes away the factor 2",
        ),
        (of_probability, "with respect to the probability"),
        (
            lambda z, y: (special.expit((1 - 2 * y) * z), slopes_by_cases(z, y)[1]),
            "inner derivative",
        ),
        (overflowing_slopes, "infinity over infinity"),
        (lambda z, y: slopes_by_cases(z, y)[::-1], "changed places"),
        (
            lambda z, y: (special.expit(z) - y, special.expit(z) * special.expit(-z)),
            "lost the error",
        ),
        (lambda z, y: special.expit(z) - y, "2 values were expected"),
    ],
    "q2": [
        (lambda z, y: np.log(1 + np.exp((1 - 2 * y) * z)), "exp(1000) overflows"),
        (textbook, "Do not go through the probability"),
        (lambda z, y: -np.log(1 / (1 + np.exp((1 - 2 * y) * z))), "has been rounded to 0"),
        (clipped, "keeps the probability away from 0"),
        (added, "keeps the probability away from 0"),
        (lambda z, y: np.logaddexp(0, (2 * y - 1) * z), "sign in the bracket"),
        (lambda z, y: np.logaddexp(0, -y * z), "labels -1 and 1"),
        (lambda z, y: np.maximum(0, (1 - 2 * y) * z), "Only the maximum"),
        (lambda z, y: np.logaddexp(0, (1 - 2 * y) * z).mean(), "the cost of each"),
        (
            lambda z, y: -np.log(np.where(y == 1, special.expit(z), 1 - special.expit(z))),
            "Do not go through the probability",
        ),
        (lambda z, y: np.logaddexp(0, -z), "for y = 1 always"),
        (
            lambda z, y: [math.log1p(math.exp(a - 2 * t * a)) for a, t in zip(z, y, strict=True)],
            "too large for a number",
        ),
        (lambda z, y: max(0, (1 - 2 * y) * z), "equation 6.26"),
    ],
    "q3": [
        (log_of_stable_softmax, "taken on paper"),
        (lambda Z: np.log(np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)), "over infinity"),
        (lambda Z: Z - np.log(np.exp(Z).sum(axis=-1, keepdims=True)), "as it stands"),
        (one_maximum, "Each row needs its own"),
        (columns, "down the columns"),
        (no_keepdims, "lost its axis"),
        (lambda Z: special.log_softmax(Z), "all rows together"),
        (lambda Z: special.softmax(Z, axis=-1), "the softmax itself"),
        (lambda Z: Z - Z.max(axis=-1, keepdims=True), "Only the maximum"),
        (lambda Z: Z - special.logsumexp(Z, axis=1, keepdims=True), "only if there are two"),
        (lambda Z: np.log(special.softmax(Z, axis=-1) + 1e-12), "away from 0"),
        (in_place, "changes its input Z"),
    ],
    "q4": [
        (still_twice, "Still a softmax of a softmax"),
        (half_mended, "still a probability"),
        (lambda Z, y: -special.softmax(Z, axis=1)[np.arange(len(y)), y].mean(), "no logarithm"),
        (log_of_p, "where that has become 0"),
        (shifted_once, "the same shift"),
        (lambda Z, y: -special.log_softmax(Z, axis=0)[np.arange(len(y)), y].mean(), "the columns"),
        (
            lambda Z, y: -np.log(special.softmax(Z, 1)[np.arange(len(y)), y] + 1e-12).mean(),
            "away from 0",
        ),
        (no_shift, "Keep the subtraction"),
        (lambda Z, y: len(y) * cost_by_label(Z, y), "the sum over the examples"),
    ],
    "q5": [
        (2, "other way round"),
        (1.0, "one goes up"),
        (0.25, "doubles a second time"),
        (4, "other way round"),
        (0.7071, "root of 2"),
        ("half", "where numbers were expected"),
    ],
    "q6": [
        (COUNTS / COUNTS.sum(axis=1, keepdims=True), "softmax exponentiates"),
        (COUNTS, "softmax exponentiates"),
        (np.log(COUNTS), "only differences count"),
        (np.log(COUNTS[:, -1:] / COUNTS), "The sign"),
        (np.log(COUNTS / COUNTS[:, -1:]).T, "changed places"),
        (np.log2(COUNTS / COUNTS[:, -1:]), "natural logarithm"),
        (np.log(COUNTS) * [1, 1, 0], "set to 0 by itself"),
        (np.log(COUNTS / COUNTS[:, -1:])[:, :2], "another shape"),
        (special.logit(COUNTS / COUNTS.sum(axis=1, keepdims=True)), "for a sigmoid"),
        ([[1.8, 1.1, 0], [-0.7, -0.7, 0], [0, 4.6, 0]], "one digit more"),
        (np.vstack([np.log(COUNTS / COUNTS[:, -1:])[:2], [[np.nan, 0, 0]]]), "ordinary number"),
        (np.zeros((3, 3)), "log-odds"),
    ],
    "q7": [
        (0, "two equal numbers share"),
        (1.28, "The sign"),
        (-4, "left edge"),
        (-0.28, "its value"),
        (np.log(2), "log-sum-exp at 0"),
        (-2.5, "farther right"),
        (-0.8, "farther left"),
        (np.nan, "one number"),
    ],
    "q8": [
        (slope_with(lambda r, beta, s: (r**2 - 1 / beta) / 2), "respect to beta"),
        (slope_with(lambda r, beta, s: (1 / beta - r**2) * s / 2), "changed signs"),
        (slope_with(lambda r, beta, s: (r**2 - 1 / beta) * s), "1/2 in front"),
        (slope_with(lambda r, beta, s: (r - 1 / beta) * s / 2), "not squared"),
        (slope_with(lambda r, beta, s: (r**2 - 1 / beta) * s * (1 - s) / 2), "is the sigmoid"),
        (lambda a, r: r**2 * special.expit(a) / 2, "One term is missing"),
        (lambda a, r: (r**2 * np.exp(a) - 1) / 2, "the precision is exp(a)"),
        (slope_with(lambda r, beta, s: (r**2 - 1 / beta) * s / 2), "goes to 1"),
        (slope_with(lambda r, beta, s: (r**2 - 1 / (beta + 1e-9)) * s / 2), "goes to 1"),
        (
            lambda a, r: (r**2 - 1 / np.log1p(np.exp(a))) * special.expit(a) / 2,
            "exp(800) is infinity",
        ),
    ],
    "q9": [
        (lambda z, mu, s, y: dict(enumerate(mixture_by_a_loop(z, mu, s, y))), "a dict where"),
        (mixture_with(lambda f, r, u, sd: {"J": -f["J"]}), "The sign of J"),
        (mixture_with(lambda f, r, u, sd: {"ds": -f["ds"]}), "ds is turned round"),
        (lambda z, mu, s, y: mixture_by_a_loop(z, mu, s / 2, y), "taken for the variance"),
        (
            mixture_with(cost=lambda w, p: -np.max(w + p, axis=1)),
            "the best component alone",
        ),
        (underflows, "far from every component"),
        (mixture_with(responsibility=np.exp), "not by the responsibilities"),
        (
            mixture_with(cost=lambda w, p: -np.sum(np.exp(w) * p, axis=1)),
            "logarithm comes after the sum",
        ),
        (
            mixture_with(log_density=lambda u, s: -(u**2) / 2 - np.log(2 * np.pi) / 2),
            "normalising factor",
        ),
        (mixture_with(log_density=lambda u, s: -(u**2) / 2), "normalising factor"),
        (mixture_with(log_density=lambda u, s: -(u**2) / 2 - s), "The constant"),
        (mixture_with(lambda f, r, u, sd: {"dz": -f["dz"]}), "dz is turned round"),
        (mixture_with(lambda f, r, u, sd: {"dz": -r}), "dz lacks a term"),
        (mixture_with(lambda f, r, u, sd: {"dmu": -f["dmu"]}), "dmu is turned round"),
        (mixture_with(lambda f, r, u, sd: {"dmu": -r * u}), "dmu lacks a division"),
        (mixture_with(lambda f, r, u, sd: {"ds": f["ds"] / sd}), "respect to sigma"),
        (mixture_with(lambda f, r, u, sd: {"ds": -r * u**2}), "only the term of u^2"),
    ],
    "q10": [("They stay equal.", "a little more")],
}
