"""What is said of a run in its folder: result.json."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.choice import Choice
from ..core.record import Budget, Result, Run, Value
from ..errors import DataError, UsageError
from .whole import content

RESULT = "result.json"


def write_result(folder: Path, result: Result) -> None:
    """Write result.json."""
    text = json.dumps(asdict(result), indent=2, allow_nan=False)
    (folder / RESULT).write_text(text + "\n")


def read_result(folder: str | os.PathLike[str], known: Run | None = None) -> Result:
    """The result in a run's folder, of the run `known` or else of the run that it tells of.

    Raises DataError where there is none that can be read.
    """
    file = os.path.join(folder, RESULT)
    try:
        return from_record(json.loads(content(file)), folder, known)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"'{folder}' is not the folder of a run: it has no {RESULT}") from None
    except KeyError as error:
        raise DataError(f"'{file}' is damaged: it says nothing of {error}") from None
    except (OSError, ValueError, TypeError, AttributeError, UsageError) as error:
        raise DataError(f"'{file}' is damaged or is not the result of a run: {error}") from None


def from_record(
    said: Mapping[str, Any], folder: str | os.PathLike[str], known: Run | None = None
) -> Result:
    """A result from what its folder says of it, of the run `known` or else of that told of.

    Raises KeyError, TypeError or AttributeError for what is no result.
    """
    run = known or read_run(said["run"])
    metrics = {name: Value(**value) for name, value in said["metrics"].items()}
    shape = said["event_shape"]
    read = {
        "run": run,
        "metrics": metrics,
        "event_shape": None if shape is None else tuple(shape),
        "folder": os.fspath(folder),
    }
    return Result(**{**said, **read})


def read_run(said: Mapping[str, Any]) -> Run:
    integrator = said["integrator"]
    return Run(
        **{
            **said,
            "method": Choice(**said["method"]),
            "problem": Choice(**said["problem"]),
            "budget": Budget(**said["budget"]),
            "integrator": Choice(**integrator) if integrator else None,
            "metrics": tuple(Choice(**metric) for metric in said["metrics"]),
        }
    )
