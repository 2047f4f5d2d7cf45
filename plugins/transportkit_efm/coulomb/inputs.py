"""What the field engine accepts, what it says about everything else, and how large it all is."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .choice import Way
from .compiled import extremes, with_passes


class Sizes(NamedTuple):
    """How large the inputs of a field are: the largest |coordinate| of a point and |weight|, the
    smallest |weight|, the largest |coordinate difference| of two charges, roughly."""

    farthest: float
    largest: float
    smallest: float
    extent: float


def check(points: Tensor, charges: Tensor, weights: Tensor) -> None:
    """Raise unless points (M, D+1), charges (N, D+1) and weights (N,) fit each other.

    Raises:
        TypeError: not tensors, or not all of one dtype, float32 or float64.
        ValueError: wrong rank, different widths, counts or devices.
    """
    named = {"points": points, "charges": charges, "weights": weights}
    for name, value in named.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} is a {type(value).__name__}; expected a torch.Tensor")
    _check_dtypes(named)
    _check_shapes(points, charges, weights)
    devices = {name: str(value.device) for name, value in named.items()}
    if len(set(devices.values())) > 1:
        raise ValueError(f"expected one device, got {devices}; move them together with .to(device)")


def measured(points: Tensor, charges: Tensor, weights: Tensor, way: Way) -> Sizes:
    """The sizes of inputs that passed `check`; raises ValueError unless all values are finite.

    For "products" the extent is that of the coordinates, which saves a copy of the charges. For a
    compiled loop everything comes from one pass; else all is asked for at once, as each answer of
    a CUDA device has to be waited for.
    """
    coarse = way == "products"
    if with_passes(way, points.device) and len(charges):
        return _surveyed(points, charges, weights)
    named = {"points": points, "charges": charges, "weights": weights}
    filled = {name: value.detach() for name, value in named.items() if value.numel()}
    if not filled:
        return Sizes(0.0, 0.0, 0.0, 0.0)
    bounds = [bound for value in filled.values() for bound in torch.aminmax(value)]
    full = "charges" in filled
    if full:
        bounds.append(filled["weights"].abs().amin())
        if not coarse:
            bounds += torch.aminmax(filled["charges"] - filled["charges"][0])
    values = torch.stack(bounds).tolist()
    of = {name: values[2 * i : 2 * i + 2] for i, name in enumerate(filled)}
    for name, pair in of.items():
        _check_finite(name, *pair)
    farthest = max(map(abs, of.get("points", [0.0])))
    if not full:
        return Sizes(farthest, 0.0, 0.0, 0.0)
    low, high = of["charges"]
    if not coarse:
        low, high = -max(-values[-2], values[-1]), 0.0
    return Sizes(farthest, max(map(abs, of["weights"])), values[2 * len(of)], high - low)


def _surveyed(points: Tensor, charges: Tensor, weights: Tensor) -> Sizes:
    farthest, outermost, extent, largest, smallest = extremes(points, charges, weights)
    _check_finite("points", farthest)
    _check_finite("charges", outermost)
    _check_finite("weights", largest)
    return Sizes(farthest, largest, smallest, extent)


def _check_finite(name: str, *bounds: float) -> None:
    if not all(math.isfinite(bound) for bound in bounds):
        raise ValueError(
            f"{name} holds values that are not finite; drop or repair those rows first"
        )


def _check_dtypes(named: dict[str, Tensor]) -> None:
    dtypes = {name: value.dtype for name, value in named.items()}
    if len(set(dtypes.values())) > 1:
        raise TypeError(f"expected one dtype, got {dtypes}; convert them to the same dtype")
    dtype = dtypes["points"]
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"expected float32 or float64, got {dtype}; convert with .float() or .double()"
        )


def _check_shapes(points: Tensor, charges: Tensor, weights: Tensor) -> None:
    if points.ndim != 2 or charges.ndim != 2:
        raise ValueError(
            f"expected points (M, D+1) and charges (N, D+1), got {tuple(points.shape)} and "
            f"{tuple(charges.shape)}; flatten each sample to one row"
        )
    if points.shape[1] != charges.shape[1]:
        raise ValueError(
            f"points have {points.shape[1]} coordinates and charges {charges.shape[1]}; "
            "both need the same D+1 (was the plate coordinate appended to only one of them?)"
        )
    if points.shape[1] < 2:
        raise ValueError(
            f"expected at least 2 coordinates (D >= 1 and the plate's), got {points.shape[1]}"
        )
    if weights.shape != charges.shape[:1]:
        raise ValueError(
            f"expected one weight per charge, ({charges.shape[0]},), got {tuple(weights.shape)}"
        )
