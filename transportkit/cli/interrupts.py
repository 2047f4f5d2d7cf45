"""Ctrl-C that cannot get lost.

An interrupt that strikes in the middle of an import may be swallowed there, or come out as some
other error. It is remembered, so that the command still ends as interrupted.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

_struck = False


class Interrupts:
    """While entered, SIGINT raises KeyboardInterrupt as ever, and is remembered.

    Only the main thread gets signals, and only Python's own handler is replaced.
    """

    def __enter__(self) -> Interrupts:
        global _struck
        _struck = False
        self.ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self.ours:
            signal.signal(signal.SIGINT, _strike)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _strike(number: int, frame: FrameType | None) -> None:
    global _struck
    _struck = True
    signal.default_int_handler(number, frame)


def struck() -> bool:
    """Whether there was an interrupt since the command began."""
    return _struck


def check() -> None:
    """Raise the KeyboardInterrupt that was swallowed, if one was."""
    if _struck:
        raise KeyboardInterrupt
