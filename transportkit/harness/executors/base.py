"""The interface of everything that executes runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from ...core.record import Run
from .. import device as devices
from ..execute import Outcome
from ..fitting import Listener, silent
from ..store import Store

Group = deque[Run]
"""Runs that share a fit, to be done one after another in one place."""


@dataclass(frozen=True)
class Work:
    """Runs to execute, where their results are kept, and how.

    `listener` is told how the run at hand goes, where that is known. `timed` asks for times that
    no other run disturbed: those that were are done again.
    """

    runs: Sequence[Run]
    store: Store
    device: str = "auto"
    fresh: bool = False
    listener: Listener = silent
    timed: bool = False


class Backend(ABC):
    """Settings of a way to execute runs. Subclasses are frozen dataclasses."""

    here: ClassVar[bool] = False
    """Whether runs are executed on this machine, with its memory."""

    @abstractmethod
    def outcomes(self, work: Work) -> Generator[Outcome, None, None]:
        """Execute the runs, yielding outcomes as they come, in any order.

        Runs that are finished in the store are found there. Whatever becomes of the place of a
        run, it costs the run that was being done there. Closing the iterator stops what is being
        done. Raises TransportkitError where nothing can be executed at all, or no more.
        """

    def device(self, name: str) -> str:
        """What ``auto`` stands for where the runs are executed; any other name as it is."""
        return devices.resolve("auto").type if name == "auto" else name


def search(work: Work) -> Generator[Outcome, None, deque[Group]]:
    """Yield the runs found finished; the groups of what is left to do."""
    waiting = []
    for run in work.runs:
        found = None if work.fresh else work.store.find(run)
        if found:
            yield Outcome(found, found=True)
        else:
            waiting.append(run)
    return grouped(waiting)


def grouped(runs: Iterable[Run]) -> deque[Group]:
    """Neighbours that share a fit, together."""
    return deque(deque(group) for _, group in groupby(runs, key=Run.fit_key))
