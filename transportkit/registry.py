"""The registry: plugins found by entry point, described by light specs, loaded when they run.

Listing reads metadata only. A spec is imported when it is described, an implementation when it is
used. A plugin that cannot be imported is `Broken` and harms no other.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from types import ModuleType
from typing import Any

from . import discovery
from .core.choice import Choice
from .core.guest import as_guest
from .core.params import coerce, parameters, to_dict
from .core.patience import TookTooLong, time_limit
from .core.spec import API_VERSION, IntegratorSpec, MethodSpec, MetricSpec, ProblemSpec, Side, Spec
from .discovery import TITLES as TITLES
from .discovery import Entry as Entry
from .discovery import entries as entries
from .discovery import same_distribution
from .errors import PluginError, UsageError, nearest

KINDS: Mapping[str, type[Spec]] = {
    spec.kind: spec for spec in (MethodSpec, ProblemSpec, MetricSpec, IntegratorSpec)
}


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


def refresh() -> None:
    """Forget what was found, so that plugins installed since are seen."""
    discovery.forget()
    _read.cache_clear()


def find(kind: str, name: str) -> Entry:
    """The entry called `name`, or ``distribution:name`` where two distributions have the name."""
    distribution, _, bare = name.rpartition(":")
    named = [e for e in entries(kind) if e.name == bare]
    chosen = [
        e for e in named if not distribution or same_distribution(e.distribution, distribution)
    ]
    if len(chosen) == 1:
        return chosen[0]
    if len(chosen) > 1:
        ways = " or ".join(f"'{e.distribution}:{e.name}'" for e in chosen)
        raise UsageError(f"{kind} '{bare}' is offered by more than one distribution; choose {ways}")
    if named:
        owners = ", ".join(f"'{e.distribution}'" for e in named)
        raise UsageError(f"'{distribution}' offers no {kind} '{bare}'; {owners} does")
    known = {e.name for e in entries(kind)}
    if distribution in known:
        raise UsageError(
            f"'{name}' should read {distribution}:key=value, as in {distribution}:{bare}=..."
        )
    raise UsageError(f"unknown {kind} '{name}'{_where_else(kind, bare, known)}")


def _where_else(kind: str, name: str, known: Collection[str]) -> str:
    """What may have been meant by a name that is unknown, and where to look for it."""
    for other in KINDS:
        if other != kind and any(e.name == name for e in entries(other)):
            return f", which is a {other}; {listed(kind)} shows what is installed"
    pieces = [piece.strip() for piece in name.split(",")]
    if len(pieces) > 1 and all(piece in known for piece in pieces):
        return f"; these are {len(pieces)}, name each by itself: {' and '.join(pieces)}"
    if owner := discovery.left_out(kind, name):
        return f", which is of '{owner}' and left out by {discovery.DISABLE}"
    return none_called(name, known, listed(kind))


def none_called(name: str, known: Collection[str], listed: str = "tk list") -> str:
    """What may have been meant by a name that no plugin has, or how there may be one."""
    if near := nearest(name, known):
        return f"; did you mean '{near}'? See {listed}"
    return f"; {listed} shows what is installed, and plugins that bring more are installed by pip"


def listed(kind: str) -> str:
    """The command that lists plugins of a kind."""
    return f"tk list {TITLES[kind]}"


def read(entry: Entry) -> Loaded | Broken:
    """The entry's spec, or why it cannot be had. Never raises for what a plugin does."""
    return _read(entry)


@cache
def _read(entry: Entry) -> Loaded | Broken:
    if entry.fault:
        return Broken(entry, "its entry_points.txt cannot be read", entry.fault)
    try:
        with as_guest(), time_limit(_who(entry)):
            spec = entry.load()
        if fault := _fault(entry, spec):
            return Broken(entry, fault, "")
        return Loaded(entry, spec)
    except KeyboardInterrupt:
        raise
    except TookTooLong as error:
        return Broken(entry, str(error), traceback.format_exc())
    except BaseException as error:
        # A plugin that calls sys.exit() when imported is as broken as one that raises.
        return Broken(entry, f"import failed: {_in_a_line(error)}", traceback.format_exc())


