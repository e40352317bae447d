"""Sections 6.5.1 and 6.5.5: running a graph on numbers.

:func:`compile` turns a graph into a straight line of Python, one line an operation, in an order in
which every input is ready; look at ``program.source`` to see it. :func:`evaluate` does so for a
single value.
"""

from __future__ import annotations

import gc
import threading
from builtins import compile as compile_python
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from dlbook.checks import as_array, check_values, needed_by, shape_text
from dlbook.codegen import Writer, read_by
from dlbook.graph import Variable
from dlbook.operations.base import shape_code
from dlbook.simplify import lower, needed
from dlbook.simplify import simplify as simplified


class Program:
    """A graph made ready to run with NumPy; made by :func:`compile`.

    Attributes
    ----------
    source : str
        The Python that runs: the buffers, which are made once for ``m`` examples, and the function
        that is called.
    inputs, outputs : list of Variable
    """

    def __init__(self, outputs: list[Variable], inputs: list[Variable], simplify: bool):
        self.inputs, self.outputs = inputs, outputs
        with _no_collection():
            if simplify:
                outputs = lower(simplified(outputs, inputs), inputs)
            writer = Writer(outputs, inputs, needed(outputs, inputs, read_by))
            self.source = writer.write()
            self._code = compile_python(self.source, "<program>", "exec")
        self._namespace = writer.namespace
        self._examples: Any = self  # for how many examples it is set up: none yet
        self._fits = lambda *values: False
        self._scalars = [i for i, V in enumerate(outputs) if V.ndim == 0 and V.dtype.kind == "f"]
        self._one_at_a_time = threading.Lock()  # the buffers are there once

    def __call__(self, *values: Any) -> list[np.ndarray]:
        """Compute the outputs.

        Parameters
        ----------
        *values : array or number
            One for each input, in order, of its shape and dtype.

        Returns
        -------
        list of array
            One for each output, a NumPy number where it is a scalar; they belong to the caller.

        Raises
        ------
        TypeError
            If the number of values is wrong, or a dtype.
        ValueError
            If a shape is wrong, a value is empty, the inputs disagree on the number of examples,
            or a scalar result is NaN because of NaN in an input.
        """
        if len(values) != len(self.inputs):
            names = ", ".join(V.name for V in self.inputs)
            raise TypeError(
                f"program: {len(values)} values for {len(self.inputs)} inputs ({names})"
            )
        with self._one_at_a_time:
            if not self._fits(*values):
                values = self._prepare(values)
            results = self._run(*values)
        for place in self._scalars:
            if results[place] != results[place]:  # only NaN differs from itself
                self._report_nan(values)
        return results

    def _report_nan(self, values: Iterable[np.ndarray]) -> None:
        """Raise a ValueError if it is the inputs that the NaN comes from."""
        for V, value in zip(self.inputs, values, strict=True):
            check_values("program", f"'{V.name}'", value)

    def _prepare(self, values: tuple) -> list[np.ndarray]:
        """Check the values; set up the buffers anew if the number of examples has changed."""
        arrays = [check_input(V, value) for V, value in zip(self.inputs, values, strict=True)]
        examples = count_examples(self.inputs, arrays)
        if examples != self._examples:
            namespace = {**self._namespace, "m": examples}
            exec(self._code, namespace)
            self._run = namespace["program"]
            self._fits = _write_check(self.inputs, examples)
            self._examples = examples
        return arrays


