"""Records: what was asked (Run, Budget) and what came of it (Result), as JSON-ready data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..errors import UsageError


@dataclass(frozen=True)
class Budget:
    """How much training a fit may use; None leaves it to the method's own default."""

    steps: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.seconds is not None:
            raise UsageError("a budget is steps or seconds, not both")
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"a budget has at least 1 step, not {self.steps}")
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise UsageError(f"a budget has more than 0 seconds, not {self.seconds}")

    @classmethod
    def parse(cls, text: str) -> Budget:
        """``steps=2000`` or ``seconds=60``."""
        name, _, value = text.partition("=")
        try:
            if name == "steps":
                steps = float(value)
                if steps != int(steps):
                    raise ValueError
                return cls(steps=int(steps))
            if name == "seconds":
                return cls(seconds=float(value))
        except (ValueError, OverflowError):
            pass
        raise UsageError(f"a budget reads steps=2000 or seconds=60, not '{text}'")

    def __str__(self) -> str:
        if self.steps is not None:
            return f"steps={self.steps}"
        return f"seconds={self.seconds:g}" if self.seconds is not None else "default"


@dataclass(frozen=True)
class Choice:
    """A plugin by name, with its parameters in full."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Run:
    """One unit of work: everything that can change its result.

    `points` is the number of points it is judged on, `train` the number of training samples drawn
    from a law, `batch` the number of lines followed at once, `threads` the CPU threads that torch
    computes with.
    """

    method: Choice
    problem: Choice
    seed: int = 0
    budget: Budget = Budget()
    integrator: Choice | None = None
    nfe: int | None = None
    metrics: tuple[Choice, ...] = ()
    device: str = "cpu"
    points: int = 2000
    train: int = 10_000
    batch: int = 4096
    threads: int = 1
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def key(self) -> str:
        """The content key: equal for equal work, different for anything that can differ."""
        return _key(self.to_dict())

    def fit_key(self) -> str:
        """The content key of the training alone, shared by runs that push one fit differently."""
        judged = {"integrator", "nfe", "metrics", "points", "batch"}
        return _key({k: v for k, v in self.to_dict().items() if k not in judged})


def _key(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


Status = Literal["done", "refused", "failed", "diverged", "out of memory", "interrupted"]


@dataclass(frozen=True)
class Value:
    """A metric's value, its noise floor (mean and standard deviation), and value over floor."""

    value: float | None
    floor: float | None = None
    floor_std: float | None = None
    ratio: float | None = None


@dataclass(frozen=True)
class Result:
    """What came out of a Run. Figures that were not reached are None; `message` says why."""

    run: Run
    status: Status
    message: str = ""
    metrics: Mapping[str, Value] = field(default_factory=dict)
    fit_seconds: float | None = None
    push_seconds: float | None = None
    steps: int | None = None
    loss: float | None = None
    nfe: float | None = None
    finished: float | None = None
    stops: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float | None = None
    points: int | None = None
    event_shape: tuple[int, ...] | None = None
    folder: str | None = None
