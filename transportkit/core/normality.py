"""Whether a source is the standard normal law that generation from noise starts from."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .problem import Marginal
from .random import derive

SAMPLE = 5000
PROJECTIONS = 16
DOUBT = 1e-6
"""Largest probability with which a standard normal sample is refused."""


def is_standard_normal(source: Marginal) -> bool:
    """Whether a sample of the source can be one of N(0, I).

    Kolmogorov-Smirnov tests of its squared length and of its coordinates along random directions,
    the same ones every time; their levels are those of Massart (1990), which hold at any size.
    """
    generator = derive(0, "is standard normal")
    # A law draws from a generator of the CPU, a finite sample gives all of its points.
    x = source.points(SAMPLE, generator).flatten(1).double().cpu()
    n, dim = x.shape
    if n < 8 or not bool(x.isfinite().all()):
        return False
    directions = torch.randn(dim, PROJECTIONS, generator=generator, dtype=torch.float64)
    directions = directions / directions.norm(dim=0)
    gaps = [_gap(column, torch.special.ndtr) for column in (x @ directions).T]
    half = torch.tensor(dim / 2, dtype=torch.float64)
    gaps.append(_gap(x.square().sum(1), lambda s: torch.special.gammainc(half, s / 2)))
    level = DOUBT / len(gaps)
    return max(gaps) <= math.sqrt(math.log(2 / level) / (2 * n))


def _gap(values: Tensor, cdf: Callable[[Tensor], Tensor]) -> float:
    """The largest distance between the empirical distribution of values (n,) and `cdf`."""
    levels = cdf(values.sort().values)
    steps = torch.arange(len(values) + 1, dtype=levels.dtype) / len(values)
    return float(torch.maximum((levels - steps[:-1]).amax(), (steps[1:] - levels).amax()))
