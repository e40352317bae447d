"""Right and wrong answers to the exercises on section 6.2.1."""

import numpy as np
from scipy import optimize, special, stats

import dlbook as dl

# q1


def by_a_loop(P, y):
    total = 0.0
    for row, label in zip(P, y, strict=True):
        total -= np.log(row[label])
    return total / len(y)


def by_take_along_axis(P, y):
    return -np.log(np.take_along_axis(P, y[:, None], axis=1)).mean()


def by_xlogy(P, y):
    one_hot = np.eye(P.shape[1])[y]
    return -special.xlogy(one_hot, P).sum(axis=1).mean()


def by_pairs(P, y):
    """Read it as a cross-entropy: which share of the data each label of each row has."""
    share = np.zeros_like(P)
    share[np.arange(len(y)), y] = 1 / len(y)
    return -np.sum(share[share > 0] * np.log(P[share > 0]))


def by_sklearn(P, y):
    from sklearn.metrics import log_loss

    return log_loss(y, P, labels=range(P.shape[1]))


def all_entries(P, y):
    one_hot = np.eye(P.shape[1])[y]
    return -np.mean(one_hot * np.log(P))


def one_hot_times_log(P, y):
    one_hot = np.eye(P.shape[1])[y]
    return -np.mean(np.sum(one_hot * np.log(P), axis=1))


def binary(P, y):
    one_hot = np.eye(P.shape[1])[y]
    return -np.mean(np.sum(np.log(one_hot * P + (1 - one_hot) * (1 - P)), axis=1))


# q4


def gradient_by_library(kind, X, y, w, b):
    W, B = dl.variable("w", np.shape(w)), dl.variable("b", ())
    z = np.asarray(X, float) @ W + B
    a = {"linear": z**2 / 2, "logistic": dl.softplus(z), "Poisson": dl.exp(z)}[kind]
    J = dl.mean(a - np.asarray(y, float) * z)
    slopes = dl.backprop([W, B], J)
    given = {W: np.asarray(w, float), B: np.asarray(b, float)}
    return tuple(dl.evaluate(slopes[V], given) for V in (W, B))


def gradient_by_a_loop(kind, X, y, w, b):
    dw, db = [0.0] * len(w), 0.0
    for x, target in zip(X, y, strict=True):
        z = float(x @ w + b)
        mean = {"linear": lambda z: z, "logistic": special.expit, "Poisson": np.exp}[kind](z)
        db += (mean - target) / len(y)
        for i, value in enumerate(x):
            dw[i] += (mean - target) * value / len(y)
    return dw, db


def gradient_by_dictionary(kind, X, y, w, b):
    means = {"linear": np.positive, "logistic": special.expit, "Poisson": np.exp}
    error = means[kind](X @ w + b) - y
    return (error[:, None] * X).mean(axis=0), error.mean()


def gradient_with(change):
    def gradient(kind, X, y, w, b):
        means = {"linear": np.positive, "logistic": special.expit, "Poisson": np.exp}
        return change(X, y, means[kind](X @ w + b))

    return gradient


def overflowing_gradient(kind, X, y, w, b):
    z = X @ w + b
    mean = {"linear": z, "logistic": np.exp(z) / (1 + np.exp(z)), "Poisson": np.exp(z)}[kind]
    return X.T @ (mean - y) / len(y), np.mean(mean - y)


def always_linear(kind, X, y, w, b):
    error = X @ w + b - y
    return X.T @ error / len(y), error.mean()


def by_squares(kind, X, y, w, b):
    means = {"linear": np.positive, "logistic": special.expit, "Poisson": np.exp}
    mean = means[kind](X @ w + b)
    slope = {"linear": 1, "logistic": mean * (1 - mean), "Poisson": mean}[kind]
    error = (mean - y) * slope
    return X.T @ error / len(y), error.mean()


def changes_y(kind, X, y, w, b):
    means = {"linear": np.positive, "logistic": special.expit, "Poisson": np.exp}
    y -= means[kind](X @ w + b)
    return -X.T @ y / len(y), -y.mean()


# q5


def over_pairs(y_hat, y):
    return sum((a - b) ** 2 for (a,), b in zip(y_hat, y, strict=True)) / len(y)


def same_behaviour(y_hat, y):
    return np.square(y_hat - y).mean()


# q7


def pinball_by_where(y, f, q):
    return np.where(y > f, q * (y - f), (1 - q) * (f - y))


def pinball_by_maximum(y, f, q):
    return np.maximum(q * (y - f), (q - 1) * (y - f))


