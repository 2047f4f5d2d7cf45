"""Small games whose answer is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from tests.toys import Shift
from transportkit import Game, Model, Solvable


class Weights(nn.Module):
    """A vector of weights, and some that stay as they are."""

    def __init__(self, *values: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(values))
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)


class Quadratic(Game[Tensor]):
    """Regression of w on noisy draws about `centre`: the optimum is the centre."""

    def __init__(self, *start: float, noise: float = 0.0) -> None:
        self.net = Weights(*start)
        self.noise = noise
        self.centre = torch.arange(1.0, len(start) + 1)
        self.drawn = 0

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"net": self.net}

    def draw(self, n: int, generator: Generator) -> Tensor:
        self.drawn += 1
        return self.centre + self.noise * torch.randn(n, len(self.centre), generator=generator)

    def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
        return (self.net.w - batch).square().sum(1).mean()

    def model(self) -> Model:
        return Shift(float(self.net.w.detach().sum()))

    def state(self) -> Mapping[str, Any]:
        return {"drawn": self.drawn}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.drawn = state["drawn"]


class Saddle(Game[None]):
    """min over x, max over y of x^2 / 2 + x y - y^2 / 2, whose saddle is the origin."""

    def __init__(self) -> None:
        self.x, self.y = Weights(1.0), Weights(-0.5)
        self.log: list[tuple[str, bool, bool, float, float]] = []

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"x": self.x, "y": self.y}

    @property
    def moves(self) -> Mapping[str, int]:
        return {"x": 1, "y": 3}

    def draw(self, n: int, generator: Generator) -> None:
        return None

    def loss(self, player: str, batch: None, generator: Generator) -> Tensor:
        x, y = self.x.w, self.y.w
        self.log.append((player, x.requires_grad, y.requires_grad, x.item(), y.item()))
        value = (x.square() / 2 + x * y - y.square() / 2).sum()
        return value if player == "x" else -value

    def model(self) -> Model:
        return Shift()


class Solved(Solvable):
    """An objective that is solved at once."""

    def solve(self, generator: Generator) -> Model:
        return Shift(float(torch.rand((), generator=generator)))
