"""Tables of the suites: what is recorded of their runs beside what was published."""

from __future__ import annotations

import re
import statistics
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from recorded import Cell, Suite
from records import Record

FULL = "-full"
TITLES = {
    "plane": "Data sets of the plane",
    "plane-averaged": "Data sets of the plane, by averaged weights",
    "w2-benchmark": "Wasserstein-2 benchmark",
    "entropic": "Entropic optimal transport",
    "cite": "Single cells, one day left out",
}
NAMES = {
    "w2": "W2",
    "npe": "NPE",
    "l2_uvp": "L2-UVP, %",
    "cbw2_uvp": "cBW2-UVP, %",
    "between_w1": "W1",
}
BLANK = "·"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def compared(suite: Suite, metric: str, only: bool = False) -> Iterator[list[str]]:
    """Rows of ours and, below, what was published of the same method; `only` leaves out what was
    published of others."""
    published = suite.published["rows"]
    key = "values" if metric.partition(":")[0] == suite.published["metric"] else metric
    known = [name for name in published if name not in suite.methods and not only]
    for method in [*suite.methods, *known]:
        row = suite.row(method, metric)
        if any(row):
            yield [f"**`{method}`**", *(str(c) if c else BLANK for c in row), _mean(row)]
        if method in published and (any(row) or method in known):
            yield _published(published[method], key, len(suite.columns))


def _mean(row: Sequence[Cell | None]) -> str:
    """The mean over columns of the means over seeds; blank where a column is missing."""
    return f"{statistics.fmean(c.mean for c in row if c):.3g}" if all(row) else BLANK


def _published(entry: Mapping[str, Any], key: str, columns: int) -> list[str]:
    values = entry.get(key) or [None] * columns
    written = [BLANK if v is None else f"{v:g}" for v in values]
    mean = entry.get("mean") if key == "values" else None
    if mean is None and all(v is not None for v in values):
        mean = float(f"{statistics.fmean(values):.3g}")
    origin = entry.get("origin", "published")
    return [f"{entry['name']}, {origin}", *written, BLANK if mean is None else f"{mean:g}"]


def excesses(suite: Suite, metric: str) -> Iterator[list[str]]:
    """(value^2 - floor^2)^(1/2), each with the floor at its own sample size."""
    known = suite.published["floor"]["values"]
    for method in suite.methods:
        row = [c if c and c.floor else None for c in suite.row(method, metric)]
        if not any(row):
            continue
        ours = [_excess(c.mean, c.floor) if c and c.floor else BLANK for c in row]
        yield [f"**`{method}`**", *ours]
        if entry := suite.published["rows"].get(method):
            quoted = zip(entry["values"], known, strict=True)
            written = [BLANK if v is None else _excess(v, floor) for v, floor in quoted]
            yield [f"{entry['name']}, {entry.get('origin', 'published')}", *written]


def _excess(value: float, floor: float) -> str:
    return f"{max(value**2 - floor**2, 0) ** 0.5:.3f}"


def floors(suite: Suite, metric: str) -> Iterator[list[str]]:
    """What the metric is between two samples of the target: ours, and at the published size."""
    cells = [
        next((c for m in suite.methods if (c := suite.cell(m, k, metric)) and c.floor), None)
        for k in suite.columns
    ]
    if any(cells):
        yield ["floor", *(f"{c.floor:.3g}" if c else BLANK for c in cells), BLANK]
    known = suite.published.get("floor")
    if known and metric.partition(":")[0] == suite.published["metric"]:
        yield [f"floor at {known['points']:,} points", *(f"{v:g}" for v in known["values"]), BLANK]


def circumstances(suite: Suite) -> str:
    """Budgets, seeds and sizes, read off the records."""
    runs = suite.records
    seeds = [len({r.seed for r in runs if r.method == m}) for m in suite.methods]
    return (
        f"Budget {_budget(suite)}; {_told(sorted(seeds))} seed(s) a method; "
        f"{_told(f'{r.points:,}' for r in runs)} points judged, at most "
        f"{_told(f'{r.train:,}' for r in runs)} to train on; {_told(r.device for r in runs)}, "
        f"{_told(r.threads for r in runs)} thread(s)."
    )


def _told(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(str(v) for v in values))


def _budget(suite: Suite) -> str:
    """The budget of all runs, or where each method has its own, the steps that it took."""
    budgets = {r.budget for r in suite.records}
    if budgets != {"default"}:
        return ", ".join(sorted(budgets))
    taken = {
        m: {r.steps for r in suite.records if r.method == m and r.steps} for m in suite.methods
    }
    return "of each method: " + ", ".join(
        f"`{m}` {'/'.join(map(str, sorted(steps)))} steps" for m, steps in taken.items() if steps
    )


