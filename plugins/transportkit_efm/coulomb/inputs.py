"""What the field engine accepts, and what it says about everything else."""

from __future__ import annotations

import torch
from torch import Tensor


def check(points: Tensor, charges: Tensor, weights: Tensor) -> None:
    """Raise unless points (M, D+1), charges (N, D+1) and weights (N,) fit each other.

    Raises:
        TypeError: not tensors, or not all of one dtype, float32 or float64.
        ValueError: wrong rank, different widths, counts or devices, or values that are not finite.
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
    # One answer for all bounds: each question to a CUDA device would wait for it.
    filled = {name: value.detach() for name, value in named.items() if value.numel()}
    if not filled:
        return
    bounds = torch.stack([bound for value in filled.values() for bound in torch.aminmax(value)])
    finite = torch.isfinite(bounds).view(-1, 2).all(1).tolist()
    for name, sound in zip(filled, finite, strict=True):
        if not sound:
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
