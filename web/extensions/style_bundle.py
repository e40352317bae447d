"""One style sheet for the site, with the rules and the letters that its pages use and no others.

Of the theme's 400 kB a page of this site needs a tenth. A rule stays if each class, id and element
that its selector names stands in some page, or as a word in some script.
"""

import re
from urllib.parse import unquote, urlsplit

import tinycss2
from fontTools import subset, ttLib
from tinycss2.ast import QualifiedRule

FONTS = "fonts"  # beside the style sheet


def words_of_page(html):
    """Return the classes, ids and elements of a page."""
    values = re.findall(r"""\b(?:class|id)=(?:"([^"]*)"|'([^']*)')""", html)
    words = {word for value in values for word in "".join(value).split()}
    return words | set(re.findall(r"<([a-z][\w-]*)", html))


def words_of_script(script):
    """Return everything in a script that could be the name of a class or an element."""
    return set(re.findall(r"[A-Za-z_][\w-]*", script))


def join(sheets):
    """Return the rules of some style sheets in their order."""
    for sheet in sheets:
        for rule in _parse(sheet.read_text(encoding="utf-8")):
            if rule.type == "at-rule" and rule.lower_at_keyword == "import":
                # The theme imports Sphinx's own sheet, with nothing but its address.
                address = next(t.value for t in rule.prelude if t.type in ("string", "url"))
                yield from join([sheet.parent / address])
            else:
                yield rule, sheet.parent


def parse(text, folder):
    return [(rule, folder) for rule in _parse(text)]


def _parse(source):
    rules = tinycss2.parse_rule_list(source, skip_comments=True, skip_whitespace=True)
    return [rule for rule in rules if rule.type in ("qualified-rule", "at-rule")]


def shrink(rules, words, target):
    """Return the text of the rules that pages with these words use.

    Fonts are written to a folder beside the file ``target``, with the letters that are named in
    the rules that stay: these are fonts for icons and formulas, whose letters stand in no page.
    """
    faces, kept = [], []
    for rule, folder in rules:
        if rule.type == "at-rule" and rule.lower_at_keyword == "font-face":
            faces.append((rule, folder))
        elif text := _shrink(rule, words):
            kept.append(text)
    css = "\n".join(kept)
    letters = "".join(_letters(css))
    used = [_face(rule, folder, letters, target) for rule, folder in faces if _is_used(rule, css)]
    return "\n".join([*used, css]) + "\n"


def _shrink(rule, words):
    """Return the text of a rule without the selectors that match nothing."""
    if rule.type == "qualified-rule":
        selectors = [s for s in _selectors(rule.prelude) if _names(s) <= words]
        if not selectors:
            return ""
        prelude = ",".join(_text(selector).strip() for selector in selectors)
        return f"{prelude}{{{_text(rule.content).strip()}}}"
    head = f"@{rule.at_keyword} {_text(rule.prelude).strip()}"
    if rule.content is None:
        return "" if rule.lower_at_keyword == "charset" else f"{head};"
    if rule.lower_at_keyword not in ("media", "supports", "layer"):
        return f"{head}{{{_text(rule.content)}}}"
    inner = "".join(_shrink(inside, words) for inside in _parse(rule.content))
    return f"{head}{{{inner}}}" if inner else ""


def _selectors(prelude):
    """Split a selector list at its commas, not at those inside ``:is(a, b)``."""
    selectors = [[]]
    for token in prelude:
        if token == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def _names(selector):
    """Return the classes, ids and elements that must be there for a selector to match."""
    names, before = set(), None
    for token in selector:
        if token.type == "hash":
            names.add(token.value)
        elif token.type == "ident" and before != ":":
            names.add(token.value if before == "." else token.lower_value)
        before = token.value if token.type == "literal" else None
    return names


def _text(tokens):
    """Write tokens without comments, and with one blank for many."""
    kept = [token for token in tokens if token.type != "comment"]
    return re.sub(r"\s*\n\s*", " ", tinycss2.serialize(kept))


def _letters(css):
    """Yield what rules put into the page, in ``content: "\\f101"`` or a variable for it."""
    for rule in _parse(css):
        for inner in _parse(rule.content) if rule.type == "at-rule" and rule.content else [rule]:
            if isinstance(inner, QualifiedRule):
                yield from (token.value for token in inner.content if token.type == "string")


def _declarations(rule):
    found = tinycss2.parse_declaration_list(rule.content, skip_comments=True, skip_whitespace=True)
    return {d.lower_name: d.value for d in found if d.type == "declaration"}


def _family(rule):
    return next(
        t.value for t in _declarations(rule)["font-family"] if t.type in ("ident", "string")
    )


def _is_used(rule, css):
    return bool(re.search(rf"\b{re.escape(_family(rule))}\b", css))


def _face(rule, folder, letters, target):
    """Write a font with these letters, and return the rule that loads it."""
    sources = re.findall(r"""url\(["']?([^"')]+)""", tinycss2.serialize(rule.content))
    files = [folder / unquote(urlsplit(source).path) for source in sources]
    # To read woff2 would take one more package.
    file = next(file for file in files if file.suffix in (".ttf", ".woff"))
    name = f"{file.stem}.woff"
    write_font(file, letters, target.parent / FONTS / name)
    # Letters of a formula may stand in another font until theirs is there: they take no more room.
    declarations = {"font-display": [], **_declarations(rule)}
    keep = [
        f"{key}:{tinycss2.serialize(value).strip() or 'swap'};"
        for key, value in declarations.items()
        if key != "src"
    ]
    source = f'src:url("{FONTS}/{name}") format("woff");'
    return f"@font-face{{{''.join(keep)}{source}}}"


def write_font(file, letters, target):
    target.parent.mkdir(exist_ok=True)
    with ttLib.TTFont(file, recalcTimestamp=False) as font:
        # MathJax's font of a single blank, for measuring, is small already.
        if font.getBestCmap().keys() & set(map(ord, letters)):
            options = subset.Options(notdef_outline=True, hinting=False)
            options.drop_tables += ["FFTM"]
            subsetter = subset.Subsetter(options)
            subsetter.populate(text=letters)
            subsetter.subset(font)
        font.flavor = "woff"
        font.save(target)
