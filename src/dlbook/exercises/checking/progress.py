"""Where a learner stands, kept in a small file beside the notebook. Nothing leaves the machine."""

import json
import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from dlbook.exercises.checking.renamed import todays_name

NAME = ".dlbook-progress.json"


def path():
    """Return the file: ``DLBOOK_PROGRESS`` if that is set, else beside the notebook.

    So each copy of the exercises has its own account. It goes to the user's data folder where the
    notebook's cannot be written.
    """
    if named := os.environ.get("DLBOOK_PROGRESS"):
        return Path(named)
    if os.access(Path.cwd(), os.W_OK):
        return Path.cwd() / NAME
    return Path(platformdirs.user_data_path("dlbook", appauthor=False), "progress.json")


def load():
    """Return ``{section: {exercise: {"tries": int, "solved": bool, "seen": bool}}}``.

    A file that cannot be read is kept under another name, and the account starts anew.
    """
    try:
        state = json.loads(path().read_text(encoding="utf-8"))
        if isinstance(state, dict) and all(isinstance(part, dict) for part in state.values()):
            return _with_todays_names(state)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        pass
    with suppress(OSError):
        path().replace(path().with_suffix(".unreadable.json"))
    return {}


def _with_todays_names(state):
    """Return an account with what stands under a section's old name beside what came later."""
    renamed = {}
    for section, exercises in state.items():
        entries = renamed.setdefault(todays_name(section), {})
        for exercise, entry in exercises.items():
            known = entries.setdefault(exercise, {})
            known.update({key: max(value, known.get(key, value)) for key, value in entry.items()})
    return renamed


def note(section, exercise, *, tried=False, solved=False, seen=False):
    """Write down what happened to an exercise. A folder that cannot be written is no error."""
    state = load()
    entry = state.setdefault(section, {}).setdefault(exercise, {})
    entry["tries"] = entry.get("tries", 0) + tried
    entry["solved"] = entry.get("solved", False) or solved
    entry["seen"] = entry.get("seen", False) or seen
    _write(state)


def _write(state):
    with suppress(OSError):
        path().parent.mkdir(parents=True, exist_ok=True)
        new = path().with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps(state, indent=1), encoding="utf-8")
        new.replace(path())  # whole or not at all


def forget(section):
    """Begin a section's account anew."""
    state = load()
    if state.pop(section, None) is not None:
        _write(state)


def of(section, exercise):
    """Return the entry of one exercise, empty if it was never tried."""
    return load().get(section, {}).get(exercise, {})
