"""Records of the suites as tables see them: what a method scored in a cell."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from records import Record
from scipy.stats import t as student

from transportkit import Choice, registry
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
        half = "" if self.half is None else f" ± {float(f'{self.half:.1g}'):g}"
        return f"{self.mean:.3g}{half}"


@cache
def _content(name: str) -> dict[str, Any]:
    """What a suite's file says: one suite is asked for with several sets of records."""
    return load_mapping(SUITES / f"{name}.yaml", "a suite")


@dataclass(frozen=True)
class Suite:
    """A suite's file, and records of its runs by one protocol."""

    name: str
    records: Sequence[Record] = ()

    @cached_property
    def content(self) -> dict[str, Any]:
        return _content(self.name)

    @cached_property
    def published(self) -> Mapping[str, Any]:
        return self.content["published"]

    @cached_property
    def columns(self) -> list[str]:
        """The names of its problems."""
        return [str(name) for name in self.published["columns"]]

    @cached_property
    def problems(self) -> list[Choice]:
        """What its columns are."""
        texts = read_suite(SUITES / f"{self.name}.yaml")["problems"]
        return [registry.parse_choice("problem", text) for text in texts]

    @cached_property
    def asked(self) -> list[str]:
        """Its methods."""
        return [registry.split_choice(text)[0] for text in self.content["methods"]]

    @cached_property
    def methods(self) -> list[str]:
        """Methods with records, in the order of the suite."""
        there = {r.method for r in self.records}
        return [name for name in self.asked if name in there]

    @property
    def metrics(self) -> list[str]:
        """The metrics that have values, the published one first."""
        found = [r.metric for r in self.records if r.value is not None]
        main = self.published["metric"]
        return sorted(dict.fromkeys(found), key=lambda m: (m.partition(":")[0] != main, len(m)))

    def cell(self, method: str, column: str, metric: str) -> Cell | None:
        """What a method scored on the problem of a column; None where it has no value."""
        sought = method, column, metric
        own = [r for r in self.records if (r.method, r.problem, r.metric) == sought]
        values = {r.seed: r.value for r in own if r.value is not None}
        if not values:
            return None
        floors = [r.floor for r in own if r.floor is not None]
        return Cell(dict(sorted(values.items())), statistics.fmean(floors) if floors else None)

    def row(self, method: str, metric: str) -> list[Cell | None]:
        return [self.cell(method, column, metric) for column in self.columns]

    def seconds(self, method: str, column: str) -> float | None:
        """The mean time of a fit over seeds."""
        own = [r for r in self.records if (r.method, r.problem) == (method, column)]
        taken = {r.seed: r.seconds for r in own if r.seconds is not None}
        return statistics.fmean(taken.values()) if taken else None
