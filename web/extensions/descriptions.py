"""What search engines and chats show of a page: its title and its first sentences."""

import re
from html import escape
from urllib.parse import urljoin

from docutils import nodes

LETTERS = 160  # about what a search engine shows


def describe(doctree):
    """Return the first sentences of a page, as many as fit, or nothing."""
    paragraphs = doctree.findall(nodes.paragraph)
    texts = [_plain(p) for p in paragraphs if isinstance(p.parent, nodes.section)]
    return _first_sentences(" ".join(texts))


def _plain(node):
    """Return a node's text, with the names of a formula for the formula."""
    if isinstance(node, nodes.math):
        return re.sub(r"\\(boldsymbol|mathbf|mathrm|text|hat)\b|[{}\\]", "", node.astext())
    if isinstance(node, nodes.Text):
        return str(node)
    return "".join(_plain(child) for child in node.children)


def _first_sentences(text):
    text, taken = re.sub(r"\s+", " ", text).strip(), ""
    for sentence in re.split(r"(?<=[.?!]) ", text):
        if len(taken) > LETTERS / 3 and len(taken) + len(sentence) > LETTERS:
            break
        taken = f"{taken} {sentence}".strip()
    return taken


def add_descriptions(app, pagename, templatename, context, doctree):
    site, base = app.config.html_title or app.config.project, app.config.html_baseurl
    title = re.sub(r"<[^>]*>", "", context.get("title") or pagename)
    text = (doctree and describe(doctree)) or f"{title}: a page of {site}."
    tags = {"og:type": "website", "og:site_name": site, "og:title": title, "og:description": text}
    if base:  # the two below must be whole addresses
        tags["og:url"] = urljoin(base, f"{pagename}.html")
        tags["og:image"] = urljoin(base, "_static/screenshot.png")
    lines = [f'<meta property="{name}" content="{escape(value)}">' for name, value in tags.items()]
    lines.append(f'<meta name="description" content="{escape(text)}">')
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


def setup(app):
    app.connect("html-page-context", add_descriptions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
