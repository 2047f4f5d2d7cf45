"""`tk list` and `tk info`: what is installed, from light specs alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from ..discovery import TITLES
from .summaries import Said, summaries


def list_plugins(kinds: Sequence[str], as_json: bool, debug: bool) -> None:
    """Print every plugin of these kinds; one that is broken is shown as broken."""
    found = summaries(kinds)
    if as_json:
        document = {TITLES[k]: [_summary(f) for f in items] for k, items in found.items()}
        click.echo(json.dumps(document, indent=2))
        return
    width = max((len(f.entry.name) for items in found.values() for f in items), default=0)
    for kind, items in found.items():
        click.secho(TITLES[kind], bold=True)
        for item in items:
            name, owner = item.entry.name, item.entry.distribution
            whence = f"{owner} {item.entry.version}".strip()
            origin = "" if owner == "transportkit" else f"  [{whence}]"
            if item.broken:
                click.echo(f"  {name:<{width}}  " + click.style("broken: ", fg="red"), nl=False)
                click.echo(f"{item.broken}{origin}")
                if debug:
                    click.echo(item.traceback, err=True)
            else:
                click.echo(f"  {name:<{width}}  {item.summary}{origin}")
        click.echo()


def _summary(found: Said) -> dict[str, Any]:
    entry = found.entry
    about = {"name": entry.name, "distribution": entry.distribution, "version": entry.version}
    if found.broken:
        return {**about, "broken": found.broken}
    return {**about, "summary": found.summary}


def show(name: str, as_json: bool) -> None:
    """Print everything that the plugin called `name` says of itself."""
    # What a list does not need costs a tenth of its time.
    from ..api.catalogue import info, kinds_of

    described = [info(name, kind) for kind in kinds_of(name)]
    if as_json:
        documents = [about.to_dict() for about in described]
        click.echo(json.dumps(documents[0] if len(documents) == 1 else documents, indent=2))
        return
    for about in described:
        click.echo(f"{about!r}\n")
