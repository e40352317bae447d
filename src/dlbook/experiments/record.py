"""Runs many independent experiments, each once, and keeps a line of CSV for each.

What is in the file already is not run again: so a run can be stopped at any time and taken up
later, on another machine too. The work goes to any executor of ``concurrent.futures``: processes
here, or a Dask cluster by ``Client.get_executor()``.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, as_completed
from pathlib import Path
from typing import Any

from tqdm import tqdm

Row = dict[str, Any]


def run(
    experiment: Callable[..., Row], tasks: Iterable[Row], path: Path, executor: Executor
) -> list[Row]:
    """Run each task that has no line yet, and return all lines.

    Parameters
    ----------
    experiment : function
        Takes a task's settings as keyword arguments and returns what was found, a flat dict.
    tasks : list of dict
        The settings, of the same names in all; together they tell one task from another.
    path : Path
        The CSV file, with the settings first; made if it is not there.
    executor : concurrent.futures.Executor

    Raises
    ------
    ValueError
        If tasks or lines have other settings or results than the ones before them.
    Exception
        What an experiment raises; the lines written before are kept.
    """
    tasks = list(tasks)
    _cut_unfinished_line(path)
    settings = list(tasks[0]) if tasks else []
    if strange := [task for task in tasks if set(task) != set(settings)]:
        raise ValueError(f"record: not all tasks have the settings {settings}: {strange[0]}")
    done = {_key(row, settings) for row in read(path)}
    open_tasks = {_key(task, settings): task for task in tasks}
    futures = {
        executor.submit(experiment, **task): task
        for key, task in open_tasks.items()
        if key not in done
    }
    try:
        for future in tqdm(as_completed(futures), total=len(futures), desc=path.stem):
            _append(path, {**futures[future], **future.result()})
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return read(path)


def read(path: Path) -> list[Row]:
    """Return the lines of a CSV file, all values as texts; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _key(row: Row, settings: list[str]) -> tuple[str, ...]:
    """Return the settings as they stand in the file."""
    if missing := set(settings) - set(row):
        raise ValueError(f"record: {row} has no {', '.join(sorted(missing))}")
    return tuple("" if row[name] is None else str(row[name]) for name in settings)


def _cut_unfinished_line(path: Path) -> None:
    """Remove what a run that was killed while it wrote has left."""
    if path.exists():
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)


def _append(path: Path, row: Row) -> None:
    """Add a line; it is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", newline="", encoding="utf-8") as file:
        file.seek(0)
        header = next(csv.reader(file), None)
        columns = header or list(row)
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if set(columns) != set(row):
            raise ValueError(
                f"record: {path.name} has the columns {', '.join(columns)}, the new line "
                f"{', '.join(row)}"
            )
        if not header:
            writer.writeheader()
        writer.writerow(row)
        file.flush()
        os.fsync(file.fileno())
