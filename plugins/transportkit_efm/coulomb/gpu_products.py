"""The loop of middle dimensions where matrix units multiply float64 at full rate.

It is for float32 inputs, in both accuracies, as it takes no longer than one in float32 would.

Squared distances are |x'|^2 + |y'|^2 - 2 x'.y' of coordinates around the middle of the charges, all
in float64, but for the plates' coordinate, whose exact difference is squared. They are good to a
few roundings e of c = |x'|^2 + |y'|^2, so that a charge at r bears an error e c p / (2 r^2) of its
weight. With r >= b, the nearest, and a weight T of all charges, the vector errs by no more than
e p / 2 (c / b) T: what is called its magnitude here is T (|x'| + |y'|) sqrt(c) / b.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .gpu_shares import shares
from .partial import Partial

FULL_DOUBLE = {(8, 0), (9, 0)}
"""Capabilities of devices (A100, H100, H200) whose matrix units take float64 at full rate."""
WIDEST = 129
"""Most coordinates for which a program holds its sums in registers."""
_WORST = 1e10
"""Magnitude over the length of the vector, times the coordinates, beyond which it is given up."""
_SUMS = 1 << 24
"""Sums that are held at once."""
_MOVED = 4096
"""Coordinates of a tile of the kernels before and after."""


class _Tile(NamedTuple):
    """Rows of points and columns of charges of a program, its warps, and loads that run ahead."""

    rows: int
    columns: int
    warps: int
    stages: int


_TILES = {32: _Tile(64, 64, 4, 2), 64: _Tile(64, 32, 4, 2), 128: _Tile(128, 32, 8, 2)}
"""By the most coordinates after padding; measured on an H100."""


class _Rows(NamedTuple):
    """Points or charges around a middle, as the kernel `moved` lays them out."""

    flat: Tensor
    levels: Tensor
    lengths: Tensor
    squares: Tensor


def serves(points: Tensor) -> bool:
    """Whether such points (M, p) are on a device and of a dtype that this is for."""
    if points.dtype != torch.float32:
        return False
    return torch.cuda.get_device_capability(points.device) in FULL_DOUBLE


def worst_condition(width: int) -> float:
    """Magnitude over the length of the vector beyond which sums in so many coordinates are given
    up."""
    return _WORST / width


def superpose(points: Tensor, charges: Tensor, weights: Tensor) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p over charges (N, p) at points (M, p), of float32, in float64.

    Where the magnitude over the vector's length is beyond `worst_condition`, or NaN, a point is too
    near a charge, or charges cancel too much, for products.
    """
    width = points.shape[1]
    padded = max(16, 1 << (width - 2).bit_length())
    tile = next(tile for most, tile in _TILES.items() if padded <= most)
    if torch.cuda.get_device_capability(points.device)[0] < 9:
        # There the widest tile would take more memory than a multiprocessor has.
        tile = tile._replace(stages=1)
    middle = charges.mean(0, dtype=torch.float64)
    around = _moved(charges, middle, padded)
    farthest = around.squares.amax()
    total = Partial(
        torch.empty(points.shape, dtype=torch.float64, device=points.device),
        *torch.empty(2, len(points), dtype=torch.float64, device=points.device),
    )
    parts, share = shares(len(points), len(charges), tile.rows, tile.columns, points.device)
    tall = max(1024, _SUMS // (parts * padded))
    for low in range(0, len(points), tall):
        rows = slice(low, low + tall)
        some = _moved(points[rows], middle, padded)
        sums, scalars = _launched(some, around, weights, parts, share, tile, width)
        _gather(sums, scalars, some, farthest, total, rows, width)
    return total


def _moved(rows: Tensor, middle: Tensor, padded: int) -> _Rows:
    from . import gpu_product_kernels

    count, width = rows.shape
    flat = middle.new_empty(count, padded)
    levels, lengths, squares = middle.new_empty(3, count)
    tall = max(1, _MOVED // padded)
    gpu_product_kernels.moved[(-(-count // tall),)](
        rows.contiguous(),
        middle,
        flat,
        levels,
        lengths,
        squares,
        count,
        WIDTH=width,
        PADDED=padded,
        ROWS=tall,
    )
    return _Rows(flat, levels, lengths, squares)


def _launched(
    points: _Rows,
    charges: _Rows,
    weights: Tensor,
    parts: int,
    share: int,
    tile: _Tile,
    width: int,
) -> tuple[Tensor, Tensor]:
    """What the loop finds by shares: its sums (parts, m, PADDED) and scalars (parts, 4, m)."""
    from . import gpu_product_kernels

    count, padded = points.flat.shape
    number = len(charges.flat)
    sums = points.flat.new_empty(parts, count, padded)
    scalars = points.flat.new_empty(parts, 4, count)
    gpu_product_kernels.tiled[(-(-count // tile.rows), parts)](
        points.flat,
        points.levels,
        points.lengths,
        charges.flat,
        charges.levels,
        charges.lengths,
        weights.contiguous(),
        sums,
        scalars,
        count,
        number,
        share,
        WIDTH=width,
        PADDED=padded,
        LONG=max(number, count * parts) * padded >= 1 << 31,
        ROWS=tile.rows,
        COLUMNS=tile.columns,
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    return sums, scalars


def _gather(
    sums: Tensor,
    scalars: Tensor,
    points: _Rows,
    farthest: Tensor,
    total: Partial,
    rows: slice,
    width: int,
) -> None:
    """Add the shares up into the rows of `total`."""
    from . import gpu_product_kernels

    parts, count, padded = sums.shape
    tall = max(1, _MOVED // 4 // padded)
    gpu_product_kernels.gathered[(-(-count // tall),)](
        sums,
        scalars,
        points.flat,
        points.squares,
        farthest,
        total.vector[rows],
        total.magnitude[rows],
        total.log_scale[rows],
        count,
        parts,
        WIDTH=width,
        PADDED=padded,
        ROWS=tall,
    )
