"""The clock is fair: it charges code for what it computes, and ends what does not end by itself."""

import contextlib
import ctypes
import gc
import importlib
import math
import signal
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace

import pytest
from busy import busy_processes

from dlbook.exercises.adapters import clock
from dlbook.exercises.adapters.calling import call

needs_signals = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs Unix's timers")
needs_delays = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux says how long a thread has waited"
)
LONG = 300  # seconds of waiting that no test comes near


def in_a_thread(function):
    """Return what a function returns in a thread of its own."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


@pytest.fixture(params=["in the main thread", "in another thread"])
def reply_to(request):
    """Call a function in one thread or another, and return the `Reply`."""

    def reply(function, seconds=0.1, waiting=LONG):
        def work():
            return call(function, (), seconds, waiting)

        return work() if "main" in request.param else in_a_thread(work)

    return reply


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Write modules that can be imported, and forget them afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(name, source):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(source))
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def compute(seconds):
    """Compute for so many seconds of this thread's own."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return "done"


def never_end():
    while True:
        pass


COMPUTES = """
import time
end = time.thread_time() + {seconds}
while time.thread_time() < end:
    pass
"""


def test_an_endless_loop_is_stopped(reply_to):
    reply = reply_to(never_end)
    assert reply.timed_out == "computing" and reply.error == "TimeUp"
    assert reply.text == "no answer after 0.1 seconds of computing"


def test_what_ends_in_time_is_not(reply_to):
    reply = reply_to(lambda: compute(0.1), seconds=5)
    assert reply.value == "done" and not reply.timed_out and reply.seconds >= 0.1


def test_a_sleep_is_stopped_by_the_wide_limit_alone(reply_to):
    reply = reply_to(lambda: time.sleep(0.5), waiting=0.2)
    assert reply.timed_out == "waiting" and reply.text == "no answer after 0.2 seconds of waiting"
    assert reply_to(lambda: time.sleep(0.5) or 7).value == 7


@needs_signals
def test_a_sleep_does_not_have_to_end_in_the_main_thread():
    assert call(lambda: time.sleep(1e6), (), 0.1, 0.1).timed_out == "waiting"
    assert call(lambda: threading.Event().wait(), (), 0.1, 0.1).timed_out == "waiting"


def test_what_other_threads_compute_is_not_charged(reply_to):
    def with_help():
        helper = threading.Thread(target=compute, args=(0.5,))
        helper.start()
        helper.join()
        return 7

    reply = reply_to(with_help, seconds=0.2)
    assert reply.value == 7 and reply.seconds < 0.2


@needs_delays
def test_what_other_processes_take_is_not_charged(reply_to):
    with busy_processes():
        reply = reply_to(lambda: compute(0.2), seconds=0.3, waiting=0.5)
    assert reply.value == "done", reply


def test_a_long_call_outside_of_python_is_charged_when_it_returns(reply_to):
    reply = reply_to(lambda: sum(range(20_000_000)), seconds=0.01)
    assert reply.timed_out == "computing" and reply.value is None


@pytest.mark.parametrize("swallowed", [Exception, BaseException])
def test_who_swallows_the_exception_is_late_all_the_same(reply_to, swallowed):
    def stubborn():
        for _ in range(3):
            with contextlib.suppress(swallowed):
                never_end()
        return "right"

    assert reply_to(stubborn).timed_out == "computing"


def test_who_raises_another_exception_is_late_all_the_same(reply_to):
    def evasive():
        try:
            never_end()
        finally:
            raise ValueError("something else")

    assert reply_to(evasive).timed_out == "computing"


def test_an_import_is_neither_charged_nor_interrupted(reply_to, modules):
    modules("slow", COMPUTES.format(seconds=0.5) + "answer = 42")
    modules("slower", "import slow" + COMPUTES.format(seconds=0.5) + "from slow import answer")

    def answer():
        import slower

        return slower.answer

    first, second = reply_to(answer, seconds=0.3), reply_to(answer, seconds=0.3)
    assert first.value == second.value == 42 and first.seconds < 0.3, first


