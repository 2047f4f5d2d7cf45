"""The experiment that is asked for: a suite, and what is said beside it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .. import registry
from ..errors import UsageError
from .experiment import Experiment, concerns
from .plan import Asked
from .suite import read_suite

log = logging.getLogger("transportkit")


def experiment(
    said: Mapping[str, Any], suite: Path | None = None, reduced: bool = False
) -> Experiment:
    """The experiment of a suite, with the fields that are `said` in place of what the suite says.

    A field that is None is not said; a sweep is added to that of the suite. Where no method is
    named it is all that there are. Raises UsageError where nothing names a problem.
    """
    if reduced and suite is None:
        raise UsageError("reduced is for a suite, which says in a block what is smaller")
    fields = {} if suite is None else read_suite(suite, reduced)
    given = {name: value for name, value in said.items() if value is not None}
    if "methods" in given:
        # What a suite overrides or sweeps of its other methods concerns nobody here.
        chosen = _names(given["methods"])
        others = _names(fields.get("methods", ())) - chosen
        own = fields.get("overrides", {}).items()
        fields["overrides"] = {name: values for name, values in own if name not in others}
        swept = fields.get("sweep", {}).items()
        fields["sweep"] = {k: v for k, v in swept if any(concerns(k, name) for name in chosen)}
    if "sweep" in given:
        typed = given["sweep"]
        # One of all methods takes the place of the suite's of one, too.
        swept = fields.get("sweep", {}).items()
        given["sweep"] = {k: v for k, v in swept if k.rpartition(".")[2] not in typed} | typed
    fields |= given
    if fields.get("methods") is None:
        fields["methods"] = all_methods()
    if not fields.get("problems"):
        where = f"'{suite}' names no problem; " if suite is not None else ""
        raise UsageError(f"{where}name a problem, or give samples as source and target")
    return Experiment(**fields)


def _names(methods: Iterable[Asked]) -> set[str]:
    return {registry.split_choice(a if isinstance(a, str) else a.name)[0] for a in methods}


def all_methods() -> list[str]:
    """Every method that can be described; those that cannot are named in a warning of the log."""
    names = []
    for entry in registry.entries("method"):
        found = registry.read(entry)
        if isinstance(found, registry.Broken):
            log.warning("method '%s' is left out: %s", entry.name, found.reason)
        else:
            names.append(entry.name)
    return names
