"""Exercises on sections 6.5.9 and 6.5.10: forward mode, orders, algebra, and second derivatives."""

from fractions import Fraction
from itertools import pairwise, permutations, product

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import dlbook as dl
from dlbook.exercises.adapters import section_6_5_9 as adapters
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import numbers
from dlbook.exercises.checking.messages import show
from dlbook.exercises.checking.section import Section

section = Section("6_5_9_beyond_backprop", "Exercises on sections 6.5.9 and 6.5.10")
progress = section.progress


def _whole(shape, low=-2, high=2):
    """Draw an array of whole numbers, as floats."""
    return arrays(np.float64, shape, elements=st.integers(low, high).map(float))


# --- q1: a difference without subtraction ---------------------------------------------------------


def _complex_step(f, x):
    return adapters.FUNCTIONS[f](complex(x, 1e-100)).imag / 1e-100


def _off_by(low, high):
    """Whether the error of an answer, relative if the slope is large, is between two bounds."""

    def recognise(case, reply):
        right = _complex_step(*case.arguments)
        if not isinstance(reply.value, (float, np.floating)):
            return False
        return low < abs(reply.value - right) / max(1, abs(right)) < high

    return recognise


q1 = section.add(
    Function(
        title="A difference without subtraction",
        answer="slope",
        kind="implement",
        level=1,
        adapter=adapters.slope_of,
        names=("f", "x"),
        expected=_complex_step,
        rtol=1e-12,
        atol=1e-12,
        cases=[
            ("4 x (1 - x), nested four times", 0.3),
            ("x * x", 3.0),
            ("x * x", 0.0),
            ("3 x - 7", 1000.0),
            ("1 / (1 + x * x)", -1.0),
            ("1 / (1 + x * x)", 0.7),
        ],
        inputs=st.tuples(st.sampled_from(sorted(adapters.FUNCTIONS)), numbers(-2, 2)).filter(
            lambda arguments: abs(_complex_step(*arguments)) > 0.1
        ),
        hints=[
            "What is (x + i h) * (x + i h)? Look at the imaginary part.",
            "By Taylor, f(x + i h) = f(x) + i h f'(x) - ...: the imaginary part is h f'(x), and "
            "nothing was subtracted to get it. So h may be as small as you like.",
            "f(x + 1e-100j).imag, divided by the step.",
        ],
        mistakes=[
            Mistake(
                "That is the value, the real part. The slope is in the imaginary part.",
                does=lambda f, x: adapters.FUNCTIONS[f](complex(x, 1e-100)).real,
            ),
            Mistake(
                "The imaginary part is the step times the slope: divide by the step.",
                when=lambda case, reply: (
                    isinstance(reply.value, float)
                    and 0 < abs(reply.value) < 1e-4 * abs(_complex_step(*case.arguments))
                ),
            ),
            Mistake(
                "The sign comes from the step: a step of -i h needs a division by -h.",
                does=lambda f, x: -_complex_step(f, x),
            ),
            Mistake(
                "The first digits are right, the last ones are not. Two nearby values agree in "
                "most of their digits, and subtracting them leaves the rounding. Is there a way to "
                "the slope without a subtraction?",
                when=_off_by(1e-13, 1e-5),
            ),
            Mistake(
                "Close, but the step is too wide: what is left over grows with it. If nothing is "
                "subtracted, the step can be as small as 1e-100.",
                when=_off_by(1e-5, 0.5),
            ),
        ],
        why="The imaginary part of f(x + i h) is h f'(x), up to terms of order h³.",
        after="Real and imaginary part travel through f as value and slope do: this is forward "
        "mode, with the complex numbers as dual numbers. Their product rule has one term too many, "
        "of size h² = 1e-200, and that does not count.",
    )
)


# --- q2: ahead ------------------------------------------------------------------------------------


def _ahead(x, v, weights):
    for W in weights:
        x = np.tanh(x @ W)
        v = (v @ W) * (1 - x**2)
    return x, v


def _variant(step):
    """Return forward mode with one thing done otherwise: `step` gets z and v @ W."""

    def other(x, v, weights):
        for W in weights:
            z, s = x @ W, v @ W
            x, v = np.tanh(z), step(z, s)
        return x, v

    return other


def _moved(x, v, weights):
    y = _ahead(x, v, weights)[0]
    return y, _ahead(x + v, v, weights)[0] - y


