"""What a page shows of a comparison, worked out from its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import registry
from ...core.record import Result, reason
from ...core.spec import MetricSpec
from ..document import result_document
from ..figures import number, seconds, untold
from ..remarks import shared_remarks
from ..sheet import entries_of, floor_of, reading
from .command import command
from .view import view

Row = Mapping[str, Any]
Said = Mapping[str, Sequence[Row]]
"""What is said of a comparison, as its JSON document has it: table, pairs, resolution, curves."""
LABELS = {
    "nfe": "evaluations per point (NFE)",
    "seconds": "training seconds",
    "dimension": "dimension",
}
ACROSS = "dimension"
"""The axis along which there are several problems."""


@dataclass(frozen=True)
class Named:
    """A result with the names that the comparison's table has for it."""

    result: Result
    method: str
    data: str


def content(named: Sequence[Named], said: Said, settings: Mapping[str, str]) -> dict[str, Any]:
    """The data of the page: every problem with its table, curves, samples and runs. `settings` says
    by the name of a problem what its runs have in common."""
    problems = dict.fromkeys(one.data for one in named)
    return {
        "problems": [
            _problem(data, settings[data], [one for one in named if one.data == data], said)
            for data in problems
        ],
        "across": _across(said),
        "versions": _versions(named),
    }


def _versions(named: Sequence[Named]) -> dict[str, str]:
    """What the runs were done with; where they differ, everything that there is."""
    found: dict[str, dict[str, None]] = {}
    for one in named:
        for name, version in one.result.run.versions.items():
            found.setdefault(name, {})[version] = None
    return {name: " or ".join(each) for name, each in found.items()}


def _problem(data: str, setting: str, own: Sequence[Named], said: Said) -> dict[str, Any]:
    rows, pairs, resolution, curves = (
        [row for row in said[part] if row["data"] == data]
        for part in ("table", "pairs", "resolution", "curves")
    )
    metrics = [_metric(name, rows) for name in dict.fromkeys(row["metric"] for row in rows)]
    metrics.sort(key=lambda metric: not metric["floors"])
    methods = list(dict.fromkeys(one.method for one in own))
    columns = {m["name"]: _column(m, methods, rows) for m in metrics}
    return {
        "name": data,
        "setting": setting,
        "metrics": metrics,
        "methods": [
            _method(
                name,
                [o.result for o in own if o.method == name],
                {metric: cells[i] for metric, cells in columns.items()},
            )
            for i, name in enumerate(methods)
        ],
        "meaning": _meaning([one.result for one in own], rows, resolution),
        "axes": _axes([curve for curve in curves if curve["axis"] != ACROSS]),
        "pairs": [{k: pair[k] for k in PAIR} for pair in pairs],
        "resolution": resolution,
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
        "floor": floor_of([row["floor"] for row in own]) if floors else None,
        "better": _better(name),
    }


def _better(metric: str) -> str | None:
    try:
        spec = registry.describe("metric", registry.split_choice(metric)[0]).spec
    except Exception:
        # A metric of a plugin that is no longer here: nothing is said of what is better.
        return None
    return spec.better if isinstance(spec, MetricSpec) else None


def _method(name: str, results: Sequence[Result], cells: Mapping[str, Any]) -> dict[str, Any]:
    done = [r for r in results if r.status == "done"]
    troubles: dict[str, list[int]] = {}
    for result in results:
        if result.message:
            text = result.message if result.status == "done" else reason(result, ": ")
            troubles.setdefault(text, []).append(result.run.seed)
    notes = shared_remarks(results)
    # What all runs of the row say needs no seeds.
    notes = {text: [] if len(seeds) == len(results) else seeds for text, seeds in notes.items()}
    return {
        "name": name,
        "seeds": len({r.run.seed for r in done}),
        "cells": cells,
        "facts": [_fact(get, show, done) for _, get, show in FACTS],
        "troubles": [{"text": text, "seeds": seeds} for text, seeds in (troubles | notes).items()],
        "view": next(filter(None, map(view, sorted(done, key=lambda r: r.run.seed))), None),
    }


def _column(
    metric: Mapping[str, Any], methods: Sequence[str], rows: Sequence[Row]
) -> list[dict[str, Any] | None]:
    """A cell for each of these methods under a metric; None where it has no figure. Its `mark` is a
    star for what alone is best, ≈ for several that are not told apart."""
    by_method = {row["method"]: row for row in rows if row["metric"] == metric["name"]}
    own = [by_method.get(name) for name in methods]
    figures, ratios = entries_of(own, False), entries_of(own, True) if metric["floors"] else None
    mark = "★" if sum(figure.best for figure in figures) == 1 else "≈"
    return [
        None
        if row is None
        else {
            "value": row["mean"],
            "ratio": row["ratio"],
            "text": figures[i].text,
            "ratio_text": ratios[i].text if ratios else None,
            "mark": mark if figures[i].best else "",
        }
        for i, row in enumerate(own)
    ]


def _meaning(results: Sequence[Result], rows: Sequence[Row], resolution: Sequence[Row]) -> str:
    """What the figures of a problem's table are."""
    if not rows:
        return "No run here has figures."
    parts = []
    if any(row["ratio"] is not None for row in rows):
        parts.append(
            "The floor is the distance between independent samples of the target: 1 is as near as "
            "can be told."
        )
    parts += reading(rows, "★ best; ≈ not told apart from the best")
    if any(result.alone is False for result in results):
        parts.append("~ timed while other runs went on beside it.")
    if any(row["smallest"] is not None for row in resolution):
        parts.append(
            "Resolution: the smallest difference between two methods that would show with a "
            "chance of 80%."
        )
    return " ".join(parts)


PAIR = ("metric", "first", "second", "seeds", "difference", "low", "high", "adjusted", "differs")
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
    beside = show is seconds and any(r.alone is False for r in results)
    return {"value": value, "text": f"~{show(value)}" if beside else show(value)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _axes(curves: Sequence[Row]) -> list[dict[str, Any]]:
    """Curves as the page draws them, by axis."""
    found = []
    for axis, label in LABELS.items():
        own = [curve for curve in curves if curve["axis"] == axis]
        if own:
            drawn = [
                {
                    "method": curve["method"],
                    "metric": curve["metric"],
                    "points": [_drawn(point) for point in curve["points"]],
                }
                for curve in own
            ]
            found.append({"key": axis, "label": label, "curves": drawn})
    return found


def _drawn(point: Row) -> Row:
    """A point without an interval that tells nothing, which would set the scale of its picture."""
    low, high = point["low"], point["high"]
    if low is None or high is None or not untold(point["mean"], low, high):
        return point
    return {**point, "low": None, "high": None}


def _across(said: Said) -> list[dict[str, Any]]:
    """Problems that differ in nothing but their dimension, with error against it."""
    curves = [curve for curve in said["curves"] if curve["axis"] == ACROSS]
    found = []
    for name in dict.fromkeys(curve["data"] for curve in curves):
        own = [curve for curve in curves if curve["data"] == name]
        problems = {point["data"] for curve in own for point in curve["points"]}
        rows = [row for row in said["table"] if row["data"] in problems]
        metrics = [_metric(metric, rows) for metric in dict.fromkeys(c["metric"] for c in own)]
        found.append({"name": name, "metrics": metrics, "axes": _axes(own)})
    return found
