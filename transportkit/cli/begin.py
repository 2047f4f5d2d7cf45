"""`tk plugin new`: a package to begin from."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..scaffold.package import distribution_of, write_package


def begin(name: str, template: str, output: str | None, as_json: bool) -> None:
    """Write the package and say what to do next."""
    folder = Path(output or distribution_of(name)).expanduser()
    written = write_package(name, template, folder)
    if as_json:
        files = [str(file.relative_to(folder)) for file in written]
        click.echo(json.dumps({"folder": str(folder), "files": files}, indent=2))
        return
    for file in written:
        click.echo(file)
    click.echo(f"\nNext: pip install -e '{folder}[test]' && pytest {folder}", err=True)
