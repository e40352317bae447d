"""A link into the source leads to the lines of what it names."""

import re

import pytest
from course import source_links
from site_pages import ROOT, parse

PAGE = ROOT / "reference" / "reading_order.md"
NAMES = re.findall(r"\{source\}`([^`]+)`", PAGE.read_text(encoding="utf-8"))
LINES = re.compile(r"/blob/main/([^#]+)(?:#L(\d+)-L(\d+))?$")


def test_a_name_is_found_with_its_lines():
    path, first, last = source_links.find("dlbook.graph.Graph.pruned", ROOT / "src")
    lines = path.read_text(encoding="utf-8").splitlines()[first - 1 : last]
    assert lines[0].startswith("    def pruned(") and lines[-1] == "        return kept"
    path, first, _ = source_links.find("dlbook.programs.simplify", ROOT / "src")
    assert path == ROOT / "src/dlbook/programs/simplify.py" and first is None


@pytest.mark.parametrize("name", ["dlbook.grapf", "dlbook.graph.Grapf", "dlbook", "dlbook.graph.x"])
def test_a_name_that_is_not_there_is_an_error(name):
    with pytest.raises(LookupError, match="there is no"):
        source_links.find(name, ROOT / "src")


@pytest.mark.parametrize("name", NAMES)
def test_each_name_on_the_page_is_there(name):
    source_links.find(name, ROOT / "src")


def test_the_page_links_each_name_to_its_lines(site):
    links = parse(site / "reference/reading_order.html").select("article a.external > code")
    assert [f"dlbook.{code.get_text()}" for code in links] == NAMES and len(NAMES) > 20
    for code in links:
        path, first, last = LINES.search(code.parent["href"]).groups()
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        name = code.get_text().rpartition(".")[2]
        if first is None:
            assert path.endswith(f"/{name}.py")
        else:
            assert re.match(rf"(def|class) {name}\b", lines[int(first) - 1])
            assert int(first) < int(last) and lines[int(last) - 1].strip()


def test_the_page_links_each_part_to_the_page_of_the_book(site):
    article = parse(site / "reference/reading_order.html").select_one("article")
    pages = {a["href"].partition("#")[0] for a in article.select("a.internal[href*='chapters/']")}
    assert {p.rpartition("/")[2][:5] for p in pages} >= {"6_4_a", "6_5_1", "6_5_5", "6_5_9"}
