"""Whether moved points are copies of training samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..core.metric import Evidence, Metric
from ..errors import Refusal
from .cloud import draw_rows, finite, flat

_ROWS = 256


@dataclass(frozen=True)
class Memorization(Metric):
    """The median distance of moved points to their nearest training sample of the target, over the
    same of held-out target points.

    A map that copies training samples has 0, one whose points are as new as held-out ones 1, and
    one that misses the target more. Of more than `limit` points or training samples, that many are
    drawn.
    """

    limit: int = 10_000

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        if evidence.training is None:
            raise Refusal("memorization compares with training samples, and there are none at hand")
        seen = evidence.training.target.points(self.limit, generator)
        clouds = [
            flat(x)[draw_rows(len(x), self.limit, generator).to(x.device)]
            for x in (evidence.moved, evidence.target)
        ]
        seen = flat(seen.to(evidence.moved.device))
        if not finite(*clouds, seen):
            return math.nan
        moved, held_out = (float(nearest(x, seen).median()) for x in clouds)
        return moved / held_out if held_out > 0 else math.nan


def nearest(x: Tensor, samples: Tensor) -> Tensor:
    """The distance (n,) of each of x (n, D) to the nearest of the samples (N, D)."""
    found = [
        torch.cdist(rows, samples, compute_mode="donot_use_mm_for_euclid_dist").amin(1)
        for rows in x.split(_ROWS)
    ]
    return torch.cat(found)
