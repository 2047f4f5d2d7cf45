"""Whether a file is an earlier page or table, which a new one may replace, or somebody's own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

MARK = "written by transportkit"
"""Stands at the beginning of a page and of a table on paper, in a comment."""
LOOKED_AT = 4096
"""Bytes in which it does."""
HEADS: tuple[tuple[str, ...], ...] = (
    ("method", "data", "metric", "seeds"),
    ("method", "data", "seed", "status"),
    ("data", "metric", "first", "second"),
    ("axis", "data", "metric", "method"),
)
"""The first columns of a table of each kind of rows, which tell it from a table of points."""


def is_earlier(file: Path, to: str) -> bool:
    """Whether a file that is there may be replaced by one of the format `to`: an earlier one, or
    one that holds nothing. Of what cannot be read nothing is known, and it is not."""
    try:
        return file.stat().st_size == 0 or _BY[to](file)
    except OSError:
        return False


def _marked(file: Path) -> bool:
    with file.open("rb") as stream:
        return MARK.encode() in stream.read(LOOKED_AT)


def _csv(file: Path) -> bool:
    with file.open(errors="replace", newline="") as stream:
        return _is_head(next(csv.reader([stream.readline(LOOKED_AT)]), []))


def _parquet(file: Path) -> bool:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_schema
    except ImportError:
        return False
    try:
        # Of a name that is no text in UTF-8 pyarrow knows nothing.
        with file.open("rb") as stream:
            return _is_head(read_schema(stream).names)
    except ArrowException:
        return False


def _is_head(names: Sequence[str]) -> bool:
    return any(tuple(names[: len(head)]) == head for head in HEADS)


_BY: Mapping[str, Callable[[Path], bool]] = {
    "html": _marked,
    "csv": _csv,
    "parquet": _parquet,
    "latex": _marked,
    "markdown": _marked,
}
