"""Objectives: what a Trainer fits. Either solved at once, or a game played by gradient descent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from torch import Generator, Tensor, nn

from .model import Model

Batch = TypeVar("Batch")


class Objective(ABC):  # noqa: B024 - the two kinds of it have nothing in common to declare
    """A problem seen by one method, ready to be fitted."""


class Solvable(Objective):
    """An objective that is solved once: an affine map, a coupling, an exact field."""

    @abstractmethod
    def solve(self, generator: Generator) -> Model:
        """The model."""


class Game(Objective, Generic[Batch]):
    """An objective lowered by gradient descent on one or several players.

    Regression is the game with one player. The trainer owns optimisers, averages and the loop;
    the game owns the networks, the draws and the losses.
    """

    @property
    @abstractmethod
    def players(self) -> Mapping[str, nn.Module]:
        """The modules that are trained, in the order in which they move."""

    @property
    def moves(self) -> Mapping[str, int]:
        """How many updates each player makes in one step; one each unless said otherwise."""
        return dict.fromkeys(self.players, 1)

    @property
    def separable(self) -> bool:
        """Whether the loss of a batch is the mean of those of its equal parts, without draws of its
        own: only then several processes can share a batch out."""
        return True

    @abstractmethod
    def draw(self, n: int, generator: Generator) -> Batch:
        """The training examples for one update with a batch of n."""

    @abstractmethod
    def loss(self, player: str, batch: Batch, generator: Generator) -> Tensor:
        """The scalar that `player` lowers on this batch."""

    @abstractmethod
    def model(self) -> Model:
        """The fitted model, made of the players as they are now."""

    def proceed(self, share: float) -> None:
        """Told before every step what share of the budget, from 0 to 1, is used up."""

    @property
    def rounds(self) -> int:
        """How many rounds of equal shares of the budget there are.

        In every round the learning rate falls anew, and optimisers and averages begin anew.
        """
        return 1

    def begin(self, round: int, generator: Generator) -> None:
        """Told that a round begins, from 1 on; the players have their averaged weights by then.

        What is drawn here is drawn from `generator`. A short budget may leave rounds out.
        """

    def state(self) -> Mapping[str, Any]:
        """Tensors and plain values beyond the players' weights that resuming needs, if any."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
