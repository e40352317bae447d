"""Exercises on sections 6.5 to 6.5.4: the chain rule, a table, layers, time against memory."""

import math

import numpy as np
from hypothesis import strategies as st

from dlbook import scalar_graph as sg
from dlbook.exercises.adapters import section_6_5_1 as adapters
from dlbook.exercises.checking.comparison import floats
from dlbook.exercises.checking.exercise import Function, Mistake, Open, Value, Wrong
from dlbook.exercises.checking.inputs import matrices, vectors
from dlbook.exercises.checking.messages import show
from dlbook.exercises.checking.section import Section

section = Section("6_5_1_backprop", "Exercises on sections 6.5 to 6.5.4")
progress = section.progress


# --- q1: a table by hand --------------------------------------------------------------------------

SMALL = sg.ScalarGraph(1, [(sg.square, 1), (sg.multiply, 1, 2), (sg.add, 2, 3)])
VALUES = SMALL.forward([3.0])
SLIPS = {  # what is typical for an entry, once the later ones are right
    (4, 36): "36 is the value of u(4). Its entry says how fast it moves with itself: 1.",
    (3, 3): "3 is the slope on an edge that leads to u(3). What counts is the edge that leaves it.",
    (3, 27): "27 is the value of u(3). Its entry is the rate at which u(4) follows it.",
    (
        2,
        1,
    ): "u(2) has two children, the sum u(4) and the product u(3). This is only the sum's term.",
    (2, 3): "u(2) has two children, the sum u(4) and the product u(3). This is only the product's "
    "term.",
    (2, 2): "Each child brings its entry times the slope on the edge. The slope on the edge from "
    "u(2) to the product is the other factor, u(1) = 3, and not 1.",
    (1, 24): "u(1) has two children: the square, and the product u(3), which is missing here.",
    (1, 9): "u(1) has two children: the product, and the square u(2), which is missing here.",
    (
        1,
        27,
    ): "27 = 18 + 9 is what comes through the product u(3). The path 1-2-4, through the square "
    "straight to the sum, is missing.",
    (1, 18): "18 is the path 1-2-3-4 alone. There are two more, 1-2-4 and 1-3-4.",
    (1, 6): "6 is the path 1-2-4 alone. There are two more, 1-2-3-4 and 1-3-4.",
    (1, 15): "6 + 9 are the paths 1-2-4 and 1-3-4. The one through both, 1-2-3-4, is missing: the "
    "square brings the whole entry of u(2), 4, times 6.",
}


def _judge_table(value):
    if isinstance(value, dict):
        value = [value[j] for j in sorted(value)]
    mine = [("your table", show(value))]
    if (value := floats(value, 4)) is None:
        raise Wrong("a table of four numbers is asked for, u(1) first", mine)
    table = SMALL.backward(VALUES)
    if np.allclose(value, list(VALUES.values())):
        raise Wrong(
            "these are the values of the way forward",
            mine,
            "The table holds rates: how fast u(4) moves with each node.",
        )
    if np.allclose(value, [table[j] for j in (4, 3, 2, 1)]):
        raise Wrong("the right entries, reversed", mine, "The entry of u(1) comes first.")
    for j in (4, 3, 2, 1):
        got = value[j - 1]
        if not np.isclose(got, table[j]):
            text = SLIPS.get((j, round(float(got), 6)), _children_of(j))
            raise Wrong(f"the entry of u({j}) is not {show(got)}", mine, text)


def _children_of(j):
    names = " and ".join(f"u({i})" for i in SMALL.children[j])
    if not names:
        return "Begin with a 1 for the last node, and go backwards."
    return f"Add up, over its children ({names}), their entry times the slope on the edge (6.49)."


q1 = section.add(
    Value(
        title="A table by hand",
        answer="table",
        kind="predict",
        level=1,
        marked=True,
        hints=[
            "The values are 3, 9, 27 and 36. Begin the table at the end: the entry of u(4) is 1.",
            "u(3) feeds the sum alone: 1 times 1. u(2) feeds the sum and the product, so two terms "
            "meet: 1 · 1 from the sum, and from the product its entry times the other factor.",
            "u(2): 1 · 1 + 1 · 3 = 4. u(1): 4 times the slope of the square, 6, plus 1 times the "
            "other factor of the product, 9.",
        ],
        right=_judge_table,
        after="33 is 2u + 3u² at u = 3, the derivative of u² + u³. Three paths lead from u(1) to "
        "u(4), but the table needed five edges and no path.",
    )
)


# --- q2: reading the table in a figure ------------------------------------------------------------

CHAPTERS = sg.ScalarGraph(
    3,
    [(sg.multiply, 1, 2), (sg.subtract, 4, 3), (sg.square, 5), (sg.square, 2), (sg.add, 6, 7)],
)


