"""`tk report`."""

from __future__ import annotations

from pathlib import Path

import click

from ..api.page import TITLE, page
from ..harness.gather import gather
from ..report.export import check_output, write
from .console import route_warnings, warn_of_mixtures


def report(folder: str, output: str, title: str | None) -> None:
    """Write the page of the runs in a folder."""
    route_warnings()
    file = Path(output).expanduser()
    check_output(file, "html")
    results = gather(Path(folder))
    warn_of_mixtures(results)
    write(page(results, title or TITLE), file, "html")
    count = "1 result" if len(results) == 1 else f"{len(results)} results"
    click.echo(f"{count} to {output}", err=True)
