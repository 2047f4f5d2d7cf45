"""`tk report`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

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
    runs = [result.run for result in results]
    names = zip(results, row_labels(runs), labels([run.problem for run in runs]), strict=True)
    rows = [asdict(row) for row in table(results)]
    page = build(content([Named(*each) for each in names], rows), title or "Transport compared")
    write(page.encode(), Path(output).expanduser())
    click.echo(f"{len(results)} results to {output}", err=True)
