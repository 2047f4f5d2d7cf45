"""Running out of memory: how it shows, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..core.problem import Problem
from ..core.record import Run
from ..errors import UsageError
from .allowed import free, total


class TooLarge(UsageError):
    """Samples that this machine cannot hold; another may."""


ADVICE: Mapping[str, str] = {
    "fit": "training; lower the method's batch or size, or train, the number of its samples",
    "push": "moving points; lower batch, the lines that are followed at once",
    "judge": "judging; lower points",
}
"""By phase of a run."""


def check_fits(run: Run, problem: Problem, device: torch.device | None = None) -> None:
    """Raise TooLarge where the samples of a run are clearly more than this machine can hold, or
    than a CUDA `device` has free.

    Counted are the training samples of both sides, and of the points that it is judged on source,
    moved and target, the last two in double precision once more, as distances take them.
    """
    ends = (problem.source.size, problem.target.size)
    train, points = (
        min([asked, *(size for size in ends if size is not None)])
        for asked in (run.train, run.points)
    )
    asked = problem.dim * (2 * 4 * train + (3 * 4 + 2 * 8) * points)
    places = {"": total()}
    if device is not None and device.type == "cuda":
        places[f" free on {device}"] = free(device)
    for where, there in places.items():
        if there is not None and asked > there:
            what = f"{points} points" if 28 * points > 8 * train else f"{train} training samples"
            raise TooLarge(
                f"{what} of dimension {problem.dim} take at least {asked / 2**30:,.0f} GiB of "
                f"memory, and there are {there / 2**30:,.0f}{where}; ask for fewer"
            )


def ran_out(error: BaseException) -> bool:
    """On the device, in Python, or in torch's allocator on the CPU, which raises RuntimeError."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def advice(phase: str) -> str:
    """Where memory ran out, and what to lower."""
    return ADVICE.get(phase, ADVICE["judge"])
