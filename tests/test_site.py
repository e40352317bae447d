"""The built site reads without the network, nothing in it is broken, every page looks right.

The first group reads the files, the second opens every page in a browser.
"""

import os
import re
import shutil
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
sys.path.append(str(ROOT / "tools"))
import serve  # noqa: E402

WIDTHS = {"wide": 1400, "tablet": 768, "phone": 360}


@pytest.fixture(scope="module")
def site():
    if not (SITE / "index.html").is_file():
        pytest.fail("The site is not built: run `make book` first.", pytrace=False)
    return SITE


def pages(site):
    """The HTML pages of a site, leaving out the theme's templates."""
    return sorted(p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts)


@cache
def parse(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


# Group 1: the files.

NAMED_ONLY = {"alternate", "author", "canonical", "index", "license", "next", "prev", "search"}
CSS_URL = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


def loads(soup):
    """The address of everything that a browser fetches by itself to show this page."""
    for tag in soup.find_all(True):
        if tag.name == "a" or (tag.name == "link" and NAMED_ONLY & set(tag.get("rel", []))):
            continue
        for attribute in ("src", "href", "xlink:href", "poster", "data"):
            if address := tag.get(attribute):
                yield address
        for candidate in tag.get("srcset", "").split(","):
            if candidate.strip():
                yield candidate.split()[0]
        yield from css_loads(tag.get("style", ""))
        if tag.name == "style":
            yield from css_loads(tag.get_text())


def css_loads(text):
    return ["".join(found).strip() for found in CSS_URL.findall(text)]


def is_elsewhere(address):
    return bool(re.match(r"(https?:|wss?:)?//", address.strip(), re.IGNORECASE))


def is_in_the_site(address):
    return not is_elsewhere(address) and not urlsplit(address).scheme


def loads_by_file(site):
    for page in pages(site):
        yield page, loads(parse(page))
    for sheet in site.rglob("*.css"):
        yield sheet, css_loads(sheet.read_text(encoding="utf-8"))


def requests_to_other_hosts(site):
    return [
        f"{file.relative_to(site)} loads {address}"
        for file, addresses in loads_by_file(site)
        for address in addresses
        if is_elsewhere(address)
    ]


@cache
def ids(page):
    return {tag["id"] for tag in parse(page).select("[id]")}


def broken_links(site):
    problems = []
    links = [(page, [a["href"] for a in parse(page).select("a[href]")]) for page in pages(site)]
    for file, addresses in [*links, *loads_by_file(site)]:
        for address in filter(is_in_the_site, addresses):
            parts = urlsplit(address)
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            anchor = unquote(parts.fragment)
            if not target.is_file() or not target.is_relative_to(site.resolve()):
                problems.append(f"{file.relative_to(site)}: no file for {address}")
            elif anchor and target.suffix == ".html" and anchor not in ids(target):
                problems.append(f"{file.relative_to(site)}: no anchor for {address}")
    return problems


def repeated_ids(site):
    return [
        f"{page.relative_to(site)}: {count} times id={name}"
        for page in pages(site)
        for name, count in Counter(tag["id"] for tag in parse(page).select("[id]")).items()
        if count > 1
    ]


def images_without_text(site):
    return [
        f"{page.relative_to(site)}: {image}"
        for page in pages(site)
        for image in parse(page).find_all("img")
        if not image.get("alt", "").strip()
    ]


def figures_without_description(site):
    problems = []
    for page in pages(site):
        for figure in parse(page).select("figure.dl-figure"):
            where = f"{page.relative_to(site)}, figure {figure.get('id')}"
            caption = figure.find("figcaption")
            if caption is None or not caption.get_text(strip=True):
                problems.append(f"{where}: no caption")
            drawings = figure.find_all("svg")
            if not drawings:
                problems.append(f"{where}: no drawing")
            for svg in drawings:
                title = svg.find("title", recursive=False)
                if not svg.get("aria-label", "").strip() and not (title and title.get_text()):
                    problems.append(f"{where}: the drawing says nothing to who cannot see it")
                if svg.get("role") != "img":
                    problems.append(f"{where}: the drawing's role is not img")
    return problems


CHECKS_OF_FILES = {
    requests_to_other_hosts: '<script src="https://cdn.example/x.js"></script>',
    broken_links: '<a href="#nowhere">a</a> <a href="nowhere.html">b</a>',
    repeated_ids: '<p id="a"></p><p id="a"></p>',
    images_without_text: '<img src="index.html">',
    figures_without_description: '<figure class="dl-figure"><svg></svg></figure>',
}


def none(problems):
    assert not problems, "\n" + "\n".join(problems)


def test_no_file_names_another_host_to_load_from(site):
    none(requests_to_other_hosts(site))


def test_every_internal_link_and_anchor_resolves(site):
    none(broken_links(site))


def test_ids_are_unique_in_each_page(site):
    none(repeated_ids(site))


def test_every_image_has_an_alternative_text(site):
    none(images_without_text(site))


def test_every_figure_has_a_caption_and_a_description(site):
    none(figures_without_description(site))


@pytest.mark.parametrize("check", CHECKS_OF_FILES, ids=lambda check: check.__name__)
def test_each_check_of_the_files_finds_its_fault(check, tmp_path):
    (tmp_path / "index.html").write_text(CHECKS_OF_FILES[check], encoding="utf-8")
    assert check(tmp_path) != []
    others = [other for other in CHECKS_OF_FILES if other is not check]
    assert [other(tmp_path) for other in others] == [[]] * len(others)


def test_style_sheets_are_searched_too(tmp_path):
    (tmp_path / "a.css").write_text('@import "//cdn.example/b.css"; p {background: url(x.png)}')
    assert len(requests_to_other_hosts(tmp_path)) == 1
    assert len(broken_links(tmp_path)) == 1


# Group 2: the pages in a browser.

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


def without_browser(reason):
    message = (
        f"The browser checks of the site did NOT run: {reason}. Install Chromium or Chrome, "
        "or run `python -m playwright install chromium`."
    )
    # On the machine that decides whether a change is good, a check that did not run is a failure.
    pytest.fail(message, pytrace=False) if os.environ.get("CI") else pytest.skip(message)


@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        without_browser("the package playwright is not installed")
    installed = [{"executable_path": path} for name in BROWSERS if (path := shutil.which(name))]
    with sync_playwright() as playwright:
        for how in [*installed, {}, {"channel": "chrome"}, {"channel": "msedge"}]:
            try:
                browser = playwright.chromium.launch(args=ARGUMENTS, **how)
            except Error:
                continue
            yield browser
            browser.close()
            return
        without_browser("no Chromium or Chrome was found that starts")


@contextmanager
def served(site):
    """Serve a site as `make serve` does, with gzip."""
    with serve.server(site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


GIVEN_UP = "net::ERR_ABORTED"

# What is on the page once the fonts and the images are there, and every section is laid out, those
# that wait until they are near the screen, too.
SETTLE = """async () => {
    document.styleSheets[0]?.insertRule("* { content-visibility: visible !important }");
    await document.fonts.ready;
    for (const image of document.images) await image.decode().catch(() => {});
}"""
FORMULAS = """() => [...document.querySelectorAll(".math")]
    .filter(math => !math.querySelector("mjx-container") || math.querySelector("mjx-merror"))
    .map(math => math.textContent.trim())"""
IMAGES = "() => [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
SIDEWAYS = "() => document.documentElement.scrollWidth - window.innerWidth"
# The search page also has a field of its own, which is not counted.
SEARCHES = """() => [...document.querySelectorAll(".search-button__button, input[type=search]")]
    .filter(e => e.checkVisibility({visibilityProperty: true}))
    .filter(e => !e.closest(".bd-search-container")).length"""
HEADERS = """() => [...document.querySelectorAll("#pst-header, .bd-header-article")]
    .filter(e => e.checkVisibility({visibilityProperty: true}) && e.offsetHeight).length"""
# Anything in the dark theme whose background is nearly white.
GLARE = """() => [...document.body.querySelectorAll("*")].filter(e => {
    const [r, g, b, a = 1] = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
    return a > 0.5 && Math.min(r, g, b) > 180 && e.offsetWidth && e.checkVisibility();
}).map(e => e.outerHTML.slice(0, 120))"""


def visit(browser, site):
    """Open every page of a site, wide and narrow, and return what was wrong, by kind."""
    wrong = {kind: [] for kind in ("host", "load", "console", "formula", "image", "sideways")}
    wrong |= {"search": [], "header": [], "glare": []}
    with served(site) as address:
        context = browser.new_context(color_scheme="dark")

        def gate(route):
            # Nothing leaves this machine, so that the test does not depend on the network.
            if route.request.url.startswith(address):
                return route.continue_()
            wrong["host"].append(f"{name}: {route.request.url}")
            route.abort()

        def note(kind, text):
            wrong[kind].append(f"{name}: {text}")

        context.route("**/*", gate)
        page = context.new_page()
        # The next page's turn may cut off what this one only wanted for later, such as its icon.
        page.on("requestfailed", lambda r: note("load", r.url) if r.failure != GIVEN_UP else None)
        page.on("response", lambda r: note("load", r.url) if r.status >= 400 else None)
        page.on("console", lambda m: note("console", m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: note("console", error))
        for file in pages(site):
            name = file.relative_to(site).as_posix()
            page.set_viewport_size({"width": WIDTHS["wide"], "height": 900})
            page.goto(address + name)
            page.evaluate(SETTLE)
            for kind, script in (("formula", FORMULAS), ("image", IMAGES), ("glare", GLARE)):
                for found in page.evaluate(script):
                    note(kind, found)
            for width in WIDTHS.values():
                page.set_viewport_size({"width": width, "height": 900})
                if (pixels := page.evaluate(SIDEWAYS)) > 0:
                    note("sideways", f"{pixels} pixels too wide at {width}")
                for kind, script in (("search", SEARCHES), ("header", HEADERS)):
                    if (count := page.evaluate(script)) != 1:
                        note(kind, f"{count} to be seen at width {width}")
        context.close()
    return wrong


@pytest.fixture(scope="module")
def wrong(browser, site):
    return visit(browser, site)


def test_no_page_asks_another_host_for_anything(wrong):
    none(wrong["host"])


def test_everything_a_page_asks_for_arrives(wrong):
    none(wrong["load"])


def test_no_page_writes_an_error_to_the_console(wrong):
    none(wrong["console"])


def test_every_formula_renders(wrong):
    none(wrong["formula"])


def test_every_image_loads(wrong):
    none(wrong["image"])


def test_no_page_scrolls_sideways_on_a_screen_a_tablet_or_a_phone(wrong):
    none(wrong["sideways"])


def test_each_page_has_one_header_and_one_search_field(wrong):
    none(wrong["header"] + wrong["search"])


def test_nothing_glares_in_the_dark_theme(wrong):
    none(wrong["glare"])


def test_the_browser_finds_each_fault(browser, tmp_path):
    faults = """<!doctype html><body><p class="math">x</p>
        <img src="missing.png"><img src="https://cdn.example/x.png">
        <div style="width: 2000px; background: #fff">wide</div><script>undefined.x</script>"""
    (tmp_path / "index.html").write_text(faults, encoding="utf-8")
    found = visit(browser, tmp_path)
    assert [kind for kind, problems in found.items() if not problems] == []
