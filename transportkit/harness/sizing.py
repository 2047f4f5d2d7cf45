"""Evaluation sizes chosen for an experiment: how many points it takes to see a difference.

What two methods differ by on one seed scatters with the samples that they are judged on. How much
is measured for each problem and metric on draws of the target, before anything is fitted, and falls
with the number of points. With the seeds and methods of an experiment it gives the smallest
difference that the paired test would see with a chance of 80%, as in `statistics.power`; how often
it does is simulated in `benchmarks/sizes.py`. What training adds to the scatter is not known before
it is done, and comes on top.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
ONE_SEED = "one seed"
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

    `floor` is the metric between two samples of the target of `unit` points. Between two of
    `points` it scatters by `std`. On so many, a method that misses the target by little differs
    from one that reaches it by `offset` and, over seeds, by `spread` about it; one that misses it
    by more, by `far_offset` and `far_spread`. `squared` says that the metric falls with the points
    as the square of a distance does. It uses at most `limit` points; `held` are held out on the
    problem, None where that is endless. A metric without a floor has a `floor` of 0, one that
    failed NaN.
    """

    points: int
    unit: int
    floor: float = 0.0
    std: float = 0.0
    offset: float = 0.0
    spread: float = 0.0
    far_offset: float = 0.0
    far_spread: float = 0.0
    squared: bool = False
    limit: int | None = None
    held: int | None = None

    def variance(self, difference: float) -> float:
        """That of one seed's difference between two methods that differ by so much.

        Of a squared distance it is linear in the difference: |D + e|^2 - |e'|^2 = |D|^2 + 2 D e +
        ..., whose second term has the root of the first. Of a rooted one it settles.
        """
        points = [(0.0, 2 * self.std**2), (self.offset, self.spread**2)]
        # Larger differences scatter no less; where a probe says so it is chance.
        far = (self.far_offset, max(self.far_spread, self.spread) ** 2)
        (x, low), (end, high) = (points[1], far) if difference > self.offset else points
        low = min(low, high)
        share = (difference - x) / (end - x) if end > x else 1.0
        return low + (high - low) * (share if self.squared else min(share, 1.0))

    def _seen(self, seeds: int, pairs: int) -> float:
        """The difference that is seen with `points` with a chance of 80%."""
        errors, least = noncentrality(FLOOR_PAIRS - 1, pairs), 2 * self.std**2
        if seeds > 1:
            errors, least = effect(seeds, pairs), 0.0
        # With one seed the floor's scatter stands for that of the values, and so it is tested.

        def shows(difference: float) -> bool:
            return difference >= errors * math.sqrt(max(self.variance(difference), least))

        low, high = 0.0, self.floor
        while not shows(high):
            high *= 2
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (low, middle) if shows(middle) else (middle, high)
        return high

    def smallest(self, points: int, seeds: int, pairs: int) -> float:
        """The difference that is seen with so many points with a chance of 80%, in floors.

        An error e of sampling falls as the root of the points. With x times fewer of them, x^(1/2)
        e and x^(1/2) D are to each other as e and D are, and the distance is x^(1/2) times as
        large, its square x times.
        """
        x = self.points / min(points, self.limit or points)
        return self._seen(seeds, pairs) * x ** (1.0 if self.squared else 0.5) / self.floor

    def needed(self, resolve: float, seeds: int, pairs: int) -> int:
        """The points by which a difference of `resolve` floors is seen with a chance of 80%, no
        more than the metric uses."""
        x = resolve * self.floor / self._seen(seeds, pairs)
        points = max(1, math.ceil(self.points / x ** (1.0 if self.squared else 2.0)))
        return points if self.limit is None else min(points, self.limit)


@dataclass(frozen=True)
class Size:
    """The evaluation size of one problem.

    `points` are as many as it takes for a difference of `resolve` to be seen by every metric, or
    as many as there may be: `bound` says what they were bounded by, ``most`` or ``held out``; of a
    finite sample with one seed ``one seed``, as that tells nothing apart on any number.
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
        if self.bound == ONE_SEED:
            return (
                f"{self.data}: {self.points} points; one seed tells nothing apart on it, as no "
                "fresh points can be drawn."
            )
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
    runs: Sequence[Run],
    sizing: Sizing,
    folder: Path,
    *,
    fresh: bool = False,
    writes: bool = True,
    before: Callable[[], None] = lambda: None,
) -> tuple[list[Run], list[Size]]:
    """The runs with the points of their problems, and how these were chosen.

    Probes are found in `folder`, but with `fresh`, or made and, with `writes`, kept there. What
    `before` raises comes before any is made, which takes seconds.
    """
    kept = Kept(Noise, folder, fresh, writes)
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(repr(run.problem), []).append(run)
    names = labels([own[0].problem for own in groups.values()])
    sizes = {
        problem: _size(name, own, sizing, kept, before)
        for name, (problem, own) in zip(names, groups.items(), strict=True)
    }
    chosen = [replace(run, points=sizes[repr(run.problem)].points) for run in runs]
    return chosen, list(sizes.values())


def _size(
    data: str,
    runs: Sequence[Run],
    sizing: Sizing,
    kept: Kept[Noise],
    before: Callable[[], None],
) -> Size:
    seeds = len({run.seed for run in runs})
    rows = max(1, len(runs) // seeds)
    pairs = max(1, rows * (rows - 1) // 2)
    found = {
        metric_label(choice): _noise(runs[0], choice, kept, before) for choice in runs[0].metrics
    }
    held = min((noise.held for noise in found.values() if noise.held is not None), default=None)
    noises = {name: noise for name, noise in found.items() if noise.floor > 0}
    if not noises:
        points = UNIT if held is None else min(UNIT, held)
        return Size(data, points, sizing.resolve, UNIT, {}, {}, None)
    if held is not None and seeds == 1:
        return Size(data, min(held, sizing.most), sizing.resolve, UNIT, {}, {}, ONE_SEED)
    needed = [noise.needed(sizing.resolve, seeds, pairs) for noise in noises.values()]
    points, bound = _rounded_up(max(LEAST, *needed)), None
    if points > sizing.most:
        points, bound = sizing.most, "most"
    if held is not None and points > held:
        points, bound = held, "held out"
    limits = {n: x.limit for n, x in noises.items() if x.limit is not None and x.limit < points}
    seen = {name: noise.smallest(points, seeds, pairs) for name, noise in noises.items()}
    unit = max(noise.unit for noise in noises.values())
    return Size(data, points, sizing.resolve, unit, seen, limits, bound)


def _noise(run: Run, choice: Any, kept: Kept[Noise], before: Callable[[], None]) -> Noise:
    def measured() -> Noise:
        before()
        # Imports torch, which a comparison that finds everything finished does without.
        from .probe import noise

        return noise(run, choice)

    return kept.of({**judged(run, choice), "probe": UNIT, "train": run.train}, measured)


def _rounded_up(points: int) -> int:
    """With two significant digits, so that last digits of the noise do not make another size."""
    unit: int = 10 ** max(0, len(str(points)) - 2)
    return -(-points // unit) * unit
