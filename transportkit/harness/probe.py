"""Probes: what the noise of evaluation samples does to the difference of two methods."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import torch
from scipy.special import chdtri
from torch import Generator, Tensor

from .. import registry
from ..core.choice import Choice
from ..core.metric import DistributionMetric, Metric
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import Run
from ..core.threads import threads
from .draws import distinct, draws
from .judge import evaluation_size
from .sizing import LEAST, UNIT, Noise

log = logging.getLogger("transportkit")
REPEATS, FLOORS, FEW = 160, 40, 8
"""Samples of a probe, of a floor, and of that of a metric that uses no more points than it has."""
SMALL, LARGE = 2.0, 5.0
"""By how much methods miss the target, in standard errors of the share of points on one side."""
QUARTER = 4
"""How many times fewer points than a probe has tell how fast a floor falls."""
ITERATIONS = 30
"""Of the search for the direction in which a target is widest."""
SURE = 0.8
"""Chance that the spread is not more than it is taken to be."""
STEEP = 0.75
"""Power of the number of points that tells a squared distance, whose floor falls as its inverse,
from a rooted one, whose floor falls at most as the inverse root."""
_ENDLESS = 2**62


def noise(run: Run, choice: Choice) -> Noise:
    """The noise of a metric on a run's problem; without figures where it has no floor there, and
    with a floor of NaN, so that it is not kept, where it failed."""
    whole: Problem = registry.make("problem", run.problem)
    held = evaluation_size(whole.split(run.train, derive(0, "split")), _ENDLESS)
    metric: Metric = registry.make("metric", choice)
    pool = distinct(whole, metric.side) if isinstance(metric, DistributionMetric) else None
    unit = min([held, UNIT, *([] if pool is None else [pool // 3])])
    end = None if held == _ENDLESS else held
    if isinstance(metric, DistributionMetric) and unit >= QUARTER and metric.refuses(whole) is None:
        try:
            with threads(run.threads):
                found = _probed(whole, metric, unit)
        except (Exception, SystemExit):
            # It will say why where runs are judged by it.
            log.debug("metric %s failed on a probe", choice, exc_info=True)
            return Noise(unit, unit, math.nan)
        else:
            if found.floor > 0 and all(v is None or math.isfinite(v) for v in vars(found).values()):
                return replace(found, held=end)
    return Noise(unit, unit, held=end)


def _probed(problem: Problem, metric: DistributionMetric, unit: int) -> Noise:
    """The noise by draws of the target in place of moved points: as they are, as of a method that
    reaches it, and with too many on one side of the middle, as of one that misses it.

    What is largest and smoothest in a target scatters most with samples: halves of it, and the
    modes in them. There networks err as well, and a difference is hardest to see. An error of
    another kind, such as copies of some of its points, is seen earlier. Few points are drawn often,
    as the scatter has to be known well: that it is 10% more than it is taken for makes a chance of
    80% one of 72%.
    """
    n = min(unit, LEAST if metric.most is None else min(LEAST, metric.most))
    middle = Middle.of(draws(problem, metric.side, unit, 1, derive(0, "probe"))[0])
    error = math.sqrt(n / 2)
    values: list[list[float]] = []
    for i in range(REPEATS):
        generator = derive(0, "probe", i)
        # Three draws, which of a finite sample are disjoint parts.
        target, near, other = draws(problem, metric.side, n, 3, generator)
        missed = (middle.tilted(other, round(by * error), generator) for by in (SMALL, LARGE))
        # What a metric draws from is the same for all methods of a seed.
        values.append([metric.distance(x, target, _metric(i)) for x in (near, *missed)])
    near_values, *missing = zip(*values, strict=True)
    caution = (REPEATS - 1) / float(chdtri(REPEATS - 1, SURE))
    offsets, spreads = [], []
    for far_values in missing:
        own = [far - near for far, near in zip(far_values, near_values, strict=True)]
        offsets.append(fmean(own))
        spreads.append(math.sqrt(caution) * stdev(own))
    floor = at_n = fmean(near_values)
    if unit > n:
        often = FLOORS if metric.most is None or metric.most > unit else FEW
        floor = _mean_floor(problem, metric, unit, often)
    few = _mean_floor(problem, metric, n // QUARTER, REPEATS)
    squared = at_n > 0 and math.log(few / at_n) > STEEP * math.log(QUARTER)
    if not 0 < offsets[0] < offsets[1]:
        # It does not see that anything is missed, so it has no say in how many points do.
        floor = 0.0
    return Noise(
        n,
        unit,
        floor,
        stdev(near_values),
        offsets[0],
        spreads[0],
        offsets[1],
        spreads[1],
        squared,
        metric.most,
    )


def _mean_floor(problem: Problem, metric: DistributionMetric, n: int, pairs: int) -> float:
    drawn = (draws(problem, metric.side, n, 2, derive(0, "probe", f"{n}", i)) for i in range(pairs))
    return fmean(metric.distance(a, b, _metric(i)) for i, (a, b) in enumerate(drawn))


@dataclass(frozen=True)
class Middle:
    """A plane through the median of points (n, *E), across the direction in which they scatter
    most."""

    direction: Tensor
    height: Tensor

    @classmethod
    def of(cls, points: Tensor) -> Middle:
        """By power iteration on the covariance (Golub and Van Loan 2013, section 8.2)."""
        flat = points.flatten(1).double()
        centred = flat - flat.mean(0)
        direction = torch.randn(
            flat.shape[1], dtype=torch.float64, generator=derive(0, "probe", "direction")
        )
        for _ in range(ITERATIONS):
            direction = centred.T @ (centred @ direction)
            direction /= direction.norm().clamp_min(torch.finfo(torch.float64).tiny)
        return cls(direction, (flat @ direction).median())

    def tilted(self, points: Tensor, count: int, generator: Generator) -> Tensor:
        """The points with copies of some above in the place of so many below."""
        above = points.flatten(1).double() @ self.direction > self.height
        low, high = (~above).nonzero().flatten()[:count], above.nonzero().flatten()
        if not len(high):
            return points
        tilted = points.clone()
        tilted[low] = points[high[torch.randint(len(high), (len(low),), generator=generator)]]
        return tilted


def _metric(seed: int) -> Generator:
    """What a metric draws from, the same for all methods of a seed."""
    return derive(0, "probe", "metric", seed)
