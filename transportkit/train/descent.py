"""Gradient training: one loop for regression and for games of several players."""

from __future__ import annotations

import logging
import math
import os
import pickle
import socket
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Generator, nn

from ..core.objective import Game, Objective
from ..core.params import whole
from ..core.random import global_seed_from, global_state, take_global_state
from ..core.record import MOST_STEPS, Budget
from ..core.trainer import Callback, Fit, Progress, Trainer
from ..errors import Diverged, Refusal, TransportkitError, UsageError
from .ema import Average
from .muon import Muon
from .signals import HeldSignals
from .team import Team

log = logging.getLogger("transportkit")

_REPORTS = 200


@dataclass(frozen=True)
class Descent(Trainer):
    """AdamW or Muon with optional clipping, weight averaging, bfloat16 and checkpoints.

    With ``optimizer="muon"`` the square weight matrices, which are those between hidden layers,
    are updated by Muon (Jordan et al. 2024) at `muon_lr` and everything else by AdamW at `lr`.

    `steps` is the budget where a run states none. With a budget of seconds the schedule follows
    the clock. A game of several rounds has a schedule, optimisers and averages for each. `rates`
    multiplies a player's learning rate.
    """

    steps: int = 2000
    batch: int = 512
    optimizer: Literal["adamw", "muon"] = "adamw"
    lr: float = 1e-3
    muon_lr: float = 0.02
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
        self.team = Team.here()
        if self.team.size > 1 and not game.separable:
            # No refusal, which would stand as this run's result for one process too.
            raise TransportkitError(
                "the loss of this method is not a mean over the rows of a batch, so processes "
                "cannot share it out; train it on one"
            )
        self.seconds_allowed = budget.seconds
        self.steps_allowed = (
            None if budget.seconds else budget.steps_of(settings.batch) or settings.steps
        )
        if self.steps_allowed is not None:
            whole("steps", self.steps_allowed, 1, MOST_STEPS)
        self.players: dict[str, nn.Module] = dict(game.players)
        self._equip()
        self.round, self.step, self.seconds = 0, 0, 0.0
        self.global_state: list[torch.Tensor] | None = None
        self.history: list[tuple[int, float]] = []
        # What a player trains: its parameters that require gradients now, as the fit begins.
        self.trained = {
            name: [w for w in module.parameters() if w.requires_grad]
            for name, module in self.players.items()
        }
        self.whole = True
        self.seen = torch.zeros((), device=generator.device)

    def run(self, callbacks: Sequence[Callback], checkpoint: Path | None) -> Fit:
        self.team.align(self.players.values())
        if checkpoint is not None and self._first(checkpoint.exists()):
            self._restore(checkpoint)
        for module in self.players.values():
            module.train()
        try:
            # Dropout and its like can only draw from torch's global generator.
            with global_seed_from(self._global()), HeldSignals() as held:
                if self.global_state is not None:
                    take_global_state(self.global_state, self.generator.device)
                self._descend(callbacks, checkpoint, held)
        except (KeyboardInterrupt, SystemExit):
            if checkpoint is not None and self.whole:
                self._save(checkpoint)
            raise
        finally:
            for weights in self.trained.values():
                _require(weights, True)
        for average in self.averages.values():
            average.write()
        self._check_weights()
        for module in self.players.values():
            module.eval()
        model = self.game.model().eval()
        return Fit(model, tuple(self.history), self.step, self.seconds)

    def _equip(self) -> None:
        """New optimisers and averages for all players."""
        settings = self.settings
        self.optimizers = {
            name: _optimizers(settings, module, settings.rates.get(name, 1.0))
            for name, module in self.players.items()
        }
        self.averages = (
            {name: Average(module, settings.ema) for name, module in self.players.items()}
            if settings.ema
            else {}
        )

    def _next_round(self) -> None:
        """Begin the round that the budget used so far belongs to, where it is a new one."""
        rounds = self.game.rounds
        now = min(int(self._share() * rounds), rounds - 1)
        if now > self.round:
            for average in self.averages.values():
                average.write()
            self._check_weights()
            for weights in self.trained.values():
                _require(weights, True)
            self._equip()
            self.round = now
            self.game.begin(now, self.generator)

    def _global(self) -> Generator:
        """A generator that takes no draw from the fit's own."""
        return Generator().manual_seed(self.generator.initial_seed() % 2**62)

    def _descend(
        self, callbacks: Sequence[Callback], checkpoint: Path | None, held: HeldSignals
    ) -> None:
        resumed_at, begun = self.seconds, time.perf_counter()
        saved = begun
        every = max(1, (self.steps_allowed or _REPORTS * 25) // _REPORTS)
        while not self._done():
            self.whole = False
            loss = self._one_step()
            self.step += 1
            self.global_state = global_state(self.generator.device)
            self.whole = True
            now = time.perf_counter()
            self.seconds = resumed_at + now - begun
            if self.seconds_allowed is not None:
                self.seconds = self._first(self.seconds)
            if self.step % every == 0 or self._done():
                self._report(float(loss), callbacks)
            held.release()
            if checkpoint is not None and now - saved > self.settings.checkpoint_seconds:
                self._save(checkpoint)
                saved = now

    def _done(self) -> bool:
        if self.seconds_allowed is not None:
            return self.seconds >= self.seconds_allowed
        assert self.steps_allowed is not None
        return self.step >= self.steps_allowed

    def _one_step(self) -> torch.Tensor:
        """Every player's moves; the loss of the last."""
        settings = self.settings
        self._next_round()
        self.game.proceed(self._share())
        rate = self._rate()
        loss = torch.zeros(())
        for name, optimizers in self.optimizers.items():
            for weights in self.trained.values():
                _require(weights, False)
            weights = self.trained[name]
            _require(weights, True)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate * group["initial_lr"]
            for _ in range(self.game.moves[name]):
                batch = self.game.draw(settings.batch, self.generator)
                batch = self.team.share(batch, settings.batch)
                with self._autocast():
                    loss = self.game.loss(name, batch, self.generator)
                self.players[name].zero_grad(set_to_none=True)
                loss.backward()
                loss = self.team.average([g for w in weights if (g := w.grad) is not None], loss)
                if settings.clip is not None:
                    nn.utils.clip_grad_norm_(weights, settings.clip)
                for optimizer in optimizers:
                    optimizer.step()
                self.seen += loss.detach()
            if self.averages:
                self.averages[name].update()
        return loss.detach()

    def _autocast(self) -> Any:
        if self.settings.precision == "bf16":
            return torch.autocast(self.generator.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def _share(self) -> float:
        """The share of the budget that is used up."""
        if self.seconds_allowed is not None:
            return min(1.0, self.seconds / self.seconds_allowed)
        assert self.steps_allowed is not None
        return self.step / self.steps_allowed

    def _rate(self) -> float:
        """The learning rate's factor now."""
        rounds = self.game.rounds
        # A round that the clock has run over is at its end.
        part = min(self._share() * rounds - self.round, 1.0)
        if part < self.settings.warmup:
            return min(1.0, max(part, 1e-3) / self.settings.warmup)
        if self.settings.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * part))

    def _report(self, loss: float, callbacks: Sequence[Callback]) -> None:
        # The sum of every player's losses since the last report: one that was not finite shows.
        seen = float(self.seen)
        self.seen.zero_()
        if not math.isfinite(seen):
            raise Diverged(
                f"the loss became {loss if math.isnan(loss) else seen} by step {self.step}; "
                "lower lr, or check the data's scale"
            )
        self.history.append((self.step, loss))
        for callback in callbacks:
            callback(Progress(self.step, self.steps_allowed, loss, self.seconds))

    def _check_weights(self) -> None:
        for name, module in self.players.items():
            if not all(bool(w.isfinite().all()) for w in module.parameters()):
                raise Diverged(
                    f"weights of {name} are not finite after step {self.step}; lower lr, or check "
                    "the data's scale"
                )

    def _first(self, value: float) -> float:
        return self.team.first(value, self.generator.device)

    def _save(self, path: Path) -> None:
        if self.team.rank:
            return
        content = {
            "step": self.step,
            "round": self.round,
            "seconds": self.seconds,
            "history": self.history,
            "players": {n: m.state_dict() for n, m in self.players.items()},
            "optimizers": {
                n: [o.state_dict() for o in each] for n, each in self.optimizers.items()
            },
            "averages": {
                n: {"step": a.step, "weights": a.weights} for n, a in self.averages.items()
            },
            "generator": self.generator.get_state(),
            "global": self.global_state,
            "game": dict(self.game.state()),
        }
        # Whoever finds it can tell whether its process lives.
        partial = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(content, partial)
            os.replace(partial, path)
        except (OSError, RuntimeError) as error:
            # A full disk costs the checkpoint, not the training; torch says it by RuntimeError.
            log.warning("no checkpoint could be written to %s: %s", path, error)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _restore(self, path: Path) -> None:
        try:
            content = torch.load(path, map_location=self.generator.device, weights_only=True)
            self._take(content)
        except (RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise UsageError(
                f"'{path}' is not a checkpoint of this fit; remove it to begin anew"
            ) from error

    def _take(self, content: dict[str, Any]) -> None:
        self.step, self.seconds = content["step"], content["seconds"]
        self.round = content["round"]
        self.history = [tuple(pair) for pair in content["history"]]
        for name, module in self.players.items():
            module.load_state_dict(content["players"][name])
            states = content["optimizers"][name]
            for optimizer, state in zip(self.optimizers[name], states, strict=True):
                optimizer.load_state_dict(state)
            if self.averages:
                self.averages[name].step = content["averages"][name]["step"]
                self.averages[name].take(content["averages"][name]["weights"])
        self.generator.set_state(content["generator"].cpu())
        self.global_state = content["global"]
        self.game.restore(content["game"])


def _optimizers(settings: Descent, module: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """The optimisers of one player, each knowing its undecayed learning rate."""
    weights = list(module.parameters())
    square = [w for w in weights if w.ndim == 2 and w.shape[0] == w.shape[1]]
    found: list[torch.optim.Optimizer] = []
    if settings.optimizer == "muon" and square:
        lr = rate * settings.muon_lr
        found.append(Muon(square, lr=lr, weight_decay=settings.weight_decay))
        weights = [w for w in weights if all(w is not other for other in square)]
    lr, decay = rate * settings.lr, settings.weight_decay
    if weights:
        found.append(torch.optim.AdamW(weights, lr=lr, betas=settings.betas, weight_decay=decay))
    for optimizer in found:
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    return found


def _require(weights: list[nn.Parameter], grad: bool) -> None:
    for weight in weights:
        weight.requires_grad_(grad)
