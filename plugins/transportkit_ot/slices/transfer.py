"""Iterative distribution transfer: one-dimensional maps along axes that turn at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import Direct, Map, Method, Problem, Solvable

from ..frame import Frame
from ..gaussian.bures import bures_map
from ..gaussian.shrinkage import covariance
from . import SlicedParams

_AFFINE = 1024
"""Up to this dimension the first step may be affine: it holds D x D covariances."""
_JUDGES, _SLACK = 32, 1.1
"""Directions in which held-out samples are compared, and what part of the least is as good as it:
where they are many the misfit falls to the noise of these samples, and wavers there."""
_PARTS = 2
"""Times that another part of the samples is held out."""


class SlicedMap(Map):
    """x -> x + step R (f(R'x) - R'x), iteration after iteration, in the frame's units.

    R (D, k) has orthonormal columns, and f takes every coordinate along them monotonically from
    the source's quantiles to the target's. Beyond the outermost quantiles f is a shift.
    """

    matrix: Tensor
    axes: Tensor
    source: Tensor
    target: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        iterations: int,
        directions: int,
        levels: int,
        step: float,
        affine: bool,
    ) -> None:
        super().__init__()
        self.step, self.affine = step, affine
        self.frame = Frame(event_shape)
        dim = torch.Size(event_shape).numel()
        size = dim if affine else 0
        self.register_buffer("matrix", torch.zeros(size, size))
        self.register_buffer("axes", torch.zeros(iterations, dim, directions))
        self.register_buffer("source", torch.zeros(iterations, directions, levels))
        self.register_buffer("target", torch.zeros(iterations, directions, levels))

    @property
    def config(self) -> Mapping[str, Any]:
        iterations, directions, levels = self.source.shape
        return {
            "event_shape": list(self.frame.event_shape),
            "iterations": iterations,
            "directions": directions,
            "levels": levels,
            "step": self.step,
            "affine": self.affine,
        }

    def begin(self, x: Tensor) -> Tensor:
        """Points x (B, D) where the first iteration finds them."""
        return x @ self.matrix if self.affine else x

    def iterate(self, x: Tensor, i: int) -> Tensor:
        """Points x (B, D) after iteration i."""
        along = (x @ self.axes[i]).T.contiguous()
        moved = match(along, self.source[i], self.target[i])
        return x + self.step * (moved - along).T @ self.axes[i].T

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        moved = self.begin(self.frame.from_source(x))
        for i in range(len(self.axes)):
            moved = self.iterate(moved, i)
        return self.frame.to_target(moved)


class SlicedObjective(Solvable):
    """Each iteration matches what the ones before it made of the source samples.

    There are as many as bring held-out samples nearest: from then on the quantiles' noise, which
    no iteration takes back, outweighs what is left to learn.
    """

    def __init__(self, problem: Problem, params: SlicedParams) -> None:
        self.problem, self.params = problem, params

    def solve(self, generator: Generator) -> SlicedMap:
        problem, settings = self.problem, self.params
        frame = Frame.of(problem, generator)
        x = frame.from_source(problem.source.points(settings.points, generator))
        y = frame.from_target(problem.target.points(settings.points, generator))
        count = self._useful(x, y, generator) if settings.held_out else settings.iterations
        model = self._begun(x, y, count)
        model.frame = frame
        for _ in _matched(model, x, y, generator):
            pass
        return model

    def _begun(self, x: Tensor, y: Tensor, iterations: int) -> SlicedMap:
        """The map from x (N, D) to y (M, D) before the first iteration."""
        settings, dim = self.params, x.shape[1]
        affine = settings.start == "affine" and dim <= _AFFINE
        model = SlicedMap(
            self.problem.event_shape,
            iterations=iterations,
            directions=min(settings.directions, dim),
            levels=settings.levels,
            step=settings.step,
            affine=affine,
        ).to(x.device)
        if affine:
            model.matrix = bures_map(*(covariance(s.double(), None) for s in (x, y))).to(x)
        return model

    def _useful(self, x: Tensor, y: Tensor, generator: Generator) -> int:
        """After how many iterations held-out samples are nearest to each other, or nearly so.

        The misfits are summed over `_PARTS` ways to hold out: those of one waver by the few samples
        of a long tail that happen to be in it.
        """
        ways = [self._misfits(x, y, generator) for _ in range(_PARTS)]
        misfits = [sum(row) for row in zip(*ways, strict=True)]
        enough = _SLACK * min(misfits)
        return max(i for i, value in enumerate(misfits) if value <= enough)

    def _misfits(self, x: Tensor, y: Tensor, generator: Generator) -> list[float]:
        """The mean W2^2, along random axes, of a part held out of x and of y, after 0, 1, 2, ...
        iterations fitted to the rest."""
        (x, fresh), (y, aim) = (_parted(s, self.params.held_out, generator) for s in (x, y))
        # One point has no quantiles.
        if min(len(s) for s in (x, y, fresh, aim)) < 2:
            return [0.0]
        model = self._begun(x, y, self.params.iterations)
        axes = torch.randn(x.shape[1], _JUDGES, generator=generator, device=generator.device)
        axes = torch.nn.functional.normalize(axes, dim=0).to(x)
        count = min(200, max(len(fresh), len(aim)))
        levels = (torch.arange(count, dtype=x.dtype, device=x.device) + 0.5) / count
        goal, fresh = _quantiles((aim @ axes).T, levels), model.begin(fresh)

        def misfit() -> float:
            return float((_quantiles((fresh @ axes).T, levels) - goal).square().mean())

        misfits = [misfit()]
        for i in _matched(model, x, y, generator):
            fresh = model.iterate(fresh, i)
            misfits.append(misfit())
        return misfits


class Sliced(Method[SlicedParams]):
    def refuses(self, problem: Problem) -> str | None:
        if any(m.size == 1 for m in (problem.source, problem.target)):
            return "sliced needs two samples of each side for its quantiles"
        return None

    def objective(self, problem: Problem, generator: Generator) -> SlicedObjective:
        return SlicedObjective(problem, self.params)

    def trainer(self) -> Direct:
        return Direct()

    def blank(self, config: Mapping[str, Any]) -> SlicedMap:
        return SlicedMap(**{**config, "event_shape": tuple(config["event_shape"])})


def match(x: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """x (k, B) taken from quantiles (k, L) to quantiles (k, L), linearly between them."""
    right = torch.searchsorted(source, x).clamp(1, source.shape[1] - 1)
    x0, x1 = source.gather(1, right - 1), source.gather(1, right)
    y0, y1 = target.gather(1, right - 1), target.gather(1, right)
    # Where quantiles coincide there is nothing between them.
    part = ((x - x0) / (x1 - x0).clamp_min(torch.finfo(x.dtype).tiny)).clamp(0, 1)
    beyond = (x - source[:, -1:]).clamp_min(0) + (x - source[:, :1]).clamp_max(0)
    return torch.lerp(y0, y1, part) + beyond


def _matched(model: SlicedMap, x: Tensor, y: Tensor, generator: Generator) -> Iterator[int]:
    """Fits the iterations of a map to x (N, D) and y (M, D), and tells of each when it is done."""
    x = model.begin(x)
    levels = torch.linspace(0, 1, model.source.shape[2], dtype=x.dtype, device=x.device)
    for i in range(len(model.axes)):
        model.axes[i] = _turned_axes(model.axes[i], generator)
        for quantiles, points in ((model.source, x), (model.target, y)):
            quantiles[i] = _quantiles((points @ model.axes[i]).T, levels)
        x = model.iterate(x, i)
        yield i


def _parted(x: Tensor, share: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """x (N, D) less a random share of its rows, and these."""
    order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
    away = int(share * len(x))
    return x[order[away:]], x[order[:away]]


def _quantiles(x: Tensor, levels: Tensor) -> Tensor:
    """The quantiles (k, L) of x (k, N), linear between neighbouring samples."""
    ordered = x.sort(1).values
    place = levels * (x.shape[1] - 1)
    low = place.floor().long().clamp_max(x.shape[1] - 1)
    high = (low + 1).clamp_max(x.shape[1] - 1)
    return torch.lerp(ordered[:, low], ordered[:, high], place - low)


def _turned_axes(like: Tensor, generator: Generator) -> Tensor:
    """Orthonormal axes in the columns of a matrix of this shape (D, k), uniformly at random."""
    draws = torch.randn(like.shape, generator=generator, device=generator.device)
    return torch.linalg.qr(draws).Q.to(like)
