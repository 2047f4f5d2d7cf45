"""Parameters that a stored run tells of, and that the plugins at hand do not have.

They are of other versions of the plugins, or were changed by hand. The figures stand, so the run is
read all the same.
"""

from __future__ import annotations

import json
import logging
import os
from functools import cache

from .. import registry
from ..core.params import coerce
from ..core.record import Run
from ..errors import PluginError, UsageError

log = logging.getLogger("transportkit")


def warn_of_unfit(run: Run, file: str) -> None:
    """Name parameters of the run in `file` that its plugins do not have, or not with such values;
    what many runs of a folder have in common once."""
    integrators = [run.integrator] if run.integrator else []
    for kind, choices in (
        ("method", [run.method]),
        ("problem", [run.problem]),
        ("integrator", integrators),
        ("metric", run.metrics),
    ):
        for choice in choices:
            if reason := _unfit(kind, choice.name, json.dumps(dict(choice.params))):
                _tell(reason, os.path.dirname(os.path.dirname(file)), file)


def _tell(reason: str, folder: str, file: str) -> None:
    if (reason, folder) not in _told:
        _told.add((reason, folder))
        log.warning("'%s': %s; the run is shown as it was stored", file, reason)


_told: set[tuple[str, str]] = set()


@cache
def _unfit(kind: str, name: str, params: str) -> str:
    """Why a plugin cannot have these parameters; empty where it can, or is not here."""
    try:
        spec = registry.describe(kind, name).spec
    except (PluginError, UsageError):
        return ""
    try:
        coerce(spec.params, json.loads(params), f"{kind} '{name}'")
    except UsageError as error:
        return str(error)
    return ""