SLOPE_SLIPS = {
    6.65: "The sign: the entry of t is negative. A larger target is closer to the prediction, 3, "
    "so the cost falls.",
    5.86: "This is the exact new cost. The table says what a straight line would give, which is a "
    "little less; the difference is the step squared.",
    -0.4: "This is the change of J. The question is what J becomes.",
    6.15: "The -1 on the edge from t is how fast the error moves. How fast J moves is the second "
    "number below t.",
    2.25: "The entry is a rate: it wants to be multiplied by the step, 0.1.",
    -4: "This is the rate. What does it make of a step of 0.1, and what does J become?",
    6.25: "That is J before t moves. And afterwards?",
    1.85: "t rises by 0.1, not by 1.1: the step is what is multiplied by the rate.",
    6.85: "That is what the entry of x, 6, says. It is t that moves.",
}


def _judge_estimate(value):
    if floats(value) is None:
        raise Wrong("one number is asked for", [("your answer", show(value))])
    u = CHAPTERS.forward([2.0, 1.5, 1.0])
    expected = u[8] + 0.1 * CHAPTERS.backward(u)[3]
    if np.isclose(value, expected):
        return
    text = "The value of J, plus what the entry of t makes of a step of 0.1."
    for typical, says in SLOPE_SLIPS.items():
        if np.isclose(value, typical):
            text = says
    raise Wrong("the table says something else", [("your answer", show(value))], text)


q2 = section.add(
    Value(
        title="What if the target moves?",
        answer="estimate",
        kind="figure",
        level=1,
        hints=[
            "Below each node stand two numbers. The first is its value; which question does the "
            "second one answer?",
            "The entry of t says how fast J moves when t does. The step is 0.1.",
            "The value of J, plus the entry of t, which is -4, times 0.1.",
        ],
        right=_judge_estimate,
        after="The exact cost is 5.86. The table gives such an estimate for every input at once, "
        "and nothing had to be run again.",
    )
)


# --- q3: equation 6.46 for one layer --------------------------------------------------------------


def _pull_back(W, x, g):
    return W.T @ ((1 - np.tanh(W @ x) ** 2) * g)


@st.composite
def _layers(draw):
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return draw(matrices(n, m, -2, 2)), draw(vectors(m, -2, 2)), draw(vectors(n, -2, 2))


LAYER = (np.array([[1.0, -1.0], [0.0, 2.0]]), np.array([1.0, 0.5]), np.array([1.0, 2.0]))

q3 = section.add(
    Function(
        title="Back through a layer",
        answer="pull_back",
        kind="formula",
        level=1,
        marked=True,
        names=("W", "x", "g"),
        expected=_pull_back,
        rtol=1e-5,
        atol=1e-7,
        cases=[
            LAYER,
            (np.array([[1.0, -1.0, 0.5]]), np.zeros(3), np.array([2.0])),
            (np.array([[1.0], [2.0]]), np.array([0.5]), np.array([1.0, 1.0])),
            (np.array([[30.0]]), np.array([1.0]), np.array([1.0])),
        ],
        inputs=_layers(),
        hints=[
            "Two moves, backwards: first through the tanh, then through the matrix.",
            "The Jacobian of the tanh is diagonal, so multiplying by it is entry by entry: g times "
            "1 - tanh²(W x).",
            "Then the transpose of W: W.T @ ((1 - np.tanh(W @ x) ** 2) * g).",
        ],
        mistakes=[
            Mistake(
                "The derivative of the tanh is missing: this goes back through the matrix alone.",
                does=lambda W, x, g: W.T @ g,
            ),
            Mistake(
                "W without the transpose takes a nudge of x forwards. To take a gradient back "
                "from y to x it is the transpose (6.46).",
                does=lambda W, x, g: W @ ((1 - np.tanh(W @ x) ** 2) * g),
            ),
            Mistake(
                "The order: the gradient is on y, so it goes through the tanh first and through "
                "the matrix afterwards.",
                does=lambda W, x, g: (1 - np.tanh(x) ** 2) * (W.T @ g),
            ),
            Mistake(
                "1 - a² is the slope of the tanh if a is its output. W x is its input: square the "
                "tanh of it.",
                does=lambda W, x, g: W.T @ ((1 - (W @ x) ** 2) * g),
            ),
            Mistake(
                "The slope of tanh is 1 - tanh², with the square.",
                does=lambda W, x, g: W.T @ ((1 - np.tanh(W @ x)) * g),
            ),
            Mistake(
                "This pushes the value y back, not its slope: the factor is 1 - tanh², and not "
                "tanh.",
                does=lambda W, x, g: W.T @ (np.tanh(W @ x) * g),
            ),
            Mistake(
                "This is the Jacobian. What comes from above, g, has yet to be multiplied with its "
                "transpose (6.46), and then the Jacobian need not be made.",
                does=lambda W, x, g: (1 - np.tanh(W @ x) ** 2)[:, None] * W,
            ),
            Mistake(
                "This is the gradient on W, of the shape of W. The one on x is asked for.",
                does=lambda W, x, g: np.outer((1 - np.tanh(W @ x) ** 2) * g, x),
            ),
            Mistake(
                "This multiplies by the Jacobian itself. Back to x it is its transpose (6.46).",
                does=lambda W, x, g: (1 - np.tanh(W @ x) ** 2) * (W @ g),
            ),
            Mistake(
                "Where is g? What comes from above has to be handed on (6.46).",
                does=lambda W, x, g: W.T @ (1 - np.tanh(W @ x) ** 2),
            ),
            Mistake(
                "The tanh is taken twice: with y = tanh(W x) its slope is 1 - y².",
                does=lambda W, x, g: W.T @ ((1 - np.tanh(np.tanh(W @ x)) ** 2) * g),
            ),
            Mistake(
                "Brackets: 1 - y² * g multiplies only y² by g. It is (1 - y²) * g.",
                does=lambda W, x, g: W.T @ (1 - np.tanh(W @ x) ** 2 * g),
            ),
            Mistake(
                "s (1 - s) is the slope of the sigmoid. That of tanh is 1 - tanh².",
                does=lambda W, x, g: W.T @ (g / (2 + 2 * np.cosh(W @ x))),
            ),
        ],
        why="First g times the slope of tanh at W x, entry by entry; then the transpose of W "
        "(6.46).",
        after="Two moves, and no Jacobian was made. Algorithm 6.4 does nothing else, layer after "
        "layer.",
    )
)


