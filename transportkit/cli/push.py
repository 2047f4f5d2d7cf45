"""`tk push`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from .. import registry
from ..core.integrator import Integrator
from ..core.model import Map
from ..core.random import derive
from ..errors import DataError
from ..harness import device as devices
from ..harness.saving import load_model
from ..harness.store import read_result
from ..problems.files import read_points, write_points
from ..transport import Transport


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
    place = devices.resolve(device)
    result = read_result(Path(run_folder))
    method, model = load_model(Path(run_folder), place)
    chosen = registry.parse_choice("integrator", integrator) if integrator else None
    chosen = chosen or result.run.integrator
    steps: Integrator | None = None
    if not isinstance(model, Map) and chosen is not None:
        steps = registry.make("integrator", chosen)
        wanted = nfe or result.run.nfe
        steps = steps.with_evaluations(wanted) if steps and wanted else steps
    x = read_points(points)
    if tuple(x.shape[1:]) != result.event_shape:
        raise DataError(
            f"'{points}' holds points of shape {tuple(x.shape[1:])}; this model moves points of "
            f"shape {result.event_shape}"
        )
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
        click.echo(json.dumps(document, indent=2))
    else:
        shares = ", ".join(f"{share:.1%} {name}" for name, share in stops.items())
        click.echo(f"{len(x)} points moved by {method} to {output} ({shares})")
    return 0
