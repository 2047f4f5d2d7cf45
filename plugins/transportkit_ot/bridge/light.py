"""Light Schroedinger bridges, by likelihood (LightSB) and by bridge matching (LightSB-M)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeVar

import torch
from torch import Generator, Tensor, nn

from transportkit import Descent, Game, Map, Method, Problem, check_room

from ..ends import Ends, draw_ends
from ..frame import Frame
from . import LightParams
from .potential import MixturePotential

Batch = TypeVar("Batch")

_FULL = 64
_LATEST = 0.99
"""Bridge matching looks at times up to this: the drift grows without bound towards 1."""


class LightMap(Map):
    """A draw from the conditional of an entropic plan, or its mean."""

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        components: int,
        epsilon: float,
        diagonal: bool,
        output: Literal["draw", "mean"],
    ) -> None:
        super().__init__()
        self.output = output
        self._config = {
            "event_shape": list(event_shape),
            "components": components,
            "epsilon": epsilon,
            "diagonal": diagonal,
            "output": output,
        }
        self.frame = Frame(event_shape)
        dim = torch.Size(event_shape).numel()
        self.potential = MixturePotential(
            dim, components=components, epsilon=epsilon, diagonal=diagonal
        )

    @property
    def config(self) -> Mapping[str, Any]:
        return self._config

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        inside = self.frame.from_source(x)
        if self.output == "mean":
            return self.frame.to_target(self.potential.mean(inside))
        return self.frame.to_target(self.potential.draw(inside, generator))


class Bridged(NamedTuple):
    """Ends y (B, D) of Brownian bridges and their states (B, D) at t (B,)."""

    y: Tensor
    t: Tensor
    state: Tensor


class LightGame(Game[Batch]):
    """What both methods share; each says its batches and its loss."""

    def __init__(self, problem: Problem, params: LightParams, generator: Generator) -> None:
        self.problem = problem
        frame = Frame.of(problem, generator)
        full = params.covariance == "full" or (params.covariance == "auto" and problem.dim <= _FULL)
        # Weights, gradients and two moments; a matrix of each Gaussian for its axes.
        check_room(
            4 * 4 * params.components * problem.dim * (problem.dim if full else 1),
            f"components={params.components} of dimension {problem.dim}",
            "lower components" + (", or choose covariance=diagonal" if full else ""),
            frame.scale.device,
        )
        self.fitted = LightMap(
            problem.event_shape,
            components=params.components,
            epsilon=frame.epsilon(params.epsilon, params.unit),
            diagonal=not full,
            output=params.output,
        ).to(frame.scale.device)
        self.fitted.frame = frame
        # Gaussians begin at target samples (appendix B of the paper).
        begin = problem.target.sample(params.components, generator)
        self.fitted.potential.centres.data.copy_(frame.from_target(begin))

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"potential": self.fitted.potential}

    def model(self) -> LightMap:
        return self.fitted


class LikelihoodGame(LightGame[Ends]):
    """KL from the true plan, up to a constant: E_P log c(x) - E_Q log v(y) (proposition 3.1)."""

    def draw(self, n: int, generator: Generator) -> Ends:
        return draw_ends(self.problem, self.fitted.frame, n, generator)

    def loss(self, player: str, batch: Ends, generator: Generator) -> Tensor:
        potential = self.fitted.potential
        norm = potential.log_parts(batch.x, 0.0).logsumexp(1)
        value = potential.log_parts(batch.y, 1.0).logsumexp(1)
        return norm.mean() - value.mean()


class BridgeMatchingGame(LightGame[Bridged]):
    """E |drift(t, x_t) - (y - x_t) / (1 - t)|^2 on Brownian bridges between independent pairs.

    Among all Schroedinger bridges the true one is nearest to the mixture of Brownian bridges of
    any coupling (Gushchin et al. 2024, theorem 3.1). Times are stratified.
    """

    def draw(self, n: int, generator: Generator) -> Bridged:
        x, y = draw_ends(self.problem, self.fitted.frame, n, generator)
        shares = torch.rand(n, generator=generator, device=generator.device).to(x)
        t = _LATEST * (torch.arange(n, device=x.device) + shares) / n
        noise = torch.randn(x.shape, generator=generator, device=generator.device).to(x)
        size = (self.fitted.potential.epsilon * t * (1 - t)).sqrt()
        return Bridged(y, t, torch.lerp(x, y, t[:, None]) + size[:, None] * noise)

    def loss(self, player: str, batch: Bridged, generator: Generator) -> Tensor:
        potential, (y, t, state) = self.fitted.potential, batch
        error = (potential.mean(state, t) - y) / (1 - t)[:, None]
        return error.square().sum(1).mean() / potential.epsilon


class Light(Method[LightParams]):
    """What both methods share; each says its game."""

    @abstractmethod
    def objective(self, problem: Problem, generator: Generator) -> LightGame[Any]: ...

    def trainer(self) -> Descent:
        p = self.params
        # Gradients begin large, of order 1 / eps; a long memory of that would slow the rest.
        betas = 0.9, 0.99
        return Descent(steps=p.steps, batch=p.batch, lr=p.lr, ema=p.ema, clip=None, betas=betas)

    def blank(self, config: Mapping[str, Any]) -> LightMap:
        return LightMap(**{**config, "event_shape": tuple(config["event_shape"])})


class LightSB(Light):
    def objective(self, problem: Problem, generator: Generator) -> LikelihoodGame:
        return LikelihoodGame(problem, self.params, generator)


class LightSBM(Light):
    def objective(self, problem: Problem, generator: Generator) -> BridgeMatchingGame:
        return BridgeMatchingGame(problem, self.params, generator)
