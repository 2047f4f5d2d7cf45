"""What there is to say of how much the methods of a comparison were trained."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.record import Budget, Result, Run
from ..errors import TransportkitError
from .plan import solved

OWN = Budget()


def effort(results: Sequence[Result]) -> list[str]:
    """Where a budget does not bound a method, and where there is none that makes steps equal."""
    at_once = {run.method.name: None for r in results if _solved(run := r.run)}
    said = []
    if any(r.run.method.name not in at_once and r.run.budget != OWN for r in results) and at_once:
        said.append(f"Solved at once, whatever the budget: {', '.join(at_once)}.")
    steps = {r.run.method.name: r.steps for r in results if r.steps and r.run.budget == OWN}
    if len({count for name, count in steps.items() if name not in at_once}) > 1:
        said.append("Each method trains its own number of steps; --budget makes them equal.")
    return said


def _solved(run: Run) -> bool:
    try:
        return solved(run.method)
    except TransportkitError:
        # A method of a plugin that is no longer here.
        return False
