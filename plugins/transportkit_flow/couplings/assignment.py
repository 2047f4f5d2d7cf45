"""The assignment problem by the auction algorithm, to a proven tolerance.

Bertsekas, "The auction algorithm", Annals of Operations Research 14, 1988: rows bid for the
columns that serve them best, each bid raising a price by the gap to the second best and a
slack. When every row has its column, the total exceeds the least one by at most n times the slack,
so a batch needs no more work than its tolerance asks for. The slack falls from phase to phase,
which keeps prices from creeping.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

_FIRST, _FALL = 0.05, 0.2
# Relative to the range of costs: below it, single-precision costs themselves are uncertain.
_FINEST = 1e-7


def assign(cost: NDArray[np.float32], offset: float, tolerance: float) -> NDArray[np.int64]:
    """The column of each row in a one-to-one assignment of nearly least cost.

    cost (n, n) may have been shifted; `offset` is what has to be added to a mean of n entries to
    have the true mean cost, which is not negative. The assignment's true cost is within the factor
    1 + `tolerance` of the least, or within 1e-7 of the range of costs a row. Deterministic.

    Raises ValueError for a cost that is not finite or not square.
    """
    if cost.ndim != 2 or cost.shape[0] != cost.shape[1]:
        raise ValueError(f"an assignment needs a square cost, not {cost.shape}")
    spread = float(cost.max() - cost.min()) if cost.size else 0.0
    if not np.isfinite(spread):
        raise ValueError("an assignment needs finite costs; look for NaN or infinity in the points")
    if spread == 0:
        return np.arange(len(cost))
    return _auction(
        np.ascontiguousarray(cost), offset, tolerance, _FIRST * spread, _FINEST * spread
    )


@numba.njit(nogil=True)
def _auction(cost, offset, tolerance, slack, finest):  # type: ignore[no-untyped-def]
    n = len(cost)
    price = np.zeros(n)
    owner = np.empty(n, np.int64)
    column = np.empty(n, np.int64)
    waiting = np.empty(n, np.int64)
    while True:
        for i in range(n):
            owner[i] = -1
            waiting[i] = n - 1 - i
        count = n
        while count > 0:
            row = waiting[count - 1]
            best, second, at = np.inf, np.inf, 0
            for j in range(n):
                value = cost[row, j] + price[j]
                if value < second:
                    if value < best:
                        second, best, at = best, value, j
                    else:
                        second = value
            # A lone column has no second; any rise will do.
            price[at] += slack + (second - best if n > 1 else 0.0)
            column[row] = at
            if owner[at] < 0:
                count -= 1
            else:
                waiting[count - 1] = owner[at]
            owner[at] = row
        total = 0.0
        for i in range(n):
            total += cost[i, column[i]]
        # The least mean cost is at least this one's less the slack.
        if slack <= tolerance * (offset + total / n - slack) or slack <= finest:
            return column
        slack = max(slack * _FALL, finest)
