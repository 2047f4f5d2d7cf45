"""Running the compiled loops: by numba on the CPU, by Triton on a CUDA device.

Here are the choice between the two, and for the CPU layout, scale, threads, and whether a loop is
ready to run; `gpu` does the same for CUDA.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import gpu
from .partial import Partial

WIDEST_UNROLLED = 9
"""Most coordinates (D+1) of the unrolled loop."""
WORST_CONDITION = {torch.float32: 20.0, torch.float64: 1e12}
"""Cancellation beyond which sums in this dtype are given up."""
_STEEP = 90.0
"""The same, times the coordinates, for float32: found by searching for the worst inputs."""
WIDEST_TILED = 97
"""Coordinates (D+1) up to which the tiled loop beats two matrix products and their logarithms."""
LOOPS = ("unrolled", "tiled")
"""The ways that are compiled."""
NEEDED = (
    "numba for tensors on the CPU, and for those on a CUDA device of capability 8.0 or more Triton "
    "and a C compiler"
)
"""What `usable` asks for, in words."""
_CHANGES = 3
"""Changes of sign among the charges that are let be."""
_LEAST = torch.finfo(torch.float32).tiny * 1e8
"""Sum of lengths of terms below which float32 did not hold them."""
_NUMPY = {torch.float32: np.float32, torch.float64: np.float64}
_SERIAL = 4_000_000
"""Coordinates of pairs below which threads cost more than they save."""


def with_passes(way: str, device: torch.device) -> bool:
    """Whether this way is a compiled loop, and with it the passes before and after."""
    return way in LOOPS and device.type in ("cpu", "cuda")


def by_triton(tensor: Tensor) -> bool:
    """Whether loops over such a tensor are compiled by Triton, and not by numba."""
    return tensor.device.type != "cpu"


def usable(device: torch.device) -> bool:
    """Whether compiled loops can serve tensors on this device at all."""
    if device.type == "cpu":
        return importlib.util.find_spec("numba") is not None
    return gpu.usable(device)


def worst_condition(way: str, kind: torch.dtype, points: Tensor) -> float:
    """Cancellation beyond which sums of a loop in this dtype, at points (M, p), are given up."""
    worst, width = WORST_CONDITION[kind], points.shape[1]
    if by_triton(points):
        worst = gpu.worst_condition(way, kind, points) or worst
    # What a squared distance rounds to counts p / 2 times, and the promise is 1e-5 up to D = 64.
    return min(worst, _STEEP / width) if kind == torch.float32 and width <= 65 else worst


def finer_is_free(way: str, points: Tensor, charges: int) -> bool:
    """Whether this way is a loop that in float64, at points (M, p) of so many charges, takes no
    longer."""
    return way in LOOPS and by_triton(points) and gpu.finer_is_free(way, points, charges)


def widest(device: torch.device, dtype: torch.dtype) -> int:
    """Most coordinates of the tiled loop, where there is a choice."""
    return WIDEST_TILED if device.type == "cpu" else gpu.widest(device, dtype)


def loaded(device: torch.device) -> bool:
    """Whether the compiler for this device is imported anyhow."""
    return "numba" in sys.modules if device.type == "cpu" else gpu.loaded()


def ready(way: str, width: int, dtype: torch.dtype, accurate: bool, device: torch.device) -> bool:
    """Whether the loop would run without compiling: in this process, or from numba's cache.

    Does not import numba to find out about a loop of this process; the cache on disk is looked
    into only once numba is imported anyhow.
    """
    if device.type != "cpu":
        return gpu.ready(way, width, dtype, accurate, device)
    if "numba" not in sys.modules:
        return False
    kernel, kind = _kernel(way, width, dtype, accurate)
    return _compiled(kernel, kind) or _cached(kernel, kind)


def prepare(
    coordinates: int,
    dtype: torch.dtype = torch.float32,
    accuracy: str = "fast",
    device: torch.device | str = "cpu",
) -> float:
    """Compile the loops for fields in so many coordinates (D+1) now; returns the seconds it took.

    With the cache on disk filled by an earlier process this only loads them. Raises TypeError for
    another dtype than float32 and float64, and ValueError for fewer than 2 coordinates, an unknown
    accuracy, and where no compiled loop serves: on a device that neither numba nor Triton compiles
    for, or for more coordinates than the loops on a CUDA device serve.
    """
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64, got {dtype}")
    if not isinstance(coordinates, int) or coordinates < 2:
        raise ValueError(f"expected a whole number of 2 coordinates or more, got {coordinates!r}")
    if accuracy not in ("fast", "accurate"):
        raise ValueError(f"accuracy {accuracy!r} is unknown; expected 'fast' or 'accurate'")
    place = torch.device(device)
    if not usable(place):
        raise ValueError(f"no loop can be compiled for {place}: it takes {NEEDED}")
    if place.type != "cpu" and coordinates > widest(place, dtype):
        raise ValueError(
            f"loops serve up to {widest(place, dtype)} coordinates here, not {coordinates}; "
            "fields in more are computed by 'products', which needs no compiling"
        )
    began = time.perf_counter()
    way = "unrolled" if coordinates <= WIDEST_UNROLLED else "tiled"
    nothing = torch.zeros(1, coordinates, dtype=dtype, device=place)
    for accurate in {accuracy == "accurate", True}:
        total = superpose(nothing, nothing, nothing[0, :1], way, accurate)
    extremes(nothing, nothing, nothing[0, :1])
    doubtful(total, 1.0)
    normalised(total, 0.0, dtype)
    return time.perf_counter() - began


def superpose(
    points: Tensor, charges: Tensor, weights: Tensor, way: str, accurate: bool
) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p over charges (N, p) at points (M, p) by a compiled loop.

    float32 inputs are summed from float32 differences, or from float64 ones if `accurate`. A
    magnitude of NaN, zero or infinity marks points whose terms left the range, and a pair without
    distance in float32 is marked too, for a loop in float64 to tell zero from underflow.
    """
    total = gpu.superpose if by_triton(points) else _on_cpu
    found = total(points, charges, weights, way, accurate)
    if way == "unrolled" and points.dtype == torch.float32 and not accurate:
        # Powers this small have lost bits on the way, or some of them vanished.
        found.magnitude.masked_fill_(found.magnitude < _LEAST, torch.nan)
    return found


