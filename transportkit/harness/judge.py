"""Judging: moved points against held-out ones."""

from __future__ import annotations

import logging
import math

from torch import Generator, Tensor

from .. import registry
from ..core.choice import Choice
from ..core.metric import DistributionMetric, Evidence, Metric
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import Run, Value
from ..errors import Refusal
from . import eviction, memory
from .draws import distinct
from .floors import Floors
from .naming import metric_label

log = logging.getLogger("transportkit")


def evaluation_size(problem: Problem, wanted: int) -> int:
    """How many points to judge on: as many as wanted, or as are held out on either side."""
    assert problem.held_out is not None
    sizes = (problem.held_out.source.size, problem.held_out.target.size)
    return min([wanted, *(s for s in sizes if s is not None)])


def evaluation_points(problem: Problem, wanted: int, seed: int) -> tuple[Tensor, Tensor]:
    """Held-out source and target points (n, *E), independent of each other and of training."""
    assert problem.held_out is not None
    n = evaluation_size(problem, wanted)
    held = problem.held_out
    return (
        held.source.points(n, derive(seed, "judge", "source")),
        held.target.points(n, derive(seed, "judge", "target")),
    )


def judge(
    run: Run, whole: Problem, evidence: Evidence, floors: Floors
) -> tuple[dict[str, Value], list[str]]:
    """Every metric of the run, and what was wrong with those that have no value.

    `whole` is the problem before it was split. A metric that says nothing on this problem or of
    this model has no value, of which its note tells the reason, and nothing is wrong with it.
    """
    values, troubles = {}, []
    for choice in run.metrics:
        name = metric_label(choice)
        try:
            values[name] = _evaluate(run, whole, evidence, floors, choice)
        except (Exception, SystemExit) as error:
            if eviction.coming():
                raise
            # What took long to fit is not thrown away because one metric fails on it.
            log.debug("metric %s failed", name, exc_info=True)
            values[name] = Value(None)
            troubles.append(f"{name} {_trouble(error, run)}")
        if not math.isfinite(values[name].value or 0.0):
            values[name] = Value(None)
            troubles.append(f"{name} is not finite")
    return values, troubles


def _remark(metric: Metric, evidence: Evidence, generator: Generator) -> str:
    try:
        return " ".join(metric.remark(evidence, generator).split())
    except Exception:
        # The value is there without it.
        log.debug("the remark of %s failed", metric, exc_info=True)
        return ""


def _trouble(error: BaseException, run: Run) -> str:
    if memory.ran_out(error):
        return f"ran out of memory in {memory.advice('judge', run)}"
    return f"failed: {type(error).__name__}: {' '.join(str(error).split())}"


def _evaluate(
    run: Run, whole: Problem, evidence: Evidence, floors: Floors, choice: Choice
) -> Value:
    metric: Metric = registry.make("metric", choice)
    if reason := metric.refuses(whole):
        return Value(None, note=reason)
    label, device = metric_label(choice), evidence.moved.device
    try:
        value = float(metric.evaluate(evidence, derive(run.seed, "metric", label, device=device)))
    except Refusal as refusal:
        return Value(None, note=str(refusal))
    remarking = derive(run.seed, "metric", label, "remark", device=device)
    note = _remark(metric, evidence, remarking) if math.isfinite(value) else ""
    if not isinstance(metric, DistributionMetric):
        return Value(value, note=note)
    floor = floors.of(run, whole, choice, metric, len(evidence.moved))
    if not math.isfinite(floor.mean) or floor.mean <= 0:
        return Value(value, note=note)
    resampled = distinct(whole, metric.side) is not None
    return Value(value, floor.mean, floor.std, value / floor.mean, note, resampled)
