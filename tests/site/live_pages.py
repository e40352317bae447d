"""Pages with one live figure each, with the site's policy and style sheet, and without the site."""

import re
from pathlib import Path

from course import finishing
from site_pages import ROOT

from dlbook.figures import live
from dlbook.figures.live import player

FIGURES = {name: make for name, make in live.FIGURES.items()}
LAYOUT = (ROOT / "web/theme/layout.html").read_text(encoding="utf-8")
(POLICY,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', LAYOUT)
PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>{name}</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="_static/site.css"><link rel="icon" href="data:,">
<script defer src="_static/live.js"></script><script defer src="_static/live/{name}.js"></script>
</head><body><main><h1>{name}</h1>{html}</main></body></html>
"""
KEYS = ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown")


def write_pages(folder: Path) -> Path:
    """Write a page for each figure, in each theme, and what they load."""
    (folder / "_static/live").mkdir(parents=True)
    css = [(finishing.THEME / part).read_text(encoding="utf-8") for part in finishing.PARTS]
    css = "\n".join([*css, player.part("live.css")])
    (folder / "_static/site.css").write_text(re.sub(r"@font-face.*", "", css), encoding="utf-8")
    (folder / "_static/live.js").write_text(player.site_script(), encoding="utf-8")
    for name, make in FIGURES.items():
        figure = make().show(f"fig-{name}", "A figure that one can move.")
        (folder / f"_static/live/{name}.js").write_text(figure.script(), encoding="utf-8")
        for theme in ("light", "dark"):
            text = PAGE.format(theme=theme, name=name, policy=POLICY, html=figure.html())
            (folder / f"{name}-{theme}.html").write_text(text, encoding="utf-8")
    return folder


def picture(page):
    """All that a figure shows: the attributes of what moves, and its words."""
    return page.evaluate("""() => [...document.querySelectorAll("[data-mark], .live-says")].map(
        (e) => [e.dataset.mark, e.textContent, ...["d", "transform", "visibility", "opacity", "y",
          "height", "data-is"].map((name) => e.getAttribute(name))])""")


def state(page):
    """The state of the figure on a page, as text."""
    return page.evaluate(
        "JSON.stringify(document.querySelector('[data-live]').player.state, "
        "(_, v) => ArrayBuffer.isView(v) ? [...v] : v)"
    )


def settled(page):
    """Wait for the next picture of the screen, in which a change is shown."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))")
