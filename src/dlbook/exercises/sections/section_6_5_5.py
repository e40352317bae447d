"""Exercises on sections 6.5.5 to 6.5.8: gradients as graphs, and what every operation owes."""

import string

import numpy as np
from hypothesis import strategies as st

import dlbook as dl
from dlbook.exercises.adapters import section_6_5_5 as adapters
from dlbook.exercises.checking.comparison import floats
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import matrices, vectors
from dlbook.exercises.checking.messages import show
from dlbook.exercises.checking.section import Section

section = Section("6_5_5_general_backprop", "Exercises on sections 6.5.5 to 6.5.8")
progress = section.progress


# --- q1: which gradient is refused? ---------------------------------------------------------------


def _refused():
    """Return the letter of the one request that the library refuses."""
    x, n = dl.variable("x", (3,)), dl.variable("n", (), np.int64)
    asked = [(x, dl.sum(dl.sign(x))), (x, dl.astype(dl.argmax(x), float)), (x, x[n]), (n, x[n])]
    for letter, (V, z) in zip(string.ascii_lowercase, asked, strict=False):
        try:
            dl.backprop([V], z)
        except dl.NotDifferentiable:
            return letter


q1 = section.add(
    Value(
        title="A gradient that is refused",
        answer="refused",
        kind="predict",
        level=1,
        choices="abcd",
        hints=[
            "A gradient says what happens to z when something is moved a little. What here cannot "
            "be moved a little?",
            "A function that is constant between its jumps has a derivative nearly everywhere: 0. "
            "That is an answer, and no refusal.",
        ],
        right=_refused,
        mistakes={
            "a": "The sign is flat except at 0: its slope is zero, and that is the truth, not a "
            "gap. Only single points have none, and there the library picks one.",
            "b": "The place of the largest entry stays the same while x moves a little, except "
            "where two entries are equal. So the gradient is zero nearly everywhere.",
            "c": "Here n only says which entry is taken. Moving that entry moves z: the gradient "
            "is 1 there, and 0 elsewhere.",
        },
        after="Between 1 and 2 there is no whole number. Nothing can be said about moving n a "
        "little, not even that it changes nothing.",
    )
)


# --- q2: the rule of a product with a transpose ---------------------------------------------------


def _rules(A, B, G):
    return G @ B, G.T @ A


@st.composite
def _products(draw):
    m, n, k = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return draw(matrices(m, k, -2, 2)), draw(matrices(n, k, -2, 2)), draw(matrices(m, n, -2, 2))


SQUARE = tuple(
    np.array(rows) for rows in ([[1.0, 2], [0, 1]], [[0.0, 1], [3, 1]], [[1.0, 0], [2, 5]])
)

q2 = section.add(
    Function(
        title="The rules of A Bᵀ",
        answer="rules",
        kind="formula",
        level=1,
        marked=True,
        names=("A", "B", "G"),
        expected=_rules,
        cases=[
            SQUARE,
            (np.ones((1, 3)), np.ones((2, 3)), np.array([[1.0, 2.0]])),
            (np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([[5.0]])),
            (np.eye(2, 3), np.ones((4, 3)), np.ones((2, 4))),
        ],
        inputs=_products(),
        hints=[
            "Change both factors a little: dC = dA Bᵀ + A dBᵀ. The gradient on A is what stands "
            "beside dA in the sum of all G times dC.",
            "The shapes leave little choice: G has a row for each row of A, and a column for each "
            "row of B.",
            "On A it is G B, on B it is Gᵀ A.",
        ],
        mistakes=[
            Mistake(
                "These are the rules of the product A B. With Bᵀ as the second factor, (Bᵀ)ᵀ is B "
                "itself, and the gradient on Bᵀ has yet to be transposed.",
                does=lambda A, B, G: (G @ B.T, A.T @ G),
            ),
            Mistake(
                "The second is the gradient on Bᵀ. That on B is its transpose.",
                does=lambda A, B, G: (G @ B, A.T @ G),
            ),
            Mistake(
                "The gradient on A is right. On B, rows of the result belong to rows of B, and so "
                "to columns of G: G has to be transposed.",
                does=lambda A, B, G: (G @ B, G @ A),
            ),
            Mistake(
                "The order: the gradient on the first factor comes first.",
                does=lambda A, B, G: (G.T @ A, G @ B),
            ),
            Mistake(
                "Where is G? A rule takes the gradient on the output and hands it on; the Jacobian "
                "alone is not enough (6.54).",
                does=lambda A, B, G: (np.ones(G.shape) @ B, np.ones(G.T.shape) @ A),
            ),
            Mistake(
                "Products of matrices, not entry by entry: each entry of A reaches a whole row of "
                "the output.",
                does=lambda A, B, G: (G * B, G * A),
            ),
        ],
        why="Each gradient has the shape of its own matrix. Write out the sum of all G dC (6.54).",
        after="Shapes leave few possibilities, but on square matrices all of them fit. There only "
        "the derivation, or a check, tells them apart.",
    )
)


