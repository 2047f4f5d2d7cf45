"""Points moved by the model of a stored run."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ..core.params import whole
from ..core.random import derive
from ..core.record import Result, ended
from ..core.status import Stop
from ..errors import DataError
from ..harness import device as devices
from ..harness.outside import outside
from ..harness.provenance import inputs
from ..harness.whole import model_is_whole
from ..problems.checks import check_range, checked
from ..problems.files import (
    check_order,
    check_output,
    column_names,
    read_points,
    write_points,
)
from ..transport import Moved
from .given import check_flags, path

if TYPE_CHECKING:
    from .record import RunRecord

Points: TypeAlias = Tensor | np.ndarray | str | os.PathLike[str]
"""Points (N, *E): a tensor, an array, or a file that holds them."""


@dataclass(frozen=True)
class Pushed:
    """Points that a run's model moved, and how long that took.

    `points` (N, *E) is a tensor on the CPU; `moved` has the statuses and the evaluations of each.
    `lines` says whether they went along lines, or were moved by a map.
    `names` are those of the columns of the table that the points came in, if it had some. `message`
    says how many points lie far outside what the model was fitted to, or that this was not checked;
    it is empty where none do. `lost` says how many points did not arrive, and is empty where all
    did; they are where they stopped. `inputs` are the files, by what they hold, that the points and
    the model came from.
    """

    moved: Moved
    seconds: float
    lines: bool
    names: tuple[str, ...] = ()
    message: str = ""
    lost: str = ""
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def points(self) -> Tensor:
        return self.moved.points

    @property
    def finished(self) -> float:
        """The share of lines that arrived."""
        return self.moved.finished

    @property
    def shares(self) -> str:
        """The shares of lines with each status. A map has no lines: of its points only those that
        came to no finite place are told."""
        stops = {name: share for name, share in self.moved.stops.items() if share}
        if not self.lines:
            stops.pop(Stop.ARRIVED.label, None)
        said = [f"{share:.1%} {name}" for name, share in stops.items()]
        return ", ".join([*said, *([f"{rim:.1%} on the rim"] if (rim := self.moved.rim) else [])])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be warned of: `message` and `lost`, where they are not empty."""
        return tuple(text for text in (self.message, self.lost) if text)

    def save(self, output: str | os.PathLike[str], replace: bool = False) -> Path:
        """Write the points to a file, whose suffix names the format: ``tk push -o``.

        A table has the names of the columns of that which the points came in. Raises UsageError
        for a format or a place that there is not and, without `replace`, for a file that is there
        already, DataError for one that the points or the model came from, and TransportkitError
        where it cannot be written.
        """
        check_flags(replace=replace)
        place = path("output", output)
        check_output(str(place), self.inputs, replace, "replace=True")
        write_points(str(place), self.points, self.names)
        return place

    def __repr__(self) -> str:
        shape = tuple(self.points.shape)
        parts = [f"points {shape}", self.shares, f"{self.seconds:.2f} s"]
        return ", ".join(filter(None, parts))


def pushed(
    record: RunRecord,
    points: Points,
    *,
    reverse: bool = False,
    seed: int = 0,
    integrator: str | None = None,
    nfe: int | None = None,
    device: str = "auto",
    batch: int | None = None,
) -> Pushed:
    """Points moved as `RunRecord.push` does, without its warnings."""
    check_flags(reverse=reverse)
    seed = whole("a seed", seed, 0)
    batch = record.run.batch if batch is None else whole("batch", batch, 1)
    place = devices.resolve(device)
    check_fitted(record.result)
    x = points_of(points)
    if tuple(x.shape[1:]) != record.result.event_shape:
        where = f"'{points}'" if isinstance(points, str | os.PathLike) else "the array"
        raise DataError(
            f"{where} holds points of shape {tuple(x.shape[1:])}; this model moves points of "
            f"shape {record.result.event_shape}"
        )
    # Before there is work to lose.
    names: tuple[str, ...] = ()
    if isinstance(points, str | os.PathLike):
        names = column_names(points)
        fitted = record.run.problem.params.get("target" if reverse else "source")
        # The file that the model was fitted to may be elsewhere by now.
        if names and isinstance(fitted, str) and os.path.exists(fitted):
            check_order(points, fitted)
    transport = record.transport(integrator=integrator, nfe=nfe, device=device)
    message = outside(record.folder, x, "target" if reverse else "source")
    begun = time.perf_counter()
    moved = transport.push(
        x.to(place),
        derive(seed, "push", device=place),
        batch=batch,
        reverse=reverse,
    )
    seconds = time.perf_counter() - begun
    rim = None if moved.at_rim is None else moved.at_rim.cpu()
    here = Moved(moved.points.cpu(), moved.stop.cpu(), moved.evaluations.cpu(), at_rim=rim)
    lines = transport.integrator is not None
    lost = _lost(here, lines)
    return Pushed(here, seconds, lines, names, message, lost, inputs_of(record, points))


