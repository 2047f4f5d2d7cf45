"""Fewer charges where a plate is far: what lines between plates need of it.

From a height the single charges of a plate are no longer seen, and a part of them does: the
centres of the cells of a grid, each with the weight of what is in it, up to `GRID` dimensions, and
above it a random part that is moved to have the mean of all, which leaves errors of second order.
How large a part is enough is not guessed but measured, where lines pass at each of some heights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from .charges import ChargedPlates
from .coulomb import CoulombField, choose_once, coulomb_field
from .coulomb.choice import Way
from .passage import Passage

TOLERANCE = 0.01
"""Largest root mean square error of the field, over its strength, for the sake of one plate."""

GRID = 3
"""Dimensions up to which cells hold many charges each."""

LEAST = 128
"""A part of the charges is not smaller than that."""

PROBES = 32
HEIGHTS = 16


class Part(NamedTuple):
    """Charges (m, D) on a plate that stand for all of it, and the weight (m,) of each."""

    charges: Tensor
    weights: Tensor

    @classmethod
    def whole(cls, charges: Tensor) -> Part:
        """All charges (n, D), of one weight."""
        return cls(charges, torch.full_like(charges[:, 0], 1 / len(charges)))

    def field(self, x: Tensor, height: float, way: Way) -> CoulombField:
        """The field of the plate alone, at x (B, D) so high above it."""
        charges = _lifted(self.charges, 0.0)
        return coulomb_field(_lifted(x, height), charges, self.weights, method=way)


class Probe(NamedTuple):
    """Places x (B, D) at a height, the log strength (B,) of the field of both plates there, and how
    fields are computed."""

    height: float
    x: Tensor
    strength: Tensor
    way: Way

    def seen(self, part: Part) -> Tensor:
        """The field (B, D+1) of a part, in units of that of both plates."""
        direction, log_magnitude = part.field(self.x, self.height, self.way)
        return direction * (log_magnitude - self.strength).exp()[:, None]


@dataclass(frozen=True)
class CondensedPlate:
    """Parts of a plate's charges, each of which serves from a height on."""

    heights: tuple[float, ...]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, charges: Tensor, probes: list[Probe]) -> CondensedPlate:
        """The smallest parts of charges (n, D) that are good at the probes, from low to high."""
        whole = Part.whole(charges)
        smaller = list(_parts(charges, probes[-1].height))
        heights, parts = [0.0], [whole]
        for probe in probes:
            truth = probe.seen(whole)
            while smaller:
                error = (probe.seen(smaller[0]) - truth).square().sum(1).mean().sqrt()
                if not float(error) < TOLERANCE:
                    break
                heights.append(probe.height)
                parts.append(smaller.pop(0))
        return cls(tuple(heights), tuple(parts))

    def level(self, height: Tensor) -> Tensor:
        """Which part serves at the height (B,)."""
        return torch.bucketize(height, height.new_tensor(self.heights[1:]), right=True)


@dataclass(frozen=True)
class CondensedPlates:
    """The directions of the field between two plates, each with the part that is needed of it.

    All are computed in the way of the whole, whose loop is compiled in any case if it is one.
    """

    gap: float
    plates: tuple[CondensedPlate, CondensedPlate]
    way: Way

    @classmethod
    def of(cls, field: ChargedPlates, passage: Passage) -> CondensedPlates:
        """Those of `field`, by what is seen on lines of `passage` that leave its own charges."""
        n, (count, width) = field.counts[0], field.charges.shape
        way = choose_once(width, count, field.charges.device, field.charges.dtype)
        sides = field.charges[:n, :-1], field.charges[n:, :-1]
        below, above = passage.heights(torch.linspace(0, 1, HEIGHTS + 2).to(field.charges))
        ladders = below[1:-1], above.flip(0)[1:-1]
        plates = []
        for own, charges in enumerate(sides):
            # Evenly taken, as samples may be sorted.
            seen = charges[:: max(1, len(charges) // PROBES)][:PROBES]
            u = passage.relative(seen, torch.full_like(seen[:, 0], own))
            probes = []
            for height in ladders[own].tolist():
                z = torch.full_like(seen[:, :1], abs(own * field.gap - height))
                x = passage.place(u, passage.level(z[:, 0]))
                at = torch.cat([x, z], 1)
                both = coulomb_field(at, field.charges, field.weights, method=way)
                probes.append(Probe(height, x, both.log_magnitude, way))
            plates.append(CondensedPlate.of(charges, probes))
        return cls(field.gap, (plates[0], plates[1]), way)

    def direction(self, y: Tensor) -> Tensor:
        """E / |E| (B, D+1) at y (B, D+1) between the plates."""
        below, above = self.plates
        z = y[:, -1].contiguous()
        keys = below.level(z) * len(above.parts) + above.level(self.gap - z)
        found = torch.empty_like(y)
        for key in keys.unique().tolist():
            rows = (keys == key).nonzero()[:, 0]
            low, high = below.parts[key // len(above.parts)], above.parts[key % len(above.parts)]
            charges = torch.cat([_lifted(low.charges, 0.0), _lifted(high.charges, self.gap)])
            weights = torch.cat([low.weights, -high.weights])
            field = coulomb_field(y[rows], charges, weights, method=self.way)
            found[rows] = field.direction
        return found


def _lifted(x: Tensor, height: float) -> Tensor:
    return torch.cat([x, torch.full_like(x[:, :1], height)], 1)


def _parts(charges: Tensor, height: float) -> Iterator[Part]:
    """Parts of charges (n, D), the larger first, for heights up to this."""
    if charges.shape[1] <= GRID:
        yield from _grids(charges, height)
        return
    # Which ones is of no account, but it must be the same at all times.
    order = torch.randperm(len(charges), generator=Generator().manual_seed(0)).to(charges.device)
    size = len(charges) // 2
    while size >= LEAST:
        some = charges[order[:size]]
        yield Part.whole(some + (charges.mean(0) - some.mean(0)))
        size //= 2


def _grids(charges: Tensor, height: float) -> Iterator[Part]:
    """Charges (n, D) by ever larger cells, each time of fewer by a third at least."""
    side, size = height / len(charges), len(charges)
    while size > LEAST and side < height:
        part = _cells(charges, side)
        if len(part.charges) < size / 1.5:
            size = len(part.charges)
            yield part
        side *= 1.3


def _cells(charges: Tensor, side: float) -> Part:
    """The centres of what is in each cell of a grid."""
    lowest = charges.amin(0)
    index = ((charges - lowest) / side).long()
    extents = index.amax(0) + 1
    key = torch.zeros_like(index[:, 0])
    for k, extent in enumerate(extents.tolist()):
        key = key * extent + index[:, k]
    cells, which = key.unique(return_inverse=True)
    counts = which.bincount(minlength=len(cells)).to(charges)
    sums = torch.zeros_like(charges[: len(cells)]).index_add_(0, which, charges)
    return Part(sums / counts[:, None], counts / len(charges))
