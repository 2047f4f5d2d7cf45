"""Two drifts of one bridge, forwards and backwards in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import DiffusionField, Field, Interval, TimeMLP

from ..frame import Frame


class BridgeField(DiffusionField):
    """A bridge by its forward and backward drifts.

    Networks see y about m(t), on the line between both means, in units of the frame; they give
    the drift of dy = b(t, y) dt + noise dW and that of the same process in reversed time. Half
    their difference is the velocity of the lines with its marginals, since their sum is
    noise^2 times the score (Song et al. 2021, equation 13; Anderson 1982).
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int,
        depth: int,
        epsilon: float,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.epsilon = epsilon
        self._config = {
            "event_shape": list(event_shape),
            "width": width,
            "depth": depth,
            "epsilon": epsilon,
        }
        self.frame = Frame(event_shape)
        dim = (torch.Size(event_shape).numel(),)
        self.onwards, self.backwards = (
            TimeMLP(dim, width=width, depth=depth, generator=generator) for _ in range(2)
        )

    @property
    def config(self) -> Mapping[str, Any]:
        return self._config

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        inside = self._inside(t, y)
        return self._outside((self.onwards(t, inside) - self.backwards(t, inside)) / 2, y)

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        return self._outside(self.onwards(t, self._inside(t, y)), y)

    def drift_back(self, t: Tensor, y: Tensor) -> Tensor:
        """The drift (B, *S) of the reversed process, against the direction of time."""
        return self._outside(-self.backwards(t, self._inside(t, y)), y)

    def noise(self, t: Tensor) -> Tensor:
        return torch.ones_like(t) * self.epsilon**0.5 * self.frame.scale

    def reverse(self) -> Field:
        return ReversedBridge(self)

    def _inside(self, t: Tensor, y: Tensor) -> Tensor:
        centre = torch.lerp(self.frame.source_mean, self.frame.target_mean, t[:, None])
        return (y.flatten(1) - centre) / self.frame.scale

    def _outside(self, slope: Tensor, y: Tensor) -> Tensor:
        shift = self.frame.target_mean - self.frame.source_mean
        return (self.frame.scale * slope + shift).view_as(y)


class ReversedBridge(DiffusionField):
    """The same bridge from the end of time to the beginning."""

    def __init__(self, bridge: BridgeField) -> None:
        super().__init__()
        self.bridge = bridge

    @property
    def config(self) -> Mapping[str, Any]:
        return self.bridge.config

    @property
    def span(self) -> Interval:
        return Interval(1.0, 0.0, noisy=True)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.bridge(t, y)

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        return self.bridge.drift_back(t, y)

    def noise(self, t: Tensor) -> Tensor:
        return self.bridge.noise(t)

    def reverse(self) -> Field:
        return self.bridge
