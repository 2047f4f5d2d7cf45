"""Files that a user names for what comes out: written whole or not at all, refused in one form."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import Unwritten, UsageError, unwritable

KEPT = ("result.json", "model.json")
"""One of these is in every folder of a run or of a fit."""


def check_place(file: Path) -> None:
    """Raise UsageError where `replacing` could not write the file, before there is work to lose.

    And where it would write into the folder of a run, whose files are read again as they are.
    """
    if not file.name or os.path.isdir(file):
        raise UsageError(f"'{file}' is a folder; name a file in it")
    if is_device(file):
        return
    folder = _place(file).parent
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except OSError as error:
        # A name that is too long.
        raise UsageError(unwritable(file, error)) from None
    if not os.path.isdir(folder):
        raise UsageError(unwritable(file, f"there is no folder '{folder}'"))
    if not os.access(folder, os.W_OK):
        raise UsageError(unwritable(file, "Permission denied"))
    if is_kept(folder):
        raise UsageError(
            f"'{file}' is in the folder of a run, which is replaced when the run is done again; "
            "name a file elsewhere"
        )


def is_kept(folder: Path) -> bool:
    """Whether a folder is that of a run or of a fit."""
    return any(os.path.exists(folder / name) for name in KEPT)


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A file to write beside this one, of the same ending, which takes its place at the end.

    What a link leads to is replaced and not the link; a device or a pipe is written to as it is.
    Raises Unwritten for what the system refuses, and leaves an older file then.
    """
    try:
        if is_device(file):
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


def is_device(file: Path) -> bool:
    """Whether it is there and is no plain file, such as a pipe; a folder is none either."""
    return os.path.exists(file) and not os.path.isfile(file)
