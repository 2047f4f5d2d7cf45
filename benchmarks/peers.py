"""Peers' tables, reproduced: results of the suites beside the published numbers.

    python benchmarks/peers.py [RUNS] [--complete] [--replace]

Writes docs/peers.md, and benchmarks/results/NAME.md with every seed, from the records of runs in
benchmarks/results/NAME.csv. RUNS holds a folder of runs for some of the suites, as made by

    tk compare --suite benchmarks/suites/NAME.yaml --reduced --out RUNS/NAME

and, by the full protocol, in RUNS/NAME-full; a suite without a reduced protocol has RUNS/NAME
alone. They are recorded first: a cell that was run again (protocol, method, problem, seed and
metric) takes the place of the old one, and all others stay, with their dates; so does a value whose
cell came to none when it was run again, and it is said which. With --complete, a metric of the
suite that a run was made without is computed from the model that the run kept, but for the W2
between samples, which is costly.

A row of a table has one setting: the parameters, as far as they are known, the budget, the numbers
of points, and the integrator. Where new runs have another one than records of their row that would
stay, nothing is written: a mean over two settings is of neither, and to drop cells that took hours
must be meant. --replace keeps the newer setting only, and the newer run where it came to no value.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from recorded import Suite
from records import PROTOCOLS, Record, as_csv, merge, outdone, read, write
from runs import read_runs
from tables import TITLES, details, protocols, section

from transportkit.errors import DataError, TransportkitError

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "peers.md"
INTRODUCTION = """\
# Peers' tables

Tables of other papers, made again with the methods here, with the published numbers below ours. A
suite is one file that names methods, data, seeds, budgets and protocol, and one command runs it.
The numbers on this page are those of the `reduced` budgets of the suites where nothing else is
said, and are no judgement of methods at full strength: the full budgets are in the same files. This
page is made by `python benchmarks/peers.py` from the records of the runs, a CSV file of each suite
in `benchmarks/results`, where a page of each has the values of every seed. New runs are recorded by
`python benchmarks/peers.py RUNS`: cells that were run again and came to a value take the place of
the old ones, and all others stay. Records whose origin is "page" were read off an earlier page, to
four digits: the last digit of what is made of them here may be off by one.

Ours are means over seeds ± half of the 95% interval (Student's t), without an interval where there
is one seed. "Published" is quoted; "recomputed" is a published method's figure computed anew
for the suite. Where protocols differ, it is said below the table.
"""


def recorded(name: str) -> list[Record]:
    suite = Suite(name)
    return read(RESULTS / f"{name}.csv", suite.asked, suite.columns)


def with_runs(name: str, runs: Path, complete: bool, replace: bool) -> list[Record]:
    """The records of a suite with those of the runs that RUNS has of it."""
    old, suite = recorded(name), Suite(name)
    there = {runs / place: protocol for place, protocol in protocols(name).items()}
    new = [
        record
        for folder, protocol in there.items()
        if folder.exists()
        for record in read_runs(folder, suite, protocol, complete)
    ]
    for told in outdone(new):
        print(f"{name}: {told}")
    try:
        merged = merge(old, new, replace)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    for told in _told(old, new, merged):
        print(f"{name}: {told}")
    return merged


def _told(old: Sequence[Record], new: Sequence[Record], merged: Sequence[Record]) -> Iterator[str]:
    """What became of old and new records, in words."""
    stands = {r.cell: r for r in merged}
    valued = {r.cell for r in old if r.value is not None and stands.get(r.cell) == r}
    for r in new:
        if r.value is None and (r.cell in valued or r.cell not in stands):
            run = f"{r.method} on {r.problem}, seed {r.seed}, by the {r.protocol} protocol"
            yield (
                f"{run} came to no {r.metric or 'figures'}; what is recorded of it stays, unless "
                "--replace is given"
            )
    gone = [r for r in old if r.value is not None and r.cell not in valued]
    again = {r.cell for r in new if r.value is not None}
    failed = {r.run for r in merged if not r.metric}
    lost = [r for r in gone if r.cell not in again and (r.cell in stands or r.run in failed)]
    if lost:
        yield f"{_counted(len(lost), 'value')} left out, of runs that came to none now"
    if other := [r for r in gone if r.cell not in stands and r not in lost]:
        yield f"{_counted(len(other), 'value')} by another setting left out"
    if new:
        added = len(stands.keys() - {r.cell for r in old})
        yield f"values of {_counted(len({r.run for r in new}), 'run')}, {added} in new cells"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def pages(records: Mapping[str, Sequence[Record]]) -> dict[Path, str]:
    """What to write where, of records by suite."""
    page, written = [INTRODUCTION], {}
    for name, own in records.items():
        by = [Suite(name, [r for r in own if r.protocol == p]) for p in PROTOCOLS]
        first, *more = [suite for suite in by if suite.records]
        page += section(first, *more)
        told = details(first) + [t for full in more for t in details(full, "by the full protocol")]
        written[RESULTS / f"{name}.md"] = "\n".join(told)
    return {**written, PAGE: "\n".join(page).rstrip() + "\n"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="?", help="folder with a folder of runs by suite")
    parser.add_argument(
        "--complete",
        action="store_true",
        help="compute metrics that runs lack, except W2, which is costly",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="leave out records of another setting, and values of runs that came to none now",
    )
    given = parser.parse_args()
    try:
        make(given.runs, given.complete, given.replace)
    except TransportkitError as error:
        sys.exit(f"{error}")


def make(runs: Path | None, complete: bool = False, replace: bool = False) -> None:
    """Record the runs, if any, and write the pages.

    Where anything is wrong with a run or a record, nothing is written: all texts are made before.
    What `complete` computed stays in the folders of the runs.
    Each file is written whole, records first. Raises DataError for the first one that cannot be
    written: those before it are new, the others are as they were, and another run mends it.
    """
    if runs is None:
        records = {name: recorded(name) for name in TITLES}
    else:
        known = [place for name in TITLES for place in protocols(name)]
        if not any((runs / place).is_dir() for place in known):
            raise DataError(f"'{runs}' has no folder of runs that is called {', '.join(known)}")
        records = {name: with_runs(name, runs, complete, replace) for name in TITLES}
    records = {name: own for name, own in records.items() if own}
    files = {}
    if runs is not None:
        for name, own in records.items():
            suite = Suite(name)
            files[RESULTS / f"{name}.csv"] = as_csv(own, suite.asked, suite.columns)
    for file, text in {**files, **pages(records)}.items():
        write(file, text)


if __name__ == "__main__":
    main()
