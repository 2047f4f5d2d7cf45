"""Entropic optimal transport between two samples, in the log domain.

Cost |x - y|^2 / 2 and uniform weights. Only x.y couples the two sides, so the plan is written as
log p_ij = u_i + v_j + x_i.y_j / epsilon - log(N M), with the norms inside u and v. Nothing of the
size of the plan is kept: memory is that of one block of rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK = 2**22
"""Entries of the plan held at once."""
STAGE, FALL = 10, 0.5
"""Iterations at each epsilon on the way to the last, and from one epsilon to the next."""
_LEAST = -80.0
"""Exponents are raised to this: e^-80 adds nothing, and below it arithmetic on CPUs is slow."""


@dataclass(frozen=True)
class EntropicPlan:
    """u (N,) and v (M,) of the plan, of which the target marginal is exact where it is balanced.

    `error` is the share of mass misplaced by the source marginal (its total variation from
    uniform), or of an unbalanced plan that which the last iteration moved; `iterations` how many
    were made at the last epsilon.
    """

    u: Tensor
    v: Tensor
    error: float
    iterations: int


def solve(x: Tensor, y: Tensor, epsilon: float, *, tolerance: float, most: int) -> EntropicPlan:
    """The plan between x (N, D) and y (M, D) that minimises E|x - y|^2 / 2 + epsilon KL.

    Sinkhorn's iterations, epsilon halved from the cost's scale down (Schmitzer 2019, "Stabilized
    sparse scaling algorithms", section 3.2); x and y should be centred, for precision. Ends when
    the error is at most `tolerance`, or after `most` iterations at `epsilon`: the caller looks at
    `error`.
    """
    start = float(x.square().sum(1).mean() + y.square().sum(1).mean()) / 2
    now = max(epsilon, start)
    u = torch.zeros_like(x[:, 0])
    v = -y.square().sum(1) / (2 * now)
    iterations = 0
    while True:
        fitted = -soft_maximum(x, y, v, now)
        # The plan (u, v) has the row sums exp(u - fitted) / N; capped, for one far from the end.
        error = float((u - fitted).clamp(max=50).expm1().abs().mean()) / 2
        done = now <= epsilon and (error <= tolerance or iterations >= most)
        # No iteration mends what is not a number.
        if done or math.isnan(error):
            return EntropicPlan(u, v, error, iterations)
        u = fitted
        v = -soft_maximum(y, x, u, now)
        iterations += 1
        if now > epsilon and iterations >= STAGE:
            following = max(now * FALL, epsilon)
            u, v = u * (now / following), v * (now / following)
            now, iterations = following, 0


def soft_maximum(x: Tensor, y: Tensor, v: Tensor, epsilon: float) -> Tensor:
    """log of the mean over j of exp(v_j + x_i.y_j / epsilon), (N,), for x (N, D), y (M, D)."""
    rows = max(1, _BLOCK // len(y))
    parts = []
    for part in torch.split(x, rows):
        z = logits(part, y, v, epsilon)
        top = z.amax(1)
        z = z.sub_(top[:, None]).clamp_(min=_LEAST).exp_()
        parts.append(top + z.mean(1).log())
    return torch.cat(parts)


def logits(x: Tensor, y: Tensor, v: Tensor, epsilon: float) -> Tensor:
    """v_j + x_i.y_j / epsilon, (N, M): the log of the plan's density at x_i, up to a constant."""
    root = epsilon**0.5  # 1 / epsilon itself may be beyond single precision
    return torch.addmm(v, x / root, y.T / root)
