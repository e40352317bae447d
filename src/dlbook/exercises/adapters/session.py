"""Runs the cells of one submission and answers what the grader asks about its names.

This is what runs inside of the sandbox, beside code that nobody trusts: it knows no answers, and
what it says is taken for what the submission says. One process waits here without ever running a
student's code; each run of a notebook is a fork of it, which comes without the time to import.
"""

import ast
import builtins
import contextlib
import functools
import hashlib
import importlib
import io
import json
import linecache
import os
import sys
import traceback
import types

from dlbook.exercises.adapters import calling
from dlbook.exercises.adapters.clock import TimeUp, time_limit
from dlbook.exercises.adapters.wire import Closed, Malformed, Stream, pack

OUTPUT = 20_000  # characters of what a cell prints
TEXT = 500  # characters of an error's message
DROPPED = ("%%time", "%%timeit", "%%capture", "%%prun")


def fingerprint(function):
    """Return what tells a function's code from another's: the same in any process, or ''."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, types.CodeType):
        return ""
    steps = repr(_ordered(calling._behaviour(code)))
    return hashlib.sha256(steps.encode("utf-8", "replace")).hexdigest()


def _ordered(value):
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def without_magics(source):
    """Return a cell as plain Python: what only IPython understands is left out.

    Lines that call the shell or a magic do nothing; a cell in another language is empty.
    """
    with contextlib.suppress(SyntaxError, ValueError):
        ast.parse(source)
        return source
    lines = source.lstrip().split("\n")
    if lines[0].startswith("%%"):
        if not lines[0].startswith(DROPPED):
            return ""
        lines = lines[1:]
    for number, line in enumerate(lines):
        code = line.strip()
        if code.startswith(("%", "!", "?")) or (code.endswith("?") and "#" not in code):
            lines[number] = line[: len(line) - len(line.lstrip())] + "pass"
    return "\n".join(lines)


class Capped(io.TextIOBase):
    """Keeps the beginning of what is printed, and drops the rest."""

    def __init__(self):
        self.parts, self.room = [], OUTPUT

    def writable(self):
        return True

    def write(self, text):
        if self.room > 0:
            self.parts.append(str(text)[: self.room])
            self.room -= len(self.parts[-1])
        return len(text)

    def text(self):
        return "".join(self.parts) + ("\n[...]" if self.room <= 0 else "")


class Notebook:
    """The names of a running submission, and what can be asked about them."""

    def __init__(self):
        module = types.ModuleType("__main__")
        self.names = module.__dict__
        self.names.update(__builtins__=builtins, display=print)
        sys.modules["__main__"] = module

    def run(self, source, name, seconds, waiting):
        """Run a cell. Its error, if it raises one, is part of the answer."""
        printed, reply = Capped(), calling.Reply()
        limit = time_limit(seconds, waiting)
        try:
            with (
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
                limit,
            ):
                self._execute(without_magics(source), f"<{name}>")
        except TimeUp:
            reply = calling.Reply(error="TimeUp", text=f"stopped {limit}", timed_out=limit.over)
        except BaseException as error:
            lines = traceback.format_exception(error.with_traceback(_own(error)), limit=-8)
            trace = "".join(lines)[-4000:]
            reply = calling.Reply(value=trace, error=type(error).__name__, text=_text(error))
        return {**_answer(reply), "printed": printed.text()}

    def _execute(self, source, filename):
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        tree = ast.parse(source, filename)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, filename, "exec"), self.names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), filename, "eval"), self.names)
            if value is not None:
                print(repr(value))

    def ask(self, name, given):
        """Say of a name whether it is there, untouched and callable."""
        if name not in self.names:
            return {"defined": False, "untouched": True, "callable": False}
        answer = self.names[name]
        untouched = calling.is_untouched(answer) or (bool(given) and fingerprint(answer) == given)
        return {"defined": True, "untouched": bool(untouched), "callable": callable(answer)}

    def value(self, name, adapter, **limits):
        """Return a name's value, made plain by the exercise's adapter."""
        if not adapter:
            return _answer(calling.Reply(value=self.names[name]))
        return _answer(calling.call(_found(adapter), (self.names[name],), **limits))

    def call(self, name, adapter, arguments, **limits):
        """Call a name with arguments, through the exercise's adapter."""
        function = self.names[name]
        if adapter:
            function = functools.partial(_found(adapter), function)
        return _answer(calling.call(function, arguments, **limits))


def _own(error):
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _text(error):
    try:
        return str(error)[:TEXT]
    except Exception:
        return ""


def _answer(reply):
    return {
        "value": reply.value,
        "error": reply.error[:TEXT],
        "text": reply.text[:TEXT],
        "line": reply.line[:TEXT],
        "changed": reply.changed,
        "timed_out": reply.timed_out,
        "seconds": reply.seconds,
    }


def _found(adapter):
    """Return the adapter called ``module:name``, from the package of adapters alone."""
    module, _, name = adapter.partition(":")
    if module.split(".")[:3] != ["dlbook", "exercises", "adapters"]:
        raise ValueError(adapter)
    return getattr(importlib.import_module(module), name)


def serve(stream):
    """Answer requests until the grader says that it is enough."""
    notebook = Notebook()
    while True:
        request = stream.receive()
        number, what = request.pop("id"), request.pop("do")
        if what == "end":
            return
        try:
            answer = getattr(notebook, what)(**request)
        except BaseException as error:
            answer = _answer(calling.Reply(error=type(error).__name__, text=_text(error)))
        try:
            frame = pack({"id": number, **answer})
        except BaseException as error:
            reply = calling.Reply(error="ValueError", text=f"it cannot be graded: {_text(error)}")
            frame = pack({"id": number, **_answer(reply)})
        stream.send_frame(frame)


def _limit(limits, alone):
    import resource

    for name, most in limits.items():
        # Without a sandbox this may be another system, which need not know each of them.
        with contextlib.nullcontext() if alone else contextlib.suppress(Exception):
            what = getattr(resource, f"RLIMIT_{name}")
            _, hard = resource.getrlimit(what)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (most, most))


def _become(user):
    """Give up root for a user that nothing belongs to: only such a one can be kept from forking."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _run_once(stream, limits, alone):
    def let_go():  # what a submission forks has no business on the channel
        os.close(stream.incoming)
        os.close(stream.outgoing)

    os.register_at_fork(after_in_child=let_go)
    _limit(limits, alone)
    with contextlib.suppress(Closed, Malformed, OSError):
        serve(stream)
    os._exit(0)


def _others():
    """Return whether a process is left over in the sandbox besides its first and this one."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit()) != [1, os.getpid()]


def main():
    """Wait for the grader, and fork for each run of a notebook that it asks for."""
    settings = json.loads(sys.argv[1])
    if settings["user"]:
        _become(settings["user"])
    stream = Stream(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    importlib.import_module("dlbook")
    os.dup2(nothing, 2)
    stream.send({"ready": True})
    with contextlib.suppress(Closed, Malformed):
        while stream.receive().get("do") == "begin":
            child = os.fork()
            if child == 0:
                _run_once(stream, settings["limits"], settings["alone"])
            _, status = os.waitpid(child, 0)
            if settings["alone"] and _others():
                return  # it left something running: the next run gets a sandbox of its own
            stream.send({"ended": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
