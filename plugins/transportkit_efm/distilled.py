"""Exact lines as a coupling, distilled into a straight field.

Pairs (x, T(x)) made by the exact lines of a capacitor are what minibatch optimal transport is to
flow matching: a coupling whose straight paths hardly cross, so that few evaluations follow them.
Unlike a minibatch's it is one map for the whole source, and costs evaluations of the field, not an
assignment; how it ends among samples is told in `coupling`. The regression is that of conditional
flow matching (Tong et al. 2024, arXiv:2302.00482, equation 10 with independent pairs replaced by
these).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from transportkit import (
    Descent,
    IntervalField,
    Marginal,
    Method,
    Model,
    Problem,
    TimeMLP,
    Trainer,
)

from . import EfmFlowParams
from .coupling import LineCoupling
from .training import PooledGame
from .units import Units


class StraightField(IntervalField):
    """v(t, y) = scale * net(t, (y - mean) / scale), in the units of the data."""

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.event_shape, self.width, self.depth = tuple(event_shape), width, depth
        self.register_buffer("mean", torch.zeros(self.event_shape))
        self.register_buffer("scale", torch.ones(()))
        self.net = TimeMLP(self.event_shape, width=width, depth=depth, generator=generator)

    @property
    def config(self) -> Mapping[str, Any]:
        return {"event_shape": list(self.event_shape), "width": self.width, "depth": self.depth}

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.scale * self.net(t, (y - self.mean) / self.scale)


class Pairs(NamedTuple):
    """Times t (B,), source points x (B, *E) and where lines lead them, y (B, *E)."""

    t: Tensor
    x: Tensor
    y: Tensor


class LineDistillation(PooledGame[Pairs]):
    """Regression of a straight field on the pairs that exact lines make.

    Pairs are made ahead, `pairs` at a time, and replaced after every `refresh` steps, so that
    neither all of them nor all of the source need be at hand.
    """

    def __init__(self, problem: Problem, params: EfmFlowParams, generator: Generator) -> None:
        self.params = params
        self.source: Marginal = problem.source
        source = problem.source.points(params.charges, generator)
        target = problem.target.points(params.charges, generator)
        self.coupling = LineCoupling(
            source,
            target,
            problem.target,
            distance=params.distance,
            offset=params.offset,
            ends=params.ends,
        )
        units = Units.of(source.flatten(1), target.flatten(1))
        self.field = StraightField(
            problem.event_shape, width=params.width, depth=params.depth, generator=generator
        ).to(source.device)
        self.field.mean.copy_(units.mean.view(problem.event_shape))
        self.field.scale.copy_(units.scale)
        self.start(params.refresh, source.device, generator)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"velocity": self.field}

    def pick(self, n: int, generator: Generator) -> Pairs:
        rows = torch.randint(len(self.x), (n,), generator=generator, device=generator.device)
        t = torch.rand(n, generator=generator, device=generator.device)
        return Pairs(t, self.x[rows], self.y[rows])

    def loss(self, player: str, batch: Pairs, generator: Generator) -> Tensor:
        t = batch.t.view(-1, *[1] * (batch.x.ndim - 1))
        error = self.field(batch.t, torch.lerp(batch.x, batch.y, t)) - (batch.y - batch.x)
        return (error / self.field.scale).square().mean()

    def model(self) -> StraightField:
        return self.field

    def gather(self, generator: Generator) -> None:
        """Follow lines from source points; the pairs of a round depend on the seed alone."""
        x = self.source.points(self.params.pairs, generator)
        pairs = self.coupling.pair(x, generator)
        self.need(pairs.arrived, "field lines arrived")
        self.x, self.y = pairs.x, pairs.y


class EfmFlow(Method[EfmFlowParams]):
    """Flow matching on the pairs that electrostatic field lines make."""

    def objective(self, problem: Problem, generator: Generator) -> LineDistillation:
        return LineDistillation(problem, self.params, generator)

    def trainer(self) -> Trainer:
        p = self.params
        return Descent(steps=p.steps, batch=p.batch, lr=p.lr, ema=p.ema)

    def blank(self, config: Mapping[str, Any]) -> Model:
        return StraightField(**config)
