"""Sums over pairs where matrix units multiply float64 at full rate, above D = 8.

They are for float32 inputs, in both accuracies, as they take no longer than sums in float32 with
some points in doubt. In middle dimensions one kernel does all, in high ones two products of
matrices by torch and a kernel between them.

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

from .gpu_device import capability, power_of_two, shares
from .partial import Partial

FULL_DOUBLE = {(8, 0), (9, 0)}
"""Capabilities of devices (A100, H100, H200) whose matrix units take float64 at full rate."""
WIDEST = 8193
"""Most coordinates that the passes after it take."""
_WIDEST_TILED = 129
"""Most coordinates for which one program holds its sums in registers."""
_WORST = 1e10
"""Magnitude over the length of the vector, times the coordinates, beyond which it is given up."""
_SUMS = 1 << 24
"""Sums that are held at once."""
_PAIRS = 1 << 23
"""Pairs of a block of products."""
_WIDE = 8192
"""Charges of one."""
_ALIGNED = 8
"""Rows of products are filled up to a multiple of this."""
_BLOCK = 1024
"""Coordinates, or charges, that the kernels around the sums take at once at most."""
_MOVED = 4096
"""Numbers of a tile of theirs."""


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
    return points.dtype == torch.float32 and capability(points.device) in FULL_DOUBLE


def worst_condition(width: int) -> float:
    """Magnitude over the length of the vector beyond which sums in so many coordinates are given
    up."""
    return _WORST / width


def superpose(points: Tensor, charges: Tensor, weights: Tensor) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p over charges (N, p) at points (M, p), of float32, in float64.

    Where the magnitude over the vector's length is beyond `worst_condition`, or NaN, a point is too
    near a charge, or charges cancel too much, for products.
    """
    count, width = points.shape
    middle = charges.mean(0, dtype=torch.float64)
    total = Partial(
        middle.new_empty(count, width), middle.new_empty(count), middle.new_empty(count)
    )
    made = _Tiles if width <= _WIDEST_TILED else _Blocks
    sums = made(count, _moved(charges, middle, made.stride(width)), weights.contiguous(), width)
    for low in range(0, count, sums.tall):
        rows = slice(low, low + sums.tall)
        some = _moved(points[rows], middle, made.stride(width))
        _gather(*sums.of(some), some, sums.farthest, total, rows)
    return total


class _Tiles:
    """Sums by the kernel that does all, by shares of the charges; `tall` points at once."""

    def __init__(self, count: int, charges: _Rows, weights: Tensor, width: int) -> None:
        self.charges, self.weights, self.width = charges, weights, width
        self.padded = charges.flat.shape[1]
        self.tile = next(tile for most, tile in _TILES.items() if self.padded <= most)
        device = weights.device
        if capability(device)[0] < 9:
            # There the widest tile would take more memory than a multiprocessor has.
            self.tile = self.tile._replace(stages=1)
        number = len(charges.flat)
        self.parts, self.share = shares(count, number, self.tile.rows, self.tile.columns, device)
        self.tall = max(1024, _SUMS // (self.parts * self.padded))
        self.farthest = charges.squares.amax()

    @staticmethod
    def stride(width: int) -> int:
        """Columns of the first p-1 coordinates."""
        return max(16, power_of_two(width - 1))

    def of(self, points: _Rows) -> tuple[Tensor, Tensor]:
        """Sums (shares, m, PADDED) and scalars (shares, 4, m) at some of the points."""
        from . import gpu_product_kernels

        count, number = len(points.flat), len(self.charges.flat)
        sums = points.flat.new_empty(self.parts, count, self.padded)
        scalars = points.flat.new_empty(self.parts, 4, count)
        gpu_product_kernels.tiled[(-(-count // self.tile.rows), self.parts)](
            points.flat,
            points.levels,
            points.lengths,
            self.charges.flat,
            self.charges.levels,
            self.charges.lengths,
            self.weights,
            sums,
            scalars,
            count,
            number,
            self.share,
            WIDTH=self.width,
            PADDED=self.padded,
            LONG=max(number, count * self.parts) * self.padded >= 1 << 31,
            ROWS=self.tile.rows,
            COLUMNS=self.tile.columns,
            num_warps=self.tile.warps,
            num_stages=self.tile.stages,
        )
        return sums, scalars


class _Blocks:
    """Sums by products of matrices, a block of charges after the other; `tall` points at once."""

    def __init__(self, count: int, charges: _Rows, weights: Tensor, width: int) -> None:
        self.charges, self.weights, self.width = charges, weights, width
        self.wide = min(_WIDE, len(charges.flat))
        self.tall = min(count, max(1024, _PAIRS // self.wide))
        self.farthest = charges.squares.amax()
        self.room = weights.new_empty(self.tall * self.wide, dtype=torch.float64)

    @staticmethod
    def stride(width: int) -> int:
        """Columns of the first p-1 coordinates."""
        return -(-(width - 1) // _ALIGNED) * _ALIGNED

    def of(self, points: _Rows) -> tuple[Tensor, Tensor]:
        """Sums (1, m, q) and scalars (1, 4, m) at some of the points."""
        from . import gpu_product_kernels

        count = len(points.flat)
        sums = torch.zeros_like(points.flat)
        scalars = sums.new_empty(1, 4, count)
        factor = sums.new_empty(count)
        for low in range(0, len(self.weights), self.wide):
            part = slice(low, low + self.wide)
            block = self.charges.flat[part]
            terms = self.room[: count * len(block)].view(count, len(block))
            torch.mm(points.flat, block.T, out=terms)
            gpu_product_kernels.weighed[(count,)](
                terms,
                points.levels,
                points.lengths,
                self.charges.levels[part],
                self.charges.lengths[part],
                self.weights[part],
                scalars,
                factor,
                count,
                len(block),
                FIRST=low == 0,
                WIDTH=self.width,
                BLOCK=_BLOCK,
            )
            if low:
                sums *= factor[:, None]
            sums.addmm_(terms, block)
        return sums[None], scalars


def _moved(rows: Tensor, middle: Tensor, stride: int) -> _Rows:
    from . import gpu_product_kernels

    count, width = rows.shape
    flat = middle.new_empty(count, stride)
    # Each by itself, as a kernel is compiled again for memory that is aligned in another way.
    levels, lengths, squares = (middle.new_empty(count) for _ in range(3))
    block = min(_BLOCK, power_of_two(stride))
    tall = _MOVED // block
    gpu_product_kernels.moved[(-(-count // tall),)](
        rows.contiguous(),
        middle,
        flat,
        levels,
        lengths,
        squares,
        count,
        WIDTH=width,
        STRIDE=stride,
        BLOCK=block,
        ROWS=tall,
    )
    return _Rows(flat, levels, lengths, squares)


def _gather(
    sums: Tensor, scalars: Tensor, points: _Rows, farthest: Tensor, total: Partial, rows: slice
) -> None:
    """Add the shares up into the rows of `total`."""
    from . import gpu_product_kernels

    parts, count, stride = sums.shape
    block = min(_BLOCK, power_of_two(stride))
    tall = _MOVED // 4 // block
    gpu_product_kernels.gathered[(-(-count // tall), -(-stride // block))](
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
        WIDTH=total.vector.shape[1],
        STRIDE=stride,
        BLOCK=block,
        ROWS=tall,
    )
