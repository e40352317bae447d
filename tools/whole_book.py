"""The pages of the built site as one HTML document, ready for the printer.

Look at :func:`whole_book` first. It works on the site's own pages, so what is printed is what the
tests of the site have seen, and nothing is run again. Three things differ from the screen:

- The reference of the library is left out. It is a quarter of all words, made to be searched and
  clicked, and a reader who has the library has it at hand. Links to it become plain words.
- Code that the site folds away, because it only draws, is left out: its figure stands there.
- Solutions are collected behind the chapters, so that an exercise can be tried first.
"""

import posixpath
import re
import sys
from collections import Counter
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup

sys.path.append(str(Path(__file__).resolve().parents[1] / "web"))
from course.formulas import mathjax_folder, style_sheet  # noqa: F401

LEFT_OUT = "reference/api/"
NOT_ON_PAPER = (
    "a.headerlink, button, script, noscript, details.source, .viewcode-link, .margin-note"
)
# Where one element names another; url(#name) may stand in any attribute of a drawing.
LINKS = ("href", "xlink:href")
NAMES = ("aria-labelledby", "aria-describedby", "for")
IN_ATTRIBUTES = re.compile(r"url\((['\"]?)#([^)'\"]+)\1\)")

DOCUMENT = """<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="stylesheet" href="/static/figures.css">
<link rel="stylesheet" href="/pdf.css">
<style>
{formulas}
{headers}
</style>
</head>
<body class="book">
{body}
</body>
</html>
"""


def whole_book(site, root):
    """Return the document: title, contents, the pages in the order of the site, solutions."""
    parts = [(caption, [Page(site, n) for n in names]) for caption, names in _read_toc(root)]
    pages = {page.address: page for _, group in parts for page in group}
    counts = Counter(name for page in pages.values() for name in page.names)
    for page in pages.values():
        page.number_ids({name for name, count in counts.items() if count > 1})
    for page in pages.values():
        page.link(pages)
        _number_entries(page.article)
    printed = [(caption, [page.article for page in group]) for caption, group in parts]
    printed = _collect_solutions(printed)
    articles = [article for _, group in printed for article in group]
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return DOCUMENT.format(
        title=escape(config["title"]),
        formulas=style_sheet(),
        headers="\n".join(_running_header(i, a) for i, a in enumerate(articles)),
        body="\n".join([_title_page(config, root), _contents(printed), *map(str, articles)]),
    )


class Page:
    """One page of the site: its address, and its article without what is of no use on paper."""

    def __init__(self, site, name):
        self.address = f"{name}.html"
        html = (site / self.address).read_text(encoding="utf-8")
        self.article = BeautifulSoup(html, "html.parser").select_one("article")
        for useless in self.article.select(NOT_ON_PAPER):
            useless.decompose()
        for details in self.article.select("details"):
            details["open"] = ""
        for math in self.article.select(
            ".formula, span.math"
        ):  # heard as one, not as one glyph after the other
            spoken = math.select_one("mjx-assistive-mml")
            math["role"] = "img"
            math["aria-label"] = " ".join((spoken or math).get_text().split())
            if spoken:
                spoken.decompose()
        if name == "index":  # the book's title stands on a page of its own
            self.article.h1.string = "About this course"
        self.names = {tag["id"]: tag["id"] for tag in self.article.select("[id]")}

    def number_ids(self, shared):
        """Put the page's name before the ids that other pages have as well.

        Most stay as they are: `dlbook.pdf#eq-6-29` leads a viewer to the equation.
        """
        prefix = self.address.removesuffix(".html").replace("/", ".") + "."
        self.names = {name: prefix * (name in shared) + name for name in self.names}
        for tag in self.article.select("[id]"):
            tag["id"] = self.names[tag["id"]]

    def link(self, pages):
        """Lead every reference to the same place in the one document."""
        for tag in self.article.find_all(True):
            for key, value in list(tag.attrs.items()):
                if key in LINKS:
                    self._link_one(tag, key, pages)
                elif key in NAMES:
                    tag[key] = " ".join(map(self._name, value.split()))
                elif "url(" in value:
                    tag[key] = IN_ATTRIBUTES.sub(lambda m: f"url(#{self._name(m[2])})", value)

    def _link_one(self, tag, key, pages):
        parts = urlsplit(tag[key])
        if parts.scheme or parts.netloc:
            return
        path = posixpath.join(posixpath.dirname(self.address), unquote(parts.path))
        page = pages.get(posixpath.normpath(path)) if parts.path else self
        if page is None:
            del tag[key]
        else:
            tag[key] = "#" + (page._name(unquote(parts.fragment)) or _top(page.article))

    def _name(self, old):
        return self.names.get(old, old)


