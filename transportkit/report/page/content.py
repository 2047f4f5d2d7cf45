"""What a page shows of a comparison, worked out from its results."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import registry
from ...core.record import Result
from ...core.spec import MetricSpec
from ..document import result_document
from ..figures import number, seconds, three
from ..sheet import entry
from .command import command
from .view import view

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Named:
    """A result with the names that the comparison's table has for it."""

    result: Result
    method: str
    data: str


def content(named: Sequence[Named], rows: Sequence[Row]) -> dict[str, Any]:
    """The data of the page: every problem with its table, curves, samples and runs."""
    problems = dict.fromkeys(one.data for one in named)
    return {
        "problems": [
            _problem(
                data,
                [one for one in named if one.data == data],
                [row for row in rows if row["data"] == data],
            )
            for data in problems
        ],
        "across": _across(named, rows),
        "versions": _versions(named),
    }


def _versions(named: Sequence[Named]) -> dict[str, str]:
    """What the runs were done with; where they differ, everything that there is."""
    found: dict[str, dict[str, None]] = {}
    for one in named:
        for name, version in one.result.run.versions.items():
            found.setdefault(name, {})[version] = None
    return {name: " or ".join(each) for name, each in found.items()}


def _problem(data: str, own: Sequence[Named], rows: Sequence[Row]) -> dict[str, Any]:
    metrics = [_metric(name, rows) for name in dict.fromkeys(row["metric"] for row in rows)]
    metrics.sort(key=lambda metric: not metric["floors"])
    methods = list(dict.fromkeys(one.method for one in own))
    return {
        "name": data,
        "setting": _setting([one.result for one in own]),
        "metrics": metrics,
        "methods": [
            _method(name, [o.result for o in own if o.method == name], rows, metrics)
            for name in methods
        ],
        "axes": [axis for a in (BY_EVALUATIONS, BY_SECONDS) if (axis := _axis(a, own, rows))],
        "runs": [
            {**result_document(o.result, True), "name": o.method, "command": command(o.result.run)}
            for o in own
        ],
    }


