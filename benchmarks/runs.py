"""Runs of the suites, read from their folders as records."""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from recorded import SUITES, Suite
from records import Record

from transportkit import Choice, Evidence, Result, Transport, Value, derive, registry
from transportkit.core.threads import threads
from transportkit.harness.device import products
from transportkit.harness.floors import Floors
from transportkit.harness.gather import gather
from transportkit.harness.judge import evaluation_points, judge
from transportkit.harness.naming import metric_label
from transportkit.harness.plan import choose
from transportkit.harness.results import RESULT, write_result
from transportkit.harness.saving import load_model
from transportkit.harness.suite import read_suite


def read_runs(folder: Path, suite: Suite, protocol: str, complete: bool = False) -> list[Record]:
    """The records of the runs that a suite left in a folder, the newest last.

    With `complete`, what a run lacks of the suite's metrics, but for costly ones (`metrics_of`), is
    computed and kept in its folder.
    """
    found = sorted(gather(folder), key=_written)
    if complete:
        asked = [choose("metric", m) for m in metrics_of(suite.name, protocol)]
        found = [completed(result, asked) for result in found]
    return [r for result in found for r in records(result, suite, protocol, _day(result))]


def _written(result: Result) -> float:
    """When a run's result was written."""
    return (Path(result.folder) / RESULT).stat().st_mtime if result.folder else 0.0


def _day(result: Result) -> str:
    return str(datetime.datetime.fromtimestamp(_written(result), datetime.UTC).date())


def records(result: Result, suite: Suite, protocol: str, day: str) -> Iterator[Record]:
    """A record for each metric of a run; one in all of a run that came to no figures."""
    run = result.run
    column = column_of(run.problem, suite)
    if column is None or run.method.name not in suite.asked:
        print(f"{suite.name}: no cell is for {run}; the run is left out")
        return
    without = {"": Value(None, note=result.message or result.status)}
    for metric, value in (result.metrics if result.status == "done" else without).items():
        # What was wrong with a metric is said of the run, where it is not said of the value.
        why = "" if value.value is not None else result.message or result.status
        yield Record(
            protocol=protocol,
            method=run.method.name,
            problem=column,
            metric=metric,
            seed=run.seed,
            value=value.value,
            floor=value.floor,
            seconds=result.fit_seconds,
            steps=result.steps,
            budget=str(run.budget),
            points=run.points,
            train=run.train,
            integrator=_integrator(run.integrator, run.nfe),
            device=run.device,
            threads=run.threads,
            machine=result.machine,
            date=day,
            origin="run",
            versions="; ".join(f"{k} {v}" for k, v in run.versions.items() if _code(k)),
            parameters=settings(run.method),
            message=" ".join((value.note or why).split()),
        )


def column_of(problem: Choice, suite: Suite) -> str | None:
    """The column of a suite that a problem is."""
    named = zip(suite.columns, suite.problems, strict=True)
    return next((column for column, other in named if same_problem(problem, other)), None)


def same_problem(one: Choice, other: Choice) -> bool:
    """Whether two problems are the same, wherever their files lie."""
    spec = registry.describe("problem", other.name).spec
    files = getattr(spec, "files", ())
    # A run of earlier code may know fewer parameters.
    pairs = {name: (one.params.get(name), value) for name, value in other.params.items()}
    return one.name == other.name and all(
        Path(str(ours)).name == Path(str(theirs)).name if name in files else ours == theirs
        for name, (ours, theirs) in pairs.items()
    )


def settings(choice: Choice) -> str:
    """Parameters as words, name=value."""
    return " ".join(f"{k}={''.join(str(v).split())}" for k, v in choice.params.items())


def _integrator(integrator: Choice | None, nfe: int | None) -> str:
    words = [integrator.name, f"nfe={nfe}" if nfe else ""] if integrator else []
    return " ".join(filter(None, words))


def _code(name: str) -> bool:
    """Whether a version is that of code to keep; files are told apart by name."""
    return name in ("python", "torch") or name.startswith("transportkit")


def completed(result: Result, asked: Sequence[Choice]) -> Result:
    """The result with those of the metrics that it lacks, as its run would have had them.

    It is kept in its folder, where its file stays as old as the run.
    """
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
    told = "; ".join(filter(None, (result.message, *troubles)))
    whole_result = replace(result, message=told, metrics={**result.metrics, **values})
    with tempfile.TemporaryDirectory(dir=folder) as partial:
        write_result(Path(partial), whole_result)
        # When the run was done is its date, and tells which of two is the newer.
        shutil.copystat(folder / RESULT, Path(partial) / RESULT)
        os.replace(Path(partial) / RESULT, folder / RESULT)
    return whole_result


def metrics_of(name: str, protocol: str) -> list[str]:
    """The metrics of a suite by a protocol, without the W2 between samples, which is costly."""
    read = read_suite(SUITES / f"{name}.yaml", reduced=protocol == "reduced")["metrics"]
    return [metric for metric in read if metric.partition(":")[0] != "w2"]
