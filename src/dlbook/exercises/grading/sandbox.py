"""Where a submission runs: a sandbox made by bubblewrap, with limits on all it can use.

It sees the system's libraries, this Python and its packages, and the `dlbook` package with only as
much of the exercises as a session needs: no solutions, no other submissions, no home folder, no
network, no process but its own. See ``exercises/class.md`` for what that holds off and what not.
"""

import contextlib
import functools
import itertools
import json
import os
import shutil
import site
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import dlbook
from dlbook.exercises.adapters.clock import SECONDS, WAITING
from dlbook.exercises.adapters.wire import Closed, Late, Malformed, Stream

EXERCISES = Path(__file__).resolve().parents[1]
SECTIONS = sorted((EXERCISES / "sections").glob("section_*.py"))
OUTSIDE = EXERCISES / "grading" / "outside.py"
ETC = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime", "/etc/ssl/certs")
OWN = 4  # processes of a sandbox: two of bubblewrap, the one that waits, the one that runs
STARTS_WITHIN = 300  # seconds; a machine may be busy
LOOK = 0.1  # seconds from one look at a sandbox to the next


class SandboxError(RuntimeError):
    """The sandbox cannot be set up. That is nobody's answer, and no grade comes of it."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds and bytes.

    A process's own time is what it computes and what it sleeps, but not how long it waits for a
    processor: that is the fault of others.
    """

    call: float = SECONDS  # of computing, for one call of an answer: it is told to stop then
    cell: float = 20  # of computing, for one cell: it is told to stop then
    waiting: float = WAITING  # beside that, for either: it is told to stop then
    spare: float = 30  # of its own time beyond that: its process is ended then
    submission: float = 600  # of its own time, in all
    cpu: int = 300  # of computing, for one process
    space: int = 3 << 30  # addresses of one process
    memory: int = 2 << 30  # what all processes together really hold
    processes: int = 8  # besides its own
    tasks: int = 32  # processes and threads: what the kernel refuses to go beyond
    files: int = 128
    file: int = 32 << 20
    temporary: int = 64 << 20  # /tmp
    shared: int = 16 << 20  # /dev/shm

    def own_time(self, seconds):
        """Return after how much of its own time a process is ended that should have stopped."""
        return seconds + self.waiting + self.spare

    def of_resource(self):
        """Return what the session sets by `resource` before it runs any cell."""
        return {
            "CORE": 0,
            "CPU": self.cpu,
            "AS": self.space,
            "FSIZE": self.file,
            "NOFILE": self.files,
            "NPROC": self.tasks,
        }


@functools.cache
def bubblewrap():
    """Return the path of bubblewrap, or None."""
    return shutil.which("bwrap")


def _is_root():
    """Whether this is the real root, which may set up a sandbox without a user namespace."""
    if os.geteuid() != 0:
        return False
    with contextlib.suppress(OSError, ValueError):
        first, outside, count = map(int, Path("/proc/self/uid_map").read_text().split()[:3])
        return first == outside == 0 and count > 1 << 31
    return False


_counter = itertools.count()


def _unique_user():
    """Return a user that nobody else is, another for each sandbox that runs at the same time.

    The limit on processes does not bind root, and it counts all processes of a user: so each
    sandbox gets its own. In a user namespace, without root, the kernel counts for the namespace.
    """
    return 1_500_000_000 + os.getpid() % (1 << 22) * 100 + next(_counter) % 100


def _folders():
    """List what Python needs to run and to find its packages."""
    places = []
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        for whole in {prefix, os.path.realpath(prefix)}:
            places += [f"{whole}/{part}" for part in ("lib", "lib64", "bin", "pyvenv.cfg")]
    places += _more_paths()
    return [place for place in dict.fromkeys(places) if os.path.exists(place)]


def _more_paths():
    """List folders of packages that a bare Python would not find by itself in the sandbox."""
    user = site.getusersitepackages()
    return [user] if user in sys.path else []


def _packages():
    """List every folder in sight that holds a `dlbook`, this one first."""
    found = [EXERCISES.parent, Path(dlbook.__file__).parent]
    found += [Path(path, "dlbook") for path in sys.path if path.endswith("-packages")]
    return [folder for folder in dict.fromkeys(found) if (folder / "exercises").is_dir()]


def _bind(source, target=None):
    return ["--ro-bind", str(source), str(target or source)]


