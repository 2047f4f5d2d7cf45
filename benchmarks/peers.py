"""Peers' tables, reproduced: results of the suites beside the published numbers.

    python benchmarks/peers.py RUNS [--complete]

RUNS holds one folder of runs for each suite of benchmarks/suites, as made by

    tk compare --suite benchmarks/suites/NAME.yaml --out RUNS/NAME

with or without --reduced. Where there are both, those without it lie in RUNS/NAME-full. Runs by a
full protocol need not have every cell. With --complete, a metric of the suite that a run was made
without is computed from the model that the run kept. Writes benchmarks/results/NAME.md, with every
seed, and docs/peers.md.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import re
import statistics
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recorded import Cell, Suite, read, same_problem

from transportkit import __version__
from transportkit.errors import TransportkitError

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "peers.md"
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
            yield _published(published[method], key, len(suite.problems))


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
    columns = range(len(suite.problems))
    cells = [
        next((c for m in suite.methods if (c := suite.cell(m, k, metric)) and c.floor), None)
        for k in columns
    ]
    if any(cells):
        yield ["floor", *(f"{c.floor:.3g}" if c else BLANK for c in cells), BLANK]
    known = suite.published.get("floor")
    if known and metric.partition(":")[0] == suite.published["metric"]:
        yield [f"floor at {known['points']:,} points", *(f"{v:g}" for v in known["values"]), BLANK]


def circumstances(suite: Suite) -> str:
    """Budgets, seeds and sizes, read off the results."""
    runs = [r.run for r in suite.results]

    def told(values: Iterable[Any]) -> str:
        return ", ".join(dict.fromkeys(str(v) for v in values))

    seeds = [len({r.seed for r in runs if r.method.name == m}) for m in suite.methods]
    return (
        f"Budget {_budget(suite)}; {told(sorted(seeds))} seed(s) a method; "
        f"{told(f'{r.points:,}' for r in runs)} points judged, at most "
        f"{told(f'{r.train:,}' for r in runs)} to train on; {told(r.device for r in runs)}, "
        f"{told(r.threads for r in runs)} thread(s)."
    )


def _budget(suite: Suite) -> str:
    """The budget of all runs, or where each method has its own, the steps that it took."""
    budgets = {str(r.run.budget) for r in suite.results}
    if budgets != {"default"}:
        return ", ".join(sorted(budgets))
    taken = {
        m: {r.steps for r in suite.results if r.run.method.name == m and r.steps}
        for m in suite.methods
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
        head = [title, *map(str, suite.published["columns"]), "mean"]
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
        head = [NAMES.get(name, name), *map(str, full.published["columns"]), "mean"]
        lines += [*table(head, [*compared(full, metric, only=True), *floors(full, metric)]), ""]
    return [*lines, *textwrap.wrap(circumstances(full), 100), ""]


def command(suite: Suite) -> str:
    """What makes the runs of a section, with the folder of data that the suite asks for, if any."""
    words = " ".join(map(str, suite.content["problems"]))
    folders = [f"{name}=FOLDER" for name in dict.fromkeys(re.findall(r"\$(\w+)", words))]
    compare = f"tk compare --suite benchmarks/suites/{suite.name}.yaml"
    reduced = ["--reduced"] if "reduced" in suite.content else []
    return " ".join([*folders, compare, *reduced, f"--out RUNS/{suite.name}"])


def details(suite: Suite, which: str = "") -> list[str]:
    """Every seed's value. `which` says of what part of the results, below a first."""
    title = f"# {TITLES[suite.name]}{which and ', ' + which}"
    lines = [title, "", circumstances(suite), "", _stamp(), ""]
    for metric in suite.metrics:
        rows = [
            [
                f"`{method}`",
                str(suite.published["columns"][k]),
                str(cell),
                ", ".join(f"{seed}: {value:.4g}" for seed, value in cell.values.items()),
                BLANK if cell.floor is None else f"{cell.floor:.4g}",
                f"{_seconds(suite, method, k):.3g}",
            ]
            for method in suite.methods
            for k, cell in enumerate(suite.row(method, metric))
            if cell
        ]
        head = ["method", "problem", "mean ± half of 95%", "by seed", "floor", "seconds to fit"]
        lines += [f"## {metric}", "", *table(head, rows), ""]
    if refused := sorted({(r.run.method.name, r.message) for r in suite.results if r.message}):
        lines += ["## Without a value", ""] + [f"- `{name}`: {text}" for name, text in refused]
        lines += [""]
    return lines


def _seconds(suite: Suite, method: str, column: int) -> float:
    """The mean time of a fit."""
    return statistics.fmean(
        r.fit_seconds
        for r in suite.results
        if r.run.method.name == method
        and same_problem(r.run.problem, suite.problems[column])
        and r.fit_seconds is not None
    )


def _stamp() -> str:
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"transportkit {__version__}, {platform.machine()}, Python {platform.python_version()}, "
        f"{today}, made by `python benchmarks/peers.py RUNS`."
    )


INTRODUCTION = """\
# Peers' tables

Tables of other papers, made again with the methods here, with the published numbers below ours. A
suite is one file that names methods, data, seeds, budgets and protocol, and one command runs it.
The numbers on this page are those of the `reduced` budgets of the suites where nothing else is
said, and are no judgement of methods at full strength: the full budgets are in the same files. This
page and the values of every seed, in `benchmarks/results`, are made from a folder of runs by
`python benchmarks/peers.py RUNS`.

Ours are means over seeds ± half of the 95% interval (Student's t), without an interval where there
is one seed. "Published" is quoted; "recomputed" is a published method's figure computed anew
for the suite. Where protocols differ, it is said below the table.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, help="folder with one folder of runs for each suite")
    parser.add_argument("--complete", action="store_true", help="compute metrics that runs lack")
    given = parser.parse_args()
    folder: Path = given.runs
    page = [INTRODUCTION]
    RESULTS.mkdir(exist_ok=True)
    for name in TITLES:
        try:
            suite = read(folder / name, name, given.complete)
        except TransportkitError as error:
            print(f"{name} is left out: {error}")
            continue
        more = folder / f"{name}{FULL}"
        full = read(more, name, given.complete) if more.exists() else None
        page += section(suite, full)
        told = [*details(suite), *(details(full, "by the full protocol") if full else [])]
        (RESULTS / f"{name}.md").write_text("\n".join(told))
    PAGE.write_text("\n".join(page).rstrip() + "\n")


if __name__ == "__main__":
    main()
