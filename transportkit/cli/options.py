"""Options that commands share, and the file that can give them instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

F = TypeVar("F", bound=Callable[..., Any])


class Once(click.Option):
    """An option that says one thing: typed again with another value it is refused, not replaced.

    One that is `joined` holds several values with commas between them.
    """

    def __init__(self, *declarations: Any, joined: bool = False, **settings: Any) -> None:
        super().__init__(*declarations, **settings)
        self.joined = joined

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        if self.multiple or self.is_flag:
            super().add_to_parser(parser, ctx)
        else:
            parser.add_option(self, self.opts, self.name, action="append", nargs=self.nargs)

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, Any]:
        given = opts.get(self.name or "")
        if isinstance(given, list) and not self.multiple:
            # While a shell completes the line nothing is refused.
            if len(set(given)) > 1 and not ctx.resilient_parsing:
                name, each = max(self.opts, key=len), list(dict.fromkeys(given))
                typed = " and as ".join(f"'{value}'" for value in each)
                once = f"write {name} {','.join(each)}" if self.joined else "give it once"
                raise UsageError(f"{name} is given as {typed}; {once}")
            opts = {**opts, self.name or "": given[-1]}
        return super().consume_value(ctx, opts)


option = partial(click.option, cls=Once)

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
    "tf32": False,
    "out": "runs",
    "jobs": 1,
    "executor": None,
    "method": None,
    "methods": [],
    "sweep": {},
    "track": None,
    "fresh": False,
    "json": False,
    "quiet": False,
    "alone": False,
}
YES_OR_NO = {"tf32", "fresh", "json", "quiet", "alone"}


class _Whole(click.ParamType):
    """A whole number, also as 1e3."""

    name = "integer"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            number = int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", str(value)) else float(value)
            if number == int(number):
                return int(number)
        except (ValueError, OverflowError):
            pass
        self.fail(f"{value!r} is not a valid integer.", param, ctx)


WHOLE = _Whole()
BUDGETS = "steps=N|seconds=S|samples=N"


def one_way(command: F) -> F:
    """How one run is trained and its lines followed."""
    return _with(
        command,
        option("--budget", metavar=BUDGETS, help="Training allowed."),
        option("--integrator", metavar="NAME[:k=v,..]", help="How lines are followed."),
        option("--nfe", type=WHOLE, metavar="N", help="Evaluations a line, at most."),
        option("--points", type=WHOLE, metavar="N", help="Points judged on (2000)."),
    )


def several_ways(command: F) -> F:
    """How the runs of an experiment are trained and their lines followed, one way or several."""
    return _with(
        command,
        option("--budget", multiple=True, metavar=BUDGETS, help="Training allowed."),
        option(
            "--integrator", multiple=True, metavar="NAME[:k=v,..]", help="How lines are followed."
        ),
        option(
            "--nfe",
            metavar="2,4,20",
            joined=True,
            help="Evaluations a line, at most; one fit serves all.",
        ),
        option(
            "--points",
            metavar="N|auto[:resolve=50%]",
            help="Points judged on (2000), or as many as a difference takes to be seen.",
        ),
        option("--sweep", multiple=True, metavar="KEY=V1,V2", help="Values of a parameter."),
        option("--suite", metavar="FILE", help="A YAML file that describes an experiment."),
        option("--reduced", is_flag=True, help="The suite as its block 'reduced' has it."),
    )


def shared(command: F) -> F:
    """The options of every command that executes runs."""
    return _with(
        command,
        *(
            option("--data", multiple=True, metavar="NAME[:k=v,..]", help="A problem."),
            option("--source", metavar="FILE", help="Your own samples of P."),
            option("--target", metavar="FILE", help="Your own samples of Q."),
            option(
                "--metric",
                multiple=True,
                metavar="NAME[:k=v,..]",
                help="A metric (default: all but those computed by name only).",
            ),
            option("--device", metavar="NAME", help="auto, cpu, cuda or cuda:N."),
            option(
                "--train",
                type=WHOLE,
                metavar="N",
                help="Training samples drawn from a law (10000).",
            ),
            option("--batch", type=WHOLE, metavar="N", help="Lines followed at once (4096)."),
            option("--threads", type=WHOLE, metavar="N", help="CPU threads of a run (1)."),
            option("--tf32", is_flag=True, default=None, help="Coarser, faster float32 on a GPU."),
            option("--out", metavar="DIR", help="Where runs are kept (runs)."),
            option("--config", metavar="FILE", help="A YAML file with these options."),
            option(
                "--track", type=click.Choice(["tensorboard"]), help="Tell a tracker of every run."
            ),
            option("--fresh", is_flag=True, help="Do again what was done before."),
            option("--json", "as_json", is_flag=True, help="Print one JSON document."),
            option("--quiet", "-q", is_flag=True, help="No progress."),
            debug,
        ),
    )


def _with(command: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        command = option(command)
    return command


debug = option("--debug", is_flag=True, help="Show tracebacks.")


def merged(given: Mapping[str, Any], config: str | None, allowed: set[str]) -> dict[str, Any]:
    """Defaults, then the config file, then what was typed."""
    return {**{name: DEFAULTS[name] for name in allowed}, **chosen(given, config, allowed)}


def chosen(given: Mapping[str, Any], config: str | None, allowed: set[str]) -> dict[str, Any]:
    """What the config file says, then what was typed; nothing where neither says anything."""
    values = {} if config is None else _read_config(config, allowed)
    typed = {k: v for k, v in given.items() if k in allowed and _is_typed(v)}
    for name, value in typed.items():
        # As an unset variable of the shell leaves it.
        if value == "" or (isinstance(value, tuple) and "" in value):
            raise UsageError(f"{name} is given as an empty text; name one, or leave it out")
    if typed.keys() & {"data", "source", "target"}:
        # A problem that is typed takes the place of the file's, however either is named.
        for name in ("data", "source", "target"):
            values.pop(name, None)
    return {**values, **typed}


def _is_typed(value: Any) -> bool:
    """Whether an option was given; a flag that was not is False, which no option means by a 0."""
    return value is not False and value not in (None, (), {})


def _read_config(file: str, allowed: set[str]) -> dict[str, Any]:
    # Reading YAML is not for the commands that list and describe, nor are paths.
    from pathlib import Path

    from ..harness.suite import load_mapping

    path = Path(file)
    read = {}
    for key, value in load_mapping(path, "options by name, such as 'seed: 0'").items():
        name = {"metrics": "metric"}.get(str(key), str(key))
        if name not in allowed:
            raise UsageError(
                f"'{path}' has an unknown option '{key}'; {did_you_mean(name, allowed)}"
            )
        if value is not None:
            read[name] = _config_value(path, name, value)
    return read


def _config_value(path: Path, name: str, value: Any) -> Any:
    """A value from YAML as the value of an option: text as typed, a number, or a Choice."""
    from ..harness.suite import (
        asked,
        budget_text,
        points,
        seeds_text,
        several,
        text,
        values_by_name,
        whole_number,
        yes_or_no,
    )

    where = f"'{name}' in '{path}'"
    if name == "set":
        if not isinstance(value, dict):
            raise UsageError(f"'set' in '{path}' should hold parameters by name")
        return value
    if name in ("data", "metric", "methods"):
        return [asked(item, where) for item in several(value)]
    if isinstance(value, list) and name in ("integrator", "nfe", "budget"):
        return [_config_value(path, name, item) for item in value]
    if name in YES_OR_NO:
        return yes_or_no(value, where)
    if name == "sweep":
        return values_by_name(value, where)
    if name in ("integrator", "method", "executor"):
        return asked(value, where)
    if name == "seeds":
        return seeds_text(value)
    if name == "budget" and isinstance(value, dict):
        return budget_text(value)
    if name == "points":
        return points(value, where)
    if name in ("seed", "nfe", "train", "batch", "threads", "jobs"):
        return whole_number(value, where)
    return text(value, where)


def parse_set(pairs: tuple[str, ...], option: str = "--set") -> dict[str, str]:
    """``key=value`` texts by key."""
    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} takes key=value, not '{pair}'")
        if values.setdefault(key, value) != value:
            raise UsageError(
                f"{option} gives {key} as '{values[key]}' and as '{value}'; give it once"
            )
    return values