# --- q3: a rule without a Jacobian ----------------------------------------------------------------


def _running_rule(x, G):
    return np.cumsum(G[::-1])[::-1]


q3 = section.add(
    Function(
        title="The rule of a running sum",
        answer="running_sum_rule",
        kind="implement",
        level=2,
        marked=True,
        adapter=adapters.rule,
        integers=False,
        names=("x", "G"),
        expected=_running_rule,
        cases=[
            (np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0])),
            (np.array([2.0]), np.array([5.0])),
            (np.array([0.0, 0.0]), np.array([1.0, 0.0])),
            (np.array([0.0, 0.0]), np.array([0.0, 1.0])),
            (np.arange(30.0), np.ones(30)),
        ],
        inputs=st.integers(1, 4).flatmap(lambda n: st.tuples(vectors(n), vectors(n))),
        hints=[
            "Which outputs does x_j have a part in? Output i is x_1 + ... + x_i.",
            "The gradient on x_j is the sum of G_i over all i from j on. So it is a running sum "
            "from the other end.",
            "All of G, less what comes before j: the sum of G minus the running sum of G, plus "
            "G_j itself, since that one is to be counted.",
            "return dl.sum(G) - running_sum(G) + G",
        ],
        mistakes=[
            Mistake(
                "The same operation once more: that would be the Jacobian. Back it is its "
                "transpose: x_j has a part in output j and all after it, not before.",
                does=lambda x, G: np.cumsum(G),
            ),
            Mistake(
                "One entry short: x_j has a part in output j itself, too.",
                does=lambda x, G: G.sum() - np.cumsum(G),
            ),
            Mistake(
                "G itself would be right if each output were its own input. x_1 has a part in all "
                "outputs.",
                does=lambda x, G: G + 0.0,
            ),
            Mistake(
                "The full sum for every entry: but the first outputs do not contain the last "
                "inputs.",
                does=lambda x, G: np.full(G.shape, G.sum()),
            ),
            Mistake(
                "This is the rule for G = 1. What arrives from above has to be passed on (6.54).",
                does=lambda x, G: np.arange(len(G), 0, -1.0),
            ),
            Mistake(
                "The value of x does not matter: the operation is linear, and its Jacobian is made "
                "of ones and zeros.",
                does=lambda x, G: G * np.cumsum(x),
            ),
            Mistake(
                "The sum is turned round, but so is the result: turn it back.",
                does=lambda x, G: np.cumsum(G[::-1]),
            ),
            Mistake(
                "G is there, and yet nothing arrives: each entry of x has a part in some output.",
                does=lambda x, G: np.zeros(G.shape),
            ),
            Mistake(
                "This fits vectors of one length alone. Take the length from X.shape[0].",
                when=lambda case, reply: "do not fit" in reply.text,
            ),
            Mistake(
                "To ask dl.backprop for the gradient of running_sum is to ask for this very rule.",
                when=lambda case, reply: reply.error in ("RecursionError", "NotDifferentiable"),
            ),
            Mistake(
                "A rule is given variables, which have no values yet, and returns a variable. Use "
                "operations of the library, and running_sum itself.",
                when=lambda case, reply: (
                    reply.error == "TypeError" and "variable" in reply.text.lower()
                ),
            ),
        ],
        why="The gradient on x_j is the sum of G_i over all outputs i that contain x_j (6.54).",
        after="The Jacobian, a triangle of ones, was never made. And since the rule consists of "
        "operations, it can be differentiated again.",
    )
)


# --- q4: the same input twice ---------------------------------------------------------------------

F = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}
SLOPES = {
    "add": (lambda a, b: 1.0, lambda a, b: 1.0),
    "subtract": (lambda a, b: 1.0, lambda a, b: -1.0),
    "multiply": (lambda a, b: b, lambda a, b: a),
    "divide": (lambda a, b: 1 / b, lambda a, b: -a / b**2),
}


def slopes(nodes, x):
    """Return the derivatives of the last node by each of the inputs x."""
    values = list(x)
    for name, i, j in nodes:
        values.append(F[name](values[i], values[j]))
    table = [0.0] * (len(values) - 1) + [1.0]
    for C in reversed(range(len(x), len(values))):
        name, *inputs = nodes[C - len(x)]
        for V in inputs:
            rule = SLOPES[name][inputs.index(V)]
            table[V] += table[C] * rule(*(values[U] for U in inputs))
    return table[: len(x)]


def _slopes(nodes, x, places=enumerate, replaces=False):
    values = [*x]
    for name, i, j in nodes:
        values.append(F[name](values[i], values[j]))
    table = [0.0] * (len(values) - 1) + [1.0]
    for C in reversed(range(len(x), len(values))):
        name, *inputs = nodes[C - len(x)]
        for place, V in places(inputs):
            term = table[C] * SLOPES[name][place](*(values[U] for U in inputs))
            table[V] = term if replaces else table[V] + term
    return table[: len(x)]


def _once(inputs):
    return [(inputs.index(V), V) for V in dict.fromkeys(inputs)]


def _only_different(inputs):
    return enumerate(inputs) if inputs[0] != inputs[1] else [(0, inputs[0])]


def _last_place(inputs):
    return [(1 if inputs[1] == V else 0, V) for V in inputs]


def _turned(inputs):
    return [(1 - place, V) for place, V in enumerate(inputs)]


@st.composite
def _expressions(draw):
    x = [float(draw(st.integers(1, 4))) for _ in range(draw(st.integers(1, 2)))]
    nodes = []
    for size in range(len(x), len(x) + draw(st.integers(1, 3))):
        name = draw(st.sampled_from(["add", "subtract", "multiply"]))
        nodes.append((name, draw(st.integers(0, size - 1)), draw(st.integers(0, size - 1))))
    return nodes, x


q4 = section.add(
    Function(
        title="x - x",
        answer="slopes",
        kind="bug",
        level=2,
        given=slopes,
        names=("nodes", "x"),
        expected=_slopes,
        cases=[
            ([("multiply", 0, 1)], [2.0, 3.0]),
            ([("subtract", 0, 0)], [3.0]),
            ([("multiply", 0, 0)], [3.0]),
            ([("divide", 0, 0)], [2.0]),
            ([("add", 0, 0)], [3.0]),
            ([("multiply", 0, 0), ("subtract", 1, 0)], [3.0]),
            ([("subtract", 0, 1), ("divide", 2, 1)], [1.0, 2.0]),
        ],
        inputs=_expressions(),
        hints=[
            "The cases x · x and x + x come out right, by luck. What does the code find for x - x, "
            "and which of the two rules does it use for the second x?",
            "inputs.index(V) is the first place where V stands. A rule belongs to a place, not to "
            "a variable.",
            "for place, V in enumerate(inputs): rule = SLOPES[name][place]",
        ],
        mistakes=[
            Mistake(
                "For an input that stands there twice, both terms still come from the rule of the "
                "first place.",
                does=slopes,
            ),
            Mistake(
                "Now an input that stands there twice is asked only once. It has two places, and "
                "gets a term from each: x · x has the slope 2 x.",
                does=lambda nodes, x: _slopes(nodes, x, _once),
            ),
            Mistake(
                "Now both terms come from the rule of the last place. Each place has its own.",
                does=lambda nodes, x: _slopes(nodes, x, _last_place),
            ),
            Mistake(
                "The second term takes the place of the first. What arrives at a variable is added "
                "up.",
                does=lambda nodes, x: _slopes(nodes, x, replaces=True),
            ),
            Mistake(
                "This is the whole table. The entries of the inputs, the first ones, are asked "
                "for.",
                when=lambda case, reply: (
                    len(reply.value) == len(case.arguments[0]) + len(case.arguments[1])
                ),
            ),
            Mistake(
                "The two rules have changed places: the first one is for the first input.",
                does=lambda nodes, x: _slopes(nodes, x, _turned),
            ),
        ],
        why="Each place of an input has a rule of its own; go through the places.",
        after="The contract has an operation pretend that all its inputs differ. That two of them "
        "are the same variable is the business of back-propagation, which adds up.",
    )
)


