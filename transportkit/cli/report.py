"""`tk report`."""

from __future__ import annotations

from pathlib import Path

import click

from ..api.page import TITLE, page
from ..harness.gather import gather
from ..report.export import write
from .console import route_warnings, warn_of_mixtures


def report(folder: str, output: str, title: str | None) -> None:
    """Write the page of the runs in a folder."""
    route_warnings()
    results = gather(Path(folder))
    warn_of_mixtures(results)
    write(page(results, title or TITLE), Path(output).expanduser())
    click.echo(f"{len(results)} results to {output}", err=True)
