"""Whether a source is the standard normal law that Poisson flow can start from."""

from __future__ import annotations

import math

import torch
from scipy import stats
from torch import Tensor

from transportkit import Marginal, derive

SAMPLE = 5000
PROJECTIONS = 16
DOUBT = 1e-6
"""Probability with which a standard normal sample is refused."""


def is_standard_normal(source: Marginal) -> bool:
    """Whether a sample of the source can be one of N(0, I).

    Kolmogorov-Smirnov tests of its squared length and of its coordinates along random directions,
    the same ones every time.
    """
    generator = derive(0, "is standard normal")
    # A law draws from a generator of the CPU, a finite sample gives all of its points.
    x = source.points(SAMPLE, generator).flatten(1).double().cpu()
    if len(x) < 8:
        return False
    directions = torch.randn(x.shape[1], PROJECTIONS, generator=generator, dtype=torch.float64)
    directions = directions / directions.norm(dim=0)
    tests = [_p_value(x @ d, stats.norm.cdf) for d in directions.T]
    # In one dimension this is the last test once more.
    tests.append(_p_value(x.square().sum(1), lambda s: stats.chi2.cdf(s, x.shape[1])))
    return min(tests) > DOUBT / len(tests) and math.isfinite(float(x.sum()))


def _p_value(values: Tensor, cdf: object) -> float:
    return float(stats.kstest(values.numpy(), cdf).pvalue)
