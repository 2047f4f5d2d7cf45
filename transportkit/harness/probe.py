"""Probes: what the noise of evaluation samples does to the difference of two methods."""

from __future__ import annotations

import logging
import math
from statistics import fmean, stdev, variance

from scipy.special import chdtri
from torch import Generator, randint

from .. import registry
from ..core.choice import Choice
from ..core.metric import DistributionMetric, Metric
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import Run
from ..core.threads import threads
from .draws import distinct, target_draws
from .judge import evaluation_size
from .sizing import UNIT, Noise

log = logging.getLogger("transportkit")
METHODS, SEEDS = 8, 6
"""Of a probe: methods that miss the target, and evaluation samples for each of them."""
FEW = 2
"""Such methods for a metric that uses no more points than a probe: it has a say in no size."""
COPIED = 4
"""Such a method copies one training sample for so many points that are moved."""
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
    n = min([held, UNIT, *([] if pool is None else [pool // 3])])
    if isinstance(metric, DistributionMetric) and n >= COPIED and metric.refuses(whole) is None:
        try:
            with threads(run.threads):
                found = _probed(whole, metric, n, None if held == _ENDLESS else held)
        except (Exception, SystemExit):
            # It will say why where runs are judged by it.
            log.debug("metric %s failed on a probe", choice, exc_info=True)
            return Noise(n, math.nan)
        else:
            if found.floor > 0 and all(map(math.isfinite, (found.floor, found.std, found.spread))):
                return found
    return Noise(n, held=None if held == _ENDLESS else held)


def _probed(problem: Problem, metric: DistributionMetric, n: int, held: int | None) -> Noise:
    """The noise by draws of the target in place of moved points: fresh ones, as of a method that
    reaches it, and copies of few, as of one that misses it by what a training sample lacks."""
    used = n if metric.most is None else min(n, metric.most)
    methods = METHODS if metric.most is None or metric.most > n else FEW
    near, differences = [], []
    for method in range(methods):
        lack, own = derive(0, "probe", method), []
        few = target_draws(problem, n // COPIED, 1, lack)[0]
        for seed in range(SEEDS):
            generator = derive(0, "probe", method, seed)
            target, fresh = target_draws(problem, n, 2, generator)
            copies = few[randint(len(few), (n,), generator=generator)]
            values = [metric.distance(x, target, _metric(seed)) for x in (fresh, copies)]
            near.append(values[0])
            own.append(values[1] - values[0])
        differences.append(own)
    freedom = methods * (SEEDS - 1)
    caution = freedom / float(chdtri(freedom, SURE))
    floor, small = fmean(near), []
    for i in range(methods * SEEDS):
        a, b = target_draws(problem, n // COPIED, 2, derive(0, "probe", "few", i))
        small.append(metric.distance(a, b, _metric(i)))
    steep = floor > 0 and math.log(fmean(small) / floor) > STEEP * math.log(COPIED)
    return Noise(
        used,
        floor,
        stdev(near),
        math.sqrt(caution * fmean(map(variance, differences))),
        fmean(map(fmean, differences)),
        steep,
        metric.most,
        held,
    )


def _metric(seed: int) -> Generator:
    """What a metric draws from, the same for all methods of a seed."""
    return derive(0, "probe", "metric", seed)
