"""What the tests of the built site share: its pages as files, and a browser that looks at them."""

import os
import re
import shutil
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import serve
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"

WIDTHS = {"wide": 1400, "tablet": 768, "phone": 360}
THEMES = ("light", "dark")
PATIENCE = 120_000  # milliseconds: a busy machine is slow, and that is no fault of the site

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# A browser also phones home for itself; and a container has no GPU.
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]

# What is on the page once the fonts and the images are there, and every section is laid out, those
# that wait until they are near the screen, too. Nothing moves, or is on its way to another colour.
SETTLE = """async () => {
    document.styleSheets[0]?.insertRule(`* { content-visibility: visible !important;
        transition: none !important; animation: none !important }`);
    await document.fonts.ready;
    for (const image of document.images) await image.decode().catch(() => {});
}"""


def files(site):
    """The HTML files of a site, leaving out the theme's templates."""
    return sorted(p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts)


def has_moved(page):
    """Whether a file only leads to where its page is now."""
    with page.open(encoding="utf-8") as file:
        return "data-moved" in file.read(100)


def pages(site):
    """The HTML pages of a site."""
    return [page for page in files(site) if not has_moved(page)]


@cache
def parse(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def none(problems):
    assert not problems, "\n" + "\n".join(problems)


# Names that say which letter or which cell something is, not what kind of thing.
WHICH = re.compile(r"mjx-c[0-9A-F]+|tag_.*")


def kinds_of_things(page):
    """Return the elements and the classes of a page."""
    html = page.read_text(encoding="utf-8")
    classes = " ".join(re.findall(r'\bclass="([^"<]*)"', html)).split()
    return {*re.findall(r"<([a-z][\w-]*)", html), *(c for c in classes if not WHICH.fullmatch(c))}


@cache
def one_of_each_kind(site):
    """Return some pages that have among them every kind of thing there is on a page of the site."""
    kinds = {page: kinds_of_things(page) for page in pages(site)}
    size = {page: page.stat().st_size for page in kinds}
    chosen, missing = [], set().union(*kinds.values())
    while missing:
        chosen.append(max(kinds, key=lambda page: len(kinds[page] & missing) / size[page]))
        missing -= kinds[chosen[-1]]
    for page in list(chosen):  # what others have brought since
        others = set().union(*(kinds[other] for other in chosen if other is not page))
        if kinds[page] <= others:
            chosen.remove(page)
    return sorted(chosen)


def without_browser(reason):
    message = (
        f"The browser checks of the site did NOT run: {reason}. Install Chromium or Chrome, "
        "or run `python -m playwright install chromium`."
    )
    # On the machine that decides whether a change is good, a check that did not run is a failure.
    pytest.fail(message, pytrace=False) if os.environ.get("CI") else pytest.skip(message)


@contextmanager
def started_browser():
    """Start the Chromium or Chrome that is installed, or the one that Playwright has fetched."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        without_browser("the package playwright is not installed")
    installed = [{"executable_path": path} for name in BROWSERS if (path := shutil.which(name))]
    with sync_playwright() as playwright:
        for how in [*installed, {}, {"channel": "chrome"}, {"channel": "msedge"}]:
            try:
                browser = playwright.chromium.launch(args=ARGUMENTS, timeout=PATIENCE, **how)
            except Error:
                continue
            yield browser
            browser.close()
            return
        without_browser("no Chromium or Chrome was found that starts")


@contextmanager
def tab(browser, **options):
    """Open a tab that knows nothing of any other."""
    with browser.new_context(**options) as context:
        context.set_default_timeout(PATIENCE)
        yield context.new_page()


@contextmanager
def served(site):
    """Serve a site as `make serve` does, with gzip."""
    with serve.server(site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
