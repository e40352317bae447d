"""One gradient step of Figure 6.11's network, in each library as its users would write it.

J is the mean cross-entropy of softmax(relu(X W1) W2) plus 1e-4 times the sum of all squared
weights (Equation 6.56); a step gives J and the gradients on W1 and W2. All numbers are float32.
A contender takes the arrays X, y, W1, W2 and returns a function without arguments, so that
turning them into the library's own kind is not measured.
"""

import os

import numpy as np
from by_hand import make_step, make_tuned_step

import dlbook as dl

DECAY = 1e-4
SIZES = [  # examples, inputs, hidden units, classes
    (4, 2, 2, 2),
    (32, 64, 32, 10),
    (128, 64, 128, 10),
    (128, 784, 256, 10),
    (256, 784, 1024, 10),
]

# As in a process that has run for a while: the C library of Linux keeps memory of up to this size
# for the next array once it has been freed, and does not fetch it page by page again. Otherwise
# all who allocate in a step would be slow until one of them happened to free a large array.
np.empty(31 * 2**20, np.uint8)


def problem(size):
    """Return the arrays X, y, W1, W2 of this size."""
    m, n, h, c = size
    rng = np.random.default_rng(6)
    shapes = {"X": ((m, n), 1), "W1": ((n, h), n**-0.5), "W2": ((h, c), h**-0.5)}
    X, W1, W2 = (rng.normal(0, s, shape).astype(np.float32) for shape, s in shapes.values())
    return X, rng.integers(0, c, m), W1, W2


def exact(X, y, W1, W2):
    """Return J and both gradients, computed in float64 without any thought of speed."""
    X, W1, W2 = (A.astype(np.float64) for A in (X, W1, W2))
    examples = np.arange(len(y))
    H = np.maximum(X @ W1, 0)
    U = H @ W2
    P = np.exp(U) / np.exp(U).sum(axis=1, keepdims=True)
    J = -np.log(P[examples, y]).mean() + DECAY * ((W1**2).sum() + (W2**2).sum())
    P[examples, y] -= 1
    G = P / len(y)
    return J, X.T @ (G @ W2.T * (H > 0)) + 2 * DECAY * W1, H.T @ G + 2 * DECAY * W2


def figure_6_11(size):
    """Return the cost as a graph, with its inputs X, y, W1, W2."""
    _, n, h, c = size
    X, y = dl.variable("X", (None, n), np.float32), dl.variable("y", (None,), np.int64)
    W1, W2 = dl.variable("W1", (n, h), np.float32), dl.variable("W2", (h, c), np.float32)
    J_MLE = dl.mean(dl.cross_entropy(dl.relu(X @ W1) @ W2, y))
    return J_MLE + DECAY * (dl.sum(W1**2) + dl.sum(W2**2)), [X, y, W1, W2]


def dlbook(X, y, W1, W2):
    J, inputs = figure_6_11((*X.shape, *W2.shape))
    step = dl.compile([J, *dl.backprop(inputs[2:], J).values()], inputs)
    return lambda: step(X, y, W1, W2)


def by_hand(X, y, W1, W2):
    step = make_step(*X.shape, *W2.shape, DECAY)
    return lambda: step(X, y, W1, W2)


def by_hand_tuned(X, y, W1, W2):
    step = make_tuned_step(*X.shape, *W2.shape, DECAY)
    return lambda: step(X, y, W1, W2)


def pytorch(X, y, W1, W2):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    X, y, W1, W2 = (torch.from_numpy(A) for A in (X, y, W1, W2))
    weights = [W1.requires_grad_(), W2.requires_grad_()]

    def step():
        logits = torch.relu(X @ W1) @ W2
        J_MLE = torch.nn.functional.cross_entropy(logits, y)
        J = J_MLE + DECAY * ((W1**2).sum() + (W2**2).sum())
        return J.detach(), *torch.autograd.grad(J, weights)

    return step


def jax(X, y, W1, W2):
    import jax

    X, y, W1, W2 = (jax.device_put(A) for A in (X, y, W1, W2))

    def cost(W1, W2, X, y):
        log_p = jax.nn.log_softmax(jax.nn.relu(X @ W1) @ W2)
        J_MLE = -jax.numpy.take_along_axis(log_p, y[:, None], axis=1).mean()
        return J_MLE + DECAY * ((W1**2).sum() + (W2**2).sum())

    value_and_grad = jax.jit(jax.value_and_grad(cost, argnums=(0, 1)))

    def step():
        J, gradients = jax.block_until_ready(value_and_grad(W1, W2, X, y))
        return J, *gradients

    return step


def autograd(X, y, W1, W2):
    import autograd.numpy as np
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    examples = np.arange(len(y))

    def cost(weights):
        W1, W2 = weights
        U = np.dot(np.maximum(np.dot(X, W1), 0), W2)
        J_MLE = np.mean(logsumexp(U, axis=1) - U[examples, y])
        return J_MLE + DECAY * (np.sum(W1**2) + np.sum(W2**2))

    step = value_and_grad(cost)

    def flat():
        J, gradients = step((W1, W2))
        return J, *gradients

    return flat


def mygrad(X, y, W1, W2):
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    W1, W2 = mg.tensor(W1), mg.tensor(W2)
    decay = np.float32(DECAY)  # a plain number would make float64 of it

    def step():
        with mg.mem_guard_off:  # what its documentation advises for speed
            J_MLE = softmax_crossentropy(mg.matmul(relu(mg.matmul(X, W1)), W2), y)
            J = J_MLE + decay * (mg.sum(W1**2) + mg.sum(W2**2))
            J.backward()
        return J.data, W1.grad, W2.grad

    return step


CONTENDERS = {
    "dlbook": dlbook,
    "by hand": by_hand,
    "by hand, tuned": by_hand_tuned,
    "PyTorch": pytorch,
    "jax.jit": jax,
    "autograd": autograd,
    "MyGrad": mygrad,
}
