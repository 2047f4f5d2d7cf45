"""Exact optimal transport between two samples, and its extension to new points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from transportkit import Direct, Diverged, Map, Method, Problem, Solvable

from . import EMDParams

_BLOCK = 2**24
"""Distances held at once."""
_EXACT_DIM = 16
"""Up to this dimension distances are taken from differences, which costs nothing there."""


class DisplacementMap(Map):
    """A map known at N source samples, carried on to new points from their nearest samples.

    `displacement` moves a point as its nearest samples were moved, x + mean(image_i - source_i);
    `image` puts it at the mean of their images (Ferradans et al., "Regularized discrete optimal
    transport", SIIMS 2014, section 5). The mean is over `neighbours` samples.
    """

    source: Tensor
    image: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        points: int,
        *,
        extension: Literal["displacement", "image"],
        neighbours: int,
    ) -> None:
        super().__init__()
        self.event_shape, self.points = event_shape, points
        self.extension, self.neighbours = extension, neighbours
        dim = torch.Size(event_shape).numel()
        self.register_buffer("source", torch.zeros(points, dim))
        self.register_buffer("image", torch.zeros(points, dim))

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "event_shape": list(self.event_shape),
            "points": self.points,
            "extension": self.extension,
            "neighbours": self.neighbours,
        }

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        rows = max(1, _BLOCK // self.points)
        return torch.cat([self._block(part) for part in torch.split(x.flatten(1), rows)]).view_as(x)

    def _block(self, x: Tensor) -> Tensor:
        centre = self.source.mean(0)
        exact = x.shape[1] <= _EXACT_DIM
        mode = "donot_use_mm_for_euclid_dist" if exact else "use_mm_for_euclid_dist"
        distances = torch.cdist(x - centre, self.source - centre, compute_mode=mode)
        near = distances.topk(min(self.neighbours, self.points), largest=False).indices
        if self.extension == "image":
            return self.image[near].mean(1)
        # In this order nothing of a small image is lost beside large coordinates of the source.
        return (x - self.source[near].mean(1)) + self.image[near].mean(1)


class EMDObjective(Solvable):
    """min over plans with uniform marginals of E |x - y|^2, between at most `points` samples."""

    def __init__(self, problem: Problem, params: EMDParams) -> None:
        self.problem, self.params = problem, params

    def solve(self, generator: Generator) -> DisplacementMap:
        limit, settings = self.params.points, self.params
        source = self.problem.source.points(limit, generator).flatten(1)
        target = self.problem.target.points(limit, generator).flatten(1)
        model = DisplacementMap(
            self.problem.event_shape,
            len(source),
            extension=settings.extension,
            neighbours=settings.neighbours,
        ).to(source.device)
        model.source, model.image = source, barycentric_images(source, target)
        return model


class EMD(Method[EMDParams]):
    def objective(self, problem: Problem, generator: Generator) -> EMDObjective:
        return EMDObjective(problem, self.params)

    def trainer(self) -> Direct:
        return Direct()

    def blank(self, config: Mapping[str, Any]) -> DisplacementMap:
        return DisplacementMap(
            tuple(config["event_shape"]),
            config["points"],
            extension=config["extension"],
            neighbours=config["neighbours"],
        )


def barycentric_images(source: Tensor, target: Tensor) -> Tensor:
    """E[y | x_i] (N, D) under the optimal plan between source (N, D) and target (M, D).

    With N = M the plan is a permutation and every image is a target sample. Solved by the network
    simplex of POT on the CPU, in float64. Raises Diverged where it does not reach the optimum.
    """
    import ot  # seconds to load, and for this method alone

    x, y = (s.double().cpu() for s in (source, target))
    # The shift of either sample costs the same under every plan, and precision if it is left in.
    a, b = x - x.mean(0), y - y.mean(0)
    cost = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * (a @ b.T)
    weights = (np.full(len(s), 1 / len(s)) for s in (x, y))
    pivots = 1000 * (len(x) + len(y)) + 100_000
    plan, log = ot.emd(*weights, cost.clamp_min(0).numpy(), numItermax=pivots, log=True)
    if log["warning"] is not None:
        raise Diverged(f"the network simplex found no optimum: {log['warning']}; use fewer points")
    rows = torch.from_numpy(plan)
    return ((rows / rows.sum(1, keepdim=True)) @ y).to(source)
