"""Gaussians under optimal transport, in float64."""

from __future__ import annotations

import torch
from torch import Tensor

_RANK = 1e-12
"""Eigenvalues below this part of the largest count as zero."""


def bures_map(source: Tensor, target: Tensor) -> Tensor:
    """The symmetric A (D, D) whose map x -> A x carries N(0, source) to N(0, target) optimally.

    A = S1^(-1/2) (S1^(1/2) S2 S1^(1/2))^(1/2) S1^(-1/2) (Olkin and Pukelsheim 1982; Peyre and
    Cuturi 2019, remark 2.31), with the pseudo-inverse where the source is degenerate: directions
    in which it has no extent are sent to nothing.
    """
    root, inverse = _power(source, 0.5), _power(source, -0.5)
    return inverse @ _power(root @ target @ root, 0.5) @ inverse


def bures_cost(source: Tensor, target: Tensor) -> Tensor:
    """W2^2 between N(0, source) and N(0, target), a scalar: tr S1 + tr S2 - 2 tr of the root."""
    root = _power(source, 0.5)
    return source.trace() + target.trace() - 2 * _power(root @ target @ root, 0.5).trace()


def covariance(x: Tensor, shrinkage: float | None) -> Tensor:
    """The covariance (D, D) of x (N, D), shrunk towards tr(S)/D times the identity.

    `shrinkage` is the weight of the identity; None estimates the best one (Ledoit and Wolf, "A
    well-conditioned estimator for large-dimensional covariance matrices", JMVA 2004, section 3.3).
    """
    count, dim = x.shape
    x = x - x.mean(0)
    second = x.T @ x / count
    isotropic = second.trace() / dim * torch.eye(dim, dtype=x.dtype, device=x.device)
    weight = torch.tensor(shrinkage or 0.0, dtype=x.dtype, device=x.device)
    if shrinkage is None:
        spread = (second - isotropic).square().sum()
        noise = (x.square().sum(1).square().mean() - second.square().sum()) / count
        weight = torch.where(spread > 0, noise / spread, weight).clamp(0, 1)
    return ((1 - weight) * second + weight * isotropic) * (count / (count - 1))


def _power(s: Tensor, exponent: float) -> Tensor:
    """s^exponent of a positive semi-definite matrix, on its range."""
    values, vectors = torch.linalg.eigh((s + s.T) / 2)
    kept = values > _RANK * values[-1].clamp_min(0)
    raised = torch.where(kept, torch.where(kept, values, 1.0) ** exponent, 0.0)
    return (vectors * raised) @ vectors.T


def power(s: Tensor, exponent: float, least: float, most: float) -> Tensor:
    """s^exponent of a symmetric matrix (D, D) whose eigenvalues are first held to a range."""
    values, vectors = torch.linalg.eigh((s + s.T) / 2)
    return (vectors * values.clamp(least, most) ** exponent) @ vectors.T
