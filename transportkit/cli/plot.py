"""`tk plot`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..api.drawing import draw
from .interrupts import check


def plot(
    *, run_folder: str, output: str | None, what: str, lines: int, as_json: bool, debug: bool
) -> int:
    """Draw a run in the plane; the exit status."""
    place = Path(output).expanduser() if output else None
    written = []
    for file in draw(Path(run_folder), what, lines, place):
        written.append(str(file))
        check()
    click.echo(json.dumps({"files": written}, indent=2) if as_json else "\n".join(written))
    return 0
