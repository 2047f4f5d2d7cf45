"""Samples as clouds of points: flat, in double precision, and checked."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def flat(x: Tensor) -> Tensor:
    """Points (n, *E) as (n, D) in float64, on their device."""
    return x.detach().reshape(len(x), -1).double()


def finite(*clouds: Tensor) -> bool:
    """Whether every coordinate is finite. A distance to points that are not is not a number."""
    return all(bool(torch.isfinite(c).all()) for c in clouds)


def draw_rows(n: int, limit: int, generator: Generator) -> Tensor:
    """At most `limit` of n row numbers, drawn without replacement, in order, on the CPU."""
    if n <= limit:
        return torch.arange(n)
    drawn = torch.randperm(n, generator=generator, device=generator.device)[:limit]
    return drawn.cpu().sort().values
