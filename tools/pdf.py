"""Print the whole book: `make pdf` writes _build/dlbook.pdf.

The built site, put together to one document by whole_book.py, goes through Chromium twice: only
after the first print is it known on which page everything stands. What only the browser can see is
checked here (formulas, pictures, lines too long for the paper), the file by
tests/site/test_pdf.py.
"""

import io
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import matplotlib
import pikepdf
import yaml
from playwright.sync_api import Error, sync_playwright
from whole_book import mathjax_folder, whole_book

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
PDF = ROOT / "_build" / "dlbook.pdf"

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# The document has this address, but no server: what it loads is read from the disk.
ADDRESS = "http://book.invalid"
PLACES = (
    SITE,
    ROOT / "web" / "theme",  # the figures' style sheet: the site's own is for screens
    ROOT / "tools",
    mathjax_folder(),  # its fonts
    Path(matplotlib.get_data_path(), "fonts", "ttf"),
)
TEXT_WIDTH = round((210 - 2 * 23) / 25.4 * 96)  # as in pdf.css, in CSS pixels

SETTLE = """async () => {
    await document.fonts.ready;
    for (const image of document.images) await image.decode().catch(() => {});
}"""
# A formula or a printed table that is too wide becomes smaller, if it can still be read; what is
# much too wide is printed words, and goes on in the next line.
FIT = """() => {
    for (const box of document.querySelectorAll(".formula, .output pre")) {
        const inner = box.querySelector("mjx-container") ?? box;
        if (inner == box) box.style.whiteSpace = "pre";
        const factor = box.clientWidth / box.scrollWidth;
        if (factor < 1 && factor > 0.75) {
            const size = parseFloat(getComputedStyle(inner).fontSize);
            inner.style.fontSize = `${size * factor * 0.99}px`;
        }
        box.style.whiteSpace = "";
    }
}"""
FAULTS = """() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const text = element => element.textContent.trim().slice(0, 80);
    return [
        ...all(".math").filter(m => !m.querySelector("mjx-container"))
            .map(m => "raw formula: " + text(m)),
        ...all("mjx-merror").map(m => "wrong formula: " + text(m.closest(".math"))),
        ...[...document.images].filter(i => !i.naturalWidth).map(i => "no image: " + i.src),
        ...all('a[href^="#"]')
            .filter(a => !document.getElementById(decodeURIComponent(a.hash.slice(1))))
            .map(a => "link to nowhere: " + a.hash),
        // Chromium would make the whole book smaller, until the widest line fits.
        ...all("body *").filter(e => e.getBoundingClientRect().right > innerWidth + 1)
            .map(e => "too wide: " + e.outerHTML.slice(0, 80)),
    ];
}"""
WRITE_NUMBERS = """numbers => {
    for (const place of document.querySelectorAll(".page-number"))
        place.textContent = numbers[place.hash.slice(1)] ?? "000";
}"""


def main():
    with chromium() as browser:
        book = print_with_page_numbers(browser, whole_book(SITE, ROOT))
    pages = finish(book)
    print(f"{PDF.relative_to(ROOT)}: {pages} pages, {PDF.stat().st_size / 1e6:.1f} MB")


@contextmanager
def chromium():
    """Start the Chromium or Chrome that is installed, or the one that Playwright has fetched."""
    installed = [{"executable_path": path} for name in BROWSERS if (path := shutil.which(name))]
    with sync_playwright() as playwright:
        for how in [*installed, {}]:
            try:
                browser = playwright.chromium.launch(args=["--disable-gpu"], **how)
            except Error:
                continue
            yield browser
            browser.close()
            return
    sys.exit("No Chromium was found: install one, or run `python -m playwright install chromium`.")


def print_with_page_numbers(browser, document):
    """Print, see on which page everything stands, and print again with that written down."""
    numbers = {}
    for _ in range(4):  # a number that is longer than its place held may move what follows
        book = print_once(browser, document, numbers)
        before, numbers = numbers, page_numbers(book)
        if numbers == before:
            return book
    sys.exit("The page numbers do not settle.")


def print_once(browser, document, numbers):
    # A page for each print: printed a second time, the same one may break its lines differently.
    with browser.new_page(
        viewport={"width": TEXT_WIDTH, "height": 900}, color_scheme="light", reduced_motion="reduce"
    ) as page:
        page.set_default_timeout(300_000)
        page.emulate_media(media="print")
        missing = serve(page, document)
        page.goto(ADDRESS)
        page.evaluate(SETTLE)
        page.evaluate(WRITE_NUMBERS, numbers)
        page.evaluate(FIT)
        if faults := missing + page.evaluate(FAULTS):
            sys.exit("The book has faults:\n" + "\n".join(faults))
        return page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)


def serve(page, document):
    """Answer the page's requests from the disk, and nothing else; list what was not there."""
    missing = []

    def answer(route):
        address = unquote(urlsplit(route.request.url).path).lstrip("/")
        files = (place / address for place in PLACES)
        if route.request.url == f"{ADDRESS}/":
            route.fulfill(body=document, content_type="text/html; charset=utf-8")
        elif route.request.url.startswith(ADDRESS) and (
            file := next(filter(Path.is_file, files), None)
        ):
            route.fulfill(path=file)
        else:
            missing.append(f"not in the site: {route.request.url}")
            route.abort()

    page.route("**/*", answer)
    return missing


def page_numbers(book):
    """Map the id of every place that a link leads to, to the number of its page."""
    with pikepdf.open(io.BytesIO(book)) as pdf:
        pages = {page.objgen: str(number) for number, page in enumerate(pdf.pages, start=1)}
        return {
            name.removeprefix("/"): pages[place[0].objgen] for name, place in pdf.Root.Dests.items()
        }


def finish(book):
    """Say what the file is, and nothing about when and by what it was printed; pack it well."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    with pikepdf.open(io.BytesIO(book)) as pdf:
        del pdf.docinfo
        with pdf.open_metadata(set_pikepdf_as_editor=False) as about:
            about["dc:title"] = citation["title"]
            about["dc:creator"] = [author["name"] for author in citation["authors"]]
            about["dc:description"] = citation["abstract"]
            about["dc:language"] = ["en"]
            about["xmp:CreateDate"] = f"{citation['date-released']}T00:00:00Z"
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        packed = pikepdf.ObjectStreamMode.generate
        pdf.save(PDF, object_stream_mode=packed, recompress_flate=True, deterministic_id=True)
        return len(pdf.pages)


if __name__ == "__main__":
    main()