# --- q5: reading the cost of a gradient -----------------------------------------------------------


class _SumOfSines(dl.Operation):
    name, kinds = "sum_of_sines", "f"

    def infer_shape(self, *inputs):
        return ()

    def bprop(self, inputs, X, G):
        return G * dl.cos(X)


def _added(nodes):
    """Return how many operations the gradient adds to the dense graph of the chapter."""
    made = [dl.variable("w", ())]
    while len(made) < nodes:
        made.append(_SumOfSines()(*made))
    gradient = dl.backprop([made[0]], made[-1])[made[0]]
    return len(dl.Graph([made[-1], gradient])) - nodes


def _judge_factor(value):
    if floats(value) is None:
        raise Wrong("one number is asked for", [("your answer", show(value))])
    exact = _added(64) / _added(16)
    if abs(value - exact) < 0.15 * exact:
        return
    says = {
        4: "That is the chain: there each node has one edge. In the dense graph each has all those "
        "before it.",
        2: "Two is the slope of the line: the exponent, not the factor.",
        8: "Twice four? Edges grow with the square of the nodes: four times, and four times again.",
        64: "That would be the third power. A graph has at most one edge for each pair of nodes.",
        256: "That would be the fourth power, or paths. What counts is edges.",
    }
    text = says.get(float(value), "How many pairs of nodes are there?")
    raise Wrong("another factor", [("your answer", show(value))], text)


q5 = section.add(
    Value(
        title="Four times the nodes",
        answer="factor",
        kind="figure",
        level=1,
        hints=[
            "Both axes of the left panel are logarithmic, so a power of n is a straight line, and "
            "the slope is the exponent.",
            "The line of the dense graphs is twice as steep as that of the chains: their exponent "
            "is 2.",
        ],
        right=_judge_factor,
        after="An edge for each pair of nodes, and two or three operations for each edge. That is "
        "the worst case; networks are much more like the chain.",
    )
)


# --- q6: the gradient on the data -----------------------------------------------------------------


def _multiply_adds(outputs):
    products = [V for V in dl.Graph(outputs) if dl.get_operation(V) == dl.matmul]
    sizes = [(*V.inputs[0].shape, V.shape[1]) for V in products]
    return sum(int(np.prod([size or 1 for size in each])) for each in sizes)


def _ratio(hidden_layers, with_data):
    """Return how much dearer than the way forward the way back is, in multiply-adds."""
    X, y = dl.variable("X", (None, 64)), dl.variable("y", (None,), int)
    U, weights = X, []
    for size in [100] * hidden_layers + [10]:
        H = U if U is X else dl.relu(U)
        weights.append(dl.variable("W", (H.shape[1], size)))
        U = H @ weights[-1]
    J = dl.mean(dl.cross_entropy(U, y))
    targets = [X, *weights] if with_data else weights
    forward = _multiply_adds([J])
    return _multiply_adds([J, *dl.backprop(targets, J).values()]) / forward - 1


def _judge_ratios(value):
    mine = [("your prediction", show(value))]
    if floats(value, 2) is None:
        raise Wrong("two numbers are asked for, for 1 and for 16 hidden layers", mine)
    if np.allclose(value, [_ratio(1, True), _ratio(16, True)], atol=0.01):
        return
    known = [
        (
            [_ratio(1, False), _ratio(16, False)],
            0.02,
            "That is for the weights alone. With the gradient on X the first layer is not spared "
            "its second product any more.",
        ),
        (
            [3, 3],
            0.01,
            "Three is the whole step, forward and back. The question is about the way back.",
        ),
        (
            [1, 1],
            0.01,
            "Each layer has two products on the way back: one gives the gradient on its weights, "
            "the other that on its input.",
        ),
        (
            [2, 32],
            0.01,
            "Deeper networks cost more both ways. The ratio is of the way back to the way forward.",
        ),
        (
            [1, 2],
            0.06,
            "That is about what it is without X. Which product has been left out there, and is it "
            "needed now?",
        ),
    ]
    text = "Count the products of matrices for one layer, forward and back."
    for typical, atol, says in known:
        if np.allclose(value, typical, atol=atol):
            text = says
            break
    raise Wrong("counting gives something else", mine, text)


