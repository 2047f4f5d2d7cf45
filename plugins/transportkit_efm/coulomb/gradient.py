"""The gradient of a field's direction and log magnitude, streamed over blocks of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

PAIRS = {"cpu": 1 << 18, "cuda": 1 << 24}
"""Pairs held at once, times the number of coordinates in low dimension."""


def gradients(
    points: Tensor,
    charges: Tensor,
    weights: Tensor,
    field: tuple[Tensor, Tensor],
    grads: Sequence[Tensor],
    log_area: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients (M, p), (N, p), (N,) of a loss by points, charges and weights.

    `field` is (direction u, log_magnitude l), `grads` the loss's gradients by both. With
    E = exp(l) u the loss's gradient by E is exp(-l) G, G = g_u - (u . g_u) u + g_l u, and one
    term w d / (S |d|^p), d = x - y, passes it on as s w (G - p d (d . G) / |d|^2) to x, minus
    that to y, and s (d . G) to w, where s = exp(-p log |d| - log S - l). Sums are in float64.
    Points where the field is zero have no gradient and pass nothing on.
    """
    out = points.dtype
    u, log_magnitude = (part.double() for part in field)
    grad_u, grad_log = (grad.double() for grad in grads)
    alive = torch.isfinite(log_magnitude)
    pull = grad_u - (grad_u * u).sum(1, keepdim=True) * u + grad_log[:, None] * u
    pull = torch.where(alive[:, None], pull, 0.0)
    level = torch.where(alive, log_magnitude, 0.0) + log_area
    x, y, w = points.double(), charges.double(), weights.double()
    grad_x, grad_y, grad_w = torch.zeros_like(x), torch.zeros_like(y), torch.zeros_like(w)
    width = x.shape[1]
    wide = max(1, min(y.shape[0], 512))
    tall = max(1, PAIRS.get(x.device.type, PAIRS["cpu"]) // (wide * width))
    for start in range(0, y.shape[0], wide):
        block = slice(start, start + wide)
        for low in range(0, x.shape[0], tall):
            rows = slice(low, low + tall)
            step = x[rows, None] - y[None, block]
            squares = (step * step).sum(2)
            factor = torch.exp(-0.5 * width * squares.log() - level[rows, None])
            factor = factor.masked_fill_(squares == 0, 0.0)
            along = torch.einsum("mnp,mp->mn", step, pull[rows])
            grad_w[block] += (factor * along).sum(0)
            factor *= w[block]
            turned = factor * along * width / squares.masked_fill(squares == 0, 1.0)
            by_pair = factor[..., None] * pull[rows, None] - turned[..., None] * step
            grad_x[rows] += by_pair.sum(1)
            grad_y[block] -= by_pair.sum(0)
    return grad_x.to(out), grad_y.to(out), grad_w.to(out)
