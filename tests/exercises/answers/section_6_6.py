"""Right and wrong answers to the exercises on section 6.6."""

from math import erf, sqrt
from statistics import NormalDist

import numpy as np
from scipy.stats import norm
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

import dlbook as dl

# q2


def by_augmented_inputs(X, y, passes):
    A = np.column_stack([X, np.ones(len(X))]).astype(float)
    theta = np.zeros(A.shape[1])
    for i in list(range(len(A))) * passes:
        if np.sign(A[i] @ theta) != y[i]:
            theta += y[i] * A[i]
    return theta[:-1], theta[-1]


def by_plain_lists(X, y, passes):
    w, b = [0.0] * len(X[0]), 0.0
    for _ in range(passes):
        for x, t in zip(X.tolist(), y.tolist(), strict=True):
            z = b + sum(v * u for v, u in zip(w, x, strict=True))
            if (t > 0 and z <= 0) or (t < 0 and z >= 0):
                w, b = [v + t * u for v, u in zip(w, x, strict=True)], b + t
    return w, b


def by_counting(X, y, passes):
    """The dual form: how often each example was added."""
    X, counts = np.asarray(X, float), np.zeros(len(X))
    K = X @ X.T + 1
    for _ in range(passes):
        for i in range(len(X)):
            counts[i] += y[i] * (K[i] @ (counts * y)) <= 0
    return X.T @ (counts * y), np.sum(counts * y)


def learns(step, passes_of=lambda passes: passes):
    def perceptron(X, y, passes):
        w, b = np.zeros(X.shape[1]), 0.0
        for _ in range(passes_of(passes)):
            for x, t in zip(X, y, strict=True):
                dw, db = step(x, t, w @ x + b)
                w, b = w + dw, b + db
        return w, b

    return perceptron


def in_a_batch(X, y, passes):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(passes):
        wrong = y * (X @ w + b) <= 0
        w = w + (X[wrong] * y[wrong, None]).sum(axis=0)
        b = b + y[wrong].sum()
    return w, b


def until_all_are_right(X, y, passes):
    """Without a bias no example at the origin is ever right."""
    w = np.zeros(X.shape[1])
    while not np.all(y * (X @ w) > 0):
        for x, t in zip(X, y, strict=True):
            if t * (w @ x) <= 0:
                w = w + t * x
    return w, 0.0


# q4


def by_powers(A, B, c, T):
    return np.array([c @ np.linalg.matrix_power(A, T - 1 - t) @ B for t in range(T)])


def by_flying(A, B, c, T):
    """All is linear: the derivative is the difference that one unit of thrust makes."""
    rows = np.zeros((T, B.shape[1]))
    for t in range(T):
        for j in range(B.shape[1]):
            s = np.zeros(len(A))
            for now in range(T):
                s = A @ s + (B[:, j] if now == t else 0)
            rows[t, j] = c @ s
    return rows


def by_recursion(A, B, c, T):
    if T == 0:
        return np.zeros((0, B.shape[1]))
    return np.vstack([by_recursion(A, B, A.T @ c, T - 1), [B.T @ c]])


def flies(power, A_of=np.transpose, B_of=np.transpose):
    def worth(A, B, c, T):
        return np.array(
            [B_of(B) @ np.linalg.matrix_power(A_of(A), power(T, t)) @ c for t in range(T)]
        )

    return worth


# q5


def soft(z):
    e = np.exp(np.asarray(z, float) - np.max(z))
    return e / e.sum()


def by_jacobian(z, k):
    p = soft(z)
    y = np.zeros(len(p))
    y[k] = 1
    return (np.diag(p) - np.outer(p, p)) @ (2 * (p - y))


def by_loops(z, k):
    p, n = soft(z), len(z)
    return [
        sum(2 * (p[i] - (i == k)) * p[i] * ((i == j) - p[j]) for i in range(n)) for j in range(n)
    ]


def by_library(z, k):
    V = dl.variable("z", np.shape(z))
    J = dl.sum((dl.softmax(V) - np.eye(len(z))[k]) ** 2)
    return dl.evaluate(dl.backprop([V], J)[V], {V: np.asarray(z, float)})


def slopes(change):
    def gradient(z, k):
        p = soft(z)
        return change(p, p - np.eye(len(p))[k])

    return gradient


