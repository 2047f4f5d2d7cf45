"""Paths: how a state moves in time between the two points of a pair.

x_t = a(t) x0 + b(t) x1 + c(t) z with z ~ N(0, I) (Albergo, Boffi and Vanden-Eijnden 2023,
arXiv:2303.08797, definition 2.1, for paths that are linear in the points). A new path is a new
mean (a, b) or a new noise c; either is one small class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Weights:
    """The weights a, b (B,) of both points at B times, and their rates of change (B,)."""

    source: Tensor
    target: Tensor
    source_rate: Tensor
    target_rate: Tensor


class Mean(ABC):
    """The middle a(t) x0 + b(t) x1 of a path. Subclasses are frozen dataclasses."""

    @abstractmethod
    def weights(self, t: Tensor) -> Weights:
        """The weights at times t (B,) in [0, 1]."""


class Noise(ABC):
    """The noise about the middle of a path. Subclasses are frozen dataclasses.

    Given by its variance c^2, whose rate stays finite where that of c does not.
    """

    @property
    @abstractmethod
    def absent(self) -> bool:
        """Whether there is none at any time."""

    @abstractmethod
    def variance(self, t: Tensor) -> Tensor:
        """c(t)^2 (B,) a coordinate at times t (B,)."""

    @abstractmethod
    def rate(self, t: Tensor) -> Tensor:
        """The rate of change (B,) of the variance."""


@dataclass(frozen=True)
class PathPoint:
    """What the paths of B pairs say at B times.

    state (B, *E); drift (B, *E), the velocity of the middle; noise (B, *E), the draw z, and its
    factor `spread` c (B, 1, ...) in the state and `spread_rate` c' in the velocity; all three are
    None on a path without noise.
    """

    state: Tensor
    drift: Tensor
    noise: Tensor | None = None
    spread: Tensor | None = None
    spread_rate: Tensor | None = None

    @property
    def velocity(self) -> Tensor:
        """The velocity (B, *E) of the path at the state."""
        if self.noise is None or self.spread_rate is None:
            return self.drift
        return self.drift + self.spread_rate * self.noise


@dataclass(frozen=True)
class Path:
    """A mean and a noise about it."""

    mean: Mean
    noise: Noise

    def at(self, t: Tensor, x0: Tensor, x1: Tensor, generator: Generator) -> PathPoint:
        """A draw at times t (B,) on the path of each pair x0, x1 (B, *E).

        Where there is a noise that ends at 0 or 1, t must lie between.
        """
        column = (-1, *[1] * (x0.ndim - 1))
        w = self.mean.weights(t)
        state = w.source.view(column) * x0 + w.target.view(column) * x1
        drift = w.source_rate.view(column) * x0 + w.target_rate.view(column) * x1
        if self.noise.absent:
            return PathPoint(state, drift)
        noise = torch.randn(
            state.shape, generator=generator, device=generator.device, dtype=state.dtype
        ).to(state.device)
        spread = self.noise.variance(t).sqrt()
        rate = (self.noise.rate(t) / (2 * spread)).view(column)
        spread = spread.view(column)
        return PathPoint(state + spread * noise, drift, noise, spread, rate)
