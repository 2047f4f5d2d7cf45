"""What a comparison would do and may cost, told before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.record import Run
from ..harness.estimate import BASES, Estimate, estimate
from ..harness.naming import places
from ..harness.store import Store
from ..harness.study import Study
from ..report.figures import seconds
from .tables import aligned, table

_HEADINGS = ("method", "data", "cells", "found", "steps", "seconds", "estimated from")


@dataclass(frozen=True)
class PlanLine:
    """The cells of one method on one problem: how many, how many are found, what the rest costs.

    `steps` and `seconds` are None where they are not known; `basis` says what they rest on.
    """

    method: str
    data: str
    cells: int
    found: int
    steps: int | None
    seconds: float | None
    basis: str


@dataclass(frozen=True)
class Plan:
    """The runs of a comparison that was not begun.

    Of its `cells` so many are `found` finished, of `unknown` nothing is known, and the others take
    about `seconds` of one process.
    """

    lines: Sequence[PlanLine]
    cells: int
    found: int
    unknown: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON data, as ``tk compare --dry-run --json`` prints it."""
        totals = {name: getattr(self, name) for name in ("cells", "found", "unknown", "seconds")}
        return {"plan": [vars(line) for line in self.lines], **totals}

    @property
    def _total(self) -> str:
        text = f"{self.cells} cells, {self.found} of them found finished; "
        text += f"about {seconds(self.seconds)} s of one process for the rest"
        if self.unknown:
            text += f", without {self.unknown} cells of which nothing is known"
        return f"{text}."

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                line.method,
                line.data,
                str(line.cells),
                str(line.found),
                "-" if line.steps is None else str(line.steps),
                seconds(line.seconds),
                line.basis,
            )
            for line in self.lines
        ]

    def __repr__(self) -> str:
        return "\n".join([*aligned([_HEADINGS, *self._rows()], "llrrrrl"), self._total])

    def _repr_html_(self) -> str:
        return f"{table(_HEADINGS, self._rows())}<p>{self._total}</p>"


def plan_of(study: Study) -> Plan:
    """What a study may cost, from what is finished where it keeps its runs. Nothing is written."""
    runs, store = study.runs, Store(study.out, reads=True)
    found = [run for run in runs if not study.fresh and store.find(run)]
    costs = estimate(runs, found, store.results())
    known = [cost.seconds for cost in costs if cost.seconds is not None]
    return Plan(
        tuple(_lines(runs, costs)),
        len(costs),
        sum(cost.basis == BASES[0] for cost in costs),
        len(costs) - len(known),
        sum(known),
    )


def _lines(runs: Sequence[Run], costs: Sequence[Estimate]) -> list[PlanLine]:
    groups: dict[tuple[str, str], list[Estimate]] = {}
    for name, cost in zip(places(runs), costs, strict=True):
        groups.setdefault(name, []).append(cost)
    lines = []
    for (method, data), own in groups.items():
        waiting = [cost for cost in own if cost.basis != BASES[0]]
        known = [cost.seconds for cost in waiting if cost.seconds is not None]
        steps = {cost.steps for cost in waiting}
        lines.append(
            PlanLine(
                method,
                data,
                len(own),
                len(own) - len(waiting),
                steps.pop() if len(steps) == 1 else None,
                sum(known) if len(known) == len(waiting) else None,
                max((c.basis for c in waiting), key=BASES.index, default=BASES[0]),
            )
        )
    return lines
