"""Right and wrong answers to the exercises on section 6.3."""

from itertools import pairwise

import numpy as np
from optional import torch

import dlbook as dl

# --- q1 -----------------------------------------------------------------------------------------


def slopes_by_loop(z, alpha):
    by_z, by_alpha = np.empty(z.shape), np.empty(z.shape)
    for place, number in np.ndenumerate(z):
        by_z[place] = 1 if number > 0 else alpha
        by_alpha[place] = 0 if number > 0 else number
    return by_z, by_alpha


def slopes_by_masks(z, alpha):
    on = (z > 0).astype(float)
    return [on + alpha * (1 - on), z * (1 - on)]


def slopes_by_library(z, alpha):
    Z, A = dl.variable("z", z.shape), dl.variable("alpha", z.shape)
    found = dl.backprop([Z, A], dl.sum(dl.maximum(Z, 0) + A * dl.minimum(Z, 0)))
    given = {Z: z.astype(float), A: np.full(z.shape, float(alpha))}
    return np.where(z == 0, alpha, dl.evaluate(found[Z], given)), dl.evaluate(found[A], given)


def slopes_from_integers(z, alpha):
    by_z = np.ones_like(z)
    by_z[z <= 0] = alpha
    return by_z, np.minimum(z, 0)


def slopes_in_place(z, alpha):
    by_z = np.where(z > 0, 1.0, alpha)
    z[z > 0] = 0
    return by_z, z


# --- q4, q5 -------------------------------------------------------------------------------------


def maxout_by_loops(z, k):
    return np.array([[max(row[i : i + k]) for i in range(0, len(row), k)] for row in z])


def maxout_by_slices(z, k):
    h = z[:, ::k]
    for j in range(1, k):
        h = np.maximum(h, z[:, j::k])
    return h


def maxout_by_torch(z, k):
    return torch.tensor(z).unflatten(-1, (-1, k)).amax(-1).numpy()


def maxout_by_reduceat(z, k):
    return np.maximum.reduceat(z, np.arange(0, z.shape[1], k), axis=1)


def maxout_from_a_low_number(z, k):
    return np.maximum(maxout_by_loops(z, k), -999)


def maxout_from_zero(z, k):
    m, p = z.shape[0], z.shape[1] // k
    h = np.zeros((m, p))
    for r in range(m):
        for i in range(p):
            for j in range(k):
                h[r, i] = max(h[r, i], z[r, i * k + j])
    return h


def maxout_one_axis_too_many(z, k):
    return z.reshape(len(z), -1, k).max(axis=2, keepdims=True)


def back_by_loops(z, k, G):
    back = np.zeros(z.shape)
    for r in range(G.shape[0]):
        for i in range(G.shape[1]):
            back[r, i * k + int(np.argmax(z[r, i * k : i * k + k]))] = G[r, i]
    return back


def back_by_one_hot(z, k, G):
    winners = z.reshape(len(z), -1, k).argmax(axis=-1)
    return (np.eye(k)[winners] * G[..., None]).reshape(len(z), -1)


def back_by_cumulated_ties(z, k, G):
    groups = z.reshape(-1, k)
    tied = groups == groups.max(axis=1, keepdims=True)
    first = tied & (tied.cumsum(axis=1) == 1)
    return (first * G.reshape(-1, 1)).reshape(z.shape)


def back_with_ties(z, k, G):
    groups = z.reshape(len(z), -1, k)
    return ((groups == groups.max(axis=2)[..., None]) * G[..., None]).reshape(z.shape)


def back_with_last(z, k, G):
    groups = z.reshape(len(z), -1, k)
    last = k - 1 - groups[:, :, ::-1].argmax(axis=2)
    return (np.eye(k)[last] * G[..., None]).reshape(z.shape)


def back_shared(z, k, G):
    groups = z.reshape(len(z), -1, k)
    tied = groups == groups.max(axis=2)[..., None]
    return (tied / tied.sum(axis=2)[..., None] * G[..., None]).reshape(z.shape)


