"""Call a student's code so that whatever it does comes back as a value: `Reply`.

Nothing here knows an answer. When a class is graded, this module runs beside the student's code,
and what it returns is judged elsewhere.
"""

import contextlib
import copy
import dis
import io
import linecache
import signal
import sys
import threading
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

SECONDS = 2.0  # for one call; an endless loop and a slow answer look the same from outside
LIBRARY = "dlbook"


@dataclass
class Reply:
    """What came back from a call: a value, or the error that ended it."""

    value: Any = None
    error: str = ""  # the exception's class, "" if there was none
    text: str = ""  # its message
    line: str = ""  # the line of the student's code it came from
    changed: int | None = None  # the number of an argument that the call has modified
    timed_out: bool = False


class TimeUp(BaseException):
    """Not an `Exception`, so that a student's ``except Exception`` does not swallow it."""


@contextlib.contextmanager
def time_limit(seconds):
    """Raise `TimeUp` in the code inside once its time is over, and again while it goes on.

    Needs the main thread of a system with ``SIGALRM`` (Linux, macOS); elsewhere a thread raises the
    exception, which reaches Python code, but no single long call into C.
    """
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _watchdog(seconds):
            yield


@contextlib.contextmanager
def _alarm(seconds):
    def ring(*_):
        raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)
        yield
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)  # no ring on the way out
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _watchdog(seconds):
    import ctypes

    caller, over = threading.get_ident(), threading.Event()

    def watch():
        wait = seconds
        while not over.wait(wait):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(caller), ctypes.py_object(TimeUp)
            )
            wait = 0.1

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def call(function, arguments, seconds=SECONDS):
    """Call ``function(*arguments)`` on copies, quietly, and return a `Reply`.

    Raises
    ------
    KeyboardInterrupt
        When the reader stops the cell: that is no mistake of the function.
    """
    given = copy_of(arguments)
    try:
        with quiet(), time_limit(seconds):
            value = function(*given)
    except TimeUp:
        return Reply(error="TimeUp", text=f"no answer after {seconds:g} seconds", timed_out=True)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too: it must not end the notebook
        return Reply(error=type(error).__name__, text=str(error), line=line_of(error))
    return Reply(value=value, changed=changed(given, arguments))


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