# --- q4: rabbits ----------------------------------------------------------------------------------

RABBITS = sg.ScalarGraph(2, [(sg.add, i - 1, i - 2) for i in range(3, 31)])

TOO_MANY = (
    "Twice as many for each of the 28 sums? A path may jump over nodes, and then makes fewer "
    "choices. The counts obey the rule of the graph itself."
)


def _judge_rabbits(value):
    mine = [("your prediction", show(value))]
    if floats(value, 2) is None:
        raise Wrong("two numbers are asked for, the entry and the number of edges", mine)
    entry, edges = value
    table = RABBITS.backward(RABBITS.forward([1.0, 1.0]))
    if (entry, edges) == (len(RABBITS.edges), table[2]):
        raise Wrong("the right numbers, in the other order", mine, "The entry comes first.")
    if entry != table[2]:
        says = {
            1: "Each path brings a product of ones, 1. But how many paths are there?",
            **dict.fromkeys((2**27, 2**28, 2**29, 2**30), TOO_MANY),
            table[1]: "That is the entry of u(1), one step further from the end.",
            28: "28 nodes are computed. The paths through them are many more.",
        }
        off = "One place too far in the row of Fibonacci numbers: count from 1, 1 at u(30), u(29)."
        text = (
            off
            if entry in (832040, 196418, 1346269)
            else "Equation 6.55: with slopes of 1 it counts."
        )
        raise Wrong("the entry is another number", mine, says.get(entry, text))
    if edges != len(RABBITS.edges):
        says = {
            28: "28 is the number of computed nodes. Each has two parents, and an edge from each.",
            entry: "As many as there are paths? The point of the table is that it visits edges, "
            "each once.",
            30: "30 is the number of nodes.",
            60: "The two inputs have no parents, so no edges lead to them.",
        }
        raise Wrong("the number of edges is another", mine, says.get(edges, "Two for each sum."))


q4 = section.add(
    Value(
        title="Rabbits",
        answer="prediction",
        kind="predict",
        level=1,
        hints=[
            "If all slopes are 1, the product along a path is 1. What does the sum over paths "
            "(equation 6.55) count, then?",
            "Write down the entries from the end: 1 for u(30), 1 for u(29), then each is the sum "
            "of the two after it.",
            "1, 1, 2, 3, 5, ...: the entry of u(2) is the 29th Fibonacci number. The edges are two "
            "for each of the 28 sums.",
        ],
        right=_judge_rabbits,
        after="Half a million paths, 56 edges. Back-propagation is a way to add up a crowd "
        "without meeting anybody in it.",
    )
)


# --- q5: many paths, few edges --------------------------------------------------------------------


