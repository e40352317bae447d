"""The built site, where it is served, and a browser that looks at it."""

from contextlib import ExitStack

import pytest
from site_pages import SITE, served, started_browser, tab


@pytest.fixture(scope="session")
def site():
    """The folder of the built site."""
    if not (SITE / "index.html").is_file():
        pytest.fail("The site is not built: run `make book` first.", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")  # while one runs, nothing else can start an event loop
def browser():
    with started_browser() as browser:
        yield browser


@pytest.fixture
def open_page(browser, address):
    """A function that opens a page of the site, for a reader who has not been there before."""
    with ExitStack() as tabs:

        def open_page(name, **options):
            page = tabs.enter_context(tab(browser, **options))
            page.goto(address + name)
            return page

        yield open_page
