"""Plans: what a user asks for, as Runs with every choice made and every parameter in full."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import registry
from ..core.choice import Choice
from ..core.params import whole
from ..core.record import Budget, Run
from ..core.spec import MethodSpec, ProblemSpec
from ..errors import TransportkitError, UsageError
from . import device, provenance

log = logging.getLogger("transportkit")
MOST_SEEDS = 100_000
LARGEST_SEED = 2**63 - 1
MOST = 1_000_000_000
"""Points or lines beyond which a number is a slip."""
SEVERAL_THREADS = 256
"""Threads that may be asked for anywhere: what is planned here may be done on more processors."""
MOST_EVALUATIONS = 10_000_000
"""Evaluations beyond which the times of steps cannot be told apart in single precision."""
Asked = str | Choice


@dataclass(frozen=True)
class Settings:
    """What runs of one command share.

    An integrator or metric is a text as typed, ``name:key=value,key=value``, or a Choice of which
    some parameters are given.
    """

    budget: Budget = field(default_factory=Budget)
    integrator: Asked | None = None
    nfe: int | None = None
    metrics: Sequence[Asked] | None = None
    device: str = "auto"
    points: int = 2000
    train: int = 10_000
    batch: int = 4096
    threads: int = 1
    tf32: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in (("points", 2), ("train", 2), ("batch", 1)):
            object.__setattr__(self, name, whole(name, getattr(self, name), least, MOST))
        object.__setattr__(self, "threads", threads(self.threads))
        if self.nfe is not None:
            object.__setattr__(self, "nfe", evaluations(self.nfe))


def plan(
    methods: Iterable[Asked],
    problems: Iterable[Asked],
    seeds: Iterable[int],
    settings: Settings,
    overrides: Mapping[str, Any] | None = None,
) -> list[Run]:
    """Every method on every problem with every seed; runs that share a fit stand together.

    `overrides` are method parameters that win over those asked for. Raises UsageError or
    PluginError before any work starts.
    """
    seeds = [whole("a seed", seed, 0, LARGEST_SEED) for seed in seeds]
    device_kind = device.kind(settings.device)
    metrics = tuple(_metrics(settings.metrics))
    chosen_methods = [choose("method", asked, overrides) for asked in methods]
    chosen_problems = [problem(asked) for asked in problems]
    runs = []
    for data in chosen_problems:
        for method in chosen_methods:
            integrator = _integrator(method, settings)
            used = {"method": [method], "problem": [data], "metric": list(metrics)}
            if integrator:
                used["integrator"] = [integrator]
            versions = provenance.versions(used)
            runs += [
                Run(
                    method=method,
                    problem=data,
                    seed=seed,
                    budget=settings.budget,
                    integrator=integrator,
                    nfe=settings.nfe if integrator else None,
                    metrics=metrics,
                    device=device_kind,
                    points=settings.points,
                    train=settings.train,
                    batch=settings.batch,
                    threads=settings.threads,
                    tf32=settings.tf32,
                    versions=versions,
                )
                for seed in seeds
            ]
    return runs


def choose(kind: str, asked: Asked, overrides: Mapping[str, Any] | None = None) -> Choice:
    """What was asked for as a Choice with every parameter in full."""
    if isinstance(asked, str):
        return registry.parse_choice(kind, asked, overrides)
    if not isinstance(asked, Choice):
        article = "an" if kind == "integrator" else "a"
        raise UsageError(f"{article} {kind} is named by text, not by {type(asked).__name__}")
    return registry.parse_choice(kind, asked.name, {**asked.params, **(overrides or {})})


def problem(asked: Asked) -> Choice:
    """A problem as asked for, with one path for each file in it, whatever it was reached by."""
    choice = choose("problem", asked)
    spec = registry.describe("problem", choice.name).spec
    assert isinstance(spec, ProblemSpec)
    paths = {name: _absolute(str(choice.params[name])) for name in spec.files}
    return Choice(choice.name, {**choice.params, **paths})


def _absolute(path: str) -> str:
    """A path with ~ and environment variables filled in. Raises UsageError for an unset one."""
    filled = os.path.expandvars(path)
    unset = re.search(r"\$\{?(\w+)", filled)
    if unset and unset[1] not in os.environ and not os.path.exists(filled):
        raise UsageError(
            f"'{path}' needs the environment variable {unset[1]}, which is not set; set it to the "
            "folder of the data"
        )
    return _one_path(os.path.expanduser(filled))


def _one_path(path: str) -> str:
    """The absolute path of a file, or of ``file#key``, in a folder without ``..`` and links.

    The file keeps its name where it is a link, as that is what tables show and names the format.
    """
    name, hash_sign, key = path.rpartition("#")
    if not hash_sign or os.path.exists(path):
        name, hash_sign, key = path, "", ""
    folder, file = os.path.split(Path(name))
    return os.path.join(os.path.realpath(folder), file) + hash_sign + key


def solved(method: Choice) -> bool:
    """Whether a method is fitted without steps, alike under every budget."""
    spec = registry.describe("method", method.name).spec
    return isinstance(spec, MethodSpec) and spec.solved


def solves_at_once(run: Run) -> bool:
    """The same of the method of a run that was done, which may be of a plugin that is gone."""
    try:
        return solved(run.method)
    except TransportkitError:
        return False


def check_problems(runs: Iterable[Run], here: bool) -> None:
    """Make every problem once, so that samples that cannot be used are refused before any work;
    where it is done `here`, those that do not fit in memory as well."""
    from .memory import check_fits, check_parameters
    from .scale import check_scale

    for run in {(repr(run.problem), run.points, run.train): run for run in runs}.values():
        if here:
            check_parameters(run)
        problem = registry.make("problem", run.problem)
        if here:
            check_fits(run, problem)
        check_scale(problem, run.problem.name)


def parse_seeds(text: str) -> list[int]:
    """``0``, ``0-4`` or ``0,3,7-9``."""
    seeds: list[int] = []
    try:
        for piece in text.split(","):
            first, dash, last = piece.strip().partition("-")
            span = range(int(first), int(last if dash else first) + 1)
            if not span:
                raise UsageError(f"'{piece}' names no seed; write the smaller first, as in 0-4")
            if len(seeds) + len(span) > MOST_SEEDS:
                total = len(seeds) + len(span)
                raise UsageError(f"'{text}' is {total} seeds, more than {MOST_SEEDS}")
            seeds += span
    except ValueError:
        raise UsageError(f"seeds read 0-4 or 0,3,7, not '{text}'") from None
    return seeds_once(seeds)


def seeds_once(seeds: Iterable[Any]) -> list[int]:
    """The seeds without those that are there already, of which a warning tells."""
    times = Counter(whole("a seed", seed, 0, LARGEST_SEED) for seed in seeds)
    for seed in (again := [seed for seed, count in times.items() if count > 1])[:1]:
        more = f" (and {len(again) - 1} more)" if len(again) > 1 else ""
        log.warning("seed %s%s is named again; it is run once", seed, more)
    return list(times)


def evaluations(given: Any) -> int:
    """A number of evaluations of a line. Raises UsageError for none and for a slip."""
    return whole("nfe", given, 1, MOST_EVALUATIONS)


def threads(given: Any) -> int:
    """A number of CPU threads. Raises UsageError for none, and for so many that torch crawls or
    crashes on the processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity else os.cpu_count() or 1
    return whole("threads", given, 1, max(SEVERAL_THREADS, 4 * processors))


def of_maps(methods: Iterable[str]) -> str:
    """Why methods that fit maps are given neither an integrator nor a number of evaluations."""
    names = list(dict.fromkeys(methods))
    way = "moves points by a map" if len(names) == 1 else "move points by maps"
    return f"{', '.join(names)} {way}; leave out integrator and nfe"


def _metrics(asked: Sequence[Asked] | None) -> Iterable[Choice]:
    if asked:
        chosen = [choose("metric", one) for one in asked]
        yield from {repr(choice): choice for choice in chosen}.values()
        return
    for entry in registry.entries("metric"):
        if isinstance(found := registry.read(entry), registry.Broken):
            log.warning("metric '%s' is left out: %s", entry.name, found.reason)
    for name in registry.default_metrics():
        yield registry.parse_choice("metric", name)


def _integrator(method: Choice, settings: Settings) -> Choice | None:
    """The integrator for a method's lines; None for a map, which has none."""
    spec = registry.describe("method", method.name).spec
    assert isinstance(spec, MethodSpec)
    if spec.integrator is None:
        return None
    return choose("integrator", settings.integrator or spec.integrator)
