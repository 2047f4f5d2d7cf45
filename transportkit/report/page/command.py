"""The command that does a run again."""

from __future__ import annotations

import shlex
from typing import Any

from ... import registry
from ...core.choice import Choice
from ...core.record import Budget, Run


def command(run: Run) -> str:
    """A `tk run` that makes the same Run, with every setting that is not the default."""
    words = ["tk", "run", written("method", run.method), "--data", written("problem", run.problem)]
    words += ["--seed", str(run.seed)]
    if str(run.budget) != "default":
        words += ["--budget", _budget(run.budget)]
    if run.integrator:
        words += ["--integrator", written("integrator", run.integrator)]
    if run.nfe is not None:
        words += ["--nfe", str(run.nfe)]
    for metric in run.metrics:
        words += ["--metric", written("metric", metric)]
    words += ["--device", run.device]
    plain = Run(run.method, run.problem)
    for name in ("points", "train", "batch", "threads"):
        if getattr(run, name) != getattr(plain, name):
            words += [f"--{name}", str(getattr(run, name))]
    if run.tf32:
        words += ["--tf32"]
    return shlex.join(words)


def written(kind: str, choice: Choice) -> str:
    """``name:key=value,key=value`` with the parameters that are not the default."""
    try:
        default = registry.parse_choice(kind, choice.name).params
    except Exception:
        # Parameters without default, or a plugin that is no longer here: all of them are written.
        default = {}
    changed = {k: v for k, v in choice.params.items() if k not in default or default[k] != v}
    if not changed:
        return choice.name
    return f"{choice.name}:" + ",".join(f"{k}={_text(v)}" for k, v in changed.items())


def _budget(budget: Budget) -> str:
    """As it is read; a number of seconds with all of its digits, since the run's key has them."""
    return str(budget) if budget.seconds is None else f"seconds={budget.seconds!r}"


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return "/".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
