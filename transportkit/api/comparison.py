"""Runs side by side."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.record import reason
from ..errors import UsageError
from ..harness.compare import Findings, Row, details
from ..harness.compare import compare as compare_results
from ..harness.curves import Curve
from ..harness.effort import effort
from ..harness.outcome import FAILED
from ..harness.setting import settings
from ..harness.sizing import Size
from ..report.document import comparison_document
from ..report.export import export, write
from ..report.flat import aligned, flat
from ..report.sheet import Sheet, meaning, sheets
from . import tables
from .given import path
from .page import TITLE, page
from .record import RunRecord, frame

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Comparison:
    """Every run of a comparison, with the table that they make.

    `notes` holds what the author of a suite said of it, such as published figures, and how the
    numbers of points were chosen where they were.
    """

    records: Sequence[RunRecord]
    notes: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def findings(self) -> Findings:
        """All that is said about the runs: rows, pairs of methods, what could have been seen."""
        return compare_results([record.result for record in self.records])

    @property
    def table(self) -> list[Row]:
        """A row for every method, problem and metric: mean, interval, floor, ratio and rank."""
        return self.findings.rows

    @property
    def curves(self) -> list[Curve]:
        """Every metric against evaluations, training seconds and dimension, where runs differ in
        them, with intervals over seeds; `Point.front` marks the Pareto front."""
        return self.findings.curves

    @property
    def failed(self) -> list[RunRecord]:
        """The runs that failed; those that were refused are not among them."""
        return [record for record in self.records if record.status in FAILED]

    def best(self, metric: str, data: str | None = None) -> list[str]:
        """The methods that nothing is better than beyond doubt, under a metric, on a problem.

        They are named also where the table marks none, as nothing could have been told apart.
        `data` may be left out where there is one problem. Raises UsageError for what is not there.
        """
        problems = list(dict.fromkeys(row.data for row in self.table))
        if data is None and len(problems) > 1:
            raise UsageError(f"say which problem: {', '.join(problems)}")
        chosen = data or problems[0] if problems else data
        rows = [r for r in self.table if r.metric == metric and r.data == chosen]
        if not rows:
            raise UsageError(f"there is no {metric} on {data or 'the problem'} in this comparison")
        return [row.method for row in rows if row.rank == 1]

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON data, as ``tk compare --json`` prints it."""
        cells = [record.to_dict() for record in self.records]
        notes = {**details(self.findings), **self.notes}
        return comparison_document(cells, [asdict(row) for row in self.table], notes)

    def to_frame(
        self, rows: Literal["table", "cells", "pairs", "curves"] = "table"
    ) -> pandas.DataFrame:
        """Its table, or a row for every run, pair of methods or point of a curve, as a frame.

        Raises UsageError without pandas.
        """
        return frame(aligned(flat(self.to_dict()[rows], rows)))

    def export(
        self,
        to: Literal["csv", "parquet", "latex", "markdown"],
        output: str | Path | None = None,
        rows: Literal["table", "cells", "pairs", "curves"] = "table",
    ) -> bytes:
        """The comparison in a format, written to a file where `output` names one.

        Raises UsageError for a format that there is not, or where there are no rows.
        """
        content = export(self.to_dict(), to, rows, self._settings)
        if output is not None:
            write(content, path("output", output), to)
        return content

    def report(self, output: str | Path, title: str = TITLE) -> Path:
        """Write all of it as one page with tables, curves, samples and provenance: ``tk report``.

        Raises TransportkitError where the file cannot be written.
        """
        place = path("output", output)
        write(page([record.result for record in self.records], title), place, "html")
        return place

    @property
    def _settings(self) -> dict[str, str]:
        return settings([record.result for record in self.records])

    def _sheets(self) -> list[Sheet]:
        seen = [asdict(found) for found in self.findings.resolutions]
        return sheets([asdict(row) for row in self.table], self._settings, seen)

    def _troubles(self) -> list[str]:
        return [f"{r.run}: {reason(r.result)}" for r in self.records if r.status != "done"]

    def _effort(self) -> list[str]:
        return effort([record.result for record in self.records])

    def __repr__(self) -> str:
        shown = [_text(sheet) for sheet in self._sheets()] if self.table else []
        shown += [str(Size(**size)) for size in self.notes.get("sizes") or ()]
        shown += [textwrap.fill(text, 100) for text in self._effort()]
        return "\n\n".join([*shown, *self._troubles()]) or "a comparison of no runs"

    def _repr_html_(self) -> str:
        parts = []
        for sheet in self._sheets():
            rows: list[list[object]] = [
                [method, *(tables.Bold(e.text) if e.best else e.text for e in entries)]
                for method, entries in zip(sheet.methods, sheet.entries, strict=True)
            ]
            if any(sheet.floors):
                rows.append(["floor", *sheet.floors])
            parts.append(tables.table(("method", *sheet.metrics), rows, _title(sheet)))
            parts.append(f"<p><small>{html.escape(meaning(sheet, 'Bold:'))}</small></p>")
        troubles = [f"<p>{html.escape(text)}</p>" for text in (*self._effort(), *self._troubles())]
        return "".join([*parts, *troubles])


def _text(sheet: Sheet) -> str:
    """A sheet as text, with a star at what others are not better than beyond doubt."""
    body = [
        [method, *(f"{e.text}*" if e.best else f"{e.text} " for e in entries)]
        for method, entries in zip(sheet.methods, sheet.entries, strict=True)
    ]
    if any(sheet.floors):
        body.append(["floor", *(f"{floor} " for floor in sheet.floors)])
    head = ["method", *(f"{metric} " for metric in sheet.metrics)]
    lines = tables.aligned([head, *body], "l" + "r" * len(sheet.metrics))
    return "\n".join([_title(sheet), *lines, "", textwrap.fill(meaning(sheet, "*"), 100)])


def _title(sheet: Sheet) -> str:
    return f"{sheet.data}: {sheet.setting}"
