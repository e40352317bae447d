"""What a page says is folded is folded: no word of it can be seen until one presses, and then all.

What there must be is read from the sources, the instructor's notebooks, the hints and the chapters'
cells, and looked for on the page as a person looks: by what can be seen of the text.
"""

import importlib
import json
import re
from collections import Counter
from functools import cache

import pypdfium2
import pytest
from site_pages import ROOT, SETTLE, none, pages, tab

CHAPTERS = {path.stem: path for path in sorted(ROOT.glob("chapters/*.ipynb"))}

# The text of an element that can be seen: it has a size, is not transparent, and lies inside of
# what cuts it off, unless one can scroll there.
SEEN = """root => {
    const shows = (text, box) => {
        if (box.width * box.height === 0) return false;
        const e = text.parentElement;
        if (!e.checkVisibility({opacityProperty: true, visibilityProperty: true})) return false;
        for (let around = e; around !== document.body; around = around.parentElement) {
            const {overflowX, overflowY} = getComputedStyle(around);
            const {left, right, top, bottom} = around.getBoundingClientRect();
            const cutsX = !["visible", "auto", "scroll"].includes(overflowX);
            const cutsY = !["visible", "auto", "scroll"].includes(overflowY);
            if (cutsX && (box.right <= left || box.left >= right)) return false;
            if (cutsY && (box.bottom <= top || box.top >= bottom)) return false;
        }
        return true;
    };
    const words = [], range = document.createRange();
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode()); ) {
        range.selectNodeContents(text);
        if (text.data.trim() && [...range.getClientRects()].some(box => shows(text, box))) {
            words.push(text.data);
        }
    }
    return words.join(" ");
}"""
# Each kind: all that one can press, and below the same element what it shows.
FOLDS = {
    "solution": ("details.solution", "summary", "summary ~ *"),
    "hint": ("details.hint", "summary", "summary ~ *"),
    "code": ("details.source", "summary", "summary ~ *"),
    "tab": (".sd-tab-set", "label >> text=PyTorch", ".sd-tab-content:last-child"),
}


def letters(text):
    """Leave out what typesetting changes: blanks, line ends, quotation marks, dashes."""
    return re.sub(r"[\W_]+", "", text)


def read_cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code_of(cells, tag):
    return ["".join(c["source"]) for c in cells if tag in c["metadata"].get("tags", [])]


@cache
def promised(chapter):
    """Return what a chapter folds, by kind, in the order of the page: the letters of its parts."""
    cells = read_cells(CHAPTERS[chapter])
    exercises = {
        cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"])
        for cell in read_cells(ROOT / f"exercises/source/{chapter}/{chapter}.ipynb")
        if "nbgrader" in cell["metadata"]
    }
    names = [key.removesuffix("-statement") for key in exercises if key.endswith("-statement")]
    number = re.match(r"\d(_\d+)*", chapter)[0]
    section = importlib.import_module(f"dlbook.exercises.sections.section_{number}").section
    words = {exercise.name: exercise for exercise in section.exercises}
    solved = {name: re.sub(r"### (BEGIN|END) SOLUTION", "", exercises[name]) for name in names}
    texts = {
        "solution": [(solved[name], words[name].after) for name in names],
        "hint": [(hint,) for name in names for hint in words[name].hints],
        "code": [(code,) for code in code_of(cells, "hide-input")],
        "tab": [(code,) for code in code_of(cells, "pytorch")],
    }
    return {
        kind: [[letters(part) for part in parts if part] for parts in found]
        for kind, found in texts.items()
    }


def faults(page, promised):
    """Press all that is folded on an open page; return where it did not keep what it promises."""
    page.evaluate(SETTLE)
    body = page.locator("body")
    before, wrong = letters(body.evaluate(SEEN)), []
    for kind, texts in promised.items():
        fold, handle, content = FOLDS[kind]
        folds = page.locator(fold)
        if folds.count() != len(texts):
            wrong.append(f"{kind}: {folds.count()} folds for {len(texts)}")
        for i, parts in enumerate(texts):
            if open_before := [part for part in parts if part in before]:
                wrong.append(f"{kind} {i} is open: {open_before[0]}")
        for i, parts in enumerate(texts[: folds.count()]):
            folds.nth(i).locator(handle).first.click()
            shown = " ".join(folds.nth(i).locator(content).evaluate_all(f"all => all.map({SEEN})"))
            if "".join(parts) not in letters(shown):
                wrong.append(f"{kind} {i} does not open: {parts[0]}")
    return wrong


