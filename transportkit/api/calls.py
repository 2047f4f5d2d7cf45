"""`run`, `compare`, `plan`, `push`, `load`, `gather` and `reproduce`."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from .. import registry
from ..core.choice import Choice
from ..core.record import Budget
from ..errors import Diverged, Refusal, RunFailed, UsageError
from ..harness import asked
from ..harness import gather as gathering
from ..harness.effort import overrun
from ..harness.execute import Executor, Outcome
from ..harness.experiment import Experiment
from ..harness.mixed import mixed
from ..harness.plan import MOST_SEEDS, parse_seeds
from ..harness.reproduce import Reproduction
from ..harness.store import Store
from ..harness.study import Study, teller
from ..problems.arrays import keep
from ..report.track import tracker
from .comparison import Comparison
from .drawing import complete
from .given import by_name, check_flags, path
from .plan import Plan, plan_of
from .progress import watched
from .pushing import Points, Pushed, points_of, pushed
from .record import RunRecord

Asked: TypeAlias = str | Choice
Training: TypeAlias = Budget | str | int | None
"""A budget, ``"steps=2000"`` or ``"seconds=60"``, a number of steps, or the method's own."""


def run(
    method: Asked,
    data: Asked | None = None,
    *,
    source: Points | None = None,
    target: Points | None = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    budget: Training = None,
    integrator: Asked | None = None,
    nfe: int | None = None,
    metrics: Asked | Iterable[Asked] | None = None,
    device: str = "auto",
    points: int = 2000,
    train: int = 10_000,
    batch: int = 4096,
    threads: int = 1,
    tf32: bool = False,
    out: str | os.PathLike[str] = "runs",
    track: str | None = None,
    fresh: bool = False,
    progress: bool | None = None,
) -> RunRecord:
    """Fit a method, move held-out points, judge them: ``tk run``.

    The problem is `data` by name, or samples `source` and `target`, as arrays, tensors or files.
    Names are written as they are typed, ``"cfm:width=64"``; `params` win over what they say. A run
    that was done before is found in `out`, unless `fresh`. `track` names a tracker that is told of
    it, ``"tensorboard"``. `progress` is shown where somebody watches; True and False insist.

    Raises Refusal where the method does not apply, Diverged, RunFailed, and UsageError.
    """
    _check_named("method", method)
    check_flags(tf32=tf32, fresh=fresh, progress=progress)
    values, place = by_name("params", params, "{'lr': 1e-3}"), path("out", out)
    chosen = registry.split_choice(method)[0] if isinstance(method, str) else method.name
    experiment = Experiment(
        methods=[method],
        problems=_problems([data] if data is not None else [], source, target, out, several=False),
        seeds=(seed,),
        budgets=(_budget(budget),),
        integrators=(integrator,),
        nfes=(nfe,),
        metrics=_many(metrics) or None,
        overrides={chosen: values} if values else {},
        device=device,
        points=points,
        train=train,
        batch=batch,
        threads=threads,
        tf32=tf32,
    )
    (work,) = experiment.runs()
    store = Store(place)
    told = tracker(track, store.folder)
    with watched(progress) as bars:
        outcome = Executor(store, device, bars.listen, fresh).execute(work)
    if outcome.found:
        complete(outcome.result)
    elif told:
        told(outcome.result)
    _warn(outcome, overrun(outcome.result))
    return _checked(outcome)


def compare(
    methods: Asked | Iterable[Asked] | None = None,
    data: Asked | Iterable[Asked] | None = None,
    *,
    source: Points | None = None,
    target: Points | None = None,
    seeds: str | int | Iterable[int] | None = None,
    budget: Training | Iterable[Training] = None,
    integrator: Asked | Iterable[Asked | None] | None = None,
    nfe: int | Iterable[int | None] | None = None,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    suite: str | os.PathLike[str] | None = None,
    reduced: bool = False,
    metrics: Asked | Iterable[Asked] | None = None,
    device: str | None = None,
    points: int | str | None = None,
    train: int | None = None,
    batch: int | None = None,
    threads: int | None = None,
    tf32: bool | None = None,
    jobs: int = 1,
    executor: Asked | None = None,
    alone: bool = False,
    out: str | os.PathLike[str] = "runs",
    track: str | None = None,
    fresh: bool = False,
    progress: bool | None = None,
) -> Comparison:
    """Run methods side by side, with equal budgets and seeds: ``tk compare``.

    `methods` are all that there are where none is named, `seeds` numbers or ``"0-4"``. Several
    budgets, integrators, numbers of evaluations, and a `sweep` of parameters are compared as well.
    `points` is a number, or ``"auto:resolve=10%"`` for as many as it takes to see as much.
    `suite` is a YAML file that describes an experiment, in which what is given here takes the
    place of what it says. `jobs` are local processes; `executor` names another place, such as dask;
    `alone` does again what was timed beside other work; `track` names a tracker that is told of
    each run. A run that fails is in the comparison with its reason.
    """
    check_flags(
        tf32=tf32, fresh=fresh, progress=progress, reduced=reduced, alone=alone,
    )  # fmt: skip
    if executor is not None:
        _check_named("executor", executor)
    place = path("out", out)
    experiment = _experiment(
        methods, data, source, target, seeds, budget, integrator, nfe, sweep, suite, reduced, out,
        metrics=metrics, device=device, points=points, train=train, batch=batch, threads=threads,
        tf32=tf32,
    )  # fmt: skip
    study = Study(experiment, place, _suite(suite), jobs, executor, fresh, alone)
    # Before the points are chosen, which takes seconds.
    told = tracker(track, place)
    _ = study.runs, study.store
    outcomes = study.execute(lambda total: watched(progress, total), teller(told))
    for outcome in outcomes:
        _warn(outcome)
    return Comparison(
        tuple(RunRecord(o.result, o.found) for o in outcomes),
        {name: note for name, note in study.notes.items() if note is not None},
    )