def back_without_G(z, k, G):
    return np.eye(k)[z.reshape(len(z), -1, k).argmax(axis=2)].reshape(z.shape)


def back_times_z(z, k, G):
    return back_by_loops(z, k, G) * z


# --- q7 -----------------------------------------------------------------------------------------

CENTRES = np.array([-0.75, -0.25, 0.25, 0.75])
THIRDS = np.array([-1, -1 / 3, 1 / 3, 1])
ENDS = np.linspace(-1, 1, 5)

# --- q8 -----------------------------------------------------------------------------------------


def dead_by_loop(X, W, b):
    return [not any(x @ W[:, j] + b[j] > 0 for x in X) for j in range(W.shape[1])]


def dead_as_printed(X, W, b):
    return ((X @ W + b) <= 0).any(0)


def dead_for_a_layer(X, W, b):
    return bool(np.all(X @ W + b <= 0))


# --- q10 ----------------------------------------------------------------------------------------


def convert(inner=2.0, outer=2.0, shift=1.0, first=True, last=False):
    def answer(layers):
        found, end = [], len(layers) - 1
        for i, (W, b) in enumerate(layers):
            if i > 0:
                W, b = outer * W, b - shift * W.sum(axis=0)
            if (i > 0 or first) and (i < end or last):
                W, b = inner * W, inner * b
            found.append((W, b))
        return found

    return answer


def convert_backwards(layers):
    """Doubles first what is given, and looks back from the layer that reads."""
    found = [[np.array(W), np.array(b)] for W, b in layers]
    for here, after in pairwise(found):
        here[0], here[1] = here[0] * 2, here[1] * 2
        after[1] = after[1] - np.ones(len(after[0])) @ after[0]
        after[0] = after[0] * 2
    return found


def convert_recursively(layers):
    def rest(layers, seen):
        if not layers:
            return []
        (W, b), *more = layers
        factor = 2 if more else 1
        new = (factor * seen * W, factor * (b - (W.sum(axis=0) if seen == 2 else 0)))
        return [new, *rest(more, 2)]

    return rest(list(layers), 1)


def convert_turned_round(layers):
    """1 - s(z) = s(-z): all units may also be turned round."""
    found = []
    for i, (W, b) in enumerate(layers):
        if i > 0:
            W, b = -2 * W, b + W.sum(axis=0)  # tanh = 1 - 2 s(-2 z)
        if i < len(layers) - 1:
            W, b = -2 * W, -2 * b
        found.append((W, b))
    return found


def convert_bias(bias):
    """Right but for the biases of the hidden layers after the first."""

    def answer(layers):
        found = [list(pair) for pair in convert()(layers)]
        for (W, b), pair in list(zip(layers, found, strict=True))[1:-1]:
            pair[1] = bias(W, b)
        return found

    return answer


def convert_in_place(layers):
    for i, (W, b) in enumerate(layers):
        if i > 0:
            b -= W.sum(axis=0)
            W *= 2
        if i < len(layers) - 1:
            W *= 2
            b *= 2
    return layers


def convert_without_bias(layers):
    found = []
    for i, (W, b) in enumerate(layers):
        if i > 0:
            W, b = 2 * W, b - W.sum(axis=0)
        found.append((2 * W if i < len(layers) - 1 else W, b))
    return found


