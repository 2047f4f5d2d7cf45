"""Samples in the plane, and how far moved points are from them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from transportkit import DistributionMetric, derive
from transportkit.metrics.exact import W2


def eight(n: int, *purpose: str | int) -> Tensor:
    """Eight Gaussians on a circle of radius 5."""
    generator = derive(7, "eight", *purpose)
    angle = torch.randint(8, (n,), generator=generator) * math.pi / 4
    centres = 5 * torch.stack([angle.cos(), angle.sin()], 1)
    return centres + 0.5 * torch.randn(n, 2, generator=generator)


def modes(n: int, *purpose: str | int) -> Tensor:
    """Two Gaussians far apart."""
    generator = derive(7, "modes", *purpose)
    side = 16.0 * torch.randint(2, (n,), generator=generator) - 8
    centres = torch.stack([side, torch.zeros(n)], 1)
    return centres + 0.5 * torch.randn(n, 2, generator=generator)


def plane(n: int, *purpose: str | int) -> Tensor:
    """N(0, I) in the plane."""
    return normal(n, 2, *purpose)


def normal(n: int, dim: int = 2, *purpose: str | int) -> Tensor:
    return torch.randn(n, dim, generator=derive(7, "normal", dim, *purpose))


def ratio(
    moved: Tensor,
    law: Callable[..., Tensor],
    draw: int = 0,
    metric: DistributionMetric | None = None,
) -> float:
    """A distance (W2) to held-out points over its floor."""
    metric = metric or W2()
    held_out = law(len(moved), "held out", draw)
    return metric.distance(moved, held_out, derive(7, "metric")) / floor(law, len(moved), metric)


@cache
def floor(law: Callable[..., Tensor], n: int, metric: DistributionMetric) -> float:
    """The mean distance of ten pairs of independent samples."""
    pairs = [(law(n, "floor", i, "a"), law(n, "floor", i, "b")) for i in range(10)]
    return statistics.fmean(metric.distance(a, b, derive(7, "metric")) for a, b in pairs)
