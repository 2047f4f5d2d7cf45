"""Optimal transport within a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from transportkit import Diverged

from .assignment import COORDINATES, assign, assign_points
from .coupling import Coupling


@dataclass(frozen=True)
class MinibatchOT(Coupling):
    """The one-to-one pairing of a batch of least mean squared distance, to a tolerance.

    Tong et al. 2024, section 3.2, who draw pairs from the plan; between batches of equal size an
    optimal plan is a permutation, and here each of its pairs is taken once. A batch of more than
    `chunk` points (by default 1024, and 512 above 64 dimensions, where the matrix of costs takes
    longer than the pairing) is cut, and each piece paired by itself. `tolerance` is relative to the
    least cost between the centred pieces, which is the stricter way: their shift costs the same
    under every pairing.
    """

    tolerance: float = 0.02
    chunk: int | None = None

    def pair(self, x0: Tensor, x1: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        chunk = self.chunk or (1024 if x0[0].numel() <= 64 else 512)
        pieces = zip(torch.split(x0, chunk), torch.split(x1, chunk), strict=True)
        return x0, torch.cat([b[self._partners(a, b)] for a, b in pieces])

    def _partners(self, a: Tensor, b: Tensor) -> Tensor:
        """The row of b paired with each row of a, (n,)."""
        a, b = a.flatten(1), b.flatten(1)
        a, b = (a - a.mean(0)).float(), (b - b.mean(0)).float()
        if not bool(a.isfinite().all() and b.isfinite().all()):
            raise Diverged("pairs need finite points; look for NaN or infinity in the samples")
        if a.shape[1] <= COORDINATES:
            found = assign_points(a.cpu().numpy(), b.cpu().numpy(), self.tolerance)
        else:
            squares = a.square().sum(1)[:, None] + b.square().sum(1)
            cost = torch.addmm(squares, a, b.T, alpha=-2).clamp_min_(0)
            found = assign(cost.cpu().numpy(), self.tolerance)
        return torch.from_numpy(found).to(b.device)
