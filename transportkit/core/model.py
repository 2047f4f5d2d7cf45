"""Models: a Field whose lines carry P to Q, or a Map that does so directly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from ..errors import Refusal
from .span import Axis, Interval, Plate, Span


class Model(nn.Module, ABC):
    """What a method fits. Its state dict and `config` are all there is to save."""

    @property
    @abstractmethod
    def config(self) -> Mapping[str, Any]:
        """JSON values from which `Method.blank` builds this model anew, without its state."""

    @abstractmethod
    def reverse(self) -> Model:
        """The model that carries Q to P, for use and not to be saved. Raises Refusal where there is
        none."""


class Field(Model, ABC):
    """A vector field; x (B, *E) lives in data space and y (B, *S) in the lifted space.

    A subclass is an `IntervalField` or a `PlateField`.
    """

    @property
    @abstractmethod
    def span(self) -> Span:
        """Where lines begin and end."""

    @abstractmethod
    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        """The velocity (B, *S) at times t (B,) and states y (B, *S)."""

    @abstractmethod
    def lift(self, x: Tensor) -> Tensor:
        """Data points (B, *E) as states (B, *S)."""

    @abstractmethod
    def drop(self, y: Tensor) -> Tensor:
        """The last states (B, *S) of lines as the data points (B, *E) that they came to.

        So it may finish them, by a last step that removes noise for instance; `finishing` says
        how many evaluations that takes.
        """

    @property
    def finishing(self) -> int:
        """How often `drop` evaluates the field for a line, or what costs as much: counted with the
        evaluations of the integrator."""
        return 0

    def at_rim(self, y: Tensor) -> Tensor | None:
        """Which of the lines (B,) with these last states (B, *S) came beside all that they could
        end on, so that `drop` puts them on its rim; None of a field that does no such thing."""
        return None

    def along(self, y: Tensor) -> Tensor:
        """States (B, *S) anywhere on their lines as data points (B, *E): where the lines are.

        As `drop`, unless a field says else.
        """
        return self.drop(y)

    @property
    def axis(self) -> Axis:
        """How drawings of the lines name the way that they go."""
        return Axis()

    @abstractmethod
    def reverse(self) -> Field:
        """The field whose lines carry Q to P. Raises Refusal where there is none."""


class IntervalField(Field):
    """A field over a time interval. Its states are data points unless lift and drop say else.

    A subclass gives `config` and `forward`.
    """

    @property
    def span(self) -> Interval:
        return Interval(0.0, 1.0)

    def lift(self, x: Tensor) -> Tensor:
        return x

    def drop(self, y: Tensor) -> Tensor:
        return y

    def reverse(self) -> Field:
        return ReversedInterval(self)

    def noise_level(self, t: Tensor) -> Tensor:
        """How much noise (B,) the states at times t (B,) have, in units of the field's own.

        It falls with time. Only for fields whose span is `denoising`.
        """
        raise Refusal(f"{type(self).__name__} does not tell how much noise its states have")

    def with_noise(
        self, t: Tensor, y: Tensor, level: Tensor, draw: Tensor
    ) -> tuple[Tensor, Tensor]:
        """States y (B, *S) of times t (B,) with noise added, up to a level (B,) above theirs.

        draw (B, *S) is the noise, of unit variance. Returns the times at which lines have that
        level, and the states. Only for fields whose span is `denoising`.
        """
        raise Refusal(f"{type(self).__name__} does not tell how much noise its states have")


class ReversedInterval(IntervalField):
    """The same field, run from the end of its interval to the beginning."""

    def __init__(self, field: IntervalField) -> None:
        super().__init__()
        self.field = field

    @property
    def config(self) -> Mapping[str, Any]:
        return self.field.config

    @property
    def span(self) -> Interval:
        return self.field.span.reversed()

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.field(t, y)

    def lift(self, x: Tensor) -> Tensor:
        return self.field.lift(x)

    def drop(self, y: Tensor) -> Tensor:
        return self.field.drop(y)

    def along(self, y: Tensor) -> Tensor:
        return self.field.along(y)

    @property
    def finishing(self) -> int:
        return self.field.finishing

    def reverse(self) -> Field:
        return self.field


class DiffusionField(IntervalField):
    """A field with a stochastic equation dy = drift(t, y) dt + noise(t) dW beside its lines.

    `forward` is the velocity of the deterministic lines that have the same marginals (Song et al.
    2021, arXiv:2011.13456, equation 13). The reverse is that of the lines; a subclass that has a
    reverse equation as well overrides `reverse`.
    """

    @property
    def span(self) -> Interval:
        return Interval(0.0, 1.0, noisy=True)

    @abstractmethod
    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        """The drift (B, *S) of the stochastic equation at times t (B,) and states y (B, *S)."""

    @abstractmethod
    def noise(self, t: Tensor) -> Tensor:
        """The size (B,) of its noise at times t (B,), in units of the states per root of time."""


@dataclass(frozen=True)
class Contact:
    """What becomes of lines that leave or meet a plate.

    y (B, D+1): where they are now; arrived (B,) bool: whether they end there; evaluations: how
    many times the field was evaluated to tell, for all of them or per line (B,); given_up (B,)
    bool: which of the others are followed no further and are lost, none if absent.
    """

    y: Tensor
    arrived: Tensor
    evaluations: int | Tensor
    given_up: Tensor | None = None


class PlateField(Field):
    """A field between two plates, given by its direction.

    States are y = (x, z) (B, D+1), flat, in the field's own units. `forward` returns the unit
    direction in which a line goes on from the source towards the target plate (for
    electrostatics: E / |E|). It depends on y alone: t is there for the shape of the contract, and
    what an integrator gives for it is its own affair.
    """

    @property
    @abstractmethod
    def span(self) -> Plate: ...

    @property
    def axis(self) -> Axis:
        return Axis("source plate, z = 0 (+)", "target plate, z = L (−)", "height z")

    @abstractmethod
    def leave(self, y: Tensor, generator: Generator) -> Contact:
        """Lines that start at y (B, D+1) on the source plate, moved to one side of it.

        The field chooses the side. `arrived` is False throughout.
        """

    @abstractmethod
    def meet(self, y: Tensor) -> Contact:
        """Lines at y (B, D+1), exactly on a surface z = start ± offset or z = end ± offset, each
        with the offset of that plate.

        A line that has arrived is returned on the far plate itself, z = end; one that passes
        through a plate is returned on its other surface, from where it goes on.
        """

    def log_magnitude(self, y: Tensor) -> Tensor | None:
        """The logarithm (B,) of the field's size at states y (B, D+1), up to a constant; None of a
        field that is known by its direction alone."""
        return None

    def leap(self, y: Tensor, slope: Tensor) -> Tensor:
        """Lines at y (B, D+1), going in the directions slope (B, D+1), far from the plates.

        A field that knows how a line far outside goes on returns where it comes back; every other
        line is returned as it is.
        """
        return y

    def pace(self, y: Tensor) -> Tensor | None:
        """The longest step (B,) that lines may take at states y (B, D+1); None for any.

        For a field that looks straight to a step which passes all that there is.
        """
        return None

    def capture(self, y: Tensor) -> Contact:
        """Lines at y (B, D+1), after a step that met no surface: which of them end there.

        A field whose lines end elsewhere than on its plates returns those on their ends, and
        every other line as it is.
        """
        return Contact(y, torch.zeros(len(y), dtype=torch.bool, device=y.device), 0)


class Map(Model, ABC):
    """A map that carries points of P to points of Q directly."""

    @abstractmethod
    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        """The images (B, *E) of the points x (B, *E); a random map draws from `generator`."""

    def reverse(self) -> Map:
        raise Refusal("this map carries P to Q only; it has no way back")
