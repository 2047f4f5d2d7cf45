"""Gaussians under optimal transport, in float64."""

from __future__ import annotations

import torch
from torch import Tensor

_RANK = 1e-12
"""Eigenvalues below this part of the largest count as zero."""


def bures_map(source: Tensor, target: Tensor) -> Tensor:
    """The symmetric A (D, D) whose map x -> A x carries N(0, source) to N(0, target) optimally.

    A = S1^(-1/2) (S1^(1/2) S2 S1^(1/2))^(1/2) S1^(-1/2) (Olkin and Pukelsheim 1982; Peyre and
    Cuturi 2019, remark 2.31), with the pseudo-inverse where the source is degenerate: directions
    in which it has no extent are sent to nothing.
    """
    root, inverse = power(source, 0.5), power(source, -0.5)
    return inverse @ power(root @ target @ root, 0.5) @ inverse


def bures_cost(source: Tensor, target: Tensor) -> Tensor:
    """W2^2 between N(0, source) and N(0, target), a scalar: tr S1 + tr S2 - 2 tr of the root."""
    root = power(source, 0.5)
    return source.trace() + target.trace() - 2 * power(root @ target @ root, 0.5).trace()


def power(
    s: Tensor, exponent: float, *, least: float | None = None, most: float | None = None
) -> Tensor:
    """s^exponent of a symmetric matrix (D, D).

    Eigenvalues are first held between `least` and `most`; with neither, s is positive semi-definite
    and raised on its range.
    """
    values, vectors = torch.linalg.eigh((s + s.T) / 2)
    if least is not None or most is not None:
        raised = values.clamp(least, most) ** exponent
    else:
        kept = values > _RANK * values[-1].clamp_min(0)
        raised = torch.where(kept, torch.where(kept, values, 1.0) ** exponent, 0.0)
    return (vectors * raised) @ vectors.T
