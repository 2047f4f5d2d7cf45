"""`tk report`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..core.record import Result
from ..harness.compare import table
from ..harness.gather import gather
from ..harness.naming import labels, row_labels
from ..report.export import write
from ..report.page.build import build
from ..report.page.content import Named, content
from .console import route_warnings


def report(folder: str, output: str, title: str | None) -> None:
    """Write the page of the runs in a folder."""
    route_warnings()
    results = gather(Path(folder))
    page = build(content(*_by_problem(results)), title or "Transport compared")
    write(page.encode(), Path(output).expanduser())
    click.echo(f"{len(results)} results to {output}", err=True)


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
