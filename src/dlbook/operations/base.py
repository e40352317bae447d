"""Section 6.5.6: what an operation is, and how one is added to a graph.

Look at :class:`Operation` first: its four parts are the whole contract. The operations of the
library are in the modules beside this one.
"""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Never, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from dlbook.checks import Shape, as_array, check_dtype, check_shape, check_values, shape_text
from dlbook.graph import Variable
from dlbook.operators import Operand, by_name
from dlbook.showing import written

T = TypeVar("T")
# How an input moves. None where it stays while another one moves; Any, because an operation with a
# single input need not ask.
Tangent: TypeAlias = "Variable | Any"


def any_inputs(method: Callable[..., T]) -> Callable[..., T]:
    """Let the method of a subclass take as many inputs as it wants, each by a name of its own.

    To a type checker, ``f(self, a, b)`` would not be an ``f(self, *inputs)`` otherwise.
    """
    return method


class Operation:
    """What computes a variable from its inputs (Section 6.5.6).

    A subclass is one small class with five things side by side: its ``name``, its shape rule, the
    function ``f``, its ``bprop`` for back-propagation and its ``jvp`` for forward mode. An
    operation keeps no data: the inputs are always given. Calling it with variables adds a node to
    the graph.

    The rest says how a compiled program may run it. An operation that leaves it alone is run by
    its ``f``.

    Attributes
    ----------
    name, symbol : str
        For messages and programs; for drawings, where the book uses a sign rather than a name.
    kinds : str
        The dtypes it takes, as NumPy's letters: ``"f"`` floats, ``"i"`` and ``"u"`` integers,
        ``"b"`` bools.
    mixes : bool
        Whether the inputs are first converted to their common dtype.
    flat : bool
        Whether the output is constant between its jumps, as a sign is: its derivative counts as 0
        (see ``dlbook.differentiability``). What gives integers or bools need not say so.
    chooses : bool
        Whether it takes its second input where the first one holds, and else its third.
    scatters : bool
        Whether the output is 0 wherever it takes nothing from its first input.
    may_be_infinite : bool
        Whether the output may be infinite where the inputs are not, or too large for a float.
    repeats : bool
        Whether the output holds the first input's entries, repeated or in another order.
    shape_only : tuple of int
        Places of the inputs of which only the shape matters, not the values.
    output : int or None
        Which of the several results of ``f`` the variable is.
    ufunc, operator : str
        NumPy's function, ``"add"``, that computes it entry by entry into a given buffer; and
        Python's sign for it, ``"+"``.
    view : bool
        Whether ``f`` gives no new numbers, only another view of its first input.
    fresh : bool
        Whether ``f`` always returns memory of its own, so that no copy is needed.
    buffered : bool
        Whether its ``code`` can write to a buffer that was made before.
    """

    name: str = "operation"
    symbol: str = ""
    kinds: str = "fiub"
    mixes: bool = False
    flat: bool = False
    chooses: bool = False
    scatters: bool = False
    may_be_infinite: bool = False
    repeats: bool = False
    shape_only: tuple[int, ...] = ()
    output: int | None = None
    ufunc: str = ""
    operator: str = ""
    view: bool = False
    fresh: bool = False
    buffered: bool = True

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        for rule, taken in (("bprop", ("inputs", "X", "G")), ("jvp", ("inputs", "tangents"))):
            if inspect.isfunction(vars(cls).get(rule)):
                signature = inspect.signature(vars(cls)[rule])
                try:
                    signature.bind("self", *taken)
                except TypeError:
                    raise TypeError(
                        f"{cls.__name__}: {rule} must take (self, {', '.join(taken)}), got "
                        f"{signature}"
                    ) from None

    def __call__(self, *inputs: Operand, **settings: Never) -> Variable:
        """Add a node to the graph: the variable that this operation computes from ``inputs``."""
        if settings:
            raise TypeError(f"{self.name}: takes its inputs alone, got {', '.join(settings)}=")
        return apply(self, *inputs)

    @any_inputs
    def f(self, *inputs: Any) -> Any:
        """Compute the output from arrays of any library that follows the array API."""
        raise NotImplementedError(f"{self.name}: f is missing")

    def bprop(self, inputs: list[Variable], X: Variable, G: Variable) -> Variable | None:
        """Return the gradient with respect to the input ``X``, given that of the output, ``G``.

        The contract is Equation 6.54: the sum over i of (grad_X f(inputs)_i) G_i. All inputs
        count as distinct, and ``X`` is recognised as an object: ``X is inputs[0]``. ``None``
        stands for a gradient of zero, so that nothing needs to be computed.
        """
        if self.flat:
            return None
        raise NotDifferentiable(f"{self.name}: its gradient is not defined")

    def jvp(self, inputs: list[Variable], tangents: list[Tangent]) -> Variable | None:
        """Return how the output changes when the inputs move along ``tangents`` (Section 6.5.9).

        The Jacobian-vector product: the sum over the inputs of (d f / d input) tangent. ``None``
        stands for zero, before and after. The result may still have to be repeated to the shape
        of the output.
        """
        if self.flat:
            return None
        raise NotDifferentiable(f"{self.name}: its derivative is not defined")

    @any_inputs
    def infer_shape(self, *inputs: Variable) -> Shape:
        """Return the output's shape, or raise a ValueError that says what was expected."""
        raise NotImplementedError(f"{self.name}: the shape rule is missing")

    @any_inputs
    def infer_dtype(self, *inputs: Variable) -> np.dtype:
        """Return the output's dtype; by default the common type of the inputs."""
        first, *others = [V.dtype for V in inputs]
        return np.result_type(first, *others) if any([d is not first for d in others]) else first

    @any_inputs
    def expand(self, *inputs: Variable) -> Variable | None:
        """Return the same in terms of simpler operations, if a program should run those.

        What two operations have in common is then computed once: the exponentials of a softmax
        serve the cost and the gradient.
        """
        return None

    def code(self, V: Variable, arguments: list[str], out: str, setup: Setup) -> str | None:
        """Return the Python that computes ``V`` with NumPy; ``None`` if ``f`` must be called.

        Parameters
        ----------
        V : Variable
        arguments : list of str
            The names of the inputs.
        out : str
            The buffer to write to, or ``""`` for new memory.
        setup : function
            ``setup(name, expression)`` computes something once, before the first run, and returns
            its name.
        """
        if V.ndim == 0 and self.operator:
            one = len(arguments) == 1
            return f"{self.operator}{arguments[0]}" if one else f" {self.operator} ".join(arguments)
        return call(f"np.{self.ufunc}", *arguments, out=out) if self.ufunc else None

    def may_overwrite(self, place: int) -> bool:
        """Return whether the buffer of this input can take the output, too."""
        return bool(self.ufunc)

    # Two operations with equal settings are one and the same, so that they can be recognised.
    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        own, theirs = vars(self), vars(other)
        return own is theirs or list(map(_comparable, own.items())) == list(
            map(_comparable, theirs.items())
        )

    def __hash__(self) -> int:
        try:
            return hash((type(self), *vars(self).values()))
        except TypeError:  # an array, say, or a list
            return hash((type(self), *map(_comparable, vars(self).values())))

    def _settings(self) -> list[str]:
        """Write what sets this operation apart from others of its kind: ``axes=(0,)``."""
        items = {k: v for k, v in vars(self).items() if k != "output" and not k.startswith("_")}
        return [f"{k}={written(v)}" for k, v in items.items() if v is not False and v is not None]

    @any_inputs
    def write(self, *inputs: str) -> str:
        """Write the operation as in a formula, applied to these: ``sum(w, axes=(0,))``."""
        which = "" if self.output is None else f"[{self.output}]"
        return f"{self.name}({', '.join([*inputs, *self._settings()])}){which}"

    def __repr__(self) -> str:
        return self.write() if self._settings() or self.output is not None else self.name


