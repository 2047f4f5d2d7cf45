"""The likelihood of held-out points under a model, by the instantaneous change of variables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from ..core.metric import Evidence, Metric
from ..core.model import IntervalField
from ..core.normality import is_standard_normal
from ..core.problem import Problem
from ..core.span import Interval
from ..errors import Refusal
from .cloud import draw_rows

_NORMAL = "the density of the source must be known, and this sample is not of N(0, I)"


@dataclass(frozen=True)
class LogLikelihood(Metric):
    """The mean of log q(y) over held-out target points y, per dimension.

    q is the law of the points that the model's lines carry from N(0, I). Along a line
    d log q / dt = -div v (Chen et al. 2018, arXiv:1806.07366, theorem 1). In up to `exact`
    dimensions the divergence is the trace of the Jacobian; above, e'(dv/dy)e with one draw of
    signs e a line (Hutchinson 1990; Grathwohl et al. 2019, arXiv:1810.01367). Lines are followed
    backwards by the run's own integrator, so that its errors count.
    """

    limit: int = 500
    exact: int = 16
    unit: Literal["nats", "bits"] = "nats"

    def refuses(self, problem: Problem) -> str | None:
        return None if is_standard_normal(problem.source) else _NORMAL

    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        field, integrator = evidence.model, evidence.integrator
        if not isinstance(field, IntervalField) or integrator is None:
            raise Refusal("the model has no lines over time")
        back = field.reverse()
        assert isinstance(back, IntervalField)
        if integrator.refuses(back.span) is not None:
            raise Refusal("the density of paths with noise is not known by their lines")
        rows = draw_rows(len(evidence.target), self.limit, generator)
        y = evidence.target[rows.to(evidence.target.device)]
        dim = y[0].numel()
        signs = None
        if dim > self.exact:
            draw = torch.randint(2, (len(y), dim), generator=generator, device=generator.device)
            signs = (2 * draw - 1).to(y)
        volume = _log_volume(back.lift, y, self.exact)
        state = back.lift(y)
        carried = Carried(back, tuple(state.shape[1:]), signs)
        start = torch.cat([state.flatten(1), torch.zeros_like(state.flatten(1)[:, :1])], 1)
        solution = integrator.solve(carried, start, generator)
        end = solution.end[:, :-1].view_as(state)
        volume = volume + solution.end[:, -1].double() + _log_volume(back.drop, end, self.exact)
        x = back.drop(end).flatten(1).double()
        log_p = -(x.square().sum(1) + dim * math.log(2 * math.pi)) / 2
        value = float((log_p + volume).mean()) / dim
        if not bool(solution.arrived.all()):
            return math.nan
        return value / math.log(2) if self.unit == "bits" else value


class Carried(IntervalField):
    """A field with one coordinate more, flat: the integral of its divergence along the line.

    `signs` (n, D) are those of Hutchinson's estimate, None for the exact divergence.
    """

    def __init__(self, field: IntervalField, shape: tuple[int, ...], signs: Tensor | None) -> None:
        super().__init__()
        self.field, self.shape, self.signs = field, shape, signs

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    @property
    def span(self) -> Interval:
        return Interval(self.field.span.t0, self.field.span.t1)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        with torch.enable_grad():
            state = y[:, :-1].detach().requires_grad_()
            v = self.field(t, state.view(-1, *self.shape)).flatten(1)
            # A velocity that does not depend on the state has no gradient to ask for.
            v = v + 0 * state
            if self.signs is None:
                divergence = _trace(v, state)
            else:
                # A batch of an adaptive scheme may be a part of the lines, which then have signs
                # of others: draws like their own.
                signs = self.signs[: len(y)]
                (pulled,) = torch.autograd.grad((v * signs).sum(), state)
                divergence = (pulled * signs).sum(1)
        return torch.cat([v.detach(), divergence.detach()[:, None]], 1)


def _trace(v: Tensor, state: Tensor) -> Tensor:
    """The trace (n,) of the Jacobian of v (n, D) in the state (n, D)."""
    parts = [
        torch.autograd.grad(v[:, i].sum(), state, retain_graph=True)[0][:, i]
        for i in range(v.shape[1])
    ]
    return torch.stack(parts).sum(0)


def _log_volume(change: Callable[[Tensor], Tensor], x: Tensor, exact: int) -> Tensor:
    """log |det| (n,) of the Jacobian of a change of variables at x (n, *E), in float64."""
    if torch.equal(change(x), x):
        return torch.zeros(len(x), dtype=torch.float64, device=x.device)
    if x[0].numel() > exact:
        raise Refusal("the states of the lines are not points of the data")

    def one(point: Tensor) -> Tensor:
        return change(point[None])[0].flatten()

    try:
        jacobian = torch.func.vmap(torch.func.jacrev(one))(x)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:
        # A change that leaves torch on its way, as for a special function of scipy.
        raise Refusal("the change of variables of these lines cannot be differentiated") from None
    matrix = jacobian.reshape(len(x), -1, x[0].numel()).double()
    if matrix.shape[1] != matrix.shape[2]:
        raise Refusal("the lines have more coordinates than the data")
    return torch.linalg.slogdet(matrix).logabsdet
