"""The optimal affine map between the Gaussians of two samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import Direct, Map, Method, Problem, Solvable

from . import LinearParams
from .bures import bures_map
from .shrinkage import covariance

_LARGEST = 8192


class AffineMap(Map):
    """T(x) = target_mean + matrix (x - source_mean), in float64, on flattened points."""

    matrix: Tensor
    source_mean: Tensor
    target_mean: Tensor

    def __init__(self, event_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.event_shape = event_shape
        dim = torch.Size(event_shape).numel()
        self.register_buffer("matrix", torch.zeros(dim, dim, dtype=torch.float64))
        self.register_buffer("source_mean", torch.zeros(dim, dtype=torch.float64))
        self.register_buffer("target_mean", torch.zeros(dim, dtype=torch.float64))

    @property
    def config(self) -> Mapping[str, Any]:
        return {"event_shape": list(self.event_shape)}

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        moved = (x.flatten(1).double() - self.source_mean) @ self.matrix.T + self.target_mean
        return moved.to(x.dtype).view_as(x)

    def reverse(self) -> AffineMap:
        # A direction in which a sample has no spread is one in which the mean is all there is.
        back = AffineMap(self.event_shape).to(self.matrix.device)
        back.matrix = torch.linalg.pinv(self.matrix, hermitian=True)
        back.source_mean, back.target_mean = self.target_mean, self.source_mean
        return back


class BuresObjective(Solvable):
    """The map between the Gaussians that have the samples' means and (shrunk) covariances."""

    def __init__(self, problem: Problem, params: LinearParams) -> None:
        self.problem, self.params = problem, params

    def solve(self, generator: Generator) -> AffineMap:
        ends = (self.problem.source, self.problem.target)
        x, y = (m.points(self.params.points, generator).flatten(1).double() for m in ends)
        model = AffineMap(self.problem.event_shape).to(x.device)
        model.source_mean, model.target_mean = x.mean(0), y.mean(0)
        shrinkage = self.params.shrinkage
        model.matrix = bures_map(covariance(x, shrinkage), covariance(y, shrinkage))
        return model


class Linear(Method[LinearParams]):
    def refuses(self, problem: Problem) -> str | None:
        if any(m.size == 1 for m in (problem.source, problem.target)):
            return "linear needs two samples of each side for a covariance"
        if problem.dim > _LARGEST:
            return (
                f"linear holds D x D covariances, at most {_LARGEST} coordinates; "
                f"a point here has {problem.dim}"
            )
        return None

    def objective(self, problem: Problem, generator: Generator) -> BuresObjective:
        return BuresObjective(problem, self.params)

    def trainer(self) -> Direct:
        return Direct()

    def blank(self, config: Mapping[str, Any]) -> AffineMap:
        return AffineMap(tuple(config["event_shape"]))
