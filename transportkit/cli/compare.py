"""`tk compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from ..core.record import Run
from ..errors import UsageError
from ..harness.compare import compare as compare_results
from ..harness.compare import details
from ..harness.index import Index, remember
from ..harness.outcome import FAILED, Outcome
from ..harness.store import Store
from ..harness.suite import keep_suite
from ..report.document import as_text, comparison_document, result_document
from ..report.track import tracker
from .comparison import print_comparison
from .console import Bars, messages, route_warnings
from .experiment import experiment
from .notes import print_notes
from .options import DEFAULTS, chosen
from .run import SHARED

OF_SEVERAL = {"methods", "seeds", "jobs", "executor", "sweep", "alone"}


def _finished(runs: Sequence[Run], store: Store, alone: bool) -> list[Outcome] | None:
    """Every run found finished, with `alone` by times taken alone; None where one is not."""
    outcomes, index = [], Index(store)
    for run in runs:
        found = index.find(run)
        if found is None or (alone and found.alone is False):
            return None
        outcomes.append(Outcome(found, found=True))
    index.keep()
    return outcomes


def compare(
    *,
    config: str | None,
    suite: str | None,
    reduced: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Execute every run of the comparison and print its table; the exit status."""
    route_warnings()
    values = {name: DEFAULTS[name] for name in ("fresh", "json", "quiet", "track", "alone")}
    values |= chosen({**given, "json": as_json}, config, SHARED | OF_SEVERAL)
    fresh, quiet, alone = values["fresh"], values["quiet"], values["alone"]
    jobs, out = values.get("jobs", DEFAULTS["jobs"]), Path(values.get("out", DEFAULTS["out"]))
    executor = values.get("executor")
    if jobs < 1:
        raise UsageError(f"--jobs must be at least 1, not {jobs}")
    if alone and (jobs > 1 or executor not in (None, "local")):
        raise UsageError("--alone runs one at a time, here; leave out --jobs and --executor")
    asked = experiment(values, suite, reduced)
    if executor is not None:
        from ..harness.executors import backend

        asked = replace(asked, device=backend(executor, jobs).device(asked.device))
    runs = asked.runs()
    if dry_run:
        from ..api.plan import plan_of

        plan = plan_of(runs, out, fresh)
        click.echo(as_text(plan.to_dict()) if values["json"] else repr(plan))
        return 0
    track = tracker(values["track"], out)
    store = Store(out)
    if suite is not None:
        keep_suite(Path(suite).expanduser(), out)
    ordered = None if fresh else _finished(runs, store, alone)
    if ordered is None:
        # Imports torch, which a comparison that finds everything finished does without.
        from ..api.execute import execute
        from ..harness.executors import Work, backend

        with Bars(quiet, total=len(runs)) as bars:
            work = Work(runs, store, asked.device, fresh, bars.listen, timed=alone)
            ordered = execute(work, backend(executor, jobs), bars)
        remember(runs, store)
    found = sum(outcome.found for outcome in ordered)
    if found and not quiet:
        messages().print(
            f"{found} of {len(runs)} runs were found finished in {store.folder}; "
            "--fresh does them again.",
            soft_wrap=True,
        )
    results = [outcome.result for outcome in ordered]
    if track:
        for outcome in ordered:
            if not outcome.found:
                track(outcome.result)
    comparison = compare_results(results)
    if values["json"]:
        cells = [result_document(o.result, o.found) for o in ordered]
        notes = {"protocol": asked.protocol, "published": asked.published}
        document = comparison_document(
            cells,
            [asdict(row) for row in comparison.rows],
            {**details(comparison), **notes},
        )
        click.echo(as_text(document))
    else:
        print_comparison(comparison, results)
        print_notes(protocol=asked.protocol, published=asked.published)
    unwritten = [outcome.unwritten for outcome in ordered if outcome.unwritten]
    if unwritten:
        click.echo(
            f"Error: {len(unwritten)} of {len(runs)} runs could not be kept: {unwritten[0]}",
            err=True,
        )
    return 1 if unwritten or any(r.status in FAILED for r in results) else 0
