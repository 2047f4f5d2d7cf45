"""Energy distance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..core.metric import DistributionMetric
from .cloud import finite, flat
from .pairs import mean_over_pairs


@dataclass(frozen=True)
class EnergyDistance(DistributionMetric):
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| over all pairs of the samples, equal points included.

    This V-statistic is never negative and is 0 only for equal samples; between two samples of
    size n of one law Q it is 2 E|Y - Y'| / n on average. It is the quantity that some libraries
    take the square root of, and is in the units of the data (Szekely and Rizzo 2013).
    """

    def distance(self, a: Tensor, b: Tensor, generator: Generator) -> float:
        x, y = flat(a), flat(b)
        if not finite(x, y):
            return math.nan
        centre = y.mean(0)
        x, y = x - centre, y - centre
        across = mean_over_pairs(torch.Tensor.sqrt_, x, y)
        within = mean_over_pairs(torch.Tensor.sqrt_, x, x)
        return max(2 * across - within - mean_over_pairs(torch.Tensor.sqrt_, y, y), 0.0)
