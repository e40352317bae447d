"""The book does not need Jupyter Book: what CONTRIBUTING says of a way out of it is tried."""

import re
import shutil
import subprocess
import sys

from bs4 import BeautifulSoup
from site_pages import ROOT

PAGES = {
    "index.md": "# A book\n\nSee [equation 6.1](#eq-6-1).\n",
    "a.md": "# 6.1 A chapter\n\n(eq-6-1)=\nSo\n\n$$\nx = 1 \\tag{6.1}\n$$\n\n    x = 1\n",
}


def test_the_lines_for_a_conf_of_its_own_build_a_book(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    conf = re.search(r"```python\n(# conf\.py\n.*?)```", text, re.DOTALL)[1]
    (tmp_path / "conf.py").write_text(f"{conf}moved_pages = {{}}\n", encoding="utf-8")
    for name in ("_config.yml", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "web", tmp_path / "web")
    (tmp_path / "reference").mkdir()
    shutil.copy(ROOT / "reference/references.bib", tmp_path / "reference")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters: [{file: a}]\n")
    for name, page in PAGES.items():
        (tmp_path / name).write_text(page, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", ".", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = BeautifulSoup((tmp_path / "out/a.html").read_text("utf-8"), "html.parser")
    assert page.select_one("h1 .number").get_text() == "6.1"
    assert page.select_one(".math mjx-container") and page.select_one(".eqno")["href"] == "#eq-6-1"
    assert page.select_one("link[rel=stylesheet]")["href"] == "_static/site.css"
    assert [a["href"] for a in page.select(".contents a")] == ["index.html", "#"]
