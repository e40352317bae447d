"""The player of live figures: the scripts in ``player/``, put together for a page or a notebook.

Readable parts there, one file here: comments and indentation are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from dlbook.checks import needed_by

PARTS = ("frame", "marks", "starts", "controls", "figure")


@cache
def part(name: str) -> str:
    return (files("dlbook.figures.live") / "player" / name).read_text(encoding="utf-8")


def light(code: str) -> str:
    """Leave out comments and indentation: no line of the player has ``//`` within a text."""
    lines = (
        re.sub(r"(^|\s)//.*|^\s*/\*\*.*\*/\s*$", "", line).strip() for line in code.splitlines()
    )
    return "\n".join(filter(None, lines)) + "\n"


def site_script() -> str:
    """Return the script that the site has once, for all live figures."""
    parts = light("\n".join(part(f"{name}.js") for name in (*PARTS, "site")))
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def figure_script(name: str, spec: Mapping[str, Any], programs: Mapping[str, str]) -> str:
    """Return the script of one figure: what it is made of, and its programs."""
    return f"dlLive({registered(name, spec, programs)});\n"


def widget_script(name: str, spec: Mapping[str, Any], programs: Mapping[str, str]) -> str:
    """Return the player with one figure, as a module for a notebook's widget."""
    parts = light("\n".join(part(f"{part_name}.js") for part_name in (*PARTS, "widget")))
    return f"{parts}register({registered(name, spec, programs)});\n"


def registered(name: str, spec: Mapping[str, Any], programs: Mapping[str, str]) -> str:
    makers = ",\n".join(f"{program}: {source.strip()}" for program, source in programs.items())
    made = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    return f"{json.dumps(name)}, {made}, {{\n{makers}\n}}"


class Engine:
    """The player without a page: it runs a figure's programs, and says what its picture shows."""

    def __init__(self, name: str, spec: Mapping[str, Any], programs: Mapping[str, str]):
        with needed_by("figures.live"):
            import quickjs
        self._context: Any = quickjs.Context()
        self._context.eval(part("frame.js") + part("marks.js"))
        self._context.eval(
            f"register({registered(name, spec, programs)}); var at = figures[{name!r}];"
        )

    def frame(self, state: Mapping[str, Any]) -> tuple[dict[str, list[dict[str, Any]]], str]:
        """Return what the marks show for a state, and the sentence below the picture."""
        values = f"computed(at, stateOf({json.dumps(dict(state))}))"
        shown = self._context.eval(
            f"var now = {values}; JSON.stringify([frame(at, now), said(at.says, now)])"
        )
        marks, sentence = json.loads(shown)
        return marks, sentence
