"""Section 6.4.1: how many linear pieces a network has, counted and not estimated.

Look at :func:`linear_regions` first. A rectified, absolute value or maxout unit takes the largest
of a few linear functions, so a network of them is linear wherever every unit has settled on one.
Layer by layer, the space of one or two inputs is cut along the lines where units change their
mind. All is done in whole numbers: a float is a whole number over a power of two, so nothing is
rounded and no piece is too small to be seen.

Below are networks with weights by hand: those that have many pieces, and one for any table of bits.
No graph is needed here; :func:`layers_of` translates a network of the library.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray
Layers = Sequence[tuple[Array, Array, str]]
Corner = tuple[int, ...]  # (p, q) is the point p / q of the line, (p1, p2, q) one of the plane
Cell = tuple[Corner, ...]  # an interval, or a convex polygon counter-clockwise
Row = tuple[int, ...]  # a linear function: its value at a corner is a sum of products

FAR = 2.0**64


@dataclass(frozen=True)
class Region:
    """A connected part of the input space on which a network is one linear function.

    Attributes
    ----------
    parts : list of array, each of shape (corners, d)
        The convex polygons that it consists of; for one input, intervals.
    weights, biases : arrays of shapes (d, outputs) and (outputs,)
        There the network computes ``x @ weights + biases``.
    """

    parts: list[Array]
    weights: Array
    biases: Array


def linear_regions(layers: Layers, low: float = -FAR, high: float = FAR) -> list[Region]:
    """Cut the input space into the linear regions of a network, exactly (Equation 6.42).

    Parameters
    ----------
    layers : list of (W, b, unit)
        Weights of shape ``(in_size, out_size * pieces)``, biases ``(out_size * pieces,)``, and
        ``"relu"``, ``"absolute value"``, ``"maxout(k)"`` or ``"identity"``; a last layer with one
        output may have ``(in_size,)`` and ``()``. The first takes one or two inputs.
    low, high : float
        Every input is between them. Without, they are so far out that only lines which are
        parallel in almost all digits meet beyond.

    Returns
    -------
    list of Region
        Neighbours differ in weights or biases: two cells that a unit separates are one region if
        the output does not show it.

    Raises
    ------
    ValueError
        If there are more than two inputs, shapes do not fit, numbers are not finite, or a unit is
        not a maximum of linear functions.
    """
    layers = _checked(layers)
    d = len(layers[0][0])
    if d not in (1, 2) or not -math.inf < low < high < math.inf:
        raise ValueError(
            f"linear regions: needs 1 or 2 inputs between two finite bounds, got {d} inputs from "
            f"{low} to {high}"
        )
    box, scale = _box(low, high, d), 1
    inputs = [tuple(int(i == j) for j in range(d + 1)) for i in range(d)]
    cells = [(box, inputs)]
    for W, b, unit in layers:
        W, b, size = _in_whole_numbers(W, b)
        cells = [found for cell in cells for found in _through(cell, W, b * scale, unit)]
        scale *= size
    groups: dict[tuple[Row, ...], list[Cell]] = {}
    for cell, rows in cells:
        groups.setdefault(tuple(rows), []).append(cell)
    return [
        _region(parts, rows, scale) for rows, same in groups.items() for parts in _connected(same)
    ]


def _through(
    at: tuple[Cell, list[Row]], W: Array, b: Array, unit: str
) -> list[tuple[Cell, list[Row]]]:
    """Cut a cell by the units of a layer; return each part with what the layer computes there."""
    cell, inputs = at
    z = W.T @ np.array(inputs, dtype=object)
    z[:, -1] += b
    parts: list[tuple[Cell, list[Row]]] = [(cell, [])]
    for choice in _choices([tuple(row) for row in z], unit):
        parts = [
            (smaller, [*rows, row]) for part, rows in parts for smaller, row in _cut(part, choice)
        ]
    return parts


def _choices(z: list[Row], unit: str) -> list[list[Row]]:
    """Return for each unit the linear functions of which it takes the largest."""
    pieces = _pieces(unit)
    if unit == "relu":
        return [[row, (0,) * len(row)] for row in z]
    if unit == "absolute value":
        return [[row, tuple(-a for a in row)] for row in z]
    return [z[i : i + pieces] for i in range(0, len(z), pieces)]


def _cut(cell: Cell, choice: Sequence[Row]) -> Iterator[tuple[Cell, Row]]:
    """Yield the parts of a cell where one of the functions is the largest, with that function."""
    choice = list(dict.fromkeys(choice))
    for row in choice:
        part: Cell | None = cell
        for other in choice:
            if other != row and part:
                part = _above(part, tuple(a - b for a, b in zip(row, other, strict=True)))
        if part:
            yield part, row


def _above(cell: Cell, line: Row) -> Cell | None:
    """Return the part of a cell where a linear function is positive; None if it has no interior."""
    values = [sum(a * p for a, p in zip(line, corner, strict=True)) for corner in cell]
    if min(values) >= 0:
        return cell
    if max(values) <= 0:
        return None
    corners = []
    for (v, p), (w, q) in pairwise([*zip(values, cell, strict=True), (values[0], cell[0])]):
        if v >= 0:
            corners.append(p)
        if v * w < 0:  # between the two it is 0
            crossing = [abs(w) * a + abs(v) * b for a, b in zip(p, q, strict=True)]
            shared = math.gcd(*crossing)
            corners.append(tuple(a // shared for a in crossing))
    return tuple(dict.fromkeys(corners))


def _box(low: float, high: float, d: int) -> Cell:
    """Return the interval or the square that everything happens in."""
    (p, q), (r, s) = float(low).as_integer_ratio(), float(high).as_integer_ratio()
    if d == 1:
        return ((p, q), (r, s))
    left, right, below = p * s, r * q, q * s
    square = [(left, left), (right, left), (right, right), (left, right)]
    corners = [(*point, below) for point in square]
    return tuple(tuple(a // math.gcd(*corner) for a in corner) for corner in corners)


def _connected(cells: list[Cell]) -> list[list[Cell]]:
    """Sort cells into groups that hang together by more than a point of a plane."""
    groups: list[list[Cell]] = []
    for cell in cells:
        near = [group for group in groups if any(_touch(cell, other) for other in group)]
        groups = [group for group in groups if not any(group is one for one in near)]
        groups.append([cell, *(other for group in near for other in group)])
    return groups


def _touch(one: Cell, other: Cell) -> bool:
    """Return whether two cells share a side; for one input, an end.

    What two convex polygons share, if they do not overlap, is a segment, and its ends are corners.
    """
    shared = {p for p in one if _inside(p, other)} | {p for p in other if _inside(p, one)}
    return len(shared) >= len(one[0]) - 1


def _inside(corner: Corner, cell: Cell) -> bool:
    if len(corner) == 2:
        return corner in cell
    return all(_turn(a, b, corner) >= 0 for a, b in pairwise([*cell, cell[0]]))


def _turn(a: Corner, b: Corner, c: Corner) -> int:
    """Return a determinant: positive if c is to the left of the way from a to b."""
    return (
        a[0] * (b[1] * c[2] - b[2] * c[1])
        - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
    )


def _region(cells: list[Cell], rows: Sequence[Row], scale: int) -> Region:
    """Translate whole numbers back."""
    parts = [np.array([[a / p[-1] for a in p[:-1]] for p in cell]) for cell in cells]
    table = np.array([[a / scale for a in row] for row in rows])
    return Region(parts, table[:, :-1].T, table[:, -1])


def _in_whole_numbers(W: Array, b: Array) -> tuple[Array, Array, int]:
    """Return weights and biases times a number that makes them all whole, and that number."""
    size = max(float(v).as_integer_ratio()[1] for v in [*W.flat, *b.flat])  # all powers of two

    def whole(array: Array) -> Array:
        ratios = [float(v).as_integer_ratio() for v in array.flat]
        numbers = np.empty(array.size, dtype=object)
        numbers[:] = [p * (size // q) for p, q in ratios]
        return numbers.reshape(array.shape)

    return whole(W), whole(b), size


def _checked(layers: Layers) -> list[tuple[Array, Array, str]]:
    """Return the layers with W as matrices; raise ValueError if they make no chain."""
    checked, width = [], None
    for number, (W, b, unit) in enumerate(layers, start=1):
        W, b = np.asarray(W, float), np.asarray(b, float)
        if W.ndim == 1 and b.ndim == 0:
            W, b = W[:, None], b[None]
        fits = W.ndim == 2 and b.shape == W.shape[1:] and width in (None, W.shape[0])
        if not fits or W.size == 0 or W.shape[1] % _pieces(unit):
            raise ValueError(
                f"linear regions: layer {number} has weights {W.shape}, biases {b.shape} and "
                f"{unit} units, after a layer of {width} units"
            )
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ValueError(f"linear regions: the numbers of layer {number} are not all finite")
        checked.append((W, b, unit))
        width = W.shape[1] // _pieces(unit)
    if not checked:
        raise ValueError("linear regions: at least one layer is needed")
    return checked


def _pieces(unit: str) -> int:
    """Return how many pre-activations a unit takes."""
    if unit in ("relu", "absolute value", "identity"):
        return 1
    if of_pieces := re.fullmatch(r"maxout\(([1-9][0-9]*)\)", str(unit)):
        return int(of_pieces[1])
    raise ValueError(
        f"linear regions: {unit!r} is no maximum of linear functions; there are 'relu', "
        f"'absolute value', 'maxout(k)' and 'identity'"
    )


def layers_of(network: Any, values: Mapping[Any, Array]) -> list[tuple[Array, Array, str]]:
    """Return the layers of a :class:`~dlbook.network.Network` as :func:`linear_regions` takes them.

    Parameters
    ----------
    network : Network
        Without skip connections.
    values : dict of Variable to array
        Its parameters.

    Raises ValueError if the network is no plain chain of affine layers.
    """
    if network.skips or any(layer.biases is None for layer in network.layers):
        raise ValueError("layers of: needs a chain of affine layers without skip connections")
    return [
        (values[layer.weights], values[layer.biases], layer.unit.name) for layer in network.layers
    ]


def forward(layers: Layers, X: Array) -> Array:
    """Compute the outputs of such layers for a design matrix, as shape (m, outputs)."""

    def apply(H: Array, layer: tuple[Array, Array, str]) -> Array:
        W, b, unit = layer
        z = H @ W + b
        if unit == "relu":
            return np.maximum(z, 0)
        if unit == "absolute value":
            return np.abs(z)
        return z.reshape(*z.shape[:-1], -1, _pieces(unit)).max(axis=-1)

    return reduce(apply, _checked(layers), np.asarray(X, float))


def most_cells(n: int, d: int) -> int:
    """Return into how many parts n hyperplanes cut a space of d dimensions, at most.

    They do if they are in general position: no two parallel, no d + 1 through one point. That is
    the most regions that one layer of n rectified units can have (Zaslavsky, 1975).
    """
    return sum(math.comb(n, j) for j in range(d + 1))


# --- Weights by hand ----------------------------------------------------------------------------


def sawtooth(depth: int) -> list[tuple[Array, Array, str]]:
    """Return ``depth`` layers of two rectified units whose output has 2^depth flanks.

    Between 0 and 1 two units make a tent, 2 max{0, x} - 4 max{0, x - 1/2}; each further layer is
    the same tent over the output of the one before. Raises ValueError if there is no layer.
    """
    if depth < 1:
        raise ValueError(f"sawtooth: needs a layer, got {depth}")
    first = (np.ones((1, 2)), np.array([0.0, -0.5]), "relu")
    again = (np.array([[2.0, 2.0], [-4.0, -4.0]]), np.array([0.0, -0.5]), "relu")
    return [first, *[again] * (depth - 1), (np.array([2.0, -4.0]), np.array(0.0), "identity")]


def zigzag(pieces: int) -> tuple[Array, Array, Array]:
    """Return W, b and w of rectified units whose sum takes [0, 1] to [0, 1], that many times.

    Unit i begins at i / pieces and turns the direction round.
    """
    starts = np.arange(pieces)
    w = np.where(starts == 0, 1, 2 * (-1.0) ** starts)
    return np.full((1, pieces), float(pieces)), -starts.astype(float), w


def folding(n: int, d: int, depth: int, rng: np.random.Generator) -> list[tuple[Array, Array, str]]:
    """Return the network of the theorem behind Equation 6.42 (Montufar et al., 2014).

    In each hidden layer but the last, n // d units fold every input into n // d equal parts that
    lie on each other, all from 0 to 1. The last cuts what it is given by n random lines that all
    cross between 0 and 1; and every fold repeats what it finds there.

    Raises ValueError if there are fewer units than inputs, or other than one or two inputs.
    """
    if d not in (1, 2) or n < d or depth < 1:
        raise ValueError(f"folding: needs 1 or 2 inputs and as many units, got {d} and {n}")
    W, b, w = zigzag(n // d)
    layers, into = [], np.eye(d)
    for _ in range(depth - 1):
        layers.append((into @ np.kron(np.eye(d), W), np.tile(b, d), "relu"))
        into = np.kron(np.eye(d), w[:, None])
    C, c = _crossing_lines(n, d, rng)
    layers.append((into @ C, c, "relu"))
    return [*layers, (rng.normal(size=n), np.array(0.0), "identity")]


def _crossing_lines(n: int, d: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw lines, or points for d = 1, in general position that meet between 0 and 1 only."""
    sides = (-1.0) ** np.arange(n)
    if d == 1:
        # The first looks the other way: where all units are off, mirror images would merge.
        sides = np.where(np.arange(n) == 0, -1.0, 1.0)
        return sides[None], -sides * np.arange(1, n + 1) / (n + 1)
    # Tangents of a circle about the middle, and every unit is off inside.
    angles = np.pi * (np.arange(n) + rng.uniform(0.3, 0.7, size=n)) / n
    normals = sides * np.array([np.cos(angles), np.sin(angles)])
    return normals, -normals.sum(axis=0) / 2 - 0.4 * np.sin(np.pi / (4 * n))


