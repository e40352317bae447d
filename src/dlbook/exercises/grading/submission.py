"""Grades one submission: its cells run in the sandbox, what is right is decided here.

A notebook runs from top to bottom, and each exercise is judged where its check stands. What is not
right is tried once more by itself, in a process of its own that runs only what the notebook hands
out and the exercise's own cell: a name overwritten, a function patched or a process ended by
another cell costs nothing there. What takes too long is tried again at the end, with no other
submission beside it.
"""

import contextlib
import hashlib
import importlib
import json
import math
import re
import signal
import threading
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import dlbook
from dlbook.exercises.adapters.calling import ADVICE, Reply
from dlbook.exercises.adapters.clock import TimeUp, time_limit
from dlbook.exercises.adapters.session import fingerprint
from dlbook.exercises.adapters.wire import Closed, Late, Malformed, pack
from dlbook.exercises.checking.exercise import DRAWING, Open
from dlbook.exercises.checking.messages import Message
from dlbook.exercises.grading.sandbox import Limits, Sandbox, SandboxError

FORMAT = 1  # of a record
DEATHS = 3  # after so many, every exercise is judged by itself
JUDGING = 30  # seconds that a judge may compute for one answer
ALONE = "It was tried again with nothing else running, and took too long again."
LATE_AGAIN = "Took too long, also when tried again alone: {}."
IN_TIME = "Took too long beside other work, but not when tried again alone: {}."
PATIENCE = 20  # times its own time, until a process counts as lost on a machine that is busy
HANDSHAKE = 10  # seconds for a run to begin or end; if it takes longer, there is a new sandbox
NUMBERS = 20_000  # in a value that is judged as a whole
CHECK = re.compile(r"(q\d+)-check")
ANSWER = re.compile(r"q\d+")

# Judges redirect prints and draw inputs from one random state: one at a time in a process.
_judging = threading.Lock()


class Unreadable(ValueError):
    """A submission that is no notebook."""


class Ended(BaseException):
    """The session is over. Not an `Exception`: nothing on the way may take it for an answer."""

    def __init__(self, why, late=False):
        super().__init__(why)
        self.late = late


class OutOfTime(BaseException):
    """The submission has used up its time."""


@dataclass(frozen=True)
class Cell:
    """A code cell: its nbgrader name ('' if it has none), its text, and where it stands."""

    name: str
    source: str
    index: int = -1


@dataclass
class Assignment:
    """What is handed out for one section, and what it is worth.

    Parameters
    ----------
    module : str
        The section's module, in full.
    notebook : str
        Its notebook's name.
    handed_out : dict
        Texts of the cells that a student should not change, by name, in their order.
    points : dict
        Points of the exercises, by name.
    digest : str
        Another one if anything changes that a grade depends on.
    """

    module: str
    notebook: str
    handed_out: dict
    points: dict
    digest: str = ""

    def section(self):
        """Return the `Section`."""
        return importlib.import_module(self.module).section


