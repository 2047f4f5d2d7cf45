"""Products of float32 matrices by the faster of torch's two libraries on the processor at hand.

torch multiplies float32 by MKL, which leaves AVX-512 alone on processors that are not its maker's;
oneDNN, which torch carries as well, takes it everywhere: twice as fast there
(`benchmarks/speed/coulomb.py`). It has no public name in torch for products of full precision.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

_LEAST = 1 << 20
"""Multiplications below which finding oneDNN's code costs more than it saves."""


def product(left: Tensor, right: Tensor) -> Tensor:
    """left (m, k) times the transpose of right (n, k): (m, n)."""
    if _served(left, right):
        return _by_onednn(left, right)
    return torch.mm(left, right.T)


def _served(left: Tensor, right: Tensor) -> bool:
    return (
        left.dtype == torch.float32
        and left.device.type == "cpu"
        and left.shape[0] * right.numel() >= _LEAST
        and bool(torch.backends.mkldnn.enabled)
        and _wide()
    )


@functools.cache
def _wide() -> bool:
    """Whether torch has oneDNN here, and the processor the vectors that it is better with."""
    if not torch.backends.mkldnn.is_available():
        return False
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    one = torch.ones(1, 1, dtype=torch.float32, device="cpu")
    try:
        return bool(_by_onednn(one, one).item() == 1.0)
    except Exception:
        # Another release of torch may have another name for it, or other arguments.
        return False


def _by_onednn(left: Tensor, right: Tensor) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, None, "none", [], "")
    return found
