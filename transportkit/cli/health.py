"""`tk plugin list`: every plugin, where it comes from, and whether it works."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

import click

from .. import registry
from ..core.spec import API_VERSION

HEADINGS = ("kind", "name", "distribution", "version", "API", "health", "origin")


def list_health(as_json: bool, tracebacks: bool) -> None:
    """Print one line for every plugin. Reads specs alone; what is broken says why."""
    found = [registry.read(e) for kind in registry.KINDS for e in registry.entries(kind)]
    names = Counter((f.entry.kind, f.entry.name) for f in found)
    rows = [_row(f, names[f.entry.kind, f.entry.name] > 1) for f in found]
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


def _row(found: registry.Loaded | registry.Broken, clashes: bool) -> dict[str, Any]:
    entry = found.entry
    row: dict[str, Any] = {
        "kind": entry.kind,
        "name": entry.name,
        "distribution": entry.distribution,
        "version": entry.version or None,
        "api": None,
        "health": "works",
        "target": entry.target,
        "origin": _origin(entry.target) or entry.target,
    }
    if isinstance(found, registry.Broken):
        row |= {"health": "broken", "reason": found.reason, "traceback": found.traceback}
    else:
        row["api"] = found.spec.api_version
    if clashes:
        row["choose"] = f"'{entry.distribution}:{entry.name}', for the name is there twice"
        row["health"] = "broken" if row["health"] == "broken" else "clashes"
    return row


def _origin(target: str) -> str | None:
    """The file of the module that the spec is in, where it was imported."""
    return getattr(sys.modules.get(target.partition(":")[0]), "__file__", None)


def _cell(value: object) -> str:
    return "-" if value is None else str(value)
