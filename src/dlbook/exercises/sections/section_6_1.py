"""Exercises on section 6.1: XOR, the network of equation 6.3, and what gradient descent finds."""

import numpy as np
from hypothesis import strategies as st

from dlbook.exercises.adapters.section_6_1 import TABLES, XOR_INPUTS, learned
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import vectors
from dlbook.exercises.checking.section import Section

section = Section("6_1_xor", "Exercises on section 6.1")
progress = section.progress

AND, XOR = np.array(TABLES[0]), np.array(TABLES[1])


def network(X, W, c, w, b):
    """Return the outputs of equation 6.3."""
    return np.maximum(X @ W + c, 0) @ w + b


@st.composite
def networks(draw):
    """Draw X, W, c, w, b that fit one another."""
    m, n, k = (draw(st.integers(1, 3)) for _ in range(3))
    # All numbers at once: much faster than one array after the other.
    X, W, c, w, b = np.split(
        draw(vectors(m * n + n * k + k + k + 1)), np.cumsum([m * n, n * k, k, k])
    )
    return X.reshape(m, n), W.reshape(n, k), c, w, float(b[0])


# The book's solution, equation 6.4.
BOOK = (XOR_INPUTS, np.ones((2, 2)), np.array([0.0, -1.0]), np.array([1.0, -2.0]), 0.0)

q1 = section.add(
    Function(
        title="The network of equation 6.3",
        answer="network",
        kind="implement",
        level=1,
        marked=True,
        names=("X", "W", "c", "w", "b"),
        expected=network,
        cases=[BOOK, (XOR_INPUTS[1:2], *BOOK[1:]), (-XOR_INPUTS, *BOOK[1:4], 0.75)],
        inputs=networks(),
        hints=[
            "Three steps: an affine map of the rows of X, a rectifier, an affine map to one "
            "number a row.",
            "np.maximum(z, 0) rectifies every entry of an array. Python's max compares whole "
            "arrays.",
            "np.maximum(X @ W + c, 0) gives the hidden layer; @ w + b gives the outputs.",
        ],
        after="One line, and every layered network of the chapter is a longer version of it.",
        mistakes=[
            Mistake(
                "Without the rectifier the two layers are one affine map, and no affine map is "
                "XOR.",
                does=lambda X, W, c, w, b: (X @ W + c) @ w + b,
            ),
            Mistake(
                "The bias c belongs inside the rectifier: it says where the unit bends.",
                does=lambda X, W, c, w, b: (np.maximum(X @ W, 0) + c) @ w + b,
            ),
            Mistake(
                "The output is affine: no rectifier after the last layer in equation 6.3.",
                does=lambda X, W, c, w, b: np.maximum(np.maximum(X @ W + c, 0) @ w + b, 0),
            ),
            Mistake(
                "The output's bias b is missing.",
                does=lambda X, W, c, w, b: np.maximum(X @ W + c, 0) @ w,
            ),
            Mistake(
                "The bias c of the hidden layer is missing.",
                does=lambda X, W, c, w, b: np.maximum(X @ W, 0) @ w + b,
            ),
            Mistake(
                "That multiplies by W transposed. W has a column for each hidden unit.",
                does=lambda X, W, c, w, b: np.maximum(X @ W.T + c, 0) @ w + b,
            ),
            Mistake(
                "Here b is added before the rectifier. It is the output's bias, and comes last.",
                does=lambda X, W, c, w, b: np.maximum(X @ W + c + b, 0) @ w,
            ),
            Mistake(
                "The output weights w are left out: every hidden unit counts with its own weight.",
                does=lambda X, W, c, w, b: np.maximum(X @ W + c, 0).sum(axis=1) + b,
            ),
            Mistake(
                "That is the absolute value. A rectifier, max(z, 0), is 0 where z is negative.",
                does=lambda X, W, c, w, b: np.abs(X @ W + c) @ w + b,
            ),
            Mistake(
                "That stops at the hidden units. Their weighted sum, @ w + b, is still to come.",
                does=lambda X, W, c, w, b: np.maximum(X @ W + c, 0),
            ),
            Mistake(
                "np.max(z, 0) is the largest entry along axis 0. What rectifies every entry is "
                "np.maximum(z, 0).",
                does=lambda X, W, c, w, b: np.max(X @ W + c, 0) @ w + b,
            ),
            Mistake(
                "That multiplies by X from the left, as equation 6.3 does for a single column x. "
                "Here each example is a row of X, so it is X @ W.",
                does=lambda X, W, c, w, b: w.T @ np.maximum(W.T @ X + c, 0) + b,
            ),
        ],
        why="Compare X @ W + c, the rectifier, then @ w + b, one after the other (equation 6.3).",
    )
)


