"""How the site reaches a reader: what a page weighs, may load and is found by, on screen and paper.

The parts that build it, in `web/course/`, are tried on small pages, the site itself in a
browser.
"""

import gzip
import io
import re
import urllib.request
from urllib.parse import urlencode
from zipfile import ZipFile

import archive
import logo
import numpy as np
import pytest
from course import figures_in_pages, finishing, formulas, insides, long_pages
from PIL import Image, ImageChops
from site_pages import PATIENCE, ROOT, SETTLE, none, tab
from sphinx.errors import ExtensionError

from dlbook.figures.style import COLORS, Drawing, new_figure

# Formulas.


def test_a_formula_is_html_with_mathml_for_those_who_listen():
    html = formulas.typeset(r"\boldsymbol{h} = \max\{0, x_1\}", True)
    assert html.startswith("<mjx-container") and "<math" in html


@pytest.mark.parametrize("wrong", [r"\frac{", r"\unheardof{x}", r"\begin{nothing} x \end{nothing}"])
def test_a_formula_that_mathjax_does_not_know_is_an_error(wrong):
    with pytest.raises(formulas.FormulaError):
        formulas.typeset(wrong, False)


# Style sheets, and what is assumed of others.


def test_of_the_rules_for_characters_those_stay_that_a_page_needs():
    alpha = re.search(r"mjx-c[0-9A-F]+", formulas.typeset(r"\alpha", False))[0]
    css = formulas.style_sheet({alpha, "TEX-I"})
    assert css.count("mjx-c.mjx-c") == css.count(f"mjx-c.{alpha}.") > 0
    assert "mjx-mfrac" in css and len(css) < 0.1 * len(formulas.style_sheet())


def test_fonts_of_formulas_have_the_letters_that_are_named_and_no_others(tmp_path):
    alpha = re.search(r"mjx-c[0-9A-F]+", formulas.typeset(r"\alpha", False))[0]
    css = formulas.with_fonts(formulas.style_sheet({alpha, "TEX-I"}), tmp_path / "fonts")
    named = set(re.findall(r'url\("fonts/(.*?)"\)', css))
    assert named == {file.name for file in (tmp_path / "fonts").iterdir()}
    assert "MathJax_Math-Italic.woff" in named and "MathJax_Fraktur-Bold.woff" not in named
    assert sum(file.stat().st_size for file in (tmp_path / "fonts").iterdir()) < 20_000


def test_what_others_no_longer_have_is_missed_by_its_name():
    with pytest.raises(
        ExtensionError, match=r"Sphinx \d.* no sphinx.highlighting.NoBridge.*insides"
    ):
        insides.find("Sphinx", "sphinx.highlighting.NoBridge", "to try it")


def test_the_book_is_set_in_its_own_letters(site):
    faces = [site / "_static" / name for name in re.findall(r"fonts/\w[\w-]*\.woff2", sheet(site))]
    assert faces and all(face.is_file() for face in faces)
    assert sum(face.stat().st_size for face in faces) <= 80_000
    assert "SIL OPEN FONT LICENSE" in (faces[0].parent / "OFL.txt").read_text("utf-8").upper()


def sheet(site):
    return (site / finishing.SHEET).read_text(encoding="utf-8")


# Figures and long pages.


def test_an_outline_goes_in_steps_and_loses_what_no_eye_sees():
    assert figures_in_pages.relative("M 1.004 2 L 3 2.5 \nL 0 0.25 z") == "m1 2 2 .5-3-2.25z"
    line = " ".join(f"L {x} {x * 2 + 0.01 * (x % 2)}" for x in range(1, 40))
    assert figures_in_pages.relative(f"M 0 0 {line}") == "m0 0 39 78"


def test_a_slim_figure_looks_the_same(browser):
    figure = drawing().svg()
    page = f"<article>{figure}</article>"
    slim = figures_in_pages.slim(page)
    assert len(slim) < 0.7 * len(page)
    shots = []
    colors = "<style>:root {" + "".join(f"--dl-{n}: {c};" for n, c in COLORS.items()) + "}</style>"
    style = colors + "<style>.dl-letters {position: absolute; height: 0}</style>"
    with tab(browser, viewport={"width": 700, "height": 500}) as screen:
        for html in (page, slim):
            screen.set_content(style + html)
            shots.append(Image.open(io.BytesIO(screen.screenshot())).convert("L"))
    # The edge of a line may fall a shade differently; nothing may move by a pixel.
    different = ImageChops.difference(*shots).point(lambda value: 255 * (value > 110))
    assert different.getbbox() is None
    assert ImageChops.invert(shots[0]).getbbox() is not None


