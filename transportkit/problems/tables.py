"""Tables of numbers: delimited text and parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError

_DELIMITERS = "\t;,"


def read_table(file: Path) -> np.ndarray:
    """A table (N, D) in float64 from text, its columns parted by tabs, semicolons, commas or
    spaces, whichever of these the first line has first in this order.

    Blank lines and lines that start with # are left out; a first line without any number is taken
    for names. Raises DataError for a cell that is not a number, and for rows of unequal length.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"'{file}' is not text in UTF-8; save it as UTF-8") from None
    rows = list(_rows(text))
    if rows and _are_names(rows[0][1]):
        rows = rows[1:]
    if not rows:
        raise DataError(f"'{file}' has no rows of numbers")
    width = len(rows[0][1])
    table = np.empty((len(rows), width))
    for i, (line, cells) in enumerate(rows):
        if len(cells) != width:
            raise DataError(
                f"'{file}', line {line}: {len(cells)} columns, where the first row has {width}"
            )
        try:
            table[i] = [float(cell) for cell in cells]
        except ValueError:
            column = next(k for k, cell in enumerate(cells) if not _is_number(cell))
            raise _not_a_number(file, line, column, cells[column]) from None
    return table


def read_names(file: Path) -> tuple[str, ...]:
    """The names of the columns of a table that `read_table` reads; empty where there are none."""
    with file.open(encoding="utf-8-sig") as stream:
        first = next((cells for line in stream for _, cells in _rows(line)), [])
    return tuple(cell.strip() for cell in first) if _are_names(first) else ()


def _are_names(cells: Sequence[str]) -> bool:
    return not any(_is_number(cell) for cell in cells)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The line number, from 1, and the cells of every row."""
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    delimiter = next((d for d in _DELIMITERS if lines and d in lines[0][1]), None)
    if delimiter is None:
        yield from ((number, line.split()) for number, line in lines)
        return
    cells = csv.reader((line for _, line in lines), delimiter=delimiter)
    yield from zip((number for number, _ in lines), cells, strict=False)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _not_a_number(file: Path, line: int, column: int, cell: str) -> DataError:
    where = f"'{file}', line {line}, column {column + 1}"
    if not cell.strip():
        return DataError(f"{where} is empty; fill it or leave the row out")
    hint = "; write decimals with a point" if _is_number(cell.replace(",", ".")) else ""
    return DataError(f"{where}: {_shown(cell)} is not a number{hint}")


def _shown(cell: str) -> str:
    """A cell in quotes, with signs that a terminal would take for commands as their numbers."""
    text = cell.strip()[:40]
    return f"'{text}'" if text.isprintable() else repr(text)


def write_table(file: Path, table: np.ndarray, delimiter: str, names: Sequence[str] = ()) -> None:
    """Write a table (N, D) as text, so that float32 values read back the same.

    A line of names comes first where there is one for each column and they read back the same.
    """
    with file.open("w", encoding="utf-8") as stream:
        head = io.StringIO()
        csv.writer(head, delimiter=delimiter, lineterminator="\n").writerow(names)
        read = next((cells for _, cells in _rows(head.getvalue())), [])
        if len(names) == table.shape[1] and read == list(names) and _are_names(names):
            stream.write(head.getvalue())
        for row in table.tolist():
            stream.write(delimiter.join(f"{value:.9g}" for value in row) + "\n")


def read_parquet(file: Path) -> np.ndarray:
    """The columns of a parquet file as a table (N, D). Raises DataError."""
    pa, parquet = _pyarrow(file)
    try:
        # Not by its name, which pyarrow would have in UTF-8.
        with file.open("rb") as stream:
            # Not `read_table`, which takes columns by their names, of which two may be the same.
            table = parquet.ParquetFile(stream).read()
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise DataError(f"'{file}': column '{name}' holds {kind}, not numbers; leave it out")
        if column.null_count:
            raise DataError(
                f"'{file}': column '{name}' has {column.null_count} missing values; fill them or "
                "leave the rows out"
            )
        columns.append(column.to_numpy())
    if not columns:
        raise DataError(f"'{file}' has no columns")
    return np.column_stack(columns)


def read_parquet_names(file: Path) -> tuple[str, ...]:
    """The names of the columns of a parquet file."""
    _, parquet = _pyarrow(file)
    with file.open("rb") as stream:
        return tuple(parquet.read_schema(stream).names)


def write_parquet(file: Path, table: np.ndarray, names: Sequence[str] = ()) -> None:
    """Write a table (N, D) with columns of these names, if there are as many, or x0, x1, ... .

    Raises DataError without pyarrow.
    """
    pa, parquet = _pyarrow(file)
    width = table.shape[1]
    if len(set(names)) != width:
        names = [f"x{k}" for k in range(width)]
    with file.open("wb") as stream:
        parquet.write_table(pa.table({name: table[:, k] for k, name in enumerate(names)}), stream)


def _pyarrow(file: Path) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DataError(
            f"'{file}': parquet needs pyarrow; pip install 'transportkit[parquet]', or use csv"
        ) from None
    return pyarrow, pyarrow.parquet
