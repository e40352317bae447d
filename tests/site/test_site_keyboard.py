"""Who has no mouse gets everywhere: each thing is reached by Tab, seen there, and does its work."""

import pytest
from site_pages import SETTLE, none, pages, tab

PHONE = {"width": 360, "height": 740}
WIDE = {"width": 1400, "height": 900}
CHAPTER = "chapters/6_1_xor.html"
OPERABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']"

# Of the thing in focus: the number that it was given, if it was there then, and how it looks.
STOP = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const parts = [e, e.closest("label"), ...(e.labels ?? []), e.closest("form"),
        ...e.children].filter(Boolean);
    const look = () => parts.map(part => {
        const s = getComputedStyle(part);
        return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.backgroundColor,
                s.color, s.textDecoration, s.borderColor, s.opacity, s.stroke].join();
    }).join();
    const sizes = parts.map(part => part.getBoundingClientRect());
    const focused = look();
    (e instanceof SVGElement ? SVGElement : HTMLElement).prototype.blur.call(e);
    const shows = look() !== focused && sizes.some(({width, height}) => width * height > 0);
    e.focus();
    return {number: Number(e.dataset.stop ?? -1), shows, html: e.outerHTML.slice(0, 120)};
}"""
# What a reader can see and should be able to reach. Of radio buttons the chosen one is the stop,
# and the ones beside it are chosen with the arrows.
REACHABLE = """operable => [...document.querySelectorAll(operable)].map((e, i) => [e, i])
    .filter(([e]) => e.checkVisibility({visibilityProperty: true}) && e.tabIndex === 0)
    .filter(([e]) => !e.disabled && !e.matches("input[type=radio]:not(:checked)"))
    .map(([e, i]) => { e.dataset.stop = i; return [i, e.outerHTML.slice(0, 120)]; })"""


def stops(page, most=3000):
    """Go through a page with Tab, and yield where it stops, until it has come around."""
    first = None
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None or stop["number"] == first:
            return
        first = stop["number"] if first is None else first
        yield stop


def faults(page):
    """Return what cannot be reached by Tab, and where the focus cannot be seen."""
    page.evaluate(SETTLE)
    reachable = dict(page.evaluate(REACHABLE, OPERABLE))
    found = list(stops(page))
    missed = reachable.keys() - {stop["number"] for stop in found}
    return [
        *(f"no focus to be seen: {stop['html']}" for stop in found if not stop["shows"]),
        *(f"not reached: {reachable[number]}" for number in sorted(missed)),
    ]


@pytest.mark.parametrize(
    "name, viewport",
    [
        ("index.html", PHONE),
        (CHAPTER, WIDE),
        ("search.html", PHONE),
        ("reference/glossary.html", WIDE),
    ],
    ids=["index-phone", "chapter-wide", "search-phone", "glossary-wide"],
)
def test_tab_reaches_everything_and_shows_where_it_is(name, viewport, open_page):
    none(faults(open_page(name, viewport=viewport)))


@pytest.mark.exhaustive
@pytest.mark.parametrize("viewport", [PHONE, WIDE], ids=["phone", "wide"])
def test_tab_reaches_everything_on_every_page(viewport, browser, site, address):
    found = []
    with tab(browser, viewport=viewport) as page:
        for name in (file.relative_to(site).as_posix() for file in pages(site)):
            page.goto(address + name)
            found += [f"{name}: {fault}" for fault in faults(page)]
    none(found)


def test_each_fault_is_found(browser):
    with tab(browser) as page:
        page.set_content("<style></style><a href='#a'>a</a><button>b</button>")
        assert faults(page) == []
        page.set_content("<style>a {outline: none}</style><a href='#a'>a</a><button>b</button>")
        assert [fault.partition(":")[0] for fault in faults(page)] == ["no focus to be seen"]
        trap = "onkeydown='event.preventDefault()'"
        page.set_content(f"<style></style><a href='#a' {trap}>a</a><button>b</button>")
        assert [fault.partition(":")[0] for fault in faults(page)] == ["not reached"]


def tab_to(page, selector):
    """Press Tab until the focus is on what a selector matches."""
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"Tab does not lead to {selector}")


def focus(page, selector):
    """Put the focus on what Tab reaches, as the tests above have shown."""
    page.locator(selector).first.focus()


def in_focus(page, selector):
    return page.evaluate("selector => !!document.activeElement.closest(selector)", selector)


def test_the_first_stop_leads_past_the_menus(open_page):
    page = open_page(CHAPTER, viewport=WIDE)
    page.keyboard.press("Tab")
    assert in_focus(page, ".skip-link") and page.locator(".skip-link").is_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert in_focus(page, "main")


@pytest.mark.parametrize(
    "contents, link, leads",
    [
        ("#contents", "a[href*='6_3_hidden_units']", "**/6_3_hidden_units.html"),
        ("#page-contents", "a[href='#the-network']", "**/6_1_xor.html#the-network"),
    ],
)
def test_contents_open_and_close_on_a_phone(contents, link, leads, open_page):
    page = open_page(CHAPTER, viewport=PHONE)
    button = f"button[popovertarget={contents[1:]}]"
    tab_to(page, button)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{contents}:popover-open")
    assert page.locator(f"{contents} {link}").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_selector(f"{contents}:not(:popover-open)", state="attached")
    assert in_focus(page, button)
    page.keyboard.press("Enter")
    tab_to(page, f"{contents} {link}")
    page.keyboard.press("Enter")
    page.wait_for_url(leads)
    assert not page.locator(contents).is_visible()


def test_the_contents_show_the_pages_of_the_part_where_one_is(open_page, address):
    page = open_page(CHAPTER, viewport=WIDE)
    assert page.locator(".contents a[href*='api/index']").is_visible()
    assert page.locator(".contents a[href*='api/engine']").count() == 0
    page.goto(f"{address}reference/api/index.html")
    assert page.locator(".contents a[href*='engine']").is_visible()


def test_the_contents_of_the_page_follow(open_page):
    page = open_page(f"{CHAPTER}#the-network", viewport=WIDE)
    page.wait_for_selector(".page-contents a[href='#the-network'][aria-current]")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_selector(".page-contents a[href='#the-network']:not([aria-current])")


def test_what_runs_a_notebook_is_a_link_with_its_name(open_page):
    page = open_page(CHAPTER, viewport=WIDE)
    for name in ("Binder", "Colab", "Notebook"):
        tab_to(page, ".tools a")
        assert page.evaluate("document.activeElement.textContent") == name


@pytest.mark.parametrize("viewport", [PHONE, WIDE], ids=["phone", "wide"])
def test_a_search_from_the_field_to_the_place(viewport, open_page):
    page = open_page("index.html", viewport=viewport)
    tab_to(page, ".search input")
    page.keyboard.type("maxout")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    place = page.locator("#search-results li a").first.bounding_box()
    assert 0 < place["y"] < viewport["height"] and 0 < place["x"] < viewport["width"]
    tab_to(page, "#search-results li a")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "search.html" not in url)


def test_the_keys_that_the_search_names_lead_to_it_and_escape_back(open_page):
    page = open_page(CHAPTER, viewport=WIDE)
    focus(page, ".tools a")
    keys = page.locator(".search kbd").inner_text().split()
    page.keyboard.press("+".join({"Ctrl": "Control"}.get(key, key.lower()) for key in keys))
    assert in_focus(page, ".search input")
    page.keyboard.press("Escape")
    assert in_focus(page, ".tools a")


def test_a_button_that_was_pressed_keeps_the_focus(open_page):
    page = open_page(CHAPTER, viewport=WIDE)
    focus(page, ".theme-button")
    before = page.evaluate("document.documentElement.dataset.mode")
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.mode") != before
    assert in_focus(page, ".theme-button")


@pytest.mark.parametrize("fold", ["details.hint", "details.solution", "details.source"])
def test_hints_solutions_and_code_unfold(fold, open_page):
    page = open_page(CHAPTER, viewport=WIDE)
    focus(page, f"{fold} > summary")
    for is_open in (True, False):
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.parentElement.hasAttribute('open')") == is_open


def test_a_tab_is_a_stop_and_the_arrows_change_it(open_page):
    page = open_page(CHAPTER, viewport=WIDE)
    focus(page, ".sd-tab-set > input")
    contents = page.locator(".sd-tab-set").first.locator(".sd-tab-content")
    assert [contents.nth(i).is_visible() for i in (0, 1)] == [True, False]
    page.keyboard.press("ArrowRight")
    assert [contents.nth(i).is_visible() for i in (0, 1)] == [False, True]
    page.keyboard.press("Tab")  # on, not to the other tab
    assert not in_focus(page, ".sd-tab-set > input")


def test_a_preview_opens_where_the_focus_stops_and_escape_closes_it(open_page):
    page = open_page(CHAPTER, viewport=WIDE)
    page.keyboard.press("Tab")
    focus(page, "article a.reference.internal[href*='#eq-']")
    page.wait_for_selector("#dl-preview")
    page.keyboard.press("Escape")
    assert page.locator("#dl-preview").count() == 0
    assert in_focus(page, "a.reference.internal")