def _judge_edges(value):
    edges = [(int(j), int(i)) for j, i in value]
    mine = [("your edges", show(edges))]
    if not edges:
        raise Wrong("there is no edge")
    for edge in edges:
        if edge[0] >= edge[1]:
            text = "Each node comes after its parents: an edge (j, i) needs j < i."
            raise Wrong(f"the edge {edge} leads backwards", mine, text)
        if edges.count(edge) > 1:
            text = "Parents are a set here: from one node to another there is at most one edge."
            raise Wrong(f"the edge {edge} stands there twice", mine, text)
    if min(j for j, _ in edges) < 1:
        raise Wrong("nodes are numbered from 1", mine, "Paths start at node 1.")
    if all(j != 1 for j, _ in edges):
        raise Wrong("no edge leaves node 1", mine, "Paths start at node 1.")
    paths = _paths(edges)
    found = [*mine, ("paths", str(paths)), ("edges", str(len(edges)))]
    if len(edges) > 13:
        text = "Many paths are easy with many edges. Which of yours bring the fewest new paths?"
        raise Wrong(f"{len(edges)} edges are too many", found, text)
    if paths < 20:
        raise Wrong("too few paths", found, _advice(edges, paths))


def _paths(edges):
    count = {1: 1}
    last = max(i for _, i in edges)
    for i in range(2, last + 1):
        count[i] = sum(count[j] for j, k in edges if k == i)
    return count[last]


def _advice(edges, paths):
    starts = {j for j, _ in edges}
    last = max(i for _, i in edges)
    reached = {i for _, i in edges} | {1}
    if lost := sorted(starts - reached):
        return f"No edge leads to node {lost[0]}, so no path from node 1 comes by."
    ends = sorted(reached - starts - {last})
    if ends:
        return f"Nothing leads on from node {ends[0]}, so no path to the last node uses it."
    if len(edges) == 12 and paths == 8:
        return "Diamonds double the paths for four edges each. Two edges can do nearly as much."
    if paths == 1:
        return "In a chain there is but one path. Let a node be used more than once."
    if len(edges) < 13:
        left = 13 - len(edges)
        return f"You have {left} edge{'s' * (left > 1)} left."
    return "Think of the rabbits: two edges for a node multiply the paths by about 1.6."


q5 = section.add(
    Value(
        title="Many paths, few edges",
        answer="edges",
        kind="design",
        level=2,
        hints=[
            "The paths to a node are those to its parents, added up. So connect each new node to "
            "the nodes that many paths reach already.",
            "A node with two parents costs two edges. Which two nodes before it have the most "
            "paths?",
            "The two just before it: (i-2, i) and (i-1, i), as in Rabbits. Start with (1, 2), "
            "go up to node 8.",
        ],
        right=_judge_edges,
        after="The paths grow as 1.27 to the power of the edges, for nothing. So an algorithm "
        "that follows paths is hopeless on graphs that look quite harmless.",
    )
)


# --- q6: algorithm 6.2 ----------------------------------------------------------------------------


def _derivatives(n, edges):
    table = [0.0] * (n + 1)
    table[n] = 1.0
    for j in range(n - 1, 0, -1):
        table[j] = sum((table[i] * slope for k, i, slope in edges if k == j), 0.0)
    return table[1:]


def _overwrites(n, edges):
    table = [0.0] * n + [1.0]
    for j, i, slope in sorted(edges, key=lambda edge: -edge[0]):
        table[j] = table[i] * slope
    return table[1:]


def _in_given_order(n, edges):
    table = [0.0] * n + [1.0]
    for j, i, slope in edges:
        table[j] += table[i] * slope
    return table[1:]


def _upwards(n, edges):
    return _in_given_order(n, sorted(edges, key=lambda edge: edge[0]))


def _forwards(n, edges):
    table = [0.0, 1.0] + [0.0] * (n - 1)
    for j, i, slope in sorted(edges, key=lambda edge: edge[1]):
        table[i] += table[j] * slope
    return table[1:]


def _adds_slopes(n, edges):
    table = [0.0] * n + [1.0]
    for j, i, slope in sorted(edges, key=lambda edge: -edge[0]):
        table[j] += table[i] + slope
    return table[1:]


def _one_edge_for_a_pair(n, edges):
    return _derivatives(
        n, [(j, i, slope) for (j, i), slope in {e[:2]: e[2] for e in edges}.items()]
    )


def _local(n, edges):
    table = [0.0] * n + [1.0]
    for j, _, slope in edges:
        table[j] += slope
    return table[1:]


def _never_at_node_1(n, edges):
    table = _derivatives(n, edges)
    return table if n == 1 else [0.0, *table[1:]]


def _nodes_from_0(n, edges):
    table = [0.0] * (n - 1) + [1.0]
    for j in range(n - 2, -1, -1):
        table[j] = sum((table[i] * slope for k, i, slope in edges if k == j), 0.0)
    return table


