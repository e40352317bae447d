"""Sections 6.5.1 and 6.5.5: running a graph on numbers.

:func:`compile` turns a graph into a straight line of code, one line an operation, in an order in
which every input is ready; look at ``program.source`` to see it. :func:`evaluate` does so for a
single value.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from dlbook.checks import check_values, in_the_name_of, needed_by
from dlbook.graph import Variable, needed, variables_of
from dlbook.programs.program import Program
from dlbook.programs.values import check_input
from dlbook.showing import shortened

if TYPE_CHECKING:
    from dlbook.programs.numpy_program import NumpyProgram

# Where each backend's program is; loaded when it is used first, since PyTorch takes its time.
BACKENDS = {
    "numpy": ("dlbook.programs.numpy_program", "NumpyProgram"),
    "torch": ("dlbook.programs.torch_program", "TorchProgram"),
    "javascript": ("dlbook.programs.javascript.program", "JavascriptProgram"),
}


@overload
def compile(
    outputs: Variable | Iterable[Variable],
    inputs: Variable | Iterable[Variable],
    simplify: bool = True,
    backend: Literal["numpy"] = "numpy",
) -> NumpyProgram: ...
@overload
def compile(
    outputs: Variable | Iterable[Variable],
    inputs: Variable | Iterable[Variable],
    simplify: bool = True,
    *,
    backend: Literal["torch", "javascript"],
) -> Program: ...
def compile(
    outputs: Variable | Iterable[Variable],
    inputs: Variable | Iterable[Variable],
    simplify: bool = True,
    backend: Literal["numpy", "torch", "javascript"] = "numpy",
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
    backend : "numpy", "torch" or "javascript"
        What to run on. A program for PyTorch takes tensors, all on one device, and returns
        tensors on it. One in JavaScript is for a page; from Python it runs in QuickJS, takes
        arrays and returns arrays.

    Raises
    ------
    TypeError
        If something else than variables is given; or if the backend cannot hold a dtype: in
        JavaScript 64-bit integers that may leave 2^53, which the message names.
    ValueError
        If an input is given twice, or one that the outputs depend on is missing, or there is no
        such backend.
    """
    ends = variables_of("compile", "outputs", outputs)
    starts = variables_of("compile", "inputs", inputs)
    twice = {V.name for V, times in Counter(starts).items() if times > 1}
    if twice:
        raise ValueError(f"compile: given twice among the inputs: {', '.join(sorted(twice))}")
    check_given(ends, starts)
    if not isinstance(simplify, bool):
        raise TypeError(
            f"compile: simplify must be True or False, got {simplify!r}; a backend is given by "
            f"name, as backend='torch'"
        )
    if backend not in BACKENDS:
        known = " or ".join(map(repr, BACKENDS))
        raise ValueError(f"compile: the backend must be {known}, got {backend!r}")
    module, kind = BACKENDS[backend]
    with needed_by(f"compile with the backend {backend!r}", backend):
        program = getattr(importlib.import_module(module), kind)
    return program(ends, starts, simplify)


def evaluate(
    output: Variable, values: Mapping[Variable, ArrayLike], simplify: bool = True
) -> np.ndarray:
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
    if not isinstance(output, Variable):
        raise TypeError(
            f"evaluate: computes one variable, got {shortened(repr(output), 100)}; for several "
            f"use compile"
        )
    if not isinstance(values, Mapping):
        raise TypeError(
            f"evaluate: the values must be a dict from variables to arrays, got a "
            f"{type(values).__name__}"
        )
    with in_the_name_of("evaluate"):
        program = compile([output], list(values), simplify)
        arrays = [check_input(V, value) for V, value in values.items()]
        for V, array in zip(values, arrays, strict=True):
            check_values("evaluate", f"'{V.name}'", array)
        return program(*arrays)[0]


def check_given(outputs: list[Variable], inputs: list[Variable]) -> None:
    """Raise a ValueError if a value is missing."""
    missing = sorted(V.name for V in needed(outputs, inputs) if V.operation is None)
    if missing:
        named_alike = sorted({V.name for V in inputs} & set(missing))
        hint = f" (another variable named '{named_alike[0]}' is given)" if named_alike else ""
        if any(V.operation is None and V.name in missing for V in outputs):
            hint = "; the dict that backprop gives lists the parameters: take gradients[W]"
        raise ValueError(
            f"compile: no value is given for {', '.join(missing)}, on which "
            f"{', '.join(V.name for V in outputs)} depends{hint}"
        )
