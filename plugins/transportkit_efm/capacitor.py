"""Field lines of a capacitor: where they leave a plate, and whether they end at one.

Source P is a positive charge density on the plate z = 0, target Q a negative one on z = gap
(Kolesov, Manukhov, Palyulin, Korotin, "Field Matching: an Electrostatic Paradigm to Generate and
Transfer Data", ICML 2025). The map along the lines carries P exactly onto Q if

1. a line leaves its point inwards or outwards in proportion to the flux on that side, and
2. of the lines that meet the far plate from inside as many end there as its charge takes of their
   flux; the others pass through it.

With densities p and q and the field of the far plate's charges alone, E_q = q / 2 (in units where
a charge has the flux 1), and E_p of the other's, E_z = E_q + E_p inside and E_p - E_q outside. The
charge takes 2 E_q of E_z: all lines end where E_q > E_p and the field points to the plate on both
sides; elsewhere the share 2 E_q / (E_q + E_p). So w = E_q / (E_q + E_p), the plate's own part of
E_z, says both which share of lines ends there, min(1, 2 w), and, at the plate where lines begin,
which share of its flux is inside, min(1, 1 / (2 w)).

A plate is never touched: the field is read at a distance on either side of it, its offset, and
lines are drawn from there to the plate along their slope E_x / E_z. Either plate has its own, as
one sample may be much narrower than the other.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from transportkit import Contact, Plate, PlateField

from .units import spread

Rule = Literal["plate", "sphere", "forward", "published", "discrete"]
STEEPEST = 3.0
"""The largest slope along which a line is drawn to a plate, as sideways over upwards, in two
dimensions; sideways lengths grow with the root of the dimension."""
START = 0.5
"""Radius of the sphere from which lines leave under the rule "sphere", in spreads of their sample
and sqrt(D)."""


class Capacitor(PlateField):
    """The field between and around two plates, from P at z = 0 to Q at z = gap.

    States are in units of the pooled data. `rule` "plate" is exact for densities. In many
    dimensions samples are far apart and the flux near one of them is its own: under "sphere" a
    line leaves its point isotropically, as the lines of a charge there do, from a sphere about it.
    "forward" starts every line inwards and ends it at its first contact, which is right only for
    distant plates. "published" and "discrete" are those of their own classes, which start lines
    inwards and change what follows. A subclass gives `direction` and `own_part`.
    """

    mean: Tensor
    scale: Tensor
    dipole: Tensor
    centre: Tensor
    middles: Tensor
    radii: Tensor
    spreads: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        gap: float,
        offsets: tuple[float, float],
        radius: float,
        rule: Rule,
    ) -> None:
        """`gap`, `offsets` from the plates of P and Q, and `radius` in units of the data; outside
        `radius` the field is taken for that of a dipole."""
        super().__init__()
        self.event_shape = tuple(event_shape)
        # A config that was kept has a list of two.
        self.offsets = offsets[0], offsets[1]
        self.gap, self.radius, self.rule = gap, radius, rule
        dim = torch.Size(self.event_shape).numel()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("dipole", torch.zeros(dim + 1))
        self.register_buffer("centre", torch.zeros(dim + 1))
        self.register_buffer("middles", torch.zeros(2, dim))
        self.register_buffer("radii", torch.zeros(2))
        self.register_buffer("spreads", torch.ones(2))

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "event_shape": list(self.event_shape),
            "gap": self.gap,
            "offsets": list(self.offsets),
            "radius": self.radius,
            "rule": self.rule,
        }

    @property
    def span(self) -> Plate:
        return Plate(0.0, self.gap, self.offsets, 1e3 * self.radius)

    @abstractmethod
    def direction(self, y: Tensor) -> Tensor:
        """E / |E| (B, D+1) at states y (B, D+1), pointing from P to Q."""

    @abstractmethod
    def own_part(self, x: Tensor, target: bool) -> tuple[Tensor, int]:
        """The part (B,) of E_z on the inner side of a plate, at its points x (B, D), that is due to
        its own charges, and how many evaluations of the field it took."""

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.direction(y)

    def lift(self, x: Tensor) -> Tensor:
        flat = (x.flatten(1) - self.mean) / self.scale
        return torch.cat([flat, torch.zeros_like(flat[:, :1])], 1)

    def drop(self, y: Tensor) -> Tensor:
        return (y[:, :-1] * self.scale + self.mean).view(-1, *self.event_shape)

    def leave(self, y: Tensor, generator: Generator) -> Contact:
        return self.depart(y, generator, 1.0)

    def meet(self, y: Tensor) -> Contact:
        return self.touch(y, 1.0)

    def leap(self, y: Tensor, slope: Tensor) -> Tensor:
        return self.mirror(y, slope, 1.0)

    def capture(self, y: Tensor) -> Contact:
        return self.catch(y, 1.0)

    def reverse(self) -> PlateField:
        return Backwards(self)

    def set_samples(self, source: Tensor, target: Tensor) -> None:
        """Take the far field, and how far charges reach and how they spread on each plate, from
        the two samples (N, D) and (M, D) in units of the data."""
        for i, x in enumerate((source, target)):
            self.middles[i] = x.mean(0)
            self.radii[i] = (x - x.mean(0)).norm(dim=1).max()
            self.spreads[i] = spread(x - x.mean(0))
        start = torch.cat([source.mean(0), source.new_zeros(1)])
        end = torch.cat([target.mean(0), target.new_full((1,), self.gap)])
        self.centre.copy_((start + end) / 2)
        self.dipole.copy_((end - start) / (end - start).norm())

    def depart(self, y: Tensor, generator: Generator, sense: float) -> Contact:
        """Lines from P to Q (sense 1) or from Q to P (sense -1) that leave their plate at y."""
        if self.rule == "sphere":
            return self._depart_from_sphere(y, generator, sense)
        inner, evaluations = y.new_ones(len(y)), 0
        draws = torch.rand(len(y), generator=generator, device=generator.device).to(y.device)
        if self.rule == "plate":
            own, evaluations = self.own_part(y[:, :-1], target=sense < 0)
            inner = inner_share(own)
        side = torch.where(draws < inner, sense, -sense).to(y.dtype)
        at, offset = y.clone(), self.offsets[int(sense < 0)]
        at[:, -1] += side * offset
        slope = _slope(self.direction(at), side * sense)
        at[:, :-1] += side[:, None] * offset * slope
        arrived = torch.zeros(len(y), dtype=torch.bool, device=y.device)
        return Contact(at, arrived, evaluations + 1)

    def _depart_from_sphere(self, y: Tensor, generator: Generator, sense: float) -> Contact:
        which = int(sense < 0)
        offset, extent = self.offsets[which], float(self.spreads[which])
        radius = max(START * math.sqrt(y.shape[1] - 1) * extent, 2 * offset)
        away = torch.randn(y.shape, generator=generator, device=generator.device).to(y)
        away = radius * away / away.norm(dim=1, keepdim=True)
        # The offset is as near to a plate as the field is read.
        side = torch.where(away[:, -1] < 0, -1.0, 1.0)
        away[:, -1] = side * away[:, -1].abs().clamp_min(offset)
        none = torch.zeros(len(y), dtype=torch.bool, device=y.device)
        return Contact(y + away, none, 0)

    def touch(self, y: Tensor, sense: float) -> Contact:
        """Lines that meet a plate at y, its offset away from it."""
        upper = y[:, -1] > self.gap / 2
        target = upper == (sense > 0)
        plate = torch.where(upper, self.gap, 0.0).to(y.dtype)
        onward = torch.sign(plate - y[:, -1])
        step = onward * y.new_tensor(self.offsets)[upper.long()]
        direction = self.direction(y) * sense
        through = y.clone()
        through[:, :-1] += 2 * step[:, None] * _slope(direction, onward)
        through[:, -1] = plate + step
        shift = step[:, None] * _slope(direction, onward)
        on_plate = y.clone()
        on_plate[:, :-1] += torch.where(target[:, None], self._beside(y, direction, shift), shift)
        on_plate[:, -1] = plate

        # From outside a line always arrives: E_z never points away from a plate on its inner side.
        asks = target & (onward * sense > 0) & (self.rule != "forward")
        arrived = target.clone()
        evaluations = torch.ones(len(y), dtype=torch.long, device=y.device)
        if asks.any():
            arrived[asks], more = self.ends(y[asks], through[asks], sense)
            evaluations[asks] += more
        return Contact(torch.where(arrived[:, None], on_plate, through), arrived, evaluations)

    def ends(self, y: Tensor, through: Tensor, sense: float) -> tuple[Tensor, int]:
        """Which lines (B,) that meet the far plate from inside at y (B, D+1) end there, and how
        many evaluations it took to tell; the others go on at `through` (B, D+1)."""
        x, which = y[:, :-1], int(sense > 0)
        own, evaluations = self.own_part(x, target=sense > 0)
        # At the height of the offset charges seem to be blurred by it. Beside all of them there is
        # nothing to end on, and what is seen of them there falls more slowly than lines are many.
        reach = self.radii[which] + self.offsets[which]
        beside = (x - self.middles[which]).norm(dim=1) > reach
        return (_draw(y) < 2 * own) & ~beside, evaluations

    def _beside(self, y: Tensor, direction: Tensor, shift: Tensor) -> Tensor:
        """The way (B, D) from y to where lines end on their plate.

        A line that comes to the plate beside all of its charges finds nothing there to end on: it
        runs along the plate to the first of them.
        """
        which = (y[:, -1] > self.gap / 2).long()
        away = y[:, :-1] - self.middles[which]
        beside = away.norm(dim=1) - self.radii[which]
        along = torch.nn.functional.normalize(direction[:, :-1], dim=1)
        # Where the line points away from the charges, none of them is on its way.
        runs = (beside > shift.norm(dim=1)) & ((along * away).sum(1) < 0)
        return torch.where(runs[:, None], beside[:, None] * along, shift)

    def catch(self, y: Tensor, sense: float) -> Contact:
        """Lines at y between, or beside, the plates: they go on."""
        return Contact(y, torch.zeros(len(y), dtype=torch.bool, device=y.device), 0)

    def mirror(self, y: Tensor, slope: Tensor, sense: float) -> Tensor:
        """Lines far outside, carried to where they come back.

        Neutral plates are a dipole from afar, whose field is symmetric about its equator: a line
        that leaves the ball on one side enters it at the mirror image of that point.
        """
        v = y - self.centre
        height = v @ self.dipole
        away = (v.norm(dim=1) > self.radius) & ((v * slope).sum(1) > 0) & (height * sense < 0)
        return torch.where(away[:, None], y - 2 * height[:, None] * self.dipole, y)


class Backwards(PlateField):
    """The lines of a capacitor from Q to P."""

    def __init__(self, field: Capacitor) -> None:
        super().__init__()
        self.field = field

    @property
    def config(self) -> Mapping[str, Any]:
        return self.field.config

    @property
    def span(self) -> Plate:
        return self.field.span.reversed()

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return -self.field.direction(y)

    def lift(self, x: Tensor) -> Tensor:
        y = self.field.lift(x)
        y[:, -1] = self.field.gap
        return y

    def drop(self, y: Tensor) -> Tensor:
        return self.field.drop(y)

    def leave(self, y: Tensor, generator: Generator) -> Contact:
        return self.field.depart(y, generator, -1.0)

    def meet(self, y: Tensor) -> Contact:
        return self.field.touch(y, -1.0)

    def leap(self, y: Tensor, slope: Tensor) -> Tensor:
        return self.field.mirror(y, slope, -1.0)

    def capture(self, y: Tensor) -> Contact:
        return self.field.catch(y, -1.0)

    def pace(self, y: Tensor) -> Tensor | None:
        return self.field.pace(y)

    def reverse(self) -> PlateField:
        return self.field


def inner_share(own: Tensor) -> Tensor:
    """The share (B,) of a plate's flux that is on its inner side, where the part (B,) of E_z there
    that is its own is `own`."""
    return (0.5 / own).clamp_max(1)


def _draw(y: Tensor) -> Tensor:
    """A number (B,) evenly from [0, 1) for each place y (B, D+1).

    It is a function of the bits of the place, by the mixing of Steele, Lea and Flood (2014,
    "Fast splittable pseudorandom number generators"): so a line ends at the same place whatever
    else is followed beside it.
    """
    bits = y.float().contiguous().view(torch.int32).long()
    odd = 2 * torch.arange(y.shape[1], device=y.device) + 1
    mixed = (bits * (odd * -7046029254386353131)).sum(1)
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685)):
        mixed = (mixed ^ _logical(mixed, shift)) * factor
    return _logical(mixed ^ _logical(mixed, 31), 11).to(torch.float64) * 2.0**-53


def _logical(bits: Tensor, shift: int) -> Tensor:
    """int64 bits shifted to the right, with zeros from the left."""
    return (bits >> shift) & (2 ** (64 - shift) - 1)


def _slope(direction: Tensor, side: Tensor) -> Tensor:
    """E_x / E_z (B, D) of lines that go to `side` (+1 up, -1 down), not too steep.

    Zero where the line does not go to that side at all.
    """
    rise = direction[:, -1:]
    going = rise * side[:, None] > 0
    slope = direction[:, :-1] / torch.where(going, rise, torch.ones_like(rise))
    length = slope.norm(dim=1, keepdim=True).clamp_min(torch.finfo(slope.dtype).tiny)
    steepest = STEEPEST * math.sqrt(max(1.0, slope.shape[1] / 2))
    return torch.where(going, slope * (steepest / length).clamp_max(1), 0.0)
