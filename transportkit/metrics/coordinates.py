"""Each coordinate by itself, which a distance of all of them together may not see."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..core.metric import DistributionMetric, Evidence
from .cloud import finite, flat
from .slices import quantile_cost, sort_rows


@dataclass(frozen=True)
class Marginals(DistributionMetric):
    """max_d W1(a_d, b_d) / sd(b_d) over coordinates d, b the target.

    W1 and not W2, whose noise in heavy tails hides more. A coordinate in which the target is
    constant has no spread, and that of a coordinate on average stands for it.
    """

    def distance(self, a: Tensor, b: Tensor, generator: Generator) -> float:
        x, y = flat(a), flat(b)
        return _gaps(x, y).max().item() if finite(x, y) else math.nan

    def remark(self, evidence: Evidence, generator: Generator) -> str:
        shape = evidence.target.shape[1:]
        if shape.numel() < 2:
            return ""
        worst = int(_gaps(flat(evidence.moved), flat(evidence.target)).argmax())
        if len(shape) == 1:
            return f"largest in coordinate {worst + 1} of {shape[0]}"
        place = tuple(int(i) + 1 for i in torch.unravel_index(torch.tensor(worst), shape))
        return f"largest in coordinate {place} of {tuple(shape)}"


def _gaps(x: Tensor, y: Tensor) -> Tensor:
    """W1 of each coordinate (D,) in units of its spread in y, of clouds (n, D) and (m, D)."""
    gaps = quantile_cost(sort_rows(x.T.contiguous()), sort_rows(y.T.contiguous()), power=1)
    spread = (y - y.mean(0)).square().mean(0).sqrt()
    mean = spread.square().mean().sqrt()
    return gaps / spread.where(spread > 0, mean if mean > 0 else 1.0)
