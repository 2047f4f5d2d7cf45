"""Reproducing: one finished run done again in a place of its own, and whether it agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.record import Result, Run, Value, ended
from ..errors import DataError
from . import device as devices
from . import provenance
from .execute import Executor
from .fitting import Listener, silent
from .plan import threads
from .results import read_result
from .saving import check_weights
from .store import Store, read_samples
from .whole import model_is_whole

Points = NDArray[np.float32]
FLOOR_STDS = 3.0
"""Values that differ by less than this many standard deviations of their floor agree in noise."""
SHARE = 0.01
"""The same for metrics without a floor, as a share of the value."""


@dataclass(frozen=True)
class Agreement:
    """One metric then and now. `allowed` is the difference that noise explains."""

    metric: str
    then: float | None
    now: float | None
    allowed: float

    @property
    def equal(self) -> bool:
        return self.then == self.now

    @property
    def within(self) -> bool:
        if self.then is None or self.now is None:
            return self.equal
        return abs(self.then - self.now) <= self.allowed


@dataclass(frozen=True)
class Reproduction:
    """A run done again.

    `changed` are the versions and the machine that differ, as (then, now). `exact` says that
    nothing differs that could change a bit: then bits are what is asked for, otherwise agreement
    within noise. `largest` is the largest difference of a coordinate of the moved points, None
    where they cannot be compared.
    """

    then: Result
    now: Result
    agreements: tuple[Agreement, ...]
    changed: Mapping[str, tuple[str, str]]
    exact: bool
    largest: float | None

    @property
    def equal(self) -> bool:
        """Whether it is the same to the bit."""
        figures = all(a.equal for a in self.agreements) and self.then.status == self.now.status
        return figures and (self.largest == 0 or self.then.status != "done")

    @property
    def agrees(self) -> bool:
        if self.exact:
            return self.equal
        same = self.then.status == self.now.status
        return same and all(a.within for a in self.agreements)

    @property
    def verdict(self) -> str:
        """In words, for the user."""
        if self.equal:
            return "agrees to the bit"
        if self.then.status != self.now.status:
            return f"disagrees: its status was {self.then.status} and is {self.now.status} now"
        if self.exact:
            return "disagrees: nothing has changed, and yet it is not the same to the bit"
        return "agrees within noise" if self.agrees else "disagrees by more than noise"

    def __repr__(self) -> str:
        run = self.then.run
        return f"{run}: {self.verdict}"

    def to_dict(self) -> dict[str, Any]:
        """What was found as JSON data, as ``tk reproduce --json`` prints it."""
        return {
            "run": self.then.folder,
            "agrees": self.agrees,
            "verdict": self.verdict,
            "equal": self.equal,
            "exact": self.exact,
            "largest": self.largest,
            "status": self.now.status,
            "message": self.now.message,
            "metrics": {
                a.metric: {"then": a.then, "now": a.now, "allowed": a.allowed}
                for a in self.agreements
            },
            "changed": {name: list(pair) for name, pair in self.changed.items()},
        }


def reproduce(folder: Path, device: str | None = None, listener: Listener = silent) -> Reproduction:
    """Do the run of this folder again with the code at hand, in a temporary store.

    `device` is that of the run unless another is named. Raises DataError where there is no run, or
    its model or its points are damaged or missing, and UsageError where it had more threads than
    this machine can give it.
    """
    then = read_result(folder)
    if then.status not in ("done", "refused"):
        raise DataError(
            f"'{folder}' holds a run that {ended(then.status)}, so there is no figure to repeat; "
            "the same tk run does the run again"
        )
    if then.status == "done" and not model_is_whole(folder):
        raise DataError(f"'{folder}' holds no whole model; the same tk run does the run again")
    if then.status == "done":
        check_weights(folder)
    threads(then.run.threads)
    moved = read_samples(folder)["moved"] if then.status == "done" else None
    place = devices.resolve(device or then.run.device)
    run = replace(then.run, versions=current_versions(then.run), device=place.type)
    with TemporaryDirectory(prefix="transportkit-") as other:
        executor = Executor(Store(Path(other)), str(place), listener)
        now = executor.execute(run).result
        largest = None
        if moved is not None and now.status == "done" and now.folder:
            largest = _largest(moved, read_samples(Path(now.folder))["moved"])
    changed = _changed(then, now)
    timed = run.budget.seconds is not None
    exact = not changed and not timed and place.type == "cpu"
    names = dict.fromkeys([*then.metrics, *now.metrics])
    agreements = tuple(_agreement(n, then.metrics.get(n), now.metrics.get(n)) for n in names)
    return Reproduction(then, now, agreements, changed, exact, largest)


def current_versions(run: Run) -> dict[str, str]:
    """What `provenance.versions` says now of the plugins of a run."""
    chosen = {"method": [run.method], "problem": [run.problem], "metric": list(run.metrics)}
    if run.integrator:
        chosen["integrator"] = [run.integrator]
    return provenance.versions(chosen)


def _changed(then: Result, now: Result) -> dict[str, tuple[str, str]]:
    old, new = dict(then.run.versions), dict(now.run.versions)
    if now.machine:
        old["machine"], new["machine"] = then.machine, now.machine
    old["device"], new["device"] = then.run.device, now.run.device
    return {
        name: (old.get(name, "none"), new.get(name, "none"))
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    }


def _agreement(name: str, then: Value | None, now: Value | None) -> Agreement:
    one, other = (v.value if v else None for v in (then, now))
    stds = [v.floor_std for v in (then, now) if v and v.floor_std is not None]
    allowed = FLOOR_STDS * max(stds) if stds else SHARE * abs(one or 0.0)
    return Agreement(name, one, other, allowed)


def _largest(then: Points, now: Points) -> float | None:
    if then.shape != now.shape:
        return None
    return float(np.abs(then.astype("float64") - now).max(initial=0.0))