@st.composite
def _graphs(draw):
    n = draw(st.integers(1, 5))
    edge = st.tuples(st.integers(1, n - 1), st.integers(1, n - 1), st.integers(-3, 3))
    drawn = draw(st.lists(edge, max_size=6)) if n > 1 else []
    return n, [(min(a, b), max(a, b) + 1, float(slope)) for a, b, slope in drawn]


def _diamonds(count):
    edges = []
    for u in range(1, 3 * count, 3):
        edges += [(u, u + 1, 1.5), (u, u + 2, -0.5), (u + 1, u + 3, 1.0), (u + 2, u + 3, 1.0)]
    return 3 * count + 1, edges


q6 = section.add(
    Function(
        title="Algorithm 6.2",
        answer="derivatives",
        kind="implement",
        level=2,
        marked=True,
        names=("n", "edges"),
        expected=_derivatives,
        cases=[
            (2, [(1, 2, 3.0)]),
            (3, [(1, 2, 2.0), (2, 3, 5.0)]),
            (3, [(1, 2, 2.0), (2, 3, 5.0), (1, 3, 1.0)]),
            (3, [(2, 3, 5.0), (1, 3, 1.0), (1, 2, 2.0)]),
            (2, [(1, 2, 3.0), (1, 2, 3.0)]),
            (4, [(1, 2, 2.0), (1, 3, 7.0), (2, 4, 5.0)]),
            (1, []),
            (3, [(1, 3, 2.0)]),
            _diamonds(60),
        ],
        inputs=_graphs(),
        hints=[
            "Keep a list of n + 1 zeros, so that node j is entry j. Which entry is known from the "
            "start?",
            "Go through j = n - 1, ..., 1. By then all children of j, which come after it, are "
            "done.",
            "For each edge (k, i, slope) with k == j: table[j] += table[i] * slope.",
            "table = [0.0] * (n + 1); table[n] = 1.0; the loop over j, inside it the loop over "
            "edges; at the end table[1:].",
        ],
        mistakes=[
            Mistake(
                "In a row of 60 diamonds there are 2 to the power of 60 paths. Whoever follows "
                "each, or asks for the same derivative again and again, does not arrive: write "
                "every entry down once (6.49).",
                when=lambda case, reply: reply.timed_out and case.arguments[0] > 100,
            ),
            Mistake(
                "All zeros: the table has to begin with a 1, the derivative of u(n) by itself, and "
                "to keep it.",
                when=lambda case, reply: (
                    isinstance(reply.value, (list, tuple, np.ndarray))
                    and len(reply.value) == case.arguments[0]
                    and not np.any(reply.value)
                ),
            ),
            Mistake(
                "There is one entry too many. Nodes are counted from 1; was the unused entry 0 "
                "left in the list?",
                when=lambda case, reply: (
                    isinstance(reply.value, (list, tuple, np.ndarray))
                    and len(reply.value) == case.arguments[0] + 1
                ),
            ),
            Mistake(
                "The loop does not reach node 1: range(n - 1, 0, -1) ends with 1.",
                does=_never_at_node_1,
            ),
            Mistake(
                "Nodes are numbered from 1. In a list that counts from 0, u(j) is entry j - 1.",
                does=_nodes_from_0,
            ),
            Mistake(
                "The right entries, reversed: that of u(1) comes first.",
                does=lambda n, edges: _derivatives(n, edges)[::-1],
            ),
            Mistake(
                "A node with no way to u(n) has the derivative 0: it needs an entry, too.",
                when=lambda case, reply: (
                    reply.error == "KeyError"
                    or (not reply.error and 0 < len(reply.value) < case.arguments[0])
                ),
            ),
            Mistake(
                "These are derivatives of each node by u(1), the way forwards. Wanted are those of "
                "u(n) by each node.",
                does=_forwards,
            ),
            Mistake(
                "A node with several children gets a term from each, and the terms are added: use "
                "+=, not =.",
                does=_overwrites,
            ),
            Mistake(
                "The edges may come in any order. An entry may be used only when it is complete: "
                "go through the nodes from n - 1 down to 1.",
                does=_in_given_order,
            ),
            Mistake(
                "This goes upwards, from node 1: there the entries of the children are still "
                "empty. Go from n - 1 down to 1.",
                does=_upwards,
            ),
            Mistake(
                "Along a path rates multiply: an edge brings the entry of its child times its "
                "slope.",
                does=_adds_slopes,
            ),
            Mistake(
                "These are the slopes of the edges alone. Each has to be multiplied by the entry "
                "of the node that it leads to.",
                does=_local,
            ),
            Mistake(
                "Two edges may lead from the same node to the same other, as in u · u. A dict by "
                "(j, i) keeps only one of them.",
                does=_one_edge_for_a_pair,
            ),
        ],
        why="From n - 1 down to 1: an entry is the sum, over the edges that leave the node, of "
        "the entry at their end times the slope (6.49).",
        after="Back-propagation, all of it. It costs one product and one sum for each edge, also "
        "in a graph with 2 to the power of 60 paths.",
    )
)


