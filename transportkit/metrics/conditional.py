"""The law of the moved point given where it started, against the true entropic plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..core.gaussians import bures_cost
from ..core.metric import Evidence, Metric
from ..core.problem import Problem
from ..errors import Refusal
from .cloud import flat
from .lines import pushed

_REASON = "the entropic plan of this problem is not known"


def bures_square(mean: Tensor, covariance: Tensor, other_mean: Tensor, other: Tensor) -> Tensor:
    """W2^2 (B,) between N(mean, covariance) and N(other_mean, other), (B, D) and (B, D, D).

    |m - n|^2 and that of the covariances about their means (Dowson and Landau 1982).
    """
    return (mean - other_mean).square().sum(1) + bures_cost(covariance, other).clamp_min(0)


@dataclass(frozen=True)
class ConditionalUVP(Metric):
    """cBW2^2-UVP = 100 E_x BW2^2(pi(.|x), pi*(.|x)) / Var(Q), in percent.

    BW2 is W2 between the Gaussians of equal mean and covariance; the model's law given x is that
    of `draws` points which it moves from x, for each of `points` start points (Gushchin et al.
    2023, section 5; there both BW2^2 and Var(Q) are halved). A plan without error scores about
    (D + 5) / (4 draws) of the share of Q's variance that is conditional on x.
    """

    points: int = 100
    draws: int = 1000

    def refuses(self, problem: Problem) -> str | None:
        known = problem.truth is not None and problem.truth.plan is not None
        return None if known else _REASON

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        truth = evidence.truth
        if truth is None or truth.plan is None:
            raise Refusal(_REASON)
        x = evidence.start[: self.points]
        means, covariances = [], []
        for one in x:
            moved = flat(pushed(evidence, one.expand(self.draws, *one.shape), generator))
            if not moved.isfinite().all():
                return math.nan
            means.append(moved.mean(0))
            covariances.append(moved.mT.cov().reshape(moved.shape[1], moved.shape[1]))
        mean, covariance = truth.plan.moments(x)
        gaps = bures_square(mean, covariance, torch.stack(means), torch.stack(covariances))
        variance = truth.target_variance or flat(evidence.target).var(0).sum().item()
        return 100 * gaps.mean().item() / variance
