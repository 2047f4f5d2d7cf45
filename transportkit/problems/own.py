"""A user's own samples, source and target, from files."""

from __future__ import annotations

import logging
from functools import cache

import torch
from torch import Tensor

from ..core.problem import Empirical, Problem
from ..errors import DataError
from . import SamplesParams
from .files import check_order, check_range, check_spread, read_points

log = logging.getLogger("transportkit")

UNLIKE = 30.0
"""Times another's spread from which on methods that see both in one unit are told to fail."""

COARSE = 0.1
"""Spreads of a column between neighbouring float32 numbers from which on its points are rounded."""

OUTLYING = 100.0
"""Times the median distance from the middle from which on points rule W2 and its floor."""

FAR = 1e6
"""Values from which on float32 numbers lie more than 0.06 apart."""

FEWEST = 8
"""Samples of each side at least: half of them train, half judge."""


def refuse_few(points: Tensor, path: str) -> None:
    """Raise DataError for fewer than `FEWEST` points."""
    if len(points) < FEWEST:
        count = "1 sample" if len(points) == 1 else f"{len(points)} samples"
        raise DataError(
            f"'{path}' has {count}; at least {FEWEST} are needed, because half are held out"
        )


def refuse_constant(points: Tensor, path: str, other: Tensor) -> None:
    """Raise DataError for a table (N, D) with a column that never changes; `other` is the other
    side's.

    Such a column breaks whatever inverts a covariance. Images may well have pixels that never
    change, and are let through.
    """
    if points.ndim > 2:
        return
    constant = (points == points[0]).all(0)
    if not constant.any():
        return
    column = int(constant.nonzero()[0])
    others = int(constant.sum()) - 1
    more = f" (and {others} more)" if others else ""
    value = points[0, column].item()
    # Values far from 0 may have changed in the file, and been rounded to one.
    apart = abs(value - float(other[:, column].median())) > FAR
    far = f" in single precision; {_nearer(apart)}, where it does change, or"
    raise DataError(
        f"'{path}': column {column + 1}{more} is constant at {value:g}"
        f"{far if abs(value) > FAR else ';'} remove it from both files, give images as "
        "(N, C, H, W), or keep it by --data samples:source=...,target=...,constant=keep"
    )


def _nearer(apart: bool) -> str:
    """How samples come nearer to 0, where single precision is finer. An offset that both sides
    share makes no difference; laws far apart have none that helps both."""
    if apart:
        return "subtract from each file its own middle first, and add the target's to moved points"
    return "subtract what both files share first"


def warn_of_units(points: Tensor, path: str, other: Tensor) -> None:
    """Warn of a table (N, D) whose columns are of unlike units, or which has points far outside;
    `other` is the other side's."""
    if points.ndim == 2:
        spreads = points.double().std(0)
        changing = spreads.masked_fill(spreads == 0, spreads.max())
        wide, narrow = int(spreads.argmax()), int(changing.argmin())
        times = float(spreads[wide] / changing[narrow])
        if times > UNLIKE:
            _warn(
                f"'{path}': column {wide + 1} spreads {times:.3g} times as much as column "
                f"{narrow + 1}, and most methods and metrics see all in one unit; bring columns to "
                "like units first"
            )
        changing = spreads.masked_fill(spreads == 0, torch.inf)
        rounding = torch.finfo(torch.float32).eps / changing
        coarse = int((rounding * points.abs().amax(0)).argmax())
        way = (points[:, coarse].median() - other[:, coarse].median()).abs()
        if rounding[coarse] * points[:, coarse].abs().max() > COARSE:
            _warn(
                f"'{path}': column {coarse + 1} spreads {float(changing[coarse]):.3g} at values of "
                f"up to {float(points[:, coarse].abs().max()):.3g}, where single precision rounds "
                f"what tells its points apart; {_nearer(bool(rounding[coarse] * way > COARSE))}"
            )
    flat = points.flatten(1).double()
    away = (flat - flat.median(0).values).norm(dim=1)
    times = float(away.max() / away.median().clamp_min(1e-300))
    if OUTLYING < times < 1e300:
        _warn(
            f"'{path}': some points lie {times:.3g} times as far out as half of them; w2, "
            "sliced_w2 and their floors are ruled by those, energy and mmd are not"
        )


def warn_of_sizes(source: Tensor, target: Tensor) -> None:
    """Warn of samples (N, ...) and (M, ...) of which one is many times the other's size."""
    first, second = (float(x.double().flatten(1).std(0).norm()) for x in (source, target))
    times = max(first, second) / min(first, second) if first and second else 0.0
    if times > UNLIKE:
        larger = "source" if first > second else "target"
        _warn(
            f"the {larger} spreads {times:.3g} times as much as the other side, and methods that "
            "see both in one unit miss the smaller one; bring both to like units first"
        )


@cache
def _warn(text: str) -> None:
    """Once in a process, however many runs read the files."""
    log.warning("%s", text)


def samples(params: SamplesParams) -> Problem:
    """The two files as a problem. Raises DataError for samples that cannot be used."""
    both = []
    for path in (params.source, params.target):
        points = read_points(path)
        refuse_few(points, path)
        check_range(points, f"'{path}'")
        check_spread(points, f"'{path}'")
        both.append(points)
    source, target = both
    check_order(params.target, params.source)
    if source.shape[1:] != target.shape[1:]:
        raise DataError(
            f"'{params.source}' has points of shape {tuple(source.shape[1:])} and "
            f"'{params.target}' of {tuple(target.shape[1:])}; both need the same dimensions"
        )
    for points, path, other in (
        (source, params.source, target),
        (target, params.target, source),
    ):
        if params.constant == "refuse":
            refuse_constant(points, path, other)
        warn_of_units(points, path, other)
    warn_of_sizes(source, target)
    about: dict[str, object] = {"source": params.source, "target": params.target}
    if source.ndim == 4 and source.shape[1] in (1, 3):
        about["image"] = list(source.shape[1:])
    return Problem(Empirical(source), Empirical(target), about=about)
