"""Right and wrong answers to the exercises on section 6.0."""

from itertools import pairwise

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.tree import DecisionTreeClassifier

import dlbook as dl

# q1


def by_rows(X, layers):
    outputs = []
    for h in np.asarray(X, float):
        for number, (W, b) in enumerate(layers, start=1):
            h = [sum(h[i] * W[i, j] for i in range(len(h))) + b[j] for j in range(len(b))]
            if number < len(layers):
                h = [max(0.0, value) for value in h]
        outputs.append(h)
    return np.array(outputs)


def by_recursion(X, layers):
    (W, b), *rest = layers
    z = X @ W + b
    return by_recursion(z * (z > 0), rest) if rest else z


def by_graph(X, layers):
    x = H = dl.variable("X", np.shape(X))
    for number, (W, b) in enumerate(layers, start=1):
        H = H @ np.asarray(W, float) + np.asarray(b, float)
        H = dl.relu(H) if number < len(layers) else H
    return dl.evaluate(H, {x: np.asarray(X, float)})


def all_rectified(X, layers):
    for W, b in layers:
        X = np.maximum(X @ W + b, 0)
    return X


def nothing_rectified(X, layers):
    for W, b in layers:
        X = X @ W + b
    return X


def without_biases(X, layers):
    for W, _ in layers[:-1]:
        X = np.maximum(X @ W, 0)
    return X @ layers[-1][0]


def bias_outside(X, layers):
    for W, b in layers[:-1]:
        X = np.maximum(X @ W, 0) + b
    return X @ layers[-1][0] + layers[-1][1]


def returns_in_the_loop(X, layers):
    for W, b in layers:
        return np.maximum(0, X @ W + b)


def forgets_the_output(X, layers):
    for W, b in layers[:-1]:
        X = np.maximum(0, X @ W + b)
    return X


def backwards(X, layers):
    return by_recursion(X, list(reversed(layers)))


def always_from_x(X, layers):
    for number, (W, b) in enumerate(layers, start=1):
        H = X @ W + b
        H = np.maximum(H, 0) if number < len(layers) else H
    return H


def forgets_to_return(X, layers):
    for W, b in layers:
        X = np.maximum(X @ W + b, 0)


# q2


def by_library(widths):
    network = dl.MLP(list(widths))
    hidden = sum(layer.width for layer in network.layers[:-1])
    return network.depth, hidden, network.parameter_count


def by_loop(widths):
    depth = hidden = parameters = 0
    for i in range(1, len(widths)):
        depth += 1
        parameters += (widths[i - 1] + 1) * widths[i]
        if i < len(widths) - 1:
            hidden += widths[i]
    return depth, hidden, parameters


def by_arrays(widths):
    w = np.array(widths)
    return [len(w) - 1, int(w[1:-1].sum()), int(w[:-1] @ w[1:] + w[1:].sum())]


def counted(depth=-1, hidden=slice(1, -1), biases=lambda w: sum(w[1:])):
    return lambda w: (
        len(w) + depth,
        sum(w[hidden]),
        sum(n * p for n, p in pairwise(w)) + biases(w),
    )


# q4


def by_least_squares(y):
    A = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])
    return np.mean((A @ np.linalg.lstsq(A, y, rcond=None)[0] - y) ** 2)


def by_projection(y):
    direction = np.array([1, -1, -1, 1]) / 2
    return np.sum((direction * (direction @ y)) ** 2) / 4


def by_two_slopes(y):
    return ((y[3] - y[2]) - (y[1] - y[0])) ** 2 / 16


def without_b(y):
    A = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    return np.mean((A @ np.linalg.lstsq(A, y, rcond=None)[0] - y) ** 2)


# q6


def by_loops(X, Z, gamma):
    K = np.zeros((len(X), len(Z)))
    for i, x in enumerate(X):
        for j, z in enumerate(Z):
            K[i, j] = np.exp(-gamma * sum((x - z) ** 2))
    return K


def by_norms(X, Z, gamma):
    squares = (X**2).sum(1)[:, None] + (Z**2).sum(1) - 2 * X @ Z.T
    return np.exp(-gamma * squares)


def by_cdist(X, Z, gamma):
    return np.exp(-gamma * cdist(X, Z) ** 2)


def by_sklearn(X, Z, gamma):
    return rbf_kernel(X, Z, gamma)


def kernel(change):
    return lambda X, Z, gamma: change(((X[:, None] - Z) ** 2).sum(-1), gamma)


# q8


