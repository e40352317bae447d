"""Right and wrong answers to the exercises on section 6.1."""

import numpy as np

import dlbook as dl


def by_rows(X, W, c, w, b):
    outputs = np.empty(len(X))
    for i, x in enumerate(X):
        outputs[i] = b
        for j in range(W.shape[1]):
            outputs[i] += w[j] * max(0.0, float(x @ W[:, j] + c[j]))
    return outputs


def by_einsum(X, W, c, w, b):
    z = np.einsum("mn,nk->mk", X, W) + c
    return np.einsum("mk,k->m", np.where(z > 0, z, 0), w) + b


def by_graph(X, W, c, w, b):
    return dl.relu.f(np.asarray(X) @ W + c) @ w + b


def by_generator(X, W, c, w, b):
    hidden = ([max(z, 0.0) for z in x @ W + c] for x in X)
    return tuple(sum(v * h for v, h in zip(w, row, strict=True)) + b for row in hidden)


def in_single_precision(X, W, c, w, b):
    X, W, c, w = (np.asarray(part, np.float32) for part in (X, W, c, w))
    return np.maximum(X @ W + c, 0) @ w + np.float32(b)


def rounded(X, W, c, w, b):
    return np.round(np.maximum(X @ W + c, 0) @ w + b)


def in_place(X, W, c, w, b):
    X *= 2.0
    return np.maximum(X / 2 @ W + c, 0) @ w + b


def endless(X, W, c, w, b):
    while True:
        pass


def by_normal_equations(y):
    A = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])
    solution = np.linalg.solve(A.T @ A, A.T @ y)
    return solution[:2], solution[2]


def by_least_squares(y):
    A = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])
    solution, *_ = np.linalg.lstsq(A, y, rcond=None)
    return [solution[0], solution[1]], solution[2]


def by_centred_inputs(y):
    x = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]])
    w = x.T @ y
    return w, (3 * y[0] + y[1] + y[2] - y[3]) / 4


def plane_without_b(y):
    return np.linalg.pinv(np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])) @ y, 0


def other_b(y):
    return by_normal_equations(y)[0], y.mean()


def swapped(y):
    w, b = by_normal_equations(y)
    return w[::-1], b


def three_points(y):
    return [y[2] - y[0], y[1] - y[0]], y[0]


def sums(y):
    w1, w2 = y[2] + y[3] - y[0] - y[1], y[1] + y[3] - y[0] - y[2]
    return [w1, w2], sum(y) / 4 - (w1 + w2) / 2


def only_w(y):
    return by_normal_equations(y)[0]


def gate_by_sign(X, y, W, c, w, b):
    z = X @ W + c
    error = np.maximum(z, 0) @ w + b - y
    return 2 * np.einsum("mi,m,mj,j->ij", X, error, np.heaviside(z, 0), w) / len(y)


def gate_by_loop(X, y, W, c, w, b):
    gradient = np.zeros(W.shape)
    for x, label in zip(X, y, strict=True):
        z = x @ W + c
        error = np.maximum(z, 0) @ w + b - label
        for j in np.flatnonzero(z > 0):
            gradient[:, j] += 2 * error * w[j] * x / len(y)
    return gradient


def gate_by_library(X, y, W, c, w, b):
    V = {
        name: dl.variable(name, np.shape(v))
        for name, v in zip("XyWcwb", (X, y, W, c, w, b), strict=True)
    }
    out = dl.relu(V["X"] @ V["W"] + V["c"]) @ V["w"] + V["b"]
    J = dl.mean((V["y"] - out) ** 2)
    step = dl.compile([dl.backprop([V["W"]], J)[V["W"]]], inputs=list(V.values()))
    (gradient,) = step(*(np.asarray(v, float) for v in (X, y, W, c, w, b)))
    return gradient


def ungated(X, y, W, c, w, b):
    error = np.maximum(X @ W + c, 0) @ w + b - y
    return X.T @ (2 * error[:, None] * w) / len(y)


def gated(change):
    def gradient(X, y, W, c, w, b):
        z = X @ W + c
        error = np.maximum(z, 0) @ w + b - y
        return change(X, z, error, w, len(y))

    return gradient


def by_differences(X, y, W, c, w, b):
    def cost(W):
        return np.mean((np.maximum(X @ W + c, 0) @ w + b - y) ** 2)

    gradient = np.zeros(W.shape)
    for place in np.ndindex(W.shape):
        step = np.zeros(W.shape)
        step[place] = 1e-5
        gradient[place] = (cost(W + step) - cost(W - step)) / 2e-5
    return gradient


