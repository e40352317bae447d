"""Where the book lives: read from pyproject.toml for the buttons and links of the site."""

import tomllib
from pathlib import Path
from urllib.parse import urlencode


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


def places(options, file):
    """Return where a notebook of the repository can be run: the name of each place, and a link."""
    repository = options["repository_url"].removeprefix("https://github.com/")
    branch = options["repository_branch"]
    found = {
        "Binder": f"{options['binderhub_url']}/v2/gh/{repository}/{branch}?urlpath=lab/tree/{file}",
        "Colab": f"{options['colab_url']}/github/{repository}/blob/{branch}/{file}",
    }
    if hub := options.get("jupyterhub_url"):
        target = {
            "repo": options["repository_url"],
            "urlpath": f"lab/tree/{repository.partition('/')[2]}/{file}",
            "branch": branch,
        }
        found["JupyterHub"] = f"{hub.strip('/')}/hub/user-redirect/git-pull?{urlencode(target)}"
    return found


def add_places(app, pagename, templatename, context, doctree):
    """Tell the page's template where its notebook can be run."""
    context["html_base"] = app.config.html_baseurl
    source = context.get("sourcename") or ""
    if source.endswith(".ipynb"):
        context["places"] = places(app.config.html_theme_options, source)
