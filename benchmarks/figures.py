"""What benchmarks that compare methods share: a floor, figures with their scatter, and the page."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from transportkit import Problem, derive
from transportkit.metrics.slices import SlicedW2

PAIRS = 5


def floor_of(problem: Problem, points: int) -> float:
    """Sliced W2 between independent samples of the target, the mean over pairs."""
    return float(
        np.mean(
            [
                SlicedW2().distance(
                    *(problem.target.sample(points, derive(i, half)) for half in "ab"),
                    derive(0, "metric"),
                )
                for i in range(PAIRS)
            ]
        )
    )


def held_out(problem: Problem, points: int, seed: int) -> list[torch.Tensor]:
    """Points of the source to move and of the target to judge them by."""
    return [
        problem.source.sample(points, derive(seed, "x")),
        problem.target.sample(points, derive(seed, "y")),
    ]


def shown(values: Sequence[float]) -> str:
    """Mean ± standard deviation."""
    scatter = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{scatter}"


def page(
    title: str, setting: str, said: str, headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> str:
    """A page of Markdown that says how its table was made."""
    command = " ".join([f"python benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    lines = [
        f"# {title}",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, 1 thread, torch {torch.__version__}, "
        f"{setting}. Command: `{command}`",
        "",
        said,
        "",
        f"| {' | '.join(headings)} |",
        "|" + "---|" * len(headings),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def keep(text: str, out: Path | None) -> None:
    """Write a page to a file where one is named."""
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text)
