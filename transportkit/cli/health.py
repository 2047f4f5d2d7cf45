"""`tk plugin list`: every plugin, where it comes from, and whether it works."""

from __future__ import annotations

import json
from typing import Any

import click

from ..api.catalogue import About, available
from ..core.spec import API_VERSION

HEADINGS = ("kind", "name", "distribution", "version", "API", "health", "origin")


def list_health(as_json: bool, tracebacks: bool) -> None:
    """Print one line for every plugin. Reads specs alone; what is broken says why."""
    rows = [_row(about) for about in available()]
    if as_json:
        click.echo(json.dumps({"api_version": API_VERSION, "plugins": rows}, indent=2))
        return
    cells = [tuple(_cell(row[h.lower()]) for h in HEADINGS) for row in rows]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *cells, strict=True)]
    for line, row in zip([HEADINGS, *cells], [{}, *rows], strict=True):
        text = "  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip()
        click.secho(text, bold=line is HEADINGS, fg="red" if row.get("reason") else None)
        for note in ("reason", "choose"):
            if row.get(note):
                click.echo(f"    {note}: {row[note]}")
        if tracebacks and row.get("traceback"):
            click.echo(row["traceback"], err=True)
    broken = sum(row["health"] == "broken" for row in rows)
    click.echo(f"\n{len(rows)} plugins, {broken} broken")
    if broken and not tracebacks:
        click.echo("`tk plugin list --traceback` shows where they broke.", err=True)


def _row(about: About) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": about.kind,
        "name": about.name,
        "distribution": about.distribution,
        "version": about.version or None,
        "api": about.spec.api_version if about.spec else None,
        "health": about.health,
        "target": about.target,
        "origin": about.origin,
    }
    if about.broken:
        row |= {"reason": about.broken, "traceback": about.traceback}
    if about.clashes:
        row["choose"] = f"'{about.distribution}:{about.name}', for the name is there twice"
    return row


def _cell(value: object) -> str:
    return "-" if value is None else str(value)
