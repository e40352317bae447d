"""Give a reader a copy of the exercises to work in, apart from the files that are made.

What is in ``my_exercises/`` already stays as it is, with its answers; to begin one anew, delete it.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def copy_missing(root=ROOT):
    """Copy the notebooks that are not there yet; return their names."""
    target = root / "my_exercises"
    target.mkdir(exist_ok=True)
    missing = [p for p in sorted(root.glob("exercises/*.ipynb")) if not (target / p.name).exists()]
    for path in missing:
        shutil.copy(path, target / path.name)
    return [path.name for path in missing]


if __name__ == "__main__":
    if names := copy_missing():
        print(f"my_exercises/: {len(names)} new notebooks to work in")
