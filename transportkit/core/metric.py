"""Metrics: what moved points are judged by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

from torch import Generator, Tensor

from .integrator import Integrator
from .model import Model
from .problem import Problem, Truth
from .spec import Side


@dataclass(frozen=True)
class Evidence:
    """What there is to judge, all (n, *E): held-out source points `start`, where they were moved
    to, and as many held-out target points, independent of them; and the truth, where known.

    A lost line counts: it stands in `moved` where it stopped. Where they are at hand, there are
    also the model and the integrator that moved the points (an integrator for a field alone), and
    `training`, the problem whose samples the model was fitted to.
    """

    start: Tensor
    moved: Tensor
    target: Tensor
    truth: Truth | None = None
    model: Model | None = None
    integrator: Integrator | None = None
    training: Problem | None = None


class Metric(ABC):
    """A number that judges moved points. Subclasses are frozen dataclasses of their settings."""

    def refuses(self, problem: Problem) -> str | None:
        """Why the metric says nothing on this problem, in one line, or None."""
        return None

    @abstractmethod
    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        """The value. A random metric draws from `generator`.

        Raises Refusal where the metric says nothing of this model, such as one that has no lines.
        """

    def remark(self, evidence: Evidence, generator: Generator) -> str:
        """What is to be said beside the value, in one line, such as where it is largest."""
        return ""


class DistributionMetric(Metric):
    """A metric between two samples. Its noise floor is its value between two samples of Q, or of P
    where `side` says so."""

    side: ClassVar[Side] = "target"
    """Whose held-out samples points are compared with, as the spec says too."""

    @property
    def most(self) -> int | None:
        """How many points of a sample it uses at most; None where it uses all of them."""
        return None

    @abstractmethod
    def distance(self, a: Tensor, b: Tensor, generator: Generator) -> float:
        """The distance between the samples a (n, *E) and b (m, *E)."""

    def judged(self, evidence: Evidence, generator: Generator) -> Tensor:
        """The points (n, *E) that are judged: the moved ones, unless a metric says else."""
        return evidence.moved

    @final
    def evaluate(self, evidence: Evidence, generator: Generator) -> float:
        known = evidence.target if self.side == "target" else evidence.start
        return self.distance(self.judged(evidence, generator), known, generator)
