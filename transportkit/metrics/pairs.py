"""Sums over all pairs of points, streamed: memory for one block, never for all pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

BLOCK = 1024
"""Rows and columns of one block: 8 MB in float64."""


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """|x - y|^2 for all pairs, (n, m), from x (n, D) and y (m, D) in float64, by one product.

    The error is some 1e-16 of |x|^2 + |y|^2: give points about a common centre.
    """
    product = torch.addmm(y.square().sum(1), x, y.mT, alpha=-2)
    return product.add_(x.square().sum(1, keepdim=True)).clamp_min_(0)


def mean_over_pairs(function: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """The mean of function(|x - y|^2) over all pairs of x (n, D) and y (m, D), in float64.

    `function` is applied elementwise to a block, which it may overwrite. Where y is x, blocks
    below the diagonal are not computed twice.
    """
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    same = y is x
    for i, rows in enumerate(x.split(BLOCK)):
        for j, columns in enumerate(y.split(BLOCK)):
            if same and j < i:
                continue
            part = function(squared_distances(rows, columns)).sum()
            total += 2 * part if same and j > i else part
    return total.item() / (len(x) * len(y))
