"""Comparing: results of several seeds as one row, and which rows differ beyond doubt."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

import numpy as np

from .. import registry
from ..core.record import FLOOR_PAIRS, Result, Value
from ..core.spec import MetricSpec
from .curves import Curve, curves
from .naming import Place, places
from .statistics.interval import mean_interval
from .statistics.paired import Pair, Scatter, paired
from .statistics.power import noncentrality, points_needed, seeds_needed

Cell = tuple[str, str]
"""A problem and a metric: what methods are compared on."""
Values = Mapping[str, Mapping[int, Value]]
"""By method and seed."""


@dataclass(frozen=True)
class Row:
    """One method on one problem under one metric, over the seeds that finished.

    `low` and `high` bound the mean over seeds with 95% confidence, None with fewer than two. `rank`
    is 1 plus the number of methods that are better beyond doubt, by the paired test on the same
    seeds with Holm's correction; None for a metric that does not rank. `tested` says whether
    anything could have told it from others, which one seed without a floor, or on a finite sample,
    cannot. `points` is the number of points judged, None where seeds differ in it, and `budget`
    what each fit was allowed: a method with two budgets has two names, and a row for each.
    """

    method: str
    data: str
    metric: str
    seeds: int
    points: int | None
    budget: str
    mean: float
    low: float | None
    high: float | None
    floor: float | None
    ratio: float | None
    rank: int | None
    tested: bool


@dataclass(frozen=True)
class Contrast:
    """A pair of methods on one problem under one metric."""

    data: str
    metric: str
    pair: Pair


@dataclass(frozen=True)
class Resolution:
    """What the comparison of methods on one problem under one metric could see.

    `smallest` is the difference between two of its methods that would have been seen with a chance
    of 80%, for a pair of ordinary scatter; None where nothing tells. `best` and `next` are the two
    first by mean, `difference` what lies between them, `seen` whether it is real; `seeds_needed` of
    as many points, or `points_needed` of as many seeds, would show it with a chance of 80%, None
    where that is beyond reach.
    """

    data: str
    metric: str
    seeds: int
    pairs: int
    smallest: float | None
    floor: float | None
    best: str
    next: str
    difference: float
    seen: bool
    seeds_needed: int | None
    points_needed: int | None


@dataclass(frozen=True)
class Findings:
    """All that is said about results of several methods."""

    rows: list[Row]
    contrasts: list[Contrast]
    resolutions: list[Resolution]
    curves: list[Curve]


def details(findings: Findings) -> dict[str, Any]:
    """The pairs, resolutions and curves as JSON-ready data."""
    return {
        "pairs": [
            {"data": c.data, "metric": c.metric, **asdict(c.pair)} for c in findings.contrasts
        ],
        "resolution": [asdict(r) for r in findings.resolutions],
        "curves": [asdict(curve) for curve in findings.curves],
    }


def table(results: Sequence[Result]) -> list[Row]:
    """The rows of a comparison: every method, problem and metric with at least one value."""
    return compare(results).rows


def compare(results: Sequence[Result]) -> Findings:
    """Rows, pairs and resolutions of every problem and metric, and curves."""
    findings = Findings([], [], [], [])
    by_place = _by_place(results)
    for (data, metric), values in _cells(by_place).items():
        direction = better(metric)
        pairs = paired(_numbers(values), _scatter(values)) if direction else []
        ranks = _ranks(values, pairs, direction)
        findings.rows.extend(_rows(data, metric, values, ranks, by_place))
        findings.contrasts.extend(Contrast(data, metric, pair) for pair in pairs)
        if direction and pairs:
            judged = [r for m in values for r in by_place[m, data] if r.points]
            points = {r.points for r in judged}
            # Where a file held out fewer than were asked for there are no more.
            whole = all(r.points == r.run.points for r in judged)
            of = next(iter(points)) if len(points) == 1 and whole else None
            findings.resolutions.append(_resolution(data, metric, values, pairs, direction, of))
    findings.curves.extend(
        curves(by_place, findings.rows, _beaten(findings.rows, findings.contrasts))
    )
    return findings


def _beaten(rows: Sequence[Row], contrasts: Sequence[Contrast]) -> dict[Cell, set[tuple[str, str]]]:
    """By problem and metric that ranks, which method is better than which beyond doubt, as pairs of
    both."""
    found: dict[Cell, set[tuple[str, str]]] = {
        (row.data, row.metric): set() for row in rows if better(row.metric) is not None
    }
    for each in contrasts:
        if each.pair.differs:
            found[each.data, each.metric].add(_better_first(each.pair, better(each.metric)))
    return found


def _better_first(pair: Pair, direction: str | None) -> tuple[str, str]:
    """The names of a pair that differs, the better one first."""
    first_is_better = (pair.difference < 0) == (direction == "lower")
    return (pair.first, pair.second) if first_is_better else (pair.second, pair.first)


def _by_place(results: Sequence[Result]) -> dict[Place, list[Result]]:
    """The results by the name of their method and that of their problem."""
    found: dict[Place, list[Result]] = defaultdict(list)
    for result, place in zip(results, places([r.run for r in results]), strict=True):
        found[place].append(result)
    return found


def _cells(by_place: Mapping[Place, Sequence[Result]]) -> dict[Cell, dict[str, dict[int, Value]]]:
    cells: dict[Cell, dict[str, dict[int, Value]]] = defaultdict(lambda: defaultdict(dict))
    for (method, data), results in by_place.items():
        for result in results:
            for metric, value in result.metrics.items():
                if value.value is not None and math.isfinite(value.value):
                    cells[data, metric][method][result.run.seed] = value
    return cells


def _numbers(values: Values) -> dict[str, dict[int, float]]:
    return {
        method: {seed: v.value for seed, v in by_seed.items() if v.value is not None}
        for method, by_seed in values.items()
    }


def _floors(values: Values) -> list[tuple[float, float | None]]:
    return [
        (v.floor, v.floor_std)
        for by_seed in values.values()
        for v in by_seed.values()
        if v.floor is not None
    ]


def _scatter(values: Values) -> Scatter | None:
    """The scatter over evaluation samples, from the floor, which is between such samples.

    Parts of one finite sample say nothing of it: all of them share what is odd about that sample.
    """
    if _resampled(values):
        return None
    stds = [std for _, std in _floors(values) if std]
    return Scatter(fmean(stds), FLOOR_PAIRS) if stds else None


def _resampled(values: Values) -> bool:
    return any(v.resampled for by_seed in values.values() for v in by_seed.values())


def _rows(
    data: str,
    metric: str,
    values: Values,
    ranks: Mapping[str, int],
    by_place: Mapping[Place, Sequence[Result]],
) -> list[Row]:
    numbers = {method: list(by.values()) for method, by in _numbers(values).items()}
    bounds = _intervals(numbers, positive=bool(_floors(values)))
    resampled = _resampled(values)
    rows = []
    for method, own in numbers.items():
        floors = [floor for floor, _ in _floors({method: values[method]})]
        floor = fmean(floors) if floors else None
        mean = fmean(own)
        low, high = bounds.get(method, (None, None))
        ratio = mean / floor if floor else None
        rank = ranks.get(method)
        done = [r for r in by_place[method, data] if metric in r.metrics]
        points = {r.points for r in done}
        rows.append(
            Row(
                method,
                data,
                metric,
                len(own),
                points.pop() if len(points) == 1 else None,
                str(done[0].run.budget),
                mean,
                low,
                high,
                floor,
                ratio,
                rank,
                len(own) > 1 or (floor is not None and not resampled),
            )
        )
    return rows


def _intervals(
    numbers: Mapping[str, list[float]], positive: bool
) -> dict[str, tuple[float, float]]:
    """The intervals of those with several values; equal numbers of seeds are computed at once."""
    bounds: dict[str, tuple[float, float]] = {}
    for size in {len(own) for own in numbers.values()} - {1}:
        methods = [method for method, own in numbers.items() if len(own) == size]
        low, high = mean_interval(np.array([numbers[m] for m in methods]), positive)
        bounds |= {m: (float(a), float(b)) for m, a, b in zip(methods, low, high, strict=True)}
    return bounds


def better(metric: str) -> str | None:
    """Which direction of a metric is better, ``lower`` or ``higher``, if any."""
    try:
        spec = registry.describe("metric", registry.split_choice(metric)[0]).spec
    except Exception:
        # A metric of a plugin that is no longer here: nothing is said of what is better.
        return None
    return spec.better if isinstance(spec, MetricSpec) else None


def _ranks(values: Values, pairs: Sequence[Pair], direction: str | None) -> dict[str, int]:
    if direction is None:
        return {}
    ranks = dict.fromkeys(values, 1)
    for pair in pairs:
        if pair.differs:
            ranks[_better_first(pair, direction)[1]] += 1
    return ranks


def _resolution(
    data: str,
    metric: str,
    values: Values,
    pairs: Sequence[Pair],
    direction: str,
    points: int | None,
) -> Resolution:
    means = {method: fmean(by.values()) for method, by in _numbers(values).items()}
    best, following = sorted(means, key=means.__getitem__, reverse=direction == "higher")[:2]
    between = next((p for p in pairs if {p.first, p.second} == {best, following}), None)
    floors = [floor for floor, _ in _floors(values)]
    scatter, count = _scatter(values), len(pairs)
    seeds = min(pair.seeds for pair in pairs)
    needed = more = None
    if between is not None and between.spread is not None:
        needed = seeds_needed(between.difference, between.spread, count)
        if scatter and points:
            more = points_needed(
                between.difference, between.spread, scatter.std, points, between.seeds, count
            )
    return Resolution(
        data,
        metric,
        seeds,
        count,
        _smallest(pairs, seeds, scatter),
        fmean(floors) if floors else None,
        best,
        following,
        abs(means[best] - means[following]),
        between is not None and between.differs,
        needed,
        more,
    )


def _smallest(pairs: Sequence[Pair], seeds: int, scatter: Scatter | None) -> float | None:
    spreads = [pair.spread for pair in pairs if pair.spread is not None]
    if seeds > 1 and spreads:
        # Where most pairs differ by nothing on every seed, nothing tells how others would scatter.
        spread = median(spreads)
        return noncentrality(seeds - 1, len(pairs)) * spread / math.sqrt(seeds) or None
    if scatter is None:
        return None
    return noncentrality(scatter.pairs - 1, len(pairs)) * math.sqrt(2) * scatter.std