def test_the_clock_looks_on_a_busy_machine_too(reply_to, modules):
    """Beside others the kernel's own tick may never fall into the turns of this process."""
    modules("slow", COMPUTES.format(seconds=0.5))
    with busy_processes():
        reply = reply_to(lambda: importlib.import_module("slow").end and compute(0.1), seconds=0.4)
        assert reply.value == "done" and reply.seconds < 0.4, reply
        assert reply_to(never_end).timed_out == "computing"


def test_an_import_by_name_is_none_either(reply_to, modules):
    modules("slow", COMPUTES.format(seconds=0.5))
    assert reply_to(lambda: importlib.import_module("slow").end, seconds=0.3).value


def test_what_comes_after_an_import_is_charged(reply_to, modules):
    modules("slow", COMPUTES.format(seconds=0.3))

    def answer():
        import slow  # noqa: F401

        never_end()

    assert reply_to(answer).timed_out == "computing"
    assert "slow" in sys.modules


def test_an_import_in_a_thread_of_the_answer_is_left_alone(reply_to, modules):
    modules("slow", COMPUTES.format(seconds=0.5) + "answer = 42")

    def answer():
        helper = threading.Thread(target=importlib.import_module, args=("slow",))
        helper.start()
        helper.join()
        return sys.modules["slow"].answer

    assert reply_to(answer, seconds=0.3).value == 42


def test_an_import_that_never_ends_leaves_nothing_half_imported(reply_to, modules):
    modules("package/inner", "answer = 42")
    modules("package/__init__", "from package import inner\nwhile True: pass")

    def answer():
        import package.inner

        return package.inner.answer

    reply = reply_to(answer, waiting=0.05)
    assert reply.timed_out == "importing"
    assert reply.text == "no answer after 0.25 seconds in an import"
    assert not [name for name in sys.modules if name.startswith("package")]
    modules("package/__init__", "from package import inner  # mended")
    assert reply_to(answer).value == 42


def test_code_that_a_module_runs_while_it_is_imported_has_a_clock_of_its_own(modules):
    modules("checks", "from test_clock import call, never_end\nreply = call(never_end, (), 0.1)")
    assert importlib.import_module("checks").reply.timed_out == "computing"


TORCH = """
import sys
from dlbook.exercises.adapters.calling import call

def answer():
    import torch
    from torch import nn
    return nn.Linear(1, 1).in_features

for _ in range(2):
    reply = call(answer, (), 0.5)
    assert reply.value == 1, reply
assert "torch" in sys.modules
"""