def drawing():
    figure, axes = new_figure(5, 3)
    x = np.linspace(0, 6, 400)
    axes.plot(x, np.sin(x), color=COLORS["blue"])
    axes.fill_between(x, np.cos(x), -1, color=COLORS["orange-pale"])
    axes.scatter(x[::20], np.cos(x[::20]), color=COLORS["green"])
    axes.set(xlabel="input $x$", ylabel="output", title="Two waves")
    return Drawing(figure, "Two waves.")


def test_only_the_sections_below_the_title_wait():
    html = "<section><h1>T</h1><section id='a'>x<section>y</section></section></section>"
    aside = long_pages.set_aside(html)
    assert re.sub(r' style="--dl-room: \d+px"', "", aside) == html
    assert aside.count("--dl-room") == 1 and "<section id='a' style=" in aside


def test_room_kept_for_a_section_grows_with_what_is_in_it():
    code = "<pre>" + "line\n" * 50 + "</pre>"
    figure = '<svg style="aspect-ratio: 400/300; width: 400px"></svg>'
    assert long_pages.estimate(code) > 1000 and long_pages.estimate(figure) > 300
    assert long_pages.estimate("<p>short</p>") < 60


# What a page may load, and what it weighs.


def heaviest(site):
    return max(site.glob("chapters/*.html"), key=lambda page: page.stat().st_size)


def test_a_chapter_weighs_at_most_a_megabyte_and_a_half(browser, site, address):
    received = []
    with tab(browser) as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda e: received.append(e["encodedDataLength"]))
        page.goto(address + heaviest(site).relative_to(site).as_posix())
        page.evaluate(SETTLE)  # for what is loaded only when it comes near
    assert 100_000 < sum(received) < 1_500_000


