"""Conditional flow matching: the velocity field of a probability path, by regression on pairs.

Lipman et al. 2023, arXiv:2210.02747; Tong et al. 2024, arXiv:2302.00482, algorithm 1. A method is
a coupling, which pairs source and target points, and a path between the points of a pair.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Generator, Tensor, nn

from transportkit import Descent, Game, Method, Problem

from . import FlowParams
from .coupling import Coupling
from .field import FlowField
from .paths import Path, PathPoint

P = TypeVar("P", bound=FlowParams)


@dataclass(frozen=True)
class FlowBatch:
    """Times t (B,) and what the path says at each of them."""

    t: Tensor
    point: PathPoint


class FlowGame(Game[FlowBatch]):
    """The regression E |v(t, x_t) - u(t, x_t | x0, x1)|^2, in units of the field's scale."""

    def __init__(self, problem: Problem, field: FlowField, coupling: Coupling, path: Path) -> None:
        self.problem, self.field, self.coupling, self.path = problem, field, coupling, path

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"velocity": self.field}

    def draw(self, n: int, generator: Generator) -> FlowBatch:
        x0 = self.problem.source.sample(n, generator)
        x1 = self.problem.target.sample(n, generator)
        x0, x1 = self.coupling.pair(x0, x1, generator)
        t = torch.rand(n, generator=generator, device=generator.device).to(x0.device)
        return FlowBatch(t, self.path.at(t, x0, x1, generator))

    def loss(self, player: str, batch: FlowBatch, generator: Generator) -> Tensor:
        error = self.field(batch.t, batch.point.state) - batch.point.velocity
        return (error / self.field.scale).square().mean()

    def model(self) -> FlowField:
        return self.field


class FlowMatching(Method[P]):
    """What flow matching methods share; a method says its coupling and its path."""

    @abstractmethod
    def coupling(self) -> Coupling:
        """How the points of a batch are paired."""

    @abstractmethod
    def path(self) -> Path:
        """How a pair is joined."""

    def objective(self, problem: Problem, generator: Generator) -> FlowGame:
        field = self._field(problem.event_shape, generator).to(generator.device)
        field.standardise(problem, generator)
        return FlowGame(problem, field, self.coupling(), self.path())

    def trainer(self) -> Descent:
        settings = self.params
        return Descent(
            steps=settings.steps,
            batch=settings.batch,
            lr=settings.lr,
            schedule=settings.schedule,
            ema=settings.ema,
            precision=settings.precision,
        )

    def blank(self, config: Mapping[str, Any]) -> FlowField:
        return FlowField(**{**config, "event_shape": tuple(config["event_shape"])})

    def _field(self, event_shape: tuple[int, ...], generator: Generator) -> FlowField:
        settings = self.params
        return FlowField(
            event_shape,
            width=settings.width,
            depth=settings.depth,
            activation=settings.activation,
            frequencies=settings.frequencies,
            generator=generator,
        )
