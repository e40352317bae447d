"""A progress bar for what takes longer than a second, in a terminal and in a notebook.

It goes when it is done, and there is none where nobody looks. Look at :func:`progress` first;
training has one by itself.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

from tqdm import tqdm

from dlbook.showing import is_tested

T = TypeVar("T")
WAIT = 1.0  # seconds until a bar appears


def progress(things: Iterable[T], about: str = "") -> Generator[T, None, None]:
    """Go through things, with a bar that says how far one has come.

    Parameters
    ----------
    things : iterable
    about : str, optional
        What goes on.
    """
    output = _Output() if _in_a_notebook() and not is_tested() else None
    bar = tqdm(
        things,
        desc=about or None,
        leave=False,
        delay=WAIT,
        file=output,
        disable=None if output is None else False,  # None: unless somebody looks at a terminal
        ncols=70 if output else None,
    )
    with bar:
        yield from bar


def _in_a_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return bool(shell) and hasattr(shell, "kernel")


class _Output:
    """Where the bar is written to: an output of the cell, written over each time."""

    def __init__(self) -> None:
        self.handle: Any = None

    def write(self, text: str) -> None:
        """Show a line in place of the one before."""
        from IPython.display import display

        line = text.strip("\r\n ")
        page = {"text/plain": line}
        if line:
            page["text/html"] = f"<pre>{html.escape(line)}</pre>"
        if self.handle:
            self.handle.update(page, raw=True)
        elif line:
            self.handle = display(page, raw=True, display_id=True)

    def flush(self) -> None:
        """Nothing is held back."""
