"""How objects show themselves: as what one types to make them, and never longer than one reads.

In a notebook some have a form of their own besides that: see :func:`displayed`.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

MOST = 20  # lines, or what is written on them
LONGEST = 60  # characters of one setting
# pytest sets the first by itself; what builds the site or stores the notebooks sets the second.
STRICT = ("PYTEST_VERSION", "DLBOOK_STRICT")


def shortened(text: str, longest: int = LONGEST) -> str:
    """Write a text on one line, with dots in place of what is too long."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


def lines_of(
    things: Sequence[Any], write: Callable[[Any], str] = str, most: int = MOST, sign: str = ""
) -> list[str]:
    """Write a line for each thing; of many the first and the last, and between how many more."""
    if len(things) <= most:
        return list(map(write, things))
    first, last = things[: most // 2], things[-(most // 2) :]
    rest = len(things) - len(first) - len(last)
    return [*map(write, first), f"{sign}... {rest:,} more ...", *map(write, last)]


class Typed(str):
    """A text that is Python already, and is written as it is."""

    __repr__ = str.__str__


def as_typed(
    thing: Any,
    where: str = "",
    values: Mapping[str, Any] | None = None,
    always: Sequence[str] = (),
    unnamed: Sequence[str] = (),
) -> str:
    """Write an object as what one types to make it; what it has by default is left out.

    Parameters
    ----------
    thing : object
        Of a class whose instances have attributes named as its parameters.
    where : str
        What stands before the name of a class of the library: ``"output_units."``.
    values : dict of str to object, optional
        Values of parameters that are no attributes.
    always, unnamed : list of str
        Parameters that are written also where they have their default; and without their name.
    """
    kind = type(thing)
    where = where if kind.__module__.startswith("dlbook.") else ""
    values = vars(thing) if values is None else {**vars(thing), **values}
    parts, in_order = [], True
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = values.get(name, getattr(thing, name, ...))
        needed = parameter.default is parameter.empty
        if needed or (value is not ... and (name in always or not _same(value, parameter.default))):
            alone = needed or (name in unnamed and in_order)
            parts.append(written(value) if alone else f"{name}={written(value)}")
        else:
            in_order = False
    return f"{where}{kind.__name__}({', '.join(parts)})"


def _same(value: Any, default: Any) -> bool:
    return value is default or bool(np.all(value == default))


def written(value: Any) -> str:
    """Write a value as one types it: functions and dtypes by their name, and no address."""
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return repr(np.dtype(value).name)
    if inspect.isroutine(value) or isinstance(value, np.ufunc | type):
        return value.__name__
    return shortened(re.sub(r" at 0x[0-9a-f]+", "", "..." if value is ... else repr(value)))


def is_tested() -> bool:
    """Tell whether a notebook runs to be tested or stored, and nobody looks."""
    return any(os.environ.get(name) for name in STRICT)


@cache
def style_sheet() -> str:
    """Return what an output needs to look in a notebook as it does on the site."""
    css = files("dlbook").joinpath("notebook.css").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)).strip()


def displayed(html: str, text: str) -> dict[str, str]:
    """Return what a cell shows: HTML, and the line of text that is stored and tested.

    The site has a style sheet of its own; everywhere else the style travels with each output. A
    notebook that is tested keeps the text alone.
    """
    if os.environ.get("DLBOOK_FIGURES") == "html":
        return {"text/html": html, "text/plain": text}
    if is_tested():
        return {"text/plain": text}
    page = f'<div class="dl-output"><style>{style_sheet()}</style>{html}</div>'
    return {"text/html": page, "text/plain": text}