def by_fill(D, y):
    D = D.astype(float)
    np.fill_diagonal(D, np.inf)
    return (y[np.argmin(D, axis=1)] != y).mean()


def by_sorting(D, y):
    return float(np.mean(y[np.argsort(D, axis=1)[:, 1]] != y))


def by_hand_loop(D, y):
    wrong = 0
    for i in range(len(y)):
        others = [j for j in range(len(y)) if j != i]
        wrong += y[min(others, key=lambda j: D[i, j])] != y[i]
    return wrong / len(y)


def only_plus_one(D, y):
    return np.mean(y[(D + np.eye(len(D))).argmin(axis=1)] != y)


def in_place(D, y):
    np.fill_diagonal(D, np.inf)
    return np.mean(y[D.argmin(axis=1)] != y)


def still_itself(D, y):
    wrong = 0
    for i, label in enumerate(y):
        wrong += y[np.argsort(D[i])[0]] != label
    return wrong / len(y)


# q10


def products(X):
    i, j = np.triu_indices(X.shape[1], 1)
    return X[:, i] * X[:, j]


def by_correlation(X, y, X_new):
    """The product whose covariance with the label is largest, from one matrix."""
    C = np.triu(X.T @ (X * (2 * y - 1)[:, None]), 1)
    i, j = np.unravel_index(np.abs(C).argmax(), C.shape)
    return C[i, j] * X_new[:, i] * X_new[:, j] > 0


def by_lasso(X, y, X_new):
    """Few products, chosen by a penalty."""
    model = LogisticRegression(penalty="l1", C=0.02, solver="liblinear")
    return model.fit(np.sign(products(X)), y).predict(np.sign(products(X_new)))


def by_stump(X, y, X_new):
    """A tree with a single question, over the signs of all products."""
    tree = DecisionTreeClassifier(max_depth=1).fit(np.sign(products(X)), y)
    return tree.predict(np.sign(products(X_new))).astype(int)


def first_two(X, y, X_new):
    same = X[:, 0] * X[:, 1] > 0
    labels = (X_new[:, 0] * X_new[:, 1] > 0).astype(float)
    return labels if np.mean(same == y) > 0.5 else 1 - labels


def linear(X, y, X_new):
    return LogisticRegression().fit(X, y).predict(X_new)


def nearest(X, y, X_new):
    return y[cdist(X_new, X).argmin(axis=1)]


def equal_means_one(X, y, X_new):
    C = np.triu(X.T @ (X * (2 * y - 1)[:, None]), 1)
    i, j = np.unravel_index(np.abs(C).argmax(), C.shape)
    return (X_new[:, i] * X_new[:, j] > 0).astype(float)


def all_products(X, y, X_new):
    """Too many features for so few examples."""
    A, B = (np.column_stack([Z, products(Z), Z**2]) for Z in (X, X_new))
    return (B @ np.linalg.lstsq(A, y, rcond=None)[0] > 0.5).astype(float)


def memorises(X, y, X_new):
    """A tree on the raw coordinates, grown to the end."""
    return DecisionTreeClassifier(random_state=0).fit(X, y).predict(X_new)


RIGHT = {
    "q1": [by_rows, by_recursion, by_graph],
    "q2": [by_library, by_loop, by_arrays],
    "q3": ["b", "B", " b "],
    "q4": [by_least_squares, by_projection, by_two_slopes],
    "q5": [
        lambda x1, x2: min(x1, x2),
        lambda x1, x2: np.maximum(x1 + x2 - 1, 0),
        lambda x1, x2: bool(x1 and x2),
        lambda x1, x2: -3 * (x1 * x2) ** 2,
    ],
    "q6": [by_loops, by_norms, by_cdist, by_sklearn],
    "q7": [20 / 3, 6.6667, np.float32(20 / 3)],
    "q8": [by_fill, by_sorting, by_hand_loop],
    "q9": ["d", "D", "d "],
    "q10": [by_correlation, by_lasso, by_stump],
    "q11": [
        "It is the size of the family in which the features are searched: with two no member fits, "
        "with 128 too many do."
    ],
}

