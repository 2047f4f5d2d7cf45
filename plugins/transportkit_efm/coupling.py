"""The coupling that exact lines make: which target sample each source point is joined with.

Lines rise between distant plates that face each other (`ExactRisingField`). Samples are points, not
densities, and near them it matters how lines begin and end:

- Where samples fill their plate a line leaves along its slope at the offset. In many dimensions
  the flux near a sample is its own, and half of it goes through the plane at height h as

      K_h(x - x_i) = c h / (|x - x_i|^2 + h^2)^((D+1)/2),

  the Poisson kernel, whose draws are h times a Cauchy vector; the sum over samples is the flux.
- A line that comes to the height h above the target plate ends on sample j with the share
  K_h(x - y_j) / sum_k K_h(x - y_k) of the flux through that place. Drawn so ("flux"), the ends have
  the distribution of the target samples, by Gauss's law, at any h; but one line has many ends.
- The mean of its ends keeps lines apart, but is drawn together, by h sqrt(D) at most. "assigned"
  moves chunks of these means to as many target samples, one to one, by the least squared distance:
  an optimal assignment, of points that the lines have brought nearly there. Every sample is then
  taken equally often.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from transportkit import Marginal, Midpoint, Stop, Transport

from .charges import DENSE
from .rising import ExactRisingField

Ends = Literal["assigned", "flux"]

STEPS = 16
"""Steps along a line, each of two evaluations of the field."""

NEAR = 0.03
"""Height below which lines are taken in even steps, in units of the data and sqrt(D)."""

CHUNK = 1000
"""Ends that are assigned at a time, at most."""

_ROWS = 1000
_EXACT = "donot_use_mm_for_euclid_dist"
"""A product of matrices loses squares as small as those of an offset."""


class LineCoupling:
    """Exact lines between samples, source (N, *E) and target (M, *E), as charges on two plates.

    Ends are assigned to samples of `drawn`, which may have more of them. `distance` and `offset`
    are in the units of the data, and automatic without: the offset is one distance of nearest
    neighbours where samples fill their plate, up to `DENSE` dimensions, and a tenth of it above.
    """

    def __init__(
        self,
        source: Tensor,
        target: Tensor,
        drawn: Marginal,
        *,
        distance: float | None,
        offset: float | None,
        ends: Ends,
    ) -> None:
        self.drawn, self.ends = drawn, ends
        self.spreading = source[0].numel() > DENSE
        self.field = ExactRisingField.of(
            source.flatten(1),
            target.flatten(1),
            drawn.event_shape,
            distance=distance,
            offset=offset,
            spacing=0.1 if self.spreading else 1.0,
            near=NEAR,
        )
        height = self.field.plates.offset
        self.field.restrict(height if self.spreading else 0.0, self.field.passage.gap - height)

    def follow(self, x: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Where lines from x (B, *E) are at the offset from the target plate, (B, *E), and whether
        they came there, (B,)."""
        if self.spreading:
            x = x + self.field.scale * self.field.plates.offset * _cauchy(x, generator)
        moved = Transport(self.field, Midpoint(steps=STEPS)).push(x, generator)
        return moved.points, moved.stop == Stop.ARRIVED

    def pair(self, x: Tensor, generator: Generator) -> Pairs:
        """Source points x (B, *E) whose lines arrived, each with a target sample."""
        come, arrived = self.follow(x, generator)
        x, come = x[arrived], come[arrived]
        charges = self.field.target
        last = come.new_full((1,), self.field.span.t1)
        flat = (come.flatten(1) - self.field.middle(last)) / self.field.scale
        parts = []
        for rows in flat.split(_ROWS):
            shares = flux_shares(rows, charges, self.field.plates.offset)
            if self.ends == "flux":
                drawn = torch.multinomial(shares, 1, generator=generator).squeeze(1)
                parts.append(charges[drawn])
            else:
                parts.append(shares @ charges)
        y = (
            torch.cat([come.new_zeros(0, *flat.shape[1:]), *parts]) * self.field.scale
            + self.field.means[1]
        )
        if self.ends == "assigned" and len(x):
            order = torch.randperm(len(x), generator=generator, device=generator.device)
            x = x[order]
            y = assigned(y[order], self.drawn, generator)
        return Pairs(x, y.view(x.shape), arrived)


class Pairs(NamedTuple):
    """Source points (n, *E) and their partners (n, *E), and which of the lines arrived, (B,)."""

    x: Tensor
    y: Tensor
    arrived: Tensor


def flux_shares(x: Tensor, charges: Tensor, height: float) -> Tensor:
    """The share (B, N) of the flux through x (B, D) that ends on each charge (N, D) of a plate
    `height` below, that of the other plate neglected."""
    squares = torch.cdist(x, charges, compute_mode=_EXACT).square() + height**2
    return (-(x.shape[1] + 1) / 2 * squares.log()).softmax(1)


def assigned(ends: Tensor, target: Marginal, generator: Generator) -> Tensor:
    """Target samples (B, D), one for each of the ends (B, D) of lines.

    All distinct samples are taken before any is again. Of each chunk the assignment is exact.
    """
    size = min(target.size or CHUNK, CHUNK)
    chunks = ends.split(size)
    samples = target.points(len(ends), generator).flatten(1)
    taken = torch.cat(
        [
            samples[torch.randperm(len(samples), generator=generator, device=generator.device)]
            for _ in range(math.ceil(len(ends) / len(samples)))
        ]
    )
    found = []
    for rows, drawn in zip(chunks, taken[: len(ends)].split(size), strict=True):
        cost = torch.cdist(rows, drawn).square()
        found.append(drawn[torch.from_numpy(linear_sum_assignment(cost.cpu().numpy())[1])])
    return torch.cat(found)


def _cauchy(x: Tensor, generator: Generator) -> Tensor:
    """Draws (B, *E) of the multivariate Cauchy distribution."""
    shape = (len(x), *[1] * (x.ndim - 1))
    normal, other = (
        torch.randn(s, generator=generator, device=generator.device).to(x) for s in (x.shape, shape)
    )
    return normal / other.abs().clamp_min(1e-6)
