"""Chapter 6 of *Deep Learning*, Deep Feedforward Networks, as a library.

The modules follow the chapter: each one's first line says which section it is.
"""

from dlbook import (
    costs,
    datasets,
    distributions,
    hidden_units,
    layerwise,
    operations,
    output_units,
    scalar_graph,
)
from dlbook.backpropagation import backprop, build_grad
from dlbook.derivatives import grad, hessian, hessian_operator, hvp, jacobian, value_and_grad
from dlbook.forward_mode import jvp
from dlbook.graph import Graph, Variable, get_consumers, get_inputs, get_operation, variable
from dlbook.krylov import conjugate_gradients, lanczos
from dlbook.network import MLP, Layer, LocallyConnected, LowRank, Network
from dlbook.operations import *  # noqa: F403  (the operations are functions of the package)
from dlbook.optimizers import Adam, GradientClipping, GradientDescent, Momentum
from dlbook.programs.compiling import compile, evaluate
from dlbook.programs.program import Program
from dlbook.programs.simplify import simplify
from dlbook.saving import load, save
from dlbook.training import Trained, TrainingDiverged, minimize, train
from dlbook.waiting import progress

__all__ = [
    "MLP",
    "Adam",
    "GradientClipping",
    "GradientDescent",
    "Graph",
    "Layer",
    "LocallyConnected",
    "LowRank",
    "Momentum",
    "Network",
    "Program",
    "Trained",
    "TrainingDiverged",
    "Variable",
    "backprop",
    "build_grad",
    "compile",
    "conjugate_gradients",
    "costs",
    "datasets",
    "distributions",
    "evaluate",
    "get_consumers",
    "get_inputs",
    "get_operation",
    "grad",
    "hessian",
    "hessian_operator",
    "hidden_units",
    "hvp",
    "jacobian",
    "jvp",
    "lanczos",
    "layerwise",
    "load",
    "minimize",
    "output_units",
    "progress",
    "save",
    "scalar_graph",
    "simplify",
    "train",
    "value_and_grad",
    "variable",
]
__all__ += operations.__all__
