"""On this machine: in this process, or in several others."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from ...core.params import param
from ...core.record import Result, Run
from .. import device as devices
from ..execute import Executor, Outcome
from ..fitting import Listener, silent
from ..store import Store
from ..worker import Worker, end, ready, start_context
from .base import Backend, Work, search


@dataclass(frozen=True)
class InProcess(Backend):
    """One run after another in this process."""

    here = True

    def outcomes(self, work: Work) -> Generator[Outcome, None, None]:
        return serially(work.runs, work.store, work.device, work.fresh, work.listener, work.timed)


@dataclass(frozen=True)
class Processes(Backend):
    """Local processes."""

    here = True

    jobs: int = param(1, "how many at once", ge=1)

    def outcomes(self, work: Work) -> Generator[Outcome, None, None]:
        devices.resolve(work.device)
        return in_processes(work.runs, work.store, work.device, work.fresh, self.jobs)


def serially(
    runs: Sequence[Run],
    store: Store,
    device: str,
    fresh: bool,
    listener: Listener = silent,
    timed: bool = False,
) -> Generator[Outcome, None, None]:
    """Execute the runs one after another, yielding each outcome as it comes.

    With `timed`, runs whose times were disturbed by others beside them are done again.
    """
    executor = Executor(store, device, listener, fresh, timed=timed)
    for run in runs:
        yield executor.execute(run)


def in_processes(
    runs: Sequence[Run], store: Store, device: str, fresh: bool, jobs: int
) -> Generator[Outcome, None, None]:
    """Execute in `jobs` local processes, yielding outcomes as they come, in any order.

    Finished runs are found here, without a process. Runs that share a fit go to one process, one
    after another. A process that dies costs the run it was at; another takes the rest. Closing
    the iterator, or an exception in it, has every process stop as Ctrl-C would stop it.
    """
    groups = yield from search(Work(runs, store, device, fresh))
    context = start_context()
    stop = context.Event()
    workers: list[Worker] = []
    try:
        alone = min(jobs, len(groups)) == 1
        for _ in range(min(jobs, len(groups))):
            workers.append(Worker(context, store.folder, device, fresh, stop, alone))
            workers[-1].take(groups.popleft())
        while workers:
            for worker in ready(workers):
                outcome = worker.outcome()
                if outcome is None:
                    # The process died, and took with it the run that it was at.
                    workers.remove(worker)
                    outcome = _died(worker)
                    if worker.runs:
                        groups.appendleft(worker.runs)
                    if groups:
                        workers.append(Worker(context, store.folder, device, fresh, stop, alone))
                        workers[-1].take(groups.popleft())
                elif not worker.proceed():
                    if groups:
                        worker.take(groups.popleft())
                    else:
                        workers.remove(worker)
                        end([worker])
                yield outcome
    finally:
        stop.set()
        end(workers)


def _died(worker: Worker) -> Outcome:
    code = worker.exit_code()
    how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit status {code}"
    text = f"its process died ({how}), perhaps for want of memory; use fewer jobs"
    assert worker.run is not None
    return Outcome(Result(worker.run, "failed", text))
