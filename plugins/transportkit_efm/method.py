"""`efm`: what is learned between distant plates, and how, by the number of dimensions."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Generator

from transportkit import (
    Budget,
    Callback,
    Descent,
    Fit,
    Method,
    Model,
    Objective,
    Problem,
    Trainer,
)

from . import EfmParams
from .charges import DENSE
from .posterior import PosteriorField, PosteriorRegression
from .rising import APART
from .slopes import LearnedRisingField, SlopeRegression
from .training import muon

log = logging.getLogger("transportkit")

_OF_LINES = ("muon_lr", "lines", "refresh", "spacing")
_DEFAULT = asdict(EfmParams())


@dataclass(frozen=True)
class ByNoise(Trainer):
    """Muon for targets that are exact; AdamW and a long average for those that are noisy draws."""

    exact: Descent
    noisy: Descent

    def fit(
        self,
        objective: Objective,
        budget: Budget,
        generator: Generator,
        callbacks: Sequence[Callback] = (),
        checkpoint: Path | None = None,
    ) -> Fit:
        noisy = isinstance(objective, PosteriorRegression)
        chosen = self.noisy if noisy else self.exact
        return chosen.fit(objective, budget, generator, callbacks, checkpoint)


class Efm(Method[EfmParams]):
    """Electrostatic field matching with a learned field between distant plates.

    Up to `DENSE` dimensions a network learns exact lines, above it the parts of the field.
    """

    def objective(
        self, problem: Problem, generator: Generator
    ) -> SlopeRegression | PosteriorRegression:
        if problem.dim <= DENSE:
            exact = SlopeRegression(problem, self.params, generator)
            _warn_of_near_plates(exact.exact.passage.gap, problem.dim)
            return exact
        idle = [name for name in _OF_LINES if getattr(self.params, name) != _DEFAULT[name]]
        if idle:
            log.warning("efm above %d dimensions makes no use of %s", DENSE, ", ".join(idle))
        noisy = PosteriorRegression(problem, self.params, generator)
        _warn_of_near_plates(noisy.field.passage.gap, problem.dim)
        return noisy

    def trainer(self) -> Trainer:
        p = self.params
        noisy = Descent(
            steps=p.steps,
            batch=p.batch,
            lr=2e-3 if p.lr is None else p.lr,
            ema=0.999 if p.ema is None else p.ema,
        )
        return ByNoise(exact=muon(p), noisy=noisy)

    def blank(self, config: Mapping[str, Any]) -> Model:
        made = PosteriorField if "least" in config else LearnedRisingField
        return made(**config)


def _warn_of_near_plates(gap: float, dim: int) -> None:
    """Warn of plates so near, in standard deviations, that lines should not only rise."""
    if gap < APART * math.sqrt(dim) / 2:
        log.warning(
            "the plates stand %.3g standard deviations of the data apart, and lines that only rise "
            "are right from about %.2g on; leave efm's distance to auto, or take efm-plates",
            gap,
            APART * math.sqrt(dim) / 2,
        )
