"""The page from its data: template, style and script put together in one file."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from ..document import as_text

SCRIPTS = ("parts", "table", "pairs", "curves", "samples", "runs", "page")
"""One script in this order: the last calls the others."""


def build(data: Mapping[str, Any], title: str, plain: str = "") -> str:
    """The whole page. `data` stands in it as JSON and is shown as text, never as HTML; `plain` is
    the HTML that is shown where scripts do not run."""
    # In a script element only "</" and "<!--" could end the JSON before its end.
    text = _compact(data).replace("<", "\\u003c")
    parts = {
        "{{title}}": html.escape(title),
        "/*{{style}}*/": read("page.css"),
        "/*{{script}}*/": "\n".join(read(f"{name}.js") for name in SCRIPTS),
        "{{data}}": text,
        "{{plain}}": plain,
    }
    # At once: what takes the place of one mark may hold the text of another.
    return re.sub("|".join(map(re.escape, parts)), lambda mark: parts[mark[0]], read("page.html"))


def read(name: str) -> str:
    """A file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _compact(data: Mapping[str, Any]) -> str:
    return json.dumps(json.loads(as_text(data)), separators=(",", ":"), ensure_ascii=False)
