"""Integrators: how the lines of a Field are followed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..errors import Refusal
from .model import Field
from .span import Span
from .status import Stop


@dataclass(frozen=True)
class Solution:
    """Followed lines.

    end (B, *S): the last state of each line, in the lifted space; stop (B,) uint8: a `Stop` per
    line; evaluations (B,) int64: how often the field was evaluated on that line; times (K, B) and
    path (K, B, *S): K states along each line, first and last included, where they were asked for.
    A line that failed ends at a finite state: the last that its integrator had accepted, or its
    start where the integrator keeps none.
    """

    end: Tensor
    stop: Tensor
    evaluations: Tensor
    times: Tensor | None = None
    path: Tensor | None = None

    @property
    def arrived(self) -> Tensor:
        """Which lines arrived, (B,) bool."""
        return self.stop == int(Stop.ARRIVED)

    def shares(self) -> dict[str, float]:
        """The share of lines with each status, by label."""
        counts = torch.bincount(self.stop.long(), minlength=len(Stop)).tolist()
        return {s.label: counts[s] / max(1, len(self.stop)) for s in Stop}


@dataclass(frozen=True)
class Integrator(ABC):
    """Settings of a solver. Subclasses are frozen dataclasses whose fields are the settings."""

    @abstractmethod
    def refuses(self, span: Span) -> str | None:
        """Why lines over this span cannot be followed, or None."""

    @abstractmethod
    def with_evaluations(self, nfe: int) -> Integrator:
        """This integrator with as near to `nfe` evaluations a line as it can, and not more.

        Raises Refusal where the number of evaluations is not for the user to choose.
        """

    @abstractmethod
    def follow(self, field: Field, x: Tensor, generator: Generator, save: int) -> Solution:
        """What `solve` does, for a span that is not refused and at least one line."""

    def solve(self, field: Field, x: Tensor, generator: Generator, *, save: int = 0) -> Solution:
        """Follow the lines that start at the data points x (B, *E), to the end of the span.

        With `save` = K ≥ 2 the solution carries K states of each line. Raises Refusal where the
        span is not served; a line that fails has a status instead.
        """
        if reason := self.refuses(field.span):
            raise Refusal(reason)
        if save == 1 or save < 0:
            raise ValueError(f"save must be 0 or at least 2 states a line, not {save}")
        if len(x) == 0:
            return _nothing(field.lift(x), save)
        return self.follow(field, x, generator, save)


def _nothing(end: Tensor, save: int) -> Solution:
    """The solution of no lines."""
    stop = torch.zeros(0, dtype=torch.uint8, device=end.device)
    if not save:
        return Solution(end, stop, stop.long())
    return Solution(end, stop, stop.long(), end.new_zeros(save, 0), end.new_zeros(save, *end.shape))
