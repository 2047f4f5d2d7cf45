"""The straight middle."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .path import Mean, Weights


@dataclass(frozen=True)
class Linear(Mean):
    """(1 - t) x0 + t x1, of velocity x1 - x0 (Tong et al. 2024, arXiv:2302.00482, eq. 14).

    With `smallest` > 0 it is the conditional path of Lipman et al. 2023, arXiv:2210.02747,
    eqs. 20-22, for x0 ~ N(0, I): the mean t x1 and the standard deviation 1 - (1 - smallest) t.
    """

    smallest: float = 0.0

    def weights(self, t: Tensor) -> Weights:
        fall = 1 - self.smallest
        one = torch.ones_like(t)
        return Weights(1 - fall * t, t, -fall * one, one)
