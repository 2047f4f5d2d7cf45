"""Which backend a text such as ``dask:address=tcp://node7:8786`` names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from ...core.choice import Choice
from ...core.params import coerce, whole
from ...errors import UsageError, did_you_mean
from ...registry import split_choice
from .base import Backend

BACKENDS: Mapping[str, str] = {
    "local": ".local:InProcess",
    "processes": ".local:Processes",
    "dask": ".dask_workers:Dask",
    "slurm": ".slurm_jobs:Slurm",
}


def backend(asked: str | Choice | None, jobs: int = 1) -> Backend:
    """The backend asked for; where none is, this process, or local ones if `jobs` is more than 1.

    Raises UsageError for an unknown name or option, and where a package is missing.
    """
    jobs = whole("jobs", jobs, 1)
    if asked is None:
        asked = "local" if jobs == 1 else "processes"
    chosen = Choice(*split_choice(asked)) if isinstance(asked, str) else asked
    if chosen.name not in BACKENDS:
        raise UsageError(f"unknown executor '{chosen.name}'; {did_you_mean(chosen.name, BACKENDS)}")
    if chosen.name == "local" and jobs > 1:
        raise UsageError("the local executor does one run at a time; leave out jobs")
    module, _, cls = BACKENDS[chosen.name].partition(":")
    kind: type[Backend] = getattr(import_module(module, __package__), cls)
    own = {} if chosen.name == "local" else {"jobs": jobs}
    return coerce(kind, {**chosen.params, **own}, f"executor '{chosen.name}'")
