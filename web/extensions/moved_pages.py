"""An address that somebody has kept goes on to where its page is now, to the same place on it.

``moved_pages`` in ``_config.yml`` says which page is where. A redirection that a page states by
itself forgets the place (``#eq-6-29``), so a script goes on; who has none gets there all the same,
to the page's beginning.
"""

import re
from html import escape
from pathlib import Path
from urllib.parse import urljoin

from sphinx.util import logging
from sphinx.util.osutil import relative_uri

logger = logging.getLogger(__name__)

SCRIPT = "moved.js"  # of web/static
NUMBER = re.compile(r"\d+(_\d+)+(?=_)")  # of a section: anchors of its exercises carry it, too
PAGE = """<!DOCTYPE html>
<html lang="en" data-moved>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
content="default-src 'none'; script-src 'self'; form-action 'none'; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="canonical" href="{whole}">
<noscript><meta http-equiv="refresh" content="0; url={address}"></noscript>
<script defer src="{root}_static/{script}"></script>
</head>
<body>
<p>This page has moved: <a href="{address}"{numbers}>{title}</a></p>
</body>
</html>
"""


def page_in_the_place_of(old, new, title, base):
    """Return the page that stands where another was and leads to where it is now."""
    numbers = [found[0].replace("_", "-") for name in (old, new) if (found := NUMBER.search(name))]
    renumbered = len(numbers) == 2 and numbers[0] != numbers[1]
    return PAGE.format(
        title=escape(title),
        address=escape(relative_uri(f"{old}.html", f"{new}.html")),
        whole=escape(urljoin(base, f"{new}.html")),
        root="../" * old.count("/"),
        script=SCRIPT,
        numbers=' data-from="{}" data-to="{}"'.format(*numbers) if renumbered else "",
    )


def write_moved_pages(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    pages = app.env.found_docs
    for old, new in app.config.moved_pages.items():
        if old in pages or new not in pages:
            logger.warning("moved_pages: %s should be a page, and %s should not.", new, old)
            continue
        path = Path(app.outdir, f"{old}.html")
        path.parent.mkdir(parents=True, exist_ok=True)
        page = page_in_the_place_of(old, new, app.env.titles[new].astext(), app.config.html_baseurl)
        path.write_text(page, encoding="utf-8")


def setup(app):
    app.add_config_value("moved_pages", {}, "")
    app.connect("build-finished", write_moved_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
