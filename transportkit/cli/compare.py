"""`tk compare`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .. import registry
from ..errors import UsageError
from ..harness.compare import table
from ..harness.execute import Outcome
from ..harness.executors import in_processes, serially
from ..harness.plan import log, parse_seeds, plan
from ..harness.store import Store
from ..report.document import comparison_document, result_document
from .console import Bars, messages, print_comparison, route_warnings
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
    store = Store(Path(values["out"]))
    outcomes: dict[str, Outcome] = {}
    with Bars(quiet, total=len(runs)) as bars:
        device = values["device"]
        if values["jobs"] == 1:
            stream = serially(runs, store, device, fresh, bars.listen)
        else:
            stream = in_processes(runs, store, device, fresh, values["jobs"])
        try:
            for outcome in stream:
                result = outcome.result
                outcomes[result.run.key()] = outcome
                title = f"{result.run.method} on {result.run.problem}, seed {result.run.seed}"
                bars.next_run(title)
                if result.status in FAILED:
                    bars.progress.console.print(f"{title}: {result.status}: {result.message}")
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
            "--fresh does them again."
        )
    results = [outcome.result for outcome in ordered]
    rows = table(results)
    if as_json:
        cells = [result_document(o.result, o.found) for o in ordered]
        document = comparison_document(cells, [asdict(row) for row in rows])
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        print_comparison(rows, results)
    return 1 if any(r.status in FAILED for r in results) else 0


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
