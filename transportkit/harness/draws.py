"""Independent samples of a side of a problem."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..core.problem import Marginal, Problem
from ..core.spec import Side


def draws(problem: Problem, side: Side, n: int, count: int, generator: Generator) -> list[Tensor]:
    """`count` independent samples (n, *E) of a side: fresh, or disjoint parts of a finite one,
    which are smaller where it has no more points."""
    known = _known(problem, side)
    endless = [each for each in known if each.size is None]
    if endless:
        return [endless[-1].sample(n, generator) for _ in range(count)]
    # Distinct points in a random order: any two parts of them are disjoint.
    pool = torch.cat([t.points(count * n, generator) for t in known])
    order = torch.randperm(len(pool), generator=generator)
    return [pool[order[i * n : (i + 1) * n]] for i in range(count)]


def distinct(problem: Problem, side: Side) -> int | None:
    """How many points of a side there are to draw from; None where there is no end to them."""
    sizes = [each.size for each in _known(problem, side)]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _known(problem: Problem, side: Side) -> list[Marginal]:
    whole = [problem, *filter(None, [problem.held_out])]
    return [each.source if side == "source" else each.target for each in whole]
