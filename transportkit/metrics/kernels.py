"""Maximum mean discrepancy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Generator, Tensor

from ..core.metric import DistributionMetric
from .cloud import finite, flat
from .pairs import mean_over_pairs, squared_distances

_MEDIAN_POINTS = 1000


def median_distance(y: Tensor) -> float:
    """The median distance within a cloud (n, D), from at most 1,000 points evenly along it.

    1 where all points are equal, so that a kernel of this width exists.
    """
    few = y[:: math.ceil(len(y) / _MEDIAN_POINTS)]
    squared = squared_distances(few, few)
    distances = squared[squared > 1e-12 * squared.max()].sqrt()
    return distances.median().item() if len(distances) else 1.0


@dataclass(frozen=True)
class MMD(DistributionMetric):
    """(E k(X, X') + E k(Y, Y') - 2 E k(X, Y))^(1/2) over all pairs, equal points included.

    k is the mean of four Gaussian kernels exp(-|x - y|^2 / (2 s^2)) with s = h/2, h, 2h, 4h, where
    the bandwidth h is, unless given, the median distance within the target sample alone (Gretton
    et al. 2012): moved points that went astray do not widen the kernel that judges them. The
    biased V-statistic, so never negative; without units, at most sqrt(2).
    """

    bandwidth: float | None = None

    def distance(self, a: Tensor, b: Tensor, generator: Generator) -> float:
        x, y = flat(a), flat(b)
        if not finite(x, y):
            return math.nan
        centre = y.mean(0)
        x, y = x - centre, y - centre
        widest = 4 * (self.bandwidth or median_distance(y))

        def kernel(squared: Tensor) -> Tensor:
            """The mean of the kernels: the fourth power of one is the next, of half its width."""
            term = squared.mul_(-0.5 / widest**2).exp_()
            total = term.clone()
            for _ in range(3):
                term.square_().square_()
                total += term
            return total.div_(4)

        squared = (
            mean_over_pairs(kernel, x, x)
            + mean_over_pairs(kernel, y, y)
            - 2 * mean_over_pairs(kernel, x, y)
        )
        return math.sqrt(max(squared, 0.0))
