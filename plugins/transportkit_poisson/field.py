"""The learned field of Poisson flow, and its lines from the prior to the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from transportkit import Axis, Interval, IntervalField, TimeMLP

from .kernel import from_normal, to_normal

RHO = 7.0
"""Exponent of the radii along a line (Karras et al. 2022, arXiv:2206.00364, equation 5)."""
GAUSSIAN = 32
"""Extra dimensions from which on the kernel is taken for normal where noise is put in."""
OUTSIDE = 3.0
"""Root mean square of a point's coordinates, in standard deviations, beyond which it is far."""


class PoissonField(IntervalField):
    """dx/dsigma = (x - E[y | x, r]) / sigma = E_x / E_r sqrt(D), from `largest` to `smallest`.

    P is N(0, I); its points are first carried along their rays to the law that the lines of a
    single charge have at the largest radius, which Q's lines have there but for a part of order
    (1 / largest)^2. States are in standard deviations of Q about its mean.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        extra: int,
        largest: float,
        smallest: float,
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.event_shape = tuple(event_shape)
        self.extra, self.largest, self.smallest = extra, largest, smallest
        self.width, self.depth = width, depth
        dim = torch.Size(self.event_shape).numel()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(()))
        self.net = TimeMLP((dim,), width=width, depth=depth, generator=generator)

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "event_shape": list(self.event_shape),
            "extra": self.extra,
            "largest": self.largest,
            "smallest": self.smallest,
            "width": self.width,
            "depth": self.depth,
        }

    def slope(self, x: Tensor, sigma: Tensor) -> Tensor:
        """dx/dsigma (B, N) at states x (B, N) and sigma (B,).

        The network corrects the slope x (1 - c) / sigma of Gaussian data, which is exact where D
        is large and, to leading order, far outside; weights are those of Karras et al. 2022,
        table 1. A kernel of few extra dimensions has far outliers; they count as if sigma were
        their distance.
        """
        sigma = sigma[:, None]
        total = x.shape[1] + self.extra
        beyond = (x.square().sum(1, keepdim=True) - OUTSIDE**2 * x.shape[1]).clamp_min(0)
        shrinkage = total / (total + self.extra * sigma.square() + beyond)
        prior = x * (1 - shrinkage) / sigma
        t = sigma.log().squeeze(1) / 4
        return prior - self.net(t, x * shrinkage.sqrt()) / (1 + sigma.square()).sqrt()

    @property
    def span(self) -> Interval:
        return Interval(denoising=self.extra >= GAUSSIAN)

    def noise_level(self, t: Tensor) -> Tensor:
        return self.sigma(t)[0]

    def with_noise(
        self, t: Tensor, y: Tensor, level: Tensor, draw: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As of normal noise, which that of the kernel is as D grows."""
        first, last = self.largest ** (1 / RHO), self.smallest ** (1 / RHO)
        more = (level.square() - self.noise_level(t).square()).clamp_min(0).sqrt()
        return (level ** (1 / RHO) - first) / (last - first), y + more[:, None] * draw

    @property
    def axis(self) -> Axis:
        first, last = self.largest ** (1 / RHO), self.smallest ** (1 / RHO)
        decades = range(math.ceil(math.log10(self.smallest)), math.ceil(math.log10(self.largest)))
        marks = [
            ((size ** (1 / RHO) - first) / (last - first), f"{size:g}")
            for size in (self.largest, *(10.0**k for k in decades), self.smallest)
        ]
        return Axis(name="radius σ, in standard deviations", marks=tuple(marks))

    def sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """sigma (B,) at times t (B,), and its derivative."""
        first, last = self.largest ** (1 / RHO), self.smallest ** (1 / RHO)
        root = first + t * (last - first)
        return root**RHO, RHO * root ** (RHO - 1) * (last - first)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        sigma, rate = self.sigma(t)
        return rate[:, None] * self.slope(y, sigma)

    def lift(self, x: Tensor) -> Tensor:
        return from_normal(x.flatten(1), self.largest, self.extra)

    def drop(self, y: Tensor) -> Tensor:
        return self.to_data(self.denoised(y))

    @property
    def finishing(self) -> int:
        return 1

    def along(self, y: Tensor) -> Tensor:
        # Without the last step, which is one from the smallest radius.
        return self.to_data(y)

    def denoised(self, y: Tensor) -> Tensor:
        """E[y | x, r] at the smallest radius: the step of Euler from there to radius 0.

        With few extra dimensions a line may come in grazing, and be far from its charge still.
        """
        sigma = y.new_full((len(y),), self.smallest)
        with torch.no_grad():
            return y - self.smallest * self.slope(y, sigma)

    def reverse(self) -> IntervalField:
        return FromData(self)

    def to_data(self, y: Tensor) -> Tensor:
        return (y * self.scale + self.mean).view(-1, *self.event_shape)

    def from_data(self, x: Tensor) -> Tensor:
        return (x.flatten(1) - self.mean) / self.scale


class FromData(IntervalField):
    """The lines of a Poisson field from the data to N(0, I)."""

    def __init__(self, field: PoissonField) -> None:
        super().__init__()
        self.field = field

    @property
    def config(self) -> Mapping[str, Any]:
        return self.field.config

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return -self.field(1 - t, y)

    def lift(self, x: Tensor) -> Tensor:
        return self.field.from_data(x)

    def drop(self, y: Tensor) -> Tensor:
        points = to_normal(y, self.field.largest, self.field.extra)
        return points.view(-1, *self.field.event_shape)

    def along(self, y: Tensor) -> Tensor:
        # Lines do not pass points of N(0, I): only their ends are carried there.
        return self.field.along(y)

    def reverse(self) -> IntervalField:
        return self.field
