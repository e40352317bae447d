"""Figures that a reader can move, in a browser: each is found, and moved by whatever it has."""

import json
from contextlib import contextmanager

import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from live_pages import FIGURES, KEYS, picture, settled, state, write_pages
from numpy.testing import assert_allclose
from site_pages import none, served, tab

import dlbook as dl
from dlbook.figures import live
from dlbook.figures.live.starts import weights

each_figure = pytest.mark.parametrize("name", FIGURES)
VIEWS = [("light", 1400), ("dark", 1400), ("light", 360), ("dark", 360)]
# From disk axe may not read a style sheet again, as it would do before it looks.
RULES = """async () => {
    const { violations } = await axe.run({resultTypes: ["violations"], preload: false});
    return violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target}`));
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_pages(tmp_path_factory.mktemp("live") / "site")


@pytest.fixture(scope="module")
def over_http(folder):
    with served(folder) as address:
        yield address


@contextmanager
def awake(browser, address, name, theme="light", width=1400, query="", **options):
    """Open a figure that has woken up; nothing may be said on the console meanwhile."""
    said = []
    with tab(browser, viewport={"width": width, "height": 900}, **options) as page:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{address}{name}-{theme}.html{query}")
        page.wait_for_selector("[data-live-ready]")
        yield page
    none(said)


def words(page):
    return page.locator(".live-says").inner_text()


# --- Every figure ---------------------------------------------------------------------------------


@each_figure
@pytest.mark.parametrize(("theme", "width"), VIEWS)
def test_a_figure_wakes_up_from_disk_fits_and_passes_axe(browser, folder, name, theme, width):
    with awake(browser, f"{folder.as_uri()}/", name, theme, width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".live-controls").is_visible()
        page.evaluate(AXE_SCRIPT)
        none(page.evaluate(RULES))


@each_figure
def test_awake_it_shows_what_its_still_shows(browser, over_http, name):
    with tab(browser, java_script_enabled=False) as page:
        page.goto(f"{over_http}{name}-light.html")
        assert not page.locator(".live-controls").is_visible()
        assert not page.locator(".live-try").is_visible()
        assert page.locator("[role=img] svg").first.is_visible()
        still = page.content()
    with awake(browser, over_http, name) as page:
        shown = picture(page)
        with tab(browser) as other:
            other.set_content(still)
            assert picture(other) == shown


@each_figure
def test_nothing_moves_before_a_reader_acts(browser, over_http, name):
    with awake(browser, over_http, name) as page:
        before = picture(page)
        page.wait_for_timeout(400)
        assert picture(page) == before


def movable(page):
    """Everything that can be moved: sliders, handles, switches, buttons of choices."""
    return page.locator(
        "[role=slider], .live-slider input[type=range], .live-switch input, .live-choice button, "
        ".live-steps button:first-child, .live-fates button"
    ).all()


@each_figure
def test_everything_moves_by_keyboard_and_back_to_the_start_restores_all(browser, over_http, name):
    with awake(browser, over_http, name) as page:
        still, start, stuck = picture(page), state(page), []
        for control in movable(page):
            if not control.is_enabled():
                continue
            control.focus()
            kind = control.get_attribute("type")
            keys = {"checkbox": ["Space"], "button": ["Enter"]}.get(kind, KEYS)
            moved = False
            for key in keys:
                before = state(page)
                page.keyboard.press(key)
                settled(page)
                moved |= state(page) != before
            if not moved:
                stuck.append(control.evaluate("e => e.outerHTML.slice(0, 120)"))
            page.locator(".live-again").click()
            settled(page)
            assert state(page) == start and picture(page) == still
        none(stuck)


@each_figure
@pytest.mark.parametrize("touch", [False, True])
def test_what_can_be_dragged_follows_the_mouse_and_the_finger(browser, over_http, name, touch):
    with awake(browser, over_http, name, width=400 if touch else 1400, has_touch=touch) as page:
        for handle in page.locator("[role=slider]").all():
            handle.scroll_into_view_if_needed()
            settled(page)
            box, before = handle.bounding_box(), state(page)
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            scrolled = page.evaluate("scrollY")
            if touch:
                drag_by_finger(page, (x, y), (x - 20, y - 30))
            else:
                page.mouse.move(x, y)
                page.mouse.down()
                page.mouse.move(x - 20, y - 30, steps=3)
                page.mouse.up()
            settled(page)
            assert state(page) != before
            assert page.evaluate("scrollY") == scrolled
            page.locator(".live-again").click()


def drag_by_finger(page, start, end):
    client = page.context.new_cdp_session(page)
    half = tuple((a + b) / 2 for a, b in zip(start, end, strict=True))
    way = [("touchStart", start), ("touchMove", half), ("touchMove", end), ("touchEnd", None)]
    for kind, point in way:
        points = [] if point is None else [{"x": point[0], "y": point[1]}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@each_figure
def test_what_is_no_number_is_refused_in_words(browser, over_http, name):
    with awake(browser, over_http, name) as page:
        for field in page.locator(".live-slider input[type=text]").all():
            before = state(page)
            for rubbish in ("abc", "", "1,2,3", "NaN"):
                field.fill(rubbish)
                field.press("Enter")
                assert "is no number" in words(page) and state(page) == before
            whole = "." not in field.input_value()
            field.fill("4,4" if whole else "−0,5")
            field.press("Enter")
            settled(page)
            assert state(page) != before
            assert field.input_value().startswith("4" if whole else "−0.5")


@each_figure
def test_numbers_without_bounds_break_nothing(browser, over_http, name):
    with awake(browser, over_http, name) as page:
        still = picture(page)
        for field in page.locator(".live-slider input[type=text]").all():
            field.fill("1e200")
            field.press("Enter")
        settled(page)
        assert words(page)
        page.locator(".live-again").click()
        settled(page)
        assert picture(page) == still


@each_figure
def test_a_state_can_be_sent_by_its_address(browser, over_http, name):
    with awake(browser, over_http, name, permissions=["clipboard-read", "clipboard-write"]) as page:
        for control in movable(page)[:3]:
            control.focus()
            page.keyboard.press("ArrowUp")
        settled(page)
        sent, shown = state(page), picture(page)
        page.locator(".live-link").click()
        page.get_by_text("Copied", exact=True).wait_for()
        address = page.evaluate("navigator.clipboard.readText()")
    query = address[address.index("?") :]
    with awake(browser, over_http, name, query=query) as page:
        assert state(page) == sent and picture(page) == shown
    for wrong in ("p:1,2", "nonsense", "constructor:1", "stage:NaN"):
        with awake(browser, over_http, name, query=f"?{name}={wrong}") as page:
            assert "holds no state" in words(page)
            assert json.loads(state(page)) == live.FIGURES[name]().start


@each_figure
def test_on_paper_it_is_a_picture(browser, over_http, name):
    with awake(browser, over_http, name) as page:
        page.emulate_media(media="print")
        assert not page.locator(".live-controls").is_visible()
        assert page.locator(".live-panel").first.is_visible()


# --- XOR by hand ----------------------------------------------------------------------------------


def test_xor_can_be_solved_with_the_keyboard(browser, over_http):
    with awake(browser, over_http, "xor-by-hand") as page:
        assert "2 of the four" in words(page)
        page.get_by_role("slider", name="Unit 2, its slope").focus()
        for _ in range(20):
            page.keyboard.press("ArrowUp")
        settled(page)
        assert "book’s own function" in words(page)
        page.wait_for_timeout(900)  # a screen reader hears it once it has stood for a while
        assert page.locator("[role=status]").inner_text() == words(page)


def test_a_choice_can_be_taken_back(browser, over_http):
    with awake(browser, over_http, "xor-by-hand") as page:
        page.get_by_role("slider", name="Unit 1, its line").press("ArrowLeft")
        settled(page)
        own = state(page)
        page.get_by_role("button", name="a slip on slides").click()
        assert "slip" in words(page)
        assert "[2, 0]" in words(page)
        page.get_by_role("button", name="yours").click()
        assert state(page) == own
        page.get_by_role("button", name="a slip on slides").click()
        page.get_by_role("slider", name="Unit 1, its line").press("ArrowLeft")
        settled(page)
        assert "slip" not in words(page)


def test_the_points_travel_when_asked_and_in_steps_for_who_wants_less_motion(browser, over_http):
    for motion in ("no-preference", "reduce"):
        with awake(browser, over_http, "xor-by-hand", reduced_motion=motion) as page:
            page.get_by_role("button", name="Play").click()
            stages = set()
            for _ in range(60):
                stages.add(round(json.loads(state(page))["stage"], 3))
                page.wait_for_timeout(90)
            assert 3 in stages and len(stages) > 2
            assert (stages <= {0, 1, 2, 3}) == (motion == "reduce")
            assert page.get_by_role("button", name="Play").is_visible()


# --- The trainer ----------------------------------------------------------------------------------


def after(k, start=1, rate=0.1):
    """The cost and the parameters of XOR's network after k steps from a start."""
    X, y = dl.datasets.xor()
    W, w = (value[0] for value in weights(np.array([start]), 2))
    model = dl.Network(dl.Layer(2, 2, dl.relu), dl.Layer(2, "scalar"))
    inputs, targets = dl.variable("X", (4, 2)), dl.variable("y", (4,))
    J = dl.mean((targets - model(inputs)) ** 2)
    values = dict(zip(model.parameters, (W, np.zeros(2), w, np.array(0.0)), strict=True))
    run = dl.train(J, values, {inputs: X, targets: y}, dl.GradientDescent(rate), steps=k)
    return run.costs[-1], list(run.parameters.values())


