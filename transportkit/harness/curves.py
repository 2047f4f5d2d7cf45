"""Curves: a metric against evaluations, training seconds or dimension, and the Pareto front.

A curve joins rows of a comparison's table that differ in nothing but where they stand on the axis.
Its band is the rows' interval over seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from ..core.choice import Choice
from ..core.record import Result, Run
from .naming import Place, labels

if TYPE_CHECKING:
    from .compare import Row

Beats = Mapping[tuple[str, str], AbstractSet[tuple[str, str]]]
"""By problem and metric: pairs of methods, of which the first is better beyond doubt."""


@dataclass(frozen=True)
class Point:
    """A row of the table on an axis: where it stands and what it says.

    `front` says whether no other point of the same axis, problem and metric that stands no further
    along it is better beyond doubt, by the paired test of the table's ranks; it is False where
    neither direction of the metric is better.
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
ACROSS = Axis("dimension", _dimension, ("problem", "points"), False)


def curves(
    results: Mapping[Place, Sequence[Result]], rows: Sequence[Row], beats: Beats
) -> list[Curve]:
    """Every curve of results by place, whose table has these rows.

    There are none on an axis on which everything stands at one place.
    """
    done = {place: [r for r in own if r.status == "done"] for place, own in results.items()}
    done = {place: own for place, own in done.items() if own}
    found = []
    for data in dict.fromkeys(data for _, data in done):
        own = {place: each for place, each in done.items() if place[1] == data}
        for axis in WITHIN:
            found += _on(axis, data, own, rows, beats)
    return found + _across(done, rows, beats)


def _across(
    done: Mapping[Place, Sequence[Result]], rows: Sequence[Row], beats: Beats
) -> list[Curve]:
    """The curves over problems that differ in nothing but their dimension."""
    dims = {}
    for own in done.values():
        if (dim := _dimension(own[0])) is not None:
            dims[repr(own[0].run.problem)] = (own[0].run.problem, dim)
    setting = {
        name: key
        for name in {problem.name for problem, _ in dims.values()}
        if (key := _sets_dimension([each for each in dims.values() if each[0].name == name]))
    }
    families: dict[str, dict[Place, Sequence[Result]]] = {}
    kinds: dict[str, Choice] = {}
    for place, own in done.items():
        problem = own[0].run.problem
        left_out = setting.get(problem.name)
        kind = Choice(problem.name, {k: v for k, v in problem.params.items() if k != left_out})
        kinds[repr(kind)] = kind
        families.setdefault(repr(kind), {})[place] = own
    found = []
    for name, places in zip(labels(list(kinds.values())), families.values(), strict=True):
        found += _on(ACROSS, name, places, rows, beats)
    return found


def _sets_dimension(problems: Sequence[tuple[Choice, float]]) -> str | None:
    """Which parameter of problems of one name their dimension follows from, if one does."""
    for key in dict.fromkeys(key for problem, _ in problems for key in problem.params):
        by_value: dict[str, set[float]] = {}
        for problem, dim in problems:
            by_value.setdefault(repr(problem.params.get(key)), set()).add(dim)
        if len(by_value) > 1 and all(len(dims) == 1 for dims in by_value.values()):
            return key
    return None


def _on(
    axis: Axis,
    data: str,
    done: Mapping[Place, Sequence[Result]],
    rows: Sequence[Row],
    beats: Beats,
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
        drawn = [curve for curve in drawn if curve.points]
        ranked = axis.pareto and (data, metric) in beats
        found += _fronted(drawn, beats[data, metric]) if ranked else drawn
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


def _fronted(drawn: Sequence[Curve], beats: AbstractSet[tuple[str, str]]) -> list[Curve]:
    """The curves with their points on the Pareto front marked."""
    spots = [(p.x, p.method) for curve in drawn for p in curve.points]

    def beaten(point: Point) -> bool:
        return any(x <= point.x and (method, point.method) in beats for x, method in spots)

    return [
        replace(c, points=tuple(replace(p, front=not beaten(p)) for p in c.points)) for c in drawn
    ]
