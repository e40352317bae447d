"""Where the book lives: read from pyproject.toml for the buttons and links of the site."""

import tomllib
from pathlib import Path


def tell_the_theme(app, config):
    """Give the theme what its buttons and the canonical links of the pages are made from."""
    project = tomllib.loads(Path(app.srcdir, "pyproject.toml").read_text(encoding="utf-8"))
    urls = project["project"]["urls"]
    config.html_baseurl = urls["Documentation"]
    config.html_theme_options["repository_url"] = urls["Repository"]
    # `make downloads` puts these into the site when it is published.
    downloads = urls["Documentation"] + "downloads/"
    config.myst_substitutions["pdf"] = f"[a PDF of the whole book]({downloads}dlbook.pdf)"
    config.myst_substitutions["zip"] = f"[the whole site in one file]({downloads}dlbook-site.zip)"


def setup(app):
    app.connect("config-inited", tell_the_theme)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
