"""Fitting: the training of a run, found where it was done before, resumed where it was cut off."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Protocol

import torch

from ..core.integrator import Integrator
from ..core.method import Method
from ..core.objective import Game, Objective
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import Run
from ..core.trainer import Callback, Fit, Progress
from ..errors import Unwritten, UsageError
from ..transport import Transport
from .store import Store

log = logging.getLogger("transportkit")


class Listener(Protocol):
    """Told how a run goes: the phase (fit, push, judge, write), and how far it is.

    May raise KeyboardInterrupt to have the run stop as Ctrl-C would stop it.
    """

    def __call__(self, phase: str, done: float, total: float | None, text: str) -> None: ...


def silent(phase: str, done: float, total: float | None, text: str) -> None:
    """A listener that says nothing."""


class Fitter:
    """Fits runs on one device, and keeps the last fit for the runs that follow.

    `alone` says that nothing runs beside it, `timed` that a fit must have been timed like that.
    """

    def __init__(
        self,
        store: Store,
        device: torch.device,
        listener: Listener,
        fresh: bool,
        alone: bool = True,
        timed: bool = False,
    ) -> None:
        self.store, self.device, self.listener, self.fresh = store, device, listener, fresh
        self.alone, self.timed = alone, timed
        self._fits: dict[str, Fit] = {}

    def fit(
        self, run: Run, method: Method, problem: Problem, integrator: Integrator | None
    ) -> tuple[Fit, str]:
        """The fit of the run's training, and why it could not be kept, empty where it was.

        Raises Refusal before training where the integrator does not serve the model.
        """
        key = run.fit_key()
        if key in self._fits:
            return self._fits[key], ""
        unwritten = ""
        fit = None if self.fresh else self.store.find_fit(run, str(self.device))
        if fit is None or (self.timed and not fit.alone):
            fit = self.train(run, method, problem, integrator)
            try:
                self.store.keep_fit(run, fit)
            except Unwritten as error:
                unwritten = str(error)
        # Runs that share a fit come one after another, so one is enough.
        self._fits = {key: fit}
        return fit, unwritten

    def train(
        self, run: Run, method: Method, problem: Problem, integrator: Integrator | None
    ) -> Fit:
        """Train, whatever is stored of it but an unfinished fit, which is gone on with."""
        self.listener("fit", 0, None, "preparing")
        checkpoint = self.store.checkpoint(run)
        if self.fresh:
            checkpoint.unlink(missing_ok=True)
        view = problem.for_training().to(self.device)
        begun = time.perf_counter()
        objective = self._objective(run, method, view)
        prepared = time.perf_counter() - begun
        if isinstance(objective, Game):
            # An integrator that does not serve the model says so before the training, not after.
            Transport(objective.model(), integrator)
        budget = run.budget
        if budget.seconds is not None:
            # What a method prepares before its first step is training time like any other.
            budget = replace(budget, seconds=max(budget.seconds - prepared, 1e-3))

        def fitted(objective: Objective) -> Fit:
            return method.trainer().fit(
                objective,
                budget,
                derive(run.seed, "fit", device=self.device),
                callbacks=[self._on_progress()],
                checkpoint=checkpoint,
            )

        resumed = checkpoint.exists()
        try:
            fit = fitted(objective)
        except UsageError as error:
            if not resumed:
                raise
            log.warning("%s: the fit begins anew", error)
            checkpoint.unlink(missing_ok=True)
            fit = fitted(self._objective(run, method, view))
        return replace(fit, seconds=fit.seconds + prepared, alone=self.alone)

    def forget(self) -> None:
        """Let go of the fit that is kept in memory."""
        self._fits = {}

    def _objective(self, run: Run, method: Method, view: Problem) -> Objective:
        return method.objective(view, derive(run.seed, "objective", device=self.device))

    def _on_progress(self) -> Callback:
        def tell(progress: Progress) -> None:
            self.listener("fit", progress.step, progress.total, f"loss {progress.loss:.4g}")

        return tell
