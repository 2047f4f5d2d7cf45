"""Lines of a model over time, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..core.metric import Evidence
from ..core.model import IntervalField
from ..core.span import Interval
from ..errors import Refusal
from .cloud import draw_rows


@dataclass(frozen=True)
class Lines:
    """States and velocities, both (K, n, D) in float64, of n lines at times (K,) from 0 to 1, and
    which rows (n,) of the evidence they begin at."""

    times: Tensor
    states: Tensor
    velocities: Tensor
    rows: Tensor

    @property
    def energy(self) -> float:
        """The integral over time of E|v|^2, by the trapezoid rule."""
        return float(torch.trapezoid(self.velocities.square().sum(2).mean(1), self.times))


def follow(evidence: Evidence, limit: int, states: int, generator: Generator) -> Lines:
    """The lines that the evidence's integrator follows from at most `limit` of its start points,
    at `states` equal times.

    Raises Refusal where the model has no lines over time whose states are points of the data.
    """
    field, integrator = evidence.model, evidence.integrator
    if not isinstance(field, IntervalField) or integrator is None:
        raise Refusal("the model has no lines over time")
    if integrator.refuses(Interval(field.span.t0, field.span.t1)) is not None:
        raise Refusal("paths with noise have no velocity")
    rows = draw_rows(len(evidence.start), limit, generator)
    x = evidence.start[rows.to(evidence.start.device)]
    if not (torch.equal(field.lift(x), x) and torch.equal(field.along(x), x)):
        raise Refusal("the states of the lines are not points of the data")
    solution = integrator.solve(field, x, generator, save=states)
    assert solution.path is not None
    assert solution.times is not None
    with torch.no_grad():
        velocities = torch.stack(
            [field(t, y) for t, y in zip(solution.times, solution.path, strict=True)]
        )
    times = torch.linspace(0, 1, states, dtype=torch.float64, device=x.device)
    length = field.span.t1 - field.span.t0
    return Lines(
        times,
        solution.path.flatten(2).double(),
        length * velocities.flatten(2).double(),
        rows,
    )