def tilted_absolute(y, f, q):
    return np.abs(y - f) + (2 * q - 1) * (y - f)


def of_another_scale(y, f, q):
    """Measured by a growing function: another cost, and least at the same place."""
    return ((y <= f) - q) * (np.exp(f / 5) - np.exp(y / 5))


def already_a_mean(y, f, q):
    return 100 * sum(max(q * (t - f), (q - 1) * (t - f)) for t in y) / len(y)


# q9


def fit_by_scipy(X, y, strength):
    scale = np.maximum(np.abs(X).max(axis=0), 1e-9)

    def cost(theta):
        w, b = theta[:-1] / scale, theta[-1]
        z = X @ w + b
        with np.errstate(over="ignore"):
            mean = np.exp(z)
        slope = X.T @ (mean - y) / len(y) + 2 * strength * w
        return (
            np.mean(mean - y * z) + strength * w @ w,
            np.append(slope / scale, np.mean(mean - y)),
        )

    start = np.append(np.zeros(X.shape[1]), np.log(np.mean(y)))
    options = {"gtol": 1e-7, "ftol": 1e-13, "maxiter": 300}
    found = optimize.minimize(cost, start, jac=True, method="L-BFGS-B", options=options).x
    return found[:-1] / scale, found[-1]


def fit_by_profile(X, y, strength):
    """The best bias is known for each w, which leaves a problem in w alone, here for Newton."""
    y = np.asarray(y, float)
    X = np.asarray(X, float)
    w, total = np.zeros(X.shape[1]), y.mean()

    def cost(w):
        z = X @ w
        return total * special.logsumexp(z) - np.mean(y * z) + strength * w @ w

    for _ in range(200):
        share = special.softmax(X @ w)
        slope = total * share @ X - X.T @ y / len(y) + 2 * strength * w
        spread = (X.T * share) @ X - np.outer(share @ X, share @ X)
        step = np.linalg.solve(total * spread + 2 * strength * np.eye(len(w)), slope)
        length = 1.0
        while cost(w - length * step) > cost(w) and length > 1e-8:
            length /= 2
        w = w - length * step
        if np.abs(step).max() < 1e-8:
            break
    return w, np.log(y.sum()) - special.logsumexp(X @ w)


def fit_by_sklearn(X, y, strength):
    from sklearn.linear_model import PoissonRegressor

    model = PoissonRegressor(alpha=2 * strength, tol=1e-7, max_iter=500, solver="newton-cholesky")
    model.fit(X, y)
    return model.coef_, model.intercept_


def newton(X, y, strength, decay_of_bias=0.0, steps=60, from_zero=False):
    A = np.column_stack([X, np.ones(len(y))])
    decay = 2 * strength * np.append(np.ones(X.shape[1]), decay_of_bias)
    theta = np.append(np.zeros(X.shape[1]), 0 if from_zero else np.log(np.mean(y)))
    for _ in range(steps):
        mean = np.exp(A @ theta)
        slope = A.T @ (mean - y) / len(y) + decay * theta
        hessian = (A.T * mean) @ A / len(y) + np.diag(decay) + 1e-12 * np.eye(len(theta))
        theta = theta - np.linalg.solve(hessian, slope)
    return theta[:-1], theta[-1]


def descent(X, y, strength, rate=0.1, steps=1000):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        error = np.exp(X @ w + b) - y
        w = w - rate * (X.T @ error / len(y) + 2 * strength * w)
        b = b - rate * error.mean()
    return w, b


def least_squares_of_logs(X, y, strength):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(X, np.log(y + 1))
    return model.coef_, model.intercept_


def linear_regression(X, y, strength):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(X, y)
    return model.coef_, model.intercept_


def least_squares_by_lstsq(X, y, strength):
    A = np.column_stack([X, np.ones(len(y))])
    theta = np.linalg.lstsq(A, np.log1p(y), rcond=None)[0]
    return theta[:-1], theta[-1]


def none_at_all(X, y, strength):
    fit_by_scipy(X, y, strength)