@st.composite
def _networks(draw):
    sizes = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    shapes = [*pairwise(sizes), (sizes[0],), (sizes[0],)]
    *weights, x, v = (draw(_whole(shape)) for shape in shapes)
    return x, v, weights


_TWO = [np.array([[1.0, -0.5, 0.25], [0.5, 1.0, -1.0]]), np.array([[1.0], [2.0], [-1.0]])]

q2 = section.add(
    Function(
        title="The slope travels along",
        answer="ahead",
        kind="implement",
        level=2,
        marked=True,
        names=("x", "v", "weights"),
        expected=_ahead,
        cases=[
            (np.array([1.0, -1.0]), np.array([1.0, 0.0]), _TWO),
            (np.array([0.5]), np.array([1.0]), [np.array([[1.0]])]),
            (np.array([0.25, 0.5]), np.array([1.0, 1.0]), [np.eye(2), np.eye(2)]),
            (np.array([1.0, -1.0]), np.array([-3.0, 2.0]), _TWO),
            (np.array([0.5, -0.5]), np.zeros(2), _TWO),
            (np.array([2.0, 3.0]), np.array([1.0, -1.0]), []),
            (np.array([1000.0, -1000.0]), np.array([1.0, 1.0]), [np.eye(2)]),
        ],
        inputs=_networks(),
        hints=[
            "Keep two things, the value and its slope, and take both through every layer.",
            "A matrix acts on the slope as it acts on the value. A function that acts entry by "
            "entry multiplies the slope by its own derivative, at the value that has arrived.",
            "In each layer x = np.tanh(x @ W), then v = (v @ W) * (1 - x**2).",
        ],
        mistakes=[
            Mistake(
                "Value and slope are both wanted: return two things.",
                when=lambda case, reply: isinstance(reply.value, np.ndarray),
            ),
            Mistake(
                "The slope goes through the matrices, but not through tanh: its derivative, "
                "1 - tanh(z)², is missing.",
                does=_variant(lambda z, s: s),
            ),
            Mistake(
                "The derivative of tanh at z is 1 - tanh(z)². There z itself has been squared.",
                does=_variant(lambda z, s: s * (1 - z**2)),
            ),
            Mistake(
                "The derivative of tanh is 1 - tanh(z)², with a square.",
                does=_variant(lambda z, s: s * (1 - np.tanh(z))),
            ),
            Mistake(
                "The slope does not go through tanh as a value does: it is multiplied by the "
                "derivative of tanh at the value.",
                does=_variant(lambda z, s: np.tanh(s)),
            ),
            Mistake(
                "The derivative of tanh is taken at the slope. It belongs at the value.",
                does=_variant(lambda z, s: s * (1 - np.tanh(s) ** 2)),
            ),
            Mistake(
                "That h (1 - h) is the derivative of the sigmoid. For tanh it is 1 - h².",
                does=_variant(lambda z, s: s * np.tanh(z) * (1 - np.tanh(z))),
            ),
            Mistake(
                "That is how far the output moves when the input moves by the whole of v. The "
                "slope is what it does per unit of a tiny move.",
                does=_moved,
            ),
        ],
        why="One layer at a time: x becomes tanh(x @ W), v becomes (v @ W) times 1 - x², with the "
        "new x.",
        after="Once a layer has used a value and its slope, both can go: nothing waits for a way "
        "back. But one pass gives the slope in one direction. A gradient with a million entries "
        "would take a million passes, and that is why learning goes backwards.",
    )
)


# --- q3: which bracket? ---------------------------------------------------------------------------

SIZES = (4, 90, 1, 70, 1)  # A is 4 by 90, B 90 by 1, C 1 by 70, D 70 by 1


def bracket_costs(n):
    """Return the multiply-adds of the five ways to bracket four matrices."""
    a, b, c, d, e = n
    return {
        "a": a * b * c + a * c * d + a * d * e,  # ((A B) C) D
        "b": c * d * e + b * c * e + a * b * e,  # A (B (C D))
        "c": a * b * c + c * d * e + a * c * e,  # (A B) (C D)
        "d": b * c * d + a * b * d + a * d * e,  # (A (B C)) D
        "e": b * c * d + b * d * e + a * b * e,  # A ((B C) D)
    }


