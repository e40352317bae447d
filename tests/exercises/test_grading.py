"""A class is graded safely: what a submission does stays with it, and no grade is lost.

``test_hostile_submissions`` prints with ``-s`` what each of them got.
"""

import base64
import inspect
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tiny_notebook
from busy import busy_processes
from hypothesis import given, settings
from hypothesis import strategies as st
from sandboxed import needs_sandbox

from dlbook.exercises import grading
from dlbook.exercises.adapters import session, wire
from dlbook.exercises.adapters.calling import same
from dlbook.exercises.checking.messages import Message
from dlbook.exercises.grading import report
from dlbook.exercises.grading.sandbox import Limits, Sandbox, SandboxError
from dlbook.exercises.grading.submission import Outcome, grade, read_assignment

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTORS = sorted(ROOT.glob("exercises/source/*/*.ipynb"))
PATIENCE = 600  # seconds until a test takes something for lost
STEADY = settings(deadline=None, derandomize=True)
LIMITS = Limits(cell=4, waiting=3, spare=1, memory=1 << 30)


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "tiny.ipynb"
    path.write_bytes(tiny_notebook.notebook())
    return read_assignment("tiny_section", path)


def by_name(graded):
    return {entry["name"]: entry for entry in graded["exercises"]}


# What passes between the two sides.


def arrays():
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    kinds = st.sampled_from(list(wire.DTYPES.values()))
    return kinds.flatmap(lambda dtype: hnp.arrays(dtype, shapes))


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**50), 10**50),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=["Cs"])),
    arrays(),
    st.sampled_from([np.float32(0.1), np.int8(-3), np.bool_(True), np.complex64(1j)]),
)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text("abc") | st.integers() | st.booleans(), inner, max_size=4)
    ),
    max_leaves=12,
)


@STEADY
@given(values)
def test_what_is_sent_arrives(value):
    sent = wire.unpack(wire.pack({"value": value})[wire.HEAD.size :])["value"]
    assert type(sent) is type(value) and same(sent, value)
    if isinstance(value, np.ndarray):
        assert sent.dtype == value.dtype and sent.flags.writeable == value.flags.writeable


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("writeable", [True, False])
def test_memory_order_and_protection_arrive(order, writeable):
    array = np.asarray(np.arange(6.0).reshape(2, 3), order=order)
    array.flags.writeable = writeable
    sent = wire.decode(json.loads(json.dumps(wire.encode(array))))
    assert sent.flags.f_contiguous == (order == "F") and sent.flags.writeable == writeable


def test_what_cannot_be_sent_keeps_its_name():
    sent = wire.unpack(wire.pack({"value": [object, {1}, np.array(["a"]), 10**2000]})[4:])["value"]
    names = [type(value).__name__ for value in sent]
    assert names == ["type", "set", "ndarray", "int"] and "Foreign" not in repr(sent)


@STEADY
@given(st.binary(max_size=300))
def test_noise_is_malformed(noise):
    with pytest.raises(wire.Malformed):
        wire.unpack(noise)


def coded(name, shape, data=b"", order="C", writeable=True):
    return {"array": [name, shape, order, writeable, base64.b64encode(data).decode()]}


MALFORMED = {
    "an object of two": {"dots": 0, "tuple": []},
    "an unknown tag": {"__reduce__": ["os.system", "true"]},
    "objects as numbers": coded("|O", [1], b"x" * 8),
    "a structured type": coded("[('a','<f8')]", [1], b"x" * 8),
    "text as numbers": coded("<U4", [1], b"x" * 16),
    "too few bytes": coded("<f8", [3], b"x" * 8),
    "too many bytes": coded("<f8", [1], b"x" * 16),
    "a negative length": coded("<f8", [-1]),
    "a length of truth": coded("<f8", [True], b"x" * 8),
    "a huge shape": coded("<f8", [1 << 40, 0]),
    "many axes": coded("<f8", [1] * 40, b"x" * 8),
    "another order": coded("<f8", [1], b"x" * 8, order="Z"),
    "no base64": {"array": ["<f8", [1], "C", True, "!!!!"]},
    "a list as a key": {"dict": [[[1], 2]]},
    "half a pair": {"dict": [[1]]},
    "complex texts": {"complex": ["1", "2"]},
    "a scalar of two": {"scalar": ["<f8", base64.b64encode(b"x" * 16).decode()]},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_values(name):
    with pytest.raises(wire.Malformed):
        wire.decode(MALFORMED[name])
    with pytest.raises(wire.Malformed):
        wire.unpack(json.dumps({"dict": [["value", MALFORMED[name]]]}).encode())


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"tuple":' * 40 + b"[]" + b"}" * 40, b"[" + b"1," * 60_000 + b"1]"],
    ids=["brackets", "nested", "long"],
)
def test_frames_that_are_too_much(body):
    with pytest.raises(wire.Malformed):
        wire.unpack(body)