def best_linear(y):
    """Return w and b of the affine function with the smallest mean squared error on the square."""
    w = np.array([y[2] + y[3] - y[0] - y[1], y[1] + y[3] - y[0] - y[2]]) / 2
    return w, np.mean(y) - w.sum() / 2


def has_weights(reply, wanted, case):
    """Whether the first of two things in a reply are these weights, for a y that tells."""
    (y,) = case.arguments
    pair = reply.value if isinstance(reply.value, (tuple, list)) else ()
    try:
        w = np.asarray(pair[0], float)
    except (IndexError, TypeError, ValueError):
        return False
    return w.shape == (2,) and bool(np.any(w)) and np.allclose(w, wanted(np.asarray(y, float)))


q2 = section.add(
    Function(
        title="The best linear model, by hand",
        answer="best_linear",
        kind="formula",
        level=2,
        marked=True,
        names=("y",),
        expected=best_linear,
        cases=[(XOR,), (AND,), (np.ones(4),), (np.array([0.0, 1, 2, 3]),), (1e8 * AND,)],
        inputs=st.tuples(vectors(4)),
        hints=[
            "Measure both inputs from the middle of the square, x - 1/2. Then the columns of the "
            "design matrix are orthogonal, and each weight can be found by itself.",
            "The weight of an input is the mean of y where it is 1 minus the mean of y where it "
            "is 0.",
            "At the middle of the square the best model says the mean of y: b + (w1 + w2) / 2.",
        ],
        after="For XOR both means agree for each input, so both weights are 0 and all that is "
        "left is b = 1/2: the linear model cannot see XOR at all.",
        mistakes=[
            Mistake(
                "b is not the mean of y: the mean is what the model says at the middle of the "
                "square, x = [1/2, 1/2]. At the origin it says b.",
                does=lambda y: (best_linear(y)[0], np.mean(y)),
            ),
            Mistake(
                "The weights have changed places: the points come as [0,0], [0,1], [1,0], [1,1], "
                "so y[1] belongs to x2 = 1.",
                does=lambda y: (best_linear(y)[0][::-1], best_linear(y)[1]),
            ),
            Mistake(
                "The weights are twice as large as they should be: there are two points on each "
                "side, so compare means and not sums.",
                does=lambda y: (2 * best_linear(y)[0], np.mean(y) - best_linear(y)[0].sum()),
            ),
            Mistake(
                "That is the plane through three of the points. The fourth has a say, too: all "
                "four errors are squared and added.",
                does=lambda y: (np.array([y[2] - y[0], y[1] - y[0]]), y[0]),
            ),
            Mistake(
                "That is the best linear model without b: it is forced through 0 at the origin.",
                does=lambda y: (np.linalg.lstsq(XOR_INPUTS, y, rcond=None)[0], 0.0),
            ),
            Mistake(
                "The weights are right. But b is not y[0]: the model does not have to pass "
                "through the first point, or through any of the four.",
                does=lambda y: (best_linear(y)[0], y[0]),
            ),
            Mistake(
                "The weights are right, but too much of them is taken off the mean. In the middle "
                "of the square each input is 1/2, so the mean of y is b + (w1 + w2) / 2.",
                does=lambda y: (best_linear(y)[0], np.mean(y) - best_linear(y)[0].sum()),
            ),
            Mistake(
                "The weights are right. In the middle of the square the model says "
                "b + (w1 + w2) / 2, and that is the mean of y: solve it for b.",
                does=lambda y: (best_linear(y)[0], np.mean(y) + best_linear(y)[0].sum() / 2),
            ),
            Mistake(
                "The weights are right, but b cannot be left out: it is the mean of y less "
                "(w1 + w2) / 2.",
                does=lambda y: (best_linear(y)[0], 0.0),
            ),
            Mistake(
                "Those are means on one side only, where the input is 1. The slope is their "
                "difference from the means on the other side, where it is 0.",
                when=lambda case, reply: has_weights(
                    reply, lambda y: np.array([y[2] + y[3], y[1] + y[3]]) / 2, case
                ),
            ),
            Mistake(
                "The weights are half as large as they should be: from one side of the square to "
                "the other x changes by 1, so the whole difference of the two means is the slope.",
                when=lambda case, reply: has_weights(reply, lambda y: best_linear(y)[0] / 2, case),
            ),
            Mistake(
                "The sign of the weights: where the input is 1 comes first, less where it is 0.",
                when=lambda case, reply: has_weights(reply, lambda y: -best_linear(y)[0], case),
            ),
            Mistake(
                "Three numbers in one array. Return two things: np.array([w1, w2]), b.",
                when=lambda case, reply: np.shape(reply.value) == (3,),
            ),
            Mistake(
                "Those are the weights for XOR alone. The formula should take any y.",
                does=lambda y: (np.zeros(2), 0.5),
            ),
        ],
        why="Solve the normal equations with the columns x1, x2 and 1 (equation 6.1).",
    )
)


