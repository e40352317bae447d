"""Right and wrong answers to the exercises on section 6.4."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np

import dlbook as dl
from dlbook import regions

# --- q1 -----------------------------------------------------------------------------------------


def parameters_by_loop(n, L, p):
    sizes, total = [n] + [p] * L + [1], 0
    for i in range(len(sizes) - 1):
        total += sizes[i] * sizes[i + 1] + sizes[i + 1]
    return total


# --- q2 -----------------------------------------------------------------------------------------


def through_by_loop(x, y):
    a, b, w, slope = [], [], [], 0.0
    for i in range(len(x) - 1):
        new = (y[i + 1] - y[i]) / (x[i + 1] - x[i])
        a.append(1), b.append(-x[i]), w.append(new - slope)
        slope = new
    return a, b, w, float(y[0])


def through_from_the_right(x, y):
    """Units that are on to the left of a point, beginning at the last."""
    slopes = np.diff(y) / np.diff(x)
    w = np.diff(-slopes[::-1], prepend=0)
    return -np.ones(len(w)), x[:0:-1], w, y[-1]


def through_by_solving(x, y):
    # A unit more than needed, and least squares for the output.
    starts = np.append(x[:-1], x[0] - 1)
    H = np.column_stack([np.maximum(x[:, None] - starts, 0), np.ones(len(x))])
    *w, c = np.linalg.lstsq(H, y, rcond=None)[0]
    return np.ones(len(starts)), -starts, np.array(w), c


def through_by_steep_units(x, y):
    steps = np.diff(x)
    slopes = np.diff(y) / steps
    return 1 / steps, -x[:-1] / steps, np.diff(slopes, prepend=0) * steps, y[0]


def through_by_steps(x, y):
    """Two units for each part, that rise from 0 to 1 in it and stay there."""
    a, b, w = [], [], []
    for left, right, rise in zip(x, x[1:], np.diff(y), strict=False):
        a += [1 / (right - left)] * 2
        b += [-left / (right - left), -right / (right - left)]
        w += [rise, -rise]
    return a, b, w, y[:1]


def through_in_float32(x, y):
    x, y = x.astype(np.float32), y.astype(np.float32)
    return (
        np.ones(len(x) - 1),
        -x[:-1],
        np.diff(np.diff(y) / np.diff(x), prepend=np.float32(0)),
        y[0],
    )


def through(starts, w, c):
    return np.ones(len(starts)), -starts, w, c


def slopes(x, y):
    return np.diff(y) / np.diff(x)


def changes(x, y):
    return np.diff(slopes(x, y), prepend=0)


# --- q3 -----------------------------------------------------------------------------------------


def table_by_loop(table):
    n = int(math.log2(len(table)))
    ones = [r for r in range(2**n) if table[r] == 1]
    turned = len(ones) > 2 ** (n - 1)
    rows = [r for r in range(2**n) if r not in ones] if turned else ones
    W, b = np.zeros((n, len(rows))), np.zeros(len(rows))
    for k, r in enumerate(rows):
        bits = [int(bit) for bit in format(r, f"0{n}b")]
        for i in range(n):
            W[i, k] = 1 if bits[i] else -1
        b[k] = 1 - sum(bits)
    return (W, b, -np.ones(len(rows)), 1) if turned else (W, b, np.ones(len(rows)), 0)


def table_with_steep_units(table):
    """A threshold half way, twice as steep, and the output of half the size."""
    n = len(table).bit_length() - 1
    rare = float(table.mean() <= 0.5)
    V = np.array(list(np.ndindex(*[2] * n)))[table == rare].reshape(-1, n)
    return 4 * (2 * V.T - 1), 2 - 4 * V.sum(axis=1), [(rare - 0.5)] * len(V), 1 - rare


def table_by_library(table):
    """The library's network with a unit for each 1; of the opposite table if those are many."""
    turned = table.sum() > len(table) / 2
    if table.min() == table.max():
        return np.zeros((len(table).bit_length() - 1, 0)), np.zeros(0), np.zeros(0), table[0]
    (W, b, _), (w, c, _) = regions.lookup_table(1 - table if turned else table)
    return (W, b, -w, 1 - c) if turned else (W, b, w, c)


def table_with(weights, biases):
    def answer(table):
        rows = regions.all_bits(len(table).bit_length() - 1)
        rare = 1 if table.sum() <= len(table) / 2 else 0
        keys = rows[table == rare]
        w = np.full(len(keys), 2 * rare - 1)
        return weights(keys).T, biases(keys), w, 1 - rare

    return answer


