"""The commands. Nothing heavy is imported until one of them runs."""

from __future__ import annotations

from typing import Any

import click

from .. import __version__
from ..harness.uncollected import uncollected
from . import options
from .plugin import COMMANDS as PLUGIN_COMMANDS

KINDS = {
    "methods": "method",
    "data": "problem",
    "metrics": "metric",
    "integrators": "integrator",
}


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Suggesting(click.Group):
    """A group that names the near command when one is unknown."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from ..errors import UsageError
            from .slips import command_of

            raise UsageError(f"unknown command '{args[0]}'; {command_of(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Suggesting,
    epilog="Plugins and their parameters are written name:key=value,key=value, such as "
    "gaussian-pair:dim=16 or dopri5:rtol=1e-5.",
)
@click.version_option(__version__, prog_name="transportkit")
def tk() -> None:
    """Carry one distribution onto another, and see which method does it best."""


@tk.command()
@click.argument("words", nargs=-1, metavar="METHOD")
@options.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A method parameter.")
@options.option("--seed", type=int, metavar="N", help="The seed (0).")
@options.one_way
@options.shared
def run(**given: Any) -> int:
    """Fit METHOD, move held-out points, judge them.

    Example: tk run efm --data gaussians --seed 0
    """
    from .run import run as execute

    return execute(**given)


@tk.command(short_help="Run several methods side by side, as one table.")
@click.argument("methods", nargs=-1)
@options.option("--seeds", metavar="0-4", joined=True, help="The seeds (0).")
@options.option("--jobs", type=int, metavar="N", help="How many runs at a time (1).")
@options.option(
    "--executor", metavar="NAME[:k=v,..]", help="Where: local, processes, dask or slurm."
)
@options.option("--alone", is_flag=True, help="One run at a time, so that its times are its own.")
@options.option("--dry-run", is_flag=True, help="Show the plan and what it may cost, and stop.")
@options.several_ways
@options.shared
def compare(**given: Any) -> int:
    """Run METHODS side by side, with equal budgets and seeds; all of them where none is named.

    \b
    Example: tk compare efm otcfm sinkhorn --data moons --seeds 0-4
    Example: tk compare --suite suite.yaml --jobs 2
    """
    from .compare import compare as execute

    return execute(**given)


@tk.command("list")
@click.argument("kind", type=click.Choice(list(KINDS)), required=False)
@options.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@options.debug
def list_(kind: str | None, as_json: bool, debug: bool) -> None:
    """Show what is installed: methods, data, metrics, integrators."""
    with uncollected():
        from .catalogue import list_plugins

        list_plugins([KINDS[kind]] if kind else list(KINDS.values()), as_json, debug)


@tk.command()
@click.argument("name")
@options.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@options.debug
def info(name: str, as_json: bool, debug: bool) -> None:
    """Show what NAME is: summary, source, parameters, capabilities."""
    with uncollected():
        from .catalogue import show

        show(name, as_json)


@tk.command()
@click.argument("run_folder", metavar="RUN")
@click.argument("points")
@options.option("-o", "--output", required=True, metavar="FILE", help="Where moved points go.")
@options.option("--replace", is_flag=True, help="Replace a file that is there already.")
@options.option("--reverse", is_flag=True, help="Carry points of Q to P.")
@options.option("--seed", type=int, default=0, show_default=True, metavar="N")
@options.option("--integrator", metavar="NAME[:k=v,..]", help="Instead of the run's own.")
@options.option("--nfe", type=int, metavar="N", help="Evaluations a line, at most.")
@options.option("--device", default="auto", show_default=True, metavar="NAME")
@options.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@options.debug
def push(**given: Any) -> int:
    """Move POINTS (a file) with the model of RUN (a run's folder)."""
    from .push import push as execute

    return execute(**given)


@tk.command("export", short_help="Write the table of a folder's runs as CSV, LaTeX and so on.")
@click.argument("folder", metavar="DIR")
@options.option(
    "--to",
    required=True,
    type=click.Choice(["csv", "parquet", "latex", "markdown"]),
    help="Format.",
)
@options.option(
    "--rows",
    type=click.Choice(["table", "cells", "pairs", "curves"]),
    default="table",
    show_default=True,
    help="A row for each method, data and metric; for each run; for each pair of methods; for each "
    "point of the curves.",
)
@options.option("-o", "--output", metavar="FILE", help="Instead of standard output.")
@options.debug
def export_(folder: str, to: str, rows: Any, output: str | None, debug: bool) -> None:
    """Write the comparison of the runs in DIR for other programs and for papers.

    Example: tk export runs --to latex -o table.tex
    """
    from .export import export_runs

    export_runs(folder, to, rows, output)


@tk.command("report", short_help="Write a folder's runs as one page.")
@click.argument("folder", metavar="DIR")
@options.option("-o", "--output", required=True, metavar="FILE", help="The page.")
@options.option("--title", metavar="TEXT", help="The title of the page.")
@options.debug
def report_(folder: str, output: str, title: str | None, debug: bool) -> None:
    """Write the runs in DIR as one page with tables, curves, samples and provenance.

    Example: tk report runs -o report.html
    """
    from .report import report

    report(folder, output, title)


@tk.command(short_help="Do a run again and say whether it agrees.")
@click.argument("cell")
@options.option("--device", metavar="NAME", help="Instead of the run's own.")
@options.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@options.option("--quiet", "-q", is_flag=True, help="No progress.")
@options.debug
def reproduce(**given: Any) -> int:
    """Do the run in the folder CELL again and say whether it agrees; exit status 1 if not.

    Example: tk reproduce runs/cfm-moons-seed0-0123456789abcdef
    """
    from .reproduce import reproduce as execute

    return execute(**given)


@tk.command(short_help="Draw a run: field lines, a slice of the field, an animation.")
@click.argument("run_folder", metavar="RUN")
@options.option("-o", "--output", metavar="DIR", help="Where the pictures go (the run's folder).")
@options.option(
    "--what",
    type=click.Choice(["lines", "slice", "animation", "all", "picture"]),
    default="all",
    show_default=True,
    help="What is drawn.",
)
@options.option(
    "--lines", type=int, default=200, show_default=True, metavar="N", help="Lines drawn."
)
@options.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@options.debug
def plot(**given: Any) -> int:
    """Draw RUN (a run's folder) in the plane: field lines, a slice of the field, an animation."""
    from .plot import plot as execute

    return execute(**given)


@tk.group(cls=_Suggesting, short_help="List plugins, check one, or begin one.")
def plugin() -> None:
    """Plugins: what there is, whether they keep their contracts, and a new one."""


for command in PLUGIN_COMMANDS:
    plugin.add_command(command)

# Each command has the settings itself: click makes its help option once, from the first context it
# is parsed in, and that need not be one below `tk`.
for group in (tk, plugin):
    for command in (group, *group.commands.values()):
        command.context_settings = SETTINGS
