"""Running the loops and their passes on a CUDA device, and whether they can be."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys

import numpy as np
import torch
from torch import Tensor

from . import gpu_products, gpu_tiled
from .gpu_device import capability, on, power_of_two, shares
from .partial import Partial

_FLUSH = 2048
"""Charges summed in the inputs' dtype before the sum goes on in float64: by "unrolled"."""
_UNROLLED = {
    # Most coordinates, then rows, columns and warps of a tile that keep all in registers.
    torch.float32: ((9, 32, 32, 4),),
    torch.float64: ((3, 32, 32, 4), (9, 16, 32, 4)),
}
_SURVEYORS, _SURVEYED = 256, 1024
"""Programs that look for the largest values at most, and the values each looks at together."""
_PASSED = 1024
"""Numbers of a tile of the passes after a loop."""
_FEW = 1 << 26
"""Pairs that are few."""
_ready: set[tuple[object, ...]] = set()


@functools.cache
def usable(device: torch.device) -> bool:
    """Whether loops compiled by Triton can serve tensors on this device at all."""
    if device.type != "cuda" or torch.version.cuda is None or not _found():
        return False
    return torch.cuda.is_available() and capability(device) >= (8, 0)


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
    return way, width, kind, dtype, capability(device)


def finer_is_free(way: str, points: Tensor, charges: int) -> bool:
    """Whether a loop in float64 takes no longer here: sums by products always are in float64, and
    few pairs take less time than looking for points that float32 is not enough for."""
    if not gpu_products.serves(points):
        return False
    return way == "tiled" or len(points) * charges <= _FEW


def worst_condition(way: str, kind: torch.dtype, points: Tensor) -> float | None:
    """Cancellation beyond which sums in `kind` at such points (M, p) are given up, if it is not
    that of the same loop on the CPU."""
    if way == "unrolled":
        return None
    if gpu_products.serves(points):
        return gpu_products.worst_condition(points.shape[1])
    return gpu_tiled.WORST_CONDITION[kind]


def widest(device: torch.device, dtype: torch.dtype) -> int:
    """Most coordinates of the tiled loop."""
    full = dtype == torch.float32 and capability(device) in gpu_products.FULL_DOUBLE
    return gpu_products.WIDEST if full else gpu_tiled.WIDEST


def superpose(
    points: Tensor, charges: Tensor, weights: Tensor, way: str, accurate: bool
) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p over charges (N, p) at points (M, p), as on the CPU.

    float32 inputs are summed from float32 differences, or from float64 ones if `accurate`; by
    "tiled" in float64 in any case where `gpu_products` serves. A magnitude of NaN, zero or infinity
    marks points whose terms left the range, and a pair without distance in float32 is marked too.
    """
    with on(points.device):
        if way == "unrolled":
            total = _unrolled(points, charges, weights, accurate)
        elif gpu_products.serves(points):
            total = gpu_products.superpose(points, charges, weights)
        else:
            total = gpu_tiled.superpose(points, charges, weights, accurate)
    _ready.add(_key(way, points.shape[1], points.dtype, accurate, points.device))
    return total


def _unrolled(points: Tensor, charges: Tensor, weights: Tensor, accurate: bool) -> Partial:
    from . import gpu_kernels

    kind = torch.float64 if accurate else points.dtype
    points, charges, weights = points.to(kind), charges.to(kind), weights.to(kind)
    count, width = points.shape
    _, rows, columns, warps = next(t for t in _UNROLLED[points.dtype] if width <= t[0])
    parts, share = shares(count, len(charges), rows, columns, points.device)
    out = torch.empty(parts, width + 1, count, dtype=torch.float64, device=points.device)
    gpu_kernels.unrolled[(-(-count // rows), parts)](
        points.contiguous(),
        charges.T.contiguous(),
        weights.contiguous(),
        out,
        count,
        len(charges),
        share,
        WIDTH=width,
        DOUBLE=kind == torch.float64,
        ROWS=rows,
        COLUMNS=columns,
        FLUSH=_FLUSH,
        num_warps=warps,
    )
    sums = out.sum(0)
    return Partial(sums[:width].T, sums[width], torch.zeros_like(sums[width]))


def extremes(points: Tensor, charges: Tensor, weights: Tensor) -> tuple[float, ...]:
    """As `compiled.extremes`, in one kernel and one answer to wait for."""
    from . import gpu_passes

    values = [t.detach().contiguous() for t in (points, charges, weights)]
    most = max(value.numel() for value in values)
    programs = max(1, min(_SURVEYORS, -(-most // _SURVEYED)))
    found = points.new_empty(5, programs)
    with on(points.device):
        gpu_passes.extremes[(programs,)](
            *values,
            found,
            *(value.numel() for value in values),
            points.shape[1],
            BLOCK=_SURVEYED,
            num_warps=4,
        )
    *largest, smallest = found.amax(1).tolist()
    return (*largest, -smallest)


def doubtful(total: Partial, worst: float) -> Tensor:
    """As `compiled.doubtful`."""
    from . import gpu_passes

    count, width = total.vector.shape
    flags = torch.zeros(count + 1, dtype=torch.int32, device=total.vector.device)
    if count:
        tile = _pass_tile(width)
        with on(flags.device):
            gpu_passes.doubtful[(-(-count // tile["ROWS"]),)](
                total.vector,
                total.magnitude,
                flags,
                count,
                *total.vector.stride(),
                worst,
                WIDTH=width,
                **tile,
            )
    # Looking for their places takes longer than the kernel, and mostly there are none.
    return flags[:count].nonzero()[:, 0] if int(flags[count]) else flags[:0].long()


def normalised(total: Partial, log_unit: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """As `compiled.normalised`."""
    from . import gpu_passes

    count, width = total.vector.shape
    direction = total.vector.new_empty(count, width, dtype=dtype)
    log_magnitude = total.vector.new_empty(count, dtype=dtype)
    # Numbers come to a kernel in float32.
    unit = float(np.float32(log_unit))
    if count:
        tile = _pass_tile(width)
        with on(direction.device):
            gpu_passes.normalise[(-(-count // tile["ROWS"]),)](
                total.vector,
                total.log_scale,
                direction,
                log_magnitude,
                count,
                *total.vector.stride(),
                unit,
                log_unit - unit,
                WIDTH=width,
                **tile,
            )
    return direction, log_magnitude


def _pass_tile(width: int) -> dict[str, int]:
    """The tile of a pass in so many coordinates."""
    wide = power_of_two(width)
    rows = max(1, _PASSED // wide)
    return {"PADDED": wide, "ROWS": rows, "num_warps": 4 if rows * wide <= 4 * _PASSED else 8}