def plan(
    methods: Asked | Iterable[Asked] | None = None,
    data: Asked | Iterable[Asked] | None = None,
    *,
    source: Points | None = None,
    target: Points | None = None,
    seeds: str | int | Iterable[int] | None = None,
    budget: Training | Iterable[Training] = None,
    integrator: Asked | Iterable[Asked | None] | None = None,
    nfe: int | Iterable[int | None] | None = None,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    suite: str | os.PathLike[str] | None = None,
    reduced: bool = False,
    metrics: Asked | Iterable[Asked] | None = None,
    device: str | None = None,
    points: int | str | None = None,
    train: int | None = None,
    batch: int | None = None,
    threads: int | None = None,
    tf32: bool | None = None,
    out: str | os.PathLike[str] = "runs",
    fresh: bool = False,
) -> Plan:
    """What `compare` would do and may cost, without doing any of it: ``tk compare --dry-run``.

    Nothing is written to `out`, which need not be there.
    """
    check_flags(tf32=tf32, fresh=fresh, reduced=reduced)
    place = path("out", out)
    with tempfile.TemporaryDirectory() as away:
        # Arrays that no run was given yet are told by their content all the same, as files are.
        experiment = _experiment(
            methods, data, source, target, seeds, budget, integrator, nfe, sweep, suite, reduced,
            out, Path(away), metrics=metrics, device=device, points=points, train=train,
            batch=batch, threads=threads, tf32=tf32,
        )  # fmt: skip
        study = Study(experiment, place, fresh=fresh, reads=True)
        return plan_of(study)


def push(record: RunRecord | str | os.PathLike[str], points: Points, **how: Any) -> Pushed:
    """Move points with the model of a run, or of a run's folder: ``tk push``.

    `how` is what `RunRecord.push` takes: reverse, seed, integrator, nfe, device, batch. Warns as it
    does.
    """
    moved = pushed(load(record), points, **how)
    for text in moved.warnings:
        warnings.warn(text, stacklevel=2)
    return moved


def load(folder: RunRecord | str | os.PathLike[str]) -> RunRecord:
    """The run in a folder, or the one given. Raises DataError where none can be read."""
    return folder if isinstance(folder, RunRecord) else RunRecord.read(folder)


def gather(folder: str | os.PathLike[str] = "runs") -> Comparison:
    """Every run that a folder of runs holds, side by side. Raises DataError where it holds none.

    Warns where seeds of one row were done by different code, and where methods were trained or
    judged by unequal measures.
    """
    results = gathering.gather(path("folder", folder))
    for text in mixed(results):
        warnings.warn(text, stacklevel=2)
    return Comparison(tuple(RunRecord(result, found=True) for result in results))


def reproduce(
    record: RunRecord | str | os.PathLike[str],
    *,
    device: str | None = None,
    progress: bool | None = None,
) -> Reproduction:
    """Do a run, or the run of a folder, again and see whether it agrees: ``tk reproduce``."""
    record = record if isinstance(record, RunRecord) else load(record)
    return record.reproduce(device=device, progress=progress)


