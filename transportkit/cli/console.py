"""What the commands print: progress on standard error, tables on standard output."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from ..core.record import Result, Value
from ..harness.mixed import mixed
from ..report import bars
from ..report.bars import messages as messages
from ..report.figures import four, three, with_half
from ..report.remarks import on_rim, remarks
from .interrupts import check

log = logging.getLogger("transportkit")
_WIDEST = 10_000


class _Warnings(logging.Handler):
    """A line on standard error for every warning, wherever standard error leads by then."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"Warning: {record.getMessage()}", err=True)


def route_warnings() -> None:
    """Show transportkit's log on standard error."""
    if not log.handlers:
        log.addHandler(_Warnings(logging.WARNING))


def warn_of_mixtures(results: Sequence[Result]) -> None:
    """Warn of rows whose seeds were done by different code, and of rows that do not compare."""
    for text in mixed(results):
        log.warning("%s", text)


class Bars(bars.Bars):
    """Progress bars on standard error; nothing at all in a pipe or when asked to be quiet."""

    def __init__(self, quiet: bool, total: int = 1) -> None:
        super().__init__(total, shown=sys.stderr.isatty() and not quiet)

    def __enter__(self) -> Bars:
        check()
        super().__enter__()
        return self

    def listen(self, phase: str, done: float, total: float | None, text: str) -> None:
        check()
        super().listen(phase, done, total, text)


def print_result(result: Result) -> None:
    """One run as a table."""
    title = str(result.run)
    table = Table(title=title, title_style="bold", title_justify="left", box=None, pad_edge=False)
    notes = remarks(result)
    for heading in ("metric", "value", "floor", "ratio", *([""] if notes else [])):
        table.add_column(heading, justify="left" if heading in ("metric", "") else "right")
    for name, value in result.metrics.items():
        if value.value is not None or name in notes:
            note = [notes.get(name, "")] if notes else []
            table.add_row(name, four(value.value), _floor(value), three(value.ratio), *note)
    console = Console(highlight=False)
    _print_whole(table)
    console.print()
    for line in _facts(result):
        console.print(line, soft_wrap=True)


def _print_whole(table: Table) -> None:
    """Print a table at its own width: a figure cut to fit a pipe's 80 columns is no figure."""
    width = Console(width=_WIDEST).measure(table).maximum
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, width)
    console.print(table)


def _floor(value: Value) -> str:
    """With the digits that its scatter leaves."""
    if value.floor is None or value.floor_std is None:
        return three(value.floor)
    return with_half(value.floor, value.floor_std)


def _facts(result: Result) -> list[str]:
    run = result.run
    lines = []
    if result.finished is not None:
        said = [f"{s:.1%} {k}" for k, s in result.stops.items() if k != "arrived"]
        said += filter(None, [on_rim([result])])
        note = f"  ({', '.join(said)})" if said else ""
        lines.append(f"finished    {result.finished:.1%}{note}")
    if result.nfe is not None:
        how = f" by {run.integrator}" if run.integrator else ""
        lines.append(f"evaluations {result.nfe:.1f} a point{how}")
    if result.fit_seconds is not None and result.push_seconds is not None:
        steps = f" ({result.steps} steps)" if result.steps else ""
        lines.append(
            f"seconds     {result.fit_seconds:.2f} to fit{steps}, "
            f"{result.push_seconds:.2f} to move {result.points} points"
        )
    if result.peak_memory_mb is not None:
        lines.append(f"memory      {result.peak_memory_mb:.0f} MB at most, on {run.device}")
    if result.folder:
        lines.append(f"folder      {result.folder}")
    return lines