RIGHT = {
    "q1": [by_a_loop, by_take_along_axis, by_xlogy, by_pairs, by_sklearn],
    "q2": [
        lambda z, y: (-np.log(np.exp(z)) + np.exp(z) * y, np.exp(z) * (y - np.exp(-z))),
        lambda z, y: [np.exp(z) * y - z, -(1 - y * np.exp(z))],
        lambda z, y: np.array([np.exp(z) * y - z, np.exp(z) * y - 1]),
        lambda z, y: (-stats.expon.logpdf(y, scale=np.exp(-z)), y * np.exp(z) - 1),
        lambda z, y: (
            np.array([np.exp(a) * b - a for a, b in zip(z, y, strict=True)]),
            np.array([np.exp(a) * b - 1 for a, b in zip(z, y, strict=True)]),
        ),
    ],
    "q3": [
        0.611,
        float(special.entr([0.7, 0.3]).sum()),
        np.log(10) - 0.7 * np.log(7) - 0.3 * np.log(3),
    ],
    "q4": [gradient_by_library, gradient_by_a_loop, gradient_by_dictionary],
    "q5": [
        lambda y_hat, y: np.mean((y_hat - y[:, None]) ** 2),
        lambda y_hat, y: np.linalg.norm(y_hat.ravel() - y) ** 2 / len(y),
        lambda y_hat, y: np.mean((y_hat.T - y) ** 2),
        over_pairs,
    ],
    "q6": [(1.5, 0), [-2, 1], np.array([100.0, 0.0]), (-1.001, 1.0)],
    "q7": [pinball_by_where, pinball_by_maximum, tilted_absolute, already_a_mean, of_another_scale],
    "q8": ["D", " d ", str(np.array("d"))],
    "q9": [fit_by_scipy, fit_by_profile, fit_by_sklearn],
}

