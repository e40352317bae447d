"""A figure that a reader can move."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self
from xml.etree.ElementTree import Element

import numpy as np

from dlbook.checks import known
from dlbook.figures.live import player
from dlbook.figures.live.controls import Control, Row
from dlbook.figures.live.picture import Axes, element, show, written
from dlbook.figures.style import Captioned
from dlbook.graph import Variable
from dlbook.programs.compiling import compile

Values = dict[str, Any]


class Computation:
    """A graph that a figure computes: outputs by name, from inputs by the names of the state."""

    def __init__(self, outputs: Mapping[str, Variable], inputs: Sequence[Variable]):
        self.outputs, self.inputs = dict(outputs), list(inputs)
        self.source = compile(self.outputs.values(), self.inputs, backend="javascript").source
        self.numpy = compile(self.outputs.values(), self.inputs)

    def __call__(self, values: Mapping[str, Any]) -> Values:
        """Compute the outputs by NumPy's program."""
        given = (np.asarray(values[V.name], V.dtype).reshape(known(V.shape)) for V in self.inputs)
        with np.errstate(all="ignore"):  # what is not finite is hidden, and said
            return dict(zip(self.outputs, self.numpy(*given), strict=True))

    def __repr__(self) -> str:
        return f"<{', '.join(self.outputs)} from {', '.join(V.name for V in self.inputs)}>"

    def spec(self) -> Values:
        return {"inputs": [V.name for V in self.inputs], "outputs": list(self.outputs)}


