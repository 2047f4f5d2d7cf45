"""Results as one page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from ..core.record import Result
from ..harness.compare import Comparison, better, compare, details
from ..harness.curves import Place, across, finished
from ..harness.naming import labels, row_labels
from ..report.page.build import build
from ..report.page.content import Named, content

TITLE = "Transport compared"


def page(results: Sequence[Result], title: str = TITLE) -> bytes:
    """The page of these results, as HTML."""
    named, said = _by_problem(results)
    parts = {"table": [asdict(row) for row in said.rows], **details(said)}
    return build(content(named, parts), title).encode()


def _by_problem(results: Sequence[Result]) -> tuple[list[Named], Comparison]:
    """The results with their names, and what is said of them; each problem is compared for itself,
    so that a name says only what differs there."""
    groups: dict[str, list[Result]] = {}
    for result, data in zip(results, labels([r.run.problem for r in results]), strict=True):
        groups.setdefault(data, []).append(result)
    named: list[Named] = []
    said = Comparison([], [], [], [])
    for data, own in groups.items():
        methods = row_labels([result.run for result in own])
        named += [Named(r, method, data) for r, method in zip(own, methods, strict=True)]
        found = compare(own)
        said.rows.extend(replace(row, data=data) for row in found.rows)
        said.contrasts.extend(replace(each, data=data) for each in found.contrasts)
        said.resolutions.extend(replace(each, data=data) for each in found.resolutions)
        said.curves.extend(replace(curve, data=data) for curve in found.curves)
    places: dict[Place, list[Result]] = {}
    for one in named:
        places.setdefault((one.method, one.data), []).append(one.result)
    said.curves.extend(across(finished(places), said.rows, better))
    return named, said