def _cheapest_bracket():
    costs = bracket_costs(SIZES)
    return min(costs, key=costs.get)


q3 = section.add(
    Value(
        title="One output, so backwards?",
        answer="bracket",
        kind="predict",
        level=1,
        choices="abcde",
        right=_cheapest_bracket,
        hints=[
            "Multiplying an a by b matrix by a b by c matrix takes a b c multiplications. Each way "
            "needs three products: add theirs up.",
            "After B there is a single number in the middle. Which way makes the most of that?",
            "Reverse mode takes 70 + 90 + 360. Compare it with 360 + 70 + 4.",
        ],
        after="Reverse mode takes 520, the best order 434: there is a better one even for a single "
        "output. But not by much. Each factor has to be read once, and no order needs less than "
        "half of what the reverse one needs. That is why nobody looks for it.",
        mistakes={
            "a": "Forward mode, from the left, carries four rows through to the end: "
            "360 + 280 + 280.",
            "b": "Reverse mode carries one column, and for one output that is nearly always best. "
            "Here it takes 70 + 90 + 360 = 520. The middle is a single number: can the two halves "
            "be done apart?",
            "d": "B C blows one number up to a 90 by 70 matrix, 6300 products, and A has to go "
            "through all of it.",
            "e": "B C blows one number up to a 90 by 70 matrix, which costs 6300 products at once.",
        },
    )
)


# --- q4: an order for a graph ---------------------------------------------------------------------

EDGES = [
    *[("x1", "p"), ("x2", "p"), ("p", "q"), ("x3", "q"), ("q", "r"), ("r", "s")],
    *[("s", "y1"), ("s", "y2"), ("s", "y3"), ("p", "y1")],
]
INNER = ("p", "q", "r", "s")


def products_of(order):
    """Count the multiplications that it takes to remove the inner nodes in this order."""
    edges, steps = set(EDGES), []
    for v in order:
        into = {a for a, b in edges if b == v}
        out = {b for a, b in edges if a == v}
        steps.append(len(into) * len(out))
        edges = {e for e in edges if v not in e} | set(product(into, out))
    return steps


def _is_best_order(order):
    if not isinstance(order, (list, tuple)) or not all(isinstance(v, str) for v in order):
        raise Wrong("should be a list of names", [("your answer", show(order))])
    order = [v.strip().lower() for v in order]
    values = [("your order", show(order))]
    if extra := [v for v in order if v not in INNER]:
        raise Wrong(
            f"{extra[0]!r} is not to be removed",
            values,
            "Inputs and outputs stay: the edges between them are to hold the Jacobian in the end.",
        )
    if sorted(order) != sorted(INNER):
        raise Wrong("each of p, q, r and s has to go, once", values)
    steps = products_of(order)
    best = min(sum(products_of(other)) for other in permutations(INNER))
    if sum(steps) == best:
        return
    values += [("products", " + ".join(map(str, steps)) + f" = {sum(steps)}")]
    values += [("possible", str(best))]
    if order == list(INNER):
        text = "That is forward mode. It takes all three inputs through the neck, one by one."
    elif order == list(INNER)[::-1]:
        text = "That is reverse mode. It takes all three outputs back through the neck, one by one."
    elif steps[-1] == 9:
        text = "In the end three inputs meet three outputs, nine products. Let p go last: its edge "
        text += "to y1 has then been joined with another, and there are only two inputs."
    elif order[0] != "r":
        text = "Begin where the neck is thinnest, with one edge in and one edge out."
    else:
        text = (
            "Once s is gone, three edges leave q, and it costs six. What does q cost before that?"
        )
    raise Wrong("more products than are needed", values, text)


q4 = section.add(
    Value(
        title="Neither forward nor backward",
        answer="order",
        kind="design",
        level=2,
        right=_is_best_order,
        hints=[
            "Forward, p, q, r, s, takes 19 products, reverse, s, r, q, p, takes 18. A node costs "
            "the edges that come in times those that go out, at the moment it is removed.",
            "First shorten the neck, where one edge comes in and one goes out.",
            "Begin with r, which costs 1. Then compare what q, s and p would cost next.",
            "After r, q costs 2. Only then should s go, and p comes last.",
        ],
        after="Fifteen products, fewer than either mode. For four nodes one can try all 24 orders; "
        "in general the problem is NP-complete, also if no two local derivatives have anything to "
        "do with each other (Bentert et al., 2025). For one output there would be little to gain.",
    )
)


