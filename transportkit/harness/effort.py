"""What there is to say of how much the methods of a comparison were trained."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.record import Budget, Result
from .plan import solves_at_once

OWN = Budget()
BEYOND = 1.1
"""Times its budget of seconds from which on a fit is said to have taken longer."""


def overrun(result: Result) -> str:
    """That a fit took longer than its budget of seconds, in a line; empty where it did not."""
    if not _beyond(result):
        return ""
    run, why = result.run, "what it prepares before its first step is not cut short"
    if solves_at_once(run):
        why = "it is solved at once, whatever the budget"
    return f"{run.method} took {result.fit_seconds:.3g} s to fit, of {run.budget}: {why}"


def effort(results: Sequence[Result]) -> list[str]:
    """Where a budget does not bound a method, and where there is none that makes steps equal."""
    at_once = {run.method.name: None for r in results if solves_at_once(run := r.run)}
    said = []
    if any(r.run.method.name not in at_once and r.run.budget != OWN for r in results) and at_once:
        said.append(f"Solved at once, whatever the budget: {', '.join(at_once)}.")
    for budget in dict.fromkeys(str(r.run.budget) for r in results if _beyond(r)):
        longest: dict[str, float] = {}
        for r in results:
            if _beyond(r) and str(r.run.budget) == budget:
                name = r.run.method.name
                longest[name] = max(longest.get(name, 0.0), r.fit_seconds or 0.0)
        took = ", ".join(f"{name} up to {seconds:.3g} s" for name, seconds in longest.items())
        said.append(
            f"Took longer than {budget} to fit: {took}; preparing and solving are not cut short."
        )
    steps = {r.run.method.name: r.steps for r in results if r.steps and r.run.budget == OWN}
    if len({count for name, count in steps.items() if name not in at_once}) > 1:
        said.append("Each method trains its own number of steps; --budget makes them equal.")
    return said


def _beyond(result: Result) -> bool:
    allowed, taken = result.run.budget.seconds, result.fit_seconds
    return allowed is not None and taken is not None and taken > BEYOND * allowed
