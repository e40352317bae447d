"""Things that all tests share: a progress file of their own, the built site and a browser, and the
table of the exercises."""

import os
import re
import tempfile
from collections import defaultdict
from contextlib import ExitStack

import pytest

# Before any kernel starts: no test may touch the account of who runs it.
os.environ["DLBOOK_PROGRESS"] = os.path.join(tempfile.mkdtemp(), "progress.json")


@pytest.fixture(scope="session")
def site():
    """The folder of the built site."""
    from site_pages import SITE

    if not (SITE / "index.html").is_file():
        pytest.fail("The site is not built: run `make book` first.", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served."""
    from site_pages import served

    with served(site) as address:
        yield address


@pytest.fixture(scope="module")  # while one runs, nothing else can start an event loop
def browser():
    from site_pages import started_browser

    with started_browser() as browser:
        yield browser


@pytest.fixture
def open_page(browser, address):
    """A function that opens a page of the site, for a reader who has not been there before."""
    from site_pages import tab

    with ExitStack() as tabs:

        def open_page(name, **options):
            page = tabs.enter_context(tab(browser, **options))
            page.goto(address + name)
            return page

        yield open_page


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
