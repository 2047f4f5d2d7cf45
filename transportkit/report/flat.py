"""Records flattened to one value in each column, as a file of rows wants them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

Record = Mapping[str, Any]
Rows = Literal["table", "cells", "pairs", "curves"]
"""What of a comparison stands in the rows of a file."""


def flat(records: Iterable[Record], rows: Rows) -> list[dict[str, Any]]:
    """The records of a part of a comparison's document as rows; a curve has one for each point."""
    if rows == "cells":
        return [flat_cell(each) for each in records]
    if rows == "curves":
        return [flat_row(point) for curve in records for point in _points(curve)]
    return [flat_row(each) for each in records]


def _points(curve: Record) -> Iterable[Record]:
    """The points of a curve, each with what is said of the curve; `row` is its row of the table."""
    said = {k: v for k, v in curve.items() if k != "points"}
    for point in curve["points"]:
        rest = {k: v for k, v in point.items() if k not in ("method", "data")}
        yield {**said, "row": point["method"], "problem": point["data"], **rest}


def flat_cell(cell: Record) -> dict[str, Any]:
    """One cell of a comparison: a column for each metric and each fact about it.

    ``sliced_w2`` is the value, ``sliced_w2.floor`` and the like what belongs to it. What differs
    in shape from cell to cell, such as parameters, is JSON text.
    """
    columns: dict[str, Any] = {}
    for name, value in cell.items():
        if name == "metrics":
            for metric, facts in value.items():
                for fact, figure in facts.items():
                    columns[metric if fact == "value" else f"{metric}.{fact}"] = figure
        else:
            columns[name] = _plain(value)
    return columns


def flat_row(row: Record) -> dict[str, Any]:
    """One row of a comparison's table."""
    return {name: _plain(value) for name, value in row.items()}


def aligned(rows: Sequence[Record]) -> list[dict[str, Any]]:
    """The rows with every column of any of them, None where one has no value."""
    columns = list(dict.fromkeys(_columns(rows)))
    return [{name: row.get(name) for name in columns} for row in rows]


def _columns(rows: Iterable[Record]) -> Iterable[str]:
    for row in rows:
        yield from row


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return json.dumps(value, sort_keys=True)
