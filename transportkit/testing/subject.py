"""A plugin under test, with the fits that several checks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import registry
from ..core.choice import Choice
from ..core.integrator import Integrator
from ..core.method import Method
from ..core.params import parameters
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import Budget
from ..core.spec import MethodSpec
from ..core.trainer import Fit, Progress
from ..transport import Moved, Transport
from . import trials
from .outcome import Skip

QUICK = Budget(steps=3)
POINTS = 64


@dataclass(frozen=True)
class Trial:
    """A short training on a small sample, `starts` moved by it, and what was seen meanwhile.

    `told` is what the trainer reported. Empty where all is well: `seeded`, the global random states
    that changed; `touched`, what was read of the problem and is not to be seen; `altered`, which
    samples were changed in place.
    """

    fit: Fit
    transport: Transport
    moved: Moved
    told: Sequence[Progress]
    seeded: Sequence[str]
    touched: Sequence[str]
    altered: Sequence[str]


class Subject:
    """A registered plugin of any kind, made with given parameters."""

    def __init__(self, kind: str, name: str, params: Mapping[str, Any] | None = None) -> None:
        self.kind, self.name, self.given = kind, name, dict(params or {})

    @cached_property
    def loaded(self) -> registry.Loaded:
        return registry.describe(self.kind, self.name)

    @cached_property
    def choice(self) -> Choice:
        """The plugin with every parameter in full. Skips where one is required and not given."""
        required = [p.name for p in parameters(self.loaded.spec.params).values() if p.required]
        if missing := [name for name in required if name not in self.given]:
            raise Skip(f"needs a value for {', '.join(missing)}")
        return registry.parse_choice(self.kind, self.name, self.given)

    def make(self) -> Any:
        return registry.make(self.kind, self.choice)


class MethodSubject(Subject):
    """A method under test. `budget` is what the check of its quality may train with."""

    def __init__(
        self,
        kind: str,
        name: str,
        params: Mapping[str, Any] | None = None,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(kind, name, params)
        self.budget = budget or Budget()
        self._trials: dict[tuple[tuple[int, ...], int], Trial] = {}

    @property
    def spec(self) -> MethodSpec:
        spec = self.loaded.spec
        assert isinstance(spec, MethodSpec)
        return spec

    @cached_property
    def integrator(self) -> Integrator | None:
        text = self.spec.integrator
        return (
            registry.make("integrator", registry.parse_choice("integrator", text)) if text else None
        )

    def fit(
        self,
        problem: Problem,
        budget: Budget = QUICK,
        *,
        seed: int = 0,
        device: str = "cpu",
        callbacks: Sequence[Any] = (),
        checkpoint: Path | None = None,
    ) -> Fit:
        """A fit as a run would do it. Skips where the method refuses the problem."""
        method: Method[Any] = self.make()
        if reason := method.refuses(problem.for_training()):
            raise Skip(f"refused: {reason}")
        view = problem.for_training().to(device)
        objective = method.objective(view, derive(seed, "objective", device=device))
        generator = derive(seed, "fit", device=device)
        return method.trainer().fit(objective, budget, generator, callbacks, checkpoint)

    def transport(self, fit: Fit) -> Transport:
        return Transport(fit.model, self.integrator)

    def trial(self, event_shape: tuple[int, ...] = (2,), state: int = 1) -> Trial:
        """What most checks look at: made once, under every watch at a time.

        `state` seeds the global random states, which must not matter.
        """
        key = event_shape, state
        if key not in self._trials:
            self._trials[key] = self._try(event_shape, state)
        return self._trials[key]

    def _try(self, event_shape: tuple[int, ...], state: int) -> Trial:
        problem, x = trials.Guarded.of(trials.samples(event_shape)), starts(event_shape)
        given = {
            "the training samples of P": problem.source.points(10_000, derive(0, "all")),
            "the training samples of Q": problem.target.points(10_000, derive(0, "all")),
            "the points to move": x,
        }
        before = {name: tensor.clone() for name, tensor in given.items()}
        told: list[Progress] = []
        with trials.unchanged_global_state(state) as seeded:
            fit = self.fit(problem, callbacks=[told.append])
            transport = self.transport(fit)
            moved = push(transport, x)
        altered = [name for name, tensor in given.items() if not torch.equal(tensor, before[name])]
        return Trial(fit, transport, moved, told, seeded, problem.touched, altered)


def starts(event_shape: tuple[int, ...] = (2,), n: int = POINTS) -> Tensor:
    """Points of P that no method was trained on."""
    return trials.gaussians(event_shape).source.sample(n, derive(1, "starts"))


def push(transport: Transport, x: Tensor, *, seed: int = 0, batch: int = 4096) -> Moved:
    return transport.push(x, derive(seed, "push", device=transport.device), batch=batch)


def same(a: Moved, b: Moved) -> bool:
    """Whether both are equal to the last bit."""
    return all(
        torch.equal(getattr(a, name), getattr(b, name))
        for name in ("points", "stop", "evaluations")
    )
