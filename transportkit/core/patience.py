"""A limit on how long other people's code may take to import."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

VARIABLE = "TK_IMPORT_SECONDS"
DEFAULT = 120.0
LONGEST = 1e8
SWALLOWED = 3
"""After so many alarms an import is said to swallow them."""


class TookTooLong(BaseException):
    """Raised inside an import that has used up its time.

    No Exception, so that a plugin which swallows those is stopped as well.
    """


def seconds() -> float:
    """The limit in force; 0 for none. What the variable says otherwise is passed over."""
    try:
        limit = max(0.0, float(os.environ.get(VARIABLE, DEFAULT)))
        # Beyond what a system can set an alarm for there is no limit.
        return limit if limit < LONGEST else 0.0
    except ValueError:
        return DEFAULT


@contextmanager
def time_limit(who: str) -> Iterator[None]:
    """Raise TookTooLong within, once the limit is reached.

    Python can interrupt its main thread alone, and only where the system has alarms; elsewhere a
    warning says who is being waited for.
    """
    limit = seconds()
    said = f"its import took more than {limit:g} s; {VARIABLE} sets the limit"
    if not limit:
        yield
    elif threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        with _alarm(who, limit, said):
            yield
    else:
        warning = "%s takes more than %g s to import; still waiting for it"
        timer = threading.Timer(limit, _warn, (warning, who, limit))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


@contextmanager
def _alarm(who: str, limit: float, said: str) -> Iterator[None]:
    rings = itertools.count(1)

    def ring(number: int, frame: FrameType | None) -> None:
        if next(rings) == SWALLOWED:
            _warn("%s takes more than %g s to import and cannot be stopped", who, limit)
        raise TookTooLong(said)

    begun = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    # Again and again, for an import that swallows even this.
    pending, interval = signal.setitimer(signal.ITIMER_REAL, limit, min(limit, 1.0))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if pending:
            left = max(pending - (time.monotonic() - begun), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def _warn(text: str, who: str, limit: float) -> None:
    # Imported where it is needed, which is hardly ever.
    import logging

    logging.getLogger("transportkit").warning(text, who, limit)
