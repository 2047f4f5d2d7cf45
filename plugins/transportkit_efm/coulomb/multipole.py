"""The superposition in three coordinates by the fast multipole method, from FMM3D.

Greengard and Rokhlin, A new version of the fast multipole method for the Laplace equation in three
dimensions, Acta Numerica 6, 1997; the library is that of the Flatiron Institute (`fmm3dpy`). Its
time grows with M + N, and its error is relative to the sum of the lengths of the terms, not to the
field: where terms cancel the field is left to others.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from . import compiled
from .partial import Partial

EPSILON = 1e-7
"""What is asked of FMM3D; what it gives was found a hundred times better."""

WORST_CONDITION = 100.0
"""Cancellation beyond which a point is given up."""

SEEN = 512
"""Charges that the sum of the lengths of terms is estimated from."""

_EACH, _PAIR = 145e-6, 0.45e-9
"""Seconds on one core for a point or a charge here, and for a pair by the unrolled loop."""


def serves(points: Tensor) -> bool:
    """Whether the field at such points can be computed so."""
    fits = points.shape[1] == 3 and points.dtype == torch.float32
    on_cpu = points.device.type == "cpu"
    return fits and on_cpu and compiled.usable(points.device) and _installed()


def check(points: Tensor) -> None:
    """Raise ValueError, saying why, where this cannot serve such points."""
    if not _installed():
        raise ValueError(
            "method 'fmm' needs FMM3D, which is not installed or does not load; "
            "pip install 'transportkit[fmm]', or use 'auto'"
        )
    if not serves(points):
        raise ValueError(
            "method 'fmm' serves float32 points in 3 coordinates on the CPU, beside numba; these "
            f"are {points.dtype} in {points.shape[1]} on {points.device}; use 'auto'"
        )


@cache
def _installed() -> bool:
    # Loaded, not looked for: what is built for another machine is there and does not load.
    try:
        import fmm3dpy  # noqa: F401
    except ImportError:
        return False
    return True


def pays(count: int, number: int) -> bool:
    """Whether the field of `number` charges at `count` points comes sooner than by pairs."""
    return count * number * _PAIR > (count + number) / 2 * _EACH


def superpose(points: Tensor, charges: Tensor, weights: Tensor) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^3 over charges (N, 3) at points (M, 3).

    A charge at a point contributes nothing to it. The magnitude is an estimate.
    """
    import fmm3dpy

    x, y = (t.double().T.contiguous().numpy() for t in (points, charges))
    found = fmm3dpy.lfmm3d(
        eps=EPSILON, sources=y, charges=weights.double().numpy(), targets=x, pgt=2
    )
    # The gradient of sum_j w_j / (4 pi |x - y_j|).
    vector = torch.from_numpy(found.gradtarg).T.reshape(-1, 3) * (-4 * math.pi)
    step = max(1, len(charges) // SEEN)
    some = weights[::step].abs()
    some = some * (weights.abs().double().sum() / some.double().sum()).to(some)
    seen = compiled.superpose(points, charges[::step], some, "unrolled", False)
    return Partial(vector, seen.magnitude, torch.zeros_like(seen.magnitude))