# --- q7: the index that slips ---------------------------------------------------------------------


def gradients(W, x, y):
    """Return the gradients on all W of 0.5 |y_hat - y|^2, h = tanh(W h)."""
    h = [x]
    for k in range(len(W)):
        h.append(np.tanh(W[k] @ h[k]))
    g = h[-1] - y
    on_W = []
    for k in reversed(range(len(W))):
        g = g * (1 - h[k] ** 2)
        on_W.insert(0, np.outer(g, h[k]))
        g = W[k].T @ g
    return on_W


def _gradients(W, x, y, slope=1, outer=0, matrix=0, transposed=True, swapped=False):
    """Return what is right, or by other indices what a slip makes of it."""
    h = [x]
    for V in W:
        h.append(np.tanh(V @ h[-1]))
    g, on_W = h[-1] - y, []
    for k in reversed(range(len(W))):
        g = g * (1 - h[k + slope] ** 2)
        pair = (h[k + outer], g) if swapped else (g, h[k + outer])
        on_W.insert(0, np.outer(*pair))
        V = W[min(k + matrix, len(W) - 1)]
        g = (V.T if transposed else V) @ g
    return on_W


@st.composite
def _towers(draw):
    width, depth = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    W = [draw(matrices(width, width, -1, 1)) for _ in range(depth)]
    return W, draw(vectors(width, -1, 1)), draw(vectors(width, -1, 1))


TOWER = [np.array([[1.0, 0.5], [-0.5, 0.0]]), np.array([[0.5, 1.0], [0.0, -1.0]])]

q7 = section.add(
    Function(
        title="The right shape, and wrong",
        answer="gradients",
        kind="bug",
        level=2,
        marked=True,
        given=gradients,
        names=("W", "x", "y"),
        expected=_gradients,
        rtol=1e-5,
        atol=1e-7,
        cases=[
            (TOWER[:1], np.array([1.0, 2.0]), np.array([0.0, 1.0])),
            (TOWER, np.array([1.0, 0.5]), np.array([0.0, 1.0])),
            ([*TOWER, TOWER[0]], np.array([1.0, -1.0]), np.array([0.5, 0.0])),
            ([np.array([[1.0]])], np.array([0.5]), np.array([0.0])),
        ],
        inputs=_towers(),
        hints=[
            "Take a network with a single layer, of one unit: w, x, y are numbers, and the "
            "gradient is (h - y)(1 - h²) x with h = tanh(w x). Which factor does the code get "
            "wrong?",
            "In the list h, the input is entry 0. So layer k, counted from 0, reads h[k]; and "
            "where does it write?",
            "Layer k writes h[k + 1], so its slope is 1 - h[k + 1] ** 2.",
        ],
        mistakes=[
            Mistake(
                "The slope is still taken at h[k], which goes into layer k. The tanh of this layer "
                "gave the next entry of the list.",
                does=gradients,
            ),
            Mistake(
                "Now the outer product has the wrong partner: what multiplies W(k) on the way "
                "forward is what goes into the layer.",
                does=lambda W, x, y: _gradients(W, x, y, outer=1),
            ),
            Mistake(
                "The outer product was right before: rows belong to units of this layer, g comes "
                "first.",
                does=lambda W, x, y: _gradients(W, x, y, swapped=True),
            ),
            Mistake(
                "The slope is right now, but the transpose is gone: back through a matrix means "
                "its transpose.",
                does=lambda W, x, y: _gradients(W, x, y, transposed=False),
            ),
            Mistake(
                "The slope is right now, but g passes through the matrix of another layer.",
                does=lambda W, x, y: _gradients(W, x, y, matrix=1),
            ),
            Mistake(
                "The right matrices, in the wrong order: that of the first layer comes first.",
                does=lambda W, x, y: _gradients(W, x, y)[::-1],
            ),
            Mistake(
                "Without the slope of the tanh: g has to cross the bend before it reaches W.",
                does=lambda W, x, y: _no_slope(W, x, y),
            ),
            Mistake(
                "The slope comes too late: g has to cross the tanh of this layer before the outer "
                "product.",
                does=lambda W, x, y: _other_slope(W, x, y, lambda h, z, k: 1 - h[k + 1] ** 2, True),
            ),
            Mistake(
                "h[-1] is the output of the last layer. Each layer has its own.",
                does=lambda W, x, y: _other_slope(W, x, y, lambda h, z, k: 1 - h[-1] ** 2),
            ),
            Mistake(
                "1 - a² is the slope of the tanh if a is its output. Here a is its input, W h.",
                does=lambda W, x, y: _other_slope(W, x, y, lambda h, z, k: 1 - z[k] ** 2),
            ),
            Mistake(
                "The sign: the cost has the gradient y_hat - y on the output.",
                does=lambda W, x, y: [-G for G in _gradients(W, x, y)],
            ),
            Mistake(
                "Twice as much: the cost has a factor 1/2, which the square takes away.",
                does=lambda W, x, y: [2 * G for G in _gradients(W, x, y)],
            ),
        ],
        why="Compare it with a nudge of one weight, in a network of one layer.",
        after="All shapes fitted, because all layers had the same width. Nothing but a comparison "
        "with another way to compute it, such as nudging one weight, finds such a slip.",
    )
)


