"""Covariances from samples, shrunk towards a multiple of the identity."""

from __future__ import annotations

import torch
from torch import Tensor

_LESS = 13
"""How many weights are tried: the best for the Frobenius norm, and less by powers of 10^(1/2)."""
_ROWS = 2**22
"""Numbers of the sample held at once where weights are tried."""


def covariance(x: Tensor, shrinkage: float | None) -> Tensor:
    """The covariance (D, D) of x (N, D), shrunk towards tr(S)/D times the identity.

    `shrinkage` is the weight of the identity; None estimates the best one, as `shrunk` does.
    """
    return shrunk(x, torch.ones_like(x[:, 0]), shrinkage)[0]


def shrunk(x: Tensor, weights: Tensor, shrinkage: float | None = None) -> tuple[Tensor, float]:
    """The same of x (N, D) with weights (N,), at least 0, and the weight of the identity in it.

    The weight is at most that of Ledoit and Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices", JMVA 2004, section 3.3, with Kish's effective number of
    points (sum w)^2 / sum w^2 in place of N. It is the best for the Frobenius norm, in which small
    variances hardly count: beside a large one it would raise them many times over. Of it and of
    smaller ones that one is taken by which points are likeliest given the others.
    """
    dim, total = x.shape[1], weights.sum()
    count = total.square() / weights.square().sum()
    x = x - weights @ x / total
    second = x.T @ (weights[:, None] * x) / total
    isotropic = second.trace() / dim * torch.eye(dim, dtype=x.dtype, device=x.device)
    part = torch.tensor(shrinkage or 0.0, dtype=x.dtype, device=x.device)
    if shrinkage is None:
        spread = (second - isotropic).square().sum()
        fourth = weights @ x.square().sum(1).square() / total
        noise = (fourth - second.square().sum()) / count
        part = torch.where(spread > 0, noise / spread, part).clamp(0, 1)
        if count > 2:
            part = _likeliest(x, weights / total, second, part)
    # A single point has no extent, and says nothing of that of its law.
    unbiased = count / (count - 1).clamp_min(1)
    return ((1 - part) * second + part * isotropic) * unbiased, float(part)


def _likeliest(x: Tensor, shares: Tensor, second: Tensor, most: Tensor) -> Tensor:
    """The weight (), at most `most`, by which centred points x (N, D) with shares (N,) of the mass
    are likeliest, each under the Gaussian of the others (Hoffbeck and Landgrebe 1996, PAMI 18).

    That of the others is S - w / (1 - w) x x', over 1 - w, a change of rank one: nothing is
    inverted for each point.
    """
    values, axes = torch.linalg.eigh(second)
    values, mean = values.clamp_min(0), values.mean()
    if most * mean <= 0.01 * values[0]:
        # No variance is raised by more than a hundredth.
        return most
    tried = most * 10 ** (-torch.arange(_LESS, dtype=x.dtype, device=x.device) / 2)
    left = 1 - shares.square().sum()
    variances = (1 - tried[:, None]) / left * values + tried[:, None] * mean
    scores = -variances.log().sum(1)
    here = (shares > 1e-9 * shares.amax()).nonzero().squeeze(1)
    for rows in torch.split(here, max(1, _ROWS // x.shape[1])):
        w = shares[rows, None]
        lengths = (x[rows] @ axes).square() @ variances.reciprocal().T
        # The determinant without the point, over that with it.
        lost = (1 - (1 - tried) * w / (left * (1 - w)) * lengths).clamp_min(1e-9)
        scores -= (w * (lost.log() + lengths / lost / (1 - w).square())).sum(0)
    return tried[scores.argmax()]
