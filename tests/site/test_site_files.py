"""The built site as files: nothing in it is broken, and nothing comes from elsewhere."""

import base64
import hashlib
import json
import re
from collections import Counter
from functools import cache
from urllib.parse import unquote, urlsplit

import pytest
from site_pages import ROOT, none, pages, parse

CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
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
            # What moves is made of several drawings, which are one picture.
            drawings = figure.select(".live-picture") or figure.find_all("svg")
            if not drawings:
                problems.append(f"{where}: no drawing")
            for drawing in drawings:
                title = drawing.find("title", recursive=False)
                if not drawing.get("aria-label", "").strip() and not (title and title.get_text()):
                    problems.append(f"{where}: the drawing says nothing to who cannot see it")
                if drawing.get("role") != "img":
                    problems.append(f"{where}: the drawing's role is not img")
    return problems


CHECKS_OF_FILES = {
    requests_to_other_hosts: '<script src="https://cdn.example/x.js"></script>',
    broken_links: '<a href="#nowhere">a</a> <a href="nowhere.html">b</a>',
    repeated_ids: '<p id="a"></p><p id="a"></p>',
    images_without_text: '<img src="index.html">',
    figures_without_description: '<figure class="dl-figure"><svg></svg></figure>',
}


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


def test_no_page_needs_mathjax_to_show_its_formulas(site):
    formulas_of_pages = [f for page in pages(site) for f in parse(page).select(".math")]
    assert len(formulas_of_pages) > 1000
    assert all(f.find("mjx-container") and not f.find("mjx-merror") for f in formulas_of_pages)


def test_a_page_loads_one_style_sheet_and_one_script_of_its_own(site):
    for page in pages(site):
        soup = parse(page)
        assert len(soup.select("link[rel=stylesheet]")) == 1
        scripts = {tag["src"].rpartition("/")[2] for tag in soup.select("script[src]")}
        others = {
            "documentation_options.js", "doctools.js", "sphinx_highlight.js",
            "language_data.js", "searchtools.js", "searchindex.js", "search.js",
        }  # fmt: skip
        assert scripts - {"book.js"} == (others if page.name == "search.html" else set())


def test_every_page_describes_itself(site):
    for page in pages(site):
        names = {t.get("name") or t.get("property"): t.get("content") for t in parse(page)("meta")}
        assert {"description", "og:title", "og:description", "og:site_name"} <= set(names)
        assert 10 < len(names["description"]) < 320 and "\\" not in names["description"]


# What a page may load.


def policy(page):
    metas = [m["content"] for m in parse(page).select("meta[http-equiv=Content-Security-Policy]")]
    return dict(part.split(maxsplit=1) for part in "; ".join(metas).split("; ")) if metas else {}


def holes(site):
    """What of a site its policies would not allow, or allow too much of."""
    problems = []
    for page in pages(site):
        name, allowed = page.relative_to(site).as_posix(), policy(page)
        if allowed.get("default-src") != "'none'" or "unsafe" in allowed.get("script-src", ""):
            problems.append(f"{name}: no policy, or one that allows every script")
        if other := re.search(r"https?:|\*", " ".join(allowed.values())):
            problems.append(f"{name}: allows {other[0]}")
        for script in parse(page).select("script:not([src])"):
            digest = hashlib.sha256(script.get_text().encode()).digest()
            if base64.b64encode(digest).decode() not in allowed.get("script-src", ""):
                problems.append(f"{name}: a script whose hash is not allowed")
        for tag in parse(page).find_all(True):
            if tag.name == "style" or any(a.startswith("on") for a in tag.attrs):
                problems.append(f"{name}: {str(tag)[:100]}")
    return problems


SAFE = (
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; script-src 'self'\">"
)


@pytest.mark.parametrize(
    "fault",
    [
        "<p>no policy</p>",
        SAFE.replace("script-src 'self'", "script-src 'unsafe-inline'"),
        SAFE.replace("script-src 'self'", "script-src https://cdn.example"),
        SAFE + "<script>alert(1)</script>",
        SAFE + '<button onclick="alert(1)">b</button>',
        SAFE + "<style>p {}</style>",
    ],
)
def test_holes_are_found(fault, tmp_path):
    for name, text in {"faulty": fault, "safe": SAFE}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(text, encoding="utf-8")
    assert holes(tmp_path / "faulty") != [] == holes(tmp_path / "safe")


