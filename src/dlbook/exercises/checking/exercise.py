"""What an exercise is: its three words, and the kinds of answers it takes.

`Function` asks for a function and looks for an input on which it fails. `Value` asks for a number,
a choice, weights, and judges them. `Open` asks for words, and leaves the judgement to the reader.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dlbook.exercises.adapters.calling import ADVICE, Reply, call, is_untouched, quiet
from dlbook.exercises.adapters.clock import WAITING
from dlbook.exercises.checking import progress
from dlbook.exercises.checking.comparison import difference
from dlbook.exercises.checking.counterexample import Case, search, variants
from dlbook.exercises.checking.messages import Message, show

DRAWING = 5  # seconds that an answer may compute before no more inputs are drawn for it
KINDS = ("formula", "implement", "predict", "bug", "design", "figure", "open")
LEVELS = {1: "a few minutes", 2: "half an hour", 3: "an evening"}


class Wrong(Exception):
    """A judgement: what is wrong with an answer, and the values that show it."""

    def __init__(self, headline, values=(), text=""):
        super().__init__(headline)
        self.headline, self.values, self.text = headline, list(values), text


class Local:
    """An answer in this process. One that is graded lives elsewhere, behind the same words."""

    def __init__(self, answer, adapter=None):
        self._answer, self._adapter = answer, adapter
        self._computed, self._begun = 0.0, time.monotonic()

    def is_untouched(self, given=None):
        return is_untouched(self._answer, given)

    def is_callable(self):
        return callable(self._answer)

    def value(self):
        """Return a `Reply` with the answer itself, made plain by the exercise's adapter."""
        if self._adapter is None:
            return Reply(value=self._answer)
        return call(self._adapter, (self._answer,))

    def call(self, *arguments):
        """Return the `Reply` to a call of the answer through the exercise's adapter."""
        adapter = self._adapter
        reply = call(partial(adapter, self._answer) if adapter else self._answer, arguments)
        self._computed += reply.seconds
        return reply

    def is_slow(self):
        """Whether it has taken so long by now that no more is drawn for it."""
        return self._computed > DRAWING or time.monotonic() - self._begun > WAITING


@dataclass
class Fault:
    """A case on which an answer fails: what came back, and what was expected."""

    case: Case
    reply: Reply
    expected: object

    @property
    def is_slow(self):
        """Whether the answer took too long, so that there is no use in many more tries."""
        return bool(self.reply.timed_out)


@dataclass
class Mistake:
    """A typical mistake: what to say, and how to know it.

    Parameters
    ----------
    says : str
        Names the mistake and why it matters.
    does : callable, optional
        Answers as somebody does who makes this mistake. It is recognised by giving the same
        answers.
    when : callable, optional
        Takes the `Case` and the `Reply` and says whether this is the mistake.
    """

    says: str
    does: object = None
    when: object = None


def _applies(mistake, case, reply):
    try:
        return bool(mistake.when(case, reply))
    except Exception:  # a reply of another form than this mistake looks for
        return False


