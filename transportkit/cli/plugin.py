"""The commands under `tk plugin`. Nothing heavy is imported until one of them runs."""

from __future__ import annotations

from typing import Any

import click

from . import options

as_json = options.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
TEMPLATES = ("method-field", "method-map", "problem", "metric")


@click.command("list")
@as_json
@options.option("--traceback", is_flag=True, help="Show the tracebacks of what is broken.")
@options.debug
def list_(as_json: bool, traceback: bool, debug: bool) -> None:
    """Show every plugin with where it comes from and whether it works."""
    from .health import list_health

    list_health(as_json, traceback or debug)


@click.command(short_help="Run the conformance suite on a plugin.")
@click.argument("name")
@options.option("--kind", type=click.Choice(["method", "problem", "metric", "integrator"]))
@options.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A parameter of it.")
@options.option("--budget", metavar="steps=N", help="Training allowed where quality is asked for.")
@as_json
@options.debug
def check(**given: Any) -> int:
    """Run the conformance suite on the plugin NAME; exit status 1 where a check fails.

    Example: tk plugin check linear
    """
    from .conformance import check as execute

    return execute(**given)


@click.command()
@click.argument("name")
@options.option(
    "--kind", type=click.Choice(TEMPLATES), default="method-field", show_default=True,
    help="What it is.",
)  # fmt: skip
@options.option("-o", "--output", metavar="DIR", help="The new folder (transportkit-NAME).")
@as_json
@options.debug
def new(name: str, kind: str, output: str | None, as_json: bool, debug: bool) -> None:
    """Write a complete package for a new plugin NAME, with its tests.

    Example: tk plugin new my-method
    """
    from .begin import begin

    begin(name, kind, output, as_json)


COMMANDS = (list_, check, new)
