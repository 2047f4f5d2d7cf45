"""What is asked of a metric: one number that sees a difference and no more than there is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..core.metric import DistributionMetric, Evidence, Metric
from ..core.model import IntervalField
from ..core.problem import Empirical, Truth
from ..core.random import derive
from ..core.spec import MetricSpec
from ..integrate.ode import Midpoint
from . import trials
from .outcome import Skip
from .subject import Subject, starts

N = 200


def one_number(subject: Subject) -> None:
    """Is the value a finite number, for points of the plane and for images?"""
    for shape in ((2,), (1, 4, 4)):
        value = _value(subject, _evidence(shape))
        assert isinstance(value, float), f"the value is {type(value).__name__}, not float"
        assert math.isfinite(value), f"points of shape {shape} give {value}"


def same_seed(subject: Subject) -> None:
    """Does one seed give the same value to the bit, whatever the global random state?"""
    with trials.other_global_state(1):
        first = _value(subject, _evidence())
    with trials.other_global_state(2):
        second = _value(subject, _evidence())
    assert first == second, f"one seed gives {first} and {second}"


def global_state(subject: Subject) -> None:
    """Are the global random states of Python, NumPy and torch left as they were?"""
    with trials.unchanged_global_state() as changed:
        _value(subject, _evidence())
    assert not changed, f"evaluating changes the global state of {changed}"


def inputs_unchanged(subject: Subject) -> None:
    """Are the points that it judges left as they were?"""
    evidence, before = _evidence(), _evidence()
    _value(subject, evidence)
    for name in ("start", "moved", "target"):
        same = torch.equal(getattr(evidence, name), getattr(before, name))
        assert same, f"evaluating changes `evidence.{name}` in place"


def sees_a_difference(subject: Subject) -> None:
    """Are points that were moved well judged better than points that were not?"""
    spec = subject.loaded.spec
    assert isinstance(spec, MetricSpec)
    if spec.better is None:
        raise Skip("it describes and does not rank")
    good, bad = _value(subject, _evidence()), _value(subject, _evidence(error=2.0))
    better = good < bad if spec.better == "lower" else good > bad
    assert better, f"{good:.4g} for a good map and {bad:.4g} for a bad one; better: {spec.better}"


def symmetric(subject: Subject) -> None:
    """Is the distance between two samples the same both ways, and least of a sample to itself?"""
    metric = subject.make()
    if not isinstance(metric, DistributionMetric):
        raise Skip("not a distance between two samples")
    evidence = _evidence()
    a, b = evidence.moved, evidence.target
    there, back, none = (_distance(metric, *pair) for pair in ((a, b), (b, a), (a, a)))
    assert math.isclose(there, back, rel_tol=0.05, abs_tol=1e-6), f"{there} there, {back} back"
    assert none <= there, f"a sample is {none} from itself and {there} from another"


def side(subject: Subject) -> None:
    """Does its spec name the side whose samples it compares points with?"""
    metric, spec = subject.make(), subject.loaded.spec
    assert isinstance(spec, MetricSpec)
    if not isinstance(metric, DistributionMetric):
        raise Skip("not a distance between two samples")
    assert metric.side == spec.side, f"the spec says {spec.side}, the metric {metric.side}"


def _distance(metric: DistributionMetric, a: Tensor, b: Tensor) -> float:
    return metric.distance(a, b, derive(0, "metric"))


def _evidence(shape: tuple[int, ...] = (2,), error: float = 0.0) -> Evidence:
    """Points moved by the map x -> shift + spread x, and by as much again as `error`."""

    def answer(x: Tensor) -> Tensor:
        return trials.SHIFT + trials.SPREAD * x

    start = starts(shape, N)
    target = trials.gaussians(shape).target.sample(N, derive(4, "target"))
    dim = start[0].numel()
    cost = dim * (trials.SHIFT**2 + (1 - trials.SPREAD) ** 2)
    halfway = Empirical((start + answer(start)) / 2)
    truth = Truth(answer, cost, dim * trials.SPREAD**2, between={0.5: halfway})
    signs = torch.linspace(-1, 1, N).sign().view(-1, *[1] * len(shape))
    moved = answer(start) + error * (1 + signs)
    lines = _Lines(shape, error)
    return Evidence(start, moved, target, truth, lines, Midpoint(20), trials.samples(shape))


class _Lines(IntervalField):
    """Straight lines from x to shift + spread x; with an error they sway, and end beside it."""

    def __init__(self, shape: tuple[int, ...], error: float) -> None:
        super().__init__()
        self.shape, self.error = shape, error

    @property
    def config(self) -> Mapping[str, Any]:
        return {"shape": list(self.shape), "error": self.error}

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        t = t.view(-1, *[1] * (y.ndim - 1))
        aside = self.error * (t + 0.5 * (2 * math.pi * t).sin())
        x = (y - t * trials.SHIFT - aside) / (1 + t * (trials.SPREAD - 1))
        sway = self.error * (1 + math.pi * (2 * math.pi * t).cos())
        return trials.SHIFT + (trials.SPREAD - 1) * x + sway


def _value(subject: Subject, evidence: Evidence) -> float:
    metric: Metric = subject.make()
    problem = trials.gaussians(tuple(evidence.start.shape[1:]))
    known = type(problem)(problem.source, problem.target, truth=evidence.truth)
    if reason := metric.refuses(known):
        raise Skip(f"refused: {reason}")
    return metric.evaluate(evidence, derive(0, "metric"))


ALL = (
    one_number,
    same_seed,
    global_state,
    inputs_unchanged,
    sees_a_difference,
    symmetric,
    side,
)