def table_of_ones_only(table):
    keys = regions.all_bits(len(table).bit_length() - 1)[table == 1]
    return 2 * keys.T - 1, 1 - keys.sum(axis=1), np.ones(len(keys)), 0


def table_with_a_unit_for_each_row(table):
    keys = regions.all_bits(len(table).bit_length() - 1)
    return 2 * keys.T - 1, 1 - keys.sum(axis=1), table, 0


def table_padded(table):
    """All units that are allowed; those that are not needed do nothing."""
    W, b, w, c = table_by_loop(table)
    spare = len(table) // 2 - len(b)
    return np.pad(W, ((0, 0), (0, spare))), np.pad(b, (0, spare)), np.pad(w, (0, spare)), [c]


def table_transposed(table):
    W, *rest = table_by_loop(table)
    return W.T, *rest


def table_without(part):
    def answer(table):
        W, b, w, c = table_by_loop(table)
        return (W, b, w, 0) if part == "c" else (W, b, abs(w), c)

    return answer


def table_backwards(table):
    n = len(table).bit_length() - 1
    W, b, w, c = table_by_loop(table)
    return W[::-1] if n else W, b, w, c


def table_without_ones_fails(table):
    assert 0 < table.sum() < len(table), "a constant table"
    return table_by_loop(table)


# --- q6 -----------------------------------------------------------------------------------------


def saw(depth, scale):
    layers = [(W, b) for W, b, _ in regions.sawtooth(depth)]
    layers[0] = (np.full((8, 2), scale), layers[0][1])
    layers[-1] = (layers[-1][0][:, None], np.array([0.0]))
    return layers


FOLD = np.array([[1.0, -1.0]])
PARITY_BY_FOLDS = [  # | | |s - 4| - 2 | - 1 | is 1 where s is even
    (np.repeat(FOLD, 8, axis=0), [-4, 4]),
    (np.repeat(FOLD, 2, axis=0), [-2, 2]),
    (np.repeat(FOLD, 2, axis=0), [-1, 1]),
    ([[-1], [-1]], [1]),
]
THREE = regions.zigzag(3)
PARITY_BY_THREES = [  # nine flanks, of which eight are used
    (np.full((8, 3), 3 / 9), THREE[1]),
    (THREE[2][:, None] * THREE[0], THREE[1]),
    (THREE[2][:, None], [0]),
]
DECIDES_BY_FIRST_BIT = [(np.eye(8)[:, :1], [0]), ([[1]], [0])]
SUM_ONLY = [(np.ones((8, 1)), [0]), ([[1]], [0])]
EIGHT_UNITS = [
    (np.ones((8, 8)), -np.arange(8.0)),
    (np.array([[1.0], *[[2.0 * (-1) ** i] for i in range(1, 8)]]), [0.0]),
]
BIASES_AS_NUMBERS = [  # in a row, or a single one
    *((W, np.array([b])) for W, b in PARITY_BY_FOLDS[:3]),
    ([[-1], [-1]], 1),
]
TURNED = [*PARITY_BY_FOLDS[:3], ([[1], [1]], [0])]

# --- q7 -----------------------------------------------------------------------------------------


def cells_without_end(n, d):
    return cells_without_end(n - 1, d) + cells_without_end(n - 1, d - 1)


# --- q9 -----------------------------------------------------------------------------------------


def pieces_in_fractions(layers):
    """Carry the linear functions along, in exact numbers."""

    def exact(array):
        return [[Fraction(v) for v in row] for row in np.atleast_2d(array).tolist()]

    parts = [(Fraction(0), Fraction(1), [(Fraction(1), Fraction(0))])]
    for number, (W, b) in enumerate(layers, start=1):
        V, (c,) = exact(W), exact(b)
        found = []
        for low, high, rows in parts:
            z = [
                (
                    sum(V[i][j] * rows[i][0] for i in range(len(V))),
                    sum(V[i][j] * rows[i][1] for i in range(len(V))) + c[j],
                )
                for j in range(len(c))
            ]
            if number == len(layers):
                found.append((low, high, z))
                continue
            zeros = {-t / m for m, t in z if m != 0}
            cuts = sorted({low, high} | {t for t in zeros if low < t < high})
            for left, right in pairwise(cuts):
                middle = (left + right) / 2
                on = [(m, t) if m * middle + t > 0 else (0, 0) for m, t in z]
                found.append((left, right, on))
        parts = found
    found = [z[0][0] for _, _, z in parts]
    return 1 + sum(a != b for a, b in pairwise(found))


def pieces_by_library(layers):
    units = ["relu"] * (len(layers) - 1) + ["identity"]
    chain = [(W, b, unit) for (W, b), unit in zip(layers, units, strict=True)]
    return len(regions.linear_regions(chain, 0, 1))


