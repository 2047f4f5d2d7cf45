"""Unbalanced optimal transport within a batch: marginals may be reweighted, at a price."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from .coupling import Coupling
from .sinkhorn import partners, plan, squared_distances


@dataclass(frozen=True)
class UnbalancedOT(Coupling):
    """Pairs from the plan of least E|x - y|^2 + epsilon KL(pi | P x Q) + penalty (KL of both
    marginals to P and Q); Eyring et al. 2024, arXiv:2311.15100, section 3.2.

    Points that are far from the other batch are drawn less often: the first of a pair is
    distributed as P and the second as Q only as the penalty grows. epsilon and penalty are
    relative to how much dearer the pairs of a batch are in the mean than those of nearest points:
    in many dimensions all distances are large, and differ by little. A batch of more than `chunk`
    points is cut.
    """

    epsilon: float
    penalty: float
    chunk: int = 1024

    def pair(self, x0: Tensor, x1: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        pieces = zip(torch.split(x0, self.chunk), torch.split(x1, self.chunk), strict=True)
        pairs = [self._pair(a, b, generator) for a, b in pieces]
        return torch.cat([a for a, _ in pairs]), torch.cat([b for _, b in pairs])

    def _pair(self, x0: Tensor, x1: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        cost = squared_distances(x0, x1)
        cost = cost - cost.min()
        unit = cost.mean() - torch.minimum(cost.amin(0).mean(), cost.amin(1).mean())
        # Points that all coincide are paired anyhow.
        cost = cost / torch.where(unit > 0, unit, torch.ones_like(unit))
        weights = plan(cost, self.epsilon, self.penalty)
        shares = weights.sum(1)
        # Evenly spaced draws: a point of share s is taken floor(n s) or ceil(n s) times.
        offsets = torch.rand(1, generator=generator, device=generator.device).to(shares)
        levels = (torch.arange(len(x0), device=shares.device) + offsets) / len(x0)
        reach = shares.cumsum(0)
        rows = torch.searchsorted(reach, levels * reach[-1]).clamp_max(len(x0) - 1)
        return x0[rows], x1[partners(weights[rows], generator)]
