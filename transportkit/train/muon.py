"""Muon: momentum whose update is made orthogonal, for the matrices between hidden layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_QUINTIC = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, replaced by its nearest semi-orthogonal matrix (Jordan et al. 2024,
    kellerjordan.github.io/posts/muon), times sqrt(max(1, rows / columns)).

    Unlike `torch.optim.Muon`, which always iterates in bfloat16, it does so in float32 on a CPU:
    many have no bfloat16 arithmetic, and the product of two small matrices is slow there.
    Matrices of one shape are iterated together.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        if any(p.ndim != 2 for group in self.param_groups for p in group["params"]):
            raise ValueError("Muon is for matrices; give other parameters to AdamW")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    update = self._nesterov(weight, weight.grad, group["momentum"])
                    alike[weight.shape].append((weight, update))
            for shape, pairs in alike.items():
                rate = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                updates = orthogonal(torch.stack([update for _, update in pairs]))
                for (weight, _), update in zip(pairs, updates, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-rate)

    def _nesterov(self, weight: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        average = state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)


def orthogonal(x: Tensor) -> Tensor:
    """Matrices x (B, n, m) with their singular values brought to about 1.

    Five rounds of the quintic iteration of Jordan et al. 2024, which does not converge but is near
    enough after them, wherever a singular value is not tiny against the norm.
    """
    a, b, c = _QUINTIC
    wide = x.shape[1] <= x.shape[2]
    y = x if wide else x.mT
    y = y.to(torch.bfloat16 if x.is_cuda else torch.float32)
    y = y / y.flatten(1).norm(dim=1).clamp_min(1e-7)[:, None, None]
    for _ in range(_ROUNDS):
        square = y @ y.mT
        y = torch.baddbmm(y, torch.baddbmm(square, square, square, beta=b, alpha=c), y, beta=a)
    return (y if wide else y.mT).to(x.dtype)
