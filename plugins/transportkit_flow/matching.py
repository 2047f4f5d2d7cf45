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

from . import NetworkParams
from .couplings.coupling import Coupling
from .field import FlowField, ScoreFlowField
from .paths.path import Path, PathPoint

P = TypeVar("P", bound=NetworkParams)
F = TypeVar("F", FlowField, ScoreFlowField)

_END = 1e-3
"""How near 0 and 1 times are drawn on a path whose noise ends there."""


@dataclass(frozen=True)
class FlowBatch:
    """Times t (B,) and what the path says at each of them."""

    t: Tensor
    point: PathPoint


class PathGame(Game[FlowBatch]):
    """A regression at random times on the paths of coupled pairs."""

    def __init__(self, problem: Problem, coupling: Coupling, path: Path) -> None:
        self.problem, self.coupling, self.path = problem, coupling, path

    def draw(self, n: int, generator: Generator) -> FlowBatch:
        return self.on_paths(*self.pairs(n, generator), generator)

    def pairs(self, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """n coupled pairs, (n, *E) each."""
        x0 = self.problem.source.sample(n, generator)
        x1 = self.problem.target.sample(n, generator)
        return self.coupling.pair(x0, x1, generator)

    def on_paths(self, x0: Tensor, x1: Tensor, generator: Generator) -> FlowBatch:
        """The paths of pairs at a random time each."""
        t = torch.rand(len(x0), generator=generator, device=generator.device).to(x0.device)
        if not self.path.noise.absent:
            t = _END + (1 - 2 * _END) * t
        return FlowBatch(t, self.path.at(t, x0, x1, generator))


class FlowGame(PathGame):
    """The regression E w |v(t, x_t) - u(t, x_t | x0, x1)|^2, in units of the field's scale.

    w = 1 / (1 + (c'/scale)^2) with c' the rate of the noise's factor, which depends on time alone:
    the minimiser is the same, and the variance of the loss is finite where c' has a pole.
    """

    def __init__(self, problem: Problem, field: FlowField, coupling: Coupling, path: Path) -> None:
        super().__init__(problem, coupling, path)
        self.field = field

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"velocity": self.field}

    def loss(self, player: str, batch: FlowBatch, generator: Generator) -> Tensor:
        error = (self.field(batch.t, batch.point.state) - batch.point.velocity) / self.field.scale
        if batch.point.spread_rate is None:
            return error.square().mean()
        weight = 1 / (1 + (batch.point.spread_rate / self.field.scale).square())
        return (weight * error.square()).mean()

    def model(self) -> FlowField:
        return self.field


class ScoreFlowGame(PathGame):
    """The regressions of the middle's velocity, and of the score by c score = -E[z | x_t].

    [SF]2M of Tong et al. 2024, arXiv:2307.03672, equation 10, with the weight c^2 on the score
    and the velocity of the middle in place of that of the path: see `ScoreFlowField`.
    """

    def __init__(
        self, problem: Problem, field: ScoreFlowField, coupling: Coupling, path: Path
    ) -> None:
        super().__init__(problem, coupling, path)
        self.field = field

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"field": self.field}

    def loss(self, player: str, batch: FlowBatch, generator: Generator) -> Tensor:
        point, field = batch.point, self.field
        assert point.noise is not None
        assert point.spread is not None
        drift = (field.middle(batch.t, point.state) - point.drift) / field.scale
        score = point.spread * field.score(batch.t, point.state) + point.noise
        return drift.square().mean() + score.square().mean()

    def model(self) -> ScoreFlowField:
        return self.field


class FlowMatching(Method[P]):
    """What flow matching methods share; a method says its coupling and its path."""

    @abstractmethod
    def coupling(self, scale: float) -> Coupling:
        """How the points of a batch are paired. `scale` is the length of the data in its units."""

    @abstractmethod
    def path(self, scale: float) -> Path:
        """How a pair is joined."""

    def objective(self, problem: Problem, generator: Generator) -> Game[Any]:
        field = self.field(FlowField, problem, generator)
        return FlowGame(problem, field, *self.parts(field, problem, generator))

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

    def blank(self, config: Mapping[str, Any]) -> Any:
        settings = {**config, "event_shape": tuple(config["event_shape"])}
        kind = ScoreFlowField if settings.pop("score", False) else FlowField
        return kind(**settings)

    def field(self, kind: type[F], problem: Problem, generator: Generator) -> F:
        """A new field of a kind, in the units of the problem."""
        settings = self.params
        field = kind(
            problem.event_shape,
            width=settings.width,
            depth=settings.depth,
            activation=settings.activation,
            frequencies=settings.frequencies,
            generator=generator,
        ).to(generator.device)
        field.standardise(problem, generator)
        return field

    def parts(
        self, field: FlowField | ScoreFlowField, problem: Problem, generator: Generator
    ) -> tuple[Coupling, Path]:
        """The coupling, as it suits the problem, and the path, in the units of a field."""
        scale = float(field.scale)
        return self.coupling(scale).fitted(problem, generator), self.path(scale)
