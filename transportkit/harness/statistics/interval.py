"""Intervals for the mean over seeds.

Every seed trains anew and is judged on samples of its own, so that the scatter over seeds is that
of training and of sampling together, and resampling seeds resamples both.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Array = NDArray[np.float64]

CONFIDENCE = 0.95
BOOTSTRAP_FROM = 20
"""Seeds from which the bootstrap covers what it claims to; see `benchmarks/intervals.py`."""
RESAMPLES = 1999
MARGIN = 1.04
"""How much wider the interval of few positive values is than if their logarithms were normal."""
_ROWS = 512


def mean_interval(values: Array, positive: bool, level: float = CONFIDENCE) -> tuple[Array, Array]:
    """Bounds (R,) and (R,) of the mean of each row of values (R, n), n ≥ 2 independent seeds.

    `positive` says that values of this kind are never negative, as distances.

    - From 20 seeds on, the studentised bootstrap over seeds (Efron 1982; Hall 1992, section 1.3):
      quantiles of (m* - m) / s* over resamples, times s.
    - With fewer positive values, the modified Cox interval of their logarithms, of mean l and
      variance v: exp(l + v/2 ± t (v/n + v^2/(2(n-1)))^(1/2)), t a quantile of Student's t (Olsson
      2005, J. Statistics Education 13(1)). Its half-width is taken 4% larger, because logarithms
      of distances are not quite normal either. With so few seeds a bootstrap covers too little or
      has no bounds at all.
    - Otherwise Student's t.
    """
    n = values.shape[1]
    if n < 2:
        raise ValueError(f"an interval over seeds needs at least 2 of them, not {n}")
    if n >= BOOTSTRAP_FROM:
        parts = [values[i : i + _ROWS] for i in range(0, len(values), _ROWS)]
        bounds = [_studentised(part, level) for part in parts]
        return np.concatenate([b[0] for b in bounds]), np.concatenate([b[1] for b in bounds])
    low, high = _student(values, level)
    if positive and (fit := (values > 0).all(1)).any():
        low[fit], high[fit] = _modified_cox(values[fit], level)
    return low, high


def _student(values: Array, level: float) -> tuple[Array, Array]:
    mean, half = values.mean(1), quantile(values.shape[1] - 1, level) * _error(values)
    return mean - half, mean + half


def _modified_cox(values: Array, level: float) -> tuple[Array, Array]:
    n = values.shape[1]
    logs = np.log(values)
    variance = logs.var(1, ddof=1)
    centre = logs.mean(1) + variance / 2
    error = np.sqrt(variance / n + variance**2 / (2 * (n - 1)))
    half = MARGIN * quantile(n - 1, level) * error
    with np.errstate(over="ignore"):
        low, high = np.exp(centre - half), np.exp(centre + half)
    # The estimate that is printed is the plain mean, which lies within but for wild values.
    mean = values.mean(1)
    return np.minimum(low, mean), np.maximum(high, mean)


def _studentised(values: Array, level: float) -> tuple[Array, Array]:
    n = values.shape[1]
    mean, spread = values.mean(1), values.std(1)
    # In units of its own scatter no row loses digits in the variance below.
    scaled = (values - mean[:, None]) / np.where(spread > 0, spread, 1.0)[:, None]
    weights = _weights(n)
    means = scaled @ weights.T
    spreads = np.sqrt(np.maximum(scaled**2 @ weights.T - means**2, 1e-12))
    tail = (1 - level) / 2
    low, high = np.quantile(means / spreads, [tail, 1 - tail], axis=1)
    return mean - high * spread, mean - low * spread


@cache
def _weights(n: int) -> Array:
    """Resamples of n seeds as weights (RESAMPLES, n); the same ones whenever they are asked for."""
    counts: Any = np.random.default_rng(n).multinomial(n, [1 / n] * n, RESAMPLES)
    return counts / n


def _error(values: Array) -> Array:
    """The standard error of each row's mean."""
    error: Array = values.std(1, ddof=1) / np.sqrt(values.shape[1])
    return error


def quantile(freedom: int, level: float) -> float:
    """The two-sided quantile of Student's t."""
    return float(stdtrit(freedom, (1 + level) / 2))
