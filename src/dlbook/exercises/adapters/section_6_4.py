"""Ways to ask the answers of section 6.4: weights are judged by what a network does with them."""

import numpy as np


def one_layer_at(build, x, y, at):
    """Let an answer build a layer of rectified units, and run it on some numbers.

    Raises
    ------
    ValueError
        If what comes back is not (a, b, w, c) with a, b and w of one length.
    """
    weights = build(x, y)
    if weights is None:
        return None
    if not isinstance(weights, (tuple, list)) or len(weights) != 4:
        raise ValueError("it should return four things: a, b, w and c")
    a, b, w = (np.asarray(array, float) for array in weights[:3])
    if not a.ndim == 1 or not a.shape == b.shape == w.shape:
        raise ValueError(
            f"a, b and w should have one entry for each hidden unit; their shapes are {a.shape}, "
            f"{b.shape} and {w.shape}"
        )
    hidden = np.maximum(np.asarray(at, float)[:, None] * a + b, 0)
    return hidden @ w + _number(weights[3])


def on_all_bits(build, table):
    """Let an answer build a network for a table of bits, and run it on every row.

    Raises
    ------
    ValueError
        If what comes back is not (W, b, w, c) with fitting shapes, or has more hidden units than
        half of the table has rows.
    """
    n = len(table).bit_length() - 1
    weights = build(table)
    if weights is None:
        return None
    if not isinstance(weights, (tuple, list)) or len(weights) != 4:
        raise ValueError("it should return four things: W, b, w and c")
    W, b, w = (np.asarray(array, float) for array in weights[:3])
    c, units = _number(weights[3]), w.size
    if units > len(table) // 2:
        raise ValueError(f"hidden units: {units}, allowed: {len(table) // 2}")
    inputs = (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1
    if units == 0:
        return np.full(2**n, c)
    if W.shape != (n, units) or b.shape != (units,) or w.shape != (units,):
        raise ValueError(
            f"W, b and w have shapes {W.shape}, {b.shape} and {w.shape}, and should have "
            f"{(n, units)}, {(units,)} and {(units,)}: a unit for each entry of w"
        )
    return np.maximum(inputs @ W + b, 0) @ w + c


def _number(c):
    c = np.asarray(c, float)
    if c.size != 1:
        raise ValueError(f"c should be a number; its shape is {c.shape}")
    return c.item()
