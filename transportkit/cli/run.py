"""`tk run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..core.choice import Choice
from ..core.record import Budget, Run
from ..errors import UsageError
from ..harness.effort import overrun
from ..harness.outcome import Outcome
from ..harness.plan import Settings, of_maps, plan
from ..harness.store import Store
from ..registry import parse_choice
from ..report.document import as_text, result_document
from ..report.track import tracker
from .console import Bars, messages, print_result, route_warnings
from .options import merged, parse_set
from .slips import check_words

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
    "threads",
    "tf32",
    "out",
    "track",
    "fresh",
    "json",
    "quiet",
}


def run(*, words: tuple[str, ...], config: str | None, as_json: bool, **given: Any) -> int:
    """Execute one run and print its result; the exit status."""
    # Imports torch, which a comparison that finds everything finished does without.
    from ..harness import torchrun
    from ..harness.execute import Executor

    route_warnings()
    check_words("run", words)
    typed = {**given, "method": words[0] if words else None, "json": as_json}
    values = merged(typed, config, SHARED | {"method", "set", "seed"})
    fresh, quiet = values["fresh"], values["quiet"]
    if values["method"] is None:
        raise UsageError("name a method, such as: tk run efm --data gaussians")
    problems = chosen_data(values)
    if len(problems) > 1:
        both = values["data"] and values["source"]
        what = "one problem, by --data or by --source and --target" if both else "one --data"
        raise UsageError(f"tk run takes {what}; tk compare takes several")
    for name in ("budget", "integrator", "nfe"):
        if isinstance(values[name], list):
            raise UsageError(f"tk run takes one {name}; tk compare takes several")
    overrides = {**values["set"], **parse_set(given["sets"])}
    work = plan([values["method"]], problems, [values["seed"]], settings(values), overrides)[0]
    if work.integrator is None and (values["integrator"] or values["nfe"] is not None):
        raise UsageError(of_maps([work.method.name]))
    track = tracker(values["track"], Path(values["out"]))
    store, device = Store(Path(values["out"])), values["device"]
    if torchrun.started():
        device = torchrun.own_device(device)
        if fresh or store.find(work) is None:
            # Each process says so, and none waits for the first, which would.
            store.check_writable()
    with torchrun.joined(device) as team:
        if team.size > 1 and torchrun.to_train(team, work, store, device, fresh) and team.rank:
            torchrun.help_train(work, store, device, fresh)
        if team.rank:
            return 0
        with Bars(quiet) as bars:
            executor = Executor(store, device, bars.listen, fresh)
            try:
                outcome = executor.execute(work)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(_what_is_kept(store, work, fresh)) from None
    if outcome.found:
        from ..api.drawing import complete

        complete(outcome.result)
    elif track:
        track(outcome.result)
    return _say(outcome, values["json"], quiet, given["debug"])


def _what_is_kept(store: Store, work: Run, fresh: bool) -> str:
    if not store.checkpoint(work).exists() and not store.has_fit(work):
        return "Nothing had been trained yet."
    same = "the same command without --fresh" if fresh else "the same command"
    return f"What was trained is kept; {same} goes on from there."


def _say(outcome: Outcome, as_json: bool, quiet: bool, debug: bool) -> int:
    result = outcome.result
    if as_json:
        click.echo(as_text(result_document(result, outcome.found)))
    elif result.status == "done":
        print_result(result)
    if outcome.found and not quiet:
        messages().print(
            f"Found finished in {result.folder}; --fresh does it again.", soft_wrap=True
        )
    if outcome.unwritten:
        click.echo(f"Error: {outcome.unwritten}", err=True)
    if result.status == "done":
        for text in filter(None, (result.message, overrun(result))):
            click.echo(f"Warning: {text}", err=True)
        return 1 if outcome.unwritten else 0
    click.echo(f"Error: {result.run.method}: {result.message}", err=True)
    if outcome.traceback and debug:
        click.echo(outcome.traceback, err=True)
    elif outcome.traceback and result.folder:
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
        threads=values["threads"],
        tf32=values["tf32"],
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
