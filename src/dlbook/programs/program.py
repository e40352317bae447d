"""Section 6.5.5: what programs have in common, whatever they run on."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from dlbook.checks import shape_text
from dlbook.graph import Variable
from dlbook.showing import lines_of

FILE = "<program>"  # in which the source is, for Python
# Errors that the libraries below raise in words of their own.
NAMED = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


class Program(ABC):
    """A graph made ready to run; made by :func:`~dlbook.programs.compiling.compile`.

    Attributes
    ----------
    source : str
        The code that runs.
    inputs, outputs : list of Variable
    """

    source: str
    _lines: Mapping[int, Variable]  # what is computed in which line of the source

    def __init__(self, outputs: list[Variable], inputs: list[Variable], simplify: bool):
        self.inputs, self.outputs, self._simplify = inputs, outputs, simplify

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, in another process or here, is compiled anew: it has buffers of its own.
        return type(self), (self.outputs, self.inputs, self._simplify)

    def __repr__(self) -> str:
        return "\n".join(lines_of(self.source.splitlines(), most=100, sign="    # "))

    @abstractmethod
    def __call__(self, *values: Any) -> list[Any]:
        """Compute the outputs from one value for each input, in order."""

    def _say_where(self, error: Exception) -> None:
        """Let an error that an operation met as it ran name the operation and its inputs."""
        trace, found = error.__traceback__, None
        while trace:
            if trace.tb_frame.f_code.co_filename == FILE:
                found = self._lines.get(trace.tb_lineno)
            trace = trace.tb_next
        if found is None or found.operation is None or len(error.args) != 1:
            return
        name, text = found.operation.name, str(error.args[0])
        if not (
            text.startswith(f"{name}: ") or re.match(r"\w+: ", text)
        ):  # it names an operation already
            inputs = " and ".join(f"'{V.name}' {shape_text(V.shape)}" for V in found.inputs)
            error.args = (f"{name}: {text}; computed from {inputs or 'nothing'}",)

    def _check_count(self, values: tuple[Any, ...]) -> None:
        if len(values) != len(self.inputs):
            names = ", ".join(V.name for V in self.inputs)
            raise TypeError(
                f"program: {len(values)} values for {len(self.inputs)} inputs ({names})"
            )