q6 = section.add(
    Value(
        title="Which pixels matter?",
        answer="ratios",
        kind="predict",
        level=1,
        hints=[
            "A layer H W takes one product forward. Which two products are there on the way back?",
            "Without the gradient on X the first layer takes only one of the two. What if it is "
            "wanted?",
            "Two products for every layer, whatever the depth.",
        ],
        right=_judge_ratios,
        after="Exactly twice, at any depth: Hᵀ G for the weights, and G Wᵀ for the layer below. "
        "Only the first layer is usually spared the second.",
    )
)


# --- q7: holding operations to the contract -------------------------------------------------------


def _exact(name, x, G):
    x, G = np.asarray(x, float), np.asarray(G, float)
    if name == "square":
        return 2 * x * G
    if name == "running sum":
        return np.cumsum(G[::-1])[::-1]
    if name == "softmax":
        s = adapters.FUNCTIONS["softmax"](x)
        return s * (G - np.sum(s * G))
    if name == "sum":
        return np.full(x.shape, G)
    return x @ (G + G.T)


def _moved(use_G=True, width=2, all_at_once=False, shares=False):
    """Return an estimate by differences, or what a slip makes of it."""

    def estimate(name, x, G, h=1e-6):
        f, x = adapters.FUNCTIONS[name], np.asarray(x, float)
        result = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            nudge = np.zeros(x.shape)
            nudge[place] = h
            if all_at_once:
                nudge[...] = h
            change = (f(x + nudge) - f(x - nudge)) / (width * h)
            if shares:  # each output is asked for its own input alone
                result[place] = (change * G)[place]
            else:
                result[place] = np.sum(change * G if use_G else change)
        return result

    return estimate


def _loses_digits(case, reply):
    return case.arguments[1].dtype != np.float64


def _drops_digits(case, reply):
    return case.arguments[1].dtype.kind == "i" and reply.value.dtype.kind == "i"


def _along_G(name, x, G):
    f, x = adapters.FUNCTIONS[name], np.asarray(x, float)
    return (f(x + 1e-6 * G) - f(x - 1e-6 * G)) / 2e-6


def _one_array(name, x, G):
    return np.zeros(x.shape)


def _for_vectors_only(case, reply):
    x = case.arguments[1]
    return x.ndim > 1 and (reply.error or np.shape(reply.value) != x.shape)


_NAMED = st.sampled_from(["square", "running sum", "softmax"])