def read_cells(text):
    """Return the code cells of a notebook given as text or bytes.

    Raises
    ------
    Unreadable
        If it is no notebook.
    """
    try:
        notebook = json.loads(text)
        return [
            Cell(_name(cell), _source(cell), index)
            for index, cell in enumerate(notebook["cells"])
            if cell["cell_type"] == "code"
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(f"it is no notebook ({type(error).__name__})") from None


def _name(cell):
    name = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
    return name if isinstance(name, str) else ""


def _source(cell):
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def read_assignment(module, path):
    """Read what is handed out from an instructor's (or a students') notebook.

    Parameters
    ----------
    module : str
        Such as "dlbook.exercises.sections.section_6_1".
    path : path_like
    """
    section = importlib.import_module(module).section
    text = Path(path).read_bytes()
    handed_out, points = {}, {}
    for cell in json.loads(text)["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        name = about.get("grade_id", "")
        if about.get("grade"):
            points[name.removesuffix("-check")] = about["points"]
        if cell["cell_type"] == "code" and about.get("locked"):
            handed_out[name] = _source(cell)
    missing = [e.name for e in section.exercises if e.name not in points]
    if missing:
        raise ValueError(f"{path}: no points for {', '.join(missing)}")
    digest = hashlib.sha256(text)
    for file in _what_grades_depend_on(module):
        digest.update(file.read_bytes())
    return Assignment(module, section.name, handed_out, points, digest.hexdigest())


def _what_grades_depend_on(module):
    own = importlib.import_module(module).__file__
    files = [f for f in Path(dlbook.__file__).parent.rglob("*.py") if "section_" not in f.name]
    return sorted({*files, Path(own)})


class Run:
    """One run of a notebook in a sandbox, which starts anew where something went wrong."""

    def __init__(self, limits, without_sandbox=False):
        self.limits, self.without_sandbox = limits, without_sandbox
        self.sandbox, self.number, self.running, self.is_fresh = None, 0, False, True
        self.spent = 0.0  # of its own time, by sandboxes that are gone

    def _hold_to_its_time(self):
        spent = self.spent + (self.sandbox.spent if self.sandbox else 0)
        if spent > self.limits.submission:
            raise OutOfTime

    def begin(self, fresh=False):
        """Begin a run in a new process, if asked for in a new sandbox."""
        self._hold_to_its_time()
        self.finish()
        self.is_fresh = fresh or self.sandbox is None
        if not self.is_fresh:
            with contextlib.suppress(Closed, Late):
                self._send({"do": "begin"})
                self.running = True
                return
        self.stop()
        self.is_fresh = True
        self.sandbox = _started(self.limits, self.without_sandbox)
        self._send({"do": "begin"})
        self.running = True

    def finish(self):
        """End a run; the sandbox stays for the next if nothing is left behind in it."""
        if not self.running:
            return
        self.running = False
        try:
            self.number += 1
            self._send({"id": self.number, "do": "end"})
            if self.sandbox.stream.receive(time.monotonic() + HANDSHAKE) == {"ended": 0}:
                return
        except (Closed, Late, Malformed):
            pass
        self.stop()

    def stop(self):
        """End the sandbox."""
        self.running = False
        if self.sandbox is not None:
            self.sandbox.stop()
            self.spent += self.sandbox.spent
            self.sandbox = None

    def _send(self, request):
        self.sandbox.stream.send(request, time.monotonic() + HANDSHAKE)

    def ask(self, do, within=None, **words):
        """Return the answer to a request, which may take so much of its process's own time.

        Raises
        ------
        Ended
            If the process ended, says something that cannot be read, or does not stop.
        OutOfTime
        """
        self._hold_to_its_time()
        if not self.running:
            raise Ended("it had ended before")
        within = within or self.limits.own_time(self.limits.call)
        self.number += 1
        frame, late = pack({"id": self.number, "do": do, **words}), False
        try:
            answer = self._answer(frame, within)
        except Late:
            why, late = f"there was no answer after {within:g} seconds", True
        except Malformed as error:
            why = f"what came back could not be read: {error}"
        except Closed:
            why = "it ended its process"
        else:
            if answer.pop("id", None) == self.number:
                return answer
            why, late = _why_it_ended(answer)
        why, late = self.sandbox.why or why, late or self.sandbox.is_late
        self.stop()
        raise Ended(why, late)

    def _answer(self, frame, within):
        deadline = time.monotonic() + PATIENCE * within
        self.sandbox.allow(within)
        try:
            self.sandbox.stream.send_frame(frame, deadline)
            return self.sandbox.stream.receive(deadline)
        finally:
            self.sandbox.allow(None)


def _started(limits, without_sandbox):
    try:
        return Sandbox(limits, without_sandbox)
    except SandboxError:
        time.sleep(1)
        return Sandbox(limits, without_sandbox)


def _why_it_ended(answer):
    """Say why, and whether it may have been for want of time."""
    status = answer.get("ended")
    if type(status) is not int:
        return "what came back was no answer to what was asked", False
    if status == -signal.SIGXCPU or status == -signal.SIGKILL:
        return "it was stopped: it used too much time or memory", True
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"it ended its process ({signal.Signals(-status).name})", False
    return f"it ended its process (exit code {status})", False


def _reply(answer):
    """Read a `Reply` from what the session says, and believe nothing about its form."""
    text = {key: answer.get(key) for key in ("error", "text", "line")}
    text = {key: value[:500] if isinstance(value, str) else "" for key, value in text.items()}
    changed, why, seconds = (answer.get(key) for key in ("changed", "timed_out", "seconds"))
    return Reply(
        value=answer.get("value"),
        changed=changed if type(changed) is int else None,
        timed_out=why if isinstance(why, str) and why in ADVICE else "",
        seconds=seconds if type(seconds) is float and seconds > 0 else 0.0,
        **text,
    )


class Remote:
    """An answer in a session, with the words of `Local`."""

    def __init__(self, run, exercise):
        self.run, self.name = run, exercise.answer
        self.adapter = ""
        if exercise.adapter is not None:
            self.adapter = f"{exercise.adapter.__module__}:{exercise.adapter.__qualname__}"
        self.arguments = 0
        given = fingerprint(exercise.given) if exercise.given is not None else ""
        self.about = run.ask("ask", name=self.name, given=given)
        self._computed, self._late = 0.0, None

    def is_defined(self):
        """Whether there is such a name at all."""
        return self.about.get("defined") is not False

    def is_untouched(self, given=None):
        """Whether it is as it was handed out."""
        return self.about.get("untouched") is True

    def is_callable(self):
        """Whether it can be called."""
        return self.about.get("callable") is True

    def value(self):
        """Return a `Reply` with the value."""
        reply = self._asked("value")
        if _size(reply.value) > NUMBERS:
            return Reply(error="ValueError", text="more numbers than anybody would enter")
        return reply

    def call(self, *arguments):
        """Return the `Reply` to a call."""
        reply = self._asked("call", arguments=arguments)
        if reply.changed is not None and not 0 <= reply.changed < len(arguments):
            reply.changed = None
        return reply

    def is_slow(self):
        """Whether it has computed for so long by now that no more is drawn for it."""
        return self._computed > DRAWING

    def ran_out_of_time(self):
        """Whether a call of it has been stopped."""
        return self._late is not None

    def _asked(self, do, **words):
        if self._late is not None and self._late.timed_out == "ended":
            return self._late
        limits = {"seconds": self.run.limits.call, "waiting": self.run.limits.waiting}
        try:
            answer = self.run.ask(do, name=self.name, adapter=self.adapter, **limits, **words)
            reply = _reply(answer)
        except Ended as error:
            if not error.late:
                raise
            reply = Reply(error="TimeUp", text=str(error), timed_out="ended")
        self._computed += reply.seconds
        if reply.timed_out:
            self._late = reply
        return reply


def _size(value):
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value)) + 1
    if isinstance(value, dict):
        return sum(map(_size, value.values())) + 1
    return getattr(value, "size", 1)


