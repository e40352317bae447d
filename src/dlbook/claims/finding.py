"""What became of a claim of the chapter: a box under the cell that tested it."""

from __future__ import annotations

import html
import re
from typing import Any

from dlbook.showing import displayed

VERDICTS = {"holds", "holds in part", "did not show", "undecided"}


class Finding:
    """The verdict on a claim, which the index of the chapter repeats.

    Parameters
    ----------
    claim : str
        The claim as it is tagged, ``"claim-6-2-1-a"``.
    verdict : str
        "holds", "holds in part", "did not show" or "undecided": what was tried does not tell.
    text : str
        A sentence or two that say what was measured.
    tried : str
        What that rests on: runs, seeds, learning rates, sizes. Without a full stop.
    rule : str, optional
        What the book says, and when which verdict is given.

    Raises
    ------
    ValueError
        If there is no such verdict, if the claim is named in another way, or nothing was tried.
    """

    def __init__(self, claim: str, verdict: str, text: str, tried: str, rule: str = ""):
        number = re.fullmatch(r"claim-(\d(?:-\d)*)-([a-z])", claim)
        if not number:
            raise ValueError(f"finding: a claim is called like 'claim-6-2-1-a', got {claim!r}")
        if verdict not in VERDICTS:
            expected = ", ".join(sorted(VERDICTS))
            raise ValueError(f"finding: {claim}: a verdict is one of {expected}; got {verdict!r}")
        if not tried.strip():
            raise ValueError(f"finding: {claim}: says nothing of what was tried")
        self.claim, self.verdict = claim, verdict
        self.text, self.tried, self.rule = text, tried.rstrip("."), rule
        self.title = f"Claim {number[1].replace('-', '.')}-{number[2]}"

    def __repr__(self) -> str:
        return f"{self.title} {self.verdict}: {self.text} Tried: {self.tried}."

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return displayed(self.html(), repr(self))

    def html(self) -> str:
        """Return the finding as a ``<div>`` element."""
        text, tried = html.escape(self.text), html.escape(self.tried)
        return (
            f'<div class="dl-finding dl-{self.verdict.replace(" ", "-")}">'
            f"<p><strong>{self.title} {self.verdict}.</strong> {text}</p>"
            f'<p class="dl-tried">Tried: {tried}.</p>{self._how()}</div>'
        )

    def _how(self) -> str:
        paragraphs = "".join(f"<p>{html.escape(part)}</p>" for part in self.rule.split("\n\n"))
        summary = "<summary>How this is judged</summary>"
        return f'<details class="rule">{summary}{paragraphs}</details>' if self.rule else ""
