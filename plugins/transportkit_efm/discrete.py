"""Lines from charge to charge: the coupling of two samples, for theory and for tests.

A line leaves a positive charge in a uniformly random direction, for at a charge all flux is its
own and the same on every side, crosses both plates wherever it comes to them, and ends at the
negative charge whose ball it enters. By Gauss's law N equal charges then send every one of N equal
negative charges the same share of their lines: the coupling has the two samples as its marginals,
at any distance of the plates.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from transportkit import Contact, Plate

from .capacitor import Rule
from .charges import ChargedPlates

LARGEST = 0.2
"""Radius of a charge's ball, at most, in distances to its nearest neighbour: within a few tenths
the field is the charge's own to a part in twenty, and a line that enters does not leave."""

_BLOCK = 512


class PointCharges(ChargedPlates):
    """Charges whose lines are followed from one to another, without surfaces.

    The offset of a plate is the radius of the ball about each of its charges on which lines begin
    and end, smaller about charges with near neighbours. A point that is no charge has no lines of
    its own, and a charge put there would change the field of all others: it starts as its nearest
    charge does, and so the moved points have the target sample's weights as far as the Voronoi
    cells of the source sample have equal mass.
    """

    balls: Tensor
    spacing = 0.1
    # Lines of float32 states cannot be followed into smaller balls.
    least = 1e-5

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        counts: tuple[int, int],
        gap: float,
        offsets: tuple[float, float],
        radius: float,
        rule: Rule,
    ) -> None:
        super().__init__(
            event_shape, counts=counts, gap=gap, offsets=offsets, radius=radius, rule=rule
        )
        self.register_buffer("balls", torch.zeros(sum(self.counts)))

    @property
    def span(self) -> Plate:
        return Plate(0.0, self.gap, self.offsets, 1e3 * self.radius, surfaces=False)

    def set_samples(self, source: Tensor, target: Tensor) -> None:
        super().set_samples(source, target)
        samples = zip((source, target), self.offsets, strict=True)
        least = self.least * self.gap / 2
        self.balls.copy_(torch.cat([_radii(x, least, most) for x, most in samples]))

    def _charges(self, plate: bool) -> tuple[Tensor, Tensor]:
        """The charges (N, D+1) of the source plate, or of the target's, and their balls (N,)."""
        first = slice(self.counts[0], None) if plate else slice(self.counts[0])
        return self.charges[first], self.balls[first]

    def depart(self, y: Tensor, generator: Generator, sense: float) -> Contact:
        charges, balls = self._charges(sense < 0)
        nearest = torch.cat([_distances(rows, charges).argmin(1) for rows in y.split(_BLOCK)])
        away = torch.randn(y.shape, generator=generator, device=generator.device).to(y)
        away = balls[nearest, None] * away / away.norm(dim=1, keepdim=True)
        going = torch.zeros(len(y), dtype=torch.bool, device=y.device)
        begun = charges[nearest] + away
        # Within the plate itself, where rounding puts the height, a line would stay for good: what
        # pulls it off is less than a rounding of a step.
        plate = charges[nearest, -1]
        beside = torch.nextafter(plate, plate + away[:, -1].sign())
        begun[:, -1] = torch.where(begun[:, -1] == plate, beside, begun[:, -1])
        return Contact(begun, going, 0)

    def pace(self, y: Tensor) -> Tensor:
        # On either side of both plates the field on the axis has one direction, and without
        # surfaces nothing else stops a step over all of them.
        return ((y - self.centre).norm(dim=1) / 2).clamp_min(self.gap)

    def catch(self, y: Tensor, sense: float) -> Contact:
        charges, balls = self._charges(sense > 0)
        ends, caught = y.clone(), torch.zeros(len(y), dtype=torch.bool, device=y.device)
        beside = ((y[:, -1] - charges[0, -1]).abs() <= balls.max()).nonzero().squeeze(1)
        for rows in beside.split(_BLOCK):
            distance, nearest = _distances(y[rows], charges).min(1)
            inside = distance <= balls[nearest]
            ends[rows[inside]] = charges[nearest[inside]]
            caught[rows[inside]] = True
        return Contact(ends, caught, 0)


def _radii(x: Tensor, least: float, most: float) -> Tensor:
    """The radius (N,) of the ball about each charge at x (N, D) of a plate, within limits."""
    nearest = []
    for rows in x.split(_BLOCK):
        distances = _distances(rows, x)
        # Charges on one place are one charge.
        distances[distances == 0] = torch.inf
        nearest.append(distances.amin(1))
    return (LARGEST * torch.cat(nearest)).clamp(max(least, 0.01 * most), most)


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """Between points (B, D) and (N, D), from differences: a ball is small, and products round."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
