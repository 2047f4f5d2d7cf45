"""Runs, each done once, and what they measured."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from scipy.stats import t as student

from transportkit import Budget, Evidence, Result, Run, derive
from transportkit.harness.executors import in_processes, serially
from transportkit.harness.floors import Floors
from transportkit.harness.judge import evaluation_points, judge
from transportkit.harness.plan import Settings, plan
from transportkit.harness.store import Store
from transportkit.registry import make

SLACK = 0.5
"""Floors by which a mean may be above another and still be called the same."""


@dataclass(frozen=True)
class Scale:
    """How much is computed: seeds, points judged, training samples and steps; problems in the
    plane, and distances of the plates."""

    seeds: int
    points: int
    train: int
    steps: int
    plane: tuple[str, ...] = ("gaussians", "modes", "moons-gaussians")
    distances: tuple[float, ...] = (2.0, 6.0, 30.0)


SCALES = {
    "full": Scale(seeds=5, points=2000, train=5000, steps=2000),
    "page": Scale(
        seeds=3,
        points=500,
        train=1000,
        steps=400,
        plane=("gaussians", "moons-gaussians"),
        distances=(2.0, 30.0),
    ),
    "tiny": Scale(seeds=2, points=40, train=60, steps=2, plane=("gaussians",), distances=(2.0,)),
}


@dataclass(frozen=True)
class Interval:
    """The mean over seeds and half the width of its 95% interval (Student's t)."""

    mean: float
    half: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        n = len(values)
        if n < 2:
            return cls(values[0], math.inf)
        spread = statistics.stdev(values) / math.sqrt(n)
        return cls(statistics.fmean(values), float(student.ppf(0.975, n - 1)) * spread)

    def __str__(self) -> str:
        return f"{self.mean:.3g} ± {self.half:.2g}"


class Laboratory:
    """Does runs, in `jobs` processes, and answers what they measured, by method and problem as
    typed. Finished runs are found in the store."""

    def __init__(self, scale: Scale, store: Store, jobs: int) -> None:
        self.scale, self.store, self.jobs = scale, store, jobs
        self.results: dict[tuple[str, str], list[Result]] = {}

    def measure(self, methods: Iterable[str], problems: Iterable[str]) -> None:
        """Do what has not been done of every method on every problem."""
        methods, problems = list(methods), list(problems)
        pairs = [(m, p) for p in problems for m in methods if (m, p) not in self.results]
        asked: dict[str, tuple[str, str]] = {}
        runs: list[Run] = []
        for method, problem in pairs:
            for run in plan([method], [problem], range(self.scale.seeds), self._settings(problem)):
                asked[run.key()] = (method, problem)
                runs.append(run)
        outcomes = (
            in_processes(runs, self.store, "cpu", False, self.jobs)
            if self.jobs > 1
            else serially(runs, self.store, "cpu", False)
        )
        for outcome in outcomes:
            result = outcome.result
            if result.status != "done":
                raise SystemExit(f"{result.run.method}: {result.message}")
            method, problem = asked[result.run.key()]
            if not outcome.found:
                print(method, "on", problem, "seed", result.run.seed, flush=True)
            self.results.setdefault((method, problem), []).append(result)
        for pair in pairs:
            self.results[pair].sort(key=lambda result: result.run.seed)

    def _settings(self, problem: str) -> Settings:
        metrics = ["sliced_w2", "cost_ratio"]
        if problem.startswith("gaussian-pair"):
            metrics.append("l2_uvp")
        return Settings(
            budget=Budget(steps=self.scale.steps),
            metrics=metrics,
            device="cpu",
            points=self.scale.points,
            train=self.scale.train,
        )

    def values(self, method: str, problem: str, name: str = "sliced_w2") -> list[float]:
        """One value a seed: sliced_w2 over its floor, another metric, or `finished`."""
        found = self.results[method, problem]
        if name == "finished":
            return [float(r.finished or 0) for r in found]
        metrics = [r.metrics[name] for r in found]
        chosen = [m.ratio if name == "sliced_w2" else m.value for m in metrics]
        return [math.nan if v is None else v for v in chosen]

    def interval(self, method: str, problem: str, name: str = "sliced_w2") -> Interval:
        return Interval.of(self.values(method, problem, name))

    @cache  # noqa: B019 - one laboratory a process
    def limit(self, problem: str) -> list[float]:
        """sliced_w2 over floor of points drawn from the training sample of Q itself, a seed each.

        No method that knows Q by that sample alone can be expected to do better.
        """
        runs = plan(["linear"], [problem], range(self.scale.seeds), self._settings(problem))
        floors, found = Floors(), []
        for run in runs:
            whole = make("problem", run.problem)
            split = whole.split(run.train, derive(run.seed, "split"))
            source, target = evaluation_points(split, run.points, run.seed)
            drawn = split.target.sample(len(target), derive(run.seed, "limit"))
            values, _ = judge(run, whole, Evidence(source, drawn, target, whole.truth), floors)
            found.append(float(values["sliced_w2"].ratio or math.nan))
        return found

    def excess(self, method: str, problem: str) -> float:
        """The mean over seeds of a method's sliced W2 above that limit, in floors."""
        pairs = zip(self.values(method, problem), self.limit(problem), strict=True)
        return statistics.fmean(a - b for a, b in pairs)

    def agrees(self, method: str, problem: str) -> bool:
        """Whether a method is as near to Q as the limit, within the slack."""
        return self.excess(method, problem) <= SLACK
