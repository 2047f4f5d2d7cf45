"""Means over all pairs of points, streamed: memory for one block, never for all pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..core.threads import threads

_BLOCKS = {"cpu": (256, 512)}
"""Rows and columns of one block: within the cache of one core."""
_DEVICE_BLOCK = (4096, 8192)
_DIRECT_DIM = 8
"""Up to this dimension differences are formed one by one; above, a matrix product is faster."""


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """|x - y|^2 for all pairs, (n, m), from x (n, D) and y (m, D) in float64, by one product.

    The error is some 1e-16 of |x|^2 + |y|^2: give points about a common centre.
    """
    product = torch.addmm(y.square().sum(1), x, y.mT, alpha=-2)
    return product.add_(x.square().sum(1, keepdim=True)).clamp_min_(0)


def mean_over_pairs(function: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """The mean of function(|x - y|^2) over all pairs of x (n, D) and y (m, D), float64.

    `function` is applied elementwise to a block, which it may overwrite. In low dimension a block
    is in float32, from differences and so exact to single precision for near pairs too; above it
    is float64. Rows of blocks are summed in float64. Where y is x, no pair of blocks is computed
    twice.
    """
    high, wide = _BLOCKS.get(x.device.type, _DEVICE_BLOCK)
    low = x.shape[1] <= _DIRECT_DIM
    columns = [_columns(c) if low else c for c in y.split(wide)]
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    with threads(1):
        for i, rows in enumerate(x.split(high)):
            across = _columns(rows) if low else rows
            # Of the blocks to the left of the diagonal, the mirror images are counted instead.
            first = i * high // wide if y is x else 0
            for j, some in enumerate(columns[first:], first):
                block = _by_differences(across, some) if low else squared_distances(rows, some)
                block = function(block)
                if y is x:
                    block = _weigh(block, i * high, j * wide)
                total += block.sum(1).double().sum()
    return total.item() / (len(x) * len(y))


def _columns(x: Tensor) -> Tensor:
    """Points (n, D) as contiguous coordinates (D, n) in float32."""
    return x.mT.float().contiguous()


def _by_differences(x: Tensor, y: Tensor) -> Tensor:
    """|x - y|^2 (n, m) from coordinates x (D, n) and y (D, m)."""
    total = (x[0, :, None] - y[0]).square_()
    for k in range(1, len(x)):
        difference = x[k, :, None] - y[k]
        total.addcmul_(difference, difference)
    return total


def _weigh(block: Tensor, row: int, column: int) -> Tensor:
    """A block of a symmetric matrix with its upper triangle doubled and its lower one removed."""
    last_row, first_column = row + block.shape[0] - 1, column
    if first_column > last_row:
        return block.mul_(2)
    return block.triu(row - column) + block.triu(row - column + 1)
