"""The way back: what a model does that carries Q to P as well."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor

from ..core.metric import DistributionMetric, Evidence, Metric
from .cloud import finite, flat
from .displacement import mean_square
from .energy_distance import EnergyDistance
from .exact import W1, W2
from .kernels import MMD
from .lines import pushed
from .slices import SlicedW2

_DISTANCES: dict[str, type[DistributionMetric]] = {
    "energy": EnergyDistance,
    "sliced_w2": SlicedW2,
    "w2": W2,
    "w1": W1,
    "mmd": MMD,
}


@dataclass(frozen=True)
class Reverse(DistributionMetric):
    """A distance between held-out target points that the model carries back and held-out source
    points, independent of them.

    Raises Refusal where the model has no reverse, or the integrator does not serve it.
    """

    side = "source"
    of: Literal["energy", "sliced_w2", "w2", "w1", "mmd"] = "energy"

    @property
    def most(self) -> int | None:
        return self._distance.most

    @property
    def _distance(self) -> DistributionMetric:
        return _DISTANCES[self.of]()

    def judged(self, evidence: Evidence, generator: Generator) -> Tensor:
        return pushed(evidence, evidence.target, generator, reverse=True)

    def distance(self, a: Tensor, b: Tensor, generator: Generator) -> float:
        return self._distance.distance(a, b, generator)


@dataclass(frozen=True)
class RoundTrip(Metric):
    """(E|S(T(x)) - x|^2 / tr Cov P)^(1/2), S the way back: 0 where it undoes the way there.

    It describes: a model that moves nothing comes back as well, and lines with noise do not. Raises
    Refusal as `Reverse` does.
    """

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        back = flat(pushed(evidence, evidence.moved, generator, reverse=True))
        start = flat(evidence.start)
        if not finite(back, start):
            return math.nan
        gap, spread = mean_square(back - start), mean_square(start - start.mean(0))
        return math.sqrt(gap / spread) if spread > 0 else math.inf if gap > 0 else 0.0
