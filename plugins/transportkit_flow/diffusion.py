"""Denoising diffusion from noise (Karras et al. 2022, arXiv:2206.00364)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from transportkit import (
    Descent,
    DiffusionField,
    Game,
    Interval,
    Method,
    Problem,
    TimeMLP,
    is_standard_normal,
)

from . import DiffusionParams

RHO = 7.0
"""Exponent of the noise levels along a line (equation 5)."""
_STATISTICS = 10_000


class DenoisingField(DiffusionField):
    """dx/dsigma = (x - D(x; sigma)) / sigma, from the largest noise to the smallest (eq. 3).

    The stochastic equation beside it is that of the noise run backwards (equation 6 with
    beta = dsigma/dt / sigma): twice the velocity, and noise of variance -dsigma^2 / dt.

    x are points of Q in their standard deviation about their mean, with noise of size sigma. Time
    runs evenly in sigma^(1/rho), which are the steps of equation 5. A state at time t is

        y = t centre + k(t) x / (1 + sigma^2)^(1/2),   k from 1 to the scale of the data,

    so that states are points of P at 0 and of Q at 1, and hardly move while noise dominates.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        largest: float,
        smallest: float,
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self._config = {
            "event_shape": list(event_shape),
            "largest": largest,
            "smallest": smallest,
            "width": width,
            "depth": depth,
        }
        self.largest, self.smallest = largest, smallest
        self.register_buffer("centre", torch.zeros(event_shape))
        self.register_buffer("scale", torch.ones(()))
        self.net = TimeMLP(event_shape, width=width, depth=depth, generator=generator)

    @property
    def config(self) -> Mapping[str, Any]:
        return self._config

    @property
    def span(self) -> Interval:
        return Interval(0.0, 1.0, noisy=True, denoising=True)

    def noise_level(self, t: Tensor) -> Tensor:
        return self.sigma(t)[0]

    def with_noise(
        self, t: Tensor, y: Tensor, level: Tensor, draw: Tensor
    ) -> tuple[Tensor, Tensor]:
        first, last = self.largest ** (1 / RHO), self.smallest ** (1 / RHO)
        time = (level ** (1 / RHO) - first) / (last - first)
        column = (-1, *[1] * (y.ndim - 1))
        spread = (1 + self.noise_level(t).square()).sqrt()
        x = (y - t.view(column) * self.centre) * (spread / self._unit(t)).view(column)
        more = (level.square() - self.noise_level(t).square()).clamp_min(0).sqrt()
        x = x + more.view(column) * draw
        size = self._unit(time) / (1 + level.square()).sqrt()
        return time, time.view(column) * self.centre + size.view(column) * x

    def sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The noise (B,) at times t (B,), and its rate of change."""
        first, last = self.largest ** (1 / RHO), self.smallest ** (1 / RHO)
        root = first + t * (last - first)
        return root**RHO, RHO * root ** (RHO - 1) * (last - first)

    def residual(self, y: Tensor, sigma: Tensor) -> Tensor:
        """What the network is trained to: (D - c_skip y) / c_out (table 1, data of unit size)."""
        spread = (1 + sigma.square()).sqrt().view(-1, *[1] * (y.ndim - 1))
        return self.net(sigma.log() / 4, y / spread)

    def denoised(self, y: Tensor, sigma: Tensor) -> Tensor:
        """D(y; sigma), an estimate of the mean of the clean points given y (B, *E)."""
        column = sigma.view(-1, *[1] * (y.ndim - 1))
        square = 1 + column.square()
        return y / square + column / square.sqrt() * self.residual(y, sigma)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        velocity, _ = self._velocities(t, y)
        return velocity

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        velocity, denoising = self._velocities(t, y)
        return velocity + denoising

    def noise(self, t: Tensor) -> Tensor:
        sigma, rate = self.sigma(t)
        return self._unit(t) * (-2 * sigma * rate / (1 + sigma.square())).sqrt()

    def _velocities(self, t: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The velocity (B, *E) of states, and the part of it that is due to that of x."""
        column = (-1, *[1] * (y.ndim - 1))
        sigma, rate = (value.view(column) for value in self.sigma(t))
        k = self._unit(t).view(column)
        w = (y - t.view(column) * self.centre) / k
        spread = (1 + sigma.square()).sqrt()
        # dx/dsigma without the difference of two near numbers at small noise.
        residual = self.residual(w * spread, sigma.flatten())
        denoising = k * rate * (sigma * w - residual) / spread.square()
        still = self.centre + (self._last - 1) * w - k * rate * sigma * w / spread.square()
        return still + denoising, denoising

    @property
    def _last(self) -> Tensor:
        """k at t = 1, where x has the smallest noise."""
        return self.scale * (1 + self.smallest**2) ** 0.5

    def _unit(self, t: Tensor) -> Tensor:
        """k (B,) at times t (B,)."""
        return 1 + t * (self._last - 1)

    def from_data(self, x: Tensor) -> Tensor:
        """Points (B, *E) of Q in their standard deviation about their mean."""
        return (x - self.centre) / self.scale