WRONG = {
    "q1": [
        (lambda P, y: -np.log(P[np.arange(len(y)), y]).sum(), "the sum over the examples"),
        (lambda P, y: np.log(P[np.arange(len(y)), y]).mean(), "minus sign is missing"),
        (lambda P, y: -np.log(P[np.arange(len(y)), y].mean()), "logarithm of the mean"),
        (lambda P, y: 1 - P[np.arange(len(y)), y].mean(), "no logarithm"),
        (lambda P, y: -P[np.arange(len(y)), y].mean(), "no logarithm"),
        (lambda P, y: -np.log2(P[np.arange(len(y)), y]).mean(), "counts bits"),
        (lambda P, y: -np.log(P[:, y]).mean(), "m times m numbers"),
        (all_entries, "over all entries"),
        (one_hot_times_log, "0 * log 0"),
        (binary, "a yes-or-no question"),
        (lambda P, y: -np.log(np.prod(P[np.arange(len(y)), y])) / len(y), "too small for a float"),
        (lambda P, y: -np.log(P.max(axis=1)).mean(), "the largest probability"),
        (lambda P, y: -np.log(special.softmax(P, 1)[np.arange(len(y)), y]).mean(), "already"),
        (lambda P, y: -np.log(P[np.arange(len(y)), y]), "one by one"),
        (lambda P, y: -np.log(P[y]).mean(), "equation 6.12"),
    ],
    "q2": [
        (lambda z, y: (y * np.exp(z) - z, y - np.exp(-z)), "respect to lambda"),
        (lambda z, y: (y * np.exp(z) - z, np.exp(-z) - y), "mean minus target"),
        (lambda z, y: (y * np.exp(z) - z, y * np.exp(z)), "lost the -1"),
        (lambda z, y: (np.exp(z) - y * z, np.exp(z) - y), "Poisson"),
        (lambda z, y: (y * np.exp(z) + z, y * np.exp(z) + 1), "sign of the logarithm"),
        (lambda z, y: (z - y * np.exp(z), 1 - y * np.exp(z)), "minus that"),
        (lambda z, y: (z * y - np.log(z), y - 1 / z), "lambda itself"),
        (lambda z, y: (y * np.exp(z) - 1, y * np.exp(z) - z), "changed places"),
        (
            lambda z, y: (-np.log(np.exp(z) * np.exp(-np.exp(z) * y)), y * np.exp(z) - 1),
            "Take the logarithm on paper",
        ),
        (lambda z, y: y * np.exp(z) - z, "2 values were expected"),
    ],
    "q3": [
        (0, "cannot be sure of both"),
        (0.3567, "one throw of heads"),
        (np.log(2), "fair coin"),
        (6.109, "sum over the ten throws"),
        (1.204, "one throw of tails"),
        (0.21, "the variance"),
        (0.8813, "bits"),
        (0.7, "best probability"),
        (0.847, "best logit"),
        (-0.611, "minus sign"),
    ],
    "q4": [
        (gradient_with(lambda X, y, mean: (X.T @ (mean - y), (mean - y).sum())), "this is the sum"),
        (
            gradient_with(lambda X, y, mean: (X.T @ (y - mean) / len(y), (y - mean).mean())),
            "uphill",
        ),
        (
            gradient_with(
                lambda X, y, mean: (2 * X.T @ (mean - y) / len(y), 2 * (mean - y).mean())
            ),
            "factor 2",
        ),
        (always_linear, "z itself as the mean"),
        (by_squares, "slope of squared error"),
        (
            gradient_with(lambda X, y, mean: (X.T @ (mean - y) / len(y), (mean - y).sum())),
            "for b is a sum",
        ),
        (lambda kind, X, y, w, b: gradient_by_dictionary(kind, X, y, w, 0), "lacks its bias"),
        (overflowing_gradient, "infinity over infinity"),
        (
            gradient_with(lambda X, y, mean: (X.T @ (mean - y), (mean - y).mean())),
            "for w is the sum",
        ),
        (changes_y, "changes its input y"),
    ],
    "q5": [
        (same_behaviour, "every target"),
        (lambda y_hat, y: np.sum((y_hat[:, 0] - y) ** 2), "this is their sum"),
        (lambda y_hat, y: np.sum((y_hat - y) ** 2) / len(y), "does not mend the pairs"),
        (lambda y_hat, y: np.mean((y_hat[0] - y) ** 2), "the first prediction"),
        (lambda y_hat, y: np.mean(y_hat.ravel() - y) ** 2, "opposite signs cancel"),
        (lambda y_hat, y: np.sqrt(np.mean((y_hat.ravel() - y) ** 2)), "root of the mean"),
        (lambda y_hat, y: np.mean((y_hat[:, 0] - y) ** 2) / 2, "a factor 1/2"),
        (lambda y_hat, y: np.sum((y_hat[:, 0] - y) ** 2) / len(y) ** 2, "shape of the difference"),
        (lambda y_hat, y: np.mean((y_hat - y) ** 2, axis=0), "leaves an array"),
        (lambda y_hat, y: (y_hat[:, 0] - y) ** 2, "shape (1,) where () was expected"),
    ],
    "q6": [
        ((4, 1), "on its own side"),
        ((0, 0), "in the gap"),
        ((1, 0), "and not only touch"),
        ((-1, 1), "and not only touch"),
        ((2, 0.5), "its label y is 0 or 1"),
        (2.0, "an input and its label"),
        ((np.inf, 0), "ordinary number"),
    ],
    "q7": [
        (lambda y, f, q: np.where(y > f, (1 - q) * (y - f), q * (f - y)), "changed places"),
        (lambda y, f, q: np.abs(y - f), "at the median"),
        (lambda y, f, q: (y - f) ** 2, "at the mean"),
        (lambda y, f, q: np.where(y > f, q, 1 - q) * (y - f) ** 2, "an expectile"),
        (lambda y, f, q: q * np.maximum(y - f, 0), "costs nothing"),
        (lambda y, f, q: np.minimum(q * (y - f), (q - 1) * (y - f)), "takes the larger one"),
        (lambda y, f, q: np.maximum(0.9 * (y - f), -0.1 * (y - f)), "Use q"),
        (lambda y, f, q: (1 - q) * np.maximum(f - y, 0), "least below all targets"),
        (lambda y, f, q: q * (y - f), "must not pay"),
        (lambda y, f, q: np.log(y - f), "returns nan"),
        (lambda y, f, q: max(q * (y - f), (q - 1) * (y - f)), "raises ValueError"),
    ],
    "q8": [
        ("a", "adding a constant changes no gradient"),
        ("b", "not the same way"),
        ("c", "started unsure"),
        ("e", "choose one letter"),
        (11, "choose one letter"),
    ],
    "q9": [
        (lambda X, y, s: newton(X, y, s, 1.0), "The bias pays"),
        (lambda X, y, s: fit_by_scipy(X, y, s / 2), "half its strength"),
        (lambda X, y, s: fit_by_scipy(X, y, s / len(y)), "not their sum"),
        (least_squares_of_logs, "least squares on log(1 + y)"),
        (least_squares_by_lstsq, "least squares on log(1 + y)"),
        (lambda X, y, s: newton(X, y, 0.0 * s + 1e-13), "no weight decay"),
        (linear_regression, "linear regression"),
        (lambda X, y, s: newton(X, y, s, from_zero=True), "a step was too long"),
        (descent, "ended too early"),
        (lambda X, y, s: np.append(*fit_by_scipy(X, y, s)), "in one array"),
        (none_at_all, "returns None"),
    ],
    "q10": [("Another cost.", "a little more")],
}
