"""The few things about the site that configuration cannot say."""

import hashlib
import os
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

from course import insides


class UniqueIds(SphinxPostTransform):
    """Drop the id that sphinx-exercise gives to the body of every box of its own."""

    default_priority = 400

    def run(self):
        for section in self.document.findall(nodes.section):
            section["ids"] = [name for name in section["ids"] if name not in insides.BOXES]


class ShortContents(SphinxTransform):
    """Let the contents of a page name classes and functions, and not their hundreds of methods."""

    default_priority = 870  # before Sphinx gathers the contents

    def apply(self):
        for described in self.document.findall(addnodes.desc):
            if described.get("objtype") not in ("class", "exception", "function"):
                insides.leave_out_of_contents(described)


class LetTablesScroll(SphinxPostTransform):
    """Put each table into a box, which scrolls where the table is wider than the page."""

    default_priority = 450
    formats = ("html",)

    def run(self):
        for table in list(self.document.findall(nodes.table)):
            around = nodes.container(classes=["wide-table"])
            table.replace_self(around)
            around += table


class SetNumberApart(SphinxPostTransform):
    """Give the number at the beginning of a page's title an element of its own."""

    default_priority = 450
    formats = ("html",)

    def run(self):
        title = next(iter(self.document.findall(nodes.title)), None)
        if title and (found := re.match(r"(\d(?:\.\d+)+) (?=\S)", title[0].astext())):
            rest = nodes.Text(title[0].astext()[found.end() :])
            title[0:1] = [nodes.inline("", found[1], classes=["number"]), nodes.Text(" "), rest]


def cache_of(root):
    """Return the folder of the notebooks' results with the library as it is in this clone."""
    digest = hashlib.sha256()
    # The player of figures that move draws their stills, too.
    library = sorted(
        p for p in Path(root, "src").rglob("*.*") if p.suffix in (".py", ".js", ".txt")
    )
    for file in [*library, Path(root, "constraints.txt")]:
        if "exercises" not in file.parts:  # nothing that a chapter imports
            digest.update(file.read_bytes())
    return Path(root, "_build", ".jupyter_cache", digest.hexdigest()[:16])


def watch_the_library(app, config):
    """Let a notebook also run again when the library, or a version it needs, has changed."""
    # The kernels that this build starts inherit it: figures come as SVG inside the page.
    os.environ["DLBOOK_FIGURES"] = "html"
    os.environ["DLBOOK_STRICT"] = "1"  # and what a cell asserts has to hold
    cache = cache_of(app.srcdir)
    config.library_digest = cache.name
    config.nb_execution_cache_path = str(cache)
    for old in cache.parent.glob("*"):
        if old.is_dir() and old.name != config.library_digest:
            shutil.rmtree(old, ignore_errors=True)


def forget_a_bad_build(app, exception):
    """Read every page again after a build with warnings.

    Sphinx does not repeat the warnings of pages that stay as they are, so a build that failed for
    them would pass when it is simply started again.
    """
    if insides.has_warned(app):
        Path(app.doctreedir, "environment.pickle").unlink(missing_ok=True)
