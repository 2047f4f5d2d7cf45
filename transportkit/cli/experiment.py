"""What `tk compare` is asked for, as an experiment: options read as the fields of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..core.record import Budget
from ..harness import asked
from ..harness.experiment import Experiment
from ..harness.plan import parse_seeds
from ..harness.suite import parse_nfes, parse_values, several
from .options import WHOLE, parse_set
from .run import chosen_data

PLAIN = ("methods", "device", "train", "batch", "threads", "tf32")


def experiment(values: Mapping[str, Any], suite: Path | None, reduced: bool) -> Experiment:
    """The experiment of a suite, with the options in `values` in place of what the suite says."""
    said = {name: values[name] for name in PLAIN if name in values}
    if suite is None or values.keys() & {"data", "source", "target"}:
        said["problems"] = chosen_data({"data": [], "source": None, "target": None, **values})
    if "points" in values:
        said["points"] = _points(values["points"])
    if "seeds" in values:
        said["seeds"] = parse_seeds(str(values["seeds"]))
    if "metric" in values:
        said["metrics"] = values["metric"]
    if "budget" in values:
        said["budgets"] = [Budget.parse(str(one)) for one in _all(values["budget"])]
    if "integrator" in values:
        said["integrators"] = [None if one == "own" else one for one in _all(values["integrator"])]
    if "nfe" in values:
        said["nfes"] = parse_nfes(",".join(map(str, _all(values["nfe"]))))
    if "sweep" in values:
        typed = values["sweep"]
        pairs = typed if isinstance(typed, dict) else _sweep(typed)
        said["sweep"] = {key: parse_values(value) for key, value in pairs.items()}
    return asked.experiment(said, suite, reduced)


def _sweep(typed: tuple[str, ...]) -> dict[str, list[Any]]:
    """Values by parameter; those of one that is typed again come on top."""
    sweep: dict[str, list[Any]] = {}
    for pair in typed:
        for key, value in parse_set((pair,), "--sweep").items():
            sweep[key] = list(dict.fromkeys([*sweep.get(key, []), *parse_values(value)]))
    return sweep


def _points(given: str | int) -> str | int:
    """A number as one, and what has it chosen as it is."""
    try:
        return int(WHOLE.convert(given, None, None))
    except click.BadParameter:
        return given


def _all(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else several(value)