q7 = section.add(
    Function(
        title="Hold it to the contract",
        answer="numeric",
        kind="implement",
        level=2,
        marked=True,
        adapter=adapters.by_name,
        names=("f", "x", "G"),
        expected=_exact,
        rtol=1e-4,
        atol=1e-5,
        cases=[
            ("square", np.array([1.0, 2.0]), np.array([1.0, 10.0])),
            ("running sum", np.array([1.0, 2.0]), np.array([1.0, 10.0])),
            ("softmax", np.array([0.0, 0.0]), np.array([1.0, 0.0])),
            ("softmax", np.array([0, 1]), np.array([1, 0])),
            ("square", np.array([[1.0, 2.0], [-3.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 3.0]])),
            ("sum", np.array([[1.0, 2.0], [3.0, 4.0]]), np.array(2.0)),
            ("gram", np.array([[1.0, 2.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])),
            ("gram", np.array([[1.0], [2.0], [0.5]]), np.array([[1.0]])),
        ],
        inputs=st.integers(1, 3).flatmap(
            lambda n: st.tuples(_NAMED, vectors(n, -2, 2), vectors(n, -2, 2))
        ),
        hints=[
            "Move one entry of x at a time, by a small h. All outputs may change; what does their "
            "change amount to for z, if G is the gradient of z on them?",
            "For an entry: np.sum((f(up) - f(down)) * G) / (2 * h), where up and down are copies "
            "of x with this entry moved. np.ndindex(x.shape) goes through all places.",
            "The copies want to hold floats: np.array(x, dtype=float), before the step is added.",
        ],
        mistakes=[
            Mistake(
                "The result is an array of integers, which cuts off what stands behind the point: "
                "np.zeros_like(x) takes over the type of x. np.zeros(x.shape) is of floats.",
                when=_drops_digits,
            ),
            Mistake(
                "A step of a millionth is lost here: an array of integers cannot hold it, and one "
                "of float32 hardly can. Copy x as float64 first, np.array(x, dtype=float).",
                when=_loses_digits,
            ),
            Mistake(
                "G is missing: the changes of the outputs count as much as z depends on them "
                "(6.54).",
                does=_moved(use_G=False),
            ),
            Mistake(
                "From down to up the way is 2 h, not h.",
                does=_moved(width=1),
            ),
            Mistake(
                "All entries are moved at once, which gives the change along one direction. Move "
                "them one after the other.",
                does=_moved(all_at_once=True),
            ),
            Mistake(
                "Only the output at the same place is looked at. Where each output has but its own "
                "input that is enough; here an entry moves others as well (6.54 sums over i).",
                does=_moved(shares=True),
            ),
            Mistake(
                "All zeros: up and down may be the same array. up = x makes no copy, it gives x a "
                "second name; x.copy() makes one.",
                does=_one_array,
            ),
            Mistake(
                "The mean of all changes in place of their sum: z collects what comes from each "
                "output (6.54).",
                does=lambda name, x, G: _moved()(name, x, G) / np.size(G),
            ),
            Mistake(
                "This is how the outputs change if x moves along G, the way forward. G belongs to "
                "the outputs: for each entry of x, sum over them (6.54).",
                when=lambda case, reply: (
                    case.arguments[0] == "running sum"
                    and np.allclose(reply.value, _along_G(*case.arguments), atol=1e-4)
                ),
            ),
            Mistake(
                "It works for vectors, and here x is a matrix. np.ndindex(x.shape) goes through "
                "all places, whatever the shape, and np.sum(change * G) through all outputs.",
                when=_for_vectors_only,
            ),
            Mistake(
                "Nearly. In a step that is too wide, or goes in only one direction, f bends; in "
                "one that is too tiny, the digits of f are lost. Up and down, with h about 1e-6.",
                when=lambda case, reply: (
                    isinstance(reply.value, np.ndarray)
                    and reply.changed is None
                    and reply.value.shape == case.arguments[1].shape
                    and np.allclose(reply.value, _exact(*case.arguments), rtol=0.05, atol=0.05)
                ),
            ),
        ],
        why="For each entry of x: sum the changes of all outputs times G, divide by 2 h (6.54).",
        after="Ten lines, and no wrong rule gets past them. A rule with the right shapes and the "
        "wrong numbers raises no error, so this is the only way to find it.",
    )
)


# --- q8: a gradient that is not the function's ----------------------------------------------------


def _straight(x):
    return {"value": (x > 0).astype(x.dtype), "gradient": np.ones_like(x)}


def _has(value, gradient):
    """Whether an answer computes one of these, and gets a gradient like that."""

    def recognise(case, reply):
        x, found = case.arguments[0], reply.value
        pairs = (found["value"], value(x)), (found["gradient"], gradient(x))
        return all(np.shape(a) == np.shape(b) and np.allclose(a, b) for a, b in pairs)

    return recognise


def _jump(x):
    return (x > 0) * 1.0


q8 = section.add(
    Function(
        title="Straight through",
        answer="straight_through",
        kind="design",
        level=2,
        adapter=adapters.value_and_gradient,
        integers=False,
        names=("x",),
        expected=_straight,
        cases=[
            (np.array([2.0, -3.0]),),
            (np.array([0.0]),),
            (np.array([[0.5, -0.5], [1e6, -1e6]]),),
        ],
        hints=[
            "Add something that has the gradient you want and the value zero. What is x minus a "
            "constant equal to x?",
            "x - dl.stop_gradient(x) has the value 0 and the gradient 1.",
            "x + dl.stop_gradient(dl.heaviside(x) - x)",
        ],
        mistakes=[
            Mistake(
                "The value is right, but no gradient comes through: it is 0 everywhere. Wanted is "
                "1, as if the step were not there.",
                when=_has(_jump, np.zeros_like),
            ),
            Mistake(
                "The gradient is right, but the value is that of x + step(x): x has to be taken "
                "off again, without its gradient.",
                when=_has(lambda x: x + _jump(x), np.ones_like),
            ),
            Mistake(
                "The gradient is right, but the value is x itself: where is the step?",
                when=_has(lambda x: x, np.ones_like),
            ),
            Mistake(
                "The value is right, but the sign of the gradient is turned round.",
                when=_has(_jump, lambda x: -np.ones_like(x)),
            ),
            Mistake(
                "The value is right, but the gradient is 2: outside of stop_gradient x stands "
                "twice.",
                when=_has(_jump, lambda x: np.full_like(x, 2)),
            ),
            Mistake(
                "The gradient is right, but for negative x the value is -1: that is the sign, and "
                "not the step.",
                when=_has(np.sign, np.ones_like),
            ),
            Mistake(
                "The value should have an entry for each of x.",
                when=lambda case, reply: np.shape(reply.value["value"]) != case.arguments[0].shape,
            ),
            Mistake(
                "No gradient comes through for negative x. Where the step is a factor, or a "
                "rectifier stands outside of stop_gradient, the gradient there is 0.",
                when=lambda case, reply: np.any(
                    np.asarray(reply.value["gradient"])[case.arguments[0] < 0] == 0
                ),
            ),
            Mistake(
                "A comparison gives True and False, not numbers: dl.heaviside(x) is 1 and 0.",
                when=lambda case, reply: "needs floats" in reply.text,
            ),
            Mistake(
                "0 is not above 0: there the step is 0, too.",
                when=lambda case, reply: (
                    np.any(case.arguments[0] == 0)
                    and np.array_equal(reply.value["value"], case.arguments[0] >= 0)
                ),
            ),
        ],
        why="Two things have to be right: the value, 0 or 1, and the gradient, 1 everywhere.",
        after="This breaks the contract on purpose, with stop_gradient, which breaks it for a "
        "living. It is how networks with units of 0 and 1 are trained: with a gradient that is "
        "not theirs, but points about the right way.",
    )
)


# --- q9: from symbol to symbol --------------------------------------------------------------------


def _differentiated(
    nodes, own=False, replaces=False, cos_sign=-1.0, chain=True, whole=True, at=None, nothing=None
):
    """Return the longer graph and the place of the derivative; settings are slips."""
    nodes, last = [tuple(node) for node in nodes], len(nodes) - 1

    def new(*node):
        nodes.append(node)
        return len(nodes) - 1

    def term(name, inputs, place, G):
        a = inputs[place]
        if name == "add":
            return G
        if name == "multiply":
            slope = a if own else inputs[1 - place]
        elif name == "sin":
            slope = new("cos", a if at is None else C)
        else:
            slope = new("multiply", new("number", cos_sign), new("sin", a if at is None else C))
        return new("multiply", G, slope) if chain else slope

    table = {last: new("number", 1.0)}
    for C in range(last, -1, -1):
        name, *inputs = nodes[C]
        if C not in table or name in ("x", "number"):
            continue
        for place, V in enumerate(inputs):
            if not whole and inputs.index(V) != place:
                continue
            more = term(name, inputs, place, table[C])
            table[V] = new("add", table[V], more) if V in table and not replaces else more
    if 0 not in table:
        table[0] = new("number", 0.0) if nothing is None else nothing
    return nodes, table[0]


def _as_asked(**slips):
    def does(nodes, x):
        return adapters.derivatives(lambda graph: _differentiated(graph, **slips), nodes, x)

    return does


_SIN_X_SQUARED = [("x",), ("multiply", 0, 0), ("sin", 1)]


def _row(count):
    nodes = [("x",)]
    for u in range(0, 3 * count, 3):
        nodes += [("sin", u), ("cos", u), ("add", u + 1, u + 2)]
    return nodes


@st.composite
def _formulas(draw):
    nodes = [("x",)]
    for size in range(1, 1 + draw(st.integers(0, 4))):
        name = draw(st.sampled_from(["number", "add", "multiply", "sin", "cos"]))
        if name == "number":
            nodes.append((name, float(draw(st.integers(-2, 2)))))
        else:
            count = 2 if name in ("add", "multiply") else 1
            nodes.append((name, *(draw(st.integers(0, size - 1)) for _ in range(count))))
    return nodes, draw(st.sampled_from([0.5, 1.0, -2.0]))


q9 = section.add(
    Function(
        title="From symbol to symbol",
        answer="differentiate",
        kind="implement",
        level=3,
        marked=True,
        adapter=adapters.derivatives,
        names=("nodes", "x"),
        expected=_as_asked(),
        cases=[
            ([("x",), ("sin", 0)], 0.5),
            ([("x",), ("cos", 0)], 0.5),
            ([("x",), ("number", 3.0), ("multiply", 0, 1)], 2.0),
            ([("x",), ("number", 3.0), ("add", 0, 1)], 2.0),
            ([("x",), ("multiply", 0, 0)], 3.0),
            (_SIN_X_SQUARED, 0.5),
            ([("x",), ("sin", 0), ("multiply", 0, 1)], 0.5),
            ([("x",), ("sin", 0), ("cos", 0), ("add", 1, 2), ("multiply", 3, 1)], 1.0),
            ([("x",)], 2.0),
            ([("x",), ("number", 3.0)], 2.0),
            ([("x",), ("sin", 0), ("number", 1.0)], 2.0),
            (_row(25), 0.3),
        ],
        inputs=_formulas(),
        hints=[
            "Write a little helper that appends a node to a copy of the list and returns its "
            "place. Then it is algorithm 6.2, with places in the list in the place of numbers.",
            "table[last] is the place of a new node ('number', 1.0). Go through the given nodes "
            "from the last to the first; one without an entry in the table does not matter.",
            "Each place of an input brings a term: for a sin at node a, cos = new('cos', a) and "
            "new('multiply', G, cos). If the input has an entry already, the new entry is "
            "new('add', table[V], term).",
            "For cos the slope is new('multiply', new('number', -1.0), new('sin', a)). At the end, "
            "if node 0 has no entry, the derivative is a new ('number', 0.0).",
        ],
        mistakes=[
            Mistake(
                "In this row of 25 diamonds there are 33 million paths. Whoever follows each does "
                "not arrive: every node gets one entry in the table, once.",
                when=lambda case, reply: reply.timed_out and len(case.arguments[0]) > 50,
            ),
            Mistake(
                "In a product the gradient on one factor is G times the other one, not itself.",
                does=_as_asked(own=True),
            ),
            Mistake(
                "Where a node is used twice, two terms arrive: append an 'add' of both.",
                does=_as_asked(replaces=True),
            ),
            Mistake(
                "The slope of cos is minus sin.",
                does=_as_asked(cos_sign=1.0),
            ),
            Mistake(
                "These are the slopes of single operations. Each has to be multiplied by what "
                "arrives from above, its G.",
                does=_as_asked(chain=False),
            ),
            Mistake(
                "An input that stands there twice, as in x · x, has two places and gets two terms.",
                does=_as_asked(whole=False),
            ),
            Mistake(
                "If the last node does not depend on x, nothing arrives at node 0: the derivative "
                "is a new node ('number', 0.0). This is also asked of your own result, for the "
                "second derivative.",
                when=lambda case, reply: (
                    (reply.error == "KeyError" and reply.text == "0") or "None" in reply.text
                ),
            ),
            Mistake(
                "If the last node does not depend on x, the derivative is 0. But place 0 holds x; "
                "make a new node ('number', 0.0).",
                does=_as_asked(nothing=0),
            ),
            Mistake(
                "The slope of sin at a is the cos of a, and of cos minus the sin of a: take the "
                "input of the node, not its output.",
                does=_as_asked(at="output"),
            ),
            Mistake(
                "There are four operations only. Minus is a product with ('number', -1.0).",
                when=lambda case, reply: "there is no operation" in reply.text,
            ),
            Mistake(
                "There are numbers where places are wanted: a node's inputs are places in the "
                "list. For a number make a node of its own, ('number', 2.0).",
                when=lambda case, reply: "inputs should be" in reply.text,
            ),
        ],
        why="Each entry of the table is the place of a node, and each operation on entries is a "
        "node that is appended.",
        after="You have written what sections 6.5.5 and 6.5.6 are about. No number was computed, "
        "and since the result is a graph of the same kind, the second derivative was free.",
    )
)

# --- q10: words -----------------------------------------------------------------------------------

q10 = section.add(
    Open(
        title="A cost with the gradient zero",
        answer="reply",
        kind="open",
        level=1,
        hints=[
            "How does the share of wrong answers change when one weight is moved a little?",
            "A zero can mean that this is a minimum, or that the ground is flat here. What does "
            "gradient descent do in each case?",
        ],
        after="A right gradient is not yet a useful one. Section 6.2 is about costs that have a "
        "slope where the model is wrong.",
    )
)
