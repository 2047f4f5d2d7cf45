"""How lines leave a sample in all directions alike."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

STEEPEST = 1e6
"""The longest draw, over that of a normal vector; one in a million is longer."""


def cauchy(x: Tensor, generator: Generator) -> Tensor:
    """Draws of the shape of x (B, *E) of the multivariate Cauchy distribution: where lines that
    leave a charge isotropically, inwards, are at the height 1."""
    shape = (len(x), *[1] * (x.ndim - 1))
    normal, other = (
        torch.randn(s, generator=generator, device=generator.device).to(x) for s in (x.shape, shape)
    )
    return normal / other.abs().clamp_min(1 / STEEPEST)
