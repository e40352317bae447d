"""One training step in JavaScript, by Node: dlbook's program, by hand, as objects, TensorFlow.js.

Called as ``python measurements/benchmarks/javascript.py``, which `make bench` does after all else.
It writes ``javascript.json``. Before a time counts, everybody gives the same costs, twenty times.
TensorFlow.js is fetched by npm into ``_build``, where there is one.
"""

import datetime
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.testing import assert_allclose

import dlbook as dl

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "_build" / "javascript"
TENSORFLOW = "@tensorflow/tfjs@4.22.0"
RATE = 0.05
LOAD = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0  # of the last minute
# Widths, examples, hidden unit, what stands behind the last layer.
TASKS = {
    "XOR, 2-2-1": ([2, 2, 1], 4, "relu", "squared"),
    "2-8-8-1, 200 points": ([2, 8, 8, 1], 200, "tanh", "squared"),
    "64-32-10, 32 digits": ([64, 32, 10], 32, "relu", "softmax"),
    "1-16-9, a mixture": ([1, 16, 9], 100, "tanh", "mixture"),
}


def cost_of(z, y, head):
    if head == "squared":
        return dl.mean((z[:, 0] - y) ** 2)
    if head == "softmax":
        return dl.mean(dl.cross_entropy(z, y))
    shares, means, s = dl.log_softmax(z[:, :3]), z[:, 3:6], z[:, 6:]
    e = (dl.expand_dims(y, 1) - means) * dl.exp(-s)
    return -dl.mean(dl.logsumexp(shares - s - 0.5 * e**2, axis=1))


def task(name, layers, examples, unit, head):
    """Return the step as a program, and what it starts with."""
    rng = np.random.default_rng(0)
    X = dl.variable("X", (examples, layers[0]))
    y = dl.variable("y", (examples,), np.int32 if head == "softmax" else np.float64)
    h, parameters, values = X, [], []
    for k, (n, width) in enumerate(itertools.pairwise(layers)):
        W, b = dl.variable(f"W{k + 1}", (n, width)), dl.variable(f"b{k + 1}", (width,))
        h = h @ W + b
        h = getattr(dl, unit)(h) if k < len(layers) - 2 else h
        parameters += [W, b]
        values += [rng.normal(size=(n, width)) / np.sqrt(n), 0.1 * rng.normal(size=width)]
    J = cost_of(h, y, head)
    theta = {V: V for V in parameters}
    after, _ = dl.GradientDescent(RATE).step(theta, dl.backprop(parameters, J))
    program = dl.compile([J, *after.values()], [X, y, *parameters], backend="javascript")
    inputs = rng.normal(size=(examples, layers[0]))
    targets = rng.integers(layers[-1], size=examples) if head == "softmax" else np.sin(inputs[:, 0])
    if name.startswith("XOR"):
        inputs, targets = dl.datasets.xor()
    return {
        "name": name, "layers": layers, "examples": examples, "unit": unit, "head": head,
        "rate": RATE, "source": program.source, "X": inputs.ravel().tolist(), "y": targets.tolist(),
        "parameters": [value.ravel().tolist() for value in values],
    }  # fmt: skip


def measured():
    """Let Node run everybody; return what it found, or None if there is no Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        return None
    BUILD.mkdir(parents=True, exist_ok=True)
    if npm and not (BUILD / "node_modules" / "@tensorflow" / "tfjs").is_dir():
        subprocess.run(
            [npm, "install", "--silent", "--prefix", str(BUILD), TENSORFLOW], check=False
        )
    tasks = BUILD / "tasks.json"
    tasks.write_text(json.dumps([task(name, *rest) for name, rest in TASKS.items()]))
    command = [node, str(HERE / "javascript" / "run.js"), str(tasks), str(BUILD / "node_modules")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def record(found):
    """Return what is worth keeping, once everybody has given the same costs."""
    rows = []
    for row in found["rows"]:
        for name, costs in row["costs"].items():
            precision = 2e-4 if name == "TensorFlow.js" else 1e-9  # which computes in float32
            assert_allclose(costs, row["costs"]["by hand"], rtol=precision, atol=1e-6, err_msg=name)
        times = {name: round(us, 3) for name, us in row["microseconds"].items()}
        ratios = {name: round(us / times["dlbook"], 2) for name, us in times.items()}
        rows.append({"name": row["name"], "microseconds": times, "to_dlbook": ratios})
    return {
        "date": datetime.date.today().isoformat(),
        "machine": {
            "cpu": processor(),
            "system": f"{platform.system()} {platform.machine()}",
            "load_before": LOAD,
        },
        "versions": {"node": found["node"], "tensorflow": found["tensorflow"]},
        "step": rows,
    }


def processor():
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


if __name__ == "__main__":
    found = measured()
    if found is None:
        sys.exit("There is no Node here: JavaScript is not measured.")
    results = record(found)
    for row in results["step"]:
        print(row["name"], row["microseconds"], row["to_dlbook"])
    text = json.dumps(results, indent=1) + "\n"
    (HERE / "javascript.json").write_text(text, encoding="utf-8")
