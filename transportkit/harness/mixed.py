"""What is mixed in the tables of runs: a row's seeds of different code, whose mean is therefore of
neither, and rows that were trained or judged by unequal measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from ..core.record import Result
from .naming import places
from .setting import unequal

LEFT_OUT = "python"
"""A version that changes no figure."""
DIGITS = 24
NAMED = 3
"""Rows that are named; of more it is said how many there are."""


def mixed(results: Sequence[Result]) -> list[str]:
    """A line for each mixture, for a warning."""
    return [*mixtures(results), *unequal(results)]


def mixtures(results: Sequence[Result]) -> list[str]:
    """A line for the rows whose seeds are of different versions, saying which are of which."""
    if not _differing(result.run.versions for result in results):
        return []
    rows: dict[tuple[str, str], list[Result]] = {}
    for result, place in zip(results, places([r.run for r in results]), strict=True):
        if result.metrics:
            rows.setdefault(place, []).append(result)
    found: dict[str, list[str]] = {}
    for (method, data), own in rows.items():
        if names := _differing(result.run.versions for result in own):
            found.setdefault(_which(own, names), []).append(f"{method} on {data}")
    return [
        f"the mean of {_listed(named)} mixes versions: {text}; --fresh does all of them with one"
        for text, named in found.items()
    ]


def _differing(versions: Iterable[Mapping[str, str]]) -> list[str]:
    """What is of several versions. Results share what their versions are kept in, mostly."""
    by_name: dict[str, set[str]] = {}
    for each in {id(v): v for v in versions}.values():
        for name, version in each.items():
            by_name.setdefault(name, set()).add(version)
    return [n for n, different in by_name.items() if len(different) > 1 and n != LEFT_OUT]


def _which(results: Sequence[Result], names: Sequence[str]) -> str:
    seeds: dict[str, list[int]] = {}
    for result in results:
        own = result.run.versions
        code = " and ".join(f"{name} {own[name][:DIGITS]}" for name in names if name in own)
        seeds.setdefault(code, []).append(result.run.seed)
    return ", ".join(
        f"seed{'s'[: len(own) > 1]} {_spans(sorted(own))} of {code}" for code, own in seeds.items()
    )


def _listed(rows: Sequence[str]) -> str:
    more = len(rows) - NAMED
    return ", ".join(rows[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _spans(seeds: Sequence[int]) -> str:
    """Seeds in order as ``0-4, 7``."""
    starts = [seeds[0], *(b for a, b in pairwise(seeds) if b > a + 1)]
    ends = [*(a for a, b in pairwise(seeds) if b > a + 1), seeds[-1]]
    return ", ".join(f"{a}-{b}" if b > a else f"{a}" for a, b in zip(starts, ends, strict=True))
