"""Paired tests: which methods differ beyond doubt, on the seeds that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from .interval import CONFIDENCE, quantile

ALPHA = 1 - CONFIDENCE
ROUNDING = 1e-6
"""Share of two values below which rounding explains what sets them apart: points are of single
precision."""


@dataclass(frozen=True)
class Pair:
    """Two methods on the seeds that both have.

    `difference` is the mean of first minus second over seeds, `low` and `high` its 95% interval by
    Student's t, `spread` the standard deviation of one seed's difference; None with one seed. `p`
    is that of the paired t test, `adjusted` the same after Holm's correction for all pairs of the
    family; None where no test can be made. `differs` says whether the difference is real.
    """

    first: str
    second: str
    seeds: int
    difference: float
    low: float | None
    high: float | None
    spread: float | None
    p: float | None
    adjusted: float | None
    differs: bool


@dataclass(frozen=True)
class Scatter:
    """How a value scatters over evaluation samples, by `pairs` of them, where that is known."""

    std: float
    pairs: int


def paired(values: Mapping[str, Mapping[int, float]], noise: Scatter | None = None) -> list[Pair]:
    """Every pair of the methods in `values`, each of which has a value by seed.

    With several seeds in common a pair is tested by Student's t on the differences. With one, by
    the `noise` of the values over evaluation samples, as if the two had none of them in common;
    without it nothing tells, and neither is better. Differences that rounding explains are none.
    P-values are corrected by Holm (1979), so that all claims of a family are true together with
    95% probability whatever the methods.
    """
    found = [_pair(a, b, values[a], values[b], noise) for a, b in combinations(values, 2)]
    tested = [i for i, pair in enumerate(found) if pair is not None and pair.p is not None]
    adjusted = dict(
        zip(tested, holm([p for i in tested if (p := _p(found[i])) is not None]), strict=True)
    )
    return [
        pair
        if i not in adjusted
        else Pair(**{**vars(pair), "adjusted": adjusted[i], "differs": adjusted[i] < ALPHA})
        for i, pair in enumerate(found)
        if pair is not None
    ]


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: max over smaller ones of (m - k) p, at most 1."""
    order = sorted(range(len(p)), key=p.__getitem__)
    adjusted, largest = [0.0] * len(p), 0.0
    for k, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - k) * p[i]))
        adjusted[i] = largest
    return adjusted


def _p(pair: Pair | None) -> float | None:
    return None if pair is None else pair.p


def _pair(
    first: str,
    second: str,
    one: Mapping[int, float],
    other: Mapping[int, float],
    noise: Scatter | None,
) -> Pair | None:
    shared = [seed for seed in one if seed in other]
    if not shared:
        return None
    differences = _differences([one[seed] for seed in shared], [other[seed] for seed in shared])
    mean, n = float(differences.mean()), len(shared)
    if n == 1:
        return _single(first, second, mean, noise)
    spread = float(differences.std(ddof=1))
    error = spread / np.sqrt(n)
    half = quantile(n - 1, CONFIDENCE) * error
    p = two_sided(mean, error, n - 1)
    return Pair(first, second, n, mean, mean - half, mean + half, spread, p, None, False)


def _differences(ones: Sequence[float], others: Sequence[float]) -> NDArray[np.float64]:
    """One minus other, 0 where rounding alone sets them apart."""
    a, b = np.array(ones), np.array(others)
    apart = a - b
    scale = np.maximum(np.abs(a), np.abs(b))
    return np.where(np.abs(apart) <= ROUNDING * scale, 0.0, apart)


def _single(first: str, second: str, difference: float, noise: Scatter | None) -> Pair:
    if noise is None or noise.pairs < 2:
        return Pair(first, second, 1, difference, None, None, None, None, None, False)
    p = two_sided(difference, np.sqrt(2) * noise.std, noise.pairs - 1)
    return Pair(first, second, 1, difference, None, None, None, p, None, False)


def two_sided(mean: float, error: float, freedom: int) -> float:
    """The p-value of a mean with this standard error, by Student's t."""
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(freedom, -abs(mean) / error))
