"""`tk compare`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .. import registry
from ..errors import UsageError
from ..harness.compare import table
from ..harness.execute import Outcome
from ..harness.executors import in_processes, serially
from ..harness.plan import check_problems, log, parse_seeds, plan
from ..harness.store import Store
from ..report.document import as_text, comparison_document, result_document
from .comparison import print_comparison
from .console import Bars, messages, route_warnings
from .run import SHARED, chosen_data, settings

FAILED = ("failed", "diverged", "out of memory")


def compare(*, config: str | None, fresh: bool, as_json: bool, quiet: bool, **given: Any) -> int:
    """Execute every run of the comparison and print its table; the exit status."""
    from .options import merged

    route_warnings()
    values = merged(given, config, SHARED | {"methods", "seeds", "jobs"})
    if values["jobs"] < 1:
        raise UsageError(f"--jobs must be at least 1, not {values['jobs']}")
    methods = values["methods"] or _all_methods()
    seeds = parse_seeds(str(values["seeds"]))
    runs = plan(methods, chosen_data(values), seeds, settings(values))
    runs = list({run.key(): run for run in runs}.values())
    if not any(run.integrator for run in runs) and (values["integrator"] or values["nfe"]):
        raise UsageError("these methods are maps, which take no --integrator and no --nfe")
    check_problems(runs)
    store = Store(Path(values["out"]))
    outcomes: dict[str, Outcome] = {}
    with Bars(quiet, total=len(runs)) as bars:
        device = values["device"]
        if values["jobs"] == 1:
            stream = serially(runs, store, device, fresh, bars.listen)
        else:
            stream = in_processes(runs, store, device, fresh, values["jobs"])
        try:
            with closing(stream):
                for outcome in stream:
                    result = outcome.result
                    outcomes[result.run.key()] = outcome
                    title = f"{result.run.method} on {result.run.problem}, seed {result.run.seed}"
                    bars.next_run(title)
                    if result.status in FAILED:
                        log = f"; see {result.folder}/log.txt" if result.folder else ""
                        bars.say(f"{title}: {result.status}, {result.message}{log}")
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{len(outcomes)} of {len(runs)} runs are finished and kept in {store.folder}; "
                "the same command goes on from there."
            ) from None
    ordered = [outcomes[run.key()] for run in runs if run.key() in outcomes]
    found = sum(outcome.found for outcome in ordered)
    if found and not quiet:
        messages().print(
            f"{found} of {len(runs)} runs were found finished in {store.folder}; "
            "--fresh does them again.",
            soft_wrap=True,
        )
    results = [outcome.result for outcome in ordered]
    rows = table(results)
    if as_json:
        cells = [result_document(o.result, o.found) for o in ordered]
        document = comparison_document(cells, [asdict(row) for row in rows])
        click.echo(as_text(document))
    else:
        print_comparison(rows, results)
    unwritten = [outcome.unwritten for outcome in ordered if outcome.unwritten]
    if unwritten:
        click.echo(
            f"Error: {len(unwritten)} of {len(runs)} runs could not be kept: {unwritten[0]}",
            err=True,
        )
    return 1 if unwritten or any(r.status in FAILED for r in results) else 0


def _all_methods() -> list[str]:
    """Every method that can be described; those that cannot are named in a warning."""
    names = []
    for entry in registry.entries("method"):
        found = registry.read(entry)
        if isinstance(found, registry.Broken):
            log.warning("method '%s' is left out: %s", entry.name, found.reason)
        else:
            names.append(entry.name)
    return names