def maxout_folding(k: int, depth: int) -> list[tuple[Array, Array, str]]:
    """Return layers of two maxout units that fold [0, 1] into 2 k - 1 equal parts each.

    A maxout unit is convex, and can only turn upwards. The difference of two turns both ways.

    Raises ValueError unless there are at least two pieces.
    """
    if k < 2 or depth < 1:
        raise ValueError(f"maxout folding: needs 2 pieces and a layer, got {k} and {depth}")
    parts = 2 * k - 1
    turns = np.arange(1, parts)
    slopes = 2.0 * parts * np.arange(k)
    up, down = (np.concatenate([[0], -2 * np.cumsum(turns[i::2])]) for i in (1, 0))
    W = np.concatenate([parts + slopes, slopes])[None]
    b = np.concatenate([up, down])
    difference, unit = np.array([1.0, -1.0]), f"maxout({k})"
    deeper = (difference[:, None] @ W, b, unit)
    return [(W, b, unit), *[deeper] * (depth - 1), (difference, np.array(0.0), "identity")]


def lookup_table(table: Array) -> list[tuple[Array, Array, str]]:
    """Return a network for any table of bits, with one hidden unit for each 1 in it.

    Parameters
    ----------
    table : array of 0 and 1, shape (2 ** n,)
        What to answer to each row of :func:`all_bits`.

    Raises ValueError if that is no table of bits, or there is no 1 in it.
    """
    table = np.asarray(table)
    n = table.size.bit_length() - 1
    if table.shape != (2**n,) or n < 1 or not np.isin(table, (0, 1)).all() or not table.any():
        raise ValueError(
            f"lookup table: needs 2^n bits, and a 1 among them, got an array of shape {table.shape}"
        )
    keys = all_bits(n)[np.flatnonzero(table)]
    # 1 for x equal to its key, at most 0 with a bit wrong.
    hidden = ((2 * keys - 1).T, 1 - keys.sum(axis=1), "relu")
    return [hidden, (np.ones(len(keys)), np.array(0.0), "identity")]


def all_bits(n: int) -> Array:
    """Return all vectors of n bits, shape (2 ** n, n), counting up."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1).astype(float)
