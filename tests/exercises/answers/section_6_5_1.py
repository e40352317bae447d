"""Right and wrong answers to the exercises on sections 6.5 to 6.5.4."""

from functools import cache
from itertools import accumulate, islice

import numpy as np

import dlbook as dl
from dlbook import scalar_graph as sg

# --- q1, q2 ---------------------------------------------------------------------------------------

SMALL = sg.ScalarGraph(1, [(sg.square, 1), (sg.multiply, 1, 2), (sg.add, 2, 3)])

# --- q3 -------------------------------------------------------------------------------------------


def by_loops(W, x, g):
    n, m = W.shape
    result = [0.0] * m
    for j in range(n):
        y = np.tanh(sum(W[j, i] * x[i] for i in range(m)))
        for i in range(m):
            result[i] += g[j] * (1 - y * y) * W[j, i]
    return result


def by_jacobian(W, x, g):
    jacobian = np.diag(np.cosh(W @ x) ** -2.0) @ W
    return jacobian.T @ g


def by_graph(W, x, g):
    W, g = W.astype(float), g.astype(float)
    V = dl.variable("x", x.shape)
    z = dl.sum(dl.tanh(dl.constant(W) @ V) * dl.constant(g))
    return dl.evaluate(dl.backprop([V], z)[V], {V: x.astype(float)})


def by_exponentials(W, x, g):
    e = np.exp(-2 * np.abs(W @ x))
    return list((4 * e / (1 + e) ** 2 * g) @ W)


def in_place(W, x, g):
    g *= 1 - np.tanh(W @ x) ** 2
    return W.T @ g


# --- q6 -------------------------------------------------------------------------------------------


def pushes(n, edges):
    """From each node, backwards, push what it has to its parents."""
    table = np.zeros(n)
    table[-1] = 1
    for j, i, slope in sorted(edges, key=lambda edge: edge[1], reverse=True):
        table[j - 1] += slope * table[i - 1]
    return table


def with_memory(n, edges):
    children = {}
    for j, i, slope in edges:
        children.setdefault(j, []).append((i, slope))

    @cache
    def entry(j):
        return 1.0 if j == n else sum(slope * entry(i) for i, slope in children.get(j, []))

    return [entry(j) for j in range(1, n + 1)]


def by_a_matrix(n, edges):
    A = np.zeros((n, n))
    for j, i, slope in edges:
        A[j - 1, i - 1] += slope
    return np.linalg.solve(np.eye(n) - A, np.eye(n)[-1])


def forwards_for_each(n, edges):
    found = []
    for k in range(1, n + 1):
        moves = {k: 1}
        for j, i, slope in sorted(edges):
            moves[i] = moves.get(i, 0) + slope * moves.get(j, 0)
        found.append(moves.get(n, 0))
    return found


def not_to_node_1(n, edges):
    table = [0.0] * n + [1.0]
    for j in range(n - 1, 1, -1):
        table[j] = sum(table[i] * slope for k, i, slope in edges if k == j)
    return table[1:]


def counted_from_0(n, edges):
    table = [0.0] * (n - 1) + [1.0]
    for j in range(n - 2, -1, -1):
        table[j] = sum(table[i] * slope for k, i, slope in edges if k == j)
    return table


def only_what_is_reached(n, edges):
    table = {n: 1.0}
    for j, i, slope in sorted(edges, reverse=True):
        table[j] = table.get(j, 0) + table.get(i, 0) * slope
    return [table[j] for j in range(1, n + 1)]


def never_ends(n, edges):
    while n > 0:
        pass


def path_by_path(n, edges):
    def entry(j):
        if j == n:
            return 1.0
        return sum(slope * entry(i) for k, i, slope in edges if k == j)

    return [entry(j) for j in range(1, n + 1)]


def last_wins(n, edges):
    table = [0.0] * n + [1.0]
    for j in range(n - 1, 0, -1):
        for k, i, slope in edges:
            if k == j:
                table[j] = table[i] * slope
    return table[1:]


