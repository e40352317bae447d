"""Things that all tests share: a progress file of their own, and the table of the exercises."""

import os
import re
import tempfile
from collections import defaultdict
from importlib.util import find_spec

HAS_PYTORCH = find_spec("torch") is not None
if not HAS_PYTORCH:
    import optional  # noqa: F401  (what loads PyTorch skips its test from now on)

# Before any kernel starts: no test may touch the account of who runs it.
os.environ["DLBOOK_PROGRESS"] = os.path.join(tempfile.mkdtemp(), "progress.json")


def pytest_report_header():
    """Say at once what this Python cannot show."""
    return None if HAS_PYTORCH else "PyTorch is not installed: what uses it is skipped"


def natural(name):
    """Sort q10 after q9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def pytest_terminal_summary(terminalreporter):
    """Print what was tried on each exercise, from what its tests have noted."""
    rows = defaultdict(dict)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", []):
                if name.startswith("exercise "):
                    rows[name.removeprefix("exercise ")].update(value)
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