def cost_of_and():
    """Return the smallest mean squared error of an affine function on AND."""
    w, b = best_linear(AND)
    return float(np.mean((XOR_INPUTS @ w + b - AND) ** 2))


q3 = section.add(
    Value(
        title="How wrong is a linear model on AND?",
        answer="cost",
        kind="predict",
        level=1,
        right=cost_of_and,
        hints=[
            "Both weights are equal, by symmetry. What does the best model say at the four points?",
            "It says -1/4, 1/4, 1/4 and 3/4. The cost is the mean of the squared errors.",
        ],
        after="It misses each point by 1/4. A threshold at 1/2 would make it perfect: AND is "
        "linearly separable, and squared error asks for more than that.",
        mistakes={
            0.0: "A threshold on a linear function gives AND exactly, but the cost asks the linear "
            "function itself to be 0, 0, 0 and 1, and no plane passes through those four points.",
            0.25: "1/4 is by how much it misses each point, or what all four errors add up to "
            "when squared, or what XOR costs. Square the errors, take the mean.",
            0.1875: "That is the cost of saying the mean, 1/4, everywhere. A slope does better.",
            0.125: "That is half of what XOR costs, or half the sum of the squared errors. The "
            "cost of equation 6.1 is the sum divided by 4.",
            0.75: "That is what the best plane says at [1, 1]. It should be 1 there: by how much "
            "does it miss, and by how much at the other corners?",
            0.03125: "Equation 6.1 has 1/4 in front, not 1/2 and 1/4: it is the plain mean.",
        },
    )
)


def parameters(weights, units):
    """Take W, c, w, b apart, or say which of them has another form than the exercise asks for."""
    if not isinstance(weights, (tuple, list)) or len(weights) != 4:
        raise Wrong("should be four things: W, c, w and b")
    arrays = [np.asarray(part, float) for part in weights]
    if arrays[3].size == 1:  # [0.0] is one number, too
        arrays[3] = arrays[3].reshape(())
    W, c, w, b = arrays
    hidden = W.shape[1] if W.ndim == 2 else -1
    n = W.shape[0] if W.ndim == 2 else -1
    for name, part, shape in (("c", c, (hidden,)), ("w", w, (hidden,)), ("b", b, ())):
        if part.shape != shape or hidden < 1:
            raise Wrong(
                "the shapes do not fit one another",
                [("W", str(W.shape)), (name, str(part.shape))],
                "W has a row for each input and a column for each hidden unit; c and w have an "
                "entry for each hidden unit; b is one number.",
            )
    if hidden > units:
        raise Wrong(f"uses {hidden} hidden units where {units} are enough")
    if not all(np.isfinite(part).all() for part in arrays):
        raise Wrong("has an entry that is no number")
    return n, (W, c, w, b)


