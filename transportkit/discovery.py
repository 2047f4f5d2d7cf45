"""Which plugins there are, told from metadata and two environment variables alone.

``TK_PLUGINS=name=module:object,kind:name=module:object`` adds plugins that are not installed, of
kind method where none is named. ``TK_DISABLE_PLUGINS=1`` leaves those of transportkit's own
distribution and no other.
"""

from __future__ import annotations

import importlib
import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions

from .errors import UsageError

ADD, DISABLE = "TK_PLUGINS", "TK_DISABLE_PLUGINS"
OWN = "transportkit"
_UNKNOWN = "unknown"
_ADDED = re.compile(r"(?:(\w+)\s*:)?\s*([^\s=:,]+)\s*=\s*([\w.]+:[\w.]+)")


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
    # Most distributions offer nothing, which their text says long before it is parsed.
    offering = [dist for dist in _installed() if group(kind) in _text(dist)]
    found = [entry for dist in offering for entry in _offered(dist, kind)]
    if _bare():
        found = [entry for entry in found if same_distribution(entry.distribution, OWN)]
    else:
        found += _added(kind)
    unique = {(e.name, e.target, e.distribution): e for e in found}
    return tuple(sorted(unique.values(), key=lambda e: (e.name, e.distribution)))


def _bare() -> bool:
    return os.environ.get(DISABLE, "").strip().lower() not in ("", "0", "no", "false", "off")


def _added(kind: str) -> Iterator[Entry]:
    """The plugins of a kind that the environment names. Raises UsageError if it cannot be read,
    or names two things alike."""
    targets: dict[str, str] = {}
    for piece in filter(None, map(str.strip, os.environ.get(ADD, "").split(","))):
        read = _ADDED.fullmatch(piece)
        if read is None or read[1] not in (None, "method", "problem", "metric", "integrator"):
            raise UsageError(
                f"{ADD} should read name=module:object or kind:name=module:object, with commas "
                f"between them and a kind among method, problem, metric, integrator; not '{piece}'"
            )
        if (read[1] or "method") == kind:
            if targets.setdefault(read[2], read[3]) != read[3]:
                raise UsageError(
                    f"{ADD} names two things {kind} '{read[2]}': {targets[read[2]]} and {read[3]}"
                )
            point = EntryPoint(read[2], read[3], group(kind))
            yield Entry(kind, point.name, point.value, ADD, "", point)


def forget() -> None:
    """Look anew at the next question, so that what was installed since is seen."""
    importlib.invalidate_caches()
    entries.cache_clear()
    _installed.cache_clear()
    _text.cache_clear()
    _facts.cache_clear()


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
        point = EntryPoint(name, "", group(kind))
        yield Entry(kind, name, "", name, version, point, traceback.format_exc())


@cache
def _text(dist: Distribution) -> str:
    """The file of entry points of a distribution, whatever its bytes are."""
    try:
        return dist.read_text("entry_points.txt") or ""
    except UnicodeDecodeError as error:
        return error.object.decode(errors="replace")
    except Exception:
        return ""


@cache
def _facts(dist: Distribution) -> tuple[str, str]:
    """The name and version of a distribution, whose metadata may be missing or broken.

    Two lines of the file's head are all that is needed; `metadata` parses the file as a letter,
    which for a hundred distributions takes longer than all else that looking does.
    """
    try:
        head = (dist.read_text("METADATA") or "").partition("\n\n")[0]
        name, version = (re.search(rf"^{key}: *(\S+)", head, re.M) for key in ("Name", "Version"))
        if name and version:
            return name[1], version[1]
        metadata = dist.metadata
        return metadata["Name"] or _UNKNOWN, metadata["Version"] or _UNKNOWN
    except Exception:
        return _UNKNOWN, _UNKNOWN


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
