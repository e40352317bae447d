"""Asks rules, checks of rules, and functions that build graphs, for numbers."""

import math

import numpy as np

import dlbook as dl


def rule(bprop, x, G):
    """Call the rule of an operation with one input on variables, and evaluate what it returns."""
    X = dl.variable("x", np.shape(x), np.asarray(x).dtype)
    on_output = dl.variable("G", np.shape(G), np.asarray(G).dtype)
    term = bprop([X], X, on_output)
    return term if term is None else dl.evaluate(_variable(term), {X: x, on_output: G})


def value_and_gradient(build, x):
    """Return what a function of a variable computes, and the gradient of its sum."""
    X = dl.variable("x", np.shape(x), np.asarray(x).dtype)
    built = build(X)
    if built is None:
        return None
    y = _variable(built)
    gradient = dl.backprop([X], dl.sum(y))[X]
    return {"value": dl.evaluate(y, {X: x}), "gradient": dl.evaluate(gradient, {X: x})}


def _variable(built):
    if not isinstance(built, dl.Variable):
        raise TypeError(f"it should return a dl.Variable, and returned a {type(built).__name__}")
    return built


# --- Functions of arrays, to be differentiated by moving their input ------------------------------


def _softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


FUNCTIONS = {
    "square": np.square,
    "running sum": np.cumsum,
    "softmax": _softmax,
    "sum": np.sum,
    "gram": lambda X: X.T @ X,
}


def by_name(estimate, name, x, G):
    """Call ``estimate(f, x, G)`` for a function that goes by a name."""
    return estimate(FUNCTIONS[name], x, G)


# --- Graphs as lists of nodes ---------------------------------------------------------------------

OPERATIONS = {
    "add": (2, lambda a, b: a + b),
    "multiply": (2, lambda a, b: a * b),
    "sin": (1, math.sin),
    "cos": (1, math.cos),
}
SMALL = 12  # up to this many nodes a graph is differentiated twice


def values(nodes, x):
    """Return the value of each node, with the number x for the input."""
    found = []
    for place, (name, *inputs) in enumerate(nodes):
        where = f"node {place} is {(name, *inputs)}"
        if name == "x":
            found.append(x)
        elif name == "number":
            found.append(float(inputs[0]))
        elif name not in OPERATIONS:
            raise ValueError(f"{where}: there is no operation {name!r}")
        else:
            count, f = OPERATIONS[name]
            if len(inputs) != count or not all(i in range(place) for i in inputs):
                raise ValueError(f"{where}: its inputs should be {count} of the nodes before it")
            found.append(f(*(found[i] for i in inputs)))
    return found


def derivatives(differentiate, nodes, x):
    """Return the first derivative of the last node at x, and the second if the graph is small.

    The second is that of the graph which the function has built itself.
    """
    nodes = [tuple(node) for node in nodes]
    result = _grown(differentiate, nodes)
    if result is None:
        return None
    grown, place = result
    found = {"first derivative": values(grown, x)[place]}
    if len(nodes) <= SMALL:
        again = _grown(differentiate, grown[: place + 1])
        if again is None:
            raise ValueError(f"it returned None for its own result, {grown[: place + 1]}")
        twice, at = again
        found["second derivative"] = values(twice, x)[at]
    return found


def _grown(differentiate, nodes):
    result = differentiate(list(nodes))
    if result is None:
        return None
    if (
        not isinstance(result, (tuple, list))
        or len(result) != 2
        or not isinstance(result[0], (tuple, list))
        or isinstance(result[1], (tuple, list, str))
    ):
        raise ValueError("it should return two things: the longer list, and a place in it")
    if result[1] is None:
        raise ValueError(f"the place of the derivative of {nodes} is None")
    grown, place = [tuple(node) for node in result[0]], int(result[1])
    if grown[: len(nodes)] != nodes:
        raise ValueError("the longer list should begin with the nodes that were given")
    if not 0 <= place < len(grown):
        raise ValueError(f"there is no node {place} in a list of {len(grown)}")
    return grown, place
