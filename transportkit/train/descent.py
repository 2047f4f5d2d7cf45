"""Gradient training: one loop for regression and for games of several players."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Generator, nn

from ..core.objective import Game, Objective
from ..core.record import Budget
from ..core.trainer import Callback, Fit, Progress, Trainer
from ..errors import Diverged, Refusal
from .ema import Average

_REPORTS = 200


@dataclass(frozen=True)
class Descent(Trainer):
    """AdamW with optional clipping, weight averaging, bfloat16 and checkpoints.

    `steps` is the budget where a run states none. With a budget of seconds the schedule follows
    the clock. `players` gives a player its own learning rate.
    """

    steps: int = 2000
    batch: int = 512
    lr: float = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = 1.0
    ema: float | None = 0.999
    precision: Literal["float32", "bf16"] = "float32"
    rates: dict[str, float] = field(default_factory=dict)
    checkpoint_seconds: float = 60.0

    def fit(
        self,
        objective: Objective,
        budget: Budget,
        generator: Generator,
        callbacks: Sequence[Callback] = (),
        checkpoint: Path | None = None,
    ) -> Fit:
        if not isinstance(objective, Game):
            raise Refusal(f"{type(objective).__name__} is not a game to descend; use Direct")
        return _Descending(self, objective, budget, generator).run(callbacks, checkpoint)


class _Descending:
    """The state of one fit: everything that a checkpoint holds."""

    def __init__(
        self, settings: Descent, game: Game[Any], budget: Budget, generator: Generator
    ) -> None:
        self.settings, self.game, self.generator = settings, game, generator
        self.seconds_allowed = budget.seconds
        self.steps_allowed = None if budget.seconds else (budget.steps or settings.steps)
        self.players: dict[str, nn.Module] = dict(game.players)
        self.optimizers = {
            name: torch.optim.AdamW(
                module.parameters(),
                lr=settings.rates.get(name, settings.lr),
                betas=settings.betas,
                weight_decay=settings.weight_decay,
            )
            for name, module in self.players.items()
        }
        self.averages = (
            {name: Average(module, settings.ema) for name, module in self.players.items()}
            if settings.ema
            else {}
        )
        self.step, self.seconds = 0, 0.0
        self.history: list[tuple[int, float]] = []

    def run(self, callbacks: Sequence[Callback], checkpoint: Path | None) -> Fit:
        if checkpoint is not None and checkpoint.exists():
            self._restore(checkpoint)
        resumed_at, begun = self.seconds, time.perf_counter()
        saved = begun
        every = max(1, (self.steps_allowed or _REPORTS * 25) // _REPORTS)
        for module in self.players.values():
            module.train()
        try:
            while not self._done():
                loss = self._one_step()
                self.step += 1
                now = time.perf_counter()
                self.seconds = resumed_at + now - begun
                if self.step % every == 0 or self._done():
                    self._report(float(loss), callbacks)
                if checkpoint is not None and now - saved > self.settings.checkpoint_seconds:
                    self._save(checkpoint)
                    saved = now
        except KeyboardInterrupt:
            if checkpoint is not None:
                self._save(checkpoint)
            raise
        for average in self.averages.values():
            average.write()
        for module in self.players.values():
            module.eval()
        model = self.game.model().eval()
        return Fit(model, tuple(self.history), self.step, self.seconds)

    def _done(self) -> bool:
        if self.seconds_allowed is not None:
            return self.seconds >= self.seconds_allowed
        assert self.steps_allowed is not None
        return self.step >= self.steps_allowed

    def _one_step(self) -> torch.Tensor:
        """Every player's moves; the loss of the last."""
        settings = self.settings
        rate = self._rate()
        loss = torch.zeros(())
        for name, optimizer in self.optimizers.items():
            module = self.players[name]
            for other, player in self.players.items():
                player.requires_grad_(other == name)
            for group in optimizer.param_groups:
                group["lr"] = rate * settings.rates.get(name, settings.lr)
            for _ in range(self.game.moves[name]):
                batch = self.game.draw(settings.batch, self.generator)
                with self._autocast():
                    loss = self.game.loss(name, batch, self.generator)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                if settings.clip is not None:
                    nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
                optimizer.step()
            if self.averages:
                self.averages[name].update()
        return loss.detach()

    def _autocast(self) -> Any:
        if self.settings.precision == "bf16":
            return torch.autocast(self.generator.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def _rate(self) -> float:
        """The learning rate's factor now."""
        if self.seconds_allowed is not None:
            part = min(1.0, self.seconds / self.seconds_allowed)
        else:
            assert self.steps_allowed is not None
            part = self.step / self.steps_allowed
        if part < self.settings.warmup:
            return max(part, 1e-3) / self.settings.warmup
        if self.settings.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * part))

    def _report(self, loss: float, callbacks: Sequence[Callback]) -> None:
        if not math.isfinite(loss):
            raise Diverged(
                f"the loss became {loss} at step {self.step}; lower lr, or check the data's scale"
            )
        self.history.append((self.step, loss))
        for callback in callbacks:
            callback(Progress(self.step, self.steps_allowed, loss, self.seconds))

    def _save(self, path: Path) -> None:
        content = {
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
            "players": {n: m.state_dict() for n, m in self.players.items()},
            "optimizers": {n: o.state_dict() for n, o in self.optimizers.items()},
            "averages": {n: {"step": a.step, "weights": a.weights} for n, a in self.averages.items()},
            "generator": self.generator.get_state(),
            "game": dict(self.game.state()),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(content, partial)
        os.replace(partial, path)

    def _restore(self, path: Path) -> None:
        content = torch.load(path, map_location=self.generator.device, weights_only=True)
        self.step, self.seconds = content["step"], content["seconds"]
        self.history = [tuple(pair) for pair in content["history"]]
        for name, module in self.players.items():
            module.load_state_dict(content["players"][name])
            self.optimizers[name].load_state_dict(content["optimizers"][name])
            if self.averages:
                self.averages[name].step = content["averages"][name]["step"]
                self.averages[name].weights = content["averages"][name]["weights"]
        self.generator.set_state(content["generator"].cpu())
        self.game.restore(content["game"])
