"""Optimal transport within a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from transportkit import Diverged

from .assignment import COORDINATES, assign, assign_points
from .coupling import Coupling

_FEW = 64
"""Dimensions up to which the pairing takes longer than its costs."""


@dataclass(frozen=True)
class MinibatchOT(Coupling):
    """The one-to-one pairing of a batch of least mean squared distance, to a tolerance.

    Tong et al. 2024, section 3.2, who draw pairs from the plan; between batches of equal size an
    optimal plan is a permutation, and here each of its pairs is taken once. A batch of more than
    `chunk` points (by default 1024, and 512 above 64 dimensions, where the matrix of costs takes
    longer than the pairing) is cut, and each piece paired by itself. `tolerance` (by default 0.05,
    and 0.02 above 64 dimensions, where the cut has its own cost) is relative to the least cost
    between the centred pieces, which is the stricter way: their shift costs the same under every
    pairing.
    """

    tolerance: float | None = None
    chunk: int | None = None

    def pair(self, x0: Tensor, x1: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        few = x0[0].numel() <= _FEW
        chunk = (1024 if few else 512) if self.chunk is None else self.chunk
        tolerance = (0.05 if few else 0.02) if self.tolerance is None else self.tolerance
        pieces = list(zip(torch.split(x0, chunk), torch.split(x1, chunk), strict=True))
        found = [_partners(a, b, tolerance) + i * chunk for i, (a, b) in enumerate(pieces)]
        # Several times faster than indexing.
        return x0, x1.index_select(0, torch.cat(found))


def _partners(a: Tensor, b: Tensor, tolerance: float) -> Tensor:
    """The row of b paired with each row of a, (n,)."""
    a, b = a.flatten(1), b.flatten(1)
    a, b = (a - a.mean(0)).float(), (b - b.mean(0)).float()
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