def first_miss(X, weights, wanted):
    """Return the first row of X where the network misses, with both values, or None."""
    for x, out, right in zip(X, network(X, *weights), wanted, strict=True):
        if not np.isclose(out, right, atol=1e-6):
            return [
                ("x", str([float(f"{v:g}") for v in x])),
                ("your network", f"{out:g}"),
                ("wanted", f"{right:g}"),
            ]
    return None


def is_distance(weights):
    """Judge weights that should compute |x1 - x2| everywhere."""
    n, weights = parameters(weights, units=2)
    if n != 2:
        raise Wrong(f"W should have a row for each of the two inputs; it has {n}")
    steps = np.arange(-2, 2.5, 0.5)
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    wanted = np.abs(grid[:, 0] - grid[:, 1])
    at_corners = first_miss(XOR_INPUTS, weights, XOR)
    miss = first_miss(np.concatenate([XOR_INPUTS, grid]), weights, [*XOR, *wanted])
    if miss is None:
        return
    out = network(grid, *weights)
    if np.allclose(out, grid[:, 0] - grid[:, 1]):
        text = "That is x1 - x2 without its absolute value: negative where x2 is larger."
    elif np.allclose(out, -wanted):
        text = "The sign of w is turned round: this is -|x1 - x2|."
    elif np.allclose(out - wanted, out[0] - wanted[0]):
        text = f"This is |x1 - x2| with {out[0] - wanted[0]:g} added everywhere: that is b."
    elif np.any(out) and np.allclose(out * wanted.sum(), wanted * out.sum()):
        text = f"This is {out.sum() / wanted.sum():g} times |x1 - x2|: the weights multiply."
    elif not at_corners:
        text = "Right at the four corners, but another function in between: XOR has many solutions."
    elif np.count_nonzero(weights[2]) < 2:
        text = "One rectified unit is 0 on one whole side of a line; |x1 - x2| is not."
    elif np.any(weights[1] != 0):
        text = "Both units should bend along the same line, x1 = x2. A bias moves that line away."
    else:
        text = "For which inputs should each unit be on?"
    raise Wrong("another function", miss, text)


q4 = section.add(
    Value(
        title="The other solution",
        answer="distance",
        kind="design",
        level=2,
        marked=True,
        right=is_distance,
        hints=[
            "|z| is max(z, 0) + max(-z, 0).",
            "One unit looks along x1 - x2, the other the opposite way, and both count the same.",
            "The columns of W are [1, -1] and [-1, 1]; no bias is needed.",
        ],
        after="Training finds this one as well as the book's. Both answer the four points the "
        "same way, and they differ everywhere else: the data do not choose between them.",
    )
)


def gradient_given(X, y, W, c, w, b):
    """Return the gradient of the cost with respect to W. (It has a mistake in it.)"""
    hidden = np.maximum(0, X @ W + c)
    error = hidden @ w + b - y
    return 2 / len(y) * X.T @ np.outer(error, w)


def gradient(X, y, W, c, w, b):
    """Return the gradient of the mean squared error with respect to W."""
    z = X @ W + c
    error = np.maximum(z, 0) @ w + b - y
    return 2 / len(y) * X.T @ (np.outer(error, w) * (z > 0))


@st.composite
def labelled_networks(draw):
    """Draw X, y, W, c, w, b that fit one another, with no unit just at its kink."""
    X, W, c, w, b = draw(networks())
    return X, draw(vectors(len(X))), W, c + 0.1, w, b


def variant_of_gradient(change):
    """Return the gradient with one thing done otherwise: `change` gets z, error, w and X."""

    def other(X, y, W, c, w, b):
        z = X @ W + c
        return change(z, np.maximum(z, 0) @ w + b - y, w, X, len(y))

    return other


