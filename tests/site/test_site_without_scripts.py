"""With scripts off every page still reads, and in every figure each label stands clear."""

import pytest
from site_pages import SETTLE, none, one_of_each_kind, pages, tab

# What a reader without scripts would miss: empty titles and paragraphs, things without size, and
# what is folded where nothing opens it.
UNREAD = """() => {
    const problems = [];
    const seen = e => e.checkVisibility({opacityProperty: true, visibilityProperty: true})
        && e.getClientRects().length > 0;
    // What a fold or a tab hides shows once the reader opens it, which takes no script.
    const offered = e => {
        const fold = e.closest("details:not([open])");
        if (fold) return seen(fold.querySelector("summary") ?? fold) || offered(fold.parentElement);
        const tab = e.closest(".sd-tab-content");
        const label = tab?.previousElementSibling;
        return Boolean(label && !seen(tab) && seen(label));
    };
    const missing = e => !seen(e) && !offered(e.parentElement);
    const article = document.querySelector("article") ?? document.body;
    const titles = [...article.querySelectorAll("h1")].filter(seen);
    if (!titles.length) problems.push("no title to be seen");
    const parts = "p, li, pre, table, h2, h3, dt, dd, figure, figure svg, figcaption, img, .math";
    for (const e of article.querySelectorAll(parts)) {
        const empty = !e.textContent.trim() && !e.matches("svg, img");
        // What a figure says to who can move it is said to nobody else.
        if (empty || e.closest("[hidden], .live-try, .live-controls")) continue;
        if (missing(e)) problems.push(`not to be seen: ${e.outerHTML.slice(0, 100)}`);
        const {width, height} = e.getBoundingClientRect();
        if (e.matches("svg, img, .math, figure") && seen(e) && Math.min(width, height) < 2) {
            problems.push(`without size: ${e.outerHTML.slice(0, 100)}`);
        }
    }
    return problems;
}"""

# What offers to do something that only a script could do. What opens contents is the browser's own,
# and so are the boxes of tabs and of figures that move.
IDLE = """() => [...document.querySelectorAll("button, form, input, [role=button]")]
    .filter(e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}))
    .filter(e => !e.matches("[popovertarget], :is(.sd-tab-set, .dl-switch) > input, .dl-filter *"))
    .map(e => `does nothing: ${e.outerHTML.slice(0, 100)}`)"""

# Labels are drawn as outlines of letters; those of one label share a group, turned as a whole.
# Lengths are in points of print.
LABELS = """() => {
    const problems = [];
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = "var(--dl-grid)";
    const grid = getComputedStyle(probe).color;  // pale lines may pass
    const span = (points, [x, y]) => {
        const along = points.map(point => point[0] * x + point[1] * y);
        return [Math.min(...along), Math.max(...along)];
    };
    const corners = label => {
        const {x, y, width, height} = label.getBBox();
        const all = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
        const to = label.getScreenCTM();
        return all.map(([x, y]) => [to.a * x + to.c * y + to.e, to.b * x + to.d * y + to.f]);
    };
    // How deep two rectangles, turned or not, stand in one another.
    const overlap = (one, other) => Math.min(...[one, other].flatMap(points => [0, 1].map(side => {
        const [x, y] = [0, 1].map(axis => points[side + 1][axis] - points[side][axis]);
        const direction = [x / (Math.hypot(x, y) || 1), y / (Math.hypot(x, y) || 1)];
        const [[a, b], [c, d]] = [span(one, direction), span(other, direction)];
        return Math.min(b, d) - Math.max(a, c);
    })));
    // What is painted over a label, or is a line right under it, at a point of one of its letters.
    const across = (label, drawing, [x, y]) => {
        for (const part of document.elementsFromPoint(x, y)) {
            if (label.contains(part)) continue;
            if (!drawing.contains(part) || part === drawing) return null;
            if (part.parentElement.matches(LETTERS)) return null;  // another label, found already
            const later = label.compareDocumentPosition(part) & Node.DOCUMENT_POSITION_FOLLOWING;
            if (later) return "is under something";
            const {fill, stroke} = getComputedStyle(part);
            if (fill !== "none") return null;
            if (stroke === grid) continue;
            return "is crossed by a line";
        }
        return null;
    };
    const LETTERS = ":has(> use[href*=DejaVu], > use[href*=STIX])";
    for (const drawing of document.querySelectorAll("article svg[role=img]")) {
        const name = drawing.closest("[id]")?.id;
        drawing.scrollIntoView({block: "center", behavior: "instant"});
        const {left, right, top, bottom} = drawing.getBoundingClientRect();
        const scale = drawing.getScreenCTM().a;
        // Of a film the last picture shows.
        const labels = [...drawing.querySelectorAll(`g${LETTERS}`)]
            .filter(label => !label.closest(".dl-film > g:not(:last-child)"));
        const boxes = labels.map(corners);
        const say = (box, text) => {
            const [x, y] = [box[0][0] - left, box[0][1] - top].map(v => Math.round(v / scale));
            problems.push(`${name}: the label at ${x}, ${y} ${text}`);
        };
        for (const [i, box] of boxes.entries()) {
            const [a, b] = span(box, [1, 0]), [c, d] = span(box, [0, 1]);
            const cut = Math.max(left - a, b - right, top - c, d - bottom);
            if (cut > 0.5 * scale) say(box, "is cut");
            for (const other of boxes.slice(0, i)) {
                if (overlap(box, other) > 0.5 * scale) say(box, "overlaps another");
            }
            const points = [...labels[i].querySelectorAll("use")].flatMap(letter => {
                const {x, y, width, height} = letter.getBoundingClientRect();
                return [0.2, 0.5, 0.8].map(at => [x + at * width, y + height / 2]);
            });
            const found = new Set(points.map(point => across(labels[i], drawing, point)));
            for (const text of found) if (text) say(box, text);
        }
    }
    return problems;
}"""


