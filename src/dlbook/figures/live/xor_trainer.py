"""Section 6.1: training a network on XOR from a thousand starts, one step after the other.

Read :func:`network` first: the network of equation 6.3 with up to eight hidden units, those that
are not there masked. One program takes a step, the other says what there is to see.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

import dlbook as dl
from dlbook.figures.live.controls import Fates, Row, Slider, Steps
from dlbook.figures.live.figure import Computation, LiveFigure
from dlbook.figures.live.picture import Axes, element, marks, panel, table, text
from dlbook.figures.live.starts import UNITS, weights
from dlbook.figures.live.xor_by_hand import SQUARE, TICKS, examples, lines

COSTS = Axes(
    (0, np.log10(4001)), (-6, 1)
)  # the number of steps plus 1, and the cost, as logarithms
FATES = ("solved", "J = 1/8", "J = 1/6", "J = 1/4")
LEVELS = {"1/4": 1 / 4, "1/8": 1 / 8}
OF_THE_THOUSAND = "How the thousand starts end, with two units, bias 0 and a learning rate of 0.1:"
START = {"start": 1, "units": 2, "bias": 0, "rate": 0.1}
MOVES = ("W", "c", "w", "b")

# --- The graphs ----------------------------------------------------------------------------------


def network() -> dict[str, Computation]:
    """Build the two programs: a step of gradient descent, and what the picture shows."""
    X, y = dl.datasets.xor()
    W, c = dl.variable("W", (2, UNITS)), dl.variable("c", (UNITS,))
    w, b = dl.variable("w", (UNITS,)), dl.variable("b", ())
    mask, rate, k = dl.variable("mask", (UNITS,)), dl.variable("rate", ()), dl.variable("k", ())

    affine = dl.constant(X) @ W + c
    y_hat = (dl.relu(affine) * mask) @ w + b
    J = dl.mean((y - y_hat) ** 2)
    gradients = dl.backprop([W, c, w, b], J)
    at = dl.stack([dl.log(k + 1), dl.log(J)]) / np.log(10)

    descent = dl.GradientDescent(1.0)  # the learning rate is a variable here
    scaled = {V: rate * G for V, G in gradients.items()}
    after, _ = descent.step({V: V for V in gradients}, scaled)
    step = Computation(
        {**{V.name: value for V, value in after.items()}, "at": at}, [W, c, w, b, mask, rate, k]
    )

    x1, x2 = TICKS[:, None, None], TICKS[None, :, None]
    here = (dl.relu(x1 * W[0] + x2 * W[1] + c) * mask) @ w + b
    on = (affine > 0).astype(float)
    right = (dl.abs(y_hat - y) < 0.01).astype(float)
    largest = dl.max(dl.stack([dl.max(dl.abs(G)) for G in gradients.values()]))
    middle = feet(W, c)
    there = mask[:, None]  # divided by 0, a place is none, and is hidden
    shown = Computation(
        {
            "J": J, "y_hat": y_hat, "at": at, "here": here, "right": right, "largest": largest,
            "wrong": 4 - dl.sum(right), "lamps": dl.where(mask > 0, on, 2.0),
            "feet": middle / there,
            "lines": lines(middle, W.T) / there,
            "said": verdict(J, largest, on * mask, mask, right),
        },
        [W, c, w, b, mask, k],
    )  # fmt: skip
    return {"step": step, "shown": shown}


def feet(W, c, middle=0.5):
    """Return the point on each unit's line that is nearest to the middle of the square."""
    g = W.T
    height = dl.sum(g * middle, axis=1) + c
    return middle - g * (height / dl.sum(g**2, axis=1))[:, None]


def verdict(J, largest, on, mask, right):
    """Return which sentence holds: whether it learns, and if not, why."""
    seen = dl.max(on, axis=1)  # at which points some unit is on
    blind = 1 - dl.max(seen * (1 - right))
    count = dl.sum(on, axis=0)
    bends = dl.max(mask * (count > 0).astype(float) * (count < 4).astype(float))
    stuck = dl.where(bends < 0.5, 3.0, dl.where(blind > 0.5, 2.0, 4.0))
    found = dl.where(J < 1e-3, 1.0, dl.where(largest < 1e-4, stuck, 0.0))
    return dl.where(J < 1e6, found, 5.0)


