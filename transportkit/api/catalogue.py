"""What is installed, from light specs alone: `available` and `info`."""

from __future__ import annotations

import html
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import registry
from ..core.params import Parameter, parameters
from ..core.spec import IntegratorSpec, MethodSpec, MetricSpec, Spec
from ..errors import UsageError, did_you_mean
from ..registry import TITLES
from .tables import table


@dataclass(frozen=True)
class About:
    """A plugin, as its spec describes it.

    `broken` says why it cannot be used, where it cannot, and `traceback` where it broke; `clashes`
    that another distribution offers the name as well.

    Showing one prints what ``tk info`` prints; `to_dict` is what ``tk info --json`` prints.
    """

    kind: str
    name: str
    distribution: str
    version: str
    summary: str
    broken: str = ""
    spec: Spec | None = None
    target: str = ""
    traceback: str = ""
    clashes: bool = False

    @property
    def health(self) -> str:
        """``works``, ``broken`` or ``clashes``, which is told apart by ``distribution:name``."""
        return "broken" if self.broken else "clashes" if self.clashes else "works"

    @property
    def origin(self) -> str:
        """The file of the module that the spec is in, or where that was looked for."""
        module = sys.modules.get(self.target.partition(":")[0])
        return getattr(module, "__file__", None) or self.target

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Its declared parameters by name."""
        return parameters(self.spec.params) if self.spec else {}

    @property
    def facts(self) -> dict[str, str]:
        """What is particular to this kind of plugin."""
        spec = self.spec
        if isinstance(spec, MethodSpec):
            facts = {"family": spec.family, "fits": f"a {spec.model}"}
            if spec.integrator:
                facts["integrator"] = spec.integrator
            facts["fitted"] = "solved at once" if spec.solved else "by training"
            return {**facts, "reversible": "yes" if spec.reversible else "no"}
        if isinstance(spec, MetricSpec):
            return {"better": spec.better or "describes, does not rank"}
        if isinstance(spec, IntegratorSpec):
            return {"serves": ", ".join(spec.spans)}
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Everything that it says of itself, as JSON data."""
        about = {"name": self.name, "distribution": self.distribution, "version": self.version}
        if self.spec is None:
            return {**about, "kind": self.kind, "broken": self.broken}
        return {
            "name": self.name,
            "kind": self.kind,
            "summary": self.summary,
            "citation": self.spec.citation,
            **{title.replace(" ", "_"): value for title, value in self.facts.items()},
            "params": {
                p.name: {
                    "type": p.type_text,
                    "default": None if p.required else p.default,
                    "required": p.required,
                    "bounds": dict(p.bounds),
                    "help": p.help,
                }
                for p in self.parameters.values()
            },
            "distribution": self.distribution,
            "version": self.version,
            "api_version": self.spec.api_version,
        }

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Each parameter with its default, its type and its meaning, as text."""
        return [
            (
                p.name,
                "required" if p.required else _default(p.default),
                p.wanted,
                p.help,
            )
            for p in self.parameters.values()
        ]

    def lines(self) -> list[tuple[str, str]]:
        """Its facts, each under a heading; what is not known is left out."""
        facts = {"source": self.spec.citation if self.spec else "", **self.facts}
        api = f", plugin API {self.spec.api_version}" if self.spec else ""
        facts["from"] = f"{self.distribution} {self.version}".strip() + api
        return [(title, value) for title, value in facts.items() if value]

    def __repr__(self) -> str:
        width = shutil.get_terminal_size((120, 24)).columns
        text = [f"{self.name}  ({self.kind})", *_folded("  ", self.broken or self.summary, width)]
        for title, value in self.lines():
            text += _folded(f"  {title:<11} ", value, width)
        if not self.rows():
            return "\n".join([*text, "  It has no parameters."])
        text.append("")
        shown = [("parameter", "default", "values", "meaning"), *self.rows()]
        widths = [max(len(row[i]) for row in shown) for i in range(3)]
        for row in shown:
            cells = [f"{cell:<{wide}}" for cell, wide in zip(row, widths, strict=False)]
            text += _folded("  " + "  ".join([*cells, ""]), row[3], width)
        return "\n".join(text)

    def _repr_html_(self) -> str:
        facts = table(("", ""), [(title, value) for title, value in self.lines()], self.summary)
        rows = self.rows()
        shown = table(("parameter", "default", "values", "meaning"), rows) if rows else ""
        return f"<b>{html.escape(self.name)}</b> ({self.kind})" + facts + shown


@dataclass(frozen=True)
class Catalogue(Sequence[About]):
    """Plugins in a row; shown, a table of their names and summaries."""

    plugins: tuple[About, ...]

    def __getitem__(self, place: Any) -> Any:
        return self.plugins[place]

    def __len__(self) -> int:
        return len(self.plugins)

    def __iter__(self) -> Iterator[About]:
        return iter(self.plugins)

    @property
    def names(self) -> list[str]:
        """Their names, those that are broken left out."""
        return [p.name for p in self.plugins if not p.broken]

    def __repr__(self) -> str:
        width = max((len(p.name) for p in self.plugins), default=0)
        return "\n".join(
            f"{p.kind:<10}  {p.name:<{width}}  {f'broken: {p.broken}' if p.broken else p.summary}"
            for p in self.plugins
        )

    def _repr_html_(self) -> str:
        rows = [
            (p.kind, p.name, f"broken: {p.broken}" if p.broken else p.summary) for p in self.plugins
        ]
        return table(("kind", "name", ""), rows)


def available(kind: str | None = None) -> Catalogue:
    """Every plugin, or those of one kind: ``methods``, ``data``, ``metrics``, ``integrators``.

    One that cannot be used is among them and says why. Raises UsageError for an unknown kind.
    """
    chosen = TITLES if kind is None else [_kind(kind)]
    return Catalogue(tuple(about for each in chosen for about in _abouts(each)))


def info(name: str, kind: str | None = None) -> About:
    """What the plugin called `name`, or ``distribution:name``, is.

    `kind` is written as for `available`. Raises UsageError if it is unknown, or of several kinds
    and none is given, and PluginError if it is broken.
    """
    kinds = kinds_of(name) if kind is None else [_kind(kind)]
    if len(kinds) > 1:
        raise UsageError(f"'{name}' is a {' and a '.join(kinds)}; say kind='{kinds[0]}'")
    return _about(registry.describe(kinds[0], name))


def kinds_of(name: str) -> list[str]:
    """The kinds of plugin that have one of this name. Raises UsageError if there is none."""
    if not isinstance(name, str):
        raise UsageError(f"a plugin is named by text, not by {type(name).__name__}")
    bare = name.rpartition(":")[2]
    kinds = [k for k in registry.KINDS if any(e.name == bare for e in registry.entries(k))]
    if not kinds:
        known = {e.name for kind in registry.KINDS for e in registry.entries(kind)}
        raise UsageError(f"nothing is called '{name}'{registry.none_called(bare, known)}")
    return kinds


def _kind(given: str) -> str:
    """The kind that is meant by its name or its title. Raises UsageError if none is."""
    kinds = {**{title: kind for kind, title in TITLES.items()}, **{kind: kind for kind in TITLES}}
    if given not in kinds:
        raise UsageError(
            f"no kind of plugin is called '{given}'; {did_you_mean(str(given), kinds)}"
        )
    return kinds[given]


def _abouts(kind: str) -> list[About]:
    found = [registry.read(entry) for entry in registry.entries(kind)]
    names = Counter(each.entry.name for each in found)
    return [_about(each, names[each.entry.name] > 1) for each in found]


def _about(found: registry.Loaded | registry.Broken, clashes: bool = False) -> About:
    entry = found.entry
    where = (entry.kind, entry.name, entry.distribution, entry.version)
    if isinstance(found, registry.Broken):
        return About(
            *where,
            summary="",
            broken=found.reason,
            target=entry.target,
            traceback=found.traceback,
            clashes=clashes,
        )
    return About(
        *where, summary=found.spec.summary, spec=found.spec, target=entry.target, clashes=clashes
    )


def _folded(begin: str, text: str, width: int) -> list[str]:
    """The lines of a text after its beginning, below which the further ones stand."""
    room = max(30, width - len(begin))
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    indent = " " * len(begin)
    return [f"{indent if i else begin}{line}".rstrip() for i, line in enumerate(lines)]


def _default(value: object) -> str:
    if value is None:
        return "auto"
    if isinstance(value, bool):
        return str(value).lower()
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)