def section(suite: Suite, full: Suite | None = None) -> list[str]:
    lines = [f"## {TITLES[suite.name]}", ""]
    first = suite.metrics[0] if suite.metrics else ""
    # The metric that was published may be there in several settings.
    others = [m for m in suite.metrics[1:] if m.partition(":")[0] == first.partition(":")[0]]
    for metric in suite.metrics:
        name = metric.partition(":")[0]
        settings = metric.partition(":")[2] if metric in others else ""
        title = NAMES.get(name, name) + (f", {settings}" if settings else "")
        head = [title, *suite.columns, "mean"]
        if name == suite.published["metric"] or any(
            metric in entry for entry in suite.published["rows"].values()
        ):
            lines += [*table(head, [*compared(suite, metric), *floors(suite, metric)]), ""]
        if name == suite.published["metric"] and "floor" in suite.published:
            text = (
                "W2 between samples falls with their number; the floors are what it is between "
                "two samples of the target. (W2² − floor²)^½, without that part of it, of ours and "
                "of the published:"
            )
            lines += [*textwrap.wrap(text, 100), ""]
            beyond = [f"{head[0]} beyond the floor", *head[1:-1]]
            lines += [*table(beyond, excesses(suite, metric)), ""]
    lines += [*textwrap.wrap(circumstances(suite), 100), ""]
    if full is not None:
        lines += at_full_budget(full)
    protocol = " ".join(str(suite.content["protocol"]).split())
    lines += [*textwrap.wrap(f"Full protocol: {protocol}", 100), ""]
    lines += [*textwrap.wrap(f"Published: {suite.published['source']}.", 100), ""]
    return [*lines, "```", command(suite), "```", ""]


def at_full_budget(full: Suite) -> list[str]:
    """The cells that were done by the full protocol so far, beside what was published."""
    lines = ["By the full protocol, as far as cells of it were run:", ""]
    for metric in full.metrics:
        name = metric.partition(":")[0]
        head = [NAMES.get(name, name), *full.columns, "mean"]
        lines += [*table(head, [*compared(full, metric, only=True), *floors(full, metric)]), ""]
    return [*lines, *textwrap.wrap(circumstances(full), 100), ""]


def command(suite: Suite) -> str:
    """What makes the runs of a section, with the folder of data that the suite asks for, if any."""
    words = " ".join(map(str, suite.content["problems"]))
    folders = [f"{name}=FOLDER" for name in dict.fromkeys(re.findall(r"\$(\w+)", words))]
    compare = f"tk compare --suite benchmarks/suites/{suite.name}.yaml"
    protocol = suite.records[0].protocol
    place = next(place for place, other in protocols(suite.name).items() if other == protocol)
    reduced = ["--reduced"] if protocol == "reduced" else []
    return " ".join([*folders, compare, *reduced, f"--out RUNS/{place}"])


def details(suite: Suite, which: str = "") -> list[str]:
    """Every seed's value. `which` says of what part of the results, below a first."""
    title = f"# {TITLES[suite.name]}{which and ', ' + which}"
    lines = [title, "", circumstances(suite), "", _stamp(suite), ""]
    for metric in suite.metrics:
        rows = [
            [
                f"`{method}`",
                column,
                str(cell),
                ", ".join(f"{seed}: {value:.4g}" for seed, value in cell.values.items()),
                BLANK if cell.floor is None else f"{cell.floor:.4g}",
                BLANK if (spent := suite.seconds(method, column)) is None else f"{spent:.3g}",
            ]
            for method in suite.methods
            for column in suite.columns
            if (cell := suite.cell(method, column, metric))
        ]
        head = ["method", "problem", "mean ± half of 95%", "by seed", "floor", "seconds to fit"]
        lines += [f"## {metric}", "", *table(head, rows), ""]
    if without := dict.fromkeys(_without(r) for r in suite.records if r.value is None):
        lines += ["## Without a value", "", *without, ""]
    return lines


def _without(record: Record) -> str:
    return f"- `{record.method}`{record.metric and ', ' + record.metric}: {record.message}"


def _stamp(suite: Suite) -> str:
    """Of the code, the machines and the days of the runs."""
    records = suite.records
    code = [" ".join(v.split()[:2]) for r in records for v in r.versions.split("; ")]
    days = sorted({r.date for r in records if r.date})
    told = [
        *(name for name in code if name.startswith("transportkit ")),
        *(r.machine for r in records if r.machine),
        *(name.capitalize() for name in code if name.startswith("python ")),
        " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "",
    ]
    return f"{_told(filter(None, told))}, made by `python benchmarks/peers.py`."


def protocols(name: str) -> dict[str, str]:
    """The folders in RUNS of a suite's runs, and their protocols."""
    first = "reduced" if "reduced" in Suite(name).content else "full"
    return {name: first, f"{name}{FULL}": "full"}