# --- q5: algebra ----------------------------------------------------------------------------------


def _softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def _simplified(z, p):
    return _softmax(np.asarray(z, float)) * np.sum(p) - p


def _plain_softmax(z):
    return np.exp(z) / np.sum(np.exp(z))


def _by_the_diagonal(z, p):
    return -p * (1 - _softmax(z))


def _not_finite(large):
    """Whether an answer is not finite, and z is large, or only far below 0."""

    def recognise(case, reply):
        if not isinstance(reply.value, np.ndarray) or np.isfinite(reply.value).all():
            return False
        return (np.max(case.arguments[0]) > 700) == large

    return recognise


_ONE = np.array([0.0, 1.0, 0.0])

q5 = section.add(
    Function(
        title="With a pencil",
        answer="softmax_slope",
        kind="formula",
        level=2,
        marked=True,
        names=("z", "p"),
        expected=_simplified,
        cases=[
            (np.array([1.0, 2.0, 3.0]), _ONE),
            (np.array([0.0, 0.0]), np.array([0.5, 0.5])),
            (np.array([1.0, 0.0]), np.array([0.25, 0.75])),
            (np.array([1.0, -1.0, 0.5]), np.array([0.5, 1.0, 2.5])),
            (np.array([1.0, 0.0]), np.zeros(2)),
            (np.array([3.0]), np.array([1.0])),
            (np.array([0.0, -1000.0, 0.0]), _ONE),
            (np.array([1000.0, 0.0, 0.0]), _ONE),
            (np.array([-1000.0, -1001.0]), np.array([0.0, 1.0])),
        ],
        inputs=st.integers(1, 2).flatmap(lambda n: st.tuples(_whole(n), _whole(n, 1, 3))),
        hints=[
            "Use log q_i = z_i - log of the sum of all exp(z_j) first. Then there is little left "
            "to differentiate.",
            "J = -sum of p_i z_i + (sum of p_i) log sum exp(z_j). What is the derivative of the "
            "second logarithm?",
            "The derivative of log sum exp(z_j) with respect to z_i is q_i. And exp does not "
            "overflow if the largest z is subtracted from all of them first.",
            "q * np.sum(p) - p, with q from np.exp(z - np.max(z)).",
        ],
        mistakes=[
            Mistake(
                "exp(z) overflows for large z. Subtracting the largest z from all of them first "
                "does not change q (6.33).",
                when=_not_finite(large=True),
            ),
            Mistake(
                "A probability has become 0, and then p / q or log q has no value. In the "
                "simplified form there is neither a logarithm nor a division by q.",
                when=_not_finite(large=False),
            ),
            Mistake(
                "q - p is right where the entries of p sum to 1. Here they do not: keep their sum "
                "as a factor.",
                does=lambda z, p: _softmax(z) - p,
            ),
            Mistake(
                "q - p is right where the entries of p sum to 1; here they do not. And exp(z) "
                "overflows for large z.",
                does=lambda z, p: _plain_softmax(z) - p,
            ),
            Mistake(
                "That is p - q: the direction downhill. J has a minus sign in front, so the "
                "gradient is the other way round.",
                when=lambda case, reply: (
                    isinstance(reply.value, np.ndarray)
                    and np.shape(reply.value) == np.shape(case.arguments[0])
                    and (
                        np.allclose(reply.value, -_simplified(*case.arguments))
                        or np.allclose(reply.value, case.arguments[1] - _softmax(case.arguments[0]))
                    )
                ),
            ),
            Mistake(
                "Each z moves every q, through the sum in the denominator. That takes each q_i to "
                "depend on its own z_i alone.",
                does=_by_the_diagonal,
            ),
            Mistake(
                "That is q minus p with p made to sum to 1. The cost of equation 6.57 takes p as "
                "it is.",
                does=lambda z, p: _softmax(z) - p / np.sum(p),
            ),
            Mistake(
                "That is dJ/dq, the first step of the chain rule. Go on to z.",
                does=lambda z, p: -p / _softmax(z),
            ),
        ],
        why="Write log q_i as z_i - log sum exp(z), then differentiate (6.57).",
        after="q times the sum of p, minus p. Plain back-propagation goes through exponential, "
        "division and logarithm, and ends with nan where this one is right: in the confident "
        "mistakes, where learning needs it most. A simplifier cannot know that the entries of p "
        "sum to 1, so it has to keep the factor that you can drop.",
    )
)


