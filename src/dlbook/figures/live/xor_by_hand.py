"""Section 6.1: XOR, solved by hand (Equation 6.3).

Read :func:`network` first: it is the graph of the section, with a few variables more that say where
in the picture things are. A hidden unit is shown by a line, on which it begins to answer, and by an
arrow across it, which points to where it answers and is longer the steeper it is.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

import dlbook as dl
from dlbook.figures.live.controls import Choice, Drag, Play, Row, Slider, Switch
from dlbook.figures.live.figure import Computation, LiveFigure
from dlbook.figures.live.picture import Axes, element, marks, panel, table, text

SQUARE = Axes((-0.5, 1.5), (-0.5, 1.5))
LEARNED = Axes((-1.25, 2.75), (-1.25, 2.75))
ARROW = 0.3  # of the plane, for a slope of 1
TICKS = np.linspace(-0.5, 1.5, 41).round(3)
NAMES = ("00", "01", "10", "11")
UNITS = ("orange", "green")

# --- The graph -----------------------------------------------------------------------------------


def network() -> Computation:
    """Compute the network of equation 6.3 and its cost, and where in the picture all of it is."""
    X, y = dl.datasets.xor()
    p, g = dl.variable("p", (2, 2)), dl.variable("g", (2, 2))  # each unit's line and arrow
    w, b = dl.variable("w", (2,)), dl.variable("b", ())
    on, slip, stage = dl.variable("on", ()), dl.variable("slip", (4, 2)), dl.variable("stage", ())

    W, c = g.T, -dl.sum(g * p, axis=1)

    def hidden(affine):
        return dl.where(on > 0.5, dl.relu(affine), affine)

    def output(H):
        return H @ w + b

    XW = dl.constant(X) @ W
    affine = XW + c
    H = hidden(affine) + slip
    y_hat = output(H)
    J = dl.mean((y - y_hat) ** 2)

    # The function on the whole square, beside the book's.
    x1, x2 = TICKS[:, None, None], TICKS[None, :, None]
    here = output(hidden(x1 * W[0] + x2 * W[1] + c))
    both = TICKS[:, None] + TICKS
    books = np.maximum(both, 0) - 2 * np.maximum(both - 1, 0)
    right = (y_hat > 0.5).astype(float) * y + (y_hat < 0.5).astype(float) * (1 - y)

    # On the way from X to H: the product first, then the bias, then the bend.
    part = [dl.clip(stage - k, 0, 1) for k in range(3)]
    moved = X + part[0] * (XW - X) + part[1] * c + part[2] * (H - affine)
    # Lines through a point, along what is across an arrow, and far beyond the frame.
    levels = (np.array([0, 0.5, 1]) - b)[:, None] * (w / dl.sum(w**2))
    return Computation(
        {
            "W": W, "c": c, "XW": XW, "affine": affine, "H": H, "y_hat": y_hat, "J": J,
            "here": here, "right": right, "verdict": verdict(J, right, here - books),
            "points": moved, "tips": p + ARROW * g, "arrows": dl.concatenate([p, p + ARROW * g], 1),
            "lines": lines(p, g), "levels": lines(levels, dl.stack([w, w, w])),
        },
        [p, g, w, b, on, slip, stage],
    )  # fmt: skip


def lines(through, across):
    """Return two points of each line: it passes through one, and is at right angles to an arrow."""
    turned = dl.stack([-across[:, 1], across[:, 0]], 1)
    step = 9 * turned / dl.sqrt(dl.sum(turned**2, axis=1, keepdims=True))
    return dl.concatenate([through - step, through + step], 1)


def verdict(J, right, to_the_books):
    """Return which sentence holds."""
    count = dl.sum(right)
    solved = dl.where(dl.max(dl.abs(to_the_books)) < 0.02, 4.0, 3.0)
    open_ = dl.where(count > 3.5, 2.0, dl.where(count > 0.5, 1.0, 0.0))
    return dl.where(J < 1e6, dl.where(J < 1e-3, solved, open_), 5.0)


SAYS = {
    "by": "said",
    "texts": [
        "J = {J:3}. No point is on its side of ½.",
        "J = {J:3}. {count:0} of the four points are on their side of ½.",
        "J = {J:3}. All four points are on their side of ½: classified, but not solved, which asks "
        "for a cost below 0.001.",
        "J = {J:3}: solved! Between the points, where there are no data, it is another function "
        "than the book’s.",
        "J = {J:3}: solved, and by the book’s own function.",
        "J = {J}: the outputs have left all bounds. Smaller numbers, or back to the start?",
        "J = {J:3}. A slip on some slides: they print [2, 0] for the third point after rectifying, "
        "which leaves [1, 0] as it is. The network would answer {y_hat.2:0}.",
    ],
}

TRIES = (
    "A hidden unit is a line, where it begins to answer, and an arrow to the side on which it "
    "does. Drag lines and arrows until every square stands on warm ground and every disc on cool, "
    "and watch the learned space. A first step: turn the arrow of unit 2."
)
ALT = (
    "Left, the four points of XOR in a square, with the lines of two hidden units and an arrow "
    "across each; warm ground where the network answers more than one half. Right, the same points "
    "in the space of the two units, with the lines on which the output is 0, one half and 1. "
    "Unit 2 has its arrow down to the right, and both points with x1 = 1 are on the wrong ground."
)

# --- States --------------------------------------------------------------------------------------

BOOK = {"p": [[0.3, -0.3], [0.5, 0.5]], "g": [[1, 1], [1, 1]], "w": [1, -2], "b": 0}
REST = {"on": 1, "slip": np.zeros((4, 2)), "stage": 3}
# One turn of the second unit's arrow away from the book's.
START = {**BOOK, **REST, "g": [[1, 1], [1, -1]]}
SLIP = {"slip": [[0, 0], [0, 0], [1, 0], [0, 0]]}


def units(W, c, middle: float = 0.5) -> dict[str, Any]:
    """Return lines and arrows of weights, each arrow where its line is nearest to the middle."""
    g = np.asarray(W).T
    height = g @ [middle, middle] + c
    return {"p": middle - g * (height / (g**2).sum(axis=1))[:, None], "g": g}


def trained() -> dict[str, Any]:
    """Return what training finds from a random start: |x1 - x2|, or nearly so."""
    X, y = dl.datasets.xor()
    model = dl.Network(
        dl.Layer(2, 2, dl.relu, names=("W", "c", "h")), dl.Layer(2, "scalar", names=("w", "b", "y"))
    )
    inputs, targets = dl.variable("X", (4, 2)), dl.variable("y", (4,))
    J = dl.mean((targets - model(inputs)) ** 2)
    start = dict(zip(model.parameters, WHERE_TRAINING_STARTS, strict=True))
    data = {inputs: X, targets: y}
    run = dl.train(J, start, data, dl.GradientDescent(0.1), steps=2000)
    W, c, w, b = (run.parameters[V] for V in model.parameters)
    return {**units(W, c), "w": w, "b": b}


WHERE_TRAINING_STARTS = (
    np.array([[0.9, -0.7], [-0.8, 1.1]]), np.zeros(2), np.array([0.6, 0.8]), np.array(0.0)
)  # fmt: skip


# --- The picture ---------------------------------------------------------------------------------


def xor_by_hand(small: bool = False) -> LiveFigure:
    """Return the figure in which a reader solves XOR by hand.

    Parameters
    ----------
    small : bool
        With the two planes alone, for the landing page.
    """
    drags = [
        Drag(f"Unit {k + 1}, its line", "anchors", k, "p", SQUARE, ("x₁", "x₂"), 0.05, (-0.5, 1.5))
        for k in range(2)
    ] + [
        Drag(
            f"Unit {k + 1}, its slope", "tips", k, "g", SQUARE, ("W₁", "W₂"), 0.1, (-4, 4),
            origin="p", scale=ARROW,
        )
        for k in range(2)
    ]  # fmt: skip
    linear = {"w": [0, 0], "b": 0.5, "on": 0, "slip": REST["slip"]}
    states = {
        "a linear model": linear,
        "the book’s solution": {**BOOK, "on": 1, "slip": REST["slip"]},
        "a slip on slides": {**BOOK, **SLIP, "on": 1},
        "one that training found": {**trained(), "on": 1, "slip": REST["slip"]},
        "yours": None,
    }
    stage = Slider("the points at X, XW, XW + c, H", "stage", 0, 3, 0.05, typed=False)
    weights = [Slider(f"w{'₁₂'[k]}", "w", -3, 3, 0.1, index=k) for k in range(2)]
    rows = [
        Row([stage, Play("stage", (0, 3), 4.5)]),
        Row([*weights, Slider("b", "b", -2, 2, 0.1), Switch("rectifier", "on")]),
        Row([Choice("Show", states)]),
        Row(drags),
    ]
    return LiveFigure(
        "xor-by-hand",
        start=START,
        programs={"network": network(), "sentence": sentence()},
        shows=["network", "sentence"],
        picture=picture,
        tables=matrices,
        marks=MARKS if not small else [m for m in MARKS if m["kind"] != "text"],
        rows=rows,
        says=SAYS,
        tries=TRIES,
        alt=ALT,
        passing=["slip"],
        views=["stage"],
        small=small,
    )


def sentence() -> Computation:
    """Choose the sentence: what the network does, or that it shows the slides' slip."""
    found, right = dl.variable("verdict", ()), dl.variable("right", (4,))
    slip = dl.variable("slip", (4, 2))
    said = dl.where(dl.sum(dl.abs(slip)) > 0, 6.0, found)
    return Computation({"said": said, "count": dl.sum(right)}, [found, right, slip])