def pieces_by_patterns(layers):
    """Cut at the zeros of all pre-activations, a layer at a time; look at slopes in the middle."""

    def run(t, depth):
        H, slope = np.array([[t]]), np.array([[1.0]])
        for W, b in layers[:depth]:
            z, slope = H @ W + b, slope @ W
            H, slope = np.maximum(z, 0), slope * (z > 0)
        W, b = layers[depth]
        return (H @ W + b)[0], (slope @ W)[0]

    cuts = [0.0, 1.0]
    for depth in range(len(layers)):
        new = list(cuts)
        for left, right in pairwise(cuts):
            middle = (left + right) / 2
            values, found = run(middle, depth)
            if depth < len(layers) - 1:
                for value, slope in zip(values, found, strict=True):
                    zero = middle - value / slope if slope else left
                    if left + 1e-10 < zero < right - 1e-10:
                        new.append(zero)
        cuts = [0.0]
        for cut in sorted(new)[1:]:
            if cut - cuts[-1] > 1e-10:
                cuts.append(cut)
    ends = pairwise(cuts)
    found = [run((a + b) / 2, len(layers) - 1)[1][0] for a, b in ends]
    return 1 + sum(abs(a - b) > 1e-7 for a, b in pairwise(found))


def pieces_by_walking(layers):
    """Go from kink to kink, with the slopes to the right of a place."""

    def ahead(t):
        value, slope, step = np.array([t]), np.ones(1), np.inf
        for W, b in layers[:-1]:
            z, dz = value @ W + b, slope @ W
            z[abs(z) < 1e-11] = 0
            zeros = [-a / d for a, d in zip(z, dz, strict=True) if d and -a / d > 1e-11]
            step = min([step, *zeros])
            on = (z > 0) | ((z == 0) & (dz > 0))
            value, slope = z * on, dz * on
        return (slope @ layers[-1][0])[0], step

    t, slopes = 0.0, []
    while t < 1 - 1e-11:
        slope, step = ahead(t)
        slopes.append(slope)
        t += step
    return 1.0 + sum(abs(a - b) > 1e-8 for a, b in pairwise(slopes))


def all_patterns(layers):
    ends, before = {0.0, 1.0}, []
    for W, b in layers[:-1]:
        for j in range(W.shape[1]):
            chain = [*before, (W[:, j : j + 1], b[j : j + 1], "relu")]
            for region in regions.linear_regions(chain, 0, 1):
                ends |= set(np.concatenate(region.parts).ravel().tolist())
        before.append((W, b, "relu"))
    return len(ends) - 1


def distinct_slopes(layers):
    units = ["relu"] * (len(layers) - 1) + ["identity"]
    chain = [(W, b, unit) for (W, b), unit in zip(layers, units, strict=True)]
    return len({r.weights.item() for r in regions.linear_regions(chain, 0, 1)})


def anywhere(layers):
    units = ["relu"] * (len(layers) - 1) + ["identity"]
    return len(regions.linear_regions([(W, b, u) for (W, b), u in zip(layers, units, strict=True)]))


def first_layer_only(layers):
    if len(layers) == 1:
        return 1
    W, b = layers[0]
    with np.errstate(all="ignore"):
        kinks = -b / W[0]
    return 1 + len(np.unique(kinks[(kinks > 0) & (kinks < 1)]))


def on_a_grid(layers):
    t = np.linspace(0, 1, 1001)
    H = t[:, None]
    for W, b in layers[:-1]:
        H = np.maximum(H @ W + b, 0)
    y = (H @ layers[-1][0] + layers[-1][1])[:, 0]
    return 1 + (np.abs(np.diff(np.diff(y))) > 1e-9).sum()


def on_a_fine_grid(layers):
    t = np.linspace(0, 1, 100_001)
    H = t[:, None]
    for W, b in layers[:-1]:
        H = np.maximum(H @ W + b, 0)
    slopes = np.diff((H @ layers[-1][0] + layers[-1][1])[:, 0]) * 1e5
    bends = abs(np.diff(slopes)) > 1e-6
    return 1 + int(bends[:1].sum() + (bends[1:] & ~bends[:-1]).sum())


def never_ends(layers):
    t = 0.0
    while t < 1:
        t += 0.0
    return 1


# --- q10 ----------------------------------------------------------------------------------------


def skips_by_index(X, layers):
    outputs = []
    for i, (W, b) in enumerate(layers):
        h = (outputs[i - 1] if i else X) @ W + b
        h[h < 0] = 0
        outputs.append(h + outputs[i - 2] if i > 1 else h)
    return outputs[-1]


