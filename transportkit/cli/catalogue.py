"""`tk list` and `tk info`: what is installed, from light specs alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from .. import registry
from ..core.params import parameters
from ..core.spec import IntegratorSpec, MethodSpec, MetricSpec, Spec
from ..errors import UsageError, did_you_mean

TITLES = {"method": "methods", "problem": "data", "metric": "metrics", "integrator": "integrators"}


def list_plugins(kinds: Sequence[str], as_json: bool, debug: bool) -> None:
    """Print every plugin of these kinds; one that is broken is shown as broken."""
    found = {kind: [registry.read(e) for e in registry.entries(kind)] for kind in kinds}
    if as_json:
        document = {TITLES[k]: [_summary(f) for f in items] for k, items in found.items()}
        click.echo(json.dumps(document, indent=2))
        return
    width = max((len(f.entry.name) for items in found.values() for f in items), default=0)
    for kind, items in found.items():
        click.secho(TITLES[kind], bold=True)
        for item in items:
            name, owner = item.entry.name, item.entry.distribution
            origin = "" if owner == "transportkit" else f"  [{owner} {item.entry.version}]"
            if isinstance(item, registry.Broken):
                click.echo(f"  {name:<{width}}  " + click.style("broken: ", fg="red"), nl=False)
                click.echo(f"{item.reason}{origin}")
                if debug:
                    click.echo(item.traceback, err=True)
            else:
                click.echo(f"  {name:<{width}}  {item.spec.summary}{origin}")
        click.echo()


def _summary(found: registry.Loaded | registry.Broken) -> dict[str, Any]:
    entry = found.entry
    about = {"name": entry.name, "distribution": entry.distribution, "version": entry.version}
    if isinstance(found, registry.Broken):
        return {**about, "broken": found.reason}
    return {**about, "summary": found.spec.summary}


def show(name: str, as_json: bool) -> None:
    """Print everything that the plugin called `name` says of itself."""
    bare = name.rpartition(":")[2]
    kinds = [k for k in TITLES if any(e.name == bare for e in registry.entries(k))]
    if not kinds:
        known = {e.name for kind in TITLES for e in registry.entries(kind)}
        raise UsageError(f"nothing is called '{name}'; {did_you_mean(name, known)}")
    described = [registry.describe(kind, name) for kind in kinds]
    if as_json:
        documents = [_document(loaded) for loaded in described]
        click.echo(json.dumps(documents[0] if len(documents) == 1 else documents, indent=2))
        return
    for loaded in described:
        _print(loaded)


def _document(loaded: registry.Loaded) -> dict[str, Any]:
    return {
        "name": loaded.entry.name,
        "kind": loaded.entry.kind,
        "summary": loaded.spec.summary,
        "citation": loaded.spec.citation,
        **{title.replace(" ", "_"): value for title, value in _facts(loaded.spec).items()},
        "params": {
            p.name: {
                "type": p.type_text,
                "default": None if p.required else p.default,
                "required": p.required,
                "bounds": dict(p.bounds),
                "help": p.help,
            }
            for p in parameters(loaded.spec.params).values()
        },
        "distribution": loaded.entry.distribution,
        "version": loaded.entry.version,
        "api_version": loaded.spec.api_version,
    }


def _facts(spec: Spec) -> dict[str, str]:
    """What is particular to this kind of plugin."""
    if isinstance(spec, MethodSpec):
        facts = {"family": spec.family, "fits": f"a {spec.model}"}
        if spec.integrator:
            facts["integrator"] = spec.integrator
        return {**facts, "reversible": "yes" if spec.reversible else "no"}
    if isinstance(spec, MetricSpec):
        return {"better": spec.better or "describes, does not rank"}
    if isinstance(spec, IntegratorSpec):
        return {"serves": ", ".join(spec.spans)}
    return {}


def _print(loaded: registry.Loaded) -> None:
    entry, spec = loaded.entry, loaded.spec
    click.echo(click.style(entry.name, bold=True) + f"  ({entry.kind})")
    click.echo(f"  {spec.summary}")
    facts = {"source": spec.citation, **_facts(spec)}
    facts["from"] = f"{entry.distribution} {entry.version}, plugin API {spec.api_version}"
    for title, value in facts.items():
        if value:
            click.echo(f"  {title:<11} {value}")
    rows = [
        (
            p.name,
            "required" if p.required else _default(p.default),
            p.type_text + "".join(f" {sign} {bound:g}" for sign, bound in p.bounds.items()),
            p.help,
        )
        for p in parameters(spec.params).values()
    ]
    if not rows:
        click.echo("  It has no parameters.\n")
        return
    rows = [("parameter", "default", "type", "meaning"), *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    click.echo()
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        click.echo("  " + "  ".join([*cells, row[3]]).rstrip())
    click.echo()


def _default(value: object) -> str:
    if value is None:
        return "auto"
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)
