"""Small problems that a plugin is tried on, and watches over what it may not touch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from ..core.problem import Empirical, Law, Marginal, Problem
from ..core.random import derive

SHIFT, SPREAD = 3.0, 0.5


def gaussians(event_shape: tuple[int, ...] = (2,)) -> Problem:
    """From N(0, I) to N(shift, spread² I), both of which can be drawn from without end."""

    def source(n: int, generator: Generator) -> Tensor:
        return torch.randn(n, *event_shape, generator=generator)

    def target(n: int, generator: Generator) -> Tensor:
        return SHIFT + SPREAD * torch.randn(n, *event_shape, generator=generator)

    return Problem(Law(source, event_shape), Law(target, event_shape))


def samples(event_shape: tuple[int, ...] = (2,), n: int = 128, m: int = 128) -> Problem:
    """n and m training samples of `gaussians`."""
    whole, generator = gaussians(event_shape), derive(0, "trial")
    return Problem(
        Empirical(whole.source.sample(n, generator)), Empirical(whole.target.sample(m, generator))
    )


class Spoiled(Marginal):
    """A sample of which one value in every batch is not finite, whichever way it is asked for."""

    def __init__(self, inner: Marginal, value: float) -> None:
        self.inner, self.value = inner, value

    @property
    def event_shape(self) -> tuple[int, ...]:
        return self.inner.event_shape

    @property
    def size(self) -> int | None:
        return self.inner.size

    def sample(self, n: int, generator: Generator) -> Tensor:
        return self._spoil(self.inner.sample(n, generator))

    def points(self, limit: int, generator: Generator) -> Tensor:
        return self._spoil(self.inner.points(limit, generator))

    def to(self, device: torch.device | str) -> Marginal:
        return Spoiled(self.inner.to(device), self.value)

    def _spoil(self, x: Tensor) -> Tensor:
        x = x.clone()
        x.view(-1)[x.numel() // 2] = self.value
        return x


class Guarded(Problem):
    """Training samples that note who asks for the held-out samples or the truth."""

    @classmethod
    def of(cls, problem: Problem) -> Guarded:
        """What a method is given of `problem`, under watch from now on."""
        view = problem.for_training()
        made = cls(view.source, view.target)
        object.__setattr__(made, "_touched", [])
        return made

    @property
    def touched(self) -> list[str]:
        """The names of what was asked for and is not to be seen."""
        seen: list[str] = self.__dict__["_touched"]
        return seen

    def __getattribute__(self, name: str) -> Any:
        if name in ("held_out", "truth"):
            touched = object.__getattribute__(self, "__dict__").get("_touched")
            if touched is not None:
                touched.append(name)
        return super().__getattribute__(name)

    def to(self, device: torch.device | str) -> Problem:
        moved = Guarded(self.source.to(device), self.target.to(device))
        object.__setattr__(moved, "_touched", self.touched)
        return moved

    def for_training(self) -> Problem:
        return self


def spoiled(problem: Problem, side: Literal["source", "target"], value: float) -> Problem:
    """The problem with values on one side that are not finite."""
    if side == "source":
        return replace(problem, source=Spoiled(problem.source, value))
    return replace(problem, target=Spoiled(problem.target, value))


@contextmanager
def other_global_state(seed: int = 12345) -> Iterator[None]:
    """Global random states of Python, NumPy and torch seeded anew, and put back on leaving."""
    before = _states()
    try:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.default_generator.manual_seed(seed)
        yield
    finally:
        random.setstate(before["random"])
        np.random.set_state(before["numpy.random"])  # noqa: NPY002
        torch.set_rng_state(before["torch"])
        torch.set_default_dtype(before["torch's default dtype"])


@contextmanager
def unchanged_global_state(seed: int = 12345) -> Iterator[list[str]]:
    """A list that holds, after leaving, the names of global states that changed; all are put
    back."""
    changed: list[str] = []
    with other_global_state(seed):
        before = _states()
        yield changed
        changed += [name for name, state in _states().items() if not _same(state, before[name])]


def _states() -> dict[str, Any]:
    return {
        "random": random.getstate(),
        "numpy.random": np.random.get_state(),  # noqa: NPY002
        "torch": torch.get_rng_state(),
        "torch's default dtype": torch.get_default_dtype(),
    }


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    return bool(np.array_equal(a, b))