WITH_ALL_KINDS = [name for name in CHAPTERS if all(promised(name).values())]
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])


@SCRIPTS
@pytest.mark.parametrize(
    "chapter",
    [
        pytest.param(name, marks=[] if name == WITH_ALL_KINDS[0] else pytest.mark.exhaustive)
        for name in CHAPTERS
    ],
)
def test_what_a_chapter_folds_is_hidden_until_it_is_pressed(chapter, scripts, open_page):
    page = open_page(f"chapters/{chapter}.html", java_script_enabled=scripts)
    none(faults(page, promised(chapter)))


def test_nothing_else_is_folded_on_any_page(site):
    kinds = re.compile(r'<details class="[^"]*\b(solution|hint|source|rule)\b')
    for page in pages(site):
        article = page.read_text(encoding="utf-8").partition("<article")[2]
        found = Counter(kinds.findall(article))
        assert article.count("<details") == found.total(), page
        if page.stem not in CHAPTERS:
            assert not found, page


GOOD = """<!doctype html><style></style>
<details class="hint"><summary>Hint</summary><p>Look down.</p></details>
<details class="solution"><summary>Solution</summary><p>Here it</p> <pre>is</pre></details>"""
PROMISED = {"hint": [["Lookdown"]], "solution": [["Hereit", "is"]]}
CUT = 'style="overflow: hidden; height: 0"'


@pytest.mark.parametrize(
    "html, kinds",
    [
        (GOOD, []),
        (GOOD.replace('"solution"', '"solution" open'), ["solution 0 is open", "does not open"]),
        (GOOD.replace("details", "div"), ["hint: 0", "hint", "solution: 0", "solution"]),
        (GOOD + "<p>Here it goes</p>", ["solution 0 is open"]),
        (GOOD + f"<div {CUT}>Here it goes</div>", []),
        (GOOD + "<p style='opacity: 0'>Here it goes</p>", []),
        (GOOD.replace("<summary", "<summary onclick='return false'"), ["hint", "solution"]),
        (GOOD.replace('class="hint"', ""), ["hint: 0 folds for 1"]),
        (GOOD.replace("Look down", "Look up"), ["hint 0 does not open"]),
        (GOOD.replace("<pre", f"<pre {CUT}"), ["solution 0 does not open"]),
        (GOOD.replace("<pre", "<pre hidden"), ["solution 0 does not open"]),
        (GOOD.replace("<p", "<p style='visibility: hidden'"), ["hint", "solution"]),
    ],
)
def test_each_fault_of_a_fold_is_found(html, kinds, browser):
    with tab(browser) as page:
        page.set_content(html)
        found = faults(page, PROMISED)
    assert len(found) == len(kinds)
    assert all(kind in fault for kind, fault in zip(kinds, found, strict=True)), found


def test_a_link_to_something_folded_opens_it(open_page):
    page = open_page("chapters/6_1_xor.html#ex-6-1-q3-solution")
    at = """() => [...document.querySelectorAll("details.solution[open]")]
        .map(fold => [fold.id, Math.round(fold.getBoundingClientRect().top)])"""
    ((opened, top),) = page.evaluate(at)
    assert opened == "ex-6-1-q3-solution" and 0 <= top < 200
    inside = page.locator("#ex-6-1-q5-solution pre").first
    inside.evaluate("inside => inside.id = 'inside'")
    page.evaluate("location.hash = 'inside'")
    inside.wait_for()
    assert 0 <= inside.bounding_box()["y"] < 200


@pytest.mark.parametrize("scripts", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_what_is_folded_is_printed_but_for_code_that_only_draws(scripts, open_page):
    paper = open_page(f"chapters/{WITH_ALL_KINDS[0]}.html", java_script_enabled=scripts).pdf()
    text = letters("".join(p.get_textpage().get_text_range() for p in pypdfium2.PdfDocument(paper)))
    folds = promised(WITH_ALL_KINDS[0])
    code = [part for parts in folds.pop("code") for part in parts]
    assert not [part for part in code if part in text] and "Showthecode" not in text
    folds = [parts for found in folds.values() for parts in found]
    none([part for parts in folds for part in parts if part not in text])
