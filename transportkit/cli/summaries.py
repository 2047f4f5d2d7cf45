"""What `tk list` says of each plugin, kept from one call to the next.

A summary stands in a spec, and the spec in the package of its plugin: reading all of them makes
some hundred classes, which is most of the time of a list. What they said is therefore kept in the
user's cache, with the size and time of every file that was imported for it; a list reads specs anew
as soon as an entry point or one of these files has changed. ``TK_CACHE`` names another folder, and
``TK_CACHE=0`` keeps nothing.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..discovery import Entry, entries

VARIABLE = "TK_CACHE"


@dataclass(frozen=True)
class Said:
    """A plugin in a list: its summary, or why it is broken and the traceback."""

    entry: Entry
    summary: str
    broken: str = ""
    traceback: str = ""


def summaries(kinds: Sequence[str]) -> dict[str, list[Said]]:
    """Every plugin of these kinds, in order."""
    listed = {kind: entries(kind) for kind in kinds}
    file = _file()
    kept = _kept(file)
    if not all(_name(entry) in kept for found in listed.values() for entry in found):
        said = _read(file)
        return {kind: said[kind] for kind in kinds}
    return {
        kind: [Said(entry, kept[_name(entry)]) for entry in found] for kind, found in listed.items()
    }


def _read(file: str | None) -> dict[str, list[Said]]:
    """What all specs say now, which is kept in the file."""
    # A list of what is known does without.
    from ..registry import KINDS

    before = set(sys.modules)
    said = {kind: [_said(entry) for entry in entries(kind)] for kind in KINDS}
    everything = [one for found in said.values() for one in found]
    owners = {"transportkit", *(one.entry.target.partition(".")[0] for one in everything)}
    modules = {
        name: module
        for name, module in list(sys.modules.items())
        if name not in before or name.partition(".")[0] in owners
    }
    _keep(file, _files(modules), everything)
    return said


def _said(entry: Entry) -> Said:
    from .. import registry

    found = registry.read(entry)
    if isinstance(found, registry.Broken):
        return Said(entry, "", found.reason, found.traceback)
    return Said(entry, found.spec.summary)


def _name(entry: Entry) -> str:
    return " ".join((entry.kind, entry.name, entry.target, entry.distribution, entry.version))


def _file() -> str | None:
    """The file of this environment's summaries; None where none is to be kept."""
    folder = os.environ.get(VARIABLE, "").strip()
    if folder == "0":
        return None
    if not folder:
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):
            # So says the XDG base directory specification.
            system = {"darwin": "~/Library/Caches", "win32": "~/AppData/Local"}
            base = system.get(sys.platform, "~/.cache")
        folder = os.path.join(base, "transportkit")
    folder = os.path.expanduser(folder)
    if folder.startswith("~"):
        return None  # nobody knows where that user is at home
    return os.path.join(folder, f"summaries-{zlib.crc32(_environment().encode()):08x}.json")


def _environment() -> str:
    # The path decides which file a module is; an empty entry is the folder one is in.
    path = [os.fspath(place) or os.getcwd() for place in sys.path]
    return " ".join([__version__, sys.version, sys.prefix, *path])


def _kept(file: str | None) -> dict[str, str]:
    """The summaries that still hold, by the names of their entry points."""
    try:
        with open(file or os.devnull, encoding="utf-8") as text:
            document = json.load(text)
        files, said = document["files"], document["summaries"]
        if document["environment"] == _environment() and files == _stamps(files):
            return {str(name): str(summary) for name, summary in said.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # There is none yet, or it is not ours: it is made anew.
        pass
    return {}


def _keep(file: str | None, files: Iterable[str], said: Iterable[Said]) -> None:
    """Write what was said. What is broken may be whole when nothing that it imported has changed,
    and is not kept; a cache that cannot be written is none."""
    if file is None:
        return
    with suppress(OSError):
        document = {
            "environment": _environment(),
            "files": _stamps(files),
            "summaries": {_name(one.entry): one.summary for one in said if not one.broken},
        }
        os.makedirs(os.path.dirname(file), exist_ok=True)
        partial = f"{file}.{os.getpid()}"
        try:
            with open(partial, "w", encoding="utf-8") as text:
                json.dump(document, text)
            os.replace(partial, file)
        except OSError:
            os.unlink(partial)


def _files(modules: Mapping[str, Any]) -> set[str]:
    """Where the modules were read from, but for those of Python itself."""
    foreign = {m for n, m in modules.items() if n.partition(".")[0] not in sys.stdlib_module_names}
    files = {getattr(module, "__file__", None) for module in foreign}
    return {file for file in files if isinstance(file, str) and os.path.isfile(file)}


def _stamps(files: Iterable[str]) -> dict[str, list[int]]:
    """Size and time of change of files. Raises OSError for one that is gone."""
    found = {file: os.stat(file) for file in files}
    return {file: [stat.st_size, stat.st_mtime_ns] for file, stat in found.items()}