@pytest.fixture(scope="module")
def without_scripts(browser):
    # Nothing moves: what moves shows its last picture.
    options = {"java_script_enabled": False, "reduced_motion": "reduce"}
    with tab(browser, viewport={"width": 1400, "height": 1200}, **options) as page:
        yield page


KINDS = {"unread": UNREAD, "idle": IDLE, "labels": LABELS}


def look(page):
    """Return what is wrong with an open page, by kind."""
    page.evaluate(SETTLE)
    return {kind: page.evaluate(script) for kind, script in KINDS.items()}


def visit(page, address, names):
    """Open pages and return what is wrong with them, by kind."""
    wrong = {kind: [] for kind in KINDS}
    for name in names:
        page.goto(address + name)
        for kind, problems in look(page).items():
            wrong[kind] += [f"{name}: {problem}" for problem in problems]
    return wrong


@pytest.fixture(
    scope="module",
    params=["a page of each kind", pytest.param("the rest", marks=pytest.mark.exhaustive)],
)
def wrong(request, site, address, without_scripts):
    few = one_of_each_kind(site)
    seen = few if request.param != "the rest" else [p for p in pages(site) if p not in few]
    return visit(without_scripts, address, [page.relative_to(site).as_posix() for page in seen])


def test_text_figures_and_formulas_read_without_scripts(wrong):
    none(wrong["unread"])


def test_nothing_is_offered_that_needs_a_script(wrong):
    none(wrong["idle"])


def test_contents_open_where_they_are_pressed(browser, address):
    phone = {"width": 360, "height": 740}
    with tab(browser, viewport=phone, java_script_enabled=False) as page:
        page.goto(f"{address}chapters/6_1_xor.html")
        for name in ("contents", "page-contents"):
            assert not page.locator(f"#{name}").is_visible()
            page.locator(f"button[popovertarget={name}]").click()
            assert page.locator(f"#{name} a").first.is_visible()
            page.keyboard.press("Escape")


def test_a_page_has_one_mark_and_colours_that_it_is_read_by(without_scripts, address):
    without_scripts.goto(f"{address}index.html")
    marks = without_scripts.locator(".mark")
    assert [mark.is_visible() for mark in marks.all()].count(True) == 1
    color = "e => getComputedStyle(e).color"
    link, text = (without_scripts.locator(f"article {tag}").first for tag in ("p a", "p"))
    assert link.evaluate(color) != text.evaluate(color)


def test_labels_of_a_figure_stand_clear(wrong):
    none(wrong["labels"])


READS = """<style>:root {--dl-grid: #ddd}</style><article id="page"><h1>t</h1><p>p</p>
    <details><summary>s</summary><p>folded</p></details>"""
LETTER = "<path id='DejaVu-1' d='M0 0h8v10h-8z'/>"


def drawing(parts):
    return f"""{READS}<svg role="img" viewBox="0 0 100 50" width="200"><defs>{LETTER}</defs>
        <g transform="translate(20 20)"><use href="#DejaVu-1"/><use href="#DejaVu-1" x="8"/></g>
        {parts}</svg></article>"""


def label(transform):
    return f'<g transform="{transform}"><use href="#DejaVu-1"/></g>'


LINE = '<path d="M0 25h100" style="fill: none; stroke: black; stroke-width: 2"/>'
UNDER = drawing("").replace("</defs>", "</defs>" + LINE)


@pytest.mark.parametrize(
    "html, kind, count",
    [
        (READS, "unread", 0),
        (READS.replace("<h1>t</h1>", ""), "unread", 1),
        (READS + '<p style="visibility: hidden">never</p>', "unread", 1),
        (READS + '<p style="opacity: 0">never</p>', "unread", 1),
        (READS + '<p class="math" style="height: 0; overflow: hidden">x</p>', "unread", 1),
        (READS + '<details style="display: none"><p>never</p></details>', "unread", 1),
        (READS + "<button>Search</button>", "idle", 1),
        (READS + "<button popovertarget='page'>Open</button>", "idle", 0),
        (READS + "<form><input type='search'></form>", "idle", 2),
        (drawing(""), "labels", 0),
        (drawing(label("translate(40 20)")), "labels", 0),
        (drawing(label("translate(34 20)")), "labels", 1),
        (drawing(label("translate(40 35) rotate(-90)")), "labels", 0),
        (drawing(label("translate(30 35) rotate(-90)")), "labels", 1),
        (drawing(label("translate(95 20)")), "labels", 1),
        (drawing('<rect x="20" y="20" width="20" height="20"/>'), "labels", 1),
        (UNDER, "labels", 1),
        (
            UNDER.replace("</defs>" + LINE, f"</defs>{LINE}<rect width='99' height='49'/>"),
            "labels",
            0,
        ),
    ],
)
def test_each_fault_is_found(html, kind, count, without_scripts):
    without_scripts.goto("about:blank")  # free of the policy of the page before
    without_scripts.set_content(f"<!doctype html>{html}")
    counts = {other: len(found) for other, found in look(without_scripts).items()}
    assert counts == dict.fromkeys(KINDS, 0) | {kind: count}
