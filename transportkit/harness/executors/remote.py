"""What a process on another machine does: execute one run for a plan that was made elsewhere."""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from ...core.record import Result, Run
from ...errors import TransportkitError
from .. import atomic, provenance
from ..execute import Executor, Outcome
from ..store import Store
from .base import Work

_one_at_a_time = threading.Lock()


class UnfitWorker(TransportkitError):
    """A machine that cannot execute runs of this plan."""


@contextmanager
def marked(store: Store) -> Iterator[Path]:
    """A mark in the store by which workers tell that they see the same folder."""
    with atomic.marked(store.folder.absolute()) as mark:
        yield mark


def check_here(run: Run, mark: Path) -> None:
    """Raise UnfitWorker where this machine has another store or other code than the plan."""
    host = socket.gethostname()
    if not mark.exists():
        raise UnfitWorker(
            f"the worker on {host} does not see '{mark.parent}', or it has gone; keep the runs on "
            "a file system that all machines share"
        )
    here, planned = _versions(run), dict(run.versions)
    if here != planned:
        what = [name for name in {**planned, **here} if here.get(name) != planned.get(name)]
        name = sorted(what)[0]
        raise UnfitWorker(
            f"the worker on {host} has {name} {here.get(name, 'missing')}, but the runs were "
            f"planned with {planned.get(name, 'none')}; install the same environment on all "
            "machines"
        )


def perform(mark: Path, device: str, fresh: bool, run: Run) -> Outcome:
    """Execute the run in this process, which does one at a time and keeps the last fit."""
    with _one_at_a_time:
        check_here(run, mark)
        try:
            return _executor(mark.parent, device, fresh).execute(run)
        except UnfitWorker:
            raise
        except TransportkitError as error:
            return Outcome(Result(run, "failed", str(error)), traceback=traceback.format_exc())


def device_of(work: Work) -> str:
    """The device that the runs were planned for, so that no machine chooses another kind."""
    return work.runs[0].device if work.device == "auto" and work.runs else work.device


@lru_cache(maxsize=1)
def _executor(folder: Path, device: str, fresh: bool) -> Executor:
    # What else goes on there nobody knows.
    return Executor(Store(folder), device, fresh=fresh, alone=False)


_known: dict[str, dict[str, str]] = {}


def _versions(run: Run) -> dict[str, str]:
    """What `provenance.versions` says here of the run's plugins, asked once for each set."""
    chosen = {"method": [run.method], "problem": [run.problem], "metric": list(run.metrics)}
    if run.integrator:
        chosen["integrator"] = [run.integrator]
    key = repr(chosen)
    if key not in _known:
        _known[key] = dict(provenance.versions(chosen))
    return _known[key]
