"""Exercises whose answer is a function that has to do well, in whatever way: a learner on tasks."""

from collections.abc import Callable
from dataclasses import dataclass

from dlbook.exercises.adapters.calling import ADVICE
from dlbook.exercises.checking.exercise import Exercise, Wrong


@dataclass(kw_only=True, repr=False)
class Trial(Exercise):
    """An exercise whose answer is a function that is tried on tasks of the judge's choice.

    Parameters
    ----------
    right : callable
        Takes the answer, whose ``call(*arguments)`` returns a `Reply`, and raises `Wrong` unless it
        does well.
    """

    right: Callable[..., object]

    def _judge(self, answer):
        if not answer.is_callable():
            raise Wrong(f"{self.answer} should be a function")
        self.right(answer)


def returned(reply, values=()):
    """Return the value of a `Reply`, or raise `Wrong` if there is none."""
    if reply.timed_out:
        raise Wrong(reply.text, values, ADVICE[reply.timed_out])
    if reply.error:
        where = f", in the line: {reply.line}" if reply.line else ""
        raise Wrong(f"raises {reply.error}: {reply.text}{where}", values)
    if reply.changed is not None:
        text = "What the caller handed over is no longer what it was. Work on a copy."
        raise Wrong("changes its input", values, text)
    if reply.value is None:
        raise Wrong("returns None", values, "Is there a return at the end?")
    return reply.value
