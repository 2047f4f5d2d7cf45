"""Results as one page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ..core.record import Result
from ..harness.compare import compare, details
from ..harness.effort import effort
from ..harness.mixed import mixed
from ..harness.naming import places
from ..harness.setting import settings
from ..report.page.build import build
from ..report.page.content import Named, content
from ..report.page.plain import plain

TITLE = "Transport compared"


def page(results: Sequence[Result], title: str = TITLE) -> bytes:
    """The page of these results, as HTML."""
    names = places([result.run for result in results])
    named = [Named(each, *place) for each, place in zip(results, names, strict=True)]
    said = compare(results)
    parts = {"table": [asdict(row) for row in said.rows], **details(said)}
    data = {
        **content(named, parts, settings(results)),
        "mixed": mixed(results),
        "effort": effort(results),
    }
    # A file's name that is no text in UTF-8 comes with signs that no file holds.
    return build(data, title, plain(data)).encode(errors="backslashreplace")
