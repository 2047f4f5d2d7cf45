"""The loop of middle dimensions on a CUDA device: layout, tiles, shares of the charges, their sum.

There are two. Where matrix units multiply float64 at full rate, squared distances of float32 inputs
are such products, exact but for rounding of |x'|^2 + |y'|^2 in float64; elsewhere, and for float64
inputs, they are sums of the squares of exact differences.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .partial import Partial

FULL_DOUBLE = {(8, 0), (9, 0)}
"""Capabilities of devices (A100, H100, H200) whose matrix units take float64 at full rate."""
_WORST = {torch.float32: 6.0, torch.float64: 1e4}
"""Cancellation beyond which the loop is given up: its float32 is three products in tf32, and its
vector a difference of sums around a centre."""
_WORST_PRODUCTS = 1e10
"""The same, times the coordinates, for sums in float64 with distances by products: what these round
to counts p / 2 times, and more the nearer a charge is."""
_SHARE = 65536
"""Charges in a share at most, as its sums are in one dtype, of terms relative to the largest."""
_PROGRAMS = 16
"""Programs for each multiprocessor that are worth dividing the charges for."""
_FEWEST = 256
"""Charges in a share at least."""
_SUMS = 1 << 24
"""Sums that are held at once."""


class Tile(NamedTuple):
    """Rows of points and columns of charges a program takes at once, its warps, and loads ahead."""

    rows: int
    columns: int
    warps: int
    stages: int


TILE = Tile(32, 32, 4, 3)
PRODUCTS = {
    # By whether sums are in float64, for up to 64 coordinates after padding, and for up to 128.
    False: (Tile(64, 32, 4, 2), Tile(128, 32, 8, 1)),
    True: (Tile(64, 32, 4, 2), Tile(128, 32, 8, 2)),
}


def worst_condition(kind: torch.dtype, points: Tensor) -> float:
    """Cancellation beyond which sums in `kind` at such points (M, p) are given up."""
    if kind == torch.float64 and by_products(points):
        return _WORST_PRODUCTS / points.shape[1]
    return _WORST[kind]


def by_products(points: Tensor) -> bool:
    """Whether squared distances to such points (M, p) are products in float64."""
    if points.dtype != torch.float32:
        return False
    return torch.cuda.get_device_capability(points.device) in FULL_DOUBLE


def precision(dtype: torch.dtype, accurate: bool) -> tuple[torch.dtype, int]:
    """What sums of inputs of this dtype are made in, and steps of Newton's rule for a root."""
    kind = torch.float64 if accurate else dtype
    return kind, 0 if kind == torch.float32 else 1 + int(dtype == torch.float64)


