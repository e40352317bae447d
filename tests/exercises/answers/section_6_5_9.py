"""Right and typically wrong answers to the exercises on sections 6.5.9 and 6.5.10."""

import math

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import log_softmax, softmax

import dlbook as dl

# --- q1 ---


class Dual:
    def __init__(self, value, slope=0.0):
        self.value, self.slope = value, slope

    @staticmethod
    def of(other):
        return other if isinstance(other, Dual) else Dual(other)

    def __add__(self, other):
        other = Dual.of(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        other = Dual.of(other)
        slope = self.slope * other.value + self.value * other.slope
        return Dual(self.value * other.value, slope)

    def __rtruediv__(self, other):
        return Dual(other / self.value, -other * self.slope / self.value**2)

    def __sub__(self, other):
        return self + Dual.of(other) * -1.0

    def __rsub__(self, other):
        return Dual.of(other) + self * -1.0

    __radd__, __rmul__ = __add__, __mul__


def by_dual(f, x):
    return f(Dual(x, 1.0)).slope


def by_backprop(f, x):
    return dl.grad(f)(x)


def by_small_circle(f, x):
    return np.imag(f(x + 1j * 1e-30)) * 1e30


def endless(*_):
    while True:
        pass


# --- q2 ---


def ahead_by_jacobian(x, v, weights):
    J = np.eye(len(x))
    for W in weights:
        x = np.tanh(x @ W)
        J = np.diag(1 - x**2) @ W.T @ J
    return x, J @ v


def ahead_by_loops(x, v, weights):
    pairs = [(float(a), float(b)) for a, b in zip(x, v, strict=True)]
    for W in weights:
        after = []
        for column in W.T:
            z = sum(w * a for w, (a, _) in zip(column, pairs, strict=True))
            s = sum(w * b for w, (_, b) in zip(column, pairs, strict=True))
            after.append((math.tanh(z), s * (1 - math.tanh(z) ** 2)))
        pairs = after
    return [a for a, _ in pairs], [b for _, b in pairs]


def ahead_by_library(x, v, weights):
    start = dl.variable("x", (len(x),))
    y = start
    for W in weights:
        y = dl.tanh(y @ W)
    program = dl.compile([y, dl.jvp(y, {start: np.asarray(v, float)})], [start])
    return tuple(program(np.asarray(x, float)))


def ahead_by_complex_step(x, v, weights):
    z = x + 1e-30j * v
    for W in weights:
        h = np.tanh((z @ W).real)
        z = h + 1j * (1 - h**2) * (z @ W).imag
    return z.real, z.imag * 1e30


def ahead_with(step):
    def ahead(x, v, weights):
        for W in weights:
            z, s = x @ W, v @ W
            x, v = np.tanh(z), step(z, s)
        return x, v

    return ahead


def ahead_of_difference(x, v, weights):
    y, moved = x, x + v
    for W in weights:
        y, moved = np.tanh(y @ W), np.tanh(moved @ W)
    return y, moved - y


def ahead_in_place(x, v, weights):
    for W in weights:
        x = np.tanh(x @ W)
        v = (v @ W) * (1 - x**2)
    x *= 1.0
    weights.clear()
    return x, v


# --- q5 ---


def slope_by_log(z, p):
    return np.exp(log_softmax(np.asarray(z, float))) * p.sum() - p


def slope_by_loops(z, p):
    powers = [math.exp(float(v) - float(max(z))) for v in z]
    return [
        power / sum(powers) * float(sum(p)) - float(t) for power, t in zip(powers, p, strict=True)
    ]


def slope_by_jacobian(z, p):
    """The chain rule without a division: the Jacobian of log q is the identity minus q."""
    q = softmax(np.asarray(z, float))
    return -(np.eye(len(q)) - q[:, None]) @ p


def slope_by_library(z, p):
    Z, P = dl.variable("z", z.shape), dl.variable("p", p.shape)
    J = -dl.sum(P * dl.log_softmax(Z))
    return dl.evaluate(dl.backprop([Z], J)[Z], {Z: z.astype(float), P: p.astype(float)})


def slope_by_plain_chain(z, p):
    e = np.exp(z - z.max())
    q = e / e.sum()
    on_q = -p / q
    return q * (on_q - np.sum(on_q * q))


def slope_overflowing(z, p):
    return np.exp(z) / np.exp(z).sum() * p.sum() - p


# --- q7 ---


def held(J, theta, v):
    gradient = dl.backprop([theta], J)[theta]
    return dl.backprop([theta], dl.sum(gradient * dl.stop_gradient(v)))[theta]


def by_hvp(J, theta, v):
    return dl.hvp(J, theta, v)


def by_forward_mode(J, theta, v):
    return dl.jvp(dl.backprop([theta], J)[theta], {theta: v})


def by_whole_hessian(J, theta, v):
    return dl.hessian(J, theta) @ v


def with_mistake(build):
    def product(J, theta, v):
        return build(dl.backprop([theta], J)[theta], theta, v)

    return product


def differentiated(z, theta):
    return dl.backprop([theta], z)[theta]


# --- q10 ---


def gradients(multiply, b):
    x, r = 0 * b, b
    p = r
    while np.linalg.norm(r) > 1e-10 * np.linalg.norm(b):
        Hp = multiply(p)
        alpha = (r @ r) / (p @ Hp)
        x = x + alpha * p
        new = r - alpha * Hp
        p = new + (new @ new) / (r @ r) * p
        r = new
    return x


def by_scipy(multiply, b):
    if not b.any():
        return b
    A = LinearOperator((len(b), len(b)), matvec=multiply, dtype=float)
    return cg(A, b, rtol=1e-10)[0]


def by_library(multiply, b):
    A = LinearOperator((len(b), len(b)), matvec=multiply, dtype=float)
    return dl.conjugate_gradients(A, b, 1e-10).x


def by_krylov_space(multiply, b):
    """Span a space with orthogonal directions, and solve in it by least squares."""
    x = np.zeros(len(b))
    basis, images, v = [], [], b.copy()
    while np.linalg.norm(b) > 0 and np.linalg.norm(v) > 1e-9 * np.linalg.norm(b):
        basis.append(v / np.linalg.norm(v))
        images.append(multiply(basis[-1]))
        y = np.linalg.lstsq(np.array(images).T, b, rcond=None)[0]
        x = np.array(basis).T @ y
        if np.linalg.norm(b - np.array(images).T @ y) < 1e-9 * np.linalg.norm(b):
            break
        v = images[-1]
        for _ in range(2):
            v = v - sum(q * (q @ v) for q in basis)
        v = v * (np.linalg.norm(b) / max(np.linalg.norm(v), 1e-300))
    return x


def steepest_descent(multiply, b, steps=None):
    x, r = 0 * b, b
    count = 0
    while np.linalg.norm(r) > 1e-10 * np.linalg.norm(b) and count != steps:
        Hr = multiply(r)
        alpha = (r @ r) / (r @ Hr)
        x, r = x + alpha * r, r - alpha * Hr
        count += 1
    return x


def by_columns(multiply, b):
    H = np.array([multiply(e) for e in np.eye(len(b))])
    return np.linalg.solve(H, b)


def two_products(multiply, b):
    x, r = 0 * b, b
    p = r
    while np.linalg.norm(r) > 1e-10 * np.linalg.norm(b):
        x = x + (r @ r) / (p @ multiply(p)) * p
        new = b - multiply(x)
        p = new + (new @ new) / (r @ r) * p
        r = new
    return x


def inverted_beta(multiply, b):
    x, r = 0 * b, b
    p = r
    while np.linalg.norm(r) > 1e-10 * np.linalg.norm(b):
        Hp = multiply(p)
        alpha = (r @ r) / (p @ Hp)
        x, new = x + alpha * p, r - alpha * Hp
        p = new + (r @ r) / (new @ new) * p
        r = new
    return x


def absolute_tolerance(multiply, b):
    if np.linalg.norm(b) < 1e-6:
        return 0 * b
    return gradients(multiply, b)


def zero_by_zero(multiply, b):
    x, r = 0 * b, b
    p = r
    for _ in range(len(b)):
        Hp = multiply(p)
        alpha = (r @ r) / (p @ Hp)
        x, new = x + alpha * p, r - alpha * Hp
        p = new + (new @ new) / (r @ r) * p
        r = new
    return x


def never_done(multiply, b):
    x, r = 0 * b, b
    p = r
    while (r @ r) > 0:
        Hp = multiply(p)
        alpha = (r @ r) / (p @ Hp)
        x, new = x + alpha * p, r - alpha * Hp
        p = new + (new @ new) / (r @ r) * p
        r = new
    return x


def too_long_steps(multiply, b):
    x, r = 0 * b, b
    p = r
    for _ in range(3):
        if np.linalg.norm(r) < 1e-10:
            break
        Hp = multiply(p)
        x, new = x + 2 * (r @ r) / (p @ Hp) * p, r - (r @ r) / (p @ Hp) * Hp
        p = new + (new @ new) / (r @ r) * p
        r = new
    return x


def modifies_b(multiply, b):
    x = gradients(multiply, b)
    b -= b
    return x


RIGHT = {
    "q1": [by_dual, by_backprop, by_small_circle],
    "q2": [ahead_by_jacobian, ahead_by_loops, ahead_by_library, ahead_by_complex_step],
    "q3": ["c", "C", " c "],
    "q4": [("r", "q", "s", "p"), ["R", "Q", "S", "P"], list("rqsp")],
    "q5": [slope_by_log, slope_by_loops, slope_by_jacobian, slope_by_library],
    "q6": [(10, 100), [10.0, 99.0], np.array([10.02, 100.0])],
    "q7": [held, by_hvp, by_forward_mode, by_whole_hessian],
    "q8": [
        lambda multiply, V: sum(v @ multiply(v) for v in V.T) / len(V.T),
        lambda multiply, V: np.trace(V.T @ multiply(V)) / V.shape[1],
        lambda multiply, V: np.einsum("ik,ik->k", V, multiply(V)).mean(),
    ],
    "q9": [14, 14.0, np.int64(50 - 36)],
    "q10": [gradients, by_scipy, by_library, by_krylov_space],
    "q11": [
        "It uses the same rules, but shares values instead of spelling them out, and has no step."
    ],
}

WRONG = {
    "q1": [
        (lambda f, x: (f(x + 1e-8) - f(x)) / 1e-8, "subtracting them"),
        (lambda f, x: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5, "subtracting them"),
        (lambda f, x: f(complex(x, 1e-100)).real, "real part"),
        (lambda f, x: f(complex(x, 1e-100)).imag, "divide by the step"),
        (lambda f, x: f(complex(x, -1e-100)).imag / 1e-100, "The sign comes from the step"),
        (lambda f, x: f(complex(x, 1e-2)).imag / 1e-2, "too wide"),
        (lambda f, x: f(complex(x, 1e-100)) / 1e-100, "complex numbers"),
        (lambda f, x: math.nan, "returns nan"),
    ],
    "q2": [
        (ahead_with(lambda z, s: s), "is missing"),
        (ahead_with(lambda z, s: s * (1 - z**2)), "z itself"),
        (ahead_with(lambda z, s: s * (1 - np.tanh(z))), "with a square"),
        (ahead_with(lambda z, s: np.tanh(s)), "as a value does"),
        (ahead_with(lambda z, s: s * (1 - np.tanh(s) ** 2)), "at the slope"),
        (ahead_with(lambda z, s: s * np.tanh(z) * (1 - np.tanh(z))), "sigmoid"),
        (ahead_of_difference, "whole of v"),
        (lambda x, v, weights: ahead_by_library(x, v, weights)[1], "two things"),
        (ahead_in_place, "changes its input weights"),
    ],
    "q3": [
        ("a", "carries four rows"),
        ("b", "can the two halves"),
        ("d", "6300 products"),
        ("e", "costs 6300"),
        ("(AB)(CD)", "choose one letter"),
    ],
    "q4": [
        (["p", "q", "r", "s"], "forward mode"),
        (["s", "r", "q", "p"], "reverse mode"),
        (["r", "q", "p", "s"], "nine products"),
        (["r", "s", "q", "p"], "What does q cost before"),
        (["q", "r", "s", "p"], "where the neck is thinnest"),
        (["r", "s", "q"], "has to go, once"),
        (["x1", "r", "s", "q", "p"], "is not to be removed"),
        ("rsqp", "a list of names"),
    ],
    "q5": [
        (lambda z, p: softmax(np.asarray(z, float)) - p, "sum to 1"),
        (lambda z, p: p - softmax(np.asarray(z, float)) * p.sum(), "downhill"),
        (lambda z, p: p - softmax(np.asarray(z, float)), "downhill"),
        (lambda z, p: -p * (1 - softmax(np.asarray(z, float))), "Each z moves every q"),
        (slope_by_plain_chain, "neither a logarithm nor a division"),
        (slope_overflowing, "overflows"),
        (lambda z, p: -p / softmax(np.asarray(z, float)), "first step of the chain rule"),
        (lambda z, p: np.exp(z) / np.exp(z).sum() - p, "sum to 1"),
        (lambda z, p: softmax(np.asarray(z, float)) - p / p.sum(), "made to sum to 1"),
        (lambda z, p: np.sum(softmax(np.asarray(z, float)) - p), "shape ()"),
    ],
    "q6": [
        ((100, 10), "changed places"),
        ((10, 10), "first order"),
        ((100, 100), "Only one"),
        ((0.1, 0.01), "above 1"),
        ((1, 2), "A decade is a factor of 10"),
        ((10, 20), "ten times ten"),
        (10, "shape ()"),
    ],
    "q7": [
        (
            with_mistake(lambda g, theta, v: 0.5 * differentiated(dl.sum(g * v), theta)),
            "Half of it",
        ),
        (
            with_mistake(lambda g, theta, v: differentiated(dl.sum(v * g) * 1.0, theta)),
            "still differentiated",
        ),
        (
            with_mistake(
                lambda g, theta, v: differentiated(dl.sum(dl.stop_gradient(g) * v), theta)
            ),
            "The wrong one is held",
        ),
        (
            with_mistake(
                lambda g, theta, v: differentiated(dl.stop_gradient(dl.sum(g * v)), theta)
            ),
            "Everything is held",
        ),
        (with_mistake(lambda g, theta, v: g * v), "the first step"),
        (with_mistake(lambda g, theta, v: differentiated(dl.sum(g), theta) * v), "before"),
        (with_mistake(lambda g, theta, v: g), "That is the gradient"),
        (with_mistake(lambda g, theta, v: dl.sum(g * dl.stop_gradient(v))), "shape ()"),
    ],
    "q8": [
        (lambda multiply, V: sum(v @ multiply(v) for v in V.T), "Take the mean"),
        (lambda multiply, V: np.mean(V * multiply(V)), "mean eigenvalue"),
        (lambda multiply, V: np.mean(np.sum(multiply(V), axis=0)), "v on the left"),
        (lambda multiply, V: np.mean(V.T @ multiply(V)), "Different probes"),
        (lambda multiply, V: np.sum(V.T @ multiply(V)) / V.shape[1], "Different probes"),
        (lambda multiply, V: V[:, 0] @ multiply(V[:, 0]), "first probe"),
        (lambda multiply, V: np.mean(np.abs(np.sum(V * multiply(V), axis=0))), "Leave the sign"),
        (lambda multiply, V: np.mean([v @ multiply(v) for v in V]), "the columns of V"),
    ],
    "q9": [
        (38, "three times"),
        (36, "The others are flat"),
        (12, "number of examples"),
        (0, "as many conditions"),
        (47, "every one of the 12"),
        (35, "multiply, they do not add"),
        ("14", "numbers were expected"),
    ],
    "q10": [
        (steepest_descent, "steepest descent"),
        (lambda multiply, b: steepest_descent(multiply, b, 3), "steepest descent"),
        (by_columns, "the columns of H"),
        (two_products, "One product an iteration"),
        (inverted_beta, "not conjugate"),
        (absolute_tolerance, "against the size of b"),
        (zero_by_zero, "0 / 0"),
        (never_done, "small against b"),
        (too_long_steps, "the step along them"),
        (lambda multiply, b: -gradients(multiply, b), "H x = -b"),
        (modifies_b, "changes its input b"),
        (lambda multiply, b: np.linalg.solve(multiply, b), "could not be used"),
        (endless, "no answer after 2 seconds"),
    ],
    "q11": [("No, not at all.", "a little more")],
}
