"""Suites: experiments as YAML files."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..core.choice import Choice
from ..core.record import Budget
from ..errors import UsageError, did_you_mean
from .atomic import write_whole
from .plan import Asked, parse_seeds
from .sizing import AUTO, Sizing

log = logging.getLogger("transportkit")
ALIASES = {
    "method": "methods",
    "data": "problems",
    "problem": "problems",
    "seed": "seeds",
    "metric": "metrics",
    "budget": "budgets",
    "integrator": "integrators",
    "nfe": "nfes",
}
OWN = "own"
"""How a method's own integrator or number of evaluations is written in a list of several."""


def read_suite(path: Path, reduced: bool = False) -> dict[str, Any]:
    """The fields of an `Experiment` that a suite gives; with `reduced`, as its block of that name
    has them. Raises UsageError for whatever is not understood."""
    content = load_mapping(path, "an experiment, such as 'methods: [cfm, emd]'")
    smaller = content.pop("reduced", None)
    read = suite_fields(content, f"'{path}'")
    if smaller is None and not reduced:
        return read
    if not isinstance(smaller, dict) or not smaller:
        raise UsageError(f"'{path}' has no block 'reduced' that says what is smaller")
    # Read even where it is not asked for, so that a slip in it shows.
    less = suite_fields(smaller, f"'reduced' in '{path}'")
    return {**read, **less} if reduced else read


def keep_suite(path: Path, folder: Path) -> None:
    """Copy a suite into a folder of runs, under its name and a digest, so that the folder says what
    made it."""
    try:
        content = path.read_bytes()
        kept = folder / "suites"
        file = kept / f"{path.stem}-{hashlib.sha256(content).hexdigest()[:8]}{path.suffix}"
        if not file.exists():
            kept.mkdir(exist_ok=True)
            write_whole(content, file, folder)
    except OSError as error:
        # The runs say the same, each for itself.
        log.warning("the suite could not be copied to %s: %s", folder, error.strerror)


def suite_fields(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Fields of an `Experiment` from plain data; `where` names it in messages."""
    read: dict[str, Any] = {}
    for key, value in content.items():
        name = ALIASES.get(str(key), str(key))
        if name not in _READERS:
            # The block 'reduced' holds no other.
            known = {*_READERS, "reduced", *ALIASES} - {key}
            raise UsageError(f"{where} has an unknown key '{key}'; {did_you_mean(str(key), known)}")
        if name in read:
            raise UsageError(f"{where} has '{key}' twice, under different names")
        if value is not None:
            read[name] = _READERS[name](value, f"'{key}' in {where}")
    return read


def load_mapping(path: Path, what: str) -> dict[str, Any]:
    """A YAML file that holds values by name; `what` says what it should hold."""
    import yaml

    from .plain_yaml import load

    try:
        content = load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no file '{path}'") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"'{path}' cannot be read: {reason}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"'{path}' is not YAML: {_yaml_trouble(error)}") from None
    except ValueError as error:
        raise UsageError(f"'{path}' cannot be used: {error}") from None
    if not isinstance(content, dict) or not content:
        raise UsageError(f"'{path}' should hold {what}")
    return content


def _yaml_trouble(error: Exception) -> str:
    """What YAML says is wrong, and where, in one line."""
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{getattr(error, 'problem', None) or ' '.join(str(error).split())}{place}"


def several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def asked(value: Any, where: str) -> Asked:
    """A name as typed, or {name: ..., key: value} as the Choice of these parameters."""
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return Choice(value["name"], {str(k): v for k, v in value.items() if k != "name"})
    if isinstance(value, str):
        return value
    raise UsageError(f"{where} should be a name, or hold name and parameters")


def whole_number(value: Any, where: str) -> int:
    if isinstance(value, float) and value.is_integer():
        # As YAML reads 1e3.
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{where} should be a whole number, not {value!r}")
    return value


def points(value: Any, where: str) -> int | str:
    """A number, or a text that has it chosen, which {resolve: 10%} stands for as well."""
    if isinstance(value, dict):
        settings = ",".join(f"{k}={v}" for k, v in value.items())
        value = f"{AUTO}:{settings}" if settings else AUTO
    if isinstance(value, str):
        Sizing.parse(value)
        return value
    return whole_number(value, where)


def yes_or_no(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{where} should be true or false, not {value!r}")
    return value


def text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where} should be text, not {value!r}")
    return value


def budget_text(value: Any) -> str:
    """A budget as typed, from ``steps=2000`` or from {steps: 2000}."""
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def seeds_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def parse_nfes(words: str) -> list[int | None]:
    """``20`` or ``2,4,20``; ``own`` is the number that the integrator has by itself."""
    try:
        read = [None if word.strip() == OWN else int(word) for word in words.split(",")]
    except ValueError:
        raise UsageError(f"nfe reads 20 or 2,4,20, not '{words}'") from None
    return list(dict.fromkeys(read))


def parse_values(value: Any) -> list[Any]:
    """The values of a sweep: a list of them, or ``1e-3,1e-4``."""
    return value.split(",") if isinstance(value, str) else several(value)


def _many(value: Any, where: str) -> list[Asked]:
    return [asked(one, where) for one in several(value)]


def _integrators(value: Any, where: str) -> list[Asked | None]:
    return [None if one == OWN else asked(one, where) for one in several(value)]


def _nfes(value: Any, where: str) -> list[int | None]:
    if not isinstance(value, str):
        return [None if one == OWN else whole_number(one, where) for one in several(value)]
    return parse_nfes(value)


def values_by_name(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} should hold values by name, not {value!r}")
    return {str(k): v for k, v in value.items()}


def _overrides(value: Any, where: str) -> dict[str, dict[str, Any]]:
    return {
        k: values_by_name(v, f"'{k}' of {where}") for k, v in values_by_name(value, where).items()
    }


def _sweep(value: Any, where: str) -> dict[str, list[Any]]:
    return {k: parse_values(v) for k, v in values_by_name(value, where).items()}


def data(value: Any, where: str) -> Any:
    """What JSON can say: it is kept and shown with the results."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{where} should be text, numbers, lists and values by name: {error}"
        ) from None
    return value


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "methods": _many,
    "problems": _many,
    "metrics": _many,
    "seeds": lambda value, where: parse_seeds(seeds_text(value)),
    "budgets": lambda value, where: [Budget.parse(budget_text(v)) for v in several(value)],
    "integrators": _integrators,
    "nfes": _nfes,
    "overrides": _overrides,
    "sweep": _sweep,
    "device": text,
    "points": points,
    **dict.fromkeys(("train", "batch", "threads"), whole_number),
    "tf32": yes_or_no,
    **dict.fromkeys(("protocol", "published"), data),
}
