"""Right and wrong answers to the exercises on sections 6.5.5 to 6.5.8."""

from functools import cache

import numpy as np

import dlbook as dl

# --- q2 -------------------------------------------------------------------------------------------


def by_loops(A, B, G):
    on_A, on_B = np.zeros(A.shape), np.zeros(B.shape)
    for i, j in np.ndindex(G.shape):
        on_A[i] += G[i, j] * B[j]
        on_B[j] += G[i, j] * A[i]
    return on_A, on_B


def by_graph(A, B, G):
    A, B, G = (np.asarray(V, float) for V in (A, B, G))
    VA, VB = dl.variable("A", A.shape), dl.variable("B", B.shape)
    z = dl.sum((VA @ VB.T) * dl.constant(G))
    return dl.compile(dl.backprop([VA, VB], z).values(), [VA, VB])(A, B)


def flat(A, B, G):
    return [(G @ B).ravel(), (G.T @ A).ravel()]


def stacked(A, B, G):
    on_A, on_B = G @ B, np.tensordot(G, A, (0, 0))
    return np.array([on_A, on_B]) if on_A.shape == on_B.shape else [on_A.tolist(), on_B]


# --- q3 -------------------------------------------------------------------------------------------


class RunningSum(dl.Operation):
    name, kinds = "running_sum", "f"

    def infer_shape(self, x):
        return x.shape

    def f(self, x):
        return np.cumsum(x)


running_sum = RunningSum()


def turned(G):
    return G[np.arange(G.shape[0])[::-1]]


def as_a_matrix(inputs, X, G):
    n = X.shape[0]
    return dl.constant(np.triu(np.ones((n, n)))) @ G


def with_a_mask(inputs, X, G):
    n = X.shape[0]
    return dl.sum(dl.constant(np.triu(np.ones((n, n)))) * G, axis=1)


def for_three(inputs, X, G):
    return dl.constant(np.triu(np.ones((3, 3)))) @ G


def one_by_one(inputs, X, G):
    n = G.shape[0]
    return dl.stack([dl.sum(G[j:]) for j in range(n)])


# --- q4 -------------------------------------------------------------------------------------------

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


def with_places(places, replaces=False):
    def slopes(nodes, x):
        values = list(x)
        for name, i, j in nodes:
            values.append(F[name](values[i], values[j]))
        table = [0.0] * (len(values) - 1) + [1.0]
        for C in reversed(range(len(x), len(values))):
            name, *inputs = nodes[C - len(x)]
            for place, V in places(inputs):
                term = table[C] * SLOPES[name][place](*(values[U] for U in inputs))
                table[V] = term if replaces else table[V] + term
        return table[: len(x)]

    return slopes


def both_by_name(nodes, x):
    values = [*x]
    for name, i, j in nodes:
        values.append(F[name](values[i], values[j]))
    table = np.zeros(len(values))
    table[-1] = 1
    for C in range(len(values) - 1, len(x) - 1, -1):
        name, i, j = nodes[C - len(x)]
        first, second = SLOPES[name]
        table[i] += table[C] * first(values[i], values[j])
        table[j] += table[C] * second(values[i], values[j])
    return table[: len(x)].tolist()


def by_library(nodes, x):
    inputs = [dl.variable("x", ()) for _ in x]
    made = [V + 0.0 for V in inputs]
    for name, i, j in nodes:
        made.append(F[name](made[i], made[j]))
    z = made[-1] + 0.0 * sum(inputs)
    values = dict(zip(inputs, x, strict=True))
    return [float(dl.evaluate(slope, values)) for slope in dl.backprop(inputs, z).values()]


def with_duals(nodes, x):
    """Forwards, once for each input: no table, the same slopes."""
    found = []
    for k in range(len(x)):
        made = [(value, float(i == k)) for i, value in enumerate(x)]
        for name, i, j in nodes:
            (a, da), (b, db) = made[i], made[j]
            by_a, by_b = (rule(a, b) for rule in SLOPES[name])
            made.append((F[name](a, b), by_a * da + by_b * db))
        found.append(made[-1][1])
    return found


