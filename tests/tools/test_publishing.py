"""What is published is what was tested, at an address that is set in one place."""

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
URLS, VERSION = PROJECT["urls"], PROJECT["version"]
OWNER, NAME = URLS["Repository"].split("/")[-2:]
# The notebooks that a student opens, and so those with buttons to open them with.
NOTEBOOKS = [
    path.relative_to(ROOT).as_posix()
    for folder in ("chapters", "exercises")
    for path in sorted(ROOT.glob(f"{folder}/*.ipynb"))
]
# Those written by hand, which repeat the address; the students' exercises come from the last ones.
SOURCES = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("chapters/*.ipynb", "exercises/source/*/*.ipynb")
    for path in sorted(ROOT.glob(pattern))
]


def run_tool(name, *arguments):
    """Run a command of tools/ and return what came of it."""
    command = [sys.executable, ROOT / "tools" / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


# The address.


def test_the_address_is_that_of_a_repository_on_github_and_of_its_pages():
    assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", URLS["Repository"])
    assert re.fullmatch(r"https://\S+/", URLS["Documentation"])
    if ".github.io" in URLS["Documentation"]:
        assert URLS["Documentation"] == f"https://{OWNER.lower()}.github.io/{NAME}/"


def test_the_address_is_written_nowhere_but_where_it_must_be():
    may = {"pyproject.toml", "CITATION.cff", *NOTEBOOKS, *SOURCES}
    kinds = {".cff", ".cfg", ".ini", ".ipynb", ".json", ".md", ".py", ".toml", ".txt", ".yml", ""}
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout
    if not names:
        pytest.skip("this is no clone of the repository")
    repeats = {
        name
        for name in names.splitlines()
        if (ROOT / name).is_file()
        and (ROOT / name).suffix in kinds
        and f"{OWNER}/{NAME}" in (ROOT / name).read_text(encoding="utf-8")
    }
    assert repeats == may


def copy_of_the_places(folder):
    """Copy what repeats the address."""
    for name in ("pyproject.toml", "CITATION.cff", *SOURCES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())


def test_every_place_repeats_the_address_that_is_set(tmp_path):
    copy_of_the_places(tmp_path)
    done = run_tool("address.py", "--root", tmp_path)
    assert (done.stdout, done.returncode) == ("", 0), f"run `make address`\n{done.stdout}"


def test_a_new_address_reaches_every_place_and_can_be_taken_back(tmp_path):
    copy_of_the_places(tmp_path)
    project = tmp_path / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    moved = text.replace(URLS["Repository"], "https://github.com/ada/course")
    moved = moved.replace(URLS["Documentation"], "https://ada.github.io/course/")
    project.write_text(moved, encoding="utf-8", newline="\n")
    changed = run_tool("address.py", "--root", tmp_path).stdout.split()
    assert changed == ["CITATION.cff", *SOURCES]
    citation = yaml.safe_load((tmp_path / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == "https://github.com/ada/course"
    assert citation["url"] == "https://ada.github.io/course/"
    for name in changed:
        assert f"{OWNER}/{NAME}" not in (tmp_path / name).read_text(encoding="utf-8")
    project.write_text(text, encoding="utf-8", newline="\n")
    run_tool("address.py", "--root", tmp_path)
    for name in changed:
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()


def test_a_new_release_reaches_every_place(tmp_path):
    copy_of_the_places(tmp_path)
    project = tmp_path / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    released = text.replace(f'version = "{VERSION}"', 'version = "7.0.3"')
    project.write_text(released, encoding="utf-8", newline="\n")
    assert run_tool("address.py", "--root", tmp_path).stdout.split() == ["CITATION.cff", *SOURCES]
    assert "\nversion: 7.0.3\n" in (tmp_path / "CITATION.cff").read_text(encoding="utf-8")
    for name in SOURCES:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.count("v7.0.3") == 2 and f"v{VERSION}" not in text


def test_who_cites_the_course_is_told_its_version():
    assert f"Version {VERSION}." in (ROOT / "index.md").read_text(encoding="utf-8")


def test_a_notebook_without_these_cells_gets_one_below_its_title_and_one_before_its_code(tmp_path):
    copy_of_the_places(tmp_path)
    path = tmp_path / NOTEBOOKS[0]
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id not in ("by-itself", "on-colab")]
    nbformat.write(notebook, path)
    assert run_tool("address.py", "--root", tmp_path).stdout.split() == [NOTEBOOKS[0]]
    assert path.read_bytes() == (ROOT / NOTEBOOKS[0]).read_bytes()


# The cell of each notebook that fetches the course on Colab.

RECORDING = """
import sys, types
from IPython.core.interactiveshell import InteractiveShell

if sys.argv[2] == "colab":
    sys.modules["google.colab"] = types.ModuleType("google.colab")
shell = InteractiveShell.instance()
shell.system = lambda command: print("!", shell.var_expand(command, depth=1))
shell.register_magic_function(lambda line: print("%pip", line), "line", "pip")
shell.register_magic_function(lambda line: print("%cd", line), "line", "cd")
shell.run_cell(sys.argv[1]).raise_error()
"""


def fetch(name, where, tmp_path):
    """Run the cell in IPython with commands that only say what they were asked to do."""
    notebook = nbformat.read(ROOT / name, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    environment = os.environ | {"IPYTHONDIR": str(tmp_path)}
    command = [sys.executable, "-c", RECORDING, first.source, where]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", {name.partition("/")[0]: name for name in NOTEBOOKS}.values())
def test_on_colab_the_first_cell_installs_the_release(name, tmp_path):
    release = f"git+{URLS['Repository']}@v{VERSION}"
    assert fetch(name, "colab", tmp_path) == [f'%pip install --quiet "dlbook[course] @ {release}"']


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_says_where_its_page_is_and_how_to_run_it_by_itself(name):
    note = nbformat.read(ROOT / name, as_version=4).cells[1].source
    page = re.search(rf"\({re.escape(URLS['Documentation'])}(\S+)\)", note)[1]
    assert (SITE / page).is_file() and Path(page).stem == Path(name).stem
    assert f'`pip install "dlbook[course] @ git+{URLS["Repository"]}@v{VERSION}"`' in note


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_notebook_needs_a_neighbouring_folder(name):
    cells = nbformat.read(ROOT / name, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert not re.findall(r"[\"']\.\.[\"'/]|\b(?:open|Path)\(|sys\.path|%cd", code)


def test_elsewhere_the_first_cell_does_nothing(tmp_path):
    assert fetch(NOTEBOOKS[0], "elsewhere", tmp_path) == []


# The buttons above a page.


@cache
def page_of(name, site=SITE):
    """Read the page that the site has for a notebook; None if it is not a page of the book."""
    page = (site / name).with_suffix(".html")
    return BeautifulSoup(page.read_text("utf-8"), "html.parser") if page.is_file() else None


def buttons(page):
    """Map each link of the header to its text; those that lead out of the site, and downloads."""
    links = page.select(".tools a[href], .colophon a[href]")
    return {link.get_text(strip=True): link["href"] for link in links}


@pytest.fixture(params=[name for name in NOTEBOOKS if name.startswith("chapters")])
def opened(request):
    """A notebook of the book, with the links above its page."""
    if not SITE.is_dir():
        pytest.fail("The site is not built: run `make book` first.", pytrace=False)
    page = page_of(request.param)
    return request.param, buttons(page), page


def test_the_landing_page_leads_to_what_the_published_site_has_to_take_along():
    page = BeautifulSoup((SITE / "index.html").read_text(encoding="utf-8"), "html.parser")
    links = {a["href"] for a in page.find("main").select("a[href]")}
    workflow = (ROOT / ".github/workflows/pages.yml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in ("dlbook.pdf", "dlbook-site.zip"):
        assert f"{URLS['Documentation']}downloads/{name}" in links
        assert f"_build/{name}" in makefile and "make downloads" in workflow


def test_a_chapter_leads_to_its_exercises_on_binder_and_on_colab(opened):
    name, _, page = opened
    exercises = name.replace("chapters", "exercises")
    links = [a["href"] for a in page.select(".dl-exercise-links a[href]")]
    repository = f"{OWNER}/{NAME}"
    assert links[1:] == [
        f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{exercises}",
        f"https://colab.research.google.com/github/{repository}/blob/main/{exercises}",
    ]
    given = (SITE / "chapters" / unquote(links[0])).resolve()
    assert given.name == Path(name).name and given.read_bytes() == (ROOT / exercises).read_bytes()


def test_a_notebook_opens_on_binder_and_on_colab(opened):
    name, links, _ = opened
    repository = f"{OWNER}/{NAME}"
    assert (ROOT / name).is_file()
    assert (
        links["Binder"] == f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{name}"
    )
    colab = f"https://colab.research.google.com/github/{repository}/blob/main/{name}"
    assert links["Colab"] == colab


def test_a_notebook_can_be_downloaded_as_it_is_stored(opened):
    name, links, _ = opened
    page = (SITE / name).with_suffix(".html")
    assert (page.parent / links["Notebook"]).resolve().read_bytes() == (ROOT / name).read_bytes()


def test_a_notebook_leads_to_its_source_and_to_its_canonical_address(opened):
    name, links, page = opened
    assert links["Repository"] == URLS["Repository"]
    assert links["Suggest an edit"] == f"{URLS['Repository']}/edit/main/{name}"
    assert links["Report a mistake"].startswith(f"{URLS['Repository']}/issues/new?")
    canonical = page.find("link", rel="canonical")["href"]
    assert canonical == URLS["Documentation"] + name.removesuffix(".ipynb") + ".html"


def test_what_fetches_the_course_on_colab_is_not_shown_on_the_page(opened):
    *_, page = opened
    assert "google.colab" not in page.find("main").get_text()


def small_book(folder, hub):
    """Build a book of one notebook with this book's configuration and a hub."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
    options = config["html_theme_options"]
    options["jupyterhub_url"] = hub
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'web')!r})\nfrom course import repository\n"
        "def setup(app):\n"
        "    app.connect('config-inited', repository.tell_the_theme)\n"
        "    app.connect('html-page-context', repository.add_places)\n"
        "extensions = ['myst_nb']\nhtml_sourcelink_suffix = ''\n"
        f"html_theme = 'theme'\nhtml_theme_path = [{str(ROOT / 'web')!r}]\n"
        f"nb_execution_mode = 'off'\nhtml_theme_options = {options!r}\n",
        encoding="utf-8",
    )
    cell = nbformat.v4.new_markdown_cell("# One page")
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=[cell], metadata=metadata), folder / "index.ipynb"
    )
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    command = [sys.executable, "-m", "sphinx", "-q", str(folder), str(folder / "out")]
    subprocess.run(command, check=True, capture_output=True)
    return buttons(page_of("index.ipynb", folder / "out"))


def test_a_hub_of_ones_own_gets_its_button_once_its_address_is_set(tmp_path):
    link = urlsplit(small_book(tmp_path, "https://hub.example.org/")["JupyterHub"])
    assert link.geturl().startswith("https://hub.example.org/hub/user-redirect/git-pull?")
    assert parse_qs(link.query) == {
        "repo": [URLS["Repository"]],
        "branch": ["main"],
        "urlpath": [f"lab/tree/{NAME}/index.ipynb"],
    }


def test_without_a_hub_there_is_no_button_for_it(tmp_path):
    assert {"Binder", "Colab"} <= small_book(tmp_path, "").keys()
    assert "JupyterHub" not in buttons(page_of(NOTEBOOKS[0]))


# The files that the tests passed.


@pytest.fixture
def tree(tmp_path):
    """A small repository with a site that has passed its tests."""
    files = {"book.md": "a", "src/a.py": "b", "_build/html/index.html": "c"}
    for name, text in {**files, "_build/html/a/b.css": "d", ".venv/x": "e"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert do_step("begin", tmp_path) == ([], 0)
    assert do_step("passed", tmp_path) == ([], 0)
    return tmp_path


def do_step(step, root):
    """Do one step of tools/tested.py; return what it complained of and its exit status."""
    done = run_tool("tested.py", step, "--root", root)
    return done.stderr.splitlines(), done.returncode


def test_what_the_tests_passed_may_be_published(tree):
    (tree / ".venv/x").write_text("hidden folders are no sources")
    (tree / "_build/other").write_text("and of what is built only the site counts")
    (tree / "src/__pycache__").mkdir()
    (tree / "src/__pycache__/a.pyc").write_text("nor what Python keeps")
    assert do_step("check", tree) == ([], 0)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("_build/html/index.html", "x", "site: index.html differs"),
        ("_build/html/a/b.css", None, "site: a/b.css is missing"),
        ("_build/html/new.html", "x", "site: new.html is new"),
        ("src/a.py", "x", "sources: src/a.py differs"),
        ("book.md", None, "sources: book.md is missing"),
        ("chapter.md", "x", "sources: chapter.md is new"),
    ],
)
def test_every_difference_from_what_the_tests_passed_is_named(tree, name, text, complaint):
    (tree / name).unlink() if text is None else (tree / name).write_text(text)
    assert do_step("check", tree) == ([complaint], 1)


def test_tests_that_did_not_pass_let_nothing_be_published(tree):
    do_step("begin", tree)
    assert do_step("check", tree) == (["no tests have passed on this site: run `make test`"], 1)


def test_a_change_while_the_tests_run_spoils_them(tree):
    do_step("begin", tree)
    (tree / "src/a.py").write_text("x")
    assert do_step("passed", tree) == (["sources: src/a.py differs"], 1)
    assert do_step("check", tree)[1] == 1


# The workflows, which nobody sees run until something is published.

WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path):
    # YAML 1.1 takes the key `on` for true.
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs(path):
    return read(path)["jobs"].items()


def unpinned(text):
    """List the actions that are not pinned by a commit with its version as a comment."""
    pin = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    return [use for use in re.findall(r"uses:\s*(.*)", text) if not pin.fullmatch(use)]


@every_workflow
def test_actions_are_pinned_by_commit_with_their_version(path):
    assert not unpinned(path.read_text(encoding="utf-8"))


def test_an_action_without_a_commit_is_found():
    commit = "0" * 40
    assert not unpinned(f"- uses: actions/checkout@{commit} # v7.0.1")
    for use in (
        "actions/checkout@v7",
        f"actions/checkout@{commit}",
        "actions/checkout@main # v1.0.0",
    ):
        assert unpinned(f"- uses: {use}") == [use]


def test_one_action_has_one_commit():
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses:\s*(\S+)@(\w+) # (\S+)", text))
    assert len(pins) == len({action for action, *_ in pins})


@every_workflow
def test_a_workflow_may_read_the_code_and_no_more(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets" not in path.read_text(encoding="utf-8")
    assert "pull_request_target" not in workflow[True]
    for name, job in jobs(path):
        allowed = {"pages": "write", "id-token": "write"} if name == "deploy" else None
        assert job.get("permissions") == allowed
        for step in job["steps"]:
            if "actions/checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


@every_workflow
def test_a_workflow_does_not_run_twice_at_once_or_for_ever(path):
    assert "github.workflow" in read(path)["concurrency"]["group"]
    assert all(job["timeout-minutes"] <= 90 for _, job in jobs(path))


@every_workflow
def test_a_workflow_asks_for_targets_that_the_makefile_has(path):
    targets = re.findall(r"(?m)^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    runs = [step.get("run", "") for _, job in jobs(path) for step in job["steps"]]
    asked = [target for run in runs for target in re.findall(r"(?m)^make ([\w-]+)$", run)]
    assert asked and set(asked) <= set(targets)


def test_every_change_is_linted_and_tested_and_so_is_what_make_test_leaves_out():
    steps = [step for _, job in jobs(ROOT / ".github/workflows/test.yml") for step in job["steps"]]
    assert {"make lint", "make test", "make rest"} <= {step.get("run") for step in steps}


def test_what_is_deployed_is_tested_and_checked_first_by_the_job_that_keeps_it():
    workflow = read(ROOT / ".github/workflows/pages.yml")
    site, deploy = workflow["jobs"]["site"], workflow["jobs"]["deploy"]
    does = [step.get("run", step.get("uses", "").partition("@")[0]) for step in site["steps"]]
    order = ["make downloads", "make test", "make publish-check", "actions/upload-pages-artifact"]
    places = [does.index(step) for step in order]
    assert places == sorted(places)
    later = site["steps"][places[2] + 1 :]
    assert all("run" not in step and step["with"]["path"] == "_build/html" for step in later)
    assert deploy["needs"] == "site" and len(deploy["steps"]) == 1
    assert deploy["if"] == later[-1]["if"] == "github.ref == 'refs/heads/main'"


# Where a reader runs the notebooks.


def test_binder_and_the_image_install_what_was_tested_on_a_python_that_was():
    tested_on = read(ROOT / ".github/workflows/test.yml")["jobs"]["test"]["strategy"]["matrix"]
    runtime = (ROOT / ".binder/runtime.txt").read_text().strip().removeprefix("python-")
    image = re.search(
        r"(?m)^FROM python:(\d+\.\d+)\.", (ROOT / "tools/container/Dockerfile").read_text()
    )
    assert {runtime, image[1]} <= set(tested_on["python"])
    lines = (ROOT / ".binder/requirements.txt").read_text().splitlines()
    constraint = next(line.split()[1] for line in lines if line.startswith("--constraint"))
    assert (ROOT / "binder" / constraint).resolve() == ROOT / "constraints.txt"


def test_every_file_that_the_image_copies_is_let_through_to_it():
    ignored = (ROOT / "tools/container/Dockerfile.dockerignore").read_text().splitlines()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    copied = re.findall(r"(?m)^COPY (.*) \S+$", (ROOT / "tools/container/Dockerfile").read_text())
    names = {name for line in copied for name in line.split()}
    assert names == let_through
    assert all((ROOT / name).exists() for name in names)


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/user/ada/api" else 404)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.mark.parametrize(("base", "healthy"), [("/user/ada/", True), ("/gone/", False)])
def test_the_image_is_healthy_when_its_newest_server_answers(tmp_path, base, healthy):
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        now = {"url": f"http://127.0.0.1:{server.server_port}{base}"}
        for name, address, age in (
            ("jpserver-9", {"url": "http://127.0.0.1:9/"}, 1),
            ("jpserver-1", now, 2),
        ):
            (tmp_path / f"{name}.json").write_text(json.dumps(address))
            os.utime(tmp_path / f"{name}.json", (age, age))
        environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path)}
        command = [sys.executable, str(ROOT / "tools/container/healthcheck.py")]
        done = subprocess.run(command, capture_output=True, env=environment)
        server.shutdown()
        thread.join()
    assert (done.returncode == 0) == healthy


def test_a_container_without_a_server_is_not_healthy(tmp_path):
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, str(ROOT / "tools/container/healthcheck.py")]
    assert subprocess.run(command, capture_output=True, env=environment).returncode != 0
