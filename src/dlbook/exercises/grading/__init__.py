"""Grade a class: ``python -m dlbook.exercises.grading 6.1 submitted --results grades.jsonl``.

Submissions go through any executor of `concurrent.futures`: processes on this machine, threads, or
a Dask cluster's ``Client.get_executor()``. Each grade is written down as soon as it is known, so a
run that was interrupted goes on where it stopped.
"""

import argparse
import hashlib
import importlib
import json
import multiprocessing
import os
import stat
import sys
import warnings
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tqdm import tqdm

from dlbook.exercises.checking.renamed import all_names, todays_name
from dlbook.exercises.grading import report
from dlbook.exercises.grading.sandbox import EXERCISES, SECTIONS, Limits, SandboxError, why_not
from dlbook.exercises.grading.submission import attempt, read_assignment, record, settled

LARGEST = 20 << 20  # bytes of a notebook
WORKER = 6 << 30  # bytes that a judge may take, whatever an answer makes it do
REFUSED = (
    "{why}. Students' code is not run without a sandbox. If you trust every line of it, pass "
    "--without-sandbox (without_sandbox=True)."
)
LOUD = (
    "Grading WITHOUT a sandbox: the submissions can read and change everything that you can, "
    "the solutions and your own files included."
)


@dataclass(frozen=True)
class Submission:
    """What a student handed in; `data` is None if that is no readable file, and `why` says so."""

    student: str
    data: bytes | None
    why: str = ""


def read_submission(student, path, root=None):
    """Read a file that a student has made, and nothing that it may point to.

    Parameters
    ----------
    student : str
    path : path_like
    root : path_like, optional
        The folder that is the lecturer's own. No link below it is followed.
    """
    path = Path(path)
    try:
        below = [p for p in path.parents if root is not None and Path(root) in p.parents]
        if any(folder.is_symlink() for folder in below):
            return Submission(student, None, "it lies behind a link")
        # A pipe must not be waited for, a link must not be followed.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | _NONBLOCK)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return Submission(student, None, "it is no file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        return Submission(student, None, f"it cannot be read ({error.strerror})")
    if len(data) > LARGEST:
        return Submission(student, None, f"it is larger than {LARGEST >> 20} MB")
    return Submission(student, data)


_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


def find_submissions(paths, notebook):
    """List the `Submission` s in files and folders, in the order of their students.

    A folder is taken for nbgrader's ``submitted``: ``STUDENT/NOTEBOOK/NOTEBOOK.ipynb``, or
    ``STUDENT/NOTEBOOK.ipynb``. A file is taken for one student's: of the name that such folders
    give, or if it is called otherwise, of its own name.

    Raises
    ------
    ValueError
        If there are two of the same student.
    """
    found = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(read_submission(_student_of(path.absolute(), notebook), path))
            continue
        for student in sorted(path.iterdir()):
            places = []
            for name in all_names(notebook):
                file = f"{name}.ipynb"
                places += [student / name / file, student / file]
                places += sorted(student.glob(f"*/{file}"))
            handed_in = [place for place in places if os.path.lexists(place)]
            if handed_in:
                found.append(read_submission(student.name, handed_in[0], path))
            elif any((student / name).is_dir() for name in all_names(notebook)):
                found.append(Submission(student.name, None, "there is no notebook in it"))
    students = sorted(submission.student for submission in found)
    if twice := [one for one, next_one in pairwise(students) if one == next_one]:
        raise ValueError(f"there are two submissions of {', '.join(sorted(set(twice)))}")
    return sorted(found, key=lambda submission: submission.student)


def _student_of(path, notebook):
    names = all_names(notebook)
    if path.stem not in names:
        return path.stem
    return path.parents[1].name if path.parent.name in names else path.parent.name


def key_of(submission, assignment):
    """Return a digest of a submission and of the exercises it is graded by."""
    data = submission.why.encode() if submission.data is None else submission.data
    return hashlib.sha256(assignment.digest.encode() + b"\0" + data).hexdigest()


def try_submission(submission, assignment, limits, without_sandbox):
    """Return the `Outcome` of a submission: what an executor runs."""
    data = b"" if submission.data is None else submission.data
    outcome = attempt(data, assignment, limits, without_sandbox)
    if submission.data is None:
        outcome.remarks = [submission.why]
    outcome.cells.clear()  # what cells printed is not needed, and may be anything
    return outcome


class Results:
    """The file of grades: a line of JSON for each, written to the disk before the next.

    Parameters
    ----------
    path : path_like
    """

    def __init__(self, path):
        self.path = Path(path)

    def read(self):
        """Return the grades by student and key. A line that was cut off is no grade."""
        grades = {}
        with suppress(FileNotFoundError):
            for line in self.path.read_bytes().split(b"\n"):
                with suppress(ValueError, KeyError, TypeError):
                    grade = json.loads(line)
                    grades[grade["student"], grade["key"]] = grade
        return grades

    @contextmanager
    def writer(self):
        """Give a function that appends a grade. One run at a time may write."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab+") as file:
            _lock(file)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a line was cut off: begin a new one after it
                    file.write(b"\n")

            def write(grade):
                file.write(json.dumps(grade, ensure_ascii=True).encode("ascii") + b"\n")
                file.flush()
                os.fsync(file.fileno())

            yield write


def _lock(file):
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError(f"another run is writing {file.name}") from None


def _at_most():
    """Keep what an answer makes its judge do from taking the whole machine's memory."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (WORKER, resource.getrlimit(resource.RLIMIT_AS)[1]))


