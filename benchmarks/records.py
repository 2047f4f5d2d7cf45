"""Records of the suites' runs: what each scored, a line for each metric, in a CSV file.

    benchmarks/results/NAME.csv

What is empty is not known, or there is none. A record whose `origin` is "page" was read off a
printed page: its value has four digits, its floor and its seconds are means over the seeds of the
cell, its parameters are those that the suite names, and its date is the first on which a page had
the value. One whose origin is "run" was read from the folder of a run: its parameters are in full,
and its date is the day on which its result was written.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from transportkit.errors import DataError, unwritable
from transportkit.harness.atomic import write_whole

Row = tuple[str, str]
"""Of a table: a protocol and a method."""
PROTOCOLS = ("reduced", "full")
ORIGINS = ("page", "run")


@dataclass(frozen=True)
class Record:
    """What a run scored by one metric, or why it scored nothing: then `metric` is empty.

    `problem` is the name of a column. `integrator` says the number of evaluations as well where it
    is given; `parameters` of the method and `versions` of the code are texts. `message` says why
    there is no value, or what is to be said beside it.
    """

    protocol: str
    method: str
    problem: str
    metric: str
    seed: int
    value: float | None
    floor: float | None
    seconds: float | None
    steps: int | None
    budget: str
    points: int
    train: int
    integrator: str
    device: str
    threads: int
    machine: str
    date: str
    origin: str
    versions: str
    parameters: str
    message: str

    @property
    def row(self) -> Row:
        return self.protocol, self.method

    @property
    def run(self) -> tuple[str, str, str, int]:
        return self.protocol, self.method, self.problem, self.seed

    @property
    def cell(self) -> tuple[str, str, str, int, str]:
        return *self.run, self.metric

    @property
    def settings(self) -> dict[str, str]:
        """What the values in a row of a table share, as far as it is known."""
        known = dict(word.split("=", 1) for word in self.parameters.split())
        known |= {
            "budget": self.budget,
            "points judged": str(self.points),
            "points to train on": str(self.train),
            "integrator": self.integrator,
        }
        return {name: value for name, value in known.items() if value}


COLUMNS = tuple(field.name for field in fields(Record))


def merge(old: Sequence[Record], new: Sequence[Record], replace: bool = False) -> list[Record]:
    """The records with new ones, each of which takes the place of an old one of its cell.

    What came to no value takes the place of none, a run without figures as little as a metric that
    failed; with `replace` it does. A row of a table has one setting: where a new record has another
    one than an old one that stays, nothing is merged, or with `replace` no old record of another
    setting stays. Raises DataError for a row of two settings.
    """
    figures = {r.run for r in new if r.metric}
    new = [r for r in new if r.metric or r.run not in figures]
    if not replace:
        valued = {r.cell for r in old if r.value is not None}
        whole = {r.run for r in old if r.metric}
        new = [r for r in new if r.value is not None or not (r.cell in valued or _bare(r, whole))]
    again, bare = {r.cell for r in new}, {r.run for r in new if not r.metric}
    kept = [r for r in old if r.cell not in again and r.run not in bare]
    kept = [r for r in kept if r.metric or r.run not in figures]
    if replace:
        kept = [r for r in kept if not any(o.row == r.row and differ(o, r) for o in new)]
    merged = [*kept, *{r.cell: r for r in new}.values()]
    for trouble in mixed(merged):
        way = (
            "leave the runs of one of them out of the folder"
            if replace
            else "run its other cells again as well, or give --replace to keep the newer one only"
        )
        raise DataError(f"{trouble}, and a row of a table has one; {way}")
    return merged


def _bare(record: Record, whole: Collection[tuple[str, str, str, int]]) -> bool:
    """Whether a run without figures is one of these, which have some."""
    return not record.metric and record.run in whole


def differ(one: Record, other: Record) -> bool:
    """Whether what is known of both says two settings."""
    theirs = other.settings
    return any(theirs.get(name, value) != value for name, value in one.settings.items())


def mixed(records: Iterable[Record]) -> Iterator[str]:
    """The rows that have more than one setting, in words."""
    for row, told in _several(records):
        yield f"{row} would have two settings ({told})"


def outdone(new: Iterable[Record]) -> Iterator[str]:
    """The rows of which new records of one cell have two settings, in words."""
    figures = [r for r in new if r.metric]
    newest = {r.cell: r for r in figures}
    cells = {r.cell for r in figures if differ(newest[r.cell], r)}
    for row, told in _several(r for r in figures if r.cell in cells):
        yield f"cells of {row} were run in two settings ({told}); the newer runs are taken"


def _several(records: Iterable[Record]) -> Iterator[tuple[str, str]]:
    """Rows that have more than one setting, and which, in words."""
    found: dict[Row, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for record in records:
        for name, value in record.settings.items():
            found[record.row][name][value] = None
    for (protocol, method), settings in found.items():
        several = {name: values for name, values in settings.items() if len(values) > 1}
        if several:
            told = ", ".join(f"{name}: {' and '.join(v)}" for name, v in several.items())
            yield f"{method} by the {protocol} protocol", told


def write(file: Path, text: str) -> None:
    """Write a file whole. Raises DataError where it cannot be written."""
    try:
        write_whole(text.encode(), file, file.parent)
    except OSError as error:
        raise DataError(unwritable(file, error)) from None


def as_csv(records: Iterable[Record], methods: Sequence[str], columns: Sequence[str]) -> str:
    """A suite's records as `read` reads them, in the order of its methods and columns.

    Raises DataError for the first record that could not be read again.
    """
    records, cells = list(records), set()
    for record in records:
        try:
            "".join(_line(record)).encode()
            again = _record(_line(record), {"method": methods, "problem": columns})
            if again.cell in cells:
                raise ValueError("another record has the same cell")
        except ValueError as error:
            cell = " ".join(map(str, record.cell))
            raise DataError(f"the record of {cell} is not written: {error}") from None
        cells.add(again.cell)

    def place(r: Record) -> tuple[Any, ...]:
        by = methods.index(r.method), columns.index(r.problem)
        return PROTOCOLS.index(r.protocol), not r.metric, r.metric, *by, r.seed

    stream = io.StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows(_line(record) for record in sorted(records, key=place))
    return stream.getvalue()


def _line(record: Record) -> list[str]:
    return [_written(name, value) for name, value in asdict(record).items()]


def _written(name: str, value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if name == "seconds" else f"{value:.9g}"
    return "" if value is None else str(value)


def read(file: Path, methods: Sequence[str], columns: Sequence[str]) -> list[Record]:
    """The records of a suite of these methods and columns; none where there is no file.

    Raises DataError for the first line that is no record.
    """
    records: dict[tuple[Any, ...], Record] = {}
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            lines = csv.reader(stream, strict=True)
            try:
                if tuple(next(lines, ())) != COLUMNS:
                    raise ValueError(f"it should name the columns {','.join(COLUMNS)}")
                for line in lines:
                    record = _record(line, {"method": methods, "problem": columns})
                    if record.cell in records:
                        raise ValueError("an earlier line has the same cell")
                    records[record.cell] = record
            except (ValueError, csv.Error) as error:
                raise DataError(f"'{file}', line {max(lines.line_num, 1)}: {error}") from None
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"'{file}' cannot be read: {error.strerror}") from None
    return list(records.values())


def _record(line: Sequence[str], suite: Mapping[str, Sequence[str]]) -> Record:
    """A line as a record. Raises ValueError for what it should not say."""
    if len(line) != len(COLUMNS):
        raise ValueError(f"it should have {len(COLUMNS)} fields, not {len(line)}")
    given = dict(zip(COLUMNS, line, strict=True))
    for name, known in {**suite, "protocol": PROTOCOLS, "origin": ORIGINS}.items():
        if given[name] not in known:
            raise ValueError(f"{name} should be one of {', '.join(known)}, not '{given[name]}'")
    if not all(word.partition("=")[1] for word in given["parameters"].split()):
        raise ValueError(f"parameters should read name=value, not '{given['parameters']}'")
    if given["value"] and not given["metric"]:
        raise ValueError("it has a value of no metric")
    if not given["value"] and not given["message"]:
        raise ValueError("it has neither a value nor a message that says why")
    read = {name: _field(name, text) for name, text in given.items()}
    return Record(**read)


def _number(text: str) -> float | None:
    number = float(text) if text else None
    if number is not None and not math.isfinite(number):
        raise ValueError
    return number


_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    **dict.fromkeys(("value", "floor", "seconds"), (_number, "a finite number or empty")),
    **dict.fromkeys(("seed", "points", "train", "threads"), (int, "a whole number")),
    "steps": (lambda text: int(text) if text else None, "a whole number or empty"),
    "date": (
        lambda text: str(datetime.date.fromisoformat(text)) if text else "",
        "a day such as 2026-11-26, or empty",
    ),
}


def _field(name: str, text: str) -> Any:
    if name not in _READERS:
        return text
    reader, what = _READERS[name]
    try:
        return reader(text)
    except ValueError:
        raise ValueError(f"{name} should be {what}, not '{text}'") from None
