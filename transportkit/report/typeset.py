"""Tables as LaTeX and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .earlier import MARK
from .figures import number
from .sheet import Entry, Sheet, meaning

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "≥": r"$\geq$",
    "−": "$-$",
    "<": "$<$",
    ">": "$>$",
}

_LATEX_HEAD = (f"% {MARK}", "% \\usepackage{booktabs}")
_MARKDOWN_HEAD = f"<!-- {MARK} -->"


def latex_sheets(sheets: Sequence[Sheet]) -> str:
    """A `table` for each problem, whose caption says what stands in it; it asks for the package
    booktabs."""
    return "\n".join([*_LATEX_HEAD, *(_latex_sheet(s) for s in sheets)])


def markdown_sheets(sheets: Sequence[Sheet]) -> str:
    """A heading and a table for each problem, the best in bold."""
    return "\n".join([_MARKDOWN_HEAD, "", *(_markdown_sheet(sheet) for sheet in sheets)])


def latex_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Plain rows as one `tabular`."""
    body = [[_latex(_shown(v)) for v in row.values()] for row in rows]
    head = [_latex(name) for name in rows[0]]
    return "\n".join([*_LATEX_HEAD, *_tabular(head, body, _sides(rows))]) + "\n"


def markdown_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Plain rows as one table."""
    body = [[_markdown(_shown(v)) for v in row.values()] for row in rows]
    table = _pipes([_markdown(n) for n in rows[0]], body, _sides(rows))
    return "\n".join([_MARKDOWN_HEAD, "", *table]) + "\n"


def _latex_sheet(sheet: Sheet) -> str:
    def shown(entry: Entry) -> str:
        if entry.text == "-":
            return "--"
        return rf"\boldmath{_figure(entry.text)}" if entry.best else _figure(entry.text)

    head = ["method", *(_latex(metric) for metric in sheet.metrics)]
    body = _lines(sheet, _latex, shown)
    last = [r"\midrule"] if any(sheet.floors) else []
    floors = [_row(["floor", *(_figure(f) if f else "" for f in sheet.floors)])] if last else []
    sides = "l" + "r" * len(sheet.metrics)
    lines = _tabular(head, body, sides, [*last, *floors])
    caption = rf"\caption{{{_latex(f'{sheet.data}: {sheet.setting}. {_said(sheet)}')}}}"
    table = [r"\begin{table}", r"\centering", caption, *lines, r"\end{table}", ""]
    return "\n".join(table)


def _said(sheet: Sheet) -> str:
    """What the figures are, and what bold means."""
    return meaning(sheet, "Bold:")


def _figure(text: str) -> str:
    """A figure, with or without its interval, as mathematics."""
    powers = re.sub(r"e([-+]?)0*(\d+)", lambda e: rf" \cdot 10^{{{e[1].strip('+')}{e[2]}}}", text)
    return (
        "$"
        + powers.replace("±", r"\pm ").replace(" to ", r"\ \mathrm{to}\ ").replace(" (", r"\ (")
        + "$"
    )


def _tabular(
    head: Sequence[str], body: Sequence[Sequence[str]], sides: str, end: Sequence[str] = ()
) -> list[str]:
    return [
        rf"\begin{{tabular}}{{{sides}}}",
        r"\toprule",
        _row(head),
        r"\midrule",
        *(_row(line) for line in body),
        *end,
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _markdown_sheet(sheet: Sheet) -> str:
    def shown(entry: Entry) -> str:
        return f"**{entry.text}**" if entry.best else entry.text

    head = ["method", *map(_markdown, sheet.metrics)]
    body = _lines(sheet, _markdown, shown)
    if any(sheet.floors):
        body.append(["floor", *sheet.floors])
    lines = _pipes(head, body, "l" + "r" * len(sheet.metrics))
    said = [_markdown(f"{sheet.setting}."), "", *lines, "", _markdown(_said(sheet)), ""]
    return "\n".join([f"### {_markdown(sheet.data)}", "", *said])


def _pipes(head: Sequence[str], body: Sequence[Sequence[str]], sides: str) -> list[str]:
    rule = ["---:" if side == "r" else "---" for side in sides]
    return [f"| {' | '.join(line)} |" for line in [head, rule, *body]]


def _lines(
    sheet: Sheet, name: Callable[[str], str], shown: Callable[[Entry], str]
) -> list[list[str]]:
    return [
        [name(method), *(shown(entry) for entry in entries)]
        for method, entries in zip(sheet.methods, sheet.entries, strict=True)
    ]


def _sides(rows: Sequence[Mapping[str, Any]]) -> str:
    """Numbers stand at the right."""
    return "".join(
        "l" if any(isinstance(row[name], str) for row in rows) else "r" for name in rows[0]
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return number(value) if isinstance(value, float) else str(value)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _markdown(text: str) -> str:
    return re.sub(r"([|\\`*_<>])", r"\\\1", " ".join(text.split()))
