"""Signals held back until a step is whole, so that what is kept of a fit can be resumed."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

_HELD = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2")
"""Ctrl-C, and those by which schedulers say that the machine is about to be taken away."""


class HeldSignals:
    """While entered, the first signal of a kind is noted, and handled by `release`; a second one at
    once.

    Only the main thread gets signals, and only handlers written in Python are replaced: elsewhere
    this does nothing.
    """

    def __init__(self) -> None:
        self.pending: list[int] = []
        self.replaced: dict[int, Any] = {}

    def __enter__(self) -> HeldSignals:
        if threading.current_thread() is threading.main_thread():
            for name in _HELD:
                number = getattr(signal, name, None)
                if number is not None and callable(signal.getsignal(number)):
                    self.replaced[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number in self.pending:
            self.pending.remove(number)
            self.replaced[number](number, frame)
        else:
            self.pending.append(number)

    def release(self) -> None:
        """Handle the signals that were held back, which raises what their handlers raise."""
        while self.pending:
            number = self.pending.pop(0)
            self.replaced[number](number, sys._getframe())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self.replaced.items():
            signal.signal(number, handler)
        # Also where a step failed: the machine is no less about to be taken away.
        self.release()
