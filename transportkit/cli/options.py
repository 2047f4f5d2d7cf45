"""Options that commands share, and the file that can give them instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from ..core.record import Choice
from ..errors import UsageError, did_you_mean

F = TypeVar("F", bound=Callable[..., Any])

DEFAULTS: Mapping[str, Any] = {
    "data": [],
    "source": None,
    "target": None,
    "set": {},
    "seed": 0,
    "seeds": "0",
    "budget": None,
    "integrator": None,
    "nfe": None,
    "metric": [],
    "device": "auto",
    "points": 2000,
    "train": 10_000,
    "batch": 4096,
    "threads": 1,
    "out": "runs",
    "jobs": 1,
    "method": None,
    "methods": [],
}


def shared(command: F) -> F:
    """The options of every command that executes runs."""
    for option in reversed(
        [
            click.option("--data", multiple=True, metavar="NAME[:k=v,..]", help="A problem."),
            click.option("--source", metavar="FILE", help="Your own samples of P."),
            click.option("--target", metavar="FILE", help="Your own samples of Q."),
            click.option("--budget", metavar="steps=N|seconds=S", help="Training allowed."),
            click.option("--integrator", metavar="NAME[:k=v,..]", help="How lines are followed."),
            click.option("--nfe", type=int, metavar="N", help="Evaluations a line, at most."),
            click.option(
                "--metric", multiple=True, metavar="NAME[:k=v,..]", help="A metric (default: all)."
            ),
            click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps."),
            click.option("--points", type=int, metavar="N", help="Points judged on (2000)."),
            click.option(
                "--train", type=int, metavar="N", help="Training samples drawn from a law (10000)."
            ),
            click.option("--batch", type=int, metavar="N", help="Lines followed at once (4096)."),
            click.option("--threads", type=int, metavar="N", help="CPU threads of a run (1)."),
            click.option("--out", metavar="DIR", help="Where runs are kept (runs)."),
            click.option("--config", metavar="FILE", help="A YAML file with these options."),
            click.option("--fresh", is_flag=True, help="Do again what was done before."),
            click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
            click.option("--quiet", "-q", is_flag=True, help="No progress."),
            debug,
        ]
    ):
        command = option(command)
    return command


debug = click.option("--debug", is_flag=True, help="Show tracebacks.")


def merged(given: Mapping[str, Any], config: str | None, allowed: set[str]) -> dict[str, Any]:
    """Defaults, then the config file, then what was typed."""
    values = {name: DEFAULTS[name] for name in allowed}
    if config is not None:
        values.update(_read_config(Path(config), allowed))
    typed = {k: v for k, v in given.items() if k in allowed and v not in (None, (), {})}
    if typed.keys() & {"data", "source", "target"}:
        # A problem that is typed takes the place of the file's, however either is named.
        values |= {name: DEFAULTS[name] for name in ("data", "source", "target")}
    return {**values, **typed}


def _read_config(path: Path, allowed: set[str]) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"there is no file '{path}'") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"'{path}' cannot be read: {reason}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"'{path}' is not YAML: {_yaml_trouble(error)}") from None
    if not isinstance(content, dict) or not content:
        raise UsageError(f"'{path}' should hold options by name, such as 'seed: 0'")
    read = {}
    for key, value in content.items():
        name = {"metrics": "metric"}.get(str(key), str(key))
        if name not in allowed:
            raise UsageError(
                f"'{path}' has an unknown option '{key}'; {did_you_mean(name, allowed)}"
            )
        if value is not None:
            read[name] = _config_value(path, name, value)
    return read


def _yaml_trouble(error: Exception) -> str:
    """What YAML says is wrong, and where, in one line."""
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{getattr(error, 'problem', None) or ' '.join(str(error).split())}{place}"


def _config_value(path: Path, name: str, value: Any) -> Any:
    """A value from YAML as the value of an option: text as typed, a number, or a Choice."""
    if name == "set":
        if not isinstance(value, dict):
            raise UsageError(f"'set' in '{path}' should hold parameters by name")
        return value
    if name in ("data", "metric", "methods"):
        items = value if isinstance(value, list) else [value]
        return [_asked(path, name, item) for item in items]
    if name in ("integrator", "method"):
        return _asked(path, name, value)
    if name == "seeds":
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)
    if name == "budget" and isinstance(value, dict):
        return ",".join(f"{k}={v}" for k, v in value.items())
    if name in ("seed", "nfe", "points", "train", "batch", "threads", "jobs"):
        return _whole_number(path, name, value)
    if not isinstance(value, str):
        raise UsageError(f"'{name}' in '{path}' should be text, not {value!r}")
    return value


def _asked(path: Path, name: str, value: Any) -> str | Choice:
    """A name as typed, or {name: ..., key: value} as the Choice of these parameters."""
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return Choice(value["name"], {str(k): v for k, v in value.items() if k != "name"})
    if isinstance(value, str):
        return value
    raise UsageError(f"'{name}' in '{path}' should be a name, or hold name and parameters")


def _whole_number(path: Path, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"'{name}' in '{path}' should be a whole number, not {value!r}")
    return value


def parse_set(pairs: tuple[str, ...]) -> dict[str, str]:
    """``key=value`` texts by key."""
    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set takes key=value, not '{pair}'")
        values[key] = value
    return values
