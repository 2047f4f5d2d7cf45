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

from .units import spread

NARROW = 0.35
"""Spread of a sample below which less than usual over its plate is passed in even steps: lines from
a narrow sample fan out just above it."""

NARROWEST = 0.1
"""Least height that is passed in even steps, in spreads of the sample and sqrt(D)."""


class Passage(nn.Module):
    """z(s) with log((z + a) / (gap - z + b)) linear in s, and x = w(z) u.

    (a, b) = `near`: over the source and over the target plate heights up to that are passed in even
    steps. w(z)^2 = (p (1 - z/gap))^2 +
    (q z/gap)^2 + (z (1 - z/gap))^2 leads from the spread p of the source to q of the target, along
    the cone of 45 degrees that holds the lines of a point charge. Both samples have mean 0.
    """

    spreads: Tensor

    def __init__(self, *, gap: float, near: tuple[float, float]) -> None:
        super().__init__()
        self.gap, self.near = gap, near
        below, above = near
        self.first = math.log(below / (gap + above))
        self.rate = math.log((gap + below) / above) - self.first
        self.register_buffer("spreads", torch.ones(2))

    def set_samples(self, source: Tensor, target: Tensor) -> None:
        """Take the spreads of two samples (N, D) and (M, D)."""
        for i, x in enumerate((source, target)):
            self.spreads[i] = spread(x)

    def height(self, s: Tensor) -> Tensor:
        """z (B,) at s (B,)."""
        return self.heights(s)[0]

    def heights(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """z (B,) and what is left of it to the target plate, gap - z (B,), at s (B,), without the
        rounding of that difference near the plate."""
        below, above = self.near
        ratio = torch.exp(self.rate * s + self.first)
        z = ((self.gap + above) * ratio - below) / (1 + ratio)
        left = (self.gap + below - above * ratio) / (1 + ratio)
        return z.clamp(0, self.gap), left.clamp(0, self.gap)

    def level(self, z: Tensor) -> Tensor:
        """s (B,) at height z (B,)."""
        below, above = self.near
        return (torch.log((z + below) / (self.gap - z + above)) - self.first) / self.rate

    def place(self, u: Tensor, s: Tensor) -> Tensor:
        """x (B, D) at u (B, D) and s (B,)."""
        return self.width(s) * u

    def relative(self, x: Tensor, s: Tensor) -> Tensor:
        """u (B, D) at x (B, D) and s (B,)."""
        return x / self.width(s)

    def width(self, s: Tensor) -> Tensor:
        """w (B, 1) at s (B,)."""
        return self._width(*self.heights(s))[0]

    def velocity(self, u: Tensor, s: Tensor, slope: Tensor) -> Tensor:
        """du/ds (B, D) of a line of slope dx/dz (B, D)."""
        z, left = self.heights(s)
        width, growth = self._width(z, left)
        below, above = self.near
        rise = self.rate * (z + below) * (left + above) / (self.gap + below + above)
        return rise[:, None] * (slope - growth * u) / width

    def _width(self, z: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
        """The width (B, 1) of lines at height z (B,), gap - z = `left` (B,), and dw/dz (B, 1)."""
        share, rest = (z / self.gap)[:, None], (left / self.gap)[:, None]
        p, q = self.spreads
        below, above, cone = p * rest, q * share, z[:, None] * rest
        width = (below.square() + above.square() + cone.square()).sqrt()
        growth = (q * above - p * below) / self.gap + cone * (rest - share)
        return width, growth / width


def nearness(source: Tensor, target: Tensor, most: float) -> tuple[float, float]:
    """Heights over the two plates, (N, D) and (M, D), that are passed in even steps: `most`, and
    less over a narrow sample.

    The less over a plate, the better lines of few steps are near it, and the worse elsewhere. For
    samples alike in spread much is best, and little where one is a tenth of the other or less.
    """
    below, above = (
        min(most, max(most * (s / NARROW) ** 2, NARROWEST * math.sqrt(x.shape[1]) * s))
        for x, s in ((x, float(spread(x))) for x in (source, target))
    )
    return below, above
