"""Evaluation sizes chosen for an experiment: how many points it takes to see a difference.

What two methods differ by on one seed scatters with the samples that they are judged on. How much
is measured for each problem and metric on draws of the target, before anything is fitted, and falls
with the number of points. With the seeds and methods of an experiment it gives the smallest
difference that the paired test would see with a chance of 80%, as in `statistics.power`. What
training adds to the scatter is not known before it is done, and comes on top.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.params import coerce, param
from ..core.record import FLOOR_PAIRS, Run
from ..errors import UsageError
from ..registry import split_choice
from .kept import Kept, judged
from .naming import labels, metric_label
from .statistics.power import effect, noncentrality

AUTO = "auto"
UNIT = 2000
"""Points whose floor is the unit of a difference: as many as runs are judged on by default."""
LEAST = 500
"""Points below which noise need not fall as it does above."""


@dataclass(frozen=True)
class Sizing:
    """Has the number of points chosen: ``auto``, or ``auto:resolve=10%,most=50000``."""

    resolve: float = param(
        0.5,
        "difference between two methods that is to be seen, in floors of 2,000 points",
        ge=0.001,
    )
    most: int = param(20_000, "points at most", ge=LEAST)

    @classmethod
    def parse(cls, text: str) -> Sizing:
        """Raises UsageError for what is not understood."""
        name, values = split_choice(text)
        if name != AUTO:
            raise UsageError(
                f"points is a whole number, {AUTO} or {AUTO}:resolve=10%,most=50000, "
                f"not the text '{text}'"
            )
        share: dict[str, Any] = {}
        if (wished := values.get("resolve", "")).endswith("%"):
            try:
                share["resolve"] = float(wished[:-1]) / 100
            except ValueError:
                raise UsageError(f"resolve reads 0.1 or 10%, not '{wished}'") from None
        return coerce(cls, {**values, **share}, f"points '{AUTO}'")


@dataclass(frozen=True)
class Noise:
    """What the noise of evaluation samples of `points` does to a metric on a problem.

    `floor` is the metric between two samples of the target, `std` its scatter. A method that misses
    the target differs from one that reaches it by `offset` and, over seeds, by `spread` about it.
    `squared` says that the metric falls with the points as the square of a distance does. It uses
    at most `limit` points; `held` are held out on the problem, None where that is endless. A metric
    without a floor has a `floor` of 0, one that failed NaN.
    """

    points: int
    floor: float = 0.0
    std: float = 0.0
    spread: float = 0.0
    offset: float = 0.0
    squared: bool = False
    limit: int | None = None
    held: int | None = None

    def _terms(self, seeds: int, pairs: int) -> tuple[float, float]:
        """The squares of the difference that is seen at `points` with a chance of 80%, by the noise
        of any method and, per unit of difference, by that of one that misses the target."""
        any_, own = self.std**2, max(self.spread**2, self.std**2)
        if seeds > 1:
            errors = effect(seeds, pairs) ** 2
        else:
            # With one seed the floor's scatter stands for that of the values, and so it is tested.
            errors, any_, own = (
                noncentrality(FLOOR_PAIRS - 1, pairs) ** 2,
                2 * any_,
                max(own, 2 * any_),
            )
        if not self.squared:
            return errors * own, 0.0
        # |D + e|^2 - |e|^2 = |D|^2 + 2 D e: the second term has the root of the difference.
        linear = (own - any_) / self.offset if self.offset > 0 else 0.0
        return errors * any_, errors * linear

    def smallest(self, points: int, seeds: int, pairs: int) -> float:
        """The difference that is seen with so many points with a chance of 80%, in floors."""
        x = self.points / min(points, self.limit or points)
        any_, linear = self._terms(seeds, pairs)
        if not self.squared:
            return math.sqrt(any_ * x) / self.floor
        half = linear * x / 2
        return (half + math.sqrt(half**2 + any_ * x**2)) / self.floor

    def needed(self, resolve: float, seeds: int, pairs: int) -> int:
        """The points by which a difference of `resolve` floors is seen with a chance of 80%, no
        more than the metric uses."""
        wanted = resolve * self.floor
        any_, linear = self._terms(seeds, pairs)
        if not any_:
            return 1
        if not self.squared:
            x = wanted**2 / any_
        else:
            half = linear * wanted / 2
            x = wanted**2 / (half + math.sqrt(half**2 + any_ * wanted**2))
        points = math.ceil(self.points / x)
        return points if self.limit is None else min(points, self.limit)


@dataclass(frozen=True)
class Size:
    """The evaluation size of one problem.

    `points` are as many as it takes for a difference of `resolve` to be seen by every metric, or
    as many as there may be: `bound` says what they were bounded by, ``most`` or ``held out``.
    `seen` is the smallest difference that is, by metric. Both are in floors of `unit` points. A
    metric in `limits` uses no more points than that, and asks for no more.
    """

    data: str
    points: int
    resolve: float
    unit: int
    seen: Mapping[str, float]
    limits: Mapping[str, int]
    bound: str | None

    def __str__(self) -> str:
        if not self.seen:
            return f"{self.data}: {self.points} points, as no metric here has a floor to choose by."
        parts = []
        for name, smallest in self.seen.items():
            limit = f" (which uses {self.limits[name]} at most)" if name in self.limits else ""
            parts.append(f"{smallest:.2g} in {name}{limit}")
        why = {"most": ", the most allowed", "held out": ", all that are held out", None: ""}
        text = f"{self.data}: {self.points} points{why[self.bound]}; differences show from "
        text += f"{', '.join(parts)}, in floors of {self.unit} points, if training adds no scatter"
        return f"{text}; {self.resolve:g} was asked." if self._short else f"{text}."

    @property
    def _short(self) -> bool:
        """Whether a metric does not see what was asked."""
        return any(smallest > self.resolve for smallest in self.seen.values())


def sized(
    runs: Sequence[Run], sizing: Sizing, folder: Path, *, fresh: bool = False, writes: bool = True
) -> tuple[list[Run], list[Size]]:
    """The runs with the points of their problems, and how these were chosen.

    Probes are found in `folder`, but with `fresh`, or made and, with `writes`, kept there.
    """
    kept = Kept(Noise, folder, fresh, writes)
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(repr(run.problem), []).append(run)
    names = labels([own[0].problem for own in groups.values()])
    sizes = {
        problem: _size(name, own, sizing, kept)
        for name, (problem, own) in zip(names, groups.items(), strict=True)
    }
    chosen = [replace(run, points=sizes[repr(run.problem)].points) for run in runs]
    return chosen, list(sizes.values())


def _size(data: str, runs: Sequence[Run], sizing: Sizing, kept: Kept[Noise]) -> Size:
    seeds = len({run.seed for run in runs})
    rows = max(1, len(runs) // seeds)
    pairs = max(1, rows * (rows - 1) // 2)
    found = {metric_label(choice): _noise(runs[0], choice, kept) for choice in runs[0].metrics}
    held = min((noise.held for noise in found.values() if noise.held is not None), default=None)
    noises = {name: noise for name, noise in found.items() if noise.floor > 0}
    if not noises:
        points = UNIT if held is None else min(UNIT, held)
        return Size(data, points, sizing.resolve, UNIT, {}, {}, None)
    needed = [noise.needed(sizing.resolve, seeds, pairs) for noise in noises.values()]
    points, bound = _rounded_up(max(LEAST, *needed)), None
    if points > sizing.most:
        points, bound = sizing.most, "most"
    if held is not None and points > held:
        points, bound = held, "held out"
    limits = {n: x.limit for n, x in noises.items() if x.limit is not None and x.limit < points}
    seen = {name: noise.smallest(points, seeds, pairs) for name, noise in noises.items()}
    unit = max(noise.points for noise in noises.values())
    return Size(data, points, sizing.resolve, unit, seen, limits, bound)


def _noise(run: Run, choice: Any, kept: Kept[Noise]) -> Noise:
    def measured() -> Noise:
        # Imports torch, which a comparison that finds everything finished does without.
        from .probe import noise

        return noise(run, choice)

    return kept.of({**judged(run, choice), "probe": UNIT, "train": run.train}, measured)


def _rounded_up(points: int) -> int:
    """With two significant digits, so that last digits of the noise do not make another size."""
    unit: int = 10 ** max(0, len(str(points)) - 2)
    return -(-points // unit) * unit
