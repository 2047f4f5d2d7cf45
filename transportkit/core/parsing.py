"""JSON that is read from files which anybody may have written."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 64
"""Values in values that a file may hold; Python's own limit is not much higher for all that is
done with them."""
_DEEP = f"it holds values more than {DEEPEST} deep in each other"


def parsed(text: str | bytes) -> Any:
    """What JSON says. Raises ValueError where it is none, or nested too deeply."""
    if not text:
        raise ValueError("it is empty")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError(_DEEP) from None
    level = [found]
    for _ in range(DEEPEST):
        inner = (v for v in level if isinstance(v, dict | list))
        level = [v for part in inner for v in (part.values() if isinstance(part, dict) else part)]
        if not level:
            return found
    raise ValueError(_DEEP)
