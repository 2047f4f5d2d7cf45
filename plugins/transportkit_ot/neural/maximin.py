"""Neural optimal transport: a map against a potential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Generator, Tensor, nn

from transportkit import Descent, Game, Method, Problem, mlp

from ..ends import Ends, draw_ends
from ..frame import Frame
from ..preconditioned import PreconditionedFrame
from . import NeuralOTParams
from .maps import ResidualMap


class MaximinGame(Game[Ends]):
    """sup over f of inf over T of E_P [C(x, T(x, .)) - E_z f(T(x, z))] + E_Q f(y).

    Korotin et al. 2023, equation 12, with the weak quadratic cost (their equation 5)
    C(x, T(x, .)) = E_z |x - T(x, z)|^2 / 2 - (gamma / 2) Var_z T(x, z), the strong one at
    gamma = 0.
    """

    def __init__(self, problem: Problem, params: NeuralOTParams, generator: Generator) -> None:
        self.problem, self.params = problem, params
        weak = params.weak > 0
        self.fitted = ResidualMap(
            problem.event_shape,
            width=params.width,
            depth=params.depth,
            noise=(params.noise or problem.dim) if weak else 0,
            # The weak cost is not made of inner products alone.
            preconditioned=not weak,
            generator=generator,
        )
        self.fitted.frame = (Frame if weak else PreconditionedFrame).of(problem, generator)
        self.fitted = self.fitted.to(self.fitted.frame.scale.device)
        self.critic = mlp(
            problem.dim, 1, width=params.width, depth=params.depth, generator=generator
        )

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"map": self.fitted.residual, "potential": self.critic}

    @property
    def moves(self) -> Mapping[str, int]:
        return {"map": self.params.moves, "potential": 1}

    @property
    def separable(self) -> bool:
        # The map's noise is drawn in the loss.
        return not self.params.weak

    def draw(self, n: int, generator: Generator) -> Ends:
        return draw_ends(self.problem, self.fitted.frame, n, generator)

    def loss(self, player: str, batch: Ends, generator: Generator) -> Tensor:
        draws = self.params.draws if self.params.weak else 1
        x = batch.x[: max(1, len(batch.x) // draws)].repeat_interleave(draws, 0)
        images = self.fitted.residual.draw(x, generator)
        if player == "potential":
            return self.critic(images.detach()).mean() - self.critic(batch.y).mean()
        cost = (x - images).square().sum(1).mean() / 2
        if self.params.weak:
            spread = images.view(-1, draws, images.shape[1]).var(1).sum(1).mean()
            cost = cost - self.params.weak / 2 * spread
        return cost - self.critic(images).mean()

    def model(self) -> ResidualMap:
        return self.fitted


class NeuralOT(Method[NeuralOTParams]):
    def objective(self, problem: Problem, generator: Generator) -> MaximinGame:
        return MaximinGame(problem, self.params, generator)

    def trainer(self) -> Descent:
        p = self.params
        return Descent(steps=p.steps, batch=p.batch, lr=p.lr, ema=p.ema, betas=(0.0, 0.9))

    def blank(self, config: Mapping[str, Any]) -> ResidualMap:
        return ResidualMap(**{**config, "event_shape": tuple(config["event_shape"])})