q5 = section.add(
    Function(
        title="A gradient that never switches off",
        answer="gradient_W",
        kind="bug",
        level=2,
        marked=True,
        given=gradient_given,
        names=("X", "y", "W", "c", "w", "b"),
        expected=gradient,
        integers=False,
        cases=[
            (
                XOR_INPUTS,
                XOR,
                np.array([[1.0, -1.0], [0.5, 1.0]]),
                np.array([0.25, -0.25]),
                np.array([1.0, -2.0]),
                0.25,
            ),
            (XOR_INPUTS[3:], XOR[3:], np.ones((2, 2)), np.array([-3.0, 1.0]), np.ones(2), 0.0),
            (
                np.array([[1.0, -1.0, 2.0], [2.0, 1.0, -1.0]]),
                np.array([1.0, 0.0]),
                np.array([[1.0, -1.0], [0.5, 1.0], [-1.0, 1.0]]),
                np.array([0.25, 0.5]),
                np.array([-1.0, 2.0]),
                0.5,
            ),
        ],
        inputs=labelled_networks(),
        hints=[
            "Put in a unit that is off for every example. How much does the cost change when one "
            "of its weights changes a little? What does the code say?",
            "The derivative of max(z, 0) is 1 where z > 0 and 0 where z < 0. Where does it belong?",
            "Multiply np.outer(error, w), which has a row for each example and a column for each "
            "unit, by (z > 0) before X.T @.",
        ],
        after="A unit that is off for an example learns nothing from it. One that is off for all "
        "of them learns nothing at all, which is how training on XOR gets stuck.",
        mistakes=[
            Mistake(
                "The rectifier's derivative is still missing: where a unit is off, its weights "
                "get no gradient.",
                does=gradient_given,
            ),
            Mistake(
                "The gate should look at the hidden unit, z > 0, and not at the error.",
                does=variant_of_gradient(
                    lambda z, e, w, X, m: 2 / m * X.T @ np.outer(e * (e > 0), w)
                ),
            ),
            Mistake(
                "@ and * have the same rank in Python and are done from left to right: this gates "
                "the finished product. Brackets: X.T @ (np.outer(error, w) * (z > 0)).",
                does=variant_of_gradient(
                    lambda z, e, w, X, m: 2 / m * X.T @ np.outer(e, w) * (z > 0)
                ),
            ),
            Mistake(
                "The gate looks at the weights w. Whether a unit is on depends on its own z, and "
                "that is another one for each example.",
                does=variant_of_gradient(
                    lambda z, e, w, X, m: 2 / m * X.T @ np.outer(e, w * (w > 0))
                ),
            ),
            Mistake(
                "One gate for each unit, for all examples together. A unit is on for one example "
                "and off for another, so there is a gate for each of both.",
                does=variant_of_gradient(
                    lambda z, e, w, X, m: 2 / m * X.T @ (np.outer(e, w) * (z > 0).any(axis=0))
                ),
            ),
            Mistake(
                "The gate is right, but the error is now that of a network without rectifiers.",
                does=lambda X, y, W, c, w, b: (
                    2 / len(y) * X.T @ (np.outer((X @ W + c) @ w + b - y, w) * (X @ W + c > 0))
                ),
            ),
            Mistake(
                "The gate leaves out the bias c: the unit is on where X @ W + c is positive.",
                does=lambda X, y, W, c, w, b: (
                    2 / len(y) * X.T @ (np.outer(network(X, W, c, w, b) - y, w) * (X @ W > 0))
                ),
            ),
            Mistake(
                "The sign is turned round: the error is the output less y, and descent goes "
                "against the gradient.",
                does=lambda *arguments: -gradient(*arguments),
            ),
            Mistake(
                "That multiplies by the unit's value. The derivative of max(z, 0) is its slope, "
                "0 or 1.",
                does=variant_of_gradient(
                    lambda z, e, w, X, m: 2 / m * X.T @ (np.outer(e, w) * np.maximum(z, 0))
                ),
            ),
            Mistake(
                "The gate is the wrong way round: it lets through what is off.",
                does=variant_of_gradient(
                    lambda z, e, w, X, m: 2 / m * X.T @ (np.outer(e, w) * (z <= 0))
                ),
            ),
            Mistake(
                "The 2 of the square has gone.",
                does=variant_of_gradient(
                    lambda z, e, w, X, m: X.T @ (np.outer(e, w) * (z > 0)) / m
                ),
            ),
            Mistake(
                "The mean has become a sum: divide by the number of examples.",
                does=variant_of_gradient(
                    lambda z, e, w, X, m: 2 * X.T @ (np.outer(e, w) * (z > 0))
                ),
            ),
        ],
        why="Compare it with finite differences: change one entry of W by 1e-6 and look at the "
        "cost.",
    )
)