@contextmanager
def _no_collection() -> Iterator[None]:
    """Do not look for garbage: all of a large graph is needed, and looking costs a quarter more."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _write_check(inputs: list[Variable], examples: int | None):
    """Write the function that tells whether values can be taken as they are, all in one look."""
    names = [f"x{i}" for i in range(len(inputs))]
    checks = []
    for name, V in zip(names, inputs, strict=True):
        kinds = f"({name}.__class__ is ndarray or {name}.__class__ is {V.dtype}.type)"
        checks.append(kinds if V.ndim == 0 else f"{name}.__class__ is ndarray")
        checks.append(f"{name}.dtype is {V.dtype} and {name}.shape == {shape_code(V.shape)}")
    code = f"lambda {', '.join(names)}: {' and '.join(checks) or 'True'}"
    dtypes = {str(V.dtype): V.dtype for V in inputs}
    return eval(code, {"ndarray": np.ndarray, "m": examples, **dtypes})


def compile(  # the book's house
    outputs: Iterable[Variable],
    inputs: Iterable[Variable],
    simplify: bool = True,
    backend: Literal["numpy", "torch"] = "numpy",
) -> Program:
    """Make a program that computes ``outputs`` from values for ``inputs``.

    Parameters
    ----------
    outputs : list of Variable
    inputs : list of Variable
        At least the inputs that the outputs depend on. A variable in the middle of the graph may
        be an input, too: what it is computed from is then not needed.
    simplify : bool
        Whether to simplify the graph first (Section 6.5.9). Without it there is one line for
        each operation of the graph.
    backend : "numpy" or "torch"
        What to run on. A program for PyTorch takes tensors, all on one device, and returns
        tensors on it.

    Raises
    ------
    TypeError
        If something else than variables is given.
    ValueError
        If an input is given twice, or one that the outputs depend on is missing, or there is no
        such backend.
    """
    outputs, inputs = _variables("outputs", outputs), _variables("inputs", inputs)
    twice = {V.name for V, times in Counter(inputs).items() if times > 1}
    if twice:
        raise ValueError(f"compile: given twice among the inputs: {', '.join(sorted(twice))}")
    _check_given(outputs, inputs)
    if backend == "numpy":
        return Program(outputs, inputs, simplify)
    if backend == "torch":
        with needed_by("compile with the backend 'torch'", "torch"):
            from dlbook.torch_program import TorchProgram  # PyTorch is loaded only if it is used

        return TorchProgram(outputs, inputs, simplify)
    raise ValueError(f"compile: the backend must be 'numpy' or 'torch', got {backend!r}")


def evaluate(output: Variable, values: Mapping[Variable, Any], simplify: bool = True) -> np.ndarray:
    """Compute one variable from values for the inputs it depends on.

    Parameters
    ----------
    output : Variable
    values : dict of Variable to array or number
    simplify : bool
        Whether to simplify the graph first (Section 6.5.9).

    Raises
    ------
    TypeError, ValueError
        As :func:`compile` and the program it makes; also if a value contains NaN.
    """
    program = compile([output], list(values), simplify)
    arrays = [check_input(V, value) for V, value in values.items()]
    for V, array in zip(values, arrays, strict=True):
        check_values("evaluate", f"'{V.name}'", array)
    return program(*arrays)[0]


def _variables(role: str, variables: Iterable[Variable]) -> list[Variable]:
    variables = [variables] if isinstance(variables, Variable) else list(variables)
    for V in variables:
        if not isinstance(V, Variable):
            raise TypeError(f"compile: the {role} must be variables, got {V!r}")
    return variables


def _check_given(outputs: list[Variable], inputs: list[Variable]) -> None:
    """Raise a ValueError if a value is missing."""
    missing = sorted(V.name for V in needed(outputs, inputs) if V.operation is None)
    if missing:
        named_alike = sorted({V.name for V in inputs} & set(missing))
        hint = f" (another variable named '{named_alike[0]}' is given)" if named_alike else ""
        raise ValueError(
            f"compile: no value is given for {', '.join(missing)}, on which "
            f"{', '.join(V.name for V in outputs)} depends{hint}"
        )


def check_input(V: Variable, value: Any) -> np.ndarray:
    """Return the value as an array of the shape and dtype of ``V``.

    Plain numbers of Python, also in lists, take the dtype; what has one of its own must have it.

    Raises
    ------
    TypeError, ValueError
        If it has another dtype or shape, is empty, ragged or too large.
    """
    where = f"evaluate: {_wanted(V)}"
    if type(value) is np.ndarray or isinstance(value, np.generic):
        array = np.asarray(value)
    else:
        array = as_array(where, value, V.dtype if _plain(value, V.dtype) else None)
    if array.dtype.newbyteorder("=") != V.dtype:
        raise TypeError(
            f"evaluate: {_wanted(V)}, but the value is {array.dtype} of shape {array.shape}; "
            f"convert it, for example by .astype('{V.dtype}')"
        )
    check_input_shape(V, array.shape)
    return array.astype(V.dtype, copy=False)  # in the byte order of this machine


def _plain(value: Any, dtype: np.dtype) -> bool:
    """Return whether these are numbers of Python, or lists of them, that can have the dtype."""
    if isinstance(value, list | tuple):
        return all(_plain(entry, dtype) for entry in value)
    kinds = {"f": (int, float), "i": (int,), "u": (int,)}
    return type(value) in kinds.get(dtype.kind, ())


def check_input_shape(V: Variable, shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless an array of this shape can be the value of ``V``."""
    sizes = zip(V.shape, shape, strict=False)
    if len(shape) != V.ndim or any(size not in (None, found) for size, found in sizes):
        raise ValueError(f"evaluate: {_wanted(V)}, but the value has the shape {shape}")
    if 0 in shape:
        raise ValueError(
            f"evaluate: '{V.name}' is empty (shape {shape}): no examples to compute with"
        )


def _wanted(V: Variable) -> str:
    return f"'{V.name}' is {V.dtype} of shape {shape_text(V.shape)}"


def count_examples(inputs: list[Variable], arrays: list) -> int | None:
    """Return what ``None`` stands for, if it stands anywhere.

    Raises a ValueError unless it is one and the same number everywhere.
    """
    counts = {}
    for V, array in zip(inputs, arrays, strict=True):
        for size, given in zip(V.shape, array.shape, strict=True):
            if size is None:
                counts.setdefault(given, f"'{V.name}' {tuple(array.shape)}")
    if len(counts) > 1:
        raise ValueError(
            "evaluate: the inputs disagree on the number of examples: " + ", ".join(counts.values())
        )
    return next(iter(counts), None)
