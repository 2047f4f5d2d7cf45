"""Executing one Run: fit, push, judge, write."""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from .. import registry
from ..core.integrator import Integrator
from ..core.method import Method
from ..core.metric import Evidence
from ..core.model import Field
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import Result, Run, Status
from ..core.trainer import Callback, Fit, Progress
from ..errors import Diverged, Refusal, TransportkitError
from ..report.picture import draw_run
from ..transport import Moved, Transport
from . import device as devices
from .judge import Floors, evaluation_points, judge
from .store import Store, write_result

log = logging.getLogger("transportkit")
DRAWN_LINES, DRAWN_STATES = 150, 60


class Listener(Protocol):
    """Told how a run goes: the phase (fit, push, judge, write), and how far it is."""

    def __call__(self, phase: str, done: float, total: float | None, text: str) -> None: ...


def silent(phase: str, done: float, total: float | None, text: str) -> None:
    """A listener that says nothing."""


@dataclass(frozen=True)
class Outcome:
    """A result, whether it was found finished, and the traceback of what failed."""

    result: Result
    found: bool = False
    traceback: str = ""


class Executor:
    """Executes runs in this process. Fits and floors are kept for the runs that follow."""

    def __init__(
        self,
        store: Store,
        device: str = "auto",
        listener: Listener = silent,
        fresh: bool = False,
    ) -> None:
        self.store, self.listener, self.fresh = store, listener, fresh
        self.device = devices.resolve(device)
        self.floors = Floors()
        self._fits: dict[str, Fit] = {}

    def execute(self, run: Run) -> Outcome:
        """The run's result; a failure is a status, not an exception.

        KeyboardInterrupt, and an error in writing, pass through; what was finished before is kept.
        """
        if not self.fresh and (found := self.store.find(run)):
            return Outcome(found, found=True)
        try:
            return self._attempt(run)
        except Refusal as refusal:
            return self._without_figures(run, "refused", str(refusal))
        except Diverged as error:
            return self._without_figures(run, "diverged", str(error))
        except torch.OutOfMemoryError as error:
            text = (
                f"out of memory: {str(error).splitlines()[0]}; lower batch, points or the network"
            )
            return self._without_figures(run, "out of memory", text, traceback.format_exc())
        except TransportkitError:
            raise
        except MemoryError:
            text = "out of memory; lower batch, points or the size of the network"
            return self._without_figures(run, "out of memory", text, traceback.format_exc())
        except Exception as error:
            last = traceback.format_exception_only(error)[-1].strip()
            return self._without_figures(run, "failed", last, traceback.format_exc())

    def _attempt(self, run: Run) -> Outcome:
        memory = devices.PeakMemory(self.device)
        whole: Problem = registry.make("problem", run.problem)
        problem = whole.split(run.train, derive(run.seed, "split"))
        method: Method = registry.make("method", run.method)
        if reason := method.refuses(problem.for_training()):
            raise Refusal(reason)
        integrator = self._integrator(run)

        fit = self._fit(run, method, problem)
        transport = Transport(fit.model, integrator)
        source, target = evaluation_points(problem, run.points, run.seed)
        source, target = source.to(self.device), target.to(self.device)
        moved, push_seconds = self._push(run, transport, source)
        peak = memory.megabytes()
        self.listener("judge", 0, None, "")
        evidence = Evidence(source, moved.points, target, whole.truth)
        metrics = judge(run, whole, evidence, self.floors)
        result = Result(
            run,
            "done",
            metrics=metrics,
            fit_seconds=fit.seconds,
            push_seconds=push_seconds,
            steps=fit.steps,
            loss=fit.history[-1][1] if fit.history else None,
            nfe=float(moved.evaluations.double().mean()),
            finished=moved.finished,
            stops={k: v for k, v in moved.stops.items() if v},
            peak_memory_mb=peak,
            points=len(source),
            event_shape=problem.event_shape,
            folder=str(self.store.place(run)),
        )
        self.listener("write", 0, None, "")
        self._write(result, transport, evidence, moved)
        return Outcome(result)

    def _integrator(self, run: Run) -> Integrator | None:
        if run.integrator is None:
            return None
        integrator: Integrator = registry.make("integrator", run.integrator)
        return integrator.with_evaluations(run.nfe) if run.nfe is not None else integrator

    def _fit(self, run: Run, method: Method, problem: Problem) -> Fit:
        key = run.fit_key()
        if key in self._fits:
            return self._fits[key]
        fit = None if self.fresh else self.store.find_fit(run, str(self.device))
        if fit is None:
            fit = self._train(run, method, problem)
            self.store.keep_fit(run, fit)
        # Runs that share a fit come one after another, so one is enough.
        self._fits = {key: fit}
        return fit

    def _train(self, run: Run, method: Method, problem: Problem) -> Fit:
        self.listener("fit", 0, None, "preparing")
        checkpoint = self.store.checkpoint(run)
        if self.fresh:
            checkpoint.unlink(missing_ok=True)
        view = problem.for_training().to(self.device)
        begun = time.perf_counter()
        objective = method.objective(view, derive(run.seed, "objective", device=self.device))
        prepared = time.perf_counter() - begun
        budget = run.budget
        if budget.seconds is not None:
            # What a method prepares before its first step is training time like any other.
            budget = replace(budget, seconds=max(budget.seconds - prepared, 1e-3))
        fit = method.trainer().fit(
            objective,
            budget,
            derive(run.seed, "fit", device=self.device),
            callbacks=[self._on_progress()],
            checkpoint=checkpoint,
        )
        return replace(fit, seconds=fit.seconds + prepared)

    def _on_progress(self) -> Callback:
        def tell(progress: Progress) -> None:
            self.listener("fit", progress.step, progress.total, f"loss {progress.loss:.4g}")

        return tell

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

    def _write(
        self, result: Result, transport: Transport, evidence: Evidence, moved: Moved
    ) -> None:
        run = result.run
        with self.store.writing(self.store.place(run)) as folder:
            self.store.link_model(run, folder)
            np.savez_compressed(
                folder / "samples.npz",
                source=evidence.start.cpu().numpy(),
                moved=moved.points.cpu().numpy(),
                target=evidence.target.cpu().numpy(),
                stop=moved.stop.cpu().numpy(),
                evaluations=moved.evaluations.cpu().numpy(),
            )
            write_result(folder, result)
            try:
                self._draw(folder / "picture.png", result, transport, evidence, moved)
            except Exception as error:
                # The numbers are worth more than their picture.
                log.warning("%s could not be drawn: %s", result.folder, error)

    def _draw(
        self, path: Path, result: Result, transport: Transport, evidence: Evidence, moved: Moved
    ) -> None:
        if evidence.start.ndim != 2 or evidence.start.shape[1] != 2:
            return
        few = evidence.start[:DRAWN_LINES]
        save = DRAWN_STATES if isinstance(transport.model, Field) else 0
        lines = transport.push(
            few, derive(result.run.seed, "picture", device=self.device), save=save
        )
        draw_run(path, result, evidence, moved, few, lines, transport.model)

    def _without_figures(self, run: Run, status: Status, message: str, trace: str = "") -> Outcome:
        """Record a run that has no figures; one that failed is not taken for finished later."""
        place = self.store.place(run, status)
        result = Result(run, status, message, folder=str(place))
        with self.store.writing(place) as folder:
            write_result(folder, result)
            if trace:
                (folder / "log.txt").write_text(trace)
        return Outcome(result, traceback=trace)
