"""Experiments: methods x problems x budgets x seeds x integrators x NFE, as Runs."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any

from .. import registry
from ..core.choice import Choice
from ..core.params import parameters
from ..core.record import Budget, Run
from ..errors import UsageError, did_you_mean
from .plan import Asked, Settings, choose, of_maps, plan, seeds_once, solved
from .sizing import Sizing
from .uncollected import uncollected

log = logging.getLogger("transportkit")
_TYPED = {"budgets": "budget", "integrators": "integrator", "nfes": "nfe", "problems": "data"}
"""Fields by the name that they are asked for by."""


@dataclass(frozen=True)
class Experiment:
    """What a comparison is made of; see `Settings` for what all of its runs share.

    `overrides` are parameters by the name of the method that they are for; `sweep` gives a
    parameter several values, for every method that has it or, as ``cfm.lr``, for one, which goes
    before the other. Raises UsageError for a field that is empty. `points` is a
    number or a text that has it chosen, see `Sizing`. `protocol`
    and `published` are free text or data that is kept and shown beside the results.
    """

    methods: Sequence[Asked]
    problems: Sequence[Asked]
    seeds: Sequence[int] = (0,)
    budgets: Sequence[Budget] = (Budget(),)
    integrators: Sequence[Asked | None] = (None,)
    nfes: Sequence[int | None] = (None,)
    metrics: Sequence[Asked] | None = None
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sweep: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    device: str = "auto"
    points: int | str = 2000
    train: int = 10_000
    batch: int = 4096
    threads: int = 1
    tf32: bool = False
    protocol: Any = None
    published: Any = None

    def __post_init__(self) -> None:
        for name in ("methods", "problems", "seeds", "budgets", "integrators", "nfes"):
            if not len(getattr(self, name)):
                raise UsageError(
                    f"{_TYPED.get(name, name)} is an empty list; name one, or leave it out"
                )
        for key, values in self.sweep.items():
            if not len(values):
                raise UsageError(f"sweep has no value of '{key}'; name one, or leave it out")

    @property
    def sizing(self) -> Sizing | None:
        """How the number of points is chosen; None where it is given."""
        return Sizing.parse(self.points) if isinstance(self.points, str) else None

    def runs(self) -> list[Run]:
        """Every run, each once; those that push one fit differently stand together.

        A map takes no integrator and no NFE, so it has one run for all of them, and a method that
        is solved one for all budgets, under the first. Points that are to be chosen are so many as
        a `Settings` has by itself. Raises UsageError or PluginError before any work starts.
        """
        with uncollected():
            return self._runs()

    def _runs(self) -> list[Run]:
        methods = _each_once("method", list(self._methods()))
        problems = _each_once("data", [choose("problem", asked) for asked in self.problems])
        seeds = seeds_once(self.seeds)
        pushes = [
            plan(methods, problems, seeds, self._settings(budget, integrator, nfe))
            for budget, integrator, nfe in product(self.budgets, self.integrators, self.nfes)
        ]
        width = len(self.integrators) * len(self.nfes)
        runs: dict[str, Run] = {}
        size = len(seeds)
        # Plans of one order: the same method, problem and seed stand at the same place in each.
        for cell in range(len(methods) * len(problems)):
            for first in range(0, len(pushes), width):
                for seed in range(size):
                    for each in pushes[first : first + width]:
                        run = self._once(each[cell * size + seed])
                        runs.setdefault(run.key(), run)
        if not any(run.integrator for run in runs.values()) and (
            any(self.integrators) or any(self.nfes)
        ):
            raise UsageError(of_maps(method.name for method in methods))
        return list(runs.values())

    def _once(self, run: Run) -> Run:
        """A run, or the one that it would repeat under another budget."""
        first = self.budgets[0]
        return replace(run, budget=first) if run.budget != first and solved(run.method) else run

    def _settings(self, budget: Budget, integrator: Asked | None, nfe: int | None) -> Settings:
        shared = {f.name: getattr(self, f.name) for f in fields(Settings) if hasattr(self, f.name)}
        if self.sizing:
            del shared["points"]
        return Settings(**{**shared, "budget": budget, "integrator": integrator, "nfe": nfe})

    def _methods(self) -> Iterator[Choice]:
        """The methods with their overrides, each as often as the sweep has values for it."""
        asked = [a if isinstance(a, str) else a.name for a in self.methods]
        names = {registry.split_choice(text)[0] for text in asked}
        for owner in self.overrides:
            if owner not in names:
                raise UsageError(f"overrides for '{owner}'; {did_you_mean(owner, names)}")
        swept: set[str] = set()
        for one in self.methods:
            chosen = choose("method", one)
            own = self.overrides.get(chosen.name, {})
            concerned = [key for key in self.sweep if concerns(key, chosen.name)]
            swept.update(concerned)
            # What is said of one method goes before what is said of all.
            concerned.sort(key=lambda key: "." in key)
            values = {key.rpartition(".")[2]: self.sweep[key] for key in concerned}
            for point in product(*values.values()):
                yield choose("method", one, {**own, **dict(zip(values, point, strict=True))})
        for key in self.sweep:
            if key not in swept:
                raise UsageError(_not_swept(key, names))


def _each_once(what: str, chosen: Sequence[Choice]) -> list[Choice]:
    """The choices without those that are there already, of which a warning tells."""
    unique: dict[str, Choice] = {}
    for choice in chosen:
        if unique.setdefault(repr(choice), choice) is not choice:
            log.warning("%s %s is named again with equal parameters; it is run once", what, choice)
    return list(unique.values())


def _not_swept(key: str, methods: Collection[str]) -> str:
    """Why a sweep concerns none of these methods, and how it is written."""
    owner, _, name = key.rpartition(".")
    if ":" in key:
        return (
            f"a sweep of one method's parameter is written '{key.replace(':', '.')}', not '{key}'"
        )
    if owner and owner not in methods:
        return f"a sweep of '{key}', and no method '{owner}' here; {did_you_mean(owner, methods)}"
    of = [owner] if owner else methods
    known = {each for m in of for each in parameters(registry.describe("method", m).spec.params)}
    near = did_you_mean(name.replace("-", "_"), known)
    return f"no method here has the parameter '{key}' to sweep; {near}"


def concerns(key: str, method: str) -> bool:
    """Whether a method has the parameter that a sweep names as ``lr`` or ``cfm.lr``."""
    owner, _, name = key.rpartition(".")
    if owner not in ("", method):
        return False
    return name.replace("-", "_") in parameters(registry.describe("method", method).spec.params)
