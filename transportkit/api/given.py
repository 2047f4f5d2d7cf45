"""What is given to the calls, where Python would take it for something else or stumble over it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError


def path(name: str, given: object) -> Path:
    """The path of a file or folder, with ~ filled in. Raises UsageError for what is none."""
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise UsageError(f"{name} must be the path of a file or folder, not {given!r}")
    return Path(given).expanduser()


def by_name(name: str, given: object, example: str) -> Mapping[str, Any]:
    """Values by name, none for None. Raises UsageError for what is no such mapping."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise UsageError(f"{name} must hold values by name, such as {example}, not {given!r}")
    return given


def check_flags(**given: object) -> None:
    """Raise UsageError for what is neither true nor false: a text that says no would be true."""
    for name, value in given.items():
        if value is not None and not isinstance(value, bool | np.bool_):
            raise UsageError(f"{name} must be True or False, not {value!r}")