def _other_slope(W, x, y, slope, late=False):
    z, h = [], [x]
    for V in W:
        z.append(V @ h[-1])
        h.append(np.tanh(z[-1]))
    g, on_W = h[-1] - y, []
    for k in reversed(range(len(W))):
        bent = g * slope(h, z, k)
        on_W.insert(0, np.outer(g if late else bent, h[k]))
        g = W[k].T @ bent
    return on_W


def _no_slope(W, x, y):
    h = [x]
    for V in W:
        h.append(np.tanh(V @ h[-1]))
    g, on_W = h[-1] - y, []
    for k in reversed(range(len(W))):
        on_W.insert(0, np.outer(g, h[k]))
        g = W[k].T @ g
    return on_W


# --- q8: how many checkpoints? --------------------------------------------------------------------


def _held(k):
    return math.ceil(900 / k) + k


def _again(k):
    return 900 - math.ceil(900 / k)


def _judge_every(k):
    if floats(k) is None or not 1 <= k <= 900 or k != int(k):
        text = "A whole number from 1 to 900 is asked for: every how many values one is kept."
        raise Wrong("no such spacing", [("your answer", show(k))], text)
    k = int(k)
    best = min((j for j in range(1, 901) if _held(j) <= 65), key=_again)
    if k == best:
        return
    values = [
        ("every", str(k)),
        ("checkpoints", str(_held(k) - k)),
        ("and a stretch of", str(k)),
        ("computed again", str(_again(k))),
    ]
    if _held(k) > 65:
        text = "A stretch is held at the same time as the checkpoints: add up both."
        if k == 1:
            text = "Keeping everything computes nothing again, but holds all 900 values."
        elif k >= 65:
            text = "Wide stretches are no help: the stretch alone fills the memory."
        raise Wrong(f"needs {_held(k)} values, and there is room for 65", values, text)
    text = "Every value that is not a checkpoint is computed again. So use the room that is left."
    if k == 30:
        text = "Root n needs the least memory, but memory is not what was to be saved here. " + text
    elif k == 45:
        text = "It fills the memory with one wide stretch. Fill it with checkpoints instead."
    raise Wrong(f"fits with {_held(k)}, but another computes fewer values again", values, text)


q8 = section.add(
    Value(
        title="How many checkpoints?",
        answer="every",
        kind="predict",
        level=2,
        hints=[
            "Keeping every k-th value holds 900/k checkpoints, and k values of the stretch that is "
            "being computed again. Which k fit into 65?",
            "900/k + k = 65 has two solutions, and all between them fit. Which of these computes "
            "the fewest values twice?",
            "k² - 65 k + 900 = (k - 20)(k - 45). More checkpoints mean fewer values to compute "
            "again, so it is the smaller one.",
        ],
        right=_judge_every,
        after="Root n is best if memory is all that counts, and the minimum is flat. Who has a "
        "little more memory buys time with it.",
    )
)


# --- q9: a middle way -----------------------------------------------------------------------------


def _factors(w, n):
    """Return the slopes cos(x) at w, sin w, ..., one more than the chain has."""
    factors, x = [], w
    for _ in range(n + 1):
        factors.append(math.cos(x))
        x = math.sin(x)
    return factors


def _judge_chain(results):
    for result in results:
        if result["error"]:
            where = f", in the line: {result['line']}" if result["line"] else ""
            raise Wrong(f"raises {result['error']}{where}", _described(result))
        _judge_slope(result)
    for result in results:
        _judge_order(result)
    for result in results:
        _judge_evaluations(result)
    for result in results:
        _judge_held(result)


def _described(result):
    chain = f"{result['n']} times sin, from w = {result['w']:g}"
    return [("chain", chain), ("every", str(result["every"]))]


