"""Full float32 in matrix products, whatever the process allows elsewhere."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import torch

_lock = threading.Lock()
_inside = 0
_before: list[tuple[Any, str]] = []


def _switches() -> list[Any]:
    """The per-backend settings of torch that let float32 products drop bits."""
    found = [torch.backends.cuda.matmul]
    with contextlib.suppress(AttributeError):
        found.append(torch.backends.mkldnn.matmul)  # type: ignore[attr-defined]
    return found


@contextlib.contextmanager
def full_products(device_type: str) -> Iterator[None]:
    """Inside, float32 products are float32: no autocast, no tf32, no bf16; then all is as before.

    The settings are the process's own, so entries are counted: the first saves, the last restores.
    """
    global _inside
    with torch.autocast(device_type, enabled=False):
        with _lock:
            _inside += 1
            if _inside == 1:
                _before.extend(_save())
        try:
            yield
        finally:
            with _lock:
                _inside -= 1
                if _inside == 0:
                    _restore()


def _save() -> list[tuple[Any, str]]:
    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        legacy = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        return [(None, legacy)]
    saved = [(switch, switch.fp32_precision) for switch in _switches()]
    for switch, value in saved:
        if value != "ieee":
            switch.fp32_precision = "ieee"
    return saved


def _restore() -> None:
    for switch, value in _before:
        if switch is None:
            torch.set_float32_matmul_precision(value)
        elif switch.fp32_precision != value:
            switch.fp32_precision = value
    _before.clear()
