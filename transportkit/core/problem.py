"""Problems: two distributions, each known by samples, sometimes with a known answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Generator, Tensor

from ..errors import DataError

_CPU = torch.device("cpu")


class Marginal(ABC):
    """One distribution, known by samples."""

    @property
    @abstractmethod
    def event_shape(self) -> tuple[int, ...]:
        """The shape E of one point."""

    @property
    @abstractmethod
    def size(self) -> int | None:
        """How many distinct points there are; None where fresh ones can always be drawn."""

    @abstractmethod
    def sample(self, n: int, generator: Generator) -> Tensor:
        """n independent draws (n, *E), float32; from a finite sample, with replacement."""

    @abstractmethod
    def points(self, limit: int, generator: Generator) -> Tensor:
        """At most `limit` distinct points (m, *E): all of a finite sample where it has no more."""

    @abstractmethod
    def to(self, device: torch.device | str) -> Marginal:
        """The same distribution, whose draws live on `device`."""

    def split(self, train: int, generator: Generator) -> tuple[Marginal, Marginal]:
        """Samples to train on, at most `train` of them, and the distribution held out from them.

        An endless distribution gives a sample away and stays whole. A finite one that does not
        sit in memory says here how it is cut, for no point may be on both sides.
        """
        if self.size is not None:
            raise DataError(f"{type(self).__name__} is finite and does not say how it is split")
        return Empirical(self.points(train, generator)), self


@dataclass(frozen=True)
class Law(Marginal):
    """A distribution that can be drawn from without end.

    `draw(n, generator)` returns (n, *E) on the CPU, from a CPU generator.
    """

    draw: Callable[[int, Generator], Tensor]
    shape: tuple[int, ...]
    device: torch.device = _CPU

    @property
    def event_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def size(self) -> None:
        return None

    def sample(self, n: int, generator: Generator) -> Tensor:
        if generator.device.type != "cpu":
            seed = torch.randint(2**62, (), generator=generator, device=generator.device)
            generator = Generator().manual_seed(int(seed.item()))
        return self.draw(n, generator).float().to(self.device)

    def points(self, limit: int, generator: Generator) -> Tensor:
        return self.sample(limit, generator)

    def to(self, device: torch.device | str) -> Law:
        return replace(self, device=torch.device(device))


@dataclass(frozen=True)
class Empirical(Marginal):
    """A finite sample, points (N, *E), that sits in memory."""

    data: Tensor

    def __post_init__(self) -> None:
        if self.data.ndim < 2 or len(self.data) == 0:
            raise DataError(f"a sample has shape (N, ...), N > 0, not {tuple(self.data.shape)}")

    @property
    def event_shape(self) -> tuple[int, ...]:
        return tuple(self.data.shape[1:])

    @property
    def size(self) -> int:
        return len(self.data)

    def sample(self, n: int, generator: Generator) -> Tensor:
        rows = torch.randint(self.size, (n,), generator=generator, device=generator.device)
        return self.data[rows.to(self.data.device)]

    def points(self, limit: int, generator: Generator) -> Tensor:
        if limit >= self.size:
            return self.data
        rows = torch.randperm(self.size, generator=generator, device=generator.device)[:limit]
        return self.data[rows.to(self.data.device)]

    def to(self, device: torch.device | str) -> Empirical:
        return Empirical(self.data.to(device))

    def split(self, train: int, generator: Generator) -> tuple[Empirical, Empirical]:
        order = torch.randperm(self.size, generator=generator)
        half = self.size // 2
        return Empirical(self.data[order[: min(half, train)]]), Empirical(self.data[order[half:]])


@dataclass(frozen=True)
class EntropicPlan:
    """The plan that minimises E|x - y|^2 / 2 less epsilon times its entropy, by its conditionals.

    `moments(x)` gives the means (B, D) and covariances (B, D, D), float64, of y given each of the
    points x (B, *E); `sample(x, generator)` one draw of y (B, *E) for each, from a CPU generator.
    """

    epsilon: float
    moments: Callable[[Tensor], tuple[Tensor, Tensor]]
    sample: Callable[[Tensor, Generator], Tensor]


@dataclass(frozen=True)
class Truth:
    """What is known of the answer.

    `map` is the optimal map for the squared Euclidean cost, (B, *E) -> (B, *E); `cost` the optimal
    mean squared displacement W2^2; `target_variance` the trace of Q's covariance; `between` the
    distributions observed on the way, by the share of it, such as 0.5 for half way; `log_density`
    that of Q, (B, *E) -> (B,); `plan` the entropic plan, where that and not a map is what is known.
    """

    map: Callable[[Tensor], Tensor] | None = None
    cost: float | None = None
    target_variance: float | None = None
    between: Mapping[float, Marginal] = field(default_factory=dict)
    log_density: Callable[[Tensor], Tensor] | None = None
    plan: EntropicPlan | None = None


@dataclass(frozen=True)
class Problem:
    """Carry `source` (P) onto `target` (Q).

    `truth` is what is known of the answer, `held_out` a problem with samples that no method may
    see; both are None in what a method is given. `about` holds facts for reports, such as the
    shape of an image or which of several definitions of a data set this is.
    """

    source: Marginal
    target: Marginal
    truth: Truth | None = None
    held_out: Problem | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.source.event_shape != self.target.event_shape:
            raise DataError(
                f"source points have shape {self.source.event_shape} and target points "
                f"{self.target.event_shape}; both must have the same shape"
            )

    @property
    def event_shape(self) -> tuple[int, ...]:
        return self.source.event_shape

    @property
    def dim(self) -> int:
        """D, the number of coordinates of one point."""
        return torch.Size(self.event_shape).numel()

    def to(self, device: torch.device | str) -> Problem:
        held_out = self.held_out.to(device) if self.held_out else None
        return replace(
            self, source=self.source.to(device), target=self.target.to(device), held_out=held_out
        )

    def split(self, train: int, generator: Generator) -> Problem:
        """The same problem with its training samples fixed and the rest held out.

        From a law `train` points are drawn to train on, and the law itself is held out; a finite
        sample is cut in two halves at random, of which at most `train` points are trained on.
        """
        if self.held_out is not None:
            return self
        source, source_rest = self.source.split(train, generator)
        target, target_rest = self.target.split(train, generator)
        held_out = Problem(source_rest, target_rest, truth=self.truth, about=self.about)
        return replace(self, source=source, target=target, held_out=held_out)

    def for_training(self) -> Problem:
        """What a method may see."""
        return replace(self, truth=None, held_out=None)
