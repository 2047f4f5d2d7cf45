"""What is odd about a user's samples, though methods can be run on them: warnings, each once."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .copies import by_rounding, copies

log = logging.getLogger("transportkit")

UNLIKE = 30.0
"""Times another's spread from which on methods that see both in one unit are told to fail."""

COARSE = 0.1
"""Spreads of a column between neighbouring float32 numbers from which on its points are rounded."""

OUTLYING = 100.0
"""Times the median distance from the middle from which on points rule W2 and its floor."""

COPIES = 0.01
"""Share of rows that are copies of others, and not by rounding, from which on they are told of."""

SCATTER = 5.0
"""Standard deviations that the number of copies by rounding may be off."""


def warn_of_side(points: Tensor, owner: str, other: Tensor) -> None:
    """Warn of points (N, *E) that are rounded, many of which are copies of others, or which are of
    unlike units or far outside; `other` is the other side's."""
    # Rounding makes copies, and is what is to be told of then.
    if not _warn_of_rounding(points, owner, other):
        _warn_of_copies(points, owner)
    _warn_of_numbering(points, owner)
    _warn_of_units(points, owner)
    _warn_of_outliers(points, owner)


def _warn_of_copies(points: Tensor, owner: str) -> None:
    """Warn of points of which many are copies of others: half of all are held out."""
    count, some = copies(points), COPIES * len(points)
    if count <= some:
        return
    rounded = by_rounding(points)
    if count - rounded > some + SCATTER * rounded**0.5:
        _warn(
            f"{owner}: {count} of {len(points)} rows are copies of other rows, so that held-out "
            "points are trained on as well and figures look better than they are; keep one of "
            "each, unless the values are few by nature or were rounded",
            points,
        )


def _warn_of_numbering(points: Tensor, owner: str) -> None:
    """Warn of a table (N, D) of which a column numbers the rows, or the first row the columns, as
    pandas writes them where it is not told otherwise."""
    if points.ndim != 2:
        return
    steps = points.diff(dim=0)
    # Other numbers, such as years, may well be what was measured.
    counts = (steps == 1).all(0) & ((points[0] == 0) | (points[0] == 1))
    if counts.any():
        column = int(counts.nonzero()[0])
        _warn(
            f"{owner}: column {column + 1} numbers the rows, from {points[0, column]:g}, and is "
            "taken for a coordinate; leave it out, where it is an index",
            points,
        )
    numbers = torch.arange(points.shape[1], dtype=points.dtype)
    whole = (points == points.round()).all(1)
    if points.shape[1] > 1 and bool((points[0] == numbers).all()) and not whole[1:].any():
        _warn(
            f"{owner}: the first row numbers the columns, from 0, and is taken for a point; leave "
            "it out, where it is a header",
            points,
        )


def _warn_of_units(points: Tensor, owner: str) -> None:
    """Warn of a table (N, D) whose columns are of unlike units."""
    if points.ndim != 2:
        return
    spreads = points.double().std(0)
    changing = spreads.masked_fill(spreads == 0, spreads.max())
    wide, narrow = int(spreads.argmax()), int(changing.argmin())
    times = float(spreads[wide] / changing[narrow])
    if times > UNLIKE:
        _warn(
            f"{owner}: column {wide + 1} spreads {times:.3g} times as much as column "
            f"{narrow + 1}, and most methods and metrics see all in one unit; bring columns to "
            "like units first",
            points,
        )


def _warn_of_outliers(points: Tensor, owner: str) -> None:
    """Warn of points of which some lie far outside."""
    flat = points.flatten(1).double()
    away = (flat - flat.median(0).values).norm(dim=1)
    times = float(away.max() / away.median().clamp_min(1e-300))
    if OUTLYING < times < 1e300:
        _warn(
            f"{owner}: some points lie {times:.3g} times as far out as half of them; w2, "
            "sliced_w2 and their floors are ruled by those, energy and mmd are not",
            points,
        )


def _warn_of_rounding(points: Tensor, owner: str, other: Tensor) -> bool:
    """Warn of a column of a table (N, D) so far from 0 that its numbers lie far apart, and say
    whether there is one."""
    if points.ndim != 2:
        return False
    spreads = points.double().std(0)
    changing = spreads.masked_fill(spreads == 0, torch.inf)
    rounding = torch.finfo(torch.float32).eps / changing
    largest = points.abs().amax(0)
    column = int((rounding * largest).argmax())
    if rounding[column] * largest[column] <= COARSE:
        return False
    value = float(largest[column])
    way = (points[:, column].median() - other[:, column].median()).abs()
    _warn(
        f"{owner}: values of up to {value:.3g} in column {column + 1} are stored in steps of "
        f"{np.spacing(np.float32(value)):.2g}, coarse beside their spread of "
        f"{float(changing[column]):.2g}; {nearer(bool(rounding[column] * way > COARSE))}",
        points,
    )
    return True


def nearer(apart: bool) -> str:
    """How samples come nearer to 0, where single precision is finer. An offset that both sides
    share makes no difference; laws far apart have none that helps both."""
    if apart:
        return "subtract its own mean from either side, and add the target's to moved points"
    return "subtract the same offset from both sides"


def warn_of_sizes(
    source: Tensor, target: Tensor, of: str = "", way: str = "bring both to like units first"
) -> None:
    """Warn of samples (N, ...) and (M, ...) of which one is many times the other's size; `of` says
    whose they are, and `way` how to change that."""
    first, second = (float(x.double().flatten(1).std(0).norm()) for x in (source, target))
    times = max(first, second) / min(first, second) if first and second else 0.0
    if times > UNLIKE:
        larger = "source" if first > second else "target"
        _warn(
            f"the {larger}{of} spreads {times:.3g} times as much as the other side, and methods "
            f"that see both in one unit miss the smaller one; {way}",
            source,
            target,
        )


def warn_of_one(source: Tensor, target: Tensor) -> None:
    """Warn of two sides that are the same points."""
    if torch.equal(source, target):
        _warn("source and target are the same points, which no method need move", source)


def _warn(text: str, *about: Tensor) -> None:
    """Once in a process for the same points, however many runs read them."""
    _told(text, tuple((*x.shape, float(x.double().sum())) for x in about))


@cache
def _told(text: str, about: tuple[Any, ...]) -> None:
    log.warning("%s", text)
