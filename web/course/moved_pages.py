"""An address that somebody has kept goes on to where its page is now, to the same place on it.

``moved_pages`` in ``_config.yml`` says which page is where. A redirection that a page states by
itself forgets the place (``#eq-6-29``), so a script goes on; who has none gets there all the same,
to the page's beginning. An address that never was gets a page that says so.
"""

import re
from pathlib import Path
from urllib.parse import urljoin

from sphinx.util import logging
from sphinx.util.osutil import relative_uri

logger = logging.getLogger(__name__)

NUMBER = re.compile(r"\d+(_\d+)+(?=_)")  # of a section: anchors of its exercises carry it, too


def write_moved_pages(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    render, base, pages = app.builder.templates.render, app.config.html_baseurl, app.env.found_docs
    for old, new in app.config.moved_pages.items():
        if old in pages or new not in pages:
            logger.warning("moved_pages: %s should be a page, and %s should not.", new, old)
            continue
        found = [NUMBER.search(name) for name in (old, new)]
        numbers = [number[0].replace("_", "-") for number in found if number]
        context = {
            "title": app.env.titles[new].astext(),
            "address": relative_uri(f"{old}.html", f"{new}.html"),
            "whole": urljoin(base, f"{new}.html"),
            "root": "../" * old.count("/"),
            "numbers": numbers if len(set(numbers)) == 2 else None,
        }
        path = Path(app.outdir, f"{old}.html")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render("moved.html", context), encoding="utf-8")
    wrong = render("404.html", {"site": app.config.html_title, "base": base})
    Path(app.outdir, "404.html").write_text(wrong, encoding="utf-8")
