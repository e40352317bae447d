"""Call a student's code so that whatever it does comes back as a value: `Reply`.

Nothing here knows an answer. When a class is graded, this module runs beside the student's code,
and what it returns is judged elsewhere.
"""

import contextlib
import copy
import dis
import io
import linecache
import sys
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbook.exercises.adapters.clock import SECONDS, WAITING, TimeUp, time_limit

LIBRARY = "dlbook"
ADVICE = {
    "computing": "Is there a loop that never ends?",
    "waiting": "What is it waiting for: input, a sleep, another thread?",
    "importing": "Does a module that it imports ever come to its end?",
    "ended": "Does it wait, or compute outside of Python, without an end?",
}


@dataclass
class Reply:
    """What came back from a call: a value, or the error that ended it."""

    value: Any = None
    error: str = ""  # the exception's class, "" if there was none
    text: str = ""  # its message
    line: str = ""  # the line of the student's code it came from
    changed: int | None = None  # the number of an argument that the call has modified
    timed_out: str = ""  # what took too long, a key of `ADVICE`
    seconds: float = 0.0  # how long it has computed


def call(function, arguments, seconds=SECONDS, waiting=WAITING):
    """Call ``function(*arguments)`` on copies, quietly, and return a `Reply`.

    Parameters
    ----------
    function : callable
    arguments : tuple
    seconds, waiting : float
        How long it may compute, and how long it may take: see `clock.time_limit`.

    Raises
    ------
    KeyboardInterrupt
        When the reader stops the cell: that is no mistake of the function.
    """
    given = copy_of(arguments)
    limit = time_limit(seconds, waiting)
    try:
        with quiet(), limit:
            value = function(*given)
    except TimeUp:
        reply = Reply(error="TimeUp", text=f"no answer {limit}", timed_out=limit.over)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too: it must not end the notebook
        reply = Reply(error=type(error).__name__, text=str(error), line=line_of(error))
    else:
        reply = Reply(value=value, changed=changed(given, arguments))
    reply.seconds = limit.computed
    return reply


def copy_of(arguments):
    """Copy arguments, keeping arrays read-only that are, and in their memory order."""
    copies = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            twin = argument.copy(order="K")
            twin.flags.writeable = argument.flags.writeable
        else:
            try:
                twin = copy.deepcopy(argument)
            except Exception:  # a generator, an open file
                twin = argument
        copies.append(twin)
    return tuple(copies)


def changed(given, arguments):
    """Return the number of the first argument that is no longer what it was, or None."""
    for number, (now, before) in enumerate(zip(given, arguments, strict=True)):
        if not same(now, before):
            return number
    return None


def same(a, b):
    """Whether two arguments are equal, NaN equal to NaN, through lists, tuples and dicts."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        numeric = a.dtype.kind in "fc" and b.dtype.kind in "fc"
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=numeric)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (int, float, complex, str, bool, np.generic, type(None))):
        return a == b or (a != a and b != b)
    return True  # a function, a graph: nothing to compare


@contextlib.contextmanager
def quiet():
    """Keep prints and warnings of the function out of the answer to the check."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def line_of(error):
    """Return the last line of the student's own code in the traceback of an error."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_a_students(frame.filename):
            return (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
    return ""


def _is_a_students(filename):
    parts = filename.replace("\\", "/").split("/")
    return not (
        LIBRARY in parts
        or "site-packages" in parts
        or filename.startswith((sys.base_prefix, "<frozen"))
    )


def is_untouched(answer, given=None):
    """Whether an answer is still its stub: dots, a function that does nothing, the code given."""
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, str):
        return answer.strip(" .\n") == ""
    if isinstance(answer, (list, tuple)):
        return bool(answer) and all(is_untouched(part) for part in answer)
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    if given is not None and _behaviour(code) == _behaviour(given.__code__):
        return True
    return _behaviour(code) == _behaviour(_does_nothing.__code__)


def _behaviour(code):
    """Return what a function does, step by step, whatever module it was compiled in.

    Calling something from a module is one of two instructions, by whether the module was imported
    in the same file; where a jump lands depends on that, too.
    """
    steps = []
    for step in dis.get_instructions(code):
        if step.opname in ("CACHE", "NOP", "PRECALL", "PUSH_NULL", "RESUME"):
            continue
        name = "LOAD_ATTR" if step.opname == "LOAD_METHOD" else step.opname
        jumps = step.opcode in dis.hasjrel or step.opcode in dis.hasjabs
        inner = hasattr(step.argval, "co_code")
        steps.append((name, _behaviour(step.argval) if inner else None if jumps else step.argval))
    return steps


def _does_nothing():
    """Do nothing."""
