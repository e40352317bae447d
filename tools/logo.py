"""Draw the course's mark: the network of section 6.1, two inputs, two hidden units, one output.

`python tools/logo.py` writes it into `web/theme/static`, for light and dark paper, and as the icon
that browsers put beside a page's name. Its colours are those of the figures.
"""

import itertools
import re
from pathlib import Path

from dlbook.figures import COLORS

STATIC = Path(__file__).resolve().parents[1] / "web" / "theme" / "static"
LAYERS = {"sky": [(8, 19), (8, 45)], "orange": [(32, 12), (32, 52)], "blue": [(56, 32)]}
RADIUS = 7


def dark_colors():
    """Return the figures' colours on dark paper, which only the site's style sheet knows."""
    css = (STATIC / "figures.css").read_text(encoding="utf-8")
    dark = css[css.index('html[data-theme="dark"] {') :].partition("}")[0]
    return dict(re.findall(r"--dl-([\w-]+): (#\w+);", dark))


def rules(colors):
    """Return a style sheet for the drawing."""
    nodes = "".join(f".{name}{{fill:{colors[name]}}}" for name in LAYERS)
    return f"path{{stroke:{colors['muted']};stroke-width:3}}{nodes}"


def draw(style):
    """Return the mark as the text of an SVG file."""
    layers = list(LAYERS.items())
    edges = "".join(
        f"M{x} {y}L{to_x} {to_y}"
        for (_, starts), (_, ends) in itertools.pairwise(layers)
        for x, y in starts
        for to_x, to_y in ends
    )
    nodes = "".join(
        f'<circle class="{name}" cx="{x}" cy="{y}" r="{RADIUS}"/>'
        for name, places in layers
        for x, y in places
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<style>{style}</style><path d="{edges}"/>{nodes}</svg>\n'
    )


def drawings():
    """Return the text of each file."""
    light, dark = rules(COLORS), rules(dark_colors())
    return {
        "logo-light.svg": draw(light),
        "logo-dark.svg": draw(dark),
        # A browser's bar has a theme of its own, whatever the page's is.
        "favicon.svg": draw(f"{light}@media(prefers-color-scheme:dark){{{dark}}}"),
    }


if __name__ == "__main__":
    for name, text in drawings().items():
        (STATIC / name).write_text(text, encoding="utf-8")
