"""The contract of couplings, and the one that leaves pairs as they were drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Generator, Tensor

from transportkit import Problem


class Coupling(ABC):
    """Pairs the points of a batch. Subclasses are frozen dataclasses of their settings."""

    @abstractmethod
    def pair(self, x0: Tensor, x1: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Independent draws x0 of P and x1 of Q, both (B, *E), as pairs, row by row.

        Over many batches the first of a pair must be distributed as P and the second as Q, unless
        the coupling is one of reweighted marginals and says so.
        """

    def fitted(self, problem: Problem, generator: Generator) -> Coupling:
        """This coupling with what it chooses by the data. It is asked once, before training."""
        return self


@dataclass(frozen=True)
class Independent(Coupling):
    """Pairs as they were drawn."""

    def pair(self, x0: Tensor, x1: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        return x0, x1
