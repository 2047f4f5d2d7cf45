"""A user's own samples, source and target, from files."""

from __future__ import annotations

from torch import Tensor

from ..core.problem import Empirical, Problem
from ..errors import DataError
from . import SamplesParams
from .arrays import is_kept, owner
from .checks import check_range, check_spread
from .files import check_order, read_points
from .oddities import nearer, warn_of_one, warn_of_side, warn_of_sizes

FAR = 1e6
"""Values from which on float32 numbers lie more than 0.06 apart."""

FEWEST = 8
"""Samples of each side at least: half of them train, half judge."""


def refuse_few(points: Tensor, owner: str) -> None:
    """Raise DataError for fewer than `FEWEST` points."""
    if len(points) < FEWEST:
        count = "1 sample" if len(points) == 1 else f"{len(points)} samples"
        raise DataError(
            f"{owner} has {count}; at least {FEWEST} are needed, because half are held out"
        )


def refuse_constant(points: Tensor, owner: str, other: Tensor, keep: str) -> None:
    """Raise DataError for a table (N, D) with a column that never changes; `other` is the other
    side's, and `keep` the way to have it all the same.

    Such a column breaks whatever inverts a covariance. Images may well have pixels that never
    change, and are let through.
    """
    if points.ndim > 2:
        return
    constant = (points == points[0]).all(0)
    if not constant.any():
        return
    column = int(constant.nonzero()[0])
    value = points[0, column].item()
    others = int(constant.sum()) - 1
    if constant.all():
        what = f"all {len(points)} rows are the same point"
    else:
        more = f" (and {others} more)" if others else ""
        what = f"column {column + 1}{more} is constant at {value:g}"
    if abs(value) > FAR:
        # It may have changed in the file, and been rounded to one value.
        apart = abs(value - float(other[:, column].median())) > FAR
        way = f"{nearer(apart)}, or remove a column that never changes"
        raise DataError(f"{owner}: {what} in single precision; {way}")
    way = "remove it from both sides, give images as (N, C, H, W)"
    if constant.all():
        way = "give points that differ"
    raise DataError(f"{owner}: {what}; {way}, or keep it by {keep}")


def samples(params: SamplesParams) -> Problem:
    """The two files as a problem. Raises DataError for samples that cannot be used."""
    both = []
    names = owner(params.source, "source"), owner(params.target, "target")
    for path, name in zip((params.source, params.target), names, strict=True):
        points = read_points(path)
        refuse_few(points, name)
        check_range(points, name)
        check_spread(points, name)
        both.append(points)
    source, target = both
    check_order(params.target, params.source)
    if source.shape[1:] != target.shape[1:]:
        raise DataError(
            f"{names[0]} has points of shape {tuple(source.shape[1:])} and {names[1]} of "
            f"{tuple(target.shape[1:])}; both need the same dimensions"
        )
    keep = "data='samples:source=...,target=...,constant=keep' with files"
    if not is_kept(params.source) and not is_kept(params.target):
        keep = "--data samples:source=...,target=...,constant=keep"
    for points, name, other in ((source, names[0], target), (target, names[1], source)):
        if params.constant == "refuse":
            refuse_constant(points, name, other, keep)
        warn_of_side(points, name, other)
    warn_of_sizes(source, target)
    warn_of_one(source, target)
    about: dict[str, object] = {"source": params.source, "target": params.target}
    if source.ndim == 4 and source.shape[1] in (1, 3):
        about["image"] = list(source.shape[1:])
    return Problem(Empirical(source), Empirical(target), about=about)
