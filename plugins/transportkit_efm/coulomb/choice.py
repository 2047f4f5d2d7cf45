"""Which way computes a field: by dimension, device, work, and what is compiled already.

The measured costs here (seconds) only steer "auto": they decide when compiling pays.
"""

from __future__ import annotations

from typing import Literal, cast, get_args

import torch
from torch import Tensor

from . import compiled, multipole

Way = Literal["unrolled", "tiled", "differences", "products", "fmm"]
Accuracy = Literal["fast", "accurate"]

_IMPORT = 0.5
_COMPILE = {
    ("unrolled", "cpu"): 2.5,
    ("tiled", "cpu"): 6.0,
    ("unrolled", "cuda"): 1.5,
    ("tiled", "cuda"): 2.5,
}
_TYPICAL = 200_000
"""Points at which a run asks for the field of its charges: 2,000 lines, at 100 places each."""

_spent: dict[tuple[str, int, torch.dtype, bool, str], float] = {}


def choose(points: Tensor, charges: Tensor, *, method: str = "auto", accuracy: str = "fast") -> Way:
    """The name of the way in which `coulomb_field` would compute this field now.

    points (M, D+1) and charges (N, D+1) as there. By dimension: "unrolled" up to D = 8, "tiled"
    up to D = 96 (float32 on an A100, H100 or H200 up to 8,192), "products" above. The first two are
    compiled, by numba on the CPU and by Triton on a CUDA device. They give way to plain torch
    ("differences" up to D = 8, "products") where that compiler is missing, and until their loop is
    compiled: it is compiled (or fetched from the compiler's cache on disk) once the time spent in
    plain torch for want of it, this call included, would have paid for that, so that a short run
    never waits for a compiler.
    `prepare` compiles at once. In D = 2 "fmm", the fast multipole method, takes over for float32
    on the CPU where FMM3D is installed and the pairs are so many that it comes sooner.

    Raises ValueError for an unknown method or accuracy, or a way that cannot serve these tensors.
    """
    if accuracy not in get_args(Accuracy):
        raise ValueError(f"accuracy {accuracy!r} is unknown; expected 'fast' or 'accurate'")
    width, device = points.shape[1], points.device
    if method != "auto":
        _refuse(method, width, device, points.dtype)
        if method == "fmm":
            multipole.check(points)
        return cast(Way, method)
    if multipole.pays(points.shape[0], charges.shape[0]) and multipole.serves(points):
        return "fmm"
    plain, way = _plain(width), _loop(width, device, points.dtype)
    if way is None:
        return plain
    fine = _in_double(way, points, len(charges), accuracy)
    due = _spent.get(_key(way, points, fine), 0.0) + _plain_cost(points, len(charges))
    if not compiled.loaded(device) and due < _IMPORT:
        return plain
    if due > _COMPILE[way, device.type] or compiled.ready(way, width, points.dtype, fine, device):
        return way
    return plain


def choose_once(
    width: int, count: int, device: torch.device, dtype: torch.dtype = torch.float32
) -> Way:
    """How all fields of a run are computed that has `count` charges in so many coordinates.

    By these alone, unlike `choose`, and so the same whatever was run before: the compiled loop
    where plain torch would take longer for the points of a typical run than it takes to compile.
    """
    way = _loop(width, device, dtype)
    if way is None:
        return _plain(width)
    pays = _TYPICAL * count * _pair(width, device) > _COMPILE[way, device.type]
    return way if pays else _plain(width)


def note(points: Tensor, charges: Tensor, way: Way, accuracy: Accuracy) -> None:
    """Remember the cost of a field that "auto" computed in plain torch."""
    loop = _loop(points.shape[1], points.device, points.dtype)
    if loop is not None and way in ("differences", "products"):
        key = _key(loop, points, _in_double(loop, points, len(charges), accuracy))
        _spent[key] = _spent.get(key, 0.0) + _plain_cost(points, len(charges))


def _in_double(way: Way, points: Tensor, charges: int, accuracy: str) -> bool:
    """Whether the loop that is meant is the one in float64."""
    return accuracy == "accurate" or compiled.finer_is_free(way, points, charges)


def _key(way: Way, points: Tensor, fine: bool) -> tuple[str, int, torch.dtype, bool, str]:
    """What is compiled once: numba's tiled loop serves any number of coordinates."""
    device = points.device.type
    any_width = way == "tiled" and device == "cpu"
    return way, 0 if any_width else points.shape[1], points.dtype, fine, device


def _plain(width: int) -> Way:
    """The way in plain torch, on any device."""
    return "differences" if width <= compiled.WIDEST_UNROLLED else "products"


def _loop(width: int, device: torch.device, dtype: torch.dtype) -> Way | None:
    """The compiled loop that may serve, if one does."""
    if not compiled.usable(device) or width > compiled.widest(device, dtype):
        return None
    return "unrolled" if width <= compiled.WIDEST_UNROLLED else "tiled"


def _plain_cost(points: Tensor, charges: int) -> float:
    """Seconds in plain torch, roughly."""
    return len(points) * charges * _pair(points.shape[1], points.device)


def _pair(width: int, device: torch.device) -> float:
    """Seconds in plain torch for one pair: on one core, or on a device that has enough of them."""
    if device.type == "cuda":
        return 5e-11 + 2e-11 * width if width <= compiled.WIDEST_UNROLLED else 2e-10 + 2e-13 * width
    return 10e-9 + (3e-9 if width <= compiled.WIDEST_UNROLLED else 0.03e-9) * width


def _refuse(method: str, width: int, device: torch.device, dtype: torch.dtype) -> None:
    if method not in get_args(Way):
        raise ValueError(
            f"method {method!r} is unknown; expected 'auto' or one of {', '.join(get_args(Way))}"
        )
    if method in compiled.LOOPS and not compiled.usable(device):
        raise ValueError(
            f"method {method!r} needs {compiled.NEEDED}; these are on {device}: use 'auto', "
            "'differences' or 'products'"
        )
    if method == "tiled" and device.type == "cuda" and width > compiled.widest(device, dtype):
        raise ValueError(
            f"method 'tiled' serves up to {compiled.widest(device, dtype)} coordinates here, "
            f"these have {width}; use 'auto' or 'products'"
        )
    if method == "unrolled" and width > compiled.WIDEST_UNROLLED:
        raise ValueError(
            f"method 'unrolled' serves up to {compiled.WIDEST_UNROLLED} coordinates, these have "
            f"{width}; use 'auto', 'tiled' or 'products'"
        )