# --- q6: the figure of the three ways -------------------------------------------------------------


def _errors(h, x=0.3):
    """Return the relative errors of both differences, as the chapter's figure has them."""
    value, exact = Fraction(x), Fraction(1)
    for _ in range(4):
        exact *= 4 * (1 - 2 * value)
        value = 4 * value * (1 - value)
    g = adapters.FUNCTIONS["4 x (1 - x), nested four times"]
    slopes = (g(x + h) - g(x)) / h, (g(x + h) - g(x - h)) / (2 * h)
    return np.array([abs(slope / float(exact) - 1) for slope in slopes])


def _gains():
    return [float(gain) for gain in _errors(1e-3) / _errors(1e-4)]


q6 = section.add(
    Value(
        title="What a smaller step gains",
        answer="times",
        kind="figure",
        level=1,
        right=_gains,
        rtol=0.05,
        hints=[
            "Both axes are logarithmic. Follow each line for one decade of h to the left.",
            "A line of slope one falls by one decade there, a line of slope two by two decades.",
            "Two decades are a factor of 100.",
        ],
        after="The error goes with h for the one-sided difference and with h² for the central one, "
        "until rounding takes over. That is why the best central difference keeps two thirds of "
        "the digits, the best one-sided one half of them, and no difference keeps all.",
        mistakes={
            (100.0, 10.0): "They have changed places: the central difference is the steeper line.",
            (10.0, 10.0): "One of the lines is steeper: for the central difference the errors of "
            "first order on both sides cancel.",
            (100.0, 100.0): "Only one of the two lines falls by two decades.",
            (0.1, 0.01): "The other way round: how many times *smaller*, so numbers above 1.",
            (
                1.0,
                2.0,
            ): "Those are the slopes of the lines, or decades. A decade is a factor of 10.",
            (10.0, 20.0): "A line of slope two falls by two decades: ten times ten.",
            (10.0, 1000.0): "Too steep for the central difference. Its line falls by two decades.",
        },
    )
)


# --- q7: which of the two is held -----------------------------------------------------------------


def product_given(J, theta, v):
    """Return H v (equation 6.59). (It has a mistake in it.)"""
    gradient = dl.backprop([theta], J)[theta]
    return dl.backprop([theta], dl.sum(gradient * v))[theta]


def _derivatives(J, theta):
    """Return gradient and Hessian of one of the costs."""
    total, squares = theta.sum(), theta @ theta
    if J == "sum(theta**4)":
        return 4 * theta**3, np.diag(12 * theta**2)
    if J == "sum(theta**2)**2":
        return 4 * squares * theta, 4 * squares * np.eye(len(theta)) + 8 * np.outer(theta, theta)
    return np.full_like(theta, 3 * total**2), np.full((len(theta),) * 2, 6 * total)


def _varied(combine):
    """Make an answer from g, H, v, and the slope of v with respect to theta (None: constant)."""

    def other(J, theta, v):
        g, H = _derivatives(J, theta)
        if isinstance(v, str):
            value, D = (theta, np.eye(len(theta))) if v == "theta" else (g, H)
            return combine(g, H, value, D)
        return combine(g, H, v, None)

    return other


def _forgotten(g, H, v, D):
    return H @ v if D is None else H @ v + D @ g


def _holds_g(g, H, v, D):
    return 0 * v if D is None else D @ g


_product = _varied(lambda g, H, v, D: H @ v)
_V = np.array([1.0, -2.0])

