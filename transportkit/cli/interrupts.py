"""Ctrl-C that does no harm and cannot get lost.

Raised in the middle of an import, an interrupt leaves half a module behind, ends as some other
error, or aborts the process in a library's own code. There it is held back until the import is
over.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType

PATIENCE = 0.05
"""Seconds after which an interrupt that was held back tries again."""


class Interrupts:
    """While entered, SIGINT raises KeyboardInterrupt, but within an import only once it is over.

    A second one raises it wherever it strikes. Only the main thread gets signals, and only
    Python's own handler is replaced.
    """

    def __init__(self) -> None:
        self.struck = self.trying = False
        self.timer: threading.Timer | None = None
        self.ours = False

    def __enter__(self) -> Interrupts:
        global _current
        self.ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self.ours:
            _current = self
            signal.signal(signal.SIGINT, self._strike)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _current
        self._disarm()
        if self.ours:
            _current = None
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise the KeyboardInterrupt that was held back, or swallowed, if one was."""
        if self.struck:
            self._disarm()
            raise KeyboardInterrupt

    def _strike(self, number: int, frame: FrameType | None) -> None:
        self._disarm()
        first = self.trying or not self.struck
        self.struck, self.trying = True, False
        if not (first and _importing(frame)):
            raise KeyboardInterrupt
        self.timer = threading.Timer(PATIENCE, self._try_again)
        self.timer.daemon = True
        self.timer.start()

    def _try_again(self) -> None:
        self.trying = True
        os.kill(os.getpid(), signal.SIGINT)

    def _disarm(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


_current: Interrupts | None = None


def check() -> None:
    """What `Interrupts.check` does for the command that is running, if there is one."""
    if _current is not None:
        _current.check()


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
