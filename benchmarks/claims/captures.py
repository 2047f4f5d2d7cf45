"""Lines between point charges: how many end on one, and whether equally many on each."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import torch

from transportkit import Lines, Transport, derive
from transportkit.harness.plan import problem as chosen
from transportkit.registry import make

from .laboratory import Interval

CHARGES = 40


def captures(seeds: Iterable[int], distances: Iterable[float]) -> tuple[float, Interval]:
    """The share of lines from 40 charges that 40 others capture, and chi-square per degree of
    freedom of how many each captures."""
    # The command line loads plugins by name; here one is the subject.
    from transportkit_efm.discrete import PointCharges

    whole = make("problem", chosen("gaussians"))
    finished, uneven = [], []
    for seed in seeds:
        p = whole.source.sample(CHARGES, derive(seed, "p"))
        q = whole.target.sample(CHARGES, derive(seed, "q"))
        for distance in distances:
            field = PointCharges.of(p, q, (2,), distance=distance, offset=None, rule="discrete")
            moved = Transport(field, Lines()).push(p.repeat(CHARGES, 1), derive(seed, "push"))
            which = (moved.points[:, None] - q).norm(dim=2).argmin(1)
            counts = torch.bincount(which, minlength=CHARGES).double()
            finished.append(moved.finished)
            uneven.append(float((counts - CHARGES).square().sum() / CHARGES / (CHARGES - 1)))
    return statistics.fmean(finished), Interval.of(uneven)
