"""The programs that one graph is compiled to, beside each other, as the library writes them now.

The directive ``programs`` holds Python that leaves ``outputs`` and ``inputs``; the page shows it,
and below it what each backend makes of them.
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import dlbook

# For each backend: what it is called, and its language.
BACKENDS = {
    "numpy": ("NumPy", "python"),
    "torch": ("PyTorch", "python"),
    "javascript": ("JavaScript", "javascript"),
}


class Programs(SphinxDirective):
    """``{programs}``: a graph, and its source in each of three languages."""

    has_content = True

    def run(self):
        code = "\n".join(self.content)
        names = {}
        exec(f"import numpy as np\nimport dlbook as dl\n{code}", names)
        shown = nodes.container(classes=["programs"])
        for backend, (title, language) in BACKENDS.items():
            program = dlbook.compile(names["outputs"], names["inputs"], backend=backend)
            shown += nodes.container(
                "",
                nodes.paragraph("", title, classes=["programs-title"]),
                _block(program.source, language),
            )
        return [_block(code, "python"), shown]


def _block(source, language):
    return nodes.literal_block(source, source, language=language)
