"""`tk run`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..core.record import Budget, Choice
from ..errors import UsageError
from ..harness.execute import Executor, Outcome
from ..harness.plan import Settings, plan
from ..harness.store import Store
from ..registry import parse_choice
from ..report.document import result_document
from .console import Bars, messages, print_result, route_warnings
from .options import merged, parse_set

SHARED = {
    "data",
    "source",
    "target",
    "budget",
    "integrator",
    "nfe",
    "metric",
    "device",
    "points",
    "train",
    "batch",
    "out",
}


def run(*, config: str | None, fresh: bool, as_json: bool, quiet: bool, **given: Any) -> int:
    """Execute one run and print its result; the exit status."""
    route_warnings()
    values = merged(given, config, SHARED | {"method", "set", "seed"})
    if values["method"] is None:
        raise UsageError("name a method, such as: tk run efm --data gaussians")
    problems = chosen_data(values)
    if len(problems) > 1:
        raise UsageError("tk run takes one --data; tk compare takes several")
    overrides = {**values["set"], **parse_set(given["sets"])}
    if values["seed"] < 0:
        raise UsageError(f"a seed is 0 or more, not {values['seed']}")
    work = plan([values["method"]], problems, [values["seed"]], settings(values), overrides)[0]
    store = Store(Path(values["out"]))
    with Bars(quiet) as bars:
        executor = Executor(store, values["device"], bars.listen, fresh)
        try:
            outcome = executor.execute(work)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                "What was trained is kept; the same command goes on from there."
                if store.checkpoint(work).exists() or store.has_fit(work)
                else "Nothing had been trained yet."
            ) from None
    return _say(outcome, as_json, given["debug"])


def _say(outcome: Outcome, as_json: bool, debug: bool) -> int:
    result = outcome.result
    if as_json:
        click.echo(json.dumps(result_document(result, outcome.found), indent=2, allow_nan=False))
    if result.status == "done":
        if not as_json:
            print_result(result, outcome.found)
        elif outcome.found:
            messages().print(f"Found finished in {result.folder}; --fresh does it again.")
        return 0
    click.echo(f"Error: {result.run.method}: {result.message}", err=True)
    if outcome.traceback and debug:
        click.echo(outcome.traceback, err=True)
    elif outcome.traceback:
        click.echo(f"The traceback is in {result.folder}/log.txt.", err=True)
    return 2 if result.status == "refused" else 1


def settings(values: dict[str, Any]) -> Settings:
    """The settings that runs of one command share."""
    budget = values["budget"]
    return Settings(
        budget=Budget.parse(str(budget)) if budget is not None else Budget(),
        integrator=values["integrator"],
        nfe=values["nfe"],
        metrics=values["metric"] or None,
        device=values["device"],
        points=values["points"],
        train=values["train"],
        batch=values["batch"],
    )


def chosen_data(values: dict[str, Any]) -> list[str | Choice]:
    """The problems named, and the user's own samples where both files are given."""
    problems: list[str | Choice] = list(values["data"])
    source, target = values["source"], values["target"]
    if (source is None) != (target is None):
        missing = "--target" if target is None else "--source"
        raise UsageError(f"--source and --target go together; {missing} is missing")
    if source is not None:
        problems.append(parse_choice("problem", "samples", {"source": source, "target": target}))
    if not problems:
        raise UsageError("name a problem with --data, or give --source and --target files")
    return problems
