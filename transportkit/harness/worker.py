"""A local process that executes the runs it is sent, one at a time."""

from __future__ import annotations

import signal
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from pathlib import Path

from ..core.record import Result, Run
from ..errors import TransportkitError
from .execute import Executor, Outcome
from .store import Store


def start_context() -> SpawnContext:
    """How workers begin: anew, because forking a process that holds torch's threads can hang."""
    return get_context("spawn")


class Worker:
    """The near end of a worker process. `run` is what it is at, `runs` what it has yet to do."""

    def __init__(
        self,
        context: SpawnContext,
        folder: Path,
        device: str,
        fresh: bool,
        stop: Event,
        alone: bool,
    ) -> None:
        self.run: Run | None = None
        self.runs: deque[Run] = deque()
        self.link, far = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(far, folder, device, fresh, stop, alone)
        )
        self.process.start()
        # With the far end open in one process alone, the death of either shows at the other.
        far.close()

    def take(self, runs: deque[Run]) -> None:
        """Begin with the first of these runs."""
        self.runs = runs
        self.proceed()

    def proceed(self) -> bool:
        """Go on with the next run; False where there is none."""
        if not self.runs:
            return False
        self.run = self.runs.popleft()
        # If it has died, the next look at its outcome tells.
        with suppress(OSError):
            self.link.send(self.run)
        return True

    def outcome(self) -> Outcome | None:
        """What came of the run that it was at; None if the process died over it."""
        try:
            outcome: Outcome = self.link.recv()
        except (EOFError, OSError):
            self.process.join()
            return None
        return outcome

    def exit_code(self) -> int | None:
        return self.process.exitcode


def end(workers: Sequence[Worker]) -> None:
    """Let processes finish what they are about, and wait for them; a Ctrl-C then kills them."""
    for worker in workers:
        worker.link.close()
    try:
        for worker in workers:
            worker.process.join()
    except KeyboardInterrupt:
        for worker in workers:
            worker.process.kill()
        raise


def ready(workers: Sequence[Worker]) -> list[Worker]:
    """Wait until some workers have an outcome, or have died."""
    links = connection.wait([worker.link for worker in workers])
    return [worker for worker in workers if worker.link in links]


def _serve(
    link: Connection, folder: Path, device: str, fresh: bool, stop: Event, alone: bool
) -> None:
    """The far end: execute every run that is sent, until no more can come.

    Ctrl-C reaches every process of a terminal; here it is the near end that says when to stop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def listen(phase: str, done: float, total: float | None, text: str) -> None:
        if stop.is_set():
            raise KeyboardInterrupt

    executor = Executor(Store(folder), device, listen, fresh, alone)
    try:
        while True:
            run = link.recv()
            link.send(_execute(executor, run))
    except (EOFError, OSError, KeyboardInterrupt):
        return


def _execute(executor: Executor, run: Run) -> Outcome:
    try:
        return executor.execute(run)
    except TransportkitError as error:
        return Outcome(Result(run, "failed", str(error)), traceback=traceback.format_exc())