@dataclass(kw_only=True, repr=False)
class Exercise:
    """The part that all kinds share.

    Parameters
    ----------
    title : str
    answer : str
        The name that the notebook gives the answer.
    kind : str
        One of ``KINDS``.
    level : int
        1 (a few minutes), 2 (half an hour) or 3 (an evening).
    marked : bool
        Whether it carries the section's idea: four in each section.
    hints : list of str
        A ladder: each gives more than the one before.
    after : str
        What to take away, shown once the answer is right, and with the solution.
    adapter : callable, optional
        From `dlbook.exercises.adapters`: called beside the student's code as ``adapter(answer,
        *arguments)`` to turn it into arrays and plain values.
    given : callable, optional
        Code that the notebook hands out to be mended or completed: unchanged, it counts as
        untouched.
    """

    title: str
    answer: str
    kind: str
    level: int
    hints: list[str]
    after: str = ""
    marked: bool = False
    adapter: Callable[..., Any] | None = None
    given: object = None
    name: str = field(default="", init=False)
    section: Any = field(default=None, init=False, repr=False)
    _shown: int = field(default=0, init=False, repr=False)
    _asked: bool = field(default=False, init=False, repr=False)

    def __repr__(self) -> str:
        ways = f"{self.name}.check({self.answer}), {self.name}.hint(), {self.name}.solution()"
        return f"{self.name} {self.title}: {self.badge}\n    {ways}"

    @property
    def badge(self) -> str:
        """One line on what to expect: level, kind, and whether it is one of the four."""
        words = [f"level {self.level} of 3 ({LEVELS[self.level]})", self.kind]
        return " · ".join(words + ["one of the four that carry the section"] * self.marked)

    def check(self, *answer: object) -> Message:
        """Say whether an answer is right, and if not, show the smallest input on which it fails.

        Never raises because of the answer, except under nbgrader's autograder, where an error is
        how a cell says "no points".
        """
        if len(answer) != 1:
            return Message("untried", f"{self.name}: give your answer, check({self.answer})")
        message = self.judge(Local(answer[0], self.adapter))
        if message.status != "untried":
            progress.note(self.section.name, self.name, tried=True, solved=message.passed)
        if message.status == "wrong" and self._shown < len(self.hints):
            ask = (
                f"ex.{self.name}.hint() helps a little more at every call: the cell below is yours."
            )
            message.text = "\n\n".join(filter(None, [message.text, ask]))
        return self.section.hand_over(message)

    def judge(self, answer):
        """Return the `Message` on an answer, `Local` or one with the same words."""
        if answer.is_untouched(self.given):
            return Message("untried", f"{self.name}: not attempted yet")
        try:
            with quiet():
                self._judge(answer)
        except Wrong as wrong:
            return Message("wrong", f"{self.name}: {wrong.headline}", wrong.values, wrong.text)
        return Message("right", f"{self.name}: right.", text=self.after)

    def _judge(self, answer):
        raise NotImplementedError

    def hint(self) -> Message:
        """Give the next hint; the last one stays."""
        self._shown = min(self._shown + 1, len(self.hints))
        rest = len(self.hints) - self._shown
        more = {0: "the last one", 1: "one more to come"}.get(rest, f"{rest} more to come")
        return Message(
            "hint", f"{self.name}, hint {self._shown} ({more})", text=self.hints[self._shown - 1]
        )

    def solution(self) -> Message:
        """Show a solution; who has not tried is asked, once, to try first."""
        tried = progress.of(self.section.name, self.name).get("tries", 0)
        if not tried and not self._asked:
            self._asked = True
            return Message(
                "solution",
                f"{self.name}: try first",
                text="It stays with you longer. Ask again, and you see it all the same.",
            )
        progress.note(self.section.name, self.name, seen=True)
        return Message(
            "solution",
            f"{self.name}: {self.title}",
            text=self.after,
            code=self.section.solution(self),
        )


@dataclass(kw_only=True, repr=False)
class Function(Exercise):
    """An exercise whose answer is a function, compared with one that is right.

    Parameters
    ----------
    expected : callable
        Gives the right value for the same arguments: an array, a number, or a tuple, list or dict
        of such.
    cases : list of tuple
        Arguments that are tried first: the plainest first, then edge cases, small ones before large
        ones. The first is also tried read-only, in Fortran's order, as integers and as float32.
    inputs : hypothesis.strategies.SearchStrategy, optional
        Draws further tuples of arguments.
    names : tuple of str
        The arguments' names, as the message calls them.
    mistakes : list of Mistake
        Looked through in their order.
    integers : bool
        Whether integer input makes sense.
    why : str
        Said where no mistake was recognised: what to look at.
    rtol, atol : float
        How exact the answer has to be.
    """

    expected: Callable[..., Any]
    cases: list[tuple[Any, ...]]
    names: tuple[str, ...]
    inputs: object = None
    mistakes: list[Mistake] = field(default_factory=list)
    integers: bool = True
    why: str = ""
    rtol: float = 1e-6
    atol: float = 1e-9

    def _judge(self, answer):
        if not answer.is_callable():
            raise Wrong(f"{self.answer} should be a function")
        fault = search(
            lambda case: self._fault(answer, case), self._first(), self.inputs, answer.is_slow
        )
        if fault is not None:
            raise Wrong(*self._explained(answer, fault))

    def _first(self):
        plain = [Case(arguments, rtol=self.rtol) for arguments in self.cases]
        return [plain[0], *variants(plain[0], self.integers), *plain[1:]]

    def _fault(self, answer, case):
        expected = self.expected(*case.arguments)
        reply = answer.call(*case.arguments)
        rtol = max(case.rtol, self.rtol)
        if (
            reply.error
            or reply.changed is not None
            or difference(reply.value, expected, rtol, self.atol)
        ):
            return Fault(case, reply, expected)
        return None

    def _explained(self, answer, fault):
        case, reply, expected = fault.case, fault.reply, fault.expected
        values = [
            (name, show(value)) for name, value in zip(self.names, case.arguments, strict=True)
        ]
        mistake = self._recognised(answer, case, reply)
        note = f" {case.note}" if case.note else ""
        if reply.timed_out:
            return reply.text + note, values, mistake or ADVICE[reply.timed_out]
        if reply.error:
            where = f", in the line: {reply.line}" if reply.line else ""
            values.append(("expected", show(expected)))
            headline = f"raises {reply.error}{note}" + (f": {reply.text}" if reply.text else "")
            return headline + where, values, mistake or self.why
        wrong = difference(reply.value, expected, max(case.rtol, self.rtol), self.atol)
        if not wrong:
            name = self.names[reply.changed]
            text = f"The caller's {name} is no longer what it was. Work on a copy."
            return f"changes its input {name}{note}", values, mistake or text
        values += [("your answer", show(reply.value)), ("expected", show(expected))]
        return (
            wrong.headline + note,
            values,
            mistake or " ".join(filter(None, [wrong.text, self.why])),
        )

    def _recognised(self, answer, case, reply):
        """Return what the first mistake says that gives the same answers, or an empty text."""
        others = None
        for mistake in self.mistakes:
            if mistake.when is not None:
                if _applies(mistake, case, reply):
                    return mistake.says
                continue
            if not self._alike(call(mistake.does, case.arguments), reply):
                continue
            if others is None:
                others = [(a, answer.call(*a)) for a in self.cases[:8]]
            if all(self._alike(call(mistake.does, a), theirs) for a, theirs in others):
                return mistake.says
        return ""

    def _alike(self, one, other):
        if one.error or other.error:
            return one.error == other.error
        if one.changed != other.changed:
            return False
        return not difference(other.value, one.value, max(self.rtol, 1e-6), self.atol)