def whole_table(nodes, x):
    return both_by_name([*nodes, ("add", 0, 0)], x) + [1.0] * len(nodes)


def no_list(nodes, x):
    return with_places(enumerate)(nodes, x)[0]


# --- q7 -------------------------------------------------------------------------------------------


def flat_copies(f, x, G, h=1e-5):
    x = np.array(x, dtype=float)
    result = []
    for k in range(x.size):
        up, down = x.copy(), x.copy()
        up.flat[k] += h
        down.flat[k] -= h
        result.append(float(((f(up) - f(down)) * G).sum() / (2 * h)))
    return np.reshape(result, x.shape)


def by_complex_step(f, x, G):
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[place] += 1e-30j
        result[place] = np.sum(np.imag(f(moved)) * G) / 1e-30
    return result


def one_copy(f, x, G, h=1e-6):
    x, result = x.astype(float), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        up = down = x
        up[place] += h
        down[place] -= h
        result[place] = np.sum((f(up) - f(down)) * G) / (2 * h)
    return result


def for_vectors(f, x, G, h=1e-6):
    x = np.array(x, float)
    found = [np.sum((f(x + h * e) - f(x - h * e)) * G) / (2 * h) for e in np.eye(len(x))]
    return np.array(found)


def into_the_type_of_x(f, x, G):
    result = np.zeros_like(x)
    result[...] = flat_copies(f, x, G)
    return result


def one_sided(f, x, G):
    x = np.asarray(x, np.float64)
    base = np.vdot(f(x), G)
    result = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.copy()
        moved[place] += 1e-7
        result[place] = (np.vdot(f(moved), G) - base) / 1e-7
    return result


def four_points(f, x, G):
    x = x.astype(float)
    h = 1e-3
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[place] = h
        z = [np.sum(f(x + k * e) * G) for k in (-2, -1, 1, 2)]
        result[place] = (z[0] - 8 * z[1] + 8 * z[2] - z[3]) / (12 * h)
    return result


def keeps_the_type(f, x, G, h=1e-6):
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        result[place] = np.sum((f(up) - f(down)) * G) / (2 * h)
    return result


def moved_in_place(f, x, G, h=1e-6):
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        x[place] += h
        up = f(x)
        x[place] -= 2 * h
        result[place] = np.sum((up - f(x)) * G) / (2 * h)
    return result


def differences(use_G=True, width=2, shares=False, all_at_once=False, h=1e-6, down=True):
    def numeric(f, x, G):
        x = np.array(x, float)
        result = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            nudge = np.full(x.shape, h) if all_at_once else np.zeros(x.shape)
            nudge[place] = h
            change = (f(x + nudge) - f(x - nudge if down else x)) / (width * h)
            if shares:
                result[place] = (change * G)[place]
            else:
                result[place] = np.sum(change * G if use_G else change)
        return result

    return numeric


# --- q8 -------------------------------------------------------------------------------------------


def off_and_on(x):
    return dl.heaviside(x) + (x - dl.stop_gradient(x))


def by_where(x):
    zero = x - dl.stop_gradient(x)
    return zero + dl.where(x > 0, 1.0, 0.0)


class Through(dl.Operation):
    """A new operation, with a rule that is not its own."""

    name, kinds = "through", "f"

    def infer_shape(self, x):
        return x.shape

    def f(self, x):
        return (x > 0).astype(x.dtype)

    def bprop(self, inputs, X, G):
        return G


def by_astype(x):
    return dl.stop_gradient(dl.astype(x > 0, x.dtype) - x) + x


# --- q9 -------------------------------------------------------------------------------------------


