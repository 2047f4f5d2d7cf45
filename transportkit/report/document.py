"""JSON documents: one result, and a comparison."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..core.choice import Choice
from ..core.record import Result, Value


def result_document(result: Result, found: bool = False) -> dict[str, Any]:
    """One result as JSON. `found` says that it was stored before and not computed now."""
    run = result.run
    return {
        "method": run.method.name,
        "data": run.problem.name,
        "seed": run.seed,
        "status": result.status,
        "message": result.message,
        "params": dict(run.method.params),
        "data_params": dict(run.problem.params),
        "integrator": _choice(run.integrator),
        "nfe_asked": run.nfe,
        "budget": {k: v for k, v in asdict(run.budget).items() if v is not None} or "default",
        "device": run.device,
        "machine": result.machine,
        "tf32": run.tf32,
        "alone": result.alone,
        "fit_seconds": result.fit_seconds,
        "push_seconds": result.push_seconds,
        "judge_seconds": result.judge_seconds,
        "steps": result.steps,
        "loss": result.loss,
        "nfe": result.nfe,
        "finished": result.finished,
        "stops": dict(result.stops),
        "rim": result.rim,
        "peak_memory_mb": result.peak_memory_mb,
        "points": result.points,
        "metrics": {name: _value(value) for name, value in result.metrics.items()},
        "run": result.folder,
        "key": run.key(),
        "found": found,
        "versions": dict(run.versions),
    }


def comparison_document(
    cells: Sequence[Mapping[str, Any]],
    table: Sequence[Mapping[str, Any]],
    notes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A comparison as JSON: its cells, its table of aggregates, and what its author noted."""
    return {"cells": list(cells), "table": list(table), **(notes or {})}


def as_text(document: Any) -> str:
    """The document as JSON text. JSON has no NaN and no infinity: what is not finite is null."""
    return json.dumps(_finite(document), indent=2, allow_nan=False)


def _value(value: Value) -> dict[str, Any]:
    """A metric's figures, and its note where it has one."""
    return {fact: said for fact, said in asdict(value).items() if fact != "note" or said}


def _choice(choice: Choice | None) -> dict[str, Any] | None:
    return {"name": choice.name, "params": dict(choice.params)} if choice else None


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