@dataclass
class Outcome:
    """What came of a submission: messages by exercise, what cells said, what was late."""

    messages: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)  # answers in words, for a person to read
    cells: dict = field(default_factory=dict)  # by index: what the session said
    remarks: list = field(default_factory=list)
    late: list = field(default_factory=list)  # exercises and cells that took too long

    def was_late(self, name):
        """Note that something took too long."""
        if name not in self.late:
            self.late.append(name)

    def costly(self):
        """List what was late and may have cost a point: it has to be tried again, alone."""
        bad = [name for name, message in self.messages.items() if not _is_good(message)]
        return [name for name in self.late if bad and (name in bad or name not in self.messages)]


def _is_good(message):
    return message.status in ("right", "noted")


class Grader:
    """Takes a notebook's cells through a `Run` and judges each exercise."""

    def __init__(self, assignment, cells, limits, without_sandbox=False):
        self.assignment, self.limits = assignment, limits
        self.exercises = {e.name: e for e in assignment.section().exercises}
        self.run = Run(limits, without_sandbox)
        self.outcome = Outcome()
        self.errors = {}  # by exercise: what its cell raised
        self.deadly = {}  # by index: how a cell ended the process
        self.cells = self._restored(cells)

    def _restored(self, cells):
        """Return the cells with those handed out as they were, whatever became of them."""
        handed_out = self.assignment.handed_out
        seen, result = set(), []
        for cell in cells:
            if cell.name in handed_out:
                if cell.name in seen:
                    continue
                if cell.source.strip() != handed_out[cell.name].strip():
                    self.outcome.remarks.append(f"The cell {cell.name} had been changed.")
                cell = Cell(cell.name, handed_out[cell.name], cell.index)
            seen.add(cell.name)
            result.append(cell)
        lost = [name for name in handed_out if name not in seen]
        first = [Cell(name, handed_out[name]) for name in lost if not CHECK.fullmatch(name)]
        last = [Cell(f"{name}-check", "") for name in self.exercises if f"{name}-check" not in seen]
        if lost:
            self.outcome.remarks.append(f"Cells that had been removed: {', '.join(lost)}.")
        return [*first, *result, *last]

    def grade(self):
        """Return the `Outcome`."""
        try:
            self._whole()
            for name in self.exercises:
                if not self._is_settled(name):
                    self._alone(name)
        except OutOfTime:
            seconds = self.limits.submission
            self.outcome.remarks.append(f"The submission used up its {seconds:g} seconds.")
            self.outcome.was_late("the whole submission")
        finally:
            self.run.stop()
        for name in self.exercises:
            text = "The submission's time was used up."
            late = Message("wrong", f"{name}: was not reached", text=text)
            self.outcome.messages.setdefault(name, late)
        return self.outcome

    def _is_settled(self, name):
        message = self.outcome.messages.get(name)
        if message is None:
            return False
        if _is_good(message):
            return True
        return message.status == "untried" and not self.errors.get(name) and not self.deadly

    def _whole(self):
        """Run the notebook from top to bottom; what ends the process is left out the next time."""
        position = 0
        for _ in range(DEATHS):
            self.run.begin()
            try:
                for cell in self.cells[:position]:
                    if not CHECK.fullmatch(cell.name):
                        self._run_cell(cell)
            except Ended:  # what did it had not done so before: only each by itself is fair
                return
            try:
                # A call that takes too long ends the run, and yet gets an answer.
                while position < len(self.cells) and self.run.running:
                    self._step(self.cells[position])
                    position += 1
            except Ended as error:
                self._died(self.cells[position], error)
                position += 1
            if position == len(self.cells):
                return

    def _step(self, cell):
        if check := CHECK.fullmatch(cell.name):
            if check[1] in self.exercises:
                self.outcome.messages[check[1]] = self._judged(self.exercises[check[1]])
        else:
            self._run_cell(cell)

    def _died(self, cell, error):
        why = str(error)
        name = cell.name.removesuffix("-check")
        if error.late:
            self.outcome.was_late(_called(cell))
        if not CHECK.fullmatch(cell.name):
            self.deadly[cell.index] = error
            reply = {"error": "Ended", "text": why}
            self.outcome.cells[cell.index] = reply
        if name in self.exercises:
            self.errors[name] = why
            self.outcome.messages[name] = Message("wrong", f"{name}: {why}")
        else:
            self.outcome.remarks.append(f"A cell was left out: {why}.")

    def _run_cell(self, cell, again=False):
        if cell.index in self.deadly and not again:
            return
        words = {"source": cell.source, "name": cell.name or f"cell {cell.index + 1}"}
        limits = {"seconds": self.limits.cell, "waiting": self.limits.waiting}
        answer = self.run.ask("run", self.limits.own_time(self.limits.cell), **words, **limits)
        self.outcome.cells.setdefault(cell.index, answer)
        reply = _reply(answer)
        if reply.timed_out:
            self.outcome.was_late(_called(cell))
        if cell.name in self.exercises:
            self.errors[cell.name] = f"its cell raises {reply.error}: {reply.text}"
            if not reply.error:
                del self.errors[cell.name]

    def _alone(self, name):
        """Judge an exercise with nothing but its own cell and what the notebook hands out."""
        before = self.outcome.messages.get(name)
        own = [cell for cell in self.cells if cell.name == name]
        if any(cell.index in self.deadly and self.deadly[cell.index].late for cell in own):
            return  # its own cell takes too long: once is enough
        given = [
            c
            for c in self.cells
            if c.name in self.assignment.handed_out
            and not CHECK.fullmatch(c.name)
            and c.name != "progress"
        ]
        cells = sorted(given + own, key=self.cells.index)
        self.run.begin()
        try:
            message = self._judged_after(cells, name)
        except Ended as error:
            message = Message("wrong", f"{name}: {error}")
            if error.late:
                self.outcome.was_late(name)
            if not self.run.is_fresh:  # it may have been another's run that ended this sandbox
                self.run.begin(fresh=True)
                with contextlib.suppress(Ended):
                    message = self._judged_after(cells, name)
        if before is None or name in self.errors or _is_good(message):
            self.outcome.messages[name] = message

    def _judged_after(self, cells, name):
        for cell in cells:
            self._run_cell(cell, again=True)
        message = self._judged(self.exercises[name])
        self.run.finish()
        return message

    def _judged(self, exercise):
        answer = Remote(self.run, exercise)
        if not answer.is_defined():
            undefined, why = f"{exercise.answer} is not defined", self.errors.get(exercise.name)
            text = f"So {undefined}." if why else "Its cell is gone, or names it otherwise."
            return Message("wrong", f"{exercise.name}: {why or undefined}", text=text)
        if isinstance(exercise, Open):
            text = answer.value().value
            self.outcome.texts[exercise.name] = text[:5000] if isinstance(text, str) else ""
        try:
            with _judging, time_limit(JUDGING, math.inf):
                message = exercise.judge(answer)
        except TimeUp:
            self.outcome.was_late(exercise.name)
            self.run.stop()  # it may be in the middle of an answer
            return Message("wrong", f"{exercise.name}: the answer takes too long to judge")
        except Exception as error:  # an answer of a form that nobody has thought of
            text = f"{type(error).__name__}: {error}"[:300]
            return Message("wrong", f"{exercise.name}: it cannot be judged", text=text)
        finally:
            if answer.ran_out_of_time():
                self.outcome.was_late(exercise.name)
        if message.status in ("wrong", "untried") and exercise.name in self.errors:
            message.text = f"{message.text} {self.errors[exercise.name]}".strip()
        return message