def overflows(z, k):
    p = np.exp(z) / np.sum(np.exp(z))
    e = p - np.eye(len(z))[k]
    return 2 * p * (e - e @ p)


# q7


def by_bisection(share):
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        if (1 + erf(middle / sqrt(2))) / 2 < share:
            low = middle
        else:
            high = middle
    return low


def by_newton(share):
    normal, b = NormalDist(), 0.0
    for _ in range(30):
        b -= max(-0.5, min(0.5, (normal.cdf(b) - share) / normal.pdf(b)))
    return b


# q8


def by_scaler(train, test):
    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


def by_columns(train, test):
    train, test = np.array(train, float), np.array(test, float)
    for j in range(train.shape[1]):
        mean = sum(train[:, j]) / len(train)
        spread = sqrt(sum((v - mean) ** 2 for v in train[:, j]) / len(train)) or 1.0
        train[:, j], test[:, j] = (train[:, j] - mean) / spread, (test[:, j] - mean) / spread
    return train, test


def by_stacking(train, test):
    both = np.vstack([train, test]) - np.mean(train, axis=0)
    spread = np.std(train, axis=0)
    both = both / (spread + (spread == 0))
    return both[: len(train)], both[len(train) :]


def scaled(mean, spread):
    return lambda train, test: tuple((H - mean(train)) / spread(train) for H in (train, test))


def column_mean(H):
    return H.mean(0)


def safe_std(H):
    return np.where(H.std(0) > 0, H.std(0), 1)


def by_company(train, test):
    return by_stacking(train, train)[0], by_stacking(test, test)[0]


def in_place(train, test):
    mean, spread = train.mean(axis=0), safe_std(train)
    test -= mean
    test /= spread
    return (train - mean) / spread, test


# q10


