"""How many rows of samples are copies of others, and how many of those rounding has made."""

from __future__ import annotations

import numpy as np
from torch import Tensor

STEPS = 2
"""Bits by which cells are made larger, twice."""
PLACES = 4
"""Decimals of rounded values at most that are known as such."""
_TOLD = 0.05
"""Rounding of float32, in steps of the last decimal, below which that is known."""
_AT_ONCE = 2**20
"""Numbers that are hashed at once."""


def copies(points: Tensor) -> int:
    """How many of the points (N, *E), in float32, are copies of others."""
    return len(points) - len(_counts(_hashes(_bits(points))))


def by_rounding(points: Tensor) -> float:
    """How many pairs of equal points (N, *E), in float32, rounding is expected to have made.

    Draws of a density fall into cells of the width of the last bit that is used, and pairs within a
    cell look equal. In cells 2^k times as wide are 2^(kd) times as many pairs of that kind, where d
    is the dimension of the set that the density is on; but as many copies. So the pairs in cells of
    three widths tell how many are of either kind.
    """
    cells = _cells(_bits(points))
    # Of numbers that came in half precision, say, the last bits are 0.
    used = np.bitwise_or.reduce(cells, axis=0)
    last = np.log2(np.maximum(used & -used, 1).astype(float)).astype(np.int64)
    equal, near, far = (_pairs(_hashes(cells >> (last + k * STEPS))) for k in range(3))
    # far - near = r (near - equal), and the copies that rounding made are (near - equal) / (r - 1).
    first, second = near - equal, far - near
    return first**2 / (second - first) if second > first else float(first)


def _bits(points: Tensor) -> np.ndarray:
    """Points (N, *E) as the bits of float32 (N, D)."""
    # Sums with 0 have no negative zeros, which are other bits for the same number.
    bits: np.ndarray = (points.flatten(1) + 0.0).numpy().view(np.uint32)
    return bits


def _cells(bits: np.ndarray) -> np.ndarray:
    """Bits (N, D) as whole numbers, those of columns of decimals as the multiples that they are."""
    cells = bits.astype(np.int64)
    for k, values in enumerate(bits.view(np.float32).T.astype(float)):
        for places in range(PLACES + 1):
            steps = values * 10.0**places
            whole = np.rint(steps)
            rounding = np.abs(steps) * 2.0**-23
            if rounding.max() < _TOLD and (np.abs(steps - whole) <= rounding).all():
                cells[:, k] = whole
                break
    return cells


def _hashes(rows: np.ndarray) -> np.ndarray:
    """A hash (N,) of 64 bits for each row (N, D): a sum with odd factors, exact for D = 1."""
    count, width = rows.shape
    factors = np.random.default_rng(0).integers(2**63, size=width, dtype=np.uint64) * 2 + 1
    found = np.empty(count, dtype=np.uint64)
    step = max(1, _AT_ONCE // width)
    for k in range(0, count, step):
        found[k : k + step] = (rows[k : k + step].astype(np.uint64) * factors).sum(1)
    return found


def _counts(hashes: np.ndarray) -> np.ndarray:
    """How often each number stands in (N,)."""
    # Sorted, which takes less time and memory than numpy's table of what it saw.
    hashes.sort()
    begins = np.flatnonzero(np.diff(hashes)) + 1
    return np.diff(begins, prepend=0, append=len(hashes))


def _pairs(hashes: np.ndarray) -> int:
    counts = _counts(hashes)
    return int((counts * (counts - 1) // 2).sum())