q7 = section.add(
    Function(
        title="Twice too long",
        answer="hessian_times",
        kind="bug",
        level=2,
        marked=True,
        given=product_given,
        adapter=adapters.product_of,
        names=("J", "theta", "v"),
        expected=_product,
        integers=False,
        cases=[
            ("sum(theta**4)", np.array([1.0, 2.0]), _V),
            ("sum(theta**4)", np.array([1.0, 2.0]), "the gradient"),
            ("sum(theta**4)", np.array([1.0, 2.0]), "theta"),
            ("sum(theta**2)**2", np.array([1.0, -1.0]), _V),
            ("sum(theta**2)**2", np.array([1.0, -1.0]), "the gradient"),
            ("sum(theta)**3", np.array([2.0, 1.0]), "the gradient"),
            ("sum(theta)**3", np.array([2.0, 1.0]), _V),
            ("sum(theta**4)", np.array([0.0, 1.0]), "theta"),
        ],
        hints=[
            "Try it with v = theta on the cost sum(theta**4) and compare with the Hessian, which "
            "has 12 theta² on its diagonal.",
            "If v depends on theta, the number g·v depends on theta in two places, and the product "
            "rule gives two terms. Equation 6.59 means one of them.",
            "dl.stop_gradient(v) has the value of v, and back-propagation takes it for a constant.",
        ],
        mistakes=[
            Mistake(
                "v is still differentiated: where it depends on theta, the product rule adds a "
                "second term, and with v = g the result is 2 H g.",
                does=_varied(_forgotten),
            ),
            Mistake(
                "Half of it is right where v is the gradient, since there both terms are equal. "
                "For any other v they are not. Hold v constant.",
                does=_varied(lambda g, H, v, D: _forgotten(g, H, v, D) / 2),
            ),
            Mistake(
                "The wrong one is held: the gradient is to be differentiated, and v is the "
                "constant.",
                does=_varied(_holds_g),
            ),
            Mistake(
                "Everything is held, so nothing is left to differentiate. Hold v alone.",
                does=_varied(lambda g, H, v, D: 0 * v),
            ),
            Mistake(
                "That is the gradient times v, entry by entry: the first step. Its sum has to be "
                "differentiated once more.",
                does=_varied(lambda g, H, v, D: g * v),
            ),
            Mistake(
                "v has to come in before the second differentiation. Afterwards it only scales the "
                "sums of the Hessian's columns.",
                does=_varied(lambda g, H, v, D: H.sum(axis=0) * v),
            ),
            Mistake(
                "That is the gradient. Differentiate its product with v once more.",
                does=_varied(lambda g, H, v, D: g),
            ),
        ],
        why="In equation 6.59 the gradient is differentiated, and v counts as a constant.",
        after="Nothing tells of this mistake: no error, often the right direction, the wrong "
        "length. Whoever builds H v by two calls of back-propagation should hold v, as dl.hvp does "
        "by itself. Forward mode over the gradient, dl.jvp(gradient, {theta: v}), has no such "
        "trap.",
    )
)


# --- q8: the trace --------------------------------------------------------------------------------


def _trace(H, V):
    return float(np.mean(np.sum(V * (H @ V), axis=0)))


@st.composite
def _probed(draw):
    n, k = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    A = draw(_whole((n, n)))
    return A + A.T, 1 - 2 * draw(_whole((n, k), 0, 1))


_SIGNS = np.array([[1.0, 1.0, -1.0], [1.0, -1.0, 1.0]])