def upwards(n, edges):
    table = [0.0] * (n + 1)
    table[n] = 1.0
    for j in range(1, n):
        for k, i, slope in edges:
            if k == j:
                table[j] += table[i] * slope
    return table[1:]


def as_they_come(n, edges):
    table = {i: 0.0 for i in range(1, n + 1)}
    table[n] = 1.0
    for j, i, slope in edges:
        table[j] += table[i] * slope
    return list(table.values())


def no_one(n, edges):
    table = [0.0] * (n + 1)
    for j in range(n - 1, 0, -1):
        for k, i, slope in edges:
            if k == j:
                table[j] += table[i] * slope
    return table[1:]


def with_entry_0(n, edges):
    table = [0.0] * n + [1.0]
    for j in range(n - 1, 0, -1):
        table[j] = sum(table[i] * slope for k, i, slope in edges if k == j)
    return table


def a_dict(n, edges):
    slopes = {(j, i): slope for j, i, slope in edges}
    table = [0.0] * n + [1.0]
    for j in range(n - 1, 0, -1):
        table[j] = sum(table[i] * slope for (k, i), slope in slopes.items() if k == j)
    return table[1:]


def way_forward(n, edges):
    table = [0.0, 1.0] + [0.0] * (n - 1)
    for i in range(2, n + 1):
        table[i] = sum(table[j] * slope for j, k, slope in edges if k == i)
    return table[1:]


def sorts_in_place(n, edges):
    edges.sort(reverse=True)
    table = [0.0] * n + [1.0]
    for j, i, slope in edges:
        table[j] += table[i] * slope
    return table[1:]


# --- q7 -------------------------------------------------------------------------------------------


def by_network(W, x, y):
    network = dl.layerwise.MLP(W, [np.zeros(len(V)) for V in W], [dl.layerwise.tanh] * len(W))
    run = network.forward(np.asarray(x, float), np.asarray(y, float))
    found = network.backward(run).W
    return [found[k] for k in range(1, len(W) + 1)]


def with_both_lists(W, x, y):
    before, after = [], [x]
    for V in W:
        before.append(V @ after[-1])
        after.append(np.tanh(before[-1]))
    g, found = after[-1] - y, []
    for V, a, h in zip(W[::-1], before[::-1], after[-2::-1], strict=True):
        g = g / np.cosh(a) ** 2
        found.append(g[:, None] * h)
        g = g @ V
    return found[::-1]


def by_nudging(W, x, y):
    def cost(W):
        h = x
        for V in W:
            h = np.tanh(V @ h)
        return 0.5 * np.sum((h - y) ** 2)

    found = []
    for k, V in enumerate(W):
        gradient = np.zeros(V.shape)
        for place in np.ndindex(V.shape):
            nudge = np.zeros(V.shape, complex)
            nudge[place] = 1e-30j  # a step in the imaginary direction loses no digits
            moved = [U + nudge if i == k else U for i, U in enumerate(W)]
            gradient[place] = cost(moved).imag / 1e-30
        found.append(gradient)
    return found


def tower(slope=1, outer=0, matrix=0, transposed=True, swapped=False, bend=True):
    def gradients(W, x, y):
        h = [x]
        for k in range(len(W)):
            h.append(np.tanh(W[k] @ h[k]))
        g = h[-1] - y
        on_W = []
        for k in reversed(range(len(W))):
            if bend:
                g = g * (1 - h[k + slope] ** 2)
            u, v = (h[k + outer], g) if swapped else (g, h[k + outer])
            on_W.insert(0, np.outer(u, v))
            V = W[min(k + matrix, len(W) - 1)]
            g = (V.T if transposed else V) @ g
        return on_W

    return gradients


def stacked(W, x, y):
    return np.array(tower()(W, x, y))


def slope_too_late(W, x, y):
    h = [x]
    for V in W:
        h.append(np.tanh(V @ h[-1]))
    g, on_W = h[-1] - y, []
    for k in reversed(range(len(W))):
        on_W.insert(0, np.outer(g, h[k]))
        g = W[k].T @ (g * (1 - h[k + 1] ** 2))
    return on_W


def other_way_round(W, x, y):
    return tower()(W, x, y)[::-1]