def _parents(path):
    """Make the folders above a path so that the user inside can pass through them."""
    above = [folder for folder in Path(path).parents if str(folder) not in ("/", "/usr")]
    return [
        word for folder in reversed(above) for word in ("--perms", "0755", "--dir", str(folder))
    ]


@functools.cache
def _system():
    words = _bind("/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += _bind(path)
    for place in filter(os.path.exists, ETC):
        words += _parents(place) + _bind(place)
    return words


@functools.cache
def _python():
    words = []
    for place in _folders():
        if not place.startswith("/usr/"):
            words += _parents(place) + _bind(place)
    for package in _packages():
        if not str(package).startswith("/usr/"):
            words += _parents(package) + _bind(package)
    for package in _packages():
        words += _exercises(package / "exercises")
    for fonts in Path("~/.cache/matplotlib").expanduser().glob("fontlist-*.json"):
        place = f"/tmp/.matplotlib/{fonts.name}"  # to list the system's fonts takes seconds
        words += ["--perms", "1777", "--dir", "/tmp/.matplotlib", *_bind(fonts, place)]
    return words


def _exercises(folder):
    """Replace the exercises by what a submission may see: what runs beside it, and no more."""
    words = ["--tmpfs", str(folder), *_bind(OUTSIDE, folder / "__init__.py")]
    words += _bind(EXERCISES / "adapters", folder / "adapters")
    words += ["--perms", "0755", "--dir", str(folder / "sections")]
    for name in ("__init__.py", *(section.name for section in SECTIONS)):
        words += _bind(OUTSIDE, folder / "sections" / name)
    return [*words, "--remount-ro", str(folder)]


def command(limits, inside):
    """Return the words that run `inside` in a sandbox, and the user it should become (or None)."""
    if _is_root():
        # The session changes its user first thing, which takes these two capabilities with it.
        kinds = ["ipc", "pid", "net", "uts", "cgroup-try"]
        words = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        user = _unique_user()
    else:
        kinds = ["user", "ipc", "pid", "net", "uts", "cgroup-try"]
        words, user = ["--disable-userns", "--cap-drop", "ALL"], None
    words += [f"--unshare-{kind}" for kind in kinds]
    words += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    for name, value in environment().items():
        words += ["--setenv", name, value]
    words += [*_system(), "--proc", "/proc", "--dev", "/dev"]
    shared = ["--perms", "1777", "--size", str(limits.shared), "--tmpfs", "/dev/shm"]
    temporary = ["--perms", "1777", "--size", str(limits.temporary), "--tmpfs", "/tmp"]
    words += [*shared, "--remount-ro", "/dev", *temporary, *_python()]
    words += ["--remount-ro", "/", "--chdir", "/tmp", "--", *inside]
    return [bubblewrap(), *words], user


def environment():
    """Return the environment of a session: nothing of the grader's, the same each time."""
    paths = [str(EXERCISES.parents[1]), *_more_paths()]
    threads = ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",  # the same code gets the same answer
        "PYTHONDONTWRITEBYTECODE": "1",
        "DLBOOK_PROGRESS": "/tmp/progress.json",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": "/tmp/.matplotlib",
        **{f"{name}_NUM_THREADS": "1" for name in threads},
    }


def _session(user, limits, alone):
    settings = {"user": user, "limits": limits.of_resource(), "alone": alone}
    return [sys.executable, "-P", "-m", "dlbook.exercises.adapters.session", json.dumps(settings)]


def why_not():
    """Return why there is no sandbox on this machine, or an empty text."""
    if not sys.platform.startswith("linux"):
        return "the sandbox needs Linux"
    if bubblewrap() is None:
        return "bubblewrap is not installed (Debian and Ubuntu: apt install bubblewrap)"
    return _why_it_does_not_start()


@functools.cache
def _why_it_does_not_start():
    words, _ = command(Limits(), ["/usr/bin/true"])
    try:
        tried = subprocess.run(words, capture_output=True, text=True, timeout=STARTS_WITHIN)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start: {error}"
    return f"bubblewrap does not start: {tried.stderr.strip()[:500]}" if tried.returncode else ""


