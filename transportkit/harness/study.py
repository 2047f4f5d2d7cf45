"""A comparison as it is done: an experiment, where its runs are kept, and what executes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..core.params import whole
from ..core.record import Result, Run, reason
from ..errors import UsageError
from .experiment import Experiment
from .outcome import FAILED, Outcome
from .plan import Asked, check_problems
from .sizing import Size, sized
from .store import FLOORS, Store
from .suite import keep_suite
from .uncollected import uncollected

if TYPE_CHECKING:
    from .executors import Backend, Work


class Watcher(Protocol):
    """Told how the runs go; see `transportkit.report.bars.Bars`."""

    def listen(self, phase: str, done: float, total: float | None, text: str) -> None: ...

    def next_run(self, title: str) -> None: ...

    def say(self, text: str) -> None: ...


Told = Callable[[Outcome], None]
"""What is told of every run as it ends."""
Watch = Callable[[int], AbstractContextManager[Watcher]]
"""What shows the progress of so many runs while they are executed."""


@dataclass(frozen=True)
class Study:
    """An experiment and how it is done.

    Results are kept in `out`, with a copy of the `suite` where it is of one. `jobs` are local
    processes, `executor` names another place; `fresh` does again what is finished, `alone` what
    was timed beside other work. One that `reads` alone is to be looked at, and writes nothing.
    """

    experiment: Experiment
    out: Path
    suite: Path | None = None
    jobs: int = 1
    executor: Asked | None = None
    fresh: bool = False
    alone: bool = False
    reads: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "jobs", whole("jobs", self.jobs, 1))
        if self.alone and (self.jobs > 1 or self.executor not in (None, "local")):
            raise UsageError("alone runs one at a time, here; leave out jobs and executor")

    @cached_property
    def asked(self) -> Experiment:
        """The experiment, for the device of the place that executes it."""
        if self.executor is None:
            return self.experiment
        # Imports torch, which a comparison that finds everything finished does without.
        from .executors import backend

        device = backend(self.executor, self.jobs).device(self.experiment.device)
        return replace(self.experiment, device=device)

    @property
    def runs(self) -> list[Run]:
        """Every run. Raises UsageError or PluginError before any work starts."""
        return self._planned[0]

    @property
    def sizes(self) -> list[Size]:
        """How the evaluation size of each problem was chosen; empty where it was given."""
        return self._planned[1]

    @cached_property
    def _planned(self) -> tuple[list[Run], list[Size]]:
        runs, sizing = self.asked.runs(), self.asked.sizing
        if sizing is None:
            return runs, []
        return sized(
            runs,
            sizing,
            self.store.folder / FLOORS,
            fresh=self.fresh,
            writes=not self.reads,
            before=self.store.check_writable,
        )

    @cached_property
    def store(self) -> Store:
        """Where results are kept. Raises UsageError where there is no such place."""
        return Store(self.out, reads=self.reads)

    @property
    def notes(self) -> dict[str, Any]:
        """What the author of the experiment says of it, and the sizes that were chosen for it."""
        said = {"protocol": self.asked.protocol, "published": self.asked.published}
        return {**said, "sizes": [asdict(size) for size in self.sizes] or None}

    def execute(self, watch: Watch, told: Told = lambda outcome: None) -> list[Outcome]:
        """The outcome of every run, in their order; those that are finished are found.

        `told` hears of each run that was not found, as soon as it is over. Raises, before the first
        of them, DataError for a problem whose samples cannot be used, and UsageError where runs are
        to be done and the store cannot be written.
        """
        runs, store = self.runs, self.store
        if self.suite is not None and not store.refusal:
            keep_suite(self.suite, self.out)
        if not self.fresh and (found := self._finished(store)) is not None:
            return found
        store.check_writable()
        from .executors import Work, backend

        place = backend(self.executor, self.jobs)
        with watch(len(runs)) as watcher:
            listen, device = watcher.listen, self.asked.device
            work = Work(runs, store, device, self.fresh, listen, timed=self.alone)
            outcomes = outcomes_of(work, place, watcher, told)
        store.remember(runs)
        return outcomes

    def _finished(self, store: Store) -> list[Outcome] | None:
        """Every run found finished; None where one is not, or was timed beside others in vain."""
        outcomes = []
        with uncollected():
            for run in self.runs:
                found = store.find(run)
                if found is None or (self.alone and found.alone is False):
                    return None
                outcomes.append(Outcome(found, found=True))
            store.remember(self.runs)
        return outcomes


def teller(tracker: Callable[[Result], None] | None) -> Told:
    """What tells a tracker, where there is one, of the results of runs."""

    def tell(outcome: Outcome) -> None:
        if tracker:
            tracker(outcome.result)

    return tell


def outcomes_of(work: Work, place: Backend, watcher: Watcher, told: Told) -> list[Outcome]:
    """The outcome of every run, in their order; `told` hears of those not found as they come."""
    runs = work.runs
    check_problems(runs, place.here)
    outcomes: dict[str, Outcome] = {}
    stream = place.outcomes(work)
    try:
        with closing(stream):
            for outcome in stream:
                result = outcome.result
                outcomes[result.run.key()] = outcome
                if not outcome.found:
                    told(outcome)
                watcher.next_run(str(result.run))
                if result.status in FAILED:
                    log = (
                        f"; see {result.folder}/log.txt"
                        if result.folder and outcome.traceback
                        else ""
                    )
                    watcher.say(f"{result.run}: {reason(result)}{log}")
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{len(outcomes)} of {len(runs)} runs are finished and kept in {work.store.folder}; "
            "the same command goes on from there."
        ) from None
    return [outcomes[run.key()] for run in runs if run.key() in outcomes]
