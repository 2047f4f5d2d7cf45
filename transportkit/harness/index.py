"""An index of a store: what its finished runs say, so that thousands are found in one file.

It is a cache and never a source. A run is taken from it only where every file that tells whether
the run is whole is the one that was read, by inode, size and times; otherwise its folder is read.
An index that is missing, damaged or of other code is as good as none.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.record import Result, Run
from .atomic import write_whole
from .store import RESULT, SAMPLES, Store, from_record
from .whole import DESCRIPTION, WEIGHTS

log = logging.getLogger("transportkit")

INDEX = ".index.json"
WORTH = 100
"""Runs whose folders are read before an index is written: a few are as soon read as looked up."""
FILES = (RESULT, SAMPLES, DESCRIPTION, WEIGHTS)
Stamp = list[list[int] | None]


class Index:
    """Finds the finished runs of a store, and keeps what it had to read of them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.known = _read(store.folder / INDEX)
        self.learnt = 0

    def find(self, run: Run) -> Result | None:
        """As `Store.find`, without opening a file of what is known."""
        name = self.store.place(run).name
        stamp = _stamp(os.path.join(self.store.folder, name))
        if stamp[0] is None:
            return None
        if found := self._known(name, stamp, run):
            return found
        result = self.store.find(run)
        if result is not None:
            self.known[name] = [stamp, _told(result)]
            self.learnt += 1
        return result

    def keep(self) -> None:
        """Write the index, where enough was read anew that it is worth it."""
        if self.learnt < WORTH:
            return
        file = self.store.folder / INDEX
        try:
            text = json.dumps(self.known, separators=(",", ":"))
            write_whole(text.encode(), file, self.store.folder)
        except OSError as error:
            # A full disk, or a folder that may only be read: the runs are there all the same.
            log.debug("%s could not be written: %s", file, error)

    def _known(self, name: str, stamp: Stamp, run: Run) -> Result | None:
        entry = self.known.get(name)
        if not isinstance(entry, list) or len(entry) != 2 or entry[0] != stamp:
            return None
        try:
            return from_record(entry[1], self.store.folder / name, run)
        except (KeyError, TypeError, AttributeError):
            return None


def remember(runs: Iterable[Run], store: Store) -> None:
    """Have the finished among these runs in the index of their store."""
    index = Index(store)
    for run in runs:
        index.find(run)
    index.keep()


def _told(result: Result) -> dict[str, Any]:
    """What a result says beyond its run, whose key the folder's name holds."""
    told = {name: value for name, value in vars(result).items() if name != "run"}
    return {**told, "metrics": {name: vars(value) for name, value in result.metrics.items()}}


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _stamp(folder: str) -> Stamp:
    """What tells the files of a run from any others of their names; None for one not there."""
    return [_identity(os.path.join(folder, name)) for name in FILES]


def _identity(file: str) -> list[int] | None:
    try:
        stat = os.stat(file)
    except OSError:
        return None
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
