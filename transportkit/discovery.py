"""Which plugins there are, told from metadata and two environment variables alone.

``TK_PLUGINS=name=module:object,kind:name=module:object`` adds plugins that are not installed, of
kind method where none is named. ``TK_DISABLE_PLUGINS=1`` leaves those of transportkit's own
distribution and no other.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from .errors import UsageError
from .installed import Installed, installed, normal

ADD, DISABLE = "TK_PLUGINS", "TK_DISABLE_PLUGINS"
OWN = "transportkit"
TITLES = {"method": "methods", "problem": "data", "metric": "metrics", "integrator": "integrators"}
"""What many of a kind are called."""
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
    fault: str = ""

    def load(self) -> Any:
        """The object that the entry point names, imported now."""
        return resolve(self.target)


def left_out(kind: str, name: str) -> str:
    """The distribution of a plugin that the environment has disabled; empty where there is none."""
    found = _all_offered(kind) if _bare() else []
    return next((entry.distribution for entry in found if entry.name == name), "")


@cache
def entries(kind: str) -> tuple[Entry, ...]:
    """Every entry point of a kind, by name; two of one name both appear."""
    found = _all_offered(kind)
    if _bare():
        found = [entry for entry in found if same_distribution(entry.distribution, OWN)]
    else:
        found += _added(kind)
    unique = {(e.name, e.target, e.distribution): e for e in found}
    return tuple(sorted(unique.values(), key=lambda e: (e.name, e.distribution)))


def _all_offered(kind: str) -> list[Entry]:
    offering = [dist for dist in _installed() if group(kind) in dist.points]
    return [entry for dist in offering for entry in _offered(dist, kind)]


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
            yield Entry(kind, read[2], read[3], ADD, "")


def forget() -> None:
    """Look anew at the next question, so that what was installed since is seen."""
    importlib.invalidate_caches()
    entries.cache_clear()
    _installed.cache_clear()


def same_distribution(a: str, b: str) -> bool:
    """Whether two spellings name one distribution (PEP 503)."""
    return normal(a) == normal(b)


def resolve(target: str) -> Any:
    """The object of ``package.module:attribute``, or the module of ``package.module``. Raises what
    the import raises, and AttributeError."""
    module, _, attribute = target.partition(":")
    value: Any = importlib.import_module(module)
    for part in filter(None, attribute.split(".")):
        value = getattr(value, part)
    return value


@cache
def _installed() -> tuple[Installed, ...]:
    return installed()


def _offered(dist: Installed, kind: str) -> Iterator[Entry]:
    name, version = dist.facts
    try:
        for called, target in dist.offered(group(kind)):
            yield Entry(kind, called, target, name, version)
    except ValueError:
        import traceback

        yield Entry(kind, name, "", name, version, traceback.format_exc())
