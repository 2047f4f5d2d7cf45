"""JSON that is read from files which anybody may have written."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 64
"""Values in values that a file may hold; Python's own limit is not much higher for all that is
done with them."""
TOO_DEEP = f"it holds values more than {DEEPEST} deep in each other"


def parsed(text: str | bytes) -> Any:
    """What JSON says. Raises ValueError where it is none, or nested too deeply."""
    if not text:
        raise ValueError("it is empty")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    check_depth(found)
    return found


def check_depth(found: Any) -> None:
    """Raise ValueError for lists and values by name more than `DEEPEST` deep in each other, and
    for any that hold themselves."""
    level = [found]
    for _ in range(DEEPEST):
        inner = (v for v in level if isinstance(v, dict | list))
        parts = (part.values() if isinstance(part, dict) else part for part in inner)
        # Each once, however often an alias names it.
        level = list({id(v): v for part in parts for v in part}.values())
        if not level:
            return
    raise ValueError(TOO_DEEP)
