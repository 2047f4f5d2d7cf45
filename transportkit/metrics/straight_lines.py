"""How straight lines are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator

from ..core.metric import Evidence, Metric
from .cloud import finite
from .displacement import mean_square
from .over_time import follow


@dataclass(frozen=True)
class Straightness(Metric):
    """int_0^1 E|(x_1 - x_0) - v(t, x_t)|^2 dt / E|x_1 - x_0|^2 over the model's lines.

    Liu, Gong and Liu 2023, arXiv:2209.03003, section 2.1, and divided by the cost so that units do
    not matter. 0 where every line is straight and of constant speed: one Euler step is then exact.
    """

    limit: int = 1000
    states: int = 101

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        lines = follow(evidence, self.limit, self.states, generator)
        if not finite(lines.states, lines.velocities):
            return math.nan
        whole = lines.states[-1] - lines.states[0]
        cost = mean_square(whole)
        bent = (lines.velocities - whole).square().sum(2).mean(1)
        return float(torch.trapezoid(bent, lines.times)) / cost if cost > 0 else 0.0
