"""A notebook that one can play in: what a change makes untrue is said in words, and stops nothing.

Each chapter asserts what its text says. Where it is tested, an assertion that fails is an error.
For whoever changes something the same line says what no longer holds, and the cell goes on, so that
the verdict below it can change. Look at :func:`begin` first, which each chapter calls.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from dlbook import seeds
from dlbook.showing import displayed, is_tested, shortened, written


def begin() -> None:
    """Let assertions in the cells of a notebook speak instead of stopping it, unless it is tested.

    And let networks, trainings, graphs, programs and distributions show themselves. Outside a
    notebook, and in a test, nothing changes.
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return
    seeds.begin()
    shell = get_ipython()
    if shell is None or is_tested():
        return
    others = [t for t in shell.ast_transformers if type(t).__name__ != Gently.__name__]
    shell.ast_transformers[:] = [*others, Gently()]
    shell.events.register("pre_run_cell", _remember)
    with suppress(ImportError):  # without Matplotlib they keep their text
        from dlbook.figures.objects import show_objects

        show_objects(shell)


class Gently(ast.NodeTransformer):
    """Put each ``assert`` of a cell into a ``try`` that says what has failed."""

    def visit_Assert(self, node: ast.Assert) -> ast.Try:
        """Replace one assertion."""
        say = f"__import__('dlbook.playing').playing.say({node.lineno}, {node.end_lineno}, "
        source = f"{say}{ast.unparse(node.test)!r}, {{**globals(), **locals()}}, _problem)"
        handler = ast.ExceptHandler(
            type=ast.Name("Exception", ast.Load()), name="_problem", body=ast.parse(source).body
        )
        gentle = ast.Try(body=[node], handlers=[handler], orelse=[], finalbody=[])
        return ast.fix_missing_locations(ast.copy_location(gentle, node))


_cell: dict[str, Any] = {"lines": [], "said": set()}


def _remember(info: Any = None) -> None:
    """Keep the text of the cell that is about to run."""
    _cell["lines"] = (getattr(info, "raw_cell", "") or "").splitlines()
    _cell["said"] = set()


def say(first: int, last: int, test: str, names: Mapping[str, Any], problem: Exception) -> None:
    """Show what no longer holds: once for each line, however often a loop comes to it."""
    from IPython.display import display

    if first not in _cell["said"]:
        _cell["said"].add(first)
        line = _cell["lines"][last - 1] if last <= len(_cell["lines"]) else ""
        display(Broken(test, line.partition("  # ")[2], values(test, names), problem))


def values(test: str, names: Mapping[str, Any]) -> dict[str, str]:
    """Return the numbers, words and small arrays that a condition names, as they are now."""
    found = {}
    for node in ast.walk(ast.parse(test)):
        if isinstance(node, ast.Name) and node.id in names:
            value = names[node.id]
            if isinstance(value, bool | int | float | str | np.generic):
                found[node.id] = f"{value:.6g}" if isinstance(value, float) else written(value)
            elif isinstance(value, np.ndarray) and value.size <= 4:
                found[node.id] = shortened(np.array2string(value, precision=4))
    return dict(sorted(found.items()))


class Broken:
    """What no longer holds, in words: those behind the line if it has any, and the condition.

    Parameters
    ----------
    test : str
        The condition, as it stands in the cell.
    words : str
        The comment behind it.
    values : dict of str to str
        What the condition names.
    problem : Exception
        An AssertionError, or what kept the condition from being tried at all.
    """

    def __init__(self, test: str, words: str, values: Mapping[str, str], problem: Exception):
        self.test, self.words, self.values = test, words, values
        self.why = "" if isinstance(problem, AssertionError) else str(problem)
        if isinstance(problem, AssertionError) and problem.args:
            self.words = str(problem.args[0])

    @property
    def here(self) -> str:
        """What the condition meets: values by name, and what kept it from being tried."""
        parts = [f"{name} = {value}" for name, value in self.values.items()]
        return "; ".join([*parts, *([f"it cannot even be tried: {self.why}"] if self.why else [])])

    def __repr__(self) -> str:
        words = f" {self.words}:" if self.words else ""
        here = f"\n    Here {self.here}." if self.here else ""
        return f"After your change this no longer holds:{words}\n    {self.test}{here}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return displayed(self.html(), repr(self))

    def html(self) -> str:
        """Return the same as a ``<p>`` element."""
        words = f" {html.escape(self.words)}" if self.words else ""
        here = f"<br/>Here {html.escape(self.here)}." if self.here else ""
        return (
            '<p class="dl-broken"><strong>After your change this no longer holds:</strong>'
            f"{words}<br/><code>{html.escape(self.test)}</code>{here}</p>"
        )
