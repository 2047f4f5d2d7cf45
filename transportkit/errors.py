"""Errors whose message is one line for the user, and the exit status each stands for."""

from __future__ import annotations

from collections.abc import Iterable


class TransportkitError(Exception):
    """Base of every error that transportkit raises on purpose.

    The message says what was wrong and what to do, in one line; the command line prints it as it
    is and exits with `exit_status`.
    """

    exit_status = 1


class UsageError(TransportkitError):
    """The request itself is wrong: a name, a parameter, a value, a file."""

    exit_status = 2


class DataError(UsageError):
    """The samples given cannot be used."""


class PluginError(TransportkitError):
    """A plugin could not be found, imported or understood."""


class Refusal(TransportkitError):
    """A method, metric or integrator says that it does not apply, and why."""

    exit_status = 2


class Diverged(TransportkitError):
    """Training met a loss that is not finite."""


class RunFailed(TransportkitError):
    """A run came to no figures: it raised an error, or memory ran out."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A clause naming the nearest of `known`, or all of them where none is near."""
    # Needed by those alone who mistyped.
    import difflib

    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}" if known else "none is known"
