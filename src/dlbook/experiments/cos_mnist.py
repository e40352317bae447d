"""Section 6.3.3: does h = cos(W x + b) reach less than 1 percent error on MNIST?

Fully connected networks with cosine units, and with rectified ones beside them, are trained on
all of MNIST, with the pictures as they are and with pictures shifted anew in every epoch by up to
two pixels each way (the book does not say what its network was given).

    python -m dlbook.experiments.cos_mnist --workers 2

writes ``cos_mnist.csv`` beside this file; what is there already is not run again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import dlbook as dl
from dlbook.experiments import record

PATH = Path(__file__).with_suffix(".csv")
BATCH = 128
SHIFT = 2  # pixels


def shifted(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move each picture by up to two pixels each way; what comes in is background."""
    pictures = np.pad(X.reshape(-1, 28, 28), ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (28, 28), axis=(1, 2))
    down, right = rng.integers(0, 2 * SHIFT + 1, (2, len(X)))
    return windows[np.arange(len(X)), down, right].reshape(len(X), 784)


def experiment(
    unit: str, width: int, layers: int, shifts: bool, epochs: int, seed: int
) -> record.Row:
    """Train one network and count its errors on the test set after the last epoch."""
    X, y, X_test, y_test = dl.datasets.mnist()
    rng = np.random.default_rng(seed)
    network = dl.MLP([784, *[width] * layers, 10], unit, dtype=np.float32)
    inputs = dl.variable("X", (None, 784), np.float32)
    labels = dl.variable("y", (None,), np.int64)
    logits = network(inputs)
    J = dl.mean(dl.cross_entropy(logits, labels))
    step = dl.compile(
        [J, *dl.backprop(network.parameters, J).values()], [inputs, labels, *network.parameters]
    )
    classify = dl.compile([dl.argmax(logits, axis=1)], [inputs, *network.parameters])
    values, memory = network.initial_values(rng, "he"), None
    started, steps = time.perf_counter(), epochs * (len(X) // BATCH)
    for epoch in range(epochs):
        seen = shifted(X, rng) if shifts else X
        order = rng.permutation(len(X))
        for number in range(len(X) // BATCH):
            batch = order[number * BATCH : (number + 1) * BATCH]
            cost, *gradients = step(seen[batch], y[batch], *values.values())
            done = (epoch * (len(X) // BATCH) + number) / steps
            optimizer = dl.Adam(1e-3 * (1 - done))  # down to 0, in a straight line
            values, memory = optimizer.step(values, gradients, memory)
    errors = int(np.sum(classify(X_test, *values.values())[0] != y_test))
    return {
        "errors": errors,
        "test_error": errors / len(y_test),
        "training_cost": round(float(cost), 6),
        "seconds": round(time.perf_counter() - started),
        "data": hashlib.sha256(X.tobytes() + X_test.tobytes()).hexdigest()[:16],
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def tasks(epochs: int) -> list[record.Row]:
    """List the networks: cosine and rectified, with and without shifted pictures."""
    return [
        {
            "unit": unit,
            "width": 1000,
            "layers": 2,
            "shifts": shifts,
            "epochs": epochs,
            "seed": seed,
        }
        for seed in range(2)
        for shifts in (True, False)
        for unit in ("cos", "relu")
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.workers) as executor:
        record.run(experiment, tasks(options.epochs), PATH, executor)