SAYS = {
    "by": "said",
    "texts": [
        "Step {k:0}: J = {J:4}.",
        "Step {k:0}: J = {J:4}, solved.",
        "Step {k:0}: J = {J:4}, stuck. No unit is on at a point that the network gets wrong, so "
        "only b can move, and it stands where the errors balance.",
        "Step {k:0}: J = {J:4}, stuck. Each unit is on at all four points or at none: here the "
        "network is a linear model, and this is the best one.",
        "Step {k:0}: J = {J:4}. The gradient is next to nothing here.",
        "Step {k:0}: the cost is no longer finite, or on its way there: at this learning rate the "
        "steps overshoot. A smaller one, or back to the start?",
    ],
}

# --- The thousand --------------------------------------------------------------------------------


@cache
def fates() -> str:
    """Return how each of the thousand ends with two units, as a digit: a record of `ends`."""
    return (files("dlbook.figures.live") / "xor_fates.txt").read_text("ascii").strip()


def ends(count: int = 1000, units: int = 2, bias: float = 0.0, steps: int = 4000) -> np.ndarray:
    """Train from so many starts at once; return the costs they end with."""
    X, y = dl.datasets.xor()
    shapes = {"W": (2, units), "c": (1, units), "w": (units, 1), "b": (1, 1)}
    W, c, w, b = (dl.variable(name, (count, *shape)) for name, shape in shapes.items())
    inputs, targets = dl.variable("X", (4, 2)), dl.variable("y", (4, 1))
    J = dl.mean((targets - (dl.relu(inputs @ W + c) @ w + b)) ** 2, axis=(1, 2))
    hidden, out = weights(np.arange(1, count + 1), units)
    start = {W: hidden, c: np.full((count, 1, units), float(bias)), w: out[:, :, None]}
    start[b] = np.zeros((count, 1, 1))
    data = {inputs: X, targets: y[:, None]}
    run = dl.train(dl.sum(J), start, data, dl.GradientDescent(0.1), steps, record=[J])
    return run.recorded[0][-1]


# --- The picture ---------------------------------------------------------------------------------

TRIES = (
    "Play, and watch how lines move until the ground under the points is right, or until nothing "
    "moves any more. A click on the bar takes the next start that ends so: can more units, another "
    "learning rate or a bias save it?"
)
ALT = (
    "Left, the four points of XOR with the lines of two hidden units before training; warm ground "
    "where the output is above one half. Right, the cost over the steps, both on logarithmic axes, "
    "with its first dot. A table says which unit is on at which point, and what comes out."
)


def xor_trainer(start: int = 1) -> LiveFigure:
    """Return the figure in which a reader trains networks on XOR.

    Parameters
    ----------
    start : int
        The number of the start, from 1 on.
    """
    W, w = (value[0] for value in weights(np.array([start])))
    mask = (np.arange(UNITS) < START["units"]).astype(float)
    state = {**START, "start": start, "W": W, "c": np.zeros(UNITS), "w": w, "b": 0, "mask": mask}
    also = {key: value for key, value in START.items() if key != "start"}
    rows = [
        Row([Steps("step", MOVES, 4000, "costs")]),
        Row([Fates(OF_THE_THOUSAND, FATES, fates(), "start", also)]),
        Row(
            [
                Slider("start", "start", 1, 1000, 1, digits=0, whole=True),
                Slider("units", "units", 2, UNITS, 1, digits=0, whole=True),
                Slider("bias at the start", "bias", -0.5, 0.5, 0.05),
                Slider("learning rate", "rate", 0.01, 1.5, 0.01),
            ]
        ),
    ]
    return LiveFigure(
        "xor-trainer",
        start={**state, "k": 0},
        programs=network(),
        shows=["shown"],
        picture=lambda: [element("div", square(), costs(), class_="live-panels")],
        tables=lamps,
        marks=MARKS,
        rows=rows,
        says=SAYS,
        tries=TRIES,
        alt=ALT,
        redraws=["start", "units", "bias"],
        first={"costs": "at"},
    )