def pushing(nodes):
    """Terms are collected first, and added when their node's turn comes."""
    graph = [tuple(node) for node in nodes]
    terms = [[] for _ in graph]

    def new(*node):
        graph.append(node)
        return len(graph) - 1

    terms[-1].append(new("number", 1.0))
    for C in reversed(range(len(nodes))):
        if not terms[C]:
            terms[C].append(new("number", 0.0))
        G = terms[C][0]
        for more in terms[C][1:]:
            G = new("add", G, more)
        match graph[C]:
            case ("add", a, b):
                terms[a].append(G)
                terms[b].append(G)
            case ("multiply", a, b):
                terms[a].append(new("multiply", G, b))
                terms[b].append(new("multiply", a, G))
            case ("sin", a):
                terms[a].append(new("multiply", new("cos", a), G))
            case ("cos", a):
                minus = new("multiply", new("number", -1), G)
                terms[a].append(new("multiply", minus, new("sin", a)))
    return graph, G


def forwards(nodes):
    """A dual graph: beside each node, its derivative by x."""
    graph, dot = [*nodes], []

    def new(*node):
        graph.append(node)
        return len(graph) - 1

    for name, *inputs in nodes:
        if name in ("x", "number"):
            dot.append(new("number", float(name == "x")))
        elif name == "add":
            dot.append(new("add", *(dot[i] for i in inputs)))
        elif name == "multiply":
            a, b = inputs
            dot.append(new("add", new("multiply", dot[a], b), new("multiply", a, dot[b])))
        elif name == "sin":
            dot.append(new("multiply", dot[inputs[0]], new("cos", *inputs)))
        else:
            minus = new("multiply", new("number", -1.0), new("sin", *inputs))
            dot.append(new("multiply", dot[inputs[0]], minus))
    return graph, dot[-1]


def by_consumers(nodes):
    """As in the book: from x to its consumers, with a memory."""
    graph = list(nodes)

    def new(*node):
        graph.append(node)
        return len(graph) - 1

    @cache
    def build_grad(V):
        if len(nodes) - 1 == V:
            return new("number", 1.0)
        total = new("number", 0.0)
        for C in range(V + 1, len(nodes)):
            name, *inputs = nodes[C]
            if name == "number":
                continue
            for place, U in enumerate(inputs):
                if U == V:
                    total = new("add", total, rule(name, inputs, place, build_grad(C)))
        return total

    def rule(name, inputs, place, G):
        if name == "add":
            return G
        if name == "multiply":
            return new("multiply", G, inputs[1 - place])
        if name == "sin":
            return new("multiply", G, new("cos", inputs[0]))
        return new("multiply", G, new("multiply", new("number", -1.0), new("sin", inputs[0])))

    return graph, build_grad(0)


def slip(own=False, replaces=False, sign=-1.0, chain=True, missing="", once=False, late=False):
    def differentiate(nodes):
        graph = list(nodes)

        def new(*node):
            graph.append(node)
            return len(graph) - 1

        table = {len(nodes) - 1: new("number", 1.0)}
        for C in reversed(range(len(nodes))):
            name, *inputs = nodes[C]
            if C not in table or name in ("x", "number"):
                continue
            for place, V in list(enumerate(inputs)):
                if once and V in inputs[:place]:
                    continue
                if name == "add":
                    term = table[C]
                else:
                    if name == "multiply":
                        slope = inputs[place] if own else inputs[1 - place]
                    elif name == "sin":
                        slope = new("cos", C if late else V)
                    else:
                        at = C if late else V
                        slope = new("multiply", new("number", sign), new("sin", at))
                    term = new("multiply", table[C], slope) if chain else slope
                if V in table and not replaces:
                    term = new("add", table[V], term)
                table[V] = term
        if missing == "KeyError":
            return graph, table[0]
        return graph, table.get(0) or new("number", 0.0)

    return differentiate


def no_place(nodes):
    graph, place = slip()(nodes)
    return graph, None if graph[place] == ("number", 0.0) else place


def with_minus(nodes):
    graph, place = slip()(nodes)
    return [*graph, ("negate", place)], len(graph)


