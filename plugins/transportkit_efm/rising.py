"""Lines that rise between distant plates which face each other.

For plates far apart the backward half of the flux from a point lands where the forward half does:
the share that leaves forwards is (1 + q_L / p) / 2, and q_L, the target's density smoothed over
the distance L, vanishes as L^-D. That holds for plates that face each other. The lines of two
distant charges leave and arrive alike about the axis that joins them, so if it is aslant some that
leave forwards arrive from behind; each sample is therefore taken from its own mean. Then forward
lines alone are enough, and they are functions of their height, in the coordinates of `Passage`
nearly straight ones, which few steps follow.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from transportkit import Axis, Interval, IntervalField

from .charges import ChargedPlates
from .condensed import CondensedPlates
from .passage import Passage, nearness
from .units import Harm

APART = 8.0
"""Automatic distance of the plates, in units of the data and sqrt(D)."""

NEAR = 0.14
"""Height below which lines are taken in even steps, likewise, at most."""

LANDED = 1e-4
"""How near its end a line counts as on the plate, over the whole of s."""

LEAST_RISE = 1e-3
"""The least E_z / |E| that a slope is divided by."""


class RisingField(IntervalField):
    """Lines from plate to plate over s in [0, 1], in the units of the data.

    States are (u, s) (B, D+1), the coordinates of `passage`. A subclass gives `velocity`.
    """

    means: Tensor
    scale: Tensor

    def __init__(
        self, event_shape: tuple[int, ...], *, gap: float, near: tuple[float, float]
    ) -> None:
        super().__init__()
        self.event_shape = tuple(event_shape)
        # A config that was kept has a list of two.
        self.passage = Passage(gap=gap, near=(near[0], near[1]))
        self.register_buffer("means", torch.zeros(2, torch.Size(self.event_shape).numel()))
        self.register_buffer("scale", torch.ones(()))

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "event_shape": list(self.event_shape),
            "gap": self.passage.gap,
            "near": list(self.passage.near),
        }

    @abstractmethod
    def velocity(self, s: Tensor, u: Tensor) -> Tensor:
        """du/ds (B, D) of the line through u (B, D) at s (B,)."""

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return torch.cat([self.velocity(t, y[:, :-1]), torch.ones_like(y[:, -1:])], 1)

    def lift(self, x: Tensor) -> Tensor:
        return self.begin(x, self.span.t0)

    def begin(self, x: Tensor, s: float) -> Tensor:
        """Points x (B, *E) of the plate next to s as states there."""
        flat = (x.flatten(1) - self.means[self.plate(s)]) / self.scale
        at = torch.full_like(flat[:, 0], s)
        return torch.cat([self.passage.relative(flat, at), at[:, None]], 1)

    def plate(self, s: float) -> int:
        """The plate next to an end s of lines: 0 for the source, 1 for the target.

        That is not the one nearer to s, as heights over the two are on scales of their own.
        """
        return int(2 * s > self.span.t0 + self.span.t1)

    def drop(self, y: Tensor) -> Tensor:
        return self.data(self.landed(y, self.span.t1), y[:, -1])

    def at_rim(self, y: Tensor) -> Tensor | None:
        return self.beside(y, self.span.t1)

    def beside(self, y: Tensor, s: float) -> Tensor | None:
        """Which lines (B,) come to a plate beside all of its charges, if their last states are
        y (B, D+1) and they end next to it at s; None where charges have no end."""
        return None

    def along(self, y: Tensor) -> Tensor:
        return self.data(self.at(y), y[:, -1])

    def at(self, y: Tensor) -> Tensor:
        """Where lines are in states y (B, D+1): x (B, D), in the field's units from the middle."""
        return self.passage.place(y[:, :-1], y[:, -1].clamp(0, 1))

    @abstractmethod
    def landed(self, y: Tensor, s: float) -> Tensor:
        """Where lines come to a plate whose last states are y (B, D+1), likewise, if they end next
        to it at s."""

    def data(self, x: Tensor, s: Tensor) -> Tensor:
        """Places x (B, D) from the middle at s (B,) as data points (B, *E)."""
        return (x * self.scale + self.middle(s.clamp(0, 1))).view(-1, *self.event_shape)

    def middle(self, s: Tensor) -> Tensor:
        """Where the axis of the plates is at s (B,), in the units of the data (B, D)."""
        share = self.passage.height(s)[:, None] / self.passage.gap
        return torch.lerp(self.means[0], self.means[1], share)

    @property
    def axis(self) -> Axis:
        gap, unit = self.passage.gap, float(self.scale)
        marks = [(gap / 2, "z = L/2")]
        # Round lengths in the data's own units, as far as their texts keep apart.
        below, above = (near * unit / 2 for near in self.passage.near)
        most = gap * unit / 4
        for k in range(math.floor(math.log10(min(below, above))), math.ceil(math.log10(most))):
            for length in (10.0**k, 3 * 10.0**k):
                if below < length < most:
                    marks.append((length / unit, f"z = {length:g}"))
                if above < length < most:
                    marks.append((gap - length / unit, f"L − {length:g}"))
        heights = torch.tensor([height for height, _ in marks], dtype=torch.float64)
        span = self.span
        shares = ((self.passage.level(heights) - span.t0) / (span.t1 - span.t0)).tolist()
        return Axis(
            "source plate, z = 0 (+)",
            f"target plate, z = L = {gap * unit:.3g} (−)",
            "height z, logarithmic from either plate",
            tuple(sorted(zip(shares, (text for _, text in marks), strict=True))),
        )

    def reverse(self) -> IntervalField:
        return FallingField(self)