def _metric(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    own = [row for row in rows if row["metric"] == name]
    floors = all(row["ratio"] is not None for row in own)
    return {
        "name": name,
        "floors": floors,
        "floor": three(own[0]["floor"]) if floors else None,
        "better": _better(name),
    }


def _better(metric: str) -> str | None:
    try:
        spec = registry.describe("metric", registry.split_choice(metric)[0]).spec
    except Exception:
        # A metric of a plugin that is no longer here: nothing is said of what is better.
        return None
    return spec.better if isinstance(spec, MetricSpec) else None


def _method(
    name: str, results: Sequence[Result], rows: Sequence[Row], metrics: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    by_metric = {row["metric"]: row for row in rows if row["method"] == name}
    done = [r for r in results if r.status == "done"]
    troubles: dict[str, list[int]] = {}
    for result in results:
        if result.message:
            status = "" if result.status == "done" else f"{result.status}: "
            troubles.setdefault(status + result.message, []).append(result.run.seed)
    return {
        "name": name,
        "seeds": len({r.run.seed for r in done}),
        "cells": {m["name"]: _cell(by_metric.get(m["name"]), m["floors"]) for m in metrics},
        "facts": [_fact(get, show, done) for _, get, show in FACTS],
        "troubles": [{"text": text, "seeds": seeds} for text, seeds in troubles.items()],
        "view": next(filter(None, map(view, sorted(done, key=lambda r: r.run.seed))), None),
    }


def _cell(row: Row | None, floors: bool) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "value": row["mean"],
        "ratio": row["ratio"],
        "text": entry(row, False).text,
        "ratio_text": entry(row, True).text if floors else None,
        "rank": row["rank"],
    }


FACTS: Sequence[tuple[str, Callable[[Result], float | None], Callable[[float | None], str]]] = (
    ("finished", lambda r: r.finished, lambda v: "-" if v is None else f"{v:.1%}"),
    ("NFE", lambda r: r.nfe, number),
    ("fit s", lambda r: r.fit_seconds, seconds),
    ("push s", lambda r: r.push_seconds, seconds),
)


def _fact(
    get: Callable[[Result], float | None],
    show: Callable[[float | None], str],
    results: Sequence[Result],
) -> dict[str, Any]:
    value = _mean([get(r) for r in results])
    return {"value": value, "text": show(value)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _setting(results: Sequence[Result]) -> str:
    seeds = len({r.run.seed for r in results})
    parts = [f"{seeds} seed{'s'[: seeds > 1]}"]
    points = sorted({r.points for r in results if r.points})
    if points:
        parts.append(f"{' or '.join(map(str, points))} points")
    parts.append(f"budget {' and '.join(dict.fromkeys(str(r.run.budget) for r in results))}")
    parts.append(" and ".join(dict.fromkeys(r.run.device for r in results)))
    return ", ".join(parts)


@dataclass(frozen=True)
class Axis:
    """What error is drawn against. Rows that differ in nothing but `free` are one curve."""

    key: str
    label: str
    at: Callable[[Result], float | None]
    free: tuple[str, ...]


def _dimension(result: Result) -> float | None:
    if result.event_shape is None:
        return None
    return float(math.prod(result.event_shape))


BY_EVALUATIONS = Axis("nfe", "evaluations per point (NFE)", lambda r: r.nfe, ("nfe", "integrator"))
BY_SECONDS = Axis("seconds", "training seconds", lambda r: r.fit_seconds, ("budget",))
BY_DIMENSION = Axis("dimension", "dimension", _dimension, ("problem",))


def _across(named: Sequence[Named], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Problems that differ in nothing but their dimension, with error against it."""
    families: dict[str, list[Named]] = {}
    for one in named:
        problem = one.result.run.problem
        rest = {k: v for k, v in problem.params.items() if k != "dim"}
        families.setdefault(f"{problem.name} {sorted(rest.items())}", []).append(one)
    found = []
    for own in families.values():
        mine = [row for row in rows if row["data"] in {one.data for one in own}]
        if axis := _axis(BY_DIMENSION, own, mine):
            names = dict.fromkeys(row["metric"] for row in mine)
            found.append(
                {
                    "name": own[0].result.run.problem.name,
                    "metrics": [_metric(name, mine) for name in names],
                    "axes": [axis],
                }
            )
    return found


Place = tuple[str, str]


def _axis(axis: Axis, own: Sequence[Named], rows: Sequence[Row]) -> dict[str, Any] | None:
    """The curves against one axis; None where everything stands at one place on it."""
    found: dict[Place, list[float]] = {}
    curves: dict[str, dict[Place, None]] = {}
    for one in own:
        x = axis.at(one.result)
        if one.result.status == "done" and x is not None:
            place = (one.method, one.data)
            found.setdefault(place, []).append(x)
            curves.setdefault(_curve(axis, one), {})[place] = None
    spots = {place: sum(xs) / len(xs) for place, xs in found.items()}
    if len(set(spots.values())) < 2:
        return None
    return {
        "key": axis.key,
        "label": axis.label,
        "curves": [
            {"name": _name(list(places)), "points": _points(places, spots, rows)}
            for places in curves.values()
        ],
    }


def _curve(axis: Axis, one: Named) -> str:
    left_out = (*axis.free, "seed", "versions")
    return repr({k: v for k, v in one.result.run.to_dict().items() if k not in left_out})


def _name(places: Sequence[Place]) -> str:
    """What the names of a curve's rows have in common."""
    words = [method.split(" ") for method, _ in places]
    common = [word for word in words[0] if all(word in other for other in words)]
    return " ".join(common) or words[0][0]


def _points(
    places: Iterable[Place], spots: Mapping[Place, float], rows: Sequence[Row]
) -> list[dict[str, Any]]:
    points = []
    for place in sorted(places, key=lambda each: spots[each]):
        values = {
            row["metric"]: {k: row[k] for k in ("mean", "low", "high", "floor", "seeds")}
            for row in rows
            if (row["method"], row["data"]) == place
        }
        points.append({"x": spots[place], "method": place[0], "values": values})
    return points
