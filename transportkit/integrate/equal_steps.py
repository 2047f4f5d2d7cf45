"""What schemes of equal steps with random draws share: the walk over the interval."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..core.integrator import Solution
from ..core.span import Interval
from ..core.status import Stop


def walk(
    span: Interval,
    y: Tensor,
    steps: int,
    step: Callable[[Tensor, Tensor, Tensor], Tensor],
    *,
    evaluations: int,
    save: int,
) -> Solution:
    """Every line from y (B, *S) over the span, in equal steps of so many evaluations each.

    `step` gives the states (B, *S) that follow on states y, from times t (B,) to times (B,). A
    line whose state is no longer finite stays at its last finite one, as `Stop.NOT_FINITE`.
    """
    grid = torch.linspace(span.t0, span.t1, steps + 1, dtype=y.dtype, device=y.device)
    kept = [round(i * steps / (save - 1)) for i in range(save)] if save else []
    path = [y] * sum(k == 0 for k in kept)
    going = torch.ones(len(y), dtype=torch.bool, device=y.device)
    for i in range(steps):
        new = step(grid[i].expand(len(y)), grid[i + 1].expand(len(y)), y)
        going = going & new.flatten(1).isfinite().all(1)
        y = torch.where(column(going, y), new, y)
        path += [y] * sum(k == i + 1 for k in kept)
    stop = torch.where(going, int(Stop.ARRIVED), int(Stop.NOT_FINITE)).to(torch.uint8)
    counted = torch.full_like(stop, evaluations * steps, dtype=torch.long)
    if not save:
        return Solution(y, stop, counted)
    return Solution(y, stop, counted, grid[kept][:, None].expand(-1, len(y)), torch.stack(path))


def column(values: Tensor, y: Tensor) -> Tensor:
    """Values (B,) in a shape that goes with states y (B, *S)."""
    return values.view(-1, *[1] * (y.ndim - 1))
