"""Diffusion Schroedinger bridge matching: iterative Markovian fitting in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from transportkit import Descent, Game, Method, Problem, TimeMLP, check_room

from ..ends import draw_ends
from ..frame import Frame
from . import DSBMParams
from .drifts import BridgeField

_END = 1e-3
"""Times keep this far from both ends, where the time that is left is 0 for one of the drifts."""


class Pairs(NamedTuple):
    """Both ends of bridges, x at t = 0 and y at t = 1 (B, D), in the frame's units."""

    x: Tensor
    y: Tensor

    def draw(self, n: int, generator: Generator) -> Pairs:
        """n of the pairs, with replacement."""
        rows = torch.randint(len(self.x), (n,), generator=generator, device=generator.device)
        rows = rows.to(self.x.device)
        return Pairs(self.x[rows], self.y[rows])


class Batch(NamedTuple):
    """Pairs for each drift, times (B,) and standard normal noise (B, D)."""

    onwards: Pairs
    backwards: Pairs
    t: Tensor
    noise: Tensor


class BridgeMatching(Game[Batch]):
    """Shi et al. 2023, algorithm 1 with the independent coupling at the start (DSBM-IMF).

    In every round each drift is regressed on Brownian bridges between pairs that the other drift
    made in the round before, from fresh points of its own side: the pairs of the forward drift
    have true ends in Q, those of the backward drift in P. Both train at once, from where they
    stand. Rounds are dealt out over the budget.
    """

    def __init__(self, problem: Problem, params: DSBMParams, generator: Generator) -> None:
        self.problem, self.params = problem, params
        # Both ends in the pool of either drift.
        asked = 2 * 2 * 4 * params.pairs * problem.dim
        what = f"pairs={params.pairs} of dimension {problem.dim}"
        check_room(asked, what, "lower pairs", generator.device)
        frame = Frame.of(problem, generator)
        self.field = BridgeField(
            problem.event_shape,
            width=params.width,
            depth=params.depth,
            epsilon=frame.epsilon(params.epsilon, params.unit),
            generator=generator,
        ).to(frame.scale.device)
        self.field.frame = frame
        self.round, self.made = 0, 0
        self.pools: dict[str, Pairs] = {}

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"onwards": self.field.onwards, "backwards": self.field.backwards}

    def proceed(self, share: float) -> None:
        first, rounds = self.params.first, self.params.rounds
        if share >= first and rounds:
            self.round = 1 + min(rounds - 1, int(rounds * (share - first) / max(1 - first, 1e-9)))

    def draw(self, n: int, generator: Generator) -> Batch:
        if self.round > self.made:
            self.pools = {name: self._made_by(name, generator) for name in self.players}
            self.made = self.round
        t = torch.rand(n, generator=generator, device=generator.device)
        t = _END + (1 - 2 * _END) * t
        noise = torch.randn(n, self.problem.dim, generator=generator, device=generator.device)
        if not self.pools:
            free = self._ends(n, generator)
            return Batch(free, free, t.to(free.x), noise.to(free.x))
        # The forward drift learns from what the backward one made, and the other way round.
        onwards, backwards = (
            self.pools[maker].draw(n, generator) for maker in ("backwards", "onwards")
        )
        return Batch(onwards, backwards, t.to(onwards.x), noise.to(onwards.x))

    def loss(self, player: str, batch: Batch, generator: Generator) -> Tensor:
        net = self.field.onwards if player == "onwards" else self.field.backwards
        pairs = batch.onwards if player == "onwards" else batch.backwards
        t, left = batch.t[:, None], 1 - batch.t[:, None]
        size = (self.field.epsilon * t * left).sqrt()
        state = torch.lerp(pairs.x, pairs.y, t) + size * batch.noise
        # From the state straight to the end it makes for, in the time that is left.
        end, left = (pairs.y, left) if player == "onwards" else (pairs.x, t)
        error = net(batch.t, state) - (end - state) / left
        # Its noise has the variance eps (1 - left) / left beside that of the ends.
        weight = 1 / (1 + self.field.epsilon * (1 - left) / left)
        return (weight * error.square()).mean()

    def model(self) -> BridgeField:
        return self.field

    def state(self) -> Mapping[str, Any]:
        pools = {name: tuple(pairs) for name, pairs in self.pools.items()}
        return {"made": self.made, "pools": pools}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.made = state["made"]
        self.pools = {name: Pairs(*pairs) for name, pairs in state["pools"].items()}

    def _ends(self, n: int, generator: Generator) -> Pairs:
        """Independent draws of both sides."""
        return Pairs(*draw_ends(self.problem, self.field.frame, n, generator))

    @torch.no_grad()
    def _made_by(self, maker: str, generator: Generator) -> Pairs:
        """Pairs whose other end a drift has simulated from fresh points of its own side."""
        ends = self._ends(self.params.pairs, generator)
        if maker == "onwards":
            return Pairs(ends.x, self._simulated(self.field.onwards, ends.x, 0.0, generator))
        return Pairs(self._simulated(self.field.backwards, ends.y, 1.0, generator), ends.y)

    def _simulated(self, net: TimeMLP, y: Tensor, start: float, generator: Generator) -> Tensor:
        """The process from `start` to the other end of [0, 1], by Euler-Maruyama steps."""
        steps = self.params.simulation
        for i in range(steps):
            t = torch.full_like(y[:, 0], abs(start - i / steps))
            kick = torch.randn(y.shape, generator=generator, device=generator.device).to(y)
            y = y + net(t, y) / steps + (self.field.epsilon / steps) ** 0.5 * kick
        return y


class DSBM(Method[DSBMParams]):
    def objective(self, problem: Problem, generator: Generator) -> BridgeMatching:
        return BridgeMatching(problem, self.params, generator)

    def trainer(self) -> Descent:
        p = self.params
        return Descent(steps=p.steps, batch=p.batch, lr=p.lr, ema=p.ema)

    def blank(self, config: Mapping[str, Any]) -> BridgeField:
        return BridgeField(**{**config, "event_shape": tuple(config["event_shape"])})
