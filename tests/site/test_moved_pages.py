"""An old address leads to where the page is now, to the same place on it."""

import json
import re

import pytest
import yaml
from site_pages import ROOT, files, has_moved, none, pages, parse, tab

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
MOVED = CONFIG["sphinx"]["config"]["moved_pages"]
# What stood at an old address once, and where it is.
PLACES = {
    "chapters/6_5_2_general_backprop.html#alg-6-5": "chapters/6_5_5_general_backprop.html#alg-6-5",
    "chapters/6_5_2_general_backprop.html?from=mail#eq-6-54": (
        "chapters/6_5_5_general_backprop.html?from=mail#eq-6-54"
    ),
    "chapters/6_5_2_general_backprop.html#ex-6-5-2-q3": (
        "chapters/6_5_5_general_backprop.html#ex-6-5-5-q3"
    ),
    "chapters/6_5_3_beyond_backprop.html#exercises-6-5-3": (
        "chapters/6_5_9_beyond_backprop.html#exercises-6-5-9"
    ),
    "glossary.html#term-activation-function": "reference/glossary.html#term-activation-function",
    "references.html": "reference/bibliography.html",
    "by_number/equations.html#section-6-1": "reference/by_number/equations.html#section-6-1",
    "api/models.html#dlbook.network.MLP": "reference/api/models.html#dlbook.network.MLP",
    "chapters/6_5_3_beyond_backprop.html": "chapters/6_5_9_beyond_backprop.html",
}
HERE = re.compile(r"[^?#]*")


def test_every_page_that_has_moved_is_in_the_table_and_leads_to_a_page(site):
    there = {page.relative_to(site).as_posix() for page in pages(site)}
    moved = {page.relative_to(site).as_posix() for page in files(site) if has_moved(page)}
    moved.remove("404.html")  # what a server shows where nothing is, nor ever was
    assert moved == {f"{old}.html" for old in MOVED} and not moved & there
    for old, new in MOVED.items():
        page, soup = site / f"{old}.html", parse(site / f"{old}.html")
        target = (page.parent / soup.a["href"]).resolve()
        assert target == (site / f"{new}.html").resolve() and f"{new}.html" in there
        assert soup.select_one("link[rel=canonical]")["href"].endswith(f"/{new}.html")
        assert parse(target).select_one("h1").get_text().startswith(soup.a.get_text())


def test_no_page_and_no_file_of_the_search_names_an_old_address(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    places = re.search(r'"docnames": *(\[.*?\])', index)[1]
    none([f"searchindex.js: {old}" for old in MOVED if old in json.loads(places)])
    for page in pages(site):
        folder = page.parent
        for link in parse(page).select("a[href]"):
            target = (folder / HERE.match(link["href"])[0]).resolve()
            assert not (target.suffix == ".html" and target.is_file() and has_moved(target)), link


@pytest.mark.parametrize("old, new", PLACES.items())
def test_an_old_link_leads_to_the_same_place(old, new, site, address, open_page):
    page = open_page(old)
    page.wait_for_url(address + new)
    place = new.partition("#")[2]
    assert not place or page.locator(f"[id='{place}']").count() == 1


@pytest.mark.exhaustive
def test_every_old_address_leads_on(address, open_page):
    page = open_page("index.html")
    for old, new in MOVED.items():
        page.goto(f"{address}{old}.html#place")
        page.wait_for_url(f"{address}{new}.html#place")


def test_it_leads_on_without_scripts(address, open_page):
    page = open_page("index.html", java_script_enabled=False)
    for old, new in MOVED.items():
        page.goto(f"{address}{old}.html")
        page.wait_for_url(f"{address}{new}.html")


def test_it_leads_on_from_disk(browser, site):
    here, errors = site.as_uri() + "/", []
    with tab(browser) as page:
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(here + "chapters/6_5_2_general_backprop.html#alg-6-5")
        page.wait_for_url(here + "chapters/6_5_5_general_backprop.html#alg-6-5")
    none(errors)


def test_back_leads_to_where_one_came_from(address, open_page):
    page = open_page("index.html")
    page.goto(address + "chapters/6_5_3_beyond_backprop.html")
    page.wait_for_url(address + "chapters/6_5_9_beyond_backprop.html")
    page.go_back()
    assert page.url == address + "index.html"