MARKS: list[dict[str, Any]] = [
    {"name": "above", "kind": "area", "from": "here", "axes": SQUARE, "level": 0.505},
    {"name": "below", "kind": "area", "from": "here", "axes": SQUARE, "level": 0.495, "sign": -1},
    {"name": "lines", "kind": "lines", "from": "lines", "axes": SQUARE},
    {"name": "feet", "kind": "points", "from": "feet", "axes": SQUARE},
    {"name": "costs", "kind": "lines", "from": "costs", "axes": COSTS, "size": 0},
    {"name": "at", "kind": "points", "from": "at", "axes": COSTS},
    {"name": "lamps", "kind": "text", "from": "lamps", "words": ["○", "●", "·"]},
    {"name": "y_hat", "kind": "text", "from": "y_hat"},
]


def square() -> Element:
    """Return the original space, with the units' lines."""
    X, _ = dl.datasets.xor()
    grounds = [
        *marks("below", "path", 1, class_="blue-pale"),
        *marks("above", "path", 1, class_="orange-pale"),
    ]
    numbers = [
        element(
            "g", element("circle", r=9), text(0, 4, str(k + 1)), data_mark="feet", class_="foot"
        )
        for k in range(UNITS)
    ]
    here = examples()
    for sign, x in zip(here, X, strict=True):
        sign.set("transform", "translate({:g} {:g})".format(*SQUARE.at(*x)))
    unit_lines = marks("lines", "path", UNITS, class_="line thin")
    return panel(
        "original space",
        SQUARE,
        [*grounds, *unit_lines, *numbers, *here],
        labels=("x₁", "x₂"),
        name="square",
    )


def costs() -> Element:
    """Return the cost over the steps."""
    inside = []
    for name, level in LEVELS.items():
        (left, y), (right, _) = (COSTS.at(x, np.log10(level)) for x in COSTS.x)
        inside.append(element("path", d=f"M{left} {y}H{right}", class_="level dotted"))
        inside.append(text(right - 6, y + (-4 if level > 0.2 else 14), name, class_="name end"))
    inside += marks("costs", "path", 1, class_="curve")
    inside += marks("at", "g", 1, element("circle", r=5, class_="blue"))
    return panel(
        "cost J", COSTS, inside, ticks=(), labels=("step", ""), name="costs", outside=ticks()
    )


def ticks() -> list[Element]:
    """Return the powers of ten along both axes."""
    left, top, _, height = COSTS.box
    steps = [
        text(COSTS.at(np.log10(k + 1), 0)[0], top + height + 16, str(k), class_="tick middle")
        for k in (0, 10, 100, 1000)
    ]
    powers = [
        text(left - 6, COSTS.at(0, power)[1] + 4, f"10{raised}", class_="tick end")
        for power, raised in ((0, "⁰"), (-2, "⁻²"), (-4, "⁻⁴"), (-6, "⁻⁶"))
    ]
    return [*steps, *powers]


def lamps() -> list[Element]:
    """Return which unit is on at which point, and what the network answers."""
    X, y = dl.datasets.xor()
    head = [("x", 2), *((f"unit {k + 1}" if k == 0 else str(k + 1), 1) for k in range(UNITS))]
    rows = []
    for x, target in zip(X, y, strict=True):
        cells = [element("td", f"{value:.0f}") for value in x]
        cells += marks("lamps", "td", UNITS, class_="lamp")
        cells += [*marks("y_hat", "td", 1), element("td", f"{target:.0f}")]
        for place in (0, 2, 2 + UNITS, 3 + UNITS):
            cells[place].set("class", f"{cells[place].get('class', '')} first".strip())
        rows.append(cells)
    return [element("div", table([*head, ("output", 1), ("y", 1)], rows), class_="live-wide")]
