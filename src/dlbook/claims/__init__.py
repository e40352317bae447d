"""How the claims of the chapter are judged: one function for each, of what was measured.

A chapter measures and then calls :func:`judge`. The rule stands here and not in the chapter, so
that the tests can ask it about worlds in which the claim is false. Look at
:mod:`dlbook.claims.judging` first, then at a rule, such as those in :mod:`dlbook.claims.xor`.
"""

from dlbook.claims.finding import Finding
from dlbook.claims.judging import interval, judge, judgements, listed, mean, share

__all__ = ["Finding", "interval", "judge", "judgements", "listed", "mean", "share"]
