"""Section 6.5.5: the same graph in JavaScript, for a page, run by QuickJS from Python."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from dlbook.checks import check_values, in_the_name_of, needed_by, shape_text
from dlbook.graph import Variable, needed
from dlbook.programs.javascript import indices, matrices, reductions  # noqa: F401 (they fill a table)
from dlbook.programs.javascript.integers import GIVEN, check_integers
from dlbook.programs.javascript.places import ARRAYS
from dlbook.programs.javascript.writer import Writer
from dlbook.programs.lowering import lower
from dlbook.programs.numpy_program import NumpyProgram
from dlbook.programs.program import Program
from dlbook.programs.simplify import simplify as simplified
from dlbook.programs.values import check_input, count_examples

# Numbers cross as text, a letter for each byte: QuickJS takes no arrays, and JSON has no infinity.
# On the way back no letter is 0, which would end the text, and all of it is joined in one go: the
# bridge to Python knows no text that QuickJS has yet to put together.
CROSSING = """
function taken(text, kind) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new kind(bytes.buffer);
}
function given(value) {
  const array = typeof value === "object" ? value : new Float64Array([Number(value)]);
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return Array.from(bytes, (byte) => String.fromCharCode(byte + 256)).join("");
}
let results;
function run(program, values) { results = program(...values); }
"""


class JavascriptProgram(Program):
    """A graph made ready to run in JavaScript.

    Its ``source`` declares one function, ``make(m)``, which makes the buffers for ``m`` examples
    and returns the program: a function of one value for each input, a number or a flat typed array
    in C order, that returns a list of such values. They are the program's own until its next call.
    In Python it is QuickJS that runs it, a JavaScript engine without a browser.
    """

    def __init__(self, outputs: list[Variable], inputs: list[Variable], simplify: bool):
        super().__init__(outputs, inputs, simplify)
        if simplify:
            outputs = simplified(outputs, inputs)
        outputs = lower(outputs, inputs)
        check_integers(needed(outputs, inputs))
        self.source = Writer(outputs, inputs).write()
        self._context: Any = None
        self._examples: int | None = None  # for how many it is set up

    def __call__(self, *values: Any) -> list[np.ndarray]:
        """Compute the outputs, as the program for NumPy does."""
        self._check_count(values)
        with in_the_name_of("program"):
            arrays = [check_input(V, value) for V, value in zip(self.inputs, values, strict=True)]
            examples = count_examples(self.inputs, arrays)
        for V, array in zip(self.inputs, arrays, strict=True):
            _check_integers(V, array)
        self._set_up(examples)
        self._run(arrays)
        results = [self._result(i, V) for i, V in enumerate(self.outputs)]
        for V, value in zip(self.outputs, results, strict=True):
            if V.ndim == 0 and value != value:
                for U, array in zip(self.inputs, arrays, strict=True):
                    check_values("program", f"'{U.name}'", array)
        return results

    def _set_up(self, examples: int | None) -> None:
        """Let QuickJS make the program for so many examples, unless it has."""
        if self._context is not None and examples == self._examples:
            return
        with needed_by("a program in JavaScript"):
            import quickjs
        self._context = quickjs.Context()
        self._context.eval(CROSSING + self.source + f"const program = make({examples or 0});")
        self._examples = examples

    def _run(self, arrays: list[np.ndarray]) -> None:
        crossed = []
        for place, (V, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            self._context.set(f"text{place}", _stored(array).tobytes().decode("latin-1"))
            taken = f"taken(text{place}, {ARRAYS[str(V.dtype)]})"
            crossed.append(f"{taken}[0]" if V.ndim == 0 else taken)
        try:
            self._context.eval(f"run(program, [{', '.join(crossed)}])")
        except Exception as error:  # quickjs.JSException
            self._report(arrays, error)

    def _result(self, place: int, V: Variable) -> np.ndarray:
        text = self._context.eval(f"given(results[{place}])")
        stored = np.dtype(np.float64) if V.ndim == 0 else _dtype_in_javascript(V.dtype)
        flat = np.frombuffer(text.encode("utf-16-le")[::2], stored).astype(V.dtype)
        shape = tuple(self._examples or 0 if size is None else size for size in V.shape)
        return flat.reshape(shape) if V.ndim else flat[0]

    def _report(self, arrays: list[np.ndarray], error: Exception) -> NoReturn:
        """Raise what NumPy's program raises: it can say what is wrong with the values."""
        NumpyProgram(self.outputs, self.inputs, self._simplify)(*arrays)
        raise RuntimeError(f"program: {error}") from error


def _dtype_in_javascript(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float64) if dtype.kind in "iu" and dtype.itemsize == 8 else dtype


def _stored(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.astype(_dtype_in_javascript(array.dtype)))


def _check_integers(V: Variable, array: np.ndarray) -> None:
    """Raise a ValueError if a 64-bit integer is too large to be counted with exactly."""
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and (abs(array) > GIVEN).any():
        raise ValueError(
            f"program: '{V.name}' {shape_text(V.shape)} is {V.dtype}, and JavaScript is given such "
            f"numbers up to 2^31 only, not {int(array.flat[abs(array).argmax()])}"
        )
