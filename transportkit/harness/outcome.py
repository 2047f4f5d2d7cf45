"""What came of executing a run."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.record import Result

FAILED = ("failed", "diverged", "out of memory")


@dataclass(frozen=True)
class Outcome:
    """A result, whether it was found finished, and the traceback of what failed.

    `unwritten` says why the result could not be kept; it is empty where it was.
    """

    result: Result
    found: bool = False
    traceback: str = ""
    unwritten: str = ""