MARKS: list[dict[str, Any]] = [
    {"name": "above", "kind": "area", "from": "here", "axes": SQUARE, "level": 0.505},
    {"name": "below", "kind": "area", "from": "here", "axes": SQUARE, "level": 0.495, "sign": -1},
    {"name": "lines", "kind": "lines", "from": "lines", "axes": SQUARE},
    {"name": "arrows", "kind": "lines", "from": "arrows", "axes": SQUARE},
    {"name": "anchors", "kind": "points", "from": "p", "axes": SQUARE},
    {"name": "tips", "kind": "points", "from": "tips", "axes": SQUARE},
    {"name": "levels", "kind": "lines", "from": "levels", "axes": LEARNED},
    {"name": "points", "kind": "points", "from": "points", "axes": LEARNED},
    *({"name": name, "kind": "text", "from": name} for name in ("XW", "affine", "H", "y_hat")),
    {"name": "right", "kind": "text", "from": "right", "words": ["✗", "✓"]},
]


def picture() -> list[Element]:
    return [element("div", square(), learned(), class_="live-panels")]


def point(label: int, name: str, place: tuple[int, int], **attributes: Any) -> Element:
    """Return the sign of an example: colour and shape by class, with its two bits beside it."""
    sign = (
        element("circle", r=8, class_="blue")
        if label == 0
        else element("rect", x=-7.5, y=-7.5, width=15, height=15, class_="orange")
    )
    words = text(*place, name, class_="name middle")
    return element("g", sign, words, **attributes)


