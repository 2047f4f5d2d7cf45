"""Progress where somebody watches: bars in a terminal, a line in a notebook, nothing in a pipe."""

from __future__ import annotations

import html
import sys
import time
from types import TracebackType
from typing import Any

from ..report.bars import PHASES, Bars

PAUSE = 0.2
"""Seconds between two redrawings in a notebook."""


class Silent:
    """Says nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def listen(self, phase: str, done: float, total: float | None, text: str) -> None:
        """A `Listener` for an executor."""

    def next_run(self, title: str) -> None:
        """One more run is over."""

    def say(self, text: str) -> None:
        """Something that the user should know."""


class Cell(Silent):
    """One line of HTML under a notebook's cell, redrawn in place and gone at the end.

    It asks for IPython alone: rich and tqdm want ipywidgets for what a line of HTML can do.
    """

    def __init__(self, total: int) -> None:
        self.total, self.over = total, 0
        self.drawn = 0.0
        self.handle: Any = None

    def __enter__(self) -> Cell:
        from IPython.display import HTML, display

        self.html = HTML
        self.handle = display(HTML(""), display_id=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.handle.update(self.html(""))

    def listen(self, phase: str, done: float, total: float | None, text: str) -> None:
        now = time.monotonic()
        if now - self.drawn < PAUSE:
            return
        self.drawn = now
        share = f' value="{done}" max="{total}"' if total else ""
        runs = f"run {self.over + 1} of {self.total}, " if self.total > 1 else ""
        said = html.escape(f"{runs}{PHASES.get(phase, phase)} {text}")
        self.handle.update(self.html(f"<progress{share}></progress> <small>{said}</small>"))

    def next_run(self, title: str) -> None:
        self.over += 1

    def say(self, text: str) -> None:
        from IPython.display import display

        display(self.html(f"<small>{html.escape(text)}</small>"))


def watched(wanted: bool | None, total: int = 1) -> Silent | Bars:
    """What shows the progress of `total` runs; where `wanted` is None, what suits the place."""
    if wanted is False:
        return Silent()
    if _in_notebook():
        return Cell(total)
    return Bars(total, shown=sys.stderr.isatty() if wanted is None else True)


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return running is not None and hasattr(running, "kernel")
