"""Time courses: samples of one population at several times, one of which is left out."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch
from torch import Tensor

from ..core.problem import Empirical, Problem, Truth
from ..errors import DataError
from . import TimeCourseParams
from .checks import check_range, check_spread
from .files import read_points
from .own import refuse_few


def in_order(pattern: str) -> list[Path]:
    """The files that a pattern such as ``day_*.npy`` names, by the numbers in their names.

    Raises DataError where there are fewer than three: one before, one to leave out, one after.
    """
    path = Path(os.path.expanduser(pattern))
    files = sorted(path.parent.glob(path.name), key=_numbers)
    if len(files) < 3:
        found = f"{len(files)} files" if len(files) != 1 else "one file"
        raise DataError(
            f"'{pattern}' names {found}; a time course needs three or more, one for each time, "
            "such as 'day_*.npy'"
        )
    return files


def _numbers(path: Path) -> list[tuple[int, int | str]]:
    pieces = re.split(r"(\d+)", path.name)
    return [(0, int(piece)) if piece.isdigit() else (1, piece) for piece in pieces]


def timecourse(params: TimeCourseParams) -> Problem:
    """The time before the one left out to the time after it. Raises DataError.

    The time left out is half way by index, whatever the times are. With `whiten` every coordinate
    is standardised by its mean and standard deviation over all files together.
    """
    files = in_order(params.files)
    if not 0 < params.leave < len(files) - 1:
        raise DataError(
            f"leave must be 1 to {len(files) - 2}, for {len(files)} times have one before and one "
            f"after it, not {params.leave}"
        )
    times = [_columns(file, params.columns) for file in files]
    for file, x in zip(files, times, strict=True):
        if x.shape[1] != times[0].shape[1]:
            raise DataError(
                f"'{file}' has {x.shape[1]} columns and '{files[0]}' {times[0].shape[1]}; all "
                "times need the same, or set columns"
            )
    if params.whiten:
        every = torch.cat(times).double()
        mean, std = every.mean(0), every.std(0, correction=0)
        if (std == 0).any():
            raise DataError(f"column {int((std == 0).nonzero()[0]) + 1} is constant over all times")
        times = [((x - mean) / std).float() for x in times]
    before, left, after = (Empirical(x) for x in times[params.leave - 1 : params.leave + 2])
    names = [files[k].name for k in (params.leave - 1, params.leave, params.leave + 1)]
    scale = "standardised over all times" if params.whiten else "as they are"
    about = {
        "definition": f"{names[0]} to {names[2]}, with {names[1]} left out, first "
        f"{before.event_shape[0]} columns {scale}"
    }
    return Problem(before, after, Truth(between={0.5: left}), about=about)


def _columns(file: Path, count: int | None) -> Tensor:
    points = read_points(file)
    refuse_few(points, f"'{file}'")
    check_range(points, f"'{file}'")
    check_spread(points, f"'{file}'")
    if points.ndim != 2:
        raise DataError(f"'{file}' has points of shape {tuple(points.shape[1:])}, not a table")
    if count is not None and points.shape[1] < count:
        raise DataError(f"'{file}' has {points.shape[1]} columns, fewer than columns={count}")
    return points if count is None else points[:, :count]