def _called(cell):
    return cell.name.removesuffix("-check") or f"cell {cell.index + 1}"


def attempt(submission, assignment, limits=None, without_sandbox=False):
    """Run and judge a submission once, and return the `Outcome`.

    Parameters
    ----------
    submission : bytes or str
        The notebook's text.
    assignment : Assignment
    limits : Limits, optional
    without_sandbox : bool
        Run the submission with the rights of this process. Only for code that you trust.

    Raises
    ------
    SandboxError
        If no sandbox could be made; then there is no grade, neither good nor bad.
    """
    try:
        cells = read_cells(submission)
    except Unreadable as error:
        why = str(error)
        names = [exercise.name for exercise in assignment.section().exercises]
        return Outcome({n: Message("wrong", f"{n}: {why}") for n in names}, remarks=[why])
    return Grader(assignment, cells, limits or Limits(), without_sandbox).grade()


def settled(first, again):
    """Return what counts of an `Outcome` that was late and another of the same submission, alone.

    What was right once is right. The remarks say what time has cost.
    """
    late = [n for n in again.costly() if n not in first.messages or not _is_good(first.messages[n])]
    result = replace(again, messages=dict(again.messages), texts={**first.texts, **again.texts})
    for name, message in first.messages.items():
        if _is_good(message):
            result.messages[name] = message
        elif name in late:
            text = f"{again.messages[name].text} {ALONE}".strip()
            result.messages[name] = replace(again.messages[name], text=text)
    beside = [name for name in first.costly() if name not in late]
    told = [IN_TIME.format(", ".join(beside))] if beside else []
    told += [LATE_AGAIN.format(", ".join(late))] if late else []
    return replace(result, remarks=[*again.remarks, *told])


