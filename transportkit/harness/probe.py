"""Probes: what the noise of evaluation samples does to the difference of two methods."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
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
from .draws import distinct, target_draws
from .judge import evaluation_size
from .sizing import LEAST, UNIT, Noise

log = logging.getLogger("transportkit")
REPEATS, FLOORS, FEW = 160, 40, 8
"""Samples of a probe, of a floor, and of that of a metric that uses no more points than it has."""
SMALL, LARGE = 2.0, 5.0
"""By how much methods miss the target, in standard errors of the mean of what is judged."""
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
    pool = distinct(whole)
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
    reaches it, and shifted where the target is widest, as of one that misses it.

    Samples of a target differ from it most in what is smooth and large, as networks do: a shift is
    as hard to see as what methods do wrong. An error of many small parts of either sign, such as
    copies of some of its points, is seen earlier. Few points are drawn often, as the scatter has to
    be known well: that it is 10% more than it is taken for makes a chance of 80% one of 72%.
    """
    n = min(unit, LEAST if metric.most is None else min(LEAST, metric.most))
    step = _widest(target_draws(problem, unit, 1, derive(0, "probe"))[0]) * math.sqrt(2 / n)
    values: list[list[float]] = []
    for i in range(REPEATS):
        # Three draws, which of a finite sample are disjoint parts.
        target, near, other = target_draws(problem, n, 3, derive(0, "probe", i))
        moved = (near, other + SMALL * step, other + LARGE * step)
        # What a metric draws from is the same for all methods of a seed.
        values.append([metric.distance(x, target, _metric(i)) for x in moved])
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
        # It does not see that anything was shifted, so it has no say in how many points do.
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
    draws = (target_draws(problem, n, 2, derive(0, "probe", f"{n}", i)) for i in range(pairs))
    return fmean(metric.distance(a, b, _metric(i)) for i, (a, b) in enumerate(draws))


def _widest(points: Tensor) -> Tensor:
    """The direction (*E) in which points (n, *E) scatter most, as long as they scatter there.

    By power iteration on the covariance (Golub and Van Loan 2013, section 8.2).
    """
    centred = (points - points.mean(0)).flatten(1).double()
    direction = torch.randn(
        centred.shape[1], dtype=torch.float64, generator=derive(0, "probe", "direction")
    )
    for _ in range(ITERATIONS):
        direction = centred.T @ (centred @ direction)
        direction /= direction.norm().clamp_min(torch.finfo(torch.float64).tiny)
    wide = direction * (centred @ direction).square().mean().sqrt()
    return wide.to(points.dtype).view(points.shape[1:])


def _metric(seed: int) -> Generator:
    """What a metric draws from, the same for all methods of a seed."""
    return derive(0, "probe", "metric", seed)
