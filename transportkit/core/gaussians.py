"""Optimal transport between centred Gaussians, of covariances (..., D, D)."""

from __future__ import annotations

import torch
from torch import Tensor


def root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt().unsqueeze(-2)) @ vectors.mT


def bures_cost(a: Tensor, b: Tensor) -> Tensor:
    """W2^2 (...) between N(0, a) and N(0, b): tr A + tr B - 2 tr (A^(1/2) B A^(1/2))^(1/2).

    Dowson and Landau 1982. Rounding may leave it a little below 0 where both are nearly one.
    """
    half = root(a)
    cross = torch.linalg.eigvalsh(half @ b @ half).clamp_min(0).sqrt().sum(-1)
    return (a + b).diagonal(dim1=-2, dim2=-1).sum(-1) - 2 * cross
