"""Section 6.5.5: what programs have in common, whatever they run on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from dlbook.graph import Variable
from dlbook.showing import lines_of


class Program(ABC):
    """A graph made ready to run; made by :func:`~dlbook.programs.compiling.compile`.

    Attributes
    ----------
    source : str
        The code that runs.
    inputs, outputs : list of Variable
    """

    source: str

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

    def _check_count(self, values: tuple[Any, ...]) -> None:
        if len(values) != len(self.inputs):
            names = ", ".join(V.name for V in self.inputs)
            raise TypeError(
                f"program: {len(values)} values for {len(self.inputs)} inputs ({names})"
            )