WRONG = {
    "q1": [
        (all_rectified, "The output layer is rectified"),
        (nothing_rectified, "Nothing bends"),
        (without_biases, "biases are missing"),
        (bias_outside, "inside the rectifier"),
        (returns_in_the_loop, "inside the loop"),
        (forgets_the_output, "still to come"),
        (backwards, "runs backwards"),
        (always_from_x, "reads X here"),
        (forgets_to_return, "returns None"),
    ],
    "q2": [
        (counted(depth=0), "inputs are not a layer"),
        (counted(depth=-2), "output layer counts for the depth"),
        (counted(hidden=slice(1, None)), "are not hidden"),
        (counted(hidden=slice(0, -1)), "inputs are not units"),
        (counted(hidden=slice(0, None)), "counts all numbers"),
        (counted(biases=lambda w: 0), "one for each unit"),
        (counted(biases=lambda w: len(w) - 1), "of its own"),
        (counted(biases=sum), "Inputs have no bias"),
        (lambda w: counted()(w)[2], "shape () where (3,)"),
    ],
    "q3": [
        ("a", "just left of 1"),
        ("c", "cannot make one"),
        ("d", "Look again"),
        ("f", "choose one letter"),
        (2, "choose one letter"),
    ],
    "q4": [
        (lambda y: (y[0] - y[1] - y[2] + y[3]) / 4, "takes the square"),
        (lambda y: (y[0] - y[1] - y[2] + y[3]) ** 2 / 4, "is their mean"),
        (lambda y: (y[0] - y[1] - y[2] + y[3]) ** 2, "a sixteenth"),
        (np.var, "variance of y"),
        (lambda y: (y[3] + y[2] - y[1] - y[0]) ** 2 / 16, "those of a slope"),
        (lambda y: 1 / 4, "for XOR alone"),
        (without_b, "has no b"),
        (lambda y: np.array([by_least_squares(y)]), "an axis too many"),
    ],
    "q5": [
        (lambda x1, x2: abs(x1 - x2), "That is XOR itself"),
        (lambda x1, x2: x1 - x2, "linear function"),
        (lambda x1, x2: 1.0, "that is a bias"),
        (lambda x1, x2: max(x1, x2), "That is OR"),
        (lambda x1, x2: (x1 - 0.5) * (x2 - 0.5), "There is an interaction in it"),
        (lambda x1, x2: 0 * x1, "adds nothing"),
        (lambda x1, x2: print(x1 * x2), "returns None"),
    ],
    "q6": [
        (kernel(lambda d, g: np.exp(-g * np.sqrt(d))), "there is no root"),
        (kernel(lambda d, g: np.exp(g * d)), "the minus is missing"),
        (kernel(lambda d, g: np.exp(-d / (2 * g**2))), "for a width sigma"),
        (kernel(lambda d, g: np.exp(-0.5 * g * d)), "no 2 in this form"),
        (kernel(lambda d, g: np.exp(-d)), "Gamma is left out"),
        (kernel(lambda d, g: -g * d), "exponential is missing"),
        (
            lambda X, Z, gamma: np.exp(-gamma * np.abs(X[:, None] - Z).sum(-1)),
            "without squares",
        ),
        (lambda X, Z, gamma: np.exp(-gamma * ((X - Z) ** 2).sum(1)), "each row of Z"),
        (lambda X, Z, gamma: by_norms(X, Z, gamma).T, "was expected"),
    ],
    "q7": [
        (10 / 3, "Two points both vary"),
        (4 / 3, "Distractors count"),
        (0, "Their squares are not"),
        (2.582, "without a root"),
        (5 / 3, "between 0 and 1"),
        (40, "largest possible"),
        ("20/3", "numbers were expected"),
    ],
    "q8": [
        (still_itself, "its own nearest neighbour"),
        (only_plus_one, "take infinity"),
        (lambda D, y: 1 - by_sorting(D, y), "share of right answers"),
        (lambda D, y: np.mean(y[D.argmax(axis=1)] != y), "farthest"),
        (lambda D, y: np.sum(y[np.argsort(D, axis=1)[:, 1]] != y), "divides by the number"),
        (in_place, "changes its input D"),
    ],
    "q9": [
        ("a", "between their parameters"),
        ("b", "nothing is positive"),
        ("c", "no bias says"),
        ("27/16", "choose one letter"),
        (1.6875, "choose one letter"),
    ],
    "q10": [
        (first_two, "made by hand, for another task"),
        (linear, "linear model of the raw"),
        (nearest, "as the nearest example does"),
        (equal_means_one, "turned round"),
        (lambda X, y, X_new: np.ones(len(X_new)), "the same label"),
        (all_products, "Which family"),
        (memorises, "learns the noise"),
        (lambda X, y, X_new: X_new[:, 0], "something else than labels"),
        (lambda X, y, X_new: y, "shape (500,)"),
    ],
    "q11": [("It was lucky.", "a little more")],
}
