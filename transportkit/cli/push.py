"""`tk push`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from .. import registry
from ..core.integrator import Integrator
from ..core.model import Map, Model
from ..core.random import derive
from ..core.record import Run
from ..errors import DataError, UsageError
from ..harness import device as devices
from ..harness.saving import load_model
from ..harness.store import read_result
from ..problems.files import check_place, read_points, write_points
from ..report.document import as_text
from ..transport import Transport
from .interrupts import check


def push(
    *,
    run_folder: str,
    points: str,
    output: str,
    reverse: bool,
    seed: int,
    integrator: str | None,
    nfe: int | None,
    device: str,
    as_json: bool,
    debug: bool,
) -> int:
    """Move the points of a file with a stored model; the exit status."""
    if seed < 0:
        raise UsageError(f"a seed is 0 or more, not {seed}")
    if nfe is not None and nfe < 1:
        raise UsageError(f"nfe must be at least 1, not {nfe}")
    check_place(output)
    place = devices.resolve(device)
    result = read_result(Path(run_folder))
    method, model = load_model(Path(run_folder), place)
    x = read_points(points)
    if tuple(x.shape[1:]) != result.event_shape:
        raise DataError(
            f"'{points}' holds points of shape {tuple(x.shape[1:])}; this model moves points of "
            f"shape {result.event_shape}"
        )
    steps = _integrator(result.run, model, integrator, nfe)
    check()
    begun = time.perf_counter()
    generator = derive(seed, "push", device=place)
    moved = Transport(model, steps).push(
        x.to(place), generator, batch=result.run.batch, reverse=reverse
    )
    seconds = time.perf_counter() - begun
    write_points(output, moved.points.cpu())
    stops = {k: v for k, v in moved.stops.items() if v}
    if as_json:
        document = {
            "method": method.name,
            "points": len(x),
            "output": output,
            "finished": moved.finished,
            "stops": stops,
            "nfe": float(moved.evaluations.double().mean()),
            "push_seconds": seconds,
        }
        click.echo(as_text(document))
    else:
        shares = ", ".join(f"{share:.1%} {name}" for name, share in stops.items())
        click.echo(f"{len(x)} points moved by {method} to {output} ({shares})")
    return 0


def _integrator(run: Run, model: Model, typed: str | None, nfe: int | None) -> Integrator | None:
    """The integrator typed, or else the run's own with the run's own number of evaluations."""
    if isinstance(model, Map):
        if typed or nfe is not None:
            raise UsageError("a map moves points directly; leave out --integrator and --nfe")
        return None
    choice = registry.parse_choice("integrator", typed) if typed else run.integrator
    if choice is None:
        return None
    wanted = nfe if typed or nfe is not None else run.nfe
    steps: Integrator = registry.make("integrator", choice)
    return steps if wanted is None else steps.with_evaluations(wanted)
