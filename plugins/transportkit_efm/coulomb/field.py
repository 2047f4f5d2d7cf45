"""The signed superposed Coulomb field of point charges: its direction and log magnitude."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from . import gradient, inputs
from .choice import Accuracy, Way, choose, note
from .compiled import normalised, with_passes
from .partial import Partial
from .ways import superpose, times


class CoulombField(NamedTuple):
    """A field at M points, as direction (M, D+1) of unit length and log_magnitude (M,)."""

    direction: Tensor
    log_magnitude: Tensor


def coulomb_field(
    points: Tensor,
    charges: Tensor,
    weights: Tensor,
    *,
    method: Literal["auto"] | Way = "auto",
    accuracy: Accuracy = "fast",
) -> CoulombField:
    """The Coulomb field of N signed charges at M points, in D+1 dimensions.

        E(x) = sum_j w_j (x - y_j) / (S_D |x - y_j|^(D+1)),
        S_D = 2 pi^((D+1)/2) / Gamma((D+1)/2), the area of the unit sphere in D+1 dimensions,

    so that the flux of E out of a closed surface is the charge it encloses (Kolesov, Manukhov,
    Palyulin, Korotin: Field Matching: an Electrostatic Paradigm to Generate and Transfer Data,
    ICML 2025).

    Args:
        points: (M, D+1) where the field is wanted; float32 or float64, CPU or GPU.
        charges: (N, D+1) where the charges are; same dtype and device.
        weights: (N,) signed charge of each: positive on the source plate, negative on the target.
        method: "auto" takes what `choose` says; or name a way: "unrolled", "tiled" (compiled, by
            numba on the CPU and by Triton on a CUDA device), "differences", "products" (plain
            torch), "fmm" (D = 2, float32, CPU, by the extra `fmm`; gradients are still summed pair
            by pair).
        accuracy: "fast" or "accurate", see below.

    Returns:
        CoulombField(direction (M, D+1), log_magnitude (M,)), in the dtype of the points.
        A charge that sits exactly on a point is left out of the sum at that point. Where no term
        is left (no charges, no weight, or only a charge on the point itself), or the terms cancel
        to exactly zero, the direction is zero and log_magnitude is -inf.

    Errors: for float32 inputs the direction is within 1e-5 of the field of the same inputs in
        exact arithmetic while D <= 64, and within 5e-4 up to D = 3072 ("fast"); within 1e-6
        everywhere ("accurate"). Where charges cancel the direction is ill conditioned, with
        condition number c = (sum_j |E_j|) / |sum_j E_j|. Points with large c are computed again
        in float64, so both promises hold up to c of about 1e8; beyond it the error is about
        1e-14 c (1e-16 p c in float64), and it is the direction of a sum that is nearly nothing.
        float64 inputs on a CUDA device are summed to 1e-12 by "tiled".

    Gradients with respect to points, charges and weights are exact (of the sum without the
    charges left out), streamed like the field itself. Second derivatives raise RuntimeError.

    Memory beyond inputs and outputs is O((M + N) D) and some buffers of bounded size. The same
    call gives the same bits again; on the CPU "unrolled" and "tiled" also give each point the same
    bits whatever else is in the batch. The others, and those two on a CUDA device, sum in blocks
    that depend on M, and may differ in the last bits; so may "auto" from one call to a later one,
    once a compiled way is ready.

    Raises:
        TypeError: not tensors, or not all of one dtype, float32 or float64.
        ValueError: shapes that do not fit, several devices, values that are not finite, an
            unknown or unusable method.
    """
    inputs.check(points, charges, weights)
    way = choose(points, charges, method=method, accuracy=accuracy)
    if method == "auto":
        note(points, charges, way, accuracy)
    if torch.is_grad_enabled() and any(t.requires_grad for t in (points, charges, weights)):
        return CoulombField(*_Differentiable.apply(points, charges, weights, way, accuracy))
    with torch.no_grad():
        return _field(points, charges, weights, way, accuracy)


def _field(
    points: Tensor, charges: Tensor, weights: Tensor, way: Way, accuracy: Accuracy
) -> CoulombField:
    sizes = inputs.measured(points, charges, weights, way)
    if sizes.largest and not sizes.smallest:
        charged = weights != 0
        charges, weights = charges[charged], weights[charged]
        sizes = inputs.measured(points, charges, weights, way)
    if not points.shape[0] or not sizes.largest:
        nothing = points.new_full((points.shape[0],), -torch.inf)
        return CoulombField(torch.zeros_like(points), nothing)
    # The largest weight becomes about 1, so that charges of 1e-30 are as good as any others, by a
    # power of two, as where charges cancel the rounding of weights would be multiplied.
    exponent = math.frexp(sizes.largest)[1]
    total = superpose(points, charges, times(weights, -exponent), way, accuracy, sizes)
    log_unit = exponent * math.log(2) - log_sphere_area(points.shape[1])
    if with_passes(way, points.device):
        return CoulombField(*normalised(total, log_unit, points.dtype))
    return _normalised(total, log_unit, points.dtype)


def _normalised(total: Partial, log_unit: float, dtype: torch.dtype) -> CoulombField:
    # In float64, as a sum of thousands of equal squares rounds to one side.
    norm = torch.linalg.vector_norm(total.vector, dim=1, dtype=torch.float64)
    low, high = torch.stack(torch.aminmax(norm)).tolist()
    # Squares that leave the range are then too small beside the largest to be missed.
    kind = torch.finfo(total.vector.dtype)
    least = math.sqrt(kind.tiny) / kind.eps
    if least < low and high < 1 / least:
        direction = total.vector / norm.to(total.vector.dtype)[:, None]
        return CoulombField(
            direction.to(dtype), (norm.log() + (total.log_scale + log_unit)).to(dtype)
        )
    # Dividing by the largest component first keeps the squares inside the range.
    largest = total.vector.abs().amax(dim=1)
    some = largest > 0
    vector = total.vector / torch.where(some, largest, 1.0)[:, None]
    norm = torch.linalg.vector_norm(vector, dim=1, dtype=torch.float64)
    direction = vector.div_(torch.where(some, norm, 1.0).to(vector.dtype)[:, None])
    logs = norm.log() + largest.double().log() + total.log_scale + log_unit
    log_magnitude = torch.where(some, logs, -torch.inf)
    return CoulombField(direction.to(dtype), log_magnitude.to(dtype))


def log_sphere_area(width: int) -> float:
    """Natural logarithm of the area of the unit sphere's surface in `width` dimensions."""
    return math.log(2) + 0.5 * width * math.log(math.pi) - math.lgamma(0.5 * width)


class _Differentiable(torch.autograd.Function):
    """The field by any way, with the gradient streamed instead of recorded."""

    @staticmethod
    def forward(
        ctx: Any, points: Tensor, charges: Tensor, weights: Tensor, way: Way, accuracy: Accuracy
    ) -> tuple[Tensor, Tensor]:
        field = _field(points, charges, weights, way, accuracy)
        ctx.save_for_backward(points, charges, weights, *field)
        return field.direction, field.log_magnitude

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        # Torch's own guard drops second derivatives silently where `grads` are constants.
        if torch.is_grad_enabled():
            raise RuntimeError(
                "coulomb_field has first derivatives only; leave out create_graph, or take "
                "differences of its gradients"
            )
        points, charges, weights, direction, log_magnitude = ctx.saved_tensors
        found = gradient.gradients(
            points,
            charges,
            weights,
            CoulombField(direction, log_magnitude),
            grads,
            log_sphere_area(points.shape[1]),
        )
        wanted = ctx.needs_input_grad[:3]
        kept = (grad if want else None for grad, want in zip(found, wanted, strict=True))
        return *kept, None, None
