"""Section 6.5: the graphs of Figures 6.8 to 6.11, each built by the library and then drawn.

Look at :func:`chain` and :func:`symbol_to_symbol` first. A function in the first half builds a
graph and returns its variables by their names, to compute with; one in the second half draws such
variables. Nothing is drawn by hand: what is not in a graph is not in its picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from array_api_compat import array_namespace

from dlbook.backpropagation import backprop
from dlbook.figures.graphs import draw_panels, graph_panel
from dlbook.figures.style import Drawing
from dlbook.graph import Graph, Variable, variable
from dlbook.operations import cross_entropy, mean, relu, sigmoid, square
from dlbook.operations.elementwise import Elementwise
from dlbook.programs.simplify import simplify

Variables = dict[str, Variable]


class F(Elementwise):
    """A function f of which a drawing tells nothing, and its derivatives f', f'', ...

    Figures 6.9 and 6.10 hold for any function; this one is the sine, so that they can be run.
    """

    kinds = "f"

    def __init__(self, order: int = 0):
        self.order = order

    # Fixed for every other operation, here of the derivative's order.
    @property
    def name(self) -> str:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        return "f" + "'" * self.order

    @property
    def symbol(self) -> str:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        return f"${self.name}$"

    def f(self, a):
        return array_namespace(a).sin(a + self.order * np.pi / 2)  # each derivative is a shift

    def times_slope(self, inputs, X, G):
        return G * F(self.order + 1)(X)


some_f = F()


# --- The graphs --------------------------------------------------------------------------------


def product() -> Variables:
    """Build z = x y (Figure 6.8a)."""
    x, y = variable("x", ()), variable("y", ())
    return _by_name(x, y, (x * y).named("z"))


def logistic_regression(in_size: int = 3) -> Variables:
    """Build the prediction of logistic regression for one example (Figure 6.8b)."""
    x, w, b = variable("x", (in_size,)), variable("w", (in_size,)), variable("b", ())
    u1 = (x @ w).named("u(1)")
    u2 = (u1 + b).named("u(2)")
    return _by_name(x, w, b, u1, u2, sigmoid(u2).named("y_hat"))


def relu_layer(in_size: int = 3, units: int = 4) -> Variables:
    """Build a layer of rectified linear units for a minibatch (Figure 6.8c)."""
    X, W, b = (
        variable("X", (None, in_size)),
        variable("W", (in_size, units)),
        variable("b", (units,)),
    )
    U1 = (X @ W).named("U(1)")
    U2 = (U1 + b).named("U(2)")
    return _by_name(X, W, b, U1, U2, relu(U2).named("H"))


def weight_decay(in_size: int = 3) -> Variables:
    """Build a linear prediction and the penalty on its weights, which both need w (Figure 6.8d)."""
    x, w, penalty = variable("x", (in_size,)), variable("w", (in_size,)), variable("lambda", ())
    y_hat = (x @ w).named("y_hat")
    u1 = square(w).named("u(1)")
    u2 = u1.sum().named("u(2)")
    return _by_name(x, w, penalty, y_hat, u1, u2, (penalty * u2).named("u(3)"))


def chain(f: Callable[[Variable], Variable] = some_f) -> Variables:
    """Build x = f(w), y = f(x), z = f(y) (Figure 6.9).

    Parameters
    ----------
    f : function of Variable, optional
        By default one whose derivative is a single operation, too, called f'.
    """
    w = variable("w", ())
    x = f(w).named("x")
    y = f(x).named("y")
    return _by_name(w, x, y, f(y).named("z"))


def mlp(in_size: int = 4, hidden: int = 5, classes: int = 3) -> Variables:
    """Build the cost of a multilayer perceptron with weight decay (Equation 6.56, Figure 6.11).

    The library's ``cross_entropy`` gives one cost for each example, and J_MLE is their mean; in
    the book's figure the two are one operation.
    """
    X, y, penalty = (
        variable("X", (None, in_size)),
        variable("y", (None,), int),
        variable("lambda", ()),
    )
    W1, W2 = variable("W(1)", (in_size, hidden)), variable("W(2)", (hidden, classes))
    U1 = (X @ W1).named("U(1)")
    H = relu(U1).named("H")
    U2 = (H @ W2).named("U(2)")
    J_MLE = mean(cross_entropy(U2, y)).named("J_MLE")
    U3, U5 = square(W1).named("U(3)"), square(W2).named("U(5)")
    u4, u6 = U3.sum().named("u(4)"), U5.sum().named("u(6)")
    u7 = (u4 + u6).named("u(7)")
    u8 = (penalty * u7).named("u(8)")
    J = (J_MLE + u8).named("J")
    return _by_name(X, y, W1, W2, penalty, U1, H, U2, J_MLE, U3, u4, U5, u6, u7, u8, J)


def simplified_gradient(
    z: Variable, targets: Iterable[Variable]
) -> tuple[Variable, dict[Variable, Variable]]:
    """Return ``z`` and its gradient on each target, both simplified together.

    Back-propagation starts with a factor of 1 and repeats numbers to the shapes that it needs;
    a person who draws a gradient leaves that out. The targets are part of the new graph as well.
    """
    gradients = backprop(targets, z)
    z, *others = simplify([z, *gradients, *gradients.values()])
    return z, dict(zip(others[: len(gradients)], others[len(gradients) :], strict=True))


def _by_name(*variables: Variable) -> Variables:
    return {V.name: V for V in variables}


# --- The figures -------------------------------------------------------------------------------


def examples(shapes: bool = False, graphs: Iterable[Variables] = ()) -> Drawing:
    """Draw four formulas as graphs (Figure 6.8).

    Parameters
    ----------
    shapes : bool
        Whether to write each variable's shape below it.
    graphs : iterable of four dict of str to Variable, optional
        What :func:`product`, :func:`logistic_regression`, :func:`relu_layer` and
        :func:`weight_decay` return; by default they are built here.
    """
    titles = (
        "(a)  $z = xy$",
        r"(b)  $\hat{y} = \sigma(\mathbfit{x}^\top \mathbfit{w} + b)$",
        r"(c)  $\mathbfit{H} = \max\{0, \mathbfit{X}\mathbfit{W} + \mathbfit{b}\}$",
        r"(d)  $\hat{y} = \mathbfit{x}^\top \mathbfit{w}$  and  $\lambda \sum_i w_i^2$",
    )
    a, b, c, d = graphs or (product(), logistic_regression(), relu_layer(), weight_decay())
    outputs = ([a["z"]], [b["y_hat"]], [c["H"]], [d["y_hat"], d["u(3)"]])
    panels = [graph_panel(V, shapes, title=t) for V, t in zip(outputs, titles, strict=True)]
    for panel in panels:
        panel.alt = f"{panel.title[:3]} {panel.alt}"
    return draw_panels(panels, columns=2)


def repeated(variables: Variables, shapes: bool = False) -> Drawing:
    """Draw the chain of which the gradient needs some values again and again (Figure 6.9).

    Parameters
    ----------
    variables : dict of str to Variable
        What :func:`chain` returns.
    shapes : bool
        Whether to write each variable's shape below it.
    """
    return draw_panels([graph_panel(variables["z"], shapes)])


def symbol_to_symbol(variables: Variables, shapes: bool = False) -> Drawing:
    """Draw the chain, and again with what back-propagation adds to it (Figure 6.10).

    Parameters
    ----------
    variables : dict of str to Variable
        What :func:`chain` returns.
    shapes : bool
        Whether to write each variable's shape below it.
    """
    w, x, y, z = (variables[name] for name in "wxyz")
    end, gradients = simplified_gradient(z, [y, x, w])
    for C in Graph(end):
        for V in Graph(gradients.values()):
            if V.operation == F(1) and V.inputs == C.inputs and V not in gradients.values():
                V.named(f"d{C.name}/d{V.inputs[0].name}")
    right = graph_panel(end, shapes, gradients, title="with $dz/dw$")
    left = replace(right, title="$z = f(f(f(w)))$", hide_gradient=True, alt=graph_panel(z).alt)
    left.alt, right.alt = f"Left: {left.alt}", f"Right: {right.alt}"
    return draw_panels([left, right], columns=2)


def mlp_cost(variables: Variables, gradients: bool = False, shapes: bool = False) -> Drawing:
    """Draw the cost of a multilayer perceptron (Figure 6.11), on demand with its gradient.

    Parameters
    ----------
    variables : dict of str to Variable
        What :func:`mlp` returns.
    gradients : bool
        Whether to draw the gradients on the weights as well, and on the layers on the way to
        them: what the book finds too tedious to draw (Section 6.5.7).
    shapes : bool
        Whether to write each variable's shape below it.
    """
    J = variables["J"]
    if not gradients:
        return draw_panels([graph_panel(J, shapes)])
    targets = [variables[name] for name in ("W(1)", "W(2)", "U(1)", "H", "U(2)")]
    J, on_targets = simplified_gradient(J, targets)
    return draw_panels([graph_panel(J, shapes, on_targets)])
