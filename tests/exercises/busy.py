"""A machine that is busy: processes that compute beside a test, on the one processor it may use."""

import contextlib
import os
import subprocess
import sys

FOR_EVER = "while True: pass"


@contextlib.contextmanager
def busy_processes(count=8):
    """Run the code inside beside so many others, all on one processor where the system lets one.

    Otherwise a machine with many processors would not be busy at all, and one with few would have
    nothing left for the tests that run at the same time: each of pytest's workers takes its own.
    """
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    others = []
    try:
        if before:
            number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
            os.sched_setaffinity(0, {sorted(before)[number % len(before)]})
        others += [subprocess.Popen([sys.executable, "-S", "-c", FOR_EVER]) for _ in range(count)]
        yield others
    finally:
        for process in others:
            process.kill()
        for process in others:
            process.wait()
        if before:
            os.sched_setaffinity(0, before)
