"""Into how many shares a CUDA device divides the charges."""

from __future__ import annotations

import torch

_PROGRAMS = 16
"""Programs for each multiprocessor that are worth dividing the charges for."""
_FEWEST = 256
"""Charges in a share at least."""


def shares(
    count: int, number: int, rows: int, columns: int, device: torch.device, most: int = 0
) -> tuple[int, int]:
    """How many shares the charges are divided into so that the device is busy, and their size.

    `most` is the largest size of one, where not any will do.
    """
    busy = _PROGRAMS * torch.cuda.get_device_properties(device).multi_processor_count
    parts = max(1, min(busy // -(-count // rows), number // _FEWEST))
    if most:
        parts = max(parts, -(-number // most))
    share = -(-number // (parts * columns)) * columns
    return -(-number // share), share
