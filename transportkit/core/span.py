"""Where the lines of a field begin and end."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """Lines run over a time interval, from t0 to t1; t1 < t0 runs backwards in time.

    Over a `noisy` interval a field has a stochastic equation as well (`DiffusionField`). Over a
    `denoising` one it tells how much noise its states have, and can add some
    (`IntervalField.noise_level`).
    """

    t0: float = 0.0
    t1: float = 1.0
    noisy: bool = False
    denoising: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.t0) and math.isfinite(self.t1)) or self.t0 == self.t1:
            raise ValueError(f"an interval needs two different finite times, not {self}")

    def reversed(self) -> Interval:
        return Interval(self.t1, self.t0)


@dataclass(frozen=True)
class Plate:
    """Lines run from the plate z = start to the plate z = end in a space with one coordinate more.

    z is the last lifted coordinate; lengths are in the field's own lifted units. The field is read
    at a distance from a plate, on either side of it, never on it: `offsets` are those from the
    start and from the end plate, which may hold laws of unlike widths; each is less than half of
    the distance. Lines are followed up to the
    surfaces end - offset and end + offset. A line further than `reach` from the origin in any
    coordinate has left the box.

    Without `surfaces` lines cross both plates freely, and end where the field captures them
    (`PlateField.capture`); `offsets` are then the sizes of what captures on either.
    """

    start: float
    end: float
    offsets: tuple[float, float]
    reach: float
    surfaces: bool = True

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.start, self.end, *self.offsets, self.reach)):
            raise ValueError(f"plates need finite positions, not {self}")
        if min(self.offsets) <= 0 or max(self.offsets) >= self.distance / 2:
            # A surface beyond the middle would be taken for one of the other plate.
            raise ValueError(
                "the offsets must be positive, and each less than half of the plate distance, not "
                f"{self}"
            )
        ends = zip((self.start, self.end), self.offsets, strict=True)
        if self.reach <= max(abs(z) + offset for z, offset in ends):
            raise ValueError(f"the box must reach beyond both plates, not {self}")

    @property
    def distance(self) -> float:
        return abs(self.end - self.start)

    @property
    def sense(self) -> float:
        """+1 where z grows from source to target, -1 where it falls."""
        return math.copysign(1.0, self.end - self.start)

    def reversed(self) -> Plate:
        first, last = self.offsets
        return Plate(self.end, self.start, (last, first), self.reach, self.surfaces)


Span = Interval | Plate


@dataclass(frozen=True)
class Axis:
    """How drawings name the axis from the beginning of lines to their end.

    start and end name its ends, and name what is along it. marks are shares of the way, from 0 to
    1, with a text each; an axis that is not time over the span needs them to be read.
    """

    start: str = "t = 0"
    end: str = "t = 1"
    name: str = "time t"
    marks: tuple[tuple[float, str], ...] = ()
