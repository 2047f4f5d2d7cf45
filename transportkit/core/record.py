"""Records: what was asked (Run, Budget) and what came of it (Result), as JSON-ready data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

from ..errors import UsageError
from .choice import Choice
from .params import whole

JUDGING = ("integrator", "metric")
"""Kinds of plugins that a fit is pushed and judged by."""


MOST_STEPS, MOST_SAMPLES = 10**9, 10**12
MOST_SECONDS = 366 * 24 * 3600
"""A year, and as many steps and samples as take longer: a budget beyond is a slip."""


@dataclass(frozen=True)
class Budget:
    """How much training a fit may use: steps, seconds, or samples seen, which are steps times the
    batch. None of them leaves it to the method's own default."""

    steps: int | None = None
    seconds: float | None = None
    samples: int | None = None

    def __post_init__(self) -> None:
        if sum(v is not None for v in (self.steps, self.seconds, self.samples)) > 1:
            raise UsageError("a budget is one of steps, seconds and samples")
        for name, most in (("steps", MOST_STEPS), ("samples", MOST_SAMPLES)):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, whole(f"a budget's {name}", given, 1, most))
        if self.seconds is not None:
            object.__setattr__(self, "seconds", _seconds(self.seconds))

    @classmethod
    def parse(cls, text: str) -> Budget:
        """``steps=2000``, ``seconds=60``, ``samples=1e6`` or ``default``."""
        name, _, value = text.partition("=")
        if text == "default":
            return cls()
        try:
            if name in ("steps", "samples"):
                number = float(value)
                if number != int(number):
                    raise ValueError
                return cls(**{name: int(number)})
            if name == "seconds":
                return cls(seconds=float(value))
        except (ValueError, OverflowError):
            pass
        raise UsageError(f"a budget reads steps=2000, seconds=60 or samples=1e6, not '{text}'")

    def steps_of(self, batch: int) -> int | None:
        """The steps that it allows with this batch; None where it does not count them."""
        return -(-self.samples // batch) if self.samples is not None else self.steps

    def __str__(self) -> str:
        for name in ("steps", "samples"):
            if (value := getattr(self, name)) is not None:
                return f"{name}={value}"
        return f"seconds={self.seconds:g}" if self.seconds is not None else "default"


def _seconds(given: Any) -> float:
    """Seconds as a float, so that 60 and 60.0 are one budget."""
    try:
        seconds = float("nan") if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        seconds = float("nan")
    if seconds == float("inf"):
        raise UsageError(f"a budget's seconds must be finite, not {given!r}")
    if not seconds > 0:
        raise UsageError(f"a budget has more than 0 seconds, not {given!r}")
    if seconds > MOST_SECONDS:
        raise UsageError(f"a budget has at most {MOST_SECONDS} seconds, a year, not {seconds:g}")
    return seconds


@dataclass(frozen=True)
class Run:
    """One unit of work: everything that can change its result.

    `points` is the number of points it is judged on, `train` the number of training samples drawn
    from a law, `batch` the number of lines followed at once, `threads` the CPU threads that torch
    computes with, `tf32` whether a GPU may round the factors of float32 products to 10 bits.
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
    tf32: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} on {self.problem}, seed {self.seed}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def key(self) -> str:
        """The content key: equal for equal work, different for anything that can differ."""
        return self._key

    def fit_key(self) -> str:
        """The content key of the training alone, shared by runs that push one fit differently."""
        return self._fit_key

    # Asked for again and again, of thousands of runs, and a run never changes.
    @cached_property
    def _key(self) -> str:
        return _key(self)

    @cached_property
    def _fit_key(self) -> str:
        judging = tuple(f"{kind}:" for kind in JUDGING)
        kept = {name: v for name, v in self.versions.items() if not name.startswith(judging)}
        without = {"integrator", "nfe", "metrics", "points", "batch"}
        return _key(replace(self, versions=kept), without)


def _key(run: Run, without: Collection[str] = ()) -> str:
    content = {f.name: getattr(run, f.name) for f in fields(run) if f.name not in without}
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> dict[str, Any]:
    """A dataclass or another mapping as what JSON knows."""
    return dict(value) if isinstance(value, Mapping) else dict(vars(value))


Status = Literal["done", "refused", "failed", "diverged", "out of memory", "interrupted"]


FLOOR_PAIRS = 10
"""How many pairs of independent samples a noise floor is measured on."""


@dataclass(frozen=True)
class Value:
    """A metric's value, its noise floor (mean and standard deviation), and value over floor.

    `note` says why there is no value, or what is to be said beside it. `resampled` says that the
    floor is between parts of one finite sample, of which no fresh ones can be drawn: its standard
    deviation is then less than the scatter over such samples.
    """

    value: float | None
    floor: float | None = None
    floor_std: float | None = None
    ratio: float | None = None
    note: str = ""
    resampled: bool = False


@dataclass(frozen=True)
class Result:
    """What came out of a Run. Figures that were not reached are None; `message` says why.

    `alone` says whether the times were taken with no other run beside it on the machine; `machine`
    is the processor, and the device where it is another. `rim` is the share of lines that arrived
    beside all of the target and were put on its rim; None of methods that do no such thing.
    """

    run: Run
    status: Status
    message: str = ""
    metrics: Mapping[str, Value] = field(default_factory=dict)
    fit_seconds: float | None = None
    push_seconds: float | None = None
    judge_seconds: float | None = None
    alone: bool | None = None
    steps: int | None = None
    loss: float | None = None
    nfe: float | None = None
    finished: float | None = None
    stops: Mapping[str, float] = field(default_factory=dict)
    rim: float | None = None
    peak_memory_mb: float | None = None
    points: int | None = None
    event_shape: tuple[int, ...] | None = None
    machine: str = ""
    folder: str | None = None


_ENDED = {
    "refused": "was refused",
    "interrupted": "was interrupted",
    "out of memory": "ran out of memory",
}


def ended(status: str) -> str:
    """How a run that has no figures ended, as what is said of it."""
    return _ENDED.get(status, status)


def reason(result: Result, between: str = ", ") -> str:
    """Why a run has no figures: its status and its message, which may begin by the same words."""
    if result.message.startswith(result.status):
        return result.message
    return f"{result.status}{between}{result.message}"
