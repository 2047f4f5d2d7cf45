"""Progress bars in a terminal, on standard error."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

PHASES = {"fit": "fitting", "push": "moving points", "judge": "judging", "write": "writing"}


def messages() -> Console:
    """The console for everything that is not the result."""
    return Console(stderr=True, highlight=False)


class Bars:
    """Progress bars on standard error of one run, or of `total`; nothing where not `shown`."""

    def __init__(self, total: int = 1, *, shown: bool = True) -> None:
        self.shown = shown
        self.progress = Progress(
            TextColumn("{task.description:<34}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
            console=messages(),
            transient=True,
            disable=not self.shown,
        )
        self.overall: TaskID | None = None
        if total > 1:
            self.overall = self.progress.add_task("runs", total=total, text="")
        self.current = self.progress.add_task("starting", total=None, text="")
        self.prefix, self.phase = "", ""

    def __enter__(self) -> Bars:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def listen(self, phase: str, done: float, total: float | None, text: str) -> None:
        """A `Listener` for an executor."""
        if phase != self.phase:
            self.phase = phase
            self.progress.reset(self.current, total=total)
        self.progress.update(
            self.current,
            description=f"{self.prefix}{PHASES.get(phase, phase)}",
            completed=done,
            total=total,
            text=text,
        )

    def next_run(self, title: str = "") -> None:
        """One more run is over."""
        if self.overall is not None:
            self.progress.advance(self.overall)
            self.progress.update(self.overall, text=title)
        self.phase = ""

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.progress.console.print(text, soft_wrap=True, markup=False)
