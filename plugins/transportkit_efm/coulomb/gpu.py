"""Running the loops on a CUDA device: layout, tiles, shares of the charges, and their sum."""

from __future__ import annotations

import functools
import importlib.util
import sys

import torch
from torch import Tensor

from .partial import Partial

WORST_CONDITION = {torch.float32: 6.0, torch.float64: 1e12}
"""Cancellation beyond which the tiled loop is given up: its float32 is three products in tf32."""
_FLUSH = 2048
"""Charges summed in the inputs' dtype before the sum goes on in float64."""
_PROGRAMS = 16
"""Programs for each multiprocessor that are worth dividing the charges for."""
_FEWEST = 256
"""Charges in a share at least."""
_TILES = {
    # By kind and widest tile of coordinates: rows, columns, warps that keep all in registers.
    ("unrolled", torch.float32): ((9, 32, 32, 4),),
    ("unrolled", torch.float64): ((3, 32, 32, 4), (9, 16, 32, 4)),
    ("tiled", torch.float32): ((128, 32, 32, 4),),
    ("tiled", torch.float64): ((128, 32, 32, 4),),
}
_ready: set[tuple[object, ...]] = set()


def usable(device: torch.device) -> bool:
    """Whether loops compiled by Triton can serve tensors on this device at all."""
    if device.type != "cuda" or torch.version.cuda is None or not _found():
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


@functools.cache
def _found() -> bool:
    return importlib.util.find_spec("triton") is not None


def loaded() -> bool:
    """Whether Triton is imported anyhow."""
    return "triton" in sys.modules


def ready(way: str, width: int, dtype: torch.dtype, accurate: bool) -> bool:
    """Whether the loop has run in this process; what Triton's cache on disk holds is not asked."""
    return _key(way, width, dtype, accurate) in _ready


def _key(way: str, width: int, dtype: torch.dtype, accurate: bool) -> tuple[object, ...]:
    return way, width, torch.float64 if accurate else dtype, dtype


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
    _ready.add(_key(way, points.shape[1], points.dtype, accurate))
    return total


def _unrolled(points: Tensor, charges: Tensor, weights: Tensor, newton: int) -> Partial:
    from . import gpu_kernels

    count, width = points.shape
    rows, columns, warps = _tile("unrolled", points.dtype, width)
    parts, share = _shares(points, len(charges), rows, columns)
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
    """The charges of each sign by themselves, around their own centre: then no sum cancels."""
    order = (weights < 0).to(torch.uint8).argsort(stable=True)
    charges, weights = charges[order], weights[order]
    split = int((weights > 0).sum())
    sides = [side for side in ((0, split), (split, len(charges))) if side[0] < side[1]]
    by_row, by_column = points.T.contiguous(), charges.T.contiguous()
    scalars, flats, reaches = [], [], []
    for first, stop in sides:
        centre = charges[first:stop].mean(0)
        moved = points - centre
        found, weighed = _side(by_row, by_column, charges, centre, weights, (first, stop), newton)
        scalars.append(found.double())
        flats.append((moved[:, :-1].double(), weighed))
        ends = torch.linalg.vector_norm(charges[first:stop] - centre, dim=1).max()
        reaches.append((torch.linalg.vector_norm(moved, dim=1) + ends).double())
    nearest = torch.stack([found[:, 0].amax(0) for found in scalars]).amax(0)
    some = nearest.where(nearest > 0, 1.0)
    width = points.shape[1]
    vector = torch.zeros_like(points, dtype=torch.float64)
    magnitude = torch.zeros_like(nearest)
    for found, (moved, weighed), reach in zip(scalars, flats, reaches, strict=True):
        kept = (found[:, 0] / some) ** (0.5 * width)
        total, rise = (found[:, 1] * kept).sum(0), (found[:, 2] * kept).sum(0)
        around = torch.einsum("smp,sm->mp", weighed.double(), kept)[:, : width - 1]
        vector[:, :-1] += moved * total[:, None] - around
        vector[:, -1] += rise
        # No term is longer: these are the lengths whose difference a coordinate is.
        magnitude += total.abs() * reach
    least = torch.finfo(points.dtype).tiny * 1e6
    magnitude.masked_fill_(~(1 / nearest >= least), torch.nan)
    return Partial(vector, magnitude, 0.5 * width * nearest.log())


def _side(
    points: Tensor,
    charges: Tensor,
    flat: Tensor,
    centre: Tensor,
    weights: Tensor,
    side: tuple[int, int],
    newton: int,
) -> tuple[Tensor, Tensor]:
    """What the loop finds of the charges (p, N) of one side at points (p, M), by shares."""
    from . import gpu_kernels

    width, count = points.shape
    first, stop = side
    padded = max(16, 1 << (width - 2).bit_length())
    around = flat.new_zeros(len(flat), padded)
    torch.sub(flat[:, :-1], centre[:-1], out=around[:, : width - 1])
    rows, columns, warps = _tile("tiled", points.dtype, padded)
    parts, share = _shares(points.T, stop - first, rows, columns)
    sums = points.new_empty(parts, count, padded)
    scalars = points.new_empty(parts, 3, count)
    gpu_kernels.tiled[(-(-count // rows), parts)](
        points,
        charges,
        around,
        weights,
        sums,
        scalars,
        count,
        len(flat),
        first,
        stop,
        share,
        WIDTH=width,
        PADDED=padded,
        NEWTON=newton,
        ROWS=rows,
        COLUMNS=columns,
        num_warps=warps,
    )
    return scalars, sums


def _tile(way: str, kind: torch.dtype, width: int) -> tuple[int, int, int]:
    found = next(tile for tile in _TILES[way, kind] if width <= tile[0])
    return found[1:]


def _shares(points: Tensor, number: int, rows: int, columns: int) -> tuple[int, int]:
    """How many shares the charges are divided into so that the device is busy, and their size."""
    device = torch.cuda.get_device_properties(points.device)
    wanted = _PROGRAMS * device.multi_processor_count // -(-len(points) // rows)
    parts = max(1, min(wanted, number // _FEWEST))
    share = -(-number // (parts * columns)) * columns
    return -(-number // share), share
