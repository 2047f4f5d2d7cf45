"""Comparing: results of several seeds as one row, with an interval and a rank."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t as student

from .. import registry
from ..core.record import Result
from ..core.spec import MetricSpec
from .naming import labels, row_labels

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Row:
    """One method on one problem under one metric, over the seeds that finished.

    `low` and `high` bound the mean with 95% confidence by Student's t over seeds, None with fewer
    than two. `rank` is 1 plus the number of methods that are better beyond doubt, by the paired t
    interval of the difference on the same seeds; with one seed it is the order of the values.
    """

    method: str
    data: str
    metric: str
    seeds: int
    mean: float
    low: float | None
    high: float | None
    floor: float | None
    ratio: float | None
    rank: int | None


def table(results: Sequence[Result]) -> list[Row]:
    """The rows of a comparison: every method, problem and metric with at least one value."""
    runs = [r.run for r in results]
    names = zip(row_labels(runs), labels([run.problem for run in runs]), strict=True)
    cells: dict[tuple[str, str], dict[str, dict[int, Result]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for result, (method, data) in zip(results, names, strict=True):
        for metric, value in result.metrics.items():
            if value.value is not None and math.isfinite(value.value):
                cells[data, metric][method][result.run.seed] = result
    rows = []
    for (data, metric), by_method in cells.items():
        values = {
            method: {seed: _value(r, metric) for seed, r in by_seed.items()}
            for method, by_seed in by_method.items()
        }
        ranks = _ranks(values, _better(metric))
        for method, by_seed in by_method.items():
            rows.append(_row(method, data, metric, list(by_seed.values()), ranks.get(method)))
    return rows


def _value(result: Result, metric: str) -> float:
    value = result.metrics[metric].value
    assert value is not None
    return value


def _row(method: str, data: str, metric: str, results: list[Result], rank: int | None) -> Row:
    values = [_value(r, metric) for r in results]
    mean = statistics.fmean(values)
    half = _half_width(values)
    floors = [f for r in results if (f := r.metrics[metric].floor) is not None]
    floor = statistics.fmean(floors) if floors else None
    return Row(
        method,
        data,
        metric,
        len(values),
        mean,
        None if half is None else mean - half,
        None if half is None else mean + half,
        floor,
        mean / floor if floor else None,
        rank,
    )


def _half_width(values: Sequence[float]) -> float | None:
    """Half the width of Student's t interval for the mean."""
    if len(values) < 2:
        return None
    spread = statistics.stdev(values) / math.sqrt(len(values))
    return float(student.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * spread


def _better(metric: str) -> str | None:
    name = registry.split_choice(metric)[0]
    spec = registry.describe("metric", name).spec
    assert isinstance(spec, MetricSpec)
    return spec.better


def _ranks(values: dict[str, dict[int, float]], better: str | None) -> dict[str, int]:
    if better is None:
        return {}
    sign = 1.0 if better == "lower" else -1.0
    return {
        method: 1 + sum(_beats(values[other], own, sign) for other in values if other != method)
        for method, own in values.items()
    }


def _beats(one: dict[int, float], other: dict[int, float], sign: float) -> bool:
    """Whether `one` is better than `other` beyond doubt on the seeds that both have."""
    differences = [sign * (other[seed] - one[seed]) for seed in one if seed in other]
    if not differences:
        return False
    half = _half_width(differences)
    return statistics.fmean(differences) > (half or 0.0)
