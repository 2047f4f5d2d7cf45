"""Executing one Run: fit, push, judge, write."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from contextlib import redirect_stdout
from dataclasses import replace

import torch

from .. import registry
from ..core.integrator import Integrator
from ..core.method import Method
from ..core.metric import Evidence
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import Result, Run, Status
from ..core.status import Stop
from ..core.threads import threads
from ..errors import (
    DataError,
    Diverged,
    Refusal,
    TooLarge,
    TransportkitError,
    Unwritten,
    UsageError,
)
from ..transport import Moved, Transport
from . import device as devices
from . import eviction, memory
from .fitting import Fitter, Listener, silent
from .floors import Floors
from .judge import evaluation_points, judge
from .leave import Finished, leave
from .outcome import Outcome as Outcome
from .plan import threads as thread_count
from .results import write_result
from .scale import check_scale
from .store import FLOORS, Store

log = logging.getLogger(__name__)


class Executor:
    """Executes runs in this process. Fits and floors are kept for the runs that follow."""

    def __init__(
        self,
        store: Store,
        device: str = "auto",
        listener: Listener = silent,
        fresh: bool = False,
        alone: bool = True,
        timed: bool = False,
    ) -> None:
        """`alone` says that no other run is executed beside these; `timed` asks for times that
        were taken like that, so that a finished run whose times were disturbed is done again."""
        self.store, self.fresh, self.alone, self.timed = store, fresh, alone, timed
        self.device = devices.resolve(device)
        self.floors = Floors(store.folder / FLOORS, fresh)
        self.phase = "fit"

        def listen(phase: str, done: float, total: float | None, text: str) -> None:
            self.phase = phase
            listener(phase, done, total, text)

        self.listener: Listener = listen
        self.fitter = Fitter(store, self.device, listen, fresh, alone, timed)

    def execute(self, run: Run) -> Outcome:
        """The run's result; a failure is a status, and a full disk a note, not an exception.

        KeyboardInterrupt passes through, DataError where the problem's samples cannot be used, and
        UsageError where the store cannot be written; what was finished before is kept.
        """
        found = None if self.fresh else self.store.find(run)
        if found and not (self.timed and found.alone is False):
            return Outcome(found, found=True)
        self.store.check_writable()
        if not found and not self.fresh and self.store.place(run).exists():
            log.warning(
                "what is in %s is damaged or not whole; the run is done again",
                self.store.place(run),
            )
        self.phase = "fit"
        try:
            # Of a run that was planned on another machine.
            thread_count(run.threads)
            # What a plugin prints is no result, and one that exits is one that failed.
            with redirect_stdout(sys.stderr), threads(run.threads), devices.products(run.tf32):
                return self._attempt(run)
        except DataError:
            raise
        except TooLarge as error:
            return self._without_figures(run, "out of memory", str(error))
        except (Refusal, UsageError) as refusal:
            return self._without_figures(run, "refused", str(refusal))
        except Diverged as error:
            return self._without_figures(run, "diverged", str(error))
        except (Exception, SystemExit) as error:
            if eviction.coming():
                raise
            trace = traceback.format_exc()
            if memory.ran_out(error):
                self._make_room()
                text = f"out of memory in {memory.advice(self.phase, run)}"
                return self._without_figures(run, "out of memory", text, trace)
            return self._without_figures(run, "failed", _one_line(error), trace)

    def _attempt(self, run: Run) -> Outcome:
        meter = devices.PeakMemory(self.device)
        memory.check_parameters(run)
        whole: Problem = registry.make("problem", run.problem)
        memory.check_fits(run, whole, self.device)
        check_scale(whole, run.problem.name)
        problem = whole.split(run.train, derive(run.seed, "split"))
        method: Method = registry.make("method", run.method)
        if reason := method.refuses(problem.for_training()):
            raise Refusal(reason)
        integrator = integrator_of(run)

        fit, unwritten = self.fitter.fit(run, method, problem, integrator)
        transport = Transport(fit.model, integrator)
        # Memory that ends from here on is not that of training.
        self.phase = "push"
        source, target = evaluation_points(problem, run.points, run.seed)
        source, target = source.to(self.device), target.to(self.device)
        moved, push_seconds = self._push(run, transport, source)
        stranded = none_arrived(run, moved)
        peak = meter.megabytes()
        self.listener("judge", 0, None, "")
        evidence = Evidence(
            source, moved.points, target, whole.truth, fit.model, integrator, problem.for_training()
        )
        begun = time.perf_counter()
        metrics, troubles = judge(run, whole, evidence, self.floors)
        judge_seconds = time.perf_counter() - begun
        result = Result(
            run,
            "done",
            "; ".join([*filter(None, [stranded]), *troubles]),
            metrics=metrics,
            fit_seconds=fit.seconds,
            push_seconds=push_seconds,
            judge_seconds=judge_seconds,
            alone=self.alone and fit.alone,
            steps=fit.steps,
            loss=fit.history[-1][1] if fit.history else None,
            nfe=float(moved.evaluations.double().mean()),
            finished=moved.finished,
            stops={k: v for k, v in moved.stops.items() if v},
            rim=moved.rim,
            peak_memory_mb=peak,
            points=len(source),
            event_shape=problem.event_shape,
            machine=devices.machine(self.device),
            folder=str(self.store.place(run)),
        )
        self.listener("write", 0, None, "")
        try:
            leave(self.store, Finished(result, fit, transport, evidence, moved))
        except Unwritten as error:
            return Outcome(replace(result, folder=None), unwritten=str(error))
        return Outcome(result, unwritten=unwritten)

    def _push(self, run: Run, transport: Transport, x: torch.Tensor) -> tuple[Moved, float]:
        self.listener("push", 0, len(x), "")
        begun = time.perf_counter()
        moved = transport.push(
            x,
            derive(run.seed, "push", device=self.device),
            batch=run.batch,
            progress=lambda done: self.listener("push", done, len(x), ""),
        )
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return moved, time.perf_counter() - begun

    def _make_room(self) -> None:
        """Let go of what the next run does not need, so that it finds the memory."""
        self.fitter.forget()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _without_figures(self, run: Run, status: Status, message: str, trace: str = "") -> Outcome:
        """Record a run that has no figures; one that failed is not taken for finished later."""
        place = self.store.place(run, status)
        result = Result(run, status, message, folder=str(place))
        try:
            with self.store.writing(place) as folder:
                write_result(folder, result)
                if trace:
                    (folder / "log.txt").write_text(trace)
        except Unwritten as error:
            return Outcome(replace(result, folder=None), traceback=trace, unwritten=str(error))
        return Outcome(result, traceback=trace)


def integrator_of(run: Run) -> Integrator | None:
    """The integrator of a run, with the run's number of evaluations; None for a map."""
    if run.integrator is None:
        return None
    integrator: Integrator = registry.make("integrator", run.integrator)
    return integrator if run.nfe is None else integrator.with_evaluations(run.nfe)


def none_arrived(run: Run, moved: Moved) -> str:
    """What to say of figures where no point arrived; nothing where one did.

    Raises Diverged where no point is finite, for then there is nothing to judge.
    """
    if bool((moved.stop == int(Stop.NOT_FINITE)).all()):
        ways = ["lower lr"] if "lr" in run.method.params else []
        ways += ["take another integrator"] if run.integrator else []
        raise Diverged(
            f"none of {len(moved.stop)} moved points is finite; "
            f"{', '.join([*ways, ''])}{'or ' if ways else ''}check the data's scale"
        )
    if moved.finished:
        return ""
    stops = {stop: share for stop in Stop if (share := moved.stops[stop.label])}
    lost = ", ".join(f"{share:.1%} {stop.label}" for stop, share in stops.items())
    return (
        f"none of {len(moved.stop)} points arrived ({lost}), and the figures are of where they "
        f"stopped: {max(stops, key=stops.__getitem__).text}"
    )


def _one_line(error: BaseException) -> str:
    if isinstance(error, TransportkitError):
        return str(error)
    return " ".join(traceback.format_exception_only(error)[0].split())