def _comparable(value: Any) -> Any:
    """Return a setting as what can be compared and hashed: an array as its bytes."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return type(value), *map(_comparable, value)
    if isinstance(value, dict):
        return dict, *map(_comparable, value.items())
    return value


# Functions that compiled programs may call by name, beside those of NumPy.
helpers: dict[str, Callable[..., Any]] = {}


def helper(function: Callable[..., T]) -> Callable[..., T]:
    """Let compiled programs call this function by its name."""
    helpers[function.__name__] = function
    return function


@helper
def empty(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """Return an array that begins on a cache line, as NumPy's own need not."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


@helper
def store(out: np.ndarray, value: Any) -> np.ndarray:
    """Copy a value, repeated and converted if it must be, into a buffer."""
    np.copyto(out, value, casting="unsafe")
    return out


@helper
def read_only(value: Any) -> Any:
    """Return an array so that nobody can write to it: it belongs to somebody else."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


@helper
def as_promised(value: Any, shape: tuple[int, ...], dtype: DTypeLike, name: str) -> np.ndarray:
    """Return what an operation's ``f`` gave, if it has the shape and dtype that its rules say."""
    if np.shape(value) != shape:
        raise ValueError(
            f"{name}: f gave an array of shape {np.shape(value)}, but infer_shape says {shape}"
        )
    array = np.asarray(value)
    if array.dtype != dtype:
        raise TypeError(
            f"{name}: f gave {array.dtype}, but infer_dtype says {np.dtype(dtype)}; convert it, or "
            f"write the rule"
        )
    return array


