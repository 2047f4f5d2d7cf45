"""Running out of memory: how it shows, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..core.allowed import check_room
from ..core.problem import Problem
from ..core.record import Run

FEW = 64
"""Points of each side that are drawn of any problem."""
COORDINATE, POINT = 40, 60
"""Bytes that a point takes on the CPU by its coordinate, and besides: source, target, and moved
points and statuses with the copies that are joined of their batches. A bit less than was seen."""
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

    Counted are the training samples of both sides, of a method's batch both sides, a state and what
    it should become, and the points that it is judged on: on the CPU what a map of them was seen to
    take without any distance, on a device source, moved and target, the last two in double
    precision once more, as distances take them.
    """
    ends = (problem.source.size, problem.target.size)
    train, points = (
        min([asked, *(size for size in ends if size is not None)])
        for asked in (run.train, run.points)
    )
    here = (run.device if device is None else device.type) == "cpu"
    each = COORDINATE * problem.dim + POINT if here else (3 * 4 + 2 * 8) * problem.dim
    judged, trained = each * points, 2 * 4 * problem.dim * train
    more, fewer = f"{points} points", "lower points"
    if trained > judged:
        more, fewer = f"{train} training samples", "lower train"
    # They are drawn and kept in the machine's memory, whatever the device.
    for place in dict.fromkeys((None, device)):
        check_room(judged + trained, f"{more} of dimension {problem.dim}", fewer, place)
    batch = run.method.params.get("batch")
    if isinstance(batch, int):
        what = f"gradient steps with batch={batch} in dimension {problem.dim}"
        check_room(problem.dim * 4 * 4 * batch, what, "lower batch", device)


def ran_out(error: BaseException) -> bool:
    """On the device, in Python, or in torch's allocator on the CPU, which raises RuntimeError."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def advice(phase: str, run: Run) -> str:
    """Where memory ran out, and what to lower."""
    if phase == "push" and run.points > run.batch:
        # What is moved in many batches is held whole before and after.
        return "moving points; lower points, or batch, the lines that are followed at once"
    return ADVICE.get(phase, ADVICE["judge"])
