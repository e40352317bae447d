"""Links into the source: ``{source}`dlbook.graph.Variable``` leads to its lines in the repository.

The lines are looked up while the site is built. A name that is not there is an error, so that a
page cannot go on praising what has been moved or renamed.
"""

import ast
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxRole


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def find(name, source):
    """Return the file and the first and last line of what has this dotted name.

    Raises LookupError if the folder ``source`` has nothing of that name.
    """
    parts, place, path = name.split("."), source, None
    while parts and path is None:
        place /= parts.pop(0)
        path = next((p for p in (place.with_suffix(".py"), place) if p.is_file()), None)
    if path is None:
        raise LookupError(f"there is no module in the name {name}")
    node = parsed(path)
    for part in parts:
        # The last one counts, for Python, too: those before it say its types (``overload``).
        node = next((n for n in reversed(node.body) if getattr(n, "name", "") == part), None)
        if node is None:
            raise LookupError(f"there is no {part} in {path.relative_to(source)}")
    return path, getattr(node, "lineno", None), getattr(node, "end_lineno", None)


class Source(SphinxRole):
    """Writes the link."""

    def run(self):
        root, options = Path(self.env.srcdir), self.config.html_theme_options
        try:
            path, first, last = find(self.text, root / "src")
        except LookupError as error:
            message = self.inliner.reporter.error(f"source: {error}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        self.env.note_dependency(str(path))
        address = f"{options['repository_url']}/blob/{options['repository_branch']}"
        address += f"/{path.relative_to(root).as_posix()}" + (f"#L{first}-L{last}" if first else "")
        text = nodes.literal(text=self.text.removeprefix("dlbook."))
        return [nodes.reference("", "", text, refuri=address, internal=False)], []
