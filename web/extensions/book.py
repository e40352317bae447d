"""The few things about the site that configuration cannot say."""

import hashlib
import os
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

BOOK_LABEL = re.compile(r"[a-z]+-(\d+)-(\d+)")  # alg-6-2: the book's algorithm 6.2


class KeepTags(SphinxTransform):
    r"""Let an equation carry the book's number as ``\tag{6.1}`` whatever else stands in it.

    Sphinx puts an equation that has a line break or a matrix in it into ``split``, where LaTeX and
    MathJax allow no tag.
    """

    default_priority = 400

    def apply(self):
        for block in self.document.findall(nodes.math_block):
            if r"\tag{" in (tex := block.astext()) and not block.get("nowrap"):
                block.children = []
                block += nodes.Text(rf"\begin{{equation}}{tex.strip()}\end{{equation}}")
                block["nowrap"] = True


class UniqueIds(SphinxPostTransform):
    """Drop the id that sphinx-proof and sphinx-exercise give to the body of every box of theirs."""

    default_priority = 400

    def run(self):
        shared = {"proof-content", "exercise-content", "solution-content"}
        for section in self.document.findall(nodes.section):
            section["ids"] = [name for name in section["ids"] if name not in shared]


def number_as_the_book_does(app, env):
    """Give what is labelled ``alg-6-2`` the number 6.2, where Sphinx would count through the site.

    The label also becomes a target for ``[algorithm 6.2](#alg-6-2)``, as an equation's is.
    """
    targets = env.get_domain("std").anonlabels
    for label, entry in getattr(env, "proof_list", {}).items():
        targets[label] = entry["docname"], label
        if not entry["nonumber"] and (found := BOOK_LABEL.fullmatch(label)):
            numbers = env.toc_fignumbers[entry["docname"]][entry["countertype"]]
            numbers[label] = tuple(int(number) for number in found.groups())


def cache_of(root):
    """Return the folder of the notebooks' results with the library as it is in this clone."""
    digest = hashlib.sha256()
    library = sorted(Path(root, "src").rglob("*.py"))
    for file in [*library, Path(root, "constraints.txt")]:
        if "exercises" not in file.parts:  # nothing that a chapter imports
            digest.update(file.read_bytes())
    return Path(root, "_build", ".jupyter_cache", digest.hexdigest()[:16])


def watch_the_library(app, config):
    """Let a notebook also run again when the library, or a version it needs, has changed."""
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
    if app._warncount:
        Path(app.doctreedir, "environment.pickle").unlink(missing_ok=True)


def setup(app):
    # The kernels that this build starts inherit it: figures come as SVG inside the page.
    os.environ["DLBOOK_FIGURES"] = "html"
    app.add_config_value("library_digest", "", "env")
    app.add_transform(KeepTags)
    app.add_post_transform(UniqueIds)
    app.connect("config-inited", watch_the_library)
    app.connect("env-check-consistency", number_as_the_book_does)
    app.connect("build-finished", forget_a_bad_build)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
