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
- The mean of its ends keeps lines apart, but is drawn together, by h sqrt(D) at most. It is where
  the slope of the target plate's own field leads to, for that sums K_h (x - y) over K_h h.
  "assigned" takes as many target samples as there are means, cuts both at the median of the widest
  coordinate again and again until groups are small, and assigns each group to its samples, one to
  one, by the least squared distance: an optimal assignment, but for the cuts, of points that the
  lines have brought nearly there. Every sample is then taken equally often.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from transportkit import Marginal, Midpoint, Stop, Transport

from .charges import DENSE
from .condensed import Part
from .coulomb import choose_once
from .noise import cauchy
from .rising import ExactRisingField

Ends = Literal["assigned", "flux"]

STEPS = 16
"""Steps along a line, each of two evaluations of the field."""

NEAR = 0.03
"""Height below which lines are taken in even steps, in units of the data and sqrt(D), at most."""

GROUP = 256
"""Ends that are assigned at a time, at most."""

_PAIRS = 500_000
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
        below, self.height = self.field.plates.offsets
        self.field.condense()
        first = below if self.spreading else 0.0
        self.field.restrict(first, self.field.passage.gap - self.height)

    def follow(self, x: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Where lines from x (B, *E) are at the offset from the target plate, (B, *E), and whether
        they came there, (B,)."""
        if self.spreading:
            x = x + self.field.scale * self.field.plates.offsets[0] * cauchy(x, generator)
        moved = Transport(self.field, Midpoint(steps=STEPS)).push(x, generator)
        return moved.points, moved.stop == Stop.ARRIVED

    def pair(self, x: Tensor, generator: Generator) -> Pairs:
        """Source points x (B, *E) whose lines arrived, each with a target sample."""
        come, arrived = self.follow(x, generator)
        x, come = x[arrived], come[arrived]
        last = come.new_full((1,), self.field.span.t1)
        at = (come.flatten(1) - self.field.middle(last)) / self.field.scale
        find = drawn_ends if self.ends == "flux" else mean_ends
        y = find(at, self.field.target, self.height, generator)
        y = y * self.field.scale + self.field.means[1]
        if self.ends == "assigned":
            y = assigned(y, self.drawn, generator)
        return Pairs(x, y.view(x.shape), arrived)


class Pairs(NamedTuple):
    """Source points (n, *E) and their partners (n, *E), and which of the lines arrived, (B,)."""

    x: Tensor
    y: Tensor
    arrived: Tensor


def flux_shares(x: Tensor, charges: Tensor, height: float) -> Tensor:
    """The share (B, N) of the flux through x (B, D) that ends on each charge (N, D) of a plate
    `height` below, over the largest, that of the other plate neglected."""
    dim = x.shape[1]
    if dim <= DENSE:
        squares = x.new_full((len(x), len(charges)), height**2)
        step = torch.empty_like(squares)
        for k in range(dim):
            torch.sub(x[:, k, None], charges[:, k], out=step)
            squares.addcmul_(step, step)
    else:
        squares = torch.cdist(x, charges, compute_mode=_EXACT).square_().add_(height**2)
    return torch.div(squares.amin(1, keepdim=True), squares, out=squares).pow_((dim + 1) / 2)


def drawn_ends(x: Tensor, charges: Tensor, height: float, generator: Generator) -> Tensor:
    """Charges (B, D), each drawn from those (N, D) with the share of the flux through x (B, D)."""
    places = torch.rand(len(x), 1, generator=generator, device=generator.device).to(x)
    found = [torch.zeros(0, device=x.device).long()]
    size = max(1, _PAIRS // len(charges))
    for rows, place in zip(x.split(size), places.split(size), strict=True):
        sums = flux_shares(rows, charges, height).cumsum(1)
        found.append(torch.searchsorted(sums, place * sums[:, -1:]).squeeze(1))
    return charges[torch.cat(found).clamp_max(len(charges) - 1)]


def mean_ends(x: Tensor, charges: Tensor, height: float, generator: Generator) -> Tensor:
    """The mean (B, D) of what `drawn_ends` draws; `generator` is not used."""
    way = choose_once(x.shape[1] + 1, len(charges), x.device, x.dtype)
    direction = Part.whole(charges).field(x, height, way).direction
    return x - height * direction[:, :-1] / direction[:, -1:]


def assigned(ends: Tensor, target: Marginal, generator: Generator) -> Tensor:
    """Target samples (B, D), one for each of the ends (B, D) of lines.

    All distinct samples are taken before any is again.
    """
    count = len(ends)
    samples = target.points(max(count, 1), generator).flatten(1)
    taken = [
        samples[torch.randperm(len(samples), generator=generator, device=generator.device)]
        for _ in range(math.ceil(count / len(samples)))
    ]
    samples = torch.cat([samples[:0], *taken])[:count]
    found = torch.empty_like(samples)
    every = torch.arange(count, device=ends.device)
    cut = [(every, every)]
    while cut:
        own, theirs = cut.pop()
        if len(own) > GROUP:
            axis = int(samples[theirs].var(0).argmax())
            own, theirs = own[ends[own, axis].argsort()], theirs[samples[theirs, axis].argsort()]
            half = len(own) // 2
            cut += [(own[:half], theirs[:half]), (own[half:], theirs[half:])]
        else:
            cost = torch.cdist(ends[own], samples[theirs]).square().cpu().numpy()
            best = torch.from_numpy(linear_sum_assignment(cost)[1]).to(theirs.device)
            found[own] = samples[theirs[best]]
    return found