def call(function: str, *arguments: str, **settings: Any) -> str:
    """Write a call; settings that are empty are left out."""
    named = [
        f"{name}={value}" for name, value in settings.items() if str(value) not in ("", "False")
    ]
    return f"{function}({', '.join([*arguments, *named])})"


def size_code(size: int | None) -> str:
    """Write a size of a shape: the number of examples is called ``m`` in a program."""
    return "m" if size is None else str(size)


@cache
def dtype_code(dtype: np.dtype) -> str:
    """Write a dtype as a program needs it."""
    return f"np.{dtype}"


@cache
def shape_code(shape: Shape) -> str:
    """Write a shape as a program needs it."""
    return "(" + ", ".join(map(size_code, shape)) + ("," if len(shape) == 1 else "") + ")"


def computed_by(V: Variable) -> Operation:
    """Return the operation that computes ``V``, which is no input of the graph."""
    if V.operation is None:
        raise ValueError(f"'{V.name}' is an input, and no operation computes it")
    return V.operation


def value_of(V: Variable) -> np.ndarray:
    """Return the value of a constant."""
    if not isinstance(V.operation, Constant):
        raise ValueError(f"'{V.name}' is no constant, and has no value before the graph runs")
    return V.operation.value


class NotDifferentiable(TypeError):
    """A gradient was asked for where none is defined: on an integer, or without a rule."""


def check_floats(where: str, *variables: Variable) -> None:
    """Raise an error unless these are variables that hold floats."""
    for V in variables:
        if not isinstance(V, Variable):
            raise TypeError(f"{where}: takes variables, got {V!r}")
        if V.dtype.kind != "f":
            raise NotDifferentiable(f"{where}: '{V.name}' is {V.dtype}; a gradient needs floats")


Setup = Callable[[str, str], str]


class Constant(Operation):
    """A value that is part of the graph; an operation without inputs."""

    name = "constant"

    def __init__(self, value: np.ndarray):
        self.value = value

    # Equal constants are one and the same; -0.0 and 0.0 are not equal.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple:
        if self.value.size > 1000:  # too long to compare
            return (id(self.value),)
        return self.value.dtype, self.value.shape, self.value.tobytes()

    def write(self) -> str:
        return f"{self.value.item():g}" if self.value.size == 1 else self.name

    def _settings(self) -> list[str]:
        return []

    def f(self) -> np.ndarray:
        return self.value

    def infer_shape(self) -> Shape:
        return self.value.shape

    def infer_dtype(self) -> np.dtype:
        return self.value.dtype