def by_loop(validation, test):
    times, rates, seeds = validation.shape
    least, found = np.inf, None
    for r in range(rates):
        late = [validation[t, r, s] for t in range(times // 2, times) for s in range(seeds)]
        if sum(late) / len(late) < least:
            least, found = sum(late) / len(late), r
    return sum(test[found]) / seeds


def by_einsum(validation, test):
    late = np.einsum("trs->r", validation[len(validation) // 2 :])
    return np.take(test, np.argmin(late), axis=0).mean()


def by_means(validation, test):
    late = validation[len(validation) // 2 :].mean(axis=2).mean(axis=0)
    return test.mean(axis=1)[np.argsort(late)[0]]


def chosen_by(measure):
    return lambda validation, test: test.mean(axis=1)[measure(validation).argmin()]


def a_rate_for_each_seed(validation, test):
    best = validation[len(validation) // 2 :].mean(axis=0).argmin(axis=0)
    return np.mean([test[rate, seed] for seed, rate in enumerate(best)])


# q11


def reads(
    units=400, unit=lambda z: np.maximum(z, 0), decay=1.0, bias=0.3, shift=0.0, draw="normal"
):
    def reader(X, y, seed):
        rng = np.random.default_rng(seed)
        W = rng.normal(size=(64, units)) / 8
        if draw == "signs":
            W = np.sign(W) / 8
        c = bias * rng.normal(size=units) + shift
        A = np.column_stack([unit(X @ W + c), np.ones(len(X))])
        solved = np.linalg.solve(A.T @ A + decay * np.eye(units + 1), A.T @ np.eye(10)[y])
        return W, c, solved[:-1], solved[-1]

    return reader


def by_ridge_classifier(X, y, seed):
    """Weights of -1, 0 and 1, no biases in the hidden layer."""
    W = np.random.default_rng(seed).integers(-1, 2, size=(64, 350)).astype(float)
    model = RidgeClassifier(alpha=10.0).fit(np.maximum(X @ W, 0), y)
    return W, np.zeros(350), model.coef_.T, model.intercept_


def by_kernel(X, y, seed):
    """The same ridge regression seen from the examples: V is a sum of what they have in common."""
    rng = np.random.default_rng(seed)
    W, c = rng.uniform(-0.3, 0.3, size=(64, 250)), rng.uniform(-0.5, 0.5, size=250)
    H = np.maximum(X @ W + c, 0)
    T = 2 * np.eye(10)[y] - 1
    V = H.T @ np.linalg.solve(H @ H.T + np.eye(len(X)), T - T.mean(axis=0))
    return W, c, V, T.mean(axis=0)


def differences_of_pictures(X, y, seed):
    """Hidden weights that look at the pictures, but not at the labels."""
    rng = np.random.default_rng(seed)
    pairs = rng.integers(len(X), size=(2, 400))
    W = (X[pairs[0]] - X[pairs[1]]).T
    c = -np.median(X @ W, axis=0)
    A = np.column_stack([np.maximum(X @ W + c, 0), np.ones(len(X))])
    solved = np.linalg.solve(A.T @ A + 3 * np.eye(401), A.T @ np.eye(10)[y])
    return W, c, solved[:-1], solved[-1]


def looks_at_the_labels(X, y, seed):
    rng = np.random.default_rng(seed)
    means = np.stack([X[y == k].mean(axis=0) for k in range(10)], axis=1)
    W = means[:, rng.integers(10, size=300)] + rng.normal(size=(64, 300)) / 8
    return W, -(W.sum(axis=0)) / 4, np.zeros((300, 10)), np.zeros(10)


def by_short_descent(X, y, seed):
    rng = np.random.default_rng(seed)
    W, V, d = rng.normal(size=(64, 300)) / 8, np.zeros((300, 10)), np.zeros(10)
    H = np.maximum(X @ W, 0)
    for _ in range(20):
        error = (H @ V + d - np.eye(10)[y]) / len(y)
        V, d = V - 0.01 * H.T @ error, d - 0.01 * error.sum(axis=0)
    return W, np.zeros(300), V, d


def fits_the_number(X, y, seed):
    W = np.random.default_rng(seed).normal(size=(64, 300)) / 8
    return W, np.zeros(300), np.linalg.lstsq(np.maximum(X @ W, 0), y, rcond=None)[0], 0.0


RIGHT = {
    "q1": [26, 26.0, np.int64(26)],
    "q2": [by_augmented_inputs, by_plain_lists, by_counting],
    "q3": ["b", "B", " b"],
    "q4": [by_powers, by_flying, by_recursion],
    "q5": [by_jacobian, by_loops, by_library],
    "q6": [50, 50.0, 1 / (2 * 0.01)],
    "q7": [norm.ppf, by_bisection, by_newton],
    "q8": [by_scaler, by_columns, by_stacking],
    "q9": ["d", "D", " d"],
    "q10": [by_loop, by_einsum, by_means],
    "q11": [
        reads(units=300, draw="signs"),
        by_ridge_classifier,
        by_kernel,
        differences_of_pictures,
    ],
    "q12": [
        "Did both get the learning rate and the initial scale that suit them, and how many seeds "
        "were there? A unit can look bad for its start alone."
    ],
}

WRONG = {
    "q1": [
        (25, "the second entry"),
        (21, "where Werbos proposed"),
        (16, "starts with Linnainmaa"),
        (5, "starts with Werbos"),
        (310, "from Leibniz"),
        ("26 years", "numbers were expected"),
    ],
    "q2": [
        (learns(lambda x, t, z: (t * x, t) if t * z < 0 else (0, 0)), "It never starts"),
        (learns(lambda x, t, z: (t * x, t)), "Hebb"),
        (learns(lambda x, t, z: (t * x, 0) if t * z <= 0 else (0, 0)), "bias never moves"),
        (learns(lambda x, t, z: (-t * x, -t) if t * z <= 0 else (0, 0)), "wrong way"),
        (learns(lambda x, t, z: (x, 1) if t * z <= 0 else (0, 0)), "pulls to the wrong side"),
        (learns(lambda x, t, z: ((t - z) * x, t - z)), "Widrow and Hoff"),
        (
            learns(lambda x, t, z: (t * x, t) if t * z <= 0 else (0, 0), lambda p: min(p, 1)),
            "a single pass",
        ),
        (in_a_batch, "judged by the same weights"),
        (until_all_are_right, "no answer after 2 seconds"),
    ],
    "q3": [
        ("a", "does not look for the best"),
        ("c", "pulls the output back"),
        ("d", "moves b at once"),
        ("e", "choose one letter"),
        (0, "choose one letter"),
    ],
    "q4": [
        (lambda A, B, c, T: by_powers(A, B, c, T)[::-1], "from the end of the flight"),
        (flies(lambda T, t: T - t), "One A too many"),
        (flies(lambda T, t: T - 1 - t, A_of=lambda A: A), "acts transposed"),
        (flies(lambda T, t: 0), "the same for each second"),
        (flies(lambda T, t: T - 1 - t, B_of=lambda B: np.eye(len(B))), "through B"),
        (lambda A, B, c, T: by_powers(A, B, c, T)[0], "first second alone"),
        (lambda A, B, c, T: by_powers(A, B, c, T).T, "was expected"),
    ],
    "q5": [
        (slopes(lambda p, e: e), "gradient of cross-entropy"),
        (slopes(lambda p, e: 2 * e), "with respect to p"),
        (slopes(lambda p, e: 2 * e * p * (1 - p)), "ten sigmoids"),
        (slopes(lambda p, e: p * (e - p @ e)), "2 of the square"),
        (slopes(lambda p, e: 2 * p * e), "second part of the Jacobian"),
        (slopes(lambda p, e: -2 * p * (e - p @ e)), "sign is turned round"),
        (slopes(lambda p, e: 2 * p * (e - p @ e) / len(p)), "mean over the classes"),
        (overflows, "exp(1000) is infinite"),
    ],
    "q6": [
        (5, "with ten classes"),
        (100, "brings a 2"),
        (0.02, "has to make up"),
        (1 / 0.0198, "as for a sigmoid"),
        (200, "the factor smaller"),
        ([50], "shape"),
    ],
    "q7": [
        (lambda share: -norm.ppf(share), "silent for the share"),
        (lambda share: norm.ppf(share / 2), "one end"),
        (lambda share: np.log(share / (1 - share)), "inverse of the sigmoid"),
        (norm.cdf, "Its inverse is wanted"),
        (lambda share: share - 0.5, "were uniform"),
        (lambda share: NormalDist().pdf(share), "bell curve"),
        (lambda share: NormalDist().inv_cdf(100 * share), "StatisticsError"),
    ],
    "q8": [
        (by_company, "in other company"),
        (scaled(column_mean, lambda H: H.std(0)), "divided by 0"),
        (scaled(column_mean, lambda H: 1), "as small as it was"),
        (scaled(lambda H: 0, safe_std), "the constant with it"),
        (scaled(column_mean, lambda H: safe_std(H) ** 2), "divides by the variance"),
        (scaled(np.mean, lambda H: H.std() or 1), "Each column has its own"),
        (in_place, "changes its input test"),
    ],
    "q9": [
        ("a", "not what stops the sigmoid"),
        ("b", "four times the slope"),
        ("c", "where z is negative"),
        (0.17, "choose one letter"),
        ("tanh", "choose one letter"),
    ],
    "q10": [
        (chosen_by(lambda v: v.min(axis=0).mean(axis=1)), "lucky moment"),
        (chosen_by(lambda v: v[-1].mean(axis=1)), "last exam"),
        (chosen_by(lambda v: v.mean(axis=(0, 2))), "first half of the run counts"),
        (
            lambda v, test: v[len(v) // 2 :].mean(axis=(0, 2)).min(),
            "validation error of the chosen",
        ),
        (lambda v, test: test.mean(axis=1).min(), "still choose the rate"),
        (a_rate_for_each_seed, "Each seed has a rate of its own"),
        (lambda v, test: v[len(v) // 2 :].mean(axis=(0, 2)).argmin(), "number of the best rate"),
        (lambda v, test: test[v[len(v) // 2 :].mean(axis=(0, 2)).argmin()], "shape"),
    ],
    "q11": [
        (looks_at_the_labels, "depend on the labels"),
        (lambda X, y, seed: reads()(X, y, None), "depend on the labels"),
        (reads(unit=lambda z: 1 / (1 + np.exp(-z))), "fitted to sigmoids"),
        (reads(unit=lambda z: z), "no units at all"),
        (reads(shift=9.0), "Nearly all hidden units are on"),
        (reads(shift=-9.0), "Nearly all hidden units are off"),
        (reads(units=30), "30 random features are few"),
        (reads(units=900), "900 hidden units where 400"),
        (by_short_descent, "Descent needs many steps"),
        (reads(units=110, decay=1e-9), "weight decay"),
        (fits_the_number, "a column for each of the ten classes"),
    ],
    "q12": [("Is it true?", "a little more")],
}
