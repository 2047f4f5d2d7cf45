"""Coordinates in which lines between distant plates are nearly straight.

Between the plates E_z is positive everywhere, for the charges below push up and those above pull
up. So a line that leaves its plate inwards rises all the way, and is a function of its height z:
dx/dz = E_x / E_z. Much happens near the plates and little in the middle, where lines only spread
and gather again. Both are taken out here: by a height s in [0, 1] on logarithmic scales from either
plate, and by a place u in widths that lines have at that height.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LEAST = 1e-2
"""The least spread of a sample in units of the data, so that a single point has a scale."""


class Passage(nn.Module):
    """z(s) with (z + d) / (gap - z + d) = r^(2s - 1), r = (gap + d) / d, and x = w(z) u.

    d = `near`: heights below it are passed in even steps. w(z)^2 = (a (1 - z/gap))^2 +
    (b z/gap)^2 + (z (1 - z/gap))^2 leads from the spread a of the source to b of the target, along
    the cone of 45 degrees that holds the lines of a point charge. Both samples have mean 0.
    """

    spreads: Tensor

    def __init__(self, *, gap: float, near: float) -> None:
        super().__init__()
        self.gap, self.near = gap, near
        self.rate = 2 * math.log((gap + near) / near)
        self.register_buffer("spreads", torch.ones(2))

    def set_samples(self, source: Tensor, target: Tensor) -> None:
        """Take the spreads of two samples (N, D) and (M, D)."""
        for i, x in enumerate((source, target)):
            self.spreads[i] = x.square().mean().sqrt().clamp_min(LEAST)

    def height(self, s: Tensor) -> Tensor:
        """z (B,) at s (B,)."""
        ratio = torch.exp(self.rate * (s - 0.5))
        return (((self.gap + self.near) * ratio - self.near) / (1 + ratio)).clamp(0, self.gap)

    def level(self, z: Tensor) -> Tensor:
        """s (B,) at height z (B,)."""
        return 0.5 + torch.log((z + self.near) / (self.gap - z + self.near)) / self.rate

    def place(self, u: Tensor, s: Tensor) -> Tensor:
        """x (B, D) at u (B, D) and s (B,)."""
        return self._width(self.height(s))[0] * u

    def relative(self, x: Tensor, s: Tensor) -> Tensor:
        """u (B, D) at x (B, D) and s (B,)."""
        return x / self._width(self.height(s))[0]

    def velocity(self, u: Tensor, s: Tensor, slope: Tensor) -> Tensor:
        """du/ds (B, D) of a line of slope dx/dz (B, D)."""
        z = self.height(s)
        width, growth = self._width(z)
        rise = self.rate * (z + self.near) * (self.gap - z + self.near) / (self.gap + 2 * self.near)
        return rise[:, None] * (slope - growth * u) / width

    def _width(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The width (B, 1) of lines at height z (B,), and dw/dz (B, 1)."""
        share = (z / self.gap)[:, None]
        a, b = self.spreads
        below, above, cone = a * (1 - share), b * share, z[:, None] * (1 - share)
        width = (below.square() + above.square() + cone.square()).sqrt()
        growth = (b * above - a * below) / self.gap + cone * (1 - 2 * share)
        return width, growth / width
