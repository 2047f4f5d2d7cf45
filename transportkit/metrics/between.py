"""The way between the ends: moved points at an inner time against what was observed there."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from ..core.metric import Evidence, Metric
from ..core.model import IntervalField
from ..core.problem import Problem
from ..errors import Refusal
from .cloud import draw_rows, finite, flat
from .exact import optimal_distance
from .lines import at_share

_REASON = "nothing was observed between the ends of this problem"


@dataclass(frozen=True)
class BetweenW1(Metric):
    """W1 between the points at the inner time and the observed ones, mean over inner times.

    `lines` takes the points where the model's lines are at that share of the time, `displacement`
    at x + share (T(x) - x) (McCann 1997), and `auto` lines for a field over time and displacement
    for maps and for fields between plates, whose lines have no time. Both samples have the size of
    the smaller, at most `limit`.
    """

    along: Literal["auto", "lines", "displacement"] = "auto"
    limit: int = 2000

    def refuses(self, problem: Problem) -> str | None:
        known = problem.truth is not None and problem.truth.between
        return None if known else _REASON

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        if evidence.truth is None or not evidence.truth.between:
            raise Refusal(_REASON)
        values = []
        for share, observed in evidence.truth.between.items():
            here = self._at(evidence, share, generator)
            n = min(len(here), observed.size or len(here), self.limit)
            a = here[draw_rows(len(here), n, generator).to(here.device)]
            b = observed.points(n, generator).to(here)
            x, y = flat(a), flat(b)
            values.append(optimal_distance(x, y) if finite(x, y) else math.nan)
        return statistics.fmean(values)

    def _at(self, evidence: Evidence, share: float, generator: Generator) -> Tensor:
        if self.along == "lines" or (self.along == "auto" and _over_time(evidence)):
            return at_share(evidence, evidence.start, share, generator)
        return evidence.start + share * (evidence.moved - evidence.start)


def _over_time(evidence: Evidence) -> bool:
    """Whether the model's lines are over time: the states of a field over height, between plates,
    are no points of the data."""
    field, x = evidence.model, evidence.start
    return isinstance(field, IntervalField) and torch.equal(field.lift(x), x)
