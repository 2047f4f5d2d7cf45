"""Independent samples of a problem's target."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..core.problem import Marginal, Problem


def target_draws(problem: Problem, n: int, count: int, generator: Generator) -> list[Tensor]:
    """`count` independent target samples (n, *E): fresh, or disjoint parts of a finite one, which
    are smaller where it has no more points."""
    targets = _targets(problem)
    endless = [t for t in targets if t.size is None]
    if endless:
        return [endless[-1].sample(n, generator) for _ in range(count)]
    # Distinct points in a random order: any two parts of them are disjoint.
    pool = torch.cat([t.points(count * n, generator) for t in targets])
    order = torch.randperm(len(pool), generator=generator)
    return [pool[order[i * n : (i + 1) * n]] for i in range(count)]


def distinct(problem: Problem) -> int | None:
    """How many target points there are to draw from; None where there is no end to them."""
    sizes = [target.size for target in _targets(problem)]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _targets(problem: Problem) -> list[Marginal]:
    held = [] if problem.held_out is None else [problem.held_out.target]
    return [problem.target, *held]
