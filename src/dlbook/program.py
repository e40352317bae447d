"""Sections 6.5.1 and 6.5.5: running a graph on numbers.

:func:`compile` turns a graph into a straight line of Python, one line an operation, in an order in
which every input is ready; look at ``program.source`` to see it. :func:`evaluate` does so for a
single value.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dlbook.checks import as_array, check_values, shape_text
from dlbook.graph import Variable
from dlbook.operations.base import Constant


class Program:
    """A graph made ready to run; made by :func:`compile`.

    Attributes
    ----------
    source : str
        The Python that runs when the program is called.
    inputs, outputs : list of Variable
    """

    def __init__(self, outputs: list[Variable], inputs: list[Variable]):
        self.inputs, self.outputs = inputs, outputs
        self.source, namespace = _write(outputs, inputs)
        exec(self.source, namespace)
        self._run = namespace["program"]

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
            If a shape is wrong, a value is empty or contains NaN, or the inputs disagree on the
            number of examples.
        """
        if len(values) != len(self.inputs):
            names = ", ".join(V.name for V in self.inputs)
            raise TypeError(
                f"program: {len(values)} values for {len(self.inputs)} inputs ({names})"
            )
        arrays = [check_input(V, value) for V, value in zip(self.inputs, values, strict=True)]
        _check_examples(self.inputs, arrays)
        return self._run(*arrays)


def compile(outputs: Iterable[Variable], inputs: Iterable[Variable]) -> Program:  # the book's house
    """Make a program that computes ``outputs`` from values for ``inputs``.

    Parameters
    ----------
    outputs : list of Variable
    inputs : list of Variable
        At least the inputs that the outputs depend on. A variable in the middle of the graph may
        be an input, too: what it is computed from is then not needed.

    Raises
    ------
    TypeError
        If something else than variables is given.
    ValueError
        If an input is given twice, or one that the outputs depend on is missing.
    """
    outputs, inputs = _variables("outputs", outputs), _variables("inputs", inputs)
    twice = {V.name for V, times in Counter(inputs).items() if times > 1}
    if twice:
        raise ValueError(f"compile: given twice among the inputs: {', '.join(sorted(twice))}")
    return Program(outputs, inputs)


def evaluate(output: Variable, values: Mapping[Variable, Any]) -> np.ndarray:
    """Compute one variable from values for the inputs it depends on.

    Parameters
    ----------
    output : Variable
    values : dict of Variable to array or number

    Raises
    ------
    TypeError, ValueError
        As :func:`compile` and the program it makes.
    """
    return compile([output], list(values))(*values.values())[0]


def _variables(role: str, variables: Iterable[Variable]) -> list[Variable]:
    variables = [variables] if isinstance(variables, Variable) else list(variables)
    for V in variables:
        if not isinstance(V, Variable):
            raise TypeError(f"compile: the {role} must be variables, got {V!r}")
    return variables


def _needed(outputs: list[Variable], inputs: list[Variable]) -> list[Variable]:
    """Return what must be computed, in order; stop at the inputs that will be given."""
    given, found, open_ends = set(inputs), set(), list(outputs)
    while open_ends:
        V = open_ends.pop()
        if V in found or V in given:
            continue
        found.add(V)
        open_ends.extend(V.inputs)
    missing = sorted(V.name for V in found if V.operation is None)
    if missing:
        named_alike = sorted({V.name for V in given} & set(missing))
        hint = f" (another variable named '{named_alike[0]}' is given)" if named_alike else ""
        raise ValueError(
            f"compile: no value is given for {', '.join(missing)}, on which "
            f"{', '.join(V.name for V in outputs)} depends{hint}"
        )
    return sorted(found, key=lambda V: V.number)


class _Names:
    """Hands out Python names, each once and as close to what is wished for as can be."""

    def __init__(self, *taken: str):
        self.taken, self.last = set(taken), {}

    def new(self, wish: str, numbered: bool = False) -> str:
        # Python reads letters that look alike as one (NFKC), so they must not stay different here.
        wish = unicodedata.normalize("NFKC", wish)
        stem = "".join(c if f"_{c}".isidentifier() else "_" for c in wish).strip("_") or "v"
        if not stem.isidentifier() or keyword.iskeyword(stem):
            stem = f"v_{stem}"
        name = stem
        while numbered or name in self.taken:
            self.last[stem] = self.last.get(stem, 0) + 1
            name, numbered = f"{stem}_{self.last[stem]}", False
        self.taken.add(name)
        return name


def _write(outputs: list[Variable], inputs: list[Variable]) -> tuple[str, dict[str, Any]]:
    """Write the program; return it with the functions and constants that it uses."""
    names, new = {}, _Names("program")
    for V in inputs:
        names[V] = new.new(V.name)
    functions, namespace = {}, {}
    lines = [f"def program({', '.join(names.values())}):"]
    for V in _needed(outputs, inputs):
        op = V.operation
        if isinstance(op, Constant):
            names[V] = new.new(V.name if V.name == "constant" else f"constant_{V.name}")
            namespace[names[V]] = op.value
            continue
        if op not in functions:
            functions[op] = new.new(op.name)
            namespace[functions[op]] = op.f
        names[V] = new.new(V.name, numbered=V.name == op.name)
        arguments = ", ".join(names[U] for U in V.inputs)
        lines.append(f"    {names[V]} = {functions[op]}({arguments})  # {shape_text(V.shape)}")
    given, times = set(inputs), Counter(outputs)
    results = [
        names[V] + ("" if V not in given and V.operation.fresh and times[V] == 1 else ".copy()")
        for V in outputs  # unless a result has memory of its own, the caller gets a copy
    ]
    lines.append(f"    return [{', '.join(results)}]")
    return "\n".join(lines) + "\n", namespace


def check_input(V: Variable, value: Any) -> np.ndarray:
    """Return the value as an array of the shape and dtype of ``V``.

    A plain number of Python takes the dtype; whatever has one of its own must have this one.

    Raises
    ------
    TypeError, ValueError
        If it has another dtype or shape, is empty, ragged, too large or contains NaN.
    """
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
    else:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        weak = plain and (V.dtype.kind == "f" or (isinstance(value, int) and V.dtype.kind in "iu"))
        array = as_array(f"evaluate: {_wanted(V)}", value, V.dtype if weak else None)
    if array.dtype != V.dtype:
        raise TypeError(
            f"evaluate: {_wanted(V)}, but the value is {array.dtype} of shape {array.shape}; "
            f"convert it, for example by .astype('{V.dtype}')"
        )
    sizes = zip(V.shape, array.shape, strict=False)
    if array.ndim != V.ndim or any(size not in (None, found) for size, found in sizes):
        raise ValueError(f"evaluate: {_wanted(V)}, but the value has the shape {array.shape}")
    check_values("evaluate", f"'{V.name}'", array)
    return array


def _wanted(V: Variable) -> str:
    return f"'{V.name}' is {V.dtype} of shape {shape_text(V.shape)}"


def _check_examples(inputs: list[Variable], arrays: list[np.ndarray]) -> None:
    """Raise a ValueError unless ``None`` stands for one and the same number everywhere."""
    counts = {}
    for V, array in zip(inputs, arrays, strict=True):
        for size, given in zip(V.shape, array.shape, strict=True):
            if size is None:
                counts.setdefault(given, f"'{V.name}' {array.shape}")
    if len(counts) > 1:
        raise ValueError(
            "evaluate: the inputs disagree on the number of examples: " + ", ".join(counts.values())
        )