def skips_with_two_names(X, layers):
    before, last = None, None
    for W, b in layers:
        h = np.maximum(0, (X if last is None else last) @ W + b)
        before, last = last, h if before is None else h + before
    return last


def skips_by_library(X, layers):
    width = X.shape[1]
    network = dl.Network(
        *[dl.Layer(width, width, "relu") for _ in layers],
        skips=[(i, i + 2) for i in range(1, len(layers) - 1)],
    )
    x = dl.variable("X", (None, width))
    arrays = [array for pair in layers for array in pair]
    values = dict(zip(network.parameters, arrays, strict=True))
    return dl.evaluate(network(x), {x: np.asarray(X, float), **values})


def skips(back=2, inside=False, stored=True, start=3):
    def answer(X, layers):
        H, found = X, []
        for i, (W, b) in enumerate(layers, start=1):
            z = H @ W + b
            plain = np.maximum(z, 0)
            H = plain
            if i >= start and back:
                H = np.maximum(z + found[-back], 0) if inside else plain + found[-back]
            found.append(H if stored else plain)
        return H

    return answer


def skips_in_place(X, layers):
    H, found = X, []
    for W, b in layers:
        H = (H @ W + b).clip(0)
        found.append(H)
        if len(found) > 2:
            H += found[-3]  # found[-1] is H itself
    return H.tolist()


def skips_from_the_input(X, layers):
    found = [X]
    for i, (W, b) in enumerate(layers):
        h = np.maximum(found[-1] @ W + b, 0)
        found.append(h + found[i - 1] if i else h)
    return found[-1]


def skips_over_three(X, layers):
    H, found = X, [X]
    for i, (W, b) in enumerate(layers, start=1):
        H = np.maximum(H @ W + b, 0)
        if i > 2:
            H = H + found[i - 3]
        found.append(H)
    return H


RIGHT = {
    "q1": [
        lambda n, L, p: dl.MLP([n, *[p] * L, 1]).parameter_count,
        lambda n, L, p: p * (n + 2) + 1 + (L - 1) * (p**2 + p),
        parameters_by_loop,
    ],
    "q2": [
        through_by_loop,
        through_from_the_right,
        through_by_solving,
        through_by_steep_units,
        through_by_steps,
        through_in_float32,
    ],
    "q3": [table_by_loop, table_with_steep_units, table_by_library, table_padded],
    "q4": [32, 32.0, np.int64(32)],
    "q5": ["c", "C", " c"],
    "q6": [PARITY_BY_FOLDS, PARITY_BY_THREES, tuple(saw(3, 1 / 8)), BIASES_AS_NUMBERS],
    "q7": [
        lambda n, d: sum(math.comb(n, j) for j in range(d + 1)),
        lambda n, d: sum(
            math.exp(math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1))
            for j in range(min(n, d) + 1)
        ),
        lambda n, d: int(sum((regions.all_bits(n).sum(axis=1) <= d) * 1)),
        lambda n, d: (
            1
            + sum(math.prod(range(n - j + 1, n + 1)) // math.factorial(j) for j in range(1, d + 1))
        ),
    ],
    "q8": ["c", "C", "c "],
    "q9": [pieces_in_fractions, pieces_by_library, pieces_by_patterns, pieces_by_walking],
    "q10": [skips_by_index, skips_with_two_names, skips_by_library, skips_in_place],
}

