"""The exact field of given charges: no network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .capacitor import Capacitor, Rule
from .coulomb import CoulombField, choose_once, coulomb_field
from .units import (
    LEAST_SPREAD,
    Harm,
    Units,
    nearest_neighbour_distance,
    plate_gap,
    plate_offset,
    spread,
    warn_of_offset,
)

DENSE = 8
"""Dimensions up to which samples are taken to fill their plate."""

APART = 3.0
"""Automatic distance of the plates, in units of the pooled data and sqrt(D)."""

FAR = 30.0
"""Radius of the ball outside which a field is a dipole's, in sizes of the capacitor."""


class ChargedPlates(Capacitor):
    """The superposed field of N positive charges on the source plate and M negative ones on the
    target plate, in units of the data."""

    charges: Tensor
    weights: Tensor
    spacing = 1.5
    """The automatic offset of a plate, in distances of nearest neighbours on it."""
    least = 3e-6
    """Not less than that, in distances of the plates: some 25 roundings of a float32 height."""

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
        super().__init__(event_shape, gap=gap, offsets=offsets, radius=radius, rule=rule)
        self.counts = tuple(counts)
        dim = torch.Size(self.event_shape).numel()
        n, m = self.counts
        self.register_buffer("charges", torch.zeros(n + m, dim + 1))
        self.register_buffer("weights", torch.zeros(n + m))

    @property
    def config(self) -> Mapping[str, Any]:
        return {**super().config, "counts": list(self.counts)}

    def _field(self, y: Tensor, charges: slice = slice(None)) -> CoulombField:
        # Named, not "auto": that one looks at what has been compiled so far, and the same seed
        # must give the same lines whatever was run before.
        way = choose_once(y.shape[1], len(self.charges), y.device, y.dtype)
        return coulomb_field(y, self.charges[charges], self.weights[charges], method=way)

    def direction(self, y: Tensor) -> Tensor:
        return self._field(y).direction

    def log_magnitude(self, y: Tensor) -> Tensor | None:
        return self._field(y).log_magnitude

    def own_part(self, x: Tensor, target: bool) -> tuple[Tensor, int]:
        n = self.counts[0]
        height = self.gap - self.offsets[1] if target else self.offsets[0]
        source, other = (self._rise(x, plate, height) for plate in (slice(n), slice(n, None)))
        own = other - source if target else source - other
        # The charges of either plate once.
        return own.sigmoid().to(x.dtype), 1

    def _rise(self, x: Tensor, charges: slice, height: float) -> Tensor:
        """The log of E_z (B,) of some of the charges at x (B, D); between the plates all of them
        pull to the target."""
        field = self._field(torch.cat([x, torch.full_like(x[:, :1], height)], 1), charges)
        rise = field.direction[:, -1].clamp_min(torch.finfo(x.dtype).tiny)
        return rise.log().to(field.log_magnitude) + field.log_magnitude

    def without(self, rows: Tensor) -> ChargedPlates:
        """The same plates without some charges (k,) of the source, whose part the others take."""
        kept = torch.ones_like(self.weights, dtype=torch.bool)
        kept[rows] = False
        n, m = self.counts[0] - len(rows), self.counts[1]
        weights = self.weights[kept]
        weights[:n] = 1 / n
        other = ChargedPlates(
            self.event_shape,
            counts=(n, m),
            gap=self.gap,
            offsets=self.offsets,
            radius=self.radius,
            rule=self.rule,
        ).to(weights.device)
        charges = self.charges[kept]
        other.load_state_dict({**self.state_dict(), "charges": charges, "weights": weights})
        return other

    @classmethod
    def of(
        cls,
        source: Tensor,
        target: Tensor,
        event_shape: tuple[int, ...],
        *,
        distance: float | None,
        offset: float | None,
        rule: Rule | None,
        spacing: float | tuple[float, float] | None = None,
        widest: float = 1 / 4,
        far: float = FAR,
        apart: float = APART,
        harms: tuple[Harm, ...] = (),
    ) -> ChargedPlates:
        """The field of two flat samples (N, D) and (M, D).

        `distance` and `offset` are in the units of the samples. Without them the plates stand
        `apart` sqrt(D) units of the pooled data apart, and the offset of either is `spacing` times
        the distance of nearest neighbours on it, at most `widest` sqrt(D) spreads of its sample;
        two are one for either, and the class has its own. An `offset` is that of both; one that is
        far from these is warned of on the sides that `harms` names.
        Without a rule it is "plate" up to D = 8 and "sphere" above.
        """
        units = Units.of(source, target)
        p, q = ((x - units.mean) / units.scale for x in (source, target))
        gap = plate_gap(distance, units.scale, apart * math.sqrt(p.shape[1]))
        size = max(gap, *(float((x - x.mean(0)).square().sum(1).mean().sqrt()) for x in (p, q)))
        spacing = cls.spacing if spacing is None else spacing
        each = spacing if isinstance(spacing, tuple) else (spacing, spacing)
        below, above = (
            _offset(x, k, widest, cls.least * gap, 0.2 * gap)
            for x, k in zip((p, q), each, strict=True)
        )
        if offset is not None:
            # The least stands for samples that have no distance of neighbours.
            automatic = [length for length in (below, above) if length > cls.least * gap]
            below = above = plate_offset(offset, units.scale, gap, 0.49)
            radii = [float((x - x.mean(0)).square().sum(1).mean().sqrt()) for x in (p, q)]
            # Single points have nothing to blur.
            narrower = min((r for r in radii if r > LEAST_SPREAD), default=math.inf)
            warn_of_offset(offset, below, automatic, harms, narrower)
        if rule is None:
            rule = "plate" if p.shape[1] <= DENSE else "sphere"
        field = cls(
            event_shape,
            counts=(len(p), len(q)),
            gap=gap,
            offsets=(below, above),
            radius=far * size,
            rule=rule,
        ).to(source.device)
        field.mean.copy_(units.mean)
        field.scale.copy_(units.scale)
        field.charges[:, :-1] = torch.cat([p, q])
        field.charges[len(p) :, -1] = gap
        field.weights[: len(p)] = 1 / len(p)
        field.weights[len(p) :] = -1 / len(q)
        field.set_samples(p, q)
        return field


def _offset(x: Tensor, spacing: float, widest: float, least: float, most: float) -> float:
    """The automatic offset of the plate of a sample (N, D)."""
    most = min(math.sqrt(x.shape[1]) * widest * float(spread(x - x.mean(0))), most)
    return max(min(spacing * nearest_neighbour_distance(x), most), least)
