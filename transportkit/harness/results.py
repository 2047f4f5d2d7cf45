"""What is said of a run in its folder: result.json."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from reprlib import repr as briefly
from typing import Any, get_args

from ..core.choice import Choice
from ..core.parsing import parsed
from ..core.record import Budget, Result, Run, Status, Value
from ..errors import DataError, UsageError
from .said import by_name, said_of
from .signing import OWN_DIGEST, signed, unsigned
from .unfit import warn_of_unfit
from .whole import content

RESULT = "result.json"
_STATUSES = frozenset(get_args(Status))
_NUMBERS = (
    "fit_seconds", "push_seconds", "judge_seconds", "steps", "loss", "nfe", "finished", "rim",
    "peak_memory_mb", "points",
)  # fmt: skip
_COUNTS = ("seed", "points", "train", "batch", "threads")


def write_result(folder: Path, result: Result) -> None:
    """Write result.json."""
    text = json.dumps(signed(asdict(result)), indent=2, allow_nan=False)
    (folder / RESULT).write_text(text + "\n")


def read_result(folder: str | os.PathLike[str], known: Run | None = None) -> Result:
    """The result in a run's folder, of the run `known` or else of the run that it tells of.

    Warns of parameters that the plugins at hand do not have. Raises DataError where there is none
    that can be read.
    """
    file = os.path.join(folder, RESULT)
    try:
        said = by_name(parsed(content(file)), "it")
        result = from_record({k: v for k, v in said.items() if k != OWN_DIGEST}, folder, known)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"'{folder}' is not the folder of a run: it has no {RESULT}") from None
    except KeyError as error:
        raise DataError(f"'{file}' is damaged: it says nothing of {error}") from None
    except (OSError, ValueError, TypeError, AttributeError, UsageError) as error:
        raise DataError(f"'{file}' is damaged or is not the result of a run: {error}") from None
    try:
        # After what says more of the damage.
        unsigned(said)
    except ValueError as error:
        raise DataError(
            f"'{file}' is damaged: {error}; the same command does the run again"
        ) from None
    if known is None:
        warn_of_unfit(result.run, file)
    return result


def from_record(
    said: Mapping[str, Any], folder: str | os.PathLike[str], known: Run | None = None
) -> Result:
    """A result from what its folder says of it, of the run `known` or else of that told of.

    Raises KeyError, TypeError, ValueError or AttributeError for what is no result.
    """
    if known is not None:
        # An index keeps runs apart from what it says of them.
        said = {**by_name(said, "it"), "run": known}
    said = said_of(Result, said, "it")
    run = known or read_run(said["run"])
    values = by_name(said["metrics"], "metrics")
    shape = said["event_shape"]
    read = {
        "run": run,
        "metrics": {
            name: Value(**said_of(Value, value, f"what it says of {name}"))
            for name, value in values.items()
        },
        "event_shape": None if shape is None else _shape(shape),
        "folder": os.fspath(folder),
    }
    result = Result(**{**said, **read})
    _check(result)
    return result


def _shape(said: Any) -> tuple[int, ...]:
    if not isinstance(said, list | tuple) or any(type(side) is not int for side in said):
        raise ValueError(f"event_shape should be whole numbers, not {said!r}")
    return tuple(said)


def _check(result: Result) -> None:
    """Raise ValueError for a field of another type than it is shown and reckoned with."""
    if result.status not in _STATUSES:
        raise ValueError(f"no run has the status {result.status!r}")
    if not isinstance(result.message, str) or not isinstance(result.machine, str):
        raise ValueError("message and machine should be texts")
    _check_judged(result)
    for name in _NUMBERS:
        _check_number(name, getattr(result, name))
    for metric, value in result.metrics.items():
        if not isinstance(value.note, str):
            raise ValueError(f"the note of {metric} should be a text")
        if not isinstance(value.resampled, bool):
            raise ValueError(f"resampled of {metric} should be true or false")
        for fact in ("value", "floor", "floor_std", "ratio"):
            _check_number(f"the {fact} of {metric}", getattr(value, fact))
    if not isinstance(result.alone, bool | None):
        raise ValueError(f"alone should be true or false, not {briefly(result.alone)}")
    for stop, share in by_name(result.stops, "stops").items():
        _check_number(f"the share of lines '{stop}'", share)


def _check_judged(result: Result) -> None:
    """Raise ValueError for a run that is done and was not judged by all that it asks for."""
    if result.status != "done":
        return
    for metric in result.run.metrics:
        # Where its parameters are not the default ones they follow the name.
        if metric.name not in result.metrics and not any(
            name.startswith(f"{metric.name}:") for name in result.metrics
        ):
            raise ValueError(f"it is done and says nothing of {metric.name}")


def _check_number(name: str, given: Any) -> None:
    if given is None or (type(given) is int and abs(given) < 1 << 63):
        return
    if type(given) is not float or not math.isfinite(given):
        raise ValueError(f"{name} should be a number, not {briefly(given)}")


def read_run(said: Any) -> Run:
    """A run from what is said of it. Raises as `from_record`."""
    said = said_of(Run, said, "run")
    integrator, metrics = said["integrator"], said["metrics"]
    for name in _COUNTS:
        if type(said[name]) is not int:
            raise ValueError(f"{name} should be a whole number, not {briefly(said[name])}")
    if type(said["nfe"]) is not int and said["nfe"] is not None:
        raise ValueError(f"nfe should be a whole number, not {briefly(said['nfe'])}")
    if not isinstance(said["tf32"], bool):
        raise ValueError(f"tf32 should be true or false, not {briefly(said['tf32'])}")
    if not isinstance(said["device"], str):
        raise ValueError(f"device should be a text, not {briefly(said['device'])}")
    if not isinstance(metrics, list | tuple):
        raise ValueError(f"the metrics of run should be a list, not {briefly(metrics)}")
    for name, version in by_name(said["versions"], "versions").items():
        if not isinstance(version, str):
            raise ValueError(f"the version of {name} should be a text, not {briefly(version)}")
    run = Run(
        **{
            **said,
            "method": read_choice(said["method"], "method"),
            "problem": read_choice(said["problem"], "problem"),
            "budget": Budget(**said_of(Budget, said["budget"], "budget")),
            "integrator": None if integrator is None else read_choice(integrator, "integrator"),
            "metrics": tuple(read_choice(metric, "one of the metrics") for metric in metrics),
        }
    )
    # It says ValueError of numbers that no run has.
    run.key()
    return run


def read_choice(said: Any, what: str) -> Choice:
    """A plugin chosen, from what is said of it; `what` names it. Raises KeyError or ValueError."""
    choice = Choice(**said_of(Choice, said, what))
    if not isinstance(choice.name, str):
        raise ValueError(f"the name of {what} should be a text, not {briefly(choice.name)}")
    by_name(choice.params, f"params of {what}")
    return choice
