"""The page from its data: template, style and script put together in one file."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from ..document import as_text


def build(data: Mapping[str, Any], title: str) -> str:
    """The whole page. `data` stands in it as JSON and is shown as text, never as HTML."""
    parts = files(__package__)
    # In a script element only "</" and "<!--" could end the JSON before its end.
    text = _compact(data).replace("<", "\\u003c")
    page = parts.joinpath("page.html").read_text(encoding="utf-8")
    for mark, content in (
        ("{{title}}", html.escape(title)),
        ("/*{{style}}*/", parts.joinpath("page.css").read_text(encoding="utf-8")),
        ("/*{{script}}*/", parts.joinpath("page.js").read_text(encoding="utf-8")),
        ("{{data}}", text),
    ):
        page = page.replace(mark, content, 1)
    return page


def _compact(data: Mapping[str, Any]) -> str:
    return json.dumps(json.loads(as_text(data)), separators=(",", ":"), ensure_ascii=False)
