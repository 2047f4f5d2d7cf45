"""What is said beside the metrics of runs: remarks, and why there is no value."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.record import Result
from ..registry import default_metrics

RIM = "arrived beside the target and were put on its rim"
LEAST_RIM = 5e-4
"""The share of lines from which on it is told: less reads as none."""


def on_rim(results: Sequence[Result]) -> str:
    """How many lines of these runs arrived beside the target; nothing where none did."""
    shares = [result.rim for result in results if result.rim is not None]
    share = sum(shares) / len(shares) if shares else 0.0
    return f"{share:.1%} of lines {RIM}" if share >= LEAST_RIM else ""


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
    """What is said beside the figures of the runs of one row, with the seeds of which it is said.

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
    kept = {t: seeds for t, seeds in said.items() if t in missing or len(seeds) == len(done)}
    if rim := on_rim(done):
        kept[rim] = [result.run.seed for result in done]
    return kept
