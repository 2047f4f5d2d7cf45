"""Error to the true optimal map, where it is known (Korotin et al. 2021, arXiv:2106.01954)."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import final

from torch import Generator, Tensor

from ..core.metric import Evidence, Metric
from ..core.problem import Problem
from ..errors import Refusal
from .cloud import finite, flat
from .displacement import mean_square

_REASON = "the true map of this problem is not known"


class AgainstTruth(Metric):
    """A metric that compares the moved points with where the true map takes the start points."""

    @final
    def refuses(self, problem: Problem) -> str | None:
        known = problem.truth is not None and problem.truth.map is not None
        return None if known else _REASON

    @final
    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        truth = evidence.truth
        if truth is None or truth.map is None:
            raise Refusal(_REASON)
        start, moved = flat(evidence.start), flat(evidence.moved)
        true = flat(truth.map(evidence.start.double()))
        if not finite(start, moved, true):
            return math.nan
        variance = truth.target_variance or flat(evidence.target).var(0, correction=0).sum().item()
        return self.compare(start, moved, true, variance)

    @abstractmethod
    def compare(self, start: Tensor, moved: Tensor, true: Tensor, variance: float) -> float:
        """The value, from points (n, D) and the trace of the target's covariance."""


@dataclass(frozen=True)
class L2UVP(AgainstTruth):
    """L2-UVP = 100 E|T(x) - T*(x)|^2 / Var(Q), Var(Q) the trace of Q's covariance; in percent.

    The constant map to the mean of Q scores 100.
    """

    def compare(self, start: Tensor, moved: Tensor, true: Tensor, variance: float) -> float:
        return 100 * mean_square(moved - true) / variance


@dataclass(frozen=True)
class Cosine(AgainstTruth):
    """cos = <T - id, T* - id> / (|T - id| |T* - id|) in L2(P): 1 where the displacements of all
    points agree up to one positive factor; 0 where nothing moved."""

    def compare(self, start: Tensor, moved: Tensor, true: Tensor, variance: float) -> float:
        given, wanted = moved - start, true - start
        norm = math.sqrt(mean_square(given) * mean_square(wanted))
        return (given * wanted).sum(1).mean().item() / norm if norm > 0 else 0.0