def _experiment(
    methods: Asked | Iterable[Asked] | None,
    data: Asked | Iterable[Asked] | None,
    source: Points | None,
    target: Points | None,
    seeds: str | int | Iterable[int] | None,
    budget: Training | Iterable[Training],
    integrator: Asked | Iterable[Asked | None] | None,
    nfe: int | Iterable[int | None] | None,
    sweep: Mapping[str, Sequence[Any]] | None,
    suite: str | os.PathLike[str] | None,
    reduced: bool,
    out: str | os.PathLike[str],
    away: Path | None = None,
    **shared: Any,
) -> Experiment:
    """What `compare` is asked for; arrays that are new go to `away` where that is given."""
    said: dict[str, Any] = {}
    named = _many(data)
    if suite is None or named or source is not None or target is not None:
        said["problems"] = _problems(named, source, target, out, away)
    if methods is not None:
        said["methods"] = _many(methods)
        if not said["methods"]:
            raise UsageError("methods is an empty list; name one, or leave it out for all")
        for method in said["methods"]:
            _check_named("method", method)
    if seeds is not None:
        said["seeds"] = parse_seeds(seeds) if isinstance(seeds, str) else _several(seeds)
    if budget is not None:
        said["budgets"] = [_budget(one) for one in _several(budget)]
    if integrator is not None:
        said["integrators"] = _several(integrator)
    if nfe is not None:
        said["nfes"] = _several(nfe)
    if swept := by_name("sweep", sweep, "{'lr': [1e-3, 1e-4]}"):
        said["sweep"] = {
            key: values.split(",") if isinstance(values, str) else _several(values)
            for key, values in swept.items()
        }
    shared["metrics"] = _many(shared["metrics"]) or None
    return asked.experiment({**said, **shared}, _suite(suite), reduced)


def _suite(given: str | os.PathLike[str] | None) -> Path | None:
    return None if given is None else path("suite", given)


def _checked(outcome: Outcome) -> RunRecord:
    """The record of a run that came to figures; the error that fits one that did not."""
    result = outcome.result
    if result.status == "done":
        return RunRecord(result, outcome.found)
    kinds = {"refused": Refusal, "diverged": Diverged}
    error = kinds.get(result.status, RunFailed)(f"{result.run.method}: {result.message}")
    if outcome.traceback:
        error.add_note(outcome.traceback)
    raise error


def _warn(outcome: Outcome, *more: str) -> None:
    """Warn of what a run that is done lacks, at the line that called the caller of this."""
    for text in (outcome.unwritten, outcome.result.message, *more):
        if text and outcome.result.status == "done":
            warnings.warn(text, stacklevel=3)


def _problems(
    named: Sequence[Asked],
    source: Points | None,
    target: Points | None,
    out: str | os.PathLike[str],
    away: Path | None = None,
    several: bool = True,
) -> list[Asked]:
    """The problems named, and the user's own samples where both are given."""
    if (source is None) != (target is None):
        raise UsageError(
            f"source and target go together; {'target' if target is None else 'source'} is missing"
        )
    problems = list(named)
    for problem in problems:
        _check_named("problem", problem)
    if source is not None and target is not None:
        place = path("out", out)
        files = {
            "source": _file("source", source, place, away),
            "target": _file("target", target, place, away),
        }
        problems.append(registry.parse_choice("problem", "samples", files))
    if not problems:
        raise UsageError("name a problem, or give samples as source and target")
    if len(problems) > 1 and not several:
        raise UsageError("run takes one problem; compare takes several")
    return problems


def _check_named(kind: str, given: object) -> None:
    """Raise UsageError for what is neither a name nor a choice, such as samples as a problem."""
    if not isinstance(given, str | Choice):
        hint = "; give samples as source=... and target=..." if kind == "problem" else ""
        article = "an" if kind[0] in "aeiou" else "a"
        raise UsageError(f"{article} {kind} is named by text, not by {type(given).__name__}{hint}")


def _file(side: str, points: Points, out: Path, away: Path | None) -> str:
    """The file of the points of a side; an array has one in `out`, or is kept `away`."""
    if isinstance(points, str | os.PathLike):
        return os.fspath(points)
    return keep(points_of(points, f"the {side} array").numpy(), out, away)


def _budget(given: Any) -> Budget:
    if given is None:
        return Budget()
    if isinstance(given, str):
        return Budget.parse(given)
    return given if isinstance(given, Budget) else Budget(steps=given)


def _many(given: Asked | Iterable[Asked] | None) -> list[Asked]:
    if given is None:
        return []
    return list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]


def _several(given: Any) -> list[Any]:
    """What is given, one or several; an array of no dimension is one number."""
    if isinstance(given, str):
        return [given]
    try:
        items = iter(given)
    except TypeError:
        return [given]
    several = list(islice(items, MOST_SEEDS + 1))
    if len(several) > MOST_SEEDS:
        raise UsageError(f"more than {MOST_SEEDS} values are given, of which {several[0]!r} is one")
    return several
