"""The velocity field that flow matching trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import IntervalField, Problem, TimeMLP

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
        ends = [m.points(_STATISTICS, generator) for m in (problem.source, problem.target)]
        self.centre = torch.stack([x.mean(0) for x in ends]).mean(0)
        variance = torch.stack([(x - self.centre).square().mean() for x in ends]).mean()
        # Two point masses at one place have no length of their own.
        self.scale = torch.where(variance > 0, variance.sqrt(), torch.ones_like(variance))

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.scale * self.net(t, (y - self.centre) / self.scale)
