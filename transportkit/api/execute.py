"""Executing many runs: for `compare` and for the command of that name."""

from __future__ import annotations

from contextlib import closing
from typing import Protocol

from ..harness.executors import Backend, Work
from ..harness.outcome import FAILED, Outcome
from ..harness.plan import check_problems


class Watcher(Protocol):
    """Told how the runs go; see `transportkit.report.bars.Bars`."""

    def listen(self, phase: str, done: float, total: float | None, text: str) -> None: ...

    def next_run(self, title: str) -> None: ...

    def say(self, text: str) -> None: ...


def execute(work: Work, place: Backend, watcher: Watcher) -> list[Outcome]:
    """The outcome of every run, in their order.

    Raises DataError, before any work, for a problem whose samples cannot be used.
    """
    runs, store = work.runs, work.store
    check_problems(runs)
    outcomes: dict[str, Outcome] = {}
    stream = place.outcomes(work)
    try:
        with closing(stream):
            for outcome in stream:
                result = outcome.result
                outcomes[result.run.key()] = outcome
                watcher.next_run(str(result.run))
                if result.status in FAILED:
                    log = f"; see {result.folder}/log.txt" if result.folder else ""
                    watcher.say(f"{result.run}: {result.status}, {result.message}{log}")
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{len(outcomes)} of {len(runs)} runs are finished and kept in {store.folder}; "
            "the same command goes on from there."
        ) from None
    return [outcomes[run.key()] for run in runs if run.key() in outcomes]