def test_the_server_packs_text_and_leaves_pictures(site, address):
    packed = {"": True, "_static/site.css": True, "_static/screenshot.png": False}
    for name, is_packed in packed.items():
        request = urllib.request.Request(address + name, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as response:
            content = response.read()
        assert (response.headers["Content-Encoding"] == "gzip") == is_packed
        content = gzip.decompress(content) if is_packed else content
        assert content == (site / (name or "index.html")).read_bytes()


# What it is found by.

PAPER = {"width": 700, "height": 900}
FOUND = {
    "6.29": "chapters/6_2_2_output_units.html#eq-6-29",
    "eq 6.29": "chapters/6_2_2_output_units.html#eq-6-29",
    "equation 6.2": "chapters/6_1_xor.html#eq-6-2",
    "fig 6.2": "chapters/6_1_xor.html#fig-6-2",
    "algorithm 6.5": "chapters/6_5_5_general_backprop.html#alg-6-5",
    "softmax": "chapters/6_2_2_output_units.html",
    "universal approximation": "chapters/6_4_architecture.html",
    "maxout": "chapters/6_3_hidden_units.html",
    "cross-entropy": "chapters/6_2_1_cost_functions.html",
    "XOR": "chapters/6_1_xor.html",
    "Hessian": "chapters/6_5_9_beyond_backprop.html",
}


def results(page, address, query):
    """Search, and return where the results lead."""
    page.goto(f"{address}search.html?{urlencode({'q': query})}")
    page.locator(".search-summary", has_text="found").wait_for()
    links = page.locator("#search-results li > a")
    return [link.get_attribute("href") for link in links.all()]


@pytest.fixture(scope="module")
def searcher(browser):
    with tab(browser) as page:
        yield page


@pytest.mark.parametrize("query, place", FOUND.items())
def test_the_search_leads_to(query, place, searcher, address):
    """A glossary may come first, with what the word means; then the chapter."""
    found = results(searcher, address, query)
    first = next(link for link in found if not link.startswith("reference/glossary"))
    page, _, anchor = first.partition("#")
    assert page == place.partition("#")[0]
    assert anchor == place.partition("#")[2] or "#" not in place


@pytest.mark.parametrize("word", ["saturates", "minibatch", "folding", "responsibilities"])
def test_a_word_is_found_in_the_section_that_has_it(word, searcher, address):
    """A page of sixty screens is no answer."""
    results(searcher, address, word)
    hit = searcher.locator("#search-results li:has(a[href^='chapters/']):has(.context)").first
    assert word[:6] in hit.locator(".context").inner_text().lower()
    link = hit.locator("a[href*='#']")
    assert "›" in link.inner_text()
    link.click()
    searcher.wait_for_url(lambda url: "search.html" not in url)
    text, top = searcher.evaluate("""() => {
        const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
        return [place.textContent, place.getBoundingClientRect().top];
    }""")
    assert word[:6] in text.lower() and 0 <= top < 200


# On paper and from disk.

LINKS = ".dl-exercise-links a"


def test_a_printed_page_is_all_text_and_light(open_page):
    page = open_page("chapters/6_1_xor.html", color_scheme="dark", viewport=PAPER)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown = """e => e.checkVisibility({visibilityProperty: true})"""
    for outside in (".contents", ".page-contents", ".top", ".tools", ".turn"):
        assert not page.locator(outside).first.evaluate(shown)
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    cut = """all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""
    assert page.locator("article pre").evaluate_all(cut) == []
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_fonts_of_what_is_not_yet_on_the_screen_are_there_to_print(open_page):
    # Playwright's own waiting evaluates text, which the page's policy forbids.
    missing = """async patience => {
        const missing = () => [...document.fonts].map(f => [f, f.family.replaceAll('"', "")])
            .filter(([f, family]) => f.status !== "loaded" && family.startsWith("MJXTEX-"))
            .map(([f, family]) => family.slice(3))
            .filter(v => document.querySelector("." + v));
        const end = Date.now() + patience;
        while (missing().length && Date.now() < end) await new Promise(requestAnimationFrame);
        return missing();
    }"""
    assert open_page("chapters/6_3_hidden_units.html").evaluate(missing, PATIENCE) == []


def test_the_archive_reads_from_disk(browser, site, tmp_path):
    archive.pack(site, tmp_path / "site.zip")
    with ZipFile(tmp_path / "site.zip") as packed:
        packed.extractall(tmp_path)
    assert not (tmp_path / "dlbook" / "downloads").exists()
    address, errors = (tmp_path / "dlbook").as_uri() + "/", []
    with tab(browser) as page:
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("requestfailed", lambda request: errors.append(request.url))
        for name in ("index.html", "chapters/6_1_xor.html"):
            page.goto(address + name)
            page.evaluate("document.fonts.ready")
            # What moves is there, before the next page's turn would cut off what it asks for.
            page.locator("[data-live]").first.scroll_into_view_if_needed()
            page.wait_for_selector("[data-live-ready]", timeout=PATIENCE)
            icon = "getComputedStyle(document.querySelector('.icon')).height"
            assert page.evaluate(icon) != "auto"
            assert page.evaluate("document.documentElement.dataset.theme") in ("light", "dark")
        assert results(page, address, "6.29")[0] == FOUND["6.29"]
        page.goto(f"{address}reference/glossary.html")
        page.hover("article a.reference.internal[href*='#term-']")
        page.wait_for_selector("#dl-preview")
    none(errors)


def test_what_a_page_offers_to_download_is_the_notebook(open_page):
    page = open_page("chapters/6_1_xor.html")
    for press, folder in ((".tools a[download]", "chapters"), (LINKS, "exercises")):
        with page.expect_download() as download:
            page.locator(press).first.click()
        assert download.value.suggested_filename == "6_1_xor.ipynb"
        stored = (ROOT / folder / "6_1_xor.ipynb").read_bytes()
        assert download.value.path().read_bytes() == stored


def test_the_button_that_says_print_prints(open_page):
    page = open_page("chapters/6_1_xor.html")
    page.evaluate("window.print = () => { window.printed = true }")
    page.locator(".tools .print").click()
    assert page.evaluate("window.printed")


def test_an_archive_is_the_same_for_the_same_site(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("x", encoding="utf-8")
    for name in ("a.zip", "b.zip"):
        archive.pack(tmp_path / "site", tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_the_mark_is_what_its_code_draws():
    for name, text in logo.drawings().items():
        assert (ROOT / "web" / "theme" / "static" / name).read_text(encoding="utf-8") == text