def trains(units=16, rate=0.1, steps=3000, momentum=0.0, scale=1.0):
    def learn(X, y, rng):
        values = [
            rng.normal(size=(2, units)),
            np.zeros(units),
            rng.normal(size=units) / np.sqrt(units),
        ]
        values = [scale * v for v in values] + [0.0]
        speed = [0.0] * 4
        for _ in range(steps):
            W, c, w, b = values
            z = X @ W + c
            h = np.maximum(z, 0)
            error = 2 / len(y) * (h @ w + b - y)
            back = np.outer(error, w) * (z > 0)
            gradients = X.T @ back, back.sum(axis=0), h.T @ error, error.sum()
            speed = [momentum * s - rate * g for s, g in zip(speed, gradients, strict=True)]
            values = [v + s for v, s in zip(values, speed, strict=True)]
        return tuple(values)

    return learn


def solves_the_last_layer(X, y, rng):
    """Random hidden units, and least squares for the rest: no gradient, and right all the same."""
    W, c = rng.normal(size=(2, 12)), rng.normal(size=12)
    h = np.column_stack([np.maximum(X @ W + c, 0), np.ones(4)])
    solution = np.linalg.lstsq(h, y, rcond=None)[0]
    return W, c, solution[:-1], solution[-1]


def only_the_bias(X, y, rng):
    return np.zeros((2, 4)), np.zeros(4), np.zeros(4), y.mean()


def best_linear_layer(X, y, rng):
    w, b = by_normal_equations(y)
    return np.hstack([np.eye(2), -np.eye(2)]), np.zeros(4), np.concatenate([w, -w]), b


def two(a, b, c=(0, 0), w=(1, 1), bias=0.0):
    return np.array([a, b], float).T, np.array(c, float), np.array(w, float), bias


RIGHT = {
    "q1": [by_rows, by_einsum, by_graph, by_generator, in_single_precision],
    "q2": [by_normal_equations, by_least_squares, by_centred_inputs],
    "q3": [0.0625, np.float32(0.0625), np.mean([1 / 16] * 4)],
    "q4": [
        two((-1, 1), (1, -1)),
        two((2, -2), (-3, 3), w=(1 / 2, 1 / 3)),
        ([[1, -1], [-1, 1]], [0, 0], [1, 1], 0),
        ([[1, -1], [-1, 1]], [0, 0], [1, 1], [0.0]),
    ],
    "q5": [gate_by_sign, gate_by_loop, gate_by_library, by_differences],
    "q6": [
        (np.ones((3, 3)), [-2, -1, 0], [2, -2, 1], 0),
        (-np.ones((3, 3)), [3, 2, 1], [-1, 2, -2], 1),
        (2 * np.ones((3, 3)), [0, -2, -4], [0.5, -1, 1], 0),
    ],
    "q7": [[1.0, 0.0], np.array([1, 0]), (1, 0)],
    "q8": ["c", "C", " c "],
    "q9": [
        trains(units=12, rate=0.15),
        trains(rate=0.03, momentum=0.9, steps=2000),
        solves_the_last_layer,
    ],
    "q10": [
        "z is affine, so its values at opposite corners add up to the same, and the output is "
        "monotone in z."
    ],
}

