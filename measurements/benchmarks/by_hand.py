"""One gradient step of Figure 6.11's network, written by hand: what a compiled program is held to.

Twice. :func:`make_step` is what somebody who knows NumPy writes for speed: every result goes into a
buffer that was made before. :func:`make_tuned_step` is what is left after days with a profiler: the
buffers begin where a cache line does, the gradient on H takes the memory of H, the weight decay
goes block by block, and the logits lie the other way round, classes first, because NumPy is fast
along the longer axis. The gradients that both return are such buffers: the next step overwrites
them.

Both take the numbers of examples, inputs, hidden units and classes, and return
``step(X, y, W1, W2) -> J, g1, g2``. X, W1 and W2 are float32, y holds labels. The cost is the mean
cross-entropy plus ``decay`` times the sum of all squared weights (Equation 6.56).
"""

import math

import numpy as np
from numpy import add, divide, exp, greater, log, maximum, multiply, subtract, vdot

highest, total = np.maximum.reduce, np.add.reduce
BLOCK = 32768  # entries of W1 that stay in the cache while the weight decay is worked out


def empty(*shape, dtype=np.float32):
    """Return an array whose memory begins on a cache line (NumPy's own begins anywhere)."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


def make_step(m, n, h, c, decay):
    """Return the step as one writes it with preallocated buffers."""
    H, U, row, total = (np.empty(s, np.float32) for s in [(m, h), (m, c), (m, 1), (m, 1)])
    active, dH = np.empty((m, h), bool), np.empty((m, h), np.float32)
    g1, g2, decay1, decay2 = (np.empty(s, np.float32) for s in 2 * [(n, h), (h, c)])
    examples, share, twice = np.arange(m), np.float32(1 / m), np.float32(2 * decay)

    def step(X, y, W1, W2):
        np.matmul(X, W1, out=H)
        np.maximum(H, 0, out=H)
        np.matmul(H, W2, out=U)

        np.max(U, axis=1, keepdims=True, out=row)
        np.subtract(U, row, out=U)
        chosen = U[examples, y]
        np.exp(U, out=U)
        np.sum(U, axis=1, keepdims=True, out=total)
        J_MLE = np.mean(np.log(total[:, 0]) - chosen)
        J = J_MLE + decay * (np.vdot(W1, W1) + np.vdot(W2, W2))

        np.divide(U, total, out=U)
        U[examples, y] -= 1
        np.multiply(U, share, out=U)
        np.matmul(H.T, U, out=g2)
        np.add(g2, np.multiply(W2, twice, out=decay2), out=g2)
        np.matmul(U, W2.T, out=dH)
        np.multiply(dH, np.greater(H, 0, out=active), out=dH)
        np.matmul(X.T, dH, out=g1)
        np.add(g1, np.multiply(W1, twice, out=decay1), out=g1)
        return J, g1, g2

    return step


def make_tuned_step(m, n, h, c, decay):
    """Return the step with all that a profiler asks for."""
    # `dot` costs less to call, `matmul` less to run.
    product = np.ndarray.dot if m * h <= 4096 else np.matmul
    H, active, U = empty(m, h), empty(m, h, dtype=bool), empty(c, m)
    row, picked, place = empty(m), empty(m), empty(m, dtype=np.int64)
    g1, g2, decay2 = empty(n, h), empty(h, c), empty(h, c)
    H_T, U_T, U_flat = H.T, U.T, U.reshape(-1)
    first, stride = np.arange(m), np.array(m)
    zero, many, share, twice = (np.array(v, np.float32) for v in [0, m, 1 / m, 2 * decay])
    ones, one_share, decay = np.ones(m, np.float32), np.float32(1 / m), np.float32(decay)
    rows = min(n, max(1, BLOCK // h))
    scaled = empty(rows, h)
    blocks = [(slice(i, i + rows), g1[i : i + rows], scaled[: n - i]) for i in range(0, n, rows)]

    def step(X, y, W1, W2):
        W2_T = W2.T
        product(X, W1, out=H)
        maximum(H, zero, out=H)
        greater(H, zero, active)
        product(W2_T, H_T, out=U)

        # Cross-entropy: log of the sum of exp(U), minus U at the label, the largest shifted to 0.
        subtract(U, highest(U, 0, None, row), U)
        add(multiply(y, stride, place), first, place)
        U_flat.take(place, None, picked, "wrap")
        cost = -ones.dot(picked)
        exp(U, U)
        total(U, 0, None, row)
        multiply(row, many, picked)
        cost += ones.dot(log(row, row))

        # The gradient on the logits: (softmax - one-hot) / m.
        divide(U, picked, U)
        U_flat[place] -= share
        product(H_T, U_T, out=g2)
        product(U_T, W2_T, out=H)
        multiply(H, active, H)
        product(X.T, H, out=g1)

        # Weight decay, each block of W1 read once.
        squares = vdot(W2, W2)
        add(g2, multiply(W2, twice, decay2), g2)
        for block, gradient, buffer in blocks:
            W = W1[block]
            squares += vdot(W, W)
            add(gradient, multiply(W, twice, buffer), gradient)
        return cost * one_share + decay * squares, g1, g2

    return step