class LiveFigure(Captioned):
    """A picture whose numbers come from graphs, and a state that a reader can change.

    Parameters
    ----------
    name : str
        By which a page knows it; one of ``dlbook.figures.live.FIGURES``.
    start : dict of str to float or array
        The state that it starts with, and that *Again* leads back to.
    programs : dict of str to Computation
    shows : list of str
        The programs that run whenever the state has changed, in order.
    picture, tables : functions that return a list of Element
        What is seen, and what is read.
    marks : list of dict
        Which elements show which values: see ``player/marks.js``.
    rows : list of Row
        What can be moved.
    says : dict
        ``texts`` for the line below the picture, and ``by``, the value that chooses among them.
    tries : str
        What to try, and what to watch for.
    alt : str
        What the picture shows at first, for those who cannot see it.
    passing, views : list of str
        Parts of the state that go back to the start with the next change of another one, and parts
        that change only what is looked at.
    redraws : list of str
        Parts of the state that ask for another random start: see ``player/starts.js``.
    first : dict of str to str
        For a history of values, which value it begins with.
    small : bool
        Whether to leave out rows that are not for small places.
    """

    def __init__(
        self,
        name: str,
        *,
        start: Mapping[str, Any],
        programs: Mapping[str, Computation],
        shows: Sequence[str],
        picture: Callable[[], list[Element]],
        tables: Callable[[], list[Element]] = list,
        marks: Sequence[Mapping[str, Any]],
        rows: Sequence[Row],
        says: Mapping[str, Any],
        tries: str,
        alt: str,
        passing: Sequence[str] = (),
        views: Sequence[str] = (),
        redraws: Sequence[str] = (),
        first: Mapping[str, str] | None = None,
        small: bool = False,
    ):
        super().__init__(alt)
        self.name, self.tries, self.small = name, tries, small
        self.start = {key: _plain(value) for key, value in start.items()}
        self._shapes = {key: np.shape(value) for key, value in start.items()}
        self.programs, self.shows = dict(programs), list(shows)
        self.picture, self.tables = picture, tables
        self.rows, self.marks, self.says = list(rows), list(marks), says
        self.passing, self.views, self.redraws = list(passing), list(views), list(redraws)
        self.first = dict(first or {})
        self._changed: dict[str, Any] = {}
        self._widget: Any = None

    def starting(self, **values: Any) -> Self:
        """Let the figure start with other values than its file on the site has; return self."""
        self._changed |= {key: _plain(value) for key, value in values.items()}
        self.start |= self._changed
        return self

    # --- What it computes ------------------------------------------------------------------------

    def compute(self, state: Mapping[str, Any] | None = None) -> Values:
        """Return the state and all that is computed from it, by NumPy's programs."""
        values = {**self.start, **(state or {})}
        for name in self.shows:
            values |= self.programs[name](values)
        return values

    @property
    def controls(self) -> list[Control]:
        return [control for row in self.rows for control in row.controls]

    def spec(self) -> Values:
        """Return what the player has to know."""
        return {
            "start": self.start,
            "programs": {name: program.spec() for name, program in self.programs.items()},
            "shows": self.shows,
            "marks": [
                {k: v.spec() if isinstance(v, Axes) else v for k, v in mark.items()}
                for mark in self.marks
            ],
            "controls": [_prepared(control.spec()) for control in self.controls],
            "says": self.says,
            "passing": self.passing,
            "views": self.views,
            "redraws": self.redraws,
            "first": self.first,
        }

    def sources(self) -> dict[str, str]:
        return {name: program.source for name, program in self.programs.items()}

    def script(self) -> str:
        """Return the figure's file on the site."""
        return player.figure_script(self.name, self.spec(), self.sources())

    # --- How it is shown -------------------------------------------------------------------------

    def html(self, controls: bool = True) -> str:
        """Return the figure as its first frame, with controls that wait for their script."""
        engine = player.Engine(self.name, self.spec(), self.sources())
        frame, sentence = engine.frame(self.start)
        picture = element("div", *self.picture(), class_="live-picture", role="img")
        picture.set("aria-label", self.alt)
        line = element("p", sentence, class_="live-says")
        parts = [picture, line, *([] if self.small else self.tables())]
        show(element("div", *parts), frame)
        if controls:
            parts = [element("p", self.tries, class_="live-try"), *parts]
            voice = element("p", class_="live-voice", role="status")
            parts += [voice, element("div", *self._rows(), class_="live-controls", inert="")]
        size = " dl-live-small" if self.small else ""
        head = f'<figure class="dl-figure dl-live{size}" data-live="{self.name}"'
        if self._changed:
            head += f' data-start="{html.escape(json.dumps(self._changed))}"'
        if self.label != "figure":
            head += f' id="live-{html.escape(self.label)}"'
        return f"{head}>{written(*parts)}{self.html_caption()}</figure>"

    def _rows(self) -> list[Element]:
        rows, place = [], 0
        for row in self.rows:
            parts = []
            for control in row.controls:
                if inner := control.html():
                    kind = type(control).__name__.lower()
                    parts.append(element("div", *inner, class_=f"live-{kind}", data_control=place))
                place += 1
            if parts and (row.small or not self.small):
                rows.append(element("div", *parts, class_="live-row"))
        buttons = [element("button", "Back to the start", type="button", class_="live-again")]
        if not self.small:
            link = element("button", "Copy a link to this", type="button", class_="live-link")
            buttons.append(link)
        return [*rows, element("div", *buttons, class_="live-row")]

    @property
    def state(self) -> dict[str, np.ndarray]:
        """The state as the reader of the notebook has left it."""
        moved = self._widget.state if self._widget is not None else {}
        values = {**self.start, **moved}
        return {key: np.reshape(values[key], shape) for key, shape in self._shapes.items()}

    @property
    def values(self) -> Values:
        """All that the figure computes from its state."""
        return self.compute(self.state)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        text = repr(self)
        if os.environ.get("DLBOOK_FIGURES") == "html":  # the site's build
            return {"text/html": self.html(), "text/plain": text}
        still = f"<style>{player.part('live.css')}</style>{self.html(controls=False)}"
        bundle = {"text/html": still, "text/plain": text}
        if self._widget is None:
            from dlbook.figures.live.widget import widget_of

            self._widget = widget_of(self)
        if self._widget is not None:
            widget = self._widget._repr_mimebundle_()
            bundle |= (widget[0] if isinstance(widget, tuple) else widget) | {"text/plain": text}
        return bundle


def _plain(value: Any) -> float | list[float]:
    """Return a value as JSON has it: a number, or a flat list of numbers."""
    array = np.asarray(value, float)
    return array.item() if array.ndim == 0 else array.ravel().tolist()


def _prepared(spec: Values) -> Values:
    """Let the states of a choice be plain."""
    if "states" not in spec:
        return spec
    states = [s and {name: _plain(value) for name, value in s.items()} for s in spec["states"]]
    return {**spec, "states": states}
