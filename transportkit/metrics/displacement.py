"""Transport cost: how far the points were moved, and how far they had to be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Generator, Tensor

from ..core.metric import Evidence, Metric
from .cloud import draw_rows, finite, flat
from .exact import optimal_cost


def mean_square(x: Tensor) -> float:
    """The mean squared norm of the rows of x (n, D)."""
    return x.square().sum(1).mean().item()


@dataclass(frozen=True)
class Cost(Metric):
    """E|T(x) - x|^2, in the squared units of the data. It describes: a small cost is no merit
    where the points have not arrived."""

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        start, moved = flat(evidence.start), flat(evidence.moved)
        return mean_square(moved - start) if finite(start, moved) else math.nan


@dataclass(frozen=True)
class CostRatio(Metric):
    """E|T(x) - x|^2 / W2^2(start, moved): 1 where the pairing of start and moved points is the
    cheapest there is between these two clouds, larger otherwise.

    Against the moved points and not the target: so the value says how the map pairs points, apart
    from how well it reaches the target, and never falls below 1. Of more than `limit` points,
    that many are drawn, the same of start and moved. Points that did not move at all give 1.
    """

    limit: int = 2000

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        rows = draw_rows(len(evidence.start), self.limit, generator)
        start = flat(evidence.start[rows.to(evidence.start.device)])
        moved = flat(evidence.moved[rows.to(evidence.moved.device)])
        if not finite(start, moved):
            return math.nan
        cost = mean_square(moved - start)
        if cost == 0:
            return 1.0
        optimal = optimal_cost(start, moved)
        return cost / optimal if optimal > 0 else math.inf
