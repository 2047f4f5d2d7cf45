"""What there is to see of a run in the plane: samples, and field lines in the space above it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from ..core.integrator import Integrator
from ..core.model import Field, PlateField
from ..core.span import Axis
from ..core.status import Stop
from ..integrate.field_lines import Lines
from ..transport import Transport
from .tracks import courses

Array = np.ndarray[Any, np.dtype[Any]]
STATES = 1200
"""States kept of each line."""
FINE = 1e-4
"""Tolerance of lines that are drawn."""
DIRECT, ROUND, LOST = "direct", "round", "lost"


@dataclass(frozen=True)
class Scene:
    """A run as a picture shows it; arrays of float.

    source, moved and target (n, 2) are the run's points. tracks (B, K, 3) are lines from B of them,
    whose third coordinate is the height between the plates in the units of the data, or the share
    of time where there are none; kinds (B,) say how each went: `direct`, `round` the outside of a
    plate, or `lost`. top is the height of the target plate, or 1; axis names that coordinate.
    """

    title: str
    source: Array
    moved: Array
    target: Array
    tracks: Array
    kinds: Array
    top: float
    plates: bool
    axis: Axis

    @property
    def elsewhere(self) -> bool:
        """Whether lines begin elsewhere than at the source points."""
        count = min(len(self.tracks), len(self.source))
        apart = np.abs(self.tracks[:count, 0, :2] - self.source[:count]).max(initial=0.0)
        return bool(apart > 1e-3 * np.ptp(self.source, 0).max(initial=0.0))

    def box(self) -> tuple[Array, Array]:
        """The least and the largest coordinates to show (2,): the points', with a margin."""
        points = np.concatenate([self.source, self.moved, self.target])
        low, high = np.quantile(points, 0.001, 0), np.quantile(points, 0.999, 0)
        middle, half = (low + high) / 2, 0.58 * float((high - low).max())
        return middle - half, middle + half


def look(
    title: str,
    field: Field,
    integrator: Integrator,
    samples: dict[str, Array],
    count: int,
    generator: Generator,
) -> Scene:
    """Follow the lines of `count` of the run's source points."""
    start = torch.from_numpy(samples["source"][:count])
    if isinstance(integrator, Lines):
        # What is accurate enough at its end is a polygon on the way.
        integrator = replace(integrator, tolerance=min(integrator.tolerance, FINE))
    lines = Transport(field, integrator).push(start, generator, save=STATES)
    assert lines.path is not None
    assert lines.times is not None
    states, number = lines.path.shape[:2]
    places = courses(start, lines, field).double()
    if isinstance(field, PlateField):
        unit = length_unit(field)
        height = (lines.path[..., -1].double() - field.span.start) * unit * field.span.sense
        top = field.span.distance * unit
    else:
        height, top = torch.linspace(0, 1, states).double()[:, None].expand(-1, number), 1.0
    tracks = torch.cat([places, height.T[..., None]], 2).cpu().numpy()
    outside = (tracks[..., 2] < -1e-6 * top) | (tracks[..., 2] > (1 + 1e-6) * top)
    kinds = np.where(outside.any(1), ROUND, DIRECT)
    kinds = np.where(lines.stop.cpu().numpy() != int(Stop.ARRIVED), LOST, kinds)
    plates, axis = isinstance(field, PlateField), field.axis
    points = {k: samples[k].astype(float) for k in ("source", "moved", "target")}
    return Scene(title, **points, tracks=tracks, kinds=kinds, top=top, plates=plates, axis=axis)


def length_unit(field: PlateField) -> float:
    """The length in the data of one unit of the field's states."""
    origin = field.lift(torch.zeros(1, 2))
    step = torch.zeros_like(origin)
    step[:, 0] = 1
    return float((field.along(origin + step) - field.along(origin)).norm())


def slice_of(field: PlateField, x: Tensor, y: float, z: Tensor) -> tuple[Array, Array | None]:
    """Directions (len(z), len(x), 2) in the plane of the first coordinate and the height, at the
    second coordinate y; and the log magnitudes (len(z), len(x)), where the field knows them.

    x and z are in the units of the data, z from the source plate.
    """
    heights, across = torch.meshgrid(z, x, indexing="ij")
    data = torch.stack([across.flatten(), torch.full_like(across.flatten(), y)], 1).float()
    states = field.lift(data)
    span = field.span
    states[:, -1] = span.start + span.sense * heights.flatten().float() / length_unit(field)
    with torch.no_grad():
        direction = field(torch.zeros(len(states)), states)
        log = field.log_magnitude(states)
    shape = (len(z), len(x))
    flat = direction[:, [0, -1]].view(*shape, 2).double().cpu().numpy()
    flat[..., 1] *= span.sense
    return flat, None if log is None else log.view(shape).double().cpu().numpy()
