"""`tk export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ..errors import UsageError
from ..harness.compare import compare, details
from ..harness.gather import gather
from ..harness.setting import settings
from ..report.document import comparison_document, result_document
from ..report.export import check_output, export, write
from ..report.flat import Rows
from .console import route_warnings, warn_of_mixtures


def export_runs(folder: str, to: str, rows: Rows, output: str | None) -> None:
    """Write the comparison of the runs in a folder, or print it."""
    route_warnings()
    if to == "parquet" and output is None:
        raise UsageError("parquet is not text; name a file with -o")
    file = Path(output).expanduser() if output is not None else None
    if file:
        check_output(file, to)
    results = gather(Path(folder))
    warn_of_mixtures(results)
    cells = [result_document(result, found=True) for result in results]
    found = compare(results)
    document = comparison_document(cells, [asdict(row) for row in found.rows], details(found))
    content = export(document, to, rows, settings(results))
    if file is None:
        click.echo(content.decode(), nl=False)
        return
    write(content, file, to)
    count = "1 result" if len(results) == 1 else f"{len(results)} results"
    click.echo(f"{count} to {output}", err=True)
