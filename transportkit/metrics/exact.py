"""Wasserstein-2 distance by exact optimal transport."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Generator, Tensor

from ..core.metric import DistributionMetric
from .cloud import draw_rows, finite, flat
from .pairs import squared_distances

_ITERATIONS = 100_000_000


def optimal_cost(a: Tensor, b: Tensor) -> float:
    """W2^2 between the clouds a (n, D) and b (m, D) with equal weights.

    The network simplex of Bonneel et al. (2011) in POT, on the CPU in float64: about a second for
    2,000 points against 2,000, and grows with the cube.
    """
    import ot

    a, b = a.cpu(), b.cpu()
    # Distances are taken about one centre, so that far clouds lose no digits.
    centre = b.mean(0)
    costs = squared_distances(a - centre, b - centre).numpy()
    return float(ot.emd2([], [], costs, numItermax=_ITERATIONS))


@dataclass(frozen=True)
class W2(DistributionMetric):
    """W2(a, b) = (min over couplings of E|X - Y|^2)^(1/2), in the units of the data.

    Of more than `limit` points, that many are drawn. The value between two samples of one law is
    not 0: compare with the floor, at the same size.
    """

    limit: int = 2000

    def distance(self, a: Tensor, b: Tensor, generator: Generator) -> float:
        a = flat(a[draw_rows(len(a), self.limit, generator).to(a.device)])
        b = flat(b[draw_rows(len(b), self.limit, generator).to(b.device)])
        if not finite(a, b):
            return math.nan
        return math.sqrt(max(optimal_cost(a, b), 0.0))