WRONG = {
    "q1": [
        (lambda X, W, c, w, b: (X @ W + c) @ w + b, "Without the rectifier"),
        (lambda X, W, c, w, b: (np.maximum(0, X @ W) + c) @ w + b, "inside the rectifier"),
        (lambda X, W, c, w, b: np.maximum(np.maximum(0, X @ W + c) @ w + b, 0), "output is affine"),
        (lambda X, W, c, w, b: np.maximum(0, X @ W + c) @ w, "output's bias b is missing"),
        (lambda X, W, c, w, b: np.maximum(0, X @ W) @ w + b, "hidden layer is missing"),
        (lambda X, W, c, w, b: np.maximum(0, (W @ X.T).T + c) @ w + b, "W transposed"),
        (lambda X, W, c, w, b: w.T @ np.maximum(W.T @ X + c, 0) + b, "by X from the left"),
        (lambda X, W, c, w, b: np.max(X @ W + c, 0) @ w + b, "along axis 0"),
        (lambda X, W, c, w, b: np.abs(X @ W + c) @ w + b, "the absolute value"),
        (lambda X, W, c, w, b: np.maximum(X @ W + c + b, 0) @ w, "before the rectifier"),
        (rounded, "the rectifier, then @ w + b"),
        (lambda X, W, c, w, b: max(0, X @ W + c) @ w + b, "ValueError"),
        (in_place, "changes its input X"),
        (endless, "no answer after 2 seconds"),
    ],
    "q2": [
        (other_b, "the middle of the square"),
        (swapped, "changed places"),
        (sums, "twice as large"),
        (three_points, "plane through three of the points"),
        (plane_without_b, "without b"),
        (lambda y: ([0, 0], 0.5), "for XOR alone"),
        (only_w, "values were expected"),
        (lambda y: (by_normal_equations(y)[0], y[0]), "b is not y[0]"),
        (lambda y: ([v / 2 for v in by_normal_equations(y)[0]], np.mean(y)), "half as large"),
        (lambda y: ([(y[2] + y[3]) / 2, (y[1] + y[3]) / 2], np.mean(y)), "one side only"),
        (lambda y: np.append(*by_normal_equations(y)), "Three numbers in one array"),
    ],
    "q3": [
        (0, "threshold"),
        (0.25, "Square the errors"),
        (3 / 16, "saying the mean"),
        (1 / 8, "half the sum"),
        (1 / 32, "plain mean"),
        ("1/16", "numbers were expected"),
    ],
    "q4": [
        ((np.ones((2, 2)), [0, -1], [1, -2], 0), "Right at the four corners"),
        (two((1, -1), (1, -1), w=(1, 0)), "One rectified unit"),
        (two((1, -1), (-1, 1), w=(-1, -1)), "sign of w"),
        (two((1, -1), (-1, 1), w=(1, -1)), "without its absolute value"),
        (two((1, -1), (-1, 1), c=(0.5, 0)), "bend along the same line"),
        (two((1, 0), (0, 1)), "For which inputs"),
        (two((1, -1), (-1, 1), w=(0.5, 0.5)), "0.5 times |x1 - x2|"),
        (two((1, -1), (-1, 1), bias=1), "added everywhere"),
        ((np.array([1, -1]), 0, 1, 0), "the shapes do not fit"),
    ],
    "q5": [
        (ungated, "derivative is still missing"),
        (gated(lambda X, z, e, w, m: 2 / m * X.T @ np.outer(e * (e > 0), w)), "not at the error"),
        (gated(lambda X, z, e, w, m: 2 / m * X.T @ np.outer(e, w) * (z > 0)), "Brackets"),
        (
            gated(lambda X, z, e, w, m: 2 / m * X.T @ (np.outer(e, w) * (z > 0).any(axis=0))),
            "for all examples together",
        ),
        (
            gated(lambda X, z, e, w, m: 2 / m * X.T @ (np.outer(e, w) * np.maximum(z, 0))),
            "its slope",
        ),
        (gated(lambda X, z, e, w, m: 2 / m * X.T @ (np.outer(e, w) * (z <= 0))), "wrong way round"),
        (gated(lambda X, z, e, w, m: 1 / m * X.T @ (np.outer(e, w) * (z > 0))), "2 of the square"),
        (gated(lambda X, z, e, w, m: 2 * X.T @ (np.outer(e, w) * (z > 0))), "become a sum"),
        (gated(lambda X, z, e, w, m: (2 / m * X.T @ (np.outer(e, w) * (z > 0))).T), "places"),
    ],
    "q6": [
        ((np.ones((3, 1)), [0], [1], 0), "counts the ones"),
        ((np.ones((3, 3)), [0, -1, -2], [-1, 2, -2], 1), "turned round"),
        ((np.ones((3, 2)), [0, -1], [1, -2], 0), "third unit"),
        ((np.array([[1, 1], [1, 1], [0, 0]]), [0, -1], [1, -2], 0), "treats the inputs alike"),
        ((np.ones((3, 4)), [0, -1, -2, -3], [1, -2, 2, -2], 0), "4 hidden units where 3"),
        ((np.ones((3, 3)), [0, -0.5, -2], [1, -2, 2], 0), "Draw what the network should be"),
    ],
    "q7": [
        ([0, 0], "where [0, 0] lands"),
        ([2, 1], "where [1, 1] lands"),
        ([0, 1], "horizontal axis"),
        ([1, 1], "has bias -1"),
        ([0.5, 0.5], "middle of the square"),
        ([1, -1], "nothing negative"),
    ],
    "q8": [
        ("a", "would have to reach W and c"),
        ("b", "What are the hidden values"),
        ("d", "Something moves"),
        ("e", "choose one letter"),
        (3, "choose one letter"),
    ],
    "q9": [
        (only_the_bias, "nothing but b has learned"),
        (best_linear_layer, "best linear model costs"),
        (trains(rate=-0.001, steps=300), "down the gradient"),
        (trains(rate=5.0, steps=300), "Take smaller steps"),
        (trains(units=30), "30 hidden units where 16"),
        (trains(steps=20), "More steps"),
        (lambda X, y, rng: trains()(X, y, rng)[:3], "four things"),
    ],
    "q10": [("It is not enough.", "a little more")],
}
