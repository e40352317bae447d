"""What an operation gives, and what its gradients are: by the library, and by PyTorch."""

import numpy as np
from examples import result_of
from numpy.testing import assert_allclose
from optional import torch

import dlbook as dl

CUBE = np.sin(np.arange(24.0)).reshape(2, 3, 4)
MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]])
X_VALUE = np.array([1.0, -2.0, 3.0])
A23, B23, C3, M = (
    dl.variable("A", (2, 3)),
    dl.variable("B", (2, 3)),
    dl.variable("c", (3,)),
    dl.variable("M", (None, 3)),
)


def interpret(outputs, values):
    """Compute variables in the plainest way: one f after the other."""
    table = dict(values)
    for V in dl.Graph(outputs):
        if V not in table:
            table[V] = result_of(V.operation, [table[U] for U in V.inputs])
    return [np.asarray(table[V]) for V in outputs]


def assert_shape_fits(shape, inferred):
    assert len(shape) == len(inferred)
    assert all(said in (None, size) for size, said in zip(shape, inferred, strict=True))


def bprop_values(example, G_value):
    """The gradients that bprop gives for each input that has one; zeros where it says None."""
    variables = example.variables()
    G = dl.variable("G", example.operation(*variables).shape, G_value.dtype)
    gradients = [example.operation.bprop(variables, variables[i], G) for i in example.wanted]
    for i, gradient in zip(example.wanted, gradients, strict=True):
        assert gradient is None or gradient.shape == variables[i].shape
    program = dl.compile([g for g in gradients if g is not None], [*variables, G])
    values = iter(program(*example.arrays, G_value))
    return [
        np.zeros_like(example.arrays[i]) if gradient is None else next(values)
        for i, gradient in zip(example.wanted, gradients, strict=True)
    ]


def torch_inputs(example):
    tensors = [torch.from_numpy(array.copy()) for array in example.arrays]
    for i in example.wanted:
        tensors[i].requires_grad_()
    return tensors, [tensors[i] for i in example.wanted]


def torch_grad(outputs, wanted, **more):
    return torch.autograd.grad(outputs, wanted, allow_unused=True, materialize_grads=True, **more)


def torch_gradients(example, G):
    tensors, wanted = torch_inputs(example)
    if not wanted:
        return []
    zero = sum(0 * tensor.sum() for tensor in wanted)  # so that all take part
    z = (example.f(*tensors) * torch.from_numpy(G)).sum() + zero
    return [gradient.numpy() for gradient in torch_grad(z, wanted)]


def value_of(output, values):
    return dl.evaluate(output, values)


def gradient_at(make, value):
    """The gradient of the sum of what is made; forward mode has to say the same."""
    x = dl.variable("x", np.shape(value), np.asarray(value).dtype)
    z = dl.sum(make(x))
    gradient = value_of(dl.backprop([x], z)[x], {x: value})
    forward = value_of(dl.jvp(z, {x: np.ones_like(value)}), {x: value})
    assert_allclose(forward, np.sum(gradient), rtol=1e-12, atol=1e-12)
    return gradient
