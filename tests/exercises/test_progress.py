"""Where one stands is kept with the copy one works in, and can be begun anew."""

from pathlib import Path

import pytest

from dlbook.exercises import section_6_1 as ex
from dlbook.exercises.checking import progress


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A folder with a copy of the exercises, in which somebody works."""
    monkeypatch.delenv("DLBOOK_PROGRESS")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def solved():
    return str(ex.progress()).partition(": ")[2].split()[0]


def test_each_copy_has_an_account_of_its_own(copy, monkeypatch):
    progress.note("6_1_xor", "q1", tried=True, solved=True)
    assert solved() == "1" and (copy / progress.NAME).is_file()
    other = copy / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    assert solved() == "0"
    monkeypatch.chdir(copy)
    assert solved() == "1"


def test_an_account_can_be_begun_anew_and_says_how(copy):
    progress.note("6_1_xor", "q1", tried=True, solved=True)
    progress.note("6_0_introduction", "q1", tried=True, solved=True)
    assert "ex.progress(reset=True)" in str(ex.progress())
    assert "0 of" in str(ex.progress(reset=True)) and solved() == "0"
    assert progress.of("6_0_introduction", "q1")["solved"]


def test_where_nothing_can_be_written_beside_the_notebook_the_account_is_elsewhere(monkeypatch):
    monkeypatch.delenv("DLBOOK_PROGRESS")
    monkeypatch.setattr("os.access", lambda *_: False)
    assert progress.path().parent != Path.cwd()


def test_after_a_wrong_answer_hints_are_where_one_looks_for_them(copy):
    ex.q1._shown = 0
    ask = "ex.q1.hint() helps a little more"
    assert ask in str(ex.q1.check(lambda X, W, c, w, b: X[:, 0]))
    for _ in ex.q1.hints:
        ex.q1.hint()
    assert ask not in str(ex.q1.check(lambda X, W, c, w, b: X[:, 0]))
    ex.q1._shown = 0
