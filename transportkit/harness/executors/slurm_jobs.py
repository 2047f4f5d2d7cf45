"""As jobs of SLURM, through submitit."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...core.params import param
from ...core.record import Result, Run
from ...errors import DataError, UsageError
from .. import eviction
from ..execute import Outcome
from ..results import read_result
from ..store import Store
from .base import Backend, Group, Work, search
from .remote import UnfitWorker, device_of, marked, perform

FOLDER = "slurm"
MOST_IN_AN_ARRAY = 1000
NOTICE = 30
"""Seconds before its end at which a job is told. It only has to leave; checkpoints are there."""

BETWEEN_LOOKS = {"slurm": 2.0, "local": 0.1}


@dataclass(frozen=True)
class Slurm(Backend):
    """One job for the runs that share a fit, submitted as arrays of which `jobs` run at a time.

    ``cluster=local`` runs the same jobs as processes of this machine, to try things out.
    """

    cluster: Literal["slurm", "local"] = param("slurm", "where submitit sends jobs")
    partition: str | None = param(None, "sbatch --partition")
    account: str | None = param(None, "sbatch --account")
    qos: str | None = param(None, "sbatch --qos")
    constraint: str | None = param(None, "sbatch --constraint")
    reservation: str | None = param(None, "sbatch --reservation")
    timeout_min: int = param(60, "minutes after which SLURM ends a job", ge=1)
    cpus_per_task: int = param(1, "CPUs of a job", ge=1)
    gpus_per_node: int = param(0, "GPUs of a job", ge=0)
    mem_gb: int = param(8, "memory of a job in GB", ge=1)
    requeues: int = param(10, "how often a job whose time is up is queued again", ge=0)
    jobs: int = param(1, "how many jobs at a time", ge=1)

    def __post_init__(self) -> None:
        _submitit()

    def device(self, name: str) -> str:
        if name == "auto" and self.cluster == "slurm":
            return "cuda" if self.gpus_per_node else "cpu"
        return super().device(name)

    def outcomes(self, work: Work) -> Generator[Outcome, None, None]:
        groups = yield from search(work)
        if groups:
            with marked(work.store) as mark:
                yield from _Jobs(self, self._executor(work.store), mark, work, groups).outcomes()

    def _executor(self, store: Store) -> Any:
        try:
            executor = _submitit().AutoExecutor(
                folder=store.folder.absolute() / FOLDER,
                cluster=self.cluster,
                slurm_max_num_timeout=self.requeues,
            )
        except RuntimeError as error:
            raise UsageError(f"no SLURM here: {' '.join(str(error).split())}") from None
        own = {
            f"slurm_{name}": value
            for name in ("partition", "account", "qos", "constraint", "reservation")
            if (value := getattr(self, name)) is not None
        }
        executor.update_parameters(
            name="transportkit",
            timeout_min=self.timeout_min,
            cpus_per_task=self.cpus_per_task,
            gpus_per_node=self.gpus_per_node,
            mem_gb=self.mem_gb,
            slurm_array_parallelism=self.jobs,
            slurm_signal_delay_s=NOTICE,
            **own,
        )
        return executor


@dataclass(frozen=True)
class Job:
    """What a job does. `record` is a file in which it notes the keys of the runs that are done."""

    mark: Path
    device: str
    fresh: bool
    runs: tuple[Run, ...]
    record: Path

    def __call__(self) -> list[Outcome]:
        outcomes = []
        for run in self.runs:
            outcome = perform(self.mark, self.device, self.fresh, run)
            if eviction.coming():
                # The exit struck where everything is caught, so this outcome is of no run.
                raise SystemExit(-1)
            outcomes.append(outcome)
            with self.record.open("a") as stream:
                stream.write(f"{run.key()} {outcome.result.folder or ''}\n")
        return outcomes

    def checkpoint(self) -> Any:
        """What submitit queues again where SLURM takes the machine away or the time is up.

        Runs that are done are found, and the fit in hand goes on from its checkpoint. submitit
        calls this within the signal and exits next.
        """
        eviction.announce()
        return _submitit().helpers.DelayedSubmission(self)


class _Jobs:
    """The jobs of one comparison."""

    def __init__(
        self, settings: Slurm, executor: Any, mark: Path, work: Work, groups: deque[Group]
    ) -> None:
        self.settings, self.executor = settings, executor
        self.mark, self.work, self.groups = mark, work, groups
        self.running: list[tuple[Any, Job]] = []

    def outcomes(self) -> Generator[Outcome, None, None]:
        try:
            while self.groups or self.running:
                self._submit()
                time.sleep(BETWEEN_LOOKS[self.settings.cluster])
                for job, what in [each for each in self.running if each[0].done()]:
                    self.running.remove((job, what))
                    yield from self._collect(job, what)
        finally:
            for job, _ in self.running:
                with suppress(Exception):
                    job.cancel()

    def _submit(self) -> None:
        # SLURM itself holds back what is too many; processes of this machine are not started.
        room = MOST_IN_AN_ARRAY
        if self.settings.cluster == "local":
            room = self.settings.jobs - len(self.running)
        chosen = [self.groups.popleft() for _ in range(min(room, len(self.groups)))]
        whats = [self._job(group) for group in chosen]
        if not whats:
            return
        errors = _submitit().core.utils
        try:
            with self.executor.batch():
                jobs = [self.executor.submit(what) for what in whats]
        except (errors.FailedJobError, errors.FailedSubmissionError) as error:
            raise UsageError(f"sbatch refused: {' '.join(str(error).split())}") from None
        self.running += zip(jobs, whats, strict=True)

    def _job(self, runs: Iterable[Run]) -> Job:
        folder = self.work.store.folder.absolute() / FOLDER
        folder.mkdir(exist_ok=True)
        record = folder / f"{uuid.uuid4().hex}.done"
        return Job(self.mark, device_of(self.work), self.work.fresh, tuple(runs), record)

    def _collect(self, job: Any, what: Job) -> Generator[Outcome, None, None]:
        errors = _submitit().core.utils
        try:
            outcomes: list[Outcome] = job.result()
        except errors.FailedJobError as error:
            raise UnfitWorker(
                f"job {job.job_id} cannot execute runs: {_last_line(error)}; see {job.paths.stderr}"
            ) from error
        except errors.UncompletedJobError:
            yield from self._salvage(job, what)
        else:
            yield from outcomes
        finally:
            what.record.unlink(missing_ok=True)

    def _salvage(self, job: Any, what: Job) -> Generator[Outcome, None, None]:
        """The runs that a job had done when it died, and the one that it was at; the rest go to
        another job, unless somebody cancelled this one."""
        known = what.record.read_text().splitlines() if what.record.exists() else []
        done = dict(line.partition(" ")[::2] for line in known)
        rest = deque(run for run in what.runs if run.key() not in done)
        for run in what.runs:
            if run.key() in done:
                yield _stored(run, done[run.key()])
        state = str(job.state).split()[0]
        cancelled = state.startswith("CANCELLED")
        how = "was cancelled" if cancelled else f"died ({state.lower().replace('_', ' ')})"
        lost = rest if cancelled else [rest.popleft()] if rest else []
        for run in list(lost):
            text = f"its job {job.job_id} {how}; see {job.paths.stderr}"
            yield Outcome(Result(run, "failed", text))
        if rest and not cancelled:
            self.groups.append(rest)


def _stored(run: Run, folder: str) -> Outcome:
    try:
        return Outcome(read_result(Path(folder)))
    except DataError as error:
        return Outcome(Result(run, "failed", str(error)))


def _last_line(error: Exception) -> str:
    """What a job's traceback ends with; submitit has it between dashes."""
    parts = str(error).split("-" * 22)
    text = parts[1] if len(parts) > 1 else parts[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rpartition("UnfitWorker: ")[2] if lines else type(error).__name__


def _submitit() -> Any:
    try:
        import submitit
        import submitit.core.utils
        import submitit.helpers
    except ImportError:
        raise UsageError(
            "this executor needs submitit, which is not installed: pip install "
            "'transportkit[slurm]'"
        ) from None
    return submitit
