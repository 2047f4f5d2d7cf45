"""Stochastic sampling of fields that remove noise: some is put in before every step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from ..core.integrator import Integrator, Solution
from ..core.model import Field, IntervalField
from ..core.span import Interval, Span
from ..errors import Refusal
from .equal_steps import column, walk

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
            "'churn' needs a field that tells how much noise its states have, as that of 'edm' "
            "does; name no integrator, and the method takes its own"
        )

    def with_evaluations(self, nfe: int) -> Churn:
        if nfe < 2:
            raise Refusal(f"churn needs at least 2 evaluations a line, not {nfe}")
        return replace(self, steps=nfe // 2)

    def follow(self, field: Field, x: Tensor, generator: Generator, save: int) -> Solution:
        assert isinstance(field, IntervalField)

        def step(t: Tensor, after: Tensor, y: Tensor) -> Tensor:
            t, y = self._churned(field, t, y, generator)
            h = column(after - t, y)
            first = field(t, y)
            return y + h * (first + field(after, y + h * first)) / 2

        with torch.no_grad():
            return walk(field.span, field.lift(x), self.steps, step, evaluations=2, save=save)

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
