"""Full-size runs: each experiment is run once and leaves a line, whatever happens in between."""

import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from dlbook.experiments import record

TASKS = [{"unit": unit, "seed": seed} for seed in range(3) for unit in ("relu", "tanh, wide")]


class AtOnce(Executor):
    """Runs what it is given when it is given it."""

    def submit(self, function, /, *arguments, **settings):
        future = Future()
        try:
            future.set_result(function(*arguments, **settings))
        except Exception as error:
            future.set_exception(error)
        return future


class Experiment:
    """Notes which tasks it is given; fails at some of them."""

    def __init__(self, fails_at=None, error=RuntimeError):
        self.ran, self.fails_at, self.error = [], fails_at, error

    def __call__(self, unit, seed):
        if (unit, seed) == self.fails_at:
            raise self.error("stopped")
        self.ran.append({"unit": unit, "seed": seed})
        return {"cost": seed + 0.1}


def square(number):
    return {"square": number**2}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "found.csv"


def run(experiment, tasks, path):
    return record.run(experiment, tasks, path, AtOnce())


def tasks_of(rows):
    return [{"unit": row["unit"], "seed": int(row["seed"])} for row in rows]


def by_name(tasks):
    return sorted(tasks, key=lambda task: (task["seed"], task["unit"]))


def test_every_task_leaves_a_line(path):
    experiment = Experiment()
    rows = run(experiment, TASKS, path)
    assert by_name(tasks_of(rows)) == TASKS == by_name(experiment.ran)
    assert all(float(row["cost"]) == int(row["seed"]) + 0.1 for row in rows)
    lines = path.read_bytes().decode().split("\n")
    assert lines[0] == "unit,seed,cost" and '"tanh, wide",2,2.1' in lines and lines[-1] == ""
    assert len(lines) == 8 and "\r" not in "".join(lines)
    assert record.read(path) == rows


def test_what_has_a_line_is_not_run_again(path):
    run(Experiment(), TASKS[:4], path)
    before, experiment = path.read_text(), Experiment()
    rows = run(experiment, TASKS, path)
    assert by_name(experiment.ran) == TASKS[4:]
    assert path.read_text().startswith(before) and len(rows) == 6
    again = Experiment()
    assert run(again, TASKS, path) == rows
    assert again.ran == []


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_lines_are_kept_when_an_experiment_fails_and_the_rest_is_taken_up_later(path, error):
    failing = Experiment(fails_at=("relu", 1), error=error)
    with ThreadPoolExecutor(1) as executor, pytest.raises(error, match="stopped"):
        record.run(failing, TASKS, path, executor)
    kept = tasks_of(record.read(path))
    experiment = Experiment()
    assert len(run(experiment, TASKS, path)) == len(TASKS)
    assert by_name(kept + experiment.ran) == TASKS


def test_lines_are_kept_when_a_run_is_interrupted(path, monkeypatch):
    def interrupted(futures):
        yield from list(futures)[:2]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(record, "as_completed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(Experiment(), TASKS, path)
    assert tasks_of(record.read(path)) == TASKS[:2]
    experiment = Experiment()
    run(experiment, TASKS, path)
    assert by_name(experiment.ran) == TASKS[2:]


def test_what_has_not_begun_is_called_off_when_a_run_is_interrupted(path, monkeypatch):
    futures = []

    class Waiting(Executor):
        def submit(self, function, /, **settings):
            futures.append(Future())
            return futures[-1]

    def interrupted(futures):
        raise KeyboardInterrupt

    monkeypatch.setattr(record, "as_completed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record.run(square, [{"number": 2}, {"number": 3}], path, Waiting())
    assert [future.cancelled() for future in futures] == [True, True]


@pytest.mark.parametrize("ending", ["relu,2", '"tanh, wi', "r", "relu,2,2.1"])
def test_a_line_that_was_being_written_is_run_again(path, ending):
    run(Experiment(), TASKS[:2], path)
    whole = path.read_text()
    path.write_text(whole + ending)
    experiment = Experiment()
    rows = run(experiment, TASKS, path)
    assert by_name(tasks_of(rows)) == TASKS and by_name(experiment.ran) == TASKS[2:]
    assert path.read_text().startswith(whole)


@pytest.mark.parametrize("content", ["", "unit,se"])
def test_a_file_without_a_whole_header_gets_one(path, content):
    path.parent.mkdir()
    path.write_text(content)
    assert len(run(Experiment(), TASKS, path)) == 6
    assert path.read_text().startswith("unit,seed,cost\n")


EXECUTORS = {
    "at once": AtOnce,
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: ProcessPoolExecutor(2, multiprocessing.get_context("spawn")),
}


@pytest.mark.parametrize("kind", EXECUTORS)
def test_the_work_goes_to_any_executor(path, kind):
    with EXECUTORS[kind]() as executor:
        rows = record.run(square, [{"number": n} for n in range(5)], path, executor)
    assert sorted((int(r["number"]), int(r["square"])) for r in rows) == [
        (n, n * n) for n in range(5)
    ]


def test_settings_of_any_kind_are_found_again(path):
    tasks = [
        {"rate": rate, "wide": wide, "skip": skip}
        for rate, wide, skip in [(0.1, True, None), (1e-17, False, 2), (1 / 3, True, (1, 2))]
    ]
    ran = []
    for _ in range(2):
        record.run(lambda **task: ran.append(task) or {"done": 1}, tasks, path, AtOnce())
    assert ran == tasks


def test_the_order_of_settings_does_not_matter(path):
    run(Experiment(), TASKS, path)
    again = Experiment()
    run(again, [dict(reversed(task.items())) for task in TASKS], path)
    mixed = [dict(reversed(task.items())) if i % 2 else task for i, task in enumerate(TASKS)]
    run(again, mixed, path)
    assert again.ran == []


def test_a_line_has_its_values_under_the_right_names(path):
    run(Experiment(), TASKS[:1], path)
    rows = run(Experiment(), [{"seed": 7, "unit": "cos"}], path)
    assert rows[-1] == {"unit": "cos", "seed": "7", "cost": "7.1"}


def test_a_task_given_twice_is_run_once(path):
    experiment = Experiment()
    assert len(run(experiment, TASKS + TASKS, path)) == 6
    assert by_name(experiment.ran) == TASKS


def test_no_tasks_give_the_lines_there_are(path):
    assert run(Experiment(), [], path) == []
    run(Experiment(), TASKS[:1], path)
    assert len(run(Experiment(), iter([]), path)) == 1


def test_tasks_have_the_same_settings(path):
    with pytest.raises(ValueError, match=r"record: not all tasks have the settings \['number'\]"):
        run(square, [{"number": 1}, {"number": 2, "seed": 1}], path)
    assert not path.exists()


def test_a_file_with_other_settings_is_reported_before_anything_runs(path):
    run(Experiment(), TASKS[:1], path)
    experiment = Experiment()
    with pytest.raises(ValueError, match=r"record: .* has no number"):
        run(experiment, [{"number": 1}], path)
    assert experiment.ran == []


def test_a_line_with_other_results_is_reported_and_not_written(path):
    run(Experiment(), TASKS[:1], path)
    before = path.read_text()
    with pytest.raises(
        ValueError, match=r"found\.csv has the columns unit, seed, cost, the new line"
    ):
        run(lambda unit, seed: {"error": 1}, TASKS, path)
    assert path.read_text() == before


def test_there_is_nothing_to_read_where_there_is_no_file(path):
    assert record.read(path) == []