WRONG = {
    "q1": [
        (lambda n, L, p: n * p + (L - 1) * p**2 + p, "biases are missing"),
        (lambda n, L, p: (n + 1) * p + (L - 1) * (p + 1) * p, "output layer is missing"),
        (lambda n, L, p: (n + 1) * p + (L - 1) * (p + 1) * p + p, "has a bias, too"),
        (lambda n, L, p: (n + 1) * p + L * (p + 1) * p + p + 1, "L - 1 layers"),
        (lambda n, L, p: L * (n + 1) * p + p + 1, "reads the n inputs"),
        (lambda n, L, p: n * p + 1 + (L - 1) * (p**2 + 1) + p + 1, "One bias a layer"),
        (lambda n, L, p: print((n + 1) * p), "returns None"),
    ],
    "q2": [
        (lambda x, y: through(x[:-1], slopes(x, y), y[0]), "slopes add up"),
        (lambda x, y: through(x[:-1], changes(x, y), 0.0), "has to be y[0]"),
        (lambda x, y: through(x[1:], changes(x, y), y[0]), "right ends"),
        (lambda x, y: through(x[1:-1], changes(x, y)[1:], y[0]), "no slope"),
        (
            lambda x, y: through(x[:-1], np.diff(np.diff(y), prepend=0), y[0]),
            "rise over run",
        ),
        (lambda x, y: through(-x[:-1], changes(x, y), y[0]), "kink at -x_i"),
        (lambda x, y: through(x, changes(x, y), y[0]), "one entry for each hidden unit"),
        (
            lambda x, y: (-np.ones(len(x) - 1), x[:-1], changes(x, y), y[0]),
            "to the left of its kink",
        ),
        (lambda x, y: (changes(x, y), -x[:-1], np.ones(len(x) - 1), y[0]), "changed places"),
    ],
    "q3": [
        (table_of_ones_only, "give units to the zeros"),
        (table_with_a_unit_for_each_row, "a unit for every row"),
        (table_with(lambda k: k, lambda k: 1 - k.sum(axis=1)), "needs the weight -1"),
        (table_with(lambda k: 2 * k - 1, lambda k: -k.sum(axis=1)), "never fires"),
        (table_with(lambda k: 2 * k - 1, lambda k: np.zeros(len(k))), "biases are missing"),
        (table_with(lambda k: 2 * k - 1, lambda k: 2 - k.sum(axis=1)), "too large"),
        (table_backwards, "wrong end"),
        (lambda table: table_by_loop(1 - table), "turned round"),
        (table_without_ones_fails, "takes no unit at all"),
        (table_transposed, "a row for each bit"),
        (table_without("c"), "begins at c = 1"),
        (table_without("sign"), "the output subtracts them"),
    ],
    "q4": [
        (128, "share of single rows"),
        (256, "five of eight"),
        (0, "its opposite"),
        (8, "32 ways"),
        (96, "exactly two"),
        (64, "8 ways to complete"),
        (1 / 8, "is the share"),
        ("one in eight", "numbers were expected"),
    ],
    "q5": [
        ("a", "adds one flank"),
        ("b", "2^6 = 64"),
        ("d", "4^3 = 64"),
        ("81", "choose one letter"),
        (4, "choose one letter"),
    ],
    "q6": [
        (saw(2, 1 / 8), "turns round 3 times"),
        (saw(3, 1.0), "mean of the bits"),
        (EIGHT_UNITS, "8 hidden units, where six are allowed"),
        (TURNED, "parity turned round"),
        (DECIDES_BY_FIRST_BIT, "equally many bits on"),
        (SUM_ONLY, "turns round 0 times"),
        ([(W.T, b) for W, b in saw(3, 1 / 8)], "does not fit into the chain"),
        ([W for W, _ in saw(3, 1 / 8)], "layer 1 is no pair"),
        ([(W * np.nan, b) for W, b in saw(3, 1 / 8)], "not all finite"),
    ],
    "q7": [
        (lambda n, d: 2**n, "patterns of on and off"),
        (lambda n, d: math.comb(n, d), "unbounded are missing"),
        (lambda n, d: 1 + n + math.comb(n, 2), "number for the plane"),
        (lambda n, d: sum(math.comb(n, j) for j in range(d)), "ends too early"),
        (lambda n, d: n**d, "how it grows"),
        (lambda n, d: n + 1, "d = 1 alone"),
        (lambda n, d: math.comb(n, d + 1), "Count by hand"),
        (lambda n, d: sum(math.comb(n, j) for j in range(1, d + 1)), "begins too late"),
        (cells_without_end, "does not stop"),
    ],
    "q8": [
        ("a", "11, 44, 176"),
        ("b", "lies on the counts"),
        ("d", "a few dozen"),
        ("binomial", "choose one letter"),
        (3, "choose one letter"),
    ],
    "q9": [
        (lambda layers: pieces_by_library(layers) - 1, "counts the kinks"),
        (distinct_slopes, "Compare neighbours only"),
        (all_patterns, "does not show it"),
        (first_layer_only, "kinks of the first layer"),
        (lambda layers: 1 + sum(len(b) for _, b in layers[:-1]), "more than hidden units"),
        (anywhere, "outside of [0, 1]"),
        (on_a_grid, "grid"),
        (never_ends, "never ends"),
        (on_a_fine_grid, "a grid steps over it"),
        (lambda layers: 2 ** sum(len(b) for _, b in layers[:-1]), "patterns of on and off"),
    ],
    "q10": [
        (skips(back=1), "layer just before"),
        (skips(inside=True), "before the rectifier"),
        (skips(stored=False), "its own skip"),
        (skips_over_three, "three layers"),
        (skips(back=0), "skips are gone"),
        (skips_from_the_input, "no layer's output"),
        (lambda X, layers: skips(start=2)(X, layers), "IndexError"),
    ],
    "q11": [("It overfitted.", "a little more")],
}
