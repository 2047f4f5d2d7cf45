"""On the workers of a dask scheduler: one that is running, or one of this machine's own."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.params import param
from ...core.record import Result, Run
from ...errors import TransportkitError, UsageError
from .. import device as devices
from ..execute import Outcome
from .base import Backend, Group, Work, search
from .remote import device_of, marked, perform

log = logging.getLogger("transportkit")

PATIENCE = 10.0
"""Seconds within which a scheduler answers."""
LOOK_AGAIN = 2.0
"""Seconds after which workers that have come or gone are noticed."""


@dataclass(frozen=True)
class Dask(Backend):
    """Workers of `dask.distributed`, each doing one run at a time.

    A run whose worker dies is tried once more on another: a machine may be lost through no fault
    of the run. One that loses two workers is failed.
    """

    address: str | None = param(None, "a scheduler; auto starts one here with --jobs workers")
    jobs: int = param(1, "workers started here where no address is given", ge=1)

    def __post_init__(self) -> None:
        _distributed()

    def device(self, name: str) -> str:
        if name == "auto" and self.address is not None:
            return "cpu"
        return super().device(name)

    def outcomes(self, work: Work) -> Generator[Outcome, None, None]:
        if self.address is None:
            devices.resolve(work.device)
        groups = yield from search(work)
        if groups:
            with self._client() as client, marked(work.store) as mark:
                yield from _Drive(client, mark, work, groups).outcomes()

    @contextmanager
    def _client(self) -> Iterator[Any]:
        distributed = _distributed()
        if self.address is not None:
            try:
                client = distributed.Client(self.address, timeout=PATIENCE)
            except (OSError, ValueError, TimeoutError) as error:
                raise UsageError(
                    f"no dask scheduler answers at '{self.address}': {_said(error)}"
                ) from None
            with client:
                yield client
            return
        quiet = {"distributed.worker.daemon": False, "distributed.scheduler.allowed-failures": 1}
        import dask

        with (
            dask.config.set(quiet),
            distributed.LocalCluster(
                n_workers=self.jobs,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


class _Drive:
    """Runs handed out so that no worker has one waiting behind another.

    What a worker holds when it dies is then one run, and it is known which.
    """

    def __init__(self, client: Any, mark: Path, work: Work, groups: deque[Group]) -> None:
        self.client, self.mark, self.work, self.groups = client, mark, work, groups
        self.running: dict[Any, tuple[Run, Group]] = {}
        self.waiting_said = False

    def outcomes(self) -> Generator[Outcome, None, None]:
        distributed = _distributed()
        try:
            while self.groups or self.running:
                self._hand_out()
                if not self.running:
                    continue
                with suppress(TimeoutError):
                    distributed.wait(
                        list(self.running), timeout=LOOK_AGAIN, return_when="FIRST_COMPLETED"
                    )
                for future in [f for f in self.running if f.done()]:
                    run, rest = self.running.pop(future)
                    outcome = _outcome(future, run)
                    if rest:
                        # The machine that has just made the fit is free: it is offered first.
                        self.groups.appendleft(rest)
                        self._hand_out()
                    yield outcome
        finally:
            with suppress(Exception):
                self.client.cancel(list(self.running), force=True)

    def _hand_out(self) -> None:
        try:
            free = len(self.client.nthreads()) - len(self.running)
        except Exception as error:
            raise TransportkitError(
                f"the dask scheduler is gone ({_said(error)}); what was finished is kept, and the "
                "same command goes on from there"
            ) from error
        if free <= 0 and not self.running:
            self._wait_for_workers()
        for _ in range(min(free, len(self.groups))):
            rest = self.groups.popleft()
            run = rest.popleft()
            future = self.client.submit(
                perform,
                self.mark,
                device_of(self.work),
                self.work.fresh,
                run,
                key=f"{run.method}-{run.key()}-{uuid.uuid4().hex[:8]}",
                pure=False,
            )
            self.running[future] = run, rest

    def _wait_for_workers(self) -> None:
        if not self.waiting_said:
            log.warning("no worker is at the dask scheduler yet; waiting for one")
            self.waiting_said = True
        with suppress(TimeoutError):
            self.client.wait_for_workers(1, timeout=LOOK_AGAIN)


def _outcome(future: Any, run: Run) -> Outcome:
    distributed = _distributed()
    try:
        outcome: Outcome = future.result()
    except distributed.KilledWorker:
        text = "the workers that it was on died, perhaps for want of memory"
        return Outcome(Result(run, "failed", text))
    except TransportkitError:
        raise
    except Exception as error:
        raise TransportkitError(
            f"a dask worker cannot execute runs: {_said(error)}; install the same environment on "
            "all machines"
        ) from error
    return outcome


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise UsageError(
            "this executor needs dask, which is not installed: pip install 'transportkit[dask]'"
        ) from None
    return distributed
