"""Facts that are computed once, and kept in a folder under what they depend on."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from .. import registry
from ..core.choice import Choice
from ..core.parsing import parsed
from ..core.record import JUDGING, Run
from .atomic import write_whole
from .signing import signed, unsigned

log = logging.getLogger("transportkit")
T = TypeVar("T")


class Kept(Generic[T]):
    """Facts of one kind, a dataclass of numbers, each as a file of a folder where one is given.

    A fact that is not finite is not kept. With `fresh` all are computed anew; without `writes`
    nothing is left in the folder.
    """

    def __init__(
        self, kind: type[T], folder: Path | None, fresh: bool = False, writes: bool = True
    ) -> None:
        self.kind, self.folder, self.fresh, self.writes = kind, folder, fresh, writes
        self.known: dict[str, T] = {}

    def of(self, told: Mapping[str, object], compute: Callable[[], T]) -> T:
        """The fact of what is `told`, found or computed."""
        key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
        if key not in self.known:
            found = None if self.fresh else self._read(key)
            self.known[key] = found or self._keep(key, compute(), told)
        return self.known[key]

    def _read(self, key: str) -> T | None:
        if self.folder is None:
            return None
        with suppress(OSError, ValueError, KeyError, TypeError, OverflowError):
            content = unsigned(parsed((self.folder / f"{key}.json").read_bytes()))
            values = {name: content[name] for name in self._names()}
            if all(value is None or math.isfinite(value) for value in values.values()):
                return self.kind(**values)
        return None

    def _keep(self, key: str, fact: T, told: Mapping[str, object]) -> T:
        values = {name: getattr(fact, name) for name in self._names()}
        finite = all(value is None or math.isfinite(value) for value in values.values())
        if self.folder is not None and self.writes and finite:
            text = json.dumps(signed({**values, **told}), indent=2, allow_nan=False)
            try:
                self.folder.mkdir(exist_ok=True)
                write_whole(f"{text}\n".encode(), self.folder / f"{key}.json", self.folder.parent)
            except OSError as error:
                # A full disk costs the next comparison the time, and this one nothing.
                log.debug("%s could not be kept: %s", key, error)
        return fact

    def _names(self) -> list[str]:
        return [each.name for each in fields(self.kind)]  # type: ignore[arg-type]


def judged(run: Run, metric: Choice) -> dict[str, Any]:
    """What a metric between samples of a run's problem depends on, beside their number."""
    return {
        "problem": asdict(run.problem),
        "metric": asdict(metric),
        "threads": run.threads,
        "versions": _versions(run, metric),
    }


def _versions(run: Run, metric: Choice) -> dict[str, str]:
    own = {_package("problem", run.problem), f"metric:{_package('metric', metric)}"}
    method = _package("method", run.method)
    judging = tuple(f"{kind}:" for kind in JUDGING)
    return {
        name: version
        for name, version in run.versions.items()
        if name in own or (name != method and not name.startswith(judging))
    }


def _package(kind: str, choice: Choice) -> str:
    spec = registry.describe(kind, choice.name).spec
    return spec.implementation.partition(":")[0].partition(".")[0]
