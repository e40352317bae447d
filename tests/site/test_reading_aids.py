"""What the site adds to the notebooks and moves in a browser: previews, tabs, films."""

import re

import pytest

REFERENCE = "article a.reference.internal[href$='#alg-6-4']"
# Where a reader meets a reference of each kind, and what its preview shows.
KINDS = {
    "eq": ("chapters/6_1_xor.html", "mjx-container"),
    "fig": ("chapters/6_1_xor.html", "svg"),
    "alg": ("reference/benchmarks.html", ".proof"),
    "claim": ("reference/benchmarks.html", ".dl-finding"),
    "term": ("reference/glossary.html", "p"),
}
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
FILMS = """() => [...document.querySelectorAll('.dl-film')].map(film =>
    [film.getAnimations().map(a => a.playState).join(), getComputedStyle(film).transform,
     getComputedStyle(film).getPropertyValue('--dl-end')])"""


def test_a_preview_opens_for_mouse_and_keyboard_and_escape_closes_it(open_page):
    page = open_page("reference/benchmarks.html")
    page.clock.install()
    page.hover(REFERENCE)
    assert page.locator("#dl-preview").count() == 0  # the pointer may only pass
    page.clock.run_for(300)
    page.wait_for_selector("#dl-preview mjx-container")
    page.hover("#dl-preview")  # the pointer may move onto it
    page.clock.run_for(10_000)
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


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_reference_has_a_preview(kind, open_page):
    name, shows = KINDS[kind]
    page = open_page(name)
    page.hover(f"article a.reference.internal[href*='#{kind}-']")
    page.wait_for_selector(f"#dl-preview {shows}")


def test_a_touch_opens_no_preview_however_long(open_page):
    page = open_page("reference/benchmarks.html", has_touch=True)
    page.clock.install()
    page.locator(REFERENCE).scroll_into_view_if_needed()
    box = page.locator(REFERENCE).bounding_box()
    finger = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}]
    screen = page.context.new_cdp_session(page)
    screen.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": finger})
    page.clock.run_for(10_000)
    assert page.locator("script[src*='previews/'], #dl-preview").count() == 0  # nor is one loaded


@SCRIPTS
def test_tabs_change_with_the_keyboard(scripts, open_page):
    page = open_page("chapters/6_1_xor.html", java_script_enabled=scripts)
    tabs = page.locator(".sd-tab-set").first
    shown = tabs.locator(".sd-tab-content")
    assert [shown.nth(i).is_visible() for i in (0, 1)] == [True, False]
    tabs.locator("input").first.focus()
    page.keyboard.press("ArrowRight")
    assert [shown.nth(i).is_visible() for i in (0, 1)] == [False, True]


def test_a_tab_that_was_chosen_is_the_one_on_every_page(open_page, address):
    page = open_page("chapters/6_1_xor.html")
    page.locator(".sd-tab-set label >> text=PyTorch").first.click()
    page.goto(f"{address}chapters/6_2_2_output_units.html")
    sets = page.locator(".sd-tab-set").all()
    assert len(sets) > 1
    for tabs in sets:
        shown = tabs.locator(".sd-tab-content")
        assert [shown.nth(i).is_visible() for i in (0, 1)] == [False, True]


@SCRIPTS
def test_a_film_plays_until_it_is_paused(scripts, open_page):
    page = open_page("chapters/6_1_xor.html", java_script_enabled=scripts)
    assert [state for state, _, _ in page.evaluate(FILMS)] == ["running"] * 2
    page.locator(".dl-switch input").first.focus()
    page.keyboard.press("Space")
    assert [state for state, _, _ in page.evaluate(FILMS)] == ["paused"] * 2
    page.emulate_media(media="print")
    assert all(state == "" for state, _, _ in page.evaluate(FILMS))


def test_a_film_stands_still_for_who_asked_for_less_motion_until_started(open_page):
    page = open_page("chapters/6_1_xor.html", reduced_motion="reduce")
    for state, place, end in page.evaluate(FILMS):
        assert state == "" and float(place.split(",")[4]) == pytest.approx(
            float(end[:-2]), rel=1e-4
        )
    assert page.locator(".dl-play").is_visible() and not page.locator(".dl-pause").is_visible()
    page.locator(".dl-switch input").first.check()
    assert [state for state, _, _ in page.evaluate(FILMS)] == ["running"] * 2


COPIED = """selector => {
    getSelection().selectAllChildren(document.querySelector(selector));
    const clipboardData = new DataTransfer();
    const copy = new ClipboardEvent("copy", {clipboardData, bubbles: true, cancelable: true});
    document.body.dispatchEvent(copy);
    return clipboardData.getData("text/plain");
}"""


WRITTEN = "all => all.map(formula => formula.dataset.tex)"


def test_a_formula_is_copied_as_tex(open_page):
    page = open_page("chapters/6_1_xor.html")
    whole = page.evaluate(COPIED, "article > section")
    for kind, sign, least in (("span", "$", 20), ("div", "$$", 5)):
        formulas = page.locator(f"article {kind}.math").evaluate_all(WRITTEN)
        assert len(formulas) > least
        assert [tex for tex in formulas if f"{sign}{tex}{sign}" not in whole] == []
    assert "\n" in whole  # paragraphs stay apart
    assert page.evaluate(COPIED, "h1") == ""  # what has none is left to the browser


VERDICTS = ("holds", "holds in part", "did not show", "undecided")


@SCRIPTS
def test_the_claims_of_one_verdict_can_be_shown_alone(open_page, scripts):
    page = open_page("reference/by_number/claims.html", java_script_enabled=scripts)
    entries = page.locator(".dl-entry")
    everything, shown = entries.count(), {}
    choice, first = (page.locator(name).first.bounding_box() for name in (".dl-filter", "h2"))
    assert choice["y"] < first["y"], "it stands after what it chooses from"
    for label in page.locator(".dl-filter label").all():
        label.click()
        verdict, count = re.fullmatch(r"(.+?):? (\d+)", label.inner_text().strip()).groups()
        seen = [entry.text_content() for entry in entries.all() if entry.is_visible()]
        assert len(seen) == int(count), verdict
        shown[verdict] = len(seen)
        if verdict != "all":
            assert all(f"Found here: {verdict}." in text for text in seen), verdict
    assert shown.pop("all") == sum(shown.values()) == everything
    assert set(shown) <= set(VERDICTS) and len(shown) > 1


def test_a_verdict_leads_to_the_list_and_the_list_back(open_page):
    page = open_page("chapters/6_1_xor.html")
    page.locator(".dl-finding:has-text('Claim 6.1-b') a").first.click()
    assert page.url.endswith("reference/by_number/claims.html#listed-claim-6-1-b")
    page.locator("a[href$='6_1_xor.html#claim-6-1-b']").first.click()
    assert page.url.endswith("chapters/6_1_xor.html#claim-6-1-b")
