"""Section 6.5.9: simplifying a graph by matching known patterns.

Look at the table first: each rule is a small function that gets a variable and returns a simpler
one that has the same value, or ``None`` if its pattern is not there. Its docstring is the pattern.
A rule may change a result that is finite by rounding only; where the original overflows, it may
well survive.

:func:`simplify` goes through a graph once, in the order in which it is computed, and lets the
rules at each node. Equal operations on equal inputs become one node on the way.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from dlbook.checks import known
from dlbook.graph import Variable, variables_of
from dlbook.operations import (
    broadcast_like,
    constant,
    log1p,
    negate,
    sigmoid,
    softplus,
    square,
)
from dlbook.operations import elementwise as el
from dlbook.operations import functions as fn
from dlbook.operations.base import Constant, Operation, computed_by, value_of
from dlbook.operations.comparisons import LogicalAnd, LogicalOr, NotEqual, Where
from dlbook.operations.flow import Identity, StopGradient
from dlbook.operations.indexing import Index, TakeAlong
from dlbook.operations.labels import OneHot
from dlbook.operations.reductions import Count, Mean, Sum
from dlbook.operations.shapes import (
    BroadcastLike,
    BroadcastTo,
    ExpandDims,
    Rearrangement,
    Reshape,
    Squeeze,
    Transpose,
    broadcast_shape,
)
from dlbook.operations.softmax import LogSoftmax, LogSumExp, Softmax
from dlbook.programs.rewriting import (
    Find,
    Rule,
    first_that_fits,
    is_a,
    like,
    number,
    rewrite,
    rule_in,
)

# The table: for each kind of operation the rules that start from it.
RULES: dict[type[Operation], list[Rule]] = defaultdict(list)
rule = rule_in(RULES)


def simplify(
    outputs: Variable | Iterable[Variable], inputs: Iterable[Variable] = ()
) -> list[Variable]:
    """Return simpler variables with the same values.

    Parameters
    ----------
    outputs : list of Variable
    inputs : list of Variable, optional
        Variables in the middle of the graph to leave as they are, with all they depend on.

    Returns
    -------
    list of Variable
        One for each output, parts of one new graph; the inputs are the same as before.

    Raises
    ------
    TypeError
        If something else than variables is given.
    """
    ends = variables_of("simplify", "outputs", outputs)
    return rewrite(ends, variables_of("simplify", "inputs", inputs), _simpler)


def _simpler(V: Variable, find: Find) -> Variable | None:
    """Return what the first rule that fits makes of ``V``, or its value if that is known."""
    simpler = first_that_fits(V, RULES.get(type(computed_by(V)), ()))
    return _folded(V) if simpler is None else simpler


# --- What the rules look for -------------------------------------------------------------------


def unrepeated(V: Variable) -> Variable:
    """Return what ``V`` repeats, or ``V`` itself."""
    return V.inputs[0] if is_a(V, BroadcastLike, BroadcastTo) else V


def without_shape(V: Variable) -> Variable:
    """Return what ``V`` is, whatever axes of size 1 were put in and however it is repeated."""
    while is_a(V, BroadcastLike, BroadcastTo, ExpandDims, Squeeze, Reshape):
        V = V.inputs[0]
    return V


def summed_from(s: Variable, e: Variable) -> tuple[int, ...] | None:
    """Return the axes, if ``s`` is the sum of ``e`` over them."""
    op = s.operation
    return op.axes if isinstance(op, Sum) and s.inputs[0] is e else None


def summed_over(s: Variable, e: Variable) -> tuple[int, ...] | None:
    """Return the axes, if ``s`` is the sum of ``e`` over them, in a shape that divides ``e``."""
    axes, shape = summed_from(without_shape(s), e), unrepeated(s).shape
    if axes is None:
        return None
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(e.shape))
    return axes if (1,) * (e.ndim - len(shape)) + shape == kept else None


# --- Constants ---------------------------------------------------------------------------------


def _folded(V: Variable) -> Variable | None:
    """What depends on constants alone is computed now, unless it is large or not finite."""
    for U in V.inputs:
        if not is_a(U, Constant):
            return None
    op = computed_by(V)
    if not V.inputs or None in V.shape:
        return None
    if is_a(V, StopGradient) or V.inputs[0].ndim < V.ndim or math.prod(known(V.shape)) > 1000:
        return None
    try:
        with np.errstate(all="ignore"):
            value = op.f(*map(value_of, V.inputs))
    except (ValueError, IndexError, ArithmeticError):
        return None  # the program will say so
    value = np.asarray(value if op.output is None else value[op.output])
    return constant(value, dtype=V.dtype) if np.isfinite(value).all() else None


@rule(el.Multiply)
def times_one(V):
    """x * 1 = x"""
    a, b = V.inputs
    return like(V, a) if number(b) == 1 else like(V, b) if number(a) == 1 else None


@rule(el.Multiply)
def times_minus_one(V):
    """x * -1 = -x"""
    a, b = V.inputs
    x = like(V, a) if number(b) == -1 else like(V, b) if number(a) == -1 else None
    return None if x is None else -x


@rule(el.Add)
def plus_zero(V):
    """x + 0 = x"""
    a, b = V.inputs
    return like(V, a) if number(b) == 0 else like(V, b) if number(a) == 0 else None


@rule(el.Divide)
def over_one(V):
    """x / 1 = x"""
    a, b = V.inputs
    return like(V, a) if number(b) == 1 else None


@rule(el.Subtract)
def minus_zero(V):
    """x - 0 = x and 0 - x = -x"""
    a, b = V.inputs
    if number(b) == 0:
        return like(V, a)
    return -b if number(a) == 0 and like(V, b) is not None else None


@rule(el.Multiply)
def numbers_together(V):
    """a * (b * x) = (a * b) * x for numbers a and b"""
    for a, bx in (V.inputs, V.inputs[::-1]):
        if not (is_a(a, Constant) and a.ndim == 0 and is_a(bx, el.Multiply)):
            continue
        for b, x in (bx.inputs, bx.inputs[::-1]):
            if is_a(b, Constant) and b.ndim == 0 and a.dtype == b.dtype == x.dtype:
                with np.errstate(all="ignore"):
                    product = a.operation.value * b.operation.value
                limits = np.finfo(V.dtype) if V.dtype.kind == "f" else None
                if limits and limits.smallest_normal < abs(product) < limits.max:
                    return x * constant(product, dtype=V.dtype)
    return None


# --- Signs -------------------------------------------------------------------------------------


@rule(el.Negate)
def minus_minus(V):
    """-(-x) = x"""
    (a,) = V.inputs
    return a.inputs[0] if is_a(a, el.Negate) else None


@rule(el.Multiply, el.Divide)
def minus_times(V):
    """-a * b = -(a * b), and the same of a quotient"""
    a, b = V.inputs
    if V.dtype.kind != "f":
        return None
    if is_a(a, el.Negate):
        return -V.operation(a.inputs[0], b)
    return -V.operation(a, b.inputs[0]) if is_a(b, el.Negate) else None


@rule(el.Add)
def plus_minus(V):
    """a + -b = a - b"""
    a, b = V.inputs
    if is_a(b, el.Negate):
        return a - b.inputs[0]
    return b - a.inputs[0] if is_a(a, el.Negate) else None


@rule(el.Subtract)
def minus_negative(V):
    """a - -b = a + b"""
    a, b = V.inputs
    return a + b.inputs[0] if is_a(b, el.Negate) else None


@rule(el.Abs, el.Square)
def sign_lost(V):
    """|-x| = |x| and (-x)^2 = x^2"""
    (a,) = V.inputs  # of integers, the smallest one has no counterpart
    return V.operation(a.inputs[0]) if is_a(a, el.Negate) and a.dtype.kind == "f" else None


@rule(Sum)
def sum_of_negatives(V):
    """sum(-x) = -sum(x)"""
    (a,) = V.inputs
    return -V.operation(a.inputs[0]) if is_a(a, el.Negate) and a.dtype.kind == "f" else None


@rule(el.Multiply)
def times_itself(V):
    """x * x = x^2"""
    a, b = V.inputs
    return square(a) if a is b else None


@rule(el.Multiply)
def over_and_times(V):
    """(a / b) * b = a and (a / b) * (b * c) = a * c"""
    for ab, bc in (V.inputs, V.inputs[::-1]):
        if not is_a(ab, el.Divide):
            continue
        a, b = ab.inputs
        if bc is b:
            return a
        if is_a(bc, el.Multiply) and b in bc.inputs:
            first, second = bc.inputs
            return a * (second if first is b else first)
    return None


@rule(Identity)
def the_same(V):
    """A variable of its own for the same values is needed for derivatives alone"""
    return V.inputs[0]


# --- Shapes ------------------------------------------------------------------------------------


@rule(Transpose)
def transposed_twice(V):
    """A^T^T = A"""
    (a,), axes = V.inputs, V.operation.axes
    if axes == tuple(range(V.ndim)):
        return a
    if not is_a(a, Transpose):
        return None
    return Transpose(tuple(a.operation.axes[axis] for axis in axes))(a.inputs[0])


@rule(Reshape, *(kind for kind in Rearrangement.__subclasses__() if kind is not Transpose))
def reshaped_twice(V):
    """A new shape after a new shape is one new shape"""
    (a,) = V.inputs
    if V.shape == a.shape:
        return a
    if not is_a(a, Rearrangement) or is_a(a, Transpose):
        return None
    (a,) = a.inputs
    if V.shape == a.shape:
        return a
    return Reshape(V.shape)(a) if V.shape.count(None) == a.shape.count(None) <= 1 else None


@rule(el.AsType)
def same_dtype(V):
    """x.astype(its own dtype) = x"""
    return like(V, *V.inputs)


@rule(BroadcastLike, BroadcastTo)
def repeated_once(V):
    """x repeated to its own shape = x; a number is repeated whatever its shape"""
    x = V.inputs[0]
    if x.ndim and is_a(x, Rearrangement) and x.inputs[0].ndim == 0:
        return V.operation(x.inputs[0], *V.inputs[1:])
    return like(V, x)


@rule(*Rearrangement.__subclasses__())
def view_of_one_number(V):
    """A number, repeated and given another shape, is repeated to that shape"""
    (a,) = V.inputs
    if not (is_a(a, BroadcastLike) and a.inputs[0].ndim == 0):
        return None
    return broadcast_like(a.inputs[0], V.operation(a.inputs[1]))


def broadcasts_by_itself(V):
    """f(x, y repeated) = f(x, y): operations on entries repeat what they must by themselves"""
    for U in V.inputs:
        if is_a(U, BroadcastLike):
            break
    else:
        return None
    inputs = list(V.inputs)
    for i, U in enumerate(inputs):
        others = [*inputs[:i], unrepeated(U), *inputs[i + 1 :]]
        if is_a(U, BroadcastLike) and _common_shape(V.operation, others) == V.shape:
            inputs = others
    if tuple(inputs) != V.inputs:
        return V.operation(*inputs)
    # All that is left of the shape is in one of them: repeat the result instead.
    repeated = [U for U in inputs if is_a(U, BroadcastLike) and U.shape == V.shape]
    if len(repeated) == 1 and all(unrepeated(U).ndim == 0 for U in inputs):
        return broadcast_like(V.operation(*map(unrepeated, inputs)), repeated[0].inputs[1])
    return None


def _common_shape(operation, inputs):
    try:
        return broadcast_shape(operation, *inputs)
    except ValueError:  # without the repetition they do not fit
        return None


def _elementwise_kinds(kind=el.Elementwise):
    for child in kind.__subclasses__():
        yield child
        yield from _elementwise_kinds(child)


rule(*_elementwise_kinds())(broadcasts_by_itself)


@rule(Sum, Mean)
def sum_of_equals(V):
    """sum(a number, repeated) = the number times how often; its mean is the number"""
    (a,) = V.inputs
    if not (is_a(a, BroadcastLike) and a.inputs[0].ndim == 0 and V.dtype.kind == "f"):
        return None
    x = a.inputs[0]
    x = x if is_a(V, Mean) else x * Count(V.operation.axes)(a)
    return x if V.ndim == 0 else broadcast_like(x, V.operation(a.inputs[1]))


# --- Logarithms and exponentials ----------------------------------------------------------------


@rule(fn.Log)
def log_of_something(V):
    """log(softmax(z)) = log_softmax(z), log(sigmoid(z)) = -softplus(-z), log(exp(x)) = x"""
    (a,) = V.inputs
    if is_a(a, Softmax):
        return LogSoftmax(a.operation.axes)(*a.inputs)
    if is_a(a, Index, TakeAlong) and is_a(a.inputs[0], Softmax):  # of some of its entries
        q, *indices = a.inputs
        return a.operation(LogSoftmax(q.operation.axes)(*q.inputs), *indices)
    if is_a(a, fn.Sigmoid):
        return negate(softplus(negate(*a.inputs)))
    return a.inputs[0] if is_a(a, fn.Exp) else None


@rule(fn.Log)
def log_of_a_sum(V):
    """log(sum(exp(z))) = logsumexp(z) and log(1 + x) = log1p(x)"""
    (a,) = V.inputs
    if is_a(a, Sum) and is_a(a.inputs[0], fn.Exp):
        return LogSumExp(a.operation.axes, a.operation.keepdims)(*a.inputs[0].inputs)
    if is_a(a, el.Add):
        for one, x in (a.inputs, a.inputs[::-1]):
            if number(one) == 1 and like(V, x) is not None:
                return log1p(x)
    return None


@rule(fn.Log1p)
def softplus_by_hand(V):
    """log1p(exp(z)) = softplus(z)"""
    (a,) = V.inputs
    return softplus(*a.inputs) if is_a(a, fn.Exp) else None


@rule(el.Divide)
def softmax_by_hand(V):
    """exp(z) / sum(exp(z)) = softmax(z)"""
    a, b = V.inputs
    axes = summed_over(b, a) if is_a(a, fn.Exp) else None
    return Softmax(axes)(*a.inputs) if axes else None


@rule(el.Divide)
def sigmoid_by_hand(V):
    """a / (1 + exp(-z)) = a * sigmoid(z)"""
    a, b = V.inputs
    if not is_a(b, el.Add):
        return None
    for one, e in (b.inputs, b.inputs[::-1]):
        if number(one) == 1 and is_a(e, fn.Exp) and like(b, e) is not None:
            return a * sigmoid(negate(*e.inputs))
    return None


@rule(el.Multiply)
def sigmoid_times_exp(V):
    """a * sigmoid(z) * exp(-z) = a * sigmoid(-z), as in the gradient of 1 / (1 + exp(-z))"""
    for product, e in (V.inputs, V.inputs[::-1]):
        if not is_a(e, fn.Exp):
            continue
        several = factors(product)
        for place, s in enumerate(several):
            if is_a(s, fn.Sigmoid) and opposite(*s.inputs, *e.inputs):
                result = sigmoid(*e.inputs)
                for other in several[:place] + several[place + 1 :]:
                    result = other * result
                return result
    return None


def factors(V: Variable, most: int = 8) -> list[Variable]:
    """Return what is multiplied to ``V``; of a square the base twice."""
    found: list[Variable] = []
    open_ends = [V]
    while open_ends:
        U = open_ends.pop()
        if len(found) + len(open_ends) >= most:
            found.append(U)
        elif is_a(U, el.Multiply):
            open_ends += U.inputs
        elif is_a(U, el.Square):
            open_ends += [*U.inputs, *U.inputs]
        else:
            found.append(U)
    return found


def opposite(a: Variable, b: Variable) -> bool:
    """Return whether one is the other with its sign changed."""
    return (is_a(a, el.Negate) and a.inputs[0] is b) or (is_a(b, el.Negate) and b.inputs[0] is a)


# --- The gradient of softmax with cross-entropy, Equation 6.57 ----------------------------------
# Back-propagation through q = exp(z) / sum(exp(z)) divides by the sum s, sums, and multiplies by
# exp(z) at the end. These rules bring exp(z) and s together again, so that the q cancel that the
# gradient of log q divides by, and only q - p is left.


@rule(Where)
def choice_of_quotients(V):
    """where(c, x / s, 0) = where(c, x, 0) / s for s = sum(exp(z)); the same with -x, or x * q"""
    c, a, zero = V.inputs
    minus = is_a(a, el.Negate)
    ratio = a.inputs[0] if minus else a
    if number(zero) != 0 or not is_a(ratio, el.Divide):
        return None
    x, s = ratio.inputs
    total = without_shape(s)
    if not (is_a(total, Sum) and is_a(total.inputs[0], fn.Exp)):
        return None
    x, *factors = x.inputs if is_a(x, el.Multiply) else (x,)
    for factor in factors:
        if not is_a(factor, Softmax):
            return None
    chosen = x if is_where_it_is_not_0(c, x) else V.operation(c, x, zero)
    for factor in factors:
        chosen = chosen * factor
    return -(chosen / s) if minus else chosen / s


def is_where_it_is_not_0(c: Variable, x: Variable) -> bool:
    """Return whether the condition is x != 0."""
    return is_a(c, NotEqual) and c.inputs[0] is x and number(c.inputs[1]) == 0


@rule(Where)
def where_it_is_not_0(V):
    """where(x != 0, x, 0) = x"""
    c, x, zero = V.inputs
    return x if number(zero) == 0 and is_where_it_is_not_0(c, x) else None


@rule(LogicalAnd, LogicalOr)
def twice_the_same(V):
    """a and a = a or a = a"""
    a, b = V.inputs
    return a if a is b else None


@rule(el.Subtract)
def one_minus_sigmoid(V):
    """1 - sigmoid(z) = sigmoid(-z)"""
    a, b = V.inputs
    if number(a) == 1 and is_a(b, fn.Sigmoid) and like(V, b) is not None:
        return sigmoid(negate(*b.inputs))
    return None


@rule(Sum)
def sum_over_s(V):
    """sum(x / s) = sum(x) / s, where s = sum(exp(z)) over the same axes"""
    (a,) = V.inputs
    if not is_a(a, el.Divide) or a.inputs[0].shape != a.shape:
        return None
    x, s = a.inputs[0], unrepeated(a.inputs[1])
    e = without_shape(s)
    e = e.inputs[0] if is_a(e, Sum) else e
    if not is_a(e, fn.Exp) or e.shape != x.shape or summed_over(s, e) != V.operation.axes:
        return None
    summed = Sum(V.operation.axes, keepdims=True)(x) / s if s.ndim else V.operation(x) / s
    return summed if summed.shape == V.shape else V.operation.drop(summed)


@rule(el.Multiply)
def exp_over_its_sum(V):
    """(x / s + y / s) * exp(z) = x * q + y * q, where s = sum(exp(z)) and q = exp(z) / s"""
    for t, e in (V.inputs, V.inputs[::-1]):
        if not is_a(e, fn.Exp) or e.shape != V.shape:
            continue
        both = is_a(t, el.Add, el.Subtract)
        terms = [_numerator(term, e) for term in (t.inputs if both else (t,))]
        found = [term for term in terms if term is not None]
        if len(found) == len(terms):
            products = [x * Softmax(axes)(*e.inputs) for x, axes in found]
            return t.operation(*products) if both else products[0]
    return None


def _numerator(term: Variable, e: Variable) -> tuple[Variable, tuple[int, ...]] | None:
    """Return x and the axes, if the term is x / s, and s the sum of ``e`` over them."""
    term = unrepeated(term)
    if is_a(term, ExpandDims, Reshape) and is_a(term.inputs[0], el.Divide):
        ratio = term.inputs[0]
        if any(U.ndim and U.shape != ratio.shape for U in ratio.inputs):
            return None
        x, s = (computed_by(term)(U) if U.ndim else U for U in ratio.inputs)
    elif is_a(term, el.Divide):
        x, s = term.inputs
    else:
        return None
    axes = summed_over(s, e)
    return (x, axes) if axes else None


@rule(el.Multiply)
def log_softmax_gradient(V):
    """q * (a / q - b) = a - q * b, where q is a softmax: the gradient of its logarithm"""
    for q, t in (V.inputs, V.inputs[::-1]):
        if not (is_a(q, Softmax) and is_a(t, el.Add, el.Subtract)):
            continue
        over_q = [is_a(U, el.Divide) and U.inputs[1] is q and U.shape == V.shape for U in t.inputs]
        if any(over_q):
            terms = zip(t.inputs, over_q, strict=True)
            return t.operation(*(U.inputs[0] if over else q * U for U, over in terms))
    return None


@rule(el.Subtract)
def minus_what_sums_to_one(V):
    """q * sum(p) - p = q - p, where p = one_hot(y)"""
    a, p = V.inputs
    if not (is_a(p, OneHot) and is_a(a, el.Multiply)):
        return None
    for q, s in (a.inputs, a.inputs[::-1]):
        if summed_from(without_shape(s), p) == (p.ndim - 1,):
            return q - p
    return None
