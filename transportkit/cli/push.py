"""`tk push`."""

from __future__ import annotations

import click

from ..api.pushing import inputs_of, pushed
from ..api.record import RunRecord
from ..core.params import whole
from ..errors import TransportkitError
from ..harness.plan import evaluations
from ..problems.files import check_output, write_points
from ..report.document import as_text
from .console import route_warnings
from .interrupts import check


def push(
    *,
    run_folder: str,
    points: str,
    output: str,
    replace: bool,
    reverse: bool,
    seed: int,
    integrator: str | None,
    nfe: int | None,
    device: str,
    as_json: bool,
    debug: bool,
) -> int:
    """Move the points of a file with a stored model; the exit status."""
    check_output(output, {"the points that are to be moved": (points,)})
    # Before the run is read: what is typed wrong is said first.
    whole("a seed", seed, 0)
    if nfe is not None:
        evaluations(nfe)
    route_warnings()
    record = RunRecord.read(run_folder)
    check_output(output, inputs_of(record, points), replace, "--replace")
    check()
    moved = pushed(
        record, points, reverse=reverse, seed=seed, integrator=integrator, nfe=nfe, device=device
    )
    if not moved.finished:
        if moved.message:
            click.echo(f"Warning: {moved.message}", err=True)
        raise TransportkitError(f"{moved.lost}; nothing was written")
    write_points(output, moved.points, moved.names)
    stops = {k: v for k, v in moved.moved.stops.items() if v}
    if as_json:
        document = {
            "method": record.run.method.name,
            "message": moved.message,
            "points": len(moved.points),
            "output": output,
            "finished": moved.finished,
            "stops": stops,
            "rim": moved.moved.rim,
            "nfe": float(moved.moved.evaluations.double().mean()),
            "push_seconds": moved.seconds,
        }
        click.echo(as_text(document))
    else:
        shares = f" ({moved.shares})" if moved.shares else ""
        count = "1 point" if len(moved.points) == 1 else f"{len(moved.points)} points"
        click.echo(f"{count} moved by {record.run.method} to {output}{shares}")
    for text in moved.warnings:
        click.echo(f"Warning: {text}", err=True)
    return 0
