"""Results of the suites, read from folders of runs: what a method scored in a cell of a table."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from transportkit import Choice, Evidence, Result, Transport, derive, registry
from transportkit.core.threads import threads
from transportkit.harness.device import products
from transportkit.harness.floors import Floors
from transportkit.harness.gather import gather
from transportkit.harness.judge import evaluation_points, judge
from transportkit.harness.naming import metric_label
from transportkit.harness.plan import choose
from transportkit.harness.results import RESULT, write_result
from transportkit.harness.saving import load_model
from transportkit.harness.suite import load_mapping, read_suite

SUITES = Path(__file__).parent / "suites"


@dataclass(frozen=True)
class Cell:
    """The values of one method on one problem under one metric, by seed."""

    values: Mapping[int, float]
    floor: float | None

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values.values())

    @property
    def half(self) -> float | None:
        """Half the width of Student's t interval of 95% for the mean."""
        n = len(self.values)
        if n < 2:
            return None
        spread = statistics.stdev(self.values.values()) / n**0.5
        return float(student.ppf(0.975, n - 1)) * spread

    def __str__(self) -> str:
        return f"{self.mean:.3g}" + (f" ± {self.half:.1g}" if self.half is not None else "")


@dataclass(frozen=True)
class Suite:
    """A suite's file, and the results in its folder of runs."""

    name: str
    results: Sequence[Result]

    @cached_property
    def content(self) -> dict[str, Any]:
        return load_mapping(SUITES / f"{self.name}.yaml", "a suite")

    @cached_property
    def published(self) -> Mapping[str, Any]:
        return self.content["published"]

    @cached_property
    def problems(self) -> list[Choice]:
        read = read_suite(SUITES / f"{self.name}.yaml")["problems"]
        return [registry.parse_choice("problem", text) for text in read]

    @cached_property
    def methods(self) -> list[str]:
        """Methods with results, in the order of the suite."""
        asked = [registry.split_choice(text)[0] for text in self.content["methods"]]
        there = {r.run.method.name for r in self.results}
        return [name for name in asked if name in there]

    @property
    def metrics(self) -> list[str]:
        """The metrics that have values, the published one first."""
        found = [m for r in self.results for m, v in r.metrics.items() if v.value is not None]
        main = self.published["metric"]
        return sorted(dict.fromkeys(found), key=lambda m: (m.partition(":")[0] != main, len(m)))

    def cell(self, method: str, column: int, metric: str) -> Cell | None:
        """What a method scored on the problem of a column; None where it has no value."""
        own = [
            r
            for r in self.results
            if r.run.method.name == method and same_problem(r.run.problem, self.problems[column])
        ]
        scored = {r.run.seed: r.metrics[metric] for r in own if metric in r.metrics}
        values = {seed: v.value for seed, v in sorted(scored.items()) if v.value is not None}
        if not values:
            return None
        floors = [v.floor for v in scored.values() if v.floor is not None]
        return Cell(values, statistics.fmean(floors) if floors else None)

    def row(self, method: str, metric: str) -> list[Cell | None]:
        return [self.cell(method, k, metric) for k in range(len(self.problems))]


def completed(result: Result, asked: Sequence[Choice]) -> Result:
    """The result with those of the metrics that it lacks, as its run would have had them."""
    lacking = [choice for choice in asked if metric_label(choice) not in result.metrics]
    if result.status != "done" or result.folder is None or not lacking:
        return result
    run, folder = result.run, Path(result.folder)
    whole = registry.make("problem", run.problem)
    problem = whole.split(run.train, derive(run.seed, "split"))
    start, target = evaluation_points(problem, run.points, run.seed)
    integrator = registry.make("integrator", run.integrator) if run.integrator else None
    if integrator is not None and run.nfe is not None:
        integrator = integrator.with_evaluations(run.nfe)
    with threads(run.threads), products(run.tf32):
        _, model = load_model(folder)
        moved = Transport(model, integrator).push(start, derive(run.seed, "push"), batch=run.batch)
        evidence = Evidence(
            start, moved.points, target, whole.truth, model, integrator, problem.for_training()
        )
        values, troubles = judge(replace(run, metrics=tuple(lacking)), whole, evidence, Floors())
    for trouble in troubles:
        print(f"{folder.name}: {trouble}")
    whole_result = replace(result, metrics={**result.metrics, **values})
    with tempfile.TemporaryDirectory(dir=folder) as partial:
        write_result(Path(partial), whole_result)
        os.replace(Path(partial) / RESULT, folder / RESULT)
    return whole_result


def same_problem(one: Choice, other: Choice) -> bool:
    """Whether two problems are the same, wherever their files lie."""
    spec = registry.describe("problem", one.name).spec
    files = getattr(spec, "files", ())
    return one.name == other.name and all(
        Path(str(one.params[k])).name == Path(str(v)).name if k in files else one.params[k] == v
        for k, v in other.params.items()
    )


def metrics_of(name: str) -> list[Any]:
    """The metrics of a suite, reduced if it can be, that are not costly distances of samples."""
    file = SUITES / f"{name}.yaml"
    read = read_suite(file, reduced="reduced" in load_mapping(file, "a suite"))["metrics"]
    return [m for m in read if not m.startswith("w2")]


def read(folder: Path, name: str, complete: bool) -> Suite:
    """The results that a suite left in a folder."""
    asked = [choose("metric", m) for m in metrics_of(name)]
    found = gather(folder)
    return Suite(name, [completed(r, asked) for r in found] if complete else found)