class BoundedRisingField(RisingField):
    """Lines between charges that reach no further than `radii` (2,) from the middle of each plate,
    in units of the data: those that come to a plate beside all of them end on the first."""

    radii: Tensor

    def __init__(
        self, event_shape: tuple[int, ...], *, gap: float, near: tuple[float, float]
    ) -> None:
        super().__init__(event_shape, gap=gap, near=near)
        self.register_buffer("radii", torch.ones(2))

    def landed(self, y: Tensor, s: float) -> Tensor:
        x = self.at(y)
        beside = self.beside(y, s)[:, None]
        return torch.where(beside, _within(x, self.radii[self.plate(s)]), x)

    def beside(self, y: Tensor, s: float) -> Tensor:
        plate = self.plate(s)
        there = (y[:, -1] - plate).abs() < LANDED
        return there & (self.at(y).norm(dim=1) > self.radii[plate])


def _within(x: Tensor, radius: Tensor) -> Tensor:
    """Where lines that come to a plate at x (B, D) end: those beside all of its charges find
    nothing to end on, and run along it to the first of them."""
    return x * (radius / x.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1)


class FallingField(IntervalField):
    """The lines of a `RisingField` from Q to P."""

    def __init__(self, field: RisingField) -> None:
        super().__init__()
        self.field = field

    @property
    def config(self) -> Mapping[str, Any]:
        return self.field.config

    @property
    def span(self) -> Interval:
        return self.field.span.reversed()

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.field(t, y)

    def lift(self, x: Tensor) -> Tensor:
        return self.field.begin(x, self.span.t0)

    def drop(self, y: Tensor) -> Tensor:
        return self.field.data(self.field.landed(y, self.span.t1), y[:, -1])

    def at_rim(self, y: Tensor) -> Tensor | None:
        return self.field.beside(y, self.span.t1)

    @property
    def finishing(self) -> int:
        return self.field.finishing

    def along(self, y: Tensor) -> Tensor:
        return self.field.along(y)

    def reverse(self) -> IntervalField:
        return self.field


class ExactRisingField(BoundedRisingField):
    """The lines of given charges: no network. Made by `of`, and not from its `config`, which lacks
    the charges."""

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        gap: float,
        near: tuple[float, float],
        plates: ChargedPlates,
    ) -> None:
        super().__init__(event_shape, gap=gap, near=near)
        self.plates = plates
        self.reach = Interval(0.0, 1.0)
        self.condensed: CondensedPlates | None = None

    @property
    def span(self) -> Interval:
        return self.reach

    def restrict(self, first: float, last: float) -> None:
        """Let lines begin and end at these heights instead of on the plates."""
        ends = self.passage.level(torch.tensor([first, last], dtype=torch.float64)).tolist()
        self.reach = Interval(*ends)

    def condense(self) -> None:
        """See of each plate what is needed from afar: several times faster."""
        self.condensed = CondensedPlates.of(self.plates, self.passage)

    def without(self, rows: Tensor) -> ExactRisingField:
        """The lines between the same plates without some charges (k,) of the source."""
        plates = self.plates.without(rows)
        passage = self.passage
        other = ExactRisingField(
            self.event_shape, gap=passage.gap, near=passage.near, plates=plates
        ).to(self.scale.device)
        for name in ("means", "scale", "radii"):
            getattr(other, name).copy_(getattr(self, name))
        other.passage.load_state_dict(passage.state_dict())
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
        spacing: float | tuple[float, float],
        widest: float = 1 / 4,
        apart: float = APART,
        near: float = NEAR,
        harms: tuple[Harm, ...] = (),
    ) -> ExactRisingField:
        """The lines between two flat samples (N, D) and (M, D); lengths as in `ChargedPlates.of`,
        `near` in units of the data and sqrt(D), at most."""
        means = torch.stack([source.mean(0), target.mean(0)])
        plates = ChargedPlates.of(
            source - means[0],
            target - means[1],
            event_shape,
            distance=distance,
            offset=offset,
            rule="forward",
            spacing=spacing,
            widest=widest,
            apart=apart,
            harms=harms,
        )
        n = plates.counts[0]
        sides = plates.charges[:n, :-1], plates.charges[n:, :-1]
        most = min(near * math.sqrt(source.shape[1]), plates.gap / 4)
        heights = nearness(*sides, most)
        field = cls(event_shape, gap=plates.gap, near=heights, plates=plates).to(source.device)
        field.means.copy_(means)
        field.scale.copy_(plates.scale)
        field.radii.copy_(plates.radii)
        field.passage.set_samples(*sides)
        return field

    @property
    def source(self) -> Tensor:
        """The charges (N, D) on the source plate, in units of the data from their mean."""
        return self.plates.charges[: self.plates.counts[0], :-1]

    @property
    def target(self) -> Tensor:
        """The charges (M, D) on the target plate, likewise."""
        return self.plates.charges[self.plates.counts[0] :, :-1]

    def velocity(self, s: Tensor, u: Tensor) -> Tensor:
        """du/ds (B, D) of the exact line through u (B, D) at s (B,). Within the offset of a plate
        a line keeps the slope that it has there."""
        plates, passage = self.plates, self.passage
        below, above = plates.offsets
        z = passage.height(s).clamp(below, plates.gap - above)
        direction = (self.condensed or plates).direction(
            torch.cat([passage.place(u, s), z[:, None]], 1)
        )
        slope = direction[:, :-1] / direction[:, -1:].clamp_min(LEAST_RISE)
        return passage.velocity(u, s, slope)
