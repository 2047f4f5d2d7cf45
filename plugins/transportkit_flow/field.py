"""The velocity fields that flow matching trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import DiffusionField, IntervalField, Problem, TimeMLP

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
    """

    sigma: Tensor

    def __init__(
        self, event_shape: tuple[int, ...], *, generator: Generator | None = None, **network: Any
    ) -> None:
        super().__init__()
        self.middle = FlowField(event_shape, generator=generator, **network)
        self.slope = FlowField(event_shape, generator=generator, **network)
        self.register_buffer("sigma", torch.ones(()))

    @property
    def config(self) -> Mapping[str, Any]:
        return {**self.middle.config, "score": True}

    def standardise(self, problem: Problem, generator: Generator) -> None:
        """Take centre and scale from the problem's samples."""
        self.middle.standardise(problem, generator)
        self.slope.centre, self.slope.scale = self.middle.centre.clone(), self.middle.scale.clone()

    @property
    def scale(self) -> Tensor:
        return self.middle.scale

    def score(self, t: Tensor, y: Tensor) -> Tensor:
        """The gradient (B, *E) of the log density of the marginal at times t (B,)."""
        return self.slope(t, y) / self.scale.square()

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
