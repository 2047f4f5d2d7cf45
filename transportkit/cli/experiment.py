"""The experiment that `tk compare` is asked for: a suite, a file of options, and what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..api.catalogue import all_methods
from ..core.record import Budget
from ..errors import UsageError
from ..harness.experiment import Experiment
from ..harness.plan import parse_seeds
from ..harness.suite import parse_nfes, parse_values, read_suite, several
from .options import parse_set
from .run import chosen_data

PLAIN = ("device", "points", "train", "batch", "threads", "tf32")


def experiment(values: Mapping[str, Any], suite: str | None, reduced: bool) -> Experiment:
    """The experiment of a suite, with the options in `values` in place of what the suite says."""
    if reduced and suite is None:
        raise UsageError("--reduced is for a --suite, which says in a block what is smaller")
    read = read_suite(Path(suite).expanduser(), reduced) if suite else {}
    if suite is None or values.keys() & {"data", "source", "target"}:
        read["problems"] = chosen_data({"data": [], "source": None, "target": None, **values})
    read |= {name: values[name] for name in PLAIN if name in values}
    if "methods" in values:
        read["methods"] = values["methods"]
    if "seeds" in values:
        read["seeds"] = parse_seeds(str(values["seeds"]))
    if "metric" in values:
        read["metrics"] = values["metric"]
    if "budget" in values:
        read["budgets"] = [Budget.parse(str(one)) for one in _all(values["budget"])]
    if "integrator" in values:
        read["integrators"] = [None if one == "own" else one for one in _all(values["integrator"])]
    if "nfe" in values:
        read["nfes"] = parse_nfes(",".join(map(str, _all(values["nfe"]))))
    if "sweep" in values:
        typed = values["sweep"]
        pairs = typed if isinstance(typed, dict) else parse_set(typed, "--sweep")
        read["sweep"] = {**read.get("sweep", {}), **{k: parse_values(v) for k, v in pairs.items()}}
    if not read.get("methods"):
        read["methods"] = all_methods()
    if not read.get("problems"):
        raise UsageError(f"'{suite}' names no problems; add some, or --data")
    return Experiment(**read)


def _all(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else several(value)
