"""What the learned methods of this family train alike."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Generator, Tensor

from transportkit import Descent, Diverged, Game, check_room

from . import EfmParams, EfmPlatesParams

B = TypeVar("B")

log = logging.getLogger("transportkit")


class PooledGame(Game[B]):
    """A game whose examples are a pool, made ahead by following exact lines and renewed at times.

    What a pool holds depends on the seed and on how often it was renewed, so that a resumed fit
    finds the same. A subclass gives `gather` and `pick`, and calls `start` when all that they need
    is there.
    """

    def start(self, refresh: int, device: torch.device, generator: Generator) -> None:
        """Make the first pool; each serves `refresh` draws."""
        self.refresh, self.device, self.draws = refresh, device, 0
        self.seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        self._renew()

    @abstractmethod
    def gather(self, generator: Generator) -> None:
        """Make the examples of a pool."""

    @abstractmethod
    def pick(self, n: int, generator: Generator) -> B:
        """A batch of n of them."""

    def need(self, good: Tensor, what: str) -> None:
        """`tell`, and raise Diverged where none of the examples (n,) of a pool is good."""
        if not good.any():
            raise Diverged(
                f"0 of {len(good)} {what}, so there is nothing to train on; look for far points in "
                "the samples, or set distance and offset"
            )
        self.tell(good, what)

    def tell(self, good: Tensor, what: str) -> None:
        """Warn of examples (n,) of a pool that are not good. `what` ends "3 of 10 ..."."""
        if not good.all():
            log.warning("%d of %d %s", int(good.sum()), len(good), what)

    def draw(self, n: int, generator: Generator) -> B:
        if self.draws and self.draws % self.refresh == 0:
            self._renew()
        self.draws += 1
        return self.pick(n, generator)

    def state(self) -> Mapping[str, Any]:
        return {"draws": self.draws}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.draws = state["draws"]
        self._renew()

    def _renew(self) -> None:
        seed = (self.seed + self.draws // self.refresh) % 2**63
        self.gather(Generator(self.device).manual_seed(seed))


def check_lines(lines: int, dim: int, device: torch.device) -> None:
    """Raise TooLarge for more lines in `dim` dimensions than there is room to follow: each has a
    start, a state, a direction and an end at least."""
    check_room(
        4 * 4 * (dim + 1) * lines, f"lines={lines} of dimension {dim}", "lower lines", device
    )


def muon(params: EfmParams | EfmPlatesParams) -> Descent:
    """Hidden layers by Muon, the others by AdamW, after a short warmup."""
    return Descent(
        steps=params.steps,
        batch=params.batch,
        optimizer="muon",
        lr=1.5e-2 if params.lr is None else params.lr,
        muon_lr=params.muon_lr,
        warmup=0.05,
        betas=(0.9, 0.99),
        clip=None,
        ema=0.99 if params.ema is None else params.ema,
    )
