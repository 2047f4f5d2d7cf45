"""Regression of the Poisson field, and the methods that do it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Generator, Tensor, nn

from transportkit import Descent, Game, Method, Model, Problem, Trainer, is_standard_normal

from . import PoissonParams, PoissonPlusParams
from .field import PoissonField
from .kernel import perturb, posterior_mean

_STATISTICS = 10_000
P = TypeVar("P", bound=PoissonParams)


class States(NamedTuple):
    """States x (B, N) at sigma (B,), and the slope dx/dsigma (B, N) of the lines there."""

    x: Tensor
    sigma: Tensor
    slope: Tensor


class PoissonRegression(Game[States]):
    """Regression on the slope of the field of a batch, weighted as in Karras et al. 2022.

    States are drawn as the lines pass (Xu et al. 2023, section 3.1), and the field is that of the
    batch and of some charges more. The unit vector E / |E| of Xu et al. 2022, algorithm 1, tells
    E_x / E_r badly where E_r is small, as it is for most states of one extra dimension, and its
    mean over batches is not the direction of their mean; the quotient is free of both.
    """

    def __init__(
        self, problem: Problem, params: PoissonParams, extra: int, generator: Generator
    ) -> None:
        self.problem, self.params, self.extra = problem, params, extra
        data = problem.target.points(_STATISTICS, generator).flatten(1)
        self.field = PoissonField(
            problem.event_shape,
            extra=extra,
            largest=params.largest,
            smallest=params.smallest,
            width=params.width,
            depth=params.depth,
            generator=generator,
        ).to(data.device)
        scale = (data - data.mean(0)).square().mean().sqrt()
        self.field.mean.copy_(data.mean(0))
        # A single point has no length of its own.
        self.field.scale.copy_(scale if scale > 0 else torch.ones_like(scale))

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"field": self.field}

    def draw(self, n: int, generator: Generator) -> States:
        charges = self.problem.target.sample(n + self.params.charges, generator)
        charges = self.field.from_data(charges)
        noise = torch.randn(n, generator=generator, device=generator.device).to(charges)
        sigma = self.params.middle * (self.params.spread * noise).exp()
        sigma = sigma.clamp(self.params.smallest, self.params.largest)
        x = perturb(charges[:n], sigma, self.extra, generator)
        slope = (x - posterior_mean(x, sigma, charges, self.extra)) / sigma[:, None]
        return States(x, sigma, slope)

    def loss(self, player: str, batch: States, generator: Generator) -> Tensor:
        error = (self.field.slope(batch.x, batch.sigma) - batch.slope).square().mean(1)
        return ((1 + batch.sigma.square()) * error).mean()

    def model(self) -> PoissonField:
        return self.field


class Poisson(Method[P]):
    """What both methods share; a method says its number of extra dimensions."""

    @property
    @abstractmethod
    def extra(self) -> int: ...

    def refuses(self, problem: Problem) -> str | None:
        if self.params.smallest >= self.params.largest:
            return "the smallest radius must be below the largest"
        if is_standard_normal(problem.source):
            return None
        return (
            "Poisson flow generates from noise: its source must be N(0, I), whose points it "
            "carries to its own prior, and this sample is not of that law"
        )

    def objective(self, problem: Problem, generator: Generator) -> PoissonRegression:
        return PoissonRegression(problem, self.params, self.extra, generator)

    def trainer(self) -> Trainer:
        p = self.params
        return Descent(steps=p.steps, batch=p.batch, lr=p.lr, ema=p.ema)

    def blank(self, config: Mapping[str, Any]) -> Model:
        return PoissonField(**config)


class PoissonFlow(Poisson[PoissonParams]):
    """One extra dimension (PFGM)."""

    @property
    def extra(self) -> int:
        return 1


class PoissonFlowPlusPlus(Poisson[PoissonPlusParams]):
    """Any number of extra dimensions (PFGM++)."""

    @property
    def extra(self) -> int:
        return self.params.extra
