"""What the loops ask of a CUDA device, asked once, and how they divide their charges for it."""

from __future__ import annotations

import contextlib
import functools

import torch

_PROGRAMS = 16
"""Programs for each multiprocessor that are worth dividing the charges for."""
_FEWEST = 256
"""Charges in a share at least."""


@functools.cache
def capability(device: torch.device) -> tuple[int, int]:
    """Its compute capability."""
    return torch.cuda.get_device_capability(device)


@functools.cache
def _multiprocessors(device: torch.device) -> int:
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


@functools.cache
def _several() -> bool:
    return torch.cuda.device_count() > 1


def on(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Inside, kernels start on this device; it takes time that is saved where there is one only."""
    return torch.cuda.device(device) if _several() else contextlib.nullcontext()


def power_of_two(least: int) -> int:
    """The smallest that is no less."""
    return 1 << (least - 1).bit_length()


def shares(
    count: int, number: int, rows: int, columns: int, device: torch.device, most: int = 0
) -> tuple[int, int]:
    """How many shares the charges are divided into so that the device is busy, and their size.

    `most` is the largest size of one, where not any will do.
    """
    busy = _PROGRAMS * _multiprocessors(device)
    parts = max(1, min(busy // -(-count // rows), number // _FEWEST))
    if most:
        parts = max(parts, -(-number // most))
    share = -(-number // (parts * columns)) * columns
    return -(-number // share), share
