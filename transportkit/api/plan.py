"""What a comparison would do and may cost, told before it begins."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..core.record import Run
from ..harness.estimate import BASES, Estimate, estimate
from ..harness.naming import places
from ..harness.sizing import Size
from ..harness.study import Study
from ..report.figures import seconds
from .tables import aligned, table

_HEADINGS = ("method", "data", "points", "cells", "found", "steps", "seconds", "estimated from")


@dataclass(frozen=True)
class PlanLine:
    """The cells of one method on one problem: how many, how many are found, what the rest costs.

    `steps` and `seconds` are None where they are not known; `basis` says what they rest on.
    """

    method: str
    data: str
    points: int
    cells: int
    found: int
    steps: int | None
    seconds: float | None
    basis: str


@dataclass(frozen=True)
class Plan:
    """The runs of a comparison that was not begun.

    Of its `cells` so many are `found` finished, of `unknown` nothing is known, and the others take
    about `seconds` of one process. `sizes` says how points were chosen where they were.
    """

    lines: Sequence[PlanLine]
    cells: int
    found: int
    unknown: int
    seconds: float
    sizes: Sequence[Size] = ()

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON data, as ``tk compare --dry-run --json`` prints it."""
        totals = {name: getattr(self, name) for name in ("cells", "found", "unknown", "seconds")}
        sizes = [asdict(size) for size in self.sizes] or None
        return {"plan": [vars(line) for line in self.lines], **totals, "sizes": sizes}

    @property
    def _total(self) -> str:
        rest = self.cells - self.found
        text = f"{_cells(self.cells)}, {self.found} of them found finished"
        if rest and self.unknown == rest:
            return f"{text}; what the rest takes is not known."
        if rest:
            text += f"; about {seconds(self.seconds)} s of one process for the rest"
        if self.unknown:
            text += f", without {_cells(self.unknown)} of which nothing is known"
        return f"{text}."

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                line.method,
                line.data,
                str(line.points),
                str(line.cells),
                str(line.found),
                "-" if line.steps is None else str(line.steps),
                seconds(line.seconds),
                line.basis,
            )
            for line in self.lines
        ]

    def __repr__(self) -> str:
        lines = aligned([_HEADINGS, *self._rows()], "llrrrrrl")
        return "\n".join([*lines, self._total, *map(str, self.sizes)])

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(str(text))}</p>" for text in (self._total, *self.sizes))
        return table(_HEADINGS, self._rows()) + said


def _cells(count: int) -> str:
    return f"{count} cell{'s'[: count != 1]}"


def plan_of(study: Study) -> Plan:
    """What a study that only reads may cost, from what is finished where it keeps its runs."""
    runs, store = study.runs, study.store
    found = [run for run in runs if not study.fresh and store.find(run)]
    costs = estimate(runs, found, store.results())
    known = [cost.seconds for cost in costs if cost.seconds is not None]
    return Plan(
        tuple(_lines(runs, costs)),
        len(costs),
        sum(cost.basis == BASES[0] for cost in costs),
        len(costs) - len(known),
        sum(known),
        study.sizes,
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
                own[0].run.points,
                len(own),
                len(own) - len(waiting),
                steps.pop() if len(steps) == 1 else None,
                sum(known) if len(known) == len(waiting) else None,
                max((c.basis for c in waiting), key=BASES.index, default=BASES[0]),
            )
        )
    return lines
