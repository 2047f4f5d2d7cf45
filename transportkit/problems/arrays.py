"""Arrays that were given in Python: kept as files, and named in messages as what they are."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import numpy as np

from ..errors import UsageError, unwritable

FOLDER = "samples"
"""The folder of kept arrays in a folder of runs."""
_KEPT = re.compile(rf"(^|[/\\]){FOLDER}[/\\][0-9a-f]{{16}}\.npy$")


def keep(array: np.ndarray, out: Path, away: Path | None = None) -> str:
    """The file of an array in the folder of runs `out`, named by its content.

    One that is not there yet is written there, or where `away` is given, to that folder. Raises
    UsageError where it cannot be written.
    """
    content = hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()[:16]
    file = out / FOLDER / f"{content}.npy"
    if file.exists():
        return str(file)
    if away:
        file = away / FOLDER / file.name
    partial = file.with_name(f"{content}.{os.getpid()}.partial.npy")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(partial, array)
        partial.replace(file)
    except OSError as error:
        raise UsageError(unwritable(file.parent, error)) from None
    return str(file)


def is_kept(path: str) -> bool:
    """Whether the file of this name keeps an array, of whose name nobody knows."""
    return bool(_KEPT.search(path))


def owner(path: str, side: str) -> str:
    """What messages call the samples of a side in the file of this name."""
    return f"the {side} array" if is_kept(path) else f"'{path}'"
