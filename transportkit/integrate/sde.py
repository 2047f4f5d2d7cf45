"""Stochastic equations of diffusion fields, by the Euler-Maruyama scheme."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from ..core.integrator import Integrator, Solution
from ..core.model import DiffusionField, Field
from ..core.span import Interval, Span
from .equal_steps import column, walk


@dataclass(frozen=True)
class EulerMaruyama(Integrator):
    """y += drift dt + noise sqrt(dt) N(0, I) in equal steps (Maruyama 1955).

    Of weak order 1. With `denoise` the last step takes no noise: a bridge ends in samples of a law,
    which its drift reaches in one step, and noise of the last one would stay on them. That leaves
    out a variance of order dt, as the scheme does anyhow.
    """

    steps: int = 100
    denoise: bool = True

    def refuses(self, span: Span) -> str | None:
        if isinstance(span, Interval) and span.noisy:
            return None
        return (
            "'euler-maruyama' needs a field with a stochastic equation; name no integrator, and "
            "the method takes its own"
        )

    def with_evaluations(self, nfe: int) -> EulerMaruyama:
        return replace(self, steps=nfe)

    def follow(self, field: Field, x: Tensor, generator: Generator, save: int) -> Solution:
        assert isinstance(field, DiffusionField)

        def step(t: Tensor, after: Tensor, y: Tensor) -> Tensor:
            h = column(after - t, y)
            if self.denoise and bool((after == after.new_tensor(field.span.t1)).all()):
                return y + field.drift(t, y) * h
            kick = torch.randn(y.shape, generator=generator, device=generator.device).to(y)
            return y + field.drift(t, y) * h + column(field.noise(t), y) * h.abs().sqrt() * kick

        with torch.no_grad():
            return walk(field.span, field.lift(x), self.steps, step, evaluations=1, save=save)