q8 = section.add(
    Function(
        title="The sum of all eigenvalues",
        answer="trace",
        kind="implement",
        level=1,
        adapter=adapters.by_products,
        names=("H", "V"),
        expected=_trace,
        cases=[
            (np.array([[2.0, 1.0], [1.0, -5.0]]), _SIGNS),
            (np.array([[3.0]]), np.array([[1.0]])),
            (np.diag([1.0, 2.0, 4.0]), np.array([[1.0], [-1.0], [1.0]])),
            (np.array([[0.0, 2.0], [2.0, 0.0]]), _SIGNS),
            (np.array([[0.0, 2.0], [2.0, 1.0]]), np.array([[1.0, 1.0], [1.0, -1.0]])),
        ],
        inputs=_probed(),
        hints=[
            "Each column v of V gives one number, v·(H v).",
            "Which products v_i v_j are 1 for every v, and which are 1 or -1 equally often? What "
            "is left of the sum of v_i H_ij v_j on average?",
            "np.mean of v @ multiply(v) over the columns, for v in V.T.",
        ],
        mistakes=[
            Mistake(
                "That is the sum over the probes. Take the mean: each of them is an estimate by "
                "itself.",
                does=lambda H, V: np.sum(V * (H @ V)),
            ),
            Mistake(
                "Divided by the length of v, too: that is a mean eigenvalue, and their sum is "
                "wanted.",
                does=lambda H, V: np.mean(V * (H @ V)),
            ),
            Mistake(
                "The v on the left is missing: v·(H v), not the sum of H v.",
                does=lambda H, V: np.mean(np.sum(H @ V, axis=0)),
            ),
            Mistake(
                "Different probes have been multiplied with one another. Each v goes with its own "
                "H v: only the diagonal of Vᵀ H V.",
                does=lambda H, V: np.sum(V.T @ H @ V) / V.shape[1],
            ),
            Mistake(
                "Different probes have been multiplied with one another, in a mean over all of "
                "Vᵀ H V. Each v goes with its own H v: only its diagonal.",
                does=lambda H, V: np.mean(V.T @ H @ V),
            ),
            Mistake(
                "Only the first probe is used. The mean over all of them is closer.",
                does=lambda H, V: V[:, 0] @ H @ V[:, 0],
            ),
            Mistake(
                "Eigenvalues can be negative, and so can v·(H v). Leave the sign.",
                does=lambda H, V: np.mean(np.abs(np.sum(V * (H @ V), axis=0))),
            ),
            Mistake(
                "The probes are the columns of V. Going through V itself goes through its rows.",
                when=lambda case, reply: (
                    reply.error == "ValueError" and np.shape(case.arguments[1])[0] > 0
                ),
            ),
        ],
        why="The mean of v·(H v) over the columns v of V.",
        after="Hutchinson's estimator. For 610 parameters a hundred products tell the sum of the "
        "eigenvalues to about five per cent. One product with a vector at a time, the "
        "Hessian answers questions that seem to need all of it.",
    )
)


# --- q9: flat directions --------------------------------------------------------------------------


def _flat_directions():
    """Count the zeros among the eigenvalues of a Hessian at cost 0."""
    slopes = np.random.default_rng(0).normal(size=(12 * 3, 50))
    return int(np.sum(np.linalg.eigvalsh(slopes.T @ slopes) < 1e-9))


q9 = section.add(
    Value(
        title="How flat at least?",
        answer="flat",
        kind="predict",
        level=1,
        right=_flat_directions,
        hints=[
            "At cost 0 only the first part of the Hessian is left: a sum of outer products of "
            "gradients of outputs.",
            "Each outer product bends the cost in one direction. How many are there?",
            "12 examples times 3 outputs bend it in 36 directions at most, out of 50.",
        ],
        after="The chapter's XOR network has 17 parameters, four examples and one output: 13 flat "
        "directions. Networks usually have more parameters than the data pin down, so a solution "
        "is a whole surface of them, and an undamped Newton step does not exist.",
        mistakes={
            38: "Each example counts three times: once for each output that it asks for.",
            36: "That is in how many directions the cost can bend. The others are flat.",
            12: "That is the number of examples. Each asks for three outputs; and what is left, "
            "not what is taken, is flat.",
            0: "For that it would take as many conditions as parameters. There are 36.",
            47: "Three outputs, but for every one of the 12 examples.",
            50: "Then the cost would be flat in every direction. Leaving the solution, outputs "
            "change.",
            35: "Examples and outputs multiply, they do not add: each of the 12 examples asks for "
            "three numbers.",
        },
    )
)


# --- q10: conjugate gradients ---------------------------------------------------------------------


def _is_solution(runs):
    for (H, b, limit), run in zip(adapters.systems(), runs, strict=True):
        _judge_run(H, b, limit, run)


def _judge_run(H, b, limit, run):
    small = len(b) < 6
    values = [
        ("H", show(H) if small else f"{len(b)} by {len(b)}"),
        ("b", show(b) if small else f"{len(b)} numbers"),
    ]
    asked = [np.asarray(v) for v in run["asked"]]
    exact = np.linalg.solve(H, b)
    if run["over"]:
        headline = f"asks for more than {limit} products"
        raise Wrong(headline, values, _habit(H, asked) or _LATE)
    if run["changed"]:
        raise Wrong("changes its input b", values, "Work on a copy: r = b.copy(), or r = r - ...")
    x = run["x"]
    if x is None:
        raise Wrong("returns None", values, "Is there a return at the end?")
    x = np.asarray(x)
    if x.shape != b.shape or x.dtype.kind not in "biuf":
        values.append(("your x", show(run["x"])))
        raise Wrong("x should be one vector, as long as b", values)
    if np.allclose(x, exact, rtol=1e-5, atol=1e-6 * abs(exact).max()):
        return
    if small:
        values += [("your x", show(x)), ("expected", show(exact))]
    values.append(("products", str(len(asked))))
    raise Wrong("that x does not solve H x = b", values, _reason(H, b, x, exact, asked))


