"""What was meant by a command that is nearly right, for those who type it for the first time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click

from .. import registry
from ..errors import UsageError, did_you_mean
from .options import DEFAULTS

_MISSING = {
    "run_folder": "name the folder of a run, which tk run prints, such as runs/cfm-moons-seed0-...",
    "cell": "name the folder of a run, which tk run prints, such as runs/cfm-moons-seed0-...",
    "folder": "name the folder that runs are kept in, such as runs",
    "points": "name a file of points to move, such as new.npy",
    "name": "name what to tell of; tk list shows what there is",
}
"""What is said where an argument is missing, by its name."""


def check_words(command: str, words: Sequence[str]) -> None:
    """Raise UsageError where words of ``tk run`` or ``tk compare`` are anything but methods: they
    were meant for an option."""
    for word in words:
        name, sets, _ = word.partition("=")
        if sets and ":" not in name:
            raise UsageError(f"'{word}' is no method; {_as_option(command, name, word)}")
        bare = word.partition(":")[0]
        if _is("problem", bare) and not _is("method", bare):
            others = [each for each in words if _is("method", each.partition(":")[0])] or ["efm"]
            line = f"tk {command} {' '.join(others)} --data {word}"
            raise UsageError(f"'{word}' is a problem and no method; write {line}")
    if command == "run" and len(words) > 1:
        raise UsageError(
            f"tk run takes one method, not {len(words)}; write tk compare {' '.join(words)}"
        )


def command_of(word: str, known: Collection[str]) -> str:
    """What may have been meant by a command that there is not."""
    for kind, line in (("method", f"tk run {word} --data moons"), ("problem", _of_data(word))):
        if _is(kind, word.partition(":")[0]):
            return f"'{word}' is a {kind}; write {line}"
    return did_you_mean(word, known)


def missing(error: click.MissingParameter) -> str | None:
    """What to write where an argument is missing, if there is more to say than its name."""
    if not isinstance(error.param, click.Argument):
        return None
    return _MISSING.get(error.param.name or "")


def _of_data(word: str) -> str:
    return f"tk run efm --data {word}"


def _as_option(command: str, name: str, word: str) -> str:
    if name in DEFAULTS:
        return f"write --{name} {word.partition('=')[2]}"
    if name in ("seconds", "samples"):
        return f"write --budget {word}"
    way = f"--set {word}" if command == "run" else f"METHOD:{word}"
    return f"write {way} for a parameter" + (f", or --budget {word}" if name == "steps" else "")


def _is(kind: str, name: str) -> bool:
    return any(entry.name == name for entry in registry.entries(kind))
