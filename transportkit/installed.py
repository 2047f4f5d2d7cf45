"""The distributions that are installed, and the entry points they offer.

What `importlib.metadata` tells of folders on the path, read here line by line (the formats are
those of PyPA's core metadata and entry points specifications), since its import alone, which brings
the parser of letters, takes a third of a whole `tk list`. It is asked itself where the path holds
more than folders: archives, eggs, or what another finder knows.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Installed:
    """A distribution: its folder of metadata, or the texts that took its place."""

    folder: str
    texts: tuple[str, str] | None = None

    @cached_property
    def points(self) -> str:
        """The text of its entry points, empty where it has none."""
        return self.texts[0] if self.texts else _text(self.folder, "entry_points.txt")

    @cached_property
    def facts(self) -> tuple[str, str]:
        """Its name and version, `UNKNOWN` where metadata are missing or broken."""
        text = self.texts[1] if self.texts else _text(self.folder, "METADATA", "PKG-INFO")
        head = text.partition("\n\n")[0].encode(errors="replace").decode()
        name, version = (re.search(rf"^{key}: *(\S+)", head, re.M) for key in ("Name", "Version"))
        return (name[1] if name else UNKNOWN), (version[1] if version else UNKNOWN)

    @property
    def stem(self) -> str:
        """The normal name that its folder has (PEP 427), or that it has itself."""
        base, dot, kind = os.path.basename(self.folder).rpartition(".")
        if not dot:
            return normal(self.facts[0])
        # Versions have no hyphen; after the version of an egg comes that of Python.
        stem = base.rpartition("-")[0] if kind == "dist-info" else base.partition("-")[0]
        return normal(stem or base)

    def offered(self, group: str) -> Iterator[tuple[str, str]]:
        """The names and targets of a group, in order. Raises ValueError for a line that is none."""
        # A byte that is no UTF-8 raises UnicodeEncodeError, which is a ValueError.
        self.points.encode()
        section = ""
        for line in map(str.strip, self.points.splitlines()):
            if not line or line.startswith("#"):
                continue
            if line.startswith("[") and line.endswith("]"):
                section = line.strip("[]")
            elif section == group:
                name, equals, target = line.partition("=")
                if not equals:
                    raise ValueError(f"'{line}' should read name = module:object")
                # What follows in brackets are extras, which nothing here installs.
                yield name.strip(), target.partition("[")[0].strip()


def installed() -> tuple[Installed, ...]:
    """Each distribution once: the first on the path, which is the one that is imported."""
    first: dict[str, Installed] = {}
    for found in _in_folders() if _only_folders() else _by_library():
        stem = found.stem
        first.setdefault(f"{UNKNOWN} {id(found)}" if stem == UNKNOWN else stem, found)
    return tuple(first.values())


def normal(name: str) -> str:
    """A name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _only_folders() -> bool:
    finders = [f for f in sys.meta_path if hasattr(f, "find_distributions")]
    return [getattr(f, "__name__", "") for f in finders] == ["PathFinder"] and not any(
        os.path.isfile(place) or place.rstrip(os.sep).endswith(".egg")
        for place in map(os.fspath, sys.path)
    )


def _in_folders() -> Iterator[Installed]:
    for place in map(os.fspath, sys.path):
        try:
            names = os.listdir(place or ".")
        except OSError:
            continue
        for name in names:
            if name.lower().endswith((".dist-info", ".egg-info")):
                yield Installed(os.path.join(place, name))


def _by_library() -> Iterator[Installed]:
    from importlib.metadata import distributions

    for i, found in enumerate(distributions()):
        texts = []
        for names in (["entry_points.txt"], ["METADATA", "PKG-INFO"]):
            try:
                texts.append(next(filter(None, map(found.read_text, names)), ""))
            except Exception:
                texts.append("")
        yield Installed(str(i), (texts[0], texts[1]))


def _text(folder: str, *names: str) -> str:
    """The first of these files that has a text, whatever its bytes are."""
    for name in names:
        try:
            with open(
                os.path.join(folder, name), encoding="utf-8", errors="surrogateescape"
            ) as file:
                if text := file.read():
                    return text
        except OSError:
            continue
    return ""
