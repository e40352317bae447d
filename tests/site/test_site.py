"""Every page of the built site looks right in a browser, in both themes, on a screen and a phone.

A page is opened once, and all there is to see on it is looked at: first what the reader sees, then
what axe-core says, which knows the rules of accessible pages.
"""

from itertools import cycle

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from site_pages import SETTLE, THEMES, WIDTHS, none, one_of_each_kind, pages, served, tab

GIVEN_UP = "net::ERR_ABORTED"

FORMULAS = """() => [...document.querySelectorAll(".math")]
    .filter(math => !math.querySelector("mjx-container") || math.querySelector("mjx-merror"))
    .map(math => math.textContent.trim())"""
IMAGES = "() => [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
SIDEWAYS = """() => [document.documentElement.scrollWidth - window.innerWidth]
    .filter(pixels => pixels > 0).map(pixels => `${pixels} pixels too wide`)"""
SEARCHES = """() => [[...document.querySelectorAll("input[type=search], input[name=q]")]
    .filter(e => e.checkVisibility({visibilityProperty: true})).length]
    .filter(count => count !== 1).map(count => `${count} to be seen`)"""
HEADERS = """() => [[...document.querySelectorAll("body > header, [role=banner]")]
    .filter(e => e.checkVisibility({visibilityProperty: true}) && e.offsetHeight).length]
    .filter(count => count !== 1).map(count => `${count} to be seen`)"""
# Anything in the dark theme whose background is nearly white.
GLARE = """() => [...document.body.querySelectorAll("*")].filter(e => {
    const [r, g, b, a = 1] = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
    return a > 0.5 && Math.min(r, g, b) > 180 && e.offsetWidth && e.checkVisibility();
}).map(e => e.outerHTML.slice(0, 120))"""
ONCE = {"formula": FORMULAS, "image": IMAGES}
AT_EACH_WIDTH = {"sideways": SIDEWAYS, "search": SEARCHES, "header": HEADERS, "glare": GLARE}
OVER_THE_WIRE = ("host", "load", "console")

# For axe everything on the page is open: folds and tabs. Drawings and typeset formulas are
# one thing each to a screen reader, so what they consist of need not be looked at, and of coloured
# code one word of each colour in the same surroundings will do.
PREPARE = """() => {
    const sheet = document.styleSheets[0];
    sheet?.insertRule(".sd-tab-content { display: block !important }");
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    for (const part of document.querySelectorAll(
        "svg[role=img] > :not(title), mjx-container > mjx-math")) part.remove();
    const place = e => e && e !== document.body ? place(e.parentElement) + e.className + ">" : "";
    const places = new Set();
    for (const word of document.querySelectorAll(
        "pre span:not(:has(*)), .pre:not(:has(*)), .sig > :not(a)")) {
        if (word.closest("a, h1, h2, h3, h4, th") || word.attributes.length !== 1) continue;
        if (places.has(place(word))) word.remove();
        places.add(place(word));
    }
}"""
# A frame in which book.js sees what has to be scrolled at this width.
FRAME = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
RULES = """async () => (await axe.run({resultTypes: ["violations"]})).violations.flatMap(rule =>
    rule.nodes.map(node => `${rule.id}: ${node.target} ${node.any[0]?.message ?? rule.help}`))"""


def look(page):
    """Yield what is wrong with an open page as it is seen, with its kind."""
    page.evaluate(SETTLE)
    for kind, script in ONCE.items():
        yield from ((kind, found) for found in page.evaluate(script))
    for width in WIDTHS:
        put(page, "dark", width)
        for kind, script in AT_EACH_WIDTH.items():
            yield from ((kind, f"{width}: {found}") for found in page.evaluate(script))


def put(page, theme, width):
    page.set_viewport_size({"width": WIDTHS[width], "height": 900})
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    page.evaluate(FRAME)


def ask_axe(page, settings):
    """Yield what axe finds on an open page, which is of no other use after that."""
    page.evaluate(SETTLE)
    page.evaluate(PREPARE)
    page.evaluate(AXE_SCRIPT)  # evaluated, not loaded, so that the page's policy may stay
    for theme, width in settings:
        put(page, theme, width)
        yield from (f"{theme}, {width}: {violation}" for violation in page.evaluate(RULES))


def visit(browser, site, settings):
    """Open pages of a site and return what was wrong, by kind; axe is asked in some settings."""
    wrong = {kind: [] for kind in (*OVER_THE_WIRE, *ONCE, *AT_EACH_WIDTH, "axe")}
    with served(site) as address, tab(browser, color_scheme="dark") as page:

        def note(kind, text):
            wrong[kind].append(f"{name}: {text}")

        def gate(route):
            # Nothing leaves this machine, so that the test does not depend on the network.
            if route.request.url.startswith(address):
                return route.continue_()
            note("host", route.request.url)
            route.abort()

        page.route("**/*", gate)
        # The next page's turn may cut off what this one only wanted for later, such as its icon.
        page.on("requestfailed", lambda r: note("load", r.url) if r.failure != GIVEN_UP else None)
        page.on("response", lambda r: note("load", r.url) if r.status >= 400 else None)
        page.on("console", lambda m: note("console", m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: note("console", error))
        for file in settings:
            name = file.relative_to(site).as_posix()
            page.goto(address + name)
            for kind, found in look(page):
                note(kind, found)
            for violation in ask_axe(page, settings[file]):
                note("axe", violation)
    return wrong


EVERY_SETTING = {(theme, width) for theme in THEMES for width in WIDTHS}
SOME_SETTINGS = ({("dark", "wide")}, {("light", "phone")})


@pytest.fixture(
    scope="module",
    params=["a page of each kind", pytest.param("the rest", marks=pytest.mark.exhaustive)],
)
def wrong(request, browser, site):
    seen = dict(zip(one_of_each_kind(site), cycle(SOME_SETTINGS), strict=False))
    if request.param == "the rest":
        seen = {page: EVERY_SETTING - seen.get(page, set()) for page in pages(site)}
    return visit(browser, site, seen)


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


def test_no_page_violates_a_rule_of_accessibility(wrong):
    none(wrong["axe"])


@pytest.mark.parametrize(
    "press, width",
    [
        (".search input", "wide"),
        (".search input", "phone"),
        (".contents-button", "phone"),
        (".page-contents-button", "phone"),
        (".page-contents-button", "tablet"),
    ],
)
def test_neither_does_what_opens_over_it(press, width, open_page):
    page = open_page("chapters/6_1_xor.html", viewport={"width": WIDTHS[width], "height": 740})
    page.locator(press).locator("visible=true").first.click()
    none(list(ask_axe(page, [(theme, width) for theme in THEMES])))


def test_the_browser_finds_each_fault(browser, tmp_path):
    style = "html[data-theme=dark] p {color: #333; background: #222}"
    faults = f"""<!doctype html><style>{style}</style><body><p class="math">x</p><p>dark</p>
        <img src="missing.png"><img src="https://cdn.example/x.png">
        <div style="width: 2000px; background: #fff">wide</div><script>undefined.x</script>"""
    (tmp_path / "index.html").write_text(faults, encoding="utf-8")
    found = visit(browser, tmp_path, {tmp_path / "index.html": EVERY_SETTING})
    assert [kind for kind, problems in found.items() if not problems] == []
    contrast = [problem for problem in found["axe"] if "color-contrast" in problem]
    assert len(contrast) == len(WIDTHS) and all("dark" in problem for problem in contrast)
