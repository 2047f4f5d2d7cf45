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


class TooLarge(UsageError):
    """More memory is asked for than this machine has; another may have it."""


class DataError(UsageError):
    """The samples given cannot be used."""


class PluginError(TransportkitError):
    """A plugin could not be found, imported or understood."""


class Refusal(TransportkitError):
    """A method, metric or integrator says that it does not apply, and why."""

    exit_status = 2


class Diverged(TransportkitError):
    """Training met a loss that is not finite, or its model moves no point to a finite one."""


class RunFailed(TransportkitError):
    """A run came to no figures: it raised an error, or memory ran out."""


class Unwritten(TransportkitError):
    """What was computed could not be written."""


def unwritable(place: object, why: Exception | str) -> str:
    """The line for a file or folder that the system does not let be written."""
    space = "free some space or " if is_full(why) else ""
    return f"'{place}' cannot be written: {in_words(why)}; {space}choose another place"


def is_full(why: Exception | str) -> bool:
    """Whether a disk, or the share of it that one may use, is full."""
    # Needed by those alone whose disk is.
    import errno

    full = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
    return getattr(why, "errno", None) in full


def in_words(why: Exception | str) -> str:
    """An error in one line, that of the system without its number."""
    text = getattr(why, "strerror", None) or " ".join(str(why).split())
    return text or type(why).__name__


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A clause naming the nearest of `known`, or all of them where none is near."""
    known = sorted(known)
    if near := nearest(name, known):
        return f"did you mean '{near}'?"
    return f"known: {', '.join(known)}" if known else "none is known"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that was meant, if any is near."""
    # Needed by those alone who mistyped.
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return near[0] if near else None
