"""A comparison's table laid out for a page: a line for each method, a column for each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..registry import side
from .figures import three, with_limits

Row = Mapping[str, Any]
INTERVAL = "Mean over seeds ± half of its 95% interval, or its limits where they lie unevenly."
ONE_SEED = "One seed says nothing of the scatter of training."


@dataclass(frozen=True)
class Entry:
    """One figure as text; `best` where nothing is told apart from the best as better than it."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Sheet:
    """The methods on one problem. `entries` holds a line for each method, in order of `methods`.

    `in_floors` says of each metric whether its figures are in units of the noise floor, which
    `floors` gives in the metric's own.
    """

    data: str
    metrics: Sequence[str]
    in_floors: Sequence[bool]
    methods: Sequence[str]
    entries: Sequence[Sequence[Entry]]
    floors: Sequence[str]


def sheets(rows: Sequence[Row]) -> list[Sheet]:
    """The rows of a comparison's table, one sheet for each problem."""
    return [
        _sheet(data, [row for row in rows if row["data"] == data])
        for data in dict.fromkeys(row["data"] for row in rows)
    ]


def _sheet(data: str, rows: Sequence[Row]) -> Sheet:
    by_place = {(row["method"], row["metric"]): row for row in rows}
    methods = list(dict.fromkeys(row["method"] for row in rows))
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    counted = {m: all(r["ratio"] is not None for r in rows if r["metric"] == m) for m in metrics}
    # What has a floor stands together, first.
    metrics.sort(key=lambda metric: not counted[metric])
    entries = [
        [entry(by_place.get((method, metric)), counted[metric]) for metric in metrics]
        for method in methods
    ]
    floors = [
        three(next(r["floor"] for r in rows if r["metric"] == m)) if counted[m] else ""
        for m in metrics
    ]
    return Sheet(data, metrics, [counted[m] for m in metrics], methods, entries, floors)


def entry(row: Row | None, in_floors: bool) -> Entry:
    """A row's mean with its interval, in units of its floor or in its own."""
    if row is None:
        return Entry("-")
    unit = row["floor"] if in_floors else 1.0
    low, high = row["low"], row["high"]
    mean, best = row["mean"] / unit, row["rank"] == 1
    if low is None or high is None:
        return Entry(three(mean), best)
    return Entry(with_limits(mean, low / unit, high / unit), best)


def in_floors_of(metrics: Sequence[str]) -> str:
    """That the figures of these metrics are in units of their floors, and what those are."""
    backwards = [name for name in metrics if side(name) == "source"]
    text = f"{', '.join(metrics)} in units of their floor, which is their mean between independent "
    if len(backwards) == len(metrics):
        return f"{text}samples of the source"
    return f"{text}samples of the target" + (
        f" ({', '.join(backwards)}: of the source)" if backwards else ""
    )


def meaning(sheet: Sheet) -> str:
    """What the figures of a sheet are."""
    parts = []
    counted = [m for m, yes in zip(sheet.metrics, sheet.in_floors, strict=True) if yes]
    if counted:
        parts.append(f"{in_floors_of(counted)}.")
    if any("±" in one.text or "(" in one.text for line in sheet.entries for one in line):
        parts.append(INTERVAL)
    else:
        parts.append(ONE_SEED)
    return " ".join(parts)