# --- q9 -------------------------------------------------------------------------------------------


def with_a_dict(f, pull, w, n, every):
    kept, x = {0: w}, w
    for i in range(1, n):
        x = f(x)
        if i % every == 0:
            kept[i] = x
    del x
    g = 1.0
    for start in sorted(kept, reverse=True):
        stretch = [kept.pop(start)]
        while len(stretch) < every and start + len(stretch) < n:
            stretch.append(f(stretch[-1]))
        while stretch:
            g = pull(stretch.pop(), g)
    return g


def recursive(f, pull, w, n, every):
    """Each call holds one value of a stretch; what is after it is done inside."""

    def through(x, steps, g):
        return pull(x, g if steps == 1 else through(f(x), steps - 1, g))

    def rest(x, steps):
        if steps <= every:
            return through(x, steps, 1.0)
        return through(x, every, rest(after(x), steps - every))

    def after(x):
        for _ in range(every):
            x = f(x)
        return x

    return rest(w, n)


def by_accumulate(f, pull, w, n, every):
    def chain(x, length):
        return accumulate(range(length - 1), lambda x, _: f(x), initial=x)

    kept = list(islice(chain(w, n), 0, None, every))
    g = np.float64(1)
    while kept:
        length = n - (len(kept) - 1) * every
        stretch = list(chain(kept.pop(), length))
        for x in stretch[::-1]:
            g = pull(x, g)
        n -= length
    return g


def on_the_way(f, pull, w, n, every):
    x, g = w, 1.0
    for i in range(n):
        g = pull(x, g)
        if i < n - 1:
            x = f(x)
    return g


def stretch_forwards(f, pull, w, n, every):
    kept, x, g = [w], w, 1.0
    for i in range(1, n):
        x = f(x)
        if i % every == 0:
            kept.append(x)
    for number in range(len(kept) - 1, -1, -1):
        x = kept[number]
        for i in range(number * every, min(n, (number + 1) * every)):
            if i > number * every:
                x = f(x)
            g = pull(x, g)
    return g


def keeps_all(f, pull, w, n, every):
    values, g = [w], 1.0
    for _ in range(n - 1):
        values.append(f(values[-1]))
    for x in reversed(values):
        g = pull(x, g)
    return g


def starts_again(f, pull, w, n, every):
    g = 1.0
    for steps in reversed(range(n)):
        x = w
        for _ in range(steps):
            x = f(x)
        g = pull(x, g)
    return g


