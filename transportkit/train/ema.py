"""An exponential moving average of weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """The moving average of a module's floating-point parameters and buffers.

    The decay grows as (1 + step) / (10 + step) up to `decay`, so that short fits are not held to
    their initial weights.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module, self.decay, self.step = module, decay, 0
        self.weights = [w.detach().clone() for w in self._live()]

    def _live(self) -> list[Tensor]:
        every = [*self.module.parameters(), *self.module.buffers()]
        return [w for w in every if w.is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        self.step += 1
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.weights, self._live(), 1 - decay)

    def take(self, weights: list[Tensor]) -> None:
        """Go on from these averages."""
        torch._foreach_copy_(self.weights, weights)

    @torch.no_grad()
    def write(self) -> None:
        """Put the averages into the module."""
        torch._foreach_copy_(self._live(), self.weights)
