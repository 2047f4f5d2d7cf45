"""The superposition from exact coordinate differences, in plain torch.

Slow in high dimension (two passes over every coordinate of every pair) but nothing in it can
cancel, overflow or underflow, so it also answers for the rows that faster ways give up.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .partial import Partial

PAIRS = {"cpu": 1 << 17, "cuda": 1 << 24}
"""Pairs held at once: a handful of buffers of one MiB each, which stay in a core's cache, and of
128 MiB on a GPU, which has to be kept busy."""


def superpose(
    points: Tensor, charges: Tensor, weights: Tensor, pairs: int | None = None
) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p over charges (N, p) at points (M, p), in their dtype.

    Weights (N,) must not be zero. Terms are weighed in log space against the largest so far, so
    that no power of a distance is formed. A charge at a point contributes nothing to that point.
    """
    count, width = points.shape
    pairs = pairs or PAIRS.get(points.device.type, PAIRS["cpu"])
    vector = points.new_zeros(count, width)
    magnitude = points.new_zeros(count)
    log_scale = points.new_full((count,), -torch.inf)
    wide = max(1, min(charges.shape[0], 2048, pairs))
    tall = max(1, pairs // wide)
    log_weights = weights.abs().log()
    signs = weights.sign()
    for start in range(0, charges.shape[0], wide):
        block = slice(start, start + wide)
        columns = charges[block].T.contiguous()
        for low in range(0, count, tall):
            rows = slice(low, low + tall)
            new = _block(points[rows], columns, log_weights[block], signs[block], log_scale[rows])
            kept = torch.exp(log_scale[rows] - new.log_scale).nan_to_num_(nan=0.0)
            vector[rows] = vector[rows] * kept[:, None] + new.vector
            magnitude[rows] = magnitude[rows] * kept + new.magnitude
            log_scale[rows] = new.log_scale
    return Partial(vector, magnitude, log_scale)


def _block(
    points: Tensor, columns: Tensor, log_weights: Tensor, signs: Tensor, log_scale: Tensor
) -> Partial:
    """One tile: points (m, p), columns (p, n) of charges, scaled at least by log_scale (m,)."""
    width, wide = columns.shape
    squares = points.new_zeros(points.shape[0], wide)
    step = torch.empty_like(squares)
    for k in range(width):
        torch.sub(points[:, k, None], columns[k], out=step)
        squares.addcmul_(step, step)
    touching = squares == 0
    terms = squares.log().mul_(-0.5 * width).add_(log_weights)
    terms.masked_fill_(touching, -torch.inf)
    scale = torch.maximum(log_scale, terms.amax(dim=1))
    terms.sub_(torch.where(scale > -torch.inf, scale, 0.0)[:, None]).exp_()
    magnitude = torch.linalg.vecdot(terms, squares.sqrt_())
    terms.mul_(signs)
    vector = torch.empty_like(points)
    for k in range(width):
        torch.sub(points[:, k, None], columns[k], out=step)
        vector[:, k] = torch.linalg.vecdot(terms, step)
    return Partial(vector, magnitude, scale)
