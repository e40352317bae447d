"""What became of a claim of the chapter: a line under the cell that tested it."""

from __future__ import annotations

import html
import re

from dlbook.showing import displayed

VERDICTS = {True: "holds", False: "did not show"}


class Finding:
    """The verdict on a claim, which the index of the chapter repeats.

    Parameters
    ----------
    claim : str
        The claim as it is tagged, ``"claim-6-2-1-a"``.
    holds : bool or "in part"
        What was found; computed, so that it changes when the result does.
    text : str
        One sentence that says what was measured.

    Raises
    ------
    ValueError
        If there is no such verdict, or the claim is named in another way.
    """

    def __init__(self, claim: str, holds: bool | str, text: str):
        number = re.fullmatch(r"claim-(\d(?:-\d)*)-([a-z])", claim)
        if not number:
            raise ValueError(f"finding: a claim is called like 'claim-6-2-1-a', got {claim!r}")
        if holds == "in part":
            self.verdict = "holds in part"
        elif isinstance(holds, str) or holds not in VERDICTS:
            raise ValueError(f"finding: {claim} holds, does not, or 'in part'; got {holds!r}")
        else:
            self.verdict = VERDICTS[bool(holds)]
        self.claim, self.text = claim, text
        self.title = f"Claim {number[1].replace('-', '.')}-{number[2]}"

    def __repr__(self) -> str:
        return f"{self.title} {self.verdict}: {self.text}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return displayed(self.html(), repr(self))

    def html(self) -> str:
        """Return the finding as a ``<p>`` element."""
        kind = self.verdict.replace(" ", "-")
        return (
            f'<p class="dl-finding dl-{kind}"><strong>{self.title} {self.verdict}.</strong> '
            f"{html.escape(self.text)}</p>"
        )
