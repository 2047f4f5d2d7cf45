"""Stochastic sampling of fields that remove noise: some is put in before every step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from ..core.integrator import Integrator, Solution
from ..core.model import Field, IntervalField
from ..core.span import Interval, Span
from ..core.status import Stop
from ..errors import Refusal

_MOST = 2**0.5 - 1


@dataclass(frozen=True)
class Churn(Integrator):
    """Karras et al. 2022, algorithm 2: in each of N equal steps the noise of a state is raised by
    the factor 1 + min(s_churn / N, 2^(1/2) - 1), where its level lies in [s_tmin, s_tmax], and
    Heun's method goes on from there; without churn it is Heun's method.

    Levels are in the field's units. Steps are those of the field's own time and states, and noise
    is never raised above that of the first; the last step is one of Heun like any other.
    """

    steps: int = 50
    s_churn: float = 40.0
    s_tmin: float = 0.1
    s_tmax: float = 100.0
    s_noise: float = 1.0

    def refuses(self, span: Span) -> str | None:
        if isinstance(span, Interval) and span.denoising:
            return None
        return (
            "'churn' needs a field that tells how much noise its states have; use midpoint or rk4"
        )

    def with_evaluations(self, nfe: int) -> Churn:
        if nfe < 2:
            raise Refusal(f"churn needs at least 2 evaluations a line, not {nfe}")
        return replace(self, steps=nfe // 2)

    def follow(self, field: Field, x: Tensor, generator: Generator, save: int) -> Solution:
        assert isinstance(field, IntervalField)
        with torch.no_grad():
            return self._follow(field, field.lift(x), generator, save)

    def _follow(self, field: IntervalField, y: Tensor, generator: Generator, save: int) -> Solution:
        span, steps = field.span, self.steps
        grid = torch.linspace(span.t0, span.t1, steps + 1, dtype=y.dtype, device=y.device)
        kept = [round(i * steps / (save - 1)) for i in range(save)] if save else []
        path = [y] * sum(k == 0 for k in kept)
        going = torch.ones(len(y), dtype=torch.bool, device=y.device)
        column = (-1, *[1] * (y.ndim - 1))
        for i in range(steps):
            t, state = self._churned(field, grid[i].expand(len(y)), y, generator)
            after = grid[i + 1].expand(len(y))
            h = (after - t).view(column)
            first = field(t, state)
            second = field(after, state + h * first)
            new = state + h * (first + second) / 2
            going = going & new.flatten(1).isfinite().all(1)
            # A line that failed stays at its last finite state.
            y = torch.where(going.view(column), new, y)
            path += [y] * sum(k == i + 1 for k in kept)
        stop = torch.where(going, int(Stop.ARRIVED), int(Stop.NOT_FINITE)).to(torch.uint8)
        evaluations = torch.full_like(stop, 2 * steps, dtype=torch.long)
        if not save:
            return Solution(y, stop, evaluations)
        times = grid[kept][:, None].expand(-1, len(y))
        return Solution(y, stop, evaluations, times, torch.stack(path))

    def _churned(
        self, field: IntervalField, t: Tensor, y: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """The times (B,) and states y (B, *S), of times t (B,), with noise put in."""
        gamma = min(self.s_churn / self.steps, _MOST)
        if gamma == 0:
            return t, y
        level = field.noise_level(t)
        first = field.noise_level(torch.full_like(t, field.span.t0))
        within = (level >= self.s_tmin) & (level <= self.s_tmax)
        raised = torch.where(within, torch.minimum((1 + gamma) * level, first), level)
        draw = torch.randn(y.shape, generator=generator, device=generator.device).to(y)
        return field.with_noise(t, y, raised, self.s_noise * draw)