@dataclass(kw_only=True, repr=False)
class Value(Exercise):
    """An exercise whose answer is a value: a number, a choice, weights set by hand.

    Parameters
    ----------
    right : callable
        Takes the answer and raises `Wrong` unless it is right, or returns what is right: then the
        answer is compared with that (called without arguments if it takes none).
    mistakes : dict
        What to say to typical wrong values (for numbers and choices).
    choices : str
        The letters to choose from, if it is a choice.
    rtol : float
        How exact a number has to be.
    """

    right: Callable[..., Any]
    mistakes: dict[Any, str] = field(default_factory=dict)
    choices: str = ""
    rtol: float = 1e-6
    atol: float = 1e-9

    def _judge(self, answer):
        reply = answer.value()
        if reply.error:
            raise Wrong(f"could not be used: {reply.error}: {reply.text}")
        value = reply.value
        if self.choices:
            value = self._choice(value)
        if self.right.__code__.co_argcount:
            try:
                self.right(value)
            except Wrong:
                raise
            except Exception as error:  # an answer of another form than the judge looks for
                raise Wrong(
                    "has not the form that was asked for",
                    [("your answer", show(value))],
                    f"{type(error).__name__}: {error}",
                ) from error
            return
        expected = self.right()
        if wrong := difference(value, expected, self.rtol, self.atol):
            for typical, says in self.mistakes.items():
                if not difference(value, typical, self.rtol, self.atol):
                    raise Wrong("not so", [("your answer", show(value))], says)
            raise Wrong(wrong.headline, [("your answer", show(value))], wrong.text)

    def _choice(self, value):
        if not isinstance(value, str) or value.strip().lower() not in set(self.choices):
            letters = ", ".join(f'"{letter}"' for letter in self.choices)
            raise Wrong(
                "choose one letter", [("your answer", show(value))], f"The choices are {letters}."
            )
        return value.strip().lower()


@dataclass(kw_only=True, repr=False)
class Open(Exercise):
    """An exercise whose answer is words. The check notes it and points to the model answer."""

    words: int = 8

    def _judge(self, answer):
        text = answer.value().value
        if not isinstance(text, str):
            raise Wrong(f"{self.answer} should be a text in quotes", [("your answer", show(text))])
        if len(text.split()) < self.words:
            raise Wrong("a little more, please", text="A sentence or two, with the reason in it.")

    def judge(self, answer):
        message = super().judge(answer)
        if not message.passed:
            return message
        return Message(
            "noted",
            f"{self.name}: noted.",
            text="No machine judges this. Compare it with a model answer: "
            f"ex.{self.name}.solution()",
        )

    def check(self, *answer: object) -> Message:
        """Note an answer in words; the model answer is for the reader to compare with."""
        message = super().check(*answer)
        if message.status == "noted":
            progress.note(self.section.name, self.name, solved=True)
        return message