_LATE = (
    "In exact arithmetic it is done after as many products as H has different eigenvalues. "
    "Rounding leaves a little: stop when the residual is small against b, not when it is 0."
)


def _reason(H, b, x, exact, asked):
    if np.isnan(x).any():
        return (
            "Once the residual is 0, the next quotient is 0 / 0. Look at the residual before you "
            "divide; here b may be 0 from the start, or one step solves it all."
        )
    if x.any() and np.allclose(x, -exact):
        return "The sign is turned round: that solves H x = -b."
    if not x.any():
        return (
            "Nothing was done, since b is small. Whether a residual is small can only be said "
            "against the size of b: near a minimum all gradients are tiny."
        )
    if habit := _habit(H, asked):
        return habit
    if np.linalg.norm(x - exact) < 0.5 * np.linalg.norm(exact):
        return "It stops too early: it was on its way, and had products left."
    return (
        "The directions are right so far. Look at the step along them: alpha = r·r / p·(H p), "
        "x goes up by alpha p, and r goes down by alpha H p."
    )


def _habit(H, asked):
    """Return what is wrong with the vectors that were multiplied by H, or an empty text."""
    asked = [np.asarray(v, float).ravel() for v in asked]
    if len(asked) > 1 and len(asked[0]) > 1 and all(np.count_nonzero(v) == 1 for v in asked):
        return (
            "Those products are the columns of H, one after the other. That way it takes as many "
            "products as there are unknowns; the residuals know better where to look."
        )
    if any(_parallel(u, v) for u, v in pairwise(asked)):
        return (
            "One product an iteration is enough: H p gives the step and the new residual, "
            "r - alpha H p. There is no need to multiply H by x, or by p a second time."
        )
    if len(asked) < 2 or _right_angle(H, asked[0], asked[1]):
        return ""
    if _right_angle(np.eye(len(H)), asked[0], asked[1]):
        return (
            "Each direction is the residual itself: that is steepest descent, and it goes back and "
            "forth. Add beta times the last direction, so that p'·(H p) = 0 for the two."
        )
    return (
        "The second direction p' is not conjugate to the first, p'·(H p) is not 0. The new "
        "direction is the new residual plus beta p, with beta = (new r·r) / (old r·r)."
    )


def _parallel(u, v):
    product = np.linalg.norm(u) * np.linalg.norm(v)
    return product == 0 or (len(u) > 1 and abs(abs(u @ v) / product - 1) < 1e-12)


def _right_angle(H, u, v):
    size = np.sqrt((u @ H @ u) * (v @ H @ v))
    return abs(u @ H @ v) <= 1e-6 * size


q10 = section.add(
    Value(
        title="Newton's step from products alone",
        answer="solve",
        kind="implement",
        level=3,
        marked=True,
        adapter=adapters.solved,
        right=_is_solution,
        hints=[
            "Start at x = 0, with the residual r = b and the direction p = r. Along p the "
            "quadratic has its lowest point at the step alpha = r·r / p·(H p).",
            "After the step the residual is r - alpha H p: you have H p already, so nothing has to "
            "be multiplied again.",
            "The next direction is conjugate to the last, p'·(H p) = 0: p' = r' + beta p, with "
            "beta = r'·r' / r·r.",
            "Loop while the norm of r is above 1e-10 times that of b. With b = 0 the loop is never "
            "entered, and that is right.",
        ],
        after="With 60 unknowns it is done after five products, as that matrix has only "
        "five different eigenvalues: a Hessian of few examples, damped, looks just so. Replace "
        "multiply by equation 6.59, and this is a Newton step for a network whose Hessian nobody "
        "could store.",
    )
)


# --- q11: in words --------------------------------------------------------------------------------

q11 = section.add(
    Open(
        title="Is it not the same?",
        answer="verdict",
        kind="open",
        level=1,
        hints=[
            "Think of the two panels of the chapter's figure: one is about size, one about digits.",
            "Which of the three needs a step? Which writes a value down once for each use?",
        ],
        after="The model answer names what is shared with both, and what with neither.",
    )
)
