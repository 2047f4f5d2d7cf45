"""A comparison as a file that other programs read: CSV, parquet, LaTeX, Markdown."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.writing import check_place, is_device, replacing
from ..errors import UsageError
from .earlier import MARK, is_earlier
from .flat import Rows, aligned, flat
from .sheet import sheets
from .typeset import latex_rows, latex_sheets, markdown_rows, markdown_sheets

ENDINGS: Mapping[str, tuple[str, ...]] = {
    "html": (".html", ".htm"),
    "csv": (".csv",),
    "parquet": (".parquet",),
    "latex": (".tex",),
    "markdown": (".md", ".markdown"),
}
"""What the names of files of a format may end in, those of the page among them."""
Document = Mapping[str, Sequence[Mapping[str, Any]]]
LEFT_OUT_ON_PAPER = {"params", "data_params", "versions", "stops", "run", "key", "found", "message"}


NONE: Mapping[Rows, str] = {
    "table": "no run here has figures",
    "cells": "there is no run here",
    "pairs": "no two methods here have a metric in common that ranks them",
    "curves": "the runs here differ neither in evaluations, nor in training, nor in dimension",
}


def export(document: Document, to: str, rows: Rows, settings: Mapping[str, str]) -> bytes:
    """The rows of a comparison's JSON document in the format `to`.

    `rows` are those of its ``table``, ``cells``, ``pairs`` or points of its ``curves``. On paper
    (latex, markdown) the table has a line for each method and a column for each metric, and cells
    leave out their long columns. `settings` says by the name of a problem what its runs have in
    common.
    Raises UsageError where there is no such format, a package is missing or there are no rows.
    """
    if to not in FORMATS:
        raise UsageError(f"there is no format '{to}'; the formats are {', '.join(FORMATS)}")
    if rows not in NONE:
        raise UsageError(f"there are no rows '{rows}'; there are {', '.join(NONE)}")
    if not document[rows]:
        raise UsageError(f"there are no {rows} to export: {NONE[rows]}")
    if rows == "table" and to in _ON_PAPER:
        said = _written([document["table"], settings, document["resolution"]])
        return _ON_PAPER[to](sheets(*said)).encode()
    records = _written(aligned(flat(document[rows], rows)))
    if to in _ROWS_ON_PAPER:
        known = {k for r in records for k, v in r.items() if v is not None} - LEFT_OUT_ON_PAPER
        known = {name for name in known if not name.endswith((".note", ".resampled"))}
        short = [{k: v for k, v in r.items() if k in known} for r in records]
        return _ROWS_ON_PAPER[to](short).encode()
    return _FOR_PROGRAMS[to](records)


def _written(value: Any) -> Any:
    """What is to be written, where the names of files may hold bytes that are no text in UTF-8:
    these as a backslash and their number."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_written(name): _written(each) for name, each in value.items()}
    return [_written(each) for each in value] if isinstance(value, list | tuple) else value


def check_output(file: Path, to: str) -> None:
    """Raise UsageError where a file of the format `to`, or a page of ``html``, cannot go.

    A name that ends as those of other files do is most likely one of them, such as samples. A file
    that is there is replaced if it is an earlier page or table, and not if it is anything else.
    """
    endings = ENDINGS[to]
    # What a link leads to is what is replaced.
    for name in () if is_device(file) else (file, Path(os.path.realpath(file))):
        if name.suffix and name.suffix.lower() not in endings:
            raise UsageError(
                f"'{name}' ends in {name.suffix}; {to} goes to a file that ends in "
                f"{' or '.join(endings)}"
            )
    check_place(file)
    if os.path.exists(file) and not is_device(file) and not is_earlier(file, to):
        what = "an earlier page" if to == "html" else f"an earlier table in {to}"
        if to not in _FOR_PROGRAMS:
            # Those of the first versions have none, and may be anybody's.
            what += f" with the mark '{MARK}'"
        raise UsageError(
            f"'{file}' is there already and is not {what}; name another file, or remove that one"
        )


def write(content: bytes, file: Path, to: str) -> None:
    """Write a file of the format `to` whole or not at all.

    Raises UsageError for a place that there is not, and Unwritten where it cannot be written.
    """
    check_output(file, to)
    with replacing(file) as partial:
        partial.write_bytes(content)


def _csv(records: Sequence[Mapping[str, Any]]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return stream.getvalue().encode()


def _parquet(records: Sequence[Mapping[str, Any]]) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError(
            "parquet needs pyarrow, which is not installed: pip install 'transportkit[parquet]', "
            "or export to csv"
        ) from None
    table = pyarrow.Table.from_pylist(list(records))
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    return bytes(sink.getvalue())


_ON_PAPER: Mapping[str, Callable[..., str]] = {"latex": latex_sheets, "markdown": markdown_sheets}
_ROWS_ON_PAPER: Mapping[str, Callable[..., str]] = {"latex": latex_rows, "markdown": markdown_rows}
_FOR_PROGRAMS: Mapping[str, Callable[..., bytes]] = {"csv": _csv, "parquet": _parquet}
FORMATS = (*_FOR_PROGRAMS, *_ON_PAPER)