def test_every_page_says_what_it_may_load_and_needs_no_more(site):
    none(holes(site))


# What the site adds to the notebooks.

PREVIEWED = re.compile(r"#((?:eq|alg|claim|term)-.+|fig-.+)$")


def missing_previews(site):
    """List the references to numbered things whose preview is not there."""
    written = {path.stem for path in site.glob("_static/previews/*.js")}
    return [
        f"{page.relative_to(site)}: {link['href']}"
        for page in pages(site)
        for link in parse(page).select("article a.reference.internal[href]")
        if (found := PREVIEWED.search(link["href"])) and found[1] not in written
    ]


def test_every_reference_to_something_numbered_has_a_preview(site):
    none(missing_previews(site))


def test_a_missing_preview_is_found(tmp_path):
    page = '<article><a class="reference internal" href="a.html#eq-6-1">1</a></article>'
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    assert len(missing_previews(tmp_path)) == 1


def test_a_preview_has_no_controls_and_no_links(site):
    previews = {p.stem: p.read_text(encoding="utf-8") for p in site.glob("_static/previews/*.js")}
    assert previews
    for anchor, text in previews.items():
        assert text.startswith(f'showPreview("{anchor}", "')
        assert not re.search(r"<a\b|<input|tabindex|<script", text)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_cell_in_pytorch_is_a_tab_beside_the_one_before(path, site):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [i for i, c in enumerate(cells) if "pytorch" in c["metadata"].get("tags", [])]
    assert all(cells[i - 1]["cell_type"] == "code" for i in tagged)
    sets = parse(site / "chapters" / f"{path.stem}.html").select(".sd-tab-set")
    labels = [[label.get_text(strip=True) for label in tabs.select("label")] for tabs in sets]
    assert labels == [["dlbook", "PyTorch"]] * len(tagged)
    assert all(len(tabs.select(".cell")) == 2 for tabs in sets)


def test_the_glossary_has_its_terms_and_each_leads_to_where_it_is_shown(site):
    terms = parse(site / "reference/glossary.html").select("dl.glossary > dt")
    assert len(terms) >= 50
    for term in terms:
        links = [link["href"] for link in term.find_next_sibling("dd").select("a[href]")]
        assert [href for href in links if href.startswith("../chapters/")], term.get_text()


def set_apart(path):
    """What a notebook's prose sets in italics or bold."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return {t.lower() for t in re.findall(r"(?<![*\\$])\*\*?([\w -]+)\*\*?(?!\*)", prose)}


def test_a_term_that_a_chapter_sets_in_italics_leads_to_the_glossary(site):
    found = parse(site / "reference/glossary.html").select("dl.glossary > dt")
    terms = {term.get_text(strip=True).removesuffix("#").lower() for term in found}
    problems, expected = [], 0
    for path in CHAPTERS:
        links = parse(site / f"chapters/{path.stem}.html").select("a[href*='glossary.html#term-']")
        linked = {link.get_text().lower() for link in links}
        meant = {t for t in set_apart(path) if terms & {t, t.removesuffix("s")}}
        problems += [f"{path.stem}: {term}" for term in sorted(meant - linked)]
        expected += len(meant)
    assert expected > len(CHAPTERS)
    none(problems)


def test_the_benchmarks_are_those_on_record(site):
    record = json.loads((ROOT / "measurements/benchmarks/results.json").read_text(encoding="utf-8"))
    text = parse(site / "reference/benchmarks.html").select_one("article").get_text()
    assert record["date"] in text and record["machine"]["cpu"] in text
    for row in record["step"]:
        for time in row["microseconds"].values():
            assert f"{time:,.0f}" in text
    table = parse(site / "reference/benchmarks.html").select_one("table")
    for row, shown in zip(record["step"], table.select("tbody tr"), strict=True):
        least = f"{min(row['microseconds'].values()):,.0f}"
        assert {bold.get_text() for bold in shown.select("strong")} == {least}
    missed = [aim for aim in record["targets"] if aim["reached"] is False]
    assert text.count("missed") >= len(missed)
    typed = (ROOT / "reference/benchmarks.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<![\d.])(?!6\.)\d+\.\d|%", typed)  # the book's numbers alone
