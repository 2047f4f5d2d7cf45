"""Running out of memory: how it shows, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

ADVICE: Mapping[str, str] = {
    "fit": "training; lower the method's batch or size, or train, the number of its samples",
    "push": "moving points; lower batch, the lines that are followed at once",
    "judge": "judging; lower points",
}
"""By phase of a run."""


def ran_out(error: BaseException) -> bool:
    """On the device, in Python, or in torch's allocator on the CPU, which raises RuntimeError."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def advice(phase: str) -> str:
    """Where memory ran out, and what to lower."""
    return ADVICE.get(phase, ADVICE["judge"])
