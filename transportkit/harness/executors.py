"""Where runs are executed: in this process, or in several local ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from itertools import groupby

from ..core.record import Result, Run
from .execute import Executor, Outcome
from .fitting import Listener, silent
from .store import Store
from .worker import Worker, end, ready, start_context


def serially(
    runs: Sequence[Run], store: Store, device: str, fresh: bool, listener: Listener = silent
) -> Generator[Outcome, None, None]:
    """Execute the runs one after another, yielding each outcome as it comes."""
    executor = Executor(store, device, listener, fresh)
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
    waiting: list[Run] = []
    for run in runs:
        found = None if fresh else store.find(run)
        if found:
            yield Outcome(found, found=True)
        else:
            waiting.append(run)
    groups = deque(deque(group) for _, group in groupby(waiting, key=Run.fit_key))
    context = start_context()
    stop = context.Event()
    workers: list[Worker] = []
    try:
        for _ in range(min(jobs, len(groups))):
            workers.append(Worker(context, store.folder, device, fresh, stop))
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
                        workers.append(Worker(context, store.folder, device, fresh, stop))
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
    text = f"its process died ({how}), perhaps for want of memory; use fewer --jobs"
    assert worker.run is not None
    return Outcome(Result(worker.run, "failed", text))
