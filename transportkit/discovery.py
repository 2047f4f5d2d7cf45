"""Which plugins are installed, told from metadata alone."""

from __future__ import annotations

import importlib
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions

_UNKNOWN = "unknown"


def group(kind: str) -> str:
    """The entry-point group of a kind of plugin."""
    return f"transportkit.{kind}s"


@dataclass(frozen=True)
class Entry:
    """An entry point that was found: `name` is how the plugin is chosen.

    `fault` is the traceback where the distribution's entry points could not be read; the entry
    then stands for all of them, under the name of the distribution.
    """

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    point: EntryPoint
    fault: str = ""


@cache
def entries(kind: str) -> tuple[Entry, ...]:
    """Every entry point of a kind, by name; two of one name both appear."""
    found = [entry for dist in _installed() for entry in _offered(dist, kind)]
    unique = {(e.name, e.target, e.distribution): e for e in found}
    return tuple(sorted(unique.values(), key=lambda e: (e.name, e.distribution)))


def forget() -> None:
    """Look anew at the next question, so that what was installed since is seen."""
    importlib.invalidate_caches()
    entries.cache_clear()
    _installed.cache_clear()


def same_distribution(a: str, b: str) -> bool:
    """Whether two spellings name one distribution (PEP 503)."""
    return _normal(a) == _normal(b)


@cache
def _installed() -> tuple[Distribution, ...]:
    """Each distribution once: the first on the path, which is the one that is imported."""
    first: dict[str, Distribution] = {}
    for dist in distributions():
        name = _facts(dist)[0]
        first.setdefault(f"{_UNKNOWN} {id(dist)}" if name == _UNKNOWN else _normal(name), dist)
    return tuple(first.values())


def _offered(dist: Distribution, kind: str) -> Iterator[Entry]:
    name, version = _facts(dist)
    try:
        for point in dist.entry_points.select(group=group(kind)):
            yield Entry(kind, point.name, point.value, name, version, point)
    except Exception:
        if group(kind) in (dist.read_text("entry_points.txt") or ""):
            point = EntryPoint(name, "", group(kind))
            yield Entry(kind, name, "", name, version, point, traceback.format_exc())


def _facts(dist: Distribution) -> tuple[str, str]:
    """The name and version of a distribution, whose metadata may be missing or broken."""
    try:
        return dist.metadata["Name"] or _UNKNOWN, dist.metadata["Version"] or _UNKNOWN
    except Exception:
        return _UNKNOWN, _UNKNOWN


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
