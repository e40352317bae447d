"""Prove that what would be published is what the tests passed.

``begin`` writes down the digest of every file of the built site and of its sources before the tests
run; ``passed`` lets that list stand, as _build/tested.json, if nothing changed meanwhile; ``check``
holds the files to it, and names each that differs.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HIDDEN = (".*",)  # in the site, too: GitHub Pages is given no hidden file
MADE = ("_build", "__pycache__", "*.egg-info")  # by the commands of the Makefile


def digests(folder, skip):
    """Map each file below a folder to its SHA-256, without names that match a pattern to skip."""

    def kept(names):
        return [name for name in names if not any(fnmatch(name, pattern) for pattern in skip)]

    found = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = kept(folders)
        for path in (Path(parent, name) for name in kept(files)):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(folder).as_posix()] = digest
    return dict(sorted(found.items()))


def take_stock(root):
    """Return the digests of the site and of its sources, and which commit they are."""
    return {
        "commit": commit_of(root),
        "sources": digests(root, HIDDEN + MADE),
        "site": digests(root / "_build" / "html", HIDDEN),
    }


def commit_of(root):
    """Name the commit, with "-dirty" if files differ from it, for the record; "" without git."""
    command = [
        "git",
        "-C",
        str(root),
        "describe",
        "--always",
        "--abbrev=40",
        "--exclude=*",
        "--dirty",
    ]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def differences(old, new):
    """List the files of the sources and of the site that are missing, are new, or differ."""
    problems = []
    for part in ("sources", "site"):
        before, after = old[part], new[part]
        problems += [f"{part}: {name} is missing" for name in before if name not in after]
        problems += [f"{part}: {name} is new" for name in after if name not in before]
        both = before.keys() & after.keys()
        problems += [f"{part}: {n} differs" for n in sorted(both) if before[n] != after[n]]
    return problems


def begin(root):
    """Forget the last tests, and write down what these are about to see."""
    (root / "_build" / "tested.json").unlink(missing_ok=True)
    stock = json.dumps(take_stock(root), indent=1)
    (root / "_build" / "testing.json").write_text(stock + "\n", encoding="utf-8")
    return []


def passed(root):
    """Let the list stand if it is still true now that the tests have passed."""
    testing = root / "_build" / "testing.json"
    problems = compare(root, testing)
    if not problems:
        testing.replace(root / "_build" / "tested.json")
    return problems


def check(root):
    """Compare the site and its sources with what the tests passed."""
    tested = root / "_build" / "tested.json"
    problems = compare(root, tested)
    if not problems:
        known = json.loads(tested.read_text(encoding="utf-8"))
        count, commit = len(known["site"]), known["commit"] or "no commit"
        print(f"The {count} files of the site are those that passed the tests ({commit}).")
    return problems


def compare(root, stored):
    if not stored.is_file():
        return ["no tests have passed on this site: run `make test`"]
    return differences(json.loads(stored.read_text(encoding="utf-8")), take_stock(root))


def main():
    """Do one step; return 1 and name the files if there is a difference, else 0."""
    steps = {step.__name__: step for step in (begin, passed, check)}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("step", choices=steps)
    parser.add_argument("--root", type=Path, default=ROOT, help="another clone than this one")
    options = parser.parse_args()
    problems = steps[options.step](options.root)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
