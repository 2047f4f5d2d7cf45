"""Processes that train one model together, each on its share of every batch.

Every process draws the whole batch from the same generator and computes on its own part of it; the
gradients are averaged over all. So neither the draws nor pairings within a batch depend on how many
processes there are, and the numbers only in their last bits, as long as the loss is a mean over the
rows of the batch and draws nothing itself. A game whose loss is not says so (`Game.separable`) and
is trained by one process. What is saved is the arithmetic of the network, not the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..errors import TransportkitError

T = TypeVar("T")


@dataclass(frozen=True)
class Team:
    """This process among those of torch's default process group."""

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> Team:
        """The team of this process; alone where no process group was made."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    def share(self, batch: T, n: int) -> T:
        """This process's part of a batch of n: of each tensor (n, ...) in it, its rows.

        Raises TransportkitError where n cannot be shared out equally.
        """
        if self.size == 1:
            return batch
        if n % self.size:
            raise TransportkitError(
                f"a batch of {n} cannot be shared out equally to {self.size} processes; take a "
                "multiple of it"
            )
        part = n // self.size
        rows = slice(self.rank * part, (self.rank + 1) * part)
        shared: T = _rows(batch, rows, n)
        return shared

    def average(self, gradients: Sequence[Tensor], loss: Tensor) -> Tensor:
        """The mean loss over all processes, and the gradients averaged in place."""
        if self.size == 1:
            return loss
        together = torch.cat([*(g.flatten() for g in gradients), loss.detach().flatten()])
        dist.all_reduce(together)
        together /= self.size
        sizes = [g.numel() for g in gradients]
        for gradient, mean in zip(gradients, together[:-1].split(sizes), strict=True):
            gradient.copy_(mean.view_as(gradient))
        return together[-1]

    def first(self, value: float, device: torch.device) -> float:
        """What the first process says."""
        if self.size == 1:
            return value
        said = torch.tensor(value, dtype=torch.float64, device=device)
        dist.broadcast(said, 0)
        return float(said)

    def align(self, modules: Iterable[nn.Module]) -> None:
        """Give every process the weights of the first."""
        if self.size > 1:
            for module in modules:
                for state in (*module.parameters(), *module.buffers()):
                    dist.broadcast(state.data, 0)


def _rows(value: Any, rows: slice, n: int) -> Any:
    if isinstance(value, Tensor):
        return value[rows] if value.ndim and len(value) == n else value
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: _rows(getattr(value, f.name), rows, n) for f in fields(value) if f.init}
        return replace(value, **parts)
    if isinstance(value, dict):
        return {key: _rows(each, rows, n) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_rows(each, rows, n) for each in value))
    if isinstance(value, list | tuple):
        return type(value)(_rows(each, rows, n) for each in value)
    return value