RIGHT = {
    "q1": [slopes_by_loop, slopes_by_masks, slopes_by_library],
    "q2": ["b", "B", " b "],
    "q3": ["c", "C", "c\n"],
    "q4": [maxout_by_loops, maxout_by_slices, maxout_by_reduceat, *[maxout_by_torch] * bool(torch)],
    "q5": [back_by_loops, back_by_one_hot, back_by_cumulated_ties],
    "q6": [
        ([[-1, 1], [1, -1]], [0, 0]),
        [np.array([[2.0, -3.0], [-1.0, 1.0]]), np.array([-1.0, 0.0])],
        (np.array([[1.0, -5.0], [-1.0, 1.0]]), np.zeros(2)),
    ],
    "q7": [
        ([1.5, 0.5, -0.5, -1.5], [-17 / 32, -1 / 32, -1 / 32, -17 / 32]),
        (2 * CENTRES, -(CENTRES**2) + 0.0275),
        np.array([[-1.49, -0.5, 0.5, 1.49], [-0.525, -0.03, -0.03, -0.525]]),
    ],
    "q8": [
        dead_by_loop,
        lambda X, W, b: (X @ W + b).max(axis=0) <= 0,
        lambda X, W, b: ~(np.einsum("mn,nk->mk", X, W) + b > 0).any(axis=0),
    ],
    "q9": ["d", "D", "d "],
    "q10": [
        convert_backwards,
        convert_recursively,
        convert_turned_round,
        lambda layers: iter(convert_backwards(layers)),
    ],
}

