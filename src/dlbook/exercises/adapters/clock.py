"""Ends code that takes too long, by a clock that is fair.

The clock counts the seconds that the code's own thread computes: neither what other threads do,
those of a BLAS library for one, nor the wait for a processor that somebody else keeps busy. A wide
limit on waiting ends what sleeps. Imports do not count and are not interrupted: a module that is
half imported stays broken until the process ends. Only one that goes on for several times the wide
limit is cut short, and what it has left behind is removed.

In the main thread of Linux and macOS, where a notebook's cells run, a signal interrupts the code,
and a sleep, too. The same signal comes at each look: Python goes on sleeping after it, while a
sleep in C ends early. Elsewhere, on Windows and in any other thread, another thread looks on and
raises the exception from outside: it reaches Python code, but a sleep or a single long call into C
has to return first. Where that other thread cannot read how long this one has computed, as on
macOS, all counts as waiting. Linux tells how long a thread has waited for a processor, and that is
left out; elsewhere it is part of the wait.
"""

import contextlib
import ctypes
import gc
import signal
import sys
import threading
import time

SECONDS = 2.0  # of computing; an endless loop and a slow answer look the same from outside
WAITING = 60.0  # wide, for systems where the wait for a processor is part of it
IMPORTING = 5  # times the same, for the imports
TICK = 0.05  # seconds from one look to the next
OWN_FILE = (lambda: None).__code__.co_filename
IMPORT = "<frozen importlib"  # how the files of the import system begin


class TimeUp(BaseException):
    """Not an `Exception`, so that a student's ``except Exception`` does not swallow it."""


def time_limit(seconds=SECONDS, waiting=WAITING):
    """Return a context that raises `TimeUp` in the code inside once its time is over.

    It raises again while the code goes on, and at the end if the code has swallowed it.

    Parameters
    ----------
    seconds : float
        How long the code's thread may compute.
    waiting : float
        How long the code may take beside that; ``math.inf`` for as long as it likes.

    Returns
    -------
    Limit
    """
    in_main = threading.current_thread() is threading.main_thread()
    return (Alarm if in_main and hasattr(signal, "setitimer") else Watchdog)(seconds, waiting)


class Limit:
    """What both ways to interrupt share: what counts, and when it is too much.

    Attributes
    ----------
    computed : float
        Seconds that were counted.
    over : str
        "computing", "waiting" or "importing" once there was too much of it, "" before.
    """

    def __init__(self, seconds, waiting):
        self.seconds, self.waiting = seconds, waiting
        self.computed = self.waited = self.imported = 0.0  # seconds
        self._deaf, self._since = None, 0.0
        self.over, self._ended, self._cut = "", False, ()

    def __enter__(self):
        # What was there before is not searched for garbage now: in a large heap that takes seconds,
        # and would be charged to the code.
        gc.collect(1)
        gc.freeze()
        self._depth = len(_stack(sys._getframe(1).f_back))
        self._read, self._delay = self._clock(), delay_of_this_thread()
        self._last = self._now()
        self._start()
        return self

    def __exit__(self, kind, *_):
        self._ended = True  # before anything else: from here on nothing is raised
        self._stop()
        self._deaf = None
        gc.unfreeze()
        why = self._count()
        if kind is None:
            self.over = self.over or why  # a long call into C, or the last swallowed `TimeUp`
        _forget(self._cut)
        if self.over and kind is not KeyboardInterrupt:
            raise TimeUp(str(self)) from None

    def __str__(self):
        if self.over == "importing":
            return f"after {IMPORTING * self.waiting:g} seconds in an import"
        if self.over == "waiting":
            return f"after {self.waiting:g} seconds of waiting"
        return f"after {self.seconds:g} seconds of computing"

    def _now(self):
        return self._read(), time.monotonic() - self._delay()

    def _count(self, importing=False):
        """Count what has passed since the last time; return what was too much, or ''."""
        now = self._now()
        computed, passed = (new - old for new, old in zip(now, self._last, strict=True))
        self._last = now
        if importing:
            self.imported += passed
            return "importing" if self.imported > IMPORTING * self.waiting else ""
        self.computed += computed
        self.waited += max(passed - computed, 0.0)
        if self.computed > self.seconds:
            return "computing"
        return "waiting" if self.waited > self.waiting else ""

    def _is_over(self, frame):
        """Look at where the code is, and say whether to interrupt it there."""
        frames = _stack(frame)
        inside = frames[: len(frames) - self._depth]
        if self._ended or any(f.f_code.co_filename == OWN_FILE for f in inside):
            return False  # on its way in or out, this clock or one inside of it
        imports = [f for f in inside if f.f_code.co_filename.startswith(IMPORT)]
        why = self._count(bool(imports))
        if why == "importing":
            self._cut = {f.f_locals["name"] for f in imports if "name" in f.f_locals}
        self.over = self.over or why
        return bool(why) and self._is_heard(inside)

    def _is_heard(self, frames):
        """Whether an interruption would come out: of what a search for garbage calls none does.

        Hypothesis and others have something called. It is waited for, a second long.
        """
        called = {getattr(callback, "__code__", None) for callback in gc.callbacks}
        for frame in frames:
            if frame.f_code in called:
                counted = self.computed + self.waited
                if frame is not self._deaf:
                    self._deaf, self._since = frame, counted
                return counted > self._since + 1
        return True

    def _clock(self):
        """Return a function that reads how many seconds the code's thread has computed."""
        raise NotImplementedError

    def _start(self):
        raise NotImplementedError

    def _stop(self):
        raise NotImplementedError