def path_by_path(nodes):
    graph = list(nodes)

    def new(*node):
        graph.append(node)
        return len(graph) - 1

    def gradient(V):
        if len(nodes) - 1 == V:
            return new("number", 1.0)
        total = new("number", 0.0)
        for C in range(V + 1, len(nodes)):
            name, *inputs = nodes[C]
            for place, U in enumerate(inputs if name != "number" else []):
                if U == V:
                    G = gradient(C)
                    if name == "multiply":
                        G = new("multiply", G, inputs[1 - place])
                    elif name == "sin":
                        G = new("multiply", G, new("cos", U))
                    elif name == "cos":
                        minus = new("multiply", new("number", -1.0), new("sin", U))
                        G = new("multiply", G, minus)
                    total = new("add", total, G)
        return total

    return graph, gradient(0)


def numbers_for_places(nodes):
    graph, place = slip()(nodes)
    return [*graph, ("multiply", place, 1.5)], len(graph)


def only_the_graph(nodes):
    return slip()(nodes)[0]


RIGHT = {
    "q1": ["D", " d ", "d"],
    "q2": [
        by_loops,
        by_graph,
        stacked,
        lambda A, B, G: [np.einsum("mn,nk->mk", G, B), (A.T @ G).T],
    ],
    "q3": [
        as_a_matrix,
        one_by_one,
        with_a_mask,
        lambda inputs, X, G: turned(running_sum(turned(G))),
        lambda inputs, X, G: np.cumsum(G[::-1])[::-1],
    ],
    "q4": [both_by_name, by_library, with_duals, with_places(enumerate)],
    "q5": [16, 16.0, 4**2, 17],
    "q6": [[2, 2], np.array([2.0, 2.0]), (2.0, 2)],
    "q7": [flat_copies, one_sided, by_complex_step, four_points, differences()],
    "q8": [off_and_on, by_where, by_astype, Through()],
    "q9": [pushing, forwards, by_consumers],
}

