"""Asks for derivatives of functions that have names, and for solutions from products alone."""

import numpy as np

import dlbook as dl

# --- Functions made of arithmetic alone -----------------------------------------------------------


def _four_times_nested(x):
    for _ in range(4):
        x = 4 * x * (1 - x)
    return x


FUNCTIONS = {
    "x * x": lambda x: x * x,
    "1 / (1 + x * x)": lambda x: 1 / (1 + x * x),
    "4 x (1 - x), nested four times": _four_times_nested,
    "3 x - 7": lambda x: 3 * x - 7,
}


def slope_of(slope, f, x):
    """Ask for the slope at x of a function that goes by a name."""
    return slope(FUNCTIONS[f], x)


# --- Hessians -------------------------------------------------------------------------------------

COSTS = {
    "sum(theta**4)": lambda theta: dl.sum(theta**4),
    "sum(theta**2)**2": lambda theta: dl.sum(theta**2) ** 2,
    "sum(theta)**3": lambda theta: dl.sum(theta) ** 3,
}


def product_of(build, J, theta, v):
    """Ask for a graph of H v, and evaluate it. A v that is a text is built from theta."""
    place = dl.variable("theta", np.shape(theta), np.asarray(theta).dtype)
    cost = COSTS[J](place)
    given = {place: theta}
    if isinstance(v, str):
        direction = {"theta": place, "the gradient": dl.backprop([place], cost)[place]}[v]
    else:
        direction = dl.variable("v", np.shape(v), np.asarray(v).dtype)
        given[direction] = v
    built = build(cost, place, direction)
    if built is None:
        return None
    if not isinstance(built, dl.Variable):
        raise TypeError(f"it should return a dl.Variable, and returned a {type(built).__name__}")
    return dl.evaluate(built, given)


def by_products(answer, H, V):
    """Hand a matrix over as a function that can do nothing but multiply by it."""
    return answer(lambda v: H @ v, V)


# --- Systems of equations -------------------------------------------------------------------------


def systems():
    """Return pairs of a positive definite matrix and a right side, and how many products to take.

    Two more products are allowed than the matrix has different eigenvalues, at most.
    """
    rng = np.random.default_rng(6510)
    few = rng.normal(size=(4, 60))
    low_rank = few.T @ few + 0.5 * np.eye(60)  # five different eigenvalues
    some = rng.normal(size=(8, 12))
    small = np.array([[2.0, 1.0], [1.0, 3.0]])
    return [
        (small, np.array([1.0, 2.0]), 4),
        (np.array([[4.0]]), np.array([2.0]), 3),
        (np.diag([3.0, 1.0]), np.array([0.0, 5.0]), 4),
        (small, np.zeros(2), 4),
        (small, np.array([1e-9, 2e-9]), 4),
        (some @ some.T + np.eye(8), rng.normal(size=8), 10),
        (low_rank, rng.normal(size=60), 7),
    ]


class _TooMany(Exception):
    """One product more than is allowed."""


def solved(solve):
    """Let a function solve each of the `systems`; return what it found and what it asked for."""
    return [_solved(solve, *system) for system in systems()]


def _solved(solve, H, b, limit):
    asked = []

    def multiply(v):
        if len(asked) == limit:
            raise _TooMany
        asked.append(np.array(v, dtype=float))
        return H @ asked[-1]

    given, over = b.copy(), False
    try:
        x = solve(multiply, given)
    except _TooMany:
        x, over = b * 0, True
    return {"x": x, "asked": asked, "over": over, "changed": not np.array_equal(given, b)}