WRONG = {
    "q1": [
        (lambda z, alpha: (np.where(z > 0, 1.0, 0.0), np.minimum(0, z)), "plain rectifier"),
        (lambda z, alpha: (np.where(z >= 0, 1.0, alpha), np.minimum(0, z)), "from the right"),
        (lambda z, alpha: (np.where(z > 0, 1.0, alpha), (z <= 0) * 1.0), "alpha multiplies z"),
        (lambda z, alpha: (np.where(z > 0, 1.0, alpha), z), "min(0, z) and not z"),
        (lambda z, alpha: (np.where(z > 0, 1.0, alpha), np.maximum(0, z)), "min(0, z)"),
        (lambda z, alpha: (np.minimum(0, z), np.where(z > 0, 1.0, alpha)), "changed places"),
        (
            lambda z, alpha: (
                (np.maximum(z, 0) + alpha * np.minimum(z, 0)) / z,
                np.minimum(z, 0),
            ),
            "0 / 0",
        ),
        (lambda z, alpha: (np.where(z > 0, 1.0, -alpha), np.minimum(0, z)), "alpha itself"),
        (
            lambda z, alpha: (np.where(z > 0, 1.0, alpha), alpha * np.minimum(0, z)),
            "an alpha left",
        ),
        (
            lambda z, alpha: (
                np.where(z > 0, 1.0, alpha * (z < 0)),
                np.minimum(0, z),
            ),
            "Right but at z = 0",
        ),
        (slopes_from_integers, "integer array cannot hold alpha"),
        (slopes_in_place, "changes its input z"),
    ],
    "q2": [
        ("a", "sign of z"),
        ("c", "slope from the right"),
        ("d", "training has to go on"),
        ("e", "choose one letter"),
        (0, "choose one letter"),
    ],
    "q3": [
        ("a", "0.01"),
        ("b", "levels off on the left"),
        ("d", "flat on both sides"),
        ("absolute value", "choose one letter"),
        (3, "choose one letter"),
    ],
    "q4": [
        (lambda z, k: z.reshape(len(z), k, -1).max(axis=1), "Equation 6.37 takes neighbours"),
        (lambda z, k: z.max(axis=1), "whole row"),
        (maxout_from_zero, "never below 0"),
        (lambda z, k: np.abs(z).reshape(len(z), -1, k).max(axis=2), "largest in size"),
        (lambda z, k: z.reshape(len(z), -1, k).mean(axis=2), "maximum that bends"),
        (maxout_from_a_low_number, "belong to unit i"),
        (lambda z, k: np.maximum(z[:, ::2], z[:, 1::2]), "whatever k is"),
        (lambda z, k: z.reshape(len(z), -1, k).argmax(axis=2), "which piece"),
        (maxout_one_axis_too_many, "an axis too many"),
        (lambda z, k: z.reshape(-1, 2).max(axis=1).reshape(len(z), -1), "belong to unit i"),
    ],
    "q5": [
        (lambda z, k, G: np.repeat(G, k, axis=1), "the losers too"),
        (back_with_ties, "both got the whole gradient"),
        (back_shared, "they share"),
        (back_with_last, "the last one got"),
        (back_without_G, "multiplied by G"),
        (back_times_z, "value is a factor"),
        (lambda z, k, G: np.repeat(G, k, axis=1) * (z > 0), "as for a rectifier"),
        (lambda z, k, G: back_without_G(z, k, G) * np.tile(G, k), "np.tile does not"),
        (lambda z, k, G: G, "G has a number for each unit"),
    ],
    "q6": [
        (([[1, 0], [-1, 0]], [0, 0]), "One side is done. It is silent at [0, 1]"),
        (([[1, 0], [0, 1]], [0, 0]), "That is OR"),
        (([[1, 0], [1, 0]], [0, 0]), "sum of the bits"),
        (([[1, 0], [1, 0]], [-1, 0]), "That is AND"),
        (([[1, -1], [1, -1]], [-1, 1]), "That is XNOR"),
        ((np.array([[1, -1]]), np.zeros(2)), "a column of W"),
        (3.0, "has not the form"),
    ],
    "q7": [
        ((2 * CENTRES, -(CENTRES**2)), "tangents"),
        ((ENDS[1:] + ENDS[:-1], -ENDS[1:] * ENDS[:-1]), "chords"),
        (([-1, 1, -1, 1], [-0.125, -0.125, -0.125, -0.125]), "Only 2 of the four pieces"),
        ((CENTRES, -(CENTRES**2) + 1 / 32), "Only 3 of the four pieces"),
        ((2 * THIRDS, -(THIRDS**2)), "tangents"),
        ((-2 * CENTRES, CENTRES**2), "Only 2 of the four pieces"),
        ((2 * ENDS, -(ENDS**2)), "Four pieces"),
        # The lines of least squares: not the ones whose largest error is the least.
        ((2 * CENTRES, -(CENTRES**2) + 0.5**2 / 12), "up to 0.0208 above"),
    ],
    "q8": [
        (dead_as_printed, "off for some example"),
        (lambda X, W, b: (X @ W + b > 0).any(axis=0), "turned round"),
        (lambda X, W, b: (X @ W + b <= 0).all(axis=1), "axis 0 runs over them"),
        (lambda X, W, b: (X @ W + b < 0).all(axis=0), "counts as off"),
        (lambda X, W, b: (X @ W + b).mean(axis=0) <= 0, "mean over the examples"),
        (lambda X, W, b: (X @ W <= 0).all(axis=0), "biases are left out"),
        (lambda X, W, b: np.flatnonzero((X @ W + b <= 0).all(axis=0)), "True or False"),
        (lambda X, W, b: X[0] @ W + b <= 0, "first example alone"),
        (lambda X, W, b: (X @ W - b <= 0).all(axis=0), "are subtracted"),
        (lambda X, W, b: (W < 0).all(axis=0), "in the whole of its column"),
        (dead_for_a_layer, "Each unit lives or dies"),
    ],
    "q9": [
        ("a", "the slope 1/4 only"),
        ("b", "multiplied, not added"),
        ("c", "nowhere steeper than 1/4"),
        ("1e-6", "choose one letter"),
        (1e-6, "choose one letter"),
    ],
    "q10": [
        (convert(shift=0.0), "the -1 has to go into their biases"),
        (convert(shift=2.0), "taken off twice"),
        (convert(shift=-1.0), "sign of the shift"),
        (convert(inner=1.0), "are not doubled: tanh(z)"),
        (convert(outer=1.0), "outputs are not doubled"),
        (convert(last=True), "last layer has no sigmoid"),
        (convert(first=False), "first layer is left"),
        (convert_bias(lambda W, b: 2 * b - W.sum(axis=0)), "First the shift"),
        (convert_bias(lambda W, b: 2 * (b - W.sum())), "sum of all weights"),
        (convert_without_bias, "its bias as well"),
        (lambda layers: layers, "still those for tanh"),
        (lambda layers: convert()(layers)[:-1], "layers came back"),
        (convert_in_place, "changes its input layers"),
    ],
    "q11": [("More seeds.", "a little more")],
}
