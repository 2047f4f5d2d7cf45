"""The registry: plugins found by entry point, described by light specs, loaded when they run.

Listing reads metadata only. A spec is imported when it is described, an implementation when it is
used. A plugin that cannot be imported is `Broken` and harms no other.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from .core.params import coerce, to_dict
from .core.record import Choice
from .core.spec import API_VERSION, IntegratorSpec, MethodSpec, MetricSpec, ProblemSpec, Spec
from .errors import PluginError, UsageError, did_you_mean

KINDS: Mapping[str, type[Spec]] = {
    spec.kind: spec for spec in (MethodSpec, ProblemSpec, MetricSpec, IntegratorSpec)
}
S = TypeVar("S", bound=Spec)


def group(kind: str) -> str:
    """The entry-point group of a kind of plugin."""
    return f"transportkit.{kind}s"


@dataclass(frozen=True)
class Entry:
    """An entry point that was found: `name` is how the plugin is chosen."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    point: EntryPoint


@dataclass(frozen=True)
class Broken:
    """A plugin whose spec could not be had: why in one line, and the traceback in full."""

    entry: Entry
    reason: str
    traceback: str


@dataclass(frozen=True)
class Loaded:
    """A plugin whose spec was read."""

    entry: Entry
    spec: Spec


@cache
def entries(kind: str) -> tuple[Entry, ...]:
    """Every entry point of a kind, by name; two of one name both appear."""
    found = [
        Entry(
            kind,
            point.name,
            point.value,
            point.dist.name if point.dist else "unknown",
            point.dist.version if point.dist else "unknown",
            point,
        )
        for point in entry_points(group=group(kind))
    ]
    # An editable install and a build beside it can present the same distribution twice.
    unique = {(e.name, e.target, e.distribution): e for e in found}
    return tuple(sorted(unique.values(), key=lambda e: (e.name, e.distribution)))


def refresh() -> None:
    """Forget what was found, so that plugins installed since are seen."""
    entries.cache_clear()
    _read.cache_clear()


def find(kind: str, name: str) -> Entry:
    """The entry called `name`, or ``distribution:name`` where two distributions have the name."""
    distribution, _, bare = name.rpartition(":")
    named = [e for e in entries(kind) if e.name == bare]
    chosen = [e for e in named if not distribution or e.distribution == distribution]
    if len(chosen) == 1:
        return chosen[0]
    if len(chosen) > 1:
        ways = " or ".join(f"'{e.distribution}:{e.name}'" for e in chosen)
        raise UsageError(
            f"{kind} '{bare}' is offered by more than one distribution; choose {ways}"
        )
    if named:
        owners = ", ".join(f"'{e.distribution}'" for e in named)
        raise UsageError(f"'{distribution}' offers no {kind} '{bare}'; {owners} does")
    raise UsageError(f"unknown {kind} '{name}'; {did_you_mean(bare, {e.name for e in entries(kind)})}")


def read(entry: Entry) -> Loaded | Broken:
    """The entry's spec, or why it cannot be had. Never raises for what a plugin does."""
    return _read(entry)


@cache
def _read(entry: Entry) -> Loaded | Broken:
    try:
        spec = entry.point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # A plugin that calls sys.exit() when imported is as broken as one that raises.
        last = traceback.format_exception_only(error)[-1].strip()
        return Broken(entry, f"import failed: {last}", traceback.format_exc())
    expected = KINDS[entry.kind]
    if not isinstance(spec, expected):
        found = f"'{entry.target}' is {type(spec).__name__}, not {expected.__name__}"
        return Broken(entry, found, "")
    if spec.api_version != API_VERSION:
        side = "newer" if spec.api_version > API_VERSION else "older"
        reason = (
            f"written for plugin API {spec.api_version}, {side} than this "
            f"transportkit's {API_VERSION}; install matching versions"
        )
        return Broken(entry, reason, "")
    return Loaded(entry, spec)


def describe(kind: str, name: str) -> Loaded:
    """The plugin called `name`. Raises UsageError if unknown, PluginError if broken."""
    found = read(find(kind, name))
    if isinstance(found, Broken):
        entry = found.entry
        error = PluginError(
            f"{kind} '{name}' of {entry.distribution} {entry.version} is broken: {found.reason}"
        )
        error.add_note(found.traceback)
        raise error
    return found


def implementation(loaded: Loaded) -> Any:
    """The object named by a spec's `implementation`, imported now."""
    entry, target = loaded.entry, loaded.spec.implementation
    module, _, attribute = target.partition(":")
    try:
        value: Any = importlib.import_module(module)
        for part in attribute.split("."):
            value = getattr(value, part)
        return value
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        last = traceback.format_exception_only(error)[-1].strip()
        raise PluginError(
            f"{entry.kind} '{entry.name}' of {entry.distribution} {entry.version}: "
            f"'{target}' cannot be imported: {last}"
        ) from error


def parse_choice(kind: str, text: str, overrides: Mapping[str, Any] | None = None) -> Choice:
    """``name`` or ``name:key=value,key=value`` as a Choice with every parameter in full.

    `overrides` win over what the text says. Raises UsageError for anything unknown or unfit.
    """
    name, values = split_choice(text)
    loaded = describe(kind, name)
    params = coerce(loaded.spec.params, {**values, **(overrides or {})}, f"{kind} '{name}'")
    return Choice(name, to_dict(params))


def split_choice(text: str) -> tuple[str, dict[str, str]]:
    """``[distribution:]name[:key=value,...]`` as the name and its values."""
    parts = text.split(":")
    first_value = next((i for i, part in enumerate(parts) if "=" in part), len(parts))
    name = ":".join(parts[:first_value])
    values: dict[str, str] = {}
    settings = ":".join(parts[first_value:])
    for piece in settings.split(",") if settings else []:
        key, equals, value = piece.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"'{text}' should read name:key=value,key=value")
        values[key.strip()] = value.strip()
    if not name:
        raise UsageError(f"'{text}' names nothing; write name or name:key=value,key=value")
    return name, values


def make(kind: str, choice: Choice) -> Any:
    """The chosen plugin, made with its parameters.

    A method class is given its parameter dataclass; a problem function likewise; metrics and
    integrators are dataclasses of their own parameters.
    """
    loaded = describe(kind, choice.name)
    params = coerce(loaded.spec.params, choice.params, f"{kind} '{choice.name}'")
    made = implementation(loaded)
    if kind in ("metric", "integrator"):
        return made(**{name: getattr(params, name) for name in to_dict(params)})
    return made(params)
