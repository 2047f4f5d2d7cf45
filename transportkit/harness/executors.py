"""Where runs are executed: in this process, or in several local ones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from ..core.record import Run
from .execute import Executor, Listener, Outcome, silent
from .store import Store


def serially(
    runs: Sequence[Run], store: Store, device: str, fresh: bool, listener: Listener = silent
) -> Iterator[Outcome]:
    """Execute the runs one after another, yielding each outcome as it comes."""
    executor = Executor(store, device, listener, fresh)
    for run in runs:
        yield executor.execute(run)


def in_processes(
    runs: Sequence[Run], store: Store, device: str, fresh: bool, jobs: int
) -> Iterator[Outcome]:
    """Execute in `jobs` local processes, yielding outcomes as they come, in any order.

    Runs that share a fit stay together. The cores are shared out among the processes.
    """
    groups = [list(group) for _, group in groupby(runs, key=Run.fit_key)]
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # Forking a process that holds torch's threads can hang, so each worker starts anew.
    context = get_context("spawn")
    with ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_limit, initargs=(threads,)
    ) as pool:
        futures = [pool.submit(_group, group, store.folder, device, fresh) for group in groups]
        try:
            for future in as_completed(futures):
                yield from future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def _limit(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _group(runs: Sequence[Run], folder: Path, device: str, fresh: bool) -> list[Outcome]:
    return list(serially(runs, Store(folder), device, fresh))
