"""What the runs of a table have in common, as its title says it, and where they are unequal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..core.record import Result
from .naming import places
from .plan import solves_at_once

NAMED = 3
"""Methods that are named; of more it is said how many there are."""
Rows = Mapping[str, Sequence[Result]]
"""The results of one problem by the name of their method."""


def by_problem(results: Sequence[Result]) -> dict[str, dict[str, list[Result]]]:
    """The results by the names of their problem and of their method, those of the tables."""
    found: dict[str, dict[str, list[Result]]] = {}
    for result, (method, data) in zip(results, places([r.run for r in results]), strict=True):
        found.setdefault(data, {}).setdefault(method, []).append(result)
    return found


def settings(results: Sequence[Result]) -> dict[str, str]:
    """What there is to say of the runs of each problem, by its name."""
    return {data: setting(rows) for data, rows in by_problem(results).items()}


def setting(rows: Rows) -> str:
    """Seeds, points, budget and device of the runs of a problem. Where methods differ in one of
    these it is said which has which, unless their names say it."""
    with_figures = {name: own for name, own in rows.items() if any(r.metrics for r in own)}
    rows = with_figures or rows
    seeds = {name: f"{len({r.run.seed for r in own})}" for name, own in rows.items()}
    parts = [_said(seeds, " seed" if set(seeds.values()) == {"1"} else " seeds")]
    if points := _of(rows, lambda r: str(r.points) if r.points else ""):
        parts.append(_said(points, " points"))
    parts.append(f"budget {_said(_budgets(rows))}")
    asked = {
        name: "" if nfe is None else str(nfe)
        for name, own in rows.items()
        if own[0].run.integrator
        for nfe in [own[0].run.nfe]
    }
    if len(set(asked.values())) == 1 and (nfe := next(iter(asked.values()))):
        parts.append(f"at most {nfe} evaluations")
    parts.append(_said(_of(rows, lambda r: r.run.device)))
    return ", ".join(parts)


def unequal(results: Sequence[Result]) -> list[str]:
    """A line for each problem on which methods were trained, or judged, by unequal measures that
    their names do not say."""
    found = []
    for data, rows in by_problem(results).items():
        rows = {name: own for name, own in rows.items() if any(r.metrics for r in own)}
        points = _of(rows, lambda r: str(r.points) if r.points else "")
        if _tells(points):
            found.append(
                f"the table of {data} mixes figures on {_said(points, ' points')}, which do not "
                "compare, as distances between samples depend on their size; do the runs again "
                "with one --points"
            )
        budgets = _budgets(rows)
        if _tells(budgets):
            found.append(
                f"the table of {data} mixes the budgets {_said(budgets)}, so that methods were "
                "trained unequally; do the runs again with one --budget"
            )
    return found


def _budgets(rows: Rows) -> dict[str, str]:
    """The budget of each method that has one to spend; of all, where none has."""
    trained = {name: own for name, own in rows.items() if not solves_at_once(own[0].run)}
    return _of(trained or rows, lambda r: str(r.run.budget))


def _of(rows: Rows, get: Callable[[Result], str]) -> dict[str, str]:
    """What is said of the runs of each method; several texts of one method stand side by side."""
    found = {}
    for name, own in rows.items():
        if texts := list(dict.fromkeys(filter(None, map(get, own)))):
            found[name] = " and ".join(texts)
    return found


def _said(texts: Mapping[str, str], unit: str = "") -> str:
    """The one text of all methods, or each with the methods that it is of; the first with its
    unit."""
    groups: dict[str, list[str]] = {}
    for name, text in texts.items():
        groups.setdefault(text, []).append(name)
    parts = []
    for text, names in groups.items():
        which = _unsaid(text, names) if len(groups) > 1 else []
        parts.append(f"{text}{unit}" + (f" ({_listed(which)})" if which else ""))
        unit = ""
    return " and ".join(parts)


def _tells(texts: Mapping[str, str]) -> bool:
    """Whether methods differ in what their names do not say."""
    return len({text for name, text in texts.items() if _unsaid(text, [name])}) > 1


def _unsaid(text: str, names: Sequence[str]) -> list[str]:
    """The names that do not say the text themselves, as `row_labels` writes settings."""
    return [n for n in names if text not in {w.rpartition("points=")[2] for w in n.split()}]


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED:
        return f"{len(names)} methods"
    return ", ".join(names)