def test_a_byte_that_is_no_bool_becomes_one():
    assert wire.decode(coded("|b1", [2], b"\x02\x00")).tolist() == [True, False]


def test_a_frame_longer_than_the_limit_is_not_read():
    incoming, outgoing = os.pipe()
    os.write(outgoing, wire.HEAD.pack(wire.FRAME + 1))
    with pytest.raises(wire.Malformed):
        wire.Stream(incoming, None).receive(time.monotonic() + PATIENCE)
    os.write(outgoing, b"\0\0")
    with pytest.raises(wire.Late):
        wire.Stream(incoming, None).receive(time.monotonic() + 0.1)
    os.close(outgoing)
    with pytest.raises(wire.Closed):
        wire.Stream(incoming, None).receive(time.monotonic() + PATIENCE)
    os.close(incoming)


def test_a_side_that_does_not_read_does_not_block():
    incoming, outgoing = os.pipe()
    with pytest.raises(wire.Late):
        wire.Stream(None, outgoing).send({"value": np.zeros(100_000)}, time.monotonic() + 0.1)
    os.close(incoming), os.close(outgoing)


def test_nothing_else_than_an_adapter_is_called():
    with pytest.raises(ValueError):
        session._found("os:system")


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if True:\n    !ls\nx = 7 % 2", "if True:\n    pass\nx = 7 % 2"),
        ("%%time\nx = 1", "x = 1"),
        ("%%bash\nrm -rf .", ""),
        ("np.dot?", "pass"),
        ("x = 8\n%timeit x", "x = 8\npass"),
        ("x = (7\n% 4)", "x = (7\n% 4)"),
        ("def f(:\n  x", "def f(:\n  x"),
    ],
)
def test_magics(source, becomes):
    assert session.without_magics(source) == becomes


# Hostile submissions: the first exercise is an attack, the others are answered rightly.

SEARCH = """
import os, glob, inspect
def finds(how):
    try:
        return eval(how)
    except Exception:
        return False
def files(top):
    for folder, inner, names in os.walk(top):
        inner[:] = [i for i in inner if i not in ("site-packages", "usr", "proc", "sys", ".pyenv")]
        yield from (os.path.join(folder, name) for name in names)
found = [name for name, how in {ways}.items() if finds(how)]
def double(x):
    return f"found by: {{found}}" if found else "nothing found"
"""
READS = {
    "imports the exercises": "__import__('dlbook.exercises.checking.comparison')"
    ".exercises.checking.comparison",
    "imports the judge": "__import__('dlbook.exercises.checking.exercise')"
    ".exercises.checking.exercise.Function",
    "asks the module": "__import__('dlbook.exercises.sections.section_6_1')"
    ".exercises.sections.section_6_1.q1.expected",
    "inspects the module": "'expected' in inspect.getsource("
    "__import__('dlbook.exercises.sections.section_6_1').exercises.sections.section_6_1)",
    "opens the solutions": "open(os.path.dirname(dl.__file__) + '/exercises/solutions/6_1_xor.md')",
    "lists the solutions": "glob.glob(os.path.dirname(dl.__file__) + '/exercises/s*/*.md')",
    "lists the exercises": "'exercise.py' in "
    "os.listdir(os.path.dirname(dl.__file__) + '/exercises/checking')",
    "looks at other processes": "any(b'pytest' in open(p, 'rb').read() "
    "for p in glob.glob('/proc/[0-9]*/cmdline'))",
    "goes through another's root": "glob.glob('/proc/*/root" + str(ROOT) + "/tests')",
    "lists the instructor's notebooks": f"os.listdir({str(ROOT / 'exercises' / 'source')!r})",
    "reads the system's users": "open('/etc/passwd').read()",
    "looks for other submissions": f"os.listdir({str(Path(tempfile.gettempdir()).resolve())!r}) "
    f"and os.path.exists({str(ROOT / 'tests')!r})",
    "walks to notebooks": "any('BEGIN SOLUTION' in open(f).read() "
    "for f in files('/') if f.endswith('.ipynb'))",
    "walks to tests": "any(f.endswith('/test_grading.py') for f in files('/'))",
}

