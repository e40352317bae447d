"""The printed book: `make pdf` puts the pages of the site together, and nothing gets lost.

The first group needs the PDF and reads it with another library than the one that wrote it; the
second tries the assembly on a site of three pages.
"""

import json
import re
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
PDF = ROOT / "_build" / "dlbook.pdf"
NOTEBOOKS = sorted(ROOT.glob("chapters/*.ipynb"))


@pytest.fixture(scope="module")
def book():
    """What stands in the file: text and titles as Chrome's viewer reads them, and its objects."""
    if not PDF.is_file():
        pytest.skip("The PDF is not built: `make pdf` does it.")
    pikepdf, pypdfium2 = map(pytest.importorskip, ("pikepdf", "pypdfium2"))
    viewer, pdf = pypdfium2.PdfDocument(PDF), pikepdf.open(PDF)
    numbers = {page.objgen: number for number, page in enumerate(pdf.pages)}
    yield SimpleNamespace(
        pdf=pdf,
        texts=[" ".join(page.get_textpage().get_text_range().split()) for page in viewer],
        outline=[(mark.get_title(), mark.get_dest().get_index()) for mark in viewer.get_toc()],
        places={name: numbers.get(place[0].objgen) for name, place in pdf.Root.Dests.items()},
    )
    viewer.close()
    pdf.close()


