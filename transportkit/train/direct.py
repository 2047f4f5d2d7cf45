"""The trainer of what is solved at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Generator

from ..core.objective import Objective, Solvable
from ..core.record import Budget
from ..core.trainer import Callback, Fit, Trainer
from ..errors import Diverged, Refusal


@dataclass(frozen=True)
class Direct(Trainer):
    """Solves the objective once. Takes no steps, so a budget does not bind it."""

    def fit(
        self,
        objective: Objective,
        budget: Budget,
        generator: Generator,
        callbacks: Sequence[Callback] = (),
        checkpoint: Path | None = None,
    ) -> Fit:
        if not isinstance(objective, Solvable):
            raise Refusal(f"{type(objective).__name__} is not solved at once; use Descent")
        begun = time.perf_counter()
        model = objective.solve(generator)
        for name, state in model.state_dict().items():
            if state.is_floating_point() and not state.isfinite().all():
                raise Diverged(
                    f"the fit is not finite (in '{name}'); look for such values among the samples"
                )
        return Fit(model.eval(), (), 0, time.perf_counter() - begun)
