"""Entropic optimal transport within a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from .coupling import Coupling
from .sinkhorn import partners, plan, squared_distances


@dataclass(frozen=True)
class EntropicOT(Coupling):
    """Pairs from the plan of least E|x - y|^2 + epsilon KL(pi | P x Q) between batches.

    Every source point is taken once, and its partner drawn from the plan's conditional. With
    epsilon = 2 sigma^2 bridges of size sigma between the pairs are the Schroedinger bridge of the
    batch (Tong et al. 2024, arXiv:2302.00482, proposition 4.5). epsilon is in squared units of the
    data; a batch of more than `chunk` points is cut.
    """

    epsilon: float
    chunk: int = 1024

    def pair(self, x0: Tensor, x1: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        found = []
        for a, b in zip(torch.split(x0, self.chunk), torch.split(x1, self.chunk), strict=True):
            # A shift of one batch costs the same under every balanced plan.
            shift = a.mean(0) - b.mean(0)
            weights = plan(squared_distances(a, b + shift), self.epsilon, None)
            found.append(b[partners(weights, generator)])
        return x0, torch.cat(found)
