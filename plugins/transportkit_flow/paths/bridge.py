"""The noise of a Brownian bridge, which ends at both points."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .path import Noise


@dataclass(frozen=True)
class Bridge(Noise):
    """Variance sigma^2 t (1 - t): Brownian motion of size sigma held at both ends.

    With the linear middle it is the bridge of Tong et al. 2024, arXiv:2302.00482, proposition 4.5.
    """

    sigma: float

    @property
    def absent(self) -> bool:
        return self.sigma == 0

    def variance(self, t: Tensor) -> Tensor:
        return self.sigma**2 * t * (1 - t)

    def rate(self, t: Tensor) -> Tensor:
        return self.sigma**2 * (1 - 2 * t)
