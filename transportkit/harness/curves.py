"""Curves: a metric against evaluations, training seconds or dimension, and the Pareto front.

A curve joins rows of a comparison's table that differ in nothing but where they stand on the axis.
Its band is the rows' interval over seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from ..core.choice import Choice
from ..core.record import Result, Run
from .naming import labels

if TYPE_CHECKING:
    from .compare import Row

Place = tuple[str, str]
"""A row of the table, whatever its metric: its method and its problem."""


@dataclass(frozen=True)
class Point:
    """A row of the table on an axis: where it stands and what it says.

    `front` says whether no other point of the same axis, problem and metric is at least as good in
    both and better in one; it is False where neither direction of the metric is better.
    """

    x: float
    method: str
    data: str
    seeds: int
    mean: float
    low: float | None
    high: float | None
    floor: float | None
    front: bool = False


@dataclass(frozen=True)
class Curve:
    """One method under one metric against ``nfe``, ``seconds`` of training or ``dimension``.

    `method` is what the names of its rows have in common. `data` is a problem; against dimension,
    the name of problems that differ in their dimension alone.
    """

    axis: str
    data: str
    metric: str
    method: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Axis:
    """What error is set against. Rows that differ in nothing but `free` are one curve."""

    name: str
    at: Callable[[Result], float | None]
    free: tuple[str, ...]
    pareto: bool


def _dimension(result: Result) -> float | None:
    return None if result.event_shape is None else float(math.prod(result.event_shape))


WITHIN = (
    Axis("nfe", lambda r: r.nfe, ("nfe", "integrator"), True),
    Axis("seconds", lambda r: r.fit_seconds, ("budget",), True),
)
ACROSS = Axis("dimension", _dimension, ("problem",), False)
Better = Callable[[str], str | None]


def curves(
    results: Mapping[Place, Sequence[Result]], rows: Sequence[Row], better: Better
) -> list[Curve]:
    """Every curve of results by place, whose table has these rows.

    There are none on an axis on which everything stands at one place. `better` says of a metric
    which direction is, if any.
    """
    done, found = finished(results), []
    for data in dict.fromkeys(data for _, data in done):
        own = {place: each for place, each in done.items() if place[1] == data}
        for axis in WITHIN:
            found += _on(axis, data, own, rows, better)
    return found + across(done, rows, better)


def finished(results: Mapping[Place, Sequence[Result]]) -> dict[Place, list[Result]]:
    """What is done of them, without the places where nothing is."""
    done = {place: [r for r in own if r.status == "done"] for place, own in results.items()}
    return {place: own for place, own in done.items() if own}


def across(
    done: Mapping[Place, Sequence[Result]], rows: Sequence[Row], better: Better
) -> list[Curve]:
    """The curves over problems that differ in nothing but their dimension."""
    families: dict[str, dict[Place, Sequence[Result]]] = {}
    kinds: dict[str, Choice] = {}
    for place, own in done.items():
        problem = own[0].run.problem
        kind = Choice(problem.name, {k: v for k, v in problem.params.items() if k != "dim"})
        kinds[repr(kind)] = kind
        families.setdefault(repr(kind), {})[place] = own
    found = []
    for name, places in zip(labels(list(kinds.values())), families.values(), strict=True):
        found += _on(ACROSS, name, places, rows, better)
    return found


def _on(
    axis: Axis,
    data: str,
    done: Mapping[Place, Sequence[Result]],
    rows: Sequence[Row],
    better: Better,
) -> list[Curve]:
    spots: dict[Place, float] = {}
    lines: dict[str, list[Place]] = {}
    for place, own in done.items():
        known = [x for r in own if (x := axis.at(r)) is not None]
        if known:
            spots[place] = fmean(known)
            lines.setdefault(_line(axis, own[0].run), []).append(place)
    if len(set(spots.values())) < 2:
        return []
    mine = [row for row in rows if (row.method, row.data) in spots]
    found = []
    for metric in dict.fromkeys(row.metric for row in mine):
        by_place = {(row.method, row.data): row for row in mine if row.metric == metric}
        drawn = [
            Curve(axis.name, data, metric, common(places), _points(places, spots, by_place))
            for places in lines.values()
        ]
        found += _fronted([c for c in drawn if c.points], better(metric) if axis.pareto else None)
    return found


def _line(axis: Axis, run: Run) -> str:
    """What is the same for all rows of a curve; of an integrator that is free, its name."""
    left_out = (*axis.free, "seed", "versions")
    same = {k: v for k, v in run.to_dict().items() if k not in left_out}
    return repr((same, None if run.integrator is None else run.integrator.name))


def common(places: Sequence[Place]) -> str:
    """What the names of a curve's rows have in common."""
    words = [method.split(" ") for method, _ in places]
    shared = [word for word in words[0] if all(word in other for other in words)]
    return " ".join(shared) or words[0][0]


def _points(
    places: Iterable[Place], spots: Mapping[Place, float], rows: Mapping[Place, Row]
) -> tuple[Point, ...]:
    made = []
    for place in sorted(places, key=lambda each: spots[each]):
        if row := rows.get(place):
            x, (method, data) = spots[place], place
            made.append(Point(x, method, data, row.seeds, row.mean, row.low, row.high, row.floor))
    return tuple(made)


def _fronted(drawn: Sequence[Curve], better: str | None) -> list[Curve]:
    """The curves with their points on the Pareto front marked."""
    if better is None:
        return list(drawn)
    sign = 1 if better == "lower" else -1
    ends = [(p.x, sign * p.mean) for curve in drawn for p in curve.points]

    def beaten(point: Point) -> bool:
        x, y = point.x, sign * point.mean
        return any(a <= x and b <= y and (a, b) != (x, y) for a, b in ends)

    return [
        replace(c, points=tuple(replace(p, front=not beaten(p)) for p in c.points)) for c in drawn
    ]
