"""Ctrl-C held back until a step is whole, so that what is kept of a fit can be resumed."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class HeldInterrupt:
    """While entered, the first SIGINT is noted and raised by `release`; a second one at once.

    Only the main thread gets signals, and only a handler written in Python is replaced: elsewhere
    this does nothing.
    """

    def __init__(self) -> None:
        self.pending = False
        self.replaced: Any = None

    def __enter__(self) -> HeldInterrupt:
        ours = callable(signal.getsignal(signal.SIGINT))
        if ours and threading.current_thread() is threading.main_thread():
            self.replaced = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.pending:
            raise KeyboardInterrupt
        self.pending = True

    def release(self) -> None:
        """Raise the KeyboardInterrupt that was held back, if there is one."""
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.replaced is not None:
            signal.signal(signal.SIGINT, self.replaced)
        if kind is None:
            self.release()
