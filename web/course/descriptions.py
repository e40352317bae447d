"""What search engines and chats show of a page: its title and its first sentences."""

import re

from docutils import nodes

LETTERS = 160  # about what a search engine shows


def describe(doctree):
    """Return the first sentences of a page, as many as fit, or nothing."""
    paragraphs = doctree.findall(nodes.paragraph)
    texts = [_plain(p) for p in paragraphs if _is_text(p.parent)]
    return _first_sentences(" ".join(texts))


def _is_text(parent):
    return isinstance(parent, nodes.section) or "lead" in parent.get("classes", ())


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
    """Tell the page's template what it says of itself."""
    title = re.sub(r"<[^>]*>", "", context.get("title") or pagename)
    text = (doctree and describe(doctree)) or f"{title}: a page of {app.config.html_title}."
    context["description"] = text
