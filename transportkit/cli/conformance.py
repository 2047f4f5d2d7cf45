"""`tk plugin check`: the conformance suite as a table."""

from __future__ import annotations

import json
from typing import Any

import click

from .. import registry
from ..api.catalogue import kinds_of
from ..core.record import Budget
from .options import parse_set

COLOURS = {"passed": "green", "failed": "red", "passed unexpectedly": "red"}


def check(
    name: str,
    kind: str | None,
    sets: tuple[str, ...],
    budget: str | None,
    as_json: bool,
    debug: bool,
) -> int:
    """Run every check of the plugin, or plugins, called `name`; 1 where one does not conform."""
    kinds = [kind] if kind else kinds_of(name)
    params = parse_set(sets)
    allowed = Budget.parse(budget) if budget else None
    for each in kinds:
        registry.describe(each, name)
        registry.parse_choice(each, name, params)
    # Imported after what was asked for has been understood, for it loads torch.
    from ..testing import Outcome, conform

    width = 20

    def say(outcome: Outcome) -> None:
        if as_json:
            return
        status = click.style(f"{outcome.status:<16}", fg=COLOURS.get(outcome.status))
        click.echo(f"  {outcome.check:<{width}}  {status}  {outcome.message}".rstrip())
        if outcome.status == "failed":
            click.echo(f"  {'':<{width}}  {'':<16}  it asks: {outcome.asks}")
            if debug:
                click.echo(outcome.traceback, err=True)

    reports = []
    for each in kinds:
        if not as_json:
            click.secho(f"{each} {name}", bold=True)
        reports.append(conform(each, name, params=params, budget=allowed, listener=say))
        if not as_json:
            click.echo(f"\n{reports[-1].summary}")
    if as_json:
        documents: list[Any] = [report.to_dict() for report in reports]
        click.echo(json.dumps(documents[0] if len(documents) == 1 else documents, indent=2))
    return 0 if all(report.conforms for report in reports) else 1
