"""How many rows of samples are copies of others, and how many of those rounding has made."""

from __future__ import annotations

import numpy as np
from torch import Tensor

STEPS = 2
"""Bits by which cells are made larger, twice."""
GROWTH = 1.5
"""Times as many further pairs in the widest cells as in the next ones at least: nominally 4 or
more, and less where few values fill the cells."""
PLACES = 4
"""Decimals of rounded values at most that are known as such."""
MANY = 16
"""Dimensions beyond which two different draws never round to one."""
_SOME = 100_000
"""Rows of which that is told."""
_TOLD = 0.2
"""Rounding of float32, in steps, below which a step is known."""
_AT_ONCE = 2**20
"""Numbers that are hashed at once."""


def copies(points: Tensor) -> int:
    """How many of the points (N, *E), in float32, are copies of others."""
    return len(points) - len(_counts(_hashes(_bits(points))))


def by_rounding(points: Tensor) -> float:
    """How many pairs of equal points (N, *E), in float32, rounding is expected to have made.

    Draws of a density fall into cells of the width of its rounding, and pairs within a cell look
    equal. In cells 2^k times as wide are 2^(kd) times as many pairs of that kind, where d is the
    dimension of the set that the density is on; but as many copies. So the pairs in cells of three
    widths tell how many are of either kind. Where they do not grow so, as for columns of few
    values, and in more than MANY dimensions, where chance makes none, nothing is put down to it.
    """
    rows = points.flatten(1)
    if rows.shape[1] > MANY:
        return 0.0
    # Evenly, as files may be sorted.
    every = -(-len(rows) // _SOME)
    some = (rows[::every] + 0.0).numpy()
    cells = np.stack([_cells(column) for column in some.T], axis=1)
    equal, near, far = (_pairs(_hashes(cells >> (k * STEPS))) for k in range(3))
    # far - near = r (near - equal), and the copies that rounding made are (near - equal) / (r - 1).
    first, second = near - equal, far - near
    return first**2 / (second - first) * every**2 if second > GROWTH * first else 0.0


def _bits(points: Tensor) -> np.ndarray:
    """Points (N, *E) as the bits of float32 (N, D)."""
    # Sums with 0 have no negative zeros, which are other bits for the same number.
    bits: np.ndarray = (points.flatten(1) + 0.0).numpy().view(np.uint32)
    return bits


def _cells(column: np.ndarray) -> np.ndarray:
    """Values (N,) of float32 as whole numbers: of steps where all are multiples of one, else of the
    last bit that is used."""
    values = column.astype(float)
    known = np.unique(values)
    if len(known) > 1:
        spread = known[-1] - known[0]
        # Decimals, or whatever the nearest values differ by, as parts of a range do.
        steps = [10.0**-places for places in range(PLACES + 1)]
        for step in (*steps, spread / np.rint(spread / np.diff(known).min())):
            counts = known / step
            whole = np.rint(counts)
            rounding = np.abs(counts) * 2.0**-23
            if rounding.max() < _TOLD and (np.abs(counts - whole) <= rounding + 1e-9).all():
                largest = np.gcd.reduce((whole - whole[0]).astype(np.int64))
                return np.rint(values / step).astype(np.int64) // largest
    bits = column.view(np.uint32).astype(np.int64)
    # Of numbers that came in half precision, say, the last bits are 0.
    used = int(np.bitwise_or.reduce(bits))
    return bits >> max(used & -used, 1).bit_length() - 1


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
