"""What the commands print: progress on standard error, tables on standard output."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..core.record import Result, Value
from ..harness.compare import Row

_WIDEST = 10_000
PHASES = {"fit": "fitting", "push": "moving points", "judge": "judging", "write": "writing"}


def messages() -> Console:
    """The console for everything that is not the result."""
    return Console(stderr=True, highlight=False)


def route_warnings() -> None:
    """Show transportkit's log on standard error."""
    log = logging.getLogger("transportkit")
    if not log.handlers:
        log.addHandler(RichHandler(console=messages(), show_time=False, show_path=False))


class Bars:
    """Progress bars on standard error; nothing at all in a pipe or when asked to be quiet."""

    def __init__(self, quiet: bool, total: int = 1) -> None:
        self.shown = sys.stderr.isatty() and not quiet
        self.progress = Progress(
            TextColumn("{task.description:<34}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
            console=messages(),
            transient=True,
            disable=not self.shown,
        )
        self.overall: TaskID | None = None
        if total > 1:
            self.overall = self.progress.add_task("runs", total=total, text="")
        self.current = self.progress.add_task("starting", total=None, text="")
        self.prefix, self.phase = "", ""

    def __enter__(self) -> Bars:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def listen(self, phase: str, done: float, total: float | None, text: str) -> None:
        """A `Listener` for an executor."""
        if phase != self.phase:
            self.phase = phase
            self.progress.reset(self.current, total=total)
        self.progress.update(
            self.current,
            description=f"{self.prefix}{PHASES.get(phase, phase)}",
            completed=done,
            total=total,
            text=text,
        )

    def next_run(self, title: str = "") -> None:
        """One more run is over."""
        if self.overall is not None:
            self.progress.advance(self.overall)
            self.progress.update(self.overall, text=title)
        self.phase = ""


def number(value: float | None) -> str:
    """Four significant digits."""
    if value is None:
        return "-"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    return f"{value:.4g}"


def print_result(result: Result, found: bool) -> None:
    """One run as a table."""
    run = result.run
    title = f"{run.method} on {run.problem}, seed {run.seed}"
    table = Table(title=title, title_style="bold", title_justify="left", box=None, pad_edge=False)
    for heading in ("metric", "value", "floor", "ratio"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, value in result.metrics.items():
        if value.value is not None:
            table.add_row(name, number(value.value), _floor(value), number(value.ratio))
    console = Console(highlight=False)
    _print_whole(table)
    console.print()
    for line in _facts(result, found):
        console.print(line, soft_wrap=True)


def _print_whole(table: Table) -> None:
    """Print a table at its own width: a figure cut to fit a pipe's 80 columns is no figure."""
    width = Console(width=_WIDEST).measure(table).maximum
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, width)
    console.print(table)


def _floor(value: Value) -> str:
    if value.floor is None:
        return "-"
    return f"{number(value.floor)} ± {number(value.floor_std)}"


def _facts(result: Result, found: bool) -> list[str]:
    run = result.run
    lines = []
    if result.finished is not None:
        lost = ", ".join(f"{s:.1%} {k}" for k, s in result.stops.items() if k != "arrived")
        lines.append(f"finished    {result.finished:.1%}" + (f"  ({lost})" if lost else ""))
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
        lines.append(f"folder      {result.folder}" + ("  (found there)" if found else ""))
    return lines


def print_comparison(rows: Sequence[Row], results: Sequence[Result]) -> None:
    """One table for each problem: a line per method, a column per metric."""
    from ..harness.compare import label

    console = Console(highlight=False)
    methods, problems = [r.run.method for r in results], [r.run.problem for r in results]
    by_data: dict[str, list[Result]] = {}
    for result in results:
        by_data.setdefault(label(result.run.problem, problems), []).append(result)
    for data, own in by_data.items():
        here = [row for row in rows if row.data == data]
        metrics = list(dict.fromkeys(row.metric for row in here))
        seeds = len({r.run.seed for r in own})
        title = f"{data}, {seeds} seed{'s' if seeds > 1 else ''}"
        table = Table(title=title, title_style="bold", title_justify="left", box=None)
        table.add_column("method")
        for metric in metrics:
            table.add_column(metric, justify="right")
        for heading in ("finished", "NFE", "fit s", "push s"):
            table.add_column(heading, justify="right")
        for method in dict.fromkeys(label(r.run.method, methods) for r in own):
            of_method = [r for r in own if label(r.run.method, methods) == method]
            cells = [_cell(here, method, metric) for metric in metrics]
            table.add_row(method, *cells, *_means(of_method))
        floors = [_floor_of(here, metric) for metric in metrics]
        table.add_section()
        table.add_row("floor", *floors, "", "", "", "", style="dim")
        _print_whole(table)
        for result in own:
            if result.status != "done":
                name = label(result.run.method, methods)
                console.print(
                    f"  {name}, seed {result.run.seed}: {result.status}, {result.message}",
                    soft_wrap=True,
                )
        console.print()
    console.print(
        "Mean over seeds ± half of its 95% interval; * best, or not told apart from it.",
        style="dim",
    )


def _cell(rows: Sequence[Row], method: str, metric: str) -> str:
    for row in rows:
        if row.method == method and row.metric == metric:
            half = f" ± {number(row.high - row.mean)}" if row.high is not None else ""
            star = "*" if row.rank == 1 else " "
            return f"{number(row.mean)}{half}{star}"
    return "- "


def _floor_of(rows: Sequence[Row], metric: str) -> str:
    floors = [row.floor for row in rows if row.metric == metric and row.floor is not None]
    return f"{number(floors[0])} " if floors else ""


def _means(results: Sequence[Result]) -> list[str]:
    def mean(values: list[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return sum(known) / len(known) if known else None

    finished = mean([r.finished for r in results])
    return [
        "-" if finished is None else f"{finished:.1%}",
        number(mean([r.nfe for r in results])),
        number(mean([r.fit_seconds for r in results])),
        number(mean([r.push_seconds for r in results])),
    ]