def extremes(points: Tensor, charges: Tensor, weights: Tensor) -> tuple[float, ...]:
    """Of (M, p), (N, p) and (N,) with N > 0: the largest |value| of each of the first two, of a
    charge's coordinate from the first charge's, of a weight, and the smallest of a weight. Not
    finite where one of its values is not."""
    if by_triton(points):
        return gpu.extremes(points, charges, weights)
    from .passes import extremes

    found = np.empty(5, _NUMPY[points.dtype])
    bits = f"i{found.itemsize}"
    values = points, charges, charges - charges[0], weights
    arrays = (value.detach().contiguous().numpy().view(bits).ravel() for value in values)
    extremes(*arrays, found.view(bits))
    return tuple(found.tolist())


def doubtful(total: Partial, worst: float) -> Tensor:
    """The rows (K,) of a loop's sums that left the range, or cancel that much."""
    if by_triton(total.vector):
        return gpu.doubtful(total, worst)
    from .passes import doubtful

    return torch.from_numpy(doubtful()(total.vector.numpy(), total.magnitude.numpy(), worst))


def normalised(total: Partial, log_unit: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The directions (M, p) of a loop's sums and the logs (M,) of their lengths, in units of
    exp(log_unit). Both are zero and -inf where nothing is."""
    if by_triton(total.vector):
        return gpu.normalised(total, log_unit, dtype)
    from .passes import normalise

    count, width = total.vector.shape
    direction, log_magnitude = (
        torch.empty(count, width, dtype=dtype),
        torch.empty(count, dtype=dtype),
    )
    sums = total.vector.numpy(), total.log_scale.numpy()
    normalise(_NUMPY[dtype])(*sums, log_unit, direction.numpy(), log_magnitude.numpy())
    return direction, log_magnitude


def _on_cpu(points: Tensor, charges: Tensor, weights: Tensor, way: str, accurate: bool) -> Partial:
    kernel, kind = _kernel(way, points.shape[1], points.dtype, accurate)
    width = points.shape[1]
    if way == "unrolled":
        charges, weights = _by_sign(charges, weights)
    x, y, w = points.to(kind), charges.to(kind), weights.to(kind)
    extra = 1 if way == "unrolled" else 4
    out = torch.zeros(points.shape[0], width + extra, dtype=torch.float64)
    if way == "tiled":
        out[:, width] = torch.inf
    arrays = [t.contiguous().numpy() for t in (x, y.T, w)]
    _in_threads(kernel, arrays, out, points.shape[0] * charges.shape[0] * width)
    vector = out[:, :width]
    if way == "unrolled":
        magnitude = out[:, width]
        log_scale = torch.zeros_like(magnitude)
    else:
        best = out[:, width]
        magnitude = (out[:, width + 1] * out[:, width + 2]).sqrt() * best.sqrt()
        log_scale = -0.5 * width * best.log()
        # A smallest square this small has lost bits, and larger ones may have vanished beside it.
        magnitude.masked_fill_(best < torch.finfo(kind).tiny * 1e6, torch.nan)
        if kind == torch.float32:
            magnitude.masked_fill_(out[:, width + 3] > 0, torch.nan)
    return Partial(vector, magnitude, log_scale)


def _by_sign(charges: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Charges and weights in an order in which the sign changes a few times at most."""
    from .passes import changes_of_sign

    if changes_of_sign(weights.contiguous().numpy()) <= _CHANGES:
        return charges, weights
    order = (weights < 0).to(torch.uint8).argsort(stable=True)
    return charges[order], weights[order]


def _kernel(
    way: str, width: int, dtype: torch.dtype, accurate: bool
) -> tuple[Callable[..., None], torch.dtype]:
    from . import kernels

    kind = torch.float64 if accurate else dtype
    if way == "tiled":
        return kernels.tiled(), kind
    if dtype == torch.float64 or not accurate:
        return kernels.unrolled(width, 2 if dtype == torch.float64 else 0), kind
    from . import eights, vectors

    return (eights.unrolled(width) if vectors.usable() else kernels.unrolled(width, 1)), kind


def _in_threads(kernel: Callable[..., None], arrays: list[Any], out: Tensor, work: int) -> None:
    count = out.shape[0]
    sums = out.numpy()
    threads = min(torch.get_num_threads(), count) if work > _SERIAL else 1
    if threads == 1:
        kernel(*arrays, sums, 0, count)
        return
    bounds = [count * t // threads for t in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        runs = [
            pool.submit(kernel, *arrays, sums, low, high)
            for low, high in itertools.pairwise(bounds)
        ]
        for run in runs:
            run.result()


def _signature(kind: torch.dtype) -> Any:
    import numba

    scalar = numba.float32 if kind == torch.float32 else numba.float64
    grid = numba.types.Array(scalar, 2, "C")
    line = numba.types.Array(scalar, 1, "C")
    out = numba.types.Array(numba.float64, 2, "C")
    return (grid, grid, line, out, numba.int64, numba.int64)


def _compiled(kernel: Any, kind: torch.dtype) -> bool:
    return any(tuple(known) == _signature(kind) for known in kernel.overloads)


def _cached(kernel: Any, kind: torch.dtype) -> bool:
    """Whether numba's cache on disk holds the loop; numba offers no public way to ask."""
    try:
        cache = kernel._cache
        key = cache._index_key(_signature(kind), kernel.targetctx.codegen())
        return key in cache._cache_file._load_index()
    except Exception:
        return False
