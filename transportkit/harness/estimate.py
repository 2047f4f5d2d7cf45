"""What an experiment will cost, from runs that are finished: told before it begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..core.record import Result, Run

BASES = ("found", "by the budget", "same method and data", "same method", "unknown")


@dataclass(frozen=True)
class Estimate:
    """A run, the seconds that it is expected to take (None where nothing tells), the steps that it
    will train (None where it takes none, or as many as the time allows), and what that rests on,
    one of `BASES`."""

    run: Run
    seconds: float | None
    steps: int | None
    basis: str


class Past:
    """What finished runs took."""

    def __init__(self, results: Iterable[Result]) -> None:
        self.steps: dict[tuple[str, ...], list[float]] = defaultdict(list)
        self.rest: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for result in results:
            if result.status != "done" or result.fit_seconds is None:
                continue
            rest = (result.push_seconds or 0.0) + (result.judge_seconds or 0.0)
            for place in _places(result.run):
                if result.steps:
                    self.steps[place].append(result.fit_seconds / result.steps)
                    self.rest[place].append(rest)
                else:
                    self.rest[place].append(rest + result.fit_seconds)

    def of(self, run: Run, *, trained: bool) -> Estimate:
        """The cost of a run; without its training where that is done by then."""
        steps = planned_steps(run)
        needed = None if trained else run.budget.seconds
        for basis, place in zip(BASES[2:4], _places(run), strict=True):
            if place not in self.rest:
                continue
            seconds = fmean(self.rest[place])
            if needed is not None:
                return Estimate(run, seconds + needed, None, BASES[1])
            if steps and not trained:
                if place not in self.steps:
                    continue
                seconds += steps * fmean(self.steps[place])
            return Estimate(run, seconds, steps, basis)
        if needed is not None:
            return Estimate(run, needed, None, BASES[1])
        return Estimate(run, None, steps, BASES[-1])


def estimate(runs: Sequence[Run], found: Iterable[Run], past: Iterable[Result]) -> list[Estimate]:
    """The cost of each run, given those that are finished and results to learn from.

    Runs that share a fit pay for it once.
    """
    ready = {run.key() for run in found}
    history = Past(past)
    fitted: set[str] = set()
    costs = []
    for run in runs:
        if run.key() in ready:
            costs.append(Estimate(run, 0.0, 0, BASES[0]))
        else:
            costs.append(history.of(run, trained=run.fit_key() in fitted))
        fitted.add(run.fit_key())
    return costs


def planned_steps(run: Run) -> int | None:
    """The steps that a run trains: of its budget, or its method's own; None where it counts none.

    A method's own are its parameter `steps`, and its batch the parameter `batch`, as those of
    every method that descends.
    """
    params = run.method.params
    own, batch = params.get("steps"), params.get("batch")
    if not isinstance(own, int) or run.budget.seconds is not None:
        return None
    if run.budget.samples is not None and not isinstance(batch, int):
        return None
    return run.budget.steps_of(batch if isinstance(batch, int) else 1) or own


def _places(run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where a run's cost is looked up: its method on its data, then its method alone."""
    return (run.method.name, repr(run.problem)), (run.method.name,)
