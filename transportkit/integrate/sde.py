"""Stochastic equations of diffusion fields, by the Euler-Maruyama scheme."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from ..core.integrator import Integrator, Solution
from ..core.model import DiffusionField, Field
from ..core.span import Interval, Span
from ..core.status import Stop


@dataclass(frozen=True)
class EulerMaruyama(Integrator):
    """y += drift dt + noise sqrt(dt) N(0, I) in equal steps (Maruyama 1955).

    Of weak order 1. The last step has its noise like any other.
    """

    steps: int = 100

    def refuses(self, span: Span) -> str | None:
        if isinstance(span, Interval) and span.noisy:
            return None
        return "'euler-maruyama' needs a field with a stochastic equation; use midpoint or rk4"

    def with_evaluations(self, nfe: int) -> EulerMaruyama:
        return replace(self, steps=nfe)

    def follow(self, field: Field, x: Tensor, generator: Generator, save: int) -> Solution:
        assert isinstance(field, DiffusionField)
        with torch.no_grad():
            return self._follow(field, field.lift(x), generator, save)

    def _follow(
        self, field: DiffusionField, y: Tensor, generator: Generator, save: int
    ) -> Solution:
        span, steps = field.span, self.steps
        grid = torch.linspace(span.t0, span.t1, steps + 1, dtype=y.dtype, device=y.device)
        kept = [round(i * steps / (save - 1)) for i in range(save)] if save else []
        path = [y] * sum(k == 0 for k in kept)
        going = torch.ones(len(y), dtype=torch.bool, device=y.device)
        column = (-1, *[1] * (y.ndim - 1))
        for i in range(steps):
            t, dt = grid[i].expand(len(y)), grid[i + 1] - grid[i]
            kick = torch.randn(y.shape, generator=generator, device=generator.device).to(y)
            size = (field.noise(t) * dt.abs().sqrt()).view(column)
            new = y + field.drift(t, y) * dt + size * kick
            going = going & new.flatten(1).isfinite().all(1)
            # A line that failed stays at its last finite state.
            y = torch.where(going.view(column), new, y)
            path += [y] * sum(k == i + 1 for k in kept)
        stop = torch.where(going, int(Stop.ARRIVED), int(Stop.NOT_FINITE)).to(torch.uint8)
        evaluations = torch.full_like(stop, steps, dtype=torch.long)
        if not save:
            return Solution(y, stop, evaluations)
        times = grid[kept][:, None].expand(-1, len(y))
        return Solution(y, stop, evaluations, times, torch.stack(path))
