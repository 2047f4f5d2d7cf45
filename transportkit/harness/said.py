"""What JSON says of a record: values by the names of its fields, no other and none too few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from reprlib import repr as briefly
from typing import Any


def said_of(kind: type, said: Any, what: str) -> Mapping[str, Any]:
    """What is `said` of a record of this kind, by the names of its fields; `what` names it.

    Raises KeyError for a field that is missing, ValueError for one too many and for no values by
    name.
    """
    known, needed = _names(kind)
    for name in by_name(said, what):
        if name not in known:
            raise ValueError(f"{what} holds '{name}', which is not known here")
    for name in needed:
        if name not in said:
            raise KeyError(name)
    return said


@cache
def _names(kind: type) -> tuple[frozenset[str], tuple[str, ...]]:
    """The fields of a record, and those that it does not go without."""
    needed = [f for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    return frozenset(f.name for f in fields(kind)), tuple(f.name for f in needed)


def by_name(said: Any, what: str) -> Mapping[str, Any]:
    """What is `said`, where it is values by name. Raises ValueError where it is not."""
    if not isinstance(said, Mapping):
        raise ValueError(f"{what} should hold values by name, not {briefly(said)}")
    return said
