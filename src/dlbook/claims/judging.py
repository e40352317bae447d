"""Judging a claim: a rule takes what was measured; it gives verdict, sentence, what was tried.

Rules are plain functions, marked by :func:`judges`. The first paragraphs of their docstring are
shown to the reader: what the book says, and when which verdict is given. The numbers in the
sentence come from what the rule is given, and so does every word of it that could be otherwise.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from dlbook.claims.finding import Finding

Rule = Callable[..., tuple[str, str, str]]
_rules: dict[str, Rule] = {}


def judges(claim: str) -> Callable[[Rule], Rule]:
    """Mark a function as the rule for a claim, ``"claim-6-1-b"``.

    It returns a verdict that :class:`~dlbook.claims.finding.Finding` has, the sentence, and what
    was tried.
    """

    def mark(rule: Rule) -> Rule:
        _rules[claim] = rule
        return rule

    return mark


@functools.cache
def judgements() -> dict[str, Rule]:
    """Return the rule for each claim by its name, in the order of the names."""
    import dlbook.claims as room

    for module in iter_modules(room.__path__, f"{room.__name__}."):
        import_module(module.name)
    return dict(sorted(_rules.items()))


def judge(claim: str, **measured: Any) -> Finding:
    """Return the finding on a claim, given what its rule asks for by name.

    Raises
    ------
    ValueError
        If there is no rule for the claim.
    TypeError
        If what was measured is not what the rule asks for.
    """
    if claim not in judgements():
        known = ", ".join(judgements())
        raise ValueError(f"judge: there is no rule for {claim!r}, only for {known}")
    rule = judgements()[claim]
    try:
        inspect.signature(rule).bind(**measured)
    except TypeError as problem:
        wanted = ", ".join(inspect.signature(rule).parameters)
        raise TypeError(f"judge: {claim} is judged by {wanted}: {problem}") from None
    verdict, text, tried = rule(**measured)
    said = (inspect.getdoc(rule) or "").partition("\n\nParameters\n")[0]
    return Finding(claim, verdict, text, tried, "\n\n".join(map(_line, said.split("\n\n"))))


def _line(paragraph: str) -> str:
    return " ".join(paragraph.split())


def interval(count: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the bounds of a share that was seen ``count`` times: Wilson's interval."""
    z = special.ndtri((1 + confidence) / 2)
    p, n = count / of, of
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    return float(max(low, 0) if count else 0), float(min(high, 1) if count < of else 1)


def share(count: int, of: int) -> str:
    """Write a share with its 95 % interval: ``"22% (95% interval 19% to 25%)"``."""
    low, high = interval(count, of)
    return f"{count / of:.0%} (95% interval {low:.0%} to {high:.0%})"


def mean(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of independent values, of shape (n,), and the bounds by Student's t.

    With fewer than two values there are none: both are nan.
    """
    x = np.asarray(values, dtype=float)
    if x.size < 2:
        return float(x.mean()), np.nan, np.nan
    half = special.stdtrit(x.size - 1, (1 + confidence) / 2) * x.std(ddof=1) / np.sqrt(x.size)
    return float(x.mean()), float(x.mean() - half), float(x.mean() + half)


def listed(things: Iterable[object], word: str = "and") -> str:
    """Write things one after another: ``"2, 3 and 8"``."""
    *most, last = map(str, things)
    return f"{', '.join(most)} {word} {last}" if most else last
