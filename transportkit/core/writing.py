"""Files that a user names for what comes out: written whole or not at all, refused in one form."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import Unwritten, UsageError, unwritable


def check_place(file: Path) -> None:
    """Raise UsageError where `replacing` could not write the file, before there is work to lose."""
    if not file.name or os.path.isdir(file):
        raise UsageError(f"'{file}' is a folder; name a file in it")
    if _is_device(file):
        return
    folder = _place(file).parent
    if not os.path.isdir(folder):
        raise UsageError(unwritable(file, f"there is no folder '{folder}'"))
    if not os.access(folder, os.W_OK):
        raise UsageError(unwritable(file, "Permission denied"))


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A file to write beside this one, of the same ending, which takes its place at the end.

    What a link leads to is replaced and not the link; a device or a pipe is written to as it is.
    Raises Unwritten for what the system refuses, and leaves an older file then.
    """
    try:
        if _is_device(file):
            yield file
            return
        place = _place(file)
        partial = place.with_name(f".{os.urandom(8).hex()}.part{place.suffix}")
        try:
            yield partial
            os.replace(partial, place)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise Unwritten(unwritable(file, error)) from error


def _place(file: Path) -> Path:
    """The file itself, or what the link that it is leads to."""
    return Path(os.path.realpath(file)) if os.path.islink(file) else file


def _is_device(file: Path) -> bool:
    return os.path.exists(file) and not os.path.isfile(file)
