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

    def spec(self) -> dict[str, Any]:
        place = {} if self.index is None else {"index": self.index}
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


Control = Slider | Switch | Choice | Play | Drag


@dataclass(frozen=True)
class Row:
    """Controls that stand beside each other; not ``small``: left out where there is little room."""

    controls: Sequence[Control]
    small: bool = False
