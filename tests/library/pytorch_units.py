"""The hidden units of section 6.3 as PyTorch has them."""

from optional import torch

F = torch.nn.functional

# PyTorch has no maxout and no radial basis functions; its softplus is linear from a threshold on.
PYTORCH = {
    "relu": F.relu,
    "absolute value": torch.abs,
    "leaky relu": lambda z: F.leaky_relu(z, 0.01),
    "parametric relu": F.prelu,
    "maxout(2)": lambda z: z.reshape(*z.shape[:-1], -1, 2).amax(-1),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "identity": lambda z: z,
    "cos": torch.cos,
    "softmax": lambda z: torch.softmax(z, -1),
    "rbf": lambda distances, sigma: torch.exp(-distances / sigma**2),
    "softplus": lambda z: F.softplus(z, threshold=1000),
    "hard tanh": F.hardtanh,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
}
