"""Rules for the claims of sections 6.5.9 and 6.5.10: other orders, and second derivatives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlbook.claims.judging import judges, listed, share

NEAR = 1e-4  # an approximation that has converged


@judges("claim-6-5-f")
def forward_or_reverse(
    counted: Mapping[tuple[int, ...], np.ndarray],
    inputs: int,
    fewer: np.ndarray,
    cheaper: np.ndarray,
) -> tuple[str, str, str]:
    """The book: where there are more outputs than inputs, forward mode is sometimes to be
    preferred. Of a product of Jacobians it says without "sometimes": if the first matrix has fewer
    rows than the last has columns, it is cheaper to multiply from the left, as forward mode does.

    Holds if forward mode takes fewer multiply-adds in some network that has more outputs than
    inputs, and in every product drawn whose first matrix has fewer rows than its last has columns.
    In part if that is so of networks, but not of every such product. It did not show if forward
    mode is cheaper in no network with more outputs than inputs.

    Parameters
    ----------
    counted : dict from the widths of hidden layers to an array of shape (numbers of outputs, 3)
        Outputs, and multiply-adds of a whole Jacobian in forward and in reverse mode.
    inputs : int
        The number of inputs.
    fewer, cheaper : arrays of bools of shape (products,)
        Of random products of four matrices: whether the first has fewer rows than the last has
        columns, and whether it takes fewer multiply-adds from the left than from the right.
    """
    outputs, ahead, back = np.concatenate([*counted.values()]).T
    more, wins = outputs > inputs, ahead < back
    exceptions = bool((fewer & ~cheaper).any())
    verdict = "holds in part" if exceptions else "holds"
    if not (wins & more).any():
        verdict = "did not show"
    text = (
        f"With {inputs} inputs, forward mode takes fewer multiply-adds at {(wins & more).sum()} of "
        f"{more.sum()} larger numbers of outputs, and at {(wins & ~more).sum()} of "
        f"{(~more).sum()} that "
        "are not larger. Of products of four matrices whose first has fewer rows than the last has "
        f"columns, {share((fewer & cheaper).sum(), fewer.sum())} are cheaper from the left: the "
        "sizes "
        f"at the two ends {'do not settle it alone' if exceptions else 'settle it'}."
    )
    widths = listed([listed(hidden) for hidden in counted], "or")
    tried = (
        f"networks with two hidden layers of {widths} units and 1 to {outputs.max()} outputs; "
        f"{fewer.size:,} random products"
    )
    return verdict, text, tried


@judges("claim-6-5-g")
def krylov_methods(
    largest: np.ndarray,
    smallest: np.ndarray,
    solved: np.ndarray,
    products: int,
    iterations: np.ndarray,
    size: int,
) -> tuple[str, str, str]:
    """The book: instead of the Hessian itself one uses Krylov methods, which approximately invert a
    matrix or approximate its eigenvalues, with nothing but products of the matrix and a vector.

    Holds if in all networks tried the largest four eigenvalues and a damped Newton step agree with
    those of the explicit Hessian, to a ten-thousandth, after fewer products than the Hessian has
    columns. In part if one of the two does, or both in some networks. It did not show if neither
    does anywhere. The explicit Hessian comes from differences of gradients, without any such
    product.

    Parameters
    ----------
    largest, smallest : arrays of shape (networks,)
        The largest relative error of the four largest eigenvalues; that of the smallest.
    solved : array of shape (networks,)
        The relative error of a damped Newton step.
    products : int
        Products that gave the eigenvalues.
    iterations : array of shape (networks,)
        Products that gave the Newton step.
    size : int
        The number of parameters.
    """
    found = (largest < NEAR) & (products < size)
    stepped = (solved < NEAR) & (iterations < size)
    verdict = "holds" if found.all() and stepped.all() else "holds in part"
    if not found.any() and not stepped.any():
        verdict = "did not show"
    networks = largest.size
    text = (
        f"In {found.sum()} of {networks} networks {products} products give the four largest "
        "eigenvalues "
        f"to {digits(largest)}; the smallest is then off by up to {smallest.max():.0%}. In "
        f"{stepped.sum()} of {networks}, {iterations.min()} to {iterations.max()} products give "
        "a damped "
        f"Newton step to {digits(solved)}. The whole Hessian takes {size}."
    )
    return verdict, text, f"{networks} networks of {size} parameters, each from a start of its own"


def digits(errors: np.ndarray) -> str:
    """Say how many digits are right where the error is largest, up to six."""
    right = int(np.clip(np.floor(-np.log10(np.nan_to_num(errors.max(), nan=1.0))), 0, 6))
    return f"{right} digit{'s' * (right != 1)}"
