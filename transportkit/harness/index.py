"""An index of a store: what its finished runs say, so that thousands are found in one file.

It is a cache and never a source. A run is taken from it only where every file that tells whether
the run is whole is the one that was read, by inode, size and times; otherwise its folder is read.
An index that is missing, damaged or of other code is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from ..core.parsing import parsed
from ..core.record import Result, Run
from .atomic import write_whole
from .results import RESULT, from_record, read_run
from .whole import DESCRIPTION, SAMPLES, WEIGHTS

log = logging.getLogger("transportkit")

INDEX = ".index.json"
WORTH = 100
"""Runs whose folders are read before an index is written: a few are as soon read as looked up."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a file that changes again has another time, on any file system."""
OWN, LINKED = (RESULT, SAMPLES), (DESCRIPTION, WEIGHTS)
"""Files that tell whether a run is whole. A model is linked into the folders of the runs that share
a fit, and each link changes the time of its last change though nothing in it changed."""
SHARED = ("method", "problem", "budget", "integrator", "metrics", "versions")
"""Fields of a run that many have in common, each kept once."""
Stamp = list[list[int] | None]
Reader = Callable[[str, Run], Result | None]


class Index:
    """Finds the finished runs of a store, by `read` where they are not known, which it learns."""

    def __init__(self, folder: Path, read: Reader) -> None:
        self.folder, self.read = folder, read
        self.learnt = 0
        self.current: set[str] = set()
        """Runs that were found as the index says, or that it learnt."""
        self._parts, self._known = _load(folder / INDEX)
        self._places: dict[str, int] = {_text(part): i for i, part in enumerate(self._parts)}
        self._seen: dict[int, tuple[Any, int]] = {}

    def find(self, name: str, run: Run) -> Result | None:
        """The finished result of a run in the folder of this name, as it is or was read."""
        place = os.path.join(self.folder, name)
        stamp = _stamp(place)
        if stamp[0] is None:
            return None
        if found := self._told(name, stamp, run):
            self.current.add(name)
            return found
        result = self.read(place, run)
        if result is not None and _settled(stamp):
            self._known[name] = [stamp, _said(result), self._coded(run)]
            self.current.add(name)
            self.learnt += 1
        return result

    def result(self, name: str) -> Result | None:
        """The result in the folder of this name, if it is known and as it was read."""
        if name not in self._known:
            return None
        return self._told(name, _stamp(os.path.join(self.folder, name)), None)

    def keep(self) -> None:
        """Write the index, where enough was read anew that it is worth it, without the runs whose
        folders are gone."""
        if self.learnt < WORTH:
            return
        file = self.folder / INDEX
        try:
            there = set(os.listdir(self.folder))
            self._known = {name: entry for name, entry in self._known.items() if name in there}
            self._drop_parts()
            content = {"fields": _FIELDS, "parts": self._parts, "runs": self._known}
            text = json.dumps(content, separators=(",", ":")).encode()
            write_whole(sealed(text), file, self.folder)
            self.learnt = 0
        except OSError as error:
            # A full disk, or a folder that may only be read: the runs are there all the same.
            log.debug("%s could not be written: %s", file, error)

    def _drop_parts(self) -> None:
        """Let go of the parts that no run has any more, where they are the most of them."""
        places = [i for i, name in enumerate(_FIELDS) if name in SHARED]
        try:
            used = sorted({coded[i] for _, _, coded in self._known.values() for i in places})
            if len(used) > len(self._parts) / 2:
                return
            new = {old: i for i, old in enumerate(used)}
            parts = [self._parts[old] for old in used]
        except (TypeError, ValueError, IndexError):
            # Entries of a damaged index: what they say is not to be had, and is read anew.
            used, new, parts, self._known = [], {}, [], {}
        for _, _, coded in self._known.values():
            for i in places:
                coded[i] = new[coded[i]]
        self._parts, self._seen = parts, {}
        self._places = {_text(part): i for i, part in enumerate(parts)}

    def _told(self, name: str, stamp: Stamp, run: Run | None) -> Result | None:
        entry = self._known.get(name, ())
        try:
            was, said, coded = entry
            if was != stamp:
                return None
            place = os.path.join(self.folder, name)
            return from_record(said, place, run or self._run(coded))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return None

    def _coded(self, run: Run) -> list[Any]:
        """The fields of a run, of the shared ones where they stand among the parts."""
        values = []
        for name in _FIELDS:
            value = getattr(run, name)
            values.append(self._place(value) if name in SHARED else value)
        return values

    def _place(self, value: Any) -> int:
        # Runs of one plan share these objects, so each is written as text once.
        if id(value) not in self._seen:
            plain = _plain(value)
            text = _text(plain)
            if text not in self._places:
                self._places[text] = len(self._parts)
                self._parts.append(plain)
            self._seen[id(value)] = (value, self._places[text])
        return self._seen[id(value)][1]

    def _run(self, coded: list[Any]) -> Run:
        content = dict(zip(_FIELDS, coded, strict=True))
        return read_run({n: self._parts[v] if n in SHARED else v for n, v in content.items()})


_FIELDS = [field.name for field in fields(Run)]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _text(part: Any) -> str:
    return json.dumps(part, sort_keys=True, default=dict)


def _said(result: Result) -> dict[str, Any]:
    """What a result says beyond its run."""
    said = {name: value for name, value in vars(result).items() if name != "run"}
    return {**said, "metrics": {name: vars(value) for name, value in result.metrics.items()}}


def sealed(text: bytes) -> bytes:
    """An index with its digest before it, by which one that was damaged or edited is known."""
    return _seal(text) + b"\n" + text


def _seal(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def _load(file: Path) -> tuple[list[Any], dict[str, Any]]:
    """The parts and the runs of an index; none where it is not of this code."""
    try:
        seal, _, text = file.read_bytes().partition(b"\n")
        if seal != _seal(text):
            return [], {}
        content = parsed(text)
        parts, runs = content["parts"], content["runs"]
        if content["fields"] == _FIELDS and isinstance(parts, list) and isinstance(runs, dict):
            return parts, runs
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return [], {}


def _stamp(folder: str) -> Stamp:
    """What tells the files of a run from any others of their names; None for one not there."""
    own = [_identity(os.path.join(folder, name)) for name in OWN]
    linked = [_identity(os.path.join(folder, name)) for name in LINKED]
    return [*own, *(known and known[:-1] for known in linked)]


def _identity(file: str) -> list[int] | None:
    try:
        stat = os.stat(file)
    except OSError:
        return None
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _settled(stamp: Stamp) -> bool:
    """Whether a change of these files from now on changes the stamp as well."""
    newest = max(max(known[2:]) for known in stamp if known is not None)
    return time.time_ns() - newest > SETTLED
