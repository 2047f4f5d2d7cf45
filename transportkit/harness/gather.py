"""Results gathered from a folder of runs: what a comparison would show of them, once each."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

from ..core.record import Budget, Result, Run
from ..errors import DataError
from .index import Index
from .naming import places
from .plan import solves_at_once
from .results import RESULT, read_result
from .store import finished, folders_without_result, run_folders
from .uncollected import uncollected

log = logging.getLogger("transportkit")


def gather(folder: Path) -> list[Result]:
    """Every result in a store's folder, or that of one run, by problem, method and seed.

    Of equal work that was done by several versions of code the newest result stands, and a failure
    only where nothing newer was finished; the log says how many are left out. Results that cannot
    be read are named in the log. Raises DataError where there is no result at all.
    """
    if not os.path.isdir(folder):
        if os.path.exists(folder):
            raise DataError(f"'{folder}' is a file; name the folder where runs are kept")
        raise DataError(f"there is no folder '{folder}'")
    if (folder / RESULT).exists():
        return [read_result(folder)]
    found: list[tuple[float, Result]] = []
    index = Index(folder, finished)
    with uncollected():
        for place in run_folders(folder):
            try:
                result = index.result(place.name) or read_result(place)
                found.append(((place / RESULT).stat().st_mtime, result))
            except (DataError, OSError) as error:
                log.warning("%s; it is left out", error)
    for place in folders_without_result(folder):
        log.warning("'%s' has lost its %s; it is left out", place, RESULT)
    if not found:
        raise DataError(f"'{folder}' holds no run that can be read; name one where runs are kept")
    results = _ordered(_newest(found))
    if left := len(found) - len(results):
        plural = "s are" if left > 1 else " is"
        log.warning("%d older result%s left out: the same work was done again since", left, plural)
    return results


def _ordered(results: Sequence[Result]) -> list[Result]:
    """By the names of their rows, whose numbers count as numbers: nfe=4 before nfe=20."""
    named = zip(places([result.run for result in results]), results, strict=True)
    keys = [((_natural(data), _natural(method), r.run.seed), r) for (method, data), r in named]
    return [result for _, result in sorted(keys, key=itemgetter(0))]


def _natural(name: str) -> tuple[list[str | int], str]:
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _newest(found: Iterable[tuple[float, Result]]) -> list[Result]:
    kept: dict[str, tuple[tuple[bool, float], Result]] = {}
    for time, result in found:
        # A failure that was mended stands aside, whichever folder was written last.
        merit = (result.status in ("done", "refused"), time)
        work = _work(result.run)
        if work not in kept or merit > kept[work][0]:
            kept[work] = (merit, result)
    return [result for _, result in kept.values()]


def _work(run: Run) -> str:
    """The content key without versions of code; digests of the files that were read stay."""
    files = f"{run.problem.name} "
    kept = {name: digest for name, digest in run.versions.items() if name.startswith(files)}
    # What is solved is the same under every budget.
    budget = Budget() if solves_at_once(run) else run.budget
    return replace(run, versions=kept, budget=budget).key()
