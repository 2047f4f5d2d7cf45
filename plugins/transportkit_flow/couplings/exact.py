"""Optimal transport within a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Generator, Tensor

from transportkit import Diverged, Problem

from .assignment import COORDINATES, assign, assign_points
from .coupling import Coupling
from .directions import common_directions

_FEW = 64
"""Dimensions up to which the pairing takes longer than its costs."""

_CUT = 512
"""Points of a piece above `_FEW` dimensions, where a batch is cut."""

_TRIED, _WITHIN = 1024, 0.01
"""Points on which ways to pair are tried, and the excess over the least cost that is let pass."""


@dataclass(frozen=True)
class MinibatchOT(Coupling):
    """The one-to-one pairing of a batch of least mean squared distance, to a tolerance.

    Tong et al. 2024, section 3.2, who draw pairs from the plan; between batches of equal size an
    optimal plan is a permutation, and here each of its pairs is taken once. A batch of more than
    `chunk` points (by default 1024) is cut, and each piece paired by itself. `tolerance` (by
    default 0.05, and 0.02 above 64 dimensions, where what follows has its own cost) is relative to
    the least cost between the centred pieces, which is the stricter way: their shift costs the
    same under every pairing.

    Above 64 dimensions the matrix of costs takes longer than the pairing. Unless `chunk` says
    otherwise, `fitted` then takes the cheapest way that is within 1% of the least cost on draws of
    the data: distances in the `directions` (D, k) which both sides share, where the data have few;
    pieces of 512, where no pair is near anyhow; or all of it.
    """

    tolerance: float | None = None
    chunk: int | None = None
    directions: Tensor | None = field(default=None, compare=False)

    def fitted(self, problem: Problem, generator: Generator) -> Coupling:
        if problem.dim <= _FEW or self.chunk is not None:
            return self
        x0, x1 = (m.sample(_TRIED, generator) for m in (problem.source, problem.target))
        least = _cost(replace(self, tolerance=1e-3).pair(x0, x1, generator))
        for way in self._ways(x0, x1, generator):
            if _cost(way.pair(x0, x1, generator)) <= (1 + _WITHIN) * least:
                return way
        return self

    def _ways(self, x0: Tensor, x1: Tensor, generator: Generator) -> Iterator[MinibatchOT]:
        """ways to spare costs, the cheapest first."""
        directions = common_directions(x0.flatten(1), x1.flatten(1), 128, generator)
        for k in (32, 64):
            yield replace(self, directions=directions[:, :k])
        yield replace(self, chunk=_CUT)
        if directions.shape[1] < directions.shape[0]:
            yield replace(self, directions=directions)

    def pair(self, x0: Tensor, x1: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        few = x0[0].numel() <= _FEW
        chunk = 1024 if self.chunk is None else self.chunk
        tolerance = (0.05 if few else 0.02) if self.tolerance is None else self.tolerance
        pieces = zip(torch.split(x0, chunk), torch.split(x1, chunk), strict=True)
        found = [self._partners(a, b, tolerance) + i * chunk for i, (a, b) in enumerate(pieces)]
        # Several times faster than indexing.
        return x0, x1.index_select(0, torch.cat(found))

    def _partners(self, a: Tensor, b: Tensor, tolerance: float) -> Tensor:
        """The row of b paired with each row of a, (n,)."""
        a, b = a.flatten(1), b.flatten(1)
        a, b = (a - a.mean(0)).float(), (b - b.mean(0)).float()
        # What is few is paired by all coordinates for less than the directions would cost.
        if self.directions is not None and len(a) > _CUT:
            a, b = a @ self.directions, b @ self.directions
        lengths = [torch.linalg.vector_norm(side, dim=1).square() for side in (a, b)]
        if not bool(torch.cat(lengths).isfinite().all()):
            raise Diverged("pairs need finite points; look for NaN or infinity in the samples")
        if a.shape[1] <= COORDINATES:
            found = assign_points(a.cpu().numpy(), b.cpu().numpy(), tolerance)
        else:
            squares = lengths[0][:, None] + lengths[1]
            cost = torch.addmm(squares, a, b.T, alpha=-2).clamp_min_(0)
            found = assign(cost.cpu().numpy(), tolerance)
        return torch.from_numpy(found).to(b.device)


def _cost(pairs: tuple[Tensor, Tensor]) -> float:
    """The mean squared distance of pairs whose sides are centred."""
    a, b = (side.flatten(1).double() for side in pairs)
    return float((a - a.mean(0) - b + b.mean(0)).square().sum(1).mean())
