"""Random graphs over most operations of the library, built twice: of variables, and of tensors.

Each step below takes two nodes that are there already and a number to choose by, and makes one
more, with PyTorch's own function beside dlbook's; ``None`` if it does not fit these nodes. What is
not smooth is left out close to its kinks: there rounding would decide.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from hypothesis import strategies as st
from optional import torch

import dlbook as dl

F = torch.nn.functional

EXAMPLES = 5  # no other size is equal to it, so that it can be hidden as None
LEAVES = {
    "X": (EXAMPLES, 3), "v": (EXAMPLES,), "W": (3, 3), "c": (3,), "d": (3, 1), "s": (),
    "T": (2, 1, 3),
}  # fmt: skip
LABELS = np.array([0, 1, 1, 0, 1])
LARGEST = 4.0  # values beyond this are made smaller, or derivatives would explode
KINK = 1e-3


@dataclass(frozen=True, eq=False)
class Node:
    """A variable and its twin."""

    variable: dl.Variable
    tensor: torch.Tensor

    @property
    def shape(self):
        return self.variable.shape

    @property
    def ndim(self):
        return len(self.shape)


@dataclass(frozen=True)
class Twins:
    """A random graph: its leaves, and all nodes, the leaves among them.

    ``y`` holds the labels, an input of integers.
    """

    leaves: list[Node]
    y: dl.Variable
    nodes: list[Node]

    @property
    def inputs(self):
        return [*(leaf.variable for leaf in self.leaves), self.y]

    @property
    def values(self):
        return [*(leaf.tensor.detach().numpy().copy() for leaf in self.leaves), LABELS.copy()]

    @property
    def ours(self):
        return [node.variable for node in self.nodes]

    @property
    def theirs(self):
        return [node.tensor for node in self.nodes]

    def scalar(self):
        """Return one number, twice, that depends on every node."""
        z = [sum(lib.mean(V * (0.5 + V)) for V in nodes) for lib, nodes in self._both()]
        return z[0].named("z"), z[1]

    def _both(self):
        return (dl, self.ours), (torch, self.theirs)


# --- What a step asks --------------------------------------------------------------------------


def both(f, *nodes):
    """Apply what is written the same way for variables and for tensors."""
    return f(*(node.variable for node in nodes)), f(*(node.tensor for node in nodes))


def fit(*nodes):
    """Whether the nodes can be broadcast, as far as is known before the graph runs."""
    for sizes in zip(*(backwards(node.shape, 4) for node in nodes), strict=True):
        if len(set(sizes) - {1}) > 1:
            return False
    return True


def backwards(shape, ndim):
    return [*reversed(shape), *[1] * ndim][: max(ndim, len(shape))]


def fixed(node):
    return None not in node.shape


def away_from(node, *points):
    return all((node.tensor - point).abs().min() > KINK for point in points)


def apart(a, b):
    return fit(a, b) and (a.tensor - b.tensor).abs().min() > KINK


def no_tie(node, axes):
    """Whether the largest and the second largest entry along the axes are apart."""
    rest = [axis for axis in range(node.ndim) if axis not in axes]
    rows = node.tensor.permute(*rest, *axes).flatten(len(rest))
    if rows.shape[-1] == 1:
        return True
    top = rows.topk(2, dim=-1).values
    return bool((top[..., 0] - top[..., 1]).min() > KINK)


def some_axes(node, k):
    """Choose some of the axes, at least one; as tuple, and as one may also write it."""
    axes = tuple(a for a in range(node.ndim) if (k % (2**node.ndim - 1) + 1) >> a & 1)
    if len(axes) == node.ndim:
        return axes, None
    return axes, axes[0] - node.ndim if len(axes) == 1 else axes


def sized(shape):
    return tuple(EXAMPLES if size is None else size for size in shape)


def fixed_axis(node, k):
    """Choose an axis whose size is known; None if there is none."""
    axes = [axis for axis, size in enumerate(node.shape) if size is not None]
    return axes[k % len(axes)] if axes else None


# --- Entry by entry ----------------------------------------------------------------------------

# Written the same way for both.
OPERATORS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (b * b + 1),
    "power of a variable": lambda a, b: (a * a + 0.5) ** b,
    "product of sums": lambda a, b: (a + b) * (a - 2 * b),
    "same twice": lambda a, b: a * a - 0.5 * a,
    "a number first": lambda a, b: 1.5 - a,
    "a number divided": lambda a, b: 2 / (a * a + 1),
    "power of a number": lambda a, b: 1.3**a,
    "negate": lambda a, b: -a,
    "square": lambda a, b: a**2,
    "cube": lambda a, b: a**3,
    "root": lambda a, b: (a * a + 0.3) ** 0.5,
    "negative power": lambda a, b: (a * a + 0.6) ** -1.5,
}
# dlbook's, PyTorch's, and where there are kinks.
FUNCTIONS = {
    "exp": (dl.exp, torch.exp, ()),
    "log": (lambda a: dl.log(a * a + 0.4), lambda a: torch.log(a * a + 0.4), ()),
    "log1p": (lambda a: dl.log1p(a * a), lambda a: torch.log1p(a * a), ()),
    "sqrt": (lambda a: dl.sqrt(dl.square(a) + 1), lambda a: torch.sqrt(a * a + 1), ()),
    "sin": (dl.sin, torch.sin, ()),
    "cos": (dl.cos, torch.cos, ()),
    "tanh": (dl.tanh, torch.tanh, ()),
    "sigmoid": (dl.sigmoid, torch.sigmoid, ()),
    "softplus": (dl.softplus, F.softplus, ()),
    "abs": (dl.abs, torch.abs, (0,)),
    "sign": (lambda a: a * dl.sign(a), torch.abs, (0,)),
    "relu": (dl.relu, torch.relu, (0,)),
    "step": (lambda a: a * dl.heaviside(a), torch.relu, (0,)),
    "leaky relu": (lambda a: dl.leaky_relu(a, 0.1), lambda a: F.leaky_relu(a, 0.1), (0,)),
    "hard tanh": (dl.hard_tanh, F.hardtanh, (-1, 1)),
    "clip": (lambda a: dl.clip(a, -0.5, 2), lambda a: torch.clip(a, -0.5, 2), (-0.5, 2)),
    "sigmoid by hand": (lambda a: 1 / (1 + dl.exp(-a)), torch.sigmoid, ()),
    "softplus by hand": (lambda a: dl.log(1 + dl.exp(a)), F.softplus, ()),
    "log of sigmoid": (lambda a: dl.log(dl.sigmoid(a)), F.logsigmoid, ()),
    "log of exp": (lambda a: dl.log(dl.exp(a)) * a, torch.square, ()),
    "inner product": (lambda a: dl.sum(a * a) * 0.2, lambda a: torch.sum(a * a) * 0.2, ()),
}


def _operator(f):
    return lambda a, b, k: both(f, a, b) if fit(a, b) else None


def _function(ours, theirs, kinks):
    def make(a, b, k):
        return (ours(a.variable), theirs(a.tensor)) if away_from(a, *kinks) else None

    return make


STEPS = {
    **{name: _operator(f) for name, f in OPERATORS.items()},
    **{name: _function(*functions) for name, functions in FUNCTIONS.items()},
}


def step(make):
    """Enter the function below among the steps."""
    STEPS[make.__name__.replace("_", " ")] = make
    return make


@step
def maximum(a, b, k):
    if not apart(a, b):
        return None
    ours, theirs = [(dl.maximum, torch.maximum), (dl.minimum, torch.minimum)][k % 2]
    return ours(a.variable, b.variable), theirs(a.tensor, b.tensor)


@step
def where(a, b, k):
    if not apart(a, b):
        return None
    return [
        lib.where(x > y, x * y, y) if k % 2 else lib.where(x <= y, x, 0.5)
        for lib, x, y in [(dl, a.variable, b.variable), (torch, a.tensor, b.tensor)]
    ]


@step
def parametric_relu(a, b, k):
    if not (fit(a, b) and away_from(a, 0)):
        return None
    x, alpha = a.tensor, b.tensor
    return dl.parametric_relu(a.variable, b.variable), torch.where(x > 0, x, alpha * x)


@step
def mask(a, b, k):
    """Where a comparison counts as constant, it may be a factor."""
    if not apart(a, b):
        return None
    ours = a.variable * dl.stop_gradient((a.variable > b.variable).astype(np.float64))
    return ours, a.tensor * (a.tensor > b.tensor).double()


@step
def stop_gradient(a, b, k):
    if not fit(a, b):
        return None
    return a.variable * dl.stop_gradient(b.variable), a.tensor * b.tensor.detach()


@step
def binary_cross_entropy(a, b, k):
    if a.variable.shape != b.variable.shape:
        return None
    p = torch.sigmoid(b.tensor)
    # Some logits have come out of a sigmoid; of a product the graph does not know that.
    ours = dl.binary_cross_entropy(a.variable * 1.0, dl.sigmoid(b.variable))
    return ours, F.binary_cross_entropy_with_logits(a.tensor, p, reduction="none")


# --- Over axes ---------------------------------------------------------------------------------

REDUCTIONS = {
    "sum": (dl.sum, torch.sum),
    "mean": (dl.mean, torch.mean),
    "max": (dl.max, torch.amax),
    "min": (dl.min, torch.amin),
    "logsumexp": (dl.logsumexp, torch.logsumexp),
}


def _reduction(name, ours, theirs):
    def make(a, b, k):
        if not a.ndim:
            return None
        axes, written = some_axes(a, k)
        negative = Node(a.variable, -a.tensor)
        if name in ("max", "min") and not no_tie(a if name == "max" else negative, axes):
            return None
        keep = k % 3 == 0
        return ours(a.variable, written, keep), theirs(a.tensor, axes, keep)

    return make


STEPS.update({name: _reduction(name, *pair) for name, pair in REDUCTIONS.items()})


@step
def centred(a, b, k):
    """Entries less their mean, divided by their length, as in normalisation."""
    if not a.ndim:
        return None
    axes, written = some_axes(a, k)
    x, t = a.variable, a.tensor
    x, t = x - x.mean(written, True), t - t.mean(axes, True)
    length = dl.sqrt(dl.sum(x * x, written, True) + 0.5)
    return x / length, t / torch.sqrt((t * t).sum(axes, True) + 0.5)


def log_softmax_of(t, axes):
    return t - torch.logsumexp(t, axes, True)


@step
def softmax(a, b, k):
    if not a.ndim:
        return None
    axes, _ = some_axes(a, k)
    return dl.softmax(a.variable, axes), log_softmax_of(a.tensor, axes).exp()


@step
def log_softmax(a, b, k):
    if not a.ndim:
        return None
    axes, _ = some_axes(a, k)
    ours = dl.log_softmax(a.variable, axes) if k % 2 else dl.log(dl.softmax(a.variable, axes))
    return ours, log_softmax_of(a.tensor, axes)


@step
def softmax_by_hand(a, b, k):
    if not a.ndim:
        return None
    axes, _ = some_axes(a, k)
    e = dl.exp(a.variable)
    q = e / dl.sum(e, axes, True)
    theirs = log_softmax_of(a.tensor, axes)
    return (dl.log(q), theirs) if k % 2 else (q, theirs.exp())


@step
def logsumexp_by_hand(a, b, k):
    if not a.ndim:
        return None
    axes, written = some_axes(a, k)
    ours = dl.log(dl.sum(dl.exp(a.variable), written))
    return ours, torch.logsumexp(a.tensor, axes)


def _labels(a, y):
    """Return labels for the rows of ``a``, as ours and as a tensor."""
    if a.ndim < 1 or a.shape[-1] in (None, 1):
        return None
    if a.shape[:-1] == y.shape:
        return y, torch.from_numpy(LABELS)
    if None in a.shape:
        return None
    values = 7 * np.arange(int(np.prod(a.shape[:-1]))) % a.shape[-1]
    values = values.reshape(a.shape[:-1])
    return dl.constant(values), torch.from_numpy(values)


def cross_entropy(a, y, k):
    labels = _labels(a, y)
    if labels is None:
        return None
    classes, z = a.shape[-1], a.variable * 1.0  # of a product the graph does not know what it is
    if classes == 1:
        return None
    theirs = F.cross_entropy(a.tensor.reshape(-1, classes), labels[1].reshape(-1), reduction="none")
    if k % 3 == 0:
        ours = dl.cross_entropy(z, labels[0])
    elif k % 3 == 1:
        ours = -dl.sum(dl.one_hot(labels[0], classes) * dl.log_softmax(z), -1)
    else:  # Equation 6.57
        q = dl.exp(z) / dl.sum(dl.exp(z), -1, keepdims=True)
        ours = -dl.sum(dl.one_hot(labels[0], classes) * dl.log(q), -1)
    return ours, theirs.reshape(a.tensor.shape[:-1])


@step
def cross_entropy_with_probabilities(a, b, k):
    if not a.ndim or a.shape != b.shape or a.shape[-1] is None:
        return None
    ours = dl.cross_entropy(a.variable * 1.0, dl.softmax(b.variable))
    return ours, -(torch.softmax(b.tensor, -1) * torch.log_softmax(a.tensor, -1)).sum(-1)


@step
def maxout(a, b, k):
    if not a.ndim or a.shape[-1] is None or a.shape[-1] % 2:
        return None
    groups = a.tensor.reshape(*a.tensor.shape[:-1], -1, 2)
    if not no_tie(Node(dl.variable("groups", groups.shape), groups), (groups.ndim - 1,)):
        return None
    return dl.maxout(a.variable, 2), groups.amax(-1)


# --- Shapes and parts --------------------------------------------------------------------------


@step
def transpose(a, b, k):
    orders = list(permutations(range(a.ndim)))
    axes = orders[k % len(orders)]
    return (dl.transpose(a.variable, *axes) if axes else a.variable.T), a.tensor.permute(axes)


@step
def reshape(a, b, k):
    known = int(np.prod([size for size in a.shape if size is not None]))
    if fixed(a):
        shapes = [(known,), (1, known), (*a.shape, 1), tuple(reversed(a.shape))]
    elif a.shape.count(None) == 1:
        shapes = [(None, known), (known, None), (None, 1, known)]
    else:
        return None
    shape = shapes[k % len(shapes)]
    return a.variable.reshape(shape), a.tensor.reshape(sized(shape))


@step
def broadcast_to(a, b, k):
    shape = (2, *a.shape)
    return dl.broadcast_to(a.variable, shape), a.tensor.expand(sized(shape))


@step
def broadcast_like(a, b, k):
    if not fit(a, b) or a.ndim > b.ndim or any(s == 1 for s in b.shape):
        return None
    return dl.broadcast_like(a.variable, b.variable), a.tensor.expand(b.tensor.shape)


@step
def index(a, b, k):
    if not a.ndim:
        return both(lambda x: x[None], a)
    axis = k % a.ndim
    items = [0, -1, slice(None), slice(None, None, None)]
    if a.shape[axis] is not None:
        items = [k % a.shape[axis], -1, slice(0, 1), slice(None, None, 2), slice(-2, None), None]
    key = (*[slice(None)] * axis, items[k // 7 % len(items)])
    if k % 3 == 0:
        key = (..., *key[axis:]) if axis == a.ndim - 1 else key
    return both(lambda x: x[key], a)


@step
def take(a, b, k):
    """Integer arrays: one place may be taken several times."""
    if not a.ndim:
        return None
    axis = k % a.ndim
    size = a.shape[axis] or 2  # there are at least two examples
    indices = np.array([0, size - 1, 0, k % size])[: 3 + k % 2]
    if k % 5 == 0:
        indices = indices[None]
    key = (*[slice(None)] * axis, torch.from_numpy(indices))
    return dl.take(a.variable, indices, axis), a.tensor[key]


@step
def pairs_of_indices(a, b, k):
    if a.ndim < 2:
        return None
    sizes = [size or 2 for size in a.shape[:2]]
    rows, columns = (np.array([0, size - 1, k % size, 0]) for size in sizes)
    return a.variable[rows, columns], a.tensor[torch.from_numpy(rows), torch.from_numpy(columns)]


@step
def take_along_axis(a, b, k):
    """The entries of one where another one is largest."""
    if not a.ndim or a.shape != b.shape:
        return None
    axis = k % a.ndim
    if not no_tie(b, (axis,)):
        return None
    place = dl.argmax(b.variable, axis)
    key = (*[slice(None)] * axis, None)
    ours = dl.take_along_axis(a.variable, place[key], axis)
    return ours, torch.take_along_dim(a.tensor, b.tensor.argmax(axis, keepdim=True), axis)


@step
def max_and_index(a, b, k):
    if not a.ndim or not no_tie(a, (k % a.ndim,)):
        return None
    largest, _ = dl.max_and_index(a.variable, k % a.ndim)
    return largest, a.tensor.max(k % a.ndim).values


@step
def concatenate(a, b, k):
    axis = fixed_axis(a, k)
    if axis is None:
        return None
    second = b if a.shape == b.shape else Node(*both(lambda x: x * 0.5, a))
    ours = dl.concatenate([a.variable, second.variable, a.variable], axis)
    return ours, torch.cat([a.tensor, second.tensor, a.tensor], axis)


@step
def stack(a, b, k):
    second = b if a.shape == b.shape else Node(*both(lambda x: -x, a))
    axis = k % (a.ndim + 1)
    ours = dl.stack([a.variable, second.variable], axis)
    return ours, torch.stack([a.tensor, second.tensor], axis)


# --- Matrices ----------------------------------------------------------------------------------


@step
def matmul(a, b, k):
    if not (a.ndim and b.ndim and a.shape[-1] == b.shape[max(b.ndim - 2, 0)]):
        return None
    stacks = [Node(dl.variable("stack", node.shape[:-2]), None) for node in (a, b)]
    return both(lambda x, y: x @ y, a, b) if fit(*stacks) else None


@step
def gram(a, b, k):
    return both(lambda x: x.T @ x if k % 2 else x @ x.T, a) if a.ndim == 2 else None


def _covariance(a):
    """Return a positive definite matrix made of ``a``, twice."""
    n = a.shape[0]
    return [x @ x.T + eye for x, eye in [(a.variable, np.eye(n)), (a.tensor, torch.eye(n))]]


@step
def cholesky(a, b, k):
    if a.ndim != 2 or a.shape[0] is None:
        return None
    ours, theirs = _covariance(a)
    return dl.cholesky(ours), torch.linalg.cholesky(theirs)


@step
def solve_triangular(a, b, k):
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] is None or a.shape[0] != b.shape[0]:
        return None
    ours, theirs = _covariance(a)
    L = torch.linalg.cholesky(theirs)
    ours = dl.solve_triangular(dl.cholesky(ours), b.variable, transposed=bool(k % 2))
    return ours, torch.linalg.solve_triangular(L.mT if k % 2 else L, b.tensor, upper=bool(k % 2))


# --- Graphs ------------------------------------------------------------------------------------

NAMES = sorted([*STEPS, "cross entropy"])


def recipes(smallest=5, largest=50):
    """Draw what to do: for each step its name, two nodes to take, and a number to choose by."""
    number = st.integers(0, 999)
    one = st.tuples(st.sampled_from(NAMES), number, number, number)
    sizes = st.integers(smallest, largest)
    return sizes.flatmap(lambda n: st.lists(one, min_size=n, max_size=n))


def grow(recipe, rng, hidden):
    """Build the random graph of a recipe; ``hidden`` says whether the examples are a None."""
    shapes = {
        name: tuple(None if hidden and size == EXAMPLES else size for size in shape)
        for name, shape in LEAVES.items()
    }
    y = dl.variable("y", (None,) if hidden else (EXAMPLES,), np.int64)
    leaves = [
        Node(dl.variable(name, shape), torch.tensor(rng.uniform(-2, 2, sized(shape))))
        for name, shape in shapes.items()
    ]
    for leaf in leaves:
        leaf.tensor.requires_grad_()
    nodes = list(leaves)
    for name, i, j, k in recipe:
        a = nodes[-1 - i % min(8, len(nodes))]  # mostly of the latest ones, so that it gets deep
        b = nodes[j % len(nodes)]
        made = cross_entropy(a, y, k) if name == "cross entropy" else STEPS[name](a, b, k)
        if made is None or made[1].numel() > 200 or made[1].ndim > 4:
            made = both(lambda x: 0.7 * x * x - x, a)
        nodes.append(tamed(*made))
    return Twins(leaves, y, nodes)


def tamed(variable, tensor):
    """Make a node, smaller if its values are large."""
    largest = tensor.detach().abs().max().item()
    if largest > LARGEST:
        factor = 2.0 ** -np.ceil(np.log2(largest / 2))
        variable, tensor = variable * float(factor), tensor * float(factor)
    assert variable.dtype == np.float64
    assert tensor.dtype == torch.float64
    assert sized(variable.shape) == tuple(tensor.shape)
    return Node(variable, tensor)
