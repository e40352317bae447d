"""What a page does not use does not travel.

Figures lose digits that no screen shows, sections that are far off the screen wait, and the theme's
style sheets become one with the rules and the fonts for the formulas of this site. A build without
this module gives the same pages, heavier.
"""

import hashlib
import re
import shutil
from pathlib import Path
from urllib.parse import urljoin

from sphinx.environment import CONFIG_OK

from course import figures_in_pages, formulas, long_pages
from dlbook.figures.live import player

SHEET = "_static/site.css"
THEME = Path(__file__).resolve().parents[1] / "theme" / "static"
PARTS = ("figures.css", "book.css")
LETTER = re.compile(r"\bmjx-c[0-9A-F]+|\bTEX-\w+")


def forget_pages_of_code(app):
    """Let pages of source code be written, too, when pages change: else their age decides."""
    if app.env.config_status != CONFIG_OK:
        shutil.rmtree(Path(app.outdir, "_modules"), ignore_errors=True)


def finish_page(app, pagename, templatename, context, doctree):
    """Make the body of a page lighter, and tell its template that there is one style sheet."""
    if app.builder.format == "html":
        context["sheet"] = SHEET
        if body := context.get("body"):
            context["body"] = long_pages.set_aside(figures_in_pages.slim(body))


def write_sheet(app, exception):
    """Write the one style sheet once all pages are there."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    written = [*site.rglob("*.html"), *site.glob("_static/previews/*.js")]
    letters = {x for page in written for x in LETTER.findall(page.read_text(encoding="utf-8"))}
    css = [(THEME / part).read_text(encoding="utf-8") for part in PARTS]
    css.append(player.part("live.css"))
    css.append(formulas.with_fonts(formulas.style_sheet(letters), site / "_static" / "fonts"))
    css = re.sub(r"/\*.*?\*/", "", "\n".join(css), flags=re.DOTALL)
    for part in site.glob("_static/*.css"):  # those of extensions, too: no page names them
        part.unlink()
    (site / SHEET).write_text(re.sub(r"\s*\n\s*", "\n", css).lstrip(), encoding="utf-8")


def write_map(app, exception):
    """Write what search engines ask for: the list of all pages, and that they may read them."""
    if exception is not None or app.builder.format != "html":
        return
    base, site = app.config.html_baseurl, Path(app.outdir)
    places = [
        urljoin(base, app.builder.get_target_uri(name)) for name in sorted(app.env.found_docs)
    ]
    urls = "\n".join(f"<url><loc>{place}</loc></url>" for place in places)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    text = f'{head}<urlset xmlns="{space}">\n{urls}\n</urlset>\n'
    (site / "sitemap.xml").write_text(text, encoding="utf-8")
    robots = f"User-agent: *\nAllow: /\nSitemap: {urljoin(base, 'sitemap.xml')}\n"
    (site / "robots.txt").write_text(robots, encoding="utf-8")


def watch_parts(app, config):
    """Let all pages be made anew when what goes into each of them has changed."""
    digest = hashlib.sha256()
    for file in sorted(Path(app.srcdir, "web").rglob("*.*")):
        if file.suffix in (".py", ".html", ".toml", ".js", ".css"):
            digest.update(file.read_bytes())
    config.parts_digest = digest.hexdigest()