# Nothing of this may ever run where it could do harm.
GUARD = f"""import os
if os.path.exists({str(Path(__file__).resolve())!r}): raise RuntimeError("this is no sandbox")
"""
ATTACKS = {
    "endless loop": ("while True: pass", "TimeUp"),
    "swallows everything": (
        "def double(x):\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass",
        "no answer after",
    ),
    "memory bomb in the call": (
        "def double(x):\n    y = [0]\n    while True: y = y + y",
        ("MemoryError", "memory", "no answer after"),
    ),
    "fork bomb": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        ("it started more than 8 processes", "memory"),
    ),
    "thread bomb": (
        "import threading, time\nwhile True:\n"
        "    threading.Thread(target=time.sleep, args=(99,)).start()",
        "can't start new thread",
    ),
    "sys.exit in the call": ("import sys\ndef double(x): sys.exit(0)", "SystemExit"),
    "os._exit in the call": ("import os\ndef double(x): os._exit(0)", "exit code 0"),
    "crash": ("import ctypes\ndef double(x): ctypes.string_at(0)", "SIGSEGV"),
    "kills all processes": (
        "import os\ndef double(x): os.kill(-1, 9)",
        ("ended", "None", "ProcessLookupError"),
    ),
    "deletes files": (
        "import os, shutil\nfor place in ['/tmp', '/etc', os.path.dirname(dl.__file__),"
        f" {str(ROOT)!r}]:\n    shutil.rmtree(place, ignore_errors=True)\n"
        "double = len(os.listdir(os.path.dirname(dl.__file__)))",
        ("should be a function", "TimeUp"),
    ),
    "writes files": (
        "import os\ndef found():\n    for place in ['/usr', '/', '/dev', '/etc', '/work', "
        "os.path.dirname(dl.__file__), os.path.dirname(os.__file__)]:\n        try:\n"
        "            open(place + '/dlbook_was_here', 'w')\n            return True\n"
        "        except OSError: pass\ndef double(x): return 2 * x if found() else 'not written'",
        "where numbers were expected",
    ),
    "patches the checker": (
        "import dlbook.exercises as e, sys, builtins\n"
        "from dlbook.exercises.adapters import calling, wire, session\n"
        "ex.q1.check = lambda *a: True\ncalling.call = lambda *a, **k: calling.Reply(value=1)\n"
        "builtins.AssertionError = ValueError\nbuiltins.isinstance = lambda *a: True\n"
        "def double(x): return 5",
        ("another value than expected", "exit code 0"),
    ),
    "patches numpy": (
        "np.allclose = np.array_equal = np.isclose = lambda *a, **k: np.array(True)\n"
        "np.sum = lambda x: 0\ndef double(x): return 5",
        "another value than expected",
    ),
    "is equal to everything": (
        "class Same(float):\n    __eq__ = lambda *a: True\n    __ne__ = lambda *a: False\n"
        "    __sub__ = __rsub__ = lambda *a: 0.0\ndef double(x): return Same(5)",
        "another value than expected",
    ),
    "prints a forged result": (
        'print({"name": "q1", "status": "right", "points": 1})\nimport os\n'
        'for d in (1, 2): os.write(d, b\'{"student": "x", "points": 99}\\n\')\n'
        "def double(x): return 5",
        "another value than expected",
    ),
    "forges frames": (
        "import os\nfrom dlbook.exercises.adapters.wire import pack\ndef double(x):\n"
        "    for d in range(3, 30):\n        for n in range(50):\n"
        "            try: os.write(d, pack({'id': n, 'value': 2.0, 'status': 'right'}))\n"
        "            except OSError: pass\n    return 5",
        ("no answer to what was asked", "could not be read", "another value"),
    ),
    "writes noise into the channel": (
        "import os\ndef double(x):\n    for d in range(3, 30):\n"
        "        try: os.write(d, os.urandom(5000))\n        except OSError: pass\n    return 5",
        ("could not be read", "no answer"),
    ),
    "closes the channel": ("import os\nos.closerange(3, 100)\ndouble = 1", "ended"),
    "opens a socket": (
        "import socket\ndef double(x):\n"
        "    s = socket.create_connection(('1.1.1.1', 53), timeout=1)\n"
        "    return 2 * x",
        ("OSError", "unreachable"),
    ),
    "prints without end": (
        "import os\nx = 'x' * 10**6\nfor _ in range(200): print(x)\n"
        "for _ in range(200): os.write(1, x.encode()); os.write(2, x.encode())\n"
        "def double(x): return 5",
        "another value than expected",
    ),
    "returns too much": ("def double(x): return np.ones(10**7)", "it cannot be graded"),
    "returns what is too deep": (
        "x = []\nfor _ in range(10**5): x = [x]\ndef double(y): return x",
        "it cannot be graded",
    ),
    "fills the disk": (
        "import os\nwritten = 0\nfor place in ('/tmp', '/dev/shm', '/dev'):\n"
        "  for n in range(100):\n"
        "    try:\n      with open(f'{place}/{n}', 'wb') as f:\n"
        "        for _ in range(100): written += f.write(bytes(10**6))\n"
        "    except OSError: pass\ndef double(x): return 2 * x if written > 10**9 else 'full'",
        "where numbers were expected",
    ),
    "opens many files": ("x = [open('/dev/null') for _ in range(10**5)]", "Too many open files"),
    "says odd things": (
        "class Odd(Exception):\n"
        "    __str__ = lambda s: '<script>alert(1)</script>\\ud800\\x00' * 9999\n"
        "def double(x): raise Odd",
        "raises Odd",
    ),
    "is too clever a class": (
        "class Clever:\n    def __getattr__(self, name): raise SystemExit\ndouble = Clever()",
        ("should be a function", "SystemExit", "cannot be"),
    ),
    "reads in many ways": (SEARCH.format(ways=READS), "nothing found"),
}

