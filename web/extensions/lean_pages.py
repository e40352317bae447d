"""What a page does not use does not travel.

Each page is finished as it is written: icons become drawings, its style sheets and scripts become
one of each, figures lose digits that no screen shows, and a policy says what the page may load.
Once all pages are there, the style sheet and the script are made.
"""

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import accessible
import figures_in_pages
import formulas
import icons
import long_pages
import style_bundle
from sphinx.environment import CONFIG_OK
from sphinx.util import logging

logger = logging.getLogger(__name__)

SHEET, SCRIPT = "_static/site.css", "_static/site.js"
# Only the search page needs these; the theme loads them for a search while one types, which is off.
FOR_SEARCH = ("_static/searchtools.js", "_static/language_data.js", "searchindex.js")
LINK = re.compile(r'\s*<link\b[^>]*\bhref="([^"]+)"[^>]*\brel="stylesheet"[^>]*>|'
                  r'\s*<link\b[^>]*\brel="stylesheet"[^>]*\bhref="([^"]+)"[^>]*>')  # fmt: skip
# What the site does without: icons are drawings, and web/static/page.js opens the menus.
DROPPED = ("_static/scripts/fontawesome.js", "_static/scripts/bootstrap.js")
# Scripts in attributes are what a policy forbids first.
CLICKS = {"window.print()": "print", "toggleFullScreen()": "fullscreen"}
# The theme measures every piece of code on the page as soon as it is there; page.js does not.
MEASURING = re.compile(
    r',"complete"===document\.readyState\?(\w)\(\):window\.addEventListener\("load",\1\)'
)
ELEMENT = re.compile(r"\s*<script([^>]*)>(.*?)</script>", re.DOTALL)
# Names and signs are most of all code: in the plain colour they need no elements.
PLAIN_CODE = re.compile(r'<span class="(?:n|nn|o|p|w)">([^<]*)</span>')
# The page says where "self" is not enough:
# - styles in attributes, since the figures' and formulas' sizes and places are such;
# - the early script of the theme, without which a dark page would flash white, by its hash.
POLICY = (
    "default-src 'none'; script-src 'self' {hashes}; style-src 'self'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; media-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)


class Pages:
    """Finishes pages and remembers what they asked for."""

    def __init__(self, app):
        self.app, self.written = app, False
        self.memory = Path(app.doctreedir, "lean_pages.json")
        # What pages of earlier builds asked for, where those are not written anew. An extension
        # that has been left out since is not there with its files.
        keep = self.memory.is_file() and app.env.config_status == CONFIG_OK
        seen = json.loads(self.memory.read_text(encoding="utf-8")) if keep else {}
        if not keep:  # pages of source code are written anew only when the source is newer
            shutil.rmtree(Path(app.outdir, "_modules"), ignore_errors=True)
        self.sheets, self.scripts = seen.get("sheets", []), seen.get("scripts", [])

    def finish(self, html):
        """Return the page as a reader gets it."""
        if not html.lstrip().lower().startswith("<!doctype html>"):
            return html  # a piece of a page
        self.written = True
        root = re.search(r'data-content_root="([^"]*)"', html)[1]
        html = accessible.mend(icons.draw(html))
        html = PLAIN_CODE.sub(r"\1", figures_in_pages.slim(html))
        html = long_pages.set_aside(long_pages.let_code_scroll(html))
        # A script finds out what a reader's system asks for; who has none reads dark on light.
        html = html.replace('data-theme="auto"', 'data-theme="light"', 1)
        for call, name in CLICKS.items():
            html = html.replace(f'onclick="{call}"', f'data-dl-click="{name}"')
        html = self._take_sheets(html, root)
        return _secure(self._take_scripts(html, root))

    def _take_sheets(self, html, root):
        found = [a or b for a, b in LINK.findall(html)]
        _add(self.sheets, (_path(address, root) for address in found))
        html = re.sub(r"\s*<noscript>\s*<style>.*?</noscript>", "", LINK.sub("", html), flags=re.S)
        return html.replace(
            "</title>", f'</title>\n<link rel="stylesheet" href="{root}{SHEET}">', 1
        )

    def _take_scripts(self, html, root):
        head, body = html.split("</head>", 1)
        is_search = 'id="search-results"' in body

        def take(found):
            attributes, text = found.groups()
            if source := re.search(r'\bsrc="([^"]+)"', attributes):
                path = _path(source[1], root)
                if path in FOR_SEARCH:
                    return f'\n<script defer src="{source[1]}"></script>' if is_search else ""
                if path not in DROPPED:
                    _add(self.scripts, [path])
                return ""
            if "data-cfasync" in attributes:
                return found[0]  # sets the theme before anything is drawn
            if "DOCUMENTATION_OPTIONS.pagename" not in text:  # which only a list of versions asks
                _add(self.scripts, [f"inline:{text}"])
            return ""

        head = re.sub(r'\s*<link[^>]*rel="preload"[^>]*as="script"[^>]*>', "", head)
        head = ELEMENT.sub(take, head)
        body = ELEMENT.sub(lambda f: take(f) if "src=" in f[1] else f[0], body)
        own = f'\n<script defer src="{root}{SCRIPT}"></script>'
        at = head.index('rel="stylesheet"')
        at = head.index(">", at) + 1
        return f"{head[:at]}{own}{head[at:]}</head>{body}"

    def write_bundles(self):
        """Write the site's style sheet and script, and drop what they were made of."""
        site = Path(self.app.outdir)
        script = "\n;".join(map(self._script, self.scripts))
        script, found = MEASURING.subn("", script)
        if not found:
            logger.warning("The theme's script has changed: see MEASURING in lean_pages.py.")
        (site / SCRIPT).write_text(script, encoding="utf-8")
        words = style_bundle.words_of_script(script)
        if (search := site / FOR_SEARCH[0]).is_file():
            words |= style_bundle.words_of_script(search.read_text(encoding="utf-8"))
        for page in site.rglob("*.html"):
            words |= style_bundle.words_of_page(page.read_text(encoding="utf-8"))
        rules = [
            *style_bundle.join(site / path for path in self.sheets),
            *style_bundle.parse(formulas.style_sheet(), formulas.mathjax_folder()),
        ]
        css = style_bundle.shrink(rules, words, site / SHEET)
        (site / SHEET).write_text(css, encoding="utf-8")
        self._drop(site)
        seen = {"sheets": self.sheets, "scripts": self.scripts}
        self.memory.write_text(json.dumps(seen), encoding="utf-8")

    def _drop(self, site):
        """Take away what has gone into the two files, and the theme's parts that no page names."""
        for path in {*self.sheets, *self.scripts, *DROPPED, "_static/basic.css"}:
            if not path.startswith("inline:"):
                (site / path).unlink(missing_ok=True)
        for folder in ("scripts", "styles", "vendor", "locales"):
            shutil.rmtree(site / "_static" / folder, ignore_errors=True)

    def _script(self, piece):
        if piece.startswith("inline:"):
            return piece.removeprefix("inline:")
        text = Path(self.app.outdir, piece).read_text(encoding="utf-8")
        return re.sub(r"^//# sourceMappingURL=.*", "", text, flags=re.MULTILINE)


def _add(known, new):
    known += [item for item in new if item not in known]


def _path(address, root):
    return address.removeprefix(root).partition("?")[0]


def _secure(html):
    """Add the policy, with the hashes of the scripts that stand in the page."""
    scripts = [text for attributes, text in ELEMENT.findall(html) if "src=" not in attributes]
    digests = [hashlib.sha256(text.encode()).digest() for text in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(hashes=hashes)}">'
    return html.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n{policy}', 1)


def watch_parts(app, config):
    """Let all pages be made anew when what goes into each of them has changed."""
    digest = hashlib.sha256()
    for folder in ("web/extensions", "web/static"):
        for file in sorted(Path(app.srcdir, folder).glob("*.*")):
            digest.update(file.read_bytes())
    config.parts_digest = digest.hexdigest()


def finish_pages(app):
    if app.builder.format != "html":
        return
    app.lean_pages = pages = Pages(app)
    render = app.builder.templates.render
    app.builder.templates.render = lambda name, context: pages.finish(render(name, context))


def write_bundles(app, exception):
    if exception is None and app.builder.format == "html" and app.lean_pages.written:
        app.lean_pages.write_bundles()


def setup(app):
    app.add_config_value("parts_digest", "", "env")
    app.connect("config-inited", watch_parts)
    app.connect("builder-inited", finish_pages)
    app.connect("build-finished", write_bundles, priority=900)  # after the theme's own last touches
    return {"parallel_read_safe": True, "parallel_write_safe": False}
