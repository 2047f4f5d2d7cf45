"""The assignment problem by the auction algorithm, to a proven tolerance.

Bertsekas, "The auction algorithm", Annals of Operations Research 14, 1988: rows bid for the
columns that serve them best, each bid raising a price by the gap to the second best and a
slack. When every row has its column, the total exceeds the least one by at most n times the slack,
so a batch needs no more work than its tolerance asks for. The slack falls from phase to phase,
which keeps prices from creeping.

Nearly all the time goes into finding the best and the second best column of a bid. Values are not
negative, so that as integers their bits have the same order, and minima of integers are what the
compiler turns into vector instructions, in the same pass that makes the values. Rounding can leave
a distance of nearly nothing below it; such are taken for least, in any order. In few dimensions
costs are made anew from the coordinates, which stay in the nearest cache where the matrix of costs
does not.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

COORDINATES = 6
"""Up to so many dimensions costs are made from coordinates."""

_FIRST, _FALL = 0.3, 0.15
# Relative to the mean cost: below it, single-precision costs and prices are uncertain.
_FINEST = 1e-6
# Columns are padded to whole blocks, in which a minimum is found at once; then one is searched.
_BLOCK = 64

Floats = NDArray[np.float32]


def assign(cost: Floats, tolerance: float) -> NDArray[np.int64]:
    """The column of each row in a one-to-one assignment of nearly least cost.

    cost (n, n) must not be negative. The assignment's cost is within the factor 1 + `tolerance` of
    the least, or within a few 1e-6 of the mean cost a row. Deterministic.

    Raises ValueError for a cost that is negative, not finite or not square.
    """
    return _solve(cost, tolerance)[0]


def prices(cost: Floats, tolerance: float) -> Floats:
    """What columns (n,) are worth in such an assignment: with least cost + price by row they are a
    solution of the dual problem, within as much of the best. Raises as `assign`."""
    return _solve(cost, tolerance)[1]


def _solve(cost: Floats, tolerance: float) -> tuple[NDArray[np.int64], Floats]:
    if cost.ndim != 2 or cost.shape[0] != cost.shape[1]:
        raise ValueError(f"an assignment needs a square cost, not {cost.shape}")
    n = len(cost)
    mean = float(cost.mean()) if n else 0.0
    if not np.isfinite(mean) or (n and cost.min() < 0):
        raise ValueError(
            "an assignment needs costs that are finite and not negative; look for NaN or infinity "
            "in the points"
        )
    if mean == 0:
        return np.arange(n), np.zeros(n, np.float32)
    width = _padded(n)
    padded = np.ascontiguousarray(cost)
    if width > n:
        padded = np.full((n, width), np.inf, np.float32)
        padded[:, :n] = cost
    none = np.zeros((0, 0), np.float32)
    column, price = _auction(
        padded,
        np.zeros((n, 2), np.float32),
        none,
        np.zeros(n, np.float32),
        _columns(n, width),
        *_slack(mean, tolerance),
    )
    return column, price[:n]


def assign_points(x: Floats, y: Floats, tolerance: float) -> NDArray[np.int64]:
    """`assign` for the squared distances |x_i - y_j|^2 of points x, y (n, D), D at most
    `COORDINATES`."""
    n, dim = x.shape
    squares = np.square(x).sum(1), np.square(y).sum(1)
    mean = float(squares[0].mean() + squares[1].mean())
    if not np.isfinite(mean):
        raise ValueError("an assignment needs finite points; look for NaN or infinity")
    if mean == 0:
        return np.arange(n)
    if dim == 1:
        # On the line the order of the points is the answer.
        found = np.empty(n, np.int64)
        found[np.argsort(x[:, 0], kind="stable")] = np.argsort(y[:, 0], kind="stable")
        return found
    width = _padded(n)
    # The loop takes two coordinates at once.
    left = np.zeros((n, max(2, dim)), np.float32)
    left[:, :dim] = -2 * x
    right = np.zeros((max(2, dim), width), np.float32)
    right[:dim, :n] = y.T
    columns = _columns(n, width)
    columns[:n] = squares[1]
    none = np.zeros((0, 0), np.float32)
    column, _ = _auction(none, left, right, squares[0], columns, *_slack(mean, tolerance))
    return column


def _padded(n: int) -> int:
    return -(-n // _BLOCK) * _BLOCK


def _columns(n: int, width: int) -> Floats:
    """The part of the cost that belongs to a column; no row wants one that is padding."""
    columns = np.full(width, np.inf, np.float32)
    columns[:n] = 0
    return columns


def _slack(mean: float, tolerance: float) -> tuple[float, np.float32, np.float32]:
    """The tolerance, the first slack and the finest."""
    return tolerance, np.float32(_FIRST * mean), np.float32(_FINEST * mean)


@numba.njit(nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _auction(cost, left, right, rows, columns, tolerance, slack, finest):  # type: ignore[no-untyped-def]
    n, dim, width = len(rows), len(right), len(columns)
    largest = np.int32(2**31 - 1)
    price = columns.copy()
    owner = np.empty(n, np.int64)
    column = np.empty(n, np.int64)
    waiting = np.empty(n, np.int64)
    value, further = np.empty(width, np.float32), np.empty(width, np.float32)
    order = value.view(np.int32)
    while True:
        for i in range(n):
            owner[i] = -1
            waiting[i] = n - 1 - i
        count = n
        while count > 0:
            row = waiting[count - 1]
            best, second, begin = largest, largest, 0
            # A loop for each kind, that each may be one of vectors.
            own, a, b = rows[row], left[row, 0], left[row, 1]
            for d in range(2, dim):
                c = left[row, d]
                for j in range(width):
                    further[j] = (further[j] if d > 2 else price[j]) + c * right[d, j]
            for block in range(0, width, _BLOCK):
                least = largest
                if dim == 0:
                    for j in range(block, block + _BLOCK):
                        entry = price[j] + cost[row, j]
                        value[j] = entry
                        least = min(least, np.float32(entry).view(np.int32))
                elif dim == 2:
                    for j in range(block, block + _BLOCK):
                        entry = price[j] + own + a * right[0, j] + b * right[1, j]
                        value[j] = entry
                        least = min(least, np.float32(entry).view(np.int32))
                else:
                    for j in range(block, block + _BLOCK):
                        entry = further[j] + own + a * right[0, j] + b * right[1, j]
                        value[j] = entry
                        least = min(least, np.float32(entry).view(np.int32))
                if least < best:
                    second, best, begin = best, least, block
                else:
                    second = min(second, least)
            at = begin
            while order[at] != best:
                at += 1
            lowest = value[at]
            order[at] = largest
            for j in range(begin, begin + _BLOCK):
                second = min(second, order[j])
            order[0] = second
            # A lone column has no second; any rise will do.
            gap = value[0] - lowest if n > 1 else np.float32(0)
            raised = price[at] + (slack + gap)
            if not raised > price[at]:
                # A rise below the spacing of numbers of this size.
                raised = price[at] * np.float32(1 + 2.4e-7) + finest
            price[at] = raised
            column[row] = at
            if owner[at] < 0:
                count -= 1
            else:
                waiting[count - 1] = owner[at]
            owner[at] = row
        total = 0.0
        for i in range(n):
            j = column[i]
            if dim == 0:
                total += cost[i, j]
            else:
                entry = rows[i] + columns[j]
                for d in range(dim):
                    entry += left[i, d] * right[d, j]
                total += max(entry, 0.0)
        mean = total / n
        # The least mean cost is at least this one's less the slack.
        if slack <= tolerance * (mean - slack) or slack <= finest:
            return column, price
        enough = 0.9 * tolerance / (1 + tolerance) * max(mean - slack, 0.0)
        slack = max(np.float32(min(0.6 * slack, max(_FALL * slack, enough))), finest)
