"""Running the loops on a CUDA device: layout, tiles, shares of the charges, and their sum."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass

import torch
from torch import Tensor

from .partial import Partial

WORST_CONDITION = {torch.float32: 6.0, torch.float64: 1e4}
"""Cancellation beyond which the tiled loop is given up: its float32 is three products in tf32, and
its vector a difference of sums around a centre."""
_FLUSH = 2048
"""Charges summed in the inputs' dtype before the sum goes on in float64: by "unrolled"."""
_SHARE = 65536
"""And by "tiled", whose terms are relative to the largest."""
_PROGRAMS = 16
"""Programs for each multiprocessor that are worth dividing the charges for."""
_FEWEST = 256
"""Charges in a share at least."""
_SUMS = 1 << 24
"""Sums of the tiled loop that are held at once."""
_UNROLLED = {
    # Most coordinates, then rows, columns and warps of a tile that keep all in registers.
    torch.float32: ((9, 32, 32, 4),),
    torch.float64: ((3, 32, 32, 4), (9, 16, 32, 4)),
}
_TILED = (32, 32, 4)
_ready: set[tuple[object, ...]] = set()


def usable(device: torch.device) -> bool:
    """Whether loops compiled by Triton can serve tensors on this device at all."""
    if device.type != "cuda" or torch.version.cuda is None or not _found():
        return False
    return torch.cuda.is_available() and torch.cuda.get_device_capability(device) >= (8, 0)


@functools.cache
def _found() -> bool:
    """Whether Triton is there, and the compiler of C by which it starts what it has compiled."""
    compilers = ("gcc", "clang", "cc")
    has_c = bool(os.environ.get("CC")) or any(shutil.which(name) for name in compilers)
    return has_c and importlib.util.find_spec("triton") is not None


def loaded() -> bool:
    """Whether Triton is imported anyhow."""
    return "triton" in sys.modules


def ready(way: str, width: int, dtype: torch.dtype, accurate: bool, device: torch.device) -> bool:
    """Whether the loop has run in this process; what Triton's cache on disk holds is not asked."""
    return _key(way, width, dtype, accurate, device) in _ready


def _key(
    way: str, width: int, dtype: torch.dtype, accurate: bool, device: torch.device
) -> tuple[object, ...]:
    kind = torch.float64 if accurate else dtype
    return way, width, kind, dtype, torch.cuda.get_device_capability(device)


def superpose(
    points: Tensor, charges: Tensor, weights: Tensor, way: str, accurate: bool
) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p over charges (N, p) at points (M, p), as on the CPU.

    float32 inputs are summed from float32 differences, or from float64 ones if `accurate`. A
    magnitude of NaN, zero or infinity marks points whose terms left the range, and a pair without
    distance in float32 is marked too.
    """
    kind = torch.float64 if accurate else points.dtype
    newton = 0 if kind == torch.float32 else 1 + int(points.dtype == torch.float64)
    run = _unrolled if way == "unrolled" else _tiled
    with torch.cuda.device(points.device):
        total = run(points.to(kind), charges.to(kind), weights.to(kind).contiguous(), newton)
    _ready.add(_key(way, points.shape[1], points.dtype, accurate, points.device))
    return total


def _unrolled(points: Tensor, charges: Tensor, weights: Tensor, newton: int) -> Partial:
    from . import gpu_kernels

    count, width = points.shape
    _, rows, columns, warps = next(t for t in _UNROLLED[points.dtype] if width <= t[0])
    parts, share = _shares(count, len(charges), rows, columns, points.device)
    out = torch.empty(parts, width + 1, count, dtype=torch.float64, device=points.device)
    gpu_kernels.unrolled[(-(-count // rows), parts)](
        points.contiguous(),
        charges.T.contiguous(),
        weights,
        out,
        count,
        len(charges),
        share,
        WIDTH=width,
        NEWTON=newton,
        ROWS=rows,
        COLUMNS=columns,
        FLUSH=_FLUSH,
        num_warps=warps,
    )
    sums = out.sum(0)
    return Partial(sums[:width].T, sums[width], torch.zeros_like(sums[width]))


def _tiled(points: Tensor, charges: Tensor, weights: Tensor, newton: int) -> Partial:
    order = (weights < 0).to(torch.uint8).argsort(stable=True)
    charges, weights = charges[order], weights[order]
    split = len(weights) - int((weights < 0).sum())
    by_column = charges.T.contiguous()
    sides = [
        _Side.of(charges, first, stop)
        for first, stop in ((0, split), (split, len(charges)))
        if first < stop
    ]
    parts, _ = _shares(len(points), len(charges), *_TILED[:2], points.device, _SHARE)
    tall = max(1024, _SUMS // (parts * sides[0].flat.shape[1]))
    found = [
        _rows(points[low : low + tall], by_column, weights, sides, newton)
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
        flat = charges.new_zeros(len(charges), max(16, 1 << (width - 2).bit_length()))
        torch.sub(charges[:, :-1], centre[:-1], out=flat[:, : width - 1])
        reach = torch.linalg.vector_norm(charges[first:stop] - centre, dim=1).amax()
        return cls(first, stop, centre, flat, reach)


def _rows(
    points: Tensor, charges: Tensor, weights: Tensor, sides: list[_Side], newton: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Vector, magnitude and log_scale at points (m, p), of charges (p, N) of both sides."""
    by_column = points.T.contiguous()
    summed = [_launched(by_column, charges, side, weights, newton) for side in sides]
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
    points: Tensor, charges: Tensor, side: _Side, weights: Tensor, newton: int
) -> tuple[Tensor, Tensor]:
    """What the loop finds at points (p, m), by shares: its sums and scalars, in float64."""
    from . import gpu_kernels

    width, count = points.shape
    rows, columns, warps = _TILED
    parts, share = _shares(count, side.stop - side.first, rows, columns, points.device, _SHARE)
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
        NEWTON=newton,
        LONG=max(charges.shape[1], count) * max(width, padded) >= 1 << 31,
        ROWS=rows,
        COLUMNS=columns,
        num_warps=warps,
    )
    return sums.double(), scalars.double()


def _shares(
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
