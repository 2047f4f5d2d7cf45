"""The entropic map: where the regularised plan sends a point, defined at every point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from transportkit import Direct, Diverged, Map, Method, Problem, Solvable

from ..draws import pick
from ..noise import warn_of_noise
from . import SinkhornParams
from .entropic import logits, solve

_BLOCK = 2**22
_LOOKED_AT = 1000
_GEOMETRIC = 4.0
"""Most that the unit of epsilon may be, in geometric means of both variances."""


class EntropicMap(Map):
    """The conditional p(y_j | x) ~ exp(v_j + x.y_j / epsilon) of an entropic plan.

    `mean` gives its mean (Seguy et al. 2018; Pooladian and Niles-Weed 2021, eq. 9), `draw` a draw:
    then the images of P have the target's distribution, and are training samples. x and
    y_j are taken from `source_mean` and `target_mean`. epsilon belongs to the cost |x - y|^2 / 2.
    """

    target: Tensor
    v: Tensor
    source_mean: Tensor
    target_mean: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        points: int,
        epsilon: float,
        output: Literal["mean", "draw"],
        marginal_error: float,
    ) -> None:
        super().__init__()
        self.event_shape, self.points = event_shape, points
        self.epsilon, self.output, self.marginal_error = epsilon, output, marginal_error
        dim = torch.Size(event_shape).numel()
        self.register_buffer("target", torch.zeros(points, dim))
        self.register_buffer("v", torch.zeros(points))
        self.register_buffer("source_mean", torch.zeros(dim))
        self.register_buffer("target_mean", torch.zeros(dim))

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "event_shape": list(self.event_shape),
            "points": self.points,
            "epsilon": self.epsilon,
            "output": self.output,
            "marginal_error": self.marginal_error,
        }

    def conditional(self, x: Tensor) -> Tensor:
        """The weights (B, M) of the target samples at the points x (B, D)."""
        return logits(x - self.source_mean, self.target, self.v, self.epsilon).softmax(1)

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        parts = []
        for part in torch.split(x.flatten(1), max(1, _BLOCK // self.points)):
            weights = self.conditional(part)
            if self.output == "mean":
                parts.append(weights @ self.target)
            else:
                parts.append(self.target[pick(weights, generator)])
        return (torch.cat(parts) + self.target_mean).view_as(x)


def variances(x: Tensor, y: Tensor) -> tuple[float, float]:
    """The total variances of samples x (N, D) and y (M, D), 0 where one is only rounding."""
    found = []
    for s in (x, y):
        value = float((s - s.mean(0)).double().square().sum(1).mean())
        rounding = torch.finfo(s.dtype).eps * float(s.abs().amax())
        found.append(value if value > s.shape[1] * rounding**2 else 0.0)
    return found[0], found[1]


def unit_of(x: Tensor, y: Tensor, unit: Literal["variance", "data"]) -> float:
    """The unit of epsilon for samples x (N, D) and y (M, D), in the data's unit squared.

    What couples them is x.y alone, of the size of the geometric mean: where one side is much the
    larger, the arithmetic one would blur every plan to the independent one.
    """
    if unit == "data":
        return 1.0
    a, b = variances(x, y)
    if not a or not b:
        # Nothing couples them, and the other length is all there is.
        return (a + b) / 2
    return min((a + b) / 2, _GEOMETRIC * (a * b) ** 0.5)


def tell_of_noise(given: float, epsilon: float, x: Tensor, y: Tensor) -> None:
    """Warn where the plan of this epsilon couples next to nothing of x (N, D) and y (M, D).

    What couples them is x.y / epsilon. Its scatter stands for their size: where both are the same
    along D coordinates, D^(1/2) times the variance of one.
    """
    a, b = ((s[:_LOOKED_AT] - s.mean(0)).double() for s in (x, y))
    if size := float((a @ b.T).square().mean().sqrt()):
        warn_of_noise(given, epsilon, size)


class EntropicObjective(Solvable):
    """The entropic plan between at most `points` training samples of each side."""

    def __init__(self, problem: Problem, params: SinkhornParams) -> None:
        self.problem, self.params = problem, params

    def solve(self, generator: Generator) -> EntropicMap:
        settings = self.params
        ends = (self.problem.source, self.problem.target)
        x, y = (m.points(settings.points, generator).flatten(1) for m in ends)
        source_mean, target_mean = x.mean(0), y.mean(0)
        x, y = x - source_mean, y - target_mean
        # Without extent on either side every epsilon gives the same plan.
        epsilon = settings.epsilon * unit_of(x, y, settings.unit) or 1.0
        tell_of_noise(settings.epsilon, epsilon, x, y)
        plan = solve(x, y, epsilon, tolerance=settings.tolerance, most=settings.iterations)
        # Written so that an error which is not a number counts as too large.
        if not plan.error <= settings.tolerance:
            raise Diverged(
                f"sinkhorn misplaces {plan.error:.2%} of the mass after {plan.iterations} "
                "iterations at its last epsilon; raise epsilon, iterations or tolerance"
            )
        model = EntropicMap(
            self.problem.event_shape,
            points=len(y),
            epsilon=epsilon,
            output=settings.output,
            marginal_error=plan.error,
        ).to(y.device)
        model.target, model.v = y, plan.v
        model.source_mean, model.target_mean = source_mean, target_mean
        return model


class Sinkhorn(Method[SinkhornParams]):
    def objective(self, problem: Problem, generator: Generator) -> EntropicObjective:
        return EntropicObjective(problem, self.params)

    def trainer(self) -> Direct:
        return Direct()

    def blank(self, config: Mapping[str, Any]) -> EntropicMap:
        return EntropicMap(**{**config, "event_shape": tuple(config["event_shape"])})