# Each does as one above does, in another way.
MORE_ATTACKS = {
    "memory bomb by many": (
        "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n"
        "        x = bytearray(300 << 20)\n        time.sleep(60)\ntime.sleep(60)",
        "memory",
    ),
    "ignores signals": (
        "import signal, time\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\nsignal.pthread_sigmask(0, range(1, 65))\n"
        "while True: time.sleep(1)",
        "no answer after",
    ),
    "endless call": ("def double(x):\n    while True: pass", "no answer after"),
    "hangs outside of Python": (
        "import ctypes\ndef double(x):\n    while True: ctypes.CDLL(None).sleep(99)",
        "no answer after",
    ),
    "computes outside of Python": ("def double(x): sum(range(10**15))", "no answer after"),
    "swallows everything in its cell": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        ("no answer after", "TimeUp"),
    ),
    "stops itself": ("import os\nos.kill(os.getpid(), 19)", "no answer after"),
    "memory bomb": ("x = []\nwhile True: x.append(np.ones(10_000_000))", ("MemoryError", "memory")),
    "os._exit": ("import os\nos._exit(0)", "exit code 0"),
    "kills a later cell": (
        "import os, threading\nthreading.Timer(0, os._exit, [5]).start()\ndef double(x): return 5",
        ("exit code 5", "another value"),
    ),
    "blocks signals in the call": (
        "import signal\ndef double(x):\n    signal.pthread_sigmask(0, range(1, 65))\n"
        "    while True: pass",
        "no answer after",
    ),
    "sys.exit": ("import sys\nsys.exit(0)", "SystemExit"),
    "kills later": (
        "import os, threading\nthreading.Timer(0.2, os._exit, [5]).start()\n"
        "import time\ndef double(x):\n    time.sleep(0.5)\n    return 2 * x",
        "exit code 5",
    ),
}


