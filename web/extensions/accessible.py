"""What the theme leaves unsaid to a screen reader."""

import re

# The fold in the contents beside the page is an arrow, without a word.
FOLD = re.compile(r"(<a\b[^>]*>([^<]*)</a><details\b[^>]*><summary)>")
REPLACED = {
    # Mark and search stand outside of the contents; all of it is for finding one's way.
    'id="pst-primary-sidebar" ': 'id="pst-primary-sidebar" role="navigation" aria-label="Site" ',
    # Docutils gives an entry a role that has been withdrawn since; a list wants this one.
    'role="doc-biblioentry"': 'role="listitem"',
}


def mend(html):
    """Return a page whose parts have the names and roles that they lack."""
    html = FOLD.sub(r'\1 aria-label="Pages of: \2">', html)
    for old, new in REPLACED.items():
        html = html.replace(old, new)
    return html
