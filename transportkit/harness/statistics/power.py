"""Power: the smallest difference that an experiment could have seen, and what smaller ones need."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import nctdtr, stdtrit

from .paired import ALPHA

POWER = 0.8
MOST_SEEDS, MOST_POINTS = 1000, 10_000_000


@cache
def noncentrality(freedom: int, pairs: int) -> float:
    """The difference that is seen with a chance of 80%, in standard errors of its mean, by the
    paired t test at the level of Holm's first step, 5% over `pairs`.

    The test statistic of a true difference d with standard error e is noncentral t with
    noncentrality d / e (Cohen 1988, chapter 2).
    """
    critical = stdtrit(freedom, 1 - ALPHA / (2 * max(1, pairs)))
    low, high = 0.0, 1.0
    while 1 - nctdtr(freedom, high, critical) < POWER:
        high *= 2
    for _ in range(50):
        middle = (low + high) / 2
        if 1 - nctdtr(freedom, middle, critical) < POWER:
            low = middle
        else:
            high = middle
    return float(high)


def effect(seeds: int, pairs: int) -> float:
    """The same for a number of seeds, in units of the scatter of one seed's difference."""
    return noncentrality(seeds - 1, pairs) / float(np.sqrt(seeds))


def seeds_needed(difference: float, spread: float, pairs: int) -> int | None:
    """How many seeds show this difference with a chance of 80%; None where 1,000 do not."""
    if difference == 0 or spread == 0:
        return None if difference == 0 else 2
    wanted = abs(difference) / spread
    if effect(MOST_SEEDS, pairs) > wanted:
        return None
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        if effect(middle, pairs) <= wanted:
            high = middle
        else:
            low = middle
    return high


def points_needed(
    difference: float, spread: float, noise: float, points: int, seeds: int, pairs: int
) -> int | None:
    """How many evaluation points show this difference with these seeds with a chance of 80%.

    `noise` is the standard deviation of one value over evaluation samples of `points` points. It
    is taken to fall as one over the root of their number, and the rest of the `spread` to stay.
    None where more points alone do not do it, or not so many as can be drawn.
    """
    if seeds < 2 or difference == 0:
        return None
    sampling = min(2 * noise**2, spread**2)
    wanted = (abs(difference) / effect(seeds, pairs)) ** 2
    rest = spread**2 - sampling
    if wanted <= rest or sampling == 0:
        return None
    needed = max(2, int(np.ceil(points * sampling / (wanted - rest))))
    return needed if needed <= MOST_POINTS else None