class Sandbox:
    """A process that runs sessions, and what watches over it.

    Parameters
    ----------
    limits : Limits
    without_sandbox : bool
        Run the session as a plain process with limits on what it uses: it can read and write all
        that the grader can.

    Raises
    ------
    SandboxError
        If it does not start.
    """

    def __init__(self, limits, without_sandbox=False):
        self.limits, self.why, self.is_late = limits, "", False
        self.spent, self._allowed = 0.0, None  # of its own time; how much it may, and until when
        variables = {}
        if without_sandbox:
            words, variables = _session(None, limits, alone=False), environment()
        elif sys.platform.startswith("linux") and bubblewrap():
            words, user = command(limits, [])
            words += _session(user, limits, alone=True)
        else:
            raise SandboxError(why_not())
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(words, env=variables, start_new_session=True, **pipes)
        self.stream = Stream(self.process.stdout.fileno(), self.process.stdin.fileno())
        self._errors, self._over = [], threading.Event()
        self._watch = threading.Thread(target=self._look_after, daemon=True)
        self._watch.start()
        try:
            self.stream.receive(time.monotonic() + STARTS_WITHIN)
        except (Closed, Late, Malformed) as error:
            self.stop()
            said = b"".join(self._errors).decode("utf-8", "replace").strip()[-500:]
            reason = said or type(error).__name__
            raise SandboxError(f"no session could be started: {reason}") from None

    def allow(self, seconds):
        """Give what runs so much of its own time, or None while nothing should run."""
        self._allowed = None if seconds is None else (seconds, self.spent + seconds)

    def _look_after(self):
        """Stop everything that takes too much of the machine, from its neighbours, too.

        Keep a little of what it complains of.
        """
        errors, room = self.process.stderr.fileno(), 4000
        os.set_blocking(errors, False)
        looked, computed = time.monotonic(), 0.0
        while not self._over.wait(LOOK):
            with contextlib.suppress(OSError):
                while part := os.read(errors, 1 << 16):
                    self._errors.append(part[:room])
                    room -= len(self._errors[-1])
            use, now = used(self.process.pid), time.monotonic()
            self._count(max(use.computed - computed, 0.0), now - looked, use.is_asleep)
            looked, computed = now, use.computed
            self.why = self.why or self._too_much(use)
            if self.why:
                self._kill()
                return

    def _count(self, computed, passed, is_asleep):
        """Count its own time since the last look, which may have come late itself."""
        if self._allowed is not None and is_asleep and not self.stream.has_something():
            computed = max(computed, min(passed, 2 * LOOK))
        self.spent += computed

    def _too_much(self, use):
        limits, allowed = self.limits, self._allowed
        if use.processes - OWN > limits.processes:
            return f"it started more than {limits.processes} processes"
        if use.memory > limits.memory:
            return f"it used more than {limits.memory / (1 << 30):g} GiB of memory"
        self.is_late = allowed is not None and self.spent > allowed[1]
        return f"there was no answer after {allowed[0]:g} seconds" if self.is_late else ""

    def _kill(self):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, 9)  # bubblewrap takes all that is inside along

    def stop(self):
        """End the sandbox and everything in it."""
        self._kill()
        self.process.wait()
        self._over.set()
        self._watch.join()
        if not self._errors:
            with contextlib.suppress(OSError):
                self._errors.append(os.read(self.process.stderr.fileno(), 4000))
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()


@dataclass
class Use:
    """What a process and all below it use."""

    memory: int = 0  # bytes that they hold by themselves
    processes: int = 0
    computed: float = 0.0  # seconds, those of processes that have ended included
    is_asleep: bool = True  # none of them runs, or waits for its turn


def used(pid):
    """Return the `Use` of a process and all below it, as far as the system tells."""
    use, waiting = Use(), [str(pid)]
    while waiting:
        place = Path("/proc", waiting.pop())
        use.processes += 1
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in Path(place, "status").read_text().split("\n"):
                if line.startswith(("RssAnon:", "RssShmem:")):
                    use.memory += int(line.split()[1]) << 10
            use.computed += sum(map(int, _stat(place)[11:15])) / os.sysconf("SC_CLK_TCK")
            for task in Path(place, "task").iterdir():
                use.is_asleep = use.is_asleep and _stat(task)[0] != "R"
                waiting += Path(task, "children").read_text().split()
    return use


def _stat(place):
    """Return the fields after a process's name, which may hold anything."""
    return Path(place, "stat").read_text().rpartition(")")[2].split()