def _judge_slope(result):
    n, every, slope = result["n"], result["every"], result["slope"]
    factors = _factors(result["w"], n)
    expected = math.prod(factors[:n])
    values = _described(result)
    if slope is None:
        raise Wrong("returns None", values, "Is there a return at the end?")
    values += [("your answer", show(slope)), ("expected", show(expected))]
    if floats(slope) is None:
        raise Wrong("one number is asked for, the slope of the whole chain", values)
    if np.isclose(slope, expected, rtol=1e-6):
        return
    says = {
        math.prod(factors[1:n]): "The factor at w itself is missing: the first f has a slope, too.",
        math.prod(factors[1:]): "The factors are taken at the values after each f. The slope of a "
        "step is taken at the value that goes into it, so w is the first.",
        math.prod(factors): "One factor too many: n steps have n slopes, at w and at the n - 1 "
        "values after it.",
        math.prod(
            factors[:n:every]
        ): "Only the slopes at the checkpoints are in the product. Those "
        "in between have to be computed again.",
        math.prod(factors[: n // every * every]): "The last stretch is missing: n need not be a "
        "multiple of every.",
        math.prod(factors[: n - 1]): "The last factor is missing: n steps have n slopes.",
        sum(factors[:n]): "Along a chain rates multiply.",
        0: "pull multiplies what it is given. Begin with 1, the gradient of the last value on "
        "itself.",
    }
    for typical, text in says.items():
        if np.isclose(slope, typical, rtol=1e-6):
            raise Wrong("another slope than expected", values, text)
    raise Wrong("another slope than expected", values, "It is a product of f' at n values (6.52).")


def _judge_order(result):
    n, order = result["n"], result["order"]
    if order == list(range(n))[::-1]:
        return
    values = [*_described(result), ("pull was called at", f"values number {show(order)}")]
    text = "pull(x, g) wants the gradient on f(x), so all that comes after x has to be done before."
    if not order:
        text = "pull was never called. Differences of f cost digits; pull is exact."
    elif order == list(range(n)):
        text = "For numbers the product is the same in any order. But " + text
    elif sorted(order) == list(range(n)):
        text = "The stretches are taken from last to first; each has to be gone through backwards, "
        text += "too: pull(x, g) wants the gradient on f(x)."
    elif None in order:
        text = "Call pull with the very numbers that f returned. An array, or float(x), holds a "
        text += "copy, which nobody can count: keep values in a list or a dict."
    raise Wrong("not the way back", values, text)


def _judge_evaluations(result):
    n, count = result["n"], result["evaluations"]
    if count <= 2 * n:
        return
    values = [*_described(result), ("evaluations of f", str(count)), ("allowed", str(2 * n))]
    text = "Each value may be computed twice: on the way forward, and once more in its stretch."
    if count > 3 * n and count >= n * (n - 1) // 2 - n:
        text = "This starts again from w for each factor, as equation 6.53 does. Start from the "
        text += "checkpoint before it."
    elif result["every"] > 2:
        text += " Compute a stretch once, keep it in a list, and go through that backwards."
    raise Wrong("f is evaluated too often", values, text)


def _judge_held(result):
    n, every, held = result["n"], result["every"], result["held"]
    limit = math.ceil(n / every) + 2 * every + 5
    if held <= limit:
        return
    values = [*_described(result), ("values held at once", str(held)), ("allowed", str(limit))]
    text = "Let go of a stretch before the next one is computed."
    if held >= n:
        text = "All values are kept at the same time. On the way forward keep every so many alone, "
        text += "and let go of a stretch before the next one is computed."
    raise Wrong("too many values are held", values, text)


q9 = section.add(
    Value(
        title="A middle way",
        answer="gradient",
        kind="implement",
        level=3,
        adapter=adapters.counted,
        hints=[
            "Two passes. The way forward goes from w through n - 1 evaluations and puts every so "
            "many values into a list, w first.",
            "The way back takes the checkpoints from last to first. From each it computes its "
            "stretch again, into a short list, and pulls g back through its values, last first.",
            "The stretch that begins with value number s has min(every, n - s) values, the "
            "checkpoint itself included. The last one may be shorter.",
            "for s in reversed(range(0, n, every)): stretch = [kept.pop()]; append f of the last "
            "until it has min(every, n - s) values; then, until it is empty, "
            "g = pull(stretch.pop(), g).",
        ],
        right=_judge_chain,
        after="At most two evaluations for each value, and about n/k + k values at once: it is "
        "what PyTorch calls checkpointing, and what trains networks that do not fit.",
    )
)


# --- q10: words -----------------------------------------------------------------------------------

q10 = section.add(
    Open(
        title="A friend who needs no back-propagation",
        answer="reply",
        kind="open",
        level=1,
        hints=[
            "Which question does back-propagation answer, and which one does L-BFGS answer?",
            "What does L-BFGS ask for at every point that it visits?",
        ],
        after="Back-propagation is how a gradient is computed. Learning is what is done with it.",
    )
)
