"""Section 6.5.5: the same graph on PyTorch's tensors, on a CPU or a GPU."""

from __future__ import annotations

from builtins import compile as compile_python
from typing import Any

import numpy as np
import torch

from dlbook.checks import in_the_name_of, shape_text
from dlbook.graph import Variable, needed
from dlbook.operations.base import Constant, Operation, computed_by
from dlbook.operations.comparisons import Equal, NotEqual
from dlbook.operations.elementwise import AsType, Multiply, Square
from dlbook.operations.flow import Identity
from dlbook.operations.indexing import Index
from dlbook.operations.joining import Joining
from dlbook.operations.labels import OneHot
from dlbook.operations.reductions import Count, Sum
from dlbook.operations.shapes import BroadcastLike, BroadcastTo, Rearrangement
from dlbook.programs.memory import Names
from dlbook.programs.program import FILE, NAMED, Program
from dlbook.programs.simplify import simplify as simplified
from dlbook.programs.values import check_input, check_input_shape, count_examples


class TorchProgram(Program):
    """A graph made ready to run with PyTorch: one line an operation, each a call of its ``f``."""

    def __init__(self, outputs: list[Variable], inputs: list[Variable], simplify: bool):
        super().__init__(outputs, inputs, simplify)
        if simplify:
            outputs = simplified(outputs, inputs)
        self.source, namespace, self._constants, self._lines = _write(outputs, inputs)
        exec(compile_python(self.source, FILE, "exec"), namespace)
        self._run = namespace["program"]
        self._on: dict[torch.device, list[torch.Tensor]] = {}  # the constants on each device

    def __call__(self, *values: Any) -> list[torch.Tensor]:
        """Compute the outputs; as a program for NumPy does, but with tensors.

        Arrays and numbers become tensors on the device of the tensors among the values.
        """
        self._check_count(values)
        device = _device_of(self.inputs, values)
        with in_the_name_of("program"):
            pairs = zip(self.inputs, values, strict=True)
            tensors = [_tensor(V, value, device) for V, value in pairs]
            count_examples(self.inputs, tensors)
        if device not in self._on:
            self._on[device] = [torch.tensor(value, device=device) for value in self._constants]
        try:
            with torch.no_grad():
                return self._run(*tensors, *self._on[device])
        except NAMED as error:
            self._say_where(error)
            raise


def _write(
    outputs: list[Variable], inputs: list[Variable]
) -> tuple[str, dict[str, Any], list[np.ndarray], dict[int, Variable]]:
    """Return the source, what it calls, its constants, and what is computed in which line."""
    names, lines, constants = Names("program"), [], []
    computed: dict[int, Variable] = {}
    functions: dict[Operation, str] = {}
    namespace: dict[str, Any] = {}
    name = {V: names.new(V.name) for V in inputs}
    arguments = list(name.values())
    for V in needed(outputs, inputs):
        op = computed_by(V)
        _check_dtypes(V)
        if isinstance(op, Constant):
            name[V] = names.new("constant" if V.name == "constant" else f"constant_{V.name}")
            constants.append(op.value)
            arguments.append(name[V])
            continue
        if op not in functions:
            functions[op] = names.new(op.name)
            namespace[functions[op]] = op.f
        name[V] = names.new(V.name, numbered=V.name == op.name)
        which = "" if op.output is None else f"[{op.output}]"
        call = f"{functions[op]}({', '.join(name[U] for U in V.inputs)}){which}"
        lines.append(f"    {name[V]} = {call}  # {shape_text(V.shape)}")
        computed[len(lines) + 1] = V
    # Views and inputs are copied: what the caller gets shares no memory with anything.
    results = ", ".join(f"{name[V]}.clone()" for V in outputs)
    source = "\n".join([f"def program({', '.join(arguments)}):", *lines, f"    return [{results}]"])
    return source + "\n", namespace, constants, computed


def _check_dtypes(V: Variable) -> None:
    """Raise a TypeError if PyTorch cannot do this with an input's dtype."""
    for U in V.inputs:
        if str(U.dtype) in BARE and not isinstance(V.operation, DONE_WITH_BARE):
            raise TypeError(
                f"compile: PyTorch computes nothing with {U.dtype}, but {computed_by(V).name} gets "
                f"'{U.name}' of shape {shape_text(U.shape)}; convert it before, for example by "
                f".astype('int64')"
            )


# Tensors of these can be made and converted, and with few operations more than that.
BARE = {"uint16", "uint32", "uint64"}
DONE_WITH_BARE = (
    *(AsType, BroadcastLike, BroadcastTo, Count, Equal, Identity, Index, Joining, Multiply),
    *(NotEqual, OneHot, Rearrangement, Square, Sum),
)


def _device_of(inputs: list[Variable], values: tuple[Any, ...]) -> torch.device:
    """Return the device that all tensors are on; the CPU if there is none."""
    devices = {
        value.device: V.name
        for V, value in zip(inputs, values, strict=True)
        if isinstance(value, torch.Tensor)
    }
    if len(devices) > 1:
        where = ", ".join(f"'{name}' on {device}" for device, name in devices.items())
        raise ValueError(f"program: the tensors must be on one device, got {where}")
    return next(iter(devices), torch.device("cpu"))


def _tensor(V: Variable, value: Any, device: torch.device) -> torch.Tensor:
    """Return the value as a tensor of the shape and dtype of ``V``."""
    if not isinstance(value, torch.Tensor):
        array = check_input(V, value)
        if min(array.strides, default=0) < 0:  # a flipped array, which PyTorch does not take
            array = array.copy()
        return torch.tensor(array, device=device)
    dtype = str(value.dtype).removeprefix("torch.")
    if dtype != str(V.dtype):
        raise TypeError(
            f"program: '{V.name}' is {V.dtype} of shape {shape_text(V.shape)}, but the tensor is "
            f"{dtype} of shape {tuple(value.shape)}"
        )
    check_input_shape(V, tuple(value.shape))
    return value.detach()
