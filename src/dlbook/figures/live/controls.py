"""What a reader can move: sliders, switches, choices, and parts of the picture.

Each has a ``spec`` for the player, and its ``html`` if it is an element of its own. What it does is
in ``player/controls.js``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from dlbook.figures.live.picture import Axes, Pair, element


@dataclass(frozen=True)
class Slider:
    """A number of the state, by a slider and by typing."""

    label: str
    state: str
    low: float
    high: float
    step: float
    index: int | None = None
    digits: int = 2
    typed: bool = True
    whole: bool = False  # a number that counts something: nothing else, and no more than there are

    def spec(self) -> dict[str, Any]:
        place: dict[str, Any] = {} if self.index is None else {"index": self.index}
        if self.whole:
            place["whole"] = (self.low, self.high)
        own = {"state": self.state, "label": self.label, "digits": self.digits}
        return {"kind": "slider", **own, **place}

    def html(self) -> list[Element]:
        ends = {"min": self.low, "max": self.high, "step": self.step}
        range_ = element("input", type="range", **ends)
        label = element("label", element("span", self.label), range_)
        if not self.typed:
            return [label]
        name = f"{self.label} as a number"
        return [label, element("input", type="text", inputmode="decimal", aria_label=name)]


@dataclass(frozen=True)
class Switch:
    """A number of the state that is 0 or 1."""

    label: str
    state: str

    def spec(self) -> dict[str, Any]:
        return {"kind": "switch", "state": self.state}

    def html(self) -> list[Element]:
        return [element("label", element("input", type="checkbox"), f" {self.label}")]


@dataclass(frozen=True)
class Choice:
    """States to choose from, by name; ``None`` is the one that the reader had before choosing."""

    label: str
    states: Mapping[str, Mapping[str, Any] | None]

    def spec(self) -> dict[str, Any]:
        return {"kind": "choice", "states": list(self.states.values())}

    def html(self) -> list[Element]:
        buttons = [element("button", name, type="button") for name in self.states]
        name = element("span", self.label)
        return [element("div", name, *buttons, role="group", aria_label=self.label)]


@dataclass(frozen=True)
class Play:
    """A number of the state that goes from one value to another by itself."""

    state: str
    to: Pair
    seconds: float

    def spec(self) -> dict[str, Any]:
        return {"kind": "play", "state": self.state, "to": self.to, "seconds": self.seconds}

    def html(self) -> list[Element]:
        return [element("button", "Play", type="button")]


@dataclass(frozen=True)
class Drag:
    """A part of the picture that stands for two numbers of the state.

    Attributes
    ----------
    mark, index : str, int
        Which element.
    state : str
        An array of pairs; the handle has the pair at the same index.
    origin, scale : str, float
        The handle is at the pair of ``origin`` plus ``scale`` times its own.
    """

    label: str
    mark: str
    index: int
    state: str
    axes: Axes
    names: tuple[str, str]
    snap: float
    limits: Pair
    origin: str = ""
    scale: float = 1

    def spec(self) -> dict[str, Any]:
        made = {"kind": "drag", **self.__dict__, "axes": self.axes.spec()}
        return made if self.origin else {k: v for k, v in made.items() if k != "origin"}

    def html(self) -> list[Element]:
        return []


@dataclass(frozen=True)
class Steps:
    """A program that takes one step after the other.

    Attributes
    ----------
    program : str
        Its outputs named ``moves`` are the next values of these, and ``at`` the place of the cost
        before the step, in the picture of the costs.
    moves : list of str
    most : int
        After so many steps it stops.
    costs : str
        Under which name the places of all costs up to now are, for a mark.
    """

    program: str
    moves: Sequence[str]
    most: int
    costs: str

    def spec(self) -> dict[str, Any]:
        return {"kind": "steps", **self.__dict__}

    def html(self) -> list[Element]:
        buttons = [element("button", name, type="button") for name in ("Step", "Play")]
        range_ = element("input", type="range", min=0, max=1, step=1, value=0)
        return [*buttons, element("label", element("span", "back and forth"), range_)]


@dataclass(frozen=True)
class Fates:
    """Starts by how they end, as a bar; ``also`` is what the rest of the state must be for it.

    Attributes
    ----------
    names : list of str
        Of the fates.
    fates : str
        A digit for each start, from number 1 on.
    """

    label: str
    names: Sequence[str]
    fates: str
    state: str
    also: Mapping[str, float]

    def spec(self) -> dict[str, Any]:
        return {"kind": "fates", "fates": self.fates, "state": self.state, "also": dict(self.also)}

    def html(self) -> list[Element]:
        parts = []
        for fate, name in enumerate(self.names):
            share = self.fates.count(str(fate)) / len(self.fates)
            button = element("button", f"{name} {share:.0%}", type="button")
            button.set("style", f"flex-grow: {share:.3f}")
            button.set("data-fate", str(fate))
            parts.append(button)
        bar = element("div", *parts, role="group", aria_label=self.label)
        return [element("p", self.label), bar]


Control = Slider | Switch | Choice | Play | Drag | Steps | Fates


@dataclass(frozen=True)
class Row:
    """Controls that stand beside each other; not ``small``: left out where there is little room."""

    controls: Sequence[Control]
    small: bool = False
