"""The energy of lines, and how far it is from the least."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Generator

from ..core.metric import Evidence, Metric
from .cloud import finite, flat
from .exact import optimal_cost
from .over_time import follow


@dataclass(frozen=True)
class PathEnergy(Metric):
    """int_0^1 E|v(t, x_t)|^2 dt over the model's lines, in the squared units of the data.

    At least W2^2 between their beginnings and ends (Benamou and Brenier 2000). It describes: little
    energy is no merit where the points have not arrived.
    """

    limit: int = 1000
    states: int = 101

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        lines = follow(evidence, self.limit, self.states, generator)
        return lines.energy if finite(lines.velocities) else math.nan


@dataclass(frozen=True)
class NormalisedPathEnergy(Metric):
    """NPE = |int_0^1 E|v|^2 dt - W2^2(P, Q)| / W2^2(P, Q) (Tong et al. 2024, arXiv:2302.00482,
    section 5.1).

    W2^2 is the true cost where it is known, and that between the lines' start points and as many
    target points otherwise.
    """

    limit: int = 1000
    states: int = 101

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        lines = follow(evidence, self.limit, self.states, generator)
        target = flat(evidence.target[lines.rows.to(evidence.target.device)])
        if not finite(lines.velocities, target):
            return math.nan
        truth = evidence.truth
        least = truth.cost if truth is not None else None
        if least is None:
            least = optimal_cost(lines.states[0], target)
        return abs(lines.energy - least) / least if least > 0 else math.inf
