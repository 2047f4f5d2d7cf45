"""`tk compare --dry-run`: the plan and what it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..core.record import Run
from ..harness.estimate import BASES, Estimate, estimate
from ..harness.naming import labels, row_labels
from ..harness.store import Store
from ..report.document import as_text
from ..report.figures import seconds


@dataclass(frozen=True)
class Line:
    """The cells of one method on one problem: how many, how many are found, what the rest costs."""

    method: str
    data: str
    cells: int
    found: int
    steps: int | None
    seconds: float | None
    basis: str


def show_plan(runs: Sequence[Run], out: Path, fresh: bool, as_json: bool) -> None:
    """Print the plan, as a table or as JSON. Nothing is executed and nothing is written."""
    store = Store(out) if out.is_dir() else None
    found = [r for r in runs if store and not fresh and store.find(r)]
    costs = estimate(runs, found, store.results() if store else ())
    lines = _lines(runs, costs)
    if as_json:
        document: dict[str, Any] = {"plan": [vars(line) for line in lines], **_totals(costs)}
        click.echo(as_text(document))
        return
    _print(lines, costs)


def _lines(runs: Sequence[Run], costs: Sequence[Estimate]) -> list[Line]:
    groups: dict[tuple[str, str], list[Estimate]] = {}
    names = zip(row_labels(runs), labels([run.problem for run in runs]), strict=True)
    for name, cost in zip(names, costs, strict=True):
        groups.setdefault(name, []).append(cost)
    lines = []
    for (method, data), own in groups.items():
        waiting = [cost for cost in own if cost.basis != BASES[0]]
        known = [cost.seconds for cost in waiting if cost.seconds is not None]
        steps = {cost.steps for cost in waiting}
        lines.append(
            Line(
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


def _totals(costs: Sequence[Estimate]) -> dict[str, Any]:
    known = [cost.seconds for cost in costs if cost.seconds is not None]
    return {
        "cells": len(costs),
        "found": sum(cost.basis == BASES[0] for cost in costs),
        "unknown": len(costs) - len(known),
        "seconds": sum(known),
    }


def _print(lines: Sequence[Line], costs: Sequence[Estimate]) -> None:
    rows = [("method", "data", "cells", "found", "steps", "seconds", "estimated from")]
    for line in lines:
        steps = "-" if line.steps is None else str(line.steps)
        rows.append(
            (line.method, line.data, str(line.cells), str(line.found), steps,
             seconds(line.seconds), line.basis)
        )  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:>{width}}" if 2 <= i <= 5 else f"{cell:<{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
    total = _totals(costs)
    text = f"{total['cells']} cells, {total['found']} of them found finished; "
    text += f"about {seconds(total['seconds'])} s of one process for the rest"
    if total["unknown"]:
        text += f", without {total['unknown']} cells of which nothing is known"
    click.echo(f"{text}.")
