"""Methods: what turns a Problem into a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from torch import Generator

from .model import Model
from .objective import Objective
from .problem import Problem
from .trainer import Trainer

P = TypeVar("P")


class Method(ABC, Generic[P]):
    """A transport method with its hyperparameters.

    A method sees a problem's training samples alone: `problem.truth` is None and there is nothing
    of the held-out samples in it. Everything lives on the device of `problem`.
    """

    def __init__(self, params: P) -> None:
        self.params = params

    def refuses(self, problem: Problem) -> str | None:
        """Why the method does not apply to this problem, in one line, or None."""
        return None

    @abstractmethod
    def objective(self, problem: Problem, generator: Generator) -> Objective:
        """The problem as this method's objective; networks are initialised from `generator`."""

    @abstractmethod
    def trainer(self) -> Trainer:
        """The trainer that fits the objective, with this method's settings."""

    @abstractmethod
    def blank(self, config: Mapping[str, Any]) -> Model:
        """A model of the shape that `config` (a `Model.config`) tells, before its state."""