def _fault(entry: Entry, spec: Any) -> str | None:
    """What is wrong with what an entry point resolved to, in one line, or None."""
    expected = KINDS[entry.kind]
    if isinstance(spec, ModuleType):
        # Importing a submodule sets it as an attribute of its package, over a spec of its name.
        return f"'{entry.target}' is a module that hides the spec; rename the module or the spec"
    if not isinstance(spec, expected):
        return f"'{entry.target}' is {type(spec).__name__}, not {expected.__name__}"
    version: Any = spec.api_version
    if not isinstance(version, int):
        return f"its api_version is {version!r}, not a whole number such as {API_VERSION}"
    if version != API_VERSION:
        side = "newer" if version > API_VERSION else "older"
        return (
            f"written for plugin API {version}, {side} than this transportkit's {API_VERSION}; "
            "install matching versions"
        )
    implementation: Any = spec.implementation
    if not isinstance(implementation, str) or not all(implementation.partition(":")):
        return f"its implementation is {implementation!r}, not 'package.module:attribute'"
    if not (isinstance(spec.params, type) and is_dataclass(spec.params)):
        return f"its params are {spec.params!r}, not a frozen dataclass made with `param`"
    parameters(spec.params)
    return None


def _in_a_line(error: BaseException) -> str:
    """What it is and what it says. Notes are left to the traceback; other people's exceptions may
    fail even to say something."""
    try:
        said = " ".join(str(error).split())
    except Exception:
        said = "it cannot say why"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def default_metrics() -> list[str]:
    """The metrics that a run computes where none is named."""
    specs = [
        (e.name, found.spec) for e in entries("metric") if isinstance(found := read(e), Loaded)
    ]
    return [name for name, spec in specs if isinstance(spec, MetricSpec) and spec.default]


def side(metric: str) -> Side:
    """The side whose samples a metric, as it is called in results, compares points with."""
    try:
        spec = describe("metric", split_choice(metric)[0]).spec
    except (PluginError, UsageError):
        # A metric of a plugin that is no longer here.
        return "target"
    return spec.side if isinstance(spec, MetricSpec) else "target"


def describe(kind: str, name: str) -> Loaded:
    """The plugin called `name`. Raises UsageError if unknown, PluginError if broken."""
    found = read(find(kind, name))
    if isinstance(found, Broken):
        entry = found.entry
        error = PluginError(f"{_who(entry)} is broken: {found.reason}")
        error.add_note(found.traceback)
        raise error
    return found


def implementation(loaded: Loaded) -> Any:
    """The object named by a spec's `implementation`, imported now."""
    entry, target = loaded.entry, loaded.spec.implementation
    try:
        with as_guest(), time_limit(_who(entry)):
            return discovery.resolve(target)
    except KeyboardInterrupt:
        raise
    except TookTooLong as error:
        raise PluginError(f"{_who(entry)}: '{target}': {error}") from error
    except BaseException as error:
        raise PluginError(
            f"{_who(entry)}: '{target}' cannot be imported: {_in_a_line(error)}"
        ) from error


def _who(entry: Entry) -> str:
    return f"{entry.kind} '{entry.name}' of {entry.distribution} {entry.version}".rstrip()


def parse_choice(kind: str, text: str, overrides: Mapping[str, Any] | None = None) -> Choice:
    """``name`` or ``name:key=value,key=value`` as a Choice with every parameter in full.

    `overrides` win over what the text says. Raises UsageError for anything unknown or unfit.
    """
    name, values = split_choice(text)
    loaded = describe(kind, name)
    params: Any = coerce(loaded.spec.params, {**values, **(overrides or {})}, f"{kind} '{name}'")
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
        if not equals or not key.strip() or key.strip() in values:
            raise UsageError(f"'{text}' should read name:key=value,key=value, each key once")
        values[key.strip()] = value.strip()
    if not name.strip() or name.endswith(":"):
        raise UsageError(f"'{text}' names nothing; write name or name:key=value,key=value")
    return name, values


def make(kind: str, choice: Choice) -> Any:
    """The chosen plugin, made with its parameters.

    A method class is given its parameter dataclass; a problem function likewise; metrics and
    integrators are dataclasses of their own parameters.
    """
    loaded = describe(kind, choice.name)
    params: Any = coerce(loaded.spec.params, choice.params, f"{kind} '{choice.name}'")
    made = implementation(loaded)
    if kind in ("metric", "integrator"):
        made = made(**{name: getattr(params, name) for name in to_dict(params)})
    else:
        made = made(params)
    contract = _contract(kind)
    if not isinstance(made, contract):
        raise PluginError(
            f"{_who(loaded.entry)}: '{loaded.spec.implementation}' gives {type(made).__name__}, "
            f"not {contract.__name__}"
        )
    return made


def _contract(kind: str) -> type:
    """What a made plugin of a kind is. Imported late: the contracts need torch."""
    name = kind.capitalize()
    return getattr(importlib.import_module(f".core.{kind}", __package__), name)
