"""The words that an exercise notebook explains in its first cell do what it says."""

import copy

import pytest

from dlbook.exercises import section_6_1 as ex


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    """An exercise as a student meets it who has just begun."""
    monkeypatch.setenv("DLBOOK_PROGRESS", str(tmp_path / "progress.json"))
    mine = copy.copy(ex.q1)
    mine._shown, mine._asked = 0, False
    return mine


def test_each_call_of_hint_helps_a_little_more_until_the_last_one(exercise):
    texts = [str(exercise.hint()) for _ in range(len(exercise.hints) + 2)]
    for text, hint in zip(texts, [*exercise.hints, *2 * exercise.hints[-1:]], strict=True):
        assert hint in text
    assert "the last one" in texts[-1] and "more to come" in texts[0]


def test_a_solution_is_shown_to_who_has_tried_and_to_who_asks_twice(exercise):
    assert "np.maximum" not in str(exercise.solution())
    assert "np.maximum(X @ W + c, 0)" in str(exercise.solution())
    exercise._asked = False
    exercise.check(lambda X, W, c, w, b: X @ W @ w)
    assert "np.maximum(X @ W + c, 0)" in str(exercise.solution())


def test_a_check_says_whether_an_answer_is_right_and_progress_where_one_stands(exercise):
    total = len(ex.section.exercises)
    assert f"0 of {total} solved" in str(ex.progress())
    assert not exercise.check(lambda X, W, c, w, b: X @ W @ w).passed
    assert f"0 of {total} solved" in str(ex.progress())
    assert exercise.check(exercise.expected).passed
    assert f"1 of {total} solved" in str(ex.progress())