def _stack(frame):
    """List a frame and those that have called it."""
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _forget(modules):
    """Remove modules that were not imported to the end, with all that is below them."""
    for name in list(sys.modules) if modules else ():
        if any(name == cut or name.startswith(f"{cut}.") for cut in modules):
            sys.modules.pop(name, None)


class Alarm(Limit):
    """Interrupts the main thread by a signal, at each look.

    The looks follow the clock on the wall. Linux has a timer that follows the seconds computed,
    but it counts a process's turns where the kernel's own tick falls into them, and beside busy
    processes that can be none at all.
    """

    def _clock(self):
        return time.thread_time

    def _start(self):
        self._begun = time.monotonic()
        self._handler = signal.signal(signal.SIGALRM, self._ring)
        self._timer = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)

    def _ring(self, number, frame):
        with contextlib.suppress(RecursionError):  # the code is near the limit: its own business
            if self._is_over(frame):
                raise TimeUp

    def _stop(self):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler or signal.SIG_DFL)
        delay, interval = self._timer
        if delay:  # somebody else's, such as a clock around this one
            passed = time.monotonic() - self._begun
            signal.setitimer(signal.ITIMER_REAL, max(delay - passed, TICK), interval)


class Watchdog(Limit):
    """Interrupts any thread from another one, at its next step of Python."""

    def _clock(self):
        return clock_of_this_thread() or (lambda: 0.0)

    def _start(self):
        self._caller, self._wake = threading.get_ident(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        with contextlib.suppress(OSError):  # the thread has ended, and its clock with it
            while not (self._wake.wait(TICK) or self._ended):
                if self._is_over(self._frame()):
                    _raise_in(self._caller, TimeUp)
                    if self._has_moved_on():
                        _raise_in(self._caller, None)  # take it back

    def _frame(self):
        return sys._current_frames().get(self._caller)

    def _has_moved_on(self):
        """Whether the exception no longer fits: the code may have moved on since the look at it."""
        frames = _stack(self._frame())
        frames = frames[: len(frames) - self._depth]
        files = [frame.f_code.co_filename for frame in frames]
        begun = self.over != "importing" and any(file.startswith(IMPORT) for file in files)
        return self._ended or begun or OWN_FILE in files or not self._is_heard(frames)

    def _stop(self):
        self._wake.set()
        self._thread.join()
        _raise_in(self._caller, None)  # one that has not reached it yet


def _raise_in(thread, exception):
    """Raise an exception in another thread at its next step, or take it back by None."""
    raised = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


def clock_of_this_thread():
    """Return a function that says, in any thread, how many seconds this one has computed.

    None where the system does not tell, as on macOS.
    """
    if hasattr(time, "pthread_getcpuclockid"):
        clock = time.pthread_getcpuclockid(threading.get_ident())
        return lambda: time.clock_gettime(clock)
    return _clock_on_windows() if sys.platform == "win32" else None


def delay_of_this_thread():
    """Return a function that says, in any thread, how many seconds this one has waited for a turn.

    Linux tells; elsewhere it says 0.
    """
    path, known = f"/proc/self/task/{threading.get_native_id()}/schedstat", 0.0

    def read():
        nonlocal known
        # Where the code has opened all the files that it may, the last answer has to do.
        with contextlib.suppress(OSError, ValueError, IndexError), open(path, "rb") as file:
            known = int(file.read().split()[1]) / 1e9
        return known

    return read


_handles = threading.local()  # one for each thread: Windows wants it closed, or kept


def _clock_on_windows():
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32")
    kernel.OpenThread.restype = wintypes.HANDLE
    kernel.OpenThread.argtypes = wintypes.DWORD, wintypes.BOOL, wintypes.DWORD
    kernel.GetThreadTimes.argtypes = wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4
    if not hasattr(_handles, "own"):
        may_be_asked = 0x0800  # THREAD_QUERY_LIMITED_INFORMATION
        _handles.own = kernel.OpenThread(may_be_asked, False, threading.get_native_id())
    handle = _handles.own
    times = [wintypes.FILETIME() for _ in range(4)]  # of birth, of death, in the kernel, outside

    def read():
        kernel.GetThreadTimes(handle, *map(ctypes.byref, times))
        units = sum((t.dwHighDateTime << 32) + t.dwLowDateTime for t in times[2:])
        return units / 1e7  # of 100 nanoseconds each

    return read if handle else None
