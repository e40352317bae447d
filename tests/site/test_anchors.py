"""What a number of the book names is the thing itself: formula, figure, verdict, or box."""

import re
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
LEDGER = yaml.safe_load((ROOT / "ledger.yml").read_text(encoding="utf-8"))
IDS = [line["id"].replace(".", "-") for lines in LEDGER.values() for line in lines]
KINDS = {"eq": "math", "fig": "cell", "alg": "proof", "claim": "cell"}


@pytest.fixture(scope="module")
def named():
    """All elements of the chapters' pages that have an id, by that id."""
    pages = [path.read_text(encoding="utf-8") for path in sorted(SITE.glob("chapters/*.html"))]
    if not pages:
        pytest.fail("The site is not built: run `make book` first.", pytrace=False)
    found = {}
    for page in filter(lambda page: "<main" in page, pages):  # others lead to where it is now
        for element in BeautifulSoup(page, "html.parser").find("main").select("[id]"):
            found.setdefault(element["id"], []).append(element)
    return found


@pytest.mark.parametrize("anchor", IDS)
def test_what_the_ledger_lists_is_named_once_and_where_it_stands(anchor, named):
    (element,) = named[anchor]
    assert KINDS[anchor.partition("-")[0]] in element["class"]
    number = re.sub(r"(?<=\d)-(?=\d)", ".", anchor.partition("-")[2])
    title = {"eq": f"({number})", "fig": f"Figure {number}."}.get(anchor.partition("-")[0], number)
    assert title in element.get_text()


def test_an_aside_and_an_algorithm_are_boxes_with_a_title_of_their_own(named):
    (algorithm,) = named["alg-6-2"]
    title = algorithm.find(class_="admonition-title").get_text()
    assert re.sub(r"\s+", " ", title) == "Algorithm 6.2 (Back-propagation, on numbers)"
    page = (SITE / "chapters/6_1_xor.html").read_text(encoding="utf-8")
    boxes = BeautifulSoup(page, "html.parser").select(".admonition.tip .admonition-title")
    assert {box.get_text() for box in boxes} == {"Check it yourself"}
    tried = [quote.get_text() for quote in BeautifulSoup(page, "html.parser").select("blockquote")]
    assert len(tried) >= 5 and all(text.strip().startswith("Try it.") for text in tried)


def test_no_citation_leads_to_nothing(named):
    page = (SITE / "reference/bibliography.html").read_text(encoding="utf-8")
    entries = {e["id"] for e in BeautifulSoup(page, "html.parser").select(".citation")}
    page = (SITE / "chapters/6_6_history.html").read_text(encoding="utf-8")
    links = [a["href"] for a in BeautifulSoup(page, "html.parser").select("main a[href]")]
    cited = [link.partition("#")[2] for link in links if "bibliography.html#" in link]
    assert len(cited) > 20 and set(cited) <= entries