PLACES = (
    (-17, 18),
    (-17, -10),
    (17, 18),
    (17, -10),
)  # of the four names, so that none covers another


def examples(**attributes: Any) -> list[Element]:
    _, y = dl.datasets.xor()
    return [
        point(int(label), name, place, **attributes)
        for label, name, place in zip(y, NAMES, PLACES, strict=True)
    ]


def square() -> Element:
    """Return the original space, with the units' lines and arrows."""
    X, _ = dl.datasets.xor()
    grounds = [
        *marks("below", "path", 1, class_="blue-pale"),
        *marks("above", "path", 1, class_="orange-pale"),
    ]
    unit_lines = marks("lines", "path", 2, class_="line")
    arrows = marks("arrows", "path", 2, class_="arrow")
    for k, part in enumerate([*unit_lines, *arrows]):
        part.set("class", f"{part.get('class')} unit-{k % 2 + 1}")
    here = examples()
    for sign, x in zip(here, X, strict=True):
        sign.set("transform", "translate({:g} {:g})".format(*SQUARE.at(*x)))
    return panel(
        "original space",
        SQUARE,
        [*grounds, *unit_lines, *arrows, *here, *handles()],
        labels=("x₁", "x₂"),
        name="square",
    )


def handles() -> list[Element]:
    """Return what can be dragged: a ring on each line, and the head of each arrow."""
    made = []
    for name in ("anchors", "tips"):
        for k in range(2):
            reach = element("circle", r=18, class_="reach")
            seen = element("circle", r=9, class_="ring")
            number = text(0, 4, str(k + 1), class_="number middle")
            inside = (
                [reach, seen, number]
                if name == "anchors"
                else [reach, element("circle", r=6, class_="head")]
            )
            made.append(element("g", *inside, data_mark=name, class_=f"handle unit-{k + 1}"))
    return made


def learned() -> Element:
    """Return the space of the two units, with the lines on which the output is 0, 1/2 and 1."""
    styles = ("level dashed", "level", "level dotted")
    levels = [element("path", data_mark="levels", class_=style) for style in styles]
    zero = [
        element(
            "path", d="M{:g} {:g}L{:g} {:g}".format(*LEARNED.at(*a), *LEARNED.at(*b)), class_="zero"
        )
        for a, b in (((-2, 0), (3, 0)), ((0, -2), (0, 3)))
    ]
    return panel(
        "learned space",
        LEARNED,
        [*zero, *levels, *legend(styles), *examples(data_mark="points")],
        ticks=(-1, 0, 1, 2),
        labels=("h₁", "h₂"),
        name="learned",
    )


def legend(styles: tuple[str, ...]) -> list[Element]:
    """Return what the three lines are."""
    parts = [text(232, 54, "output", class_="name middle")]
    for k, (style, name) in enumerate(zip(styles, ("0", "½", "1"), strict=True)):
        x = 262 + 26 * k
        parts.append(element("path", d=f"M{x - 8} 63h16", class_=style))
        parts.append(text(x, 54, name, class_="name middle"))
    return parts


def matrices() -> list[Element]:
    """Return the points on their way as rows of numbers (Equations 6.7 to 6.11)."""
    X, y = dl.datasets.xor()
    head = [("X", 2), ("XW", 2), ("XW + c", 2), ("H", 2), ("Hw + b", 1), ("y", 1), ("right", 1)]
    rows = []
    for x, target in zip(X, y, strict=True):
        cells = [element("td", f"{value:.0f}") for value in x]
        for name in ("XW", "affine", "H"):
            cells += marks(name, "td", 2)
        cells += [
            *marks("y_hat", "td", 1),
            element("td", f"{target:.0f}"),
            *marks("right", "td", 1),
        ]
        for place in (0, 2, 4, 6, 8, 9):
            cells[place].set("class", "first")
        rows.append(cells)
    return [element("div", table(head, rows), class_="live-wide")]