CUBE = np.array([[i, j, k] for i in (0.0, 1) for j in (0.0, 1) for k in (0.0, 1)])
PARITY = CUBE.sum(axis=1) % 2


def is_parity(weights):
    """Judge weights that should compute the parity of three bits with at most three units."""
    n, weights = parameters(weights, units=3)
    if n != 3:
        raise Wrong(f"W should have a row for each of the three inputs; it has {n}")
    if (miss := first_miss(CUBE, weights, PARITY)) is None:
        return
    out = network(CUBE, *weights)
    if np.allclose(out, CUBE.sum(axis=1)):
        text = "That counts the ones. It should go up, down and up again."
    elif np.allclose(out, 1 - PARITY):
        text = "That is 1 where the number of ones is even: turned round."
    elif np.allclose(out[[0, 1, 2, 3, 4, 5, 6]], PARITY[:7]):
        text = "Right but for three ones, where a third unit has to bend the function up again."
    elif not np.allclose(out, out[[0, 4, 2, 6, 1, 5, 3, 7]]):
        text = "Parity treats the inputs alike; this network does not. Let it see their sum alone."
    else:
        text = (
            "Draw what the network should be as a function of x1 + x2 + x3: where are its corners?"
        )
    raise Wrong("misses a point", miss, text)


q6 = section.add(
    Value(
        title="XOR of three",
        answer="parity",
        kind="design",
        level=2,
        right=is_parity,
        hints=[
            "Parity depends on s = x1 + x2 + x3 alone: 0, 1, 0, 1 at s = 0, 1, 2, 3.",
            "Join those four points by straight lines. Every corner is a unit: its bias says "
            "where, its output weight by how much the slope changes.",
            "max(s, 0) - 2 max(s - 1, 0) + 2 max(s - 2, 0).",
        ],
        after="The same recipe takes n units for the parity of n bits: one corner after the other. "
        "No affine function of the bits is any better at it than saying 1/2.",
    )
)


def meeting_point():
    """Return where two inputs meet in the learned space of figure 6.1."""
    h = np.maximum(XOR_INPUTS @ BOOK[1] + BOOK[2], 0)
    (both,) = [row for i, row in enumerate(h) if any(np.array_equal(row, other) for other in h[:i])]
    return both


q7 = section.add(
    Value(
        title="Where two points become one",
        answer="point",
        kind="figure",
        level=1,
        right=meeting_point,
        hints=[
            "Look at the right half of figure 6.1: four inputs, three points.",
            "Both inputs of class 1 have x1 + x2 = 1. What do the two units make of that?",
        ],
        after="The network throws away what does not matter for the answer, which of the two "
        "inputs is 1, and so three points are left, which a line can divide.",
        mistakes={
            (0.0, 0.0): "That is where [0, 0] lands, and it lands there alone.",
            (2.0, 1.0): "That is where [1, 1] lands, and it lands there alone.",
            (
                1.0,
                2.0,
            ): "That is [2, 1] turned round, where [1, 1] lands, and it lands there alone.",
            (2.0, 0.0): "Both inputs of class 1 have x1 + x2 = 1, not 2: that is h1. What is h2?",
            (0.0, 1.0): "First the unit with bias 0, then the one with bias -1: h1 is the "
            "horizontal axis.",
            (1.0, 1.0): "The second unit has bias -1 and is off as long as x1 + x2 is at most 1.",
            (0.5, 0.5): "That is the middle of the square on the left. Look at the learned "
            "space, on the right.",
            (1.0, -1.0): "The rectifier leaves nothing negative.",
        },
    )
)