def weights_of(page):
    found = json.loads(state(page))
    W = np.reshape(found["W"], (2, 8))[:, :2]
    return [W, np.array(found["c"][:2]), np.array(found["w"][:2]), np.array(found["b"])]


@pytest.mark.parametrize("start", [1, 4, 11])
def test_steps_are_those_of_training(browser, over_http, start):
    with awake(browser, over_http, "xor-trainer") as page:
        field = page.get_by_role("textbox", name="start as a number", exact=True)
        field.fill(str(start))
        field.press("Enter")
        step, done = page.get_by_role("button", name="Step"), 0
        for k in (0, 1, 10, 100):
            for _ in range(k - done):
                step.click()
            done = k
            settled(page)
            cost, parameters = after(k, start)
            for found, expected in zip(weights_of(page), parameters, strict=True):
                assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
            assert f"Step {k}: J = {cost:.4f}" in words(page)


def test_every_fate_of_the_bar_ends_as_it_says_and_tells_why(browser, over_http):
    why = {
        "solved": "solved",
        "J = 1/8": "0.1250, stuck. No unit is on at a point that the network gets wrong",
        "J = 1/6": "0.1667, stuck. No unit is on at a point that the network gets wrong",
        "J = 1/4": "0.2500, stuck. Each unit is on at all four points or at none",
    }
    with awake(browser, over_http, "xor-trainer") as page:
        for name, reason in why.items():
            page.get_by_role("button", name=name).click()
            page.get_by_role("button", name="Play").click()
            page.locator(".live-says", has_text="Step 4000").wait_for()
            assert reason in words(page)


