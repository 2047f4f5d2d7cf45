"""Draws from weights."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def pick(weights: Tensor, generator: Generator) -> Tensor:
    """One index per row of weights (B, M), (B,), by inversion of the running sum."""
    share = torch.rand(len(weights), 1, generator=generator, device=generator.device)
    running = weights.cumsum(1)
    level = share.to(weights) * running[:, -1:]
    return torch.searchsorted(running, level).squeeze(1).clamp_max(weights.shape[1] - 1)
