"""`tk reproduce`."""

from __future__ import annotations

from pathlib import Path

import click

from ..harness.reproduce import FLOOR_STDS, SHARE, Reproduction
from ..harness.reproduce import reproduce as again
from ..report.document import as_text
from ..report.figures import number
from .console import Bars, route_warnings


def reproduce(*, cell: str, device: str | None, as_json: bool, quiet: bool, debug: bool) -> int:
    """Do a run again and say whether it agrees; the exit status is 1 where it does not."""
    route_warnings()
    with Bars(quiet) as bars:
        found = again(Path(cell).expanduser(), device, bars.listen)
    if as_json:
        click.echo(as_text(found.to_dict()))
    else:
        _print(found)
    return 0 if found.agrees else 1


def _print(found: Reproduction) -> None:
    run = found.then.run
    click.secho(f"{run}: {found.verdict}", bold=True)
    if found.now.status != "done":
        click.echo(f"{found.now.status}: {found.now.message}")
    rows = [("metric", "then", "now", "difference", "allowed")]
    for a in found.agreements:
        known = a.then is not None and a.now is not None
        if known or not a.equal:
            difference = abs((a.then or 0) - (a.now or 0)) if known else None
            allowed = "0" if found.exact else number(a.allowed)
            rows.append((a.metric, number(a.then), number(a.now), number(difference), allowed))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    for row in rows if len(rows) > 1 else []:
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        click.echo("  ".join([f"{row[0]:<{widths[0]}}", *cells]))
    if found.largest is not None:
        click.echo(f"moved points: largest difference of a coordinate {number(found.largest)}")
    for name, (then, now) in found.changed.items():
        click.echo(f"changed: {name}: {then} then, {now} now")
    if not found.exact:
        click.secho(
            f"Allowed are {FLOOR_STDS:g} standard deviations of the floor, or {SHARE:.0%} of a "
            "value without one.",
            dim=True,
        )