def test_pytorch_may_be_imported_inside_of_an_answer():
    pytest.importorskip("torch")
    done = subprocess.run([sys.executable, "-c", TORCH], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_signals
def test_a_clock_inside_of_another_gives_the_timers_back():
    def both():
        assert call(never_end, (), 0.1).timed_out == "computing"
        never_end()

    assert call(both, (), 0.5).timed_out == "computing"
    with clock.time_limit(LONG, math.inf):
        assert call(lambda: time.sleep(1e6), (), 0.1, 0.1).timed_out == "waiting"
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


@needs_signals
def test_an_alarm_that_somebody_else_has_set_still_comes():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        assert call(lambda: compute(0.1), (), LONG).value == "done"
        while not rung:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_nothing_is_raised_after_the_end(reply_to, monkeypatch):
    """Answers that end just when their time does: the exception comes in time, or not at all."""
    monkeypatch.setattr(clock, "TICK", 0.0005)
    replies = [reply_to(lambda: compute(0.002), seconds=0.002) for _ in range(200)]
    assert {reply.error for reply in replies} <= {"", "TimeUp"}
    assert all((reply.value == "done") != bool(reply.timed_out) for reply in replies)
    compute(0.01)


def test_recursion_to_the_limit_stays_what_it_is(reply_to, monkeypatch):
    monkeypatch.setattr(clock, "TICK", 0.0005)

    def deep():
        return deep()

    assert reply_to(deep, seconds=LONG).error == "RecursionError"


def test_where_no_clock_can_be_read_all_counts_as_waiting(monkeypatch):
    monkeypatch.setattr(clock, "clock_of_this_thread", lambda: None)
    reply = in_a_thread(lambda: call(never_end, (), 0.1, 0.1))
    assert reply.timed_out == "waiting"


def test_what_windows_says_of_a_thread_is_read_as_seconds(monkeypatch):
    """Its kernel is not here: one that answers as its documentation says stands in for it."""

    def open_thread(rights, inherits, number):
        return 7 if (rights, number) == (0x0800, threading.get_native_id()) else None

    def get_thread_times(handle, *times):
        assert handle == 7
        for number, time_of in enumerate(times):
            time_of._obj.dwHighDateTime, time_of._obj.dwLowDateTime = number // 3, number * 10**7

    kernel = SimpleNamespace(OpenThread=open_thread, GetThreadTimes=get_thread_times)
    monkeypatch.setattr(clock, "_handles", threading.local())
    monkeypatch.setattr(ctypes, "WinDLL", {"kernel32": kernel}.get, raising=False)
    assert clock._clock_on_windows()() == 2 + 3 + 2**32 / 1e7


def test_a_thread_that_ends_inside_takes_its_clock_with_it():
    limits = []

    def enter():
        limits.append(clock.time_limit(0.5))
        limits[0].__enter__()

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    limits[0]._thread.join()  # an exception in it would be a warning, and that an error here


def test_garbage_of_others_is_not_charged(reply_to):
    """To look for it may take long, where a large graph has just been dropped."""
    kept = [[] for _ in range(3_000_000)]

    def answer():
        for _ in range(5):
            gc.collect()
        return 42

    reply = reply_to(answer, seconds=0.1)
    assert reply.value == 42 and len(kept) == 3_000_000, reply


@pytest.fixture
def called_when_searching(request):
    """Have a search for garbage call something, as Hypothesis does; return what it lost there."""
    turns = getattr(request, "param", 20_000)  # nearly all of the time is spent there
    lost, hook = [], sys.unraisablehook

    def take_time(phase, info):
        for _ in range(turns):
            pass

    sys.unraisablehook = lost.append
    gc.callbacks.append(take_time)
    yield lost
    gc.callbacks.remove(take_time)
    sys.unraisablehook = hook


def searching():
    while True:
        gc.collect(0)
        sum(range(2000))


def test_no_interruption_is_lost_where_a_search_for_garbage_calls(called_when_searching):
    assert call(searching, (), 0.1, LONG).timed_out == "computing"
    assert called_when_searching == []


@pytest.mark.parametrize("called_when_searching", [1_000], indirect=True)
def test_another_thread_is_interrupted_though_a_search_calls(called_when_searching):
    """There one may be lost, if the search begins just then: another follows."""
    assert in_a_thread(lambda: call(searching, (), 0.1, LONG)).timed_out == "computing"


def test_an_exception_is_taken_back_where_a_search_for_garbage_would_lose_it(monkeypatch):
    """The search may have begun between the look at the code and the exception."""
    limit, moved_on = clock.Watchdog(LONG, LONG), []

    def look(phase="", info=None):
        frame = sys._getframe()
        monkeypatch.setattr(limit, "_frame", lambda: frame)
        moved_on.append(limit._has_moved_on())

    with limit:
        look()
        monkeypatch.setattr(gc, "callbacks", [*gc.callbacks, look])
        look("start", {})
    assert moved_on == [False, True]


def test_whoever_looks_for_garbage_without_end_is_stopped(reply_to):
    def answer():
        while True:
            gc.collect()

    assert reply_to(answer, waiting=0.5).timed_out in ("waiting", "computing")
