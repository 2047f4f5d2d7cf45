"""What stands below a comparison: a suite's protocol, published numbers, how sizes were chosen."""

from __future__ import annotations

from typing import Any

import click
import yaml


def print_notes(**notes: Any) -> None:
    """Print each note that there is under its name."""
    for name, note in notes.items():
        if note is None:
            continue
        click.echo()
        click.secho(name, bold=True)
        text = note if isinstance(note, str) else yaml.safe_dump(note, sort_keys=False, width=100)
        for line in text.rstrip().splitlines():
            click.echo(f"  {line}")
