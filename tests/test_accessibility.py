"""axe-core, which knows the rules of accessible pages, has nothing to say on any page."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from test_site import SETTLE, browser, none, pages, served, site  # noqa: F401

# Everything on the page is open: folds, tabs and menus. Drawings and typeset formulas are one
# thing each to a screen reader, so what they consist of need not be looked at, and of coloured
# code one word of each colour in the same surroundings will do.
PREPARE = """() => {
    const sheet = document.styleSheets[0];
    sheet?.insertRule("* { animation: none !important; transition: none !important }");
    sheet?.insertRule(".sd-tab-content { display: block !important }");
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    for (const menu of document.querySelectorAll(".dropdown-menu")) menu.classList.add("show");
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
THEME = "theme => document.documentElement.dataset.theme = theme"
RUN = """async () => (await axe.run({resultTypes: ["violations"]})).violations.flatMap(rule =>
    rule.nodes.map(node => `${rule.id}: ${node.target} ${node.any[0]?.message ?? rule.help}`))"""


WIDTHS = {"dark": 1400, "light": 360}


def violations(page, theme):
    """Return what axe finds on a page as it stands."""
    page.evaluate(THEME, theme)
    # Frames in which page.js sees what has to be scrolled at this width.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    return [f"{theme}: {violation}" for violation in page.evaluate(RUN)]


def prepare(page):
    page.evaluate(SETTLE)
    page.evaluate(PREPARE)
    page.evaluate(AXE_SCRIPT)  # evaluated, not loaded, so that the page's policy may stay


def violations_by_page(browser, site):  # noqa: F811
    context = browser.new_context()
    page = context.new_page()
    found = []
    with served(site) as address:
        for file in pages(site):
            name = file.relative_to(site).as_posix()
            page.goto(address + name)
            prepare(page)
            for theme, width in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": 900})
                found += [f"{name}, {violation}" for violation in violations(page, theme)]
    context.close()
    return found


def test_no_page_violates_a_rule_in_either_theme(browser, site):  # noqa: F811
    none(violations_by_page(browser, site))


# Each theme at each width, and what opens over a page.


def opened(browser, site, name, press, width):  # noqa: F811
    page = browser.new_page(viewport={"width": width, "height": 740})
    with served(site) as address:
        page.goto(address + name)
        if press:
            page.locator(press).locator("visible=true").first.click()
        prepare(page)
        found = violations(page, "dark") + violations(page, "light")
    page.close()
    return found


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("press", ["", ".search-button__button", ".sidebar-toggle"])
def test_neither_does_what_opens_over_it(press, width, browser, site):  # noqa: F811
    none(opened(browser, site, "chapters/6_1_xor.html", press, width))


def test_faults_are_found_in_the_theme_that_has_them(browser, tmp_path):  # noqa: F811
    style = "html[data-theme=dark] p {color: #333; background: #222}"
    text = f"<style>{style}</style><main><h1>t</h1><p>dark</p><img src='x'></main>"
    page = f"<!doctype html><html lang='en'><title>t</title><body>{text}"
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    found = [problem.split(": ")[:2] for problem in violations_by_page(browser, tmp_path)]
    expected = [["dark", "color-contrast"], ["dark", "image-alt"], ["light", "image-alt"]]
    assert found == [[f"index.html, {theme}", rule] for theme, rule in expected]
