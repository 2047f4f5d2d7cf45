"""Trackers: what is told of every run that is over, for programs that show experiments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ..core.parsing import parsed
from ..core.record import Result
from ..errors import UsageError

Tracker = Callable[[Result], None]


class TensorBoard:
    """Writes losses, metrics and settings of each run to `folder`, a folder for each run.

    Raises UsageError where tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                "tensorboard is not installed: pip install 'transportkit[tensorboard]', or leave "
                "out track"
            ) from None
        self.folder, self.writer = folder, SummaryWriter

    def __call__(self, result: Result) -> None:
        if result.status != "done" or result.folder is None:
            return
        run = result.run
        with self.writer(str(self.folder / Path(result.folder).name)) as writer:
            for step, loss in _history(Path(result.folder)):
                writer.add_scalar("loss", loss, step)
            for metric, value in result.metrics.items():
                if value.value is not None:
                    writer.add_scalar(f"metrics/{metric}", value.value)
                if value.ratio is not None:
                    writer.add_scalar(f"ratios/{metric}", value.ratio)
            writer.add_text("run", json.dumps(run.to_dict(), indent=2, sort_keys=True))


TRACKERS: Mapping[str, Callable[[Path], Tracker]] = {"tensorboard": TensorBoard}


def tracker(name: str | None, out: Path) -> Tracker | None:
    """The tracker of that name, which keeps what it writes in a folder of its name in `out`."""
    if name is not None and name not in TRACKERS:
        raise UsageError(f"unknown tracker '{name}'; known: {', '.join(TRACKERS)}")
    return TRACKERS[name](out / name) if name else None


def _history(folder: Path) -> list[tuple[int, float]]:
    try:
        return [(int(s), float(v)) for s, v in parsed((folder / "fit.json").read_text())["history"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
