"""The same noise at all times."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .path import Noise


@dataclass(frozen=True)
class Constant(Noise):
    """Variance sigma^2 (Tong et al. 2024, arXiv:2302.00482, eq. 14).

    The lines then start at P and end at Q, each blurred by N(0, sigma^2 I).
    """

    sigma: float = 0.0

    @property
    def absent(self) -> bool:
        return self.sigma == 0

    def variance(self, t: Tensor) -> Tensor:
        return torch.full_like(t, self.sigma**2)

    def rate(self, t: Tensor) -> Tensor:
        return torch.zeros_like(t)