def from_checkpoint_each_time(f, pull, w, n, every):
    kept, x, g = [w], w, 1.0
    for i in range(1, n):
        x = f(x)
        if i % every == 0:
            kept.append(x)
    for i in reversed(range(n)):
        x = kept[i // every]
        for _ in range(i % every):
            x = f(x)
        g = pull(x, g)
    return g


def after_each_step(f, pull, w, n, every):
    values, g = [w], 1.0
    for _ in range(n):
        values.append(f(values[-1]))
    for x in reversed(values[1:]):
        g = pull(x, g)
    return g


def checkpoints_only(f, pull, w, n, every):
    kept, x, g = [w], w, 1.0
    for i in range(1, n):
        x = f(x)
        if i % every == 0:
            kept.append(x)
    while kept:
        g = pull(kept.pop(), g)
    return g


def whole_stretches(f, pull, w, n, every):
    values, g = [w], 1.0
    for _ in range(n // every * every - 1):
        values.append(f(values[-1]))
    for x in reversed(values):
        g = pull(x, g)
    return g


def one_too_many(f, pull, w, n, every):
    values, g = [w], 1.0
    for _ in range(n):
        values.append(f(values[-1]))
    for x in reversed(values):
        g = pull(x, g)
    return g


def adds(f, pull, w, n, every):
    x, total = w, 0.0
    for _ in range(n):
        total += pull(x, 1.0)
        x = f(x)
    return total


def in_an_array(f, pull, w, n, every):
    values, g = np.zeros(n), 1.0
    for i in range(n):
        values[i] = w if i == 0 else f(values[i - 1])
    for x in values[::-1]:
        g = pull(x, g)
    return g


def from_zero(f, pull, w, n, every):
    return with_a_dict(f, lambda x, g: pull(x, g if g != 1.0 else 0.0), w, n, every)


def no_last_stretch(f, pull, w, n, every):
    kept = [w] * (n // every)
    return with_a_dict(f, pull, kept[-1], n, every) if n % every == 0 else kept[n]


def returns_nothing(f, pull, w, n, every):
    print(keeps_all(f, pull, w, n, every))


DIAMONDS = [(u, v) for k in (1, 4, 7) for u, v in ((k, k + 1), (k, k + 2), (k + 1, k + 3))]
DIAMONDS += [(k + 2, k + 3) for k in (1, 4, 7)]
RABBITS = [(1, 2)] + [(j, i) for i in range(3, 9) for j in (i - 2, i - 1)]

RIGHT = {
    "q1": [
        (33, 4, 1, 1),
        np.array([33.0, 4.0, 1.0, 1.0]),
        SMALL.backward(SMALL.forward([3.0])),
        [2 * 3 + 3 * 3**2, 1 + 3, 1, 1],
    ],
    "q2": [5.85, np.float32(5.85), 6.25 - 4 * 0.1, (1.5 * 2 - 1) ** 2 + 1.5**2 - 0.4],
    "q3": [
        by_loops,
        by_jacobian,
        by_graph,
        by_exponentials,
        lambda W, x, g: (g / np.cosh(W @ x) ** 2) @ W,
    ],
    "q4": [[514229, 56], np.array([514229, 56]), (514229.0, 2 * 28)],
    "q5": [
        RABBITS,
        np.array(RABBITS),
        [[j, i] for j, i in reversed(RABBITS)],
        [(1, 2), (1, 3), (2, 3), *((j, i) for i in range(4, 9) for j in (i - 1, i - 2))],
    ],
    "q6": [pushes, with_memory, by_a_matrix, forwards_for_each],
    "q7": [by_network, with_both_lists, by_nudging, tower(), stacked],
    "q8": [20, 20.0, np.int64(20), 900 // 45],
    "q9": [with_a_dict, recursive, by_accumulate],
}

WRONG = {
    "q1": [
        ([1, 1, 4, 33], "reversed"),
        ([3, 9, 27, 36], "values of the way forward"),
        ([15, 1, 1, 1], "only the sum's term"),
        ([18, 3, 1, 1], "only the product's"),
        ([24, 4, 1, 1], "the product u(3), which is missing"),
        ([9, 4, 1, 1], "the square u(2), which is missing"),
        ([15, 4, 1, 1], "1-2-3-4, is missing"),
        ([33, 4, 27, 1], "27 is the value of u(3)"),
        ([33, 4, 1, 36], "36 is the value of u(4)"),
        ([33, 4, 1], "four numbers"),
        (33, "four numbers"),
        (["33", "4", "1", "1"], "four numbers"),
        ([27, 4, 1, 1], "straight to the sum, is missing"),
    ],
    "q2": [
        (6.65, "The sign"),
        (5.86, "exact new cost"),
        (-0.4, "what J becomes"),
        (6.15, "The -1 on the edge"),
        (2.25, "multiplied by the step"),
        (6.85, "It is t that moves"),
        (7.0, "plus what the entry of t"),
        ((5.85,), "one number is asked for"),
    ],
    "q3": [
        (lambda W, x, g: W.T @ g, "derivative of the tanh is missing"),
        (lambda W, x, g: W @ ((1 - np.tanh(W @ x) ** 2) * g), "the transpose (6.46)"),
        (lambda W, x, g: (1 - np.tanh(x) ** 2) * (W.T @ g), "The order"),
        (lambda W, x, g: W.T @ ((1 - (W @ x) ** 2) * g), "W x is its input"),
        (lambda W, x, g: W.T @ ((1 - np.tanh(W @ x)) * g), "with the square"),
        (lambda W, x, g: W.T @ (np.tanh(W @ x) * g), "not its slope"),
        (in_place, "changes its input g"),
        (lambda W, x, g: (1 - np.tanh(W @ x) ** 2)[:, None] * W, "This is the Jacobian"),
        (lambda W, x, g: np.outer((1 - np.tanh(W @ x) ** 2) * g, x), "the gradient on W"),
        (lambda W, x, g: W.T @ (1 - np.tanh(W @ x) ** 2 * g), "Brackets"),
        (lambda W, x, g: W.T @ (1 - np.tanh(W @ x) ** 2), "Where is g?"),
        (lambda W, x, g: (W.T @ ((1 - np.tanh(W @ x) ** 2) * g)).sum(), "shape"),
    ],
    "q4": [
        ((1, 56), "how many paths"),
        ((2**28, 56), "Twice as many"),
        ((317811, 56), "the entry of u(1)"),
        ((832040, 56), "One place too far"),
        ((514229, 28), "number of computed nodes"),
        ((514229, 514229), "edges, each once"),
        ((514229, 60), "no edges lead to them"),
        (514229, "two numbers"),
        ((56, 514229), "in the other order"),
    ],
    "q5": [
        (DIAMONDS, "Diamonds double the paths"),
        ([(i, i + 1) for i in range(1, 14)], "In a chain"),
        ([(1, 2)] * 13, "stands there twice"),
        ([(2, 1), (1, 3)], "leads backwards"),
        ([(j, i) for i in range(2, 8) for j in range(1, i)], "too many"),
        (RABBITS[:11], "edges left"),
        ([*RABBITS[:11], (5, 8), (6, 8)], "Nothing leads on from node 7"),
        ([(0, 1), (1, 2), (0, 2)], "nodes are numbered from 1"),
        ([*RABBITS[:11], (9, 10), (8, 10)], "No edge leads to node 8"),
        (21, "not the form"),
    ],
    "q6": [
        (path_by_path, "2 to the power of 60 paths"),
        (last_wins, "use +=, not ="),
        (upwards, "goes upwards"),
        (as_they_come, "edges may come in any order"),
        (no_one, "begin with a 1"),
        (with_entry_0, "one entry too many"),
        (a_dict, "keeps only one of them"),
        (way_forward, "the way forwards"),
        (sorts_in_place, "changes its input edges"),
        (not_to_node_1, "does not reach node 1"),
        (counted_from_0, "Nodes are numbered from 1"),
        (only_what_is_reached, "it needs an entry, too"),
        (lambda n, edges: pushes(n, edges)[::-1], "reversed"),
        (lambda n, edges: np.array(0.0), "shape"),
        (never_ends, "never ends"),
    ],
    "q7": [
        (tower(slope=0), "still taken at h[k]"),
        (tower(outer=1), "wrong partner"),
        (tower(swapped=True), "outer product was right before"),
        (tower(transposed=False), "the transpose is gone"),
        (tower(matrix=1), "matrix of another layer"),
        (tower(bend=False), "Without the slope of the tanh"),
        (other_way_round, "in the wrong order"),
        (lambda W, x, y: tower()(W, x, y)[0], "where 1 values were expected"),
        (slope_too_late, "comes too late"),
    ],
    "q8": [
        (30, "Root n needs the least memory"),
        (45, "one wide stretch"),
        (14, "add up both"),
        (15, "add up both"),
        (65, "no help"),
        (1, "Keeping everything"),
        (25, "use the room that is left"),
        (900 / 43, "no such spacing"),
    ],
    "q9": [
        (keeps_all, "All values are kept"),
        (starts_again, "starts again from w"),
        (from_checkpoint_each_time, "Compute a stretch once"),
        (after_each_step, "w is the first"),
        (checkpoints_only, "Only the slopes at the checkpoints"),
        (whole_stretches, "The last stretch is missing"),
        (one_too_many, "One factor too many"),
        (on_the_way, "the same in any order"),
        (stretch_forwards, "gone through backwards"),
        (adds, "rates multiply"),
        (returns_nothing, "returns None"),
        (in_an_array, "keep values in a list"),
        (from_zero, "Begin with 1"),
        (no_last_stretch, "raises IndexError"),
    ],
    "q10": [("It is not the same.", "a little more")],
}
