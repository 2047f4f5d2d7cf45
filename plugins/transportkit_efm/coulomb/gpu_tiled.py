"""The loop of middle dimensions on a CUDA device by exact differences: for float64, and for devices
whose matrix units do not multiply it at full rate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .gpu_device import power_of_two, shares
from .partial import Partial

WIDEST = 97
"""Coordinates up to which it beats two matrix products and their logarithms."""
WORST_CONDITION = {torch.float32: 6.0, torch.float64: 1e4}
"""Cancellation beyond which the loop is given up: its float32 is three products in tf32, and its
vector a difference of sums around a centre."""
_SHARE = 65536
"""Charges in a share at most, as its sums are in one dtype, of terms relative to the largest."""
_SUMS = 1 << 24
"""Sums that are held at once."""
_TILE = (32, 32, 4)


def superpose(points: Tensor, charges: Tensor, weights: Tensor, accurate: bool) -> Partial:
    """As `gpu.superpose`, of exact differences."""
    kind = torch.float64 if accurate else points.dtype
    points, charges, weights = points.to(kind), charges.to(kind), weights.to(kind).contiguous()
    order = (weights < 0).to(torch.uint8).argsort(stable=True)
    charges, weights = charges[order], weights[order]
    split = len(weights) - int((weights < 0).sum())
    by_column = charges.T.contiguous()
    sides = [
        _Side.of(charges, first, stop)
        for first, stop in ((0, split), (split, len(charges)))
        if first < stop
    ]
    parts, _ = shares(len(points), len(charges), *_TILE[:2], points.device, _SHARE)
    tall = max(1024, _SUMS // (parts * sides[0].flat.shape[1]))
    found = [
        _rows(points[low : low + tall], by_column, weights, sides)
        for low in range(0, len(points), tall)
    ]
    return Partial(*(torch.cat(each) for each in zip(*found, strict=True)))


@dataclass(frozen=True)
class _Side:
    """The charges of one sign, from first to stop, around their own centre.

    flat (N, 16 or more) holds all charges' first p-1 coordinates from there, and zeros behind;
    reach is the distance of the side's farthest charge.
    """

    first: int
    stop: int
    centre: Tensor
    flat: Tensor
    reach: Tensor

    @classmethod
    def of(cls, charges: Tensor, first: int, stop: int) -> _Side:
        width = charges.shape[1]
        centre = charges[first:stop].mean(0)
        flat = charges.new_zeros(len(charges), max(16, power_of_two(width - 1)))
        torch.sub(charges[:, :-1], centre[:-1], out=flat[:, : width - 1])
        reach = torch.linalg.vector_norm(charges[first:stop] - centre, dim=1).amax()
        return cls(first, stop, centre, flat, reach)


def _rows(
    points: Tensor, charges: Tensor, weights: Tensor, sides: list[_Side]
) -> tuple[Tensor, Tensor, Tensor]:
    """Vector, magnitude and log_scale at points (m, p), of charges (p, N) of both sides."""
    by_column = points.T.contiguous()
    summed = [_launched(by_column, charges, side, weights) for side in sides]
    inverse = torch.cat([scalars[:, 0] for _, scalars in summed]).amax(0)
    some = inverse.where(inverse > 0, 1.0)
    width = points.shape[1]
    vector = torch.zeros_like(points, dtype=torch.float64)
    magnitude = torch.zeros_like(inverse)
    for side, (sums, scalars) in zip(sides, summed, strict=True):
        kept = (scalars[:, 0] / some) ** (0.5 * width)
        total, rise = (scalars[:, 1] * kept).sum(0), (scalars[:, 2] * kept).sum(0)
        moved = points - side.centre
        vector[:, :-1] += moved[:, :-1] * total[:, None]
        vector[:, :-1] -= torch.einsum("smp,sm->mp", sums, kept)[:, : width - 1]
        vector[:, -1] += rise
        # No term is longer: these are the lengths whose difference a coordinate is.
        magnitude += total.abs() * (torch.linalg.vector_norm(moved, dim=1) + side.reach)
    least = torch.finfo(points.dtype).tiny * 1e6
    magnitude.masked_fill_(~(1 / inverse >= least), torch.nan)
    return vector, magnitude, 0.5 * width * inverse.log()


def _launched(
    points: Tensor, charges: Tensor, side: _Side, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """What the loop finds at points (p, m), by shares: its sums and scalars, in float64."""
    from . import gpu_kernels

    width, count = points.shape
    rows, columns, warps = _TILE
    parts, share = shares(count, side.stop - side.first, rows, columns, points.device, _SHARE)
    padded = side.flat.shape[1]
    sums = points.new_empty(parts, count, padded)
    scalars = points.new_empty(parts, 3, count)
    gpu_kernels.tiled[(-(-count // rows), parts)](
        points,
        charges,
        side.flat,
        weights,
        sums,
        scalars,
        count,
        charges.shape[1],
        side.first,
        side.stop,
        share,
        WIDTH=width,
        PADDED=padded,
        DOUBLE=points.dtype == torch.float64,
        LONG=max(charges.shape[1], count) * max(width, padded) >= 1 << 31,
        ROWS=rows,
        COLUMNS=columns,
        num_warps=warps,
    )
    return sums.double(), scalars.double()
