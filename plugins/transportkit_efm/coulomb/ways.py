"""One call for every way to superpose; points that a way cannot promise go to a finer one."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from . import compiled, differences, multipole, products, weighty
from .choice import Accuracy, Way
from .inputs import Sizes
from .partial import Partial

_FARTHEST = 1e12
"""Times the charges' extent: farther points are summed in log space, for squares' sake."""


def superpose(
    points: Tensor,
    charges: Tensor,
    weights: Tensor,
    way: Way,
    accuracy: Accuracy,
    sizes: Sizes,
) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p at points (M, p) over charges (N, p) of weight not zero.

    Computed in the charges' own length, a power of two, so that no unit of length matters.
    """
    fine = accuracy == "accurate" or compiled.finer_is_free(way, points, len(charges))
    in_double = fine and points.device.type == "cuda"
    exponent = _exponent(sizes, points.dtype, coarse=way == "products" or in_double)
    points, charges = times(points, -exponent), times(charges, -exponent)
    if way == "differences":
        total = _by_differences(points, charges, weights)
    else:
        far = sizes.farthest > 0 and math.log2(sizes.farthest) - exponent > math.log2(_FARTHEST)
        total = _by(way, points, charges, weights, fine, far)
    shift = (1 - points.shape[1]) * exponent * math.log(2)
    return Partial(total.vector, total.magnitude, total.log_scale.double() + shift)


def _by(
    way: Way, points: Tensor, charges: Tensor, weights: Tensor, fine: bool, far: bool
) -> Partial:
    """By one way; points in doubt by the same in float64, and then by exact differences.

    `far` says that some points may be so far away that all are to be looked at for it.
    """
    kind = torch.float64 if fine else points.dtype
    if way == "products":
        kind, allowed, worst = weighty.limits(points, fine)
        total = products.superpose(points.to(kind), charges.to(kind), weights.to(kind), allowed)
    elif way == "fmm":
        kind, worst = points.dtype, multipole.WORST_CONDITION
        total = multipole.superpose(points, charges, weights)
    else:
        worst = compiled.worst_condition(way, kind, points)
        total = compiled.superpose(points, charges, weights, way, fine)
    if compiled.with_passes(way, points.device) and not far:
        rows = compiled.doubtful(total, worst)
    else:
        condition = total.condition()
        # It is 1 at least; less is a vector that left the range, which its lengths did not.
        doubted = ~((condition > 0.5) & (condition < worst))
        if far:
            doubted |= points.abs().amax(dim=1) > _FARTHEST
        rows = doubted.nonzero()[:, 0]
    if not len(rows):
        return total
    again = points[rows]
    if kind == torch.float32:
        finer: Way = "unrolled" if way == "fmm" else way
        if way == "products":
            again, charges, weights = again.double(), charges.double(), weights.double()
        total.overwrite(rows, _by(finer, again, charges, weights, True, far))
    else:
        total.overwrite(rows, _by_differences(again, charges, weights))
    return total


def _by_differences(points: Tensor, charges: Tensor, weights: Tensor) -> Partial:
    return differences.superpose(points.double(), charges.double(), weights.double())


def _exponent(sizes: Sizes, dtype: torch.dtype, coarse: bool) -> int:
    """e such that the charges' extent is about 2^e; 0 where they have none.

    `coarse` lets ordinary lengths be, for ways that only form squares or powers in float64, and
    saves a copy. Charges
    that are nearer to each other than the range can tell from afar are taken as that near.
    """
    if coarse and 1e-4 < sizes.extent < 1e4:
        return 0
    if not 0 < sizes.extent < math.inf:
        return 0
    room = 120 if dtype == torch.float32 else 500
    return max(math.frexp(sizes.extent)[1], math.frexp(sizes.farthest)[1] - room)


def times(coordinates: Tensor, exponent: int) -> Tensor:
    """coordinates times 2^exponent, without rounding short of underflow."""
    if not exponent:
        return coordinates
    if abs(exponent) < 100:
        return coordinates * 2.0**exponent
    half = exponent // 2
    return coordinates * 2.0**half * 2.0 ** (exponent - half)
