"""Running out of memory: how it shows, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..core.allowed import check_room
from ..core.problem import Problem
from ..core.record import Run

FEW = 64
"""Points of each side that are drawn of any problem."""
ADVICE: Mapping[str, str] = {
    "fit": "training; lower the method's batch or size, or train, the number of its samples",
    "push": "moving points; lower batch, the lines that are followed at once",
    "judge": "judging; lower points",
}
"""By phase of a run."""


def check_parameters(run: Run) -> None:
    """Raise TooLarge where a problem's `dim` is beyond this machine before any point is drawn.

    Of any problem a few points are looked at; what more it takes is counted once it is there.
    """
    dim = run.problem.params.get("dim")
    if isinstance(dim, int):
        check_room(2 * 4 * FEW * dim, f"{FEW} points of each side with dim={dim}", "lower dim")


def check_fits(run: Run, problem: Problem, device: torch.device | None = None) -> None:
    """Raise TooLarge where the samples of a run are clearly more than this machine can hold, or
    than a CUDA `device` has free.

    Counted are the training samples of both sides, of the points that it is judged on source,
    moved and target, the last two in double precision once more, as distances take them, and of a
    method's batch both sides, a state and what it should become.
    """
    ends = (problem.source.size, problem.target.size)
    train, points = (
        min([asked, *(size for size in ends if size is not None)])
        for asked in (run.train, run.points)
    )
    asked = problem.dim * (2 * 4 * train + (3 * 4 + 2 * 8) * points)
    what = f"{points} points" if 28 * points > 8 * train else f"{train} training samples"
    # They are drawn and kept in the machine's memory, whatever the device.
    for place in dict.fromkeys((None, device)):
        check_room(asked, f"{what} of dimension {problem.dim}", "ask for fewer", place)
    batch = run.method.params.get("batch")
    if isinstance(batch, int):
        what = f"gradient steps with batch={batch} in dimension {problem.dim}"
        check_room(problem.dim * 4 * 4 * batch, what, "lower batch", device)


def ran_out(error: BaseException) -> bool:
    """On the device, in Python, or in torch's allocator on the CPU, which raises RuntimeError."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def advice(phase: str) -> str:
    """Where memory ran out, and what to lower."""
    return ADVICE.get(phase, ADVICE["judge"])