def constant(value: ArrayLike, name: str | None = None, dtype: DTypeLike | None = None) -> Variable:
    """Make a variable that always has this value.

    Parameters
    ----------
    value : number or array
    name : str, optional
        By default the number itself, or ``"constant"`` for an array.
    dtype : NumPy dtype, optional

    Raises
    ------
    ValueError
        If the value is empty, ragged, contains NaN, or is too large for the dtype.
    TypeError
        If it does not consist of numbers.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"constant: the name must be a text, got {name!r}")
    array = as_array("constant", value, dtype)  # a copy: a constant never changes
    array = array.astype(check_dtype("constant", array.dtype), copy=False)
    array.flags.writeable = False
    check_values("constant", name or "the value", array)
    return apply(Constant(array), name=name or (f"{array:g}" if array.ndim == 0 else "constant"))


def apply(operation: Operation, *inputs: Operand, name: str | None = None) -> Variable:
    """Add one node to the graph: the variable that ``operation`` computes from ``inputs``.

    Numbers and arrays among the inputs become constants; a plain Python number takes the dtype
    of what it meets.

    Raises
    ------
    ValueError
        If the shapes do not fit: the message names the operation and the shapes.
    TypeError
        If the operation needs floats, say, and gets something else.
    """
    if operation.kinds == "f" and int in map(type, inputs):  # a whole number stands for a float
        inputs = tuple([float(V) if type(V) is int else V for V in inputs])
    variables = as_variables(operation.name, *inputs)
    _check_count(operation, variables)
    if operation.mixes and operation.kinds == "fiu":  # a bool that meets a number becomes one
        variables = to_common_dtype(variables)
    for V in variables:
        if V.dtype.kind not in operation.kinds:
            hint = ""
            if operation.kinds == "b" and isinstance(V.operation, Constant):
                hint = "; & and | come before < and >, so write (x > 0) & (x < 1)"
            raise TypeError(
                f"{operation.name}: needs {_KINDS[operation.kinds]}, but '{V.name}' of shape "
                f"{shape_text(V.shape)} is {V.dtype}{hint}"
            )
    if operation.mixes:
        variables = to_common_dtype(variables)
    shape, dtype = operation.infer_shape(*variables), operation.infer_dtype(*variables)
    if type(shape) is not tuple:
        shape = check_shape(f"{operation.name}: infer_shape", shape)
    return Variable(name or operation.name, shape, dtype, operation, variables)


_KINDS = {"f": "floats", "fiu": "numbers", "iu": "integers", "b": "bools"}


def to_common_dtype(inputs: tuple[Variable, ...]) -> tuple[Variable, ...]:
    """Convert where dtypes differ, so that every library computes with the same ones."""
    first = inputs[0].dtype
    if all([V.dtype is first for V in inputs]):
        return inputs
    common = np.result_type(*(V.dtype for V in inputs))
    return tuple(V if V.dtype == common else by_name["astype"](V, common) for V in inputs)


def _check_count(operation: Operation, inputs: tuple[Variable, ...]) -> None:
    """Raise a TypeError unless ``operation.f`` takes that many inputs."""
    expected = _count_of(type(operation).f)
    if expected not in (None, len(inputs)):
        raise TypeError(f"{operation.name}: takes {expected} inputs, got {len(inputs)}")


@cache
def _count_of(f: Callable[..., Any]) -> int | None:
    """Return how many inputs an operation's ``f`` takes; ``None`` for any number."""
    _, *parameters = inspect.signature(f).parameters.values()
    any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return None if any_number else len(parameters)


def as_variables(name: str, *values: Any) -> tuple[Variable, ...]:
    """Turn numbers and arrays into constants; a plain number takes the dtype of what it meets.

    Raises TypeError, in the name of an operation, if there is anything else.
    """
    if all([type(V) is Variable for V in values]):
        return values
    dtypes = [V.dtype for V in values if isinstance(V, Variable | np.ndarray | np.generic)]
    variables = []
    for V in values:
        if isinstance(V, Occurrence):
            V = V.variable
        elif isinstance(V, np.ndarray | np.generic):
            V = constant(V)
        elif isinstance(V, int | float) and not isinstance(V, bool):
            V = constant(V, dtype=np.result_type(*dtypes, V) if dtypes else None)
        elif not isinstance(V, Variable):
            hint = ""
            if isinstance(V, bool):
                hint = "; == compares the variables themselves, dlbook.equal their entries"
            elif isinstance(V, list | tuple):
                hint = "; to join variables use dlbook.stack, for numbers numpy.array"
            raise TypeError(
                f"{name}: an input must be a variable, a NumPy array or a number, "
                f"got {type(V).__name__}{hint}"
            )
        variables.append(V)
    return tuple(variables)


def check_is_float(name: str, V: Variable) -> None:
    """Raise a TypeError, in the name of an operation, unless ``V`` holds floats."""
    if V.dtype.kind != "f":
        raise TypeError(
            f"{name}: needs floats, but '{V.name}' of shape {shape_text(V.shape)} is {V.dtype}"
        )


class Occurrence(Variable):
    """One place of a variable among an operation's inputs, so that ``x * x`` has two.

    It stands in for the variable while a ``bprop`` rule runs, which must tell its inputs apart;
    whatever is built from it is built from the variable itself.
    """

    __slots__ = ("variable",)

    def __init__(self, V: Variable):
        self.variable = V
        self.name, self.shape, self.dtype = V.name, V.shape, V.dtype
        self.operation, self.inputs, self.number = V.operation, V.inputs, V.number


def distinct(inputs: Iterable[Variable]) -> list[Variable]:
    """Return the inputs with an :class:`Occurrence` for each place of a variable taken twice."""
    inputs = list(inputs)
    if len(set(inputs)) == len(inputs):
        return inputs
    times = Counter(inputs)
    return [V if times[V] == 1 else Occurrence(V) for V in inputs]


def variable_of(X: Variable) -> Variable:
    """Return the variable itself, also for one of its occurrences."""
    return X.variable if isinstance(X, Occurrence) else X
