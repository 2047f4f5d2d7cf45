"""What is said beside the metrics of runs: remarks, and why there is no value."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.record import Result
from ..registry import default_metrics


def remarks(result: Result) -> dict[str, str]:
    """The note of each metric of a run that has one.

    What a run computes of itself does not apply everywhere, of which nothing need be said; what was
    named for it is missed.
    """
    noted = {name: value for name, value in result.metrics.items() if value.note}
    if any(v.value is None for v in noted.values()):
        named = {metric.name for metric in result.run.metrics} != set(default_metrics())
        noted = {name: v for name, v in noted.items() if named or v.value is not None}
    return {name: value.note for name, value in noted.items()}


def shared_remarks(results: Sequence[Result]) -> dict[str, list[int]]:
    """What is said beside the metrics of the runs of one row, with the seeds of which it is said.

    What only some seeds say of a value is chance, and left out.
    """
    said: dict[str, list[int]] = {}
    missing = set()
    done = [result for result in results if result.status == "done"]
    for result in done:
        for name, note in remarks(result).items():
            text = f"{name}: {note}"
            said.setdefault(text, []).append(result.run.seed)
            if result.metrics[name].value is None:
                missing.add(text)
    return {t: seeds for t, seeds in said.items() if t in missing or len(seeds) == len(done)}
