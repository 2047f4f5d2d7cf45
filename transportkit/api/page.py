"""Results as one page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..core.record import Result
from ..harness.compare import table
from ..harness.naming import labels, row_labels
from ..report.page.build import build
from ..report.page.content import Named, content

TITLE = "Transport compared"


def page(results: Sequence[Result], title: str = TITLE) -> bytes:
    """The page of these results, as HTML."""
    return build(content(*_by_problem(results)), title).encode()


def _by_problem(results: Sequence[Result]) -> tuple[list[Named], list[dict[str, Any]]]:
    """The results with their names, and the table's rows; each problem is compared for itself, so
    that a name says only what differs there."""
    groups: dict[str, list[Result]] = {}
    for result, data in zip(results, labels([r.run.problem for r in results]), strict=True):
        groups.setdefault(data, []).append(result)
    named, rows = [], []
    for data, own in groups.items():
        methods = row_labels([result.run for result in own])
        named += [Named(r, method, data) for r, method in zip(own, methods, strict=True)]
        rows += [{**asdict(row), "data": data} for row in table(own)]
    return named, rows
