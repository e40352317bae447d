"""The theme's icons as small drawings in the page.

The theme brings Font Awesome as a script of 1.5 MB that draws a dozen icons in the browser. The
drawings are taken out of that same script here, when the site is built.
"""

import json
import re
from functools import cache
from pathlib import Path

import pydata_sphinx_theme

SCRIPT = "theme/pydata_sphinx_theme/static/scripts/fontawesome.js"
PACKS = ("brands", "regular", "solid")  # in the order of the script
SHORT = {"fab": "fa-brands", "far": "fa-regular", "fas": "fa-solid"}
DRAWING = re.compile(r'"?([\w-]+)"?:\[(\d+),(\d+),(\[[^\]]*\]),"[0-9a-f]+","([^"]+)"\]')
ICON = re.compile(r'<(i|span)((?:\s+[\w-]+="[^"]*")*?\s+class="([^"]*\bfa[srb-][^"]*)"[^>]*)></\1>')
# What Font Awesome gives a meaning that is not the name of a drawing.
KEEP = {"fa-lg", "fa-fw", "fa-sm"}


@cache
def drawings():
    """Return width, height and outline by pack and name."""
    text = (Path(pydata_sphinx_theme.__file__).parent / SCRIPT).read_text(encoding="utf-8")
    found = {}
    for pack, part in zip(PACKS, text.split("var p={")[1:], strict=True):
        for name, width, height, others, outline in DRAWING.findall(part):
            for known in [name, *(other for other in json.loads(others) if isinstance(other, str))]:
                found[f"fa-{pack}", f"fa-{known}"] = width, height, outline
    return found


def draw(html):
    """Replace the empty elements that stand for icons with their drawings."""
    return ICON.sub(_svg, html)


def _svg(found):
    attributes, classes = found[2], [SHORT.get(name, name) for name in found[3].split()]
    pack = next(name for name in classes if name.removeprefix("fa-") in PACKS)
    name = next(name for name in classes if (pack, name) in drawings())
    width, height, outline = drawings()[pack, name]
    kept = " ".join(["dl-icon", *(c for c in classes if c in KEEP or not c.startswith("fa-"))])
    attributes = attributes.replace(f'class="{found[3]}"', f'class="{kept}"')
    # A title that is an attribute is nothing to a drawing, and its button has one of its own.
    attributes = re.sub(r'\s+title="[^"]*"', "", attributes)
    return (
        f'<svg{attributes} viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<path fill="currentColor" d="{outline}"/></svg>'
    )