WRONG = {
    "q1": [
        ("a", "flat except at 0"),
        ("b", "stays the same"),
        ("c", "which entry is taken"),
        ("e", "choose one letter"),
        (4, "choose one letter"),
    ],
    "q2": [
        (lambda A, B, G: (G @ B.T, A.T @ G), "rules of the product A B"),
        (lambda A, B, G: (G @ B, A.T @ G), "gradient on Bᵀ"),
        (lambda A, B, G: (G @ B, G @ A), "G has to be transposed"),
        (lambda A, B, G: (G.T @ A, G @ B), "first factor comes first"),
        (lambda A, B, G: (np.ones_like(G) @ B, np.ones_like(G).T @ A), "Where is G?"),
        (lambda A, B, G: (G * B, G * A), "not entry by entry"),
        (flat, "an axis too many or too few"),
    ],
    "q3": [
        (lambda inputs, X, G: running_sum(G), "that would be the Jacobian"),
        (lambda inputs, X, G: dl.sum(G) - running_sum(G), "One entry short"),
        (lambda inputs, X, G: G, "x_1 has a part in all"),
        (lambda inputs, X, G: dl.broadcast_to(dl.sum(G), G.shape), "The full sum"),
        (lambda inputs, X, G: dl.constant(np.arange(X.shape[0], 0.0, -1)), "the rule for G = 1"),
        (lambda inputs, X, G: G * running_sum(X), "the operation is linear"),
        (lambda inputs, X, G: running_sum(turned(G)), "turn it back"),
        (lambda inputs, X, G: np.cumsum(G), "that would be the Jacobian"),
        (lambda inputs, X, G: np.cumsum(np.asarray(G)), "have no values yet"),
        (lambda inputs, X, G: [dl.sum(G[j:]) for j in range(G.shape[0])], "returns a variable"),
        (for_three, "vectors of one length"),
        (lambda inputs, X, G: G - G + len(inputs), "another value"),
    ],
    "q4": [
        (with_places(lambda pair: [(pair.index(V), V) for V in pair]), "rule of the first place"),
        (with_places(lambda pair: [(pair.index(V), V) for V in set(pair)]), "asked only once"),
        (
            with_places(lambda pair: [(int(pair[1] == V), V) for V in pair]),
            "rule of the last place",
        ),
        (with_places(enumerate, replaces=True), "takes the place of the first"),
        (with_places(lambda pair: [(1, pair[0]), (0, pair[1])]), "have changed places"),
        (no_list, "shape"),
        (whole_table, "the whole table"),
    ],
    "q5": [
        (4, "That is the chain"),
        (2, "slope of the line"),
        (8, "four times, and four times again"),
        (64, "third power"),
        (256, "fourth power"),
        (10, "How many pairs"),
        ((16,), "one number is asked for"),
    ],
    "q6": [
        ((1.14, 1.96), "for the weights alone"),
        ((3, 3), "the whole step"),
        ((1, 1), "two products on the way back"),
        ((2, 32), "The ratio is of the way back"),
        ((1, 2), "left out there"),
        (2, "two numbers"),
        (("2", "2"), "two numbers"),
    ],
    "q7": [
        (one_copy, "makes no copy"),
        (lambda f, x, G: (f(x + 1e-6 * G) - f(x - 1e-6 * G)) / 2e-6, "the way forward"),
        (for_vectors, "It works for vectors"),
        (into_the_type_of_x, "array of integers, which cuts off"),
        (differences(h=1e-15), "the digits of f are lost"),
        (differences(use_G=False), "G is missing"),
        (differences(width=1), "the way is 2 h"),
        (differences(all_at_once=True), "All entries are moved at once"),
        (differences(shares=True), "Only the output at the same place"),
        (differences(h=0.01, width=1, down=False), "goes in only one direction"),
        (keeps_the_type, "float64"),
        (moved_in_place, "changes its input x"),
        (lambda f, x, G: np.sum((f(x + 1e-6) - f(x - 1e-6)) * G) / 2e-6, "shape"),
    ],
    "q8": [
        (dl.heaviside, "no gradient comes through"),
        (lambda x: dl.stop_gradient(dl.heaviside(x)) + 0 * x, "no gradient comes through"),
        (lambda x: x + dl.heaviside(x), "taken off again"),
        (lambda x: x + dl.stop_gradient(x) - dl.stop_gradient(x), "where is the step"),
        (lambda x: dl.stop_gradient(dl.heaviside(x) + x) - x, "the sign of the gradient"),
        (lambda x: x * dl.stop_gradient(dl.heaviside(x)), "Where the step is a factor"),
        (lambda x: dl.where(x > 0, 1.0, 0.0), "no gradient comes through"),
        (lambda x: x - dl.stop_gradient(x) + dl.where(x < 0, 0.0, 1.0), "0 is not above 0"),
        (lambda x: 1.0, "float"),
        (lambda x: dl.stop_gradient(dl.sign(x) - x) + x, "that is the sign"),
        (lambda x: dl.stop_gradient(dl.heaviside(x) - 2 * x) + 2 * x, "the gradient is 2"),
        (lambda x: dl.concatenate([x, x]), "an entry for each of x"),
    ],
    "q9": [
        (slip(own=True), "G times the other one"),
        (slip(replaces=True), "append an 'add' of both"),
        (slip(sign=1.0), "minus sin"),
        (slip(chain=False), "slopes of single operations"),
        (slip(once=True), "two places and gets two terms"),
        (slip(missing="KeyError"), "nothing arrives at node 0"),
        (path_by_path, "33 million paths"),
        (numbers_for_places, "a node of its own"),
        (only_the_graph, "return two things"),
        (no_place, "nothing arrives at node 0"),
        (with_minus, "four operations only"),
        (slip(late=True), "not its output"),
    ],
    "q10": [("It is wrong.", "a little more")],
}