def what_moves():
    """Return the letter for the parameters that move when training starts with all weights 0."""
    W, c, w, b = np.zeros((2, 2)), np.zeros(2), np.zeros(2), 0.0
    for _ in range(50):
        z = XOR_INPUTS @ W + c
        h = np.maximum(z, 0)
        error = 2 / 4 * (h @ w + b - XOR)
        back = np.outer(error, w) * (z > 0)
        W, c = W - 0.1 * XOR_INPUTS.T @ back, c - 0.1 * back.sum(axis=0)
        w, b = w - 0.1 * h.T @ error, b - 0.1 * error.sum()
    moved = tuple(bool(np.any(part)) for part in (W, c, w, b))
    return {
        (True, True, True, True): "a",
        (False, False, True, True): "b",
        (False, False, False, True): "c",
        (False, False, False, False): "d",
    }[moved]


q8 = section.add(
    Value(
        title="Everything starts at zero",
        answer="choice",
        kind="predict",
        level=1,
        choices="abcd",
        right=what_moves,
        hints=[
            "Write down the gradient for w. What are the hidden units worth?",
            "And the gradient for W and c has w as a factor.",
        ],
        after="b goes to the mean of y, 1/2, and stays there. With w = 0 nothing reaches W and "
        "c, with h = 0 nothing reaches w: each waits for the other.",
        mistakes={
            "a": "For all of them to move, something would have to reach W and c. What does the "
            "gradient for W have as a factor?",
            "b": "The gradient for w is a sum of hidden values times errors. What are the hidden "
            "values when W and c are 0?",
            "d": "Something moves: the output is 0 everywhere, and two of the four labels are 1. "
            "Which parameter reaches the output without passing a weight?",
        },
    )
)


def has_learned(found):
    """Judge the parameters that a learner found for three tables."""
    for y, weights in zip(TABLES, found, strict=True):
        _, weights = parameters(weights, units=16)
        cost = float(np.mean((network(XOR_INPUTS, *weights) - y) ** 2))
        if not np.isfinite(cost):
            raise Wrong("diverged", [("y", str(y)), ("cost", str(cost))], "Take smaller steps.")
        if cost > 1e-3:
            text = "More steps, larger steps, or another start."
            if np.isclose(cost, np.var(y), rtol=0.02):
                text = "It says the mean of y everywhere: nothing but b has learned."
            elif cost > np.mean(np.square(y)) * 1.01:
                text = (
                    "That is worse than saying 0 everywhere. Does each step go down the gradient?"
                )
            elif np.isclose(cost, cost_of_linear(np.array(y)), rtol=0.02):
                text = "That is what the best linear model costs. Does the hidden layer learn, too?"
            raise Wrong(
                "has not learned this table", [("y", str(y)), ("cost", f"{cost:.4g}")], text
            )


def cost_of_linear(y):
    """Return the smallest mean squared error of an affine function on a table."""
    w, b = best_linear(y)
    return float(np.mean((XOR_INPUTS @ w + b - y) ** 2))


q9 = section.add(
    Value(
        title="Learn it",
        answer="learn",
        kind="implement",
        level=3,
        adapter=learned,
        right=has_learned,
        hints=[
            "With up to 16 hidden units most starts succeed. Draw W and w from a normal "
            "distribution.",
            "Four gradients: back = np.outer(error, w) * (z > 0) for the hidden layer, X.T @ "
            "back for W, back.sum(axis=0) for c, h.T @ error for w, error.sum() for b.",
            "2,000 steps of size 0.1 with 8 to 16 units take a tenth of a second.",
        ],
        after="Back-propagation by hand for one hidden layer. Section 6.5 writes it once for all "
        "graphs.",
    )
)

q10 = section.add(
    Open(
        title="One unit is not enough",
        answer="proof",
        kind="open",
        level=2,
        hints=[
            "The output is w max(z, 0) + b, and z is an affine function of x.",
            "z at [0, 0] plus z at [1, 1] is the same as z at [0, 1] plus z at [1, 0].",
            "As z grows the output only rises, or only falls.",
        ],
        words=15,
    )
)