def inputs_of(record: RunRecord, points: Points) -> dict[str, tuple[str, ...]]:
    """The files of points, by what they hold, that are not to be written over."""
    own = (os.fspath(points),) if isinstance(points, str | os.PathLike) else ()
    fitted = tuple(str(file) for file in inputs(record.run))
    return {"the points that are to be moved": own, "what this run was fitted to": fitted}


def check_fitted(result: Result) -> None:
    """Raise DataError for a run that came to no model, with the reason."""
    if result.status == "done" or result.event_shape is not None:
        return
    if result.folder is not None and model_is_whole(result.folder):
        return
    was = ended(result.status)
    why = f"{was}: {result.message}" if result.message else was
    raise DataError(f"this run {why.rstrip('.')}; it has no model")


def _lost(moved: Moved, lines: bool) -> str:
    """What to say of points that did not arrive, and what to do where none at all did."""
    count, of = int((moved.stop != int(Stop.ARRIVED)).sum()), len(moved.points)
    if not count:
        return ""
    stops = {stop: moved.stops[stop.label] for stop in Stop if stop != Stop.ARRIVED}
    shares = ", ".join(f"{share:.1%} {stop.label}" for stop, share in stops.items() if share)
    if count < of and not lines:
        return f"{count} of {of} points came to no finite place: {_STAYED[count > 1]}"
    if count < of:
        where = "it is where it stopped" if count == 1 else "they are where they stopped"
        return f"{count} of {of} points did not arrive ({shares}): {where}"
    reason = max(stops, key=stops.__getitem__)
    if not lines:
        who = "the point" if of == 1 else f"none of {of} points"
        came = "came to no finite place" if of == 1 else "came to a finite place"
        return f"{who} {came}: bring the points to the units of the run"
    if reason == Stop.NOT_FINITE:
        hint = "take another integrator or another number of evaluations"
    else:
        hint = reason.text
    who = "the point did not arrive" if of == 1 else f"none of {of} points arrived"
    return f"{who} ({shares}): {hint}"


_STAYED = ("it is where it was", "they are where they were")


def points_of(points: Points, owner: str = "the array of points") -> Tensor:
    """Points (N, *E) in float32, from a tensor, an array or a file. Raises DataError, where
    messages call an array the `owner`."""
    if isinstance(points, str | os.PathLike):
        x = read_points(points)
        check_range(x, f"'{os.fspath(points)}'")
        return x
    try:
        given: Tensor | np.ndarray
        if isinstance(points, Tensor):
            given = points
        elif hasattr(points, "__cuda_array_interface__"):
            # An array of another library on a CUDA device, which numpy does not read.
            given = torch.as_tensor(points)
        else:
            given = np.asarray(points)
        if isinstance(given, Tensor) and given.layout != torch.strided:
            given = given.to_dense()
    except (TypeError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise DataError(
            f"{owner} should be a tensor, an array or a file of points ({said})"
        ) from None
    if np.ma.is_masked(points):
        raise DataError(f"{owner} has masked values; fill them or drop those rows")
    if isinstance(given, np.ndarray) and given.dtype == object:
        raise DataError(
            f"{owner} should be a tensor, an array or a file of points, not "
            f"{'an array of objects' if given.ndim else type(points).__name__}"
        )
    x = checked(given, owner)
    check_range(x, owner)
    return x