def shares(
    count: int, number: int, rows: int, columns: int, device: torch.device, most: int = 0
) -> tuple[int, int]:
    """How many shares the charges are divided into so that the device is busy, and their size.

    `most` is the largest size of one, where not any will do.
    """
    busy = _PROGRAMS * torch.cuda.get_device_properties(device).multi_processor_count
    parts = max(1, min(busy // -(-count // rows), number // _FEWEST))
    if most:
        parts = max(parts, -(-number // most))
    share = -(-number // (parts * columns)) * columns
    return -(-number // share), share


def superpose(points: Tensor, charges: Tensor, weights: Tensor, accurate: bool) -> Partial:
    """As `gpu.superpose`, for any number of coordinates that is compiled."""
    kind, newton = precision(points.dtype, accurate)
    order = (weights < 0).to(torch.uint8).argsort(stable=True)
    charges, weights = charges[order], weights[order].to(kind)
    split = len(weights) - int((weights < 0).sum())
    sides = [part for part in (slice(0, split), slice(split, len(weights))) if part.start < part.stop]
    made = _Products if by_products(points) else _Differences
    loop = made(charges, weights, sides, kind, newton)
    tall = max(1024, _SUMS // loop.sums(len(points), points.device))
    found = [loop.rows(points[low : low + tall]) for low in range(0, len(points), tall)]
    return Partial(*(torch.cat(each) for each in zip(*found, strict=True)))


class _Differences:
    """Pairs by exact differences, the charges of each sign around their own centre."""

    def __init__(
        self, charges: Tensor, weights: Tensor, sides: list[slice], kind: torch.dtype, newton: int
    ) -> None:
        self.charges = charges.to(kind)
        self.columns = self.charges.T.contiguous()
        self.weights, self.newton = weights, newton
        self.sides = [_Side.of(self.charges, part) for part in sides]

    def sums(self, count: int, device: torch.device) -> int:
        """How many sums each of so many points takes."""
        parts, _ = shares(count, len(self.charges), TILE.rows, TILE.columns, device, _SHARE)
        return parts * padded(self.charges.shape[1])

    def rows(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Vector, magnitude and log_scale at points (m, p)."""
        points = points.to(self.charges.dtype)
        width = points.shape[1]
        by_column = points.T.contiguous()
        summed = [self._launched(by_column, side) for side in self.sides]
        inverse = torch.cat([scalars[:, 0] for _, scalars in summed]).amax(0)
        some = inverse.where(inverse > 0, 1.0)
        vector = torch.zeros_like(points, dtype=torch.float64)
        magnitude = torch.zeros_like(inverse)
        for side, (sums, scalars) in zip(self.sides, summed, strict=True):
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

    def _launched(self, points: Tensor, side: _Side) -> tuple[Tensor, Tensor]:
        """What the loop finds at points (p, m), by shares: its sums and scalars, in float64."""
        from . import gpu_kernels

        width, count = points.shape
        first, stop = side.part.start, side.part.stop
        wide, number = side.flat.shape[1], len(self.charges)
        parts, share = shares(count, stop - first, TILE.rows, TILE.columns, points.device, _SHARE)
        sums = points.new_empty(parts, count, wide)
        scalars = points.new_empty(parts, 3, count)
        gpu_kernels.tiled[(-(-count // TILE.rows), parts)](
            points,
            self.columns,
            side.flat,
            self.weights,
            sums,
            scalars,
            count,
            number,
            first,
            stop,
            share,
            WIDTH=width,
            PADDED=wide,
            NEWTON=self.newton,
            LONG=max(number, count) * max(width, wide) >= 1 << 31,
            ROWS=TILE.rows,
            COLUMNS=TILE.columns,
            num_warps=TILE.warps,
        )
        return sums.double(), scalars.double()


class _Side(NamedTuple):
    """The charges of one sign, a part of all, around their own centre (p,).

    flat (N, 16 or more) holds all charges' first p-1 coordinates from there, and zeros behind;
    reach is the distance of the side's farthest charge.
    """

    part: slice
    centre: Tensor
    flat: Tensor
    reach: Tensor

    @classmethod
    def of(cls, charges: Tensor, part: slice) -> _Side:
        width = charges.shape[1]
        centre = charges[part].mean(0)
        flat = charges.new_zeros(len(charges), padded(width))
        torch.sub(charges[:, :-1], centre[:-1], out=flat[:, : width - 1])
        reach = torch.linalg.vector_norm(charges[part] - centre, dim=1).amax()
        return cls(part, centre, flat, reach)


class _Products:
    """Pairs by products in float64 around one centre of all, their sums around each sign's own."""

    def __init__(
        self, charges: Tensor, weights: Tensor, sides: list[slice], kind: torch.dtype, _: int
    ) -> None:
        self.kind, self.weights, self.sides = kind, weights, sides
        self.width = charges.shape[1]
        self.middle = charges.mean(0, dtype=torch.float64)
        self.flat, self.levels, self.lengths = self._moved(charges)
        self.farthest = self.lengths.amax()
        values = self.flat if kind == torch.float64 else torch.empty_like(self.flat, dtype=kind)
        self.centres, self.reaches = [], []
        for part in sides:
            flat, levels = self.flat[part], self.levels[part]
            # Sums in float64 need no nearer centre.
            centre = flat.mean(0) if kind == torch.float32 else torch.zeros_like(flat[0])
            level = levels.mean()
            if kind == torch.float32:
                torch.sub(flat, centre, out=values[part])
            steps = (flat - centre).square().sum(1) + (levels - level).square()
            self.centres.append((centre, level))
            self.reaches.append(steps.amax().sqrt())
        self.values = values
        self.tile = PRODUCTS[kind == torch.float64][values.shape[1] > 64]

    def _moved(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of rows (n, p), from the middle: the first p-1 coordinates (n, PADDED), the last one (n,),
        and the squared length of the first (n,)."""
        flat = rows.new_zeros(len(rows), padded(self.width), dtype=torch.float64)
        torch.sub(rows[:, :-1], self.middle[:-1], out=flat[:, : self.width - 1])
        return flat, rows[:, -1].double() - self.middle[-1], flat.square().sum(1)

    def _shares(self, count: int, device: torch.device) -> tuple[int, int]:
        number = max(part.stop - part.start for part in self.sides)
        return shares(count, number, self.tile.rows, self.tile.columns, device, _SHARE)

    def sums(self, count: int, device: torch.device) -> int:
        """How many sums each of so many points takes."""
        parts, _ = self._shares(count, device)
        return parts * len(self.sides) * self.values.shape[1]

    def rows(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Vector, magnitude and log_scale at points (m, p)."""
        flat, heights, squares = self._moved(points)
        sums, scalars, parts = self._launched(flat, heights, squares)
        near = scalars[:, 0].amin(0)
        kept = (near / scalars[:, 0]) ** (0.5 * self.width)
        totals, rise = scalars[:, 1] * kept, (scalars[:, 2] * kept).sum(0)
        # No product of matrices, which a process may have told to use fewer bits.
        sideways = (sums.mul_(kept.to(sums.dtype)[:, :, None])).sum(0).double().neg_()
        magnitude = torch.zeros_like(near)
        for total, centre, reach in zip(
            totals.split(parts), self.centres, self.reaches, strict=True
        ):
            total = total.sum(0)
            sideways.add_((flat - centre[0]) * total[:, None])
            apart = (flat - centre[0]).square().sum(1) + (heights - centre[1]).square()
            # No term is longer: these are the lengths whose difference a coordinate is.
            magnitude += total.abs() * (apart.sqrt() + reach)
        vector = torch.cat([sideways[:, : self.width - 1], rise[:, None]], dim=1)
        if self.kind == torch.float64:
            # A squared distance b^2 is good to roundings of |x'|^2 + |y'|^2. Of that much over b^2,
            # half of the power is in the magnitude already, as b is short beside |x'| and |y'|.
            magnitude *= ((squares + heights.square() + self.farthest) / near).sqrt()
        magnitude.masked_fill_(~(near > 0), torch.nan)
        return vector, magnitude, -0.5 * self.width * near.log()

    def _launched(
        self, flat: Tensor, heights: Tensor, squares: Tensor
    ) -> tuple[Tensor, Tensor, list[int]]:
        """What the loop finds by shares, its sums and (in float64) scalars, and the shares of each
        side."""
        from . import gpu_kernels

        count, wide = flat.shape
        number, split = len(self.flat), self.sides[0].stop
        _, share = self._shares(count, flat.device)
        parts = [-(-(part.stop - part.start) // share) for part in self.sides]
        sums = flat.new_empty(sum(parts), count, wide, dtype=self.kind)
        scalars = flat.new_empty(sum(parts), 3, count, dtype=self.kind)
        gpu_kernels.tiled_products[(-(-count // self.tile.rows), sum(parts))](
            flat,
            heights,
            squares,
            self.flat,
            self.levels,
            self.lengths,
            self.values,
            self.weights,
            sums,
            scalars,
            count,
            number,
            split,
            parts[0],
            share,
            WIDTH=self.width,
            PADDED=wide,
            FINE=self.kind == torch.float64,
            LONG=max(number, count * sum(parts)) * wide >= 1 << 31,
            ROWS=self.tile.rows,
            COLUMNS=self.tile.columns,
            num_warps=self.tile.warps,
            num_stages=self.tile.stages,
        )
        return sums, scalars.double(), parts


def padded(width: int) -> int:
    """Columns of a matrix of the first p-1 of `width` coordinates."""
    return max(16, 1 << (width - 2).bit_length())