def _read_toc(root):
    """Yield the captions of the site's parts, each with the names of the pages to print."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    yield "", [toc["root"]]
    for part in toc["parts"]:
        names = [name for name in _names(part["chapters"]) if not name.startswith(LEFT_OUT)]
        if names:
            yield part["caption"], names


def _names(entries):
    for entry in entries:
        if "file" in entry:
            yield entry["file"]
        yield from _names(entry.get("sections", []))


def _top(article):
    return article.h1.find_parent("section")["id"]


def _title(article):
    return " ".join(article.h1.get_text().split())


def _page_number(target):
    """A place for the number of the page where the target stands; see tools/pdf.py."""
    return f'<a class="page-number" href="#{target}"></a>'


def _number_entries(article):
    """Say on which page each entry of an index is shown."""
    for entry in article.select(".dl-entry"):
        if links := entry.select('a[href^="#"]'):
            same = [link for link in links if link["href"] == links[0]["href"]]
            _insert_after(same[-1], f", page&nbsp;{_page_number(same[-1]['href'][1:])}")


def _insert_after(tag, html):
    tag.insert_after(BeautifulSoup(html, "html.parser"))


def _collect_solutions(parts):
    """Move the solutions to a chapter of their own, behind the last part that has any."""
    collected = []
    for _, articles in parts:
        for article in articles:
            solutions = [_take_out(solution) for solution in article.select(".solution")]
            if solutions:
                heading = f'<h2><a href="#{_top(article)}">{escape(_title(article))}</a></h2>'
                collected += [f"<section>{heading}", *solutions, "</section>"]
                last = articles
    if collected:
        html = '<section id="solutions"><h1>Solutions</h1>' + "".join(collected) + "</section>"
        article = BeautifulSoup(f"<article>{html}</article>", "html.parser").article
        last.append(article)
    return parts


def _take_out(solution):
    """Leave the page of the solution with the exercise, and that of the exercise with it.

    What is folded in the exercise, its hints, goes to the solution: paper does not fold.
    """
    exercise = solution.find_parent(class_="exercise")
    asked, title = exercise["id"], exercise.select_one(".admonition-title").decode_contents()
    heading = f'Solution to <a href="#{asked}">{title}</a>, page&nbsp;{_page_number(asked)}'
    _unfold(solution, f'<p class="admonition-title">{heading}</p>')
    note = f'<p class="see-page">Solution on page {_page_number(solution["id"])}</p>'
    solution.replace_with(BeautifulSoup(note, "html.parser"))
    for hint in reversed(exercise.select("details.hint")):
        _unfold(hint, f"<p><em>{hint.summary.get_text().strip()}</em></p>")
        solution.p.insert_after(hint.extract())
    return str(solution)


def _unfold(details, heading):
    details.name = "div"
    details.summary.replace_with(BeautifulSoup(heading, "html.parser"))


def _title_page(config, root):
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    (book,) = citation["references"]
    names = [f"{a['given-names']} {a['family-names']}" for a in book["authors"]]
    date = citation["date-released"]
    return f"""<header class="title-page">
<p class="title">{escape(config["title"])}</p>
<p>A course on chapter 6 of <em>{escape(book["title"])}</em><br>
by {", ".join(names[:-1])} and {names[-1]}</p>
<p>{escape(config["author"])}</p>
<p>Version {citation["version"]}, {date.day} {date:%B %Y}</p>
<footer>{config["sphinx"]["config"]["html_theme_options"]["license"]}</footer>
</header>"""


def _contents(parts):
    lines = ['<nav class="contents" id="contents"><h1>Contents</h1>']
    for caption, articles in parts:
        lines.append(f'<p class="part">{escape(caption)}</p>' if caption else "")
        for article in articles:
            lines.append(_contents_line("chapter", _top(article), _title(article)))
            # The sections of an index have the book's numbers, which is no news.
            if article.select_one(".dl-entry") or article.select_one("#solutions"):
                continue
            for heading in article.select("section[id] > h2"):
                lines.append(_contents_line("section", heading.parent["id"], heading.get_text()))
    return "\n".join([*lines, "</nav>"])


def _contents_line(kind, target, title):
    link = f'<a href="#{target}">{escape(title)}</a>'
    return f'<p class="{kind}"><span>{link}</span>{_page_number(target)}</p>'


def _running_header(number, article):
    """Give a chapter its pages, and these the chapter's title above the text."""
    article["style"] = f"page: chapter-{number}"
    title = _title(article).replace("\\", r"\\").replace('"', r"\"")
    return f'@page chapter-{number} {{ @top-right {{ content: "{title}" }} }}'
