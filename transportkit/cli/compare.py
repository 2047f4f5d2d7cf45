"""`tk compare`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..harness.compare import compare as compare_results
from ..harness.compare import details
from ..harness.outcome import FAILED
from ..harness.study import Study, teller
from ..report.document import as_text, comparison_document, result_document
from ..report.track import tracker
from .comparison import print_comparison
from .console import Bars, messages, route_warnings
from .experiment import experiment
from .notes import print_notes
from .options import DEFAULTS, chosen
from .run import SHARED
from .slips import check_words

OF_SEVERAL = {"methods", "seeds", "jobs", "executor", "sweep", "alone"}


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
    check_words("compare", given["methods"])
    values = {name: DEFAULTS[name] for name in ("fresh", "json", "quiet", "track", "alone")}
    values |= chosen({**given, "json": as_json}, config, SHARED | OF_SEVERAL)
    quiet, out = values["quiet"], Path(values.get("out", DEFAULTS["out"]))
    file = None if suite is None else Path(suite).expanduser()
    study = Study(
        experiment(values, file, reduced),
        out,
        file,
        values.get("jobs", DEFAULTS["jobs"]),
        values.get("executor"),
        values["fresh"],
        values["alone"],
        reads=dry_run,
    )
    if dry_run:
        from ..api.plan import plan_of

        plan = plan_of(study)
        click.echo(as_text(plan.to_dict()) if values["json"] else repr(plan))
        return 0
    # Before the points are chosen, which takes seconds.
    track = tracker(values["track"], out)
    runs = study.runs
    if not quiet:
        for size in study.sizes:
            messages().print(str(size), soft_wrap=True)
    ordered = study.execute(lambda total: Bars(quiet, total), teller(track))
    found = sum(outcome.found for outcome in ordered)
    if found and not quiet:
        were, them = ("was", "it") if found == 1 else ("were", "them")
        text = f"{found} of {len(runs)} runs {were} found finished in {out}"
        messages().print(f"{text}; --fresh does {them} again.", soft_wrap=True)
    results = [outcome.result for outcome in ordered]
    findings = compare_results(results)
    if values["json"]:
        cells = [result_document(o.result, o.found) for o in ordered]
        document = comparison_document(
            cells,
            [asdict(row) for row in findings.rows],
            {**details(findings), **study.notes},
        )
        click.echo(as_text(document))
    else:
        print_comparison(findings, results)
        sizes = "\n".join(map(str, study.sizes)) or None
        print_notes(**{**study.notes, "sizes": sizes})
    unwritten = [outcome.unwritten for outcome in ordered if outcome.unwritten]
    if unwritten:
        click.echo(
            f"Error: {len(unwritten)} of {len(runs)} runs could not be kept: {unwritten[0]}",
            err=True,
        )
    return 1 if unwritten or any(r.status in FAILED for r in results) else 0
