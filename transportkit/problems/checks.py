"""Whether an array can be points: real, finite, of rows, and within what single precision holds.

Each check names the `owner` of the array, a file or an argument. Raises DataError with one line for
the user.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError

LARGEST = 1e15
"""Values up to which sums of many squares are numbers of single precision."""
SMALLEST = 1e-15
"""Distances from which on their squares, and parts of these, are."""


def checked(array: Any, owner: str) -> Tensor:
    """An array as points (N, *E) in float32, all finite. Raises DataError; `owner` says whose they
    are."""
    if isinstance(array, Tensor):
        if array.layout != torch.strided or array.is_quantized:
            raise DataError(f"{owner} holds a sparse or quantised tensor; save a dense one")
        if array.is_meta:
            raise DataError(f"{owner} holds the shape of a tensor and no values; save its values")
        array = array.detach().cpu()
        if array.is_floating_point() and array.dtype != torch.float64:
            # Some of them, such as bfloat16, numpy does not have.
            array = array.float()
        array = array.resolve_conj().resolve_neg().numpy()
    if not isinstance(array, np.ndarray):
        raise DataError(f"{owner} holds {type(array).__name__}, not one array of numbers")
    if array.dtype.kind not in "fiub":
        kind = {"c": "complex numbers", "U": "text", "S": "text", "V": "records"}
        raise DataError(
            f"{owner} holds {kind.get(array.dtype.kind, str(array.dtype))}; points must be real "
            "numbers"
        )
    if array.ndim == 0:
        raise DataError(f"{owner} holds a single number; points have shape (N, D)")
    if array.ndim == 1:
        raise DataError(
            f"{owner} has shape {array.shape}; points have shape (N, D): {in_rows(len(array))}"
        )
    if array.size == 0:
        raise DataError(f"{owner} has shape {array.shape} and so holds no points")
    finite = np.isfinite(array).reshape(len(array), -1).all(1)
    if not finite.all():
        raise DataError(
            f"{owner}: {int((~finite).sum())} of {len(array)} rows have NaN or infinite values, "
            f"the first is row {int(np.argmin(finite)) + 1}; remove or fill them"
        )
    with np.errstate(over="ignore"):
        points = np.array(array, dtype=np.float32, order="C")
    if np.isinf(points).any():
        limit = np.finfo(np.float32).max
        raise DataError(
            f"{owner} has values beyond single precision, whose range ends at {limit:.2g}; divide "
            f"by a number that leaves at most {LARGEST:.0e}"
        )
    if array.any() and not points.any():
        raise DataError(f"{owner} has values that are 0 in single precision; multiply them")
    return torch.from_numpy(points)


def in_rows(count: int) -> str:
    """What makes an array of one axis points."""
    return f"reshape to (-1, 1) for {count} points on a line, to (1, -1) for one point"


def check_spread(points: Tensor, owner: str, way: str = "multiply by a number that leaves") -> None:
    """Raise DataError where points (N, *E) lie so near each other that float32 holds no squares of
    their distances. Points that are all the same have the distance 0, which it does hold. `way`
    says how to change that."""
    spread = float((points.amax(0) - points.amin(0)).max())
    if 0 < spread < SMALLEST:
        raise DataError(
            f"{owner} has values that differ by {spread:.2g} at most, whose squares are below "
            f"single precision; {way} at least {SMALLEST:.0e}"
        )


def check_range(points: Tensor, owner: str, way: str = "divide by a number that leaves") -> None:
    """Raise DataError where points (N, *E) are too large for float32 to hold their squares.
    `way` says how to change that."""
    largest = float(points.abs().max())
    if largest > LARGEST:
        raise DataError(
            f"{owner} has values of up to {largest:.2g}, whose squares are beyond single "
            f"precision; {way} at most {LARGEST:.0e}"
        )