def prose(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def letters(title):
    return re.sub(r"[^a-z0-9]", "", title.lower())


def test_the_book_is_whole_and_no_page_is_empty(book):
    assert len(book.texts) > 10 * len(NOTEBOOKS)
    assert [number for number, text in enumerate(book.texts, start=1) if len(text) < 80] == []


def test_the_bookmarks_name_every_section_in_its_order(book):
    bookmarks = iter([letters(title) for title, _ in book.outline])
    for notebook in NOTEBOOKS:
        without_code = re.sub(r"```.*?```", "", prose(notebook), flags=re.DOTALL)
        headings = re.findall(r"^#{1,3} (.*)$", without_code, re.MULTILINE)
        wanted = [letters(heading) for heading in headings if "$" not in heading]
        assert [heading for heading in wanted if heading not in bookmarks] == []


def test_every_link_leads_to_a_page_of_the_book_or_to_another_site(book):
    assert None not in book.places.values()
    inside = []
    for page in book.pdf.pages:
        for link in page.get("/Annots", []):
            if "/A" in link and "/URI" in link.A:
                assert re.match("https?://(?!book.invalid)", str(link.A.URI))
            else:
                inside.append(str(link.Dest))
    assert len(inside) > 500
    assert set(inside) - set(book.places) == set()


def test_every_number_of_the_book_stands_where_its_anchor_is(book):
    numbers = {n for nb in NOTEBOOKS for n in re.findall(r"\\tag\{([\d.]+)\}", prose(nb))}
    assert len(numbers) > 50
    for number in numbers:
        first = book.places["/eq-" + number.replace(".", "-")]
        # Between an anchor and its formula there may be some lines, and the end of a page.
        assert f"({number})" in " ".join(book.texts[first : first + 2]), number


def test_the_contents_give_the_right_pages(book):
    start = next(page for title, page in book.outline if title == "Contents")
    end = next(page for _, page in book.outline if page > start)
    contents = letters("".join(book.texts[start:end]))
    for notebook in NOTEBOOKS:
        title = letters(re.match(r"# (.*)", prose(notebook))[1])
        page = next(page for mark, page in book.outline if letters(mark) == title)
        assert re.search(rf"{title}{page + 1}(?!\d)", contents), title


def test_every_font_is_in_the_file(book):
    kinds = {"/CIDFontType0", "/CIDFontType2", "/TrueType", "/Type1"}  # /Type3 is drawings
    objects = [obj for obj in book.pdf.objects if hasattr(obj, "keys")]
    fonts = [obj for obj in objects if obj.get("/Subtype") in kinds]
    assert fonts
    for font in fonts:
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(font.FontDescriptor.keys())


def test_the_file_has_the_date_of_the_version_and_names_no_machine(book):
    released = re.search(r"date-released: (.*)", (ROOT / "CITATION.cff").read_text("utf-8"))[1]
    assert str(book.pdf.docinfo.CreationDate).startswith("D:" + released.replace("-", ""))
    assert set(book.pdf.docinfo.keys()) <= {"/Author", "/CreationDate", "/Subject", "/Title"}


# The assembly, on a site of its own.

INDEX = """<h1>The title<a class="headerlink">#</a></h1><a href="a/a.html#same">there</a>
<a href="reference/api/x.html">the library</a> <a href="https://example.org/">elsewhere</a>"""
PAGE = """<section id="same"><h1>{0}</h1><section id="one"><h2>One</h2></section>
<p id="eq-{0}">See <a href="#same">here</a> and <a href="../a/a.html#eq-A">there</a>.</p>
<svg><clipPath id="clip"></clipPath><path clip-path="url(#clip)"></path></svg>
<details class="source"><summary>Code</summary><pre>draws</pre></details>
<details><summary>More</summary>shown</details>
<div class="exercise" id="ex-{0}"><p class="admonition-title">It</p>Try.
<details class="hint"><summary>Hint 1</summary><p>Think.</p></details>
<details class="hint"><summary>Hint 2</summary><p>Look.</p></details>
<details class="solution" id="sol-{0}"><summary>Solution</summary>Done.</details></div></section>"""
CONFIG = """{title: T, author: A, sphinx: {config: {html_theme_options: {license: F}}}}"""
TOC = """{root: index, parts: [{caption: P, chapters: [{file: a/a, sections: [{file: b/b}]}]},
{caption: L, chapters: [{file: reference/api/x}]}]}"""
CITATION = """{version: 1.0, date-released: 2026-01-02, references: [{title: D, authors:
[{given-names: G, family-names: N}, {given-names: H, family-names: M}]}]}"""


@pytest.fixture
def document(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    from whole_book import whole_book

    pages = {"index": f'<section id="top">{INDEX}</section>'}
    pages |= {"a/a": PAGE.format("A"), "b/b": PAGE.format("B")}
    for name, body in pages.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        html = f"<article>{body}</article>"
        (tmp_path / f"{name}.html").write_text(html, encoding="utf-8")
    files = {"_config.yml": CONFIG, "_toc.yml": TOC, "CITATION.cff": CITATION}
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return BeautifulSoup(whole_book(tmp_path, tmp_path), "html.parser")


def test_the_style_sheets_are_where_the_printer_looks(document):
    pytest.importorskip("pikepdf")
    from pdf import PLACES

    sheets = [link["href"].lstrip("/") for link in document.select("link[rel=stylesheet]")]
    assert sheets
    for sheet in sheets:
        assert any((place / sheet).is_file() for place in PLACES), sheet


def test_in_one_document_names_are_unique_and_every_link_finds_its_own(document):
    ids = [tag["id"] for tag in document.select("[id]")]
    assert len(ids) == len(set(ids))
    assert {"eq-A", "a.a.same", "b.b.same", "b.b.clip"} <= set(ids)
    links = [a["href"] for a in document.select("article p[id] a")]
    assert links == ["#a.a.same", "#eq-A", "#b.b.same", "#eq-A"]
    assert {a["href"][1:] for a in document.select('a[href^="#"]')} <= set(ids)
    assert [path["clip-path"] for path in document.select("path")] == [
        "url(#a.a.clip)",
        "url(#b.b.clip)",
    ]


def test_links_to_what_is_not_printed_become_words_and_others_stay(document):
    words, outside = document.select("article")[0].select("a")[1:]
    assert words.get_text() == "the library" and not words.has_attr("href")
    assert outside["href"] == "https://example.org/"


def test_folded_code_is_left_out_and_other_folds_are_open(document):
    assert "draws" not in document.get_text()
    assert all(details.has_attr("open") for details in document.select("details"))
    assert len(document.select("details")) == 2


def test_solutions_stand_at_the_end_and_exercises_say_where(document):
    last = document.select("article")[-1]
    assert [s["id"] for s in last.select("div.solution")] == ["sol-A", "sol-B"]
    text = " ".join(last.select_one("#sol-A").get_text(" ").split())
    assert text == "Solution to It , page Hint 1 Think. Hint 2 Look. Done."
    exercises = document.select(".exercise")
    assert [a["href"] for e in exercises for a in e.select("a")] == ["#sol-A", "#sol-B"]
    assert [a["href"] for a in last.select(".page-number")] == ["#ex-A", "#ex-B"]


def test_contents_list_parts_chapters_and_sections(document):
    lines = [line.get_text() for line in document.select(".contents p")]
    assert lines == ["About this course", "P", "A", "One", "B", "One", "Solutions"]


FAULTY = """<span class="math">raw</span> <span class="math"><mjx-container>
<mjx-merror>wrong</mjx-merror>
</mjx-container></span> <a href="#nowhere">link</a> <img src="missing.png">
<img src="https://cdn.example/x.png"> <div style="width: 2000px">wide</div>"""


def test_a_document_with_faults_is_not_printed(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import pdf

    with ExitStack() as stack:
        try:
            browser = stack.enter_context(pdf.chromium())
        except SystemExit as no_browser:
            pytest.skip(str(no_browser))
        with pytest.raises(SystemExit) as refused:
            pdf.print_once(browser, FAULTY, {})
    faults = str(refused.value)
    for fault in ("raw formula", "wrong formula", "link to nowhere", "no image", "too wide"):
        assert f"{fault}: " in faults
    assert "https://cdn.example/x.png" in faults
