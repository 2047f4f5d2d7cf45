"""Folders and files that are written whole or not at all, and what dead processes left of theirs.

A folder is filled under a temporary name and renamed into its place. While it is being filled its
process holds a lock on it, which the system releases when the process ends in whatever way, so
that leftovers can be told from work in progress. Where the file system has no such locks nothing
is ever taken for a leftover.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

HALF = ".partial"
PARTIAL, REPLACED = ".partial-", ".replaced-"
MARK = f".plan-{socket.gethostname()}-"
"""A mark is told from a leftover on its own machine alone: where locks do not reach others, it
would be swept away by the first worker that it is for."""


@contextmanager
def filling(place: Path, beside: Path) -> Iterator[Path]:
    """A folder in `beside` to fill, which takes `place` when the block ends.

    It vanishes if the block raises. Both paths must be on one file system.
    """
    with _own(beside, PARTIAL) as partial:
        yield partial
        _sync(partial)
        _replace(partial, place, beside)


def write_whole(content: bytes, file: Path, beside: Path) -> None:
    """Write a file so that it is there as it was or as it shall be.

    It is written in `beside`, which is on the same file system.
    """
    with _own(beside, PARTIAL) as partial:
        waiting = partial / file.name
        waiting.write_bytes(content)
        _sync(partial)
        os.replace(waiting, file)


@contextmanager
def marked(beside: Path) -> Iterator[Path]:
    """A mark in `beside` that is there while the block runs."""
    with _own(beside, MARK) as mark:
        yield mark


def clear_leftovers(beside: Path) -> None:
    """Remove what processes that have died left half done in `beside`.

    A folder that had made way for a newer one that never came goes back to its place.
    """
    prefixes = map(escape, (PARTIAL, REPLACED, MARK))
    for left in [left for prefix in prefixes for left in beside.glob(f"{prefix}*")]:
        handle = _lock(left)
        if handle is None:
            continue
        try:
            if left.name.startswith(REPLACED):
                _put_back(left, beside)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(handle)


def clear_halves(beside: Path, kind: str) -> None:
    """Remove files that processes of this machine that have died were writing in `beside`.

    They are named ``*KIND.HOST.PID.partial``.
    """
    host = socket.gethostname()
    for left in beside.glob(f"*{escape(kind)}.{escape(host)}.*{HALF}"):
        number = left.name.removesuffix(HALF).rpartition(".")[2]
        if number.isdecimal() and not _lives(int(number)):
            with suppress(OSError):
                left.unlink()


def _lives(process: int) -> bool:
    if fcntl is None:
        # Windows, where asking a process is ending it.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


@contextmanager
def _own(beside: Path, prefix: str) -> Iterator[Path]:
    """A new folder that is locked while the block runs and gone after it, unless renamed."""
    folder, handle = _new(beside, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _new(beside: Path, prefix: str) -> tuple[Path, int | None]:
    while True:
        # Not `mkdtemp`, whose folders are for the owner's eyes alone and would stay so.
        folder = beside / f"{prefix}{uuid.uuid4().hex}"
        folder.mkdir()
        handle = _lock(folder)
        # Since the folder was made another process may have taken it for a leftover.
        if handle is not None or folder.exists():
            return folder, handle


def _lock(folder: Path) -> int | None:
    """An open handle that holds the folder's lock; None if another holds it or none can be had."""
    if fcntl is None:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(folder)):
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _sync(folder: Path) -> None:
    """Have everything in `folder` on the disk before it is renamed into place."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _replace(partial: Path, place: Path, beside: Path) -> None:
    """Rename `partial` to `place`; an older folder there makes way first."""
    try:
        os.rename(partial, place)
    except OSError:
        if not place.exists():
            raise
        with _own(beside, REPLACED) as old:
            waiting = old / place.relative_to(beside)
            waiting.parent.mkdir(parents=True, exist_ok=True)
            os.rename(place, waiting)
            try:
                os.rename(partial, place)
            except OSError:
                _put_back(old, beside)
                raise


def _put_back(old: Path, beside: Path) -> None:
    """Return the folder kept in `old` to its place, if that is free."""
    for found in [p for p in old.rglob("*") if p.is_dir()]:
        with suppress(OSError):
            if any(p.is_file() for p in found.iterdir()):
                os.rename(found, beside / found.relative_to(old))
