"""The tables of the page as HTML, for readers whose browser runs no scripts."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

from .content import FACTS

Part = Mapping[str, Any]


def plain(data: Part) -> str:
    """A heading and a table for each problem of the page's data. All of it is shown as text."""
    said = [f"<p>{html.escape(text)}</p>" for text in data["effort"]]
    said += [f'<p class="warning">Warning: {html.escape(text)}.</p>' for text in data["mixed"]]
    return "\n".join([*said, *map(_problem, data["problems"])])


def _problem(problem: Part) -> str:
    seeds = len({m["seeds"] for m in problem["methods"] if m["seeds"]}) > 1
    names = [metric["name"] for metric in problem["metrics"]]
    heads = ["method", *names, *(name for name, _, _ in FACTS), *(["seeds"] if seeds else [])]
    body = [
        row for method in problem["methods"] for row in _rows(method, problem, len(heads), seeds)
    ]
    parts = [
        f"<h2>{html.escape(problem['name'])}</h2>",
        f'<p class="soft">{html.escape(problem["setting"])}</p>',
        '<div class="scroll"><table class="plain">',
        "<thead>" + _row(heads, "th") + "</thead>",
        "<tbody>",
        *body,
        "</tbody>",
        "<tfoot>",
        *_last(problem, len(heads)),
        "</tfoot>",
        "</table></div>",
        f'<p class="soft">{html.escape(problem["meaning"])}</p>',
    ]
    return "\n".join(parts)


def _rows(method: Part, problem: Part, width: int, seeds: bool) -> list[str]:
    """A method's figures, where it has any, and what is said beside them."""
    rows = []
    if method["seeds"]:
        cells = [_cell(method["cells"][m["name"]]) for m in problem["metrics"]]
        facts = [fact["text"] for fact in method["facts"]]
        counted = [str(method["seeds"])] if seeds else []
        rows.append(_row([method["name"], *cells, *facts, *counted]))
    for trouble in method["troubles"]:
        which = ""
        if trouble["seeds"] and (method["seeds"] or len(method["troubles"]) > 1):
            several = "s" if len(trouble["seeds"]) > 1 else ""
            which = f"seed{several} {', '.join(map(str, trouble['seeds']))}, "
        name = "" if method["seeds"] else html.escape(method["name"])
        text = html.escape(which + trouble["text"])
        rows.append(
            f'<tr><td>{name}</td><td class="trouble" colspan="{width - 1}">{text}</td></tr>'
        )
    return rows


def _cell(cell: Part | None) -> str:
    if cell is None:
        return "-"
    text: str = cell["ratio_text"] or cell["text"]
    return f"{text} {cell['mark']}".rstrip()


def _last(problem: Part, width: int) -> list[str]:
    """The floors, and the smallest differences that would have shown."""
    metrics = problem["metrics"]
    floors = [metric["floor"] or "" for metric in metrics]
    shown = {seen["metric"]: seen for seen in problem["resolution"]}
    smallest = [_smallest(metric, shown.get(metric["name"])) for metric in metrics]
    rows = {"floor": floors, "resolution": smallest}
    return [
        _row([name, *cells, *[""] * (width - 1 - len(cells))])
        for name, cells in rows.items()
        if any(cells)
    ]


def _smallest(metric: Part, seen: Part | None) -> str:
    if seen is None or seen["smallest"] is None:
        return ""
    unit = seen["floor"] if metric["floors"] and seen["floor"] else 1.0
    two = f"{seen['smallest'] / unit:.2g}"
    return f"{float(two):g}"


def _row(cells: Iterable[str], kind: str = "td") -> str:
    return "<tr>" + "".join(f"<{kind}>{html.escape(text)}</{kind}>" for text in cells) + "</tr>"
