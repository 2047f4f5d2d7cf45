"""Names of rows: a method, or a problem, with whatever tells it apart from others of that name."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeVar

from .. import registry
from ..core.choice import Choice
from ..core.record import Run

T = TypeVar("T")
Place = tuple[str, str]
"""A row of the table, whatever its metric: its method and its problem."""
_SETTINGS = ("device", "points", "train", "batch", "threads", "tf32")


def label(choice: Choice, others: Sequence[Choice]) -> str:
    """A choice's name, with the parameters in which it differs from others of that name."""
    return labels([*others, choice])[-1]


def labels(choices: Sequence[Choice]) -> list[str]:
    """Each choice's name, with the parameters in which it differs from others of that name."""
    return _by_name(choices, lambda choice: choice.name, _with_parameters)


def metric_label(choice: Choice) -> str:
    """How a metric is called in results: its name, with parameters where they are not default."""
    spec = registry.describe("metric", choice.name).spec
    default = registry.parse_choice("metric", choice.name).params if spec else {}
    changed = {k: v for k, v in choice.params.items() if default.get(k) != v}
    if not changed:
        return choice.name
    return f"{choice.name}:" + ",".join(f"{k}={v}" for k, v in changed.items())


def places(runs: Sequence[Run]) -> list[Place]:
    """The names of each run's method and of its problem.

    Each problem is looked at for itself, so that a method's name says only what differs there.
    """
    names = labels([run.problem for run in runs])
    groups: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        groups[name].append(i)
    found = [("", name) for name in names]
    for name, own in groups.items():
        for i, method in zip(own, row_labels([runs[i] for i in own]), strict=True):
            found[i] = (method, name)
    return found


def row_labels(runs: Sequence[Run]) -> list[str]:
    """A name for the method of each run, so that only runs of equal settings have equal names.

    What differs among the runs of a method is named: its parameters, the integrator, the number
    of evaluations, the budget, and how it was judged.
    """
    return _by_name(runs, lambda run: run.method.name, _with_settings)


def _by_name(
    things: Sequence[T], name: Callable[[T], str], group_labels: Callable[[list[T]], list[str]]
) -> list[str]:
    groups: dict[str, list[int]] = defaultdict(list)
    for i, thing in enumerate(things):
        groups[name(thing)].append(i)
    found = [""] * len(things)
    for places in groups.values():
        for i, text in zip(places, group_labels([things[i] for i in places]), strict=True):
            found[i] = text
    return found


def _with_parameters(group: list[Choice]) -> list[str]:
    # Runs of one plan share their choices, so each is looked at once however many runs there are.
    unique = {id(choice): choice for choice in group}
    keys = dict.fromkeys(key for choice in unique.values() for key in choice.params)
    differing = [
        key for key in keys if _several(choice.params.get(key) for choice in unique.values())
    ]
    short = {
        key: _short([c.params[key] for c in unique.values() if key in c.params])
        for key in differing
    }
    texts = {i: _written(choice, short) for i, choice in unique.items()}
    return [texts[id(choice)] for choice in group]


def _written(choice: Choice, short: Mapping[str, Mapping[str, str]]) -> str:
    """A choice's name with the parameters of these keys, by the short forms of their texts."""
    params = choice.params
    settings = [f"{key}={of[_text(params[key])]}" for key, of in short.items() if key in params]
    return f"{choice.name}:{','.join(settings)}" if settings else choice.name


def _short(values: Sequence[Any]) -> dict[str, str]:
    """What is written of each value, by its text. Of the names of files that is as much of their
    end as tells them apart: a table goes to others, who know nothing of the folders here."""
    parts = {_text(v): PurePath(v).parts if _is_path(v) else (_text(v),) for v in values}
    for count in range(1, max(map(len, parts.values()))):
        tails = {text: os.path.join(*each[-count:]) for text, each in parts.items()}
        if len(set(tails.values())) == len(tails):
            return tails
    return {text: text for text in parts}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and os.sep in value


def _with_settings(group: list[Run]) -> list[str]:
    parts = [_with_parameters([run.method for run in group])]
    integrators = [run.integrator for run in group if run.integrator]
    names = iter(labels(integrators))
    written = [next(names) if run.integrator else "" for run in group]
    parts += _if_several(written)
    parts += _if_several(
        ["" if not r.integrator else f"nfe={'own' if r.nfe is None else r.nfe}" for r in group]
    )
    parts += _if_several([str(run.budget) for run in group])
    for setting in _SETTINGS:
        parts += _if_several([f"{setting}={getattr(run, setting)}" for run in group])
    return [" ".join(filter(None, words)) for words in zip(*parts, strict=True)]


def _if_several(words: list[str]) -> list[list[str]]:
    return [words] if len(set(words)) > 1 else []


def _several(values: Any) -> bool:
    return len({_hashable(value) for value in values}) > 1


def _hashable(value: Any) -> Hashable:
    return json.dumps(value, sort_keys=True, default=str)


def _text(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