def tried_twice(attempt):
    """Return the `Outcome` of an attempt, made a second time if the first was late."""
    outcome = attempt()
    return settled(outcome, attempt()) if outcome.costly() else outcome


def grade(submission, assignment, limits=None, without_sandbox=False):
    """Grade a submission: return plain values, the same for the same submission.

    An answer is stopped by a clock that stands still while others keep the processor busy. What is
    stopped all the same is tried a second time. So that it is alone then, call this with nothing
    else running, or call `grading.grade_class`, which sees to it. Parameters and errors are those
    of `attempt`.
    """
    attempts = partial(attempt, submission, assignment, limits, without_sandbox)
    return record(assignment, tried_twice(attempts))


def record(assignment, outcome):
    """Return an `Outcome` as plain values, with the points of each exercise."""
    exercises = []
    for exercise in assignment.section().exercises:
        message, most = outcome.messages[exercise.name], assignment.points[exercise.name]
        points = {"right": most, "noted": None}.get(message.status, 0)
        entry = {
            "name": exercise.name,
            "title": exercise.title,
            "status": message.status,
            "points": points,  # None: a person decides
            "max": most,
            "headline": message.headline,
            "values": [list(pair) for pair in message.values],
            "text": message.text if message.status != "noted" else "Read and marked by a person.",
        }
        if exercise.name in outcome.texts:
            entry["answer"] = outcome.texts[exercise.name]
        exercises.append(entry)
    return {
        "format": FORMAT,
        "notebook": assignment.notebook,
        "points": sum(entry["points"] or 0 for entry in exercises),
        "max": sum(entry["max"] for entry in exercises),
        "remarks": outcome.remarks,
        "exercises": exercises,
    }
