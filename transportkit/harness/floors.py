"""Noise floors: a metric between independent samples of a side, measured once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ..core.choice import Choice
from ..core.metric import DistributionMetric
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import FLOOR_PAIRS, Run
from .draws import draws
from .kept import Kept, judged


@dataclass(frozen=True)
class Floor:
    """A metric's value between independent samples of the target, or of the side that the metric
    compares with, of the evaluated size."""

    mean: float
    std: float


class Floors:
    """Noise floors, each computed once, and kept in a folder where one is given.

    A floor belongs to a problem, a metric and a sample size; it does not depend on a run's seed or
    method, so that seeds and methods are measured against the same number. In the folder it is
    found by these and by the versions of what it is computed with; `fresh` computes it anew.
    """

    def __init__(self, folder: Path | None = None, fresh: bool = False) -> None:
        self._kept = Kept(Floor, folder, fresh)

    def of(
        self, run: Run, problem: Problem, choice: Choice, metric: DistributionMetric, n: int
    ) -> Floor:
        """The floor of `choice`, which made `metric`, on the run's whole problem at n points."""
        told = {**judged(run, choice), "points": n}
        return self._kept.of(told, lambda: measure(problem, metric, n))


def measure(problem: Problem, metric: DistributionMetric, n: int) -> Floor:
    """The floor of a metric at n points: mean and standard deviation over pairs of samples."""
    values = []
    for i in range(FLOOR_PAIRS):
        a, b = draws(problem, metric.side, n, 2, derive(0, "floor", i))
        values.append(metric.distance(a, b, derive(0, "floor", "metric", i, device=a.device)))
    found = torch.tensor(values, dtype=torch.float64)
    return Floor(float(found.mean()), float(found.std()))
