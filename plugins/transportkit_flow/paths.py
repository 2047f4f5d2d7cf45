"""Paths: how a state moves in time between the two points of a pair."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class PathPoint:
    """States (B, *E) on the paths of B pairs, and the velocities (B, *E) there."""

    state: Tensor
    velocity: Tensor


class Path(ABC):
    """A law of states between x0 and x1. Subclasses are frozen dataclasses of their settings."""

    @abstractmethod
    def at(self, t: Tensor, x0: Tensor, x1: Tensor, generator: Generator) -> PathPoint:
        """A draw at times t (B,) in [0, 1] on the path of each pair x0, x1 (B, *E)."""


@dataclass(frozen=True)
class Straight(Path):
    """x_t ~ N((1 - t) x0 + t x1, sigma^2 I), of velocity x1 - x0 (Tong et al. 2024, eqs. 14-15).

    With sigma > 0 the lines start at P and end at Q, each blurred by N(0, sigma^2 I).
    """

    sigma: float = 0.0

    def at(self, t: Tensor, x0: Tensor, x1: Tensor, generator: Generator) -> PathPoint:
        velocity = x1 - x0
        state = x0 + t.view(-1, *[1] * (x0.ndim - 1)) * velocity
        if self.sigma:
            noise = torch.randn(
                state.shape, generator=generator, device=generator.device, dtype=state.dtype
            )
            state = state + self.sigma * noise.to(state.device)
        return PathPoint(state, velocity)
