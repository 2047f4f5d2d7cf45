"""A comparison's table laid out for a page: a line for each method, a column for each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..registry import side
from .figures import UNTOLD, three, untold, with_limits

Row = Mapping[str, Any]
INTERVAL = "Mean over seeds ± half of its 95% interval, or its limits where they lie unevenly."
WIDE = f"±?: its limits lie more than {UNTOLD:,} times apart and tell nothing; more seeds would."
UNEQUAL = "Distances on different numbers of points do not compare."
ONE_SEED = "One seed says nothing of the scatter of training."
BEST = "best, or not told apart from it"
BY_SEEDS = "by the paired test of differences on the same seeds, which the intervals do not show"
BY_SAMPLES = "by the scatter of samples"


@dataclass(frozen=True)
class Entry:
    """One figure as text; `best` where others stand beside it and none is told to be better."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Sheet:
    """The methods on one problem. `entries` holds a line for each method, in order of `methods`.

    `setting` says seeds, points and budget of the runs.

    `in_floors` says of each metric whether its figures are in units of the noise floor, which
    `floors` gives in the metric's own. `smallest` is the resolution of each metric in the units of
    its figures, empty where nothing tells. `rows` are those of the table that all of it says.
    """

    data: str
    metrics: Sequence[str]
    in_floors: Sequence[bool]
    methods: Sequence[str]
    entries: Sequence[Sequence[Entry]]
    floors: Sequence[str]
    smallest: Sequence[str]
    rows: Sequence[Row]
    setting: str


def sheets(
    rows: Sequence[Row], settings: Mapping[str, str], resolutions: Sequence[Row]
) -> list[Sheet]:
    """The rows of a comparison's table, one sheet for each problem; `settings` says by its name
    what its runs have in common, and `resolutions` what could have been seen."""
    return [
        _sheet(
            data,
            [row for row in rows if row["data"] == data],
            settings[data],
            {seen["metric"]: seen for seen in resolutions if seen["data"] == data},
        )
        for data in dict.fromkeys(row["data"] for row in rows)
    ]


def _sheet(data: str, rows: Sequence[Row], setting: str, seen: Mapping[str, Row]) -> Sheet:
    by_place = {(row["method"], row["metric"]): row for row in rows}
    methods = list(dict.fromkeys(row["method"] for row in rows))
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    counted = {m: all(r["ratio"] is not None for r in rows if r["metric"] == m) for m in metrics}
    # What has a floor stands together, first.
    metrics.sort(key=lambda metric: not counted[metric])
    columns = [
        entries_of([by_place.get((method, metric)) for method in methods], counted[metric])
        for metric in metrics
    ]
    entries = [[each[i] for each in columns] for i in range(len(methods))]
    floors = [
        floor_of([r["floor"] for r in rows if r["metric"] == m]) if counted[m] else ""
        for m in metrics
    ]
    in_floors = [counted[m] for m in metrics]
    smallest = [resolution_of(seen.get(m), counted[m]) for m in metrics]
    return Sheet(data, metrics, in_floors, methods, entries, floors, smallest, rows, setting)


def resolution_of(seen: Row | None, in_floors: bool) -> str:
    """The smallest difference that would have shown, in units of the floor or the metric's own."""
    if seen is None or seen["smallest"] is None:
        return ""
    return three(seen["smallest"] / (seen["floor"] if in_floors and seen["floor"] else 1.0))


def floor_of(floors: Sequence[float]) -> str:
    """The floor of a metric, or the least and the largest where methods were judged on different
    numbers of points."""
    low, high = three(min(floors)), three(max(floors))
    return low if low == high else f"{low} to {high}"


def entries_of(rows: Sequence[Row | None], in_floors: bool) -> list[Entry]:
    """The rows of several methods under one metric: each mean with its interval, in units of its
    floor or in its own."""
    several = sum(row is not None for row in rows) > 1
    return [
        Entry("-")
        if row is None
        else Entry(_figure(row, in_floors), several and row["rank"] == 1 and row["tested"])
        for row in rows
    ]


def _figure(row: Row, in_floors: bool) -> str:
    unit = row["floor"] if in_floors else 1.0
    mean, low, high = row["mean"] / unit, row["low"], row["high"]
    if low is None or high is None:
        return three(mean)
    return with_limits(mean, low / unit, high / unit)


def in_floors_of(metrics: Sequence[str]) -> str:
    """That the figures of these metrics are in units of their floors, and what those are."""
    backwards = [name for name in metrics if side(name) == "source"]
    text = f"{', '.join(metrics)} in units of their floor, which is their mean between independent "
    if len(backwards) == len(metrics):
        return f"{text}samples of the source"
    return f"{text}samples of the target" + (
        f" ({', '.join(backwards)}: of the source)" if backwards else ""
    )


def meaning(sheet: Sheet, mark: str) -> str:
    """What the figures of a sheet are, where this mark stands at the best."""
    counted = [m for m, yes in zip(sheet.metrics, sheet.in_floors, strict=True) if yes]
    units = [f"{in_floors_of(counted)}."] if counted else []
    told = zip(sheet.metrics, sheet.smallest, strict=True)
    seen = ", ".join(f"{text} in {metric}" for metric, text in told if text)
    power = [f"Differences show with a chance of 80% from {seen}."] if seen else []
    return " ".join([*units, *reading(sheet.rows, f"{mark} {BEST}"), *power])


def reading(rows: Sequence[Row], best: str) -> list[str]:
    """What is to be known of the scatter of these rows; `best` says how the best are marked."""
    several = [row for row in rows if row["seeds"] > 1]
    parts = [INTERVAL if several else ONE_SEED]
    if any(untold(row["mean"], row["low"], row["high"]) for row in several):
        parts.append(WIDE)
    by_data: dict[str, set[int | None]] = {}
    for row in rows:
        by_data.setdefault(row["data"], set()).add(row["points"])
    if any(len(points) > 1 for points in by_data.values()):
        parts.append(UNEQUAL)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["data"], row["metric"]), []).append(row)
    beside = [row for own in groups.values() if len(own) > 1 for row in own]
    ranked = [row for row in beside if row["rank"] is not None]
    if any(row["rank"] == 1 and row["tested"] for row in ranked):
        parts.append(f"{best} {BY_SEEDS if several else BY_SAMPLES}.")
    untested = [row for row in ranked if not row["tested"]]
    finite = list(dict.fromkeys(r["data"] for r in untested if r["floor"] is not None))
    rest = [row for row in untested if row["data"] not in finite]
    if lost := list(dict.fromkeys(r["metric"] for r in rest)):
        have = "has" if len(lost) == 1 else "have"
        parts.append(f"One seed tells nothing apart by {', '.join(lost)}, which {have} no floor.")
    if finite:
        parts.append(
            f"One seed tells nothing apart on {', '.join(finite)}, of which no fresh points can be "
            "drawn."
        )
    return parts
