"""Trainers: how an Objective becomes a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Generator

from .model import Model
from .objective import Objective
from .record import Budget


@dataclass(frozen=True)
class Progress:
    """Where a fit stands: a step of `total` (None where time is the budget) and its loss."""

    step: int
    total: int | None
    loss: float
    seconds: float


class Callback(Protocol):
    """Called by a trainer as it goes; must not change what is trained."""

    def __call__(self, progress: Progress) -> None: ...


@dataclass(frozen=True)
class Fit:
    """A fitted model, the losses (step, loss) seen on the way, and what it took.

    `alone` says whether nothing else that transportkit knows of ran beside it.
    """

    model: Model
    history: tuple[tuple[int, float], ...]
    steps: int
    seconds: float
    alone: bool = True


class Trainer(ABC):
    """Settings of a way to fit. Subclasses are frozen dataclasses."""

    @abstractmethod
    def fit(
        self,
        objective: Objective,
        budget: Budget,
        generator: Generator,
        callbacks: Sequence[Callback] = (),
        checkpoint: Path | None = None,
    ) -> Fit:
        """Fit the objective within the budget.

        `checkpoint` is a file that a long fit keeps up to date and resumes from, to the same
        numbers; it is written as well when the fit is interrupted. Raises Diverged where the loss
        is not finite and Refusal where the trainer cannot serve the objective or the budget.
        """
