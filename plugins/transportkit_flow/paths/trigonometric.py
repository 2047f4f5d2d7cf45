"""The middle that keeps the variance of independent points."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from .path import Mean, Weights


@dataclass(frozen=True)
class Trigonometric(Mean):
    """cos(pi t / 2) x0 + sin(pi t / 2) x1.

    The squares of its weights sum to 1, so that between independent points of one variance the
    variance stays (Albergo and Vanden-Eijnden 2023, arXiv:2209.15571, eq. 5; VP-CFM of Tong et al.
    2024, arXiv:2302.00482, section 3.2).
    """

    def weights(self, t: Tensor) -> Weights:
        angle = math.pi / 2 * t
        cos, sin = angle.cos(), angle.sin()
        return Weights(cos, sin, -math.pi / 2 * sin, math.pi / 2 * cos)
