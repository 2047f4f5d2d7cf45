"""Dual potentials by networks: the semi-dual, with conjugates found in two ways.

min over convex f of E_P f(x) + E_Q f*(y), f*(y) = max over x of x.y - f(x): the gradient of the
best f is the optimal map (Brenier). With the maximiser x(y) at hand the gradient by f's weights is
that of E_P f(x) - E_Q f(x(y)) (Taghvaei and Jalali 2019, arXiv:1902.07197).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Generator, Tensor, nn

from transportkit import Descent, Game, Method, Problem

from ..ends import Ends, draw_ends
from ..preconditioned import PreconditionedFrame
from . import MMV1Params, MMV2Params, PotentialParams
from .maps import GradientMap, Residual
from .potential import Potential

P = TypeVar("P", bound=PotentialParams)
_SHORTEST = 0.02


class DualGame(Game[Ends]):
    """A potential against whatever finds its conjugate's maximiser."""

    def __init__(self, problem: Problem, params: PotentialParams, generator: Generator) -> None:
        self.problem, self.width = problem, params.units(problem.dim)
        self.fitted = GradientMap(
            problem.event_shape, width=self.width, depth=params.depth, generator=generator
        )
        self.fitted.frame = PreconditionedFrame.of(problem, generator)
        self.fitted = self.fitted.to(self.fitted.frame.scale.device)

    @property
    @abstractmethod
    def conjugate(self) -> nn.Module:
        """What is trained to find maximisers."""

    @abstractmethod
    def maximiser(self, y: Tensor) -> Tensor:
        """x(y) (B, D), to be differentiated by the weights of `conjugate`."""

    def sharpened(self, y: Tensor) -> Tensor:
        """x(y) (B, D) as the potential sees it."""
        return self.maximiser(y).detach()

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"conjugate": self.conjugate, "potential": self.fitted.potential}

    def draw(self, n: int, generator: Generator) -> Ends:
        return draw_ends(self.problem, self.fitted.frame, n, generator)

    def loss(self, player: str, batch: Ends, generator: Generator) -> Tensor:
        potential = self.fitted.potential
        if player == "potential":
            return potential(batch.x).mean() - potential(self.sharpened(batch.y)).mean()
        x = self.maximiser(batch.y)
        return (potential(x) - (x * batch.y).sum(1)).mean()

    def model(self) -> GradientMap:
        return self.fitted


class AscentGame(DualGame):
    """A network guesses the maximiser, and steps of ascent sharpen the guess (Amos 2023)."""

    def __init__(self, problem: Problem, params: MMV1Params, generator: Generator) -> None:
        super().__init__(problem, params, generator)
        self.steps = params.ascent
        self.guess = Residual(
            problem.dim, width=self.width, depth=params.depth, generator=generator
        )

    @property
    def conjugate(self) -> nn.Module:
        return self.guess

    def maximiser(self, y: Tensor) -> Tensor:
        guess: Tensor = self.guess(y)
        return guess

    def sharpened(self, y: Tensor) -> Tensor:
        return ascend(self.fitted.potential, y, self.maximiser(y).detach(), self.steps)


class GradientGame(DualGame):
    """The maximiser is the gradient of a second potential (Makkuva et al. 2020, eq. 6)."""

    def __init__(self, problem: Problem, params: MMV2Params, generator: Generator) -> None:
        super().__init__(problem, params, generator)
        self.inverse = Potential(
            problem.dim, width=self.width, depth=params.depth, generator=generator
        )
        self.updates = params.moves

    @property
    def conjugate(self) -> nn.Module:
        return self.inverse

    @property
    def moves(self) -> Mapping[str, int]:
        return {"conjugate": self.updates, "potential": 1}

    def maximiser(self, y: Tensor) -> Tensor:
        return self.inverse.gradient(y, train=True)


def ascend(potential: Potential, y: Tensor, x: Tensor, steps: int) -> Tensor:
    """x (B, D) brought nearer to the maximisers of x.y - f(x), each by steps of its own length.

    Lengths after Barzilai and Borwein 1988, at most 1: where the network adds convexity f has at
    least that of |x|^2 / 2. Of all states on the way each point keeps its best: none ends worse
    off than it began.
    """
    value, slope = potential.value_and_gradient(x)
    best, most = x, (x * y).sum(1) - value
    length = torch.full_like(y[:, :1], 0.3)
    ascent = y - slope
    for _ in range(steps):
        new = x + length * ascent
        value, slope = potential.value_and_gradient(new)
        following = y - slope
        gain = (new * y).sum(1) - value
        best = torch.where((gain > most)[:, None], new, best)
        most = torch.maximum(most, gain)
        moved, turned = new - x, ascent - following
        curvature = (moved * turned).sum(1, keepdim=True)
        length = moved.square().sum(1, keepdim=True) / curvature.clamp_min(1e-12)
        length = length.clamp(_SHORTEST, 1.0)
        x, ascent = new, following
    return best


class Dual(Method[P]):
    def trainer(self) -> Descent:
        p = self.params
        return Descent(steps=p.steps, batch=p.batch, lr=p.lr, ema=p.ema, betas=(0.5, 0.9))

    def blank(self, config: Mapping[str, Any]) -> GradientMap:
        return GradientMap(**{**config, "event_shape": tuple(config["event_shape"])})


class MMV1(Dual[MMV1Params]):
    def objective(self, problem: Problem, generator: Generator) -> AscentGame:
        return AscentGame(problem, self.params, generator)


class MMV2(Dual[MMV2Params]):
    def objective(self, problem: Problem, generator: Generator) -> GradientGame:
        return GradientGame(problem, self.params, generator)
