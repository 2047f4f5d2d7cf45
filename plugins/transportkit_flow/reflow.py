"""Rectified flow: flow matching on the pairs that the last round's own lines make.

Liu, Gong and Liu 2023, arXiv:2209.03003, algorithm 1. Each round keeps the marginals and lowers no
less than the cost of transport; the lines become straight, and one step suffices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import Game, Map, Midpoint, Problem, Transport

from . import RectifiedParams
from .couplings.coupling import Coupling, Independent
from .field import FlowField
from .matching import FlowBatch, FlowGame, FlowMatching
from .noise import constant
from .paths.linear import Linear
from .paths.path import Path


class Pool:
    """Pairs x0, x1 (N, *E) that the lines of a field join."""

    def __init__(self, x0: Tensor, x1: Tensor) -> None:
        self.x0, self.x1 = x0, x1

    @classmethod
    def of(cls, field: FlowField, problem: Problem, params: Any, generator: Generator) -> Pool:
        """Half of the pairs begin at points of P, half of them end at points of Q.

        The second half, by the lines run backwards, holds the ends to Q, and the first the
        beginnings to P: what one round misses of a marginal the next does not inherit in full.
        """
        transport = Transport(field.eval(), Midpoint(params.reflow_steps))
        x0 = problem.source.points(params.pairs // 2, generator)
        x1 = problem.target.points(params.pairs // 2, generator)
        ahead = transport.push(x0, generator).points
        back = transport.push(x1, generator, reverse=True).points
        field.train()
        # Of unequal samples the smaller comes several times, so that each makes half of the pool.
        whole = max(len(x0), len(x1))
        first, second = (torch.arange(whole, device=x0.device) % len(x) for x in (x0, x1))
        return cls(torch.cat([x0[first], back[second]]), torch.cat([ahead[first], x1[second]]))

    def draw(self, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self.x0), (n,), generator=generator, device=generator.device)
        rows = rows.to(self.x0.device)
        return self.x0[rows], self.x1[rows]


class RectifiedGame(FlowGame):
    """Rounds of flow matching, each after the first on the pairs of the one before."""

    def __init__(
        self, problem: Problem, field: FlowField, path: Path, params: RectifiedParams
    ) -> None:
        super().__init__(problem, field, Independent(), path)
        self.params = params
        self.pool: Pool | None = None

    @property
    def rounds(self) -> int:
        return 1 + self.params.reflows

    def begin(self, round: int, generator: Generator) -> None:
        self.pool = Pool.of(self.field, self.problem, self.params, generator)

    def pairs(self, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
        if self.pool is None:
            return super().pairs(n, generator)
        return self.pool.draw(n, generator)

    def state(self) -> Mapping[str, Any]:
        return {} if self.pool is None else {"x0": self.pool.x0, "x1": self.pool.x1}

    def restore(self, state: Mapping[str, Any]) -> None:
        if state:
            device = self.field.scale.device
            self.pool = Pool(state["x0"].to(device), state["x1"].to(device))


class OneStep(Map):
    """x + v(0, x): the first step of a field, and the only one."""

    def __init__(self, field: FlowField) -> None:
        super().__init__()
        self.field = field

    @property
    def config(self) -> Mapping[str, Any]:
        return self.field.config

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        return x + self.field(x.new_zeros(len(x)), x)


class DistilledGame(RectifiedGame):
    """The same rounds, and one more in which the first step alone is fitted to the pairs."""

    def __init__(
        self, problem: Problem, field: FlowField, path: Path, params: RectifiedParams
    ) -> None:
        super().__init__(problem, field, path, params)
        self.last = False

    @property
    def rounds(self) -> int:
        return super().rounds + 1

    def begin(self, round: int, generator: Generator) -> None:
        super().begin(round, generator)
        self.last = round == self.rounds - 1

    def on_paths(self, x0: Tensor, x1: Tensor, generator: Generator) -> FlowBatch:
        batch = super().on_paths(x0, x1, generator)
        if not self.last:
            return batch
        t = torch.zeros_like(batch.t)
        return FlowBatch(t, self.path.at(t, x0, x1, generator))

    def state(self) -> Mapping[str, Any]:
        return {**super().state(), "last": self.last}

    def restore(self, state: Mapping[str, Any]) -> None:
        pool = {k: v for k, v in state.items() if k != "last"}
        super().restore(pool)
        self.last = bool(state["last"])

    def model(self) -> Any:
        return OneStep(self.field)


class RectifiedFlow(FlowMatching[RectifiedParams]):
    """Rectified flow of any number of rounds."""

    game: type[RectifiedGame] = RectifiedGame

    def coupling(self, scale: float) -> Coupling:
        return Independent()

    def path(self, scale: float) -> Path:
        return Path(Linear(), constant(self.params.sigma, scale))

    def objective(self, problem: Problem, generator: Generator) -> Game[Any]:
        field = self.field(FlowField, problem, generator)
        return self.game(problem, field, self.path(float(field.scale)), self.params)


class DistilledRectifiedFlow(RectifiedFlow):
    """Rectified flow, distilled into one step."""

    game = DistilledGame

    def blank(self, config: Mapping[str, Any]) -> OneStep:
        return OneStep(super().blank(config))
