"""A bar shows how far one has come, if it takes long and somebody looks, and leaves nothing."""

import time

import pytest

import dlbook as dl
from dlbook import showing, waiting


class Shown:
    """What a cell displays, as IPython keeps it: each output is written over by its handle."""

    def __init__(self):
        self.pages, self.past = [], []

    def display(self, page, raw, display_id):
        self.pages.append(page)
        self.past.append(page["text/plain"])
        return self

    def update(self, page, raw):
        self.pages[-1] = page
        self.past.append(page["text/plain"])


@pytest.fixture
def notebook(monkeypatch):
    """A notebook that somebody reads."""
    shown = Shown()
    for name in showing.STRICT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(waiting, "_in_a_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.display)
    monkeypatch.setattr(waiting, "WAIT", 0.05)
    return shown


def slowly(things):
    for thing in things:
        time.sleep(0.03)
        yield thing


def test_what_takes_long_has_a_bar_in_a_notebook_which_goes_when_it_is_done(notebook):
    found = list(dl.progress(slowly(range(20)), "counting"))
    assert found == list(range(20))
    assert any(line.startswith("counting: ") for line in notebook.past)
    assert notebook.pages == [{"text/plain": ""}]


def test_what_is_quick_has_none(notebook):
    assert list(dl.progress(range(20))) == list(range(20))
    assert notebook.past == []


def test_a_notebook_that_is_tested_or_stored_has_none(notebook, monkeypatch, capfd):
    monkeypatch.setenv("DLBOOK_STRICT", "1")
    list(dl.progress(slowly(range(10))))
    assert notebook.past == [] and capfd.readouterr() == ("", "")


def test_the_bar_goes_also_when_something_fails(notebook):
    def failing():
        yield from slowly(range(10))
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(dl.progress(failing()))
    assert notebook.pages == [{"text/plain": ""}]
