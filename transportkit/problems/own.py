"""A user's own samples, source and target, from files."""

from __future__ import annotations

from torch import Tensor

from ..core.problem import Empirical, Problem
from ..errors import DataError
from . import SamplesParams
from .files import check_range, check_spread, read_points

FEWEST = 8
"""Samples of each side at least: half of them train, half judge."""


def refuse_few(points: Tensor, path: str) -> None:
    """Raise DataError for fewer than `FEWEST` points."""
    if len(points) < FEWEST:
        count = "1 sample" if len(points) == 1 else f"{len(points)} samples"
        raise DataError(
            f"'{path}' has {count}; at least {FEWEST} are needed, because half are held out"
        )


def refuse_constant(points: Tensor, path: str) -> None:
    """Raise DataError for a table (N, D) with a column that never changes.

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
    raise DataError(
        f"'{path}': column {column + 1}{more} is constant at {points[0, column].item():g}; remove "
        "it from both files, give images as (N, C, H, W), or set constant=keep"
    )


def samples(params: SamplesParams) -> Problem:
    """The two files as a problem. Raises DataError for samples that cannot be used."""
    both = []
    for path in (params.source, params.target):
        points = read_points(path)
        refuse_few(points, path)
        check_range(points, f"'{path}'")
        check_spread(points, f"'{path}'")
        if params.constant == "refuse":
            refuse_constant(points, path)
        both.append(points)
    source, target = both
    if source.shape[1:] != target.shape[1:]:
        raise DataError(
            f"'{params.source}' has points of shape {tuple(source.shape[1:])} and "
            f"'{params.target}' of {tuple(target.shape[1:])}; both need the same dimensions"
        )
    about: dict[str, object] = {"source": params.source, "target": params.target}
    if source.ndim == 4 and source.shape[1] in (1, 3):
        about["image"] = list(source.shape[1:])
    return Problem(Empirical(source), Empirical(target), about=about)
