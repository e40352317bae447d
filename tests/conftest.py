"""What all tests share: the same surroundings, what is left to `make test-all`, and the table of
the exercises. What one room has for itself lies in that room."""

import os
import re
import tempfile
from collections import Counter, defaultdict
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

HAS_PYTORCH = find_spec("torch") is not None
if not HAS_PYTORCH:
    import optional  # noqa: F401  (what loads PyTorch skips its test from now on)

PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
LEFT_OUT = pytest.StashKey[int]()

# Before NumPy is there and any kernel starts. No test may touch the account of who runs it, and
# workers share the processors: threads beyond that would wait for each other.
os.environ["DLBOOK_PROGRESS"] = os.path.join(tempfile.mkdtemp(), "progress.json")
os.environ["DLBOOK_STRICT"] = "1"  # pytest says so itself, but not to what it starts in other ways
share = PROCESSORS // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

# The same draws on every machine, however busy: whoever reads the book must not meet a test that
# fails by luck. Looking for the smallest example that fails takes minutes for each test: that is
# left to a run of one test alone.
together = "PYTEST_XDIST_WORKER" in os.environ
settings.register_profile(
    "everywhere",
    derandomize=True,
    phases=set(Phase) - {Phase.shrink, Phase.explain} if together else Phase,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("everywhere")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Begin a worker more than there are processors: many tests wait for a browser or a kernel."""
    return PROCESSORS + 1


@pytest.hookimpl(tryfirst=True)  # before what carries the marker is left out
def pytest_collection_modifyitems(items):
    """Mark the chapters' cells, which the build has run once, and begin with what takes long."""
    for item in items:
        if item.path.parent == CHAPTERS:
            item.add_marker("exhaustive")
        if hasattr(item, "output_timeout"):  # a notebook's cell; a busy machine may take longer
            item.output_timeout = 600
    # Files of few tests start browsers and kernels; begun last, one worker would wait for another.
    count = Counter(item.path for item in items)
    items.sort(key=lambda item: count[item.path] > 200)


def pytest_deselected(items):
    """Count what is left to `make test-all`."""
    left = sum(item.get_closest_marker("exhaustive") is not None for item in items)
    stash = items[0].config.stash
    stash[LEFT_OUT] = stash.get(LEFT_OUT, 0) + left


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take the count from a worker: each of them has left out the same."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left out", 0)


def pytest_report_header():
    """Say at once what this Python cannot show."""
    return None if HAS_PYTORCH else "PyTorch is not installed: what uses it is skipped"


def natural(name):
    """Sort q10 after q9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def pytest_terminal_summary(terminalreporter, config):
    """Say what was tried on each exercise, and what was left out."""
    print_exercises(terminalreporter)
    if left := config.stash.get(LEFT_OUT, 0):
        terminalreporter.section("left out")
        terminalreporter.write_line(f"{left} exhaustive tests: `make test-all` runs them, too.")


def print_exercises(terminalreporter):
    """Print what was tried on each exercise, from what its tests have noted."""
    rows = defaultdict(dict)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", []):
                if name.startswith("exercise "):
                    row = rows[name.removeprefix("exercise ")]
                    slowest = max(row.get("slowest", 0), value.get("slowest", 0))
                    row.update({kind: row.get(kind, 0) + n for kind, n in value.items()})
                    row["slowest"] = slowest
    if not rows:
        return
    terminalreporter.section("exercises: answers tried")
    terminalreporter.write_line(f"{'':24}{'right':>6}{'wrong':>6}{'stub':>6}{'slowest':>9}")
    total = defaultdict(int)
    for name, row in sorted(rows.items(), key=lambda row: natural(row[0])):
        counts = [row.get(kind, 0) for kind in ("right", "wrong", "stub")]
        terminalreporter.write_line(
            f"{name:24}" + "".join(f"{n:>6}" for n in counts) + f"{row.get('slowest', 0):>7.1f} s"
        )
        for kind, n in zip(("right", "wrong", "stub"), counts, strict=True):
            total[kind] += n
    counts = "".join(f"{total[kind]:>6}" for kind in ("right", "wrong", "stub"))
    terminalreporter.write_line(f"{len(rows):<3} {'exercises':20}{counts}")
