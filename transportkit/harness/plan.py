"""Plans: what a user asks for, as Runs with every choice made and every parameter in full."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import registry
from ..core.record import Budget, Choice, Run
from ..core.spec import IntegratorSpec, MethodSpec, MetricSpec, ProblemSpec
from ..errors import UsageError
from . import device, provenance

log = logging.getLogger("transportkit")


@dataclass(frozen=True)
class Settings:
    """What runs of one command share. Texts are as typed: ``name:key=value,key=value``."""

    budget: Budget = field(default_factory=Budget)
    integrator: str | None = None
    nfe: int | None = None
    metrics: Sequence[str] | None = None
    device: str = "auto"
    points: int = 2000
    train: int = 10_000
    batch: int = 4096
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in (("points", 2), ("train", 2), ("batch", 1)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.nfe is not None and self.nfe < 1:
            raise UsageError(f"nfe must be at least 1, not {self.nfe}")


def plan(
    methods: Iterable[str],
    problems: Iterable[str | Choice],
    seeds: Iterable[int],
    settings: Settings,
    overrides: Mapping[str, Any] | None = None,
) -> list[Run]:
    """Every method on every problem with every seed; runs that share a fit stand together.

    `overrides` are method parameters that win over those in the texts. Raises UsageError or
    PluginError before any work starts.
    """
    device_kind = device.resolve(settings.device).type
    metrics = tuple(_metrics(settings.metrics))
    chosen_methods = [registry.parse_choice("method", text, overrides) for text in methods]
    chosen_problems = [problem(text) for text in problems]
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
                    versions=versions,
                )
                for seed in seeds
            ]
    return runs


def problem(text: str | Choice) -> Choice:
    """A problem as typed, with the paths in it made absolute."""
    choice = registry.parse_choice("problem", text) if isinstance(text, str) else text
    spec = registry.describe("problem", choice.name).spec
    assert isinstance(spec, ProblemSpec)
    paths = {name: str(Path(str(choice.params[name])).absolute()) for name in spec.files}
    return Choice(choice.name, {**choice.params, **paths})


def parse_seeds(text: str) -> list[int]:
    """``0``, ``0-4`` or ``0,3,7-9``."""
    seeds: list[int] = []
    try:
        for piece in text.split(","):
            first, dash, last = piece.strip().partition("-")
            seeds += range(int(first), int(last if dash else first) + 1)
    except ValueError:
        raise UsageError(f"seeds read 0-4 or 0,3,7, not '{text}'") from None
    if not seeds:
        raise UsageError(f"'{text}' names no seed; seeds read 0-4 or 0,3,7")
    return list(dict.fromkeys(seeds))


def _metrics(texts: Sequence[str] | None) -> Iterable[Choice]:
    if texts:
        for text in dict.fromkeys(texts):
            yield registry.parse_choice("metric", text)
        return
    for entry in registry.entries("metric"):
        found = registry.read(entry)
        if isinstance(found, registry.Broken):
            log.warning("metric '%s' is left out: %s", entry.name, found.reason)
        elif isinstance(found.spec, MetricSpec) and found.spec.default:
            yield registry.parse_choice("metric", entry.name)


def _integrator(method: Choice, settings: Settings) -> Choice | None:
    """The integrator for a method's lines; None for a map, which has none."""
    spec = registry.describe("method", method.name).spec
    assert isinstance(spec, MethodSpec)
    if spec.integrator is None:
        return None
    text = settings.integrator or spec.integrator
    choice = registry.parse_choice("integrator", text)
    assert isinstance(registry.describe("integrator", choice.name).spec, IntegratorSpec)
    return choice