def processes(workers=None):
    """Make the executor that is used if none is given: processes on this machine."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers or os.cpu_count(), spawn, _at_most)


def grade_class(
    assignment,
    submissions,
    results,
    executor=None,
    *,
    workers=None,
    limits=None,
    without_sandbox=False,
    progress=False,
):
    """Grade submissions, and return the grades in their order.

    A submission that the grader itself stumbles over gets no grade, and a warning says so.

    Parameters
    ----------
    assignment : Assignment
    submissions : list of Submission
    results : path_like
        The file of grades. What stands there already is not graded again.
    executor : concurrent.futures.Executor, optional
    workers : int, optional
        How many processes, if no executor is given.
    limits : Limits, optional
    without_sandbox : bool
        Only for code that you trust.
    progress : bool
        Show a progress bar.

    Raises
    ------
    SandboxError
        If there is no sandbox.
    """
    if without_sandbox:
        warnings.warn(LOUD, stacklevel=2)
    elif executor is None and (why := why_not()):
        raise SandboxError(REFUSED.format(why=why))
    book, limits = Results(results), limits or Limits()
    keys = [(s.student, key_of(s, assignment)) for s in submissions]
    with book.writer() as write, _executor(executor, workers) as pool:
        known = book.read()
        waiting = [s for s, key in zip(submissions, keys, strict=True) if key not in known]
        bar = tqdm(total=len(keys), initial=len(keys) - len(waiting), disable=not progress)

        def attempts(those):
            jobs = {s: (try_submission, s, assignment, limits, without_sandbox) for s in those}
            yield from _outcomes(pool, jobs)

        def note(submission, outcome):
            student, key = submission.student, key_of(submission, assignment)
            grade = {"student": student, "key": key, **record(assignment, outcome)}
            write(grade)
            known[student, key] = grade
            bar.update()

        late = {}
        with bar:
            for submission, outcome in attempts(waiting):
                if outcome.costly():
                    late[submission] = outcome
                else:
                    note(submission, outcome)
            for submission, first in late.items():  # one after the other, with nothing beside it
                for _, again in attempts([submission]):
                    note(submission, settled(first, again))
    return [known[key] for key in keys if key in known]


@contextmanager
def _executor(given, workers):
    """Give the executor to use: one that was made here is ended here."""
    if given is not None:
        yield given
        return
    pool = processes(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _outcomes(pool, jobs):
    """Yield the submissions and their outcomes as they come, without those that we stumble over."""
    futures = {pool.submit(*job): submission for submission, job in jobs.items()}
    try:
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except (SandboxError, BrokenExecutor):
                raise
            except Exception as error:  # a fault of ours with one submission is no grade
                student = futures[future].student
                warnings.warn(f"{student} is NOT graded: {error!r}", stacklevel=4)
    finally:
        for future in futures:
            future.cancel()


def find_section(name):
    """Return the module of a section called "6.1", "section_6_1", "6_1_xor" or by its own name."""
    here, today = _sections(), todays_name(name.replace(".", "_"))
    if f"section_{today}" in here:
        return here[f"section_{today}"]
    if today in here:
        return here[today]
    for module in here.values():
        if importlib.import_module(module).section.name == today:
            return module
    with suppress(ImportError, AttributeError):
        importlib.import_module(name).section  # noqa: B018
        return name
    raise LookupError(f"there is no section {name}; there are {', '.join(here)}")


def _sections():
    return {p.stem: f"dlbook.exercises.sections.{p.stem}" for p in SECTIONS}


def find_notebook(notebook, paths):
    """Return the instructor's notebook, which says what each exercise is worth."""
    folders = [Path.cwd(), Path.cwd() / "exercises", EXERCISES.parents[2] / "exercises"]
    folders[:0] = [folder for path in paths for folder in Path(path).absolute().parents]
    for folder in folders:
        path = folder / "source" / notebook / f"{notebook}.ipynb"
        if path.is_file():
            return path
    raise LookupError(f"{notebook}.ipynb is in no folder source; say where it is by --notebook")


def main(arguments=None):
    """Grade from the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dlbook.exercises.grading",
        description="Grade the submissions of a class in a sandbox.",
    )
    add = parser.add_argument
    add("section", help="such as 6.1")
    add("submissions", nargs="+", help="nbgrader's folder `submitted`, or notebooks")
    add("--results", default="grades.jsonl", help="the file of grades (default: %(default)s)")
    add("--notebook", help="the instructor's notebook, where it is not found by itself")
    add("--workers", type=int, help="how many at once (default: one for each core)")
    add("--table", help="write the class as a CSV file")
    add("--feedback", help="write feedback for each student into this folder")
    add("--without-sandbox", action="store_true", help="only for code that you trust")
    options = parser.parse_args(arguments)
    try:
        module = find_section(options.section)
        notebook = importlib.import_module(module).section.name
        path = options.notebook or find_notebook(notebook, options.submissions)
        assignment = read_assignment(module, path)
        submissions = find_submissions(options.submissions, notebook)
        grades = grade_class(
            assignment,
            submissions,
            options.results,
            workers=options.workers,
            without_sandbox=options.without_sandbox,
            progress=True,
        )
    except (LookupError, ValueError, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.table:
        report.write_table(grades, options.table)
    if options.feedback:
        report.write_feedback(grades, options.feedback)
    print(f"{len(grades)} of {len(submissions)} graded; the grades are in {options.results}")
    return 0 if len(grades) == len(submissions) else 1
