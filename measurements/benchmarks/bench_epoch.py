"""One epoch of a 784-256-10 network over data of MNIST's size, in minibatches of 128.

Both loops do what their users' loops do: draw an order, take the examples of a batch out of
arrays in memory, compute cost and gradient, step. ``dl.train`` also looks at every cost and
gradient for what is not finite.
"""

import os

import numpy as np
import pytest

import dlbook as dl

EXAMPLES, BATCH, SIZES = 60_000, 128, [784, 256, 10]
STEPS = EXAMPLES // BATCH


def data():
    rng = np.random.default_rng(6)
    X = rng.random((EXAMPLES, SIZES[0]), dtype=np.float32)
    return X, rng.integers(0, SIZES[-1], EXAMPLES)


def dlbook(X, y):
    network = dl.MLP(SIZES, "relu", dtype=np.float32)
    inputs = dl.variable("X", (None, SIZES[0]), np.float32)
    labels = dl.variable("y", (None,), np.int64)
    J = dl.mean(dl.cross_entropy(network(inputs), labels))
    start = network.initial_values(np.random.default_rng(0), "he")

    def epoch():
        return dl.train(
            J,
            start,
            {inputs: X, labels: y},
            dl.GradientDescent(0.1),
            STEPS,
            batch_size=BATCH,
            rng=np.random.default_rng(1),
        )

    return epoch


def pytorch(X, y):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    network = torch.nn.Sequential(
        torch.nn.Linear(*SIZES[:2]), torch.nn.ReLU(), torch.nn.Linear(*SIZES[1:])
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)

    def epoch():
        for batch in torch.randperm(EXAMPLES)[: STEPS * BATCH].split(BATCH):
            J = torch.nn.functional.cross_entropy(network(X[batch]), y[batch])
            optimizer.zero_grad()
            J.backward()
            optimizer.step()

    return epoch


@pytest.mark.parametrize("contender", [dlbook, pytorch])
@pytest.mark.parametrize("turn", range(3))
def test_epoch(benchmark, turn, contender):
    benchmark.group = "epoch"
    benchmark.extra_info.update(contender=contender.__name__)
    benchmark.pedantic(contender(*data()), rounds=2, warmup_rounds=1)
