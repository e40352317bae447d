"""What the site adds to the notebooks: previews, tabs, films, glossary, recorded benchmarks."""

import json
import re
from pathlib import Path

import pytest
from test_site import browser, none, pages, parse, served, site  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
PREVIEWED = re.compile(r"#((?:eq|alg|claim|term)-.+|fig-.+)$")


def missing_previews(site):  # noqa: F811
    """List the references to numbered things whose preview is not there."""
    written = {path.stem for path in site.glob("_static/previews/*.js")}
    return [
        f"{page.relative_to(site)}: {link['href']}"
        for page in pages(site)
        for link in parse(page).select("article a.reference.internal[href]")
        if (found := PREVIEWED.search(link["href"])) and found[1] not in written
    ]


def test_every_reference_to_something_numbered_has_a_preview(site):  # noqa: F811
    none(missing_previews(site))


def test_a_missing_preview_is_found(tmp_path):
    page = '<article><a class="reference internal" href="a.html#eq-6-1">1</a></article>'
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    assert len(missing_previews(tmp_path)) == 1


def test_a_preview_has_no_controls_and_no_links(site):  # noqa: F811
    previews = {p.stem: p.read_text(encoding="utf-8") for p in site.glob("_static/previews/*.js")}
    assert previews
    for anchor, text in previews.items():
        assert text.startswith(f'showPreview("{anchor}", "')
        assert not re.search(r"<a\b|<input|tabindex|<script", text)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_cell_in_pytorch_is_a_tab_beside_the_one_before(path, site):  # noqa: F811
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [i for i, c in enumerate(cells) if "pytorch" in c["metadata"].get("tags", [])]
    assert all(cells[i - 1]["cell_type"] == "code" for i in tagged)
    sets = parse(site / "chapters" / f"{path.stem}.html").select(".sd-tab-set")
    labels = [[label.get_text(strip=True) for label in tabs.select("label")] for tabs in sets]
    assert labels == [["dlbook", "PyTorch"]] * len(tagged)
    assert all(len(tabs.select(".cell")) == 2 for tabs in sets)


def test_the_glossary_has_its_terms_and_each_leads_to_where_it_is_shown(site):  # noqa: F811
    terms = parse(site / "glossary.html").select("dl.glossary > dt")
    assert len(terms) >= 50
    for term in terms:
        links = [link["href"] for link in term.find_next_sibling("dd").select("a[href]")]
        assert [href for href in links if href.startswith("chapters/")], term.get_text()


def test_the_benchmarks_are_those_on_record(site):  # noqa: F811
    record = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))
    text = parse(site / "benchmarks.html").select_one("article").get_text()
    assert record["date"] in text and record["machine"]["cpu"] in text
    for row in record["step"]:
        for time in row["microseconds"].values():
            assert f"{time:,.0f}" in text
    missed = [aim for aim in record["targets"] if aim["reached"] is False]
    assert text.count("missed") >= len(missed)
    typed = (ROOT / "benchmarks.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<![\d.])(?!6\.)\d+\.\d|%", typed)  # the book's numbers alone


# In a browser.


@pytest.fixture
def page_at(browser, site):  # noqa: F811
    """Return a function that opens a page of the site."""
    contexts = []
    with served(site) as address:

        def open_page(name, **options):
            contexts.append(browser.new_context(**options))
            page = contexts[-1].new_page()
            page.goto(address + name)
            page.evaluate("async () => await window.MathJax?.startup?.promise")
            return page

        yield open_page
        for context in contexts:
            context.close()


REFERENCE = "article a.reference.internal[href$='#alg-6-4']"
FILMS = """() => [...document.querySelectorAll('.dl-film')].map(film =>
    [film.getAnimations().map(a => a.playState).join(), getComputedStyle(film).transform,
     getComputedStyle(film).getPropertyValue('--dl-end')])"""


def test_a_preview_opens_for_mouse_and_keyboard_and_escape_closes_it(page_at):
    page = page_at("benchmarks.html")
    page.hover(REFERENCE)
    page.wait_for_selector("#dl-preview mjx-container")
    page.hover("#dl-preview")  # the pointer may move onto it
    page.wait_for_timeout(400)
    assert page.locator("#dl-preview").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#dl-preview").count() == 0
    page.mouse.move(0, 0)
    page.keyboard.press("Tab")
    page.focus(REFERENCE)
    page.wait_for_selector("#dl-preview")
    assert page.get_attribute(REFERENCE, "aria-describedby") == "dl-preview"
    page.evaluate("document.activeElement.blur()")
    assert page.locator("#dl-preview").count() == 0
    assert page.locator("[aria-describedby]").count() == 0


def test_a_touch_opens_no_preview(page_at):
    page = page_at("benchmarks.html", has_touch=True)
    page.tap(REFERENCE)
    page.wait_for_timeout(500)
    assert page.locator("#dl-preview").count() == 0


def test_tabs_change_with_the_keyboard_and_without_scripts(page_at):
    page = page_at("chapters/6_1_xor.html")
    tabs = page.locator(".sd-tab-set").first
    shown = tabs.locator(".sd-tab-content")
    assert [shown.nth(i).is_visible() for i in (0, 1)] == [True, False]
    tabs.locator("input").first.focus()
    page.keyboard.press("ArrowRight")
    assert [shown.nth(i).is_visible() for i in (0, 1)] == [False, True]


def test_a_film_plays_until_it_is_paused(page_at):
    page = page_at("chapters/6_1_xor.html")
    assert [state for state, _, _ in page.evaluate(FILMS)] == ["running"] * 2
    page.locator(".dl-switch input").first.focus()
    page.keyboard.press("Space")
    assert [state for state, _, _ in page.evaluate(FILMS)] == ["paused"] * 2
    page.emulate_media(media="print")
    assert all(state == "" for state, _, _ in page.evaluate(FILMS))


def test_a_film_stands_still_for_who_asked_for_less_motion_until_started(page_at):
    page = page_at("chapters/6_1_xor.html", reduced_motion="reduce")
    for state, place, end in page.evaluate(FILMS):
        assert state == "" and float(place.split(",")[4]) == pytest.approx(
            float(end[:-2]), rel=1e-4
        )
    assert page.locator(".dl-play").is_visible() and not page.locator(".dl-pause").is_visible()
    page.locator(".dl-switch input").first.check()
    assert [state for state, _, _ in page.evaluate(FILMS)] == ["running"] * 2
