"""Sliced Wasserstein-2 distance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from ..core.metric import DistributionMetric
from ..core.threads import threads
from .cloud import finite, flat

_CHUNK = 32
"""Directions projected on at a time."""


def directions(count: int, dim: int, generator: Generator) -> Tensor:
    """`count` unit vectors (count, dim) in float64, each uniform on the sphere, on the CPU.

    In the plane they are equally spaced over the half circle from a random angle; above, they come
    in orthonormal sets (Rowland et al. 2019). Either way the mean square of a projection is exact
    wherever `count` is a multiple of `dim`, and the noise is far below that of independent ones.
    """
    if generator.device.type != "cpu":
        seed = torch.randint(2**62, (), generator=generator, device=generator.device)
        generator = Generator().manual_seed(int(seed.item()))
    if dim == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    if dim == 2:
        start = torch.rand((), dtype=torch.float64, generator=generator)
        angle = (torch.arange(count, dtype=torch.float64) + start) * (math.pi / count)
        return torch.stack([angle.cos(), angle.sin()], 1)
    sets = math.ceil(count / dim)
    normal = torch.randn(sets, dim, dim, dtype=torch.float64, generator=generator)
    q, r = torch.linalg.qr(normal)
    q = q * r.diagonal(dim1=1, dim2=2).sign()[:, None]
    return q.mT.reshape(sets * dim, dim)[:count]


def sort_rows(x: Tensor) -> Tensor:
    """Each row in ascending order; on the CPU by numpy, which is the faster there."""
    if x.device.type == "cpu":
        return torch.from_numpy(np.sort(x.numpy(), axis=1))
    return x.sort(dim=1).values


def quantile_cost(a: Tensor, b: Tensor, power: int = 2) -> Tensor:
    """W2^2 in one dimension, or with `power` = 1 W1, (K,), from sorted rows a (K, n) and b (K, m).

    Quantiles of equal level are coupled: the integral of |F_a^-1(u) - F_b^-1(u)|^power over u.
    Levels are counted in whole multiples of 1 / (n m), so that unequal sizes are exact too.
    """
    n, m = a.shape[1], b.shape[1]
    if n == m:
        return (a - b).abs().pow(power).mean(1)
    ends = torch.cat([m * torch.arange(1, n + 1), n * torch.arange(1, m + 1)]).unique()
    starts = torch.cat([ends.new_zeros(1), ends[:-1]])
    weights = ((ends - starts).double() / (n * m)).to(a.device)
    rows, columns = (starts // m).to(a.device), (starts // n).to(a.device)
    return (a[:, rows] - b[:, columns]).abs().pow(power) @ weights


@dataclass(frozen=True)
class SlicedW2(DistributionMetric):
    """(E W2(<w, a>, <w, b>)^2)^(1/2) over directions w uniform on the sphere, in the units of the
    data (Rabin et al. 2012; Bonneel et al. 2015).

    A shift by s gives |s| / sqrt(D): it is not on the scale of W2 unless D = 1.
    """

    projections: int = 256

    def distance(self, a: Tensor, b: Tensor, generator: Generator) -> float:
        x, y = flat(a), flat(b)
        if not finite(x, y):
            return math.nan
        with threads(1):
            w = directions(self.projections, x.shape[1], generator).to(x.device)
            costs = [
                quantile_cost(sort_rows(some @ x.mT), sort_rows(some @ y.mT))
                for some in w.split(_CHUNK)
            ]
        return math.sqrt(torch.cat(costs).mean().item())