def graded_by_attack(attacks, assignment, folder):
    """Return the grades of a hostile class, by attack."""
    needs_sandbox()
    submissions = [
        grading.Submission(name, tiny_notebook.notebook(q1=GUARD + source))
        for name, (source, _) in attacks.items()
    ]
    with grading.processes(2) as pool:
        graded = grading.grade_class(
            assignment, submissions, folder / "grades.jsonl", pool, limits=LIMITS
        )
    return {entry["student"]: entry for entry in graded}


@pytest.fixture(scope="module")
def hostile(assignment, tmp_path_factory):
    return graded_by_attack(ATTACKS, assignment, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def more_hostile(assignment, tmp_path_factory):
    return graded_by_attack(MORE_ATTACKS, assignment, tmp_path_factory.mktemp("more_hostile"))


def is_contained(attack, graded, words):
    """No points for the attack, a line that says why, all points for the rest."""
    entries = by_name(graded)
    first = entries["q1"]
    said = " ".join([first["headline"], first["text"], *map(str, first["values"])])
    print(f"\n{attack}: {first['headline'][:90]}", end="")
    assert first["points"] == 0 and first["status"] == "wrong"
    assert any(word in said for word in ([words] if isinstance(words, str) else words)), said
    rest = {name: entries[name]["status"] for name in ("q2", "q3", "q4", "q5")}
    assert rest == {"q2": "right", "q3": "right", "q4": "noted", "q5": "right"}, graded
    assert not Path("/usr/dlbook_was_here").exists()


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_submissions(attack, hostile):
    is_contained(attack, hostile[attack], ATTACKS[attack][1])


@pytest.mark.exhaustive
@pytest.mark.parametrize("attack", MORE_ATTACKS)
def test_more_hostile_submissions(attack, more_hostile):
    is_contained(attack, more_hostile[attack], MORE_ATTACKS[attack][1])


@pytest.mark.parametrize(
    ("attack", "is_late"),
    [
        ("endless loop", True),
        ("swallows everything", True),
        ("fork bomb", False),
        ("sys.exit in the call", False),
    ],
)
def test_what_took_too_long_was_tried_again_alone(attack, is_late, hostile, tmp_path):
    """The report says so, to the student and to the lecturer."""
    graded = hostile[attack]
    report.write_feedback([graded], tmp_path)
    report.write_table([graded], tmp_path / "class.csv")
    feedback = (tmp_path / attack / "tiny.md").read_text()
    assert ("tried again with nothing else running" in by_name(graded)["q1"]["text"]) == is_late
    assert ("tried again with nothing else running" in feedback) == is_late
    assert ("when tried again alone: q1." in (tmp_path / "class.csv").read_text()) == is_late


def test_what_is_hidden_would_be_found_without_the_sandbox():
    """The attacks that read are none that would fail anyway."""
    ways = {name: how.replace("files('/')", f"files({str(ROOT)!r})") for name, how in READS.items()}
    source = f"{tiny_notebook.SETUP}\n{SEARCH.format(ways=ways)}\nprint(double(3))"
    words = [sys.executable, "-c", source, "pytest"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert not [name for name in READS if name not in done.stdout], done.stdout


def test_feedback_on_odd_things_is_harmless(hostile, tmp_path):
    graded = hostile["says odd things"]
    assert "<script>" not in report.as_html(graded)
    assert all(
        line.startswith("    ")
        for line in report.as_markdown(graded).split("\n")
        if "<script" in line
    )
    report.write_feedback([graded], tmp_path)
    report.write_table([graded], tmp_path / "class.csv")
    assert (tmp_path / "says odd things" / "tiny.html").is_file()


# A class.


def test_right_half_right_empty_and_broken(assignment, tmp_path):
    needs_sandbox()
    folder = tmp_path / "submitted"
    half = {"q1": "def double(x):\n    return x + 2", "q3": tiny_notebook.STUBS["q3"]}
    changed = tiny_notebook.cells({"q1": "def double(x): return x"})
    for cell in changed:
        if cell["source"].startswith("ex."):
            cell["source"] = "assert True"
    removed = [c for c in tiny_notebook.cells({}) if "check" not in str(c["metadata"])]
    class_of = {
        "anna": tiny_notebook.notebook(),
        "ben": tiny_notebook.notebook(**half),
        "carla": tiny_notebook.notebook(**tiny_notebook.STUBS),
        "dan": b'{"cells": [',
        "eva": tiny_notebook.text(changed),
        "finn": tiny_notebook.text(removed[1:]),
    }
    for student, data in class_of.items():
        (folder / student / "tiny").mkdir(parents=True)
        (folder / student / "tiny" / "tiny.ipynb").write_bytes(data)
    (folder / "gustav" / "tiny").mkdir(parents=True)
    (folder / "gustav" / "tiny" / "tiny.ipynb").symlink_to(folder / "anna" / "tiny" / "tiny.ipynb")
    (folder / "hanna").symlink_to(folder / "anna")
    (folder / "ida" / "tiny").mkdir(parents=True)
    os.mkfifo(folder / "ida" / "tiny" / "tiny.ipynb")
    submissions = grading.find_submissions([folder], "tiny")
    results = tmp_path / "grades.jsonl"
    with ThreadPoolExecutor(2) as pool:
        graded = grading.grade_class(assignment, submissions, results, pool, limits=LIMITS)
    statuses = {one["student"]: [entry["status"] for entry in one["exercises"]] for one in graded}
    untried = ["untried"] * 5
    assert statuses == {
        "anna": ["right", "right", "right", "noted", "right"],
        "ben": ["wrong", "right", "untried", "noted", "right"],
        "carla": untried,
        "dan": ["wrong"] * 5,
        "eva": ["wrong", "right", "right", "noted", "right"],
        "finn": ["right", "right", "right", "noted", "right"],
        **dict.fromkeys(["gustav", "hanna", "ida"], ["wrong"] * 5),
    }
    points = {one["student"]: one["points"] for one in graded}
    assert points["anna"] == 5 and points["ben"] == 3 and points["dan"] == 0
    assert (
        by_name(graded[0])["q4"]["points"] is None and "twice" in by_name(graded[0])["q4"]["answer"]
    )
    assert any("no notebook" in remark for remark in graded[3]["remarks"])
    assert any("setup" in remark for remark in graded[5]["remarks"])
    report.write_table(graded, tmp_path / "class.csv")
    rows = (tmp_path / "class.csv").read_text().splitlines()
    assert rows[0] == "student,notebook,q1,q2,q3,q4,q5,points,max,remarks"
    assert rows[2] == "ben,tiny,0,2,0,,1,3,8,"
    # The same again: the same grades, and nothing is graded twice.
    before = results.read_bytes()
    again = grading.grade_class(assignment, submissions, results, NoExecutor(), limits=LIMITS)
    assert again == graded and results.read_bytes() == before
    other = [grade(s.data, assignment, LIMITS) for s in submissions[:2]]
    for new, old in zip(other, graded, strict=False):
        assert new == {key: old[key] for key in new}


class Attempts:
    """Stands in for the sandbox: everybody is late at first, and `hopeless` again, too."""

    def __init__(self, hopeless):
        self.hopeless, self.tries, self.running, self.lock = hopeless, {}, 0, threading.Lock()

    def __call__(self, submission, assignment, *_):
        with self.lock:
            self.running += 1
            number = self.tries[submission] = self.tries.get(submission, 0) + 1
        time.sleep(0.01)
        with self.lock:
            assert number == 1 or self.running == 1, "it is not alone"
            assert len(self.tries) == 4 or number == 1, "others are still waiting"
            self.running -= 1
        is_late = number == 1 or submission in self.hopeless
        outcome = Outcome({f"q{n}": Message("right", f"q{n}: right.") for n in range(1, 6)})
        if is_late:
            outcome.messages["q3"] = Message("wrong", "q3: no answer", text="A loop?")
            outcome.was_late("q3")
        return outcome


def test_what_is_late_beside_others_alone_costs_nothing(assignment, tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "attempt", Attempts(hopeless=[b"1"]))
    submissions = [grading.Submission(f"s{n}", b"%d" % n) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        graded = grading.grade_class(assignment, submissions, tmp_path / "grades", pool)
    assert [grade["points"] for grade in graded] == [8, 7, 8, 8]
    beside, again = graded[0]["remarks"], graded[1]["remarks"]
    assert beside == ["Took too long beside other work, but not when tried again alone: q3."]
    assert again == ["Took too long, also when tried again alone: q3."]
    text = by_name(graded[1])["q3"]["text"]
    assert text == "A loop? It was tried again with nothing else running, and took too long again."


SLOW = """
import sys, time
with open("/tmp/slow_module.py", "w") as file:
    file.write("import time\\nend = time.thread_time() + 0.8\\n")
    file.write("while time.thread_time() < end: pass")
sys.path.append("/tmp")
called = []
def double(x):
    import slow_module
    end = time.thread_time() + (0 if called else 0.2)
    called.append(x)
    while time.thread_time() < end: pass
    return 2 * x
"""


@pytest.mark.exhaustive
def test_a_busy_machine_gives_the_same_grades(assignment, tmp_path):
    """Beside eight other processes a slow answer is as right as without, and nobody is late."""
    needs_sandbox()
    limits = Limits(call=0.6)
    class_of = {"anna": SLOW, "ben": "def double(x): return x + 2"}
    submissions = [
        grading.Submission(student, tiny_notebook.notebook(q1=answer))
        for student, answer in class_of.items()
    ]
    with busy_processes(), ThreadPoolExecutor(2) as pool:
        graded = grading.grade_class(
            assignment, submissions, tmp_path / "grades", pool, limits=limits
        )
    assert [(grade["points"], grade["remarks"]) for grade in graded] == [(5, []), (4, [])]


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", INSTRUCTORS, ids=lambda path: path.stem)
def test_a_busy_machine_gives_all_points_to_the_solutions(path):
    needs_sandbox()
    assignment = read_assignment(grading.find_section(path.stem), path)
    with busy_processes():
        graded = grade(path.read_bytes(), assignment)
    assert {entry["status"] for entry in graded["exercises"]} <= {"right", "noted"}, graded
    assert not graded["remarks"]


class NoExecutor:
    """Refuses work."""

    def submit(self, *_):
        raise AssertionError("nothing is left to grade")


RESUMED = """
import sys, warnings
sys.path.insert(0, {tests!r})
from concurrent.futures import ThreadPoolExecutor
from dlbook.exercises import grading
from dlbook.exercises.grading.submission import read_assignment
if __name__ == "__main__":
    assignment = read_assignment("tiny_section", {notebook!r})
    submissions = grading.find_submissions([{folder!r}], "tiny")
    with ThreadPoolExecutor(1) as pool:
        grading.grade_class(assignment, submissions, {results!r}, pool)
"""


def test_a_run_that_was_killed_goes_on(assignment, tmp_path):
    """No grade is lost, none is there twice, and the sandbox goes with its grader."""
    needs_sandbox()
    notebook, folder, results = tmp_path / "t.ipynb", tmp_path / "submitted", tmp_path / "g.jsonl"
    notebook.write_bytes(tiny_notebook.notebook())
    for number in range(3):
        (folder / f"s{number}" / "tiny").mkdir(parents=True)
        answer = f"def double(x):\n    return x * {number}"
        (folder / f"s{number}" / "tiny" / "tiny.ipynb").write_bytes(
            tiny_notebook.notebook(q1=answer)
        )
    code = RESUMED.format(
        tests=str(Path(__file__).parent),
        notebook=str(notebook),
        folder=str(folder),
        results=str(results),
    )
    first = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + PATIENCE
    while not (results.is_file() and b"\n" in results.read_bytes()):
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = results.read_bytes().split(b"\n")[0]
    results.write_bytes(done + b'\n{"student": "s1", "key": "cut of')
    submissions = grading.find_submissions([folder], "tiny")
    assignment = read_assignment("tiny_section", notebook)
    with ThreadPoolExecutor(2) as pool:
        graded = grading.grade_class(assignment, submissions, results, pool)
    assert [grade["points"] for grade in graded] == [4, 4, 5]
    lines = results.read_bytes().split(b"\n")
    assert lines[0] == done and len(lines) == 5 and lines[-1] == b""
    changed = grading.Submission("s0", tiny_notebook.notebook())
    assert grading.key_of(changed, assignment) != graded[0]["key"]


def test_where_submissions_are_found(tmp_path):
    places = [
        "a/anna/tiny/tiny.ipynb",
        "a/ben/tiny.ipynb",
        "a/carla/week 1/tiny.ipynb",
        "dan.ipynb",
    ]
    places += ["b/eva/tiny/tiny.ipynb", "b/finn/tiny.ipynb"]
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"{}")
    (tmp_path / "a" / "gustav" / "tiny").mkdir(parents=True)
    (tmp_path / "a" / "another folder").mkdir()
    paths = [tmp_path / "a", *(tmp_path / place for place in places[3:])]
    found = {s.student: s.data for s in grading.find_submissions(paths, "tiny")}
    assert found == dict.fromkeys(["anna", "ben", "carla", "dan", "eva", "finn"], b"{}") | {
        "gustav": None
    }
    with pytest.raises(ValueError, match="two submissions of anna"):
        grading.find_submissions([tmp_path / "a", tmp_path / places[0]], "tiny")


def test_two_runs_do_not_write_one_file(tmp_path):
    pytest.importorskip("fcntl")
    results = grading.Results(tmp_path / "g")
    with (
        results.writer(),
        pytest.raises(RuntimeError, match="another run"),
        results.writer(),
    ):
        pass


def test_without_a_sandbox_it_refuses(assignment, tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "why_not", lambda: "bubblewrap is not installed")
    with pytest.raises(SandboxError, match=r"not installed.*--without-sandbox"):
        grading.grade_class(assignment, [], tmp_path / "g")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_without_a_sandbox_on_demand(assignment, tmp_path):
    submissions = [grading.Submission("anna", tiny_notebook.notebook())]
    with ThreadPoolExecutor(1) as pool, pytest.warns(UserWarning, match="WITHOUT a sandbox"):
        (graded,) = grading.grade_class(
            assignment, submissions, tmp_path / "g", pool, without_sandbox=True
        )
    assert graded["points"] == 5


def test_nothing_is_left_running():
    """A sandbox that is stopped takes all its processes along."""
    needs_sandbox()
    sandbox = Sandbox(LIMITS)
    deadline = time.monotonic() + PATIENCE
    sandbox.stream.send({"do": "begin"}, deadline)
    source = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000.25)"
    request = {"id": 1, "do": "run", "source": source, "name": "q1", "seconds": 2, "waiting": 9}
    sandbox.stream.send(request, deadline)
    assert sandbox.stream.receive(deadline)["id"] == 1
    below = descendants(sandbox.process.pid)
    assert len(below) >= 3
    sandbox.stop()
    deadline = time.monotonic() + PATIENCE
    while left := [pid for pid in below if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def descendants(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return children + [other for child in children for other in descendants(child)]


def test_what_the_sandbox_shows_holds_no_answers():
    """The files that a submission can see say nothing about any exercise."""
    for module in (session, wire):
        source = inspect.getsource(module)
        assert not [w for w in ("section_6", "exercise import", "comparison") if w in source]


def test_the_command(tmp_path, monkeypatch, capsys):
    needs_sandbox()
    folder = tmp_path / "submitted" / "anna" / "tiny"
    folder.mkdir(parents=True)
    (folder / "tiny.ipynb").write_bytes(tiny_notebook.notebook())
    (tmp_path / "source" / "tiny").mkdir(parents=True)
    (tmp_path / "source" / "tiny" / "tiny.ipynb").write_bytes(tiny_notebook.notebook())
    monkeypatch.chdir(tmp_path)
    words = ["tiny_section", "submitted", "--workers", "1", "--table", "t.csv", "--feedback", "f"]
    assert grading.main(words) == 0
    assert "1 graded" in capsys.readouterr().out
    assert Path("t.csv").read_text().splitlines()[1].startswith("anna,tiny,1,2,1,,1,5,8")
    assert "5 of 8 points" in Path("f/anna/tiny.md").read_text()
    grade = json.loads(Path("grades.jsonl").read_text())
    assert grade["student"] == "anna" and "seconds" not in grade
