"""Exercises on section 6.1: XOR, the network of equation 6.3, and weights set by hand."""

import numpy as np
from hypothesis import strategies as st

from dlbook.exercises.exercise import Function, Mistake, Value, Wrong
from dlbook.exercises.inputs import matrices, vectors
from dlbook.exercises.section import Section

section = Section("6_1_xor", "Exercises on section 6.1")
progress = section.progress


def _network(X, W, c, w, b):
    return np.maximum(X @ W + c, 0) @ w + b


@st.composite
def _networks(draw):
    m, n, k = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (
        draw(matrices(m, n)),
        draw(matrices(n, k)),
        draw(vectors(k)),
        draw(vectors(k)),
        draw(vectors(1))[0],
    )


XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
BOOK = (XOR, np.ones((2, 2)), np.array([0.0, -1.0]), np.array([1.0, -2.0]), 0.0)

q1 = section.add(
    Function(
        title="The network of equation 6.3",
        answer="network",
        kind="implement",
        level=1,
        marked=True,
        names=("X", "W", "c", "w", "b"),
        expected=_network,
        cases=[BOOK, (XOR[1:2], *BOOK[1:]), (-XOR, *BOOK[1:])],
        inputs=_networks(),
        hints=[
            "Three steps: an affine map of the rows of X, a rectifier, an affine map to one "
            "number a row.",
            "np.maximum(z, 0) is the rectifier for arrays of any shape; max(z, 0) is not.",
            "return np.maximum(X @ W + c, 0) @ w + b",
        ],
        after="One line, and every layered network of the chapter is a longer version of it.",
        mistakes=[
            Mistake(
                "Without the rectifier the two layers are one affine map, and no affine map is "
                "XOR (6.1).",
                does=lambda X, W, c, w, b: (X @ W + c) @ w + b,
            ),
            Mistake(
                "The bias c belongs inside the rectifier: it moves the kink.",
                does=lambda X, W, c, w, b: (np.maximum(X @ W, 0) + c) @ w + b,
            ),
        ],
        why="Compare X @ W + c, the rectifier, then @ w + b, one after the other (equation 6.3).",
    )
)


def _is_xnor(weights):
    W, c, w, b = weights
    got = _network(XOR, np.asarray(W), np.asarray(c), np.asarray(w), np.asarray(b))
    for x, out, wanted in zip(XOR, got, [1, 0, 0, 1], strict=True):
        if not np.isclose(out, wanted):
            raise Wrong(
                f"at x = {x.astype(int).tolist()} the network gives another value",
                [("your network", f"{out:g}"), ("expected", f"{wanted}")],
            )


q2 = section.add(
    Value(
        title="XNOR by hand",
        answer="weights",
        kind="design",
        level=1,
        hints=["XNOR is 1 - XOR: which of the four parameters turn a network's output round?"],
        right=_is_xnor,
        after="Turning w and shifting b is all: the hidden layer is the same.",
    )
)
