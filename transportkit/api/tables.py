"""Tables: as HTML for notebooks, and as text."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """An HTML table whose first column is a name and whose others are figures or text."""
    head = "".join(f"<th>{html.escape(h)}</th>" for h in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Bold(str):
    """Text that is shown bold."""


def _cell(value: object) -> str:
    text = html.escape(str(value))
    return f"<td><b>{text}</b></td>" if isinstance(value, Bold) else f"<td>{text}</td>"


def aligned(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Rows of text in columns, each at its side: ``l`` or ``r``."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:>{width}}" if side == "r" else f"{cell:<{width}}"
            for cell, width, side in zip(row, widths, sides, strict=True)
        ).rstrip()
        for row in rows
    ]
