"""The velocity fields that flow matching trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import DiffusionField, IntervalField, Problem, TimeMLP

from .paths.linear import Linear
from .paths.path import Mean
from .paths.trigonometric import Trigonometric

END = 1e-3
"""How near 0 and 1 times are drawn on a path whose noise ends there."""

MIDDLES: Mapping[str, Mean] = {"linear": Linear(), "trigonometric": Trigonometric()}

_STATISTICS = 10_000


class FlowField(IntervalField):
    """v(t, y) = scale * net(t, (y - centre) / scale).

    centre (*E) is the midpoint of the two means and scale () one length for all coordinates, so
    that the network works near unit scale whatever the data's units, and distances keep
    their proportions.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int,
        depth: int,
        activation: str,
        frequencies: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self._config = {
            "event_shape": list(event_shape),
            "width": width,
            "depth": depth,
            "activation": activation,
            "frequencies": frequencies,
        }
        self.register_buffer("centre", torch.zeros(event_shape))
        self.register_buffer("scale", torch.ones(()))
        self.net = TimeMLP(
            event_shape,
            width=width,
            depth=depth,
            activation=activation,
            frequencies=frequencies,
            generator=generator,
        )

    @property
    def config(self) -> Mapping[str, Any]:
        return self._config

    def standardise(self, problem: Problem, generator: Generator) -> None:
        """Take centre and scale from the problem's samples."""
        self.centre, self.scale = statistics(problem, generator)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.scale * self.net(t, (y - self.centre) / self.scale)


class ScoreFlowField(DiffusionField):
    """A drift and a score, of which both the lines and a stochastic equation are made.

    On paths of variance s = sigma^2 t (1 - t) about their middle, with the middle's mean velocity
    u(t, y) and the score of the marginals, the velocity of the lines is u - s'/2 score (Albergo,
    Boffi and Vanden-Eijnden 2023, arXiv:2303.08797, eqs. 2.10 and 2.14; s/2 has no pole where the
    rate of the noise itself has one), and noise of size sigma adds sigma^2/2 score to the drift.

    With the mean m of the middle, its variance v a coordinate, and a network F,

        score = (sqrt(v/s) F(t, z) - z) / sqrt(v + s),    z = (y - m) / sqrt(v + s),

    which without F is that of a normal law. F is of unit size where details of the laws make the
    score grow like 1 / sqrt(s) near an end (the denoiser of Karras et al. 2022, arXiv:2206.00364,
    eq. 7 and table 1, for data of mean m and variance v).
    """

    sigma: Tensor
    means: Tensor
    moments: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        path: str = "linear",
        generator: Generator | None = None,
        **network: Any,
    ) -> None:
        super().__init__()
        self.middle = FlowField(event_shape, generator=generator, **network)
        self.correction = TimeMLP(event_shape, generator=generator, **network)
        self._path = path
        self.register_buffer("sigma", torch.ones(()))
        self.register_buffer("means", torch.zeros(2, *event_shape))
        self.register_buffer("moments", torch.tensor([1.0, 1.0, 0.0]))

    @property
    def config(self) -> Mapping[str, Any]:
        return {**self.middle.config, "score": True, "path": self._path}

    def standardise(self, problem: Problem, generator: Generator) -> None:
        """Take centre and scale from the problem's samples."""
        self.middle.standardise(problem, generator)

    def measure(self, x0: Tensor, x1: Tensor) -> None:
        """Take the moments of the middle from pairs x0, x1 (N, *E): the means of both ends, their
        variances a coordinate, and the covariance."""
        self.means = torch.stack([x0.mean(0), x1.mean(0)])
        a, b = x0 - self.means[0], x1 - self.means[1]
        self.moments = torch.stack([a.square().mean(), b.square().mean(), (a * b).mean()])

    @property
    def scale(self) -> Tensor:
        return self.middle.scale

    def score(self, t: Tensor, y: Tensor) -> Tensor:
        """The gradient (B, *E) of the log density of the marginal at times t (B,)."""
        column = (-1, *[1] * (y.ndim - 1))
        # At the ends themselves there is no noise to tell: they take the nearest times taught.
        t = t.clamp(END, 1 - END)
        weights = MIDDLES[self._path].weights(t)
        a, b = weights.source.view(column), weights.target.view(column)
        s = (self.sigma.square() * t * (1 - t)).view(column)
        v = a.square() * self.moments[0] + b.square() * self.moments[1]
        # Not below zero by rounding, as where all pairs meet on the way.
        v = (v + 2 * a * b * self.moments[2]).clamp_min(0)
        size = (v + s).sqrt()
        z = (y - a * self.means[0] - b * self.means[1]) / size
        return ((v / s).sqrt() * self.correction(t, z) - z) / size

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        return self._velocity(t, y, self.sigma.square() * t)

    def noise(self, t: Tensor) -> Tensor:
        return self.sigma.to(t).expand_as(t)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self._velocity(t, y, self.sigma.square() * (t - 0.5))

    def _velocity(self, t: Tensor, y: Tensor, share: Tensor) -> Tensor:
        """The middle's velocity and share (B,) times the score."""
        share = share.view(-1, *[1] * (y.ndim - 1))
        return self.middle(t, y) + share * self.score(t, y)


def statistics(problem: Problem, generator: Generator) -> tuple[Tensor, Tensor]:
    """The midpoint (*E) of both means, and the root mean variance () a coordinate about it."""
    ends = [m.points(_STATISTICS, generator) for m in (problem.source, problem.target)]
    centre = torch.stack([x.mean(0) for x in ends]).mean(0)
    variance = torch.stack([(x - centre).square().mean() for x in ends]).mean()
    # Two point masses at one place have no length of their own.
    return centre, torch.where(variance > 0, variance.sqrt(), torch.ones_like(variance))
