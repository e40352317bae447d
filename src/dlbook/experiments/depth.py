"""Section 6.4.1, Figures 6.6 and 6.7 in kind: does depth help, and is it depth or size?

The book shows the transcription of street numbers. Here strings of four handwritten digits in one
image are transcribed, by a convolutional network with one softmax for each digit. Its hidden
layers are ``depth - 1`` convolutions and one fully connected layer, all rectified; it is right
only if all four digits are.

    python -m dlbook.experiments.depth --workers 2

writes ``depth.csv`` beside this file; what is there already is not run again.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from dlbook import datasets, seeds
from dlbook.checks import needed_by
from dlbook.experiments import record

with needed_by("the experiment on depth"):
    import torch
    from torch import nn

Strings = tuple[np.ndarray, np.ndarray]
PATH = Path(__file__).with_suffix(".csv")
SEEDS = range(5)
DEPTHS = (3, 5, 7, 9, 11)
LENGTH = 4  # digits in a string
HEIGHT, WIDTH = 12, 40


def strings(
    images: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator
) -> Strings:
    """Paint strings of digits, each digit shifted a little, with noise over all.

    Returns
    -------
    X : array of float32, shape (count, 1, HEIGHT, WIDTH)
    y : array of int64, shape (count, LENGTH)
    """
    chosen = rng.integers(len(labels), size=(count, LENGTH))
    X = np.zeros((count, HEIGHT, WIDTH), np.float32)
    rows, shifts = rng.integers(0, HEIGHT - 7, chosen.shape), rng.integers(0, 3, chosen.shape)
    for i in range(count):
        for k in range(LENGTH):
            top, left = rows[i, k], k * (WIDTH // LENGTH) + shifts[i, k]
            X[i, top : top + 8, left : left + 8] += images[chosen[i, k]]
    X += 0.1 * rng.normal(size=X.shape).astype(np.float32)
    return X[:, None], labels[chosen]


def make_data(seed: int, train: int, test: int) -> tuple[Strings, Strings]:
    """Make training and test strings from different digits."""
    rng = np.random.default_rng(seed)
    X, y = datasets.digits()
    images, order = X.reshape(-1, 8, 8).astype(np.float32), rng.permutation(len(y))
    first, second = order[:1200], order[1200:]
    return (
        strings(images[first], y[first], train, rng),
        strings(images[second], y[second], test, rng),
    )


def make_network(depth: int, channels: int, units: int) -> nn.Module:
    """Stack ``depth`` hidden layers and an output for each digit of the string."""
    layers, seen = [], 1
    for number in range(depth - 1):
        layers += [nn.Conv2d(seen, channels, 3, padding=1), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] * (number < 2)
        seen = channels
    features = channels * (HEIGHT // 4) * (WIDTH // 4)
    layers += [nn.Flatten(), nn.Linear(features, units), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(units, LENGTH * 10), nn.Unflatten(1, (10, LENGTH)))
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def experiment(
    group: str, depth: int, channels: int, units: int, seed: int, train: int, epochs: int
) -> record.Row:
    """Train one network and measure how many test strings it reads right."""
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seeds.seed(seed))
    (X, y), (X_test, y_test) = make_data(seed, train, 4000)
    X, y, X_test, y_test = (torch.tensor(a, device=device) for a in (X, y, X_test, y_test))
    network = make_network(depth, channels, units).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    steps = epochs * (train // 100)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    started = time.perf_counter()
    for _ in range(epochs):
        for batch in torch.randperm(train, device=device).split(100):
            loss = nn.functional.cross_entropy(network(X[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        right = torch.cat([network(part).argmax(1) for part in X_test.split(500)]) == y_test
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "accuracy": round(right.all(1).float().mean().item(), 5),
        "digit_accuracy": round(right.float().mean().item(), 5),
        "training_cost": round(loss.item(), 5),
        "seconds": round(time.perf_counter() - started, 1),
        "device": device,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def same_size(depth: int, wanted: int, units: int) -> int:
    """Return the number of channels with which a network of this depth has a size like that."""

    def size(channels: int) -> int:
        return sum(p.numel() for p in make_network(depth, channels, units).parameters())

    return min(range(2, 65), key=lambda channels: abs(size(channels) - wanted))


def tasks(train: int, epochs: int) -> list[record.Row]:
    """List what the two figures need."""
    fixed = {"train": train, "epochs": epochs}
    size = sum(p.numel() for p in make_network(3, 16, 64).parameters())
    settings = [("depth", d, 16, 64) for d in DEPTHS]
    settings += [("depth, equal size", d, same_size(d, size, 64), 64) for d in DEPTHS]
    settings += [("3, convolutional", 3, c, 64) for c in (8, 16, 24, 32, 48)]
    settings += [("3, fully connected", 3, 16, u) for u in (32, 64, 128, 256, 512)]
    settings += [("11, convolutional", 11, c, 64) for c in (8, 16, 24)]
    names = ("group", "depth", "channels", "units")
    return [
        {**dict(zip(names, setting, strict=True)), "seed": seed, **fixed}
        for seed in SEEDS
        for setting in settings
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--train", type=int, default=20_000, help="training strings")
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.workers) as executor:
        record.run(experiment, tasks(options.train, options.epochs), PATH, executor)
