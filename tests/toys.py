"""Fields and maps whose answer is known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import Contact, Field, IntervalField, Map, Plate, PlateField


class Flow(IntervalField):
    """An interval field given by its velocity function (t (B,), y (B, *S)) -> (B, *S)."""

    def __init__(self, velocity: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.velocity = velocity
        self.calls = 0

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        assert t.shape == y.shape[:1]
        self.calls += 1
        return self.velocity(t, y)


def cosine(t: Tensor, y: Tensor) -> Tensor:
    """y' = y cos t, whose lines are y(t) = y(0) exp(sin t)."""
    return y * torch.cos(t)[:, None]


class Shift(Map):
    """x + by, and NaN where x is negative."""

    def __init__(self, by: float = 1.0) -> None:
        super().__init__()
        self.by = torch.nn.Parameter(torch.tensor(by))

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        return torch.where(x < 0, math.nan, x + self.by)


class Between(PlateField):
    """A plate field of a direction (B, D+1) -> (B, D+1), read from flat states.

    A line leaves straight up, or down where `backwards` says so of its start; it ends where
    `arrives(y)` says so, straight onto the plate, and passes straight through elsewhere.
    """

    leaving = 0
    meeting = 0

    def __init__(
        self,
        direction: Callable[[Tensor], Tensor],
        plate: Plate,
        *,
        arrives: Callable[[Tensor], Tensor] = lambda y: torch.ones(len(y), dtype=torch.bool),
        backwards: Callable[[Tensor], Tensor] = lambda y: torch.zeros(len(y), dtype=torch.bool),
    ) -> None:
        super().__init__()
        self.direction, self.plate = direction, plate
        self.arrives, self.backwards = arrives, backwards
        self.met: list[Tensor] = []

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    @property
    def span(self) -> Plate:
        return self.plate

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        assert t.shape == y.shape[:1]
        return self.direction(y)

    def lift(self, x: Tensor) -> Tensor:
        return torch.cat([x, torch.full_like(x[:, :1], self.plate.start)], 1)

    def drop(self, y: Tensor) -> Tensor:
        return y[:, :-1]

    def reverse(self) -> Field:
        return Between(lambda y: -self.direction(y), self.plate.reversed())

    def leave(self, y: Tensor, generator: Generator) -> Contact:
        step = self.plate.sense * self.plate.offsets[0]
        z = torch.where(self.backwards(y), y[:, -1] - step, y[:, -1] + step)
        return Contact(torch.cat([y[:, :-1], z[:, None]], 1), torch.zeros(len(y)) > 0, self.leaving)

    def meet(self, y: Tensor) -> Contact:
        self.met.append(y.clone())
        z, start, end = y[:, -1:], self.plate.start, self.plate.end
        at_end = (z - end).abs() < (z - start).abs()
        arrived = self.arrives(y) & at_end[:, 0]
        far = torch.where(at_end, end, start).to(y) * 2 - z
        z = torch.where(arrived[:, None], end, far)
        return Contact(torch.cat([y[:, :-1], z], 1), arrived, self.meeting)


def unit(v: Tensor) -> Tensor:
    """Rows scaled to length 1, by operations that round the same in any batch."""
    return v / (v * v).sum(1, keepdim=True).sqrt()


def helix(y: Tensor) -> Tensor:
    """Lines in three dimensions that turn about the z axis by one radian for a height of one."""
    x1, x2, _ = y.unbind(1)
    return unit(torch.stack([-x2, x1, torch.ones_like(x1)], 1))


def turned(x: Tensor, angle: float) -> Tensor:
    """Where a helix has carried x (B, 2) after `angle` of height."""
    c, s = math.cos(angle), math.sin(angle)
    return x @ torch.tensor([[c, s], [-s, c]], dtype=x.dtype)


def circles(centre: tuple[float, float]) -> Callable[[Tensor], Tensor]:
    """Lines in two dimensions that run clockwise about `centre` (x, z): up on its left."""

    def direction(y: Tensor) -> Tensor:
        x, z = y.unbind(1)
        return unit(torch.stack([z - centre[1], centre[0] - x], 1))

    return direction
