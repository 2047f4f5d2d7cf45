"""A comparison in words and columns, laid out for the width at hand.

Distances are shown in units of their noise floor, so that problems and metrics read alike. What
does not fit side by side goes into a further block with the methods repeated; no figure is cut.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import click

from ..core.record import Result, reason
from ..harness.compare import Findings, Resolution, Row
from ..harness.effort import effort
from ..harness.setting import by_problem, setting
from ..report.figures import number, seconds
from ..report.remarks import shared_remarks
from ..report.sheet import BEST, entries_of, floor_of, in_floors_of, reading, resolution_of

GAP = "  "
WIDTH_OF_A_PIPE = 120


@dataclass(frozen=True)
class Column:
    """A heading, a cell for each method, and what stands in the last rows."""

    heading: str
    cells: Sequence[str]
    floor: str = ""
    smallest: str = ""

    @property
    def width(self) -> int:
        return max(map(len, [self.heading, self.floor, self.smallest, *self.cells]))


def print_comparison(findings: Findings, results: Sequence[Result], width: int = 0) -> None:
    """For each problem a line per method and a column per metric, then what the figures mean."""
    rows = findings.rows
    width = width or shutil.get_terminal_size((WIDTH_OF_A_PIPE, 24)).columns
    for data, by_method in by_problem(results).items():
        own = [row for row in rows if row.data == data]
        seen = {r.metric: r for r in findings.resolutions if r.data == data}
        _print_problem(data, by_method, own, seen, width)
        click.echo()
    if rows:
        _print_meaning(findings, results, width)


def _print_problem(
    data: str,
    by_method: dict[str, list[Result]],
    rows: Sequence[Row],
    seen: Mapping[str, Resolution],
    width: int,
) -> None:
    click.secho(f"{data}: {setting(by_method)}", bold=True)
    done = {m: kept for m, rs in by_method.items() if (kept := [r for r in rs if r.metrics])}
    names = {m: _folded(m, max(16, width // 4)) for m in by_method}
    margin = max(len(line) for lines in names.values() for line in lines)
    margin = max(margin, len("resolution"))
    blocks = _blocks(_sections(done, rows, seen), width - margin)
    for i, block in enumerate(blocks):
        if i:
            click.echo()
        _print_block(block, {m: names[m] for m in done}, margin)
    for method, results in by_method.items():
        _print_troubles(names[method], results, method in done, margin, width)


def _sections(
    done: dict[str, list[Result]], rows: Sequence[Row], seen: Mapping[str, Resolution]
) -> list[list[Column]]:
    """Distances to the target; what else was measured; how it went."""
    distances: list[Column] = []
    others: list[Column] = []
    for metric in dict.fromkeys(row.metric for row in rows):
        here = {row.method: row for row in rows if row.metric == metric}
        in_floors = all(row.ratio is not None for row in here.values())
        cells = _cells([here.get(method) for method in done], in_floors)
        floors = [row.floor for row in here.values() if row.floor is not None]
        floor = floor_of(floors) + " " if in_floors else ""
        smallest = _smallest(seen.get(metric), in_floors)
        (distances if in_floors else others).append(Column(f"{metric} ", cells, floor, smallest))
    facts: list[tuple[str, Callable[[Result], float | None], Callable[[float | None], str]]] = [
        ("finished", lambda r: r.finished, lambda v: "-" if v is None else f"{v:.1%}"),
        ("NFE", lambda r: r.nfe, number),
        ("fit s", lambda r: r.fit_seconds, seconds),
        ("push s", lambda r: r.push_seconds, seconds),
    ]
    how = []
    for heading, get, show in facts:
        cells = [show(_mean([get(r) for r in results])) for results in done.values()]
        if show is seconds:
            cells = [
                f"~{cell}" if any(r.alone is False for r in results) else cell
                for cell, results in zip(cells, done.values(), strict=True)
            ]
        how.append(Column(heading, cells))
    return [distances, others, how if done else []]


def _cells(rows: Sequence[Row | None], in_floors: bool) -> list[str]:
    shown = entries_of([None if row is None else asdict(row) for row in rows], in_floors)
    return [entry.text + ("*" if entry.best else " ") for entry in shown]


def _smallest(resolution: Resolution | None, in_floors: bool) -> str:
    text = resolution_of(asdict(resolution) if resolution else None, in_floors)
    return text and f"{text} "


def _blocks(sections: Sequence[Sequence[Column]], width: int) -> list[list[Column]]:
    """Columns that fit side by side; a section is kept together where it can be."""
    blocks: list[list[Column]] = [[]]
    room = width
    for section in sections:
        needed = [len(GAP) + column.width for column in section]
        if blocks[-1] and room < sum(needed) <= width:
            blocks.append([])
            room = width
        for column, need in zip(section, needed, strict=True):
            if need > room and blocks[-1]:
                blocks.append([])
                room = width
            blocks[-1].append(column)
            room -= need
    return [block for block in blocks if block]


def _print_block(block: Sequence[Column], names: dict[str, list[str]], margin: int) -> None:
    def line(first: str, cells: Sequence[str], dim: bool | None = None) -> None:
        padded = [f"{cell:>{c.width}}" for cell, c in zip(cells, block, strict=True)]
        click.secho(GAP.join([f"{first:<{margin}}", *padded]).rstrip(), dim=dim)

    line("method", [column.heading for column in block])
    for i, lines in enumerate(names.values()):
        line(lines[0], [column.cells[i] for column in block])
        for rest in lines[1:]:
            click.echo(rest)
    if any(column.floor for column in block):
        line("floor", [column.floor for column in block], dim=True)
    if any(column.smallest for column in block):
        line("resolution", [column.smallest for column in block], dim=True)


def _print_troubles(
    name: Sequence[str], results: Sequence[Result], shown: bool, margin: int, width: int
) -> None:
    """Runs without figures, in the method's row where it has no other; metrics that failed, and
    what is said beside those that did not."""
    said: dict[str, list[int]] = {}
    for result in results:
        if result.message:
            text = result.message if result.status == "done" else reason(result, ": ")
            said.setdefault(text, []).append(result.run.seed)
    notes = shared_remarks(results)
    said |= notes
    for i, (text, seeds) in enumerate(said.items()):
        which = ""
        if (shown or len(said) > 1) and not (text in notes and len(seeds) == len(results)):
            which = f"seed{'s'[: len(seeds) > 1]} {', '.join(map(str, seeds))}, "
        first = name[0] if i == 0 else ""
        indent = " " * margin + GAP
        body = textwrap.wrap(which + text, max(30, width - len(indent)), break_long_words=False)
        click.echo(f"{first:<{margin}}{GAP}{body[0]}")
        for j, rest in enumerate(body[1:], 1):
            head = name[j] if i == 0 and j < len(name) else ""
            click.echo(f"{head:<{margin}}{GAP}{rest}")


def _print_meaning(findings: Findings, results: Sequence[Result], width: int) -> None:
    rows = findings.rows
    parts = []
    distances = list(dict.fromkeys(row.metric for row in rows if row.ratio is not None))
    if distances:
        parts.append(f"{in_floors_of(distances)}: 1 is as near as can be told.")
    parts += reading([asdict(row) for row in rows], f"* {BEST}")
    if any(r.smallest is not None for r in findings.resolutions):
        parts.append(
            "Resolution: the smallest difference between two methods that would show with a "
            "chance of 80%."
        )
    parts += _unresolved(findings) + effort(results)
    if any(r.alone is False for r in results):
        parts.append("~ timed while other runs went on beside it; --alone times one at a time.")
    click.secho(textwrap.fill(" ".join(parts), width), dim=True)


def _unresolved(findings: Findings) -> list[str]:
    """What it would take to tell the two best apart, on the problem where that is nearest."""
    open_ = [r for r in findings.resolutions if not r.seen and r.seeds_needed]
    if not open_:
        return []
    nearest = min(open_, key=lambda r: r.seeds_needed or 0)
    text = (
        f"To tell {nearest.best} from {nearest.next} by {nearest.metric} on {nearest.data} would "
    )
    text += f"take about {nearest.seeds_needed} seeds"
    if nearest.points_needed:
        # An estimate, of which more than two digits would say too much.
        points = int(float(f"{nearest.points_needed:.2g}"))
        text += f", or {points:,} points with {nearest.seeds}"
    return [f"{text}."]


def _folded(name: str, width: int) -> list[str]:
    """A method's name in lines of at most `width`, broken after commas where that serves."""
    lines = [""]
    for piece in name.replace(",", ",\n").split("\n"):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("  ")
        lines[-1] += piece
        while len(lines[-1]) > width:
            lines[-1], rest = lines[-1][:width], "  " + lines[-1][width:]
            lines.append(rest)
    return lines


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None