def test_one_can_go_back_to_an_earlier_step_and_on_from_there(browser, over_http):
    with awake(browser, over_http, "xor-trainer") as page:
        step = page.get_by_role("button", name="Step")
        for _ in range(12):
            step.click()
        settled(page)
        twelve, curve = state(page), picture(page)
        scrub = page.get_by_role("slider", name="back and forth")
        for _ in range(7):
            scrub.press("ArrowLeft")
        settled(page)
        assert json.loads(state(page))["k"] == 5
        assert_allclose(weights_of(page)[0], after(5)[1][0], rtol=1e-12)
        for _ in range(7):
            step.click()
        settled(page)
        assert state(page) == twelve and picture(page) == curve


def test_a_learning_rate_that_overshoots_is_said_and_can_be_taken_back(browser, over_http):
    with awake(browser, over_http, "xor-trainer") as page:
        field = page.get_by_role("textbox", name="learning rate as a number")
        field.fill("40")
        field.press("Enter")
        page.get_by_role("button", name="Play").click()
        page.get_by_text("no longer finite").wait_for()
        page.get_by_role("button", name="Back to the start").click()
        assert words(page).startswith("Step 0")


# --- On the site ----------------------------------------------------------------------------------


def places(site, name):
    """The pages that have a figure: a chapter, and maybe the landing page."""
    chapters = sorted((site / "chapters").glob("*.html"))
    shows = f'data-live="{name}"'
    found = [page for page in chapters if shows in page.read_text(encoding="utf-8")]
    assert found, f"no chapter shows {name}"
    found += [site / "index.html"] if shows in (site / "index.html").read_text("utf-8") else []
    return [page.relative_to(site).as_posix() for page in found]


def loaded(page):
    """The scripts of figures that a page has asked for."""
    return page.evaluate("""() => performance.getEntriesByType("resource").map((e) => e.name)
        .filter((name) => /live/.test(name)).map((name) => name.replace(/.*_static[/]/, ""))""")


@each_figure
def test_a_figure_wakes_up_where_it_stands_when_it_is_near(open_page, site, name):
    for place in places(site, name):
        page = open_page(place)
        figure = page.locator(f"[data-live={name}]")
        figure.scroll_into_view_if_needed()
        page.locator(f"[data-live={name}][data-live-ready]").wait_for()
        assert set(loaded(page)) >= {"live.js", f"live/{name}.js"}
        before = figure.locator(".live-says").inner_text()
        for key in ("ArrowUp", "Enter"):  # what can be dragged, or a button
            movable(figure)[0].press(key)
        settled(page)
        assert figure.locator(".live-says").inner_text() != before


def test_a_page_loads_nothing_of_figures_that_are_far_or_not_there(open_page):
    assert loaded(open_page("chapters/6_6_history.html")) == []
    assert loaded(open_page("chapters/6_1_xor.html", viewport={"width": 1400, "height": 500})) == []


def test_a_figure_whose_program_does_not_load_says_so(browser, address):
    with tab(browser) as page:
        page.route("**/live/xor-by-hand.js", lambda route: route.abort())
        page.goto(f"{address}index.html")
        page.get_by_text("did not load").wait_for()
        assert not page.locator(".live-controls").first.is_visible()


def test_on_the_site_as_a_folder_a_figure_wakes_up_too(browser, site):
    with tab(browser) as page:
        page.goto((site / "index.html").as_uri())
        page.locator("[data-live=xor-by-hand][data-live-ready]").wait_for()


def test_a_figure_keeps_its_room_as_it_wakes_up(browser, address):
    held = []
    with tab(browser, viewport={"width": 1400, "height": 900}) as page:
        page.route("**/live.js", lambda route: held.append(route))
        page.goto(f"{address}index.html", wait_until="commit")
        page.wait_for_timeout(1500)
        asleep = page.locator("[data-live]").bounding_box()
        held[0].continue_()
        page.locator("[data-live-ready]").wait_for()
        assert page.locator("[data-live]").bounding_box() == asleep