@dataclass(frozen=True)
class Noised:
    """States y (B, *E) of noise sigma (B,), and the noise z (B, *E) and clean points in them."""

    y: Tensor
    sigma: Tensor
    noise: Tensor
    clean: Tensor


class Denoising(Game[Noised]):
    """The regression E |D(y; sigma) - clean|^2 / c_out^2 over log-normal sigma (table 1)."""

    def __init__(self, problem: Problem, field: DenoisingField, params: DiffusionParams) -> None:
        self.problem, self.denoiser, self.params = problem, field, params

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"denoiser": self.denoiser}

    def draw(self, n: int, generator: Generator) -> Noised:
        clean = self.denoiser.from_data(self.problem.target.sample(n, generator))
        level, noise = (
            torch.randn(shape, generator=generator, device=generator.device).to(clean)
            for shape in ((n,), clean.shape)
        )
        sigma = (self.params.middle + self.params.spread * level).exp()
        sigma = sigma.clamp(self.params.smallest, self.params.largest)
        column = sigma.view(-1, *[1] * (clean.ndim - 1))
        return Noised(clean + column * noise, sigma, noise, clean)

    def loss(self, player: str, batch: Noised, generator: Generator) -> Tensor:
        # (clean - c_skip y) / c_out, without the difference of two near numbers at small noise.
        column = batch.sigma.view(-1, *[1] * (batch.y.ndim - 1))
        wanted = (column * batch.clean - batch.noise) / (1 + column.square()).sqrt()
        return (self.denoiser.residual(batch.y, batch.sigma) - wanted).square().mean()

    def model(self) -> DenoisingField:
        return self.denoiser


class Diffusion(Method[DiffusionParams]):
    """Diffusion from noise (EDM)."""

    def refuses(self, problem: Problem) -> str | None:
        if self.params.smallest >= self.params.largest:
            return "the smallest noise must be below the largest"
        if is_standard_normal(problem.source):
            return None
        return (
            "edm generates from noise: its source must be N(0, I), and this sample is not of that "
            "law; use cfm"
        )

    def objective(self, problem: Problem, generator: Generator) -> Denoising:
        settings = self.params
        field = DenoisingField(
            problem.event_shape,
            largest=settings.largest,
            smallest=settings.smallest,
            width=settings.width,
            depth=settings.depth,
            generator=generator,
        ).to(generator.device)
        data = problem.target.points(_STATISTICS, generator)
        field.centre = data.mean(0)
        variance = (data - field.centre).square().mean()
        # A single point has no length of its own.
        field.scale = torch.where(variance > 0, variance.sqrt(), torch.ones_like(variance))
        return Denoising(problem, field, settings)

    def trainer(self) -> Descent:
        s = self.params
        return Descent(steps=s.steps, batch=s.batch, lr=s.lr, ema=s.ema)

    def blank(self, config: Mapping[str, Any]) -> DenoisingField:
        return DenoisingField(**{**config, "event_shape": tuple(config["event_shape"])})
